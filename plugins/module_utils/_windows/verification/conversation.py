# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single messages through the gate, with odd headers where a probe wants them, and their answers as elements."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import uuid
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import USUAL, Header
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Fault, fault_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import IDENTITY, Gate
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors

OPERATION_TIMEOUT: t.Final = 60.0
"""Seconds; the servers' own most."""

_IDENTIFY: t.Final = (
    f'<s:Envelope xmlns:s="{soap.NAMESPACES["s"]}" xmlns:wsmid="{IDENTITY}"><s:Header/><s:Body>'
    "<wsmid:Identify/></s:Body></s:Envelope>"
).encode()
_UNKNOWN_HEADER: t.Final = b'<k:Unknown xmlns:k="urn:portkeeper:verify" s:mustUnderstand="true">1</k:Unknown>'
_UNKNOWN_OPTION: t.Final = b'<w:OptionSet><w:Option Name="portkeeper" MustComply="true">1</w:Option></w:OptionSet>'


STRANGE_SHAPE: t.Final = "the answer has another shape than the readers expect"


class NoAnswer(Exception):
    """A message got no SOAP answer; the text is a clause of our own, without a word of the server."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the envelope, and the fault if it is one."""

    envelope: ET.Element
    fault: Fault | None

    @property
    def body(self) -> ET.Element:
        """The SOAP body; empty if it is missing."""
        found = soap.child(self.envelope, "Body")
        return ET.Element("none") if found is None else found


class Conversation:
    """Asks one message at a time."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.origin: t.Final = errors.Origin(gate.host, "verify")

    def identify(self) -> Answer:
        """Ask which stack answers."""
        return self._answered(_IDENTIFY)

    def ask(self, message: soap.Message, header: Header = USUAL) -> Answer:
        """Send one message; NoAnswer if what comes back is no SOAP.

        Raises:
            HostUnreachable: there is no connection (not if an odd message ended it).
            AuthenticationFailed: the account is refused.
        """
        message_id = f"uuid:{uuid.uuid4()}"
        envelope = soap.render(message, message_id=message_id, operation_timeout=OPERATION_TIMEOUT)
        return self._answered(_with(envelope, header), odd=header != USUAL)

    def _answered(self, envelope: bytes, *, odd: bool = False) -> Answer:
        try:
            root = soap.parse(self._gate.send(envelope), self.origin)
        except errors.ConnectionDropped as error:
            if not odd:
                raise
            self._gate.reset()
            raise NoAnswer("the server ended the connection") from error
        except errors.ProtocolViolation as error:
            raise NoAnswer("what came back is no message of WS-Management") from error
        return Answer(root, fault_of(root))


def _with(envelope: bytes, header: Header) -> bytes:
    """The message with these oddities. Its bytes are our own, so plain replacements will do."""
    if header == USUAL:
        return envelope
    if not header.reply_to:
        envelope = re.sub(rb"<a:ReplyTo>.*?</a:ReplyTo>", b"", envelope)
    if not header.message_id:
        envelope = re.sub(rb"<a:MessageID>.*?</a:MessageID>", b"<a:MessageID></a:MessageID>", envelope)
    if header.envelope_size:
        size = str(header.envelope_size).encode()
        envelope = envelope.replace(f">{soap.MAX_ENVELOPE_SIZE}</w:".encode(), b">" + size + b"</w:")
    if header.timeout:
        envelope = re.sub(rb">PT[0-9.]+S</w:", f">{header.timeout}</w:".encode(), envelope)
    if header.locale_demanded:
        envelope = re.sub(rb'(<w:Locale [^>]*?s:mustUnderstand=)"false"', rb'\1"true"', envelope)
    more = _UNKNOWN_HEADER * header.unknown_header + _UNKNOWN_OPTION * header.option_demanded
    return envelope.replace(b"</s:Header>", more + b"</s:Header>")
