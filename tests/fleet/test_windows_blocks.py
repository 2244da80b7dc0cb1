# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of ports that Windows took at run time: WinNAT is named only on a server that has one of its services."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.task_checks import assert_refused

HOST_NETWORK_SERVICE: t.Final = [
    {"path": r"SYSTEM\CurrentControlSet\Services\hns", "name": name, "type": kind, "data": data}
    for name, kind, data in (
        ("Type", "DWORD", 32),
        ("Start", "DWORD", 3),
        ("ErrorControl", "DWORD", 1),
        ("ImagePath", "EXPAND_SZ", r"%SystemRoot%\system32\svchost.exe -k NetSvcs"),
        ("DisplayName", "SZ", "Host Network Service"),
        ("ObjectName", "SZ", "LocalSystem"),
    )
]
"""The service of containers and Hyper-V whose WinNAT takes blocks."""
WITH_NAT: t.Final[Json] = {"registry": HOST_NETWORK_SERVICE}
WITHOUT_NAT: t.Final[Json] = {}

HOLDERS: t.Final = (
    pytest.param(
        "50000-50099", WITHOUT_NAT, r"HTTP\.sys or a program.*netsh http show servicestate", False, id="other"
    ),
    pytest.param("50000-50099", WITH_NAT, r"the service hns.*net stop winnat", True, id="winnat"),
    pytest.param("5357-5357", WITH_NAT, r"HTTP\.sys for WSDAPI.*FDResPub", False, id="http-sys"),
)
"""The block, the server, the words about its holder, and whether WinNAT is among them."""


@pytest.mark.parametrize(("block", "server", "words", "nat"), HOLDERS)
def test_a_reservation_in_a_block_is_refused(block: str, server: Json, words: str, nat: bool) -> None:
    first = block.partition("-")[0]
    run = _run(
        block, {**server, "roles": ["member"]}, Step(module="reserved_ports", options={"ports": [f"{first}/tcp"]})
    )
    assert_refused(run)
    assert re.search(rf"TCP {first}: Windows itself holds the block {block} at run time .*{words}", run.message)
    assert ("winnat" in run.message.casefold()) is nat


@pytest.mark.parametrize(("block", "server", "words", "nat"), HOLDERS[:2])
def test_a_service_whose_port_is_in_a_block(block: str, server: Json, words: str, nat: bool) -> None:
    edge: Json = {
        "roles": ["exchange_edge", "dns"],
        "ldap_port": 50050,
        "dns_pool_exclusions": ["50050-50050", "50636-50636"],
    }
    run = _run(
        block, {**edge, **server}, Step(module="port_info", options={"detail": "full", "gather_subset": ["findings"]})
    )
    (finding,) = (row for row in run.result["findings"] if row["kind"] == "port_in_windows_block")
    said = re.sub(r"\n#? ?", " ", f"{finding['cause']} {finding['fix']}")
    assert re.search(words, said)
    assert ("winnat" in said.casefold()) is nat


def _run(block: str, server: Json, step: Step) -> TaskRun:
    blocks = [{"protocol": "tcp", "ports": block}]
    (run,) = run_in_process(
        [HostCase(id="server", server={"release": "2022", "runtime_blocks": blocks, **server}, steps=(step,))]
    )["server"]
    return run
