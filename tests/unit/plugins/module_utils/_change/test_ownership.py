# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who needs which parts: what a change claims, what an undo takes out, and a value that two owners share."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import WHOLE
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    Shares,
    owners_of,
    port_shares,
    stays,
    whole_owners,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, Plan
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import reserved_ports_value
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet, parse_ports
from tests.unit.plugins.module_utils._change.world import World, multi

NONE: t.Final = PortSet()
ENTRY: t.Final = Entry(
    None, "x", ("1-3", "9-9"), owners={"dc": ("1-2",), "sbs": ("2-3",), "tool": (WHOLE,), "gone": ("77-77",)}
)
"""9 has no owner; what "gone" claims is none of our parts."""


def ports(text: str) -> PortSet:
    return parse_ports(text.split()) if text else NONE


def shares() -> Shares[PortSet]:
    return port_shares(ENTRY)


def test_the_shares_of_an_entry() -> None:
    assert shares().of("dc") == ports("1-2")
    assert shares().of_others("dc") & shares().added == ports("2-3")
    assert shares().unowned == ports("9")
    assert shares().needing(ports("2"), "dc") == ("sbs",)
    assert whole_owners(ENTRY) == {"tool"}


def test_a_change_claims_and_releases_what_is_ours() -> None:
    after = shares().changed(ports("1-4 9"), "dc", claimed=ports("4-5 9"), released=ports("1"))
    assert after.owners == {"dc": ports("2 4 9"), "sbs": ports("2-3")}
    assert after.unowned == ports("1")
    assert shares().changed(ports("1-3 9"), "", claimed=ports("1"), released=NONE).owners.keys() == {"dc", "sbs"}


