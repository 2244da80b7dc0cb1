# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services file of a Windows, as it is read."""

from __future__ import annotations

import typing as t

FILE: t.Final = "services"
BACKUP: t.Final = "services.portkeeper-backup"


class ServicesFile(t.NamedTuple):
    """The file ``services`` in one folder, and what of ours lies beside it."""

    content: bytes | None
    """``None``: there is no such file."""
    read_only: bool = False
    beside: frozenset[str] = frozenset()
    """Names of the other files there that begin with ``services``, in lower case."""


def path_of(folder: str, name: str = FILE) -> str:
    """The full name of a file in that folder."""
    return f"{folder}\\{name}"


def temporary_file(number: int, part: t.Literal["new", "old", "cut"]) -> str:
    """The name of a temporary file beside the services file."""
    return f"services.portkeeper-{number}-{part}"
