# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services make a delayed start void, and the sentences about it."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import (
    pulled_forward_by,
    way_out,
    why_void,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies

Pairs = tuple[tuple[str, str], ...]

CASES: list[tuple[str, Pairs, dict[str, str], tuple[str, ...]]] = [
    ("nobody needs it", (("DNS", "Tcpip"),), {"tcpip": "auto"}, ()),
    ("an automatic one needs it", (("Web", "DNS"),), {"web": "auto"}, ("Web",)),
    ("in other letters", (("Web", "dns"),), {"web": "auto"}, ("Web",)),
    ("a delayed one needs it", (("Web", "DNS"),), {"web": "delayed"}, ()),
    ("one on demand needs it", (("Web", "DNS"),), {"web": "manual"}, ()),
    ("a disabled one needs it", (("Web", "DNS"),), {"web": "disabled"}, ()),
    ("one that is not known needs it", (("Web", "DNS"),), {}, ()),
    ("through one on demand", (("Mid", "DNS"), ("Top", "Mid")), {"mid": "manual", "top": "auto"}, ("Top",)),
    ("through a delayed one", (("Mid", "DNS"), ("Top", "Mid")), {"mid": "delayed", "top": "auto"}, ("Top",)),
    ("several", (("b", "DNS"), ("A", "DNS"), ("C", "DNS")), {"a": "auto", "b": "auto", "c": "delayed"}, ("A", "b")),
    ("in a circle", (("A", "DNS"), ("DNS", "A")), {"a": "auto", "dns": "delayed"}, ("A",)),
]


@pytest.mark.parametrize(("pairs", "modes", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_who_pulls_it_forward(pairs: Pairs, modes: dict[str, str], expected: tuple[str, ...]) -> None:
    assert pulled_forward_by("DNS", Dependencies(frozenset(pairs)), modes) == expected


def test_the_sentences_name_the_service_and_what_to_do() -> None:
    assert why_void("DNS", ()) == ""
    said = why_void("DNS", ("Web",))
    assert said.startswith("The delayed start of DNS is void: Web starts automatically and depends on it, so Windows")
    assert "A and B start automatically and depend on it" in why_void("DNS", ("A", "B"))
    assert "dynamic_ports" in way_out("DNS", ("Web",), pool_exclusions=False)
    assert "dns_socket_pool" in way_out("DNS", ("Web",), pool_exclusions=True)
    assert way_out("Other", ("Web",), pool_exclusions=True).endswith("if that may be late.")
