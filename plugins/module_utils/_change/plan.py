# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan, the result of a planner: steps to do, the state before and after, and the settings' effectiveness.

A planner is a pure function from the observed and the wanted state to a ``Plan``. Check mode is a plan that is not
applied; ``changed``, the diff and the returned values are read off it.
"""

from __future__ import annotations

import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    ConnectionsFact,
    DynamicRangesFact,
    ExclusionsFact,
    Fact,
    Facts,
    Family,
    ProcessFact,
    Protocol,
    RegistryFact,
    RegistryNamesFact,
    RegistryValue,
    ServiceFact,
    ServicesBackupFact,
    ServicesFailedFact,
    ServicesFileFact,
    ServicesOfProcessFact,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities, Release
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

StartMode = t.Literal["auto", "delayed", "manual", "disabled"]
Effective = t.Literal["yes", "no", "unknown"]
NO_PORTS: t.Final = PortSet()
NOTHING: t.Final[t.Mapping[str, t.Any]] = types.MappingProxyType({})


class PlanError(Exception):
    """The wanted state can't be reached on this server; nothing has been changed.

    ``subject`` is the object concerned (a value, a service, a port), ``reason`` the answer of Windows or the rule,
    ``advice`` the next thing to do. The host is added where the error is shown.
    """

    def __init__(self, subject: str, reason: str, advice: str = "") -> None:
        self.subject, self.reason, self.advice = subject, reason, advice
        super().__init__(f"{subject}: {reason}." + (f" {advice[0].upper()}{advice[1:]}." if advice else ""))


MOVING: t.Final[tuple[type[Fact[t.Any]], ...]] = (
    ServiceFact,
    ServicesFailedFact,
    SocketsFact,
    ConnectionsFact,
    ProcessFact,
    ServicesOfProcessFact,
)
"""Kinds of facts that change by themselves while services start or stop."""


class Contradiction(PlanError):
    """Two answers of the server don't go together; one of these facts may have changed before the other was read.

    ``kinds``: all facts of these kinds may have.
    """

    def __init__(
        self,
        subject: str,
        reason: str,
        advice: str,
        facts: t.Collection[Fact[t.Any]] = (),
        *,
        kinds: tuple[type[Fact[t.Any]], ...] = (),
    ) -> None:
        super().__init__(subject, reason, advice)
        self.facts, self.kinds = facts, kinds


class OptionError(Exception):
    """An option of the user's is wrong on any server."""

    def __init__(self, option: str, reason: str) -> None:
        self.option, self.reason = option, reason
        super().__init__(f"{option}: {reason}")


# --- steps -------------------------------------------------------------------------------------------------------


Touched: t.TypeAlias = "Fact[t.Any] | type[Fact[t.Any]]"
"""A single fact, or a kind of facts."""


class Step(t.Protocol):
    """One change of the server."""

    def touches(self) -> tuple[Touched, ...]:
        """The facts that are stale after this step; of a kind, every answer is."""


class WriteValue(t.NamedTuple):
    """Write one registry value below HKEY_LOCAL_MACHINE."""

    key: str
    name: str
    value: RegistryValue

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (RegistryFact(self.key, self.name, self.value.type), RegistryNamesFact(self.key))


class DeleteValue(t.NamedTuple):
    """Delete one registry value below HKEY_LOCAL_MACHINE; ``fact`` is how it was read."""

    fact: RegistryFact

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (self.fact, RegistryNamesFact(self.fact.key))


class DeleteEmptyKey(t.NamedTuple):
    """Delete a registry key below HKEY_LOCAL_MACHINE that a change of ours created, unless it holds something now."""

    key: str

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (RegistryNamesFact(self.key),)


class SetDynamicRanges(t.NamedTuple):
    """Set the ranges that ephemeral ports are drawn from, in one command line; they are read again in the same one."""

    changes: tuple[tuple[Family, Protocol, PortRange], ...]

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (DynamicRangesFact,)


class ChangeExclusions(t.NamedTuple):
    """Delete and add netsh excluded port ranges in one command line; the lists are read again in the same command.

    First all is deleted, then added: in the active store alone, or for good.
    """

    delete: tuple[tuple[Protocol, PortRange], ...]
    add: tuple[tuple[Protocol, PortRange], ...]
    delete_active: tuple[tuple[Protocol, PortRange], ...] = ()
    add_active: tuple[tuple[Protocol, PortRange], ...] = ()

    @property
    def does_anything(self) -> bool:
        """True if there is anything to delete or to add."""
        return bool(self.delete or self.add or self.delete_active or self.add_active)

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (ExclusionsFact,)


class ChangeStartMode(t.NamedTuple):
    """Win32_Service.ChangeStartMode; it leaves the delayed flag alone."""

    service: str
    mode: t.Literal["Automatic", "Manual", "Disabled"]

    def touches(self) -> tuple[Touched, ...]:
        """See Step; all of them, since the service may have been asked for in other letters, ``dns`` for ``DNS``."""
        return (ServiceFact,)


