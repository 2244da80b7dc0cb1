# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded conversations: which requests are the same, and what comes back."""

from __future__ import annotations

import pytest

from tests.bench.conversation import Conversation, Exchange, NoAnswer


def request(what: str, *, number: int = 1, seconds: int = 20) -> str:
    return (
        f"<s:Header><a:Action>urn:{what}</a:Action><a:MessageID>uuid:{number}</a:MessageID>"
        f"<w:OperationTimeout>PT{seconds}S</w:OperationTimeout></s:Header><s:Body>{what}</s:Body>"
    )


def exchange(what: str, answer: str, *, number: int = 1, status: int = 200) -> Exchange:
    relation = f"<a:RelatesTo>uuid:{number}</a:RelatesTo>"
    return Exchange(request(what, number=number), status, f"{relation}<s:Body>{answer}</s:Body>")


def test_another_message_id_and_timeout_are_the_same_request_and_the_answer_relates_to_it() -> None:
    listener = Conversation([exchange("ask", "said", number=4711, status=500)]).listener()
    status, answer = listener.answer(request("ask", number=9, seconds=60).encode())
    assert status == 500
    assert answer == b"<a:RelatesTo>uuid:9</a:RelatesTo><s:Body>said</s:Body>"


def test_what_was_never_recorded_has_no_answer() -> None:
    listener = Conversation([exchange("ask", "said")]).listener()
    with pytest.raises(NoAnswer, match="another"):
        listener.answer(request("another").encode())


def test_a_question_asked_twice_gets_both_answers_and_then_the_first_again() -> None:
    listener = Conversation([exchange("ask", "one", number=1), exchange("ask", "two", number=2)]).listener()
    answers = [listener.answer(request("ask").encode())[1] for _time in range(3)]
    assert [b"one" in answer for answer in answers] == [True, False, True]


def test_each_host_has_its_own_turn() -> None:
    conversation = Conversation([exchange("ask", "one", number=1), exchange("ask", "two", number=2)])
    first, second = conversation.listener(), conversation.listener()
    assert first.answer(request("ask").encode()) == second.answer(request("ask").encode())


def test_an_answer_by_the_action_alone_takes_any_body_and_is_counted() -> None:
    listener = Conversation([exchange("ask", "said")], [exchange("Send", "taken")]).listener()
    different = request("Send").replace("<s:Body>", "<s:Body>another program")
    assert b"taken" in listener.answer(different.encode())[1]
    assert b"said" in listener.answer(request("ask").encode())[1]
    assert listener.canned == 1


def test_a_file_holds_the_whole_conversation() -> None:
    conversation = Conversation([exchange("ask", "said")], [exchange("Send", "taken")])
    assert Conversation.from_json(conversation.to_json()).to_json() == conversation.to_json()
