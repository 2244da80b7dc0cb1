# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium by Playwright: the one that the machine has, since Playwright's own would be a download."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import pathlib
import shutil
import typing as t

from playwright.sync_api import Browser, Page, sync_playwright

NAMES: t.Final = ("chromium", "chromium-browser", "google-chrome")
Scheme: t.TypeAlias = t.Literal["light", "dark"]
# --no-sandbox: build machines run as root in containers; it only ever opens pages that these tests made.
_FLAGS: t.Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


def find_browser() -> str | None:
    """The browser's program, or ``None`` if this machine has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def running_browser(program: str) -> c.Iterator[Browser]:
    """The browser, ended at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclasses.dataclass
class Window:
    """A tab, and what its page did wrong: errors, words on the console, and requests for anything but itself."""

    page: Page
    complaints: list[str] = dataclasses.field(default_factory=list)

    def open(self, path: pathlib.Path) -> Page:
        """Load a page and wait until it is there."""
        self.complaints.clear()
        self.page.goto(path.resolve().as_uri())
        return self.page


@contextlib.contextmanager
def window(
    browser: Browser, *, scheme: Scheme = "light", width: int = 1280, height: int = 900, script: bool = True
) -> c.Iterator[Window]:
    """A tab of this size, in pixels, in a profile of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=script
    )
    found = Window(context.new_page())
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.complaints.extend(_foreign(request.url)))
    try:
        yield found
    finally:
        context.close()


def _foreign(address: str) -> list[str]:
    return [] if address.startswith(("file:", "data:", "blob:")) else [address]
