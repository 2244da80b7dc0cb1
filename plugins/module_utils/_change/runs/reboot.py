# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots: what may be rebooted, how Windows is asked, what proves that it was done, and how that is said.

Of ``server_reboot``, and of a run that reaches several things and needs a reboot for one. Pure: the asking and the
waiting are in ``_windows/server_reboot.py``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    Event,
    Journal,
    JournalError,
    load,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    NOTHING,
    Context,
    OptionError,
    Plan,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import service_start_mode
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import ipsec, risks
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.predicted_facts import facts_after
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import ERROR_MEANINGS
from ansible_collections.portkeeper.windows.plugins.module_utils._change.service_order import distinct
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import why_void
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    OperatingSystemFact,
    RegistryReading,
    RegistryValue,
    Service,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_SERVICE,
    WINRM_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT

Method = t.Literal["wmi", "shutdown.exe"]

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "reboot_timeout": {"type": "int", "default": 600},
    "msg": {"type": "str", "default": "Reboot initiated by Ansible (portkeeper.windows)"},
    "pre_reboot_delay": {"type": "int", "default": 2},
    "post_reboot_delay": {"type": "int", "default": 0},
    "services": {"type": "list", "elements": "str", "default": []},
    "ignore_block_mode": {"type": "bool", "default": False},
    **risks.ARGUMENT,
}

SECONDS_ALLOWED: t.Final[t.Mapping[str, tuple[int, int]]] = {
    "reboot_timeout": (10, 86_400),
    # shutdown.exe of 2003 takes /t 0 to 600.
    "pre_reboot_delay": (0, 600),
    "post_reboot_delay": (0, 3_600),
}
LONGEST_MESSAGE: t.Final = 127
"""Characters that shutdown.exe of older systems takes as a comment (field reports); the same limit everywhere, so that
a playbook that works on one release works on all."""

CLOCK_TOLERANCE: t.Final = 60.0
"""Seconds by which the server's and the controller's differences may disagree before they mean something."""
LEAST_COMMAND_DELAY: t.Final = 2
"""Seconds that shutdown.exe waits at least, so that its answer still gets out."""

REBOOT_FORCED: t.Final = 6
"""Win32ShutdownTracker's flags: reboot (2) and force (4). Without force a logged-on session can hang it."""
PLANNED_RECONFIGURATION: t.Final = 0x80020004
"""Win32ShutdownTracker's reason code, the same as shutdown.exe's ``p:2:4``: planned, operating system, reconfiguration
(reason.h)."""
UNDER_WAY: t.Final = frozenset({1115, 1190})
"""ERROR_SHUTDOWN_IN_PROGRESS and ERROR_SHUTDOWN_IS_SCHEDULED (winerror.h): somebody, perhaps an earlier run of ours,
asked before. Asking again would not help, and the wait is the same."""
NO_PRIVILEGE: t.Final = frozenset({5, 1314, 0x80041003, 0x80041062, 0x80070005, 0x80070522})
"""The forms in which Windows says that the caller may not, or that its token has the shutdown privilege not enabled:
then nothing has happened. Whether WinRM's provider host enables it is [K] unverified."""

_EVENTS_OF_A_BOOT: t.Final[tuple[Event, ...]] = t.get_args(Event)
"""The events that a boot settles: all, since DNS and all other services read their settings when they start."""

# What can stand in double quotes in a command line: % can't be quoted in cmd.exe, and a backslash could escape a quote.
_UNSAFE_IN_COMMAND: t.Final = r"[^A-Za-z0-9 .,:;=/_()+-]"
_CONTROL: t.Final = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"


class Reboot(t.NamedTuple):
    """The reboot that the user wants; times in seconds. ``services`` are key names that must run afterwards."""

    reboot_timeout: int
    msg: str
    pre_reboot_delay: int
    post_reboot_delay: int
    services: tuple[str, ...]
    accepted: frozenset[risks.Risk]
    """Risks that the task accepts."""
    always: bool
    """Otherwise only if a setting waits for a reboot."""
    journal: bool
    """True if the journal is told which settings the reboot brought into force."""

    @property
    def command(self) -> str:
        """The command line of shutdown.exe that asks for the same; safe for cmd.exe with any ``msg``."""
        delay = max(self.pre_reboot_delay, LEAST_COMMAND_DELAY)
        return f'shutdown.exe /r /f /t {delay} /d p:2:4 /c "{re.sub(_UNSAFE_IN_COMMAND, "_", self.msg)}"'

    @property
    def parameters(self) -> t.Mapping[str, str | int]:
        """The parameters of Win32_OperatingSystem.Win32ShutdownTracker."""
        return {
            "Timeout": self.pre_reboot_delay,
            "Comment": self.msg,
            "ReasonCode": PLANNED_RECONFIGURATION,
            "Flags": REBOOT_FORCED,
        }


