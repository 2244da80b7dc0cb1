# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server answered to the questions, in plain values, and the reading aids of the probes."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.masking import SUBCODES
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import At, Question

_STACK: t.Final = re.compile(r"Stack: ([0-9]\.[0-9])")
_MOMENT: t.Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)


Seen: t.TypeAlias = "bool | int | str"
Made = t.TypeVar("Made")


class CantTell(Exception):
    """What was seen does not answer the question; the text says why, as a clause."""


class Link(t.NamedTuple):
    """A reference to another object."""

    class_name: str
    name: str


Item: t.TypeAlias = "str | Link | tuple[str | Link | None, ...] | None"
Row = t.Mapping[str, Item]
"""One object: its properties by name; no entry where the answer has no element."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault. ``subcode`` without its prefix; ``number`` of WSManFault, ``wmi_number`` of MSFT_WmiError."""

    subcode: str
    number: int | None
    wmi_number: int | None
    detail: str
    """The last part of FaultDetail, such as InvalidResourceURI."""
    related: bool
    """It says to which message it belongs."""

    @property
    def code(self) -> int:
        """The number that decides; 0 if there is none."""
        return self.number or self.wmi_number or 0

    @property
    def text(self) -> str:
        """Subcode and number, as probes compare them."""
        subcode = self.subcode if self.subcode in SUBCODES or not self.subcode else "other"
        return f"{subcode} 0x{self.code:08X}"


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended: its output as bytes in an unknown code page, and its exit code."""

    raw: bytes
    code: int
    errors: bytes = b""


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Everything that came back for one question.

    ``problem``: why there is neither an answer nor a fault. ``answers``: the envelopes, in order.
    """

    rows: tuple[Row, ...] = ()
    ran: Ran | None = None
    blocks: tuple[ExclusionBlock, ...] | None = None
    """Of netsh's table of excluded ranges; ``None``: there is no such table."""
    ports: PortRange | None = None
    """Of netsh's dynamic range."""
    sockets: tuple[Socket, ...] = ()
    """Of netstat."""
    fault: Fault | None = None
    answers: tuple[ET.Element, ...] = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """What expectations depend on. ``language`` is OSLanguage (an LCID; 0: not told), ``stack`` WinRM's (3.0)."""

    release: Release
    product_type: int
    language: int
    stack: str

    @property
    def is_old(self) -> bool:
        """Windows Server 2003."""
        return self.release.major < 6

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor number, to compare."""
        return (self.release.major, self.release.minor)


class Readings:
    """All readings of one server, by question."""

    def __init__(self, found: t.Mapping[Question, Reading], server: Server) -> None:
        self._found = found
        self.server = server
        self._made: dict[str, t.Any] = {}

    def once(self, name: str, make: t.Callable[[], Made]) -> Made:
        """What several probes make of the same readings; made at the first time."""
        if name not in self._made:
            self._made[name] = make()
        return t.cast("Made", self._made[name])

    def at(self, stage: str) -> Readings:
        """The readings of a stage of the grade lab, by the questions that were asked again there."""
        return self.once(f"at {stage}", lambda: Readings(self._asked_at(stage), self.server))

    def _asked_at(self, stage: str) -> dict[Question, Reading]:
        return {
            one.question: reading for one, reading in self._found.items() if isinstance(one, At) and one.stage == stage
        }

    def reading(self, question: Question) -> Reading:
        """What came back, a fault included; CantTell if nothing did."""
        found = self._found.get(question)
        if found is None:
            raise CantTell("it was not asked")
        if found.problem:
            raise CantTell(found.problem)
        if found.fault is not None and found.fault.subcode == "AccessDenied":
            raise CantTell("this account may not ask that")
        return found

    def answered(self, question: Question) -> Reading:
        """What came back; CantTell if the server refused."""
        found = self.reading(question)
        if found.fault is not None:
            raise CantTell(f"the server refuses the question ({found.fault.text})")
        return found

    def fault_text(self, question: Question) -> str:
        """The fault as a text; ``answered`` if there is none."""
        fault = self.reading(question).fault
        return "answered" if fault is None else fault.text

    def envelope(self, question: Question, index: int = 0) -> ET.Element:
        """One of the answers, a fault or not."""
        answers = self.reading(question).answers
        if len(answers) <= index:
            raise CantTell("there is no such answer")
        return answers[index]

    def rows(self, question: Question) -> tuple[Row, ...]:
        """All objects."""
        return self.answered(question).rows

    def row(self, question: Question) -> Row:
        """The one object."""
        rows = self.rows(question)
        if len(rows) != 1:
            raise CantTell(f"{len(rows)} objects came back instead of one")
        return rows[0]

    def code(self, question: Question) -> int:
        """The ReturnValue of a method."""
        return number(self.row(question), "ReturnValue")

    def blocks(self, question: Question) -> tuple[ExclusionBlock, ...]:
        """The excluded ranges of a table; CantTell if it is none."""
        blocks = self.answered(question).blocks
        if blocks is None:
            raise CantTell("netsh shows no excluded ranges here")
        return blocks

    def ports(self, question: Question) -> PortRange:
        """The range of netsh's dynamic ports; CantTell if it shows none."""
        ports = self.answered(question).ports
        if ports is None:
            raise CantTell("netsh shows no dynamic range here")
        return ports

    def ran(self, question: Question) -> Ran:
        """A command's output and exit code."""
        ran = self.answered(question).ran
        if ran is None:
            raise CantTell("its output did not come back")
        return ran


