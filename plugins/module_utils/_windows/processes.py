# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, through WMI's Win32_Process: the image and the start time of a process id."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Process
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NotFound

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance

NAMESPACE: t.Final = "root/cimv2"
CLASS: t.Final = "Win32_Process"
COLUMNS: t.Final = ("ProcessId", "Name", "CreationDate")
KERNEL: t.Final = Process(process_id=4, image="System", created=None)
"""The process of drivers, such as HTTP.sys: on every Windows since XP it has this id and this name [K]."""


class Processes:
    """Read processes by their ids."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, process_ids: t.Iterable[int]) -> dict[int, Process | None]:
        """Processes by id; ``None`` for one that is gone. 1 request for one, 1 or 2 for many, none for the kernel's."""
        wanted = sorted(set(process_ids))
        if KERNEL.process_id in wanted:
            return {KERNEL.process_id: KERNEL, **self.read(number for number in wanted if number != KERNEL.process_id)}
        if len(wanted) == 1:
            return {number: self._get(number) for number in wanted}
        few = len(wanted) <= wql.MOST_ALTERNATIVES
        query = wql.select(COLUMNS, CLASS, wql.any_of("ProcessId", wanted) if few else "")
        found = self._client.query(NAMESPACE, query) if wanted else ()
        existing = {process.process_id: process for process in map(_process, found)}
        return {number: existing.get(number) for number in wanted}

    def _get(self, process_id: int) -> Process | None:
        try:
            # Handle, the key, is the process id as text.
            return _process(self._client.get(NAMESPACE, CLASS, {"Handle": str(process_id)}))
        except NotFound:
            return None


def _process(instance: Instance) -> Process:
    return Process(
        process_id=instance.integer("ProcessId") or 0,
        image=instance.text("Name") or "",
        created=instance.moment("CreationDate"),
    )
