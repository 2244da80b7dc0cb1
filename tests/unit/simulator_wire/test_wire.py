# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener and the strict points of WinRM, with requests put together by hand."""

from __future__ import annotations

import http.client
import socket
import typing as t
import xml.etree.ElementTree as ET

import pytest

from tests.simulator.wire.soap import NAMESPACES, NotXml, parse_duration, parse_xml, tag
from tests.unit.simulator_wire.bench import Serve
from tests.unit.simulator_wire.by_hand import (
    BASIC,
    CIMV2,
    ENUMERATE,
    GET,
    PULL,
    WQL,
    ask,
    envelope,
    names,
    post,
    subcode,
)
from tests.unit.simulator_wire.stub import StubServer


# -- the shapes of captured answers ------------------------------------------------------------------------------------
def test_the_header_of_an_answer(serve: Serve) -> None:
    header = ask(serve()).find(tag("s:Header"))
    assert names(header) == [tag(name) for name in ("a:Action", "a:MessageID", "a:To", "a:RelatesTo")]
    assert header is not None
    assert header[0].text == GET + "Response"
    assert header[3].text == "uuid:5B8A8E6A-52A5-4C1E-B1E8-6C8F1E6A0001"


def test_an_instance_has_its_class_and_sorted_properties(serve: Serve) -> None:
    _status, raw = post(serve(), envelope())
    item = ET.fromstring(raw)[1][0]
    uri = f"{CIMV2}/Win32_OperatingSystem"
    assert item.tag == f"{{{uri}}}Win32_OperatingSystem"
    assert item.get(tag("xsi:type")) == "p:Win32_OperatingSystem_Type"
    local = [child.tag.removeprefix(f"{{{uri}}}") for child in item]
    assert local == ["CSDVersion", "Debug", "LastBootUpTime", "MUILanguages", "MUILanguages", "Version"]
    assert item[0].get(tag("xsi:nil")) == "true"
    assert names(item[2]) == [tag("cim:Datetime")]


def query(text: str, *, optimize: bool = True) -> str:
    hint = "<w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements>" if optimize else ""
    return f'<n:Enumerate>{hint}<w:Filter Dialect="{WQL}">{text}</w:Filter></n:Enumerate>'


def test_the_first_answer_and_a_pull(serve: Serve) -> None:
    stub = StubServer("2008r2")
    stub.count = 3
    bench = serve(stub)
    first = ask(bench, ENUMERATE, f"{CIMV2}/*", query("select * from Win32_Service"))[1][0]
    assert names(first) == [tag("n:EnumerationContext"), tag("w:Items")]
    assert first[1][0].get(tag("xsi:type")) == "p:Win32_Service_Type"
    context = f"<n:EnumerationContext>{first[0].text}</n:EnumerationContext>"
    pull = f"<n:Pull>{context}<n:MaxElements>9</n:MaxElements></n:Pull>"
    rest = ask(bench, PULL, f"{CIMV2}/*", pull)[1][0]
    assert names(rest) == [tag("n:Items"), tag("n:EndOfSequence")]
    assert len(rest[0]) == 2


def test_a_sequence_that_ends_at_once_has_an_empty_context(serve: Serve) -> None:
    stub = StubServer("2008r2")
    stub.count = 1
    first = ask(serve(stub), ENUMERATE, f"{CIMV2}/*", query("select Name, Started from Win32_Service"))[1][0]
    assert names(first) == [tag("n:EnumerationContext"), tag("w:Items"), tag("w:EndOfSequence")]
    assert not first[0].text
    assert first[1][0].tag == tag("w:XmlFragment")
    fragment = [child.tag for child in first[1][0]]
    assert fragment == sorted(fragment, key=str.lower)
    assert not any(name.startswith("{") for name in fragment)


def test_an_empty_result_is_the_end_without_items(serve: Serve) -> None:
    first = ask(serve(), ENUMERATE, f"{CIMV2}/*", query("select * from Nothing"))[1][0]
    assert names(first) == [tag("n:EnumerationContext"), tag("w:EndOfSequence")]


def test_without_the_optimization_there_is_only_a_context(serve: Serve) -> None:
    first = ask(serve(), ENUMERATE, f"{CIMV2}/*", query("select * from Win32_Service", optimize=False))[1][0]
    assert names(first) == [tag("n:EnumerationContext")]
    assert first[0].text


