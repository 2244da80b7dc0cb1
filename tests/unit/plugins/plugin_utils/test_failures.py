# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of actions: a server's words must not run as a template on the controller."""

from __future__ import annotations

import typing as t

import jinja2
import pytest

from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import harmless, result_of


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}",
        "{% raw %}",
        "{# gone #}",
        "{{{ 7 }}}",
        "#jinja2:variable_start_string:'[['\n[[ 7 ]]",
        "netsh answered: {{{{x}}}}",
        "nothing to hide",
        "{}",
        "{",
    ],
)
def test_no_word_of_a_server_is_run(text: str) -> None:
    safe = harmless(text)
    assert jinja2.Template(safe).render() == safe
    assert safe.replace(" ", "") == text.replace(" ", "")


def test_keys_and_nested_texts_are_no_templates_either() -> None:
    assert harmless({"{{ a }}": ["{% b %}", ("{# c #}", 7, None)]}) == {"{ { a }}": ["{ % b %}", ["{ # c #}", 7, None]]}


def test_an_error_that_nobody_knows_is_a_result_with_one_sentence() -> None:
    def work() -> dict[str, t.Any]:
        raise ValueError("{{ 7 * 7 }}")

    result = result_of(work, host="edge1", action="portkeeper.windows.reserved_ports")
    assert result["failed"] is True
    assert result["msg"].startswith(
        "edge1: portkeeper.windows.reserved_ports stopped at an error of its own (ValueError: "
    )
    assert "{{" not in str(result)
    assert "Traceback" in result["exception"]


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\ud800", "\uffff"]
)
def test_no_character_commands_a_terminal(character: str) -> None:
    assert harmless({f"a{character}": [f"{character}b"]}) == {"a\ufffd": ["\ufffdb"]}


def test_lines_and_tabs_stay() -> None:
    assert harmless("a\tb\r\nc") == "a\tb\r\nc"


def test_equal_texts_and_a_list_at_two_places_are_one_object() -> None:
    """Ansible's parent process keeps a result of each server: what stands twice in one is sent and kept once."""
    ports = [{"state": "".join(["run", "ning"])}]
    safe = harmless({"before": ports, "after": ports, "state": "".join(["runn", "ing"])})
    assert safe["before"] is safe["after"]
    assert safe["before"][0]["state"] is safe["state"]
    assert safe == {"before": [{"state": "running"}], "after": [{"state": "running"}], "state": "running"}


class _MadeWhenRead(dict[int, str]):
    """A mapping whose values exist only while they are read, as those of Ansible may."""

    def items(self) -> t.Any:
        return ((key, [value]) for key, value in super().items())


def test_values_that_exist_only_while_they_are_read_are_not_mixed_up() -> None:
    assert harmless(_MadeWhenRead(enumerate("abcdef"))) == {number: [text] for number, text in enumerate("abcdef")}
