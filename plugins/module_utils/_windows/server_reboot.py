# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with its reboot: ask Windows once, then wait until the server proves that it was done.

Asked by WMI, which needs no shell; by shutdown.exe if WMI's process lacks the privilege. None is asked twice
unless the first answer says that nothing has happened: a lost or an odd answer counts as "perhaps", and the server's
uptime decides. (Win32ShutdownTracker's documentation: a forced reboot gives an indeterminate return value.)
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, broken_off
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import (
    NO_PRIVILEGE,
    UNDER_WAY,
    Method,
    Permission,
    Reboot,
    Report,
    down_sentence,
    is_rebooted,
    waits,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    OperatingSystem,
    Service,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import SHUTDOWN, lacks
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.engine import run
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError, win32_meaning
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import (
    CLASS,
    NAMESPACE,
    read_operating_system,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.registry import Registry
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.services import Services
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.side_by_side import rewrite_journal
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    AccessDenied,
    AuthenticationFailed,
    HostUnreachable,
    NotFound,
    NotTaken,
    QuotaExceeded,
    Unsendable,
    WsmanError,
)

Answer = t.TypeVar("Answer")

FIRST_PAUSE: t.Final = 1.0
LONGEST_PAUSE: t.Final = 5.0
"""Seconds between two looks, growing: a small server is back soon, a big one must not be hammered while it boots."""
GROWTH: t.Final = 1.5
FIRST_PAUSE_AFTER_401: t.Final = 60.0
LONGEST_PAUSE_AFTER_401: t.Final = 240.0
"""Seconds to the next look after credentials were rejected, doubling. A domain controller that boots rejects right ones
until its directory is there, so a 401 is not final; but each one can count as a failed logon, and typical policies lock
an account after 3 to 10 of them in 10 to 30 minutes."""
UNCERTAIN_WINDOW: t.Final = 120.0
"""Seconds in which a server must go down whose answer to the request was lost or odd."""
COMMAND_DEADLINE: t.Final = 60.0
"""Seconds for shutdown.exe itself, which only leaves a request."""

_NUMBER_IN_TEXT: t.Final = re.compile(rb"\((\d{2,5})\)")
"""shutdown.exe ends its localized sentence with the Win32 error in parentheses."""
_NOT_REBOOTED: t.Final = "the server was not rebooted"
_NOTHING_HAPPENED: t.Final = (AuthenticationFailed, Unsendable, AccessDenied, QuotaExceeded, NotTaken)
"""Errors that say that the request itself was not carried out."""
_NOT_TRIED: t.Final = frozenset({0, 1077})
"""Exit codes of a stopped service that has not failed: none, and ERROR_SERVICE_NEVER_STARTED."""
_BEFORE: t.Final = "somebody had asked for a shutdown before, perhaps with a longer delay"


class RebootError(WindowsError):
    """The server could not be asked to reboot, or did not come back as it should."""


class RebootRequest(t.NamedTuple):
    """The request as it was sent; not ``certain`` if Windows may not act on it. ``note``: an oddity of the answer."""

    method: Method
    certain: bool = True
    note: str = ""
    code: int | None = None
    """The ReturnValue of Win32ShutdownTracker, if it came."""


LookingClient = t.Callable[[], contextlib.AbstractContextManager[Client]]
"""Opens a client to the same server that gives up sooner: for looks at a server that may be down."""


def carry_out(
    client: Client, looking_client: LookingClient, request: Request, *, check_mode: bool, clock: Clock
) -> Outcome:
    """Reach what is requested; if a reboot is due and permitted, reboot, and reach and prove it once more.

    Killed between two of these parts, the next run finds what is still to do, as after any other message.

    Raises:
        PlanError: it can't be had on this server, or the server must not be rebooted as it is; nothing was changed.
        RebootError: Windows refused the reboot, or the server was not back in time; nothing was changed before.
        WindowsError: Windows refused a step, or what was written did not stay.
        WsmanError: the conversation failed.
    """
    outcome = run(client, request, check_mode=check_mode, clock=clock)
    permit = outcome.leave_to_reboot
    if permit is None or request.reboot is None:
        return outcome
    if check_mode:
        return outcome._replace(reboot=_check_mode_report(outcome, permit))
    try:
        with client.allowing(_longest(request.reboot)):
            report = _Rebooting(client, looking_client, request.reboot, permit, clock).report(outcome)
    except (WindowsError, WsmanError) as error:
        if not outcome.applied:
            raise
        return outcome._replace(broken_off=f"{error} {_FINISH_LATER}")
    outcome = outcome._replace(reboot=report)
    return outcome if request.is_empty else _proved(client, request, outcome, clock)


def _longest(wanted: Reboot) -> float:
    """Seconds that a reboot may take by its own limits."""
    return wanted.pre_reboot_delay + wanted.reboot_timeout + wanted.post_reboot_delay


_FINISH_LATER: t.Final = "What was changed before it stays: run this again when the server can be reached."


def _proved(client: Client, request: Request, outcome: Outcome, clock: Clock) -> Outcome:
    """The outcome with the run after the reboot, or with what kept it from its end."""
    # The keys of the old session are worth nothing to the new boot.
    client.reset()
    try:
        proof = run(client, request.after_reboot, check_mode=False, clock=clock)
    except PlanError as error:
        return broken_off(outcome, error, host=client.host)
    except (WindowsError, WsmanError) as error:
        return outcome._replace(broken_off=f"{error} {_FINISH_LATER}")
    return outcome._replace(proof=proof)


def _check_mode_report(outcome: Outcome, permit: Permission) -> Report:
    """The report of a reboot that does not come, because this is check mode."""
    waiting = (plan.resource for plan in outcome.plans if plan.effectiveness.reboot_required)
    settled = tuple(dict.fromkeys((*permit.settles, *waiting)))
    return Report(uptime_before=permit.uptime, settled=settled, warnings=permit.warnings)


# --- asking -----------------------------------------------------------------------------------------------------------


def ask(target: Target, wanted: Reboot) -> RebootRequest:
    """Ask Windows once to reboot; by shutdown.exe only where WMI says that it has done nothing.

    Win32Shutdown, WMI's other method, is left out: it takes neither the delay nor the message.

    Raises:
        RebootError: both refuse.
        WsmanError: nothing was asked.
    """
    try:
        answer = target.client.invoke(NAMESPACE, CLASS, "Win32ShutdownTracker", wanted.parameters)
        code = answer.integer("ReturnValue")
    except (AccessDenied, NotFound) as error:
        return _ask_by_command(target, wanted, error.meaning)
    except _NOTHING_HAPPENED:
        raise
    except WsmanError as error:
        if error.code in NO_PRIVILEGE:
            return _ask_by_command(target, wanted, error.meaning)
        return _perhaps("wmi", error.meaning)
    if code in NO_PRIVILEGE:
        request = _ask_by_command(target, wanted, win32_meaning(code).text)
    elif code == 0 or code in UNDER_WAY:
        request = RebootRequest("wmi", note="" if code == 0 else _BEFORE)
    else:
        request = _perhaps("wmi", f"Win32ShutdownTracker returned {code}")
    return request._replace(code=code)


def _perhaps(method: Method, reason: str) -> RebootRequest:
    return RebootRequest(method, certain=False, note=f"whether it took the request is open ({reason})")


def _ask_by_command(target: Target, wanted: Reboot, refusal: str) -> RebootRequest:
    # Not through target.console: its answers carry no exit code, and here the code decides.
    with target.client.shell(codepage=target.capabilities.shell_codepage) as shell:
        try:
            output = shell.run(wanted.command, deadline=COMMAND_DEADLINE)
        except _NOTHING_HAPPENED:
            raise
        except WsmanError as error:
            return _perhaps("shutdown.exe", error.meaning)
    codes = {output.exit_code, *map(int, _NUMBER_IN_TEXT.findall(output.stderr + output.stdout))}
    if output.exit_code == 0 or codes & UNDER_WAY:
        return RebootRequest("shutdown.exe", note="" if output.exit_code == 0 else _BEFORE)
    meaning = win32_meaning(output.exit_code)
    raise RebootError(
        host=target.host,
        operation="reboot",
        target="the server",
        code=output.exit_code,
        meaning=f"shutdown.exe says that {meaning.text}, and WMI's Win32ShutdownTracker that {refusal}",
        advice=lacks(SHUTDOWN, "the server") if output.exit_code in NO_PRIVILEGE else _NOT_REBOOTED,
    )


def rebooted(
    client: Client,
    looking_client: LookingClient,
    wanted: Reboot,
    permit: Permission,
    *,
    clock: Clock,
    capabilities: Capabilities,
) -> RebootRequest:
    """Reboot and wait for the boot alone: no journal is read or written, and no service is waited for.

    Raises:
        RebootError: Windows refused, or the server was not back in time.
        WsmanError: nothing was asked.
    """
    with client.allowing(_longest(wanted)):
        asked_at = clock.monotonic()
        with Target(client, capabilities) as target:
            asked = ask(target, wanted)
        clock.sleep(wanted.pre_reboot_delay)
        with looking_client() as looking:
            _Wait(looking, wanted, permit, asked, asked_at=asked_at, clock=clock).for_boot()
    return asked


# --- waiting ----------------------------------------------------------------------------------------------------------


class _Watch:
    """Looks again and again at a server that may be away, and remembers what it saw last."""

    def __init__(self, clock: Clock, deadline: float) -> None:
        self._clock, self._deadline = clock, deadline
        self._rejections = 0
        self.was_gone = False
        self.last_error = ""

    def until(
        self, look: t.Callable[[], Answer | None], *, hopeless: t.Callable[[], bool] = lambda: False
    ) -> Answer | None:
        """The answer of ``look``; ``None`` after the deadline, or if ``hopeless`` says so."""
        pauses = _pauses()
        while True:
            answer, rejected = self._look(look)
            if answer is not None:
                return answer
            pause = self._pause_after_401() if rejected else next(pauses)
            left = self._deadline - self._clock.monotonic()
            # After a 401 the pause is never shortened for a last look.
            if left <= 0 or hopeless() or (rejected and pause > left):
                return None
            self._clock.sleep(min(pause, left))

    def _look(self, look: t.Callable[[], Answer | None]) -> tuple[Answer | None, bool]:
        """One look: what it found, and whether the credentials were rejected.

        Whatever fails is "not yet": refused and lost connections, timeouts, 503, quota and provider faults are what a
        server says that goes down or comes up.
        """
        try:
            answer = look()
        except AuthenticationFailed as error:
            self.last_error = error.meaning
            return None, True
        except (WsmanError, WindowsError) as error:
            self.last_error = error.meaning
            self.was_gone = self.was_gone or isinstance(error, HostUnreachable)
            return None, False
        self.last_error, self._rejections = "", 0
        return answer, False

    def _pause_after_401(self) -> float:
        self._rejections += 1
        return float(min(FIRST_PAUSE_AFTER_401 * 2 ** (self._rejections - 1), LONGEST_PAUSE_AFTER_401))


def _pauses() -> t.Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * GROWTH, LONGEST_PAUSE)


class _Rebooting:
    """One reboot: asked for over the client that worked, and waited for over one that gives up soon."""

    def __init__(
        self, client: Client, looking_client: LookingClient, wanted: Reboot, permit: Permission, clock: Clock
    ) -> None:
        self._client, self._looking_client, self._clock = client, looking_client, clock
        self._wanted, self._permit = wanted, permit

    def report(self, outcome: Outcome) -> Report:
        """Ask, and wait for everything that was asked for; what came of it."""
        asked_at = self._clock.monotonic()
        with Target(self._client, outcome.final.release.capabilities) as target:
            asked = ask(target, self._wanted)
        self._clock.sleep(self._wanted.pre_reboot_delay)
        with self._looking_client() as client:
            wait = _Wait(client, self._wanted, self._permit, asked, asked_at=asked_at, clock=self._clock)
            return self._waited(wait, judged_later={one.service.name.casefold() for one in outcome.final.victims})

    def _waited(self, wait: _Wait, *, judged_later: t.Container[str]) -> Report:
        system = wait.for_boot()
        wait.for_services(judged_later)
        # Before any complaint about a service: settings that waited for the boot are in force with any service.
        warnings = wait.settle_journal()
        if not all(name.casefold() in judged_later for name in wait.down):
            raise wait.services_down()
        self._clock.sleep(self._wanted.post_reboot_delay)
        return Report(
            uptime_before=self._permit.uptime,
            uptime=system.uptime,
            elapsed=wait.elapsed,
            method=wait.method,
            services=wait.service_states,
            settled=self._permit.settles,
            warnings=(*self._permit.warnings, *warnings),
        )


class _Wait:
    """The wait after the request, over a client that gives up soon."""

    def __init__(
        self, client: Client, wanted: Reboot, permit: Permission, asked: RebootRequest, *, asked_at: float, clock: Clock
    ) -> None:
        self._client, self._wanted, self._permit, self._asked = client, wanted, permit, asked
        self._asked_at, self._clock = asked_at, clock
        self._watch = _Watch(clock, self._begin + wanted.reboot_timeout)
        self._services: dict[str, Service | None] = {}
        self._last_uptime = 0.0

    @property
    def _begin(self) -> float:
        """The time at which the server begins to go down."""
        return self._asked_at + self._wanted.pre_reboot_delay

    @property
    def elapsed(self) -> float:
        """Seconds since the request."""
        return self._clock.monotonic() - self._asked_at

    @property
    def method(self) -> Method:
        """The method by which Windows was asked."""
        return self._asked.method

    @property
    def service_states(self) -> dict[str, str]:
        """As they were read last."""
        return {name: service.state for name, service in self._services.items() if service}

    @property
    def down(self) -> tuple[str, ...]:
        """The services that did not run when they were read last, or could not be read."""
        readings = ((name, self._services.get(name)) for name in self._permit.services)
        return tuple(name for name, service in readings if service is None or not service.runs)

    def for_boot(self) -> OperatingSystem:
        """Wait for an uptime that only a boot after the request can have; raises RebootError."""
        before = self._permit.uptime

        def look() -> OperatingSystem | None:
            elapsed = self.elapsed
            # The keys of the old session are worth nothing to the new boot.
            self._client.reset()
            system = read_operating_system(self._client)
            if is_rebooted(uptime=system.uptime, before=before, elapsed=elapsed, was_gone=self._watch.was_gone):
                return system
            self._last_uptime = system.uptime
            return None

        system = self._watch.until(look, hopeless=self._never_went)
        if system is None:
            raise self._not_back()
        return system

    def _never_went(self) -> bool:
        doubtful = not self._asked.certain and not self._watch.was_gone
        return doubtful and self._clock.monotonic() > self._begin + UNCERTAIN_WINDOW

    def for_services(self, judged_later: t.Container[str]) -> None:
        """Wait for all services until the deadline; one that stopped may be started again, so no state is final.

        ``judged_later``: services that the run after the reboot can bring back, in lower case. If only such services
        are down, and each has ended with an error, waiting for them would only lengthen the outage.
        """
        if not self._permit.services:
            return
        services = Services(self._client)

        def look() -> bool | None:
            readings = services.read(self._permit.services)
            self._services = {name: readings[name.casefold()] for name in self._permit.services}
            return True if all(self._has_failed(name, judged_later) for name in self.down) else None

        self._watch.until(look)

    def _has_failed(self, name: str, judged_later: t.Container[str]) -> bool:
        service = self._services.get(name)
        ended = service is not None and service.state == "Stopped" and service.exit_code not in _NOT_TRIED
        return ended and name.casefold() in judged_later

    def settle_journal(self) -> tuple[str, ...]:
        """Clear the waits that the boot ended; read again first, since others may write, too. Returns warnings.

        That it fails is no failure of the reboot: the next run sees by the uptime that the wait is over.
        """
        names = self._permit.settles
        if not names:
            return ()
        try:
            rewrite_journal(Registry(self._client), lambda reading: waits(reading).journal)
        except (WsmanError, WindowsError) as error:
            return (f"The journal still says that {', '.join(names)} waits for this reboot: {error}",)
        return ()

    def services_down(self) -> RebootError:
        """The error for services that ``for_services`` did not see run."""
        states = down_sentence(self._services.items()) or f"{', '.join(self._permit.services)} could not be read"
        last = f" (last: {self._watch.last_error})" if self._watch.last_error else ""
        return self._error(
            f"the server is back, but {self._wanted.reboot_timeout} seconds after it began {states}{last}",
            "look at their entries in the event log and, where a port is in use, at port_info",
        )

    def _not_back(self) -> RebootError:
        elapsed = self.elapsed
        note = f", and {self._asked.note}" if self._asked.note else ""
        if self._watch.last_error:
            return self._error(
                f"it was not back after {elapsed:.0f} seconds{note} (last: {self._watch.last_error})",
                "look at its console; if it only needs longer, raise reboot_timeout",
            )
        if self._watch.was_gone:
            return self._error(
                f"it answers after {elapsed:.0f} seconds, but its uptime of {self._last_uptime:.0f} seconds says that "
                f"it has not rebooted{note}",
                "look at its System event log (1074, 1076)",
            )
        return self._error(
            f"it never went down in {elapsed:.0f} seconds{note}",
            "look for a program, an update or a session that holds the shutdown, and run this again",
        )

    def _error(self, meaning: str, advice: str) -> RebootError:
        return RebootError(
            host=self._client.host, operation="finish", target="the reboot", meaning=meaning, advice=advice
        )
