# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End-to-end tests: the real Ansible against a simulated fleet."""

from __future__ import annotations

import typing as t

import pytest

LONGEST_FIRST: t.Final = (
    "test_documented_commands",
    "test_reboot_playbook",
    "test_fixes",
    "test_server_words",
    "test_roles_baseline",
    "test_role",
    "test_roles_dc_ias",
    "test_roles_known_services",
    "test_roles_exchange_rpc_ports",
    "test_kerberos",
    "test_roles_sbs2003",
    "test_risk",
    "test_rehearsal",
    "test_killed_roles",
    "test_killed_runs",
    "test_roles_exchange_services",
    "test_smoke",
    "test_psrp",
    "test_ways",
    "test_roles_lost_messages",
    "test_roles_foreign",
)
"""Files that take longer than ten seconds; begun last, one of them would run alone at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests of a file on one worker, since they share a fleet and what was played on it."""
    is_worker = hasattr(config, "workerinput")
    if not is_worker and getattr(config.option, "dist", None) == "load":
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


pytest.register_assert_rewrite("tests.fleet.task_checks", "tests.fleet.killed_runs", "tests.fleet.role_contract")
