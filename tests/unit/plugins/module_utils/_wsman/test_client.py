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
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import OVERTIME, Patience
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
    client, transport = client_over(errors.HostUnreachable(host="edge1", meaning="no WinRM"))
    with pytest.raises(errors.HostUnreachable):
        client.get("root/cimv2", "C")
    assert (client.requests, transport.resets) == (1, 0)


class Watch:
    """A clock that moves only while somebody sleeps, and what was slept."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, [0.0][:0]

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def patient_client(*replies: answers.Reply, **patience: t.Any) -> tuple[wsman.Client, answers.ScriptedTransport, Watch]:
    transport, watch = answers.ScriptedTransport(*replies), Watch()
    client = wsman.Client(transport, patience=Patience(**patience), clock=lambda: watch.now, sleep=watch.sleep)
    return client, transport, watch


def refused() -> errors.NoConnection:
    return errors.NoConnection(host="edge1", meaning="refused")


def unavailable() -> errors.NotTaken:
    return errors.NotTaken(host="edge1", meaning="not available", code=503)


BUSY = answers.fault("w:QuotaLimit", answers.wsman_fault(0x8033803F))
SAVED = answers.output("SetStringValue", "<p:ReturnValue>0</p:ReturnValue>")
WRITE = ("root/default", "StdRegProv", "SetStringValue", {"sValue": "a"})


def test_what_was_not_taken_is_sent_again_with_growing_pauses() -> None:
    client, transport, watch = patient_client(refused(), unavailable(), BUSY, SAVED, retries=3, retry_delay=2)
    assert client.invoke(*WRITE).integer("ReturnValue") == 0
    assert (watch.slept, transport.resets) == ([2, 4, 8], 3)


def test_after_the_last_try_the_error_says_how_many_there_were() -> None:
    client, _transport, watch = patient_client(*[refused() for _try in range(3)], retries=2, retry_delay=1)
    with pytest.raises(errors.NoConnection, match=r"failed: refused\. Tried 3 times\.$"):
        client.invoke(*WRITE)
    assert watch.slept == [1, 2]


def test_without_retries_there_is_one_try() -> None:
    client, _transport, watch = patient_client(refused(), retries=0)
    with pytest.raises(errors.NoConnection, match=r"failed: refused\.$"):
        client.get("root/cimv2", "C")
    assert watch.slept == []


def test_pauses_end_growing() -> None:
    assert Patience(retries=8, retry_delay=1).pauses() == (1, 2, 4, 8, 16, 30, 30, 30)
    assert Patience(retries=2, retry_delay=60).pauses() == (60, 60)


def test_no_try_is_made_that_the_deadline_would_cut() -> None:
    client, transport, watch = patient_client(*[refused() for _try in range(9)], retries=9, retry_delay=4, deadline=10)
    with pytest.raises(errors.NoConnection):
        client.get("root/cimv2", "C")
    assert watch.slept == [4]
    assert len(transport.sent) == 2


LOST: tuple[answers.Reply, ...] = (dropped(), refused(), unavailable(), b"", b"<s:Envelope")


@pytest.mark.parametrize("lost", LOST, ids=["dropped", "refused", "503", "empty", "half"])
def test_a_lost_pull_starts_the_enumeration_again(lost: answers.Reply) -> None:
    """The context moves on with every answer: the same Pull again could leave rows out."""
    client, transport, _watch = patient_client(
        answers.page("Enumerate", answers.fragment("<Name>a</Name>"), "uuid:one"),
        lost,
        answers.page("Enumerate", answers.fragment("<Name>a</Name>"), "uuid:two"),
        answers.page("Pull", answers.fragment("<Name>b</Name>"), None),
        retries=1,
    )
    assert [row.text("Name") for row in client.query("root/cimv2", "select Name from C")] == ["a", "b"]
    assert transport.actions == ["Enumerate", "Pull", "Enumerate", "Pull"]


def test_an_enumeration_that_the_service_has_forgotten_starts_again() -> None:
    gone = answers.fault("n:InvalidEnumerationContext", answers.wsman_fault(0x8033801B))
    client, transport, _watch = patient_client(
        answers.page("Enumerate", None, "uuid:one"), gone, answers.page("Enumerate", None, None), retries=1
    )
    assert client.query("root/cimv2", "select Name from C") == []
    assert transport.actions == ["Enumerate", "Pull", "Enumerate"]


def test_a_query_that_is_lost_again_and_again_is_an_error() -> None:
    page = answers.page("Enumerate", None, "uuid:one")
    client, _transport, watch = patient_client(page, dropped(), page, dropped(), retries=1)
    with pytest.raises(errors.ConnectionDropped, match=DROPPED):
        client.query("root/cimv2", "select Name from C")
    assert watch.slept == [1]


def test_an_endless_query_ends_with_the_task() -> None:
    watch = Watch()
    endless = itertools.count(1)

    class Endless(answers.ScriptedTransport):
        def send(self, envelope_sent: bytes) -> bytes:
            watch.now += 1
            kind: t.Literal["Enumerate", "Pull"] = "Pull" if b"n:Pull" in envelope_sent else "Enumerate"
            self._replies = [answers.page(kind, answers.fragment("<A/>"), f"uuid:{next(endless)}")]
            return super().send(envelope_sent)

    transport = Endless()
    client = wsman.Client(transport, patience=Patience(deadline=30), clock=lambda: watch.now, sleep=watch.sleep)
    with pytest.raises(errors.DeadlinePassed, match=r"used up its 30 seconds; run this again.*raise deadline"):
        client.query("root/cimv2", "select A from C")
    assert watch.now <= 32
    assert transport.actions[-1] == "Release"


def test_an_answer_that_the_deadline_cuts_off_is_the_deadline() -> None:
    client, transport, watch = patient_client(deadline=30, retries=5)

    def silent(_envelope: bytes) -> bytes:
        watch.now += 31
        raise errors.ConnectionDropped(host="edge1", meaning="no complete answer within 30 seconds")

    transport.send = silent  # type: ignore[method-assign, assignment]
    with pytest.raises(errors.DeadlinePassed, match=r"30 seconds \(no complete answer within 30 seconds\)"):
        client.get("root/cimv2", "C")
    assert watch.slept == []


def test_after_the_deadline_there_is_time_to_put_things_in_order_once() -> None:
    client, transport, watch = patient_client(SAVED, deadline=30)
    watch.now = 30
    with pytest.raises(errors.DeadlinePassed):
        client.invoke(*WRITE)
    assert transport.sent == []
    assert client.invoke(*WRITE).integer("ReturnValue") == 0
    watch.now += OVERTIME
    for _turn in range(2):
        with pytest.raises(errors.DeadlinePassed):
            client.invoke(*WRITE)


def test_a_wait_with_a_limit_of_its_own_does_not_count() -> None:
    client, _transport, watch = patient_client(SAVED, SAVED, deadline=30)
    watch.now = 29
    with client.allowing(500):
        watch.now += 400
        client.invoke(*WRITE)
    assert client.deadline.left == 1
    with client.allowing(10):
        watch.now += 30
    assert client.deadline.left < 0


def test_a_deadline_that_strikes_during_such_a_wait_leaves_the_whole_overtime() -> None:
    client, _transport, watch = patient_client(SAVED, deadline=30)
    watch.now = 29

    def wait_too_long() -> None:
        with client.allowing(500):
            watch.now += 501
            client.invoke(*WRITE)

    with pytest.raises(errors.DeadlinePassed):
        wait_too_long()
    assert client.deadline.left == OVERTIME


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
