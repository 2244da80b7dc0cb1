# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message encryption over HTTP: multipart/encrypted with SPNEGO, Kerberos or CredSSP (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import re
import typing as t

import spnego
import spnego.exceptions

Seal: t.TypeAlias = t.Literal["SPNEGO", "Kerberos", "CredSSP"]
BOUNDARY: t.Final = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"Length=(\d+)")
_LARGEST_RECORD: t.Final = 16384
"""Bytes that one TLS record can hold: CredSSP, which is TLS, seals a longer message in several parts."""


class Unsealable(Exception):
    """A body that this connection's keys do not open: stale keys, a changed message, or no multipart at all."""


def is_sealed(content_type: str) -> bool:
    """Tell whether a Content-Type header announces a sealed body."""
    return content_type.lower().lstrip().startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))


def protocol(seal: Seal) -> str:
    """Give the media type that names who seals (MS-WSMV 2.2.9.1.1)."""
    return f"application/HTTP-{seal}-session-encrypted"


def unseal(context: spnego.ContextProxy, body: bytes, seal: Seal, content_type: str) -> bytes:
    """Open a sealed body; raise Unsealable if that fails, or if it names another way to seal."""
    if f'protocol="{protocol(seal)}"' not in content_type:
        raise Unsealable("The body is not sealed in the way in which this connection was authenticated.")
    inside, end, _after = body.rpartition(BOUNDARY + b"--")
    pieces = inside.split(BOUNDARY + b"\r\n")
    if not end or pieces[0].strip() or len(pieces) < 3 or len(pieces) % 2 == 0:
        raise Unsealable("The body is not multipart/encrypted.")
    return b"".join(_opened(context, head, octets) for head, octets in zip(pieces[1::2], pieces[2::2], strict=True))


def _opened(context: spnego.ContextProxy, head: bytes, octets: bytes) -> bytes:
    length = _LENGTH.search(head)
    if length is None or not octets.startswith(_OCTETS):
        raise Unsealable("The body is not multipart/encrypted.")
    sealed = octets.removeprefix(_OCTETS)
    size = int.from_bytes(sealed[:4], "little")
    try:
        plain = context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
    except (spnego.exceptions.SpnegoError, ValueError) as error:
        raise Unsealable(str(error)) from error
    if len(plain) != int(length.group(1)):
        raise Unsealable("The length in the header is not that of the message.")
    return plain


def seal(context: spnego.ContextProxy, plain: bytes, how: Seal) -> tuple[str, bytes]:
    """Seal an answer for the other side of this connection; gives its Content-Type and its body."""
    size = _LARGEST_RECORD if how == "CredSSP" else max(len(plain), 1)
    chunks = [plain[start : start + size] for start in range(0, max(len(plain), 1), size)]
    kind = "multipart/encrypted" if len(chunks) == 1 else "multipart/x-multi-encrypted"
    body = b"".join(_sealed(context, chunk, how) for chunk in chunks) + BOUNDARY + b"--\r\n"
    return f'{kind};protocol="{protocol(how)}";boundary="Encrypted Boundary"', body


def _sealed(context: spnego.ContextProxy, plain: bytes, how: Seal) -> bytes:
    result = context.wrap_winrm(plain)
    original = f"type=application/soap+xml;charset=UTF-8;Length={len(plain) + result.padding_length}"
    return b"".join(
        (
            BOUNDARY + b"\r\n",
            f"\tContent-Type: {protocol(how)}\r\n\tOriginalContent: {original}\r\n".encode(),
            BOUNDARY + b"\r\n",
            _OCTETS,
            len(result.header).to_bytes(4, "little"),
            result.header,
            result.data,
        )
    )
