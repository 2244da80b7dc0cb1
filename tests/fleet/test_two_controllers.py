# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of ``make interleavings``: two controllers at one server, in some orders of their messages."""

from __future__ import annotations

import collections.abc as c
import itertools
import json

import pytest

from tests.fleet.host_cases import Step
from tests.fleet.interleaving import Table, interrupted, shuffled
from tests.fleet.snapshot import JOURNAL, TCPIP
from tests.fleet.two_controllers import MECHANISMS, Mechanism, Orders

ORDERS = 4
SERVER = {"release": "2003", "roles": ["dns"], "broken": False, "reserved_ports": ["3343-3343"]}


@pytest.mark.parametrize(
    "mechanism", [one for one in MECHANISMS if one.is_promised], ids=lambda mechanism: mechanism.told
)
def test_nothing_is_lost_in_silence(mechanism: Mechanism) -> None:
    """Another part of the orders for each mechanism."""
    orders = Orders(mechanism)
    first = MECHANISMS.index(mechanism) * ORDERS
    found = [orders.shuffled(seed) for seed in range(first, first + ORDERS)]
    assert [(one.order, one.lost, one.failed) for one in found if one.lost or one.failed] == []


@pytest.mark.parametrize(
    ("told", "seed"),
    [
        ("the same ports, beside an undo", 70),
        ("the same ports, beside an undo", 78),
        ("`ReservedPorts`, beside an undo", 274),
        ("two undos of `ReservedPorts`", 581),
    ],
)
def test_an_undo_and_another_run_take_nothing_of_each_other(told: str, seed: int) -> None:
    """Orders that once lost something: an announcement was given up already, or a value was written back."""
    (mechanism,) = (one for one in MECHANISMS if one.told == told)
    found = Orders(mechanism).shuffled(seed)
    assert (found.lost, found.failed) == ((), ())


def _reserve(port: str, owner: str) -> Step:
    return Step(module="converge", options={"resources": [{"reserved_ports": {"ports": [port]}}], "owner": owner})


@pytest.mark.parametrize("after", range(1, 10))
def test_a_controller_that_stands_still_anywhere_overwrites_nothing(after: int) -> None:
    table = Table(SERVER)
    endings = table.together(
        {"slow": _reserve("5389", "slow"), "quick": _reserve("5636", "quick")}, interrupted("slow", after=after)
    )
    assert [ending.event for ending in endings.values()] == ["ok", "ok"]
    server = table.look()
    assert sorted(server.reserved or []) == ["3343-3343", "5389-5389", "5636-5636"]
    entry = (server.journal or {})["entries"]["reserved_ports"]
    assert entry["owners"] == {"slow": ["5389-5389"], "quick": ["5636-5636"]}
    assert entry["original"]["data"] == ["3343-3343"]


@pytest.mark.parametrize("killed", range(1, 9))
def test_a_run_that_is_killed_beside_another_takes_nothing_of_it(killed: int) -> None:
    table = Table(SERVER)
    steps = {"killed": _reserve("5389", "killed"), "other": _reserve("5636", "other")}
    endings = table.together(steps, interrupted("other", after=killed), killed={"killed": killed})
    assert (endings["killed"].event, endings["other"].event) == (None, "ok")
    assert table.alone(steps["killed"]).event == "ok"
    assert sorted(table.look().reserved or []) == ["3343-3343", "5389-5389", "5636-5636"]


def test_a_run_that_has_met_another_one_looks_at_the_setting_again() -> None:
    """The other one may write the same start mode between this one's look at it and its new announcement."""

    def mode(mode: str, owner: str) -> Step:
        resource = {"service_start_mode": {"name": "W32Time", "start_mode": mode}}
        return Step(module="converge", options={"resources": [resource], "owner": owner})

    def next_one(waiting: c.Sequence[str]) -> str:
        name = turns.pop(0) if turns else waiting[0]
        return name if name in waiting else waiting[0]

    counts = (3, 2, 2, 4, 1, 2, 3, 4, 1, 2, 3)
    turns = [
        name
        for count, name in zip(counts, itertools.cycle(("first", "second")), strict=False)
        for _turn in range(count)
    ]
    table = Table({"release": "2022", "roles": ["dns"], "broken": False})
    steps = {"first": mode("manual", "first"), "second": mode("disabled", "second")}
    endings = table.together(steps, next_one)
    assert [ending.event for ending in endings.values()] == ["ok", "ok"]
    server = table.look()
    entry = (server.journal or {})["entries"]["service_start_mode.W32Time"]
    assert (entry["original"], entry["written"]) == ("auto", "disabled")
    assert endings["second"].server.start_mode("W32Time") == "disabled"


