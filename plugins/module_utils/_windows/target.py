# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server with everything that can be read from it or done to it, for one task."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Console
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.processes import Processes
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.registry import Registry
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.services import Services

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client


class Target:
    """The parts share one WS-Management client; the console's shell is closed at the end, if it was opened.

    A context manager; ``close()`` does the same if a ``with`` does not fit. ``with_delays``: see ``Services``.
    """

    def __init__(self, client: Client, capabilities: Capabilities, *, with_delays: bool = False) -> None:
        self.client: t.Final = client
        self.capabilities: t.Final = capabilities
        self.registry: t.Final = Registry(client)
        self.services: t.Final = Services(client, with_delays=with_delays and capabilities.delayed_start_property)
        self.processes: t.Final = Processes(client)
        self.console: t.Final = Console(client, capabilities)

    @property
    def host(self) -> str:
        """The server's name as the connection has it."""
        return self.client.host

    def close(self) -> None:
        """Delete the shell, if one is open; never raises."""
        self.console.close()

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.console.__exit__(kind, error, trace)
