# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer, one truth: findings, risk, the rows of the page and its map say the same about one server."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.needed_ports import NeededPort
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host, host_row
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import CaseRunner
from tests.fleet.test_diagnosis import REACHED, SERVERS

LOST: t.Final = (10048, 10013, 32)
UNREAD_LIST: t.Final[Json] = {
    "server": {"release": "2008", "broken": True, "dns_pool_exclusions": ["50389-50389", "50636-50636"]},
}
"""Windows Server 2008 does not read the list of the pool's excluded ports."""
MORE: t.Final[dict[str, Json]] = {
    "list-that-is-not-read": UNREAD_LIST,
    "no-pool": {"server": {"release": "2003", "roles": ["dns", "ias"], "update": False, "broken": False}},
    "touching": {
        "server": {
            "release": "2003",
            "roles": ["dns", "ias"],
            "max_user_port": 60000,
            "broken": ["IAS"],
            "reserved_ports": ["1645-1645", "1646-1646", "1812-1813"],
        }
    },
}
CASES: t.Final[dict[str, Json]] = {**{name: SERVERS[name] for name in REACHED}, **MORE}


class Answers(t.NamedTuple):
    """The answers of one server, and its row on the page."""

    info: Json
    host: Host


@pytest.fixture(scope="module")
def results() -> dict[str, Answers]:
    return {name: _answers(name, case) for name, case in CASES.items()}


def _answers(name: str, case: Json) -> Answers:
    runner = CaseRunner(HostCase(id=name, server=case["server"], steps=()))
    step = Step(
        module="port_info", options={"gather_subset": ["all"], "sockets_by": "socket"}, acts=tuple(case.get("acts", ()))
    )
    info = runner.run_step(step).result
    return Answers(info, host_row(name, info))


@pytest.fixture(params=sorted(CASES))
def answers(results: dict[str, Answers], request: pytest.FixtureRequest) -> Answers:
    return results[request.param]


def _kinds(answers: Answers) -> set[str]:
    return {row["kind"] for row in answers.info["findings"]}


def test_the_pool_comes_from_one_range(answers: Answers) -> None:
    pool, risk = answers.info["dns_pool"], answers.info["risk"]
    drawn = [row for row in answers.host.drawn_from if row.kind == "dns_pool"]
    has_pool = pool is not None and risk["pool"] != "not_seen"
    assert len(drawn) == has_pool
    if pool is not None:
        assert (pool["range"], pool["range_contested"]) == (risk["range"], risk["range_contested"])
        text = f"{pool['range']['first']}-{pool['range']['last']}"
        assert any(text in meaning for meaning in answers.info["dynamic_ranges"]["meaning"])
        assert (f"from {text}" in answers.info["msg"]) == has_pool
    assert all(row.ports.first == pool["range"]["first"] for row in drawn)


def test_whether_there_is_a_pool_is_said_once(answers: Answers) -> None:
    presence = answers.info["risk"]["pool"]
    held = {row["port"] for row in answers.info["sockets"] if row["pool"]}
    assert answers.info["updates"]["dns_pool"] == presence
    assert ("dns_update_missing" in _kinds(answers)) == (presence == "not_seen")
    assert presence != "not_seen" or (len(held) < 100 and answers.info["risk"]["probability"] == 0)
    assert {port for holder in answers.host.holders if holder.pool for port in holder.udp} == held


def test_who_holds_a_port_in_a_finding_holds_it_among_the_sockets(answers: Answers) -> None:
    fields = ("protocol", "port", "process_id", "image", "services", "outgoing")
    sockets = {tuple(map(str, (row[name] for name in fields))): row["pool"] for row in answers.info["sockets"]}
    for finding in answers.info["findings"]:
        for held in finding["held_by"]:
            key = tuple(map(str, (held[name] for name in fields)))
            assert key in sockets
            assert sockets[key] == (held["held_as"] == "dns_pool")


def test_a_port_that_a_finding_sees_in_wrong_hands_is_so_on_the_page(answers: Answers) -> None:
    needs = {(need.service, need.protocol, need.first): need for need in answers.host.needs}
    for finding in answers.info["findings"]:
        for held in finding["held_by"] if finding["service"] else ():
            need = needs[finding["service"], held["protocol"], held["port"]]
            assert need.state == "taken", finding["summary"]
            assert any(f"process {held['process_id']}" in text for text in need.held_by)


def test_a_port_of_a_service_that_lost_it_is_in_a_finding_too(answers: Answers) -> None:
    down = {
        row["service"] for row in answers.info["services"] if row["state"] == "Stopped" and row["exit_code"] in LOST
    }
    found = {
        (row["service"], held["protocol"], held["port"]) for row in answers.info["findings"] for held in row["held_by"]
    }
    taken = {_key(need) for need in answers.host.needs if need.state == "taken" and need.service in down}
    assert taken <= found


def _key(need: NeededPort) -> tuple[str, str, int]:
    return need.service, need.protocol, need.first


def test_what_the_pool_leaves_alone_is_so_everywhere(answers: Answers) -> None:
    needs = {(need.service, need.first): need for need in answers.host.needs if need.protocol == "udp"}
    by_registry = answers.info["reservations"] and answers.info["reservations"]["mechanism"] == "registry"
    for row in answers.info["risk"]["ports"]:
        need = needs.get((row["service"], row["port"]))
        if need and row["reason"] == "The pool leaves it alone.":
            assert need.left_out_of_pool or (by_registry and need.reserved)
        elif need and re.search(r"\d+ of \d+ ports are drawn", row["reason"]):
            assert not need.left_out_of_pool
            assert not (by_registry and need.reserved)


def test_the_message_does_not_call_well_what_is_not(answers: Answers) -> None:
    if "Nothing wrong was found" in answers.info["msg"]:
        assert answers.info["findings"] == []
        assert not [need for need in answers.host.needs if need.state == "taken"]
