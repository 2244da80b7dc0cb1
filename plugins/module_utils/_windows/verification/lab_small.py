# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the grade lab that need nothing but a server: services and files of our own, quotas, ports in use."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    CIMV2,
    Command,
    Get,
    LabStep,
    Query,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Reading,
    Readings,
    Row,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_TCP, ACTIVE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import TCP, bound
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.sockets import (
    BOUND,
    ESTABLISHED,
    SOCKETS,
    TIME_WAIT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.conversation import (
    STRANGE_SHAPE,
    NoAnswer,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_hands import Hands
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_notes import Notes
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_rules import START
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import shell as shells

_FIRST, _SECOND, _THIRD = steps.SERVICES
_DISABLED: t.Final = 4


def own_services(hands: Hands, notes: Notes) -> None:
    """Services of our own, whose program does not exist: what the service manager says of them."""
    notes.add(steps.OWN_SERVICES)
    hands.run(Command(steps.CREATE_FIRST), Command(steps.CREATE_SECOND))
    if hands.service(_SECOND) is None:
        raise CantTell("no service could be created by sc.exe")
    hands.found[LabStep(steps.STOP_STOPPED)] = hands.control("StopService", _FIRST)
    hands.found[LabStep(steps.START_FAILING)] = hands.control("StartService", _SECOND)
    hands.control("ChangeStartMode", _FIRST, {"StartMode": "Disabled"})
    hands.found[LabStep(steps.START_DISABLED)] = hands.control("StartService", _FIRST)
    hands.control("ChangeStartMode", _FIRST, {"StartMode": "Manual"})
    hands.call("SetDWORDValue", rf"{SERVICES_KEY}\{_SECOND}", START, _DISABLED, "uValue")
    mode = Get("Win32_Service", (("Name", _SECOND),))
    hands.found[LabStep(steps.READ_MODE)] = hands.seen((mode,))[mode]
    if hands.server.release.capabilities.delayed_start:
        hands.run(Command(steps.GROUP_FIRST))
        hands.note_run(steps.DELAY_IN_GROUP, steps.DELAY_FIRST)
    notes.take_back_own()


def own_files(hands: Hands, notes: Notes) -> None:
    """A file of our own with a Ctrl-Z in it."""
    notes.add(steps.FILES)
    hands.note_run(steps.WRITE_FILE, steps.WRITE, steps.CONTENT)
    hands.note_run(steps.TYPE_FILE, steps.TYPE)
    hands.note_run(steps.COPY_FILE, steps.COPY)
    hands.note_run(steps.TYPE_COPY, steps.SHOW_COPY)
    notes.take_back_own()


# --- quotas -----------------------------------------------------------------------------------------------------------


def quotas(hands: Hands, _notes: Notes) -> None:
    """Use up what the account may have at once, until the server refuses; then give it all back."""
    hands.found[LabStep(steps.ONE_SHELL_MORE)] = _shells(hands)
    hands.found[LabStep(steps.ONE_COMMAND_MORE)] = _commands(hands)
    if hands.server.stack < "3.0":
        hands.found[LabStep(steps.ONE_QUERY_MORE)] = _enumerations(hands)


def _asked(hands: Hands, message: soap.Message) -> Reading:
    try:
        answer = hands.conversation.ask(message)
    except NoAnswer as error:
        return Reading(problem=str(error))
    return Reading(fault=answer.fault, answers=(answer.envelope,))


def _open(hands: Hands) -> tuple[str, Reading]:
    """A shell's id, or nothing and the refusal."""
    reading = _asked(hands, shells.create_message(hands.server.release.capabilities.shell_codepage))
    if reading.fault is not None or reading.problem:
        return "", reading
    body = soap.child(reading.answers[0], "Body")
    try:
        return ("" if body is None else shells.shell_id_of(body, hands.conversation.origin)), reading
    except errors.ProtocolViolation:
        return "", Reading(problem=STRANGE_SHAPE)


def _delete(hands: Hands, shell: str) -> None:
    _asked(hands, shells.delete_message(shell))


def _shells(hands: Hands) -> Reading:
    opened: list[str] = []
    try:
        for _number in range(steps.MANY_SHELLS):
            shell, reading = _open(hands)
            if not shell:
                return reading
            opened.append(shell)
    finally:
        for shell in opened:
            _delete(hands, shell)
    return Reading(problem=f"{steps.MANY_SHELLS} shells were not too many")


def _commands(hands: Hands) -> Reading:
    """The answer to the last of many commands in one shell, each signalled, or the first refusal."""
    shell, reading = _open(hands)
    if not shell:
        return Reading(problem="no shell is opened")
    try:
        for _number in range(steps.MANY):
            reading = _asked(hands, shells.command_message(shell, steps.HARMLESS, interactive=False))
            if reading.fault is not None or reading.problem:
                break
            _finish(hands, shell, reading)
    finally:
        _delete(hands, shell)
    return reading


def _finish(hands: Hands, shell: str, reading: Reading) -> None:
    command = soap.text_of(soap.child(reading.answers[0], "Body", "CommandResponse", "CommandId"))
    _asked(hands, shells.receive_message(shell, command))
    _asked(hands, shells.signal_message(shell, command))


def _enumerations(hands: Hands) -> Reading:
    """The first refusal of an enumeration beside many that were not pulled to their ends, or the last answer."""
    contexts: list[str] = []
    reading = Reading(problem="no enumeration stays open here")
    try:
        for _number in range(steps.MANY):
            reading = _asked(hands, _small_enumeration())
            if reading.fault is not None or reading.problem:
                break
            context = soap.child(reading.answers[0], "Body", "EnumerateResponse", "EnumerationContext")
            if context is None or not context.text:
                return Reading(problem="this server gives a whole result in the first answer")
            contexts.append(context.text)
    finally:
        for context_text in contexts:
            _asked(hands, wmi.release_message(CIMV2, context_text))
    return reading


def _small_enumeration() -> soap.Message:
    """One whose rows do not come with the first answer: it is asked for none of them."""
    return wmi.enumerate_message(CIMV2, "SELECT Name FROM Win32_Service", optimized=False)


# --- ports in use -----------------------------------------------------------------------------------------------------


def ports_in_use(hands: Hands, notes: Notes) -> None:
    """Try to exclude ports that programs and connections have."""
    here = hands.look(steps.BEFORE, (*SOCKETS, ACTIVE_UDP, ACTIVE_TCP))
    here.blocks(ACTIVE_TCP)
    wanted: list[tuple[t.Literal["tcp", "udp"], PortRange]] = []
    for step, protocol, choose in _CHOICES:
        try:
            port = choose(here)
        except CantTell as reason:
            hands.found[LabStep(step)] = Reading(problem=str(reason))
            continue
        hands.found[LabStep(step)] = Reading(ports=PortRange(port, port))
        wanted.append((protocol, PortRange(port, port)))
    notes.exclude(*wanted)
    hands.look(steps.IN_USE, (ACTIVE_UDP, ACTIVE_TCP))
    notes.release()


def _kept(here: Readings, table: Query | Command) -> PortSet:
    return PortSet.of(*(block.ports for block in here.blocks(t.cast("Command", table))))


def _used_udp(here: Readings) -> int:
    kept = _kept(here, ACTIVE_UDP)
    ports = sorted(one.port for one in bound(here) if one.protocol == "udp" and one.port >= 1024)
    return _first([port for port in ports if port not in kept], "no program has a UDP port from 1024 on")


def _connections(here: Readings, state: int) -> list[int]:
    """Local ports that nothing has but connections in this state."""
    if here.reading(TCP).fault:
        raise CantTell("this release does not list connections in WMI")
    rows: dict[int, list[Row]] = {}
    for row in here.rows(TCP):
        rows.setdefault(number(row, "LocalPort"), []).append(row)
    # Newer releases show a bound socket beside an outgoing connection.
    states = {port: {number(row, "State") for row in held} - {BOUND} for port, held in rows.items()}
    alone = [port for port, held in states.items() if held == {state}]
    kept = _kept(here, ACTIVE_TCP)
    return sorted(port for port in alone if port >= 1024 and port not in kept)


def _connected(here: Readings) -> int:
    return _first(_connections(here, ESTABLISHED), "this server has no outgoing connection")


def _waiting(here: Readings) -> int:
    return _first(_connections(here, TIME_WAIT), "no connection waits for its end on this server")


def _first(ports: list[int], reason: str) -> int:
    if not ports:
        raise CantTell(reason)
    return ports[-1]


_CHOICES: t.Final[tuple[tuple[str, t.Literal["tcp", "udp"], t.Callable[[Readings], int]], ...]] = (
    (steps.USED_UDP, "udp", _used_udp),
    (steps.CONNECTED, "tcp", _connected),
    (steps.WAITING, "tcp", _waiting),
)
