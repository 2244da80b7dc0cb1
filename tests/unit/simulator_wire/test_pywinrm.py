# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pywinrm, which we did not write, against the wire: Basic, and NTLM with message encryption."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest
import requests
import winrm.exceptions
import xmltodict
from winrm.protocol import Protocol

from tests.unit.simulator_wire.bench import Bench, Serve
from tests.unit.simulator_wire.stub import StubServer

STDREGPROV = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
PASSWORD = "Pa55-word!"


def protocol(bench: Bench, transport: str = "basic", password: str = PASSWORD, user: str = "Administrator") -> Protocol:
    return Protocol(
        bench.url,
        transport=t.cast("t.Any", transport),
        username=user,
        password=password,
        operation_timeout_sec=5,
        read_timeout_sec=10,
        proxy=None,
    )


def send(client: Protocol, action: str, uri: str, body: dict[str, t.Any], **header: t.Any) -> ET.Element:
    message = {"env:Envelope": client._get_soap_header(action=action, resource_uri=uri)}
    message["env:Envelope"]["env:Header"].update(header)
    message["env:Envelope"]["env:Body"] = body
    return ET.fromstring(client.send_message(xmltodict.unparse(message)))


def invoke(client: Protocol, method: str, **parameters: t.Any) -> ET.Element:
    arguments = {f"q:{name}": value for name, value in parameters.items()}
    body = {f"q:{method}_INPUT": {"@xmlns:q": STDREGPROV, **arguments}}
    return send(client, f"{STDREGPROV}/{method}", STDREGPROV, body)


def texts(answer: ET.Element, name: str) -> list[str | None]:
    return [item.text for item in answer.iter() if item.tag.rpartition("}")[2] == name]


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
@pytest.mark.parametrize("release", ["2003", "2008r2", "2022"])
def test_invoke_writes_and_reads_a_multi_string(serve: Serve, transport: str, release: str) -> None:
    bench = serve(StubServer(release), allow_unencrypted=transport == "basic")
    client = protocol(bench, transport)
    key = {"hDefKey": 2147483650, "sSubKeyName": "S\\Y", "sValueName": "ReservedPorts"}
    assert texts(invoke(client, "GetMultiStringValue", **key), "ReturnValue") == ["1"]
    assert texts(invoke(client, "SetMultiStringValue", **key, sValue=["1-2", "\u00fc <&>"]), "ReturnValue") == ["0"]
    assert bench.stub.values == {"S\\Y\\ReservedPorts": ["1-2", "\u00fc <&>"]}
    answer = invoke(client, "GetMultiStringValue", **key)
    assert texts(answer, "sValue") == ["1-2", "\u00fc <&>"]
    invoke(client, "SetMultiStringValue", **key, sValue=[])
    assert texts(invoke(client, "GetMultiStringValue", **key), "sValue") == []


@pytest.mark.parametrize(("transport", "expected"), [("basic", 1), ("ntlm", 4)])
def test_requests_are_counted_as_the_facts_say(serve: Serve, transport: str, expected: int) -> None:
    bench = serve(allow_unencrypted=transport == "basic")
    invoke(protocol(bench, transport), "GetMultiStringValue", sSubKeyName="a", sValueName="b")
    counters = bench.call(bench.host.counters_json)
    assert counters["requests"] == expected
    assert counters["messages"] == 1
    assert counters["authentication_rounds"] == expected - 1
    assert counters["connections"] == 1
    assert counters["bytes_in_total"] > counters["bytes_in"] > 500
    assert counters["by_action"] == {"GetMultiStringValue": 1}
    assert "sValueName=b" in counters["log"][0]["brief"]
    assert counters["log"][0]["bytes_in"] > 500


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_a_shell_runs_commands(serve: Serve, transport: str) -> None:
    bench = serve(allow_unencrypted=transport == "basic")
    client = protocol(bench, transport)
    shell = client.open_shell(codepage=437)
    command = client.run_command(shell, "fail", ["a", "b c"])
    assert client.get_command_output(shell, command) == (b"out\r\n", b"err\r\n", 3)
    client.cleanup_command(shell, command)
    command = client.run_command(shell, "big")
    out, _err, code = client.get_command_output(shell, command)
    assert (len(out), code) == (200_000, 0)
    client.close_shell(shell)
    assert bench.stub.commands == [("fail a b c", b"", 437), ("big", b"", 437)]
    methods = [item.method for item in bench.host.counters.log]
    assert methods[:4] == ["Create", "Command", "Receive", "Signal"]
    assert methods.count("Receive") == 5
    assert methods[-1] == "Delete"


