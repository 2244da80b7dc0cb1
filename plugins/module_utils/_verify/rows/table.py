# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All probes, and the assumptions that no probe settles, with the reason."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows import (
    commands,
    lab,
    lab_boots,
    pool,
    refusals,
    registry,
    sockets,
    system,
    touch,
    wire,
)

PROBES: t.Final[tuple[Probe, ...]] = (
    *wire.ROWS,
    *refusals.ROWS,
    *registry.ROWS,
    *system.ROWS,
    *sockets.ROWS,
    *pool.ROWS,
    *commands.ROWS,
    *touch.ROWS,
    *lab.ROWS,
    *lab_boots.ROWS,
)
