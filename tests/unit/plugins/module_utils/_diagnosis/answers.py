# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server written by hand answers to questions that only some servers are asked."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    ConnectionsFact,
    Event,
    EventsFact,
    Fact,
    NetworkAdaptersFact,
    NetworkDriversFact,
    ProcessFact,
    RegistryFact,
    RegistryNamesFact,
    ServiceFact,
    ServicesDisplayedFact,
    ServicesFailedFact,
    ServicesLikeFact,
    ServicesOfProcessFact,
    SocketsFact,
    TcpSegmentsFact,
)

Question = t.Any


def answer(world: t.Any, fact: Fact[t.Any]) -> t.Any:
    """The answer, by the kind of question."""
    return ANSWERS[type(fact)](world, fact)


def _events(world: t.Any, fact: Question) -> tuple[Event, ...]:
    found = (event for event in world.events if event.log == fact.log and event.code in fact.codes)
    recent = [event for event in found if event.time >= fact.since]
    return tuple(sorted(recent, key=lambda event: event.time, reverse=True)[: fact.most])


def _names(world: t.Any, fact: Question) -> t.Any:
    listed = [(value.name, int(value.type)) for value in world.values if value.key == fact.key]
    return tuple(listed) or Absent.KEY


def _value(world: t.Any, fact: Question) -> t.Any:
    return world.values.get(fact, Absent.VALUE)


def _services(world: t.Any, condition: t.Callable[[t.Any], bool]) -> tuple[t.Any, ...]:
    return tuple(service for service in world.services if condition(service))


ANSWERS: t.Final[t.Mapping[type[Fact[t.Any]], t.Callable[[t.Any, Question], t.Any]]] = {
    EventsFact: _events,
    RegistryNamesFact: _names,
    RegistryFact: _value,
    ServiceFact: lambda world, fact: next(iter(_services(world, lambda found: found.name == fact.name)), None),
    ServicesLikeFact: lambda world, fact: _services(world, lambda found: found.name.startswith(fact.prefix)),
    ServicesFailedFact: lambda world, fact: _services(world, lambda found: found.error in fact.codes),
    ServicesDisplayedFact: lambda world, fact: _services(
        world, lambda found: found.display_name.casefold() == fact.display_name.casefold()
    ),
    ServicesOfProcessFact: lambda world, fact: _services(world, lambda found: found.process_id == fact.process_id),
    ProcessFact: lambda _world, _fact: None,
    SocketsFact: lambda world, fact: tuple(
        found for found in world.sockets if fact.ports is None or found.port in fact.ports
    ),
    ConnectionsFact: lambda world, fact: tuple(
        found
        for found in world.connections
        if found.port in fact.ports
        and not any(other.protocol == "tcp" and other.port == found.port for other in world.sockets)
    ),
    TcpSegmentsFact: lambda world, _fact: world.segments,
    NetworkAdaptersFact: lambda world, _fact: world.adapters,
    NetworkDriversFact: lambda world, _fact: world.drivers,
}
