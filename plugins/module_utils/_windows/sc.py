# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sc.exe's command line for the delayed flag of a service: no WMI method can set it."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import quoted_argument


def set_delayed_start(service: str, *, delayed: bool) -> str:
    """Make a service start automatically, delayed or at once; sc.exe wants a blank after ``start=``.

    Raises:
        Unsendable: the name has a character that can't go into a command line.
    """
    return f"sc.exe config {quoted_argument(service)} start= {'delayed-auto' if delayed else 'auto'}"
