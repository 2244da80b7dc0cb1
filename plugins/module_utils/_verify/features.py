# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what a probe needs is installed by hand, in the words of a reason; docs/lab.md has the same at length.

Names of features: public role tables [C]; that these commands do it on each release is [K] unverified.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Server

Feature = t.Literal["DNS", "AD LDS", "NPS"]
CHOICES: t.Final[t.Mapping[str, Feature]] = {"dns": "DNS", "ad_lds": "AD LDS", "nps": "NPS"}
"""By the words of the option."""
_INSTANCES: t.Final = "adam_"
_SERVICES: t.Final[t.Mapping[Feature, str]] = {"DNS": "dns", "NPS": "ias"}
_DISM: t.Final[t.Mapping[Feature, str]] = {
    "DNS": "DNS-Server-Full-Role",
    "AD LDS": "DirectoryServices-ADAM",
    "NPS": "NPAS-Role",
}
_MANAGER: t.Final[t.Mapping[Feature, str]] = {"DNS": "DNS", "AD LDS": "ADLDS", "NPS": "NPAS"}
_OLD: t.Final[t.Mapping[Feature, str]] = {
    "DNS": "Windows' own setup",
    "AD LDS": "ADAM, a download of its own,",
    "NPS": "Windows' own setup",
}
_INSTANCE: t.Final = ", then adaminstall.exe makes an instance"
_WITH_ALL: t.Final = (6, 2)
_WITH_DISM: t.Final = (6, 1)
_ANSWERS: t.Final = r"%windir%\temp\portkeeper-verify-adam.txt"
WRITE_ANSWERS: t.Final = f'findstr "^" > {_ANSWERS}'
ANSWERS: t.Final = "\r\n".join(
    (
        "[ADAMInstall]",
        "InstallType=Unique",
        "ShowOrHideProgressGUI=Hide",
        "InstanceName=PortkeeperVerify",
        "LocalLDAPPortToListenOn=50389",
        "LocalSSLPortToListenOn=50636",
        "",
    )
).encode("ascii")
"""An instance of AD LDS with the ports of an Exchange Edge server (reference of adaminstall [D])."""
MAKE_INSTANCE: t.Final = rf"%windir%\ADAM\adaminstall.exe /answer:{_ANSWERS}"
DELETE_ANSWERS: t.Final = f"del {_ANSWERS}"
LINES: t.Final = frozenset({WRITE_ANSWERS, MAKE_INSTANCE, DELETE_ANSWERS})
"""Beside those of dism.exe."""


def is_service_of(feature: Feature, name: str) -> bool:
    """True for the name of a service that a feature brings; AD LDS has one for each instance."""
    folded = name.casefold()
    return folded.startswith(_INSTANCES) if feature == "AD LDS" else folded == _SERVICES[feature]


def by_dism(feature: Feature, server: Server) -> str:
    """The command that installs a feature without a reboot; empty if the release has no dism.exe."""
    if server.version < _WITH_DISM:
        return ""
    # /all brings what the feature needs; 2008 R2 does not know it.
    whole = " /all" if server.version >= _WITH_ALL else ""
    return f"dism.exe /online /enable-feature /featurename:{_DISM[feature]}{whole} /norestart /quiet"


def missing(feature: Feature, server: Server) -> str:
    """Why a probe can't tell on a server that lacks a feature, and the way to it."""
    line = by_dism(feature, server)
    way = _OLD[feature] if server.is_old else line or f"servermanagercmd -install {_MANAGER[feature]}"
    after = _INSTANCE if feature == "AD LDS" and not server.is_old else ""
    return f"this server has no {feature}: {way} brings it{after}"
