# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the start of a task costs, counted: files imported and compiled, classes and patterns made."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

FILES: t.Final = {"reserved_ports": 109, "converge": 123}
"""The most of our files that an action imports; only down."""
CLASSES: t.Final = {"reserved_ports": 24, "converge": 24}
"""The most dataclasses that are made for it; only down. One takes half a millisecond, a named tuple a tenth of that."""
PATTERNS: t.Final = {"reserved_ports": 29, "converge": 39}
"""The most patterns that are compiled for it; only down."""
LOAD: t.Final = """
import dataclasses, json, re, sys
classes, patterns, compiled = [], [], []
make_class, make_pattern = dataclasses._process_class, re._compile
def count_class(cls, *given):
    classes.append(cls.__module__)
    return make_class(cls, *given)
def count_pattern(*given):
    patterns.append(sys._getframe(2).f_globals["__name__"])
    return make_pattern(*given)
dataclasses._process_class, re._compile = count_class, count_pattern
sys.addaudithook(lambda event, given: compiled.append(str(given[1])) if event == "compile" else None)
from ansible.plugins.loader import action_loader, init_plugin_loader
init_plugin_loader()
assert action_loader.get("portkeeper.windows." + sys.argv[1], class_only=True)
ours = [module.__file__ for name, module in sys.modules.items()
        if name.startswith("ansible_collections.portkeeper.") and getattr(module, "__file__", None)]
own = lambda names: [name for name in names if name.startswith("ansible_collections.portkeeper.")]
made = {"classes": own(classes), "patterns": own(patterns)}
print(json.dumps({"ours": ours, "compiled": [file for file in compiled if file in ours], **made}))
"""


def _loaded(action: str, cache: pathlib.Path, **settings: str) -> dict[str, list[str]]:
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(cache), **settings}
    if not settings:
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", LOAD, action]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return t.cast(dict[str, list[str]], json.loads(done.stdout))


def _size(file: str) -> int:
    """Of a module's file; a package without one has none."""
    path = pathlib.Path(file)
    return path.stat().st_size if path.is_file() else 0


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("action", FILES)
def test_an_action_imports_and_makes_no_more_than_it_did(action: str, cache: pathlib.Path) -> None:
    found = _loaded(action, cache)
    written = [file for file in found["ours"] if _size(file)]
    assert len(written) <= FILES[action], len(written)
    assert len(found["classes"]) <= CLASSES[action], found["classes"]
    assert len(found["patterns"]) <= PATTERNS[action], found["patterns"]


def test_what_was_compiled_once_is_not_compiled_again(cache: pathlib.Path) -> None:
    _loaded("reserved_ports", cache)
    # Ansible's loader takes the first step into the collection.
    assert [pathlib.Path(file).name for file in _loaded("reserved_ports", cache)["compiled"]] == ["__init__.py"]


def test_no_byte_code_is_written_if_the_user_forbids_it(tmp_path: pathlib.Path) -> None:
    seen = _loaded("reserved_ports", tmp_path, PYTHONDONTWRITEBYTECODE="1")
    assert len(seen["compiled"]) > len(seen["ours"]) / 2
    assert list(tmp_path.rglob("*.pyc")) == []