def test_a_journal_that_is_deleted_in_between_costs_only_what_it_knew() -> None:
    table = Table(SERVER)
    assert table.alone(_reserve("5389", "first")).event == "ok"

    def deleting(waiting: list[str]) -> str:
        turns.append(waiting)
        if len(turns) == 4:
            table.server.act({"do": "delete_value", "path": JOURNAL, "name": "Journal"})
        return waiting[0]

    turns: list[list[str]] = []
    ending = table.together({"second": _reserve("5636", "second")}, deleting)["second"]  # type: ignore[arg-type]
    assert ending.event == "ok", ending.message
    server = table.look()
    assert sorted(server.reserved or []) == ["3343-3343", "5389-5389", "5636-5636"]
    assert (server.journal or {})["entries"]["reserved_ports"]["owners"] == {"second": ["5636-5636"]}


@pytest.mark.parametrize("turn", range(3, 10))
def test_a_journal_of_a_newer_release_that_comes_in_between_is_left_alone(turn: int) -> None:
    table, text = Table(SERVER), json.dumps({"version": 99, "entries": {}})

    def meanwhile(waiting: list[str]) -> str:
        turns.append(waiting)
        if len(turns) == turn:
            for path in (JOURNAL, rf"{JOURNAL}\Begun"):
                value = {"path": path, "name": "Journal", "type": "SZ", "data": text}
                table.server.act({"do": "set_value", **value})
        return waiting[0]

    turns: list[list[str]] = []
    ending = table.together({"run": _reserve("5389", "run")}, meanwhile)["run"]  # type: ignore[arg-type]
    if ending.event == "ok":
        assert turn > ending.messages - 2
        return
    assert "it has version 99, this release of portkeeper.windows knows 2" in ending.message
    assert "reset it" not in ending.message
    assert "can't be read" not in ending.message
    assert table.look().reserved in (["3343-3343"], ["3343-3343", "5389-5389"])


def test_a_controller_of_an_older_release_is_noticed_before_the_first_write() -> None:
    """It announces nothing, and its journal counts no writes."""
    table = Table(SERVER)
    entry = {
        "original": {"type": 7, "data": ["3343-3343"]},
        "written": {"type": 7, "data": ["3343-3343", "5389-5389"]},
        "added": ["5389-5389"],
        "owners": {"older": ["5389-5389"]},
    }
    text = json.dumps({"version": 2, "entries": {"reserved_ports": entry}})
    turns: list[str] = []

    def meanwhile(waiting: list[str]) -> str:
        turns.append(waiting[0])
        if len(turns) == 4:
            table.server.act({"do": "set_value", "path": JOURNAL, "name": "Journal", "type": "SZ", "data": text})
            ports = {"path": TCPIP, "name": "ReservedPorts", "type": "MULTI_SZ", "data": entry["written"]["data"]}  # type: ignore[index]
            table.server.act({"do": "set_value", **ports})
        return waiting[0]

    assert table.together({"newer": _reserve("5636", "newer")}, meanwhile)["newer"].event == "ok"  # type: ignore[arg-type]
    server = table.look()
    assert sorted(server.reserved or []) == ["3343-3343", "5389-5389", "5636-5636"]
    owners = (server.journal or {})["entries"]["reserved_ports"]["owners"]
    assert owners == {"older": ["5389-5389"], "newer": ["5636-5636"]}


def test_a_reboot_that_clears_its_waits_keeps_what_another_run_notes_meanwhile() -> None:
    table = Table({**SERVER, "time_scale": 0.001})
    assert table.alone(_reserve("5389", "first")).event == "ok"
    table.keep()
    for seed in range(4):
        table.put_back()
        steps = {"boot": Step(module="server_reboot", options={}), "run": _reserve("5636", "run")}
        endings = table.together(steps, shuffled(seed))
        if endings["run"].event == "ok":
            owners = (table.look().journal or {})["entries"]["reserved_ports"]["owners"]
            assert owners == {"first": ["5389-5389"], "run": ["5636-5636"]}
