# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form of a program's behaviour: the ports that it binds, when, and what happens if it does not get them."""

from __future__ import annotations

import dataclasses

from tests.simulator.windows.portranges import PortRange
from tests.simulator.windows.registry import SERVICES, Registry
from tests.simulator.windows.sockets import Option


@dataclasses.dataclass(frozen=True, slots=True)
class Complaint:
    """An event that a program itself writes; ``strings`` may have ``{port}``."""

    source: str
    code: int
    strings: tuple[str, ...] = ()
    logfile: str = "System"


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """An RPC endpoint over TCP whose port a registry value fixes.

    ``key`` is below ``Services``. Without the value the port is dynamic or, with ``optional``, there is no endpoint.
    ``complaint``: the program's event if it cannot listen; most log nothing. ``noisy_restart``: it logs the same
    when it is restarted, although it does listen.
    """

    key: str
    value: str
    optional: bool = False
    complaint: Complaint | None = None
    noisy_restart: bool = False

    def port(self, registry: Registry) -> int | None:
        """Return the fixed port (a DWORD or, for some services, a string), or None."""
        path = f"{SERVICES}\\{self.key}"
        text = registry.text(path, self.value) or ""
        found = int(text) if text.isdecimal() else registry.number(path, self.value)
        return found if found is not None and 0 < found <= 65535 else None


@dataclasses.dataclass(frozen=True, slots=True)
class Worker:
    """A process that a service starts for its own part, with a UDP port; it tries again until it has it.

    ``name`` is its name in the lottery, since it is no service.
    """

    name: str
    image: str
    command_line: str
    udp: int
    retry_seconds: float
    complaints: tuple[Complaint, ...]
    account: str = "LocalSystem"
    beside: str = ""
    """A service without which there is no such worker."""


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """How a service behaves. Seconds count from the moment the service manager starts it.

    ``dynamic_tcp`` and ``dynamic_udp`` are ports that the stack chooses, ``one_udp_of`` is a range out of which one
    free port is enough. A service with ``vital_ports`` fails with the error of the first fixed port that it cannot
    bind; others do without. ``in_kernel``: a driver holds the fixed ports, not the service's process.
    """

    tcp: tuple[int, ...] = ()
    udp: tuple[int, ...] = ()
    one_udp_of: PortRange | None = None
    dynamic_tcp: int = 0
    dynamic_udp: int = 0
    endpoints: tuple[Endpoint, ...] = ()
    worker: Worker | None = None
    bind_seconds: float = 0.2
    start_seconds: float = 0.5
    stop_seconds: float = 0.5
    option: Option = "default"
    vital_ports: bool = True
    in_kernel: bool = False
    socket_pool: bool = False
    block_mode: bool = False

    @property
    def binds(self) -> bool:
        """Whether the program binds anything."""
        wanted = (self.tcp, self.udp, self.one_udp_of, self.dynamic_tcp, self.dynamic_udp, self.endpoints, self.worker)
        return any(wanted) or self.socket_pool
