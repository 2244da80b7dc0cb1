# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sc.exe's command line for the delayed flag of a service: no WMI method can set it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import SERVICE_CONFIGURE, lacks
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import quoted_argument


def set_delayed_start(service: str, *, delayed: bool) -> str:
    """Make a service start automatically, delayed or at once; sc.exe wants a blank after ``start=``.

    Raises:
        Unsendable: the name has a character that can't go into a command line.
    """
    return f"sc.exe config {quoted_argument(service)} start= {'delayed-auto' if delayed else 'auto'}"


_DENIED: t.Final = b"5"
_NUMBER: t.Final = rb"[0-9]+"


def advice_for(service: str, raw: bytes) -> str:
    """The missing right, if sc.exe's output has the number of access denied (``FAILED 5:``); otherwise nothing.

    Its words are in the server's language, the number is the same in all of them.
    """
    first, _end, _rest = raw.strip().partition(b"\n")
    return lacks(SERVICE_CONFIGURE, f"the service {service}") if _DENIED in re.findall(_NUMBER, first) else ""
