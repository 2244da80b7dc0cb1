# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports that Windows keeps back during one boot: from random binds, from every bind, and from the DNS pool."""

from __future__ import annotations

import dataclasses

from tests.simulator.windows.dns import TCPIP_PARAMETERS, pool_exclusions, range_by_value
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.portranges import PortRange
from tests.simulator.windows.sockets import Protocol

PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp")


@dataclasses.dataclass(slots=True)
class Reservations:
    """The ports that random binds avoid, and those that no program may bind."""

    random: dict[Protocol, frozenset[int]]
    everybody: dict[Protocol, frozenset[int]]


class KeptPorts:
    """What one boot keeps back; what counts as of boot is read when this is made."""

    def __init__(self, machine: Machine) -> None:
        """Read what the boot reads."""
        self._machine = machine
        self.effective_reserved = {protocol: machine.configured_reservations(protocol) for protocol in PROTOCOLS}
        self._excluded_at_boot = {protocol: self._excluded(protocol) for protocol in PROTOCOLS}
        self._value_at_boot = machine.registry.number(TCPIP_PARAMETERS, "MaxUserPort")
        self._known: tuple[int, Reservations] | None = None

    def _excluded(self, protocol: Protocol) -> frozenset[int]:
        return self._machine.exclusions.ports(protocol, administered=True)

    def _reserved(self, protocol: Protocol) -> frozenset[int]:
        """Return what ReservedPorts keep back now."""
        machine = self._machine
        at_boot = machine.assumptions.reserved_ports_need_boot
        return self.effective_reserved[protocol] if at_boot else machine.configured_reservations(protocol)

    def reservations(self) -> Reservations:
        """Return the ports that the stack keeps back now; computed again when netsh has changed something."""
        generation = self._machine.exclusions.generation
        if not self._machine.assumptions.reserved_ports_need_boot:
            return self._computed()
        if self._known is None or self._known[0] != generation:
            self._known = (generation, self._computed())
        return self._known[1]

    def _computed(self) -> Reservations:
        assumptions, exclusions = self._machine.assumptions, self._machine.exclusions
        everybody = {protocol: exclusions.ports(protocol, administered=False) for protocol in PROTOCOLS}
        random = {}
        for protocol in PROTOCOLS:
            at_once = assumptions.exclusions_in_force_at_once
            excluded = self._excluded(protocol) if at_once else self._excluded_at_boot[protocol]
            random[protocol] = everybody[protocol] | excluded | self._reserved(protocol)
            if assumptions.exclusions_stop_explicit_binds:
                everybody[protocol] |= excluded
        return Reservations(random, everybody)

    def pool_avoids(self) -> frozenset[int]:
        """Return the ports that the DNS server will not draw, whether they are free or not."""
        machine, kept = self._machine, self.reservations()
        avoided = kept.everybody["udp"]
        if machine.assumptions.dns_honours_own_list:
            avoided |= pool_exclusions(machine.registry, machine.release)
        if machine.release.nt5:
            return avoided | self._reserved("udp") if machine.assumptions.dns_honours_reserved_ports else avoided
        return avoided if machine.assumptions.dns_ignores_netsh_exclusions else avoided | kept.random["udp"]

    def pool_range(self) -> PortRange:
        """Return the range that a DNS server with a pool draws from now."""
        machine = self._machine
        now = machine.registry.number(TCPIP_PARAMETERS, "MaxUserPort")
        maximum = now if machine.assumptions.pool_value_read_at_start else self._value_at_boot
        return range_by_value(maximum, machine.release, machine.assumptions, dynamic_udp=machine.dynamic_range("udp"))
