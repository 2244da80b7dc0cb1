# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client for looks at a server that reboots: it gives up soon."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY
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
