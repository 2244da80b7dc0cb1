# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""net.exe: services by ``net start`` and ``net stop``, and since when the workstation service runs."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.context import Context

_FAILED: t.Final = 2
"""net's exit code for every failure [K unverified]."""
_STARTED: t.Final = {"en": "These Windows services are started:", "de": "Diese Windows-Dienste sind gestartet:"}
_DONE: t.Final = {"en": "The command completed successfully.", "de": "Der Befehl wurde erfolgreich ausgef\u00fchrt."}
_SINCE: t.Final = {"en": "Statistics since {moment}", "de": "Statistik seit {moment}"}
_MOMENT: t.Final = {"en": "%m/%d/%Y %I:%M %p", "de": "%d.%m.%Y %H:%M"}
"""Partly from memory [K unverified]; nothing may depend on the words."""


def run(invocation: Invocation) -> Output:
    """Run ``net start [name]``, ``net stop name``, ``net statistics workstation``."""
    context, (verb, *arguments) = invocation.context, [*invocation.arguments, ""]
    name = arguments[0]
    if verb.casefold() == "statistics":
        return _statistics(context)
    if verb.casefold() == "start" and not name:
        return _started(context)
    return _controlled(context, verb.casefold(), name)


def _started(context: Context) -> Output:
    running = sorted(
        service.config.display_name
        for service in context.session.services.values()
        if not service.config.is_driver and service.state == "Running"
    )
    language = context.machine.language
    return Output(lines(_STARTED[language], "", *(f"   {name}" for name in running), "", _DONE[language], ""))


def _controlled(context: Context, verb: str, name: str) -> Output:
    """Start or stop a service and wait for it, as net does; it fails if the service does not get there."""
    manager = context.manager
    allowed = context.user.elevated and context.user.may(f"service {verb}", name)
    code = 5 if not allowed else manager.start(name) if verb == "start" else manager.stop(name)
    service = manager.find(name)
    if service is None or code:
        return Output(stderr=lines(f"System error {code} has occurred.", ""), code=_FAILED)
    context.session.hasten(service, context.now)
    reached = service.state == ("Running" if verb == "start" else "Stopped")
    return Output(lines(_DONE[context.machine.language], ""), code=0 if reached else _FAILED)


def _statistics(context: Context) -> Output:
    language = context.machine.language
    since = context.clock(context.session.booted_at).strftime(_MOMENT[language])
    return Output(lines("", _SINCE[language].format(moment=since), "", "", "  Bytes received  123456", ""))
