# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of Windows itself: its version, its clock, and how WMI gives out services and dependencies."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    Command,
    Method,
    Query,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Link,
    Readings,
    local,
    number,
    seconds,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    OPERATING_SYSTEM,
    PROCESSES,
    SERVICES,
    UNDERSCORE,
    process_of,
    service,
    started,
)

TERMINAL: t.Final = Query("SELECT * FROM Win32_Service WHERE Name = 'TermService'")
DEPENDENT: t.Final = Query("SELECT * FROM Win32_DependentService")
DELAYED: t.Final = Query("SELECT DelayedAutoStart, Name FROM Win32_Service WHERE StartMode = 'Auto'")
DNS_GROUP: t.Final = Method("GetStringValue", rf"{SERVICES_KEY}\DNS", "Group")
VERSION: t.Final = Command("ver")
WINRM_CONFIGURATION: t.Final = Command("sc.exe qc WinRM")
SLOWEST_BOOT: t.Final = 900.0
"""Seconds after a boot, beyond which a process was not started by it."""
_MODES: t.Final = frozenset({"Auto", "Manual", "Disabled", "Boot", "System"})


def _known(found: Readings) -> bool:
    """Its version is one of the table, not one that is newer."""
    found.row(OPERATING_SYSTEM)
    return "(build" not in found.server.release.name


def _uptime(found: Readings) -> bool:
    row = found.row(OPERATING_SYSTEM)
    return seconds(row, "LocalDateTime") > seconds(row, "LastBootUpTime")


def _zone(found: Readings) -> str:
    """How the zone of a moment is written."""
    moment = text(found.row(OPERATING_SYSTEM), "LocalDateTime")
    return "Z" if moment.endswith("Z") else "offset" if moment[-6:-5] in ("+", "-") else "none"


def _start_modes(found: Readings) -> bool:
    return {text(row, "StartMode") for row in found.rows(SERVICES)} <= _MODES


def _stopped_process(found: Readings) -> int:
    stopped = [row for row in found.rows(SERVICES) if text(row, "State") == "Stopped"]
    if not stopped:
        raise CantTell("every service runs")
    return max(number(row, "ProcessId") for row in stopped)


def _never_started(found: Readings) -> int:
    """The exit code that most services have that do not run."""
    codes = [number(row, "ExitCode") for row in found.rows(SERVICES) if text(row, "State") == "Stopped"]
    if not codes:
        raise CantTell("every service runs")
    return 1077 if 1077 in codes else max(codes, key=codes.count)


def _running_code(found: Readings) -> int:
    codes = [number(row, "ExitCode") for row in found.rows(SERVICES) if text(row, "State") == "Running"]
    if not codes:
        raise CantTell("no service runs")
    return max(codes)


def _derived(found: Readings) -> bool:
    """Terminal Services come as a class of their own."""
    if found.server.is_old:
        raise CantTell("this is about Windows Server 2008 and later")
    reading = found.answered(TERMINAL)
    if not reading.rows:
        raise CantTell("this server has no Terminal Services")
    items = [node for answer in reading.answers for node in answer.iter() if local(node) == "Items"]
    return any(local(node) == "Win32_TerminalService" for holder in items for node in holder)


def _links(found: Readings) -> bool:
    rows = found.rows(DEPENDENT)
    if not rows:
        raise CantTell("no dependency came back")
    ends = [row.get(name) for row in rows for name in ("Antecedent", "Dependent")]
    return all(isinstance(end, Link) and bool(end.name) for end in ends)


def _needed_by(found: Readings, name: str) -> set[str]:
    """The services and drivers that a service depends on itself, in lower case."""
    return {
        needed.name.casefold()
        for row in found.rows(DEPENDENT)
        if isinstance(needed := row.get("Antecedent"), Link)
        and isinstance(dependent := row.get("Dependent"), Link)
        and dependent.name.casefold() == name
    }


def _winrm_needs(found: Readings) -> bool:
    return "rpcss" in _needed_by(found, "winrm")


def _delayed_property(found: Readings) -> bool:
    return found.reading(DELAYED).fault is None


def _delayed_names(found: Readings) -> list[str]:
    rows = found.rows(DELAYED)
    return [text(row, "Name") for row in rows if text(row, "DelayedAutoStart").casefold() == "true"]


def _delay(found: Readings) -> bool:
    """No delayed service started before 120 seconds; told by services with a process of their own."""
    names = {name.casefold() for name in _delayed_names(found)}
    rows = [row for row in found.rows(SERVICES) if text(row, "Name").casefold() in names]
    own = [row for row in rows if text(row, "ServiceType") == "Own Process" and number(row, "ProcessId")]
    ages = [started(found, number(row, "ProcessId")) for row in own]
    at_boot = [age for age in ages if 0 < age < SLOWEST_BOOT]
    if not at_boot:
        raise CantTell("no delayed service with a process of its own was started by the boot")
    return min(at_boot) >= 120.0


def _manual_on_2003(found: Readings) -> bool:
    if not found.server.is_old:
        raise CantTell("this is about Windows Server 2003")
    return text(service(found, "WinRM"), "StartMode") == "Manual"


def _dns_group(found: Readings) -> str:
    service(found, "DNS")
    code = found.code(DNS_GROUP)
    return "none" if code != 0 or not text(found.row(DNS_GROUP), "sValue") else "a group"


