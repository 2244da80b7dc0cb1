# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook of the report against simulated servers, from reading to page."""

from __future__ import annotations

import collections.abc as c
import json
import os
import pathlib
import typing as t

import pytest
import yaml

from tests.report.rendering import HERE
from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, run_ansible
from tests.tooling.sources import ROOT

GONE: t.Final = {
    "all": {
        "hosts": {"edge-gone": {"ansible_host": "127.0.0.1", "ansible_port": 9}},
        "vars": {"ansible_user": "nobody", "ansible_password": "nothing"},
    }
}


STATES: t.Final = {"edge2003": "critical", "edge2008r2-de": "critical", "edge2022": "well", "edge-gone": "not_read"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[pathlib.Path]:
    """Running servers, and one that is not there: the directory of their two inventories."""
    directory = tmp_path_factory.mktemp("fleet")
    (directory / "gone.yml").write_text(yaml.safe_dump(GONE))
    with running_fleet(HERE / "scenario.yml", directory=directory):
        yield directory


def run_report(
    fleet: pathlib.Path,
    report: pathlib.Path,
    playbook: str,
    *arguments: str,
    settings: c.Mapping[str, str] | None = None,
    fails: bool = False,
) -> AnsibleRun:
    inventories = (str(fleet / name) for name in ("inventory.yml", "gone.yml"))
    command = ["ansible-playbook", playbook, *(word for path in inventories for word in ("-i", path))]
    command += ["-e", f"port_report_directory={report}", *arguments]
    run = run_ansible(command, settings=settings)
    assert not fails or run.exit_code == 2
    return run if fails else run.checked()


def states(report: pathlib.Path) -> dict[str, str]:
    hosts = json.loads((report / "report.json").read_text(encoding="utf-8"))["hosts"]
    return {host["name"]: host["state"] for host in hosts}


@pytest.fixture(scope="module")
def told(fleet: pathlib.Path) -> tuple[AnsibleRun, pathlib.Path]:
    """The run, and the directory of the report."""
    return run_report(fleet, fleet / "report", "playbooks/report.yml"), fleet / "report"


def test_the_page_is_whole_after_the_last_batch(fleet: pathlib.Path, tmp_path: pathlib.Path) -> None:
    play = {"name": "Batches", "hosts": "all", "gather_facts": False, "serial": 2}
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(yaml.safe_dump([{**play, "roles": ["portkeeper.windows.port_report"]}]))
    # What fails the run does so when all batches are in the report, not at the end of the first one.
    run = run_report(fleet, tmp_path / "report", str(playbook), "-e", "port_report_fail_on=critical", fails=True)
    assert states(tmp_path / "report") == STATES
    assert len(run.of("port_page")) == 2
    page = tmp_path / "report" / "index.html"
    assert [item.result["msg"] for item in run.results if item.status == "failed"] == [
        f"2 of 4 servers critical: edge2008r2-de, edge2003. The page: {page}"
    ]
    assert {path.stem for path in (tmp_path / "report" / "maps").iterdir()} == STATES.keys() - {"edge-gone"}


def test_a_server_that_failed_before_is_on_the_page(fleet: pathlib.Path, tmp_path: pathlib.Path) -> None:
    play = {"name": "Batches", "hosts": "all", "gather_facts": False, "serial": 2}
    fail = {"name": "Fail", "ansible.builtin.fail": {}, "when": "inventory_hostname == 'edge2003'"}
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(yaml.safe_dump([{**play, "pre_tasks": [fail], "roles": ["portkeeper.windows.port_report"]}]))
    with pytest.raises(AnsibleFailure):
        run_report(fleet, tmp_path / "report", str(playbook))
    assert states(tmp_path / "report") == {**STATES, "edge2003": "not_read"}


def test_a_limit_is_a_limit_and_an_earlier_report_is_compared_with(
    fleet: pathlib.Path, told: tuple[AnsibleRun, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    before = f"port_report_before={told[1] / 'report.json'}"
    run_report(fleet, tmp_path / "report", "playbooks/report.yml", "--limit", "edge2022,edge-gone", "-e", before)
    assert states(tmp_path / "report") == {"edge2022": "well", "edge-gone": "not_read"}
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["before"]["gone"] == ["edge2003", "edge2008r2-de"]
    assert {host["name"]: (host["change"], host["before"]["state"]) for host in report["hosts"]} == {
        "edge2022": ("same", "well"),
        "edge-gone": ("unknown", "not_read"),
    }


def test_it_needs_no_jmespath(fleet: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "jmespath.py").write_text("raise ImportError('not installed')")
    settings = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    arguments = ("playbooks/report.yml", "--limit", "edge2022")
    run_report(fleet, tmp_path / "report", *arguments, settings=settings)
    assert states(tmp_path / "report") == {"edge2022": "well"}


def test_one_server_that_is_not_there(fleet: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run_report(
        fleet,
        tmp_path / "report",
        "playbooks/report.yml",
        *("--limit", "edge-gone", "-e", "port_report_fail_on=critical,not_read"),
        fails=True,
    )
    (host,) = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["hosts"]
    assert (host["reading"], host["state"]) == ("unreachable", "not_read")
    assert "edge-gone" in host["message"]


def test_all_servers_are_told_of(told: tuple[AnsibleRun, pathlib.Path]) -> None:
    run, directory = told
    assert states(directory) == STATES
    assert (run.total("failures"), run.total("unreachable"), run.total("changed")) == (0, 0, 0)


def test_collisions_and_fixes_are_there(told: tuple[AnsibleRun, pathlib.Path]) -> None:
    report = json.loads((told[1] / "report.json").read_text(encoding="utf-8"))
    for host in report["hosts"][:2]:
        assert "dns.exe" in host["headline"]
        assert host["taken"] >= 1
        assert host["findings"][0]["fix"]
        assert 0.2 < host["probability"] < 0.4


def test_pool_is_whole(told: tuple[AnsibleRun, pathlib.Path]) -> None:
    report = json.loads((told[1] / "report.json").read_text(encoding="utf-8"))
    pools = [holder["udp_count"] for host in report["hosts"] for holder in host.get("holders", []) if holder["pool"]]
    assert pools == [2500, 2500, 2500]


def test_the_page_is_one_file(told: tuple[AnsibleRun, pathlib.Path]) -> None:
    page = (told[1] / "index.html").read_text(encoding="utf-8")
    assert (page.count("<article "), page.count('<details class="host is-well"')) == (3, 1)
    assert "ansible-playbook portkeeper.windows.edge " in page
    assert "2 of 4 servers critical, 1 not fully read, 1 well." in page
