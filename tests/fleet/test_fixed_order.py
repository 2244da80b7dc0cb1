# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs of the same conversation are the same with any order of Python's sets: every role, and port_info."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest

from tests.tooling.sources import ROOT

HASH_SEEDS: t.Final = ("1", "2", "3")
"""Three, since two orders of a small set are often the same by chance."""
PARTS: t.Final = ("requests", "answers", "results")


def _started(seed: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "build/collections")))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "tests.fleet.fixed_order"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def digests() -> list[dict[str, dict[str, str]]]:
    """By conversation and part, one for each hash seed; the programs run side by side."""
    programs = [_started(seed) for seed in HASH_SEEDS]
    outputs = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0] * len(programs)
    return [json.loads(output) for output in outputs]


@pytest.mark.parametrize("part", PARTS)
def test_a_conversation_is_the_same_in_every_process(digests: list[dict[str, dict[str, str]]], part: str) -> None:
    first, *others = digests
    assert first
    assert [name for name in first for other in others if other[name][part] != first[name][part]] == []
