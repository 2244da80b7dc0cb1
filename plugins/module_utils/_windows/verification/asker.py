# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the questions of the probes to a server: each becomes a reading, whatever the server says."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import questions as asked
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    Command,
    Get,
    Header,
    Identify,
    Method,
    Query,
    Question,
    ShellPart,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Item, Link, Reading, Row
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.conversation import (
    STRANGE_SHAPE,
    Answer,
    Conversation,
    NoAnswer,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.shell_talk import ShellTalk
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, wmi

MOST_PULLS: t.Final = 500
_TRIES_OF_A_SLOW_PULL: t.Final = 5
_TIMED_OUT: t.Final = 0x80338029
_REGISTRY: t.Final = "StdRegProv"


def ask(conversation: Conversation, wanted: t.Iterable[Question], *, codepage: int) -> dict[Question, Reading]:
    """Every question's reading. Commands run in one shell with this code page, which is deleted at the end.

    Raises:
        HostUnreachable: there is no connection any more.
        AuthenticationFailed: the account is refused.
    """
    found: dict[Question, Reading] = {}
    in_shell: list[Command | ShellPart] = []
    for question in wanted:
        if isinstance(question, (Command, ShellPart)):
            in_shell.append(question)
        elif not isinstance(question, (asked.Own, asked.LabStep, asked.At)):
            found[question] = ask_one(conversation, question)
    if in_shell:
        found.update(ShellTalk(conversation, codepage).readings(in_shell))
    return found


def ask_one(conversation: Conversation, question: Identify | Get | Query | Method) -> Reading:
    """The reading of a question that needs no shell."""
    try:
        if isinstance(question, Identify):
            return _plain(conversation.identify())
        if isinstance(question, Query):
            return _Enumeration(conversation, question).reading()
        return _object(conversation, *_message_of(question))
    except NoAnswer as error:
        return Reading(problem=str(error))
    except errors.ProtocolViolation:
        return Reading(problem=STRANGE_SHAPE)


def _message_of(question: Get | Method) -> tuple[soap.Message, Header]:
    if isinstance(question, Get):
        return wmi.get_message(question.namespace, question.class_name, dict(question.keys)), question.header
    parameters: dict[str, wmi.Value] = {"hDefKey": int(asked.LOCAL_MACHINE), "sSubKeyName": question.key}
    if question.value is not None:
        parameters["sValueName"] = question.value
    if question.rights:
        parameters["uRequired"] = question.rights
    message = wmi.invoke_message(question.namespace, _REGISTRY, question.name, parameters, {})
    return message, Header(envelope_size=question.envelope_size)


def called(conversation: Conversation, method: str, parameters: t.Mapping[str, wmi.Value]) -> Reading:
    """The reading of one call of StdRegProv; the gate decides whether it may be sent."""
    try:
        return _object(conversation, wmi.invoke_message(asked.DEFAULT, _REGISTRY, method, parameters, {}), asked.USUAL)
    except NoAnswer as error:
        return Reading(problem=str(error))
    except errors.ProtocolViolation:
        return Reading(problem=STRANGE_SHAPE)


def invoked(
    conversation: Conversation,
    class_name: str,
    method: str,
    parameters: t.Mapping[str, wmi.Value],
    selectors: t.Mapping[str, str],
) -> Reading:
    """The reading of one call of a method of ``root/cimv2``; the gate decides whether it may be sent."""
    message = wmi.invoke_message(asked.CIMV2, class_name, method, parameters, selectors)
    try:
        return _object(conversation, message, asked.USUAL)
    except NoAnswer as error:
        return Reading(problem=str(error))
    except errors.ProtocolViolation:
        return Reading(problem=STRANGE_SHAPE)


def _object(conversation: Conversation, message: soap.Message, header: Header) -> Reading:
    answer = conversation.ask(message, header)
    if answer.fault is not None:
        return _plain(answer)
    return Reading(rows=(row_of(wmi.body_object(answer.body, conversation.origin, "")),), answers=(answer.envelope,))


def _plain(answer: Answer) -> Reading:
    return Reading(fault=answer.fault, answers=(answer.envelope,))


@dataclasses.dataclass(slots=True)
class _Enumeration:
    """One query with its Pulls."""

    conversation: Conversation
    query: Query
    answers: list[Answer] = dataclasses.field(default_factory=list)
    rows: list[Row] = dataclasses.field(default_factory=list)

    def reading(self) -> Reading:
        """All rows, as far as they are wanted."""
        opened = self._ask(self._opening())
        if opened.fault is not None:
            return Reading(fault=opened.fault, answers=(opened.envelope,))
        context = self._take(opened)
        context = self._pull_all(context) if self.query.pulls < 0 else self._pull_some(context)
        if context:
            # The server drops it in time if this is refused.
            self._ask(wmi.release_message(self.query.namespace, context))
        return Reading(rows=tuple(self.rows), answers=tuple(answer.envelope for answer in self.answers))

    def _opening(self) -> soap.Message:
        return wmi.enumerate_message(self.query.namespace, self.query.wql, dialect=self.query.dialect or wmi.WQL)

    def _ask(self, message: soap.Message) -> Answer:
        answer = self.conversation.ask(message, Header(envelope_size=self.query.envelope_size))
        self.answers.append(answer)
        return answer

    def _take(self, answer: Answer) -> str:
        """Keep the rows of an answer; the context that goes on, empty at the end."""
        page = wmi.page_of(answer.body, self.conversation.origin)
        self.rows.extend(row_of(item) for item in page.items)
        return page.context or ""

    def _pull_all(self, context: str) -> str:
        for _number in range(MOST_PULLS):
            if not context:
                return ""
            context = self._next(context)
        return context

    def _pull_some(self, context: str) -> str:
        used = ""
        for number in range(1, self.query.pulls + 1):
            if context:
                most = self.query.elements if number == self.query.pulls else 0
                used, context = context, self._next(context, most)
        if used and context and self.query.pull_after_end:
            self._ask(self._pull(used))
        return context

    def _next(self, context: str, most: int = 0) -> str:
        for _try in range(_TRIES_OF_A_SLOW_PULL):
            answer = self._ask(self._pull(context, most))
            if answer.fault is None:
                return self._take(answer)
            if answer.fault.code != _TIMED_OUT:
                break
        raise NoAnswer("a later part of the answer was refused")

    def _pull(self, context: str, most: int = 0) -> soap.Message:
        return wmi.pull_message(self.query.namespace, context, most or None)


def row_of(instance: wmi.Instance) -> Row:
    """An object in plain values."""
    return {name: _plain_item(instance[name]) for name in instance}


def _plain_item(value: t.Any) -> Item:
    if isinstance(value, tuple):
        return tuple(_single(item) for item in value)
    return _single(value)


def _single(value: t.Any) -> str | Link | None:
    if isinstance(value, wmi.Reference):
        return Link(value.class_name, value.selector("Name") or "")
    return value if value is None or isinstance(value, str) else str(value)
