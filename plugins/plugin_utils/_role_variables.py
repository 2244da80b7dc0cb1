# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role that a task stands in, checked by the role's own argument specification.

Ansible has a task of its own for that, at the price of one more process for each host.
"""

from __future__ import annotations

import pathlib
import typing as t

import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments, validated_options

SPECIFICATION: t.Final = pathlib.PurePath("meta", "argument_specs.yml")
_LOADER: t.Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_wrong_role_variables(variables: Arguments, template: t.Callable[[t.Any], t.Any]) -> None:
    """Check what a role's entry point ``main`` says of its variables.

    :param variables: all variables of the task; ``role_path`` is the role's folder.
    :param template: gives the value of a variable.
    :raises OptionError: the task is in no role, the role has no specification, or a variable is wrong.
    """
    role = pathlib.Path(str(variables.get("role_path", "")))
    file = role / SPECIFICATION
    if "role_path" not in variables or not file.is_file():
        raise OptionError("check_role_variables", f"this task is in no role that has the file {SPECIFICATION}")
    specification = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both loaders are safe
    options = specification["argument_specs"]["main"]["options"]
    given = {name: template(variables[name]) for name in options if name in variables}
    validated_options(f"role {role.name}", options, given)
