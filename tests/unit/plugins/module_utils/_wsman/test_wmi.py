# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WMI values and objects on the wire, both ways."""

from __future__ import annotations

import datetime
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    Origin,
    ProtocolViolation,
    Unsendable,
)
from tests.unit.plugins.module_utils._wsman import answers

EDGE1 = Origin("edge1", "Get", "root/cimv2/Win32_Service")
UTC = datetime.timezone.utc


def body(content: str) -> ET.Element:
    return soap.body_of(soap.parse(answers.envelope(content).encode(), EDGE1), EDGE1)


def sent_members(value: wmi.Value) -> list[ET.Element]:
    message = wmi.invoke_message("root/default", "StdRegProv", "SetX", {"sValue": value}, {})
    envelope = ET.fromstring(soap.render(message, message_id="uuid:1", operation_timeout=1))
    return list(envelope[1][0])


SENT: dict[str, tuple[wmi.Value, list[str | None]]] = {
    "text": ("a", ["a"]),
    "empty text": ("", [None]),
    "true": (True, ["true"]),
    "false": (False, ["false"]),
    "uint32": (2147483650, ["2147483650"]),
    "zero": (0, ["0"]),
    "negative": (-1, ["-1"]),
    "list": (["a", "", " b "], ["a", None, " b "]),
    "tuple of numbers": ((1, 2), ["1", "2"]),
    "empty list": ([], []),
}


@pytest.mark.parametrize("case", SENT)
def test_values_sent(case: str) -> None:
    value, texts = SENT[case]
    members = sent_members(value)
    assert [member.text for member in members] == texts
    assert {member.tag for member in members} <= {f"{{{answers.REGISTRY}}}sValue"}


def test_null_is_nil() -> None:
    (member,) = sent_members(None)
    assert member.attrib == {"{http://www.w3.org/2001/XMLSchema-instance}nil": "true"}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime.datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC), "2024-02-29T12:00:00Z"),
        (datetime.datetime(2024, 2, 29, 12, 0, 0, 5, tzinfo=UTC), "2024-02-29T12:00:00.000005Z"),
        (
            datetime.datetime(2024, 3, 1, 1, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "2024-02-29T23:00:00Z",
        ),
    ],
)
def test_moment_sent_as_utc(moment: datetime.datetime, text: str) -> None:
    (member,) = sent_members(moment)
    assert soap.text_of(soap.child(member, "Datetime")) == text
    assert wmi.Instance.of("C", {"When": moment}).moment("When") == moment


def test_moment_without_zone_is_refused() -> None:
    with pytest.raises(Unsendable, match="without time zone"):
        sent_members(datetime.datetime(2024, 1, 1))  # noqa: DTZ001


def test_entry_that_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(Unsendable, match=r"U\+0001"):
        sent_members(["fine", "a\x01"])


@pytest.mark.parametrize(
    ("namespace", "class_name"),
    [
        ("root/cimv2/", "A"),
        ("root\\cimv2", "A"),
        ("root/cimv2", "A/B"),
        ("root/cimv2", ""),
        ("", "A"),
        ("root/c?", "A"),
    ],
)
def test_names_are_checked(namespace: str, class_name: str) -> None:
    with pytest.raises(Unsendable, match="no name of a WMI class"):
        wmi.get_message(namespace, class_name, {})


def test_method_names_are_checked() -> None:
    with pytest.raises(Unsendable, match="no name of a WMI method"):
        wmi.invoke_message("root/default", "StdRegProv", "Get/../x", {}, {})


@pytest.mark.parametrize(
    ("class_name", "method", "repeatable"),
    [
        ("StdRegProv", "GetMultiStringValue", True),
        ("StdRegProv", "EnumValues", True),
        ("stdregprov", "CheckAccess", True),
        ("StdRegProv", "SetDWORDValue", False),
        ("StdRegProv", "DeleteValue", False),
        ("StdRegProv", "CreateKey", False),
        ("Win32_Service", "StartService", False),
        ("Win32_Service", "InterrogateService", True),
        ("Win32_Process", "GetOwner", False),
    ],
)
def test_only_reading_methods_are_repeatable(class_name: str, method: str, repeatable: bool) -> None:
    assert wmi.invoke_message("root/default", class_name, method, {}, {}).repeatable is repeatable


def test_invoke_message() -> None:
    message = wmi.invoke_message("root/cimv2", "Win32_Service", "StopService", {}, {"Name": "DNS"})
    assert message.action == f"{answers.CIMV2}/Win32_Service/StopService"
    assert message.resource_uri == f"{answers.CIMV2}/Win32_Service"
    assert message.selectors == {"Name": "DNS"}
    assert message.body == f'<q:StopService_INPUT xmlns:q="{answers.CIMV2}/Win32_Service" />'


