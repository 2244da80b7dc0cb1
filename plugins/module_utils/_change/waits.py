# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event that a configured setting waits for before it is in force, and whether an administrator must cause it.

ReservedPorts waits for a reboot by an administrator: until then the old settings hold, at every restart of DNS too. A
delayed start needs no action: it changes the order of services at a boot, and the next boot already has the new order.
"""

from __future__ import annotations

import typing as t

WaitsFor = t.Literal["reboot", "dns_restart", "service_restart", "owner", "holder", "boot"]


class Awaited(t.NamedTuple):
    """An event that puts settings in force, as a noun and as an order to the administrator."""

    event: str
    order: str = ""
    """Empty if no action is needed."""

    @property
    def by_itself(self) -> bool:
        """True if it comes without an action of an administrator, and nothing is at risk before it."""
        return not self.order


AWAITED: t.Final[t.Mapping[WaitsFor, Awaited]] = {
    "reboot": Awaited("a reboot", "reboot the server"),
    "dns_restart": Awaited("a restart of DNS", "restart DNS"),
    "service_restart": Awaited("a restart of the service", "restart the service"),
    "owner": Awaited("a stop of the ports' owner", "stop the ports' owner"),
    "holder": Awaited("a stop of the process that holds the ports of another", "stop the process that holds the ports"),
    "boot": Awaited("the next boot"),
}
"""In the order of what they cost; the last one costs nothing."""


def comes_by_itself(waits_for: str | None) -> bool:
    """True if this event comes without an action of an administrator; an unknown word does not."""
    return any(name == waits_for and awaited.by_itself for name, awaited in AWAITED.items())
