# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report for all tests of this folder."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from playwright.sync_api import Browser, Page

from tests.report.browser import find_browser, running_browser, window
from tests.report.facts import Facts, edge_server, fleet_results
from tests.report.rendering import reduced, report, write_page
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
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with running_browser(program) as found:
        yield found


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The same report's page, written without Ansible's programs."""
    return write_page(fleet_results(reduced), tmp_path_factory.mktemp("page"))


@pytest.fixture
def page(path: pathlib.Path, browser: Browser) -> t.Iterator[Page]:
    """The page, freshly loaded, in light and wide."""
    with window(browser) as found:
        yield found.open(path)


@pytest.fixture(scope="session")
def sick(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A page about sixteen servers that lost a port, and eight that did not."""
    results = {f"edge{number:02}": reduced(edge_server(number, taken=number < 16)) for number in range(24)}
    return write_page(results, tmp_path_factory.mktemp("sick"))
