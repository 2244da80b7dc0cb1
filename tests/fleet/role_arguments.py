# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks ask of roles and roles of the modules, templated by Ansible, for tests without the program."""

from __future__ import annotations

import functools
import pathlib
import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.portkeeper.windows.plugins.plugin_utils._role_options import OPTION, role_options
from tests.fleet.host_cases import Json
from tests.tooling.sources import ROOT

IMPORT: t.Final = "ansible.builtin.import_role"


def task_arguments(role: str, module: str, variables: Json) -> dict[str, t.Any]:
    """The arguments of the role's first task with this module, with its defaults and these variables.

    The options that its action reads from the role's variables are among them, since here the task is in no role.
    """
    arguments = dict(task_part(role, module, module, variables))
    name = arguments.pop(OPTION, None)
    if not name:
        return arguments
    values = {**_values(role, variables), "role_path": str(ROOT / "roles" / role)}
    return {**arguments, **role_options(name, values, _templar(values).template)}


def task_part(role: str, module: str, part: str, variables: Json) -> t.Any:
    """Another part of that task, such as its ``loop``."""
    tasks = _load(_file(role, "tasks"))
    return _templated(role, next(task[part] for task in tasks if module in task), variables)


def task_counts(role: str, module: str, variables: Json) -> bool:
    """Whether that task's ``when`` holds."""
    tasks = _load(_file(role, "tasks"))
    return holds(next(task["when"] for task in tasks if module in task), _values(role, variables))


def playbook_roles(playbook: str) -> tuple[Json, ...]:
    """The roles of the playbook's one play as ``role``, with what stands beside each."""
    (play,) = _load(ROOT / "playbooks" / f"{playbook}.yml")
    imported = ({**task, "role": task[IMPORT]["name"]} for task in play.get("tasks", ()))
    return (*play.get("roles", ()), *imported)


def holds(condition: str, variables: Json) -> bool:
    """Whether a ``when`` holds."""
    return bool(_templar(variables).evaluate_conditional(condition))


def _templated(role: str, template: t.Any, variables: Json) -> t.Any:
    return _templar(_values(role, variables)).template(template)


def _templar(variables: Json) -> Templar:
    return Templar(loader=DataLoader(), variables=dict(variables))


def _values(role: str, variables: Json) -> dict[str, t.Any]:
    files = (_file(role, folder) for folder in ("defaults", "vars"))
    values = {name: value for file in files if file.exists() for name, value in _load(file).items()}
    return {"ansible_check_mode": False, **values, **variables}


def _file(role: str, folder: str) -> pathlib.Path:
    return ROOT / "roles" / role / folder / "main.yml"


@functools.cache
def _load(path: pathlib.Path) -> t.Any:
    return DataLoader().load_from_file(str(path), trusted_as_template=True)
