# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers for people: each row of a list as one line."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import (
    Evidence,
    Finding,
    FindingPort,
    HeldPort,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import (
    EffectiveRow,
    ServiceRisk,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import (
    BlockRow,
    ProcessRow,
    SocketRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import (
    InstanceRow,
    KindRow,
    ServiceRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.short_answer import finding_line, short
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

DNS: t.Final[dict[str, t.Any]] = {
    "protocol": "udp",
    "process_id": 9,
    "image": "dns.exe",
    "services": ("DNS",),
    "outgoing": False,
    "far_ends": (),
}
OUTLOOK: t.Final[dict[str, t.Any]] = {
    **DNS,
    "protocol": "tcp",
    "image": "a.exe",
    "services": (),
    "outgoing": True,
    "far_ends": ("192.0.2.9:389",),
}
IAS: t.Final = ServiceRow(
    service="IAS",
    display_name="Network Policy Server",
    image="svchost.exe",
    products=("ias",),
    state="Stopped",
    start_mode="auto",
    process_id=0,
    exit_code=10048,
)
POOL: t.Final = EffectiveRow(
    resource="dns_socket_pool",
    part="size",
    configured=5000,
    effective="no",
    reason="Restart DNS.",
    waits_for="dns_restart",
    reboot_required=False,
    restart_required=True,
)
LINES: t.Final[list[tuple[t.Any, str]]] = [
    (ProcessRow(**DNS, pool=False, ports="53", count=1), "UDP 53: dns.exe (process 9, service DNS)"),
    (
        ProcessRow(**DNS, pool=True, ports="1, 3, 5, 7, 9, 11-12, 14, 16", count=9),
        "UDP 1, 3, 5, 7, 9, 11-12, ... 16 (9 ports): dns.exe (process 9, service DNS), its socket pool",
    ),
    (
        ProcessRow(**OUTLOOK, pool=False, ports="1025", count=1),
        "TCP 1025: an outgoing connection of a.exe (process 9) to 192.0.2.9:389",
    ),
    (SocketRow(**DNS, port=53, address="::", pool=False), "UDP 53 on ::: dns.exe (process 9, service DNS)"),
    (IAS, "IAS (Network Policy Server): Stopped, start mode auto, exit code 10048 (the port is already in use)"),
    (
        dataclasses.replace(IAS, display_name="", process_id=7, state="Running"),
        "IAS: Running, start mode auto, process 7",
    ),
    (
        InstanceRow(
            instance="A",
            service="ADAM_A",
            state="Running",
            start_mode="Auto",
            process_id=5,
            exit_code=0,
            ldap_port=389,
            ssl_port=None,
            ports_source="registry",
        ),
        "A, service ADAM_A, LDAP 389: Running, start mode Auto, process 5",
    ),
    (
        KindRow(
            kind="radius", name="RADIUS", services=("IAS",), role="dc_ias", fits=False, reason="No DNS.", by_choice=()
        ),
        "RADIUS: dc_ias does not fit. No DNS.",
    ),
    (POOL, "DNS socket pool (size) 5000: NOT IN FORCE. Restart DNS."),
    (
        dataclasses.replace(POOL, configured={"tcp": ["1-2"], "udp": []}, effective="yes", reason=""),
        "DNS socket pool (size) tcp 1-2; udp none: in force.",
    ),
    (
        ServiceRisk(
            service="IAS", product="ias", udp=("5-5", "7-8"), start_order="unknown", probability=None, after={}
        ),
        "IAS, UDP 5, 7-8: no figure",
    ),
    (
        BlockRow(protocol="tcp", first=5, last=5, administered=False, store="active"),
        "TCP 5, made by Windows, store: active",
    ),
    (HeldPort(**DNS, port=5, held_as="dns_pool"), "UDP 5: dns.exe (process 9, service DNS)"),
    (Evidence("event", "It\nsaid so", "2026-03-01T08:00:12Z"), "event: It said so (2026-03-01T08:00:12Z)"),
]


@pytest.mark.parametrize(("row", "line"), LINES, ids=lambda value: type(value).__name__)
def test_a_row_is_a_line(row: t.Any, line: str) -> None:
    assert short([row]) == [line]


def test_a_finding_stays_a_row_with_lines_in_it() -> None:
    found = Finding(
        kind="network_retransmits",
        severity="warning",
        summary="It is old.",
        cause="Time.",
        ports=(FindingPort(protocol="tcp", port=5),),
        evidence=(Evidence("adapter", "A card"),),
        fix="# Report only.\n# Renew it.\n",
        source="field reports",
    )
    (shown,) = short([found])
    assert finding_line(found) == "warning: It is old."
    assert (shown["summary"], shown["cause"], shown["ports"]) == ("It is old.", "Time.", ["TCP 5"])
    assert (shown["evidence"], shown["fix"]) == (["adapter: A card"], ["# Report only.", "# Renew it."])


def test_ranges_are_texts() -> None:
    assert short({"range": PortRange(5, 9), "count": 5, "known": True, "none": None, "odds": 0.5}) == {
        "range": "5-9",
        "count": 5,
        "known": True,
        "none": None,
        "odds": 0.5,
    }


def test_no_row_of_a_list_but_a_finding_has_fields() -> None:
    listed = set(_listed(PortInfo)) - {Finding}
    assert len(listed) > 10
    assert [cls.__name__ for cls in listed if not isinstance(short([_blank(cls)])[0], str)] == []


def _listed(cls: t.Any) -> c.Iterator[t.Any]:
    """The classes of rows that stand in lists below a row."""
    for hint in t.get_type_hints(cls).values():
        yield from _listed_of(hint, listed=False)


def _listed_of(hint: t.Any, *, listed: bool) -> c.Iterator[t.Any]:
    if dataclasses.is_dataclass(hint) and hint is not PortRange:
        yield from [hint] if listed else []
        yield from _listed(hint)
    for argument in t.get_args(hint):
        yield from _listed_of(argument, listed=listed or t.get_origin(hint) is tuple)


def _blank(cls: t.Any) -> t.Any:
    """A row with a value of the right type in each field."""
    hints = t.get_type_hints(cls)
    return cls(
        **{name: _value(hint) for name, hint in hints.items() if name in {f.name for f in dataclasses.fields(cls)}}
    )


def _value(hint: t.Any) -> t.Any:
    origin = t.get_origin(hint) or hint
    if origin is t.Literal:
        return t.get_args(hint)[0]
    values: dict[t.Any, t.Any] = {str: "5", int: 5, float: 0.5, bool: True, tuple: (), c.Mapping: {}, t.Any: 5}
    return values.get(origin)
