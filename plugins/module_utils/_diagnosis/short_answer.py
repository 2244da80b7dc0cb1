# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info`` for people: each row of a list as one line of text.

Ansible prints a field of a row on a line of its own, so that a DNS server's answer has hundreds of lines as rows, and
tens of thousands with single sockets. Programs ask for the rows. A row without a line in the table below stays one.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    connection_text,
    process_text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import (
    ERROR_MEANINGS,
    LeftOver,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import (
    Evidence,
    Finding,
    FindingPort,
    HeldPort,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import (
    ChangeRow,
    DoubtRow,
    EffectiveRow,
    PortRisk,
    ServiceRisk,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import UnreadRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import (
    BlockRow,
    ProcessRow,
    SocketRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import (
    ChoiceRow,
    InstanceRow,
    KindRow,
    ReleaseRow,
    ServiceRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import percent
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, parse_ports

MOST_RANGES: t.Final = 6
"""Of the ports of a process so many ranges are written out."""
_LEFT_OUT: t.Final[t.Mapping[type[t.Any], tuple[str, ...]]] = {ReleaseRow: ("capabilities",)}
"""Fields that tell a reader nothing about this server: they follow from its release."""
_IN_FORCE: t.Final = {"yes": "in force", "no": "NOT IN FORCE", "unknown": "not known if in force"}


def short(value: t.Any) -> t.Any:
    """Rows in mappings and sequences as people read them: mappings, lists of lines, texts, numbers."""
    if isinstance(value, PortRange):
        return value.text
    if isinstance(value, str):
        return value.splitlines() if "\n" in value else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: short(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, c.Mapping):
        return {name: short(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_item(item) for item in value]
    return value


def finding_line(row: Finding) -> str:
    """A finding as one line: ``critical: IAS is down: ...``."""
    return f"{row.severity}: {row.summary}"


def _fields(cls: type[t.Any]) -> tuple[str, ...]:
    left_out = _LEFT_OUT.get(cls, ())
    return tuple(field.name for field in dataclasses.fields(cls) if field.name not in left_out)


def _item(item: t.Any) -> t.Any:
    line = _LINES.get(type(item))
    return " ".join(line(item).split()) if line else short(item)


# --- lines ---------------------------------------------------------------------------------------------------------


def _process(row: ProcessRow | SocketRow) -> str:
    text = process_text(row.image, row.process_id, row.services)
    text = connection_text(text, row.far_ends) if row.outgoing else text
    return f"{text}, its socket pool" if row.pool else text


def _by_process(row: ProcessRow) -> str:
    ranges = row.ports.split(", ")
    if len(ranges) <= MOST_RANGES:
        return f"{row.protocol.upper()} {row.ports}: {_process(row)}"
    shown = ", ".join(ranges[:MOST_RANGES])
    return f"{row.protocol.upper()} {shown}, ... {ranges[-1]} ({row.count} ports): {_process(row)}"


def _socket(row: SocketRow) -> str:
    return f"{row.protocol.upper()} {row.port} on {row.address}: {_process(row)}"


def _standing(state: str, start_mode: str, process_id: int, exit_code: int) -> str:
    """How a service stands; an exit code says something of one that does not run."""
    parts = [state, f"start mode {start_mode}"]
    parts += [f"process {process_id}"] if process_id else []
    parts += [f"exit code {exit_code}"] if exit_code and not process_id else []
    meaning = "" if process_id else ERROR_MEANINGS.get(exit_code, "")
    return f"{', '.join(parts)}{f' ({meaning})' if meaning else ''}"


def _service(row: ServiceRow) -> str:
    name = f"{row.service} ({row.display_name})" if row.display_name else row.service
    return f"{name}: {_standing(row.state, row.start_mode, row.process_id, row.exit_code)}"


def _instance(row: InstanceRow) -> str:
    named = (("LDAP", row.ldap_port), ("LDAP over TLS", row.ssl_port))
    ports = [f"{name} {port}" for name, port in named if port is not None]
    standing = _standing(row.state, row.start_mode, row.process_id, row.exit_code)
    return f"{row.instance}, service {row.service}, {', '.join(ports) or 'no port known'}: {standing}"


def _kind(row: KindRow) -> str:
    if row.role is None:
        return row.name
    return f"{row.name}: {row.role}{' fits' if row.fits else f' does not fit. {row.reason}'}"


def _left_over(row: LeftOver) -> str:
    return f"{row.service}: error {row.exit_code}, {row.exit_code_meaning}"


def _effective(row: EffectiveRow) -> str:
    return f"{row.what} {_words(row.configured)}: {_IN_FORCE.get(row.effective, row.effective)}. {row.reason}"


def _words(value: t.Any) -> str:
    """A configured value, of any form, in one text."""
    if isinstance(value, c.Mapping):
        return "; ".join(f"{name} {_words(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value)) or "none"
    return value.text if isinstance(value, PortRange) else str(value)


def _chance(probability: float | None) -> str:
    return "no figure" if probability is None else percent(probability)


def _service_risk(row: ServiceRisk) -> str:
    udp = parse_ports(row.udp)
    return f"{row.service}, UDP {udp}: {_chance(row.probability)}"


def _port_risk(row: PortRisk) -> str:
    return f"{row.protocol.upper()} {row.port} of {row.service}: {_chance(row.probability)}. {row.reason}"


def _change(row: ChangeRow) -> str:
    advised = "advised" if row.advised else "not advised"
    return f"{row.name} ({advised}): then {_chance(row.probability)}. {row.how}. {row.note}"


def _doubt(row: DoubtRow) -> str:
    return f"{row.sentence} If not: {_chance(row.probability)}."


def _block(row: BlockRow) -> str:
    maker = "an administrator's" if row.administered else "made by Windows"
    return f"{row.protocol.upper()} {PortRange(row.first, row.last).text}, {maker}, store: {row.store}"


def _evidence(row: Evidence) -> str:
    return f"{row.seen_in}: {row.text}{f' ({row.time})' if row.time else ''}"


def _held(row: HeldPort) -> str:
    return f"{row.protocol.upper()} {row.port}: {row}"


def _unread(row: UnreadRow) -> str:
    lost = f" Not known for want of it: {', '.join(row.lost)}." if row.lost else ""
    return f"{row.reading}: {row.reason}{lost}"


_LINES: t.Final[t.Mapping[type[t.Any], t.Callable[[t.Any], str]]] = {
    BlockRow: _block,
    ChangeRow: _change,
    ChoiceRow: lambda row: f"{row.role} ({row.note})",
    DoubtRow: _doubt,
    EffectiveRow: _effective,
    Evidence: _evidence,
    FindingPort: lambda row: f"{row.protocol.upper()} {row.port}",
    HeldPort: _held,
    InstanceRow: _instance,
    KindRow: _kind,
    LeftOver: _left_over,
    PortRisk: _port_risk,
    ProcessRow: _by_process,
    ServiceRisk: _service_risk,
    ServiceRow: _service,
    SocketRow: _socket,
    UnreadRow: _unread,
}
"""The line of each row that stands in a list; a finding stays a row, for its cause and its fix."""
