# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of port_info."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.expression import Scope
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.limits import Limits
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import (
    SUBSET_NAMES,
    Form,
    PortInfoOptions,
    form,
    port_info_options,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

CHEAP = tuple(name for name in SUBSET_NAMES if name != "sockets")


def asked(scope: Scope | None = None, **arguments: t.Any) -> PortInfoOptions:
    return port_info_options(arguments, scope, journal=True)


def test_limits_have_bounds() -> None:
    assert asked().limits == Limits(event_days=7, event_limit=50, retransmitted_percent=1, driver_years=3)
    assert asked(event_days=0.5, event_limit=1000).limits == Limits(event_days=0.5, event_limit=1000)


@pytest.mark.parametrize(
    ("option", "value"),
    [("event_days", -1), ("event_days", 366), ("event_limit", 0), ("retransmitted_percent", 101), ("driver_years", -1)],
)
def test_limits_out_of_bounds_are_refused(option: str, value: float) -> None:
    with pytest.raises(OptionError, match=f"{option}: .* is not between"):
        port_info_options({option: value}, None, journal=True)


SUBSETS: list[tuple[list[str], tuple[str, ...]]] = [
    (["all"], SUBSET_NAMES),
    (["sockets", "release"], ("release", "sockets")),
    (["!sockets"], CHEAP),
    (["!sockets", "!updates"], tuple(name for name in CHEAP if name != "updates")),
    (["all", "!release"], SUBSET_NAMES[1:]),
    (["!all", "dns_pool"], ("dns_pool",)),
    (["dns_pool", "sockets", "!sockets"], ("dns_pool",)),
    ([" release "], ("release",)),
]


@pytest.mark.parametrize(("given", "expected"), SUBSETS, ids=[",".join(row[0]) for row in SUBSETS])
def test_subsets_are_named_as_in_setup(given: list[str], expected: tuple[str, ...]) -> None:
    assert asked(gather_subset=given).subsets == expected


def test_sockets_are_left_out_unless_they_are_meant() -> None:
    assert asked() == PortInfoOptions(CHEAP)
    assert asked(ports=["53", "50389-50390"]) == PortInfoOptions(("sockets",), PortSet.of(53, 50389, 50390))


def test_a_query_is_read_with_what_it_speaks_of() -> None:
    assert asked(Scope(frozenset({"updates", "release"}))).subsets == ("release", "updates")
    assert asked(Scope(None)).subsets == SUBSET_NAMES
    assert asked(Scope(frozenset({"msg"}))).subsets == CHEAP
    assert asked(Scope(frozenset({"unread", "sockets"}))).subsets == SUBSET_NAMES
    assert asked(Scope(frozenset({"sockets"}), PortSet.of(5))) == PortInfoOptions(("sockets",), PortSet.of(5))


def test_what_the_user_names_outweighs_the_query() -> None:
    scope = Scope(frozenset({"sockets"}), PortSet.of(5))
    assert asked(scope, ports=["9"]).ports == PortSet.of(9)
    assert asked(scope, gather_subset=["all"]) == PortInfoOptions(SUBSET_NAMES)


ERRORS: list[tuple[dict[str, t.Any], Scope | None, str]] = [
    ({"gather_subset": ["socket"]}, None, "gather_subset: there is no subset 'socket'; there are all, release"),
    ({"gather_subset": ["!foo"]}, None, "there is no subset 'foo'"),
    ({"gather_subset": ["!all"]}, None, "no subset is left"),
    ({"gather_subset": ["release", "!release"]}, None, "no subset is left"),
    ({"ports": ["70000"]}, None, "ports: '70000' is not a port"),
    ({"ports": []}, None, "ports: it is empty"),
    ({}, Scope(frozenset({"socket"})), "query: the result has no field 'socket' at its top; it has release"),
]


@pytest.mark.parametrize(("arguments", "scope", "message"), ERRORS, ids=[row[2] for row in ERRORS])
def test_wrong_options_are_named(arguments: dict[str, t.Any], scope: Scope | None, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        asked(scope, **arguments)
    assert message in str(caught.value)


FORMS: list[tuple[dict[str, str], bool, Form]] = [
    ({}, False, Form("short", by_process=True)),
    ({}, True, Form("full", by_process=True)),
    ({"detail": "short"}, True, Form("short", by_process=True)),
    ({"detail": "sentences"}, True, Form("sentences", by_process=True)),
    ({"detail": "full"}, False, Form("full", by_process=True)),
    ({"sockets_by": "process"}, False, Form("full", by_process=True)),
    ({"sockets_by": "socket"}, False, Form("full", by_process=False)),
    ({"sockets_by": "socket", "detail": "short"}, False, Form("short", by_process=False)),
    ({"query": "sockets"}, False, Form("full", by_process=False)),
    ({"query": "sockets", "detail": "full", "sockets_by": "socket"}, True, Form("full", by_process=False)),
]


@pytest.mark.parametrize(("arguments", "registered", "expected"), FORMS)
def test_programs_get_rows_and_people_lines(arguments: dict[str, str], registered: bool, expected: Form) -> None:
    assert form(arguments, registered=registered) == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sockets_by": "process"}, "sockets_by: process can't be used together with query"),
        ({"detail": "sentences"}, "detail: sentences can't be used together with query"),
        ({"detail": "short"}, "detail: short can't be used together with query"),
    ],
)
def test_a_query_has_a_form_of_its_own(arguments: dict[str, str], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        form({"query": "sockets", **arguments}, registered=False)
