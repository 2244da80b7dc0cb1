# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ranges that ports are drawn from at random, and the ports that no program gets by chance."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.reserved_ports_value import SETTING
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import (
    BlockRow,
    DynamicRangesRow,
    ReservationsRow,
    Store,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import (
    DEFAULT_MAX_USER_PORT,
    LEAST_MAX_USER_PORT,
    MOST_MAX_USER_PORT,
    range_by_max_user_port,
    why_no_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import SYSTEM_BLOCK, Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    DynamicRangesFact,
    ExclusionsFact,
    Protocol,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port, pool_range
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet


def dynamic_ranges(view: PortInfoView) -> SubsetAnswer:
    """The dynamic port ranges, and what MaxUserPort means for the TCP/IP stack and for dns.exe."""
    if not view.context.capabilities.dynamic_port_ranges:
        return _by_max_user_port(view)
    view.facts.require(DynamicRangesFact(), MAX_USER_PORT_FACT)
    ranges = view.facts[DynamicRangesFact()]
    if ranges is None:
        raise PlanError("the dynamic port ranges", "netsh of this Windows does not show them")
    highest = max_user_port(view.facts)
    ignored = (
        () if highest is None else (f"The TCP/IP stack of {view.context.release.name} does not read MaxUserPort.",)
    )
    return SubsetAnswer(
        DynamicRangesRow(
            mechanism="netsh",
            tcp=ranges.tcp,
            udp=ranges.udp,
            tcp6=ranges.tcp6,
            udp6=ranges.udp6,
            max_user_port=highest,
            meaning=(*ignored, _for_dns(view, highest, ranges.udp)),
        )
    )


def _by_max_user_port(view: PortInfoView) -> SubsetAnswer:
    highest = max_user_port(view.facts)
    ports = range_by_max_user_port(highest)
    said = f"is not set, its default is {DEFAULT_MAX_USER_PORT}" if highest is None else f"is {highest}"
    stack = f"MaxUserPort {said}: the TCP/IP stack draws from {ports}."
    return SubsetAnswer(
        DynamicRangesRow(
            mechanism="registry",
            tcp=ports,
            udp=ports,
            tcp6=None,
            udp6=None,
            max_user_port=highest,
            meaning=(stack, _for_dns(view, highest, None)),
        ),
        _out_of_range(highest),
    )


def _out_of_range(highest: int | None) -> tuple[str, ...]:
    if highest is None or not why_no_max_user_port(highest):
        return ()
    return (f"MaxUserPort is {highest}; Windows documents {LEAST_MAX_USER_PORT} to {MOST_MAX_USER_PORT}.",)


def _for_dns(view: PortInfoView, highest: int | None, dynamic_udp: PortRange | None) -> str:
    found = pool_range(view.context.capabilities, highest, dynamic_udp)
    return f"The DNS server's pool comes from {found.ports}. {found.reason}"


def reservations(view: PortInfoView) -> SubsetAnswer:
    """The ports that no program gets by chance, by the mechanism that this release honours; ``None`` if it has none.

    The latter is as Windows Server 2008 was made, and nothing to warn of: the summary says it.
    """
    honoured = view.context.capabilities.reserved_ports_value
    view.facts.require(RESERVED_PORTS_FACT, *([] if honoured else [ExclusionsFact()]))
    value, warnings = _reserved_ports(view)
    if honoured:
        texts = value.reliable.texts()
        return SubsetAnswer(_shown("registry", texts, texts, (), value, honoured=True), warnings)
    exclusions = view.facts[ExclusionsFact()]
    if exclusions is None:
        return SubsetAnswer(None)
    tcp, udp = (exclusions.reserved(protocol).texts() for protocol in PROTOCOLS)
    rows = [row for protocol in PROTOCOLS for row in _rows(protocol, exclusions)]
    return SubsetAnswer(_shown("netsh", tcp, udp, rows, value, honoured=False))


def _reserved_ports(view: PortInfoView) -> tuple[PortList, tuple[str, ...]]:
    """The value ReservedPorts; one of a wrong type counts as empty, as it does for Windows."""
    try:
        return SETTING.as_list(view.context), ()
    except PlanError as error:
        return PortList(), (str(error),)


def _shown(
    mechanism: str,
    tcp: t.Sequence[str],
    udp: t.Sequence[str],
    blocks: t.Iterable[BlockRow],
    value: PortList,
    *,
    honoured: bool,
) -> ReservationsRow:
    return ReservationsRow(
        mechanism=mechanism,
        tcp=tuple(tcp),
        udp=tuple(udp),
        blocks=tuple(blocks),
        entries=value.entries,
        unreadable=value.unreadable,
        entries_honoured=honoured,
    )


def _rows(protocol: Protocol, exclusions: Exclusions) -> t.Iterator[BlockRow]:
    """Blocks in force, then those that come with the next boot; each with the stores that it is in."""
    passing = exclusions.until_boot(protocol)
    for block in exclusions.of(protocol):
        lasts = block.administered and block.ports not in passing and block.ports != SYSTEM_BLOCK
        store: Store = "active" if not lasts else "both" if exclusions.tells_stores else "unknown"
        yield _row(protocol, block.ports, store, administered=block.administered)
    for ports in exclusions.persistent(protocol):
        if not PortSet.of(ports).isdisjoint(exclusions.from_boot(protocol)):
            yield _row(protocol, ports, "persistent", administered=True)


def _row(protocol: Protocol, ports: PortRange, store: Store, *, administered: bool) -> BlockRow:
    return BlockRow(protocol=protocol, first=ports.first, last=ports.last, administered=administered, store=store)
