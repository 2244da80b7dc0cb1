# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that tell of a lost port: which there are, and what each says. For those who watch servers' event logs."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings import activesync, block_mode
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    PORT_TAKEN,
    SERVICE_FAILED,
    SERVICE_MANAGER,
    Log,
    errors_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import IPSEC_SERVICE


@dataclasses.dataclass(frozen=True, slots=True)
class Loss:
    """What one event tells. ``error`` is the Win32 error among its strings, if its kind has one.

    ``service``: the localized display name that the event gives, or the key name of the service that it is about.
    """

    service: str
    error: int | None
    meaning: str


@dataclasses.dataclass(frozen=True, slots=True)
class LossKind:
    """Events of one source with these codes, and the way to what they tell; ``None``: nothing about ports."""

    log: Log
    source: str
    codes: tuple[int, ...]
    loss: t.Callable[[Event], Loss | None]


def _failed_service(event: Event) -> Loss | None:
    errors = errors_of(event) & PORT_TAKEN
    if not errors or not event.strings:
        return None
    service, error = event.strings[0], min(errors)
    return Loss(service, error, f"{service} ended with error {error}: it could not have a port that it needs.")


def _blocked(_event: Event) -> Loss:
    meaning = (
        "Windows blocks all network traffic (IPsec block mode), as it does if IPSEC Services can't have its port. A "
        "damaged policy store gives the same event."
    )
    return Loss(IPSEC_SERVICE, None, meaning)


def _no_push(event: Event) -> Loss:
    port = f"UDP {activesync.port_of([event])}"
    return Loss(activesync.W3SVC, None, f"Mobile devices get no push: ActiveSync can't have its port, {port}.")


KINDS: t.Final = (
    LossKind("System", SERVICE_MANAGER, (SERVICE_FAILED,), _failed_service),
    LossKind("System", block_mode.SOURCE, (block_mode.CODE,), _blocked),
    LossKind("Application", activesync.SOURCE, activesync.CODES, _no_push),
)
LOGS: t.Final[tuple[Log, ...]] = tuple(dict.fromkeys(kind.log for kind in KINDS))


def codes_of(log: Log) -> tuple[int, ...]:
    """The codes to ask this log for."""
    return tuple(code for kind in KINDS if kind.log == log for code in kind.codes)


def loss_of(event: Event) -> Loss | None:
    """What this event tells about a lost port; ``None`` if it tells of something else."""
    for kind in KINDS:
        if event.code in kind.codes and event.source.casefold() == kind.source.casefold():
            return kind.loss(event)
    return None
