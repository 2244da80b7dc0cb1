# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack the peer that the benchmark measures: `python -m tests.tooling.peer_collection WHEEL_FOLDER COLLECTIONS_PATH`.

The package `ansible` holds a hundred collections, 200 MB in 21,000 files; one of them is wanted.
"""

from __future__ import annotations

import pathlib
import sys
import zipfile

PEER = "ansible_collections/ansible/windows/"


def main() -> None:
    """Unpack the one collection out of the one wheel."""
    wheel_folder, collections_path = map(pathlib.Path, sys.argv[1:])
    (wheel,) = wheel_folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(collections_path, [name for name in archive.namelist() if name.startswith(PEER)])


if __name__ == "__main__":
    main()
