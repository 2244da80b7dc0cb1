# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged requests: the service answers every one of them, with a fault or an answer of its own."""

from __future__ import annotations

import asyncio
import random
import re
import typing as t

import pytest

from tests.simulator.wire.operations import Caller, WsmanService, describe
from tests.simulator.wire.soap import NotXml, read_message
from tests.unit.simulator_wire.by_hand import CIMV2, ENUMERATE, GET, PULL, envelope
from tests.unit.simulator_wire.stub import USERS, StubServer

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD = f"{SHELL}/cmd"
STREAM = '<rsp:Stream Name="stdin" CommandId="{command}" End="true">YWJj</rsp:Stream>'
LINE = "<rsp:Command>more</rsp:Command><rsp:Arguments>x</rsp:Arguments>"
TEXTS = ("", "9" * 6000, "\u00b2", "-1", "\U0001f600", "=", "PT" + "9" * 400 + "S", "uuid:")


def requests(shell: str, command: str) -> list[bytes]:
    selected = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
    pull = "<n:Pull><n:EnumerationContext>x</n:EnumerationContext><n:MaxElements>9</n:MaxElements></n:Pull>"
    desired = f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout</rsp:DesiredStream></rsp:Receive>'
    return [
        envelope(),
        envelope(ENUMERATE, f"{CIMV2}/Win32_Service", "<n:Enumerate><w:MaxElements>9</w:MaxElements></n:Enumerate>"),
        envelope(PULL, f"{CIMV2}/*", pull),
        envelope(GET.replace("Get", "Create"), CMD, "<rsp:Shell><rsp:IdleTimeOut>PT1S</rsp:IdleTimeOut></rsp:Shell>"),
        envelope(f"{SHELL}/Command", CMD, f"<rsp:CommandLine>{LINE}</rsp:CommandLine>", extra=selected),
        envelope(f"{SHELL}/Send", CMD, f"<rsp:Send>{STREAM.format(command=command)}</rsp:Send>", extra=selected),
        envelope(f"{SHELL}/Receive", CMD, desired, extra=selected),
        envelope(f"{SHELL}/Signal", CMD, f'<rsp:Signal CommandId="{command}"/>', extra=selected),
    ]


def spoil(data: bytes, chance: random.Random) -> bytes:
    """Change a text, drop an element or an attribute, or change a byte."""
    text = data.decode()
    pattern, replacement = chance.choice(
        [
            (r">[^<]+<", f">{chance.choice(TEXTS)}<"),
            (r"<(\w+:\w+)[^>]*>[^<]*</\1>", ""),
            (r' \w+="[^"]*"', ""),
            (r"[A-Za-z]", "\u00e9"),
        ]
    )
    places = list(re.finditer(pattern, text))
    if not places:
        return data
    place = chance.choice(places)
    return (text[: place.start()] + replacement + text[place.end() :]).encode()


async def converse(seed: int) -> int:
    chance = random.Random(seed)
    stub = StubServer(chance.choice(["2003", "2008r2", "2022"]), language=t.cast("t.Any", chance.choice(["en", "de"])))
    service = WsmanService(stub, stub.limits)
    shell = command = "none"
    answered = 0
    for _turn in range(100):
        data = chance.choice(requests(shell, command))
        try:
            message = read_message(data if chance.random() < 0.5 else spoil(spoil(data, chance), chance))
        except NotXml:
            continue
        describe(message)
        status, answer = await service.answer(message, Caller(USERS[0], "127.0.0.1", "http://127.0.0.1:5985/wsman"))
        assert (status == 500) == (b"<s:Fault>" in answer)
        answered += status == 200
        shell = _found(rb'Name="ShellId">([^<]+)<', answer) or shell
        command = _found(rb"<rsp:CommandId>([^<]+)<", answer) or command
    return answered


def _found(pattern: bytes, answer: bytes) -> str | None:
    match = re.search(pattern, answer)
    return match.group(1).decode() if match else None


@pytest.mark.parametrize("seed", range(20))
def test_every_request_is_answered(seed: int) -> None:
    assert asyncio.run(converse(seed)) > 10
