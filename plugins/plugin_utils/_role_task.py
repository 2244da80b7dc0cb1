# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's one task does beside its work: it checks the role's variables first, and prints its sentences last.

Tasks of Ansible's own could do both, each at the price of one more process for each host.
"""

from __future__ import annotations

import pathlib
import typing as t

import yaml
from ansible import constants
from ansible.utils.display import Display

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


def say(result: t.Mapping[str, t.Any], said: str, *, host: str) -> None:
    """Print the sentences of a task that went well, one to a line, each with its host.

    A program may read what the callbacks ``json`` and ``jsonl`` write, so nothing is printed beside them.

    :param said: the option ``say`` of ``converge``.
    """
    if said == "nothing" or result.get("failed") or result.get("unreachable") or _is_read_by_programs():
        return
    notes = result["notes"] if said == "notes" else ()
    Display().display("\n".join(f"{host}: {sentence}" for sentence in (result["msg"], *notes)))


def _is_read_by_programs() -> bool:
    return "json" in str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
