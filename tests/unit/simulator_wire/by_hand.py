# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests put together by hand, and what to look for in their answers."""

from __future__ import annotations

import base64
import http.client
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.wire.soap import NAMESPACES, tag
from tests.unit.simulator_wire.bench import Bench

CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
PULL = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
BASIC = "Basic " + base64.b64encode(b"Administrator:Pa55-word!").decode()
REPLY_TO = (
    "<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
)


def envelope(action: str = GET, uri: str = f"{CIMV2}/Win32_OperatingSystem", body: str = "", **changes: str) -> bytes:
    """Write a request; a header given by name replaces the usual one."""
    headers = {
        "message_id": "<a:MessageID>uuid:5B8A8E6A-52A5-4C1E-B1E8-6C8F1E6A0001</a:MessageID>",
        "reply_to": REPLY_TO,
        "size": "<w:MaxEnvelopeSize>153600</w:MaxEnvelopeSize>",
        "extra": "",
        **changes,
    }
    declared = " ".join(f'xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in ("s", "a", "w", "n", "p", "x", "rsp"))
    return (
        f"<s:Envelope {declared}><s:Header><a:Action>{action}</a:Action><w:ResourceURI>{uri}</w:ResourceURI>"
        f"{''.join(headers.values())}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def post(bench: Bench, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", bench.host.listener.port, timeout=5)
    connection.request("POST", "/wsman", body, {"Authorization": BASIC, "Content-Type": "text/xml", **headers})
    answer = connection.getresponse()
    return answer.status, answer.read()


def ask(bench: Bench, *arguments: t.Any, **changes: str) -> ET.Element:
    status, body = post(bench, envelope(*arguments, **changes))
    root = ET.fromstring(body)
    assert (status == 500) == (root.find(f".//{tag('s:Fault')}") is not None)
    return root


def names(parent: ET.Element | None) -> list[str]:
    assert parent is not None
    return [item.tag for item in parent]


def subcode(root: ET.Element) -> str | None:
    return root.findtext(f".//{tag('s:Subcode')}/{tag('s:Value')}")


def number(root: ET.Element) -> str | None:
    found = root.find(f".//{tag('f:WSManFault')}")
    return None if found is None else found.get("Code")
