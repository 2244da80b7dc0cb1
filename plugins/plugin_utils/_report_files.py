# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a report on the controller: their names, and that they are written only if they differ."""

from __future__ import annotations

import hashlib
import pathlib
import re
import typing as t

from ansible.errors import AnsibleActionFail

_MODE: t.Final = 0o644
_FOREIGN: t.Final = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST: t.Final = 100
_DIGITS: t.Final = 8


def picture_names(servers: t.Iterable[str]) -> dict[str, str]:
    """A file name for each server, no two alike, also where upper and lower case are the same.

    A name that a file can have stays; of any other one the foreign characters become ``_``, and some digits of its hash
    follow. So a server's file has the same name whatever the other servers are, but for names that differ in case only.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for server in sorted(set(servers), key=lambda name: (_plain_name(name) != name, name)):
        name = _plain_name(server)
        digits = _DIGITS
        while (name != server and digits == _DIGITS) or name.casefold() in used:
            name = f"{_plain_name(server)}-{hashlib.sha256(server.encode(errors='surrogatepass')).hexdigest()[:digits]}"
            digits += _DIGITS
        used.add(name.casefold())
        found[server] = f"{name}.svg"
    return found


def write(texts: t.Mapping[pathlib.Path, str], *, check_mode: bool) -> list[str]:
    """Write the files that differ, and name them; in check mode only name them.

    Raises AnsibleActionFail if one can't be written.
    """
    written: list[str] = []
    for path, text in texts.items():
        try:
            written += [str(path)] if _written(path, text.encode(), check_mode=check_mode) else []
        except OSError as error:
            raise AnsibleActionFail(f"{path} can't be written: {error.strerror}") from None
    return written


def _plain_name(server: str) -> str:
    return _FOREIGN.sub("_", server)[:_LONGEST]


def _written(path: pathlib.Path, content: bytes, *, check_mode: bool) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    if not check_mode:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Who reads the page meanwhile gets the old one or the new one.
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(content)
        beside.chmod(_MODE)
        beside.replace(path)
    return True
