# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End-to-end tests: the real Ansible against a simulated fleet."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests of a file on one worker: they share a fleet and what was played on it."""
    is_worker = hasattr(config, "workerinput")
    if not is_worker and getattr(config.option, "dist", None) == "load":
        config.option.dist = "loadfile"


pytest.register_assert_rewrite("tests.fleet.beats", "tests.fleet.killed_runs", "tests.fleet.role_contract")