def test_a_whole_class_is_enumerated_without_a_filter(serve: Serve) -> None:
    body = "<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>9</w:MaxElements></n:Enumerate>"
    item = ask(serve(), ENUMERATE, f"{CIMV2}/Win32_DependentService", body)[1][0][1][0]
    reference = item[0]
    assert names(reference) == [tag("a:Address"), tag("a:ReferenceParameters")]
    assert reference.findtext(f".//{tag('w:ResourceURI')}") == f"{CIMV2}/Win32_Service"
    assert reference.findtext(f".//{tag('w:Selector')}") == "DNS"


@pytest.mark.parametrize(("release", "stack", "extended"), [("2003", "1.1", False), ("2008r2", "2.0", True)])
def test_an_unknown_class_in_a_query(serve: Serve, release: str, stack: t.Any, extended: bool) -> None:
    root = ask(serve(StubServer(release, stack)), ENUMERATE, f"{CIMV2}/*", query("select * from Win32_Wrong"))
    assert root.findtext(f".//{tag('a:Action')}") == "http://schemas.xmlsoap.org/ws/2004/09/enumeration/fault"
    fault = root[1][0]
    assert names(fault) == [tag(name) for name in ("s:Code", "s:Reason", "s:Detail")]
    assert subcode(root) == "n:CannotProcessFilter"
    codes = [item.get("Code") for item in root.iter(tag("f:WSManFault"))]
    assert codes == ["2150858778", "2150858778"]
    assert (root.find(f".//{tag('f:ExtendedError')}") is not None) == extended


def test_the_language_of_the_server_is_that_of_the_reason(serve: Serve) -> None:
    root = ask(serve(StubServer("2022", language="de")), GET, f"{CIMV2}/Win32_Wrong")
    reason = root.find(f".//{tag('s:Text')}")
    assert reason is not None
    assert reason.get("{http://www.w3.org/XML/1998/namespace}lang") == "de-DE"


@pytest.mark.parametrize(("release", "stack", "modern"), [("2003", "1.1", False), ("2022", "3.0", True)])
def test_a_shell_as_old_and_new_stacks_describe_it(serve: Serve, release: str, stack: t.Any, modern: bool) -> None:
    body = "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams></rsp:Shell>"
    uri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
    created = ask(serve(StubServer(release, stack)), GET.replace("Get", "Create"), uri, body)[1]
    assert names(created) == [tag("x:ResourceCreated"), *([tag("rsp:Shell")] if modern else [])]
    assert names(created[0]) == [tag("a:Address"), tag("a:ReferenceParameters")]
    assert (created.findtext(f".//{tag('w:Selector')}") or "").startswith("uuid:") == (not modern)


# -- the strict points -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reply_to": ""}, "a:MessageInformationHeaderRequired"),
        ({"message_id": "<a:MessageID></a:MessageID>"}, "a:InvalidMessageInformationHeader"),
        ({"size": "<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"}, "w:EncodingLimit"),
        ({"extra": '<w:Locale xml:lang="fr-FR" s:mustUnderstand="true"/>'}, "w:UnsupportedFeature"),
        ({"uri": "http://schemas.example/none"}, "a:DestinationUnreachable"),
        ({"action": "http://schemas.example/none/Do"}, "a:ActionNotSupported"),
        ({"uri": f"{CIMV2}/Huge"}, "w:EncodingLimit"),
        (
            {"uri": f"{CIMV2}/Huge", "action": f"{CIMV2}/Huge/SetLoudly", "body": "<x/>"},
            "w:UnreportableSuccess",
        ),
    ],
    ids=[
        "no ReplyTo",
        "empty MessageID",
        "small envelope",
        "locale",
        "resource",
        "action",
        "large answer",
        "large answer to a change",
    ],
)
def test_strict_points(serve: Serve, changes: dict[str, str], expected: str) -> None:
    assert subcode(ask(serve(), **changes)) == expected


def test_lenient_points(serve: Serve) -> None:
    extra = '<w:Locale xml:lang="fr-FR" s:mustUnderstand="false"/><q:Unknown xmlns:q="u"/>'
    assert subcode(ask(serve(), extra=extra)) is None