def test_query_message() -> None:
    query = r"select Name from Win32_Service where Name='a' and PathName<>'C:\\x & y'"
    message = wmi.enumerate_message("root/cimv2", query)
    envelope = ET.fromstring(soap.render(message, message_id="uuid:1", operation_timeout=1))
    request = envelope[1][0]
    assert [soap.local(node) for node in request] == ["OptimizeEnumeration", "MaxElements", "Filter"]
    assert request[2].text == query
    assert request[2].get("Dialect") == "http://schemas.microsoft.com/wbem/wsman/1/WQL"
    assert message.resource_uri == f"{answers.CIMV2}/*"


def test_query_whose_first_items_are_not_wanted_at_once() -> None:
    message = wmi.enumerate_message("root/cimv2", "q", dialect="urn:other", optimized=False)
    assert message.body == '<n:Enumerate><w:Filter Dialect="urn:other">q</w:Filter></n:Enumerate>'


def service(members: str) -> wmi.Instance:
    return wmi.body_object(body(answers.instance("Win32_Service", members)), EDGE1, "Win32_Service")


def test_properties_by_any_case() -> None:
    row = service("<p:Name>DNS</p:Name><p:ProcessId>0</p:ProcessId>")
    assert (row["NAME"], row.text("name"), row.integer("processid")) == ("DNS", "DNS", 0)
    assert list(row) == ["Name", "ProcessId"]
    assert "nAME" in row
    assert "Other" not in row
    assert not row.__contains__(5)
    assert len(row) == 2
    assert "'DNS'" in repr(row)
    with pytest.raises(KeyError):
        row["Other"]


TEXTS: dict[str, tuple[str, str | None]] = {
    "text": ("<p:V>a</p:V>", "a"),
    "blanks": ("<p:V>  a </p:V>", "  a "),
    "empty": ("<p:V></p:V>", ""),
    "closed": ("<p:V/>", ""),
    "nil": ('<p:V xsi:nil="true"/>', None),
    "nil as 1": ('<p:V xsi:nil="1"/>', None),
    "not nil": ('<p:V xsi:nil="false">a</p:V>', "a"),
    "absent": ("", None),
    "datetime": ("<p:V><cim:Datetime>2013-03-11T21:28:04Z</cim:Datetime></p:V>", "2013-03-11T21:28:04Z"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_text(case: str) -> None:
    members, expected = TEXTS[case]
    assert service(members).text("V") == expected


LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "absent": ("", ()),
    "null": ('<p:V xsi:nil="true"/>', ()),
    "one": ("<p:V>a</p:V>", ("a",)),
    "many": ("<p:V>a</p:V><p:V></p:V><p:V>b</p:V>", ("a", "", "b")),
    "with others between": ("<p:V>a</p:V><p:W>x</p:W><p:v>b</p:v>", ("a", "b")),
}


@pytest.mark.parametrize("case", LISTS)
def test_texts(case: str) -> None:
    members, expected = LISTS[case]
    assert service(members).texts("V") == expected


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("2147949893", 2147949893), ("-1", -1), ("+3", 3), (" 7 ", 7), ("007", 7)]
)
def test_integer(text: str, number: int) -> None:
    assert service(f"<p:V>{text}</p:V>").integer("V") == number


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("TRUE", True), ("False", False), ("1", True), ("0", False)]
)
def test_boolean(text: str, value: bool) -> None:
    assert service(f"<p:V>{text}</p:V>").boolean("V") is value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-04-15T16:28:38.376625Z", datetime.datetime(2013, 4, 15, 16, 28, 38, 376625, UTC)),
        ("2013-04-15T16:28:38.5Z", datetime.datetime(2013, 4, 15, 16, 28, 38, 500000, UTC)),
        ("2013-04-15T16:28:38.762Z", datetime.datetime(2013, 4, 15, 16, 28, 38, 762000, UTC)),
        ("2013-04-15T16:28:38.1234567Z", datetime.datetime(2013, 4, 15, 16, 28, 38, 123456, UTC)),
        ("2013-04-15T16:28:38Z", datetime.datetime(2013, 4, 15, 16, 28, 38, 0, UTC)),
        ("2013-04-15T16:28:38", datetime.datetime(2013, 4, 15, 16, 28, 38, 0, UTC)),
        ("2013-04-15T16:28:38+02:00", datetime.datetime(2013, 4, 15, 14, 28, 38, 0, UTC)),
    ],
)
def test_moment(text: str, moment: datetime.datetime) -> None:
    found = service(f"<p:V><cim:Datetime>{text}</cim:Datetime></p:V>").moment("V")
    assert found == moment
    assert found is not None
    assert found.tzinfo is not None


REFERENCE = (
    "<p:V><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address><a:ReferenceParameters>"
    f"<w:ResourceURI>{answers.CIMV2}/Win32_Service</w:ResourceURI><w:SelectorSet>"
    '<w:Selector Name="Name">DNS</w:Selector></w:SelectorSet></a:ReferenceParameters></p:V>'
)


