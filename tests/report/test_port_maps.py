# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules `port_maps` and `port_page` by themselves: what they write when, and what they refuse."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
import yaml

from tests.report.facts import edge_server
from tests.report.rendering import reduced
from tests.tooling.ansible_programs import AnsibleRun, run_ansible

Json: t.TypeAlias = dict[str, t.Any]


def run_tasks(directory: pathlib.Path, *tasks: Json) -> AnsibleRun:
    """Run these on a host that can't be connected to."""
    playbook = directory / "playbook.yml"
    variables = {"ansible_connection": "winrm", "ansible_host": "127.0.0.1", "ansible_port": 9}
    play = {"name": "Maps", "hosts": "all", "gather_facts": False, "vars": variables, "tasks": list(tasks)}
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    return run_ansible(["ansible-playbook", "-i", "nowhere,", str(playbook)])


def task(directory: pathlib.Path, results: Json, mistyped: str = "", **keywords: t.Any) -> Json:
    options = {"results": results, "directory": str(directory), "style": "text {}", "read_at": "today"}
    options |= {mistyped: "x"} if mistyped else {}
    return {"name": "Draw", "portkeeper.windows.port_maps": options, "ignore_errors": True, **keywords}


def page_task(directory: pathlib.Path, results: Json | None, *, more: Json | None = None, **keywords: t.Any) -> Json:
    options = {"directory": str(directory), "read_at": "today", "maps": False, **(more or {})}
    options |= {} if results is None else {"results": results}
    return {"name": "Write", "portkeeper.windows.port_page": options, "ignore_errors": True, **keywords}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[AnsibleRun, pathlib.Path]:
    directory = tmp_path_factory.mktemp("maps")
    results = {"edge/1 \u05d0": reduced(edge_server(1, taken=True)), "gone": {"unreachable": True}}
    results = json.loads(json.dumps(results))
    (directory / "file").touch()
    good = directory / "maps"
    tasks = (
        task(good, results, check_mode=True),
        task(good, results),
        task(good, results),
        task(directory / "file", results),
        task(good, {"edge1": "no mapping"}),
        task(good, results, mistyped="stile"),
        page_task(directory / "page", results, check_mode=True),
        page_task(directory / "page", results),
        page_task(directory / "page", results),
        page_task(directory / "page", results, more={"fail_on": "critical,not_read"}),
        page_task(directory / "page", results, more={"before": str(directory / "page" / "report.json")}),
        page_task(directory / "page", results, more={"before": str(directory / "nowhere.json")}),
        page_task(directory / "page", results, more={"before": str(directory / "file")}),
        page_task(directory / "page", {"edge1": "no mapping"}),
        page_task(directory / "page", results, more={"titel": "x"}),
        page_task(directory / "page", results, more={"risk_limit": 28.2}),
        page_task(directory / "page", results, more={"fail_on": "critcal"}),
        page_task(directory / "page", results, more={"registered": "read"}),
        page_task(directory / "page", None),
        {"name": "Keep", "ansible.builtin.set_fact": {"read": results["gone"]}},
        page_task(directory / "registered", None, more={"registered": "read"}),
        page_task(directory / "registered", None, more={"registered": "no_such_variable"}),
        {"name": "Keep", "ansible.builtin.set_fact": {"read": "no mapping"}},
        page_task(directory / "registered", None, more={"registered": "read"}),
    )
    return run_tasks(directory, *tasks), good


def test_check_mode_then_the_run_then_nothing_more(run: tuple[AnsibleRun, pathlib.Path]) -> None:
    told = [item.result for item in run[0].of("port_maps")]
    (path,) = run[1].iterdir()
    name = str(path)
    assert re.fullmatch(r"edge_1__-[0-9a-f]{8}\.svg", path.name)
    assert [(item["changed"], item.get("written")) for item in told[:3]] == [
        (True, [name]),
        (True, [name]),
        (False, []),
    ]


def test_refusals_are_one_sentence(run: tuple[AnsibleRun, pathlib.Path]) -> None:
    file, mapping, mistyped = (item.result["msg"] for item in run[0].of("port_maps")[3:])
    assert re.search(rf"{run[1].parent / 'file'}/edge_1__-\w+.svg can't be written: File exists", file)
    assert "results: it is no mapping of server names to results of port_info" in mapping
    assert mistyped.startswith("portkeeper.windows.port_maps: there is no option 'stile'; did you mean 'style'?")


def test_the_page_is_written_if_it_differs(run: tuple[AnsibleRun, pathlib.Path]) -> None:
    told = [item.result for item in run[0].of("port_page")[:3]]
    assert [(item["changed"], len(item["written"])) for item in told] == [(True, 6), (True, 6), (False, 0)]
    page = run[1].parent / "page" / "index.html"
    assert {item["page"] for item in told} == {str(page)}
    assert told[0]["msg"] == f"{told[0]['headline']} The page: {page}"
    assert page.is_file()
    assert [path.name for path in sorted(page.parent.iterdir())] == [
        *("findings.csv", "index.html", "junit.xml", "ports.prom", "report.json", "servers.csv"),
    ]


def test_the_module_says_with_what_a_job_should_fail(run: tuple[AnsibleRun, pathlib.Path]) -> None:
    *passing, failing = (item.result for item in run[0].of("port_page")[:4])
    assert {item["failure"] for item in passing} == {""}
    page = run[1].parent / "page" / "index.html"
    expected = f"1 of 2 servers critical, 1 not fully read: edge/1 \u05d0, gone. The page: {page}"
    assert (failing["failure"], failing["changed"]) == (expected, False)


def test_refusals_of_the_page_are_one_sentence(run: tuple[AnsibleRun, pathlib.Path]) -> None:
    refused = [item.result["msg"] for item in run[0].of("port_page")[4:13]]
    own, nowhere, text, mapping, mistyped, limit, fail_on, both, neither = refused
    directory = run[1].parent
    assert f"before: {directory}/page/report.json is replaced by this report" in own
    assert f"before: {directory}/nowhere.json can't be read: No such file or directory" in nowhere
    assert f"before: {directory}/file is no report to compare with: it is no JSON" in text
    assert "results: it is no mapping of server names to results of port_info" in mapping
    assert mistyped.startswith("portkeeper.windows.port_page: there is no option 'titel'; did you mean 'title'?")
    assert limit.endswith("risk_limit: 28.2 is no probability from 0 to 1")
    assert "value of fail_on must be one or more of: never, critical, warning, waiting, not_read" in fail_on
    assert both.endswith("port_page: give either results or registered")
    assert both == neither


def test_the_page_is_about_what_each_server_of_the_play_has_registered(run: tuple[AnsibleRun, pathlib.Path]) -> None:
    unread, lacking, wrong = (item.result for item in run[0].of("port_page")[13:])
    assert {item["headline"] for item in (unread, lacking)} == {"1 server: not fully read."}
    assert "results: it is no mapping of server names to results of port_info" in wrong["msg"]
    (host,) = json.loads((run[1].parent / "registered" / "report.json").read_text(encoding="utf-8"))["hosts"]
    assert (host["name"], host["reading"]) == ("nowhere", "failed")