class SetDelayedStart(t.NamedTuple):
    """Set or clear the delayed flag with ``sc.exe config start= delayed-auto|auto``: no WMI method can."""

    service: str
    delayed: bool
    flag: RegistryFact

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (self.flag, ServiceFact)


class WriteServicesFile(t.NamedTuple):
    """Replace the services file of a folder, if it is still ``before``, with ``after``: all of it, or nothing.

    ``keep_before`` makes ``before`` the backup; ``drop_backup`` removes the backup once the file is replaced.
    ``number`` makes the names of the temporary files; ``leftovers`` are such files of earlier runs, to be deleted.
    """

    folder: str
    before: bytes
    after: bytes
    keep_before: bool
    drop_backup: bool
    number: int = 1
    leftovers: tuple[str, ...] = ()

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (ServicesFileFact(self.folder), ServicesBackupFact(self.folder))


class DeleteBesideServicesFile(t.NamedTuple):
    """Delete our files in the folder of the services file: a backup that is no longer needed, or files of a killed run.

    What a killed run left may still be open there; then it stays for now.
    """

    folder: str
    names: tuple[str, ...]

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (ServicesFileFact(self.folder), ServicesBackupFact(self.folder))


class StopServices(t.NamedTuple):
    """Stop services in this order and wait for each; ``timeout`` in seconds each."""

    names: tuple[str, ...]
    timeout: float

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (ServiceFact, ServicesFailedFact, SocketsFact, ConnectionsFact, ServicesOfProcessFact)


class StartServices(t.NamedTuple):
    """Start services in this order and wait for each; ``timeout`` in seconds each.

    ``essential``: a service that does not come up ends the run; otherwise it is left to the proof at the end, so that
    what comes after it (DNS!) still starts.
    """

    names: tuple[str, ...]
    timeout: float
    essential: bool = True

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return (ServiceFact, ServicesFailedFact, SocketsFact, ConnectionsFact, ServicesOfProcessFact)


class AwaitDns(t.NamedTuple):
    """Wait until the DNS server's process holds UDP 53 again: 'Running' alone is too early to serve."""

    timeout: float

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return ()


class WriteJournal(t.NamedTuple):
    """Write the journal as a whole (one value, one request), or remove it if it has become empty."""

    journal: Journal
    key_exists: bool = True

    def touches(self) -> tuple[Touched, ...]:
        """See Step."""
        return ()


# --- plans -------------------------------------------------------------------------------------------------------


class Effectiveness(t.NamedTuple):
    """The answer to the question if the configured state is in force, which is not the same as being configured."""

    effective: Effective
    reason: str
    reboot_required: bool = False
    restart_required: bool = False
    """The DNS server must be restarted."""
    by_itself: bool = False
    """It comes into force with the next boot, and nothing is at risk before it: no action is needed."""


EFFECTIVE: t.Final = Effectiveness("yes", "")


class Plan(t.NamedTuple):
    """One resource's plan.

    ``steps`` can be done at once; ``steps_when_free`` need ports to be free that a stop may free. ``journal`` maps
    entry names to their new entries (``None`` removes one).
    """

    resource: str
    before: t.Mapping[str, t.Any]
    after: t.Mapping[str, t.Any]
    effectiveness: Effectiveness
    steps: tuple[Step, ...] = ()
    steps_when_free: tuple[Step, ...] = ()
    interrupts: tuple[str, ...] = ()
    """Services that the steps stop and start again, in start order: journalled first, so that a run that is killed in
    between leaves a note, and the next run starts them."""
    journal: t.Mapping[str, Entry | None] = NOTHING
    warnings: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Sentences about what an undo, or state absent, leaves because others need it."""
    waiting_for: tuple[t.Mapping[str, t.Any], ...] = ()
    guarded: PortSet = NO_PORTS
    """UDP ports that the DNS server's pool must not hold once this plan is in force."""
    effectiveness_if_taken: Effectiveness = EFFECTIVE
    """The effectiveness while dns.exe holds one of ``guarded``; the reason names the event that it waits for."""
    details: t.Mapping[str, t.Any] = NOTHING
    """Further returned values of this resource."""
    notes: tuple[str, ...] = ()
    """Sentences about what the steps do."""
    needs_stopped: tuple[str, ...] = ()
    """Services that hold the ports of ``steps_when_free`` now."""
    restarts: tuple[str, ...] = ()
    """Services that must be restarted before this counts; ``converge`` does it for victims that may be restarted."""
    effectiveness_after_restart: Effectiveness = EFFECTIVE
    """The effectiveness once ``restarts`` have restarted."""
    late: PortSet = NO_PORTS
    """TCP ports that are listened on only after such a restart, or a reboot."""
    refusal: PlanError | None = None
    """The reason why it can't be carried out as things stand. The guards come first: a user who must not reserve a port
    at all is not told to stop the program that holds it."""
    is_event: bool = False
    """It happens each time it is asked for (a restart), so that planning again can't verify it."""

    @property
    def changed(self) -> bool:
        """True if there is anything to do."""
        return bool(self.steps or self.steps_when_free)


