# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one shell of a verification: its own messages are looked at, and so is the output of the commands in it.

Commands are joined, so that many cost the requests of one; a line with the exit code follows each output.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.command_lines import command_lines, parted
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command, Question, ShellPart
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Ran, Reading
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.conversation import (
    STRANGE_SHAPE,
    Answer,
    Conversation,
    NoAnswer,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import shell as shells

MOST_RECEIVES: t.Final = 2000
"""Of one command: each may be an operation timeout without output."""
_UNKNOWN_ID: t.Final = "11111111-2222-3333-4444-555555555555"
_TIMED_OUT: t.Final = 0x80338029


class ShellTalk:
    """One shell from its Create to its Delete."""

    def __init__(self, conversation: Conversation, codepage: int) -> None:
        self._conversation = conversation
        self._codepage = codepage
        self._found: dict[Question, Reading] = {}
        self._shell = ""
        self._finished: list[str] = []
        self._takes_many = False
        """It was seen to take a command before a Signal for the one before."""

    def readings(self, wanted: t.Sequence[Command | ShellPart]) -> dict[Question, Reading]:
        """The readings of all of them; the shell is deleted whatever happens."""
        parts = {one.step for one in wanted if isinstance(one, ShellPart)}
        lines = command_lines(one for one in wanted if isinstance(one, Command))
        try:
            self._open()
            if "get" in parts:
                self._note("get", self._of_shell(soap.Action.GET))
            for number, (line, questions) in enumerate(lines):
                self._run(line, questions, second=number == 1 and "second command" in parts)
            if "unknown command" in parts:
                self._note("unknown command", shells.receive_message(self._shell, _UNKNOWN_ID))
        except NoAnswer as error:
            self._spoilt(wanted, str(error))
        except errors.ProtocolViolation:
            self._spoilt(wanted, STRANGE_SHAPE)
        finally:
            self._close(look_after="deleted shell" in parts)
        return self._found

    def _open(self) -> None:
        answer = self._note("create", shells.create_message(self._codepage))
        if answer.fault is not None:
            # The oldest stacks may refuse the idle timeout.
            answer = self._conversation.ask(shells.create_message(self._codepage, idle_timeout=False))
        if answer.fault is not None:
            raise NoAnswer(f"no shell is opened ({answer.fault.text})")
        self._shell = shells.shell_id_of(answer.body, self._conversation.origin)

    def _close(self, *, look_after: bool) -> None:
        if not self._shell:
            return
        with contextlib.suppress(errors.WsmanError, NoAnswer):
            self._conversation.ask(shells.delete_message(self._shell))
            if look_after:
                self._note("deleted shell", shells.receive_message(self._shell, _UNKNOWN_ID))

    def _run(self, line: str, questions: t.Sequence[Command], *, second: bool) -> None:
        stdin = questions[0].stdin
        if not second and not self._takes_many:
            self._signal_finished()
        message = shells.command_message(self._shell, line, interactive=not stdin)
        answer = self._note("second command", message) if second else self._conversation.ask(message)
        if second:
            self._takes_many = answer.fault is None
        if second and answer.fault is not None:
            self._signal_finished()
            answer = self._conversation.ask(message)
        if answer.fault is not None:
            problem = f"the command is refused ({answer.fault.text})"
            self._found.update(dict.fromkeys(questions, Reading(problem=problem)))
            return
        origin = self._conversation.origin
        command = soap.text_of(soap.required_child(answer.body, origin, "CommandResponse", "CommandId"))
        self._finished.append(command)
        if stdin:
            self._conversation.ask(shells.stdin_message(self._shell, command, stdin))
        found = parted(questions, self._received(command))
        self._found.update({question: _read(question, reading) for question, reading in found.items()})

    def _received(self, command: str) -> Ran:
        """All output of a command."""
        stdout, stderr = b"", b""
        for _number in range(MOST_RECEIVES):
            answer = self._conversation.ask(shells.receive_message(self._shell, command))
            if answer.fault is None:
                chunk = shells.chunk_of(answer.body, command, self._conversation.origin)
                stdout, stderr = stdout + chunk.stdout, stderr + chunk.stderr
                if len(stdout) > shells.MAX_OUTPUT:
                    break
                if chunk.exit_code is not None:
                    return Ran(stdout, chunk.exit_code, stderr)
            elif answer.fault.code != _TIMED_OUT:
                raise NoAnswer(f"the output is refused ({answer.fault.text})")
        raise NoAnswer("a command's output does not end")

    def _signal_finished(self) -> None:
        for command in self._finished:
            self._conversation.ask(shells.signal_message(self._shell, command))
        self._finished.clear()

    def _of_shell(self, action: soap.Action) -> soap.Message:
        return soap.Message(action.value, shells.RESOURCE, selectors={"ShellId": self._shell})

    def _note(self, step: t.Any, message: soap.Message) -> Answer:
        """Ask, and keep the answer as the reading of this part."""
        answer = self._conversation.ask(message)
        self._found[ShellPart(step)] = Reading(fault=answer.fault, answers=(answer.envelope,))
        return answer

    def _spoilt(self, wanted: t.Iterable[Command | ShellPart], problem: str) -> None:
        for question in wanted:
            self._found.setdefault(question, Reading(problem=problem))


def _read(question: Command, reading: Reading) -> Reading:
    """The reading with what the modules' own readers make of the output."""
    if reading.ran is None or question.reads is None:
        return reading
    raw = reading.ran.raw
    if question.reads == "sockets":
        return dataclasses.replace(reading, sockets=console_text.sockets(raw))
    if question.reads == "range":
        return dataclasses.replace(reading, ports=console_text.dynamic_range(raw))
    is_table = console_text.is_exclusion_table(raw)
    return dataclasses.replace(reading, blocks=console_text.exclusion_blocks(raw) if is_table else None)
