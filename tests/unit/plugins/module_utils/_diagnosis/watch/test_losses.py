# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that tell of a lost port, and those that do not."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.losses import (
    KINDS,
    LOGS,
    Loss,
    codes_of,
    loss_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event

TIME = datetime.datetime(2026, 3, 1, 8, tzinfo=datetime.timezone.utc)
SCM = "Service Control Manager"


def event(source: str, code: int, *strings: str) -> Event:
    return Event("System", 1, source, code, TIME, strings)


@pytest.mark.parametrize(
    ("told", "service", "error", "words"),
    [
        (event(SCM, 7023, "RADIUS-Dienst", "%%10048"), "RADIUS-Dienst", 10048, "10048"),
        (event("SERVICE CONTROL MANAGER", 7023, "Portal", "%%10013"), "Portal", 10013, "10013"),
        (event("IPSec", 4292), "PolicyAgent", None, "block mode"),
        (event("Server ActiveSync", 3015, "[2884]"), "W3SVC", None, "UDP 2884"),
        (event("Server ActiveSync", 3015), "W3SVC", None, "UDP 2883"),
        (event("Server ActiveSync", 3024), "W3SVC", None, "UDP 2883"),
    ],
)
def test_a_lost_port_is_told(told: Event, service: str, error: int | None, words: str) -> None:
    loss = loss_of(told)
    assert isinstance(loss, Loss)
    assert (loss.service, loss.error) == (service, error)
    assert words in loss.meaning


@pytest.mark.parametrize(
    "told",
    [
        event(SCM, 7023, "Browser", "%%1068"),
        event(SCM, 7023, "Browser", "%%100481"),
        event(SCM, 7023),
        event(SCM, 7036, "Browser", "%%10048"),
        event("Somebody else", 7023, "Browser", "%%10048"),
        event("IPSec", 3015),
        event("Server ActiveSync", 4292),
    ],
    ids=lambda told: f"{told.source}-{told.code}-{'-'.join(told.strings)}",
)
def test_other_events_tell_nothing(told: Event) -> None:
    assert loss_of(told) is None


def test_every_kind_is_asked_for_in_its_log() -> None:
    assert {log: codes_of(log) for log in LOGS} == {"System": (7023, 4292), "Application": (3015, 3024)}
    assert all(set(kind.codes) <= set(codes_of(kind.log)) for kind in KINDS)
