# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflows of .github: least rights, known actions, no second list. `make workflows` runs actionlint."""

from __future__ import annotations

import collections.abc as c
import re
import typing as t

import pytest
import yaml

from tests.tooling.matrix import ROWS
from tests.tooling.sources import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILES = [ROOT / "Makefile", *(ROOT / "tests" / "tooling").glob("*.mk")]
ACTIONS = {
    # By the tag of their newest major version: their commits are not known here for certain.
    "actions/checkout@v7",
    "actions/setup-python@v7",
    "actions/upload-artifact@v7",
    "actions/download-artifact@v8",
    # v7.0.0; v7 is a branch there.
    "Vampire/setup-wsl@d1da7f2c0322a5ee4f24975344f67fc0f5baf364",
}
OF_OTHERS = re.compile(r"\$\{\{\s*(github\.(event|head_ref|actor)|inputs|matrix|needs|steps)")


def _loaded(name: str) -> t.Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


def _steps(workflow: t.Any) -> c.Iterator[dict[str, t.Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


@pytest.fixture(params=[path.stem for path in FILES])
def workflow(request: pytest.FixtureRequest) -> t.Any:
    return _loaded(request.param)


def test_a_workflow_only_reads_the_repository(workflow: t.Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())


def test_actions_are_the_known_ones_and_keep_no_token(workflow: t.Any) -> None:
    used = [step for step in _steps(workflow) if "uses" in step]
    assert {step["uses"] for step in used} <= ACTIONS
    checkouts = [step for step in used if step["uses"].startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_command_line_holds_words_of_others(workflow: t.Any) -> None:
    assert not [step["name"] for step in _steps(workflow) if OF_OTHERS.search(step.get("run", ""))]


def test_jobs_end(workflow: t.Any) -> None:
    assert all(job["timeout-minutes"] <= 150 for job in workflow["jobs"].values())


def test_make_knows_what_is_called(workflow: t.Any) -> None:
    rules = "\n".join(path.read_text(encoding="utf-8") for path in MAKEFILES)
    commands = "\n".join(step.get("run", "") for step in _steps(workflow))
    for target in re.findall(r'make (?:--silent )?"?([a-z-]+)', commands):
        pattern = target + "%" if target.endswith("-") else target
        assert re.search(rf"^{re.escape(pattern)}:", rules, re.MULTILINE), target


def test_scripts_that_are_called_are_there(workflow: t.Any) -> None:
    commands = "\n".join(step.get("run", "") for step in _steps(workflow))
    for script in re.findall(r"(?<![\w/])\.(?:ci|github/scripts)/\w+", commands):
        assert (ROOT / script).is_file()


def test_the_workflow_has_the_rows_of_make_and_their_pythons() -> None:
    jobs = _loaded("matrix")["jobs"]
    assert jobs["rows"]["steps"][-1]["run"] == 'echo "matrix=$(make --silent matrix-rows)" >> "$GITHUB_OUTPUT"'
    row = jobs["row"]
    assert row["strategy"]["matrix"] == "${{ fromJSON(needs.rows.outputs.matrix) }}"
    [versions] = [step["with"]["python-version"] for step in row["steps"] if "setup-python" in step.get("uses", "")]
    assert "${{ matrix.python }}" in versions.splitlines()
    assert "3.14" in {row.python for row in ROWS}


def test_nothing_is_published_without_a_hand() -> None:
    publish = _loaded("release")["jobs"]["publish"]
    assert publish["if"] == "github.event_name == 'workflow_dispatch' && inputs.publish"
    assert publish["environment"] == "galaxy"


def test_a_password_is_masked_before_it_is_kept() -> None:
    text = (ROOT / ".github" / "workflows" / "windows.yml").read_text(encoding="utf-8")
    assert (
        text.index("::add-mask::$password") < text.index("New-LocalUser") < text.index("PORTKEEPER_PASSWORD=$password")
    )


def test_every_variable_of_the_controller_reaches_it() -> None:
    script = (ROOT / ".github" / "scripts" / "controller").read_text(encoding="utf-8")
    step = next(step for step in _steps(_loaded("windows")) if "controller" in step.get("run", ""))
    handed = {name.partition("/")[0] for name in step["env"]["WSLENV"].split(":")}
    needed = set(re.findall(r"\$\{?(PORTKEEPER_\w+|RESULTS)", script)) | set(
        re.findall(r"\{(PORTKEEPER_\w+):\?", script)
    )
    assert needed - handed == {"PORTKEEPER_PORT"}
