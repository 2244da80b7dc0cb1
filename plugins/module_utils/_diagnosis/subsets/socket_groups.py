# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets by process: a row for each process instead of thousands of rows for its sockets."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import run_texts

Row = t.Mapping[str, t.Any]
_OF_A_SOCKET: t.Final = ("address", "port")
"""The fields in which sockets of one process differ; what differs otherwise makes rows of its own."""


def by_process(sockets: t.Iterable[Row]) -> list[dict[str, t.Any]]:
    """Rows of the subset ``sockets`` put together, their ports as one text (``80, 49152-49160``), several addresses of
    a port once. One text and not a list: what Ansible carries about costs by the number of its values."""
    found: dict[str, tuple[dict[str, t.Any], set[int]]] = {}
    for socket in sockets:
        shared = {name: value for name, value in socket.items() if name not in _OF_A_SOCKET}
        found.setdefault(repr(shared), (shared, set()))[1].add(socket["port"])
    return [{**shared, "ports": ", ".join(run_texts(ports)), "count": len(ports)} for shared, ports in found.values()]
