# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transports under test over the real pywinrm and the real pypsrp, with short timeouts."""

from __future__ import annotations

import dataclasses
import time
import typing as t
import urllib.parse

import pypsrp.wsman
import pytest
import winrm.protocol

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, patience
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.http_transport import HttpTransport
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.psrp_transport import PsrpTransport
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.winrm_transport import WinrmTransport
from tests.unit.plugins.module_utils._wsman import servers

Method = t.Literal["basic", "ntlm"]
MESSAGE = b"<s:Envelope><a:MessageID>uuid:1</a:MessageID></s:Envelope>"
USER: t.Final = "EDGE1\\edge"


@dataclasses.dataclass(frozen=True)
class Library:
    """A library that a transport stands on: its session for a URL, and its class that seals after a handshake."""

    session: t.Callable[[str, Method, str, str, int], t.Any]
    transport: t.Callable[..., HttpTransport]
    seals: str


def _winrm(url: str, method: Method, user: str, password: str, read_timeout: int) -> t.Any:
    return winrm.protocol.Protocol(
        url,
        transport="plaintext" if method == "basic" and url.startswith("http:") else _WINRM_OVER_TLS[method],
        username=user,
        password=password,
        read_timeout_sec=read_timeout,
        operation_timeout_sec=read_timeout - 1,
        proxy=None,
    )


_WINRM_OVER_TLS: t.Final[t.Mapping[Method, t.Any]] = {"basic": "ssl", "ntlm": "ntlm"}


def _psrp(url: str, method: Method, user: str, password: str, read_timeout: int) -> t.Any:
    parts = urllib.parse.urlsplit(url)
    return pypsrp.wsman.WSMan(
        parts.hostname or "",
        port=parts.port,
        username=user,
        password=password,
        ssl=parts.scheme == "https",
        path=parts.path.lstrip("/"),
        auth=method,
        encryption="never" if method == "basic" else "auto",
        connection_timeout=read_timeout,
        read_timeout=read_timeout,
        operation_timeout=read_timeout - 1,
        no_proxy=True,
    )


LIBRARIES: t.Final[t.Mapping[str, Library]] = {
    "pywinrm": Library(_winrm, WinrmTransport, "winrm.transport.Encryption"),
    "pypsrp": Library(_psrp, PsrpTransport, "pypsrp.wsman.WinRMEncryption"),
}
present = LIBRARIES["pywinrm"]
"""The library of the present test, see the fixture ``library``."""


def session_for(
    url: str, *, method: Method = "basic", user: str = USER, password: str = "secret", read_timeout: int = 3
) -> t.Any:
    """A session of the present library; nothing is sent."""
    return present.session(url, method, user, password, read_timeout)


def over(
    url: str,
    *,
    deadline: float = 5.0,
    clock: t.Callable[[], float] = time.monotonic,
    task: patience.Deadline | None = None,
    **options: t.Any,
) -> t.Any:
    """A transport over a session of the present library."""
    return present.transport(session_for(url, **options), host="edge1", deadline=deadline, task=task, clock=clock)


def failure(make_handler: t.Callable[[], servers.Handler], **options: t.Any) -> errors.WsmanError:
    """How the first message to this server fails."""
    with servers.Server(make_handler) as server, pytest.raises(errors.WsmanError) as caught:
        over(server.url, **options).send(MESSAGE)
    assert caught.value.host == "edge1"
    return caught.value
