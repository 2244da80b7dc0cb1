# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info``: what was found, in one or a few sentences."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import (
    ERROR_MEANINGS,
    LeftOver,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.verdicts import Verdict, opened
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import PortInfoReport
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import seen_of, verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import rows_from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

MOST_SENTENCES: t.Final = 10
NOTHING_RESERVABLE: t.Final = "No port can be reserved here without the hotfix KB2665809."
"""Windows Server 2008 and 2008 R2: no excludedportrange in netsh, and ReservedPorts is ignored."""
_SOCKET_FIELDS: t.Final = frozenset({"protocol", "port", "process_id", "image", "services"})


def summary(report: PortInfoReport) -> str:
    """The holders of the ports that were asked for, else the facts that stand out on this server."""
    sockets = report.values.get("sockets")
    if report.inquiry.ports is not None and sockets is not None:
        return " ".join([*_held_sentences(sockets), *_free_sentence(report.inquiry, sockets), *_unread(report)])
    parts = (sentence for describe in _DESCRIPTIONS for sentence in describe(report))
    said = " ".join([f"{report.release.name}.", *parts, *_unread(report)])
    found = verdict_of(report)
    return opened(found, said) if found else said


def verdict_of(report: PortInfoReport) -> Verdict | None:
    """The verdict on the server; ``None`` if not enough was asked for one."""
    return verdict(seen_of(report.info, report.values), report.values)


def query_summary(answer: t.Any, report: PortInfoReport) -> str:
    """The answer to a query in words, and the facts that could not be read for it."""
    return " ".join([answer_summary(answer), *_unread(report)])


def answer_summary(answer: t.Any) -> str:
    """The answer to a query in words; rows of sockets become sentences."""
    if answer is None or answer in ([], {}):
        return "The query found nothing."
    rows = answer if isinstance(answer, list) else [answer]
    if all(isinstance(row, dict) and row.keys() >= _SOCKET_FIELDS for row in rows):
        held = rows_from_plain(Holder, rows)
        if len(held) == len(rows):
            return " ".join(_held_sentences(held))
    return (
        f"The query found {_counted(len(answer), 'item')}."
        if isinstance(answer, list)
        else "The query found an answer."
    )


def _held_sentences(sockets: t.Iterable[Holder]) -> list[str]:
    """One sentence per protocol, port and process."""
    sentences = list(dict.fromkeys(map(_held_sentence, sockets)))
    left = len(sentences) - MOST_SENTENCES
    return [*sentences[:MOST_SENTENCES], *([f"And {left} more."] if left > 0 else [])]


def _held_sentence(holder: Holder) -> str:
    return f"{holder.protocol.upper()} {holder.port} is held by {holder}."


def _free_sentence(inquiry: PortInfoOptions, sockets: t.Iterable[Holder]) -> list[str]:
    free = (inquiry.ports or NO_PORTS) - PortSet.of(*{row.port for row in sockets})
    if not free:
        return []
    shown = ", ".join(item.text for item in free.ranges[:MOST_SENTENCES])
    more = " and others" if len(free.ranges) > MOST_SENTENCES else ""
    nobody = "Outgoing TCP connections apart, nobody" if inquiry.leaves_connections_out else "Nobody"
    return [f"{nobody} holds {shown}{more}."]


# --- what stands out -------------------------------------------------------------------------------------------------


def _pool(report: PortInfoReport) -> t.Iterator[str]:
    if "dns_pool" not in report.values:
        return
    pool = report.info.dns_pool
    if pool is None:
        yield from () if "dns_pool" in report.lost else ("There is no DNS server.",)
        return
    if report.info.lacks_pool:
        yield f"DNS is {pool.state.casefold()}; it has no socket pool."
        return
    seen = "" if pool.sockets_held is None else f", {pool.sockets_held} held now"
    yield f"DNS is {pool.state.casefold()}; its pool: {_counted(pool.size, 'socket')} from {pool.range}{seen}."


