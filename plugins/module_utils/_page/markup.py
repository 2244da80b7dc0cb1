# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page says of its own script and style sheets, so that a browser takes no others."""

from __future__ import annotations

import base64
import hashlib


def csp_source(text: str) -> str:
    """The name of this script or style sheet in a Content-Security-Policy: the hash of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
