# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulated server without a network: envelopes go in and come out by call, and its time moves only when told.

For tests with thousands of conversations. It can be copied as it stands, with its open shells and enumerations and with
everything that is still to happen to it.
"""

from __future__ import annotations

import collections.abc as c
import pickle
import typing as t

from tests.simulator.fleet import read_scenario
from tests.simulator.windows.server import SimulatedServer, build_server
from tests.simulator.wire.counters import Counters, LoggedRequest
from tests.simulator.wire.faults import SoapFault
from tests.simulator.wire.host import WireSettings
from tests.simulator.wire.operations import Caller, describe
from tests.simulator.wire.soap import Message, read_message

START: t.Final = 1_714_550_400.0
"""When the simulated time begins (2024-05-01, UTC): always the same, so that two runs are the same."""
_NAME: t.Final = "server"


class DirectServer:
    """A host entry of a scenario, and its first user at the other end. ``now``: seconds since 1970."""

    def __init__(self, entry: c.Mapping[str, t.Any], *, counters: Counters | None = None) -> None:
        """Build it; ValueError names the mistake in the entry. ``counters``, if given, count each message."""
        (plan,) = read_scenario({"hosts": {_NAME: dict(entry)}}).hosts
        self._begin(build_server(plan.model, now=START), plan.settings, START, counters)

    def _begin(
        self, model: SimulatedServer, settings: WireSettings, now: float, counters: Counters | None = None
    ) -> None:
        self.now = now
        self._model = model
        self._service = settings.service(self._model, self._clock)
        self._caller = Caller(self._model.users[0], "127.0.0.1", "http://127.0.0.1/wsman")
        self._boot = self._model.boot_id
        self.counters = counters

    @classmethod
    def of(cls, model: SimulatedServer, *, now: float) -> DirectServer:
        """Give a server that was made by other means than a scenario; ``now`` is its time."""
        server = cls.__new__(cls)
        server._begin(model, WireSettings(), now)
        return server

    @classmethod
    def restored(cls, copy: bytes) -> DirectServer:
        """Give the server of which this is a copy."""
        server = pickle.loads(copy)  # noqa: S301 - made by copied(), in this very process
        assert isinstance(server, cls)
        return server

    def copied(self) -> bytes:
        """Give the whole server as it stands."""
        return pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL)

    @property
    def winrm_port(self) -> int:
        """The TCP port that WinRM listens on."""
        return self._model.machine.winrm_port

    def _clock(self) -> float:
        return self.now

    @property
    def is_listening(self) -> bool:
        """Whether it can be reached."""
        return self._model.is_listening(self.now)

    @property
    def is_going_down(self) -> bool:
        """Whether it shuts down or boots, or waits for the time to do so."""
        return bool(self._model.power.agenda)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing starts, stops, goes down or boots."""
        states = {service.state for service in self._model.session.services.values()}
        return not self.is_going_down and states <= {"Running", "Stopped"}

    def pass_time(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.now += seconds
        self._model.tick(self.now)
        if self._model.boot_id != self._boot or not self.is_listening:
            self._boot = self._model.boot_id
            self._service.forget()

    def answer(self, envelope: bytes) -> bytes:
        """Answer one message, with a fault if there is one; ConnectionRefusedError while it can't be reached."""
        if not self.is_listening:
            raise ConnectionRefusedError("The simulated server does not listen.")
        if len(envelope) > self._service.largest_envelope:
            raise ValueError(f"This server takes no envelope of {len(envelope)} bytes (HTTP status 413).")
        message = read_message(envelope)
        answered = _at_once(self._service.answer(message, self._caller))
        if self.counters is not None:
            self._count(self.counters, message, answered[0], (len(envelope), len(answered[1])))
        return answered[1]

    def refusal(self, envelope: bytes, fault: SoapFault) -> bytes:
        """Answer one message with this fault instead of an answer."""
        return self._service.fault(fault, read_message(envelope))

    def fault(self, envelope: bytes, *, code: int, subcode: str) -> bytes:
        """Answer one message with a fault; nothing is carried out."""
        return self.refusal(envelope, SoapFault("internal_error", number=code, subcode=subcode))

    def _count(self, counters: Counters, message: Message, status: int, sizes: tuple[int, int]) -> None:
        """As a host of a fleet does, but for what belongs to the network: authentication and connections."""
        counters.requests += 1
        counters.messages += 1
        counters.bytes_in += sizes[0]
        counters.bytes_out += sizes[1]
        counters.log.append(
            LoggedRequest(
                n=counters.messages,
                action=message.action,
                resource=message.resource,
                method=message.method,
                brief=describe(message),
                user=self._caller.user.name,
                status=status,
                bytes_in=sizes[0],
                bytes_out=sizes[1],
                milliseconds=0.0,
            )
        )

    def act(self, action: c.Mapping[str, t.Any]) -> t.Any:
        """Do what others do to the server, see tests.simulator.windows.acts; gives what that act gives."""
        return self._model.act(action)

    def lottery(self, boots: int, seed: int = 1) -> dict[str, t.Any]:
        """Boot twins of the present state and count the victims that lose; the server itself is untouched."""
        return self._model.lottery(boots, seed)

    def state(self) -> dict[str, t.Any]:
        """Give the modelled state, as a fleet's control endpoint gives it, and the open shells and enumerations."""
        open_ = {"shells": self._service.shells.as_json(), "enumerations": len(self._service.enumerations)}
        return {**self._model.state(), "wire": open_}


_Result = t.TypeVar("_Result")


def _at_once(work: c.Coroutine[t.Any, t.Any, _Result]) -> _Result:
    """Run a coroutine that never waits to its end: here no command takes real time."""
    while True:
        try:
            work.send(None)
        except StopIteration as end:
            return t.cast("_Result", end.value)
