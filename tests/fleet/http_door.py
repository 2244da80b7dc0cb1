# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real connection plugins over a server in this process: what pywinrm and pypsrp hand to the network arrives here.

Only the sockets are left out, so that faults of HTTP meet the libraries, our adapter and our transports.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import http.client
import io
import typing as t
from unittest import mock

import requests
import requests.adapters
import urllib3
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import bounded_http

PLUGINS: t.Final = ("winrm", "psrp")
_ADDRESS: t.Final = {"remote_addr": "192.0.2.1", "port": 5985, "remote_user": "edge", "remote_password": "secret"}
_SETTINGS: t.Final[c.Mapping[str, c.Mapping[str, t.Any]]] = {
    "winrm": {"scheme": "http", "transport": ["basic"]},
    "psrp": {"protocol": "http", "auth": "basic", "message_encryption": "never"},
}


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer of HTTP."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/soap+xml;charset=UTF-8"


WEB_PAGE: t.Final = Reply(b"<html></html>", kind="text/html")


def refused() -> requests.ConnectionError:
    """Nobody listens."""
    reason = urllib3.exceptions.NewConnectionError(t.cast("t.Any", None), "Connection refused")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(t.cast("t.Any", None), "/wsman", reason))


def lost() -> requests.ConnectionError:
    """The connection ends without an answer."""
    reason = http.client.RemoteDisconnected("Remote end closed connection without response")
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", reason))


def connection(plugin: str) -> t.Any:
    """A connection plugin as a task has it."""
    made = connection_loader.get(plugin, PlayContext(), "/dev/null")
    made.set_options(var_options={"_extras": {}}, direct={**_ADDRESS, **_SETTINGS[plugin]})
    return made


@contextlib.contextmanager
def answered_by(answer: c.Callable[[bytes], Reply]) -> c.Iterator[None]:
    """Every request of the libraries goes to this function, which may also raise what requests raises."""

    def send(
        adapter: requests.adapters.HTTPAdapter, request: requests.PreparedRequest, **_options: t.Any
    ) -> requests.Response:
        body = request.body or b""
        reply = answer(body if isinstance(body, bytes) else body.encode())
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body))}
        if reply.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="WSMAN"'
        response = urllib3.HTTPResponse(
            io.BytesIO(reply.body), headers=headers, status=reply.status, preload_content=False
        )
        return adapter.build_response(request, response)

    with (
        mock.patch.object(requests.adapters.HTTPAdapter, "send", send),
        # It counts real seconds, and time is simulated here; faults that take long say so themselves.
        mock.patch.object(bounded_http.Guard, "deadline", return_value=contextlib.nullcontext()),
    ):
        yield
