# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's verbs against scripted answers."""

from __future__ import annotations

import contextlib
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import client as wsman
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors
from tests.unit.plugins.module_utils._wsman import answers

DROPPED = "the connection was lost"


def dropped() -> errors.ConnectionDropped:
    return errors.ConnectionDropped(host="edge1", meaning=DROPPED)


def client_over(*replies: answers.Reply) -> tuple[wsman.Client, answers.ScriptedTransport]:
    transport = answers.ScriptedTransport(*replies)
    ids = (f"uuid:id-{number}" for number in itertools.count(1))
    return wsman.Client(transport, operation_timeout=20, message_ids=lambda: next(ids)), transport


def test_get() -> None:
    client, transport = client_over(answers.instance("Win32_Service", "<p:Name>DNS</p:Name>"))
    row = client.get("root/cimv2", "Win32_Service", {"Name": "DNS"})
    assert row.text("Name") == "DNS"
    assert client.requests == 1
    assert client.host == "edge1"
    assert '<w:Selector Name="Name">DNS</w:Selector>' in transport.sent[0]
    assert "PT20.000S" in transport.sent[0]
    assert "uuid:id-1" in transport.sent[0]


def test_put_with_and_without_representation() -> None:
    client, transport = client_over(answers.instance("C", "<p:A>1</p:A>"), "")
    assert client.put("root/cimv2", "C", {"K": "k"}, properties={"A": 1}).integer("A") == 1
    assert len(client.put("root/cimv2", "C", properties={"A": None})) == 0
    assert transport.actions == ["Put", "Put"]


def test_invoke() -> None:
    client, transport = client_over(
        answers.output(
            "GetMultiStringValue", "<p:sValue>a</p:sValue><p:sValue>b</p:sValue><p:ReturnValue>0</p:ReturnValue>"
        )
    )
    found = client.invoke(
        "root/default",
        "StdRegProv",
        "GetMultiStringValue",
        {"hDefKey": 2147483650, "sSubKeyName": "X", "sValueName": "v"},
    )
    assert found.integer("ReturnValue") == 0
    assert found.texts("sValue") == ("a", "b")
    assert "<q:hDefKey>2147483650</q:hDefKey>" in transport.sent[0]


def test_query_in_one_answer() -> None:
    client, transport = client_over(answers.page("Enumerate", answers.fragment("<Name>a</Name>"), None))
    assert [row.text("Name") for row in client.query("root/cimv2", "SELECT Name FROM Win32_Service")] == ["a"]
    assert transport.actions == ["Enumerate"]


def test_query_pulls_with_the_latest_context() -> None:
    client, transport = client_over(
        answers.page("Enumerate", answers.fragment("<Name>a</Name>"), "uuid:one"),
        answers.page("Pull", answers.fragment("<Name>b</Name>") * 2, "uuid:two"),
        answers.page("Pull", None, "uuid:three"),
        answers.page("Pull", answers.fragment("<Name>c</Name>"), None),
    )
    rows = client.query("root/cimv2", "select Name from Win32_Service where Name<>'x'")
    assert [row.text("Name") for row in rows] == ["a", "b", "b", "c"]
    assert {row.class_name for row in rows} == {"Win32_Service"}
    assert transport.actions == ["Enumerate", "Pull", "Pull", "Pull"]
    for sent, context in zip(transport.sent[1:], ("uuid:one", "uuid:two", "uuid:three"), strict=True):
        assert f"<n:EnumerationContext>{context}</n:EnumerationContext>" in sent


def test_pull_that_timed_out_is_repeated_with_its_context() -> None:
    client, transport = client_over(
        answers.page("Enumerate", None, "uuid:one"), answers.TIMED_OUT, answers.page("Pull", None, None)
    )
    assert client.query("root/cimv2", "select * from C") == []
    assert transport.sent[2].count("uuid:one") == 1


def test_query_has_a_deadline() -> None:
    ticks = itertools.count(0, 400)
    transport = answers.ScriptedTransport(
        answers.page("Enumerate", None, "uuid:one"), answers.TIMED_OUT, "<n:ReleaseResponse/>"
    )
    client = wsman.Client(transport, clock=lambda: float(next(ticks)))
    with pytest.raises(
        errors.ProtocolViolation, match="Query of root/cimv2/C on edge1 failed: the result does not end"
    ):
        client.query("root/cimv2", "select * from C")
    assert transport.actions == ["Enumerate", "Pull", "Release"]


def test_a_query_for_some_rows_asks_for_no_more_and_gives_up_the_rest() -> None:
    client, transport = client_over(
        answers.page("Enumerate", answers.fragment("<A/>"), "uuid:one"),
        answers.page("Pull", answers.fragment("<A/>") * 2, "uuid:two"),
        "<n:ReleaseResponse/>",
    )
    assert len(client.query("root/cimv2", "select * from C", most=3)) == 3
    assert transport.actions == ["Enumerate", "Pull", "Release"]
    assert "<n:MaxElements>2</n:MaxElements>" in transport.sent[1]
    assert "uuid:two" in transport.sent[2]


def test_a_query_for_some_rows_is_not_given_more() -> None:
    """Windows Server 2003 sends all at once."""
    client, transport = client_over(answers.page("Enumerate", answers.fragment("<A/>") * 5, None))
    assert len(client.query("root/cimv2", "select * from C", most=2)) == 2
    assert transport.actions == ["Enumerate"]


