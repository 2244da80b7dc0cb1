# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recorded conversation with one server: which answer belongs to which request.

The collection asks the same questions in the same order in every run (tests/fleet/test_fixed_order.py), so a request
is known by its text, but for what is drawn or set for each run: the id of the message, and how long the server may
take. The ids of shells and enumerations are the server's: whoever gets the recorded ones sends the recorded ones.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import itertools
import json
import re
import typing as t

_MESSAGE_ID: t.Final = re.compile(r"(<(?:\w+:)?MessageID[^>]*>)([^<]*)<")
_OPERATION_TIMEOUT: t.Final = re.compile(r"(<(?:\w+:)?OperationTimeout[^>]*>)[^<]*<")
_ACTION: t.Final = re.compile(r"<(?:\w+:)?Action[^>]*>([^<]*)<")


class NoAnswer(LookupError):
    """A request that was never recorded; the message is the request."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and an envelope, as recorded; ``relates_to`` is the id of the message that it answered."""

    status: int
    envelope: str
    relates_to: str

    def to(self, message_id: str) -> bytes:
        """The envelope for another message."""
        return (self.envelope.replace(self.relates_to, message_id) if self.relates_to else self.envelope).encode()


@dataclasses.dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    request: str
    status: int
    answer: str


def message_id(request: str) -> str:
    """The id of a message; empty if it has none."""
    found = _MESSAGE_ID.search(request)
    return found.group(2) if found else ""


def key_of(request: str) -> str:
    """The request without what differs from run to run."""
    return _OPERATION_TIMEOUT.sub(r"\1<", _MESSAGE_ID.sub(r"\1<", request, count=1), count=1)


def action_of(request: str) -> str:
    """The WS-Addressing action of a request; empty if it has none."""
    found = _ACTION.search(request)
    return found.group(1) if found else ""


class Conversation:
    """The answers to what was recorded. ``by_action`` answers what else comes, whatever it says.

    PowerShell modules send themselves, in another form in each run; so their answers are found by the action alone.
    """

    def __init__(self, exchanges: c.Iterable[Exchange], by_action: c.Iterable[Exchange] = ()) -> None:
        self._exchanges, self._by_action = tuple(exchanges), tuple(by_action)
        self._answers: dict[str, list[Answer]] = {}
        for exchange in self._exchanges:
            self._answers.setdefault(key_of(exchange.request), []).append(_answer(exchange))
        self._canned = {action_of(exchange.request): _answer(exchange) for exchange in self._by_action}

    def __len__(self) -> int:
        """How many exchanges were recorded; canned answers are not counted."""
        return len(self._exchanges)

    def to_json(self) -> str:
        """The conversation as a file holds it."""
        exchanges, by_action = (
            [dataclasses.asdict(exchange) for exchange in some] for some in (self._exchanges, self._by_action)
        )
        return json.dumps({"exchanges": exchanges, "by_action": by_action})

    @classmethod
    def from_json(cls, text: str) -> Conversation:
        """What to_json has written."""
        data = json.loads(text)
        return cls(*([Exchange(**item) for item in data[name]] for name in ("exchanges", "by_action")))

    def listener(self) -> Listener:
        """A server's side of it, at its beginning."""
        return Listener({key: itertools.cycle(answers) for key, answers in self._answers.items()}, self._canned)


class Listener:
    """One server's side. A question that was asked several times gets its answers in their order, then from the first.

    ``canned`` counts the answers that were found by the action alone.
    """

    def __init__(self, answers: c.Mapping[str, c.Iterator[Answer]], by_action: c.Mapping[str, Answer]) -> None:
        self._answers, self._by_action = answers, by_action
        self.canned = 0

    def answer(self, request: bytes) -> tuple[int, bytes]:
        """HTTP status and envelope; raises NoAnswer."""
        text = request.decode()
        found = self._answers.get(key_of(text))
        if found is not None:
            answer = next(found)
        elif (canned := self._by_action.get(action_of(text))) is not None:
            self.canned += 1
            answer = canned
        else:
            raise NoAnswer(text)
        return answer.status, answer.to(message_id(text))


def _answer(exchange: Exchange) -> Answer:
    return Answer(exchange.status, exchange.answer, message_id(exchange.request))
