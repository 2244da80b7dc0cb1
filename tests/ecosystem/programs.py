# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of build/ecosystem, which run Ansible in their own way, against a simulated fleet."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import typing as t

from tests.fleet.host_cases import DEFAULTS, Json
from tests.tooling.sources import ROOT

FOLDER: t.Final = ROOT / "build" / "ecosystem" / "bin"
SERVERS: t.Final[Json] = {
    "defaults": {**DEFAULTS, "roles": ["exchange_edge", "dns"], "broken": True},
    "hosts": {"edge2008r2": {"release": "2008r2"}, "edge2022": {"release": "2022", "wire": {"transport": "ntlm"}}},
}


def environment() -> dict[str, str]:
    """The caller's, with these programs before all others, and with our collection."""
    ours = {"PATH": os.pathsep.join((str(FOLDER), os.environ["PATH"])), "ANSIBLE_NOCOLOR": "true"}
    return {**os.environ, **ours, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections")}


def run(*command: str | pathlib.Path, folder: pathlib.Path, given: bytes = b"") -> bytes:
    """What a program writes to its standard output; AssertionError if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environment(), input=given, capture_output=True, check=False)
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout[-4000:]!r}\n{done.stderr[-4000:]!r}"
    return done.stdout


def recap(output: str) -> dict[str, dict[str, int]]:
    """The figures of a run by host, from the end of its output."""
    rows = re.findall(r"^(\S+) +: (ok=.*)$", output, re.MULTILINE)
    return {host: {name: int(figure) for name, figure in re.findall(r"(\w+)=(\d+)", row)} for host, row in rows}
