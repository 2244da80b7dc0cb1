# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a report: for each its name, its meaning, its labels, and its values read off the rows of servers.

All are gauges. The types ``info`` and ``stateset`` of OpenMetrics are not used, since node_exporter's textfile
collector reads the older text format of Prometheus, which does not know them, and refuses the whole file.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.kept_ports import Kept
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import SEVERITIES
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import STATES
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import READ_AT, Fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host

SERVER: t.Final = "server"
"""The label that has the server's name in the inventory."""
Sample = tuple[tuple[str, ...], float]
"""The values of the labels, in the order of their names, and the metric's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. ``unit`` is the last word of its name, if it has a unit of OpenMetrics."""

    name: str
    says: str
    labels: tuple[str, ...]
    samples: t.Callable[[Fleet], t.Iterable[Sample]]
    unit: str = ""


def read_seconds(read_at: str) -> int | None:
    """The time at which the servers were read, as Unix time; ``None`` if its words have another form than usual."""
    try:
        return int(datetime.datetime.strptime(f"{read_at} +0000", f"{READ_AT} %z").timestamp())
    except ValueError:
        return None


def _about_servers(
    name: str, says: str, samples: t.Callable[[Host], t.Iterable[Sample]], labels: tuple[str, ...] = ()
) -> Metric:
    """A metric of each server; ``samples`` leave out the label of its name."""

    def of_all(report: Fleet) -> t.Iterator[Sample]:
        for host in report.hosts:
            yield from (((host.name, *values), value) for values, value in samples(host))

    return Metric(name=f"portkeeper_{name}", says=says, labels=(SERVER, *labels), samples=of_all)


def _number(value: float | None) -> t.Iterator[Sample]:
    if value is not None:
        yield (), value


def _report(report: Fleet) -> t.Iterator[Sample]:
    yield (report.product_version,), 1


def _read_at(report: Fleet) -> t.Iterator[Sample]:
    return _number(read_seconds(report.read_at))


def _server(host: Host) -> t.Iterator[Sample]:
    if host.reading == "read":
        yield (host.release, host.version), 1


def _state(host: Host) -> t.Iterator[Sample]:
    return (((state,), state == host.state) for state in STATES)


def _findings(host: Host) -> t.Iterator[Sample]:
    if "findings" in host.answered:
        for severity in SEVERITIES:
            yield (severity,), getattr(host, severity)


def _findings_of_kind(host: Host) -> t.Iterator[Sample]:
    found = collections.Counter((finding.kind, finding.severity) for finding in host.findings)
    return iter(found.items())


def _taken(host: Host) -> t.Iterator[Sample]:
    return _number(host.taken if "sockets" in host.answered else None)


def _drawn(host: Host) -> t.Iterator[Sample]:
    return _number(host.risk.drawn if host.risk and "dns_pool" in host.answered else None)


def _drawable(host: Host) -> t.Iterator[Sample]:
    return _number(host.risk.drawable if host.risk and "dns_pool" in host.answered else None)


def _held(host: Host) -> t.Iterator[Sample]:
    if {"dns_pool", "sockets"} <= {*host.answered}:
        yield (), sum(holder.udp_count for holder in host.holders if holder.pool)


_KEPT: t.Final[tuple[tuple[Kept, Protocol, str], ...]] = (
    *(("reserved", protocol, "reservations") for protocol in PROTOCOLS),
    ("left_out_of_pool", "udp", "dns_pool"),
    *(("windows_block", protocol, "reservations") for protocol in PROTOCOLS),
)
"""The kinds of kept ports, and the subset that knows of them."""


def _kept(host: Host) -> t.Iterator[Sample]:
    for kind, protocol, subset in _KEPT:
        if subset in host.answered:
            yield (kind, protocol), sum(row.count for row in host.kept if (row.kind, row.protocol) == (kind, protocol))


def _waits(host: Host) -> t.Iterator[Sample]:
    if "configured_versus_effective" in host.answered:
        for event in AWAITED:
            yield (event,), event in host.waits_for


def _by_itself(host: Host) -> t.Iterator[Sample]:
    return _number(len(host.by_itself) if "configured_versus_effective" in host.answered else None)


METRICS: t.Final = (
    Metric(
        name="portkeeper_report_info",
        says="The version of the collection that wrote the report; always 1.",
        labels=("version",),
        samples=_report,
    ),
    Metric(
        name="portkeeper_report_timestamp_seconds",
        says="The time at which the servers were read, as Unix time.",
        labels=(),
        samples=_read_at,
        unit="seconds",
    ),
    _about_servers(
        "server_info", "The Windows of a server that was read; always 1.", _server, labels=("release", "version")
    ),
    _about_servers("server_read", "1 if the server was read, else 0.", lambda host: _number(host.reading == "read")),
    _about_servers("server_state", "1 for the state that the server is in, 0 for the others.", _state, ("state",)),
    _about_servers(
        "next_boot_loss_probability",
        "The probability that the next boot costs at least one service its port, from 0 to 1.",
        lambda host: _number(host.probability),
    ),
    _about_servers("findings", "Findings of each severity.", _findings, labels=("severity",)),
    _about_servers(
        "findings_of_kind",
        "Findings of each kind that the server has.",
        _findings_of_kind,
        labels=("kind", "severity"),
    ),
    _about_servers("taken_ports", "Ports that a service needs and that another process holds.", _taken),
    _about_servers("dns_pool_drawn_ports", "Ports that the DNS server's socket pool draws at the next boot.", _drawn),
    _about_servers("dns_pool_drawable_ports", "Ports that the DNS server's socket pool is drawn from.", _drawable),
    _about_servers("dns_pool_held_ports", "UDP ports that the DNS server's socket pool holds now.", _held),
    _about_servers(
        "kept_ports",
        "Ports that are never drawn at random: reserved, left out of the DNS server's pool, or in a block of Windows.",
        _kept,
        labels=("kind", "protocol"),
    ),
    _about_servers(
        "waits_for", "1 for each event that the server waits for, 0 for the others.", _waits, labels=("event",)
    ),
    _about_servers(
        "settings_for_next_boot", "Settings that the next boot puts in force without an action.", _by_itself
    ),
)
