# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what a probe needs is installed by hand, in the words of a reason; docs/lab.md has the same at length.

Names of features: public role tables [C]; that these commands do it on each release is [K] unverified.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Server

Feature = t.Literal["DNS", "AD LDS"]
_DISM: t.Final[t.Mapping[Feature, str]] = {"DNS": "DNS-Server-Full-Role", "AD LDS": "DirectoryServices-ADAM"}
_MANAGER: t.Final[t.Mapping[Feature, str]] = {"DNS": "DNS", "AD LDS": "ADLDS"}
_OLD: t.Final[t.Mapping[Feature, str]] = {
    "DNS": "the list of Windows components",
    "AD LDS": "ADAM, a download of its own,",
}
_INSTANCE: t.Final = ", then adaminstall.exe makes an instance"
_WITH_ALL: t.Final = (6, 2)
_WITH_DISM: t.Final = (6, 1)


def missing(feature: Feature, server: Server) -> str:
    """Why a probe can't tell on a server that lacks a feature, and the way to it."""
    if server.is_old:
        way = f"{_OLD[feature]} brings it"
    elif server.version < _WITH_DISM:
        way = f"servermanagercmd -install {_MANAGER[feature]} brings it"
    else:
        whole = " /all" if server.version >= _WITH_ALL else ""
        way = f"dism /online /enable-feature /featurename:{_DISM[feature]}{whole} /norestart brings it"
    return f"this server has no {feature}: {way}" + (_INSTANCE if feature == "AD LDS" and not server.is_old else "")