def options(arguments: t.Mapping[str, t.Any], *, always: bool, journal: bool) -> Reboot:
    """Typed options of ``server_reboot``; raises OptionError."""
    for name, (least, most) in SECONDS_ALLOWED.items():
        if not least <= arguments[name] <= most:
            raise OptionError(name, f"{arguments[name]} is not between {least} and {most} seconds")
    message = arguments["msg"]
    if len(message) > LONGEST_MESSAGE:
        raise OptionError("msg", f"it has {len(message)} characters, and Windows takes at most {LONGEST_MESSAGE}")
    if not message.isprintable() and re.search(_CONTROL, message):
        raise OptionError("msg", "it has a line break or another control character; write it as one line")
    names = [name.strip() for name in arguments["services"]]
    if not all(names):
        raise OptionError("services", "a service's key name is empty")
    return Reboot(
        reboot_timeout=arguments["reboot_timeout"],
        msg=message,
        pre_reboot_delay=arguments["pre_reboot_delay"],
        post_reboot_delay=arguments["post_reboot_delay"],
        services=distinct(names),
        accepted=risks.accepted_risks(arguments),
        always=always,
        journal=journal,
    )


# --- may it be rebooted -------------------------------------------------------------------------------------------


class Permission(t.NamedTuple):
    """A server that may be rebooted: what it is now, what the reboot brings, and what is to be said about it."""

    uptime: float
    """Seconds, in the answer that was read last."""
    services: tuple[str, ...] = ()
    """Key names of the services that must run afterwards."""
    settles: tuple[str, ...] = ()
    """Entries of the journal that wait for something that the boot brings."""
    warnings: tuple[str, ...] = ()


def permission(wanted: Reboot, context: Context) -> Permission:
    """The permission to reboot this server; raises PlanError if it must not be rebooted, and FactsNeeded."""
    guarded = (DNS_SERVICE, IPSEC_SERVICE) if context.capabilities.ipsec_block_mode else ()
    # Everything about services is asked at once: one query.
    context.facts.require(*(ServiceFact(name) for name in (WINRM_SERVICE, *guarded, *wanted.services)))
    way_back = risks.judged(_way_back(context.facts[ServiceFact(WINRM_SERVICE)]), wanted.accepted)
    for name in wanted.services:
        _demand_startable(name, context.facts[ServiceFact(name)])
    accepted = (*way_back, *risks.judged(_block_mode(context), wanted.accepted))
    pending = waits(context.facts[JOURNAL_FACT]) if wanted.journal else Waits()
    void = _void_delays(pending, context)
    return Permission(
        uptime=context.facts[OperatingSystemFact()].uptime,
        services=wanted.services,
        settles=tuple(name for name in pending.names if name not in void),
        warnings=(*accepted, *([pending.warning] if pending.warning else []), *void.values()),
    )


def _void_delays(pending: Waits, context: Context) -> dict[str, str]:
    """The journal's delayed starts that no boot brings into force, with the reason: Windows does not keep them."""
    names = {
        entry: entry[len(service_start_mode.ENTRY_PREFIX) :]
        for entry in pending.names
        if entry.startswith(service_start_mode.ENTRY_PREFIX)
    }
    pulled_by = {entry: service_start_mode.pulled_forward_by(name, context) for entry, name in names.items()}
    return {entry: why_void(names[entry], pullers) for entry, pullers in pulled_by.items() if pullers}


def permission_after(
    plans: t.Iterable[Plan], wanted: Reboot, context: Context, services: t.Iterable[str]
) -> Permission | None:
    """The same for a server as these plans leave it; ``None`` if no reboot is due.

    ``services``: those that should run afterwards. What does not start by itself is not waited for.
    """
    plans = tuple(plans)
    if not (wanted.always or any(plan.effectiveness.reboot_required for plan in plans)):
        return None
    after = context._replace(facts=facts_after(context.facts, (s for plan in plans for s in plan.steps)))
    starting = [name for name in services if _starts_by_itself(after.facts[ServiceFact(name)])]
    return permission(wanted._replace(services=distinct([*wanted.services, *starting])), after)


def _starts_by_itself(service: Service | None) -> bool:
    return service is not None and service.start_mode == "Auto"


