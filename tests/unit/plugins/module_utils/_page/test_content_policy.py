# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hashes that a page's Content-Security-Policy names."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._page.content_policy import hash_source


def test_the_hash_is_that_of_browsers() -> None:
    # The example of the recommendation (Content Security Policy Level 2, 7.17.1).
    assert hash_source("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
