# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of a server's texts on texts of two sizes: ``python -m tests.tooling.growth``.

A reader that is worse than n log n lets a hostile server hold a task for as long as it likes. Each gets a hostile text
of about 64 KiB and one that is 16 times as long, a quarter of the largest answer. Its CPU time may grow at most 40
times; both are measured in this one run, so a slow machine does not matter.
"""

from __future__ import annotations

import codecs
import collections.abc as c
import dataclasses
import sys
import time
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import services_file_lines
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import reg_files
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList, changed_list
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text

FACTOR: t.Final = 16
MOST: t.Final = 40.0
LEAST_SECONDS: t.Final = 0.02
"""Of CPU time for one measurement; below, the clock says nothing, so that a fast reader runs more than once."""
ATTEMPTS: t.Final = 3

Run: t.TypeAlias = c.Callable[[], object]


@dataclasses.dataclass(frozen=True)
class Reader:
    """A reader by name; ``prepared`` makes a text of so many units, ``units`` of which are the shorter one."""

    name: str
    units: int
    prepared: c.Callable[[int], Run]


def _console(row: bytes, *, lines: bool) -> c.Callable[[int], Run]:
    """All readers of console texts, on many rows or on one row without an end."""

    def prepared(size: int) -> Run:
        raw = b"---- ----\r\n" + (row + b"\r\n") * size if lines else b"---- ----\r\n" + row * size

        def run() -> None:
            console_text.is_exclusion_table(raw)
            console_text.exclusion_blocks(raw)
            console_text.dynamic_range(raw)
            console_text.sockets(raw)
            console_text.connections(raw)

        return run

    return prepared


def _port_list(size: int) -> Run:
    """A list of entries that touch each other two by two, and a wish that touches every tenth."""
    entries = tuple(f"{first}-{first + 1}" for first in range(1024, 1024 + 3 * size, 3) if first < 65000)
    listed = PortList(entries * (1 + size // 20000))
    wanted = PortSet.of(*range(1026, min(1026 + 3 * size, 65000), 30))

    def run() -> None:
        listed.reliable.texts()
        for strict in (True, False):
            changed_list(listed, "present", wanted, strict=strict)
            changed_list(listed, "absent", wanted, strict=strict)

    return run


def _services_file(size: int) -> Run:
    content = b"".join(b"name%d \t\t %d/tcp  alias # comment\r\n" % (number, number % 65536) for number in range(size))
    return lambda: [services_file_lines.service_of(line) for line in services_file_lines.split_lines(content)]


def _services_line(size: int) -> Run:
    return lambda: services_file_lines.service_of(b"name " + b" \t#" * size + b" 1/tcp " * size)


def _registration_file(line: str) -> c.Callable[[int], Run]:
    """Lines that go on in the next one."""

    def prepared(size: int) -> Run:
        text = f"{reg_files.HEAD}\n[HKEY_LOCAL_MACHINE\\A]\n" + line * size
        content = codecs.BOM_UTF16_LE + text.encode("utf-16-le")
        return lambda: reg_files.read(content)

    return prepared


READERS: t.Final = (
    Reader("netstat, rows of blanks", 200, _console(b"TCP 0.0.0.0:1 0.0.0.0:0" + b" x" * 80 + b" " * 150, lines=True)),
    Reader("netstat, one row without an end", 2500, _console(b"TCP 0.0.0.0:1 0.0.0.0:0 1 ", lines=False)),
    Reader("netsh, rows of digits", 180, _console(b"1 2 " * 90 + b"*", lines=True)),
    Reader("rulers", 160, _console(b"-" * 390, lines=True)),
    Reader("ReservedPorts", 2000, _port_list),
    Reader("registry, bytes without an end", 6000, _registration_file('"a"=hex:00,\\\n')),
    Reader("registry, texts without an end", 6000, _registration_file('"a"="b\n')),
    Reader("registry, keys", 6000, _registration_file("[[]\n")),
    Reader("services file", 2000, _services_file),
    Reader("services file, one line", 6000, _services_line),
)


def _seconds(run: Run) -> float:
    """CPU seconds of one run, in the fastest of some attempts."""
    return min(_attempt(run) for _number in range(ATTEMPTS))


def _attempt(run: Run) -> float:
    runs, began = 0, time.process_time()
    while time.process_time() - began < LEAST_SECONDS:
        run()
        runs += 1
    return (time.process_time() - began) / runs


def growth(reader: Reader) -> float:
    """How many times the CPU time grows from the shorter text to the longer one."""
    return _seconds(reader.prepared(reader.units * FACTOR)) / _seconds(reader.prepared(reader.units))


def main() -> int:
    """The program: a line for each reader, and exit code 1 if one grows too fast."""
    slow = 0
    for reader in READERS:
        times = growth(reader)
        slow += times > MOST
        sys.stdout.write(
            f"{reader.name:<34} {FACTOR} times the text, {times:5.1f} times the CPU (at most {MOST:.0f})\n"
        )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
