# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports reserved from Windows Vista and Server 2008 on: netsh's administered excluded port ranges.

The list is of blocks. A block is added only while none of its ports is in use and no other block overlaps it (error 32
of CreatePersistentTcpPortReservation and CreatePersistentUdpPortReservation); it is deleted only as a whole, by its
start and number. Blocks that Windows itself made at run time (rows without ``*``) can't be deleted and
change at each boot: they are not ours.

In use is taken to mean by a listener, a UDP socket or an outgoing TCP connection: the documentation of the error says
'in use' and no more, so that it counts connections is [K] unverified. They are looked at for up to
``MOST_CONNECTION_PORTS`` TCP ports; of a longer list netsh itself tells (error 32), and nothing is lost by it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, State
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NO_PORTS,
    ChangeExclusions,
    Context,
    Effectiveness,
    Plan,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    Holder,
    belongs_to,
    connection_questions,
    held_sentence,
    holders_of,
    is_rightful,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Exclusions,
    ExclusionsFact,
    Protocol,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.windows_blocks import holder_of_block
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import ListState
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries

ENTRY: t.Final = "reserved_ports_netsh"


def plan(wanted: t.Mapping[Protocol, PortSet], state: ListState, context: Context, *, patient: bool = False) -> Plan:
    """Exclude the ports of each protocol, release them, or make them the only ones; raises PlanError, FactsNeeded.

    ``patient``: a port with another holder than its owner waits too, instead of being an error.
    """
    named = PortSet(tuple(item for ports in wanted.values() for item in ports.ranges))
    asked = named if state != "absent" else NO_PORTS
    connected = wanted.get("tcp", NO_PORTS) if asked else NO_PORTS
    context.facts.require(ExclusionsFact(), *([SocketsFact(asked)] if asked else []), *connection_questions(connected))
    exclusions = _supported(context)
    changes = [
        _change_for(protocol, _WantedRanges(ports, state, asked), exclusions, context)
        for protocol, ports in wanted.items()
    ]
    waiting = [holder for change in changes for holder in change.waiting_for]
    made = _plan_of(changes, exclusions, tuple(wanted), context)
    return made if patient else dataclasses.replace(made, refusal=_refusal_of_thieves(waiting, context))


def undo(asked: t.Mapping[Protocol, PortSet], context: Context) -> Plan:
    """Take back our part of the ports: the list as it was before us if no one else has changed it since."""
    entry = context.entry(ENTRY)
    exclusions = _supported(context) if entry else None
    if entry is None or exclusions is None:
        return Plan("reserved_ports", {"mechanism": "netsh"}, {"mechanism": "netsh"}, EFFECTIVE)
    ours = {protocol: _recorded(protocol, entry) for protocol in PROTOCOLS}
    going = {protocol: ours[protocol] & asked.get(protocol, NO_PORTS) for protocol in PROTOCOLS}
    everything = going == ours
    if everything and entry.written == _blocks(exclusions):
        changes = [_restoration(protocol, entry.original, exclusions) for protocol in PROTOCOLS]
    else:
        changes = [_removal(protocol, going[protocol], exclusions, context) for protocol in PROTOCOLS]
    undone = _plan_of(changes, exclusions, PROTOCOLS, context)
    left = tuple(f"{text}/{protocol}" for protocol in PROTOCOLS for text in (ours[protocol] - going[protocol]).texts())
    kept = dataclasses.replace(entry, added=left, written=_blocks_after(changes, exclusions))
    return dataclasses.replace(undone, journal={ENTRY: None if everything else kept})


