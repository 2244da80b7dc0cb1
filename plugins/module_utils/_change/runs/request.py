# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request: the state that a run is to reach on a server, and the means that it may use."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NOTHING, Resource
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import Victim
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Risk
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Facts,
    RegistryFact,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import KnownService
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    EVERYWHERE,
    Condition,
    Release,
)

TAKERS_TOLD: t.Final = ("dns_pool", "disputed", "programs")
"""Those who can take a port that a resource leaves unprotected, the worst first."""


class Item(t.NamedTuple):
    """One resource that is wanted if its condition holds and its services are installed."""

    resource: Resource
    options: t.Any
    condition: Condition = EVERYWHERE
    when_installed: tuple[str, ...] = ()
    accepted: frozenset[Risk] = frozenset()
    """Risks that its own options accept."""

    def counts_on(self, facts: Facts, release: Release) -> bool:
        """True if it is meant for this server; raises FactsNeeded."""
        return self.condition.holds(release) and all(facts[ServiceFact(name)] for name in self.when_installed)

    @property
    def values(self) -> t.Mapping[RegistryFact, t.Any]:
        """The registry values that it is about and that are read at the next boot, each with what is wanted."""
        return self.resource.values(self.options)


class Request(t.NamedTuple):
    """The state that a run is to reach, and the means that it may use."""

    items: tuple[Item, ...]
    victims: tuple[Victim, ...] = ()
    required_services: tuple[str, ...] = ()
    """If one of them is not installed, nothing is done."""
    required_one_of: tuple[str, ...] = ()
    """If none of them is installed, nothing is done."""
    known_services: tuple[KnownService, ...] = ()
    """Those that are installed are victims too. If none of them is, nothing is done."""
    required_capabilities: tuple[str, ...] = ()
    """If the release lacks one of them, nothing is done."""
    require: bool = False
    """A server that lacks a requirement is then an error."""
    relieve: bool = False
    """Start victims that are down, and what depends on them."""
    restart_dns: bool = False
    """DNS may be stopped and started if that is needed."""
    stop_owners: bool = False
    """Victims may be stopped, where their ports can't be excluded otherwise."""
    prove: bool = False
    undo: bool = False
    """Take back what earlier runs changed for these items, instead of reaching them."""
    journal: bool = True
    owner: str = ""
    """For whom it is; without a name each resource is for the module of its name."""
    kinds: tuple[Resource, ...] = ()
    """Every resource whose changes an undo for an owner looks for."""
    reboot: Reboot | None = None
    """The reboot that is permitted; ``None``: no reboot is."""
    accepted_risks: frozenset[Risk] = frozenset()
    """Risks that the task accepts; see ``accepted``."""
    own_port: int | None = None
    """The TCP port of the server that this task's connection leads to, as the controller knows it."""
    advice: t.Mapping[str, str] = NOTHING
    """Advice for ports that stay unprotected, by those who can take them; ``{ports}`` stands for the ports."""

    @property
    def accepted(self) -> frozenset[Risk]:
        """The risks that the task accepts for the whole run, by itself or by the options of an item."""
        return self.accepted_risks.union(*(item.accepted for item in self.items))

    @property
    def looks_after_services(self) -> bool:
        """True if it brings services back, or proves that they run: then it tells too which others are down."""
        return (self.relieve or self.prove) and bool(self.victims or self.known_services)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to reach and nothing to look at."""
        return not (self.items or self.victims or self.known_services or self.takes_all)

    @property
    def takes_all(self) -> bool:
        """True if everything is taken back that the owner has, whatever the items name."""
        return self.undo and bool(self.owner)

    @property
    def owners(self) -> frozenset[str]:
        """For whom it is."""
        return frozenset([self.owner] if self.owner else (item.resource.name for item in self.items))

    @property
    def after_reboot(self) -> Request:
        """The request for the run after the reboot; it permits no other reboot."""
        victims = tuple(victim.after_reboot for victim in self.victims)
        return self._replace(victims=victims, reboot=None)

    @property
    def is_conditional(self) -> bool:
        """True if a server may lack a requirement, so that nothing is done there."""
        return bool(self.required_services or self.required_one_of or self.known_services or self.required_capabilities)
