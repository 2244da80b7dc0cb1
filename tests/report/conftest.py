# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report for all tests of this folder."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from tests.report.devtools import Browser, find_browser, running_browser
from tests.report.facts import Facts, fleet_results
from tests.report.rendering import reduced, report
from tests.tooling.ansible_programs import AnsibleRun


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests of a file on one worker: they share a report and a browser."""
    if not hasattr(config, "workerinput") and getattr(config.option, "dist", None) == "load":
        config.option.dist = "loadfile"


@dataclasses.dataclass(frozen=True)
class Made:
    """What the role wrote, from which results."""

    results: dict[str, Facts]
    directory: pathlib.Path
    run: AnsibleRun

    @property
    def page(self) -> pathlib.Path:
        return self.directory / "index.html"

    def text(self, name: str) -> str:
        """One of its files, line ends as they are."""
        return (self.directory / name).read_bytes().decode("utf-8")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The report about a server of each state."""
    directory = tmp_path_factory.mktemp("report")
    results = fleet_results(reduced)
    run = report(results, directory)
    return Made(results, directory / "report", run)


@pytest.fixture(scope="session")
def browser() -> t.Iterator[Browser]:
    """A headless Chromium, for all tests of a worker."""
    if find_browser() is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with running_browser() as found:
        yield found


@pytest.fixture
def page(made: Made, browser: Browser) -> Browser:
    """The page, freshly loaded, in light and wide."""
    browser.see_as()
    browser.open(made.page)
    return browser