class Owner(t.NamedTuple):
    """A process that may hold some ports: by its service and, if given, its image's file name."""

    service: str
    image: str
    tcp: PortSet
    udp: PortSet

    def ports(self, protocol: Protocol) -> PortSet:
        """Its ports of one protocol."""
        return self.tcp if protocol == "tcp" else self.udp


class Context(t.NamedTuple):
    """All that a planner may look at. ``now`` is the controller's clock, seconds since the epoch (UTC)."""

    facts: Facts
    release: Release
    journal: Journal | None
    """``None``: the user switched it off."""
    now: float
    owners: tuple[Owner, ...] = ()
    """Rightful owners that the caller names (the victims of ``converge``), beside the catalogue's."""
    may_stop_owners: bool = False
    """Ports held by one of ``owners`` count as free: the caller stops that owner first."""
    restarts_dns: bool = False
    """The caller restarts DNS in this very run where a plan needs it."""
    spares_dns: bool = False
    """Ports that no pool of the server can hold are not worth a restart of DNS: the caller looks at who holds them."""
    dns_will_stop: bool = False
    """Ports held by the DNS server count as free: the caller stops it first, and it draws other ports then."""
    owner: str = ""
    """For whom the journal notes what is planned; empty for nobody, who owns nothing."""
    takes_all: bool = False
    """An undo takes back all that the owner has, not only what is named."""
    may_reboot: bool = False
    """The caller reboots the server in this very run if that is needed."""

    def entry(self, name: str) -> Entry | None:
        """The journal's entry of that name; ``None`` without a journal or an entry."""
        return self.journal.entries.get(name) if self.journal else None

    def known(self, name: str) -> Entry | None:
        """The same, unless it was taken back and only waits for an event: what comes next is a first change again."""
        entry = self.entry(name)
        return None if entry and entry.is_taken_back else entry

    def owned(self, resource: Resource) -> Context:
        """The same for the resource's module, if the caller names no owner."""
        return self if self.owner else self._replace(owner=resource.name)

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of the server's release."""
        return self.release.capabilities


def _no_values(_wanted: t.Any) -> t.Mapping[RegistryFact, t.Any]:
    return {}


def _nothing_along(_wanted: t.Any, _udp: PortSet) -> t.Any:
    return None


def _no_restart(_wanted: t.Any) -> bool:
    return False


def _no_entry(_name: str) -> bool:
    return False


def _no_services(_release: Release) -> tuple[ServiceFact, ...]:
    return ()


def _no_questions(_wanted: t.Any, _release: Release) -> tuple[Fact[t.Any], ...]:
    return ()


class Resource(t.NamedTuple):
    """One kind of thing that is kept in a state: its options and its planner."""

    name: str
    argument_spec: t.Mapping[str, t.Any]
    """In the form that Ansible's argument validation takes; DOCUMENTATION repeats it and a test compares them."""
    options: t.Callable[[t.Mapping[str, t.Any]], t.Any]
    """From validated arguments to typed options; raises OptionError."""
    plan: t.Callable[[t.Any, Context], Plan]
    """Raises FactsNeeded and PlanError."""
    undo: t.Callable[[tuple[t.Any, ...], Context], Plan]
    """Takes back what the journal says we did: for the owner, and for the typed options of all items that name this
    resource; raises FactsNeeded and PlanError."""
    keeps: t.Callable[[str], bool] = _no_entry
    """Whether an entry of the journal, by its name, is its own."""
    early: tuple[Fact[t.Any], ...] = ()
    """Questions on whose answers others hang: asked with the first ones, so that the others come in one round."""
    beside: t.Callable[[Release], tuple[ServiceFact, ...]] = _no_services
    """Questions of a planner that changes something: asked earlier if other services are queried anyway."""
    first: t.Callable[[t.Any, Release], tuple[Fact[t.Any], ...]] = _no_questions
    """Questions that the planner asks of every server of a release, from its typed options: asked with the journal."""
    plans_last: bool = False
    """It judges by what the other resources of a run leave."""
    values: t.Callable[[t.Any], t.Mapping[RegistryFact, t.Any]] = _no_values
    """The registry values that are read at the next boot and that typed options are about, each with what is wanted."""
    along: t.Callable[[t.Any, PortSet], t.Any] = _nothing_along
    """The same typed options with some UDP ports reserved along; ``None`` if they reserve nothing."""
    restarts_dns: t.Callable[[t.Any], bool] = _no_restart
    """True if typed options permit a restart of DNS for a change that needs one."""
