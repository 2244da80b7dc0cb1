# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Injected faults: what networks, proxies, hostile and broken servers do, on demand and by request number."""

from __future__ import annotations

import base64
import collections.abc as c
import dataclasses
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.wire.soap import local_name, parse_xml

Kind: t.TypeAlias = t.Literal[
    "drop_before",
    "drop_after",
    "drop_after_answer",
    "empty",
    "cut",
    "delay",
    "hang",
    "drip",
    "http_status",
    "redirect",
    "oversize",
    "malformed",
    "truncated",
    "dtd",
    "entity_bomb",
    "wrong_relates_to",
    "missing_relates_to",
    "replaced_text",
    "wsman_fault",
    "access_denied",
    "unauthorized",
]
KINDS: t.Final[tuple[Kind, ...]] = t.get_args(Kind)
Scope: t.TypeAlias = t.Literal["message", "http"]

DTD_DOCUMENT: t.Final = b'<?xml version="1.0"?><!DOCTYPE e [<!ENTITY x "y">]><e>&x;</e>'


@dataclasses.dataclass(slots=True)
class Rule:
    """One fault to inject.

    It fires on requests whose number is ``at`` or more (counted from the injection, from 1) and whose action,
    resource or brief contains ``action`` (without regard to case); ``times`` times, for ever if None.
    ``scope`` is the unit that is counted: SOAP messages, or all HTTP requests including those of authentication.
    ``seconds`` for delays, ``status`` and ``body`` for HTTP answers, ``location`` for redirects, ``size`` in bytes for
    oversize bodies (``chunked`` hides it from the reader), ``code`` and ``subcode`` for faults, whose reason ``body``
    may replace. ``element`` is the local name of the elements whose text ``body`` replaces. ``unsealed``: the answer is
    not encrypted though the session is, as from a machine on the line that knows no password.
    """

    kind: Kind
    at: int = 1
    times: int | None = 1
    action: str = ""
    scope: Scope = "message"
    seconds: float = 1.0
    status: int = 503
    body: str = ""
    location: str = ""
    size: int = 64 * 1024 * 1024
    chunked: bool = False
    code: int = 0x80338043
    subcode: str = "w:InternalError"
    element: str = ""
    unsealed: bool = False
    seen: int = 0
    fired: int = 0

    def applies(self, scope: Scope, text: str) -> bool:
        """Count a request and tell whether the rule fires on it."""
        if scope != self.scope or self.action.lower() not in text.lower():
            return False
        self.seen += 1
        if self.seen < self.at or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


def read_rule(data: c.Mapping[str, t.Any]) -> Rule:
    """Make a rule from JSON; ValueError names the part that is not understood."""
    known = {field.name for field in dataclasses.fields(Rule)} - {"seen", "fired"}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(f"A fault has no field {unknown[0]!r}; it has: {', '.join(sorted(known))}.")
    if data.get("kind") not in KINDS:
        raise ValueError(f"A fault's kind is one of: {', '.join(KINDS)}.")
    if data.get("scope", "message") not in t.get_args(Scope):
        raise ValueError("A fault's scope is 'message' or 'http'.")
    return Rule(**data)


class Injections:
    """The rules of one host; the first that fires on a request wins."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def find(self, scope: Scope, text: str) -> Rule | None:
        """Give the rule that fires on this request."""
        fired = [rule for rule in self.rules if rule.applies(scope, text)]
        return fired[0] if fired else None

    def as_json(self) -> list[dict[str, t.Any]]:
        """Give the rules with how often each has seen a request and fired."""
        return [dataclasses.asdict(rule) for rule in self.rules]


def entity_bomb() -> bytes:
    """Give a document whose entities would unfold to gigabytes."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY e0 "spam">{levels}]><b>&e9;</b>'.encode()


async def padding(size: int, *, chunk: int = 65536) -> c.AsyncIterator[bytes]:
    """Give the pieces of a well-formed envelope of about this size, without building it."""
    head = b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><x>'
    tail = b"</x></s:Body></s:Envelope>"
    yield head
    remaining = max(0, size - len(head) - len(tail))
    while remaining:
        piece = min(chunk, remaining)
        yield b"x" * piece
        remaining -= piece
    yield tail


def changed_relation(envelope: bytes, *, drop: bool) -> bytes:
    """Give an answer that relates to another message, or to none."""
    head, start, rest = envelope.partition(b"<a:RelatesTo>")
    _identifier, end, tail = rest.partition(b"</a:RelatesTo>")
    if not start:
        return envelope
    return head + tail if drop else head + start + b"uuid:00000000-0000-4000-8000-000000000000" + end + tail


def replaced_text(envelope: bytes, rule: Rule) -> bytes:
    """Give an answer in which all elements of this name say the same; streams of a shell say it in base64."""
    root = parse_xml(envelope)
    for item in root.iter():
        if local_name(item) == rule.element and (rule.element != "Stream" or item.text):
            item.text = base64.b64encode(rule.body.encode()).decode() if rule.element == "Stream" else rule.body
    return ET.tostring(root, encoding="unicode").encode()
