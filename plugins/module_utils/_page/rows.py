# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a report about a fleet as its page, its JSON and its CSV show them: mappings, lists, texts, numbers.

Texts in them may come from servers and are data in any case; the code that writes them into a page escapes them.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.held_ports import PortHolder
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding, HeldPort
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import (
    ChangeRow,
    DoubtRow,
    EffectiveRow,
    RiskRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import ServiceRow
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import (
    is_one_value,
    is_text_or_none,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import run_texts
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

RangeKind = t.Literal["dns_pool", "programs"]

_SHOWN: t.Final[t.Mapping[type[t.Any], tuple[str, ...]]] = {
    ChangeRow: ("name", "how", "advised", "takes_effect", "note", "probability"),
    DoubtRow: ("sentence", "probability"),
    EffectiveRow: ("what", "effective", "waits_for", "by_itself", "reason"),
    PortHolder: (
        *("text", "image", "process_id", "services", "pool", "outgoing", "tcp", "udp", "tcp_count", "udp_count"),
    ),
    RiskRow: ("probability", "formula", "reason", "drawn", "drawable", "candidates", "doubts"),
    ServiceRow: ("service", "display_name", "products", "state", "start_mode", "process_id", "exit_code"),
}
"""The texts that show a row, if they are not all its fields in their order."""
SERVER_COLUMNS: t.Final = (
    *("name", "state", "headline", "release", "version", "roles", "probability", "critical", "warning", "information"),
    *("taken", "waits_for", "by_itself", "reading", "message", "change"),
)
"""The fields of a server that a table shows."""
_FINDING_COLUMNS: t.Final = (
    *("severity", "kind", "service", "summary", "cause", "configured", "waits_for", "source", "fix"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFrom:
    """A range that ports are drawn from at random, and the programs that draw."""

    kind: RangeKind
    protocol: Protocol
    ports: PortRange
    note: str = ""


def drawn_from(info: PortInfo) -> tuple[DrawnFrom, ...]:
    """The ranges that ports are drawn from: the DNS server's pool first, then every program's."""
    pool, dynamic = info.dns_pool, info.dynamic_ranges
    found: list[DrawnFrom] = []
    if pool and not info.lacks_pool:
        found.append(DrawnFrom(kind="dns_pool", protocol="udp", ports=pool.range, note=pool.range_reason))
    drawn: tuple[tuple[Protocol, PortRange | None], ...] = ()
    if dynamic:
        drawn = (("tcp", dynamic.tcp), ("udp", dynamic.udp))
    found += [DrawnFrom(kind="programs", protocol=protocol, ports=ports) for protocol, ports in drawn if ports]
    return tuple(found)


def finding_columns() -> tuple[str, ...]:
    """The fields of a finding that fit into a cell of a table: the usual ones first, what came later behind them."""
    fitting = (field.name for field in dataclasses.fields(Finding) if is_one_value(Finding, field.name))
    return tuple(dict.fromkeys((*_FINDING_COLUMNS, *fitting)))


def plain(value: t.Any) -> t.Any:
    """Rows as plain mappings, lists and texts, for JSON and for templates; ranges as ``n`` or ``n-m``.

    A text that is missing is empty.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value
    for kind, text in _TEXTS:
        if isinstance(value, kind):
            return text(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            name: blank if (part := getattr(value, name)) is None else plain(part)
            for name, blank in _blanks(type(value))
        }
    if isinstance(value, c.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def row_fields(cls: type[t.Any]) -> tuple[str, ...]:
    """The fields of a row, in their order, that a report has of it; some are properties of the class."""
    return _SHOWN.get(cls) or tuple(field.name for field in dataclasses.fields(cls))


@functools.cache
def _blanks(cls: type[t.Any]) -> tuple[tuple[str, str | None], ...]:
    """The fields of a row, each with what stands for None: a text that is missing is empty."""
    return tuple((name, "" if is_text_or_none(cls, name) else None) for name in row_fields(cls))


def _numbers(ports: frozenset[int]) -> str:
    """Neighbours merged: ``80, 443, 49152-49160``."""
    return ", ".join(run_texts(ports))


_TEXTS: t.Final[tuple[tuple[type[t.Any], t.Callable[[t.Any], str]], ...]] = (
    (PortRange, lambda ports: ports.text),
    (frozenset, _numbers),
    (HeldPort, lambda held: f"{held.protocol.upper()} {held.port}: {held}"),
)
"""One text of a page, of any kind of parts."""
