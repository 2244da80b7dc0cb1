# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that ``module_defaults`` must not give: one that accepts a risk is for the one task that has it.

ansible-core merges defaults into the arguments of a task before the action sees them (2.17 and 2.18 in the executor of
the task, 2.19 and later when the task's arguments are made final). The defaults themselves stay readable in the task.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import risks

_GUARDED: t.Final = (risks.OPTION, *risks.ALIASES)


def refuse_accepted_by_default(task: t.Any, templar: t.Any) -> None:
    """Raises AnsibleActionFail if a default for this action, or for a group of actions, accepts a risk."""
    for place, options in _defaults(task).items():
        for option in _GUARDED:
            if option in _plain(options, templar):
                raise AnsibleActionFail(
                    f"module_defaults has {option} in {place}, and a risk is accepted by one task alone: take it out "
                    "of there and give it with the task that means it. Nothing was sent to the server."
                )


def _defaults(task: t.Any) -> dict[str, t.Any]:
    """The defaults that may reach this task, of its action and of groups; inner blocks win, as in the merge."""
    merged = {place: options for defaults in task.module_defaults or () for place, options in defaults.items()}
    actions = {task.action, task.resolved_action} if merged else set()
    return {place: options for place, options in merged.items() if place.startswith("group/") or place in actions}


def _plain(options: t.Any, templar: t.Any) -> t.Mapping[str, t.Any]:
    """The options of one place; a variable may hold all of them."""
    found = templar.template(options) if isinstance(options, str) else options
    return found if isinstance(found, t.Mapping) else {}
