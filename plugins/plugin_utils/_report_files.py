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
    """A file name for each server, no two alike, also where upper and lower case are the same."""
    return {server: f"{name}.svg" for server, name in distinct_names(servers, _plain_name, same=str.casefold).items()}


def distinct_names(
    servers: t.Iterable[str], plain: t.Callable[[str], str], same: t.Callable[[str], str] = str
) -> dict[str, str]:
    """A name for each server at a place that does not take every character; names are alike if ``same`` says so.

    A name that ``plain`` leaves as it is stays; of any other one it makes a plain one, and some digits of the name's
    hash follow. So a server has the same name whatever the other servers are, but for names that are alike.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for server in sorted(set(servers), key=lambda name: (plain(name) != name, name)):
        name = plain(server)
        digits = _DIGITS
        while (name != server and digits == _DIGITS) or same(name) in used:
            name = f"{plain(server)}-{hashlib.sha256(server.encode(errors='surrogatepass')).hexdigest()[:digits]}"
            digits += _DIGITS
        used.add(same(name))
        found[server] = name
    return found


def write(texts: t.Mapping[pathlib.Path, str] | t.Mapping[pathlib.Path, bytes], *, check_mode: bool) -> list[str]:
    """Write the files that differ, and name them; in check mode only name them.

    Raises AnsibleActionFail if one can't be written.
    """
    written: list[str] = []
    for path, text in texts.items():
        content = text if isinstance(text, bytes) else text.encode()
        try:
            written += [str(path)] if _written(path, content, check_mode=check_mode) else []
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
