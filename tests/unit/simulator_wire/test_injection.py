# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Injected faults, seen from the other end of the connection."""

from __future__ import annotations

import http.client
import time
import typing as t
import xml.etree.ElementTree as ET

import pytest

from tests.simulator.wire.injection import KINDS, read_rule
from tests.unit.simulator_wire.bench import Bench, Serve
from tests.unit.simulator_wire.by_hand import BASIC, envelope, number, post, subcode


def inject(bench: Bench, **rule: t.Any) -> None:
    bench.call(lambda: bench.host.injections.rules.append(read_rule(rule)))


@pytest.mark.parametrize(("kind", "performed"), [("drop_before", False), ("drop_after", True)])
def test_connections_are_dropped(serve: Serve, kind: str, performed: bool) -> None:
    bench = serve()
    uri = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
    body = f'<q:SetMultiStringValue_INPUT xmlns:q="{uri}"><q:sValue>1</q:sValue></q:SetMultiStringValue_INPUT>'
    inject(bench, kind=kind, action="SetMultiStringValue")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        post(bench, envelope(f"{uri}/SetMultiStringValue", uri, body))
    assert bool(bench.stub.values) == performed
    assert [item.status for item in bench.host.counters.log] == [0]
    assert post(bench, envelope())[0] == 200


def test_the_connection_may_end_after_an_answer(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="drop_after_answer")
    assert post(bench, envelope())[0] == 200


def test_a_rule_counts_requests_from_its_injection(serve: Serve) -> None:
    bench = serve()
    post(bench, envelope())
    inject(bench, kind="http_status", at=2, times=2, status=503)
    assert [post(bench, envelope())[0] for _turn in range(5)] == [200, 503, 503, 200, 200]


def test_a_rule_without_an_end_fires_for_ever(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="unauthorized", at=2, times=None)
    assert [post(bench, envelope())[0] for _turn in range(4)] == [200, 401, 401, 401]


def test_delays(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="delay", seconds=0.3)
    began = time.monotonic()
    assert post(bench, envelope())[0] == 200
    assert time.monotonic() - began >= 0.3


def test_hanging_ends_with_the_client(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="hang")
    connection = http.client.HTTPConnection("127.0.0.1", bench.host.listener.port, timeout=0.3)
    connection.request("POST", "/wsman", envelope(), {"Authorization": BASIC})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert post(bench, envelope())[0] == 200


def test_an_answer_may_be_empty(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="empty")
    assert post(bench, envelope()) == (200, b"")


def test_an_answer_may_be_cut_off(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="cut")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        post(bench, envelope())
    assert [item.status for item in bench.host.counters.log] == [200]


def test_a_drip_takes_its_time(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="drip", seconds=0.0005)
    status, body = post(bench, envelope())
    assert status == 200
    assert ET.fromstring(body) is not None


def test_redirects_are_not_followed_by_us_but_sent(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="redirect", location="http://127.0.0.1:1/wsman")
    assert post(bench, envelope())[0] == 307


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversize_body_is_streamed(serve: Serve, chunked: bool) -> None:
    bench = serve()
    inject(bench, kind="oversize", size=3_000_000, chunked=chunked)
    status, body = post(bench, envelope())
    assert (status, len(body)) == (200, 3_000_000)
    assert ET.fromstring(body) is not None


@pytest.mark.parametrize("kind", ["malformed", "truncated"])
def test_spoilt_xml(serve: Serve, kind: str) -> None:
    bench = serve()
    inject(bench, kind=kind)
    with pytest.raises(ET.ParseError):
        ET.fromstring(post(bench, envelope())[1])


@pytest.mark.parametrize("kind", ["dtd", "entity_bomb"])
def test_dtds(serve: Serve, kind: str) -> None:
    bench = serve()
    inject(bench, kind=kind)
    assert b"<!DOCTYPE" in post(bench, envelope())[1]


@pytest.mark.parametrize(("kind", "count"), [("wrong_relates_to", 1), ("missing_relates_to", 0)])
def test_relations(serve: Serve, kind: str, count: int) -> None:
    bench = serve()
    inject(bench, kind=kind)
    body = post(bench, envelope())[1]
    assert body.count(b"<a:RelatesTo>") == count
    assert b"5B8A8E6A" not in body


def test_chosen_faults(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="wsman_fault", code=0x80338029, subcode="w:TimedOut")
    inject(bench, kind="access_denied", at=2)
    first, second = (ET.fromstring(post(bench, envelope())[1]) for _turn in range(2))
    assert (subcode(first), number(first)) == ("w:TimedOut", "2150858793")
    assert (subcode(second), number(second)) == ("w:AccessDenied", "5")


def test_http_scope_counts_authentication_too(serve: Serve) -> None:
    bench = serve()
    inject(bench, kind="http_status", scope="http", status=404, body="<html>IIS</html>")
    assert post(bench, envelope(), Authorization="") == (404, b"<html>IIS</html>")


@pytest.mark.parametrize(
    "rule", [{"kind": "nothing"}, {"kind": "drop_before", "att": 1}, {"kind": "hang", "scope": "x"}]
)
def test_rules_that_are_not_understood(rule: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="A fault"):
        read_rule(rule)


def test_all_kinds_are_readable() -> None:
    assert [read_rule({"kind": kind}).kind for kind in KINDS] == list(KINDS)
