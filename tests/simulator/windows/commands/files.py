# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on files: type, dir, copy, move and del of cmd.exe, and fc.exe. They deal in bytes."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from tests.simulator.windows.commands.program import Output, Raw, lines
from tests.simulator.windows.context import Context
from tests.simulator.windows.disk import FILE_NOT_FOUND, DiskError
from tests.simulator.windows.texts import win32_message

CTRL_Z: t.Final = b"\x1a"

_TEXTS: t.Final = {
    "en": {
        "copied": "        1 file(s) copied.",
        "moved": "        1 file(s) moved.",
        "not_found": "Could Not Find {path}",
        "no_file": "File Not Found",
        "volume": " Volume in drive C has no label.",
        "directory": " Directory of {path}",
        "total": "{count:16} File(s) {size:>14} bytes",
        "comparing": "Comparing files {first} and {second}",
        "same": "FC: no differences encountered",
        "longer": "FC: {first} longer than {second}",
        "cannot_open": "FC: cannot open {path} - No such file or folder",
        "moment": "%m/%d/%Y  %I:%M %p",
        "separator": ",",
    },
    "de": {
        "copied": "        1 Datei(en) kopiert.",
        "moved": "        1 Datei(en) verschoben.",
        "not_found": "{path} konnte nicht gefunden werden",
        "no_file": "Datei nicht gefunden",
        "volume": " Volume in Laufwerk C: hat keine Bezeichnung.",
        "directory": " Verzeichnis von {path}",
        "total": "{count:16} Datei(en), {size:>14} Bytes",
        "comparing": "Vergleichen der Dateien {first} und {second}",
        "same": "FC: Keine Unterschiede gefunden",
        "longer": "FC: {first} ist l\u00e4nger als {second}",
        "cannot_open": "FC: {path} konnte nicht ge\u00f6ffnet werden - Keine solche Datei",
        "moment": "%d.%m.%Y  %H:%M",
        "separator": ".",
    },
}
"""Partly from memory [K unverified]; nothing may depend on the words."""


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call: switches in lower case, paths without quotes, and both in their order."""

    context: Context
    words: tuple[str, ...]

    @property
    def paths(self) -> list[str]:
        """The arguments that are no switches."""
        return [word for word in self.words if not word.startswith("/")]

    @property
    def switches(self) -> list[str]:
        """The switches."""
        return [word.casefold() for word in self.words if word.startswith("/")]

    def text(self, name: str, **values: t.Any) -> str:
        """A sentence in the server's language."""
        return _TEXTS[self.context.machine.language][name].format(**values)

    def refusal(self, error: DiskError) -> Output:
        """What cmd.exe says when Windows refuses."""
        return Output(stderr=lines(win32_message(error.code, self.context.machine.language)), code=1)


Command: t.TypeAlias = t.Callable[[Call], Raw]


def type_file(call: Call) -> Raw:
    """Write a file to standard output, which is a pipe or a file here."""
    data = call.context.machine.files.read(call.paths[0])
    if call.context.machine.assumptions.type_stops_at_ctrl_z:
        data = data.partition(CTRL_Z)[0]
    return Raw(data=data)


def list_folder(call: Call) -> Raw:
    """List files by a pattern, as a table or (``/b``) by their names alone."""
    machine = call.context.machine
    pattern = call.paths[0]
    found = [path for path in machine.files.matching(pattern) if _has_attributes(call, path)]
    if not found:
        return Raw(Output(stderr=lines(call.text("no_file")), code=1))
    if "/b" in call.switches:
        return Raw(Output(lines(*map(_name, found))))
    moment = call.context.clock(machine.installed_at).strftime(_TEXTS[machine.language]["moment"])
    rows = [f"{moment} {_number(call, len(machine.files[path])):>17} {_name(path)}" for path in found]
    size = sum(len(machine.files[path]) for path in found)
    head = (call.text("volume"), "", call.text("directory", path=pattern.rpartition("\\")[0]), "")
    total = call.text("total", count=len(found), size=_number(call, size))
    return Raw(Output(lines(*head, *rows, total)))


