# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: text and back, what is refused, and whether an event has come."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    Entry,
    Journal,
    JournalError,
    JournalTooNew,
    Wait,
    dump,
    load,
    merged,
    reading_of,
    state_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryType,
    RegistryValue,
)

FULL = Journal(
    {
        "reserved_ports": Entry(
            original=None,
            written={"type": 7, "data": ["1-2"]},
            added=("1-2",),
            wait=Wait("reboot", 10.5, 20.0),
            owners={"dc_ias": ("1-2",), "sbs2003": ("2-2",)},
        ),
        "service_start_mode.DNS": Entry(original="auto", written="delayed", owners={"exchange_edge_dns": ("",)}),
        "reserved_ports_netsh": Entry({"tcp": [], "udp": []}, {"tcp": ["5-5"], "udp": []}, pending=("5-5/tcp",)),
        "dns_socket_pool.size": Entry(
            {"type": 4, "data": 50}, None, wait=Wait("dns_restart", 1.0, 2.0, process_id=1692)
        ),
    },
    stopped=("ADAM_MSExchange", "DNS"),
)


def test_text_and_back() -> None:
    assert load(dump(FULL)) == FULL
    assert dump(load(dump(FULL))) == dump(FULL)


def test_an_empty_journal_is_empty() -> None:
    assert Journal().is_empty
    assert not FULL.is_empty
    assert load(dump(Journal())) == Journal()


BAD = [
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"version":"1"}',
    '{"version":true}',
    '{"version":1.0}',
    '{"version":0}',
    '{"version":1,"entries":[]}',
    '{"version":2,"entries":{"a":{"original":null,"written":null,"owners":["x"]}}}',
    '{"version":2,"entries":{"a":{"original":null,"written":null,"owners":{"x":"1-2"}}}}',
    '{"version":1,"entries":{"a":1}}',
    '{"version":1,"entries":{"a":{"original":[],"written":null}}}',
    '{"version":1,"entries":{"a":{"original":null,"written":null,"added":"x"}}}',
    '{"version":1,"entries":{"a":{"original":null,"written":null,"wait":{"event":"reboot"}}}}',
    '{"version":1,"entries":{"a":{"original":null,"written":null,"wait":{"event":"x","since":1,"age":1}}}}',
    '{"version":1,"entries":{"a":{"original":null,"written":null,"wait":{"event":"reboot","since":"1","age":1}}}}',
    '{"version":1,"entries":{},"stopped":[1]}',
    '{"version":1,"entries":{},"x":"' + "x" * 300_000 + '"}',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", BAD, ids=[text[:60] for text in BAD])
def test_what_is_no_journal_is_refused(text: str) -> None:
    with pytest.raises(JournalError):
        load(text)


def test_a_newer_journal_is_told_apart() -> None:
    with pytest.raises(JournalTooNew):
        load('{"version":3,"what":"ever"}')


def test_a_journal_of_version_1_has_no_owners_and_becomes_one_of_version_2() -> None:
    entry = '{"original":null,"written":"auto","added":["1-2"],"owners":{"x":["1-2"]}}'
    old = load('{"version":1,"entries":{"a":' + entry + '},"stopped":["DNS"]}')
    assert old == Journal({"a": Entry(None, "auto", ("1-2",))}, ("DNS",))
    assert json.loads(dump(old))["version"] == 2
    assert load(dump(old)) == old


LIST = {"type": 7, "data": ["1-2"]}
MORE = {"type": 7, "data": ["1-2", "5-5"]}
ALONE = Entry(None, LIST, ("1-2",), Wait("reboot", 10.0, 20.0), owners={"dc_ias": ("1-2",)})
MERGED = {
    # Both saw the value before either had written.
    "at-once": (
        Entry(None, {"type": 7, "data": ["5-5"]}, ("5-5",), Wait("reboot", 11.0, 21.0), owners={"sbs2003": ("5-5",)}),
        Entry(
            None,
            {"type": 7, "data": ["5-5"]},
            ("1-2", "5-5"),
            Wait("reboot", 11.0, 21.0),
            owners={"dc_ias": ("1-2",), "sbs2003": ("5-5",)},
        ),
    ),
    # The later one saw the value of the first, but not yet its entry.
    "after-the-value": (
        Entry(LIST, MORE, ("5-5",), owners={"sbs2003": ("5-5",)}),
        Entry(
            None,
            MORE,
            ("1-2", "5-5"),
            Wait("reboot", 10.0, 20.0),
            owners={"dc_ias": ("1-2",), "sbs2003": ("5-5",)},
        ),
    ),
    "one-owner-twice": (
        Entry(None, MORE, ("5-5",), owners={"dc_ias": ("1-2", "5-5")}),
        Entry(None, MORE, ("1-2", "5-5"), Wait("reboot", 10.0, 20.0), owners={"dc_ias": ("1-2", "5-5")}),
    ),
}