def text(row: Row, name: str) -> str:
    """A text; CantTell if it is not there or is null."""
    value = next((value for key, value in row.items() if key.casefold() == name.casefold()), None)
    if not isinstance(value, str):
        raise CantTell(f"the answer has no {name}")
    return value


def number(row: Row, name: str) -> int:
    """A decimal number; CantTell if it is none."""
    value = text(row, name).strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", value):
        raise CantTell(f"{name} is no number")
    return int(value)


def texts(row: Row, name: str) -> tuple[str, ...]:
    """An array of texts; empty if there is no element."""
    value = next((value for key, value in row.items() if key.casefold() == name.casefold()), None)
    items = value if isinstance(value, tuple) and not isinstance(value, Link) else (value,)
    return tuple(item for item in items if isinstance(item, str))


def seconds(row: Row, name: str) -> float:
    """A point of time as seconds, for differences only; CantTell if it is none."""
    match = _MOMENT.match(text(row, name))
    if match is None:
        raise CantTell(f"{name} is no time")
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    # Days since the Gregorian year 0, so that differences are right across months.
    shifted = year - (month < 3)
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day
    return days * 86400.0 + hour * 3600 + minute * 60 + float(match[6])


def local(node: ET.Element) -> str:
    """The tag without its namespace."""
    return node.tag.rpartition("}")[2]


def space(node: ET.Element) -> str:
    """The namespace of a tag."""
    return node.tag.rpartition("}")[0].lstrip("{")


def first(node: ET.Element, name: str) -> ET.Element | None:
    """The first descendant with this local name."""
    return next((item for item in node.iter() if local(item) == name), None)


def inner_text(node: ET.Element | None) -> str:
    """The stripped text of a node; empty if there is none."""
    return (node.text or "").strip() if node is not None else ""


def fault_of(envelope: ET.Element) -> Fault | None:
    """The fault of an answer, or ``None``."""
    fault = first(envelope, "Fault")
    if fault is None:
        return None
    subcode = first(fault, "Subcode")
    wsman, wmi = first(fault, "WSManFault"), first(fault, "error_Code")
    return Fault(
        subcode=inner_text(None if subcode is None else first(subcode, "Value")).rpartition(":")[2],
        number=_number(wsman.get("Code", "")) if wsman is not None else None,
        wmi_number=_number(inner_text(wmi)),
        detail=inner_text(first(fault, "FaultDetail")).rpartition("/")[2],
        related=bool(inner_text(first(envelope, "RelatesTo"))),
    )


def _number(digits: str) -> int | None:
    return int(digits) & 0xFFFFFFFF if re.fullmatch(r"-?[0-9]{1,11}", digits) else None


def stack_of(identity: ET.Element) -> str:
    """The WinRM stack in an Identify's answer (``3.0``); empty if it is not told."""
    match = _STACK.search(inner_text(first(identity, "ProductVersion")))
    return match[1] if match else ""
