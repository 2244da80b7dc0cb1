# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network adapters with their drivers, and how many TCP segments went out since the boot."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One adapter; ``service`` is the key name of its driver."""

    name: str
    service: str = "e1express"
    device_id: str = "PCI\\VEN_8086&DEV_10D3\\1"
    connected: bool = True
    driver_date: datetime.date = datetime.date(2026, 1, 15)
    driver_version: str = "12.19.2.60"
    driver_provider: str = "Intel Corporation"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TcpSegments:
    """Totals of TCP over IPv4 since the boot; Windows keeps them in 32 bits."""

    sent: int = 4_211_034
    retransmitted: int = 1_204


USUAL_ADAPTERS: t.Final = (Adapter(name="Intel(R) 82574L Gigabit Network Connection"),)
USUAL_SEGMENTS: t.Final = TcpSegments()
