# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters per host, so that tests can check request budgets and read the requests in their order."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

LONGEST_LOG: t.Final = 10_000
"""How many messages a host's log keeps; the sums go on."""


@dataclasses.dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One SOAP message; sizes are those of the HTTP bodies in bytes, ``milliseconds`` inside the server.

    ``authentication`` is ntlm, kerberos or credssp; ``delegated`` says that the client has handed over credentials.
    """

    n: int
    action: str
    resource: str
    method: str
    brief: str
    user: str
    status: int
    bytes_in: int
    bytes_out: int
    milliseconds: float
    sealed: bool = False
    authentication: str = ""
    delegated: bool = False


@dataclasses.dataclass(slots=True)
class Counters:
    """Sums since the start or the last reset.

    ``requests`` counts every HTTP request, ``messages`` the SOAP messages among them, ``authentication_rounds`` those
    that only served authentication. ``bytes_in`` and ``bytes_out`` sum HTTP bodies, the ``_total`` ones everything.
    """

    requests: int = 0
    messages: int = 0
    authentication_rounds: int = 0
    connections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    bytes_in_total: int = 0
    bytes_out_total: int = 0
    log: collections.deque[LoggedRequest] = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=LONGEST_LOG)
    )

    def reset(self) -> None:
        """Begin again at zero."""
        for field in dataclasses.fields(self):
            if field.name != "log":
                setattr(self, field.name, 0)
        self.log.clear()

    def as_json(self) -> dict[str, t.Any]:
        """Give everything as JSON values, with the number of messages by method in ``by_action``."""
        data = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "log"}
        by_action = collections.Counter(item.method for item in self.log)
        return {**data, "by_action": dict(by_action), "log": [dataclasses.asdict(item) for item in self.log]}
