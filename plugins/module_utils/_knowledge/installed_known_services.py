# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known services that are installed on a server, by the names that they have on its release."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    Facts,
    Service,
    ServiceFact,
    ServicesLikeFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import KnownService, Releases
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities

_CHOSEN_PART: t.Final = "<"
"""Begins the part of a service's name that is the administrator's choice."""


class InstalledService(t.NamedTuple):
    """One product of the catalogue on a server, by one of its services."""

    product: KnownService
    service: Service


def service_names(row: KnownService, capabilities: Capabilities) -> tuple[str, ...]:
    """The names of its services on a release, as the catalogue writes them."""
    era: Releases = "2008 and later" if capabilities.dynamic_port_ranges else "2003"
    return (*row.services.get("all", ()), *row.services.get(era, ()))


def lacking_names(row: KnownService, capabilities: Capabilities) -> tuple[str, ...]:
    """The name of what a server without it lacks: key names of services, else its own name."""
    return (row.only_beside,) if row.only_beside else service_names(row, capabilities) or (row.name,)


def questions(rows: t.Iterable[KnownService], capabilities: Capabilities) -> list[Fact[t.Any]]:
    """The questions of ``installed``, for callers that ask more in the same round."""
    rows = tuple(rows)
    names = [name for row in rows for name in service_names(row, capabilities)]
    beside = [ServiceFact(row.only_beside) for row in rows if row.only_beside]
    return [*map(_question, names), *beside]


def installed(rows: t.Iterable[KnownService], facts: Facts, capabilities: Capabilities) -> tuple[InstalledService, ...]:
    """The products whose services are installed, in their order; raises FactsNeeded."""
    rows = tuple(rows)
    facts.require(*questions(rows, capabilities))
    return tuple(
        InstalledService(row, service)
        for row in rows
        if not row.only_beside or facts[ServiceFact(row.only_beside)] is not None
        for name in service_names(row, capabilities)
        for service in _services(name, facts)
    )


def _question(name: str) -> Fact[t.Any]:
    prefix, chosen, _rest = name.partition(_CHOSEN_PART)
    return ServicesLikeFact(prefix) if chosen else ServiceFact(name)


def _services(name: str, facts: Facts) -> tuple[Service, ...]:
    answer = facts[_question(name)]
    if answer is None:
        return ()
    return (answer,) if isinstance(answer, Service) else answer
