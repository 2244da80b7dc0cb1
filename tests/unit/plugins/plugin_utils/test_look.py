# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line for each server, and what to do next."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.portkeeper.windows.plugins.filter.port_look import FilterModule, look_lines
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import CaseRunner

EVERYTHING: t.Final = Step(module="port_info", options={"gather_subset": ["all"], "sockets_by": "process"})
EDGE: t.Final[Json] = {"release": "2022", "roles": ["exchange_edge", "dns"]}
SERVERS: t.Final[dict[str, Json]] = {
    "well": {"release": "2022", "roles": ["member"]},
    "in-danger": {**EDGE, "broken": False},
    "waits": {"release": "2003", "roles": ["member"]},
    "broken": {**EDGE, "broken": True},
}
RESERVE: t.Final = Step(module="reserved_ports", options={"ports": ["50636"]})


_BEFORE_THE_DETAIL: t.Final = re.compile(r"(?<=[A-Z]\.) .*(?= Next:)")


@pytest.fixture(scope="module")
def results() -> dict[str, Json]:
    runners = {name: CaseRunner(HostCase(id=name, server=server, steps=())) for name, server in SERVERS.items()}
    runners["waits"].run_step(RESERVE)
    return {name: runner.run_step(EVERYTHING).result for name, runner in runners.items()}


def test_the_worst_comes_first_with_what_to_do(results: dict[str, Json]) -> None:
    unreachable = {"unreachable": True, "msg": "there is no way there"}
    groups = {"edge": ["broken"]}
    lines = look_lines({**results, "gone": unreachable, "never": {}}, groups)
    words = [_BEFORE_THE_DETAIL.sub("", line) for line in lines]
    assert words == [
        "broken: CRITICAL. Next: ansible-playbook portkeeper.windows.edge --limit broken",
        "in-danger: NOT SAFE YET. Next: ansible-playbook portkeeper.windows.edge -e edge_hosts=in-danger",
        "waits: OK until the next boot: REBOOT NEEDED. Next: Reboot the server.",
        "gone: NOT READ. there is no way there",
        "never: NOT READ. This server was not read, or not yet.",
        "well: OK. Nothing to do.",
    ]
    assert re.search(r"ADAM_MSExchange .* is down: dns\.exe \(process \d+, service DNS\) holds UDP", lines[0])
    assert "costs a service its port (ADAM_MSExchange) with a probability of 28.2 %." in lines[1]


def test_lines_for_people_are_no_reading(results: dict[str, Json]) -> None:
    """They lack what a verdict rests on: without them it would look as if there were nothing."""
    runner = CaseRunner(HostCase(id="broken", server=SERVERS["broken"], steps=()))
    for detail in ("short", "sentences"):
        options = {"gather_subset": ["all"], "detail": detail}
        (line,) = look_lines({"broken": runner.run_step(Step(module="port_info", options=options)).result}, None)
        assert line.startswith("broken: NOT READ. ")
    assert look_lines({"broken": results["broken"]}, None)[0].startswith("broken: CRITICAL. ")


def test_a_look_at_a_part_is_no_verdict(results: dict[str, Json]) -> None:
    part = {name: value for name, value in results["well"].items() if name != "risk"}
    assert look_lines({"part": part}, None) == ["part: NOT ALL READ. Nothing to do."]


def test_no_word_of_a_server_commands_a_terminal() -> None:
    assert look_lines({"a": {"failed": True, "msg": "\x1b[2J"}}, None) == ["a: NOT READ. \ufffd[2J"]


@pytest.mark.parametrize("given", [None, [], {"a": 5}])
def test_only_results_by_name_are_taken(given: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="a mapping of server names"):
        FilterModule().filters()["port_look"](given)


def test_only_groups_by_name_are_taken() -> None:
    with pytest.raises(AnsibleFilterError, match="a mapping of group names"):
        FilterModule().filters()["port_look"]({}, ["edge"])
