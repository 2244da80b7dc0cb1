# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports reserved from Windows Vista and Server 2008 on: netsh's administered excluded port ranges.

The list is of blocks. A block is added only while none of its ports is in use and no other block overlaps it (error 32
of CreatePersistentTcpPortReservation and CreatePersistentUdpPortReservation); it is deleted only as a whole, by its
start and number. Blocks that Windows itself made at run time (rows without ``*``) can't be deleted and
change at each boot: they are not ours.

Reserved means: in the persistent store. A block of the active store alone is lost at the next boot; it is made to last
by deleting it there and adding it for good. One of the persistent store alone is not in force before the next boot.

In use is taken to mean by a listener, a UDP socket or an outgoing TCP connection: the documentation of the error says
'in use' and no more, so that it counts connections is [K] unverified. They are looked at for up to
``MOST_CONNECTION_PORTS`` TCP ports; of a longer list netsh itself tells (error 32), and nothing is lost by it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, State
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    Shares,
    Taken,
    stays,
    taken_back,
    whole_owners,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NO_PORTS,
    ChangeExclusions,
    Context,
    Plan,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    Holder,
    belongs_to,
    connection_questions,
    held_sentence,
    holders_of,
    refused_for,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import (
    exclusion_effectiveness,
    exclusion_notes,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    ConnectionsFact,
    ExclusionsFact,
    Protocol,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.windows_blocks import holder_of_block
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import ListState
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

ENTRY: t.Final = journal_entries.EXCLUDED_RANGES


Ports = t.Mapping[Protocol, PortSet]


def plan(wanted: Ports, state: ListState, context: Context, *, patient: bool = False) -> Plan:
    """Exclude the ports of each protocol, release them, or make them the only ones; raises PlanError, FactsNeeded.

    ``patient``: a port with another holder than its owner waits too, instead of being an error.
    """
    named = PortSet(tuple(item for ports in wanted.values() for item in ports.ranges))
    asked = named if state != "absent" else NO_PORTS
    connected = _connections_at_once(wanted, context) if asked else ()
    context.facts.require(ExclusionsFact(), *([SocketsFact(asked)] if asked else []), *connected)
    exclusions = _supported(context)
    others = {protocol: exclusion_notes.shares_of(protocol, context.known(ENTRY)) for protocol in wanted}
    kept = {protocol: ports & others[protocol].of_others(context.owner) for protocol, ports in wanted.items()}
    going = {protocol: ports - kept[protocol] for protocol, ports in wanted.items()} if state == "absent" else wanted
    changes = [
        _change_for(protocol, _WantedRanges(ports, state, asked), exclusions, context)
        for protocol, ports in going.items()
    ]
    waiting = [holder for change in changes for holder in change.waiting_for]
    made = _plan_of(changes, exclusions, tuple(wanted), _Claim(wanted, state), context)
    if state == "absent":
        return made._replace(kept=_said_to_stay(kept, others, context.owner))
    ours = {protocol: exclusion_notes.shares_of(protocol, context.entry(ENTRY)).added for protocol in wanted}
    made = exclusion_effectiveness.judged_by_stores(made, wanted, ours, exclusions)
    return made if patient else made._replace(refusal=_refusal_of_thieves(waiting, context))


def _connections_at_once(wanted: Ports, context: Context) -> tuple[ConnectionsFact, ...]:
    """What netstat tells with the sockets. Where WMI has to be asked for it, it is asked only if a port is missing."""
    if context.capabilities.network_endpoint_classes:
        return ()
    return connection_questions(wanted.get("tcp", NO_PORTS))


def _said_to_stay(kept: Ports, shares: t.Mapping[Protocol, Shares[PortSet]], owner: str) -> tuple[str, ...]:
    return tuple(
        stays(f"{protocol.upper()} {ports} excluded by netsh", shares[protocol].needing(ports, owner))
        for protocol, ports in kept.items()
        if ports
    )


class _Claim(t.NamedTuple):
    """The ports that the owner of a run needs from now on, or no more."""

    ports: Ports
    state: ListState


def undo(named: t.Callable[[], Ports] | None, context: Context) -> Plan:
    """Take back our part of the ports: the list as it was before us if no one else has changed it since.

    ``named`` gives the ports that are named; ``None`` if none are.
    """
    entry = context.entry(ENTRY)
    exclusions = _supported(context) if entry else None
    shown = {"mechanism": "netsh"}
    if entry is None or exclusions is None:
        return Plan("reserved_ports", shown, shown, EFFECTIVE)
    taken = {protocol: _taken(protocol, entry, named, context) for protocol in PROTOCOLS}
    left = _entry_left(entry, taken, context.owner)
    kept = tuple(
        stays(f"{protocol.upper()} {one.kept} excluded by netsh", one.needed_by)
        for protocol, one in taken.items()
        if one.needed_by
    )
    if context.takes_all and named is None and context.owner not in entry.owners:
        return Plan("reserved_ports", shown, shown, EFFECTIVE, kept=kept)
    if left is None and entry.written == exclusion_notes.blocks_of(exclusions):
        changes = [_restoration(protocol, entry.original, exclusions) for protocol in PROTOCOLS]
    else:
        changes = [_removal(protocol, one.going, exclusions, context) for protocol, one in taken.items()]
    undone = _plan_of(changes, exclusions, PROTOCOLS, None, context)
    written = left._replace(written=_blocks_after(changes, exclusions)) if left and undone.steps else left
    return undone._replace(journal={ENTRY: written}, kept=kept)


def _taken(protocol: Protocol, entry: Entry, named: t.Callable[[], Ports] | None, context: Context) -> Taken[PortSet]:
    return taken_back(
        exclusion_notes.shares_of(protocol, entry),
        context,
        lambda: named().get(protocol, NO_PORTS) if named else NO_PORTS,
    )


def _entry_left(entry: Entry, taken: t.Mapping[Protocol, Taken[PortSet]], owner: str) -> Entry | None:
    """The entry after an undo, before the list is looked at; ``None`` if nothing of ours is left."""
    shares = {protocol: one.left for protocol, one in taken.items()}
    has_left = any(one.of(owner) for one in shares.values())
    whole = whole_owners(entry) - (frozenset() if has_left else {owner})
    if not whole and not any(one.added for one in shares.values()):
        return None
    return exclusion_notes.with_shares(entry, shares, whole)


def _restoration(protocol: Protocol, original: State, exclusions: Exclusions) -> _Change:
    """From the blocks of now to the blocks before us, each in its store."""
    texts = [str(text) for text in original.get(protocol, ())] if isinstance(original, t.Mapping) else []
    lasting, passing = exclusion_notes.told_apart(texts)
    now, until_boot = exclusions.persistent(protocol), exclusions.until_boot(protocol)
    return _Change(
        protocol,
        delete=tuple(ports for ports in now if ports not in lasting),
        add=tuple(ports for ports in lasting if ports not in now),
        delete_active=tuple(ports for ports in until_boot if ports not in passing),
        add_active=tuple(ports for ports in passing if ports not in until_boot),
    )


class _WantedRanges(t.NamedTuple):
    """The ports that are asked for, and the ports whose sockets were read with the first questions."""

    ports: PortSet
    state: ListState
    observed: PortSet


class _Conversion(t.NamedTuple):
    """The blocks that are added for good, and those of the active store alone that stand in their way.

    They are deleted there first; what is not wanted of them is added there again.
    """

    add: PortSet = NO_PORTS
    delete_active: tuple[PortRange, ...] = ()
    rest: PortSet = NO_PORTS

    @classmethod
    def of(cls, ports: PortSet, passing: t.Iterable[PortRange]) -> _Conversion:
        """To add these ports, given the blocks of the active store alone."""
        touched = tuple(block for block in passing if not ports.isdisjoint(PortSet.of(block)))
        return cls(ports, touched, PortSet(touched) - ports)


_NOTHING: t.Final = _Conversion()


class _Change(t.NamedTuple):
    """The changes that one protocol needs."""

    protocol: Protocol
    delete: tuple[PortRange, ...] = ()
    add: tuple[PortRange, ...] = ()
    delete_active: tuple[PortRange, ...] = ()
    add_active: tuple[PortRange, ...] = ()
    """Both in the active store alone."""
    when_free: _Conversion = _NOTHING
    waiting_for: tuple[Holder, ...] = ()
    needs_stopped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def does_anything(self) -> bool:
        """True if a step comes of it."""
        at_once = self.delete or self.add or self.delete_active or self.add_active
        return bool(at_once or self.when_free.add or self.when_free.delete_active)


def _supported(context: Context) -> Exclusions:
    exclusions = context.facts[ExclusionsFact()]
    if exclusions is None:
        raise PlanError(
            "netsh excludedportrange",
            f"netsh of this {context.release.name} does not know it",
            f"Windows Server 2008 and 2008 R2 get it by the hotfix KB2665809; without it, {_without_verb(context)}",
        )
    return exclusions


def _without_verb(context: Context) -> str:
    """The way to keep DNS off the ports if netsh can't: one that this release has, and no module that would refuse."""
    if context.capabilities.dns_pool_exclusions:
        return "keep the DNS server off the ports with dns_socket_pool"
    return (
        "keep the DNS server off the ports by a delayed start (service_start_mode), or draw from a range without them "
        "(dynamic_ports)"
    )


def _change_for(protocol: Protocol, wanted: _WantedRanges, exclusions: Exclusions, context: Context) -> _Change:
    if wanted.state == "absent":
        return _removal(protocol, wanted.ports, exclusions, context)
    addition = _addition(protocol, wanted, exclusions, context)
    if wanted.state == "present":
        return addition
    passing = PortSet(exclusions.until_boot(protocol))
    gone = (exclusions.reserved(protocol) | passing) - wanted.ports
    removal = _removal(protocol, gone, exclusions, context)
    warning = f"state pure releases excluded {protocol} ports, whoever excluded them: {gone}."
    return addition._replace(
        delete=removal.delete,
        add=(*removal.add, *addition.add),
        delete_active=tuple(dict.fromkeys((*removal.delete_active, *addition.delete_active))),
        add_active=(),
        warnings=(warning,) if gone else (),
    )


def _addition(protocol: Protocol, wanted: _WantedRanges, exclusions: Exclusions, context: Context) -> _Change:
    unfinished = _unfinished(protocol, context) if wanted.state == "present" else NO_PORTS
    missing = (wanted.ports | unfinished) - exclusions.reserved(protocol)
    if not missing:
        return _Change(protocol)
    _refuse_foreign_blocks(protocol, missing, exclusions, context)
    passing = exclusions.until_boot(protocol)
    # A block of the active store alone can be made to last only as long as none of its ports is in use.
    needed = missing | _Conversion.of(missing, passing).rest
    observed = wanted.observed if wanted.observed >= needed else needed
    connected = (wanted.ports if wanted.ports >= needed else needed) if protocol == "tcp" else NO_PORTS
    holding = holders_of(needed, context, asked=observed, tcp=connected)
    held = [holder for holder in holding if holder.protocol == protocol]
    stopping = [holder for holder in held if _will_be_free(holder, context)]
    waiting = tuple(holder for holder in held if holder not in stopping)
    stoppable = _with_blocks(PortSet.of(*(holder.port for holder in stopping)), passing)
    busy = _with_blocks(PortSet.of(*(holder.port for holder in waiting)), passing)
    now, later = missing - stoppable - busy, (missing & stoppable) - busy
    at_once = _Conversion.of(now, passing)
    return _Change(
        protocol,
        add=now.ranges,
        delete_active=at_once.delete_active,
        add_active=at_once.rest.ranges,
        when_free=_Conversion.of(later, passing),
        waiting_for=waiting,
        needs_stopped=tuple(name for holder in stopping for name in holder.services),
    )


def _with_blocks(ports: PortSet, blocks: t.Iterable[PortRange]) -> PortSet:
    """These ports, and all of the blocks that hold one of them."""
    return ports | PortSet(tuple(block for block in blocks if not ports.isdisjoint(PortSet.of(block))))


def _will_be_free(holder: Holder, context: Context) -> bool:
    """True if the caller stops this holder before the steps that need free ports."""
    if DNS_SERVICE in holder.services and context.dns_will_stop:
        return True
    return context.may_stop_owners and any(belongs_to(holder, owner.service, owner.image) for owner in context.owners)


def _refuse_foreign_blocks(protocol: Protocol, missing: PortSet, exclusions: Exclusions, context: Context) -> None:
    for block in exclusions.of(protocol):
        overlap = missing & PortSet.of(block.ports)
        if overlap and not block.administered:
            holder = holder_of_block(protocol, block, context.facts)
            raise PlanError(
                f"{protocol.upper()} {overlap}",
                f"Windows itself holds the block {block.ports} at run time (a row without *): {holder.name}",
                holder.remedy,
            )


def _refusal_of_thieves(waiting: t.Sequence[Holder], context: Context) -> PlanError | None:
    """All of them at once: who frees one port should not learn of the next by the next run."""
    thieves = exclusion_effectiveness.strangers_among(waiting, context)
    if not thieves:
        return None
    first = thieves[0]
    reason = f"{held_sentence(thieves)}; none is known as the owner of its port"
    if len(thieves) == 1:
        reason = f"{first} holds it and is not known as its owner"
    advice = dict.fromkeys(f"{holder}: {_how_to_free(holder, context)}" for holder in thieves)
    return refused_for(
        thieves,
        ", ".join(f"{holder.protocol.upper()} {holder.port}" for holder in thieves),
        f"{reason}, and a port in use can't be excluded",
        _how_to_free(first, context) if len(thieves) == 1 else f"to free them, {'; '.join(advice)}",
    )


def _how_to_free(holder: Holder, context: Context) -> str:
    if not holder.is_dns or holder.outgoing:
        return f"{holder.remedy}, then run this again"
    off = "dns_socket_pool keeps the DNS server off it"
    if not context.capabilities.dns_pool_exclusions:
        off = "here nothing but a delayed start of DNS (service_start_mode), or another dynamic range, keeps DNS off it"
    return f"stop DNS, run this again, then start it; {off}"


def _removal(protocol: Protocol, ports: PortSet, exclusions: Exclusions, context: Context) -> _Change:
    """Delete every administered block that holds one of ``ports`` and add back what must stay of it, in its store."""
    delete, rest = _cut(protocol, exclusions.persistent(protocol), ports, context)
    passing, rest_active = _cut(protocol, exclusions.until_boot(protocol), ports, context)
    return _Change(protocol, delete, rest, delete_active=passing, add_active=rest_active)


def _cut(
    protocol: Protocol, blocks: t.Iterable[PortRange], ports: PortSet, context: Context
) -> tuple[tuple[PortRange, ...], tuple[PortRange, ...]]:
    """The blocks that hold one of these ports, and what must stay of them; raises PlanError, FactsNeeded."""
    delete: list[PortRange] = []
    rest = PortSet()
    for block in blocks:
        whole = PortSet.of(block)
        if not whole.isdisjoint(ports):
            delete.append(block)
            rest |= whole - ports
            if not ports >= whole:
                _refuse_cut_of_busy_block(protocol, whole, block, context)
    return tuple(delete), rest.ranges


def _refuse_cut_of_busy_block(protocol: Protocol, whole: PortSet, block: PortRange, context: Context) -> None:
    connected = whole if protocol == "tcp" else NO_PORTS
    busy = [holder for holder in holders_of(whole, context, tcp=connected) if holder.protocol == protocol]
    if busy:
        raise PlanError(
            f"{protocol.upper()} block {block}",
            f"only a part of it is to be released, but its port {busy[0].port} is in use by {busy[0]}, so the rest "
            "could not be excluded again",
            "Stop that process first, or release the whole block",
        )


def _unfinished(protocol: Protocol, context: Context) -> PortSet:
    """Pieces that an interrupted run had deleted and not yet added again."""
    entry = context.entry(ENTRY)
    pending = entry.pending if entry else ()
    return exclusion_notes.noted(protocol, pending)


def _plan_of(
    changes: t.Sequence[_Change],
    exclusions: Exclusions,
    protocols: tuple[Protocol, ...],
    claim: _Claim | None,
    context: Context,
) -> Plan:
    step = ChangeExclusions(
        delete=_blocks_of(changes, lambda change: change.delete),
        add=_blocks_of(changes, lambda change: change.add),
        delete_active=_blocks_of(changes, lambda change: change.delete_active),
        add_active=_blocks_of(changes, lambda change: change.add_active),
    )
    when_free = ChangeExclusions(
        delete=(),
        add=_blocks_of(changes, lambda change: change.when_free.add.ranges),
        delete_active=_blocks_of(changes, lambda change: change.when_free.delete_active),
        add_active=_blocks_of(changes, lambda change: change.when_free.rest.ranges),
    )
    steps = (step,) if step.does_anything else ()
    steps_when_free = (when_free,) if when_free.does_anything else ()
    waiting = tuple(holder for change in changes for holder in change.waiting_for)
    before = _shown({protocol: exclusions.reserved(protocol) for protocol in protocols})
    after = _shown({change.protocol: _after(change, exclusions) for change in changes})
    return Plan(
        "reserved_ports",
        before=before,
        after=after,
        effectiveness=exclusion_effectiveness.while_waiting(waiting, context),
        steps=steps,
        steps_when_free=steps_when_free,
        journal=_journal(changes, exclusions, claim, context) if claim else {},
        warnings=tuple(warning for change in changes for warning in change.warnings),
        waiting_for=tuple(holder.as_dict() for holder in waiting),
        needs_stopped=tuple(name for change in changes for name in change.needs_stopped),
    )


def _blocks_of(
    changes: t.Iterable[_Change], part: t.Callable[[_Change], t.Iterable[PortRange]]
) -> tuple[tuple[Protocol, PortRange], ...]:
    return tuple((change.protocol, block) for change in changes for block in part(change))


def _after(change: _Change, exclusions: Exclusions) -> PortSet:
    now = exclusions.reserved(change.protocol)
    return (now - PortSet(change.delete)) | PortSet(change.add) | change.when_free.add


def _journal(
    changes: t.Sequence[_Change], exclusions: Exclusions, claim: _Claim, context: Context
) -> dict[str, Entry | None]:
    """The entry after these changes; nothing if they are none, and no one claims or releases anything."""
    known = context.known(ENTRY)
    steps = [change for change in changes if change.does_anything]
    if known is None and not steps:
        return {}
    shares, takes_others = _shares_after(changes, exclusions, claim, context)
    takes_others = takes_others or (claim.state == "pure" and bool(steps))
    whole = whole_owners(known) | ({context.owner} - {""} if takes_others else frozenset())
    entry = known or Entry(
        original=exclusion_notes.blocks_of(exclusions), written=exclusion_notes.blocks_of(exclusions)
    )
    if steps:
        cut = [change for change in steps if change.delete or change.delete_active]
        pending = (f"{block}/{change.protocol}" for change in cut for block in change.add)
        entry = entry._replace(written=_blocks_after(changes, exclusions), pending=tuple(pending), wait=None)
    entry = exclusion_notes.with_shares(entry, shares, whole)
    return {} if entry == known else {ENTRY: entry}


def _shares_after(
    changes: t.Sequence[_Change], exclusions: Exclusions, claim: _Claim, context: Context
) -> tuple[dict[Protocol, Shares[PortSet]], bool]:
    """The shares after these changes, and whether they take away what others excluded."""
    shares = {protocol: exclusion_notes.shares_of(protocol, context.known(ENTRY)) for protocol in PROTOCOLS}
    takes_others = False
    for change in changes:
        earlier, asked = shares[change.protocol], claim.ports.get(change.protocol, NO_PORTS)
        before, after = exclusions.reserved(change.protocol), _after(change, exclusions)
        takes_others = takes_others or bool(before - after - earlier.added)
        claimed, released = (NO_PORTS, asked) if claim.state == "absent" else (asked & after, NO_PORTS)
        added = (earlier.added | (after - before)) & after if after != before else earlier.added
        shares[change.protocol] = earlier.changed(added, context.owner, claimed=claimed, released=released)
    return shares, takes_others


def _blocks_after(changes: t.Sequence[_Change], exclusions: Exclusions) -> State:
    lasting = {protocol: set(exclusions.persistent(protocol)) for protocol in PROTOCOLS}
    passing = {protocol: set(exclusions.until_boot(protocol)) for protocol in PROTOCOLS}
    for change in changes:
        later = change.when_free
        lasting[change.protocol] -= set(change.delete)
        lasting[change.protocol] |= {*change.add, *later.add.ranges}
        passing[change.protocol] -= {*change.delete_active, *later.delete_active}
        passing[change.protocol] |= {*change.add_active, *later.rest.ranges}
    return {protocol: exclusion_notes.texts_of(lasting[protocol], passing[protocol]) for protocol in PROTOCOLS}


def _shown(administered: t.Mapping[Protocol, PortSet]) -> dict[str, t.Any]:
    return {"mechanism": "netsh", **{f"excluded_{protocol}": ports.texts() for protocol, ports in administered.items()}}
