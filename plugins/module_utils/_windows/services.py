# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service manager, through WMI's Win32_Service."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import OWN_ERROR, Service
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import (
    SERVICE_CONFIGURE,
    SERVICE_START,
    SERVICE_STOP,
    Right,
    lacks,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    SERVICE_DENIED,
    AnswerError,
    ServiceError,
    service_meaning,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NotFound, WsmanFault

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import (
        Client,
        Instance,
        Reference,
        Value,
    )

NAMESPACE: t.Final = "root/cimv2"
CLASS: t.Final = "Win32_Service"
COLUMNS: t.Final = (
    "Name",
    "DisplayName",
    "State",
    "StartMode",
    "ProcessId",
    "ExitCode",
    "ServiceSpecificExitCode",
    "PathName",
)
DELAY_COLUMN: t.Final = "DelayedAutoStart"
"""From 2016 on, see ``releases``."""

StartMode = t.Literal["Automatic", "Manual", "Disabled"]
"""As ChangeStartMode takes them; reading gives ``Auto`` for ``Automatic``."""
State = t.Literal["Running", "Stopped"]

_BOOLEANS: t.Final = {"true": True, "false": False}
_OK: t.Final = 0
_CANNOT_ACCEPT: t.Final = 5
_NOT_ACTIVE: t.Final = 6
_ALREADY_RUNNING: t.Final = 10
_DOWN: t.Final = frozenset({"Stopped", "Stop Pending"})
_FIRST_PAUSE: t.Final = 0.25
_LONGEST_PAUSE: t.Final = 2.0


class Services:
    """Read and control services; they are named by their key names, in any case.

    :param with_delays: queries ask for the delayed flag too; as soon as WMI refuses one that does, they don't.
    """

    def __init__(self, client: Client, *, with_delays: bool = False) -> None:
        self._client = client
        self._with_delays = with_delays

    def read(self, names: t.Iterable[str]) -> dict[str, Service | None]:
        """Services by casefolded key name; ``None`` for one that does not exist. 1 request for one, 1 or 2 for many."""
        wanted = tuple(names)
        existing = {service.name.casefold(): service for service in self.find(names=wanted)}
        return {name.casefold(): existing.get(name.casefold()) for name in wanted}

    def like(self, prefix: str) -> tuple[Service, ...]:
        """All services whose key name starts with this prefix, sorted by name."""
        return with_prefix(self.find(prefixes=[prefix]), prefix)

    def find(
        self,
        *,
        names: t.Iterable[str] = (),
        prefixes: t.Iterable[str] = (),
        process_ids: t.Iterable[int] = (),
        display_names: t.Iterable[str] = (),
        exit_codes: t.Iterable[int] = (),
    ) -> tuple[Service, ...]:
        """All services that fit any of the conditions, however many these are: 1 or 2 requests.

        Others may come with them: ``failed_with`` tells apart those that have an error of their own.
        """
        beginnings = tuple(dict.fromkeys(prefixes))
        begun = tuple(prefix.casefold() for prefix in beginnings)
        wanted = {name.casefold(): name for name in names if not begun or not name.casefold().startswith(begun)}
        # Process 0 is "not running": it would fit every stopped service.
        hosts = sorted({number for number in process_ids if number})
        codes = sorted(set(exit_codes))
        conditions = [wql.starts_with("Name", prefix) for prefix in beginnings]
        conditions += wql.each_of("ProcessId", hosts) if len(hosts) <= wql.MOST_ALTERNATIVES else ["ProcessId >= 1"]
        conditions += wql.each_of("DisplayName", sorted(set(display_names)))
        conditions += wql.each_of("ExitCode", [*codes, OWN_ERROR] if codes else [])
        if len(wanted) == 1 and not conditions:
            return tuple(filter(None, map(self._get, wanted.values())))
        conditions += wql.each_of("Name", wanted.values())
        found = (service for where in wql.alternatives(conditions) for service in self._query(where))
        return tuple({service.name: service for service in found}.values())

    def dependencies(self) -> Dependencies:
        """The dependencies of all services and drivers, as (dependent, antecedent) pairs of key names."""
        links = self._client.query(NAMESPACE, "SELECT * FROM Win32_DependentService")
        pairs = ((_named(link.reference("Dependent")), _named(link.reference("Antecedent"))) for link in links)
        return Dependencies(frozenset((dependent, needed) for dependent, needed in pairs if dependent and needed))

    def not_disabled(self) -> tuple[str, ...]:
        """The key names of all services that may run, sorted."""
        found = self._client.query(NAMESPACE, wql.select(("Name",), CLASS, f"StartMode <> {wql.literal('Disabled')}"))
        return tuple(sorted(name for instance in found if (name := instance.text("Name"))))

    def start(self, name: str) -> bool:
        """Ask a service to start; it may still be starting afterwards.

        False if no request was needed: it runs already, or is still stopping, for which Windows has the same code.
        """
        code = self._control(name, "StartService")
        if code not in (_OK, _ALREADY_RUNNING):
            raise self._error("start", name, code, SERVICE_START)
        return code == _OK

    def stop(self, name: str) -> bool:
        """Ask a service to stop; it may still be stopping afterwards. One that is stopped already is fine.

        False if it accepts no request because it is still starting.
        """
        code = self._control(name, "StopService")
        # StopService of a stopped service gave 5 in the field, where the documentation would suggest 6.
        state = self._state(name) if code == _CANNOT_ACCEPT else ""
        if code in (_OK, _NOT_ACTIVE) or state in _DOWN:
            return True
        if state == "Start Pending":
            return False
        raise self._error("stop", name, code, SERVICE_STOP)

    def change_start_mode(self, name: str, mode: StartMode) -> None:
        """Set the start mode; the delayed flag stays as it is, no WMI method reaches it."""
        code = self._control(name, "ChangeStartMode", {"StartMode": mode})
        if code != _OK:
            raise self._error(f"set the start mode to {mode} of", name, code, SERVICE_CONFIGURE)

    def wait(
        self,
        names: t.Collection[str],
        state: State,
        *,
        deadline: float,
        clock: t.Callable[[], float],
        sleep: t.Callable[[float], None],
        hopeless: t.Collection[str] = (),
    ) -> dict[str, Service | None]:
        """Poll until every service is in this state, or nothing is left to wait for; the last readings are returned.

        Of several services only those are read that are in another state: an answer without rows is whole in one
        message on every release, and says that all are there.

        Args:
            names: key names.
            state: that each should reach.
            deadline: on the clock, in seconds; after it no further reading is done.
            clock: such as ``time.monotonic``.
            sleep: such as ``time.sleep``.
            hopeless: states that are as final, such as ``Stopped`` after a start was accepted. A service that does not
                exist is always final.
        """
        final = {state, *hopeless}
        pause = _FIRST_PAUSE
        with self._client.allowing(max(deadline - clock(), 0.0)):
            readings = self._not_yet(names, state)
            while not _settled(readings, final) and clock() < deadline:
                sleep(min(pause, max(deadline - clock(), 0.0)))
                pause = min(pause * 2, _LONGEST_PAUSE)
                readings = self._not_yet(names, state)
        return readings

    def _not_yet(self, names: t.Collection[str], state: State) -> dict[str, Service | None]:
        """A single service as it is; of several those that are in another state."""
        if len(names) == 1:
            return self.read(names)
        elsewhere = f"State <> {wql.literal(state)}"
        named = wql.alternatives(wql.each_of("Name", names))
        found = (service for where in named for service in self._query(f"({where}) AND {elsewhere}"))
        return {service.name.casefold(): service for service in found}

    def _state(self, name: str) -> str:
        service = self._get(name)
        return "" if service is None else service.state

    def _get(self, name: str) -> Service | None:
        try:
            return self._service(self._client.get(NAMESPACE, CLASS, {"Name": name}))
        except NotFound:
            return None

    def _query(self, where: str) -> tuple[Service, ...]:
        if self._with_delays:
            try:
                return self._rows((*COLUMNS, DELAY_COLUMN), where)
            except WsmanFault:
                self._with_delays = False
        return self._rows(COLUMNS, where)

    def _rows(self, columns: t.Sequence[str], where: str) -> tuple[Service, ...]:
        found = self._client.query(NAMESPACE, wql.select(columns, CLASS, where))
        return tuple(self._service(instance) for instance in found)

    def _control(self, name: str, method: str, parameters: t.Mapping[str, Value] | None = None) -> int:
        answer = self._client.invoke(NAMESPACE, CLASS, method, parameters or {}, {"Name": name})
        code = answer.integer("ReturnValue")
        if code is None:
            raise self._incomplete(name, "ReturnValue")
        return code

    def _service(self, instance: Instance) -> Service:
        name = instance.text("Name")
        if not name:
            raise self._incomplete("a service", "Name")
        return Service(
            name=name,
            display_name=instance.text("DisplayName") or name,
            state=instance.text("State") or "Unknown",
            start_mode=instance.text("StartMode") or "Unknown",
            process_id=instance.integer("ProcessId") or 0,
            exit_code=instance.integer("ExitCode") or 0,
            specific_exit_code=instance.integer("ServiceSpecificExitCode") or 0,
            path_name=instance.text("PathName") or "",
            delayed=_BOOLEANS.get((instance.text(DELAY_COLUMN) or "").casefold()),
        )

    def _error(self, operation: str, name: str, code: int, needed: Right) -> ServiceError:
        meaning = service_meaning(code)
        advice = lacks(needed, f"the service {name}") if code == SERVICE_DENIED else meaning.advice
        return ServiceError(
            host=self._client.host,
            operation=operation,
            target=f"the service {name}",
            code=code,
            meaning=meaning.text,
            advice=advice,
        )

    def _incomplete(self, name: str, property_name: str) -> AnswerError:
        meaning = f"WMI's answer has no {property_name}"
        return AnswerError(host=self._client.host, operation="read", target=f"{CLASS} {name}", meaning=meaning)


def with_prefix(services: t.Iterable[Service], prefix: str) -> tuple[Service, ...]:
    """Those whose key name starts with the prefix, sorted by name."""
    return _sorted(service for service in services if service.name.casefold().startswith(prefix.casefold()))


def in_process(services: t.Iterable[Service], process_id: int) -> tuple[Service, ...]:
    """Those that live in this process, sorted by name; none for process 0, which is no process."""
    return _sorted(service for service in services if process_id and service.process_id == process_id)


def displayed_as(services: t.Iterable[Service], display_name: str) -> tuple[Service, ...]:
    """Those with this display name, sorted by name."""
    return _sorted(service for service in services if service.display_name.casefold() == display_name.casefold())


def failed_with(services: t.Iterable[Service], codes: t.Collection[int]) -> tuple[Service, ...]:
    """Those whose last end left one of these errors, sorted by name."""
    return _sorted(service for service in services if service.error in codes)


def _sorted(services: t.Iterable[Service]) -> tuple[Service, ...]:
    return tuple(sorted(services, key=lambda service: service.name.casefold()))


def _named(reference: Reference | None) -> str:
    """The key name in a reference to a Win32_Service or Win32_SystemDriver; empty if it has none."""
    return (reference and reference.selector("Name")) or ""


def _settled(readings: t.Mapping[str, Service | None], final: t.Collection[str]) -> bool:
    return all(service is None or service.state in final for service in readings.values())
