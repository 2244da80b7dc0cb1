# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every transport over HTTP has in common: limits, deadlines, one new try with new keys, and our errors.

Authentication, encryption, TLS and the session itself are a library's; there is a subclass for each library.
"""

from __future__ import annotations

import abc
import itertools
import time
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import (
    bounded_http,
    errors,
    line_failures,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.line_failures import Verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import Deadline

LEAST_TIME: t.Final = 1.0
"""Seconds for one message, however little of the task's time is left."""
IDLE_LIMIT: t.Final = 90.0
"""Seconds of silence after which a connection is not trusted any more; http.sys closes it after 120."""
MIN_DEADLINE: t.Final = 60.0
"""Seconds for one message with its authentication: enough for 500 KB over a slow line."""


class HttpTransport(abc.ABC):
    """A Transport over the session of a library, whose settings it uses as they are.

    :param library: what the library has for a session and its settings: ``session``, ``endpoint``, ``encryption``.
    :param host: the host's name for messages.
    :param session_timeout: seconds that the library waits for each read by its own settings.
    :param deadline: seconds for one message with all its authentication; default twice the timeout, at least 60.
    :param task: the deadline of the whole task; no message outlasts it.
    :param clock: monotonic seconds.
    """

    variables: t.ClassVar[line_failures.Variables]
    """How the connection plugin calls its settings, for advice."""

    def __init__(
        self,
        library: t.Any,
        *,
        host: str,
        session_timeout: float,
        deadline: float | None = None,
        task: Deadline | None = None,
        max_body: int = bounded_http.MAX_BODY,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self._transport = library
        self._deadline = deadline or max(MIN_DEADLINE, 2.0 * session_timeout)
        self._task = task or Deadline(float("inf"), clock)
        self._guard = bounded_http.Guard(host=host, max_body=max_body)
        self._clock = clock
        self._last_use: float | None = None
        self._allowed = self._deadline
        self._answered = False

    @property
    @abc.abstractmethod
    def _method(self) -> str:
        """The library's name of the authentication."""

    @property
    def _endpoint(self) -> str:
        """The URL of the WinRM service."""
        return str(self._transport.endpoint)

    @abc.abstractmethod
    def _exchange(self, envelope: bytes) -> tuple[int, bytes]:
        """Send one message; the HTTP status and the body of its answer, unsealed. May raise what the library raises."""

    @abc.abstractmethod
    def _drop_session(self) -> None:
        """Close the library's session, and have it forget the keys."""

    @abc.abstractmethod
    def release(self) -> None:
        """Leave the session as it was before, for the transport that had it."""

    def reset(self) -> None:
        """Drop the connection, the authentication and the sealing keys."""
        self._drop_session()
        self._guard.forget()
        self._last_use = None

    def send(self, envelope: bytes) -> bytes:
        """Send one message; faults are answers, everything else that is no answer is raised as a WsmanError."""
        if self._last_use is not None and self._clock() - self._last_use > IDLE_LIMIT:
            self.reset()
        for attempt in itertools.count(1):
            try:
                answer = self._send(envelope)
            except bounded_http.StaleKeys as error:
                # Nothing of the message was sent, so this is safe for every message; but it helps only once.
                self.reset()
                if attempt > 1:
                    raise self._error(line_failures.NO_SEALING) from error
            else:
                self._last_use = self._clock()
                self._answered = True
                return answer
        raise AssertionError("the count has no end")

    def _send(self, envelope: bytes) -> bytes:
        try:
            self._allowed = self._seconds_left
            if self._transport.session is not None:
                self._mount(self._transport.session)  # it may have the guard of an earlier transport
            with self._guard.deadline(self._allowed):
                status, answer = self._exchange(envelope)
            self._check_in_time()
            return self._answer_of(status, answer)
        except errors.WsmanError:
            self.reset()
            raise
        except line_failures.foreign_errors() as error:
            failure = self._failure(error)
            self.reset()
            raise failure from error

    @property
    def _seconds_left(self) -> float:
        """For the next message; never so few that it can't even be refused."""
        return min(self._deadline, max(self._task.left, LEAST_TIME))

    def _mount(self, session: t.Any) -> None:
        adapter = session.get_adapter(self._endpoint)
        if isinstance(adapter, bounded_http.BoundedAdapter):
            self._guard = adapter.guard
            return
        session.max_redirects = 0
        bounded = bounded_http.BoundedAdapter(self._guard)
        for prefix in ("http://", "https://"):
            session.mount(prefix, bounded)

    def _check_in_time(self) -> None:
        # The end of a connection that was shut down can look like the end of an answer without length.
        if self._guard.expired:
            raise self._error(self._too_late())

    def _too_late(self) -> Verdict:
        return line_failures.NO_ANSWER._replace(meaning=f"no complete answer within {self._allowed:.0f} seconds")

    def _answer_of(self, status: int, answer: bytes) -> bytes:
        """The answer, or the SOAP fault that came with an HTTP error status, or the status' own meaning."""
        if status < 400 or (b"Fault" in answer and b"Envelope" in answer):
            return answer
        if status == 401:
            raise self._rejected()
        raise self._error(self._verdict_on(status), code=status)

    def _verdict_on(self, status: int) -> Verdict:
        is_basic = self._method in ("basic", "plaintext")
        if status == 500 and is_basic and self._endpoint.startswith("http://") and not self._answered:
            return line_failures.BY_STATUS[500]._replace(advice=line_failures.UNENCRYPTED_ADVICE)
        return line_failures.BY_STATUS.get(status, line_failures.NO_SOAP)

    def _failure(self, error: BaseException) -> errors.WsmanError:
        if self._guard.expired:
            return self._error(self._too_late())
        known: Verdict | None = _failed_logons().verdict(error, self._method)
        if known is not None:
            return self._error(known)
        if line_failures.is_authentication(error) or self._was_rejected(error):
            return self._not_authenticated(error)
        status = line_failures.status_inside(error)
        if status is not None:
            return self._error(self._verdict_on(status), code=status)
        return self._error(self._line_verdict(error))

    def _line_verdict(self, error: BaseException) -> Verdict:
        verdict = line_failures.network_verdict(error)
        if verdict.meaning == line_failures.NO_ANSWER.meaning and self._answered:
            return verdict._replace(advice=line_failures.SILENT_ADVICE)
        if verdict.error is errors.ConnectionDropped and self._was_refused_a_word(error):
            return line_failures.DROPPED_AT_ONCE
        return verdict

    def _not_authenticated(self, error: BaseException) -> errors.WsmanError:
        method = self._method
        if line_failures.gave_up(error):
            # The library on this side gave up: the server has not judged anything.
            reason = " ".join(str(error).split())
            meaning = f"the authentication ({method}) can't be carried out" + (f" ({reason})" if reason else "")
            return self._error(
                Verdict(errors.AuthenticationFailed, meaning, line_failures.AUTHENTICATION_ADVICE.get(method, ""))
            )
        return self._rejected()

    def _was_rejected(self, _error: BaseException) -> bool:
        """True if an error that does not look so is what the library makes of a 401."""
        return False

    def _rejected(self) -> errors.WsmanError:
        method = self._method
        if self._answered:
            meaning = f"the server no longer accepts the credentials ({method}) that it accepted before"
            return self._error(Verdict(errors.AuthenticationFailed, meaning, line_failures.LATER_ADVICE), code=401)
        advice: str = _failed_logons().rejected_advice(method)
        rejected = Verdict(errors.AuthenticationFailed, f"the server rejects the credentials ({method})", advice)
        return self._error(rejected, code=401)

    def _was_refused_a_word(self, error: BaseException) -> bool:
        """True if a first message over plain HTTP found the connection closed, as on a port that wants TLS."""
        return line_failures.is_reset(error) and not self._answered and self._endpoint.startswith("http://")

    def _error(self, verdict: Verdict, *, code: int | None = None) -> errors.WsmanError:
        advice = self.variables.named(verdict.advice)
        return verdict.error(host=self.host, meaning=verdict.meaning, advice=advice, code=code)


def _failed_logons() -> types.ModuleType:
    """The tables of their causes, which only a failure needs."""
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import (  # noqa: PLC0415
        authentication_failures,
    )

    return authentication_failures
