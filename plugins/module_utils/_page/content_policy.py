# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hashes by which the Content-Security-Policy of a page allows its own script and style sheets, and no others."""

from __future__ import annotations

import base64
import hashlib


def hash_source(text: str) -> str:
    """A script or style sheet as the policy names it: the hash of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
