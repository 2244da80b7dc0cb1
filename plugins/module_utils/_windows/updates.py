# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installed updates, through WMI's Win32_QuickFixEngineering.

The list can confirm an update, never refute it: superseded and slipstreamed updates do not show.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client

NAMESPACE: t.Final = "root/cimv2"
CLASS: t.Final = "Win32_QuickFixEngineering"


def read_updates(client: Client) -> tuple[str, ...]:
    """The HotFixIDs (``KB951746``), sorted, each once."""
    found = client.query(NAMESPACE, wql.select(("HotFixID",), CLASS))
    return tuple(sorted({identifier for instance in found if (identifier := instance.text("HotFixID"))}))
