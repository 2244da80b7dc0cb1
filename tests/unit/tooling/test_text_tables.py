# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of plain text."""

from __future__ import annotations

from tests.tooling.text_tables import table, verdicts


def test_numbers_stand_right_and_texts_left() -> None:
    rows = [("edge1", 7, "28.2%"), ("e2", "1,000", "-")]
    assert table(("server", "lost", "share"), rows).splitlines() == [
        "  server   lost  share",
        "  ------  -----  -----",
        "  edge1       7  28.2%",
        "  e2      1,000      -",
    ]


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(("server", "lost"), []).splitlines() == ["  server  lost", "  ------  ----"]


def test_a_verdict_says_what_did_not_hold() -> None:
    assert verdicts([(True, "this"), (False, "that")]).splitlines() == ["  ok      this", "  NOT ok  that"]
