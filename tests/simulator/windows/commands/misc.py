# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small programs: tasklist, hostname, whoami."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.context import Context

_TASK_HEADINGS: t.Final = {
    "en": ("Image Name", "PID", "Services"),
    "de": ("Abbildname", "PID", "Dienste"),
}


def hostname(invocation: Invocation) -> Output:
    """Write the computer's name."""
    return Output(lines(invocation.context.machine.name))


def whoami(invocation: Invocation) -> Output:
    """Write the account's name."""
    user = invocation.context.user
    return Output(lines(f"{user.domain or invocation.context.machine.name}\\{user.name}".casefold()))


def _services_in(context: Context, pid: int) -> str:
    names = [service.config.name for service in context.session.services.values() if pid and service.pid == pid]
    return ",".join(names) or ("Nicht zutreffend" if context.machine.language == "de" else "N/A")


def tasklist(invocation: Invocation) -> Output:
    """List processes with the services in them, as a table or with /fo csv."""
    context = invocation.context
    options = [argument.casefold() for argument in invocation.arguments]
    headings = _TASK_HEADINGS[context.machine.language]
    rows = [
        (process.image, str(process.pid), _services_in(context, process.pid))
        for process in context.session.processes.all()
    ]
    if "csv" in options:
        shown = rows if "/nh" in options else [headings, *rows]
        return Output(lines(*('"' + '","'.join(row) + '"' for row in shown)))
    table = [f"{image:<25} {pid:>8} {services}" for image, pid, services in rows]
    rule = f"{'=' * 25} {'=' * 8} {'=' * 44}"
    return Output(lines("", f"{headings[0]:<25} {headings[1]:>8} {headings[2]}", rule, *table))