def _restoration(protocol: Protocol, original: State, exclusions: Exclusions) -> _Change:
    """From the blocks of now to the blocks before us."""
    texts = original.get(protocol, ()) if isinstance(original, t.Mapping) else ()
    before = tuple(ports for _text, ports in split_entries([str(text) for text in texts])[0])
    now = exclusions.administered(protocol)
    return _Change(
        protocol,
        delete=tuple(ports for ports in now if ports not in before),
        add=tuple(ports for ports in before if ports not in now),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _WantedRanges:
    """The ports that are asked for, and the ports whose sockets were read with the first questions."""

    ports: PortSet
    state: ListState
    observed: PortSet


@dataclasses.dataclass(frozen=True, slots=True)
class _Change:
    """The changes that one protocol needs."""

    protocol: Protocol
    delete: tuple[PortRange, ...] = ()
    add: tuple[PortRange, ...] = ()
    add_when_free: tuple[PortRange, ...] = ()
    waiting_for: tuple[Holder, ...] = ()
    needs_stopped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


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
    """What keeps DNS off the ports where netsh can't: what this release has, and no module that would refuse there."""
    if context.capabilities.dns_pool_exclusions:
        return "keep the DNS server off the ports with dns_socket_pool"
    return (
        "keep the DNS server off the ports by a delayed start (service_start_mode), or draw from a range without them "
        "(dynamic_ports)"
    )


def _administered(exclusions: Exclusions, protocol: Protocol) -> PortSet:
    return PortSet(exclusions.administered(protocol))


def _change_for(protocol: Protocol, wanted: _WantedRanges, exclusions: Exclusions, context: Context) -> _Change:
    if wanted.state == "absent":
        return _removal(protocol, wanted.ports, exclusions, context)
    addition = _addition(protocol, wanted, exclusions, context)
    if wanted.state == "present":
        return addition
    gone = _administered(exclusions, protocol) - wanted.ports
    removal = _removal(protocol, gone, exclusions, context)
    warning = f"state pure releases excluded {protocol} ports, whoever excluded them: {gone}."
    return dataclasses.replace(
        addition,
        delete=removal.delete,
        add=(*removal.add, *addition.add),
        warnings=(warning,) if gone else (),
    )


def _addition(protocol: Protocol, wanted: _WantedRanges, exclusions: Exclusions, context: Context) -> _Change:
    unfinished = _unfinished(protocol, context) if wanted.state == "present" else NO_PORTS
    missing = (wanted.ports | unfinished) - _administered(exclusions, protocol)
    if not missing:
        return _Change(protocol)
    _refuse_foreign_blocks(protocol, missing, exclusions, context)
    observed = wanted.observed if wanted.observed >= missing else missing
    connected = (wanted.ports if wanted.ports >= missing else missing) if protocol == "tcp" else NO_PORTS
    holding = holders_of(missing, context, asked=observed, tcp=connected)
    held = [holder for holder in holding if holder.protocol == protocol]
    stopping = [holder for holder in held if _will_be_free(holder, context)]
    waiting = tuple(holder for holder in held if holder not in stopping)
    stoppable = PortSet.of(*(holder.port for holder in stopping))
    busy = PortSet.of(*(holder.port for holder in waiting))
    return _Change(
        protocol,
        add=(missing - stoppable - busy).ranges,
        add_when_free=(stoppable - busy).ranges,
        waiting_for=waiting,
        needs_stopped=tuple(name for holder in stopping for name in holder.services),
    )


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
    thieves = [holder for holder in waiting if not is_rightful(holder, context)]
    if not thieves:
        return None
    first = thieves[0]
    reason = (
        f"{first} holds it and is not known as its owner"
        if len(thieves) == 1
        else f"{held_sentence(thieves)}; none is known as the owner of its port"
    )
    advice = dict.fromkeys(f"{holder}: {_how_to_free(holder, context)}" for holder in thieves)
    return PlanError(
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
    """Delete every administered block that holds one of ``ports`` and add back what must stay of it."""
    delete: list[PortRange] = []
    rest = PortSet()
    for block in exclusions.of(protocol):
        whole = PortSet.of(block.ports)
        if block.administered and not whole.isdisjoint(ports):
            delete.append(block.ports)
            rest |= whole - ports
            if not ports >= whole:
                _refuse_cut_of_busy_block(protocol, whole, block.ports, context)
    return _Change(protocol, delete=tuple(delete), add=rest.ranges)


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
    return _noted(protocol, pending)


def _plan_of(
    changes: t.Sequence[_Change], exclusions: Exclusions, protocols: tuple[Protocol, ...], context: Context
) -> Plan:
    step = ChangeExclusions(
        delete=tuple((change.protocol, block) for change in changes for block in change.delete),
        add=tuple((change.protocol, block) for change in changes for block in change.add),
    )
    when_free = ChangeExclusions(
        delete=(), add=tuple((change.protocol, block) for change in changes for block in change.add_when_free)
    )
    steps = (step,) if step.delete or step.add else ()
    steps_when_free = (when_free,) if when_free.add else ()
    waiting = tuple(holder for change in changes for holder in change.waiting_for)
    before = _shown({protocol: _administered(exclusions, protocol) for protocol in protocols})
    after = _shown({change.protocol: _after(change, exclusions) for change in changes})
    return Plan(
        "reserved_ports",
        before=before,
        after=after,
        effectiveness=_effectiveness_of(waiting),
        steps=steps,
        steps_when_free=steps_when_free,
        journal={ENTRY: _entry(changes, exclusions, context)} if steps or steps_when_free else {},
        warnings=tuple(warning for change in changes for warning in change.warnings),
        waiting_for=tuple(holder.as_dict() for holder in waiting),
        needs_stopped=tuple(name for change in changes for name in change.needs_stopped),
    )


def _after(change: _Change, exclusions: Exclusions) -> PortSet:
    now = _administered(exclusions, change.protocol)
    return (now - PortSet(change.delete)) | PortSet(change.add) | PortSet(change.add_when_free)


def _effectiveness_of(waiting: tuple[Holder, ...]) -> Effectiveness:
    if not waiting:
        return EFFECTIVE
    until = "that service is stopped; while it holds its ports, nobody else can take them"
    if any(holder.outgoing for holder in waiting):
        until = "the port is free, and this runs again"
    return Effectiveness(
        "no", f"A port in use can't be excluded: {held_sentence(waiting)}. The exclusion waits until {until}."
    )


def _entry(changes: t.Sequence[_Change], exclusions: Exclusions, context: Context) -> Entry:
    known = context.entry(ENTRY)
    added = {protocol: _recorded(protocol, known) for protocol in PROTOCOLS}
    pending: list[str] = []
    for change in changes:
        before, after = _administered(exclusions, change.protocol), _after(change, exclusions)
        added[change.protocol] = (added[change.protocol] | (after - before)) & after
        if change.delete:
            pending += [f"{block}/{change.protocol}" for block in change.add]
    return Entry(
        original=known.original if known else _blocks(exclusions),
        written=_blocks_after(changes, exclusions),
        added=tuple(f"{text}/{protocol}" for protocol, ports in added.items() for text in ports.texts()),
        pending=tuple(pending),
    )


def _blocks(exclusions: Exclusions) -> State:
    """The administered blocks as the journal keeps them."""
    return {protocol: sorted(str(ports) for ports in exclusions.administered(protocol)) for protocol in PROTOCOLS}


def _blocks_after(changes: t.Sequence[_Change], exclusions: Exclusions) -> State:
    blocks = {protocol: set(exclusions.administered(protocol)) for protocol in PROTOCOLS}
    for change in changes:
        blocks[change.protocol] -= set(change.delete)
        blocks[change.protocol] |= {*change.add, *change.add_when_free}
    return {protocol: sorted(str(ports) for ports in found) for protocol, found in blocks.items()}


def _recorded(protocol: Protocol, entry: Entry | None) -> PortSet:
    return _noted(protocol, entry.added if entry else ())


def _noted(protocol: Protocol, notes: t.Iterable[str]) -> PortSet:
    """The ports of one protocol in the journal's notes: ``50389-50389/tcp``."""
    texts = [text.partition("/")[0] for text in notes if text.endswith(f"/{protocol}")]
    return PortSet(tuple(ports for _text, ports in split_entries(texts)[0]))


def _shown(administered: t.Mapping[Protocol, PortSet]) -> dict[str, t.Any]:
    return {"mechanism": "netsh", **{f"excluded_{protocol}": ports.texts() for protocol, ports in administered.items()}}
