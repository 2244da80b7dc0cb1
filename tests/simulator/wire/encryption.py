# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message encryption over HTTP: multipart/encrypted with SPNEGO (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import re
import typing as t

import spnego
import spnego.exceptions

PROTOCOL: t.Final = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE: t.Final = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
BOUNDARY: t.Final = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"Length=(\d+)")


class Unsealable(Exception):
    """A body that this connection's keys do not open: stale keys, a changed message, or no multipart at all."""


def is_sealed(content_type: str) -> bool:
    """Tell whether a Content-Type header announces a sealed body."""
    return content_type.lower().lstrip().startswith("multipart/encrypted")


def unseal(context: spnego.ContextProxy, body: bytes) -> bytes:
    """Open a sealed body; raise Unsealable if that fails."""
    head, _separator, rest = body.partition(_OCTETS)
    sealed, end, _after = rest.rpartition(BOUNDARY + b"--")
    length = _LENGTH.search(head)
    if not end or length is None or not head.lstrip().startswith(BOUNDARY):
        raise Unsealable("The body is not multipart/encrypted.")
    size = int.from_bytes(sealed[:4], "little")
    try:
        plain = context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
    except (spnego.exceptions.SpnegoError, ValueError) as error:
        raise Unsealable(str(error)) from error
    if len(plain) != int(length.group(1)):
        raise Unsealable("The length in the header is not that of the message.")
    return plain


def seal(context: spnego.ContextProxy, plain: bytes) -> bytes:
    """Seal an answer for the other side of this connection."""
    result = context.wrap_winrm(plain)
    original = f"type=application/soap+xml;charset=UTF-8;Length={len(plain) + result.padding_length}"
    return b"".join(
        (
            BOUNDARY + b"\r\n",
            f"\tContent-Type: {PROTOCOL}\r\n\tOriginalContent: {original}\r\n".encode(),
            BOUNDARY + b"\r\n",
            _OCTETS,
            len(result.header).to_bytes(4, "little"),
            result.header,
            result.data,
            BOUNDARY + b"--\r\n",
        )
    )
