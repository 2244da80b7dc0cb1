# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of each generation of WinRM, held against the figures that Microsoft documents.

Sources: MS-WSMV's appendix for 1.1 (Windows Server 2003 and 2008), "Installation and Configuration for Windows Remote
Management" for 2.0 and 3.0. What the wire does at a limit stands in test_pywinrm.py and test_captured_shapes.py.
"""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.windows.releases import RELEASES, WINRM_LIMITS, WinrmStack

DOCUMENTED: t.Final[dict[WinrmStack, dict[str, t.Any]]] = {
    "1.1": {"max_shells_per_user": 2, "idle_timeout_seconds": 900, "max_operations_per_user": 15}
    | {"one_command_per_shell": True, "signal_releases_operation": False},
    "2.0": {"max_shells_per_user": 5, "idle_timeout_seconds": 180, "max_operations_per_user": 15}
    | {"one_command_per_shell": False, "signal_releases_operation": False},
    "3.0": {"max_shells_per_user": 30, "idle_timeout_seconds": 7200, "max_operations_per_user": 1500}
    | {"one_command_per_shell": False, "signal_releases_operation": True},
}
GENERATIONS: t.Final[dict[str, tuple[WinrmStack, ...]]] = {
    "2003": ("1.1", "2.0"),
    "2008": ("1.1", "2.0"),
    "2008r2": ("2.0",),
    "2012r2": ("3.0",),
    "2025": ("3.0",),
}


@pytest.mark.parametrize("stack", DOCUMENTED)
def test_quotas_are_the_documented_ones(stack: WinrmStack) -> None:
    limits = WINRM_LIMITS[stack]
    assert {name: getattr(limits, name) for name in DOCUMENTED[stack]} == DOCUMENTED[stack]


@pytest.mark.parametrize("release", GENERATIONS)
def test_a_release_has_the_generations_that_there_are_for_it(release: str) -> None:
    assert tuple(sorted(RELEASES[release].winrm_stacks))[: len(GENERATIONS[release])] == GENERATIONS[release]
