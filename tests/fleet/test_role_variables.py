# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong variable of a role is named before anything is sent, also where Ansible's own check is left out."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from tests.fleet.host_cases import Json
from tests.tooling.ansible_programs import AnsibleRun, run_ansible
from tests.tooling.sources import ROOT

ROLES: t.Final = tuple(
    path.parents[1].name
    for path in sorted(ROOT.glob("roles/*/tasks/main.yml"))
    if "portkeeper.windows.converge:" in path.read_text(encoding="utf-8")
)
WRONG: t.Final[t.Mapping[str, t.Any]] = {"bool": "maybe", "dict": 12, "int": "many", "path": {"no": "path"}}
"""A value that a type can't have. Anything is a text, and a list of it."""
NOWHERE: t.Final = {
    "ansible_connection": "winrm",
    "ansible_host": "127.0.0.1",
    "ansible_port": 9,
    "ansible_user": "user",
    "ansible_password": "password",
}


REQUIRED: t.Final = {"known_services_names": ["l2tp"], "exchange_rpc_ports_ports": {"store": 5000}}
"""A right value for what has no default."""


def _wrong(option: Json) -> t.Any:
    return "neither" if "choices" in option else WRONG.get(option["type"])


def _mistakes(role: str) -> dict[str, t.Any]:
    specification = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specification["argument_specs"]["main"]["options"]
    return {name: value for name, option in options.items() if (value := _wrong(option)) is not None}


MISTAKES: t.Final = {f"{role}-{name}": (role, name, value) for role in ROLES for name, value in _mistakes(role).items()}


LACKS: t.Final = {"known_services": "known_services_names", "exchange_rpc_ports": "exchange_rpc_ports_ports"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> AnsibleRun:
    directory = tmp_path_factory.mktemp("roles")
    hosts = {host: {**NOWHERE, **REQUIRED, name: value} for host, (_role, name, value) in MISTAKES.items()}
    hosts |= {f"{role}-lacks": NOWHERE for role in LACKS}
    tasks = [
        {
            "ansible.builtin.import_role": {"name": f"portkeeper.windows.{role}", "rolespec_validate": False},
            "when": f"inventory_hostname.startswith('{role}-')",
        }
        for role in ROLES
    ]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    (directory / "playbook.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    return run_ansible(["ansible-playbook", "-i", str(directory / "inventory.yml"), str(directory / "playbook.yml")])


def test_there_are_roles_and_mistakes() -> None:
    assert len(ROLES) == 6
    assert len(MISTAKES) > 25


@pytest.mark.parametrize(("role", "name"), LACKS.items())
def test_what_has_no_default_is_named(run: AnsibleRun, role: str, name: str) -> None:
    (result,) = (item for item in run.results if item.host == f"{role}-lacks" and item.status != "skipped")
    assert f"role {role}: missing required arguments: {name}" in result.result["msg"]


@pytest.mark.parametrize("host", MISTAKES)
def test_the_role_and_its_variable_are_named(run: AnsibleRun, host: str) -> None:
    role, name, _value = MISTAKES[host]
    (result,) = (item for item in run.results if item.host == host and item.status != "skipped")
    assert result.status == "failed"
    message = result.result["msg"]
    assert f"role {role}: " in message
    assert name in message


def test_a_task_outside_a_role_has_nothing_to_check(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("task") / "playbook.yml"
    task = {"portkeeper.windows.converge": {"role_options": "__options", "owner": "x", "state": "absent"}}
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "vars": NOWHERE, "tasks": [task]}]))
    (result,) = run_ansible(["ansible-playbook", "-i", "one,", str(path)]).results
    assert "role_options: this task is in no role that has the file" in result.result["msg"]
