# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of scenarios that several tests use."""

from __future__ import annotations

import typing as t

from tests.fleet.host_cases import Json

_PORTAL: t.Final = r"SYSTEM\CurrentControlSet\Services\ADAM_Portal"
_VALUES: t.Final = (
    (_PORTAL, "Type", "DWORD", 16),
    (_PORTAL, "Start", "DWORD", 2),
    (_PORTAL, "ImagePath", "EXPAND_SZ", r"C:\Windows\ADAM\dsamain.exe -sn:Portal"),
    (rf"{_PORTAL}\Parameters", "Port LDAP", "DWORD", 50010),
    (rf"{_PORTAL}\Parameters", "Port SSL", "DWORD", 50011),
)

PORTAL: t.Final[Json] = {
    "release": "2022",
    "roles": ["dns"],
    "registry": [{"path": path, "name": name, "type": kind, "data": data} for path, name, kind, data in _VALUES],
}
"""A server with an AD LDS instance that is not Exchange's."""
