# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification: all its questions, then all its verdicts. The grade look only reads."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import UnknownRelease, release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import Feature
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import (
    Grade,
    Probe,
    Result,
    judge,
    questions_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Server,
    number,
    stack_of,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import COMPUTER, OPERATING_SYSTEM
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.sockets import SOCKETS
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.wire import IDENTITY
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.asker import ask
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.conversation import Conversation
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import Gate
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab import Lab
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_boots import Boots
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.touch import Touch
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Transport

SIMULATOR: t.Final = ("portkeeper", "simulated server")
"""Manufacturer and model by which the project's simulator reveals itself, in lower case."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found. ``requests`` counts its messages."""

    server: Server
    results: tuple[Result, ...]
    is_simulated: bool
    requests: int
    exchanges: tuple[tuple[bytes, bytes], ...] = ()
    """Every message and its answer, if they are kept."""
    remains: tuple[str, ...] = ()
    """What the grade lab could not take back, as sentences."""


def verify(
    transport: Transport,
    probes: t.Sequence[Probe],
    *,
    keeps: bool = False,
    clock: Clock | None = None,
    boots: Boots | None = None,
    install: t.Collection[Feature] = (),
) -> Verified:
    """Ask everything that these probes need, through the gates, and judge. What changes something comes last.

    ``boots``: how lab reboots; ``None``: it does not. What an earlier lab has left is taken back before anything is
    asked, if these probes change something. ``install``: what lab installs before anything is asked.

    Raises:
        WindowsError: this Windows is not known, or does not tell its version, or what was touched can't be taken back.
        HostUnreachable: there is no connection.
        AuthenticationFailed: the account is refused.
    """
    wanted = (*questions_of(probes), *(_BEFORE_A_TOUCH if _has(probes, "touch") else ()), COMPUTER)
    gate = Gate(transport, {question.line for question in wanted if isinstance(question, Command)}, keeps=keeps)
    conversation = Conversation(gate)
    found = ask(conversation, (IDENTITY, OPERATING_SYSTEM), codepage=0)
    server = _server(Readings(found, _NOBODY), gate.host)
    gates = [gate]
    remains: tuple[str, ...] = ()
    lab = Lab(transport, server, clock or Clock(), boots=boots, keeps=keeps)
    if _has(probes, "touch", "lab"):
        gates.append(lab.gate)
        remains = lab.take_back()
    if _has(probes, "lab"):
        remains += lab.install(install)
    rest = [question for question in wanted if question not in found]
    found |= ask(conversation, rest, codepage=server.release.capabilities.shell_codepage)
    if _has(probes, "touch"):
        touch = Touch(transport, Readings(found, server), keeps=keeps)
        found |= touch.run()
        gates.append(touch.gate)
    if _has(probes, "lab"):
        seen, more = lab.run(wanted)
        found |= seen
        remains = tuple(dict.fromkeys((*remains, *more)))
    readings = Readings(found, server)
    results = tuple(judge(probe, readings) for probe in probes)
    exchanges = tuple((one.request, one.answer) for each in gates for one in each.exchanges)
    return Verified(server, results, _is_simulated(readings), sum(each.sent for each in gates), exchanges, remains)


def _has(probes: t.Iterable[Probe], *grades: Grade) -> bool:
    return any(probe.grade in grades for probe in probes)


_BEFORE_A_TOUCH: t.Final = (*SOCKETS, ACTIVE_UDP)
"""What a touch must know, to stay away from it."""
_NOBODY: t.Final = Server(release_of("5.2.3790", 3), 3, 0, "")
"""Before the server is known: reading its first answers depends on nothing of it."""


def _server(found: Readings, host: str) -> Server:
    """The server, by its first two answers."""
    try:
        row = found.row(OPERATING_SYSTEM)
        product_type = number(row, "ProductType")
        release = release_of(text(row, "Version"), product_type)
        language = number(row, "OSLanguage") if row.get("OSLanguage") else 0
    except (CantTell, UnknownRelease) as error:
        meaning = error.reason if isinstance(error, UnknownRelease) else str(error)
        raise WindowsError(host=host, operation="verify", target="this server", meaning=meaning) from error
    identity = found.reading(IDENTITY).answers
    return Server(release, product_type, language, stack_of(identity[0]) if identity else "")


def _is_simulated(found: Readings) -> bool:
    try:
        row = found.row(COMPUTER)
        told = (text(row, "Manufacturer").casefold(), text(row, "Model").casefold())
    except CantTell:
        return False
    return told == SIMULATOR
