# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the simulator against the shapes of captured ones.

The captures are other people's: what stands here is their structure, written down by hand, line by line: an element's
prefixed name, indented by its depth. Names without prefix are in the
namespace of the class.
"""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest

from tests.simulator.direct import DirectServer
from tests.simulator.wire.soap import NAMESPACES, tag
from tests.unit.simulator_wire.by_hand import CIMV2, ENUMERATE, WQL, envelope, number, subcode

STDREGPROV = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
COMMAND = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command"
PREFIXES: t.Final = {uri: prefix for prefix, uri in NAMESPACES.items()}


def server(release: str = "2022", **entry: t.Any) -> DirectServer:
    return DirectServer({"release": release, "roles": ["dns"], **entry})


def answered(target: DirectServer, *arguments: t.Any, **changes: str) -> ET.Element:
    return ET.fromstring(target.answer(envelope(*arguments, **changes)))


def prefixed(name: str) -> str:
    namespace, brace, local = name.rpartition("}")
    prefix = PREFIXES.get(namespace.removeprefix("{"))
    return f"{prefix}:{local}" if prefix else local if brace else name


def outline(node: ET.Element, depth: int = 0) -> list[str]:
    """One line for each element."""
    below = [line for item in node for line in outline(item, depth + 1)]
    return [f"{'  ' * depth}{prefixed(node.tag)}", *below]


def lines(text: str) -> list[str]:
    """An outline as it is written below."""
    return [line[4:] for line in text.strip("\n").splitlines()]


def enumerated(target: DirectServer, wql: str) -> ET.Element:
    body = f'<n:Enumerate><w:OptimizeEnumeration/><w:Filter Dialect="{WQL}">{wql}</w:Filter></n:Enumerate>'
    return answered(target, ENUMERATE, f"{CIMV2}/*", body)


# -- methods and objects -----------------------------------------------------------------------------------------------
def test_the_output_of_a_method_is_named_after_it_in_the_namespace_of_the_class() -> None:
    """Captured: EnumKey of XP and 2003; MS-WSMV 4.1.4."""
    key = r"SYSTEM\CurrentControlSet\Services\DNS"
    body = f'<q:EnumKey_INPUT xmlns:q="{STDREGPROV}"><q:hDefKey>2147483650</q:hDefKey>'
    body += f"<q:sSubKeyName>{key}</q:sSubKeyName></q:EnumKey_INPUT>"
    for release in ("2003", "2022"):
        found = answered(server(release), f"{STDREGPROV}/EnumKey", STDREGPROV, body)[1][0]
        assert found.tag == f"{{{STDREGPROV}}}EnumKey_OUTPUT"
        assert [item.tag.rpartition("}")[2] for item in found][-1] == "ReturnValue"
        assert {item.tag.rpartition("}")[0] for item in found} == {"{" + STDREGPROV}


def test_an_array_without_elements_is_no_element_and_a_null_is_nil() -> None:
    """Captured from 2003, 2008 and 2012: arrays have neither an element nor nil, scalars of the same rows have nil."""
    body = f'<q:EnumKey_INPUT xmlns:q="{STDREGPROV}"><q:sSubKeyName>SOFTWARE\\None</q:sSubKeyName></q:EnumKey_INPUT>'
    found = answered(server(), f"{STDREGPROV}/EnumKey", STDREGPROV, body)[1][0]
    assert [item.tag.rpartition("}")[2] for item in found] == ["ReturnValue"]
    row = enumerated(server("2008"), "SELECT * FROM Win32_Service WHERE Name = 'DNS'").find(f".//{tag('w:Items')}/*")
    assert row is not None
    nil = {item.tag.rpartition("}")[2] for item in row if item.get(tag("xsi:nil")) == "true"}
    assert nil == {"InstallDate"}


@pytest.mark.parametrize(("release", "kind"), [("2003", "Win32_Service"), ("2008", "Win32_TerminalService")])
def test_a_row_of_a_derived_class_has_its_name_its_namespace_and_its_columns(release: str, kind: str) -> None:
    """Captured from 2008 and 2012."""
    row = enumerated(server(release), "SELECT * FROM Win32_Service WHERE Name = 'TermService'").find(
        f".//{tag('w:Items')}/*"
    )
    assert row is not None
    assert row.tag == f"{{{CIMV2}/{kind}}}{kind}"
    assert row.get(tag("xsi:type")) == f"p:{kind}_Type"
    extra = [item for item in row if item.tag.rpartition("}")[2] in ("DisconnectedSessions", "TotalSessions")]
    assert len(extra) == (0 if kind == "Win32_Service" else 2)


def test_columns_of_a_derived_class_come_as_fragments() -> None:
    """Captured: a list of columns carries no class name."""
    found = enumerated(server("2008"), "SELECT Name FROM Win32_Service WHERE Name = 'TermService'")
    assert [outline(item) for item in found.iter(tag("w:Items"))] == [["w:Items", "  w:XmlFragment", "    Name"]]


# -- faults ------------------------------------------------------------------------------------------------------------
UNKNOWN_CLASS: t.Final = """
    s:Fault
      s:Code
        s:Value
        s:Subcode
          s:Value
      s:Reason
        s:Text
      s:Detail
        f:WSManFault
          f:Message
            f:ProviderFault
              f:WSManFault
                f:Message
"""
EXTENDED: t.Final = """
              f:ExtendedError
                __ExtendedStatus
                  Description
                  Operation
                  ParameterInfo
                  ProviderName
                  StatusCode
