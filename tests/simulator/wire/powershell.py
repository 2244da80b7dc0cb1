# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canned PowerShell: enough for a peer's modules to end, nothing more.

Ansible's own way is ``PowerShell ... -EncodedCommand`` with a bootstrap script, and the module's code as JSON on
standard input. No PowerShell runs here. A module gets a result of the right shape; a script without input (``raw``)
is given to the simulated cmd.exe as it is.
"""

from __future__ import annotations

import base64
import json
import re
import typing as t

from tests.simulator.windows.interface import CommandResult

_PROGRAM = re.compile(r'^\s*"?(?:[^"\s]*\\)?(?:powershell|pwsh)(?:\.exe)?"?(?:\s|$)', re.IGNORECASE)
_ENCODED = re.compile(r"-e(?:ncodedcommand|nc|c)?\s+([A-Za-z0-9+/=]+)", re.IGNORECASE)
_PLAIN = re.compile(r"-c(?:ommand)?\s+(.+)$", re.IGNORECASE | re.DOTALL)
_EXIT_TAIL = re.compile(r"[;\r\n]+\s*(?:If|if) \(-not \$\?\).*", re.DOTALL)

MODULE_RESULT: t.Final[dict[str, t.Any]] = {
    "changed": True,
    "data_changed": True,
    "data_type_changed": False,
    "rc": 0,
}
"""The fixed answer of each module: the documented returns of a registry module that changed a value."""


def is_powershell(command_line: str) -> bool:
    """Tell whether the command line starts PowerShell."""
    return _PROGRAM.match(command_line) is not None


def script_of(command_line: str) -> str:
    """Give the script in the command line, decoded; empty if it has none."""
    found = _ENCODED.search(command_line)
    if found is not None:
        try:
            return base64.b64decode(found.group(1), validate=True).decode("utf-16-le")
        except ValueError:
            return ""
    plain = _PLAIN.search(command_line)
    return plain.group(1).strip().strip('"') if plain else ""


def command_in(script: str) -> str:
    """Give the command of a ``raw`` script, without the lines that keep the exit code."""
    return _EXIT_TAIL.sub("", script).strip()


def module_result() -> CommandResult:
    """Give the output of a module's run: one line of JSON."""
    return CommandResult(json.dumps(MODULE_RESULT).encode() + b"\r\n", b"", 0)
