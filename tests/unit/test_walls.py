# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walls between the layers, read off the source: who imports what, and what keeps files readable.

Only what no linter can know stands here; ruff, mypy and ansible-test hold the rest.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
import graphlib
import re
import sys

import pytest
import yaml

from tests.tooling.sources import ROOT, Import, Source, body_length, sources

COLLECTION = "ansible_collections.portkeeper.windows"
HEADER = """\
# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
MODULE_UTILS, PLUGIN_UTILS, DOC_FRAGMENTS = (
    f"plugins/{name}" for name in ("module_utils", "plugin_utils", "doc_fragments")
)
PORTS, KNOWLEDGE, CHANGE, DIAGNOSIS, PAGE, VERIFY = PURE = tuple(
    f"{MODULE_UTILS}/{name}" for name in ("_ports", "_knowledge", "_change", "_diagnosis", "_page", "_verify")
)
WSMAN, WINDOWS, KIT = (f"{MODULE_UTILS}/{name}" for name in ("_wsman", "_windows", "_kit"))
EVENT_SOURCES = "extensions/eda/plugins/event_source"
SETTINGS = f"{KNOWLEDGE}/settings.py"

LONGEST_FUNCTION = 40
LONGEST_FILE = 500
LONGEST_ROLE_FILE = 40
OWN_LOADER = "plugins/__init__.py"
"""It lets Python's own loader import the rest, and so comes before every layer."""
MOST_FILES = 25
"""In one folder, without those below it: what a reader can look through."""
WRITTEN = ("plugins", "extensions", "tests")
"""Where Python files are."""
REGISTRY_PATH = re.compile(r"\b(SYSTEM|SOFTWARE)\\", re.IGNORECASE)
ROOM = re.compile(r"^\| [^|`]+ \| `(?P<folder>[^`]+)` \| .+ \| (?P<imports>[^|]+) \|$", re.MULTILINE)
"""One row of the table on the page about the architecture."""


ANSIBLES = frozenset({"ansible", "jinja2", "yaml"})
"""Ansible, and packages that it can't run without."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer: where it lives and what it may import beside the standard library and itself.

    Under plugins/, `packages` may be imported only where their absence is caught: they are missing in ansible-test's
    import test and on a controller without the packages.
    """

    folder: str
    layers: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    ansible: bool = False

    def may_import(self, item: Import) -> bool:
        """Whether this import keeps to the walls."""
        if item.package in sys.stdlib_module_names:
            return True
        if item.package in ANSIBLES:
            return self.ansible or item.package in self.packages
        if item.package in self.packages:
            return item.sheltered or self.folder.startswith("tests/")
        return any(f"{item.module}.".startswith(f"{dotted(folder)}.") for folder in (self.folder, *self.layers))


LAYERS = (
    Layer(PORTS),
    Layer(KNOWLEDGE, layers=(PORTS,)),
    Layer(CHANGE, layers=(PORTS, KNOWLEDGE)),
    Layer(DIAGNOSIS, layers=(PORTS, KNOWLEDGE, CHANGE)),
    Layer(PAGE, layers=(PORTS, KNOWLEDGE, CHANGE, DIAGNOSIS)),
    Layer(VERIFY, layers=(PORTS, KNOWLEDGE)),
    Layer(WSMAN, packages=("pypsrp", "requests", "urllib3", "winrm")),
    Layer(WINDOWS, layers=(PORTS, KNOWLEDGE, CHANGE, DIAGNOSIS, VERIFY, WSMAN)),
    Layer(KIT, layers=(PORTS, KNOWLEDGE, CHANGE, WINDOWS)),
    Layer(
        PLUGIN_UTILS,
        layers=(PORTS, KNOWLEDGE, CHANGE, DIAGNOSIS, PAGE, VERIFY, WSMAN, WINDOWS, KIT),
        packages=("jmespath", "pypsrp", "requests", "winrm"),
        ansible=True,
    ),
    Layer("plugins/action", layers=(CHANGE, DIAGNOSIS, PAGE, VERIFY, PLUGIN_UTILS), ansible=True),
    Layer("plugins/filter", layers=(KNOWLEDGE, DIAGNOSIS, PAGE, PLUGIN_UTILS), ansible=True),
    Layer(EVENT_SOURCES, layers=(PLUGIN_UTILS,), ansible=True),
    Layer("plugins/modules"),
    Layer(DOC_FRAGMENTS),
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


def home_of(module: str) -> str | None:
    """The folder of the collection that an imported name comes from; ``None``: another package."""
    if not module.startswith(f"{COLLECTION}."):
        return None
    path = ROOT.joinpath(*module.removeprefix(f"{COLLECTION}.").split("."))
    found = path if path.with_suffix(".py").is_file() else path.parent
    assert found.with_suffix(".py").is_file(), module
    return found.parent.relative_to(ROOT).as_posix()


def strings(source: Source) -> list[tuple[str, int]]:
    """The texts in a file's code with their lines; without docstrings and others that stand by themselves."""
    nodes = list(ast.walk(source.tree))
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    found = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in alone)
    return [(node.value, node.lineno) for node in found if isinstance(node.value, str)]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.folder)