def test_input_reaches_a_command_that_waits_for_it(serve: Serve) -> None:
    bench = serve()
    client = protocol(bench)
    shell = client.open_shell()
    command = client.run_command(shell, "read", console_mode_stdin=False)
    client.send_command_input(shell, command, b"one ")
    client.send_command_input(shell, command, b"two", end=True)
    assert client.get_command_output(shell, command)[0] == b"read\r\none two"


def test_a_long_command_times_out_receives_until_it_is_done(serve: Serve) -> None:
    bench = serve()
    bench.host.service.shells.extra_seconds = 1.5
    client = Protocol(bench.url, "basic", "Administrator", PASSWORD, operation_timeout_sec=1, read_timeout_sec=5)
    shell = client.open_shell()
    command = client.run_command(shell, "slow")
    with pytest.raises(winrm.exceptions.WinRMOperationTimeoutError):
        client.get_command_output_raw(shell, command)
    assert client.get_command_output(shell, command)[0] == b"slow\r\n"


@pytest.mark.parametrize(
    ("release", "stack", "allowed"), [("2003", "1.1", 2), ("2008r2", "2.0", 5), ("2022", "3.0", 30)]
)
def test_too_many_shells_are_refused(serve: Serve, release: str, stack: t.Any, allowed: int) -> None:
    client = protocol(serve(StubServer(release, stack)))
    for _turn in range(allowed):
        client.open_shell()
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        client.open_shell()
    assert caught.value.fault_subcode == "w:QuotaLimit"
    assert 0x803381A5 in (caught.value.wsman_fault_code, caught.value.wmierror_code)
    assert (caught.value.wmierror_code is not None) == (stack == "3.0")


def test_commands_of_old_stacks_use_up_the_operations_of_their_shell(serve: Serve) -> None:
    client = protocol(serve(StubServer("2008r2")))
    shell = client.open_shell()
    for _turn in range(15):
        command = client.run_command(shell, "x")
        client.get_command_output(shell, command)
        client.cleanup_command(shell, command)
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        client.run_command(shell, "x")
    assert caught.value.wsman_fault_code == 0x803381A6
    client.close_shell(shell, close_session=False)
    client.run_command(client.open_shell(), "x")


def test_winrm_11_takes_one_command_at_a_time(serve: Serve) -> None:
    client = protocol(serve(StubServer("2003", "1.1")))
    shell = client.open_shell()
    first = client.run_command(shell, "x")
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        client.run_command(shell, "x")
    assert caught.value.fault_subcode == "w:Concurrency"
    client.cleanup_command(shell, first)
    client.run_command(shell, "x")


def test_unknown_shells_and_commands_are_invalid_selectors(serve: Serve) -> None:
    client = protocol(serve())
    shell = client.open_shell()
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        client.get_command_output(shell, "87E77BEB-6761-4C48-9D70-A00266B8459A")
    assert (caught.value.fault_subcode, caught.value.wsman_fault_code) == ("w:InvalidSelectors", 0x8033805B)
    client.close_shell(shell, close_session=False)
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        client.run_command(shell, "x")
    assert caught.value.wsman_fault_code == 0x8033805B


# -- logons -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_a_wrong_password_is_401_and_locks_the_account_in_the_end(serve: Serve, transport: str) -> None:
    bench = serve(lockout_threshold=3)
    for _turn in range(3):
        with pytest.raises(winrm.exceptions.InvalidCredentialsError):
            protocol(bench, transport, password="wrong").open_shell()
    assert bench.host.accounts.locked() == ["administrator"]
    with pytest.raises(winrm.exceptions.InvalidCredentialsError):
        protocol(bench, transport).open_shell()
    bench.host.accounts.unlock()
    protocol(bench, transport).open_shell()


@pytest.mark.parametrize("name", ["administrator", "STUB\\Administrator", ".\\Administrator"])
@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_account_names_in_their_usual_forms(serve: Serve, transport: str, name: str) -> None:
    protocol(serve(), transport, user=name).open_shell()