@pytest.mark.parametrize("name", MERGED)
def test_entries_of_two_runs_become_one_that_has_the_parts_of_both(name: str) -> None:
    mine, both = MERGED[name]
    assert merged(mine, ALONE) == both
    assert merged(ALONE, ALONE) == ALONE


def test_merged_entries_of_the_services_file_have_the_lines_of_both() -> None:
    def entry(key: str, before: str, after: str) -> Entry:
        lines = {key: [f"{key[0]} 1/tcp"]}
        return Entry(
            {"sha256": before * 64, "lines": lines},
            {"sha256": [after * 64, before * 64], "lines": {key: None}},
            (key,),
            owners={key[0]: (key,)},
        )

    mine, theirs = entry("b/tcp", "1", "2"), entry("a/tcp", "0", "1")
    both = merged(mine, theirs)
    journal = Journal({"services_file": both})
    assert load(dump(journal)) == journal
    assert both.original == {"sha256": "0" * 64, "lines": {"a/tcp": ["a 1/tcp"], "b/tcp": ["b 1/tcp"]}}
    assert both.written == {"sha256": ["2" * 64, "1" * 64], "lines": {"a/tcp": None, "b/tcp": None}}


def test_the_original_is_the_one_before_both_whoever_writes_last() -> None:
    later = Entry(LIST, MORE, ("5-5",), owners={"sbs2003": ("5-5",)})
    assert merged(later, ALONE).original is None
    assert merged(ALONE, later).original is None


def test_the_last_owner_of_an_entry_takes_it_back() -> None:
    entry = Entry(None, LIST, ("1-2",)).with_owner("dc_ias", ["1-2"]).with_owner("sbs2003", ["2-2"])
    assert entry.owners == {"dc_ias": ("1-2",), "sbs2003": ("2-2",)}
    assert entry.needed_by_others("dc_ias") == ("sbs2003",)
    assert entry.with_owner("sbs2003", ()).owners == {"dc_ias": ("1-2",)}
    assert entry.with_owner("", ["1-2"]) == entry, "nobody in particular owns nothing"
    assert not entry.is_taken_back
    assert entry._replace(added=(), owners={"dc_ias": ()}).is_taken_back


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["original", "written", "added", "wait", "pending", "owners", "x"]), JSON, max_size=5
    )
)
def test_foreign_content_is_either_loaded_or_refused(entry: dict[str, object]) -> None:
    try:
        journal = load(json.dumps({"version": 2, "entries": {"a": entry}}))
    except JournalError:
        return
    assert load(dump(journal)) == journal


@pytest.mark.parametrize(
    ("elapsed", "age", "is_over"),
    [
        (0.0, 1000.0, False),
        (3600.0, 4600.0, False),
        (3600.0, 4545.0, False),  # within a minute: two clocks drift
        (3600.0, 4500.0, True),
        (3600.0, 100.0, True),
        (-3600.0, 900.0, False),  # the controller's clock was set back: no proof of a boot
    ],
)
def test_an_event_is_seen_by_differences_only(elapsed: float, age: float, is_over: bool) -> None:
    wait = Wait("reboot", since=5000.0, age=1000.0)
    assert wait.is_over(now=5000.0 + elapsed, age=age) is is_over


def test_another_process_is_another_start() -> None:
    wait = Wait("dns_restart", since=0.0, age=10.0, process_id=7)
    assert wait.is_over(now=1.0, age=11.0, process_id=8)
    assert not wait.is_over(now=1.0, age=11.0, process_id=7)


def test_an_event_of_our_own_clears_its_waits_alone() -> None:
    cleared = FULL.without_waits("reboot")
    assert not cleared.waits_for("reboot")
    assert cleared.waits_for("dns_restart")


@pytest.mark.parametrize(
    "reading",
    [
        Absent.VALUE,
        RegistryValue(RegistryType.MULTI_STRING, ()),
        RegistryValue(RegistryType.MULTI_STRING, ("a", "")),
        RegistryValue(RegistryType.DWORD, 0),
        RegistryValue(RegistryType.STRING, ""),
    ],
    ids=str,
)
def test_registry_states_come_back_as_they_were(reading: RegistryValue) -> None:
    assert reading_of(json.loads(json.dumps(state_of(reading)))) == reading
