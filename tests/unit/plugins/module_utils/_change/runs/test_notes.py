# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says beside its sentence: what ran, why a setting counts, and the advice of its user."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Effectiveness,
    Plan,
    StartServices,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, notes
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of

ADVICE: t.Final = {"dns_pool": "DNS takes {ports}:\n  choose {start: 49152}.", "programs": "Programs take {ports}."}


def _plan(force: Effectiveness = EFFECTIVE, **fields: t.Any) -> Plan:
    return Plan("reserved_ports", before={}, after={}, effectiveness=force, **fields)


def _open(**takers: list[str]) -> Plan:
    return _plan(details={"unprotected": {"programs": [], "dns_pool": [], "disputed": [], **takers}})


def _said(*plans: Plan) -> tuple[str, ...]:
    found = Convergence(release_of("6.0.6002", 3), plans=plans)
    return notes(Outcome(Request(items=(), advice=ADVICE), found, found, applied=False))


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        pytest.param(_plan(), (), id="nothing"),
        pytest.param(
            _plan(Effectiveness("yes", "None is ever drawn.")), ("None is ever drawn.",), id="in-force-with-a-reason"
        ),
        pytest.param(_plan(Effectiveness("no", "It waits.")), (), id="what-waits-stands-in-the-sentence"),
        pytest.param(_plan(notes=("Stopped: A.",)), (), id="nothing-was-done"),
        pytest.param(
            _plan(notes=("Stopped: A.",), steps=(StartServices(("A",), 1.0),)),
            ("Stopped: A.",),
            id="something-was-done",
        ),
        pytest.param(_open(), (), id="all-is-protected"),
        pytest.param(
            _open(dns_pool=["1812/udp", "1813/udp"]),
            ("DNS takes 1812/udp, 1813/udp: choose {start: 49152}.",),
            id="the-ports-are-put-in",
        ),
        pytest.param(_open(programs=["1812/udp"]), ("Programs take 1812/udp.",), id="programs"),
        pytest.param(
            _open(programs=["1/udp"], dns_pool=["2/udp"]),
            ("DNS takes 2/udp: choose {start: 49152}.",),
            id="what-keeps-dns-away-says-enough",
        ),
        pytest.param(_open(disputed=["1/udp"]), (), id="no-advice-given"),
    ],
)
def test_what_is_said(plan: Plan, said: tuple[str, ...]) -> None:
    assert _said(plan) == said
