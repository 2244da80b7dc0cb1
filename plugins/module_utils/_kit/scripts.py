# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch files of a kit. Each one asks ``parts\\check.cmd`` first how the settings are, and acts on that alone.

Exit codes: 0 done, or all in force; 1 a step failed, or something waits; 2 refused, or something is not there; 3 the
wrong server, or it can't be looked at.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._kit import look as looks
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.changes import Change, Course, Place
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.commands import (
    CHECK,
    PARTS,
    batch,
    exported,
    head,
    imported,
    looked,
    said,
    state,
    unless_empty,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.reg_files import document, key_removal
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import KitRelease
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY

LOOK, BACKUP, APPLY, VERIFY, UNDO = "0-look.cmd", "1-backup.cmd", "2-apply.cmd", "3-verify.cmd", "undo.cmd"
NAMES: t.Final = (LOOK, BACKUP, APPLY, VERIFY, UNDO)
"""The files that a person starts."""
HAS_BACKUP: t.Final = "backup/complete.txt"
_BOOT: t.Final = "backup\\boot.txt"
_CHECK: t.Final = [f'call "%KIT%{PARTS}\\{CHECK}"', "if errorlevel 1 goto unread"]
_UNREAD: t.Final = [
    ":unread",
    "echo This server can not be looked at: start this in a console of an administrator.",
    "exit /b 3",
]
_HAS_BACKUP: t.Final = [
    'if exist "%KIT%backup\\complete.txt" goto has_backup',
    f"echo There is no backup yet: start {BACKUP} first. Nothing was done.",
    "exit /b 2",
    ":has_backup",
]


def look_script(kit: KitRelease) -> bytes:
    """``0-look.cmd``: all that the planners may ask about, into the folder ``look``."""
    lines = head(f"Looks at this server, for an offline kit ({kit.release.name}). It changes nothing.")
    lines += ['mkdir "%KIT%look" 2>nul', f'if exist "%KIT%look\\{looks.COMPLETE}" del "%KIT%look\\{looks.COMPLETE}"']
    lines += [f'{command} >"%KIT%look\\{name}"' for name, command in looks.commands(kit).items()]
    keys = f"%KIT%look\\{looks.KEYS}"
    lines += exported(kit, SERVICES_KEY, keys)
    return batch(
        [
            *lines,
            f'if not exist "{keys}" goto unread',
            f'echo complete >"%KIT%look\\{looks.COMPLETE}"',
            "echo Bring the folder look back to the controller.",
            "exit /b 0",
            *_UNREAD,
        ]
    )


def scripts(course: Course, kit: KitRelease, computer: str) -> dict[str, bytes]:
    """All files of the kit but the look and the README, by their paths in its folder."""
    parts = {}
    for number, change in enumerate(course.changes, start=1):
        if change.by_file:
            parts[f"{PARTS}/apply-{number}.reg"] = document(change.key, change.name, change.after)
            parts[f"{PARTS}/undo-{number}.reg"] = document(change.key, change.name, change.before)
        if change.makes_key:
            parts[f"{PARTS}/undo-key-{number}.reg"] = key_removal(change.key)
    return {
        f"{PARTS}/{CHECK}": _check(course),
        BACKUP: _backup(course, kit, computer),
        APPLY: _apply(course, kit, computer),
        VERIFY: _verify(course, computer),
        UNDO: _undo(course, kit, computer),
        **parts,
    }


def _places(course: Course) -> list[Place]:
    return list(dict.fromkeys(change.place for change in course.changes))


def _numbered(course: Course) -> list[tuple[int, Change]]:
    return list(enumerate(course.changes, start=1))


def _numbers(course: Course) -> range:
    return range(1, len(course.changes) + 1)


def _check(course: Course) -> bytes:
    places = _places(course)
    lines = ["@echo off", "rem Sets STATE_1 and so on to was, is or other. The other scripts call it."]
    lines += looked(places)
    for number, change in _numbered(course):
        lines += [f"rem {number}", *state(number, change, places)]
    return batch([*lines, "exit /b 0", ":unread", "exit /b 3"])


# --- backup ----------------------------------------------------------------------------------------------------------


def _backup(course: Course, kit: KitRelease, computer: str) -> bytes:
    lines = head("Saves the settings that the kit changes.", computer)
    lines += [
        'if not exist "%KIT%backup\\complete.txt" goto no_backup',
        "echo There is a backup in the folder backup already. It stays as it is.",
        "exit /b 0",
        ":no_backup",
        *_CHECK,
    ]
    for number, change in _numbered(course):
        lines += [f'if "%STATE_{number}%"=="was" goto as_seen_{number}', *_changed(change), f":as_seen_{number}"]
    lines += ['mkdir "%KIT%backup" 2>nul']
    for number, place in enumerate(_places(course), start=1):
        lines += _saved(number, place, kit)
    return batch(
        [
            *lines,
            'echo complete >"%KIT%backup\\complete.txt"',
            f"echo The backup is in the folder backup. Go on with {APPLY}.",
            "exit /b 0",
            ":failed",
            "echo A backup could not be written. Nothing was changed.",
            "exit /b 1",
            *_UNREAD,
        ]
    )


def _changed(change: Change) -> list[str]:
    return [
        said(f"Since the look this has changed: {change.title.partition(':')[0]}. Nothing was done."),
        f"echo Start {LOOK} again, and have a new kit made.",
        "exit /b 2",
    ]


def _saved(number: int, place: Place, kit: KitRelease) -> list[str]:
    if place.command:
        return [f'copy /y "%KIT%now\\{number}.txt" "%KIT%backup\\{number}.txt" >nul']
    file = f"%KIT%backup\\{number}.reg"
    lines = exported(kit, place.key, file)
    return lines if place.may_be_missing else [*lines, f'if not exist "{file}" goto failed']


# --- apply and undo --------------------------------------------------------------------------------------------------


def _apply(course: Course, kit: KitRelease, computer: str) -> bytes:
    lines = [*head("Makes the changes.", computer), *_HAS_BACKUP, *_CHECK]
    lines += _refusals(course, "Nothing was done.") + _nothing_to_do(course, "was", "All of it is there already.")
    lines += [*_boot_time(_BOOT)]
    changes: list[str] = []
    for number, change in _numbered(course):
        changes += _made(number, change, kit, to_is=True)
    stops = _stops(course)
    lines += [*stops, *changes] if course.ports_first else [*changes, *stops]
    lines += ["call :start_services", *_CHECK]
    lines += [f'if not "%STATE_{number}%"=="is" goto failed' for number in _numbers(course)]
    return batch(
        [
            *lines,
            'if "%START_FAILED%"=="yes" goto not_started',
            f"echo Done. Start {VERIFY} now, and after the next boot.",
            "exit /b 0",
            *_ends(course, "Not all of it was done"),
        ]
    )


def _undo(course: Course, kit: KitRelease, computer: str) -> bytes:
    lines = [*head("Takes the changes back: each setting becomes what the backup saw.", computer)]
    lines += [*_HAS_BACKUP, *_CHECK, *_refusals(course, "Nothing was done; the backup has what was there before.")]
    lines += _nothing_to_do(course, "is", "Nothing is left to take back.")
    changes: list[str] = []
    for number, change in reversed(_numbered(course)):
        changes += _made(number, change, kit, to_is=False)
    stops = _stops(course)
    lines += [*stops, *changes] if course.ports_first else [*changes, *stops]
    lines += ["call :start_services", *_CHECK]
    lines += [f'if not "%STATE_{number}%"=="was" goto failed' for number in _numbers(course)]
    return batch(
        [
            *lines,
            'if "%START_FAILED%"=="yes" goto not_started',
            "echo All is as it was. What Windows reads at its boot counts from the next one on.",
            "exit /b 0",
            *_ends(course, "Not all of it was taken back"),
        ]
    )


def _refusals(course: Course, end: str) -> list[str]:
    lines: list[str] = []
    for number, change in _numbered(course):
        lines += [
            f'if not "%STATE_{number}%"=="other" goto known_{number}',
            said(f"Somebody has changed this: {change.title.partition(':')[0]}. {end}"),
            "exit /b 2",
            f":known_{number}",
        ]
    return lines


def _nothing_to_do(course: Course, state_to_leave: str, text: str) -> list[str]:
    lines = [f'if "%STATE_{number}%"=="{state_to_leave}" goto to_do' for number in _numbers(course)]
    return [*lines, said(text), "exit /b 0", ":to_do"]


def _made(number: int, change: Change, kit: KitRelease, *, to_is: bool) -> list[str]:
    reached = "is" if to_is else "was"
    file = f"%KIT%{PARTS}\\{'apply' if to_is else 'undo'}-{number}.reg"
    commands = [imported(kit, file)] if change.by_file else [*(change.apply if to_is else change.undo)]
    if change.makes_key and not to_is:
        label, key_file = f"made_{number}", f"%KIT%{PARTS}\\undo-key-{number}.reg"
        commands += [*unless_empty(change.key, label), imported(kit, key_file)]
    return [f'if "%STATE_{number}%"=="{reached}" goto made_{number}', *commands, f":made_{number}"]


def _stops(course: Course) -> list[str]:
    lines: list[str] = []
    for name in course.stops:
        lines += [f'net stop "{name}"', "if errorlevel 1 goto failed"]
    return lines


def _ends(course: Course, sentence: str) -> list[str]:
    starts: list[str] = []
    for name in course.starts:
        starts += [f'net start "{name}"', "if errorlevel 1 set START_FAILED=yes"]
    return [
        ":failed",
        "call :start_services",
        f"echo {sentence}. Start {VERIFY} to see what is there.",
        "exit /b 1",
        ":not_started",
        "echo A service did not start. Look at the event log, and start it by hand.",
        "exit /b 1",
        ":start_services",
        "set START_FAILED=no",
        *starts,
        "exit /b 0",
        *_UNREAD,
    ]


# --- verify ----------------------------------------------------------------------------------------------------------


def _boot_time(file: str) -> list[str]:
    """The line with a time among the workstation service's figures: since when it runs, which is about the boot."""
    return [f'net statistics workstation | findstr /r /c:"[0-9]:[0-9][0-9]" >"%KIT%{file}"']


def _verify(course: Course, computer: str) -> bytes:
    lines = [*head("Says which of the changes are in force.", computer), *_CHECK, "set RESULT=0"]
    lines += _booted()
    for number, change in _numbered(course):
        lines += _told(number, change)
    if course.awaits_dns:
        lines += [
            'netstat -an | findstr /r /c:"UDP .*:53 " >nul',
            "if not errorlevel 1 goto dns_serves",
            "echo not there: the DNS server on UDP 53",
            "set RESULT=2",
            ":dns_serves",
        ]
    return batch([*lines, "exit /b %RESULT%", *_UNREAD])


def _booted() -> list[str]:
    """Set BOOTED to yes, no or unknown: whether this server has booted since the apply."""
    now = "now\\boot.txt"
    return [
        "set BOOTED=unknown",
        f'if not exist "%KIT%{_BOOT}" goto boot_known',
        *_boot_time(now),
        *(
            line
            for file in (_BOOT, now)
            for line in (f'findstr /r "[0-9]" "%KIT%{file}" >nul', "if errorlevel 1 goto boot_known")
        ),
        "set BOOTED=no",
        f'findstr /l /x /g:"%KIT%{_BOOT}" "%KIT%{now}" >nul',
        "if errorlevel 1 set BOOTED=yes",
        ":boot_known",
    ]


_LATER: t.Final = {
    "reboot": "after reboot",
    "dns": "after reboot, or a restart of the DNS server",
}


def _told(number: int, change: Change) -> list[str]:
    there = [said(f"in force: {change.title}"), f"goto told_{number}"]
    if change.wait:
        there = [
            f'if "%BOOTED%"=="yes" goto in_force_{number}',
            said(f"{_LATER[change.wait]}: {change.title}"),
            'if "%BOOTED%"=="unknown" echo   (unless it has booted since the apply, which can not be seen)',
            'if "%RESULT%"=="0" set RESULT=1',
            f"goto told_{number}",
            f":in_force_{number}",
            *there,
        ]
    return [
        f'if "%STATE_{number}%"=="is" goto there_{number}',
        said(f"not there: {change.title}"),
        "set RESULT=2",
        f"goto told_{number}",
        f":there_{number}",
        *there,
        f":told_{number}",
    ]
