# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook of the report against simulated servers, from reading to page."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml

from tests.report.rendering import HERE
from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import AnsibleRun, run_ansible

GONE: t.Final = {
    "all": {
        "hosts": {"edge-gone": {"ansible_host": "127.0.0.1", "ansible_port": 9}},
        "vars": {"ansible_user": "nobody", "ansible_password": "nothing"},
    }
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[AnsibleRun, pathlib.Path]:
    """The run, and the directory of the report."""
    directory = tmp_path_factory.mktemp("fleet")
    (directory / "gone.yml").write_text(yaml.safe_dump(GONE))
    with running_fleet(HERE / "scenario.yml", directory=directory):
        run = run_ansible(
            [
                *("ansible-playbook", "playbooks/report.yml", "-i", str(directory / "inventory.yml")),
                *("-i", str(directory / "gone.yml"), "-e", f"port_report_directory={directory / 'report'}"),
            ]
        )
    return run.checked(), directory / "report"


def test_all_servers_are_told_of(told: tuple[AnsibleRun, pathlib.Path]) -> None:
    run, directory = told
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    assert {host["name"]: host["state"] for host in report["hosts"]} == {
        "edge2003": "critical",
        "edge2008r2-de": "critical",
        "edge2022": "well",
        "edge-gone": "not_read",
    }
    assert (run.total("failures"), run.total("unreachable")) == (0, 0)


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
    assert page.count("<article ") == 4
    assert "2 of 4 servers critical, 1 well, 1 not read." in page