def _roles(report: PortInfoReport) -> t.Iterator[str]:
    found = report.info.roles
    if found:
        names = ", ".join(kind.name for kind in found.kinds)
        yield f"This is: {names or 'nothing that this collection has a role for'}."
        yield f"Roles that fit: {', '.join(found.fitting) or 'none'}."
        chosen = ", ".join(f"{row.role} ({row.note})" for row in found.by_choice)
        yield from [f"By your choice: {chosen}."] if chosen else []
        if report.info.findings is None and found.left_over:
            yield _left_over(found.left_over)


def _left_over(found: t.Sequence[LeftOver]) -> str:
    """Services that are down, where no finding says so."""
    down = ", ".join(f"{row.service} (error {row.exit_code}: {row.exit_code_meaning})" for row in found)
    return f"Down for the sake of a port: {down}."


def _reserved(report: PortInfoReport) -> t.Iterator[str]:
    found = report.info.reservations
    if found is None and "reservations" in report.values and "reservations" not in report.lost:
        yield NOTHING_RESERVABLE
    for protocol, ports in (("TCP", found.tcp), ("UDP", found.udp)) if found else ():
        if ports:
            more = ", ..." if len(ports) > MOST_SENTENCES else ""
            yield f"Reserved {protocol}: {', '.join(ports[:MOST_SENTENCES])}{more}."


def _sockets(report: PortInfoReport) -> t.Iterator[str]:
    rows = report.info.sockets
    if rows is not None:
        holding = len({row.process_id for row in rows})
        yield f"{_counted(len(rows), 'socket')} of {_counted(holding, 'process', 'processes')}."


def _ad_lds(report: PortInfoReport) -> t.Iterator[str]:
    explained = {row.service for row in report.info.findings or ()}
    for instance in report.info.ad_lds or ():
        if instance.state != "Running" and instance.service not in explained:
            code = instance.exit_code
            meaning = f" ({code}: {ERROR_MEANINGS[code]})" if code in ERROR_MEANINGS else ""
            yield f"{instance.service} is {instance.state.casefold()}{meaning}."


def _waiting(report: PortInfoReport) -> t.Iterator[str]:
    waiting: dict[tuple[str, str], list[str]] = {}
    for row in report.info.configured_versus_effective or ():
        if row.effective == "no":
            opening = "In force with the next boot" if row.by_itself else "Configured but not in force"
            waiting.setdefault((opening, row.reason), []).append(f"{row.resource} ({row.part})")
    for (opening, reason), names in waiting.items():
        yield f"{opening}: {', '.join(names)}. {reason}"


def _risk(report: PortInfoReport) -> t.Iterator[str]:
    found = report.info.risk
    if found and found.probability:
        hurt = [row.service for row in found.services if row.probability]
        chance = f"{100 * found.probability:.3g} %"
        yield f"With a probability of {chance} the next boot costs a service its port ({', '.join(hurt)})."


def _findings(report: PortInfoReport) -> t.Iterator[str]:
    """The worst in words, the others by number."""
    rows = report.info.findings
    if rows is not None and not rows:
        taken = seen_of(report.info, report.values).taken
        if taken:
            yield from (need.collision for need in taken[:MOST_SENTENCES])
            return
        is_whole = not any(name.startswith("findings") for name in report.lost)
        yield "Nothing wrong was found." if is_whole else "Nothing wrong was found in what could be read."
        return
    rows = rows or ()
    critical = [row.summary for row in rows if row.severity == "critical"]
    yield from critical[:MOST_SENTENCES]
    for severity, name in (("warning", "warning"), ("information", "remark")):
        number = sum(row.severity == severity for row in rows)
        if number:
            yield f"{_counted(number, name)}, see findings."


def _unread(report: PortInfoReport) -> t.Iterator[str]:
    if report.unread:
        yield f"Not read: {', '.join(row.reading for row in report.unread)}; see the warnings."


_DESCRIPTIONS: t.Final[tuple[t.Callable[[PortInfoReport], t.Iterable[str]], ...]] = (
    _roles,
    _pool,
    _reserved,
    _sockets,
    _ad_lds,
    _findings,
    _waiting,
    _risk,
)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
