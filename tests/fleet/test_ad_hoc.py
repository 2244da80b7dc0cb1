# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees who asks from a shell: the lines of the real `ansible`, with Ansible's own callback."""

from __future__ import annotations

import collections.abc as c
import json
import typing as t

import pytest

from tests.fleet.host_cases import COLLECTION, DEFAULTS, Json
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.ansible_programs import run_ansible

EDGE: t.Final = {"release": "2022", "roles": ["exchange_edge", "dns"]}
HOSTS: t.Final[dict[str, Json]] = {
    "broken": {**EDGE, "broken": True},
    "endangered": {**EDGE, "broken": False},
    "well": {"release": "2019", "roles": ["member"]},
    "gone": {"release": "2019", "roles": ["member"]},
}
MOST_LINES: t.Final[dict[str, int]] = {
    "gather_subset=all": 200,
    "ports=50389,50636": 12,
    "detail=sentences": 20,
}
"""Lines that a call may print, by its arguments. With single sockets the first has 66,000."""


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as running:
        yield running


@pytest.mark.parametrize("arguments", MOST_LINES)
def test_an_answer_fits_on_a_few_screens(fleet: RunningFleet, arguments: str) -> None:
    call = ["ansible", "broken", "-i", str(fleet.inventory), "-m", f"{COLLECTION}.port_info"]
    run = run_ansible([*call, "-a", arguments], recorded=False).checked()
    assert "dns.exe (process " in run.output
    assert len(run.output.splitlines()) <= MOST_LINES[arguments]
    if arguments == "gather_subset=all":
        answer = json.loads(run.output[run.output.index("{\n") :])
        assert answer["dns_pool"]["sockets_held"] == 5000
        assert "(2500 ports): dns.exe" in answer["sockets"][-1]


def test_a_look_says_a_line_of_each_server(fleet: RunningFleet) -> None:
    fleet.control.host("gone").act(do="power", on=False)
    options = ["-e", json.dumps({"look_hosts": "all"})]
    run = run_ansible(["ansible-playbook", "-i", str(fleet.inventory), "playbooks/look.yml", *options])
    assert (run.total("failures"), run.total("changed")) == (0, 0)
    *_reading, (lines,) = [[item.result["msg"]] for item in run.of("debug")]
    assert [line.partition(". ")[0] for line in lines] == [
        "broken: CRITICAL",
        "endangered: NOT SAFE YET",
        "gone: NOT READ",
        "well: OK",
    ]
    assert lines[0].endswith(" Next: ansible-playbook portkeeper.windows.edge --limit broken")
