# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make documentation` writes is up to date, and the tool that writes it."""

from __future__ import annotations

import collections
import collections.abc as c
import dataclasses
import re
import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import OPEN, Port, told
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.tooling import documentation, documentation_parts, documentation_returns, documentation_rows
from tests.tooling.documentation_returns import Unwritable
from tests.tooling.documentation_text import Place, Shared, Value, block, filled
from tests.tooling.sources import ROOT

_RETURN: t.Final = re.compile(r'^RETURN = r"""\n(.*?)"""', re.DOTALL | re.MULTILINE)


def test_nothing_is_out_of_date() -> None:
    assert documentation.outdated() == [], f"run `{documentation.COMMAND}`"


SPOILT: list[tuple[str, str, str, list[str]]] = [
    ("docs/simulator.md", "`drop_before`, ", "", ["fault-kinds"]),
    ("plugins/modules/reserved_ports.py", "  description: The reservations as found.\n", "", ["before"]),
    (
        "plugins/modules/reserved_ports.py",
        "after:\n  description: The",
        "after:\n  version_added: 1\n  x: The",
        ["after"],
    ),
    ("plugins/modules/service_state.py", "# make documentation", "# make anything", ["head of RETURN"]),
    (
        "plugins/doc_fragments/_ports.py",
        "RADIUS (IAS, NPS) - UDP 1645",
        "RADIUS - UDP 1",
        ["known-services-with-ports"],
    ),
    (
        "roles/known_services/meta/argument_specs.yml",
        "for which no service is known",
        "for whom no service is known",
        ["known-services-refused-by-role"],
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "names"), SPOILT, ids=[f"{row[0]}-{row[3][0]}" for row in SPOILT])
def test_what_differs_is_named_and_written_anew(file: str, old: str, new: str, names: list[str]) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    spoilt = text.replace(old, new, 1)
    places = documentation.places(ROOT / file, spoilt)
    assert spoilt != text
    assert [place.name for place in places if place.differs(spoilt)] == names
    assert filled(spoilt, places) == text


def test_the_check_says_what_to_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert documentation.main(["--check"]) == 0
    monkeypatch.setitem(documentation_returns.fields()["release"]["wordings"], "usual", "Which Windows it is.")
    assert documentation.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "plugins/modules/service_state.py: release is out of date\n" in said
    assert said.endswith("make documentation writes all of this anew\n")


def test_every_part_stands_in_its_files() -> None:
    found = collections.defaultdict(set)
    for file in documentation.files():
        if file.suffix != ".md":
            for place in documentation_parts.places(file.read_text(encoding="utf-8")):
                found[place.name].add(documentation.name_of(file))
    assert found == {name: set(part.files) for name, part in documentation_parts.PARTS.items()}


SOURCES: list[tuple[str, str]] = [
    ("ntds", "KB224196"),
    ("ntfrs", "public code; KB319553"),
    ("exchange_is", "Exchange Best Practices Analyzer; KB270836"),
    ("exchange_rpc", "public code"),
    ("exchange_mta", "common knowledge, unverified"),
]


@pytest.mark.parametrize(("key", "source"), SOURCES)
def test_sources_of_fixed_ports_in_words(key: str, source: str) -> None:
    rows = t.cast("t.Mapping[str, t.Any]", documentation_parts.PARTS["fixed-rpc-ports"].make())
    assert rows[key]["description"][1].endswith(f" Source - {source}.")


# --- return fields ----------------------------------------------------------------------------------------------------


def returned() -> dict[str, set[str]]:
    """From each return field to the modules that have it."""
    found = collections.defaultdict(set)
    for path in (ROOT / "plugins/modules").glob("*.py"):
        match = _RETURN.search(path.read_text(encoding="utf-8"))
        assert match is not None, path
        for field in yaml.safe_load(match[1]):
            found[field].add(path.stem)
    return found


def test_each_field_of_several_modules_has_one_source() -> None:
    modules = returned()
    fields = documentation_returns.fields()
    assert {name for name, having in modules.items() if len(having) > 2} == set(fields)
    for name, field in fields.items():
        assert {*field["modules"], *field.get("elsewhere", ())} == modules[name]


def test_a_field_that_the_module_lacks_is_told() -> None:
    text = 'RETURN = r"""\nmsg:\n  type: str\n"""\n'
    with pytest.raises(Unwritable, match=r"service_state\.py returns no after, before, .*return_values\.yml"):
        documentation_returns.places("plugins/modules/service_state.py", text)
    with pytest.raises(Unwritable, match="has no RETURN"):
        documentation_returns.places("plugins/modules/service_state.py", "")


WRONG: list[tuple[dict[str, t.Any], str]] = [
    ({"wording": "unusual", "sample": ""}, "msg of converge has the wording 'unusual'"),
    ({"wording": "blank", "sample": ""}, "msg of converge fills no blank"),
]