def test_what_is_too_large_gets_413_without_soap(serve: Serve) -> None:
    bench = serve(StubServer("2008r2"))
    assert post(bench, b" " * (151 * 1024)) == (413, b"")
    assert post(bench, b" " * (800 * 1024)) == (413, b"")


@pytest.mark.parametrize("body", [b"nonsense", b"<x/>", b'<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>'])
def test_what_is_no_envelope_is_a_fault_or_refused(serve: Serve, body: bytes) -> None:
    status, answer = post(serve(StubServer("2003", "1.1")), body)
    assert status == 500
    assert subcode(ET.fromstring(answer)) == "w:SchemaValidationError"


def test_identify_needs_no_logon_and_tells_no_version(serve: Serve) -> None:
    bench = serve()
    connection = http.client.HTTPConnection("127.0.0.1", bench.host.listener.port, timeout=5)
    connection.request("POST", "/wsman", b"<x/>", {"WSMANIDENTIFY": "unauthenticated"})
    assert b"OS: 0.0.0 SP: 0.0 Stack: 3.0" in connection.getresponse().read()
    body = b'<s:Envelope xmlns:s="%s"><s:Header/><s:Body><i:Identify xmlns:i="%s"/></s:Body></s:Envelope>' % (
        NAMESPACES["s"].encode(),
        NAMESPACES["wsmid"].encode(),
    )
    assert b"OS: 10.0.20348 SP: 0.0 Stack: 3.0" in post(bench, body)[1]


def test_a_401_names_what_is_offered(serve: Serve) -> None:
    bench = serve()
    connection = http.client.HTTPConnection("127.0.0.1", bench.host.listener.port, timeout=5)
    connection.request("POST", "/wsman", envelope())
    answer = connection.getresponse()
    assert answer.status == 401
    assert answer.headers.get_all("WWW-Authenticate") == ["Negotiate", 'Basic realm="WSMAN"']


@pytest.mark.parametrize("token", ["", "x", "AAAA", "TlRMTVNTUAADAAAA", "YGgGBisGAQUFAqBeMFw="])
def test_malformed_tokens_are_401(serve: Serve, token: str) -> None:
    status, _body = post(serve(), envelope(), Authorization=f"Negotiate {token}")
    assert status == 401


def test_other_paths_are_not_there(serve: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serve().host.listener.port, timeout=5)
    connection.request("POST", "/other", b"")
    assert connection.getresponse().status == 404


# -- the listener ------------------------------------------------------------------------------------------------------
def test_a_host_that_is_down_refuses_and_comes_back_on_its_port(serve: Serve) -> None:
    bench = serve()
    port = bench.host.listener.port
    held = socket.create_connection(("127.0.0.1", port), 5)
    bench.stub.listening = False
    bench.follow()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    with pytest.raises(ConnectionResetError):
        held.recv(1)
    bench.stub.listening = True
    bench.stub.boots += 1
    bench.follow()
    assert bench.host.listener.port == port
    assert subcode(ask(bench)) is None


def test_a_boot_ends_shells_and_connections(serve: Serve) -> None:
    bench = serve()
    uri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
    ask(bench, GET.replace("Get", "Create"), uri, "<rsp:Shell/>")
    assert len(bench.host.service.shells) == 1
    bench.stub.boots += 1
    bench.follow()
    assert len(bench.host.service.shells) == 0


def test_idle_connections_are_closed(serve: Serve) -> None:
    bench = serve(idle_seconds=0.2)
    with socket.create_connection(("127.0.0.1", bench.host.listener.port), 5) as held:
        assert held.recv(1) == b""


def test_many_requests_share_a_connection(serve: Serve) -> None:
    bench = serve()
    connection = http.client.HTTPConnection("127.0.0.1", bench.host.listener.port, timeout=5)
    for _turn in range(5):
        connection.request("POST", "/wsman", envelope(), {"Authorization": BASIC})
        assert connection.getresponse().read()
    assert bench.host.listener.accepted == 1


# -- small pure things -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT20S", 20), ("PT60.000S", 60), ("P0DT0H1M0S", 60), ("P1D", 86400), ("", None), ("P", None), ("20", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_a_dtd_is_named_as_such() -> None:
    with pytest.raises(NotXml) as caught:
        parse_xml(b"<!DOCTYPE x><x/>")
    assert caught.value.has_dtd
