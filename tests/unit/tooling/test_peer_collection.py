# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's peer: the newest wheel counts, its one collection is unpacked, and only if it is another one."""

from __future__ import annotations

import pathlib
import zipfile

from tests.tooling.peer_collection import PEER, newest, unpack


def wheel(folder: pathlib.Path, version: str) -> pathlib.Path:
    path = folder / f"ansible-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{PEER}version", version)
        archive.writestr("ansible_collections/other/one/version", version)
    return path


def test_the_highest_version_counts_and_not_the_last_name(tmp_path: pathlib.Path) -> None:
    wheels = {version: wheel(tmp_path, version) for version in ("9.1.0", "14.5.0", "2.10.7")}
    assert newest(tmp_path) == wheels["14.5.0"]


def test_one_collection_is_unpacked_once(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "collections"
    old, new = wheel(tmp_path, "9.1.0"), wheel(tmp_path, "14.5.0")
    assert [unpack(old, target), unpack(old, target), unpack(new, target)] == [True, False, True]
    assert (target / PEER / "version").read_text() == "14.5.0"
    assert not (target / "ansible_collections" / "other").exists()
