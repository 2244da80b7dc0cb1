# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of an event source: what is written is read again, and what is something else is left alone."""

from __future__ import annotations

import datetime
import pathlib

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.memory import LogMemory
from ansible_collections.portkeeper.windows.plugins.plugin_utils._memory_file import MemoryFile

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
MEMORY = LogMemory(1_000_000.5, NOON, ((7, NOON), (8, NOON + datetime.timedelta(microseconds=1))))


def test_what_was_learnt_is_known_to_the_next_start(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "state.json"
    memory = MemoryFile(path, ["edge1", "gone"])
    memory.learn("edge1", "System", MEMORY)
    memory.save()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]
    again = MemoryFile(path, ["edge1", "new"])
    assert (again.of("edge1"), again.of("new")) == ({"System": MEMORY}, {})


def test_without_a_file_nothing_is_written(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    memory = MemoryFile(None, ["edge1"])
    memory.learn("edge1", "System", MEMORY)
    memory.save()
    assert memory.of("edge1") == {"System": MEMORY}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hosts: {}",
        "[]",
        '{"version": 2, "hosts": {}}',
        '{"version": 1}',
        '{"version": 1, "hosts": {"edge1": {"System": {"asked": 1}}}}',
        '{"version": 1, "hosts": {"edge1": {"System": {"asked": 1, "clock": "2026-03-01T12:00:00", "told": []}}}}',
    ],
)
def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptionError, match=r"state_file: .*other\.json is not what this source writes"):
        MemoryFile(path, ["edge1"])
    assert path.read_text(encoding="utf-8") == text


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OptionError, match="can't be written: No such file or directory"):
        MemoryFile(tmp_path / "missing" / "state.json", ["edge1"])
