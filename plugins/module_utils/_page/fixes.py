# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fix of a finding for people: advice in sentences, command lines for a shell, and the task to paste.

All of it is read off the tasks that the finding has; a task may name a server's own texts, so every word is quoted.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import PLAYBOOKS

_COLLECTION: t.Final = "portkeeper.windows"
_INCLUDE: t.Final = "ansible.builtin.include_role"
_NO_COMMAND: t.Final = frozenset({"name", "vars"})
Task = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A fix as it is shown."""

    advice: tuple[str, ...] = ()
    """Sentences about the fix, or all of it if the collection only reports."""
    commands: tuple[str, ...] = ()
    """Command lines for a shell, in their order. Empty if there is no task."""
    tasks: str = ""
    """The same as YAML, to paste into a list of tasks."""


def split_fix(text: str) -> tuple[tuple[str, ...], str]:
    """The sentences of a fix (its lines of comment), and the YAML of its tasks."""
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    rest = "\n".join(line for line in lines if not line.startswith("#")).strip()
    return tuple(filter(None, (line.lstrip("# ").rstrip() for line in comments))), rest


def commands(tasks: t.Any, server: str, groups: t.Collection[str] | None = None) -> tuple[str, ...]:
    """The command lines that do what these tasks do, on one server; none if a task has no such line.

    Args:
        tasks: as YAML has them.
        server: its name in the inventory.
        groups: the server's groups in the inventory; ``None`` if they are not known.
    """
    items = tasks if isinstance(tasks, list) else []
    found = [_command(item, server, groups) if isinstance(item, t.Mapping) else "" for item in items]
    return tuple(found) if all(found) else ()


def _command(task: Task, server: str, groups: t.Collection[str] | None) -> str:
    included = task.get(_INCLUDE)
    if isinstance(included, t.Mapping):
        return playbook_command(str(included.get("name", "")), task.get("vars") or {}, server, groups)
    modules = [key for key in task if key not in _NO_COMMAND]
    if len(modules) != 1 or not modules[0].startswith(f"{_COLLECTION}."):
        return ""
    options = json.dumps(task[modules[0]] or {}, ensure_ascii=False)
    return shlex.join(["ansible", server, "-m", modules[0], "-a", options])


def playbook_command(role: str, variables: t.Any, server: str, groups: t.Collection[str] | None) -> str:
    """The command line that applies a role to a server by its playbook; empty if it has none."""
    short = role.removeprefix(f"{_COLLECTION}.")
    found = next((playbook for name, playbook in PLAYBOOKS.items() if name == short), None)
    if found is None or not isinstance(variables, t.Mapping):
        return ""
    words = ["ansible-playbook", f"{_COLLECTION}.{found.name}"]
    at_home = groups is None or found.group in groups
    words += ["--limit", server] if at_home else ["-e", f"{found.hosts_variable}={server}"]
    # A role reboots nothing unless it is told to: that a task says so too is for its reader.
    chosen = {name: value for name, value in variables.items() if (name, value) != (f"{short}_reboot", False)}
    words += ["-e", json.dumps(chosen, ensure_ascii=False)] if chosen else []
    return shlex.join(words)
