# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``port_info`` may cost on a DNS server, in requests: for the documentation, and to hold the fleet to."""

from __future__ import annotations

import collections.abc as c
import typing as t

RELEASES: t.Final = ("2003", "2008r2", "2022")
"""Of each way to read sockets and reservations one."""

WHOLE: t.Final = "all"
WITHOUT: t.Final = "without any option"
ONE_PORT: t.Final = "ports=50636"

REQUESTS: t.Final[c.Mapping[str, tuple[int, int, int]]] = {
    "release": (1, 1, 1),
    "updates": (2, 1, 1),
    "dynamic_ranges": (2, 6, 6),
    "reservations": (2, 6, 6),
    "dns_pool": (4, 8, 8),
    "sockets": (9, 13, 12),
    "ad_lds": (4, 4, 4),
    "services": (2, 7, 3),
    "roles": (2, 3, 3),
    "configured_versus_effective": (5, 10, 9),
    "risk": (8, 14, 11),
    # On releases with netsh's verb both of its stores: what is excluded until the next boot only is a finding.
    "findings": (18, 19, 18),
    WITHOUT: (18, 23, 19),
    WHOLE: (21, 30, 22),
    ONE_PORT: (6, 6, 4),
}
"""At most, for each of RELEASES, with Basic authentication, on an Edge server whose pool has a port of AD LDS."""