def _way_back(winrm: Service | None) -> t.Iterator[risks.Danger]:
    """The way back in: without WinRM after the boot the server could be neither read nor repaired."""
    if _starts_by_itself(winrm):
        return
    mode = "there is no such service" if winrm is None else f"its start mode is {winrm.start_mode}"
    yield risks.Danger(
        "way_in",
        f"service {WINRM_SERVICE}",
        f"{mode}, so it would not start by itself after a reboot and this server could not be reached any more",
        "Set it first with service_start_mode (name=WinRM, start_mode=auto)",
    )


def _demand_startable(name: str, service: Service | None) -> None:
    if service is None:
        raise PlanError(f"service {name}", "it does not exist", "services takes key names, not display names")
    if service.start_mode == "Disabled":
        raise PlanError(
            f"service {service.name}",
            "it is disabled and could never be up after the reboot",
            "Set its start_mode first with service_start_mode, or take it out of services",
        )


def _block_mode(context: Context) -> t.Iterator[risks.Danger]:
    """The next boot may cut the server off."""
    if not ipsec.next_boot_may_block(context):
        return
    yield risks.Danger(
        "block_mode",
        "the reboot",
        "at the next boot the DNS server's socket pool may take UDP 4500 before IPSEC Services, which starts by itself "
        "here, and without this port IPSEC Services blocks all network traffic (block mode, KB912023), so that nobody "
        "can reach this server any more",
        "Reserve it first with reserved_ports (ports=4500), which that very boot brings into force",
    )


# --- the journal ----------------------------------------------------------------------------------------------------


class Waits(t.NamedTuple):
    """The waits that a boot settles. ``journal`` is the journal after it; ``None`` if nothing changes."""

    names: tuple[str, ...] = ()
    journal: Journal | None = None
    warning: str = ""


def waits(reading: RegistryReading) -> Waits:
    """The entries that wait for something that a boot brings; an unreadable journal is left alone, with a warning."""
    if not isinstance(reading, RegistryValue):
        return Waits()
    try:
        journal = load(str(reading.data))
    except JournalError as error:
        warning = f"The journal on this server can't be read ({error}): it is left as it is."
        return Waits(warning=warning)
    names = [name for name, entry in journal.entries.items() if entry.wait and entry.wait.event in _EVENTS_OF_A_BOOT]
    if not names:
        return Waits()
    for event in _EVENTS_OF_A_BOOT:
        journal = journal.without_waits(event)
    return Waits(tuple(sorted(names)), journal)


# --- was it rebooted ------------------------------------------------------------------------------------------------


def is_rebooted(*, uptime: float, before: float, elapsed: float, was_gone: bool) -> bool:
    """True if an uptime is one of a boot after the request. All in seconds; ``elapsed`` is the time since the request.

    Only differences inside one answer of the server are compared, since boot times move with its clock. A server that
    booted after the request is younger than the request. Where the clock was set during the boot (virtual machines
    whose hardware clock is off by whole hours), it is at least clearly younger than it would be without a boot; that
    counts only if the server was seen to be gone, since it might be only the clock.
    """
    if before > 0 and uptime < elapsed:
        return True
    return was_gone and uptime + CLOCK_TOLERANCE < before + elapsed


# --- what came of it ------------------------------------------------------------------------------------------------


class Report(t.NamedTuple):
    """A reboot. Times in seconds; ``settled`` names what it brings into force."""

    uptime_before: float
    uptime: float | None = None
    """``None``: not rebooted, this was check mode."""
    elapsed: float = 0.0
    method: Method | None = None
    services: t.Mapping[str, str] = NOTHING
    settled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def rebooted(self) -> bool:
        """True if it was done: in check mode it was not."""
        return self.uptime is not None


def sentence(report: Report) -> str:
    """The reboot in one sentence, done or, in check mode, predicted."""
    names = ", ".join(report.settled)
    if not report.rebooted:
        return f"The server would be rebooted.{f' {names} waits for it.' if names else ''}"
    settled = f" In force since then: {names}." if names else ""
    return f"The server was rebooted and was back after {report.elapsed:.0f} seconds.{settled}"


def down_sentence(services: t.Iterable[tuple[str, Service | None]]) -> str:
    """The services that do not run, with state and exit code; empty if all run."""
    return "; ".join(_down(name, service) for name, service in services if service is None or not service.runs)


def _down(name: str, service: Service | None) -> str:
    if service is None:
        return f"service {name} does not exist any more"
    meaning = ERROR_MEANINGS.get(service.exit_code)
    reason = f" ({meaning})" if meaning else ""
    code = f", its exit code {service.exit_code}{reason}" if service.state == "Stopped" else ""
    return f"service {service.name} is {service.state}{code}"
