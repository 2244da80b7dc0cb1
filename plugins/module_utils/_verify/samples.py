# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded exchanges without a name in them: the form of every message stays, and what could tell who answered goes.

Masking is by what may stay, not by what must go: numbers, times, identifiers that mean nothing elsewhere, words of the
protocol, and names that every Windows has. Each letter of any other text becomes ``x``, each digit ``0``; so its length
and its punctuation can still be seen, and readers can be run on it.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from xml.sax import saxutils

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.masking import DETAILS, SUBCODES, WORDS

_TAG: t.Final = re.compile(r"(<[^>]*>)")
_ATTRIBUTE: t.Final = re.compile(r'([\w:.-]+)="([^"]*)"')
_STREAM: t.Final = re.compile(r"<(?:\w+:)?Stream\b")
_PROTOCOL: t.Final = re.compile(
    r"https?://(?:schemas\.(?:xmlsoap\.org|dmtf\.org|microsoft\.com)|www\.w3\.org)/[\w./#*-]*"
    r"|urn:portkeeper:verify|http://windows-host:5985/wsman"
)
_PLAIN: t.Final = re.compile(
    r"-?[0-9]{1,20}|true|false|TRUE|FALSE"  # numbers and truths
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)?|P[0-9DTHMS.]+"  # times and spans
    r"|(?:uuid:)?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|(?:p|cim|b):(?:Win32_|MSFT_|cim|__)\w+|s:(?:Sender|Receiver|MustUnderstand)|[a-z]{2}-[A-Z]{2}"
    r"|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4,5}|OS: [0-9.]+ SP: [0-9.]+ Stack: [0-9.]+"
    r"|[0-9]{1,5}-[0-9]{1,5}|KB[0-9]{5,8}|0\.0\.0\.0|127\.0\.0\.1|::1?|HRESULT 0x[0-9a-f]{8}",
    re.ASCII,
)
_LEAF: t.Final = re.compile(r"(.*[\\/])([\w.]+\.exe)(\"?)\Z", re.DOTALL)
_INSTANCE: t.Final = re.compile(r"(ADAM_)(.*)\Z", re.DOTALL)
PROGRAMS: t.Final = frozenset(
    {"dns.exe", "dsamain.exe", "lsass.exe", "services.exe", "smss.exe", "spoolsv.exe", "svchost.exe"}
    | {"tcpsvcs.exe", "w3wp.exe", "wininit.exe"}
)
NAMES: t.Final = frozenset(
    {"AFD", "Afd", "DNS", "DcomLaunch", "EventLog", "HTTP", "IAS", "IPSec", "LanmanServer"}
    | {"LanmanWorkstation", "NTDS", "NetBT", "Netlogon", "PolicyAgent", "RpcSs", "RemoteAccess"}
    | {"RpcEptMapper", "SamSs", "TermService", "Tcpip", "WinRM", "Winmgmt", "System", "Auto", "Manual"}
    | {"Disabled", "Boot", "Running", "Stopped", "OK", "Start", "Type", "DelayedAutostart"}
    | {"DependOnService", "Group", "ImagePath", "ErrorControl", "DisplayName", "ObjectName", "stdin"}
    | {"stdout", "stderr", "Name", "ShellId", "CommandId", "WINRS_NOPROFILE", "WINRS_CODEPAGE"}
    | {"WINRS_CONSOLEMODE_STDIN", "WINRS_SKIP_CMD_SHELL", "Empty", "One", "Two", "Number", "Long"}
    | {"Nothing", "Blanks", "Letters", "Note"}
)
SENTENCES: t.Final = frozenset(
    {"Own Process", "Share Process", "Microsoft Corporation", "Start Pending", "Stop Pending", "portkeeper"}
    | {"Simulated server"}
)
_ADDRESS: t.Final = re.compile(rb"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.])|\[[0-9A-Fa-f:.%]+\]")
_ANY_ADDRESS: t.Final = frozenset({b"0.0.0.0", b"127.0.0.1", b"[::]", b"[::1]"})
_OUTPUT_WORD: t.Final = re.compile(rb"portkeeper-[0-9]+-[0-9-]+|portkeeper-(?:yes|no)|[A-Za-z\x80-\xff_]+")
_OUTPUT_WORDS: t.Final = frozenset({b"TCP", b"UDP", b"AUTO_START", b"DEMAND_START", b"DISABLED", b"DELAYED"})