"""


@pytest.mark.parametrize(("release", "stack"), [("2003", "1.1"), ("2008r2", "2.0"), ("2022", "3.0")])
def test_a_query_that_fails(release: str, stack: str) -> None:
    wql = "SELECT * FROM Win32_Nonsense"
    root = enumerated(server(release, winrm_stack=stack), wql)
    assert outline(root[1][0]) == lines(UNKNOWN_CLASS + ("" if stack == "1.1" else EXTENDED).lstrip("\n"))
    assert [item.get("Code") for item in root.iter(tag("f:WSManFault"))] == ["2150858778"] * 2
    said = [item.text for item in root.iter() if item.tag.endswith("ParameterInfo")]
    assert said == ([] if stack == "1.1" else [wql])


def shells(target: DirectServer, count: int) -> ET.Element:
    for _turn in range(count):
        root = answered(target, CREATE, SHELL, "<rsp:Shell/>")
    return root


WMI_ERROR: t.Final = (
    "CIMStatusCode", "CIMStatusCodeDescription", "ErrorSource", "ErrorSourceFormat", "ErrorType", "Message",
    "MessageID", "OtherErrorSourceFormat", "OtherErrorType", "OwningEntity", "PerceivedSeverity", "ProbableCause",
    "ProbableCauseDescription", "error_Category", "error_Code", "error_Type", "error_WindowsErrorMessage",
)  # fmt: skip


def test_too_many_shells_on_a_newer_stack_is_a_wmi_error_that_relates_to_nothing() -> None:
    root = shells(server("2022"), 31)
    assert [prefixed(item.tag) for item in root[0]] == ["a:Action", "a:MessageID", "a:To"]
    detail = root.find(f".//{tag('s:Detail')}/*")
    assert detail is not None
    assert [prefixed(item.tag) for item in detail] == list(WMI_ERROR)
    texts = {prefixed(item.tag): item.text for item in detail}
    assert (texts["error_Code"], texts["MessageID"]) == ("2150859173", "HRESULT 0x803381a5")
    assert (subcode(root), texts["CIMStatusCode"]) == ("w:QuotaLimit", "27")


def test_too_many_operations_on_an_older_stack_is_a_plain_fault() -> None:
    target = server("2008r2")
    shell_id = shells(target, 1).findtext(f".//{tag('w:Selector')}")
    selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
    body = "<rsp:CommandLine><rsp:Command>ver</rsp:Command></rsp:CommandLine>"
    for _turn in range(16):
        root = answered(target, COMMAND, SHELL, body, extra=selectors)
    assert [prefixed(item.tag) for item in root[0]] == ["a:Action", "a:MessageID", "a:To", "a:RelatesTo"]
    assert (subcode(root), number(root)) == ("w:InternalError", "2150859174")
    assert outline(root[1][0])[-3:] == ["  s:Detail", "    f:WSManFault", "      f:Message"]


HEADERS: t.Final = {
    "timeout": ("<w:OperationTimeout>PT</w:OperationTimeout>", "a:InvalidMessageInformationHeader", 0x8033800F),
    "unknown header": ('<q:New xmlns:q="u" s:mustUnderstand="true">x</q:New>', None, 0x80338010),
    "unknown WinRM header": ('<p:New s:mustUnderstand="1"/>', None, 0x80338010),
    "unexpected selector": (
        '<w:SelectorSet><w:Selector Name="Colour">red</w:Selector></w:SelectorSet>',
        "w:InvalidSelectors",
        0x8033805B,
    ),
    "option on WMI": (
        '<w:OptionSet><w:Option Name="x" MustComply="true">1</w:Option></w:OptionSet>',
        "w:InvalidOptions",
        0x80338039,
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_what_a_header_is_refused_with(name: str) -> None:
    header, expected, code = HEADERS[name]
    root = answered(server(), extra=header)
    assert (subcode(root), number(root)) == (expected, str(code))
    mandatory = expected is None
    assert (root.findtext(f".//{tag('s:Code')}/{tag('s:Value')}") == "s:MustUnderstand") == mandatory


OTHERS: t.Final[dict[str, tuple[dict[str, str], str, int]]] = {
    "no ReplyTo": ({"reply_to": ""}, "a:MessageInformationHeaderRequired", 0x80338011),
    "small envelope": ({"size": "<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"}, "w:EncodingLimit", 0x8033807E),
    "no selector": ({"uri": f"{CIMV2}/Win32_Service"}, "w:InvalidSelectors", 0x8033805A),
    "no such method": (
        {"action": f"{CIMV2}/Win32_Process/Dance", "uri": f"{CIMV2}/Win32_Process", "body": "<x/>"},
        "a:ActionNotSupported",
        0x80338013,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_numbers_of_wsmerror_h(name: str) -> None:
    changes, expected, code = OTHERS[name]
    root = answered(server(), **changes)
    assert (subcode(root), number(root)) == (expected, str(code))


def test_a_header_that_need_not_be_understood_is_ignored() -> None:
    assert subcode(answered(server(), extra='<q:New xmlns:q="u" s:mustUnderstand="false">x</q:New>')) is None


def test_control_characters_are_replaced_unless_a_scenario_says_otherwise() -> None:
    """MS-WSMV 3.1.4.1.25."""
    key = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
    body = f'<q:GetMultiStringValue_INPUT xmlns:q="{STDREGPROV}"><q:sSubKeyName>{key}</q:sSubKeyName>'
    body += "<q:sValueName>ReservedPorts</q:sValueName></q:GetMultiStringValue_INPUT>"
    request = envelope(f"{STDREGPROV}/GetMultiStringValue", STDREGPROV, body)
    entry = {"reserved_ports": ["a\x01b\tc"]}
    assert b">a?b\tc<" in server("2003", **entry).answer(request)
    raw = {"raw_control_characters": True}
    assert b">a\x01b\tc<" in server("2003", **entry, wire=raw).answer(request)