def test_a_filtered_token_is_denied(serve: Serve) -> None:
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        protocol(serve(), user="filtered").open_shell()
    assert (caught.value.fault_subcode, caught.value.wsman_fault_code) == ("w:AccessDenied", 5)


def test_a_plain_user_with_wmi_rights_reads_but_gets_no_shell(serve: Serve) -> None:
    client = protocol(serve(), user="reader")
    invoke(client, "GetMultiStringValue", sSubKeyName="a", sValueName="b")
    with pytest.raises(winrm.exceptions.WSManFaultError):
        client.open_shell()


def test_basic_is_not_taken_where_only_negotiate_is_offered(serve: Serve) -> None:
    with pytest.raises(winrm.exceptions.InvalidCredentialsError):
        protocol(serve(schemes=("negotiate",))).open_shell()


def test_plain_text_is_refused_unless_it_is_allowed(serve: Serve) -> None:
    bench = serve(allow_unencrypted=False)
    answer = requests.post(bench.url, data=b"<x/>", auth=("Administrator", PASSWORD), timeout=5)
    assert (answer.status_code, answer.content) == (500, b"")
    client = Protocol(bench.url, "ntlm", "Administrator", PASSWORD, message_encryption="never")
    with pytest.raises(winrm.exceptions.WinRMTransportError):
        client.open_shell()


def test_a_sealed_body_on_a_new_connection_is_a_bad_request(serve: Serve) -> None:
    bench = serve(allow_unencrypted=False)
    client = protocol(bench, "ntlm")
    client.open_shell()
    bench.call(bench.host.listener.abort_connections)
    for _turn in range(2):
        with pytest.raises((winrm.exceptions.WinRMTransportError, requests.ConnectionError)):
            client.open_shell()
    client.transport.close_session()
    client.open_shell()


# -- faults -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "subcode", "code"),
    [("Denied", "w:AccessDenied", 5), ("Missing", "a:ActionNotSupported", 0x80338013)],
)
def test_refusals_of_wmi_become_faults(serve: Serve, method: str, subcode: str, code: int) -> None:
    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        invoke(protocol(serve()), method)
    assert (caught.value.code, caught.value.fault_subcode, caught.value.wsman_fault_code) == (500, subcode, code)


def test_a_provider_error_is_an_msft_wmierror_on_new_stacks_only(serve: Serve) -> None:
    for release, new in (("2022", True), ("2008r2", False)):
        with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
            invoke(protocol(serve(StubServer(release))), "Wrong")
        assert (caught.value.wmierror_code == 0x80041008) == new
        assert (caught.value.wsman_fault_code is None) == new


def enumerate_body(query: str) -> dict[str, t.Any]:
    return {
        "n:Enumerate": {
            "w:OptimizeEnumeration": None,
            "w:MaxElements": "32000",
            "w:Filter": {"@Dialect": WQL, "#text": query},
        }
    }


@pytest.mark.parametrize(
    ("release", "stack", "first", "requests_needed"),
    [("2003", "2.0", 60, 2), ("2003", "1.1", 20, 6), ("2008r2", "2.0", 1, 3), ("2022", "3.0", 1, 3)],
)
def test_batches_are_those_of_the_release(
    serve: Serve, release: str, stack: t.Any, first: int, requests_needed: int
) -> None:
    bench = serve(StubServer(release, stack))
    client = protocol(bench)
    uri = f"{CIMV2}/*"
    action = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/{}"
    answer = send(client, action.format("Enumerate"), uri, enumerate_body("select * from Win32_Service"))
    found = texts(answer, "Name")
    assert len(found) in range(first, first + 15)
    contexts = []
    count = 1
    while not any(item.tag.endswith("EndOfSequence") for item in answer.iter()):
        contexts.append(texts(answer, "EnumerationContext")[0])
        body = {"n:Pull": {"n:EnumerationContext": contexts[-1], "n:MaxElements": "32000"}}
        answer = send(client, action.format("Pull"), uri, body)
        found += texts(answer, "Name")
        count += 1
    assert found == [f"svc{n:03}" for n in range(120)]
    assert count == requests_needed
    assert len(set(contexts)) == len(contexts)
    with pytest.raises(winrm.exceptions.WSManFaultError):
        send(client, action.format("Pull"), uri, {"n:Pull": {"n:EnumerationContext": contexts[0]}})