def test_a_layer_imports_only_what_lies_below_it(layer: Layer) -> None:
    imports = [item for source in sources(layer.folder) for item in source.imports()]
    assert [str(item) for item in imports if not layer.may_import(item)] == []


def test_every_file_of_the_collection_belongs_to_a_layer() -> None:
    folders = tuple(f"{layer.folder}/" for layer in LAYERS)
    outside = [str(source) for source in sources("plugins") if source.text and not str(source).startswith(folders)]
    assert outside == [OWN_LOADER]


def test_no_folder_imports_in_a_circle() -> None:
    """A folder's own files and each folder in it are packages of their own: one builds on the other, not both."""
    uses: dict[str, set[str]] = collections.defaultdict(set)
    for source in sources("plugins"):
        homes = {home for item in source.imports() if (home := home_of(item.module))}
        uses[source.path.parent.as_posix()] |= homes - {source.path.parent.as_posix()}
    # Raises CycleError, which names the circle.
    assert set(graphlib.TopologicalSorter(uses).static_order()) >= set(PURE)


def test_no_folder_holds_more_files_than_a_reader_can_look_through() -> None:
    written = [source for source in sources("plugins") if source.text]
    counted = collections.Counter(source.path.parent.as_posix() for source in written)
    assert {folder: count for folder, count in counted.items() if count > MOST_FILES} == {}


def test_only_plugins_roles_and_playbooks_are_public() -> None:
    """What has no underscore is a promise to other collections from 1.0.0 on."""
    folders = [path for path in (ROOT / MODULE_UTILS).iterdir() if path.is_dir()]
    files = [source.path for source in sources(PLUGIN_UTILS, DOC_FRAGMENTS)]
    assert [str(path) for path in (*folders, *files) if not path.name.startswith("_")] == []
    assert [str(source) for source in sources(MODULE_UTILS) if source.path.parent.as_posix() == MODULE_UTILS] == [
        f"{MODULE_UTILS}/__init__.py"
    ]


def test_one_file_knows_where_settings_live_in_the_registry() -> None:
    """Beside the documentation of modules, which is a text, and sentences that stand by themselves."""
    code = [source for source in sources("plugins") if not str(source).startswith(("plugins/modules/", DOC_FRAGMENTS))]
    texts = [(source, *text) for source in code if str(source) != SETTINGS for text in strings(source)]
    assert [f"{source}:{line} {text}" for source, text, line in texts if REGISTRY_PATH.search(text)] == []


