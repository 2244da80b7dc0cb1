# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-runner, which AWX and receptor run jobs with: the project of docs/fleets.md, here and on another machine.

What receptor carries between machines are the streams of `transmit` and `worker`; here they go from process to process.
"""

from __future__ import annotations

import collections.abc as c
import json
import pathlib
import re
import shutil

import pytest
import yaml

from tests.ecosystem.programs import SERVERS, run
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.sources import ROOT

PAGE = ROOT / "docs" / "fleets.md"
HOSTS = set(SERVERS["hosts"])
REPORT = ("index.html", "report.json", "servers.csv", "findings.csv")


@pytest.fixture
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet(SERVERS) as running:
        yield running


@pytest.fixture
def job(fleet: RunningFleet, tmp_path: pathlib.Path) -> pathlib.Path:
    """A job's folder, with the files of the page."""
    folder = tmp_path / "job"
    for name, text in _files_of_the_page().items():
        (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "project" / name).write_text(text, encoding="utf-8")
    (folder / "inventory").mkdir()
    shutil.copy(fleet.inventory, folder / "inventory" / "hosts.yml")
    (folder / "env").mkdir()
    (folder / "env" / "extravars").write_text(yaml.safe_dump({"site_serial": "100%"}), encoding="utf-8")
    return folder


def _files_of_the_page() -> dict[str, str]:
    """The files that the page shows, by the name in the line above each."""
    shown = re.findall(r"^`project/(\S+)`:\n\n```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.M | re.DOTALL)
    return dict(shown)


def _changes(job: pathlib.Path, ident: str) -> list[str]:
    """The hosts that a run has changed something on; AssertionError if it has failed."""
    artifacts = job / "artifacts" / ident
    assert (artifacts / "status").read_text(encoding="utf-8") == "successful"
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    [stats] = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert not stats["failures"] | stats["dark"]
    assert set(stats["ok"]) >= HOSTS
    assert f"of {len(HOSTS)} servers" in stats["artifact_data"]["port_headline"]
    return sorted(stats["changed"])


def _reported(job: pathlib.Path, ident: str) -> set[str]:
    """The servers in the report that a run has left among its artifacts."""
    report = job / "artifacts" / ident / "port-report"
    assert [name for name in REPORT if not (report / name).is_file()] == []
    return {host["name"] for host in json.loads((report / "report.json").read_text(encoding="utf-8"))["hosts"]}


def test_a_job_writes_its_report_among_its_artifacts(job: pathlib.Path) -> None:
    for ident, changed in (("first", sorted(HOSTS)), ("second", [])):
        run("ansible-runner", "run", job, "-p", "site.yml", "--ident", ident, "--quiet", folder=job)
        assert _changes(job, ident) == changed
        assert _reported(job, ident) == HOSTS


def test_a_job_on_another_machine_brings_its_report_back(job: pathlib.Path, tmp_path: pathlib.Path) -> None:
    worker, here = tmp_path / "worker", tmp_path / "here"
    worker.mkdir()
    here.mkdir()
    sent = run("ansible-runner", "transmit", job, "-p", "site.yml", "--ident", "job", folder=tmp_path)
    answered = run("ansible-runner", "worker", "--private-data-dir", worker, folder=worker, given=sent)
    run("ansible-runner", "process", here, "--ident", "job", folder=here, given=answered)
    assert _changes(here, "job") == sorted(HOSTS)
    assert _reported(here, "job") == HOSTS
