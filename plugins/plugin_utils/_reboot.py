# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions that may reboot the server, and the client of their looks at it; the others do not import how."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.server_reboot import carry_out
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import EngineAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._connection import line_of

READ_TIMEOUT: t.Final = 10.0
"""Seconds for a connection, and for each read: a server that is down may not even refuse."""
DEADLINE: t.Final = 20.0
"""Seconds for one whole look, with its authentication."""


@contextlib.contextmanager
def looking_client(connection: t.Any, host: str) -> t.Iterator[Client]:
    """A client over an open connection, for looks at a server that may be down.

    The session's own timeouts are for work, and each look at a silent server would take as long as they say. To be
    opened when the first client has done its work, so that both share what guards the session; at the end the
    connection is as it was.
    """
    transport = line_of(connection).transport(host=host, deadline=DEADLINE, read_timeout=READ_TIMEOUT)
    try:
        yield Client(transport, operation_timeout=READ_TIMEOUT - 1, patience=ONE_TRY)
    finally:
        transport.release()


class RebootingAction(EngineAction):
    """An action whose request may permit a reboot."""

    def reached(self, client: Client, request: Request) -> Outcome:
        """Reach what is requested, and reboot the server if the request says so; raises what ``perform`` does."""
        looking = functools.partial(looking_client, self._connection, client.host)
        return carry_out(client, looking, request, check_mode=self.check_mode, clock=Clock())
