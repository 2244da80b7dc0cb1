# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of port ranges as the registry holds them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import (
    PortList,
    changed_list,
    list_warnings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import parse_ports

# name, present entries, state, ports, strict (ReservedPorts) or not (DNS), entries afterwards
CHANGES: t.Final = [
    ("into nothing", [], "present", ["50389", "50636"], True, ["50389-50389", "50636-50636"]),
    ("neighbours make one range", [], "present", ["1645", "1646"], True, ["1645-1646"]),
    ("others stay", ["3343-3343"], "present", ["4500"], True, ["3343-3343", "4500-4500"]),
    ("there already", ["4500-4500"], "present", ["4500"], True, ["4500-4500"]),
    ("inside a wider entry", ["4000-5000"], "present", ["4500"], True, ["4000-5000"]),
    ("touching entries are merged", ["1645-1645", "1646-1646"], "present", ["1645-1646"], True, ["1645-1646"]),
    ("merged into the first", ["1646-1646", "9-9", "1644-1644"], "present", ["1645"], True, ["1644-1646", "9-9"]),
    ("bridges grow on", ["1-2", "4-5", "7-8"], "present", ["3", "6"], True, ["1-8"]),
    ("a bare number is not enough", ["4500"], "present", ["4500"], True, ["4500-4500"]),
    ("a bare number of others stays", ["80"], "present", ["4500"], True, ["80", "4500-4500"]),
    ("overlapping entries", ["10-20", "15-30"], "present", ["18"], True, ["10-30"]),
    ("what can't be read stays", ["x", ""], "present", ["4500"], True, ["x", "", "4500-4500"]),
    ("odd spacing of others stays", [" 10 - 20 "], "present", ["30"], True, [" 10 - 20 ", "30-30"]),
    ("DNS: touching is fine", ["1645-1645"], "present", ["1646"], False, ["1645-1645", "1646-1646"]),
    ("DNS: only the missing piece", ["1645-1645"], "present", ["1645-1646"], False, ["1645-1645", "1646-1646"]),
    ("DNS: a bare number counts", ["51820"], "present", ["51820"], False, ["51820"]),
    ("absent: whole entry", ["4500-4500", "1-2"], "absent", ["4500"], True, ["1-2"]),
    ("absent: cut from the middle", ["4000-5000"], "absent", ["4500"], True, ["4000-4499", "4501-5000"]),
    ("absent: from all entries", ["1-5", "4-9"], "absent", ["4-5"], True, ["1-3", "6-9"]),
    ("absent: nothing to do", ["1-5", "x"], "absent", ["9"], True, ["1-5", "x"]),
    ("pure: replaced", ["3343-3343"], "pure", ["4500"], True, ["4500-4500"]),
    ("pure: the same in another order", ["20-20", "10-10"], "pure", ["10", "20"], True, ["20-20", "10-10"]),
    ("pure: touching entries count apart", ["10-10", "11-11"], "pure", ["10-11"], True, ["10-11"]),
    ("pure: touching is fine for DNS", ["10-10", "11-11"], "pure", ["10-11"], False, ["10-10", "11-11"]),
    ("pure: nothing", ["1-2", "x"], "pure", [], True, []),
    ("the highest port", ["65535-65535"], "present", ["65534"], True, ["65534-65535"]),
]


@pytest.mark.parametrize(
    ("_name", "entries", "state", "ports", "strict", "expected"), CHANGES, ids=[c[0] for c in CHANGES]
)
def test_a_list_becomes_what_is_asked_and_stays_so(
    _name: str, entries: list[str], state: t.Any, ports: list[str], strict: bool, expected: list[str]
) -> None:
    wanted = changed_list(PortList(tuple(entries)), state, parse_ports(ports), strict=strict)
    assert list(wanted.entries) == expected
    assert changed_list(wanted, state, parse_ports(ports), strict=strict) == wanted


@pytest.mark.parametrize(
    ("entries", "state", "ports", "named"),
    [
        (["x"], "present", ["4500"], ["'x'", "kept"]),
        (["3343-3343", "x"], "pure", ["4500"], ["'3343-3343'", "'x'", "whoever"]),
        (["a?b", "x"], "present", ["4500"], ["'a?b', 'x'.", "as they were read: 'a?b'."]),
        (["4500-4500", "a?b"], "absent", ["4500"], ["as they were read: 'a?b'."]),
        (["4500-4500"], "pure", ["4500"], []),
        (["4500-4500"], "absent", ["4500"], []),
    ],
)
def test_warnings_name_what_is_kept_unread_and_what_goes(
    entries: list[str], state: t.Any, ports: list[str], named: list[str]
) -> None:
    current = PortList(tuple(entries))
    wanted = changed_list(current, state, parse_ports(ports), strict=True)
    said = " ".join(list_warnings("ReservedPorts", current, wanted, state))
    assert all(word in said for word in named)
    assert bool(said) == bool(named)


def test_a_list_that_stays_is_not_said_to_be_written() -> None:
    (warning,) = list_warnings("ReservedPorts", PortList(("a?b",)), PortList(("a?b",)), "present")
    assert "read" not in warning


@pytest.mark.parametrize(
    ("entries", "reliable"),
    [
        ((), ""),
        (("1645-1646", "4500-4500"), "1645-1646, 4500"),
        (("1645-1645", "1646-1646", "4500-4500"), "4500"),
        (("4500-4500", "4500-4500"), ""),
        (("4500", "4501-4501"), "4501"),
        (("junk", "3343-3343", " 1801-1801 "), "1801, 3343"),
    ],
    ids=["empty", "apart", "touching", "twice", "no hyphen", "others' entries"],
)
def test_what_is_reserved_reliably(entries: tuple[str, ...], reliable: str) -> None:
    assert PortList(entries).reliable == parse_ports(reliable.split(", ") if reliable else [])


def test_a_warning_names_ten_entries_and_counts_the_others() -> None:
    current = PortList(tuple(f"entry {number}" for number in range(1000)))
    (warning,) = list_warnings("ReservedPorts", current, current, "present")
    assert "'entry 9' and 990 more." in warning
    assert len(warning) < 300
