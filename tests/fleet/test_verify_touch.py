# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of the grade touch: they see what the simulator does, and leave nothing behind, wherever they break."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import VERIFY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import touch_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.command_lines import joined
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.verify import verify
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NoConnection
from tests.fleet.host_cases import Json
from tests.fleet.snapshot import Snapshot
from tests.fleet.verified_hosts import HOSTS
from tests.fleet.verifying import TOUCH, Line, looked
from tests.simulator.direct import DirectServer

MEMBER: t.Final[Json] = {
    "release": "2022",
    "roles": ["member"],
    "exclusions": [{"protocol": "udp", "ports": "65330-65330"}],
    "foreigners": [{"image": "agent.exe", "protocol": "udp", "port": 65101}],
}
"""A small server with an exclusion and a socket that are not ours, among the ports of the choice."""
LASTING: t.Final = ("registry", "exclusions", "services", "files", "dynamic_ranges", "sockets")
WITH_NETSH: t.Final = ("edge", "2008", "remote-access")


@pytest.mark.parametrize("name", HOSTS)
def test_nothing_is_otherwise_and_nothing_stays(name: str) -> None:
    seen = looked(HOSTS[name], TOUCH)
    assert {one.probe.id: one.seen for one in seen.verified.results if one.verdict == "otherwise"} == {}
    told = {one.probe.id for one in seen.verified.results if one.verdict == "as_expected"}
    assert len(told) == (len(TOUCH) if name in WITH_NETSH else len(told))
    assert _lasting(seen.after) == _lasting(seen.before)
    assert seen.after.data["wire"] == {"shells": [], "enumerations": 0}


def test_every_probe_comes_to_its_verdict() -> None:
    assert {one.verdict for one in looked(HOSTS["edge"], TOUCH).verified.results} == {"as_expected"}


def test_only_our_own_is_written() -> None:
    line = Line(DirectServer({"name": "server", **MEMBER}))
    verify(line, TOUCH)
    text = b"".join(line.sent).decode()
    keys = re.findall(r"<q:(?:Set|Create|Delete)\w+_INPUT.*?<q:sSubKeyName>(.*?)</q:sSubKeyName>", text)
    assert len(keys) > 10
    assert {key.removesuffix(r"\Absent") for key in keys} == {VERIFY_KEY}
    changed = {int(port) for port in re.findall(r"(?:add|delete) \w+ \w+=udp startport=(\d+)", text)}
    # 65100 to 65103 are not free: a stranger has 65101.
    assert changed == {65104, 65105, 65106}


def _lasting(snapshot: Snapshot) -> dict[str, t.Any]:
    return {key: snapshot.data[key] for key in LASTING}


def _messages() -> int:
    line = Line(DirectServer({"name": "server", **MEMBER}))
    verify(line, TOUCH)
    return len(line.sent)


@pytest.mark.parametrize("delivered", [False, True], ids=["lost", "delivered"])
def test_a_run_that_breaks_off_at_any_message_leaves_nothing_after_the_next(delivered: bool) -> None:
    left, notes = [], 0
    for number in range(1, _messages() + 1):
        server = DirectServer({"name": "server", **MEMBER})
        before = _lasting(Snapshot(server.state()))
        with pytest.raises(NoConnection):
            verify(Line(server, breaks_at=number, delivered=delivered), TOUCH)
        notes += Snapshot(server.state()).value(VERIFY_KEY, touch_steps.NOTE) is not None
        # The shell of the broken run is still there; the next one opens its own.
        results = verify(Line(server), TOUCH).results
        if _lasting(Snapshot(server.state())) != before or {one.verdict for one in results} != {"as_expected"}:
            left.append(number)
    assert left == []
    assert notes > 20


@pytest.mark.parametrize("done", range(1, len(touch_steps.netsh_steps(touch_steps.CHOICE)) + 1, 2))
def test_commands_that_were_cut_off_are_taken_back(done: int) -> None:
    """The joined line of netsh ended after some of its commands: the server went down, say."""
    server = DirectServer({"name": "server", **MEMBER})
    before = _lasting(Snapshot(server.state()))
    ports = PortRange(65104, 65107)
    note = {"do": "set_value", "path": VERIFY_KEY, "name": touch_steps.NOTE, "type": "SZ"}
    server.act({**note, "data": touch_steps.note_text(ports)})
    lines = [command.line for command in touch_steps.netsh_steps(ports)][:done]
    with Client(Line(server)).shell(codepage=437) as shell:
        shell.run(joined(lines))
    verify(Line(server), TOUCH)
    assert _lasting(Snapshot(server.state())) == before


@pytest.mark.parametrize("text", ["udp 65330-65330", "udp 00001-65535", "udp 65100-65499", "tcp 65104-65107", "; del"])
def test_a_note_that_is_not_ours_frees_nobodys_ports(text: str) -> None:
    server = DirectServer({"name": "server", **MEMBER})
    exclusions = Snapshot(server.state()).data["exclusions"]
    note = {"do": "set_value", "path": VERIFY_KEY, "name": touch_steps.NOTE, "type": "SZ"}
    server.act({**note, "data": text})
    verify(Line(server), TOUCH)
    after = Snapshot(server.state())
    assert after.data["exclusions"] == exclusions
    assert after.value(VERIFY_KEY, touch_steps.NOTE) is None
