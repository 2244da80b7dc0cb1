# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walls between the layers, read off the source: who imports what, and what keeps files readable.

Only what no linter can know stands here; ruff, mypy and ansible-test hold the rest.
"""

from __future__ import annotations

import ast
import dataclasses
import sys

import pytest
import yaml

from tests.tooling.sources import ROOT, Import, body_length, sources

COLLECTION = "ansible_collections.portkeeper.windows"
HEADER = """\
# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
PURE = tuple(f"plugins/module_utils/{name}" for name in ("_ports", "_knowledge", "_change", "_diagnosis", "_page"))
WSMAN, WINDOWS = (f"plugins/module_utils/{name}" for name in ("_wsman", "_windows"))

LONGEST_FUNCTION = 40
LONGEST_FILE = 500
LONGEST_ROLE_FILE = 40


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer: where it lives and what it may import beside the standard library and itself.

    Under plugins/, `packages` may be imported only where their absence is caught: they are missing in ansible-test's
    import test and on a controller where nobody ran pip.
    """

    folder: str
    layers: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    ansible: bool = False

    def may_import(self, item: Import) -> bool:
        """Whether this import keeps to the walls."""
        if item.package in sys.stdlib_module_names:
            return True
        if item.package == "ansible":
            return self.ansible
        if item.package in self.packages:
            return item.sheltered or self.folder.startswith("tests/")
        return any(f"{item.module}.".startswith(f"{dotted(folder)}.") for folder in (self.folder, *self.layers))


LAYERS = (
    *(Layer(room, layers=PURE) for room in PURE),
    Layer(WSMAN, packages=("requests", "urllib3", "winrm")),
    Layer(WINDOWS, layers=(*PURE, WSMAN)),
    Layer(
        "plugins/plugin_utils",
        layers=(*PURE, WSMAN, WINDOWS),
        packages=("jmespath", "requests", "winrm"),
        ansible=True,
    ),
    Layer("plugins/action", layers=(*PURE, "plugins/plugin_utils"), ansible=True),
    Layer("plugins/filter", layers=PURE, ansible=True),
    Layer("plugins/modules"),
    Layer("plugins/doc_fragments"),
    # Beside them, and knows none of them: two implementations that share code can't check each other.
    Layer("tests/simulator", packages=("h11", "spnego", "trustme", "yaml")),
)

OUTSIDE_WORLD = frozenset(
    {"asyncio", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil"}
    | {"signal", "socket", "ssl", "subprocess", "tempfile", "threading", "time", "urllib"}
)
"""Modules with a clock, chance, input or output: what is pure imports none of them."""

CLOCKS_AND_FILES = frozenset({"now", "utcnow", "today", "uuid1", "uuid4", "open", "print", "input"})
"""The same by the name of what is called."""


def dotted(folder: str) -> str:
    """The folder's name for an import."""
    name = folder.replace("/", ".")
    return f"{COLLECTION}.{name}" if folder.startswith("plugins/") else name


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.folder)
def test_a_layer_imports_only_what_lies_below_it(layer: Layer) -> None:
    imports = [item for source in sources(layer.folder) for item in source.imports()]
    assert [str(item) for item in imports if not layer.may_import(item)] == []


def test_every_file_of_the_collection_belongs_to_a_layer() -> None:
    folders = tuple(f"{layer.folder}/" for layer in LAYERS)
    assert [str(source) for source in sources("plugins") if source.text and not str(source).startswith(folders)] == []


def test_imports_are_absolute() -> None:
    """Relative ones fail where Ansible loads an action plugin by its path, which short names do."""
    assert [str(item) for source in sources("plugins") for item in source.imports() if item.level] == []


def test_what_is_pure_touches_neither_clock_nor_chance_nor_the_outside() -> None:
    pure = [*sources(*PURE), *sources(WSMAN, name="envelope.py")]
    assert [str(item) for source in pure for item in source.imports() if item.package in OUTSIDE_WORLD] == []
    calls = [(source, *call) for source in pure for call in source.calls()]
    assert [f"{source}:{line} calls {name}" for source, name, line in calls if name in CLOCKS_AND_FILES] == []


def test_functions_are_short() -> None:
    functions = [(source, function) for source in sources("plugins", "tests") for function in source.functions()]
    long = [(source, function) for source, function in functions if body_length(function) > LONGEST_FUNCTION]
    assert [f"{source}:{function.lineno} {function.name}" for source, function in long] == []


def test_files_are_short() -> None:
    code = [source for source in sources("plugins", "tests") if not str(source).startswith("plugins/modules/")]
    assert [str(source) for source in code if len(source.text.splitlines()) > LONGEST_FILE] == []


def test_every_file_says_its_licence_and_what_it_is_for() -> None:
    written = [source for source in sources("plugins", "tests") if source.text]
    assert [str(source) for source in written if not source.text.startswith(HEADER)] == []
    assert [str(source) for source in written if not ast.get_docstring(source.tree)] == []


def test_packages_of_the_collection_are_empty() -> None:
    """ansible-test demands it of some; one rule for all is easier to keep."""
    assert [str(source) for source in sources("plugins", "tests/unit", name="__init__.py") if source.text] == []


def test_nothing_is_written_in_powershell() -> None:
    """The promise of the collection: no script of ours runs on a target."""
    assert [str(path) for folder in ("plugins", "roles", "playbooks") for path in (ROOT / folder).rglob("*.ps*1")] == []


def test_roles_are_policy_and_not_programs() -> None:
    """What a role would need set_fact or a shell for belongs into a module, where it can be tested."""
    unwanted = ("set_fact", "win_shell", "win_command", "builtin.raw", "builtin.shell", "ignore_errors")
    paths = [path for kind in ("tasks", "handlers") for path in (ROOT / "roles").glob(f"*/{kind}/*.yml")]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    assert [f"{path}: {word}" for path, text in texts.items() for word in unwanted if word in text] == []
    assert [path for path, text in texts.items() if len(text.splitlines()) > LONGEST_ROLE_FILE] == []


def test_playbooks_gather_no_facts() -> None:
    """Fact gathering needs PowerShell 5.1 on the target; every play that we show must run on Windows Server 2003."""
    paths = list((ROOT / "playbooks").glob("*.yml"))
    plays = [(path.name, play) for path in paths for play in yaml.safe_load(path.read_text(encoding="utf-8"))]
    assert [name for name, play in plays if "hosts" in play and play.get("gather_facts") is not False] == []
