# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix: its bounds are those that users read, and the gate's row depends on what is committed."""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import re
import subprocess

import pytest
import yaml

from tests.tooling import matrix
from tests.tooling.matrix import LOWEST, NEWEST, ROWS, Row, chosen, row_of
from tests.tooling.sources import ROOT

LOWEST_PINS = matrix.pins("lowest.txt")


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_lowest_versions_are_those_that_users_read() -> None:
    core = LOWEST_PINS["ansible-core"]
    branch = core.rpartition(".")[0]
    assert yaml.safe_load(_text("meta/runtime.yml"))["requires_ansible"] == f">={core}"
    assert f"ansible-core {branch} or newer" in _text("README.md")
    for path in sorted(ROOT.glob("roles/*/meta/main.yml")):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"]["min_ansible_version"] == branch
    bounds = dict(re.findall(r"(\w+) >= ([\d.]+)", _text("requirements.txt")))
    assert bounds == {library: LOWEST_PINS[library] for library in matrix.LIBRARIES}
    assert f"`pypsrp` {LOWEST_PINS['pypsrp']} or newer" in _text("docs/connections.md")


def test_the_gates_own_branch_is_the_one_that_users_read() -> None:
    [core] = re.findall(r"^ansible-core == (\S+) ;", _text("tests/requirements/development.txt"), re.MULTILINE)
    assert core in matrix.CORES
    assert f"`make test` runs with ansible-core {core.rpartition('.')[0]} and" in _text("docs/verified.md")


def test_every_supported_branch_has_a_row_and_every_row_a_branch() -> None:
    branches = [core.rpartition(".")[0] for core in matrix.CORES]
    assert LOWEST_PINS["ansible-core"].startswith(f"{branches[0]}.")
    assert {row.what for row in ROWS} == {LOWEST, NEWEST, *branches}
    assert collections.Counter(row.name for row in ROWS).most_common(1)[0][1] == 1


def test_a_row_has_its_own_libraries_and_the_gates_tools() -> None:
    pins = matrix.pins("constraints.txt")
    lowest, newest, branch = Row(LOWEST, "3.11"), Row(NEWEST, "3.13"), Row("2.18", "3.13")
    for library in matrix.LIBRARIES:
        assert f"{library}=={LOWEST_PINS[library]}\n" in lowest.constraints()
        assert f"{library}=={pins[library]}\n" in branch.constraints()
        assert lowest.constraints().count(f"\n{library}==") == 1
    assert f"pytest=={pins['pytest']}\n" in lowest.constraints()
    for name, version in matrix.pins("constraints-3.10.txt").items():
        assert f"{name}=={version}\n" in Row(LOWEST, "3.10").constraints()
        assert f"{name}=={pins[name]}\n" in lowest.constraints()
    assert (newest.constraints(), newest.requirements().splitlines()[0]) == ("", "ansible-core")
    assert branch.requirements().startswith("ansible-core==2.18.")


@pytest.mark.parametrize("name", ["2.16-3.11", "lowest", "3.11", "2.17-3", "latest-3.12"])
def test_a_row_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a row is WHAT-PYTHON"):
        row_of(name)


def test_a_row_outside_the_matrix_can_be_named() -> None:
    assert row_of("2.18-3.11") == Row("2.18", "3.11")


def test_every_row_is_taken_in_its_turn_and_the_newest_never() -> None:
    everything = {row.python for row in ROWS}
    taken = [chosen(f"{number:08x}ffff", everything) for number in range(len(ROWS))]
    rows = [row for row in ROWS if row.what != NEWEST]
    assert taken[: len(rows)] == rows
    assert taken[len(rows)] == rows[0]


def test_only_rows_whose_python_is_here_are_taken() -> None:
    taken = {chosen(f"{number:08x}", {"3.11"}) for number in range(20)}
    assert taken == {Row(LOWEST, "3.11")}
    assert chosen("0" * 40, set()) is None
    assert "lowest-3.11" not in matrix.left_out({"3.11"})
    assert "2.17-3.12" in matrix.left_out({"3.11"})
    assert matrix.left_out({row.python for row in ROWS}) == "none"


def test_a_pythons_wrapper_that_runs_nothing_is_none(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = tmp_path / "python3.12"
    wrapper.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert matrix.interpreter("3.12") is None
    wrapper.write_text("#!/bin/sh\necho /somewhere/python\n", encoding="utf-8")
    assert matrix.interpreter("3.12") == "/somewhere/python"


def test_make_asks_for_the_rows_and_writes_one(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["make", "--silent", "--no-print-directory", "matrix-rows"]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert [row["row"] for row in json.loads(answer.stdout)["include"]] == [row.name for row in ROWS]
    assert matrix.main(["write", "lowest-3.11", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(f"lowest-3.11: ansible-core {LOWEST_PINS['ansible-core']}, pywinrm")
    assert "pywinrm==" in (tmp_path / "constraints.txt").read_text(encoding="utf-8")
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        matrix.main(["write", "2.16-3.11", str(tmp_path)])