def _name(path: str) -> str:
    return path.rpartition("\\")[2]


def _number(call: Call, number: int) -> str:
    separator = _TEXTS[call.context.machine.language]["separator"]
    return str(number) if "/-c" in call.switches else f"{number:,}".replace(",", separator)


def _has_attributes(call: Call, path: str) -> bool:
    wanted = next((switch[2:] for switch in call.switches if switch.startswith("/a")), "")
    is_read_only = path.casefold() in call.context.machine.files.read_only
    return is_read_only or not re.search("(?<!-)r", wanted)


def copy(call: Call) -> Raw:
    """Copy one file; ``/a`` and ``/b`` count for the file before them and for all after them."""
    modes: list[str] = []
    mode = "/b"
    for word in call.words:
        if word.casefold() in ("/a", "/b"):
            mode = word.casefold()
            modes[-1:] = [mode] if modes else []
        elif not word.startswith("/"):
            modes.append(mode)
    (source, target), files = call.paths, call.context.machine.files
    data = files.read(source)
    if modes[0] == "/a" and call.context.machine.assumptions.copy_ascii_cuts_at_ctrl_z:
        data = data.partition(CTRL_Z)[0]
    end = CTRL_Z if modes[1] == "/a" else b""
    files.write(target, data + end, elevated=call.context.user.writes_files)
    return Raw(Output(lines(call.text("copied"))))


def move(call: Call) -> Raw:
    """Rename one file over another."""
    source, target = call.paths
    call.context.machine.files.move(source, target, elevated=call.context.user.writes_files)
    return Raw(Output(lines(call.text("moved"))))


def delete(call: Call) -> Raw:
    """Delete files; one that is not there is said and is no failure."""
    said = ""
    code = 0
    for path in call.paths:
        try:
            call.context.machine.files.delete(path, elevated=call.context.user.writes_files)
        except DiskError as error:
            missing = error.code == FILE_NOT_FOUND
            said += lines(call.text("not_found", path=path)) if missing else call.refusal(error).stderr
            code = code if missing else 1
    return Raw(Output(stderr=said, code=code))


def compare(call: Call) -> Raw:
    """Compare two files byte for byte: 0 the same, 1 different, 2 not to be opened."""
    first, second = call.paths
    files = call.context.machine.files
    missing = next((path for path in (first, second) if path not in files), None)
    if missing:
        return Raw(Output(lines(call.text("cannot_open", path=missing)), code=2))
    head = call.text("comparing", first=first, second=second)
    one, two = files[first], files[second]
    if one == two:
        return Raw(Output(lines(head, call.text("same"), "")))
    rows = [f"{place:08X}: {a:02X} {b:02X}" for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b]
    longer, shorter = (first, second) if len(one) > len(two) else (second, first)
    tail = [call.text("longer", first=longer, second=shorter)] if len(one) != len(two) else []
    code = 1 if call.context.machine.assumptions.fc_exit_code_tells else 0
    return Raw(Output(lines(head, *rows, *tail, ""), code=code))


BUILT_IN: t.Final[t.Mapping[str, Command]] = {
    "type": type_file,
    "dir": list_folder,
    "copy": copy,
    "move": move,
    "del": delete,
}
"""In the words of cmd.exe itself, in the shell's code page."""
PROGRAMS: t.Final[t.Mapping[str, Command]] = {"fc": compare}


def run(command: Command, context: Context, tail: str) -> Raw:
    """Run one of them; what Windows refuses becomes a sentence on stderr and exit code 1."""
    words = tuple(word.strip('"') for word in re.findall(r'"[^"]*"|\S+', tail))
    call = Call(context, words)
    try:
        return command(call)
    except DiskError as error:
        return Raw(call.refusal(error))
