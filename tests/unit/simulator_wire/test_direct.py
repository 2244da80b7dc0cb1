# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server without a network: the usual answers, time that moves only when it is told to, and copies as it stands."""

from __future__ import annotations

import pytest

from tests.simulator.direct import DirectServer
from tests.unit.simulator_wire.by_hand import CIMV2, GET, envelope

SERVICE = f"{CIMV2}/Win32_Service"
SYSTEM = f"{CIMV2}/Win32_OperatingSystem"


def ask(server: DirectServer, action: str, name: str = "DNS") -> str:
    selected = f'<w:SelectorSet><w:Selector Name="Name">{name}</w:Selector></w:SelectorSet>'
    body = "" if action == GET else f"<p:{action.rpartition('/')[2]}_INPUT/>"
    return server.answer(envelope(action, SERVICE, body, extra=selected)).decode()


def dns(server: DirectServer) -> str:
    return str(server.state()["services"]["DNS"]["state"])


@pytest.fixture
def server() -> DirectServer:
    return DirectServer({"release": "2022", "roles": ["dns"]})


def test_it_answers_as_over_http(server: DirectServer) -> None:
    assert "Running" in ask(server, GET)
    assert "s:Fault" in ask(server, GET, "Nobody")


def test_time_moves_only_when_it_is_told_to(server: DirectServer) -> None:
    ask(server, f"{SERVICE}/StopService")
    assert (dns(server), server.is_at_rest) == ("Stop Pending", False)
    server.pass_time(60)
    assert (dns(server), server.is_at_rest) == ("Stopped", True)


def test_a_copy_goes_on_from_where_it_was_made(server: DirectServer) -> None:
    ask(server, f"{SERVICE}/StopService")
    copy = server.copied()
    server.pass_time(60)
    twin = DirectServer.restored(copy)
    assert dns(twin) == "Stop Pending"
    twin.pass_time(60)
    assert twin.state() == server.state()


def test_nobody_answers_while_it_boots(server: DirectServer) -> None:
    boot = server.state()["boot"]["id"]
    order = "<p:Win32ShutdownTracker_INPUT><p:Timeout>0</p:Timeout><p:Comment/><p:ReasonCode>0</p:ReasonCode>"
    order += "<p:Flags>6</p:Flags></p:Win32ShutdownTracker_INPUT>"
    assert "<p:ReturnValue>0<" in server.answer(envelope(f"{SYSTEM}/Win32ShutdownTracker", SYSTEM, order)).decode()
    while server.is_listening:
        server.pass_time(1)
    assert server.is_going_down
    with pytest.raises(ConnectionRefusedError):
        ask(server, GET)
    server.pass_time(600)
    assert server.state()["boot"]["id"] == boot + 1
    assert "Running" in ask(server, GET)


def test_a_host_entry_that_is_wrong_is_refused() -> None:
    with pytest.raises(ValueError, match="release"):
        DirectServer({"release": "2001"})
