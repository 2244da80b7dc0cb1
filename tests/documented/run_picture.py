# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a run: its text and its colours as a drawing, docs/pictures/run.svg."""

from __future__ import annotations

import io
import pathlib
import re
import typing as t

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.tooling.sources import ROOT

PATH: t.Final[pathlib.Path] = ROOT / "docs/pictures/run.svg"
WIDTH: t.Final = 110
"""Columns; longer lines are broken, as in a window of that width."""
TITLE: t.Final = "Simulated servers"
_FONTS: t.Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def drawing(shown: Text) -> str:
    """A terminal with this text. It asks nothing of the network: the reader's own font takes the place of rich's."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(shown)
    drawn = _FONTS.sub("", console.export_svg(title=TITLE, theme=MONOKAI, unique_id="run"))
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"
