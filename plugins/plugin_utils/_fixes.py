# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a server: the fixes of its findings, else the role that is for it, else what must be restarted."""

from __future__ import annotations

import functools
import typing as t

import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import Seen
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fixes import (
    Fix,
    commands,
    playbook_command,
    split_fix,
)

_WIDTH: t.Final = 100


def fix_of(text: str, server: str, groups: t.Collection[str] | None) -> Fix:
    """The fix of a finding; ``groups`` are the server's own in the inventory, ``None`` if they are not known."""
    advice, tasks = split_fix(text)
    loaded, shown = _tasks(tasks)
    return Fix(advice=advice, tasks=shown, commands=commands(loaded, server, groups))


def next_steps(info: PortInfo, seen: Seen, server: str, groups: t.Collection[str] | None) -> list[str]:
    """What to do next, a text each: command lines if there are, else advice; none if there is nothing to do.

    Remarks (findings of the severity information) are no reason to act.
    """
    fixes = [fix_of(row.fix, server, groups) for row in seen.findings if row.severity != "information"]
    if fixes:
        return list(dict.fromkeys(step for fix in fixes for step in _steps(fix)))
    if seen.chance or seen.taken:
        return _preventive(info, server, groups)
    named = {row.waits_for for row in seen.due}
    orders = [awaited.order for name, awaited in AWAITED.items() if name in named and awaited.order]
    return [f"{order[0].upper()}{order[1:]}." for order in orders]


def _steps(fix: Fix) -> t.Sequence[str]:
    return fix.commands or fix.advice or fix.tasks.splitlines()


def _preventive(info: PortInfo, server: str, groups: t.Collection[str] | None) -> list[str]:
    """The playbooks of the roles that fit, else the change after which the risk is smallest."""
    fitting = info.roles.fitting if info.roles else ()
    found = [playbook_command(role, {}, server, groups) for role in fitting]
    best = info.risk.best if info.risk else None
    return [command for command in found if command] or ([f"{best.how}. {best.note}"] if best else [])


@functools.lru_cache(maxsize=1024)
def _tasks(text: str) -> tuple[t.Any, str]:
    """The tasks as data, and as YAML to paste; what is no YAML is shown as it is."""
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError:
        return None, text
    if not isinstance(loaded, list):
        return None, text
    return loaded, yaml.safe_dump(loaded, sort_keys=False, allow_unicode=True, width=_WIDTH)
