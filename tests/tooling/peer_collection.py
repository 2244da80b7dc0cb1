# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack the peer that the benchmark measures: `python -m tests.tooling.peer_collection WHEEL_FOLDER COLLECTIONS_PATH`.

The package `ansible` holds a hundred collections, 200 MB in 21,000 files; one of them is wanted. Of several wheels in
the folder the newest counts, and is unpacked if another one was before.
"""

from __future__ import annotations

import pathlib
import shutil
import sys
import typing as t
import zipfile

from packaging.utils import parse_wheel_filename

PEER: t.Final = "ansible_collections/ansible/windows/"
STAMP: t.Final = "made-from"


def newest(folder: pathlib.Path) -> pathlib.Path:
    """The wheel of the highest version; raises ValueError if there is none."""
    return max(folder.glob("ansible-*.whl"), key=lambda wheel: parse_wheel_filename(wheel.name)[1])


def unpack(wheel: pathlib.Path, collections_path: pathlib.Path) -> bool:
    """Unpack the one collection, and leave the wheel's name beside it; tells if that was needed."""
    stamp = collections_path / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wheel.name:
        return False
    shutil.rmtree(collections_path, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(collections_path, [name for name in archive.namelist() if name.startswith(PEER)])
    stamp.write_text(wheel.name, encoding="utf-8")
    return True


def main() -> None:
    """Unpack it."""
    wheel_folder, collections_path = map(pathlib.Path, sys.argv[1:])
    unpack(newest(wheel_folder), collections_path)


if __name__ == "__main__":
    main()