def _dns_needs(found: Readings) -> bool:
    service(found, "DNS")
    return {"tcpip", "afd", "rpcss"} <= _needed_by(found, "dns")


def _dns_image(found: Readings) -> bool:
    row = service(found, "DNS")
    return text(row, "PathName").strip('"').casefold().endswith("dns.exe") and text(row, "ServiceType") == "Own Process"


def _underscore(found: Readings) -> int:
    """LIKE takes an underscore in brackets for itself: no service is called Win_M."""
    return len(found.rows(UNDERSCORE))


def _ver(found: Readings) -> bool:
    return found.server.release.version.encode("ascii") in found.ran(VERSION).raw


def _sc_values(found: Readings) -> bool:
    """sc's values are in English on every Windows, its words need not be."""
    return b"_START" in found.ran(WINRM_CONFIGURATION).raw


def _winrm_process(found: Readings) -> bool:
    process_of(found, "WinRM")
    return True


ROWS: t.Final = (
    Probe(
        id="known_release",
        asks="Is this build in the table of releases?",
        needs=(OPERATING_SYSTEM,),
        expect=True,
        see=_known,
        tag="D",
    ),
    Probe(
        id="boot_before_now",
        asks="Is the last boot before the present time of the server?",
        needs=(OPERATING_SYSTEM,),
        expect=True,
        see=_uptime,
        tag="D",
    ),
    Probe(
        id="zone_of_moments",
        asks="In which zone does WMI write moments?",
        needs=(OPERATING_SYSTEM,),
        expect="Z",
        see=_zone,
        tag="C",
    ),
    Probe(
        id="start_modes",
        asks="Is every StartMode one of the known words, whatever the language?",
        needs=(SERVICES,),
        expect=True,
        see=_start_modes,
        tag="D",
    ),
    Probe(
        id="stopped_process",
        asks="Which process has a stopped service?",
        needs=(SERVICES,),
        expect=0,
        see=_stopped_process,
        tag="K",
    ),
    Probe(
        id="never_started_code",
        asks="Which exit code has a service that was not started since the boot?",
        needs=(SERVICES,),
        expect=1077,
        see=_never_started,
        tag="D",
    ),
    Probe(
        id="running_code",
        asks="Which exit code has a service that runs?",
        needs=(SERVICES,),
        expect=0,
        see=_running_code,
        tag="K",
    ),
    Probe(
        id="derived_services",
        asks="Does SELECT * give Terminal Services as Win32_TerminalService?",
        needs=(TERMINAL,),
        expect=True,
        see=_derived,
        tag="C",
        settles="derived_services",
    ),
    Probe(
        id="dependencies",
        asks="Does Win32_DependentService give references with the names of both services?",
        needs=(DEPENDENT,),
        expect=True,
        see=_links,
        tag="K",
    ),
    Probe(
        id="winrm_needs_rpcss",
        asks="Does WinRM depend on RpcSs, so that the way in can be guarded?",
        needs=(DEPENDENT,),
        expect=True,
        see=_winrm_needs,
        tag="K",
    ),
    Probe(
        id="winrm_has_process",
        asks="Does the service WinRM run in a process, while it answers?",
        needs=(SERVICES,),
        expect=True,
        see=_winrm_process,
        tag="K",
    ),
    Probe(
        id="delayed_property",
        asks="Has Win32_Service the property DelayedAutoStart?",
        needs=(DELAYED,),
        expect=lambda server: server.release.capabilities.delayed_start_property,
        see=_delayed_property,
        tag="D",
    ),
    Probe(
        id="auto_start_delay",
        asks="Do delayed services start no sooner than 120 seconds after the boot?",
        needs=(DELAYED, SERVICES, PROCESSES, OPERATING_SYSTEM),
        expect=True,
        see=_delay,
        tag="K",
        settles="auto_start_delay_seconds",
    ),
    Probe(
        id="winrm_manual_on_2003",
        asks="Is WinRM's start type manual on Windows Server 2003?",
        needs=(SERVICES,),
        expect=False,
        see=_manual_on_2003,
        tag="K",
        settles="winrm_manual_on_2003",
    ),
    Probe(
        id="dns_group",
        asks="Is the DNS server in a load-order group, so that its start could not be delayed?",
        needs=(SERVICES, DNS_GROUP),
        expect="none",
        see=_dns_group,
        tag="T",
    ),
    Probe(
        id="dns_needs",
        asks="Does the DNS server depend on Tcpip, Afd and RpcSs?",
        needs=(SERVICES, DEPENDENT),
        expect=True,
        see=_dns_needs,
        tag="K",
    ),
    Probe(
        id="dns_image",
        asks="Is the DNS server dns.exe, in a process of its own?",
        needs=(SERVICES,),
        expect=True,
        see=_dns_image,
        tag="K",
    ),
    Probe(
        id="underscore_in_like",
        asks="How many services does LIKE find with an underscore in brackets that stands for itself?",
        needs=(UNDERSCORE,),
        expect=0,
        see=_underscore,
        tag="D",
    ),
    Probe(id="ver", asks="Does ver print the version of WMI?", needs=(VERSION,), expect=True, see=_ver, tag="K"),
    Probe(
        id="sc_values",
        asks="Are the values that sc prints in English, whatever the language?",
        needs=(WINRM_CONFIGURATION,),
        expect=True,
        see=_sc_values,
        tag="C",
    ),
)
