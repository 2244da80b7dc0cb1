# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the shapes that Windows gives, written for these tests, and a transport that serves them from memory."""

from __future__ import annotations

import re
import typing as t

NS_W = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
REGISTRY = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"


def envelope(body: str, *, relates_to: str = "uuid:1", action: str = "urn:any") -> str:
    relation = f"<a:RelatesTo>{relates_to}</a:RelatesTo>" if relates_to else ""
    return (
        '<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
        'xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" '
        f'xmlns:rsp="{SHELL}" xmlns:w="{NS_W}"><s:Header><a:Action>{action}</a:Action>'
        "<a:MessageID>uuid:0F0F0F0F-1111-2222-3333-444444444444</a:MessageID>"
        f"<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>{relation}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def output(method: str, members: str, *, uri: str = REGISTRY) -> str:
    return (
        f'<p:{method}_OUTPUT xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="{uri}" '
        f'xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common">{members}</p:{method}_OUTPUT>'
    )


def instance(class_name: str, members: str) -> str:
    uri = f"{CIMV2}/{class_name}"
    return (
        f'<p:{class_name} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="{uri}" '
        'xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" '
        f'xsi:type="p:{class_name}_Type">{members}</p:{class_name}>'
    )


def fragment(members: str) -> str:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    return f'<w:XmlFragment xmlns:xsi="{xsi}" xmlns:w="{NS_W}">{members}</w:XmlFragment>'


def page(kind: t.Literal["Enumerate", "Pull"], items: str | None, context: str | None) -> str:
    prefix = "w" if kind == "Enumerate" else "n"
    listed = "" if items is None else f"<{prefix}:Items>{items}</{prefix}:Items>"
    end = f"<{prefix}:EndOfSequence/>" if context is None else ""
    current = f"<n:EnumerationContext>{context or ''}</n:EnumerationContext>"
    return f"<n:{kind}Response>{current}{listed}{end}</n:{kind}Response>"


def fault(subcode: str, detail: str = "", *, reason: str = "Etwas ging schief. ", code: str = "s:Sender") -> str:
    return (
        f"<s:Fault><s:Code><s:Value>{code}</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="de-DE">{reason}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>'
    )


def wsman_fault(code: int | str, inner: str = "") -> str:
    return (
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
        f'Code="{code}" Machine="edge1"><f:Message>{inner or "Text of the server. "}</f:Message></f:WSManFault>'
    )


def provider_fault(inner: str) -> str:
    plugin = "%systemroot%\\system32\\WsmWmiPl.dll"
    return f'<f:ProviderFault provider="WMI Provider" path="{plugin}">{inner}</f:ProviderFault>'


def extended_status(members: str) -> str:
    return (
        '<f:ExtendedError><p:__ExtendedStatus xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:p="{CIMV2}/__ExtendedStatus" xsi:type="p:__ExtendedStatus_Type">{members}</p:__ExtendedStatus>'
        "</f:ExtendedError>"
    )


def wmi_error(members: str, *, uri: str = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError") -> str:
    return f'<p:MSFT_WmiError xmlns:p="{uri}">{members}</p:MSFT_WmiError>'


TIMED_OUT = fault("w:TimedOut", wsman_fault(2150858793), code="s:Receiver")


def shell_created(shell_id: str = "11111111-AAAA-BBBB-CCCC-222222222222") -> str:
    return (
        "<x:ResourceCreated><a:Address>http://edge1:5985/wsman</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{SHELL}/cmd</w:ResourceURI>"
        f'<w:SelectorSet><w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
        "</a:ReferenceParameters></x:ResourceCreated>"
    )


def command_started(command_id: str = "C1") -> str:
    return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"


def received(streams: str, *, command_id: str = "C1", exit_code: int | None = None) -> str:
    kind = "Running" if exit_code is None else "Done"
    code = "" if exit_code is None else f"<rsp:ExitCode>{exit_code}</rsp:ExitCode>"
    return (
        f'<rsp:ReceiveResponse>{streams}<rsp:CommandState CommandId="{command_id}" '
        f'State="{SHELL}/CommandState/{kind}">{code}</rsp:CommandState></rsp:ReceiveResponse>'
    )


def stream(name: str, base64_text: str, *, command_id: str = "C1", end: bool = False) -> str:
    last = ' End="true"' if end else ""
    return f'<rsp:Stream Name="{name}" CommandId="{command_id}"{last}>{base64_text}</rsp:Stream>'


Reply: t.TypeAlias = "str | bytes | Exception"


class ScriptedTransport:
    """Serves one reply per request: a SOAP body (gets the right RelatesTo), a whole answer, or an exception."""

    host = "edge1"

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.sent: list[str] = []
        self.resets = 0

    @property
    def actions(self) -> list[str]:
        """The last part of each request's action."""
        return [re.findall("<a:Action[^>]*>([^<]*)<", sent)[0].rpartition("/")[2] for sent in self.sent]

    def send(self, envelope_sent: bytes) -> bytes:
        text = envelope_sent.decode("utf-8")
        self.sent.append(text)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, bytes):
            return reply
        message_id = re.findall("<a:MessageID>([^<]*)<", text)[0]
        return envelope(reply, relates_to=message_id.upper().replace("UUID:", "uuid:")).encode("utf-8")

    def reset(self) -> None:
        self.resets += 1