def test_the_architecture_page_shows_these_walls() -> None:
    """The same rooms in the same order, what each may import, and all of them in the picture."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    shown = {row["folder"]: re.findall(r"`([^`]+)`", row["imports"]) for row in ROOM.finditer(page)}
    rooms = {layer.folder: [folder.rpartition("/")[2] for folder in layer.layers] for layer in LAYERS}
    packages = {layer.folder: [*layer.packages, *(["ansible"] if layer.ansible else [])] for layer in LAYERS}
    assert list(shown.items()) == [(folder, rooms[folder] + packages[folder]) for folder in rooms]
    picture = page.partition("```text\n")[2].partition("```")[0]
    assert [folder for folder in rooms if folder.removeprefix(f"{MODULE_UTILS}/") not in picture] == []


def test_imports_are_absolute() -> None:
    """Relative ones fail where Ansible loads an action plugin by its path, which short names do."""
    assert [str(item) for source in sources("plugins", "extensions") for item in source.imports() if item.level] == []


def test_what_is_pure_touches_neither_clock_nor_chance_nor_the_outside() -> None:
    pure = [*sources(*PURE, KIT), *sources(WSMAN, name="envelope.py")]
    assert [str(item) for source in pure for item in source.imports() if item.package in OUTSIDE_WORLD] == []
    calls = [(source, *call) for source in pure for call in source.calls()]
    assert [f"{source}:{line} calls {name}" for source, name, line in calls if name in CLOCKS_AND_FILES] == []


def test_functions_are_short() -> None:
    functions = [(source, function) for source in sources(*WRITTEN) for function in source.functions()]
    long = [(source, function) for source, function in functions if body_length(function) > LONGEST_FUNCTION]
    assert [f"{source}:{function.lineno} {function.name}" for source, function in long] == []


def test_files_are_short() -> None:
    code = [source for source in sources(*WRITTEN) if not str(source).startswith("plugins/modules/")]
    assert [str(source) for source in code if len(source.text.splitlines()) > LONGEST_FILE] == []


def test_every_file_says_its_licence_and_what_it_is_for() -> None:
    written = [source for source in sources(*WRITTEN) if source.text]
    assert [str(source) for source in written if not source.text.startswith(HEADER)] == []
    assert [str(source) for source in written if not ast.get_docstring(source.tree)] == []


def test_packages_of_the_collection_are_empty() -> None:
    """ansible-test demands it of some; one rule for all but one is easier to keep."""
    written = [source for source in sources("plugins", "tests/unit", name="__init__.py") if source.text]
    assert [str(source) for source in written] == [OWN_LOADER]
    assert [str(item) for source in written for item in source.imports() if home_of(item.module)] == []


def test_nothing_is_written_in_powershell() -> None:
    """The promise of the collection: no script of ours runs on a target."""
    assert [
        str(path)
        for folder in ("plugins", "extensions", "roles", "playbooks")
        for path in (ROOT / folder).rglob("*.ps*1")
    ] == []


def test_roles_are_policy_and_not_programs() -> None:
    """Work that would need set_fact or a shell in a role belongs into a module, where it can be tested."""
    unwanted = ("set_fact", "win_shell", "win_command", "builtin.raw", "builtin.shell", "ignore_errors")
    texts = role_files("tasks", "handlers")
    assert [f"{path}: {word}" for path, text in texts.items() for word in unwanted if word in text] == []
    assert [path for path, text in texts.items() if len(text.splitlines()) > LONGEST_ROLE_FILE] == []


def test_roles_compute_nothing() -> None:
    """Values are looked up, compared and handed on; what is computed is Python, where it can be tested."""
    found = {
        path: sorted({word for inside in TEMPLATES.findall(text) for word in PROGRAM.findall(QUOTED.sub("", inside))})
        for path, text in role_files("tasks", "handlers", "vars", "defaults").items()
    }
    assert {path: words for path, words in found.items() if words and words != MAY_COMPUTE.get(path)} == {}


def role_files(*kinds: str) -> dict[str, str]:
    """The YAML files of all roles in these folders, with their texts."""
    paths = [path for kind in kinds for path in (ROOT / "roles").glob(f"*/{kind}/*.yml")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


TEMPLATES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
QUOTED = re.compile(r"'[^']*'")
PROGRAM = re.compile(
    r"\{%|\b(?:ternary|regex_\w+|replace|combine|zip|namespace|selectattr|rejectattr|select|reject|map|extract|flatten"
    r"|dict2items|items2dict|difference|union|intersect|unique|reverse|sort|sum|if|for)\b"
)
MAY_COMPUTE = {
    # Some of the names that the user gave, in their order; `difference` would keep none.
    "roles/exchange_services/vars/main.yml": ["reject"],
}
"""Templates that compute all the same, with the reason."""


def test_playbooks_gather_no_facts() -> None:
    """Fact gathering needs PowerShell 5.1 on the target; every play that we show must run on Windows Server 2003."""
    paths = list((ROOT / "playbooks").glob("*.yml"))
    plays = [(path.name, play) for path in paths for play in yaml.safe_load(path.read_text(encoding="utf-8"))]
    assert [name for name, play in plays if "hosts" in play and play.get("gather_facts") is not False] == []
