# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pypsrp, another client that we did not write: its own envelopes, SPNEGO, and RelatesTo held against MessageID."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import SelectorSet, WSMan

from tests.unit.simulator_wire.bench import Bench, Serve
from tests.unit.simulator_wire.stub import StubServer

CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
MODES = [{"auth": "negotiate"}, {"auth": "ntlm"}, {"auth": "basic", "encryption": "never"}]


def connect(bench: Bench, password: str = "Pa55-word!", **mode: t.Any) -> WSMan:
    return WSMan(
        "127.0.0.1",
        port=bench.host.listener.port,
        ssl=False,
        username="Administrator",
        password=password,
        operation_timeout=5,
        read_timeout=10,
        no_proxy=True,
        **mode,
    )


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode["auth"])
@pytest.mark.parametrize("release", ["2003", "2008r2", "2022"])
def test_get_reads_an_instance(serve: Serve, mode: dict[str, t.Any], release: str) -> None:
    bench = serve(StubServer(release), allow_unencrypted=mode["auth"] == "basic")
    with connect(bench, **mode) as client:
        body = client.get(f"{CIMV2}/Win32_OperatingSystem")
    found = {item.tag.rpartition("}")[2]: item.text for item in body.iter()}
    assert found["Version"] == bench.stub.release.version
    assert found["Datetime"] == "2024-05-01T08:00:00.5Z"
    assert bench.host.counters.requests == (1 if mode["auth"] == "basic" else 4)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode["auth"])
@pytest.mark.parametrize("release", ["2003", "2022"])
def test_a_process_in_a_shell(serve: Serve, mode: dict[str, t.Any], release: str) -> None:
    bench = serve(StubServer(release), allow_unencrypted=mode["auth"] == "basic")
    with connect(bench, **mode) as client, WinRS(client) as shell:
        process = Process(shell, "fail", ["/c", "x"])
        process.invoke()
        process.signal(SignalCode.CTRL_C)
    assert (process.stdout, process.stderr, process.rc) == (b"out\r\n", b"err\r\n", 3)
    assert bench.stub.commands == [("fail /c x", b"", 437)]
    assert len(bench.host.service.shells) == 0


def test_input_goes_to_a_process(serve: Serve) -> None:
    with connect(serve(), auth="negotiate") as client, WinRS(client) as shell:
        process = Process(shell, "more")
        process.begin_invoke()
        process.send(b"one\r\n", end=False)
        process.send(b"two\r\n")
        process.end_invoke()
    assert process.stdout == b"more\r\none\r\ntwo\r\n"


def test_a_wrong_password_fails(serve: Serve) -> None:
    with connect(serve(), password="wrong", auth="negotiate") as client, pytest.raises(AuthenticationError):
        client.get(f"{CIMV2}/Win32_OperatingSystem")


@pytest.mark.parametrize("release", ["2003", "2008r2", "2022"])
def test_faults_carry_code_reason_and_provider(serve: Serve, release: str) -> None:
    with connect(serve(StubServer(release)), auth="negotiate") as client, pytest.raises(WSManFaultError) as caught:
        client.get(f"{CIMV2}/Win32_Nothing", selector_set=_selectors(Name="x"))
    assert caught.value.code == 0x80338000
    assert caught.value.reason
    assert caught.value.provider_path == "%systemroot%\\system32\\WsmWmiPl.dll"


def test_invoke_and_enumerate(serve: Serve) -> None:
    bench = serve()
    uri = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
    resource = ET.Element(f"{{{uri}}}SetMultiStringValue_INPUT")
    for name, text in (("sSubKeyName", "A"), ("sValueName", "B"), ("sValue", "1"), ("sValue", "2")):
        ET.SubElement(resource, f"{{{uri}}}{name}").text = text
    with connect(bench, auth="negotiate") as client:
        client.invoke(f"{uri}/SetMultiStringValue", uri, resource)
    assert bench.stub.values == {"A\\B": ["1", "2"]}


def _selectors(**pairs: str) -> SelectorSet:
    selectors = SelectorSet()
    for name, value in pairs.items():
        selectors.add_option(name, value)
    return selectors
