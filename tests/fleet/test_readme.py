# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md: its sample output and its picture of a run are what the real Ansible says today."""

from __future__ import annotations

import pytest

from tests.documented import run_picture, samples

RENEW = "make pictures writes it anew"


@pytest.fixture(scope="module")
def said() -> tuple[samples.Said, ...]:
    return samples.run_samples()


def test_the_sample_output_is_that_of_today(said: tuple[samples.Said, ...]) -> None:
    text = samples.PAGE.read_text(encoding="utf-8")
    place = samples.place(text, said)
    assert text[place.start : place.end] == place.text, RENEW


def test_the_picture_of_a_run_is_that_of_today(said: tuple[samples.Said, ...]) -> None:
    assert run_picture.PATH.read_text(encoding="utf-8") == run_picture.drawing(said[0].shown), RENEW
