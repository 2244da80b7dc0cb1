# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-navigator without a container engine: it runs our playbooks, plays a run back, and shows what there is."""

from __future__ import annotations

import collections.abc as c
import json
import pathlib

import pytest

from tests.ecosystem.programs import SERVERS, recap, run
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.sources import ROOT


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet(SERVERS) as running:
        yield running


def _navigator(folder: pathlib.Path, *words: str) -> str:
    usual = ("--mode", "stdout", "--execution-environment", "false", "--log-file", str(folder / "navigator.log"))
    return run("ansible-navigator", *words, *usual, folder=folder).decode()


def test_it_runs_a_playbook_by_its_full_name_and_plays_the_run_back(
    fleet: RunningFleet, tmp_path: pathlib.Path
) -> None:
    artifact = tmp_path / "run.json"
    words = ("portkeeper.windows.edge", "-i", str(fleet.inventory), "-e", "edge_serial=100%")
    first = _navigator(tmp_path, "run", *words, "--playbook-artifact-save-as", str(artifact))
    hosts = set(SERVERS["hosts"])
    assert {host for host, figures in recap(first).items() if figures["changed"] == 1} == hosts
    assert first.count("ADAM_MSExchange runs and owns its ports.") == len(hosts)
    assert json.loads(artifact.read_text(encoding="utf-8"))["status"] == "successful"
    assert recap(_navigator(tmp_path, "replay", str(artifact))) == recap(first)
    again = _navigator(tmp_path, "run", *words, "--playbook-artifact-enable", "false")
    assert [figures["changed"] for figures in recap(again).values()] == [0, 0]


def test_it_shows_a_module(tmp_path: pathlib.Path) -> None:
    said = _navigator(tmp_path, "doc", "portkeeper.windows.reserved_ports")
    assert "portkeeper.windows.reserved_ports" in said
    assert "no program gets these ports by chance" in " ".join(said.split())


def test_it_lists_the_collection_with_a_sentence_for_each_module(tmp_path: pathlib.Path) -> None:
    listed = json.loads(_navigator(tmp_path, "collections", "--format", "json"))["collections"]
    [ours] = [found for found in listed if found["name"] == "portkeeper.windows"]
    modules = {found["full_name"]: found["short_description"] for found in ours["plugins"]["module"]}
    files = (ROOT / "plugins" / "modules").glob("*.py")
    assert modules.keys() == {f"portkeeper.windows.{path.stem}" for path in files if path.stem != "__init__"}
    assert all(modules.values())
