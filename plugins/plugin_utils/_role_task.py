# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's one task prints of its result: a task of Ansible's own would be one more process for each host."""

from __future__ import annotations

import typing as t

from ansible import constants
from ansible.utils.display import Display


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
