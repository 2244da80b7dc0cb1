# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the grade lab may send beside what reads: one list for everything, as the gate asks for it."""

from __future__ import annotations

import dataclasses
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DELAYED_FLAG_NAME,
    SERVICES_KEY,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import LOCAL_MACHINE
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import OwnRules
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap

_SETTERS: t.Final = {RegistryType.DWORD: "SetDWORDValue", RegistryType.MULTI_STRING: "SetMultiStringValue"}
START: t.Final = "Start"
CALLS: t.Final = frozenset(
    {
        (method, fact.key, fact.name)
        for fact in lab_steps.SETTINGS.values()
        for method in (_SETTERS[fact.type], "DeleteValue")
    }
    | {("SetDWORDValue", rf"{SERVICES_KEY}\{lab_steps.SERVICES[1]}", START)}
    | {("DeleteValue", rf"{SERVICES_KEY}\{DNS_SERVICE}", DELAYED_FLAG_NAME)}
)
"""Method, key and value of the calls of StdRegProv that change Windows' own settings."""
METHODS: t.Final = frozenset(
    {("Win32_Service", method, DNS_SERVICE) for method in ("StartService", "StopService")}
    | {("Win32_Service", method, name) for method in ("StartService", "ChangeStartMode") for name in lab_steps.SERVICES}
    | {("Win32_Service", "ChangeStartMode", IPSEC_SERVICE)}
    | {("Win32_Service", "StopService", lab_steps.SERVICES[0])}
)
"""Class, method and service."""
REBOOT: t.Final = ("Win32_OperatingSystem", "Win32ShutdownTracker")


@dataclasses.dataclass(frozen=True)
class LabRules(OwnRules):
    """The rules of the grade lab. ``lines``: command lines beside its usual ones; ``reboots``: it may reboot."""

    lines: frozenset[str] = frozenset()
    reboots: bool = False

    def allow_command(self, line: str) -> bool:
        """True for a command of the list."""
        return line in lab_steps.LINES or line in self.lines or lab_steps.is_block(line)

    def allow_call(self, method: str, body: ET.Element | None) -> bool:
        """True if a call of StdRegProv writes a value of the list, or into our own keys."""
        if super().allow_call(method, body):
            return True
        parts = [soap.child(body, f"{method}_INPUT", name) for name in ("hDefKey", "sSubKeyName", "sValueName")]
        hive, key, value = ("" if part is None else part.text or "" for part in parts)
        return hive == LOCAL_MACHINE and (method, key, value) in CALLS

    def allow_method(self, class_name: str, method: str, selectors: t.Mapping[str, str]) -> bool:
        """True for a service of the list, and for the reboot if that is allowed."""
        if (class_name, method) == REBOOT:
            return self.reboots
        return selectors.keys() == {"Name"} and (class_name, method, selectors["Name"]) in METHODS
