# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoilt texts of Windows against everything that reads them: ``python -m tests.tooling.fuzz_console_text``.

No reader may raise, no port may come from anywhere but a row of the right shape, and none from a heading, whatever
stands there. The same seed gives the same texts; a text that breaks a rule is shown and ends the run (exit code 1).
"""

from __future__ import annotations

import argparse
import datetime
import random
import re
import sys
import time
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.activesync import port_of
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import errors_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text
from tests.unit.plugins.module_utils._windows.samples import LANGUAGES

RUNS: t.Final = 100_000
TABLES: t.Final = tuple(language.exclusions() for language in LANGUAGES)
RANGES: t.Final = tuple(language.dynamic_range(1025, 58976) for language in LANGUAGES)
SOCKETS: t.Final = tuple(language.netstat() for language in LANGUAGES)
CONSOLE: t.Final = (*TABLES, *RANGES, *SOCKETS)
NOISE: t.Final = b"0123456789-*:.[]%| \t\r\n\x00\xff\x84abc"
HEADING_NOISE: t.Final = b"0123456789*:.[]%|= \t\xff\x84\xe9abcZ"
"""Without line ends and hyphens, which would end the heading."""
STRINGS: t.Final = (
    ("Internetauthentifizierungsdienst", "%%10048"),
    ("0x80004005", "2883"),
    ("IPSEC Services", "%%2"),
    ("1720", "ncacn_ip_tcp", "BASE IL MAIN BASE 1 504"),
    ("UDP port [2883]", "0x80004005", "%%%%10013"),
)
TIME: t.Final = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
_ROW: t.Final = re.compile(rb"[ \t]*(\d{1,5})[ \t]+(\d{1,5})[ \t]*\*?[ \t]*")
_NUMBER: t.Final = re.compile(rb"\d+")


class Broken(AssertionError):
    """A rule does not hold; carries the text that broke it."""


def _demand(holds: bool, rule: str, text: object) -> None:
    if not holds:
        raise Broken(f"{rule}\n{text!r}")


def mutated(chance: random.Random, raw: bytes, noise: bytes = NOISE, most: int = 8) -> bytes:
    """The text with some bytes replaced, inserted or cut out, and sometimes with lines moved about."""
    result = bytearray(raw)
    for _edit in range(chance.randint(1, most)):
        start = chance.randint(0, len(result))
        length = chance.choice((0, 0, 1, 1, 2, 8))
        result[start : start + length] = bytes(chance.choices(noise, k=chance.randint(0, 3)))
    if noise is NOISE and chance.random() < 0.2:
        lines = bytes(result).split(b"\n")
        chance.shuffle(lines)
        return b"\n".join(lines)
    return bytes(result)


def spliced(chance: random.Random) -> bytes:
    """The beginning of one text and the end of another, as a torn stream would give."""
    first, second = chance.choice(CONSOLE), chance.choice(CONSOLE)
    return first[: chance.randint(0, len(first))] + second[chance.randint(0, len(second)) :]


def check_any_text(chance: random.Random) -> None:
    """Ports that can be, out of rows of the right shape."""
    raw = mutated(chance, chance.choice(CONSOLE)) if chance.random() < 0.8 else spliced(chance)
    lines = raw.replace(b"\r", b"").split(b"\n")
    rows = {(int(row[1]), int(row[2])) for row in map(_ROW.fullmatch, lines) if row}
    for block in console_text.exclusion_blocks(raw):
        _demand((block.ports.first, block.ports.last) in rows, "a block that is no row", raw)
    numbers = [{int(number) for number in _NUMBER.findall(line)} for line in lines]
    for socket in console_text.sockets(raw):
        _demand(0 <= socket.port <= 65535, "a port that can't be", raw)
        found = any({socket.port, socket.process_id} <= line for line in numbers)
        _demand(found, "a port and a process that are not in one row", raw)
    check_connections(raw, lines)
    drawn = console_text.dynamic_range(raw)
    _demand(drawn is None or 0 <= drawn.first <= drawn.last <= 65535, "a range that can't be", raw)
    console_text.is_exclusion_table(raw)


def check_connections(raw: bytes, lines: t.Sequence[bytes]) -> None:
    """The port is that of the left address, never that of the right one, and the far end is the right one."""
    columns = [line.split() for line in lines if line.lstrip(b" \t").startswith(b"TCP")]
    ends = {(row[1].rpartition(b":")[2], row[2], row[-1]) for row in columns if len(row) > 3}
    known = {(int(port), far_end, int(last)) for port, far_end, last in ends if port.isdigit() and last.isdigit()}
    for connection in console_text.connections(raw):
        shown = (connection.port, connection.far_end.encode(), connection.process_id)
        _demand(shown in known, "a connection that is no row", raw)
        _demand(0 <= connection.port <= 65535 and connection.process_id > 0, "a connection that can't be", raw)


def check_headings(chance: random.Random) -> None:
    """The rows below the ruler say the same with any text above it."""
    raw = chance.choice((*TABLES, *RANGES))
    ruler = raw.index(b"\n--") + 1
    heading = b"\n".join(mutated(chance, line, HEADING_NOISE) for line in raw[:ruler].split(b"\n")[:-1])
    more = b"\r\n%d  %d\r\n" % (chance.randint(0, 65535), chance.randint(0, 65535))
    spoilt = more + heading + more + raw[ruler:]
    _demand(console_text.exclusion_blocks(spoilt) == console_text.exclusion_blocks(raw), "a row of a heading", spoilt)
    _demand(console_text.dynamic_range(spoilt) == console_text.dynamic_range(raw), "a range of a heading", spoilt)


def check_events(chance: random.Random) -> None:
    """Errors only after %%, a port only from a number that stands alone."""
    texts = [text.encode() for text in chance.choice(STRINGS)]
    strings = tuple(mutated(chance, text, most=3).decode("latin-1") for text in texts)
    event = Event("Application", 1, "Server ActiveSync", chance.choice((3015, 3024, 7023)), TIME, strings)
    for number in errors_of(event):
        _demand(any(re.search(f"%%0*{number}(?![0-9])", text) for text in strings), "an error out of nowhere", strings)
    (port,) = port_of([event])
    alone = any(text.strip().strip("[]") == str(port).zfill(len(text.strip().strip("[]"))) for text in strings)
    _demand(port == min(port_of([])) or alone, "a port out of nowhere", strings)


CHECKS: t.Final = (check_any_text, check_any_text, check_headings, check_events)
"""By turns; the first is twice as likely."""


def fuzz(runs: int, seed: int) -> None:
    """Look at that many texts; raises Broken."""
    chance = random.Random(seed)
    for number in range(runs):
        CHECKS[number % len(CHECKS)](chance)


def main(arguments: t.Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        fuzz(given.runs, given.seed)
    except Broken as error:
        sys.stderr.write(f"seed {given.seed}: {error}\n")
        return 1
    sys.stdout.write(
        f"{given.runs} spoilt texts (seed {given.seed}), {time.monotonic() - began:.0f} s: all rules hold\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
