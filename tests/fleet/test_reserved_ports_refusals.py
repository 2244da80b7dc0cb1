# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``reserved_ports`` and ``dns_socket_pool`` refuse: one sentence that fits the server, and nothing is touched."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import run_in_process

MODULE: t.Final = "reserved_ports"
PORTS: t.Final = ["50389", "50636"]
OLD: t.Final = {"release": "2003"}
# Without DNS only the named processes hold a port up there.
NEW: t.Final = {"release": "2022", "roles": ["member"]}
GERMAN: t.Final = {"language": "de"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """A wish that can't be had: one sentence, and nothing has changed."""

    id: str
    server: Json
    options: Json
    sentence: str
    acts: tuple[Json, ...] = ()
    module: str = MODULE


REFUSALS: t.Final = (
    Refusal(
        id="wrong-type",
        server=OLD
        | {
            "registry": [
                {
                    "path": r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters",
                    "name": "ReservedPorts",
                    "type": "SZ",
                    "data": "50389-50389",
                }
            ]
        },
        options={"ports": PORTS},
        sentence=r"ReservedPorts: its type is .*REG_MULTI_SZ",
    ),
    Refusal(
        id="one-protocol-absent-2003",
        server=OLD | {"reserved_ports": ["50389-50389"]},
        options={"ports": ["50389"], "protocol": "tcp", "state": "absent"},
        sentence=r"no protocol.*Use protocol both",
    ),
    *(
        Refusal(
            id=f"no-such-instance-{module}",
            server={"release": "2008r2", "roles": ["dns"], "netsh_hotfix": True},
            options={"ad_lds_instances": ["MSExchange"]},
            sentence=r"AD LDS instance MSExchange: this server has no such instance \(no service ADAM_MSExchange\)",
            module=module,
        )
        for module in (MODULE, "dns_socket_pool")
    ),
    Refusal(
        id="registry-on-2022",
        server=NEW,
        options={"ports": PORTS, "mechanism": "registry"},
        sentence=r"Windows Server 2022 ignores the ReservedPorts value",
    ),
    Refusal(
        id="netsh-on-2003",
        server=OLD,
        options={"ports": PORTS, "mechanism": "netsh"},
        sentence=r"Windows Server 2003 has no netsh excludedportrange",
    ),
    Refusal(
        id="2008r2-without-hotfix",
        server={"release": "2008r2", "roles": ["member"]},
        options={"ports": PORTS},
        sentence=r"KB2665809",
    ),
    # No module that would refuse there, too: dns_socket_pool has no list on Windows Server 2008.
    Refusal(
        id="2008-without-hotfix-german",
        server={"release": "2008", "roles": ["member"], **GERMAN},
        options={"ports": PORTS},
        sentence=r"KB2665809; without it, keep the DNS server off .* by a delayed start \(service_start_mode\), or",
    ),
    Refusal(
        id="2008-pool-without-list",
        module="dns_socket_pool",
        server={"release": "2008", "roles": ["dns"]},
        options={"excluded_ports": PORTS},
        sentence=r"Let DNS start delayed \(service_start_mode\), .* \(dynamic_ports\)\.$",
    ),
    Refusal(
        id="2003-pool-without-list",
        module="dns_socket_pool",
        server={"release": "2003", "roles": ["dns"]},
        options={"excluded_ports": PORTS},
        sentence=r"Reserve the ports with reserved_ports, which this release keeps from everybody, DNS included\.$",
    ),
    Refusal(
        id="held-by-two-strangers",
        server=NEW,
        acts=(
            {"do": "bind", "image": "thief.exe", "protocol": "udp", "port": 51820},
            {"do": "bind", "image": "other.exe", "protocol": "tcp", "port": 51821},
            {"do": "bind", "image": "thief.exe", "protocol": "udp", "port": 51822},
        ),
        options={"ports": ["51820-51822"]},
        sentence=r"TCP 51821, UDP 51820, UDP 51822: other\.exe \(process \d+\) holds TCP 51821; "
        r"thief\.exe \(process \d+\) holds UDP 51820; thief.* holds UDP 51822; none is "
        r"known as the owner of its port, .* To free them, other.exe",
    ),
    Refusal(
        id="held-by-the-kernel",
        server=NEW,
        acts=({"do": "bind", "image": "System", "protocol": "tcp", "port": 51820},),
        options={"ports": ["51820"]},
        sentence=r"Stop the service that the kernel listens for .* then run this again\.$",
    ),
    Refusal(
        id="held-by-a-stranger",
        server=NEW,
        acts=({"do": "bind", "image": "thief.exe", "protocol": "udp", "port": 51820},),
        options={"ports": ["51820"]},
        sentence=r"UDP 51820: thief\.exe \(process \d+.* holds it and is not known as its owner",
    ),
    Refusal(
        id="part-of-a-block-in-use",
        server=NEW,
        acts=(
            # A socket that asked for its port before the block was made can't be; one that asks for it by number can.
            {"do": "exclude", "protocol": "tcp", "ports": "50000-50059"},
            {"do": "bind", "image": "service.exe", "protocol": "tcp", "port": 50030},
        ),
        options={"ports": ["50000-50009"], "protocol": "tcp", "state": "absent"},
        sentence=r"TCP block 50000-50059: only a part of it is to be released, but its port 50030 is in use by service",
    ),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_refusals_say_why_and_touch_nothing(refusal: Refusal) -> None:
    step = Step(module=refusal.module, options=refusal.options, acts=refusal.acts)
    case = HostCase(id=refusal.id, server=refusal.server, steps=(step,))
    (task_run,) = run_in_process([case])[refusal.id]
    assert task_run.event == "failed", task_run.result
    assert re.search(refusal.sentence, task_run.message), task_run.message
    assert task_run.message.startswith(refusal.id)
    assert task_run.after.journal is None
    if not refusal.acts:
        assert task_run.after.data == task_run.before.data