TAKEN: t.Final[dict[str, tuple[str, str, str, str, str]]] = {
    # owner, asked, loose: going, kept
    "all-of-one": ("dc", "1-2", "", "1", "2"),
    "some-of-one": ("dc", "1", "", "1", ""),
    "what-has-no-owner": ("dc", "", "9", "9", ""),
    "of-a-stranger": ("nobody", "1-3", "", "", "1-3"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_part_goes_with_its_last_owner(name: str) -> None:
    owner, asked, loose, going, kept = TAKEN[name]
    taken = shares().taken(owner, ports(asked), ports(loose), NONE)
    assert (taken.going, taken.kept) == (ports(going), ports(kept))
    assert taken.left.added == shares().added - taken.going


def test_what_went_along_goes_with_the_last_of_the_others() -> None:
    two = port_shares(Entry(None, "x", ("1-2", "4500-4500"), owners={"dc": ("1-1",), "sbs": ("2-2",)}))
    along = ports("4500")
    first = two.taken("dc", ports("1"), NONE, along)
    assert first.going == ports("1")
    assert first.left.taken("sbs", ports("2"), NONE, along).going == ports("2 4500")


def test_owners_are_written_in_a_stable_order_and_none_without_parts() -> None:
    assert list(owners_of({"b": ["1-1"], "a": [], "c": []}, {"c", "b"}).items()) == [
        ("b", (WHOLE, "1-1")),
        ("c", (WHOLE,)),
    ]


def test_the_sentence_names_all_who_need_it() -> None:
    assert stays("SocketPoolSize", ["dc_ias"]) == "SocketPoolSize stays, since dc_ias still needs it."
    assert stays("1701", ["a", "b", "c"]) == "1701 stays, since a, b and c still need it."


# --- one value, two owners -------------------------------------------------------------------------------------------

Planner = t.Callable[[Context], Plan]
THEIRS: t.Final[tuple[str, ...]] = ("3343-3343",)


@dataclasses.dataclass
class Server:
    """A server of 2003 with a ReservedPorts of its own, and its journal."""

    world: World = dataclasses.field(default_factory=lambda: World("2003"))
    journal: Journal = dataclasses.field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.world.set(RESERVED_PORTS_FACT, multi(*THEIRS))

    def reserved(self) -> tuple[str, ...]:
        value = self.world.registry[RESERVED_PORTS_FACT.key, RESERVED_PORTS_FACT.name]
        assert isinstance(value.data, tuple)
        return value.data

    def wants(self, owner: str, text: str, *, along: str = "") -> Plan:
        return self._done(
            owner, lambda view: reserved_ports_value.plan(ports(text), "present", "both", view, along=ports(along))
        )

    def releases(self, owner: str, text: str) -> Plan:
        return self._done(owner, lambda view: reserved_ports_value.plan(ports(text), "absent", "both", view))

    def undoes(self, owner: str, named: str | None = None) -> Plan:
        meant = None if named is None else lambda: ports(named)
        return self._done(owner, lambda view: reserved_ports_value.undo(meant, view))

    def _done(self, owner: str, planner: Planner) -> Plan:
        plan = self.world.settle(
            lambda facts: planner(self.world.context(facts, self.journal, owner=owner, takes_all=True))
        )
        self.journal = self.world.carry_out(plan, self.journal)
        return plan

    def owners(self) -> t.Mapping[str, tuple[str, ...]]:
        return self.journal.entries["reserved_ports"].owners


@pytest.mark.parametrize("order", [("dc", "sbs"), ("sbs", "dc")], ids="-".join)
def test_two_owners_share_a_value_and_the_last_one_brings_the_original_back(order: tuple[str, str]) -> None:
    server = Server()
    wanted = {"dc": "1645-1646 4500", "sbs": "1701 4500"}
    for owner, text in wanted.items():
        assert server.wants(owner, text).changed
    assert server.owners() == {"dc": ("1645-1646", "4500-4500"), "sbs": ("1701-1701", "4500-4500")}
    first, last = order
    undone = server.undoes(first)
    assert undone.kept == (f"4500 in ReservedPorts stays, since {last} still needs it.",)
    assert set(server.reserved()) == {*THEIRS, *ports(wanted[last]).texts()}
    assert server.undoes(last).kept == ()
    assert server.reserved() == THEIRS
    assert server.journal.is_empty


def test_a_part_that_is_there_needs_no_step_but_a_note() -> None:
    server = Server()
    server.wants("dc", "1701")
    claimed = server.wants("sbs", "1701 3343")
    assert (claimed.changed, claimed.journal != {}) == (False, True)
    assert server.owners() == {"dc": ("1701-1701",), "sbs": ("1701-1701",)}, "3343 was there before us"
    before = server.journal
    server.wants("sbs", "1701 3343")
    assert server.journal == before


def test_what_was_released_stays_while_another_owner_needs_it() -> None:
    server = Server()
    server.wants("dc", "1701-1702")
    released = server.releases("reserved_ports", "1701")
    assert (released.changed, released.kept) == (False, ("1701 in ReservedPorts stays, since dc still needs it.",))
    server.wants("reserved_ports", "1701")
    assert server.releases("dc", "1701-1702").after["reserved_ports"] == [*THEIRS, "1701-1701"]
    assert server.owners() == {"reserved_ports": ("1701-1701",)}


def test_whoever_took_out_a_port_of_others_brings_it_back() -> None:
    server = Server()
    server.releases("tool", "3343")
    assert server.reserved() == ()
    server.wants("dc", "1701")
    server.undoes("dc")
    assert server.reserved() == (), "the original returns with the last part"
    server.undoes("tool")
    assert server.reserved() == THEIRS
    assert server.journal.is_empty


def test_a_port_that_was_reserved_along_has_no_owner() -> None:
    server = Server()
    server.wants("dc", "1701", along="4500")
    server.wants("sbs", "1645")
    server.undoes("dc")
    assert set(server.reserved()) == {*THEIRS, "1645-1645", "4500-4500"}
    server.undoes("sbs")
    assert server.reserved() == THEIRS


def test_parts_of_an_old_journal_are_taken_back_by_name_and_not_by_owner() -> None:
    server = Server()
    server.wants("", "1701-1702")
    assert server.owners() == {}
    assert not server.undoes("dc").changed
    assert server.undoes("dc", "1701").changed
    assert server.reserved() == (*THEIRS, "1702-1702")
    server.wants("dc", "1702")
    assert server.undoes("dc").changed, "an owner that wants an old part takes it over"
    assert server.reserved() == THEIRS
