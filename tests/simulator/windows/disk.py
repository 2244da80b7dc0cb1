# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few files that a simulated server has: bytes by full path, attributes, and who may not write."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import fnmatch
import typing as t

FILE_NOT_FOUND: t.Final = 2
ACCESS_DENIED: t.Final = 5
SHARING_VIOLATION: t.Final = 32


class DiskError(Exception):
    """Windows refused; ``code`` is the Win32 error."""

    def __init__(self, code: int, path: str) -> None:
        """Say what was refused on which file."""
        super().__init__(path)
        self.code = code
        self.path = path


@dataclasses.dataclass(slots=True)
class Disk(c.MutableMapping[str, bytes]):
    """Files by full path, found in any case and kept as they were first written.

    As a mapping it is the disk as a person at the console changes it, without any check. ``read_only`` and ``in_use``
    (open in a program that shares neither writing nor deleting) are folded paths; into ``denied`` folders no account
    writes.
    """

    files: dict[str, tuple[str, bytes]] = dataclasses.field(default_factory=dict)
    read_only: set[str] = dataclasses.field(default_factory=set)
    in_use: set[str] = dataclasses.field(default_factory=set)
    denied: set[str] = dataclasses.field(default_factory=set)

    def __getitem__(self, path: str) -> bytes:
        return self.files[path.casefold()][1]

    def __setitem__(self, path: str, data: bytes) -> None:
        shown = self.files.get(path.casefold(), (path, b""))[0]
        self.files[path.casefold()] = (shown, data)

    def __delitem__(self, path: str) -> None:
        del self.files[path.casefold()]
        self.read_only.discard(path.casefold())
        self.in_use.discard(path.casefold())

    def __iter__(self) -> c.Iterator[str]:
        return iter([shown for shown, _data in self.files.values()])

    def __len__(self) -> int:
        return len(self.files)

    def matching(self, pattern: str) -> list[str]:
        """Return the full paths that a pattern with ``*`` and ``?`` in its last part means, in order."""
        return sorted(path for path in self if fnmatch.fnmatchcase(path.casefold(), pattern.casefold()))

    def read(self, path: str) -> bytes:
        """Return the content; DiskError if there is no such file."""
        if path not in self:
            raise DiskError(FILE_NOT_FOUND, path)
        return self[path]

    def write(self, path: str, data: bytes, *, elevated: bool) -> None:
        """Write a whole file; DiskError if that is refused."""
        self.demand_writable(path, elevated=elevated)
        self[path] = data

    def demand_writable(self, path: str, *, elevated: bool) -> None:
        """Raise DiskError if an account may not write, replace or delete a file."""
        folder = path.casefold().rpartition("\\")[0]
        if not elevated or folder in self.denied or path.casefold() in self.read_only:
            raise DiskError(ACCESS_DENIED, path)
        if path.casefold() in self.in_use:
            raise DiskError(SHARING_VIOLATION, path)

    def move(self, source: str, target: str, *, elevated: bool) -> None:
        """Rename a file over another one, at once; DiskError leaves both as they were."""
        data = self.read(source)
        self.demand_writable(source, elevated=elevated)
        self.demand_writable(target, elevated=elevated)
        if target.casefold() in self.files:
            del self[target]
        del self[source]
        self[target] = data

    def delete(self, path: str, *, elevated: bool) -> None:
        """Delete a file; DiskError if there is none or that is refused."""
        self.read(path)
        self.demand_writable(path, elevated=elevated)
        del self[path]
