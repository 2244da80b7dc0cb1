# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of a session are found again without a search, and never those of another address or setting."""

from __future__ import annotations

import typing as t

import pytest
import requests

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.bounded_http import BoundedAdapter, Guard

URL: t.Final = "https://edge1:5986/wsman"


@pytest.fixture
def adapter() -> BoundedAdapter:
    return BoundedAdapter(Guard(host="edge1"))


def _request(url: str = URL) -> requests.PreparedRequest:
    return requests.Request("POST", url, data=b"x").prepare()


def test_messages_to_one_address_share_their_connections(adapter: BoundedAdapter) -> None:
    first = adapter.get_connection_with_tls_context(_request(), True, {})
    assert adapter.get_connection_with_tls_context(_request(), True, None) is first


@pytest.mark.parametrize(
    ("url", "verify", "proxies"),
    [
        ("https://edge2:5986/wsman", True, None),
        ("http://edge1:5986/wsman", True, None),
        (URL, False, None),
        (URL, True, {"https": "http://proxy:3128"}),
    ],
)
def test_nothing_else_shares_them(
    adapter: BoundedAdapter, url: str, verify: bool, proxies: dict[str, str] | None
) -> None:
    first = adapter.get_connection_with_tls_context(_request(), True, None)
    assert adapter.get_connection_with_tls_context(_request(url), verify, proxies) is not first
    assert adapter.get_connection_with_tls_context(_request(), True, None) is first


def test_a_closed_adapter_makes_new_ones(adapter: BoundedAdapter) -> None:
    first = adapter.get_connection_with_tls_context(_request(), True, None)
    adapter.close()
    assert adapter.get_connection_with_tls_context(_request(), True, None) is not first
