# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzzer's readers on texts that are as they should be, and what it does with a finding."""

from __future__ import annotations

import pathlib
import types

import pytest

from tests.tooling import fuzz_coverage, fuzz_readers, fuzz_seeds


def test_every_reader_has_seeds_and_none_of_them_is_a_finding() -> None:
    seeds = fuzz_seeds.seeds()
    assert set(seeds) == set(fuzz_readers.NAMES)
    for name, texts in seeds.items():
        assert texts, name
        for text in texts:
            fuzz_readers.read_one(fuzz_readers.input_for(name, text))


def test_a_finding_is_kept_once_with_its_input(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_one(data: bytes) -> None:
        if b"bad" in data:
            raise KeyError(data)

    monkeypatch.setattr(fuzz_coverage, "FINDINGS", tmp_path)
    readers = types.ModuleType("readers")
    readers.__dict__.update(read_one=read_one, NAMES=("one",))
    watch = fuzz_coverage.Watch(readers)
    for data in (b"\0good", b"\0bad", b"\0also bad"):
        watch.read(data)
    assert watch.runs == 3
    assert sum(watch.found.values()) == 2
    assert (tmp_path / "1.input").read_bytes() == b"\0bad"
    assert "KeyError" in (tmp_path / "1.txt").read_text()
    assert fuzz_coverage.report() == 1


def test_without_findings_the_run_is_good(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_coverage, "FINDINGS", tmp_path)
    assert fuzz_coverage.main(["--examples", "500"]) == 0
    assert list(tmp_path.iterdir()) == []