@pytest.mark.parametrize("wrapped", [False, True])
def test_reference(wrapped: bool) -> None:
    inner = REFERENCE.replace("<p:V>", "<p:V><a:EndpointReference>").replace("</p:V>", "</a:EndpointReference></p:V>")
    found = service(inner if wrapped else REFERENCE).reference("V")
    assert found == wmi.Reference("Win32_Service", "root/cimv2", {"Name": "DNS"})
    assert found.selector("NAME") == "DNS"
    assert found.selector("Other") is None


def test_embedded_object() -> None:
    row = service("<p:V><p:Inner>1</p:Inner></p:V>")
    inner = row["V"]
    assert isinstance(inner, wmi.Instance)
    assert inner.integer("Inner") == 1


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="too deeply"):
        service("<p:V>" * 200 + "x" + "</p:V>" * 200)


def _integers(row: wmi.Instance) -> object:
    return row.integers("V")


WRONG: dict[str, tuple[str, t.Callable[[wmi.Instance], object]]] = {
    "two texts": ("<p:V>a</p:V><p:V>b</p:V>", lambda row: row.text("V")),
    "word as integer": ("<p:V>abc</p:V>", lambda row: row.integer("V")),
    "empty as integer": ("<p:V/>", lambda row: row.integer("V")),
    "other digits": ("<p:V>٣</p:V>", lambda row: row.integer("V")),
    "endless number": (f"<p:V>{'9' * 5000}</p:V>", lambda row: row.integer("V")),
    "word in integers": ("<p:V>1</p:V><p:V>a</p:V>", _integers),
    "word as boolean": ("<p:V>yes</p:V>", lambda row: row.boolean("V")),
    "word as moment": ("<p:V>now</p:V>", lambda row: row.moment("V")),
    "no such day": ("<p:V>2013-02-30T00:00:00Z</p:V>", lambda row: row.moment("V")),
    "no such zone": ("<p:V>2013-02-20T00:00:00+99:00</p:V>", lambda row: row.moment("V")),
    "text as reference": ("<p:V>a</p:V>", lambda row: row.reference("V")),
    "reference as text": (REFERENCE, lambda row: row.text("V")),
    "reference in texts": (REFERENCE, lambda row: row.texts("V")),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_shapes(case: str) -> None:
    members, read = WRONG[case]
    with pytest.raises(ProtocolViolation, match=r"on edge1 failed: Win32_Service.V is not"):
        read(service(members))


def test_instance_of_values() -> None:
    reference = wmi.Reference("C", "root/cimv2", {})
    row = wmi.Instance.of(
        "C", {"a": ["x", "y"], "b": 0, "c": None, "d": True, "e": [], "f": reference, "g": (1, 2), "h": "z"}
    )
    assert row.texts("A") == ("x", "y")
    assert row.integer("b") == 0
    assert row.text("c") is None
    assert row.boolean("d") is True
    assert row.texts("e") == ()
    assert row.reference("f") == reference
    assert row.integers("g") == (1, 2)
    assert row.text("h") == "z"


def test_output_without_return_value() -> None:
    found = wmi.body_object(body(answers.output("X", "")), EDGE1, "StdRegProv.X")
    assert found.integer("ReturnValue") is None


@pytest.mark.parametrize("content", ["", "<x:A/><x:B/>"])
def test_not_one_object(content: str) -> None:
    with pytest.raises(ProtocolViolation, match="objects instead of one"):
        wmi.body_object(body(content), EDGE1, "C")


def test_page_with_columns() -> None:
    rows = answers.fragment("<Name>a</Name>") + answers.fragment("<Name>b</Name>")
    found = wmi.page_of(body(answers.page("Enumerate", rows, "uuid:next")), EDGE1)
    assert [(row.class_name, row.text("Name")) for row in found.items] == [
        ("Win32_Service", "a"),
        ("Win32_Service", "b"),
    ]
    assert found.context == "uuid:next"


def test_page_with_whole_objects() -> None:
    rows = answers.instance("Win32_TerminalService", "<p:Name>a</p:Name>")
    found = wmi.page_of(body(answers.page("Pull", rows, None)), EDGE1)
    assert [row.class_name for row in found.items] == ["Win32_TerminalService"]
    assert found.context is None


@pytest.mark.parametrize("kind", ["Enumerate", "Pull"])
def test_empty_last_page(kind: t.Literal["Enumerate", "Pull"]) -> None:
    found = wmi.page_of(body(answers.page(kind, None, None)), EDGE1)
    assert (found.items, found.context) == ((), None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no result of a query"),
        ("<x:A/>", "no result of a query"),
        (answers.page("Pull", None, ""), "without its end mark"),
    ],
)
def test_pages_refused(content: str, reason: str) -> None:
    with pytest.raises(ProtocolViolation, match=reason):
        wmi.page_of(body(content), EDGE1)
