# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``query``."""

from __future__ import annotations

import importlib
import types

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._query import Query

RESULT = {"release": {"name": "Windows Server 2022"}, "sockets": [{"port": 53}, {"port": 50636}], "dns_pool": None}


def test_an_answer() -> None:
    assert Query("sockets[?port==`50636`]").answer(RESULT) == [{"port": 50636}]
    assert Query("ad_lds").answer(RESULT) is None
    assert Query("sockets[?port==`50636`]").scope.ports == PortSet.of(50636)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("sockets[?", "Incomplete expression"),
        ("sockets[?port = `5`]", "'sockets[?port = `5`]' is no JMESPath expression"),
        ("sockets[?port==50636]", "a number stands in backticks, `50636`; in a shell,"),
        ("", "is no JMESPath expression"),
        ("'a' > `1`", "not supported between instances of 'str' and 'int'"),
        ("(" * 3000, "maximum recursion depth"),
        ("nothing(sockets)", "Unknown function: nothing()"),
        ("length(sockets, release)", "length()"),
    ],
)
def test_a_wrong_expression_is_one_sentence_before_anything_is_read(expression: str, reason: str) -> None:
    with pytest.raises(OptionError) as caught:
        Query(expression)
    assert str(caught.value).startswith("query: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_types_are_known_only_with_the_answer() -> None:
    query = Query("length(dns_pool)")
    with pytest.raises(OptionError, match="length"):
        query.answer(RESULT)


def test_without_jmespath_there_is_a_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> types.ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OptionError, match="pip install jmespath"):
        Query("release")