@pytest.mark.parametrize(("own", "words"), WRONG, ids=[row[1] for row in WRONG])
def test_mistakes_in_the_source_are_told(own: dict[str, t.Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field = {"wordings": {"usual": "It.", "blank": ["{what}."]}, "type": "str", "modules": {"converge": own}}
    monkeypatch.setitem(documentation_returns.fields(), "msg", field)
    with pytest.raises(Unwritable, match=words):
        documentation_returns.entry("msg", "converge")


def test_texts_whose_blanks_are_not_filled_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    field = {"wordings": {"usual": ["Whether {what}.", "{more}", "Yes."]}, "modules": {"converge": {"what": "so"}}}
    monkeypatch.setitem(documentation_returns.fields(), "msg", field)
    assert documentation_returns.entry("msg", "converge") == {"description": ["Whether so.", "Yes."]}


# --- typed rows -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Inner:
    """A row of another row."""

    word: t.Annotated[t.Literal["a", "b"], OPEN] = dataclasses.field(metadata=told("W.", "a"))


@dataclasses.dataclass
class Other:
    """The same in another form."""

    word: str = dataclasses.field(metadata=told("Another W.", "z"))
    port: Port = dataclasses.field(metadata=told("P.", 80))


@dataclasses.dataclass
class Outer:
    """One field of each type."""

    anything: t.Any = dataclasses.field(metadata=told("Any.", [1]))
    number: float | None = dataclasses.field(metadata=told(("One.", "Two."), 0.5))
    names: tuple[str, ...] = dataclasses.field(metadata=told("N.", ["n"]))
    odds: c.Mapping[str, float] = dataclasses.field(metadata=told("O.", {"x": 1.0}))
    ports: PortRange | None = dataclasses.field(metadata=told("R."))
    rows: tuple[Inner | Other, ...] | None = dataclasses.field(metadata=told("Rows."))


WORD: t.Final = {"description": "W.", "type": "str", "sample": "a"}
PORT: t.Final = {"description": "P.", "type": "int", "sample": 80}


def test_rows_are_documented_by_their_classes() -> None:
    entries = documentation_rows.contents(Outer, names=["m"])
    (ports,) = (entry.pop("contains") for name, entry in entries.items() if name == "ports")
    assert list(t.cast("t.Any", ports)) == ["first", "last", "count"]
    assert entries == {
        "anything": {"description": "Any.", "type": "raw", "sample": [1]},
        "number": {"description": ["One.", "Two."], "type": "float", "sample": 0.5},
        "names": {"description": "N.", "type": "list", "elements": "str", "sample": ["m"]},
        "odds": {"description": "O.", "type": "dict", "sample": {"x": 1.0}},
        "ports": {"description": "R.", "type": "dict"},
        "rows": {
            "description": "Rows.",
            "type": "list",
            "elements": "dict",
            "contains": {"word": WORD, "port": PORT},
        },
    }
    assert documentation_rows.subsets(Inner) == {"word": {**WORD, "returned": "when gathered"}}


# --- text -------------------------------------------------------------------------------------------------------------

SHARED: t.Final = Shared("it", {"b": 1})
BLOCKS: list[tuple[str, Value, int, str]] = [
    ("plain", {"a": "One."}, 2, "  a: One.\n"),
    ("quoted if YAML would read something else", {"a": "no", "b": "x: y", "c": "1"}, 0, 'a: "no"\nb: "x: y"\nc: "1"\n'),
    ("samples in one line", {"sample": ["a", "b"], "n": []}, 0, 'sample: ["a", "b"]\nn: []\n'),
    ("sentences below each other", {"description": ["A.", "B."]}, 0, "description:\n  - A.\n  - B.\n"),
    ("wrapped", ["word " * 24 + "end"], 0, "- " + "word " * 22 + "word\n  word end\n"),
    ("dictionaries as samples", {"sample": {"x": 0.5}}, 0, 'sample: {"x": 0.5}\n'),
    ("what stands twice", {"x": SHARED, "y": SHARED}, 0, "x: &it\n  b: 1\ny: *it\n"),
    ("nested", {"a": {"type": "bool", "sample": True}}, 0, "a:\n  type: bool\n  sample: true\n"),
]


@pytest.mark.parametrize(("value", "indent", "text"), [row[1:] for row in BLOCKS], ids=[row[0] for row in BLOCKS])
def test_yaml(value: Value, indent: int, text: str) -> None:
    assert block(value, indent) == text


def test_places_are_filled_whatever_their_order() -> None:
    places = [Place("empty", 1, 1, "-"), Place("next", 1, 2, "B"), Place("last", 3, 4, "DD")]
    assert filled("abcd", places) == filled("abcd", places[::-1]) == "a-BcDD"
