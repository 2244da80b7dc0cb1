# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that contacts a server; plugins/doc_fragments/_connection.py documents them."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import USUAL_PATIENCE, Patience

Arguments = t.Mapping[str, t.Any]

JOURNAL_VARIABLE: t.Final = "portkeeper_journal"
SHARED_SPEC: t.Final[Arguments] = {
    "journal": {"type": "bool"},
    "retries": {"type": "int", "default": USUAL_PATIENCE.retries},
    "retry_delay": {"type": "float", "default": USUAL_PATIENCE.retry_delay},
    "deadline": {"type": "int", "default": int(USUAL_PATIENCE.deadline)},
}
_ALLOWED: t.Final[t.Mapping[str, tuple[int, int]]] = {
    "retries": (0, 100),
    "retry_delay": (0, 600),
    "deadline": (1, 86400),
}
"""The least and the most of each number."""


class SharedOptions(t.NamedTuple):
    """The options of a task that every module has."""

    patience: Patience
    journal: bool


def shared_options(arguments: Arguments, variables: Arguments) -> SharedOptions:
    """The typed options; ``journal`` is the task's, else that of the variable, else true. Raises OptionError."""
    for name, (least, most) in _ALLOWED.items():
        if not least <= arguments[name] <= most:
            raise OptionError(name, f"{arguments[name]} is not between {least} and {most}")
    patience = Patience(
        retries=arguments["retries"], retry_delay=arguments["retry_delay"], deadline=float(arguments["deadline"])
    )
    journal = arguments["journal"]
    if journal is None:
        journal = boolean(variables.get(JOURNAL_VARIABLE, True), strict=False)
    return SharedOptions(patience, bool(journal))


def without_shared(arguments: Arguments) -> dict[str, t.Any]:
    """The options that are the module's own."""
    return {name: value for name, value in arguments.items() if name not in SHARED_SPEC}