def test_that_the_rest_could_not_be_given_up_does_not_matter() -> None:
    client, _transport = client_over(
        answers.page("Enumerate", answers.fragment("<A/>") * 2, "uuid:one"),
        answers.fault("n:InvalidEnumerationContext"),
    )
    assert len(client.query("root/cimv2", "select * from C", most=2)) == 2


def test_query_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsman, "MAX_ITEMS", 3)
    client, transport = client_over(
        answers.page("Enumerate", answers.fragment("<A/>") * 4, "uuid:one"),
        errors.TimedOut(host="edge1", meaning="late"),
    )
    with pytest.raises(errors.ProtocolViolation, match="does not end"):
        client.query("root/cimv2", "select * from C")
    assert transport.actions == ["Enumerate", "Release"]


def test_query_without_from_is_still_named() -> None:
    client, _transport = client_over(answers.fault("n:CannotProcessFilter"))
    with pytest.raises(errors.WsmanFault, match=r"Query of root/cimv2/\* on edge1 failed"):
        client.query("root/cimv2", "nonsense")


def test_fault_names_operation_and_target() -> None:
    client, _transport = client_over(answers.fault("w:AccessDenied", answers.wsman_fault(5)))
    with pytest.raises(errors.AccessDenied) as caught:
        client.invoke("root/cimv2", "Win32_Service", "StopService", {}, {"Name": "DNS"})
    assert caught.value.operation == "Invoke StopService"
    assert caught.value.target == "root/cimv2/Win32_Service Name=DNS"


@pytest.mark.parametrize("relates_to", ["uuid:other", ""])
def test_answer_to_another_message(relates_to: str) -> None:
    client, _transport = client_over(answers.envelope("<x:A/>", relates_to=relates_to).encode())
    with pytest.raises(errors.ProtocolViolation, match="belongs to another message"):
        client.get("root/cimv2", "C")


def test_fault_without_relation_is_still_a_fault() -> None:
    client, _transport = client_over(answers.envelope(answers.TIMED_OUT, relates_to="").encode())
    with pytest.raises(errors.TimedOut):
        client.get("root/cimv2", "C")


def test_nothing_is_sent_when_the_text_cannot_be() -> None:
    client, transport = client_over()
    with pytest.raises(errors.Unsendable, match=r"Invoke SetStringValue of root/default/StdRegProv on edge1 failed"):
        client.invoke("root/default", "StdRegProv", "SetStringValue", {"sValue": "a\x00b"})
    with pytest.raises(errors.Unsendable):
        client.query("root/cimv2", "select * from C where A='\x01'")
    assert client.requests == 0
    assert transport.sent == []


@pytest.mark.parametrize("repeated", [1, 2])
def test_reading_is_repeated_once_after_a_dropped_connection(repeated: int) -> None:
    client, transport = client_over(*[dropped() for _index in range(repeated)], answers.instance("C", "<p:A>1</p:A>"))
    if repeated == 1:
        assert client.get("root/cimv2", "C").integer("A") == 1
    else:
        with pytest.raises(errors.ConnectionDropped, match="Get of root/cimv2/C on edge1 failed"):
            client.get("root/cimv2", "C")
    assert (client.requests, transport.resets) == (2, 1)


def test_writing_is_never_repeated() -> None:
    client, transport = client_over(dropped(), dropped(), dropped())
    with pytest.raises(errors.ConnectionDropped):
        client.invoke("root/default", "StdRegProv", "SetStringValue", {"sValue": "a"})
    with pytest.raises(errors.ConnectionDropped):
        client.put("root/cimv2", "C", properties={})
    assert client.requests == 2
    assert transport.resets == 0


def test_an_unreachable_host_is_not_asked_again() -> None:
    client, transport = client_over(errors.HostUnreachable(host="edge1", meaning="refused"))
    with pytest.raises(errors.HostUnreachable):
        client.get("root/cimv2", "C")
    assert (client.requests, transport.resets) == (1, 0)


def test_reset() -> None:
    client, transport = client_over()
    client.reset()
    assert transport.resets == 1


def test_ids_are_uuids_by_default() -> None:
    transport = answers.ScriptedTransport(answers.instance("C", ""), answers.instance("C", ""))
    client = wsman.Client(transport)
    client.get("root/cimv2", "C")
    client.get("root/cimv2", "C")
    first, second = (sent.partition("<a:MessageID>")[2][:41] for sent in transport.sent)
    assert first != second
    assert first.startswith("uuid:")


ENDINGS = st.sampled_from(
    [
        answers.page("Enumerate", answers.fragment("<A>1</A>"), "uuid:next"),
        answers.page("Pull", None, None),
        answers.instance("C", "<p:A>1</p:A>"),
        answers.fault("w:AccessDenied", answers.wsman_fault(5)),
        answers.shell_created(),
        answers.received(answers.stream("stdout", "YQ=="), exit_code=0),
    ]
)


ASKED: tuple[t.Callable[[wsman.Client], object], ...] = (
    lambda client: client.get("root/cimv2", "C"),
    lambda client: client.query("root/cimv2", "select A from C"),
    lambda client: client.shell(codepage=437).run("ver"),
)


@given(ENDINGS, st.integers(0, 2000), st.binary(max_size=6), st.integers(0, 20))
def test_no_answer_causes_anything_but_our_errors(content: str, position: int, noise: bytes, removed: int) -> None:
    whole = answers.envelope(content, relates_to="uuid:id-1").encode()
    position = min(position, len(whole))
    damaged = whole[:position] + noise + whole[position + removed :]
    for ask in ASKED:
        client, _transport = client_over(damaged, errors.HostUnreachable(host="edge1", meaning="end"))
        with contextlib.suppress(errors.WsmanError):
            ask(client)
