# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulated Windows is pure: it imports itself and the standard library, reads no clock, means its assumptions."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
import sys
import typing as t

import pytest

from tests.simulator.windows.assumptions import Assumptions

MODEL: t.Final = pathlib.Path(__file__).parents[2] / "simulator" / "windows"
FILES: t.Final = sorted(MODEL.rglob("*.py"))
IMPURE: t.Final = {"asyncio", "os", "pathlib", "socket", "subprocess", "threading", "time", "urllib", "uuid"}


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(MODEL)))
def test_imports(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    outside = {name for name in _imports(ast.parse(text)) if not name.startswith("tests.simulator.windows")}
    assert {name.split(".")[0] for name in outside} <= set(sys.stdlib_module_names) - IMPURE
    assert not [call for call in ("datetime.now(", "utcnow(", ".today(", "SystemRandom") if call in text]


def test_each_assumption_switches_something() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in FILES if path.name != "assumptions.py")
    for field in dataclasses.fields(Assumptions):
        assert f"assumptions.{field.name}" in code, field.name
