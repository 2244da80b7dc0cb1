# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one task on one host."""

from __future__ import annotations

import dataclasses
import typing as t

Owner: t.TypeAlias = t.Literal["ours", "peer"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task on one host: HTTP requests, and bytes with their headers, out for those that the controller sent."""

    task: str
    owner: Owner
    release: str
    requests: int
    bytes_out: int
    bytes_in: int
