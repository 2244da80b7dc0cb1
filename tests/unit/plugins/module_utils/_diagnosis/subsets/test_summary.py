# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of port_info."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import SUBSET_NAMES
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import EffectiveRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.summary import (
    answer_summary,
    summary,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from tests.unit.plugins.module_utils._diagnosis.world import DNS_PROCESS, EDGE_PROCESS, World, blocks, multi, service

HELD = World(
    sockets=(
        Socket("udp", "0.0.0.0", 50636, DNS_PROCESS),
        Socket("udp", "::", 50636, DNS_PROCESS),
        Socket("tcp", "0.0.0.0", 50636, EDGE_PROCESS),
    )
)


def test_who_holds_the_ports() -> None:
    assert summary(HELD.report("sockets", ports=PortSet.of(50389, 50636))) == (
        "TCP 50636 is held by dsamain.exe (process 1400, service ADAM_MSExchange). "
        "UDP 50636 is held by dns.exe (process 840, service DNS). Nobody holds 50389."
    )


def test_many_ports_stay_readable() -> None:
    many = World(sockets=tuple(Socket("udp", "0.0.0.0", port, DNS_PROCESS) for port in range(2000, 3000, 2)))
    text = summary(many.report("sockets", ports=PortSet.of(PortRange(2000, 2999))))
    assert "And 490 more. Outgoing TCP connections apart, nobody holds 2001, 2003" in text
    assert text.endswith(" and others.")
    assert len(text) < 1000


def test_what_stands_out() -> None:
    world = World(
        services=(service("DNS", DNS_PROCESS), service("ADAM_MSExchange", exit_code=10048)),
        exclusions=Exclusions((), blocks((50389, 50389, True))),
        values={RESERVED_PORTS_FACT: multi("1-2")},
        sockets=(Socket("udp", "0.0.0.0", 50636, DNS_PROCESS),),
    )
    assert summary(world.report(*SUBSET_NAMES)) == (
        "CRITICAL. Windows Server 2022. This is: Exchange Edge (AD LDS), DNS server. "
        "Roles that fit: exchange_edge_dns. DNS is running; its pool: 2500 sockets from 49152-65535, 1 held now. "
        "Reserved UDP: 50389-50389. 1 socket of 1 process. "
        "ADAM_MSExchange is down: dns.exe (process 840, service DNS) holds UDP 50636. "
        "1 warning, see findings. "
        "Configured but not in force: reserved_ports (ReservedPorts). "
        "Windows Server 2022 ignores the ReservedPorts value (KB812873). "
        "With a probability of 28.2 % the next boot costs a service its port (ADAM_MSExchange)."
    )


def test_what_the_next_boot_does_by_itself_is_told_apart() -> None:
    row = EffectiveRow(
        resource="service_start_mode",
        part="DNS",
        configured="delayed",
        effective="no",
        reason="So it is.",
        waits_for="boot",
        reboot_required=False,
        restart_required=False,
    )
    report = dataclasses.replace(World().report("release"), values={"configured_versus_effective": (row,)})
    assert summary(report).endswith(" In force with the next boot: service_start_mode (DNS). So it is.")


def test_no_dns_server_and_a_pool_that_is_not_known_are_told_apart() -> None:
    assert summary(World(services=()).report("dns_pool")) == "Windows Server 2022. There is no DNS server."


ROW = {"protocol": "udp", "address": "::", "port": 5, "process_id": 9, "image": "a.exe", "services": [], "pool": False}
ANSWERS: list[tuple[t.Any, str]] = [
    (None, "The query found nothing."),
    ([], "The query found nothing."),
    (0, "The query found an answer."),
    ("text", "The query found an answer."),
    ([1], "The query found 1 item."),
    ([1, 2], "The query found 2 items."),
    (ROW, "UDP 5 is held by a.exe (process 9)."),
    ([ROW, {**ROW, "address": "0.0.0.0"}], "UDP 5 is held by a.exe (process 9)."),
    ([{"port": 5}], "The query found 1 item."),
    ([{**ROW, "protocol": "icmp"}], "The query found 1 item."),
    ([{**ROW, "services": 5}], "UDP 5 is held by a.exe (process 9)."),
]


@pytest.mark.parametrize(("answer", "sentence"), ANSWERS, ids=[str(number) for number in range(len(ANSWERS))])
def test_what_a_query_found(answer: t.Any, sentence: str) -> None:
    assert answer_summary(answer) == sentence
