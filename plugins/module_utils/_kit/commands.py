# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of batch files, in the part of cmd.exe that Windows 2000 has: if, goto, call, set, redirections; no blocks.

``%KIT%`` is the folder of the kit, with a backslash at its end. A label stands for one place in one file.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._kit.changes import Change, Place, Signs
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.reg_files import NARROW_HEAD, ROOT
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import KitRelease

PARTS: t.Final = "parts"
CHECK: t.Final = "check.cmd"
_UNFIT: t.Final = re.compile(r"[^A-Za-z0-9 .,:;()_/\\$'*=+-]")
"""Characters that cmd.exe takes for more than themselves, quotes among them."""


def batch(lines: t.Iterable[str]) -> bytes:
    """A batch file; its text is ASCII, so that no code page matters."""
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def said(text: str) -> str:
    """A line that writes a text; other characters than plain ones become blanks."""
    return f"echo {_UNFIT.sub(' ', text)}"


def head(title: str, computer: str = "") -> list[str]:
    """The beginning of a file that a person starts; on another computer than this one it ends at once."""
    lines = ["@echo off", f"rem {_UNFIT.sub(' ', title)}", "setlocal", 'set "KIT=%~dp0"']
    if not computer:
        return lines
    return [
        *lines,
        f'if /i "%COMPUTERNAME%"=="{computer}" goto right_server',
        f"echo This kit is for the server {computer}, and this is %COMPUTERNAME%. Nothing was done.",
        "exit /b 3",
        ":right_server",
    ]


def exported(kit: KitRelease, key: str, file: str) -> list[str]:
    """Export a key with all below it, in UTF-16."""
    # reg.exe before 2008 asks before it writes over a file, and knows no /y.
    clean = f'if exist "{file}" del "{file}"'
    if kit.has_reg:
        return [clean, f'reg export "HKLM\\{key}" "{file}" >nul']
    return [clean, f'start /wait regedit /e "{file}" "{ROOT}\\{key}"']


def imported(kit: KitRelease, file: str) -> str:
    """Import a registration file; regedit tells no failure by its exit code, so the values are looked at afterwards."""
    return f'reg import "{file}" >nul 2>nul' if kit.has_reg else f'start /wait regedit /s "{file}"'


def looked(places: t.Sequence[Place]) -> list[str]:
    """Write what is to be looked at into ``now\\1.txt`` and so on."""
    lines = ['mkdir "%KIT%now" 2>nul']
    for number, place in enumerate(places, start=1):
        file = _file(number)
        if place.command:
            lines += [f'{place.command} >"{file}"']
            continue
        lines += _narrow_export(place.key, file)
        missing = f'echo {NARROW_HEAD} >"{file}"' if place.may_be_missing else "goto unread"
        lines += [f'if not exist "{file}" {missing}']
        # A file of another kind would show no value at all, and so let each one seem absent.
        lines += [f'findstr /b /l /c:"{NARROW_HEAD}" "{file}" >nul', "if errorlevel 1 goto unread"]
    return lines


def unless_empty(key: str, label: str) -> list[str]:
    """Go to a label unless a key is there and holds no value and no key."""
    file, last = "%KIT%now\\key.txt", key.rpartition("\\")[2]
    return [
        *_narrow_export(key, file),
        f'if not exist "{file}" goto {label}',
        # Every line of a value has this character, and no path of a key that the kit makes.
        f'findstr /l /c:"=" "{file}" >nul',
        f"if not errorlevel 1 goto {label}",
        f'findstr /i /r /c:"{last}\\\\." "{file}" >nul',
        f"if not errorlevel 1 goto {label}",
    ]


def _narrow_export(key: str, file: str) -> list[str]:
    return [f'if exist "{file}" del "{file}"', f'start /wait regedit /a "{file}" "{ROOT}\\{key}"']


def state(number: int, change: Change, places: t.Sequence[Place]) -> list[str]:
    """Set ``STATE_n`` to was, is or other."""
    file = _file(places.index(change.place) + 1)
    return [
        f"set STATE_{number}=other",
        *_unless(change.was, file, f"not_was_{number}"),
        f"set STATE_{number}=was",
        f"goto seen_{number}",
        f":not_was_{number}",
        *_unless(change.is_, file, f"seen_{number}"),
        f"set STATE_{number}=is",
        f":seen_{number}",
    ]


def _file(number: int) -> str:
    return f"%KIT%now\\{number}.txt"


def _unless(signs: Signs, file: str, label: str) -> list[str]:
    """Go to a label unless a file has these signs."""
    lines: list[str] = []
    for alternatives in signs.present:
        lines += [_search(alternatives, signs, file), f"if errorlevel 1 goto {label}"]
    if signs.absent:
        lines += [_search(signs.absent, signs, file, is_prefix=True), f"if not errorlevel 1 goto {label}"]
    return lines


def _search(texts: t.Sequence[str], signs: Signs, file: str, *, is_prefix: bool = False) -> str:
    if signs.are_expressions:
        named = " ".join(f'/c:"{text}"' for text in texts)
        return f'findstr /r {named} "{file}" >nul'
    # A backslash at the end of a text would be read with the quote behind it.
    is_prefix = is_prefix or texts[0].endswith("\\")
    named = " ".join(f'/c:"{_literal(text)}"' for text in texts)
    return f'findstr /i /l {"/b" if is_prefix else "/x"} {named} "{file}" >nul'


def _literal(text: str) -> str:
    """A text as findstr takes it: quotes after a backslash, no backslash at the end."""
    return text.removesuffix("\\").replace('"', '\\"')
