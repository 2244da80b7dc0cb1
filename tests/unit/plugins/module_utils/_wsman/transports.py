# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport under test over the real pywinrm, with short timeouts."""

from __future__ import annotations

import time
import typing as t

import pytest
import winrm.protocol

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, patience, winrm_transport
from tests.unit.plugins.module_utils._wsman import servers

Method = t.Literal["plaintext", "ntlm", "ssl"]
MESSAGE = b"<s:Envelope><a:MessageID>uuid:1</a:MessageID></s:Envelope>"


def over(
    url: str,
    *,
    method: Method = "plaintext",
    password: str = "secret",
    deadline: float = 5.0,
    read_timeout: int = 3,
    clock: t.Callable[[], float] = time.monotonic,
    task: patience.Deadline | None = None,
    **options: t.Any,
) -> winrm_transport.WinrmTransport:
    protocol = winrm.protocol.Protocol(
        url,
        transport=method,
        username="EDGE1\\edge",
        password=password,
        read_timeout_sec=read_timeout,
        operation_timeout_sec=read_timeout - 1,
        proxy=None,
        **options,
    )
    return winrm_transport.WinrmTransport(protocol, host="edge1", deadline=deadline, task=task, clock=clock)


def failure(make_handler: t.Callable[[], servers.Handler], **options: t.Any) -> errors.WsmanError:
    with servers.Server(make_handler) as server, pytest.raises(errors.WsmanError) as caught:
        over(server.url, **options).send(MESSAGE)
    assert caught.value.host == "edge1"
    return caught.value
