# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``static_rpc_port`` on domain controllers and Exchange servers: values, what waits for what, and the way back."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, three_runs
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import SERVICES, Snapshot
from tests.fleet.task_checks import assert_nothing_to_do, assert_only_announced, assert_refused

MODULE: t.Final = "static_rpc_port"
VALUES: t.Final[t.Mapping[str, tuple[str, str]]] = {
    "ntds": (r"NTDS\Parameters", "TCP/IP Port"),
    "netlogon": (r"Netlogon\Parameters", "DCTcpipPort"),
    "ntfrs": (r"NtFrs\Parameters", "RPC TCP/IP Port Assignment"),
    "exchange_is": (r"MSExchangeIS\ParametersSystem", "TCP/IP Port"),
    "exchange_sa": (r"MSExchangeSA\Parameters", "TCP/IP Port"),
    "exchange_nspi": (r"MSExchangeSA\Parameters", "TCP/IP NSPI Port"),
    "exchange_mta": (r"MSExchangeMTA\Parameters", "TCP/IP port for RPC listens"),
    "exchange_rpc": (r"MSExchangeRPC\ParametersSystem", "TCP/IP Port"),
    "exchange_ab": (r"MSExchangeAB\Parameters", "RpcTcpPort"),
}
"""Written once more than in the collection: what is tested is that they agree."""

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """Ports of one server, the services that a restart puts on them, and whether a reboot is needed, too."""

    id: str
    server: Json
    ports: t.Mapping[str, int]
    restarted: tuple[str, ...]
    reboots: bool
    dfsr: int | None = None


CASES: t.Final = (
    Case(
        id="2003-exchange",
        server={"release": "2003", "roles": ["exchange2003"]},
        ports={"exchange_is": 1225, "exchange_sa": 1226, "exchange_nspi": 1227, "exchange_mta": 701},
        restarted=("MSExchangeIS", "MSExchangeSA", "MSExchangeMTA"),
        reboots=False,
    ),
    Case(
        id="2003-controller-german",
        server={"release": "2003", "roles": ["domain_controller"], "language": "de"},
        ports={"ntds": 1201, "netlogon": 1202, "ntfrs": 1203},
        restarted=("Netlogon", "NtFrs"),
        reboots=True,
    ),
    Case(
        id="2008r2-exchange-controller",
        server={"release": "2008r2", "roles": ["domain_controller", "dns", "exchange2010"]},
        ports={"ntds": 49200, "netlogon": 49201, "exchange_rpc": 59532, "exchange_ab": 59533},
        restarted=("Netlogon", "MSExchangeRPC", "MSExchangeAB"),
        reboots=True,
        dfsr=5722,
    ),
    Case(
        id="2022-controller",
        server={"release": "2022", "roles": ["domain_controller", "dns"]},
        ports={"ntds": 49200, "netlogon": 49201},
        restarted=("Netlogon",),
        reboots=True,
    ),
)


def _options(ports: t.Mapping[str, t.Any]) -> Json:
    return {"ports": dict(ports)}


def _case(case: Case) -> HostCase:
    options = _options(case.ports)
    steps = [
        *three_runs(MODULE, options),
        Step(module="service_state", options={"name": list(case.restarted), "state": "restarted"}),
        Step(module=MODULE, options=options),
        Step(module="server_reboot", options={}),
        Step(module=MODULE, options=options),
        Step(module="converge", options={"resources": [{MODULE: options}], "state": "absent"}),
    ]
    return HostCase(id=case.id, server=case.server, steps=tuple(steps))


