# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of a report: CSV that no spreadsheet takes for formulas, JSON, and fixes."""

from __future__ import annotations

import csv
import io
import json
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host, host_row
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import (
    collection_version,
    csv_text,
    fixes_of,
    json_text,
)
from tests.tooling.sources import ROOT


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\uff201"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert _cells(csv_text([{"a": text}], ["a"])) == [["a"], [f"'{text}"]]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "a": st.text(
                    alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cn", "Cs"], include_characters="\t\r\n")
                ),
                "b": st.integers(),
            }
        )
    )
)
def test_csv_can_be_read_again(rows: list[dict[str, t.Any]]) -> None:
    found = _cells(csv_text(rows, ["a", "b"]))
    assert found[0] == ["a", "b"]
    assert [(cells[0].removeprefix("'"), int(cells[1])) for cells in found[1:]] == [
        (row["a"].removeprefix("'"), row["b"]) for row in rows
    ]


def test_cells_of_other_kinds() -> None:
    row = {"a": None, "b": 0.25, "c": ["x", "y"], "d": False, "f": 'say "a, b"'}
    text = csv_text([row], ["a", "b", "c", "d", "e", "f"])
    assert text == 'a,b,c,d,e,f\r\n,0.25,x; y,False,,"say ""a, b"""\r\n'


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\u202e", "\u2066", "\ud800", "\ufffe"])
def test_no_file_gets_what_none_may_contain(text: str) -> None:
    assert csv_text([{"a": f"a{text}"}], ["a"]).startswith("a\r\na\ufffd")
    assert json.loads(json_text({f"k{text}": [text]})) == {f"k\ufffd{text[1:]}": [f"\ufffd{text[1:]}"]}


def test_the_version_is_that_of_the_collection() -> None:
    assert collection_version() == yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]


# --- fixes ------------------------------------------------------------------------------------------------------------

EDGE: t.Final = """- name: "Give AD LDS its ports back"
  ansible.builtin.include_role:
    name: portkeeper.windows.exchange_edge_dns
"""
SBS: t.Final = """# In force after a reboot.
- name: "Give IAS its ports back"
  ansible.builtin.include_role:
    name: portkeeper.windows.sbs2003
  vars:
    sbs2003_reboot: false
"""
DELAYED: t.Final = """- name: Mend it
  ansible.builtin.include_role:
    name: portkeeper.windows.dc_ias
  vars:
    dc_ias_delay_dns: true
"""
CONVERGE: t.Final = """- name: "Give it back"
  portkeeper.windows.converge:
    victims:
      - service: "it's"
- name: "Reboot"
  portkeeper.windows.server_reboot:
    reboot_timeout: 900
"""
COMMANDS: t.Final = [
    ("a role", EDGE, None, ("ansible-playbook portkeeper.windows.edge --limit srv1",)),
    ("of its group", EDGE, {"edge": ["srv1"]}, ("ansible-playbook portkeeper.windows.edge --limit srv1",)),
    ("of another group", EDGE, {"all": ["srv1"]}, ("ansible-playbook portkeeper.windows.edge -e edge_hosts=srv1",)),
    ("what is so by default", SBS, None, ("ansible-playbook portkeeper.windows.sbs2003 --limit srv1",)),
    (
        "a choice",
        DELAYED,
        None,
        ("ansible-playbook portkeeper.windows.dc_ias --limit srv1 -e '{\"dc_ias_delay_dns\": true}'",),
    ),
    (
        "modules",
        CONVERGE,
        None,
        (
            "ansible srv1 -m portkeeper.windows.converge -a " + '\'{"victims": [{"service": "it\'"\'"\'s"}]}\'',
            "ansible srv1 -m portkeeper.windows.server_reboot -a '{\"reboot_timeout\": 900}'",
        ),
    ),
    ("advice alone", "# Report only. Renew the drivers.\n", None, ()),
    ("a role without a playbook", "- ansible.builtin.include_role: {name: other.role}\n", None, ()),
    ("another module", "- ansible.builtin.debug: {}\n", None, ()),
    ("no YAML", "- [", None, ()),
    ("no list", "a: b", None, ()),
    ("nothing", "", None, ()),
]


def with_fix(fix: str) -> Host:
    return host_row("srv1", {"release": {"name": "Windows Server 2022"}, "findings": [{"fix": fix}]})


@pytest.mark.parametrize(("fix", "groups", "commands"), [row[1:] for row in COMMANDS], ids=[row[0] for row in COMMANDS])
def test_a_fix_is_a_command_line(fix: str, groups: dict[str, list[str]] | None, commands: tuple[str, ...]) -> None:
    (shown,) = fixes_of(groups)(with_fix(fix))
    assert shown.commands == commands


def test_what_is_only_said_stands_apart_from_what_is_pasted() -> None:
    (shown,) = fixes_of(None)(with_fix(SBS))
    assert shown.advice == ("In force after a reboot.",)
    assert yaml.safe_load(shown.tasks) == yaml.safe_load(SBS)
    assert "#" not in shown.tasks
    (advice,) = fixes_of(None)(with_fix("# Report only.  Renew the drivers.\n"))
    assert (advice.advice, advice.tasks) == (("Report only.  Renew the drivers.",), "")


def _cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))