def sample_files(exchanges: t.Sequence[tuple[bytes, bytes]]) -> dict[str, bytes]:
    """The files of a recording, by name: each message and its answer, numbered, masked."""
    files: dict[str, bytes] = {}
    for number, (request, answer) in enumerate(exchanges):
        name = f"{number:03}-{_name_of(request)}"
        files[f"{name}.request.xml"] = masked_envelope(request)
        files[f"{name}.answer.xml"] = masked_envelope(answer)
    return files


def _name_of(request: bytes) -> str:
    """The last part of a message's action, and of what it is about."""
    action = re.search(rb"<a:Action[^>]*>([^<]*)<", request)
    resource = re.search(rb"<w:ResourceURI[^>]*>([^<]*)<", request)
    words = [re.findall(rb"\w+", one[1]) for one in (action, resource) if one is not None]
    return "-".join(found[-1].decode("ascii") for found in words if found) or "Identify"


def masked_envelope(envelope: bytes) -> bytes:
    """A message as it may be given to anybody; not decodable: nothing of it."""
    try:
        text = envelope.decode("utf-8")
    except UnicodeDecodeError:
        return b""
    pieces: list[str] = []
    stream = False
    for piece in _TAG.split(text):
        if piece.startswith("<?"):
            pieces.append(piece)
        elif piece.startswith("<!"):
            continue
        elif piece.startswith("<"):
            stream = _STREAM.match(piece) is not None
            pieces.append(_ATTRIBUTE.sub(_masked_attribute, piece))
        else:
            pieces.append(_masked_stream(piece) if stream else _escaped(masked_text(saxutils.unescape(piece))))
    return "".join(pieces).encode()


def masked_text(text: str) -> str:
    """A text as it may be told: as it stands if it is on one of the lists, else without its letters and digits."""
    bare = text.strip()
    if not bare or _may_stay(bare):
        return text
    leaf = _LEAF.match(text)
    if leaf is not None and leaf[2].casefold() in PROGRAMS:
        return _shape(leaf[1]) + leaf[2] + leaf[3]
    instance = _INSTANCE.match(text)
    return instance[1] + _shape(instance[2]) if instance is not None else _shape(text)


def _may_stay(text: str) -> bool:
    prefix, _colon, word = text.rpartition(":")
    if prefix in ("w", "a", "n") and word in SUBCODES:
        return True
    listed = text in NAMES or text in SENTENCES or text in WORDS or text in SUBCODES or text in DETAILS
    return listed or text.casefold() in PROGRAMS or bool(_PLAIN.fullmatch(text) or _PROTOCOL.fullmatch(text))


def _shape(text: str) -> str:
    return "".join("0" if one.isdigit() else "x" if one.isalpha() else one for one in text)


def _escaped(text: str) -> str:
    return saxutils.escape(text)


def _masked_attribute(found: re.Match[str]) -> str:
    value = saxutils.unescape(found[2], {"&quot;": '"'})
    return f'{found[1]}="{saxutils.escape(masked_text(value), {chr(34): "&quot;"})}"'


def _masked_stream(text: str) -> str:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(masked_output(raw)).decode("ascii")


def masked_output(raw: bytes) -> bytes:
    """What a command wrote, with its columns and numbers: words are not read, so they may go; and so do addresses."""
    without = _ADDRESS.sub(lambda one: one[0] if one[0] in _ANY_ADDRESS else _same_length(one[0]), raw)
    return _OUTPUT_WORD.sub(_masked_word, without)


def _same_length(address: bytes) -> bytes:
    return b"192.0.2.1" if b"." in address and b":" not in address else b"[2001::1]"


def _masked_word(word: re.Match[bytes]) -> bytes:
    stays = word[0] in _OUTPUT_WORDS or word[0].startswith(b"portkeeper-")
    return word[0] if stays else bytes(0x81 if octet > 0x7F else 0x78 for octet in word[0])