BUSY: t.Final[Json] = {
    "release": "2008r2",
    "roles": ["domain_controller", "exchange2010"],
    "registry": [{"path": rf"{SERVICES}\NTDS\Parameters", "name": "TCP/IP Port", "type": "DWORD", "data": 49300}],
}
REFUSALS: t.Final[tuple[tuple[str, Json, t.Mapping[str, t.Any], str], ...]] = (
    ("same", BUSY, {"ntds": 49200, "netlogon": 49200}, "ntds and netlogon both have port 49200.*5809"),
    ("taken-by-value", BUSY, {"netlogon": 49300}, "configured for ntds.*5809"),
    ("in-use", BUSY, {"exchange_rpc": 135}, "TCP 135 for exchange_rpc: .* holds it"),
    ("first-ports", BUSY, {"exchange_rpc": 6010}, "6005-6036.*KB194952"),
    ("dfsr", BUSY, {"exchange_rpc": 5722}, "DFS Replication has it"),
    ("first-ports-2003", {"release": "2003", "roles": ["exchange2003"]}, {"exchange_is": 1030}, "1024-1199"),
    ("no-controller", {"release": "2022", "roles": ["member"]}, {"ntds": 49200}, "no domain controller"),
    ("not-installed", {"release": "2022", "roles": ["member"]}, {"exchange_is": 49200}, "MSExchangeIS.*not installed"),
    ("unread", BUSY, {"exchange_is": 49301, "exchange_rpc": 49302}, "exchange_is: .*MSExchangeRPC.*does not read"),
    ("no-port", {"release": "2022", "roles": ["member"]}, {"ntds": 65536}, "from 1 to 65535"),
    ("unknown", {"release": "2022", "roles": ["member"]}, {"smtp": 25}, "smtp"),
)


@pytest.fixture(scope="module")
def results() -> Results:
    refused = [
        HostCase(id=name, server=server, steps=(Step(module=MODULE, options=_options(ports)),))
        for name, server, ports, _words in REFUSALS
    ]
    return run_in_process([*map(_case, CASES), *refused])


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request: pytest.FixtureRequest) -> Case:
    return t.cast("Case", request.param)


def _configured(snapshot: Snapshot, key: str) -> t.Any:
    subkey, name = VALUES[key]
    return snapshot.value(rf"{SERVICES}\{subkey}", name)


def test_check_mode_only_tells(results: Results, case: Case) -> None:
    checked, done, *_unused = results[case.id]
    assert_only_announced(checked, done)


def test_the_values_are_where_the_services_read_them(results: Results, case: Case) -> None:
    done = results[case.id][1]
    assert done.result["changed"] is True
    assert {key: int(_configured(done.after, key)) for key in case.ports} == case.ports
    assert (done.result["before"], done.result["after"]) == (
        {"ports": dict.fromkeys(case.ports, "default")},
        {"ports": case.ports},
    )


def test_what_must_be_restarted_is_told_in_every_run(results: Results, case: Case) -> None:
    _checked, done, again, *_unused = results[case.id]
    for task_run in (done, again):
        assert task_run.result["restart_services"] == list(case.restarted)
        assert (task_run.result["effective"], task_run.result["reboot_required"]) == ("no", case.reboots)
        assert task_run.result["dfsr_port"] == case.dfsr


def test_a_second_run_finds_nothing_to_do(results: Results, case: Case) -> None:
    assert_nothing_to_do(results[case.id][2])


def test_nothing_is_restarted_by_itself(results: Results, case: Case) -> None:
    done = results[case.id][1]
    for name in case.restarted:
        assert done.after.service(name) == done.before.service(name)


def test_a_restart_is_seen(results: Results, case: Case) -> None:
    restarted = results[case.id][4]
    assert_nothing_to_do(restarted)
    assert (restarted.result["restart_services"], restarted.result["reboot_required"]) == ([], case.reboots)


def test_after_a_reboot_everything_counts_and_each_port_is_held(results: Results, case: Case) -> None:
    rebooted = results[case.id][6]
    assert (rebooted.result["changed"], rebooted.result["effective"]) == (False, "yes")
    assert [port for port in case.ports.values() if not rebooted.after.holders("tcp", port)] == []


def test_it_can_be_taken_back(results: Results, case: Case) -> None:
    first, last = results[case.id][0], results[case.id][-1]
    assert last.event == "ok", last.message
    assert last.after.configuration == first.before.configuration
    assert last.after.journal is None


@pytest.mark.parametrize(("name", "words"), [(row[0], row[3]) for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_refusals_say_why_and_touch_nothing(results: Results, name: str, words: str) -> None:
    (task_run,) = results[name]
    assert_refused(task_run)
    assert re.search(words, task_run.message), task_run.message
