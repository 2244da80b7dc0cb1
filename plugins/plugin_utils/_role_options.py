# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a role's one task, read from the role's variables once these are checked.

Ansible's own ways to both have their price for each server: a check is a task, and so a process; and each template in
the arguments of a task is compiled anew by each process, which takes as long as a message to a server. Nearly all
templates of a role only look up a variable, so the role names the variable that has the options, and what is only
looked up there is looked up here. Everything else is left to Ansible.
"""

from __future__ import annotations

import collections.abc as c
import pathlib
import re
import typing as t

import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments, validated_options

OPTION: t.Final = "role_options"
SPECIFICATION: t.Final = pathlib.PurePath("meta", "argument_specs.yml")
_ROLES: t.Final = pathlib.Path(__file__).parents[2] / "roles"
_LOADER: t.Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LOOKUP: t.Final = re.compile(r"\{\{ (\w+)(?:\[(\w+)\])? \}\}")
"""``{{ name }}``, or ``{{ __choices[name] }}``: what a private mapping has for the value of a checked variable."""
_TEMPLATE: t.Final = re.compile(r"\{[{%#]")

Template = t.Callable[[t.Any], t.Any]


def role_options(name: str, variables: Arguments, template: Template) -> Arguments:
    """The options in one of the role's variables, after a check of all that a user may set.

    :param name: the variable's name.
    :param variables: all variables of the task; ``role_path`` is the role's folder.
    :param template: gives the value of a variable, as Ansible does.
    :raises OptionError: the task is in no role, or a variable is missing or wrong.
    """
    values = checked_variables(variables, template)
    if not isinstance(variables.get(name), c.Mapping):
        raise OptionError(OPTION, f"{name!r} is no variable that has options")
    return t.cast(Arguments, RoleData(values, variables, template).value(variables[name]))


def checked_variables(variables: Arguments, template: Template) -> Arguments:
    """The variables that the role's entry point ``main`` documents, with their types.

    :raises OptionError: the task is in no role, the role has no specification, or a variable is wrong.
    """
    role = str(variables.get("role_path", ""))
    options = _OPTIONS[role] if role in _OPTIONS else _documented(role)
    given = {name: template(variables[name]) for name in options if name in variables}
    return validated_options(f"role {role.rpartition('/')[2]}", options, given)


def _documented(role: str) -> Arguments:
    """The argument specification of the entry point ``main`` of the role in this folder."""
    file = pathlib.Path(role, SPECIFICATION)
    if not role or not file.is_file():
        raise OptionError(OPTION, f"this task is in no role that has the file {SPECIFICATION}")
    specification = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both loaders are safe
    return t.cast(Arguments, specification["argument_specs"]["main"]["options"])


_OPTIONS: t.Final = {
    role: _documented(role) for role in (str(file.parents[1]) for file in _ROLES.glob(f"*/{SPECIFICATION}"))
}
"""Of the roles of this collection: read when Ansible loads the action, before it forks a worker for each server. A
worker needs 2 ms to read one, which is as long as a message takes; here all of them need 4 ms."""


class RoleData:
    """Values of a role's own data: of its checked variables, and of private ones, whose names begin with ``__``."""

    def __init__(self, checked: Arguments, variables: Arguments, template: Template) -> None:
        self._checked = checked
        self._variables = variables
        self._template = template

    def value(self, data: t.Any) -> t.Any:
        """The data with a value in place of each template; of choices, only the chosen one is looked at."""
        if isinstance(data, str):
            return self._of_text(data)
        if data is None or isinstance(data, (bool, int, float)):
            return data
        if isinstance(data, list):
            return [self.value(item) for item in data]
        return {key: self.value(item) for key, item in data.items()} if isinstance(data, c.Mapping) else data

    def _of_text(self, text: str) -> t.Any:
        if not _TEMPLATE.search(text):
            return text
        lookups = list(_LOOKUP.finditer(text))
        if _TEMPLATE.search(_LOOKUP.sub("", text)) or not all(map(self._is_known, lookups)):
            return self._template(text)
        if lookups[0][0] == text:
            return self._looked_up(lookups[0])
        return _LOOKUP.sub(lambda lookup: str(self._looked_up(lookup)), text)

    def _is_known(self, lookup: re.Match[str]) -> bool:
        name, choice = lookup.groups()
        if choice is None:
            return self._has(name)
        choices = self._variables.get(name)
        return _is_private(name) and isinstance(choices, c.Mapping) and self._checked.get(choice) in [*choices]

    def _has(self, name: str) -> bool:
        return name in self._checked or (_is_private(name) and name in self._variables)

    def _looked_up(self, lookup: re.Match[str]) -> t.Any:
        name, choice = lookup.groups()
        if name in self._checked:
            # It is a value by now: a text in it that looks like a template is none.
            return self._checked[name]
        data = self._variables[name]
        return self.value(data if choice is None else data[self._checked[choice]])


def _is_private(name: str) -> bool:
    return name.startswith("__")
