# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast of colours by WCAG 2.2, read off the style sheets' own variables."""

from __future__ import annotations

import pathlib
import re
import typing as t

from tests.report.rendering import TEMPLATES

TEXT: t.Final = 4.5
"""Success criterion 1.4.3, level AA, text of normal size."""
GRAPHICS: t.Final = 3.0
"""Success criterion 1.4.11: what one must see to understand a picture."""

Palette: t.TypeAlias = dict[str, str]
Scheme: t.TypeAlias = t.Literal["light", "dark"]
SCHEMES: t.Final[tuple[Scheme, ...]] = t.get_args(Scheme)
SHEETS: t.Final = ("map.css", "page.css")
"""In their order in the page; a picture of its own has the first alone."""
_DARK: t.Final = "@media screen and (prefers-color-scheme: dark)"
"""Print is light, with any scheme of the screen."""
_VARIABLE: t.Final = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")


def palette(scheme: Scheme) -> Palette:
    """The colours of the page and its maps by their names: what dark does not set is as in light."""
    texts = [(TEMPLATES / sheet).read_text(encoding="utf-8") for sheet in SHEETS]
    colours = {name: colour for text in texts for name, colour in _VARIABLE.findall(text.partition("@media")[0])}
    dark = texts[-1].partition(_DARK)[2].partition("}")[0] if scheme == "dark" else ""
    return {**colours, **dict(_VARIABLE.findall(dark))}


def contrast(first: str, second: str) -> float:
    """The ratio, from 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colours_outside_variables(sheet: pathlib.Path) -> list[str]:
    """Colours outside of the variables, which no test would check."""
    text = _VARIABLE.sub("", sheet.read_text(encoding="utf-8"))
    return re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", text)


def _luminance(colour: str) -> float:
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
