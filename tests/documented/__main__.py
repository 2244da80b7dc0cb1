# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make pictures`: README.md's sample output and the pictures of docs/pictures, from runs beside simulated servers.

A test compares them; it names this command if they are out of date.
"""

from __future__ import annotations

import pathlib
import tempfile

from tests.documented import page_picture, run_picture, samples
from tests.tooling.documentation_text import filled


def main() -> None:
    """Write all of them."""
    said = samples.run_samples()
    text = samples.PAGE.read_text(encoding="utf-8")
    samples.PAGE.write_text(filled(text, [samples.place(text, said)]), encoding="utf-8")
    run_picture.PATH.write_text(run_picture.drawing(said[0].shown), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="portkeeper-page-") as folder:
        page_picture.take(page_picture.write(pathlib.Path(folder)))


if __name__ == "__main__":
    main()
