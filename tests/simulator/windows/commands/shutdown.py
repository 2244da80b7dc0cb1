# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""shutdown.exe."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.texts import win32_message
from tests.simulator.windows.wmi.system import log_shutdown

DEFAULT_DELAY: t.Final = 30
LONGEST_DELAY: t.Final = {True: 600, False: 315360000}
LONGEST_COMMENT: t.Final = {True: 127, False: 512}
"""Both by whether the release is NT 5.x."""


@dataclasses.dataclass(slots=True)
class _Order:
    """What the command line asks for."""

    flags: set[str] = dataclasses.field(default_factory=set)
    delay: int = DEFAULT_DELAY
    comment: str = ""


def _read(arguments: tuple[str, ...]) -> _Order | None:
    """Read the options; None for a wrong command line."""
    order = _Order()
    rest = iter(arguments)
    for argument in rest:
        option = argument[1:].casefold()
        if argument[:1] not in "/-" or option not in ("r", "s", "a", "f", "t", "c", "d"):
            return None
        if option == "t":
            value = next(rest, "")
            if not value.isdigit():
                return None
            order.delay = int(value)
        elif option == "c":
            order.comment = next(rest, "")
        elif option == "d":
            next(rest, "")
        else:
            order.flags.add(option)
    return order if len(order.flags & {"r", "s", "a"}) == 1 else None


def run(invocation: Invocation) -> Output:
    """Order, or call off, a shutdown: /r or /s or /a, with /f /t seconds /c text /d reason."""
    context = invocation.context
    language, nt5 = context.machine.language, context.machine.release.nt5
    order = _read(invocation.arguments)
    if order is None or order.delay > LONGEST_DELAY[nt5] or len(order.comment) > LONGEST_COMMENT[nt5]:
        return Output(lines('Usage: shutdown [/s | /r | /a] [/f] [/t xxx] [/d [p|u:]xx:yy [/c "comment"]]'), code=1)
    if not (context.user.elevated and context.user.may("shutdown")):
        return Output(stderr=lines(f"{win32_message(5, language)}(5)"), code=5)
    if "a" in order.flags:
        if context.power.call_off():
            return Output()
        return Output(stderr=lines(f"{win32_message(1116, language)}(1116)"), code=1116)
    if context.power.shutting_down or context.power.shutdown_scheduled:
        return Output(stderr=lines(f"{win32_message(1115, language)}(1115)"), code=1115)
    restart = "r" in order.flags
    context.power.order(at=context.now + order.delay, restart=restart, reason=order.comment)
    log_shutdown(context, restart=restart, comment=order.comment)
    return Output()
