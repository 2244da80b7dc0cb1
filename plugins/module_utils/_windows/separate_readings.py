# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings that fail each by itself: what a server can't answer costs that answer alone.

For ``port_info``. A run that changes something stops at the first reading that fails.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Fact,
    ProcessFact,
    RegistryType,
    RegistryValue,
    Service,
    ServiceFact,
    Unread,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import WINRM_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import delayed_flag
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    AnswerError,
    WindowsError,
    explained,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import (
    BY_COMMANDS,
    SERVICE_KINDS,
    Answers,
    read_facts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    UncarriableText,
    Unsendable,
    WsmanFault,
)

REFUSALS: t.Final = (WindowsError, WsmanFault, UncarriableText, Unsendable)
"""What concerns one reading. A connection that fails, and an answer that breaks the rules, concern all of them."""
WINRM: t.Final = ServiceFact(WINRM_SERVICE)
_TOGETHER: t.Final = (SERVICE_KINDS, (ProcessFact,), BY_COMMANDS)
"""Kinds of questions that are asked in one query, or in one command line."""


def read_separately(target: Target, wanted: t.Collection[Fact[t.Any]]) -> Answers:
    """The answers to all of these questions, ``Unread`` for those that the server can't answer.

    As many requests as ``read_facts`` if nothing fails. Of a command line that fails each question is asked again by
    itself, since any of them may be the one.

    Raises:
        WsmanError: the conversation failed.
    """
    answers: Answers = {}
    for group in _groups(wanted):
        answers.update(_tried(target, group))
    return {**_delays(answers.values()), **answers}


def _delays(answers: t.Iterable[t.Any]) -> Answers:
    """The delayed flags that came with the services: set, or as good as absent. What writes a flag reads it itself."""
    return {
        delayed_flag(row.name): RegistryValue(RegistryType.DWORD, 1) if row.delayed else Absent.VALUE
        for answer in answers
        for row in _services(answer)
        if row.delayed is not None
    }


def _services(answer: t.Any) -> list[Service]:
    if isinstance(answer, Service):
        return [answer]
    return [row for row in answer if isinstance(row, Service)] if isinstance(answer, tuple) else []


def _groups(wanted: t.Collection[Fact[t.Any]]) -> list[list[Fact[t.Any]]]:
    """In the order in which ``read_facts`` reads them."""
    alone = [[fact] for fact in wanted if not any(isinstance(fact, kinds) for kinds in _TOGETHER)]
    together: list[list[Fact[t.Any]]] = [[fact for fact in wanted if isinstance(fact, kinds)] for kinds in _TOGETHER]
    return [group for group in (*alone, *together) if group]


def _tried(target: Target, group: t.Sequence[Fact[t.Any]]) -> Answers:
    try:
        return _credible(target, read_facts(target, group))
    except REFUSALS as error:
        if len(group) == 1 or not isinstance(group[0], BY_COMMANDS):
            return dict.fromkeys(group, Unread(explained(error)))
    return {fact: answer for fact in group for answer in _tried(target, [fact]).values()}


def _credible(target: Target, answers: Answers) -> Answers:
    """The answers, if they are not as empty as no server's can be: then what was asked is not known."""
    if WINRM in answers and answers[WINRM] is None:
        raise _empty(target, "Win32_Service", "the service that gives this very answer, WinRM, is not there")
    processes = [answer for fact, answer in answers.items() if isinstance(fact, ProcessFact)]
    if len(processes) > 1 and not any(processes):
        raise _empty(target, "Win32_Process", "none of the processes that were just seen is there")
    return answers


def _empty(target: Target, class_name: str, meaning: str) -> AnswerError:
    return AnswerError(
        host=target.host, operation="read", target=class_name, meaning=f"WMI's answer is empty: {meaning}"
    )
