# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retransmitted segments have two ends: a finding about them is compared with the other servers of the report."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host

_KIND: t.Final = "network_retransmits"
_MOST_NAMED: t.Final = 5
"""Servers of each kind; a report about hundreds has one line more instead."""


def compared(hosts: t.Sequence[Host]) -> tuple[Host, ...]:
    """The servers, each finding about retransmitted segments with what the others have as its evidence."""
    return tuple(_compared(host, [other for other in hosts if other is not host]) for host in hosts)


def _compared(host: Host, others: t.Sequence[Host]) -> Host:
    if not any(found.kind == _KIND for found in host.findings):
        return host
    evidence = tuple(_other_sides(others))
    findings = (
        dataclasses.replace(found, evidence=(*found.evidence, *evidence)) if found.kind == _KIND else found
        for found in host.findings
    )
    return dataclasses.replace(host, findings=tuple(findings))


def _other_sides(others: t.Sequence[Host]) -> t.Iterator[Evidence]:
    read = [other for other in others if other.reading == "read"]
    concerned = [(other, found) for other in read for found in other.findings if found.kind == _KIND]
    for other, found in concerned[:_MOST_NAMED]:
        yield Evidence("adapter", f"the other side, {other.name}: {_adapters(found)}")
    names = [other.name for other in read if other not in [one for one, _found in concerned]]
    if len(concerned) > _MOST_NAMED:
        yield Evidence("adapter", f"{len(concerned) - _MOST_NAMED} more servers of this report have such a finding")
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield Evidence("adapter", f"no such finding on {', '.join(names[:_MOST_NAMED])}{more}")


def _adapters(found: Finding) -> str:
    return "; ".join(item.text for item in found.evidence if item.seen_in in ("counter", "adapter"))
