# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info`` from outside: who has it, on every release and language, and nothing is changed by asking."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import PROTOCOLS
from tests.fleet.task_checks import assert_refused

MODULE: t.Final = "port_info"
QUERY: t.Final = "sockets[?port==`50636` && protocol=='udp']"

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]

SERVERS: t.Final[dict[str, Json]] = {
    "2003": {"release": "2003"},
    "2003-winrm-1.1": {"release": "2003", "winrm_stack": "1.1"},
    "2003-german": {"release": "2003", "language": "de"},
    "2008": {"release": "2008", "language": "de"},
    "2008r2": {"release": "2008r2"},
    "2008r2-hotfix": {"release": "2008r2", "netsh_hotfix": True, "language": "de"},
    "2012r2": {"release": "2012r2"},
    "2016": {"release": "2016"},
    "2022": {"release": "2022"},
    "2022-german": {"release": "2022", "language": "de"},
    "2025": {"release": "2025"},
}
WRONG: t.Final[dict[str, tuple[Json, str]]] = {
    "number-in-query": ({"query": "sockets[?port==50636]"}, "query: .*a number stands in backticks, `50636`"),
    "wrong-query": ({"query": "sockets[?port=="}, "query: .*no JMESPath expression"),
    "wrong-subset": ({"gather_subset": ["everything"]}, "gather_subset"),
    "wrong-port": ({"ports": ["70000"]}, "ports: .*0 to 65535"),
    "no-ports": ({"ports": []}, "ports: .*empty"),
}


@pytest.fixture(scope="module")
def results() -> Results:
    steps = (
        Step(module=MODULE, options={"ports": ["50389", "50636"], "sockets_by": "socket"}),
        Step(module=MODULE, options={"query": QUERY}),
        Step(module=MODULE, options={"detail": "full"}),
        Step(module=MODULE, options={"gather_subset": ["all"], "sockets_by": "socket"}, check=True),
    )
    asked = [HostCase(id=name, server={**server, "broken": True}, steps=steps) for name, server in SERVERS.items()]
    wrong = [
        HostCase(id=name, server={"release": "2022"}, steps=(Step(module=MODULE, options=options),))
        for name, (options, _sentence) in WRONG.items()
    ]
    return run_in_process([*asked, *wrong])


@pytest.mark.parametrize("name", SERVERS)
def test_asking_changes_nothing(results: Results, name: str) -> None:
    for task_run in results[name]:
        assert task_run.event == "ok", task_run.message
        assert task_run.result["changed"] is False
        assert task_run.after.data == task_run.before.data


@pytest.mark.parametrize("name", SERVERS)
def test_it_says_who_holds_the_ports(results: Results, name: str) -> None:
    asked, *_unused = results[name]
    rows = {(row["protocol"], row["port"]): set(row["services"]) for row in asked.result["sockets"]}
    held = {
        (protocol, port): holders
        for protocol in PROTOCOLS
        for port in (50389, 50636)
        if (holders := asked.after.holders(protocol, port))
    }
    assert held
    assert rows == held
    assert "dns.exe" in asked.message


@pytest.mark.parametrize("name", SERVERS)
def test_a_query_answers_alone(results: Results, name: str) -> None:
    _asked, queried, *_unused = results[name]
    expected = queried.after.holders("udp", 50636)
    assert {service for row in queried.result["result"] for service in row["services"]} == expected
    assert "sockets" not in queried.result


@pytest.mark.parametrize("name", SERVERS)
def test_it_tells_everything(results: Results, name: str) -> None:
    *_unused, usual, everything = results[name]
    assert "sockets" not in usual.result
    assert len(everything.result["sockets"]) > 2000
    assert everything.result["dns_pool"]["state"] == "Running"
    assert {row["instance"] for row in everything.result["ad_lds"]} == {"MSExchange"}


def test_a_query_can_ask_for_the_sentences() -> None:
    steps = (Step(module=MODULE, options={"query": "{said: msg, not_read: unread}"}), Step(module=MODULE, options={}))
    found = run_in_process([HostCase(id="asked", server={"release": "2022", "broken": True}, steps=steps)])
    queried, usual = found["asked"]
    assert queried.result["result"] == {"said": usual.message, "not_read": []}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options_are_named(results: Results, name: str) -> None:
    (task_run,) = results[name]
    assert_refused(task_run)
    assert re.search(WRONG[name][1], task_run.message), task_run.message
    assert task_run.count == 0
