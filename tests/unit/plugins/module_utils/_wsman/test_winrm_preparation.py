# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the transport over pywinrm prepares once for all messages is what requests prepares for each."""

from __future__ import annotations

import typing as t

import pytest
import requests

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.winrm_transport import _Preparation

URL: t.Final = "http://edge1:5985/wsman"


class _Signature(requests.auth.AuthBase):
    """An authentication that looks at the body, as one that seals messages may."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Signature {request.body!r}"
        return request


def _session(auth: requests.auth.AuthBase) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.auth = auth
    session.headers["Content-Type"] = "application/soap+xml;charset=UTF-8"
    return session


def _seen(prepared: requests.PreparedRequest) -> tuple[t.Any, ...]:
    return (prepared.method, prepared.url, list(prepared.headers.items()), prepared.body, prepared.hooks)


@pytest.mark.parametrize("auth", [requests.auth.HTTPBasicAuth("user", "password"), _Signature()])
@pytest.mark.parametrize("cookie", [False, True])
def test_each_message_is_prepared_as_requests_does_it(auth: requests.auth.AuthBase, cookie: bool) -> None:
    session = _session(auth)
    preparation = _Preparation(session)
    for number, body in enumerate((b"first", b"the second one is longer", b"3")):
        request = requests.Request("POST", URL, data=body)
        assert _seen(preparation(request)) == _seen(session.prepare_request(request))
        if cookie and number == 0:
            session.cookies.set("affinity", "node2", domain="edge1.local")


def test_a_message_leaves_the_one_before_as_it_is() -> None:
    preparation = _Preparation(_session(requests.auth.HTTPBasicAuth("user", "password")))
    first = preparation(requests.Request("POST", URL, data=b"first"))
    first.headers["Accept-Encoding"] = "identity"
    second = preparation(requests.Request("POST", URL, data=b"the second"))
    assert (first.body, first.headers["Content-Length"]) == (b"first", "5")
    assert (second.body, second.headers["Content-Length"]) == (b"the second", "10")
    assert second.headers["Accept-Encoding"] != "identity"
