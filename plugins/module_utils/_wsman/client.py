# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Management client: one method per verb, over a transport that is given."""

from __future__ import annotations

import contextlib
import itertools
import time
import typing as t
import uuid
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, faults, wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import Deadline, Patience
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import Shell
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.wmi import Instance, Reference, Value

__all__ = ("Client", "Instance", "Reference", "Transport", "Value")

MAX_ITEMS: t.Final = 100_000
"""Rows of one query at which it is refused: no list that we ask for comes near it."""
MAX_ELEMENTS: t.Final = 500_000
"""Elements of one query's answers, which are its values and some more: 100,000 connections of 4 columns."""
MAX_OCTETS: t.Final = 24 * 1024 * 1024
"""Of one query's answers: 100,000 connections take 20 MiB."""
MAX_PULLS: t.Final = 5_000
QUERY_DEADLINE: t.Final = 600.0
"""Seconds that one query may take with all its Pulls."""
ONE_REPEAT: t.Final = Patience(retries=1, retry_delay=0.0, deadline=float("inf"))
"""The patience of a client that is told of none."""


class Transport(t.Protocol):
    """Carries one envelope at a time; raises only the WsmanError family."""

    @property
    def host(self) -> str:
        """The host's name for messages."""

    def send(self, envelope: bytes) -> bytes:
        """Send one request and return its answer, a SOAP fault included."""

    def reset(self) -> None:
        """Drop the TCP connection and the authenticated session; the next send opens new ones."""


def _random_id() -> str:
    return f"uuid:{str(uuid.uuid4()).upper()}"


