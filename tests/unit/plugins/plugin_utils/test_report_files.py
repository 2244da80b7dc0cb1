# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a report: no two servers in one, and written only if they differ."""

from __future__ import annotations

import pathlib

import pytest
from ansible.errors import AnsibleActionFail
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import picture_names, write


def test_servers_whose_names_no_file_can_have_get_files_of_their_own() -> None:
    names = picture_names(["a/b", "a:b", "a_b", "edge1.example.com"])
    assert (names["a_b"], names["edge1.example.com"]) == ("a_b.svg", "edge1.example.com.svg")
    assert names["a/b"].startswith("a_b-")
    assert len(set(names.values())) == 4
    assert picture_names(["a/b"])["a/b"] == names["a/b"]


def test_upper_and_lower_case_are_the_same_to_some_disks() -> None:
    names = picture_names(["Edge1", "edge1"])
    assert names["Edge1"].casefold() != names["edge1"].casefold()


@given(st.sets(st.text(max_size=300), max_size=20))
def test_no_two_servers_share_a_file(servers: set[str]) -> None:
    names = picture_names(servers)
    assert set(names) == servers
    assert len({name.casefold() for name in names.values()}) == len(servers)
    for name in names.values():
        assert "/" not in name
        assert 4 < len(name) < 255 or name == ".svg"
        assert name.isascii()


def test_a_name_that_looks_like_anothers_file_takes_no_file() -> None:
    taken = picture_names(["a/b"])["a/b"].removesuffix(".svg")
    names = picture_names(["a/b", taken])
    assert len(set(names.values())) == 2


def test_only_what_differs_is_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "below" / "file"
    assert write({path: "one"}, check_mode=True) == [str(path)]
    assert not path.parent.exists()
    assert write({path: "one"}, check_mode=False) == [str(path)]
    assert write({path: "one"}, check_mode=False) == []
    assert write({path: "two"}, check_mode=False) == [str(path)]
    assert path.read_text(encoding="utf-8") == "two"
    assert [item.name for item in path.parent.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_that_can_not_be_written_is_a_sentence(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AnsibleActionFail, match="file/below can't be written: File exists"):
        write({tmp_path / "file" / "below": "text"}, check_mode=False)
