# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each example of each module runs as pasted, alone, on the kind of server that stands in brackets behind its name."""

from __future__ import annotations

import ast
import collections.abc as c
import dataclasses
import re
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import COLLECTION, DEFAULTS, FleetRun, HostCase, Json, Step, TaskRun, playbook_run
from tests.fleet.in_process import run_in_process
from tests.simulator.control import running_fleet
from tests.tooling.sources import ROOT

MODULES: t.Final = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
RELEASES: t.Final = {
    name: {"release": name.replace(" ", "").lower()} for name in ("2003", "2008", "2008 R2", "2019", "2022")
}
KINDS: t.Final[dict[str, Json]] = {
    "Exchange Edge": {"roles": ["exchange_edge", "dns"], "broken": False},
    "Exchange Edge that lost a port": {"roles": ["exchange_edge", "dns"], "broken": True},
    "domain controller with RADIUS": {"roles": ["domain_controller", "dns", "ias"]},
    "member server": {"roles": ["member"]},
    "BlackBerry Router": {"roles": ["blackberry_router"]},
}
SERVERS: t.Final[dict[str, Json]] = {
    **{
        f"{kind}, {name}": {**server, **release} for kind, server in KINDS.items() for name, release in RELEASES.items()
    },
    "Small Business Server 2003": {"roles": ["sbs2003"], "release": "2003"},
    "Exchange 2003": {"roles": ["exchange2003"], "release": "2003"},
    "Exchange 2010": {"roles": ["exchange2010"], "release": "2008r2", "netsh_hotfix": True},
}
_NAMED: t.Final = re.compile(r"\(([^()]+)\)$")


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A task, or a block of tasks, as documented; ``host`` is a server that it alone has."""

    host: str
    module: str
    task: Json

    def __str__(self) -> str:
        return self.host

    @property
    def tasks(self) -> c.Sequence[Json]:
        """Its tasks: itself, if it is no block."""
        return t.cast("c.Sequence[Json]", self.task.get("block", [self.task]))

    @property
    def is_single(self) -> bool:
        """True for a task that asks nothing of Ansible but check mode and a diff, and has no template."""
        return "{{" not in str(self.task) and set(self.task) <= {
            "name",
            f"{COLLECTION}.{self.module}",
            "check_mode",
            "diff",
        }

    @property
    def case(self) -> HostCase:
        """The same for a run in this process."""
        options = self.task[f"{COLLECTION}.{self.module}"]
        step = Step(module=self.module, options=options, check=bool(self.task.get("check_mode")))
        return HostCase(id=self.host, server=SERVERS[self.server], steps=(step,))

    @property
    def server(self) -> str:
        """The kind of server that its name ends with; empty if it names none."""
        named = _NAMED.search(str(self.task["name"]))
        return named.group(1) if named else ""


def _documented(module: str) -> list[Json]:
    """The examples of a module; its file holds nothing but constants."""
    tree = ast.parse((ROOT / f"plugins/modules/{module}.py").read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return t.cast("list[Json]", yaml.safe_load(ast.literal_eval(constants["EXAMPLES"])))


def _host(module: str, number: int, task: Json) -> str:
    """The host that the task itself names, or one of our own for it."""
    options = task.get(f"{COLLECTION}.{module}") or {}
    return str(options.get("may_be_spoilt") or f"{module.replace('_', '-')}-{number}")


EXAMPLES: t.Final = [
    Example(_host(module, number, task), module, task)
    for module in MODULES
    for number, task in enumerate(_documented(module))
]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_is_a_task_of_its_own_that_names_its_server(example: Example) -> None:
    assert "hosts" not in example.task
    assert example.server in SERVERS


@pytest.fixture(scope="module")
def single() -> dict[str, tuple[TaskRun, ...]]:
    """The tasks that need nothing of Ansible but their own options, in this process."""
    return run_in_process([example.case for example in EXAMPLES if example.is_single])


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.is_single], ids=str)
def test_an_example_runs_as_pasted(single: dict[str, tuple[TaskRun, ...]], example: Example) -> None:
    (task_run,) = single[example.host]
    assert task_run.event == "ok", task_run.message
    # Who pastes it should not be told that it was a bad idea.
    assert task_run.warnings == ""


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> FleetRun:
    """The others, each in a play of its own."""
    playbook = tmp_path_factory.mktemp("examples") / "playbook.yml"
    examples = [example for example in EXAMPLES if not example.is_single]
    plays = [{"hosts": example.host, "gather_facts": False, "tasks": [example.task]} for example in examples]
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    hosts = {example.host: dict(SERVERS[example.server]) for example in examples}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        return playbook_run(fleet.control, fleet.inventory, str(playbook))


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not one.is_single], ids=str)
def test_an_example_of_several_tasks_runs_as_pasted(blocks: FleetRun, example: Example) -> None:
    task_runs = blocks.task_runs[example.host]
    assert example.tasks[0]["name"] in {task_run.task for task_run in task_runs}
    assert [task_run.message for task_run in task_runs if task_run.event != "ok"] == []
    assert [task_run.warnings for task_run in task_runs if task_run.warnings] == []
    assert blocks.recap[example.host]["failures"] == 0