class Client:
    """Get, Put, query, Invoke and shells of one host. Not thread-safe, like the session under it.

    :param operation_timeout: seconds that the server may take for one message (its own maximum is usually 60).
    :param patience: how often messages are sent again.
    :param deadline: when the whole task ends; by default as ``patience`` says, from now on.
    :param message_ids: source of message ids, whole URIs.
    :param clock: monotonic seconds.
    :param sleep: waits that many seconds.
    """

    deadline = Deadline(float("inf"))

    def __init__(
        self,
        transport: Transport,
        *,
        operation_timeout: float = 60.0,
        query_deadline: float = QUERY_DEADLINE,
        patience: Patience = ONE_REPEAT,
        deadline: Deadline | None = None,
        message_ids: t.Callable[[], str] = _random_id,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._operation_timeout = operation_timeout
        self._query_deadline = query_deadline
        self._patience = patience
        self._pauses: tuple[float | None, ...] = (*patience.pauses(), None)
        """Seconds before each further try; none after the last one."""
        self.deadline = deadline or Deadline(patience.deadline, clock)
        self._message_ids = message_ids
        self._clock = clock
        self._sleep = sleep
        self.requests = 0
        self._octets = 0

    @property
    def host(self) -> str:
        """The host as the transport names it."""
        return self._transport.host

    @property
    def transport(self) -> Transport:
        """What carries the messages, for conversations of other forms than this client's."""
        return self._transport

    def through(self, transport: Transport) -> Client:
        """A client of the same patience over another transport, such as a gate before its own."""
        return Client(
            transport,
            operation_timeout=self._operation_timeout,
            patience=self._patience,
            deadline=self.deadline,
            clock=self._clock,
            sleep=self._sleep,
        )

    def reset(self) -> None:
        """Begin with a new connection at the next message; needed after a reboot."""
        self._transport.reset()

    def get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str] | None = None) -> Instance:
        """One object by its keys; NotFound if there is none."""
        origin = self._origin("Get", namespace, class_name, selectors)
        body = self._ask(origin, wmi.get_message, namespace, class_name, selectors or {})
        return wmi.body_object(body, origin, class_name)

    def put(
        self,
        namespace: str,
        class_name: str,
        selectors: t.Mapping[str, str] | None = None,
        *,
        properties: t.Mapping[str, Value],
    ) -> Instance:
        """Write properties of one object; the object as it is afterwards."""
        origin = self._origin("Put", namespace, class_name, selectors)
        body = self._ask(origin, wmi.put_message, namespace, class_name, selectors or {}, properties)
        # DSP0226 section 7.3: the new representation may be left out of the answer.
        return wmi.body_object(body, origin, class_name) if len(body) else Instance(class_name, {}, origin)

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        parameters: t.Mapping[str, Value],
        selectors: t.Mapping[str, str] | None = None,
    ) -> Instance:
        """Call a method; its output with ``ReturnValue``, which some methods leave out."""
        origin = self._origin(f"Invoke {method}", namespace, class_name, selectors)
        body = self._ask(origin, wmi.invoke_message, namespace, class_name, method, parameters, selectors or {})
        return wmi.body_object(body, origin, f"{class_name}.{method}")

    def query(self, namespace: str, wql: str, *, most: int | None = None) -> list[Instance]:
        """All rows of a WQL query; an empty result is an empty list, an unknown class NotFound.

        With ``most`` only that many: the server is then told to forget the rest. If a later part of the answer is lost,
        the query starts again.
        """
        origin = errors.Origin(self.host, "Query", f"{namespace}/{_class_of_query(wql)}")
        end = self._clock() + self._query_deadline
        for pause in self._pauses:
            try:
                return self._rows(origin, namespace, wql, most, end)
            except _EnumerationLost as lost:
                if pause is None or not self._has_time_for(pause):
                    raise lost.reason from None
            self._transport.reset()
            self._sleep(pause)
        raise AssertionError("the last try has no pause")

    def allowing(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Room for a wait with a limit of its own, which does not count for the task's deadline."""
        return self.deadline.put_off(seconds)

    def shell(self, *, codepage: int, signals: bool = True) -> Shell:
        """A command shell (WinRS); nothing is sent before the first command."""
        return Shell(self._exchange_for_shell, codepage=codepage, host=self.host, clock=self._clock, signals=signals)

    def _rows(self, origin: errors.Origin, namespace: str, wql: str, most: int | None, end: float) -> list[Instance]:
        allowed = self._octets + MAX_OCTETS
        page = wmi.page_of(self._ask(origin, wmi.enumerate_message, namespace, wql), origin)
        rows, elements = list(page.items), page.elements
        for pulls in itertools.count(1):
            if page.context is None:
                return rows if most is None else rows[:most]
            if most is not None and len(rows) >= most:
                self._release(origin, namespace, page.context)
                return rows[:most]
            is_too_large = len(rows) > MAX_ITEMS or elements > MAX_ELEMENTS or self._octets > allowed
            if is_too_large or pulls > MAX_PULLS or self._clock() > end:
                raise self._abandoned(origin, namespace, page.context)
            page = self._next_page(origin, namespace, page.context, most and most - len(rows))
            rows.extend(page.items)
            elements += page.elements
        raise AssertionError("the count has no end")

    def _next_page(self, origin: errors.Origin, namespace: str, context: str, most: int | None) -> wmi.Page:
        try:
            return wmi.page_of(self._ask(origin, wmi.pull_message, namespace, context, most), origin)
        except errors.TimedOut:
            # The provider had nothing yet; the context stays valid (DSP0226 section 8.4).
            return wmi.Page((), context)
        except (errors.NotTaken, errors.ConnectionDropped, errors.ServerBusy) as error:
            raise _EnumerationLost(error) from error
        except errors.WsmanFault as error:
            # The WinRM service has been restarted since.
            if error.code == faults.CONTEXT_GONE or error.subcode.endswith("InvalidEnumerationContext"):
                raise _EnumerationLost(error) from error
            raise
        except errors.DeadlinePassed:
            self._release(origin, namespace, context)
            raise

    def _abandoned(self, origin: errors.Origin, namespace: str, context: str) -> errors.WsmanError:
        self._release(origin, namespace, context)
        size = f"{MAX_ITEMS} rows, {MAX_ELEMENTS} elements, {MAX_OCTETS} bytes"
        limits = f"{size}, {self._query_deadline:.0f} seconds"
        return soap.violation(origin, f"the result does not end (limits: {limits})")

    def _release(self, origin: errors.Origin, namespace: str, context: str) -> None:
        # The server drops the context in time; the answer, or the reason for giving up, matters more.
        with contextlib.suppress(errors.WsmanError):
            self._ask(origin, wmi.release_message, namespace, context)

    def _origin(
        self, operation: str, namespace: str, class_name: str, selectors: t.Mapping[str, str] | None
    ) -> errors.Origin:
        keys = ",".join(f"{name}={value}" for name, value in (selectors or {}).items())
        return errors.Origin(self.host, operation, f"{namespace}/{class_name}" + (f" {keys}" if keys else ""))

    def _ask(self, origin: errors.Origin, build: t.Callable[..., soap.Message], *details: t.Any) -> ET.Element:
        try:
            return self._exchange(build(*details), origin)
        except errors.WsmanError as error:
            error.located(origin)
            raise

    def _exchange_for_shell(self, message: soap.Message, origin: errors.Origin) -> ET.Element:
        return self._ask(origin, lambda: message)

    def _exchange(self, message: soap.Message, origin: errors.Origin) -> ET.Element:
        """One message and its answer, sent again as often as the task's patience and the kind of message allow."""
        message_id = self._message_ids()
        request = soap.render(message, message_id=message_id, operation_timeout=self._operation_timeout)
        for tries, pause in enumerate(self._pauses, start=1):
            self._demand_time(origin)
            try:
                return self._exchange_once(request, message_id, origin)
            except (errors.HostUnreachable, errors.ServerBusy) as error:
                if isinstance(error, errors.HostUnreachable) and self.deadline.left <= 0:
                    raise self._deadline_passed(origin, error.meaning) from error
                if pause is None or not _may_repeat(message, error) or not self._has_time_for(pause):
                    error.tries = tries
                    raise
            self._transport.reset()
            self._sleep(pause)
        raise AssertionError("the last try has no pause")

    def _demand_time(self, origin: errors.Origin) -> None:
        if self.deadline.left <= 0:
            raise self._deadline_passed(origin)

    def _deadline_passed(self, origin: errors.Origin, last: str = "") -> errors.DeadlinePassed:
        self.deadline.strike()
        return errors.DeadlinePassed(
            host=origin.host,
            operation=origin.operation,
            target=origin.target,
            meaning=f"the task has used up its {self.deadline.seconds:.0f} seconds" + (f" ({last})" if last else ""),
            advice="run this again, which finishes what was begun; if the server only needs longer, raise deadline",
        )

    def _has_time_for(self, pause: float) -> bool:
        return pause < self.deadline.left

    def _exchange_once(self, request: bytes, message_id: str, origin: errors.Origin) -> ET.Element:
        self.requests += 1
        answer = self._transport.send(request)
        self._octets += len(answer)
        envelope = soap.parse(answer, origin)
        body = soap.body_of(envelope, origin)
        fault = faults.fault_in(body)
        # Some faults of the service itself carry no RelatesTo at all; a wrong one is refused even there.
        soap.check_relation(envelope, message_id, origin, required=fault is None)
        if fault is not None:
            faults.raise_fault(envelope, fault, origin)
        return body


class _EnumerationLost(Exception):
    """A part of a query's answer is lost: its context is worth nothing any more."""

    def __init__(self, reason: errors.WsmanError) -> None:
        super().__init__()
        self.reason = reason


def _may_repeat(message: soap.Message, error: errors.WsmanError) -> bool:
    """True if sending the message again can do nothing that sending it once would not."""
    if message.continues:
        return False
    if isinstance(error, (errors.NotTaken, errors.ServerBusy)):
        return True
    return message.repeatable and isinstance(error, errors.ConnectionDropped)


def _class_of_query(wql: str) -> str:
    words = wql.split()
    lowered = [word.casefold() for word in words]
    return words[lowered.index("from") + 1] if "from" in lowered[:-1] else "*"
