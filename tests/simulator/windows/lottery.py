# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boots of copies: how often does a server in its present state lose a service because others have its port?

The twins run the very same boot code on the very same disk; they only write no events.
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.boot import BootPlan, plan_boot
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.services import ERROR_DEPENDENCY_FAILED, ERROR_NEVER_STARTED
from tests.simulator.windows.session import Session
from tests.simulator.windows.sockets import WSAEACCES, WSAEADDRINUSE

PORT_ERRORS: t.Final = frozenset({WSAEADDRINUSE, WSAEACCES})
SEARCH_LIMIT: t.Final = 20000


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What one boot ended in: who lost a port (down, or running without it), who fell with them, and block mode."""

    victims: tuple[str, ...]
    fallen: tuple[str, ...]
    block_mode: bool


def outcome_of(session: Session) -> Outcome:
    """Read the outcome off a session whose boot is over."""
    failed = {
        service.config.name: service.exit_code
        for service in session.services.values()
        if service.exit_code and service.exit_code != ERROR_NEVER_STARTED
    }
    return Outcome(
        victims=(*(name for name, code in failed.items() if code in PORT_ERRORS), *sorted(session.deaf)),
        fallen=tuple(name for name, code in failed.items() if code == ERROR_DEPENDENCY_FAILED),
        block_mode=session.block_mode,
    )


def twin_of(machine: Machine) -> Machine:
    """Return the machine as its next boot finds it; it shares the disk, which a boot does not write."""
    return dataclasses.replace(
        machine,
        exclusions=machine.exclusions.at_boot(
            machine.runtime_blocks, active_last=not machine.assumptions.active_exclusions_end_at_boot
        ),
    )


def boot_twin(machine: Machine, plan: BootPlan, seed: int) -> Outcome:
    """Boot a twin to its end."""
    session = Session(machine, plan, seed=seed, booted_at=0.0, quiet=True)
    session.finish()
    return outcome_of(session)


def run_lottery(machine: Machine, *, boots: int, seed: int) -> dict[str, t.Any]:
    """Boot that many twins with consecutive seeds and count."""
    twin = twin_of(machine)
    plan = plan_boot(twin)
    by_service: dict[str, int] = {}
    victim_failures = block_modes = 0
    for number in range(boots):
        outcome = boot_twin(twin, plan, seed + number)
        victim_failures += bool(outcome.victims)
        block_modes += outcome.block_mode
        for name in outcome.victims + outcome.fallen:
            by_service[name] = by_service.get(name, 0) + 1
    return {
        "boots": boots,
        "victim_failures": victim_failures,
        "block_modes": block_modes,
        "by_service": dict(sorted(by_service.items())),
    }


def find_seed(machine: Machine, *, seed: int, broken: bool, wanted: t.Collection[str] = ()) -> int:
    """Return the first seed from this one on whose boot is as wanted; ValueError after 20,000 boots.

    Not broken: every service gets its ports. Broken: the wanted services lose one (any service, when none is named),
    and no other; so a server whose AD LDS is down is not cut off by IPSEC Services at the same time.
    """
    twin = twin_of(machine)
    plan = plan_boot(twin)
    for candidate in range(seed, seed + SEARCH_LIMIT):
        victims = boot_twin(twin, plan, candidate).victims
        if set(victims) == set(wanted) if broken and wanted else bool(victims) is broken:
            return candidate
    names = " and ".join(wanted) or "a service"
    end = f"makes {names} lose a port" if broken else "keeps all services"
    raise ValueError(f"host {machine.name!r}: no boot in {SEARCH_LIMIT} {end}; check its release, roles and update")
