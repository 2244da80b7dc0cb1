# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``README.txt`` of a kit: what the person at the server does, in order."""

from __future__ import annotations

import textwrap
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import scripts
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.changes import Course
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import KitRelease

_WIDTH: t.Final = 78
_NOT_PROVED: t.Final = (
    "This kit was tested on simulated servers and its registration files with Wine, never on a real Windows. Read the "
    "scripts before you start them; they are short."
)
_LOOK_HOLDS: t.Final = (
    "The folder look then holds the configuration of all services from the registry, with what products keep there, "
    "such as SNMP communities, and lists of services and sockets. Treat it like a backup of the server."
)


def for_look(kit: KitRelease, server: str) -> bytes:
    """The text of a kit that only looks."""
    steps = [
        f"Copy this folder to the server {server}, or start it from the medium, which must not be write-protected.",
        f"Start {scripts.LOOK} in a console of an administrator. It changes nothing on the server.",
        "Bring the folder look back into this folder on the controller, and run the role offline_kit again.",
    ]
    return _text(
        f"Offline kit for {server} ({kit.release.name}): the look", [*_numbered(steps), "", *_wrapped(_LOOK_HOLDS)]
    )


def for_changes(planned: Convergence, course: Course, kit: KitRelease, server: str, computer: str) -> bytes:
    """The text of a whole kit."""
    body = ["What it changes:", ""]
    body += [line for change in course.changes for line in _wrapped(change.title, "- ")]
    if course.stops:
        body += ["", *_wrapped(f"It stops and starts these services: {', '.join(course.stops)}.")]
    body += ["", "What to do, in a console of an administrator:", "", *_numbered(_steps(planned))]
    body += ["", *_wrapped(_GUARDED)]
    said = [text for plan in planned.plans for text in (*plan.warnings, *plan.notes)] + list(planned.warnings)
    if said:
        body += ["", "Mind:", "", *(line for text in said for line in _wrapped(text, "- "))]
    return _text(f"Offline kit for {server}, computer {computer} ({kit.release.name})", body)


def for_nothing(kit: KitRelease, server: str) -> bytes:
    """The text if the look shows all that is wanted."""
    body = _wrapped("All that the inventory asks for is configured on this server already. There is nothing to do.")
    return _text(f"Offline kit for {server} ({kit.release.name})", body)


_GUARDED: t.Final = (
    "Every script looks at the settings first. One that is neither as it was looked at nor as the kit sets it stops "
    "the script before anything is done: nothing that somebody else has entered meanwhile is overwritten. A script "
    "that was interrupted can be started again."
)


def _steps(planned: Convergence) -> list[str]:
    needs_boot = any(plan.effectiveness.reboot_required for plan in planned.plans)
    steps = [
        f"{scripts.BACKUP} saves the registry keys and lists that are about to change into the folder backup.",
        f"{scripts.APPLY} makes the changes. It refuses to work without the backup.",
        f"{scripts.VERIFY} says of each change: in force, after reboot, or not there. Its exit code is 0, 1 or 2.",
    ]
    if needs_boot:
        steps.append(f"Reboot the server when it suits, and start {scripts.VERIFY} once more.")
    undo = f"{scripts.UNDO} takes it all back, as the backup saw it."
    return [*steps, f"Keep this folder with its backup. {undo}"]


def _numbered(steps: t.Iterable[str]) -> list[str]:
    return [line for number, step in enumerate(steps, start=1) for line in _wrapped(step, f"{number}. ")]


def _wrapped(text: str, begin: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin))


def _text(title: str, body: t.Iterable[str]) -> bytes:
    lines = [title, "=" * len(title), "", *body, "", *_wrapped(_NOT_PROVED)]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")
