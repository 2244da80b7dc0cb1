# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dns_socket_pool``: in how many rounds it asks, and what a run that restarts DNS notes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError, WriteJournal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import dns_socket_pool
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    OperatingSystemFact,
    ProcessFact,
    RegistryFact,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT, POOL_SIZE_FACT
from tests.unit.plugins.module_utils._change.world import NOW, World, service

SIZE: t.Final = RegistryValue(RegistryType.DWORD, 3000)
ROUNDS_AFTER_THE_SYSTEM: t.Final = 2
"""The operating system is a round of its own, since everything depends on the release."""


def dns_server() -> World:
    return World(services=[service("DNS")])


def planned(world: World, *, restart: bool = True, **wanted: t.Any) -> Convergence:
    """One run of the module, on a server whose operating system is known."""
    given = {"state": "present", "restart": restart, "allow_unsafe_size": False, **wanted}
    item = Item(dns_socket_pool.RESOURCE, dns_socket_pool.options(given))
    system: dict[Fact[t.Any], t.Any] = {OperatingSystemFact(): world.answer(OperatingSystemFact())}
    request = Request(items=(item,), restart_dns=restart)
    return world.settle(lambda facts: converge(request, facts.extended(system), world.release, NOW))


def changed_before(world: World, *, age: float) -> None:
    """An earlier run wrote the size and did not restart DNS; ``age`` is that of the process then, in seconds."""
    world.set(POOL_SIZE_FACT, SIZE)
    wait = Wait("dns_restart", since=NOW - 1000.0, age=age, process_id=service("DNS").process_id)
    world.keep_journal(Journal({dns_socket_pool.SIZE_ENTRY: Entry(None, state_of(SIZE), wait=wait)}))


@pytest.mark.parametrize(
    "wanted",
    [{"size": "3000"}, {"excluded_ports": ["50389"]}, {"size": "3000", "excluded_ports": ["50389"]}],
    ids=["size", "list", "both"],
)
def test_a_change_with_its_restart_is_known_after_two_rounds(wanted: dict[str, t.Any]) -> None:
    world = dns_server()
    assert planned(world, **wanted).restarts_dns
    assert world.rounds <= ROUNDS_AFTER_THE_SYSTEM


def test_so_is_a_value_that_goes_and_a_restart_for_an_earlier_change() -> None:
    world = dns_server()
    world.set(POOL_SIZE_FACT, SIZE)
    assert planned(world, size="default").restarts_dns
    assert world.rounds <= ROUNDS_AFTER_THE_SYSTEM
    changed_before(world, age=world.process_age - 1000.0)
    world.rounds = 0
    assert planned(world).restarts_dns
    assert world.rounds <= ROUNDS_AFTER_THE_SYSTEM


def test_a_release_without_the_list_is_refused_before_its_values_are_read() -> None:
    world = dns_server()
    world.release_key = "2008"
    with pytest.raises(PlanError, match="has no list of excluded ports"):
        planned(world, excluded_ports=["50389"])
    assert [fact for fact in world.asked if isinstance(fact, RegistryFact)] == [JOURNAL_FACT]


def test_a_run_that_restarts_dns_does_not_ask_how_old_it_is() -> None:
    world = dns_server()
    first = next(step for step in planned(world, size="3000").steps if isinstance(step, WriteJournal))
    assert not [fact for fact in world.asked if isinstance(fact, ProcessFact)]
    wait = first.journal.entries[dns_socket_pool.SIZE_ENTRY].wait
    assert wait == Wait("dns_restart", since=NOW, age=0.0, process_id=service("DNS").process_id)


@pytest.mark.parametrize(
    ("process_age", "waits"),
    [(9_000.0, True), (1_001.0, True), (900.0, False)],
    ids=["long-before", "just-before", "another-with-the-same-id"],
)
def test_what_a_killed_run_has_noted_without_an_age_is_read_right(process_age: float, waits: bool) -> None:
    """The age of 0 means: a process that is older than the note, with its id, is the one that has not restarted."""
    world = dns_server()
    changed_before(world, age=0.0)
    world.process_age = process_age
    assert planned(world, restart=False, size="3000").plans[0].effectiveness.restart_required is waits
