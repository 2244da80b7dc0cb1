# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on the line within a session, by each way to log on: one sentence that sends nobody astray."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import RegistryError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.registry import Registry
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import Patience
from tests.simulator.wire.host import WireSettings
from tests.simulator.wire.injection import read_rule
from tests.unit.plugins.module_utils._wsman import transports
from tests.unit.simulator_wire.bench import Bench, serving
from tests.unit.simulator_wire.stub import StubServer

pytestmark = pytest.mark.usefixtures("library")
Method = t.Literal["basic", "ntlm"]
METHODS: t.Final[tuple[Method, ...]] = t.get_args(Method)
EMPTY: t.Final = r"the answer is empty; run again: the state is re-read first\. Tried 2 times\."
LOST: t.Final = r"connection was lost before the answer was complete.*; run again: .*Tried 2 times\."
LATER: t.Final[dict[str, tuple[dict[str, t.Any], str]]] = {
    "empty": ({"kind": "empty"}, EMPTY),
    "cut off": ({"kind": "cut"}, LOST),
    "dropped": ({"kind": "drop_after"}, LOST),
    "breaks off": ({"kind": "truncated"}, r"breaks off in the middle; run again: .*Tried 2 times\."),
    "401": (
        {"kind": "unauthorized"},
        r"no longer accepts the credentials .* that it accepted before \(401\); .*password changed.*ticket",
    ),
    "500 without a word": (
        {"kind": "http_status", "status": 500},
        r"answers without a SOAP message \(code 500\); look at the WinRM service and its event log",
    ),
    "503": ({"kind": "http_status", "status": 503}, r"is not available \(503\); start or restart it.*Tried 2 times\."),
    "silence": ({"kind": "hang"}, r"no answer in time; the server answered before: .*Tried 2 times\."),
}
ASTRAY: t.Final = ("proxy in between", "regedit", "check that host", "check host")


def client_of(bench: Bench, method: Method) -> Client:
    session = transports.session_for(
        bench.url, method=method, user="Administrator", password="Pa55-word!", read_timeout=2
    )
    patience = Patience(retries=1, retry_delay=0.01, deadline=30)
    return Client(transports.present.transport(session, host="edge1"), patience=patience)


def read(client: Client) -> None:
    Registry(client).read("SYSTEM", "ReservedPorts", RegistryType.MULTI_STRING)


def failing(bench: Bench, rule: dict[str, t.Any]) -> None:
    bench.call(lambda: bench.host.injections.rules.append(read_rule({**rule, "times": None})))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LATER)
def test_in_the_middle_of_a_session(tmp_path: pathlib.Path, method: Method, name: str) -> None:
    rule, sentence = LATER[name]
    settings = WireSettings(schemes=("negotiate", "basic"), allow_unencrypted=method == "basic")
    with serving(StubServer("2022"), settings, tmp_path) as bench:
        client = client_of(bench, method)
        read(client)
        failing(bench, rule)
        with pytest.raises((errors.WsmanError, RegistryError), match=sentence) as caught:
            read(client)
    assert not any(words in str(caught.value) for words in ASTRAY), str(caught.value)


def test_basic_that_the_server_refuses_to_read_in_clear_text(tmp_path: pathlib.Path, library: str) -> None:
    with serving(StubServer("2022"), WireSettings(), tmp_path) as bench, pytest.raises(errors.WsmanError) as caught:
        client_of(bench, "basic").get("root/cimv2", "Win32_OperatingSystem")
    assert "needs AllowUnencrypted" in str(caught.value)
    named = {"pywinrm": "ansible_winrm_transport: ntlm", "pypsrp": "ansible_psrp_auth: ntlm"}
    assert named[library] in str(caught.value)


def test_only_a_text_that_xml_cannot_carry_sends_to_regedit(tmp_path: pathlib.Path) -> None:
    stub = StubServer("2022")
    stub.values["SYSTEM\\ReservedPorts"] = ["a\x01b"]
    settings = WireSettings(allow_unencrypted=True, schemes=("basic",), raw_control_characters=True)
    with serving(stub, settings, tmp_path) as bench:
        client = client_of(bench, "basic")
        with pytest.raises(RegistryError, match="regedit"):
            read(client)
        stub.values["SYSTEM\\ReservedPorts"] = ["1-2"]
        failing(bench, {"kind": "malformed"})
        with pytest.raises(RegistryError) as caught:
            read(client)
    assert "regedit" not in str(caught.value)
