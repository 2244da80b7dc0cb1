# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the grade lab that reboot the server."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Permission, Reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_SERVICE,
    WINRM_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import CHOICES, is_service_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command, LabStep, Query
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Reading,
    Readings,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import bound
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.sockets import (
    WITH_OWNERS,
    directory_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.touch_steps import free_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import GROWTH, LONGEST_PAUSE
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.server_reboot import LookingClient, rebooted
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import Gate
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_hands import (
    LONGEST_WAIT,
    PAUSE,
    Hands,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_notes import Notes
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_pool import (
    OF_VALUE,
    SOCKETS,
    demand_dns,
    demand_pool,
    restore_values,
    write_values,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client

NAT_PORT: t.Final = 4500
LONGEST_DELAY: t.Final = 900.0
"""Seconds from a boot until a delayed service must run."""
_RUNNING: t.Final = Query("SELECT Name FROM Win32_Service WHERE State = 'Running'")


@dataclasses.dataclass(frozen=True, slots=True)
class Boots:
    """How the server is rebooted, and waited for."""

    looking: LookingClient
    wanted: Reboot


def reboot_of(timeout: int) -> Reboot:
    """The reboot of a lab; ``timeout`` in seconds."""
    return Reboot(
        reboot_timeout=timeout,
        msg="portkeeper.windows: verify, grade lab",
        pre_reboot_delay=2,
        post_reboot_delay=0,
        services=(),
        accepted=frozenset(),
        always=True,
        journal=False,
    )


class Booting:
    """Boots of one server."""

    def __init__(self, hands: Hands, notes: Notes, boots: Boots) -> None:
        self._hands, self._notes, self._boots = hands, notes, boots

    def with_values(self) -> None:
        """A boot with the settings of lab; on 2003 another one without them."""
        self._demand_way_back()
        running = self._running()
        has_pool = self._has_pool()
        if has_pool:
            write_values(self._hands, self._notes)
            self._spare_ad_lds()
        self._hold_ipsec_back()
        self._exclude_until_boot()
        if has_pool:
            self._notes.add(steps.BOOT)
        self._reboot(running)
        questions = (*OF_VALUE, ACTIVE_UDP)
        if has_pool:
            self._hands.look_at_pool(steps.BOOTED, questions, SOCKETS)
        else:
            self._hands.look(steps.BOOTED, questions)
        restore_values(self._notes)
        self._notes.restore("SocketPoolExcludedPortRanges")
        self._notes.release()
        self._notes.take_back_modes()
        if self._hands.server.is_old:
            self._reboot(running)
            self._notes.drop(steps.BOOT)

    def delayed(self) -> None:
        """A boot with a delayed DNS server, and one in which an automatic service needs it."""
        flag = self._undelayed_flag()
        running = self._running()
        self._notes.add(steps.DELAYED_DNS, *([] if flag is not None else [steps.WITHOUT_FLAG]))
        self._hands.run(Command(steps.DELAY_DNS))
        self._reboot(running)
        self._notes.drop(steps.BOOT)
        self._hands.look(steps.DELAYED, SOCKETS)
        self._notes.add(steps.OWN_SERVICES)
        self._hands.run(Command(steps.CREATE_THIRD))
        self._reboot(running)
        self._hands.look(steps.NEEDED, SOCKETS)
        self._notes.take_back_own()
        self._notes.take_back_modes()

    # --- may it be rebooted

    def _demand_way_back(self) -> None:
        winrm = self._hands.service(WINRM_SERVICE)
        if winrm is None or text(winrm, "StartMode") != "Auto":
            raise CantTell("WinRM does not start by itself here, so that the server would be lost after a boot")
        if self._hands.server.is_old and self._may_block():
            raise CantTell("after lab the next boot might end in block mode: reserve UDP 4500 by reserved_ports first")

    def _may_block(self) -> bool:
        """With its own settings the server might lose UDP 4500 at the second boot."""
        value = self._hands.read(MAX_USER_PORT_FACT)
        entries = self._hands.read(RESERVED_PORTS_FACT)
        ranges = split_entries(entries)[0] if isinstance(entries, tuple) else ()
        reserved = PortSet.of(*(ports for _text, ports in ranges))
        return isinstance(value, int) and value >= NAT_PORT and NAT_PORT not in reserved

    def _undelayed_flag(self) -> int | None:
        """The flag of a DNS server that starts by itself at once: 0, or ``None`` if there is none."""
        if not self._hands.server.release.capabilities.delayed_start:
            raise CantTell("this release has no delayed start")
        self._demand_way_back()
        dns = demand_dns(self._hands)
        flag = self._hands.read(delayed_flag(DNS_SERVICE))
        if text(dns, "StartMode") != "Auto" or flag:
            raise CantTell("the DNS server does not start by itself at once")
        return 0 if flag == 0 else None

    def _has_pool(self) -> bool:
        try:
            demand_pool(self._hands)
        except CantTell:
            return False
        self._notes.add(steps.RUNS)
        return True

    # --- before a boot

    def _hold_ipsec_back(self) -> None:
        """On 2003 IPSEC Services would cut the server off if the pool took their port."""
        if not self._hands.server.is_old:
            return
        row = self._hands.service(IPSEC_SERVICE)
        if row is not None and text(row, "StartMode") == "Auto":
            self._notes.add(steps.MANUAL_IPSEC)
            self._hands.control("ChangeStartMode", IPSEC_SERVICE, {"StartMode": "Manual"})

    def _spare_ad_lds(self) -> None:
        """Keep the pool, which is narrow now, off the ports of AD LDS: its start is looked at."""
        if not self._hands.server.release.capabilities.dns_pool_exclusions:
            return
        ports = directory_ports(Readings(self._hands.seen(WITH_OWNERS), self._hands.server))
        if ports:
            self._notes.set("SocketPoolExcludedPortRanges", tuple(f"{port}-{port}" for port in sorted(ports)))

    def _exclude_until_boot(self) -> None:
        seen = Readings(self._hands.seen((*SOCKETS, ACTIVE_UDP)), self._hands.server)
        question = LabStep(steps.PORT_UNTIL_BOOT)
        try:
            kept = [block.ports for block in seen.blocks(ACTIVE_UDP)]
            ports = free_ports(PortSet.of(*kept, *(one.port for one in bound(seen) if one.protocol == "udp")))
        except CantTell as reason:
            self._hands.found[question] = Reading(problem=str(reason))
            return
        if ports is None:
            self._hands.found[question] = Reading(problem="no port of ours is free")
            return
        block = PortRange(ports.first, ports.first)
        self._hands.found[question] = Reading(ports=block)
        self._notes.exclude(("udp", block))
        self._hands.look(steps.UNTIL_BOOT, (ACTIVE_UDP,))

    def _running(self) -> frozenset[str]:
        """Those of the services that lab looks at that run."""
        rows = self._hands.seen((_RUNNING,))[_RUNNING].rows
        names = (text(row, "Name") for row in rows)
        return frozenset(name for name in names if any(is_service_of(one, name) for one in CHOICES.values()))

    # --- the boot

    def _reboot(self, running: frozenset[str]) -> None:
        """Reboot, and wait until those services run that ran before, as long as it takes for a delayed one."""
        hands = self._hands
        client = Client(hands.gate, clock=hands.clock.monotonic, sleep=hands.clock.sleep)
        uptime = read_operating_system(client).uptime
        asked = rebooted(
            client,
            self._looking,
            self._boots.wanted,
            Permission(uptime=uptime),
            clock=hands.clock,
            capabilities=hands.server.release.capabilities,
        )
        row = {} if asked.code is None else {"ReturnValue": str(asked.code)}
        hands.found.setdefault(LabStep(steps.REBOOT), Reading(rows=(row,)))
        hands.gate.reset()
        longest = LONGEST_DELAY if steps.DELAYED_DNS in self._notes.lines else LONGEST_WAIT
        end, pause = hands.clock.monotonic() + longest, PAUSE
        while running - self._running() and hands.clock.monotonic() < end:
            hands.clock.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE)

    @contextlib.contextmanager
    def _looking(self) -> t.Iterator[Client]:
        """The client that gives up soon, through a gate of its own that only reads."""
        with self._boots.looking() as client:
            yield client.through(Gate(client.transport, ()))
