# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run as ``converge`` plans it, over a server made of facts."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from tests.unit.plugins.module_utils._change.world import NOW, World

Item = dict[str, t.Any]


def validated(_place: str, spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What Ansible's validation does with defaults."""
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def plan(
    world: World, *items: Item, victims: tuple[Item, ...] = (), own_port: int | None = None, **options: t.Any
) -> Convergence:
    """The plan for these items; ``own_port`` is that of the connection, ``options`` are further ones of the run."""
    spec = converge_options.ARGUMENT_SPEC
    given = {"resources": list(items), **options}
    named = [validated("", spec["victims"]["options"], victim) for victim in victims]
    arguments = {**validated("", spec, given), "victims": named}
    wanted = converge_options.request(arguments, journal=True, validate=validated)
    wanted = wanted._replace(own_port=own_port)
    return world.settle(lambda facts: converge(wanted, facts, world.release, NOW))


def said(planned: Convergence) -> str:
    """All warnings as one text."""
    return " ".join([*planned.warnings, *(warning for one in planned.plans for warning in one.warnings)])


def carried_out(world: World, planned: Convergence) -> World:
    """The world after the run, its journal kept."""
    journal = Journal()
    for one in planned.plans:
        journal = world.carry_out(one, journal)
    world.keep_journal(journal)
    return world
