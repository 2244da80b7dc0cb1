# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets by process: a row for each process instead of thousands of rows for its sockets."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import ProcessRow, SocketRow
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import run_texts

_SHARED: t.Final = tuple(
    field.name
    for field in dataclasses.fields(ProcessRow)
    if field.name in {one.name for one in dataclasses.fields(SocketRow)}
)
"""The fields in which the sockets of a row are alike; what differs in one of them makes rows of its own."""


def by_process(sockets: t.Iterable[SocketRow]) -> tuple[ProcessRow, ...]:
    """Rows of the subset ``sockets`` put together, their ports as one text (``80, 49152-49160``), several addresses of
    a port once. One text and not a list: what Ansible carries about costs by the number of its values."""
    found: dict[tuple[t.Any, ...], set[int]] = {}
    for socket in sockets:
        found.setdefault(tuple(getattr(socket, name) for name in _SHARED), set()).add(socket.port)
    return tuple(_row(dict(zip(_SHARED, shared, strict=True)), ports) for shared, ports in found.items())


def _row(shared: dict[str, t.Any], ports: set[int]) -> ProcessRow:
    return ProcessRow(**shared, ports=", ".join(run_texts(ports)), count=len(ports))
