# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each target of make installs: newcomers wait for nothing that only tests need."""

from __future__ import annotations

import subprocess

import pytest

from tests.tooling.sources import ROOT

PACKAGES = "tests/requirements/kerberos.txt"


def _would_run(*words: str) -> str:
    """The commands of make in a checkout without environment; nothing runs."""
    command = ["make", "--dry-run", "--no-print-directory", "VENV=build/none", "PYTHON3=python3", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("target", ["environment", "demo", "lint", "types", "report-tests"])
def test_the_packages_of_kerberos_are_not_built_for(target: str) -> None:
    commands = _would_run("KRB5_CONFIG_PROGRAM=krb5-config", target)
    assert "tests/requirements/development.txt" in commands
    assert PACKAGES not in commands


@pytest.mark.parametrize("target", ["kerberos", "unit", "fleet-tests", "bench-fleet"])
def test_the_packages_of_kerberos_are_built_for(target: str) -> None:
    assert f"pip install --quiet --quiet --disable-pip-version-check -r {PACKAGES}" in _would_run(
        "KRB5_CONFIG_PROGRAM=krb5-config", target
    )


def test_without_the_headers_of_kerberos_none_are_built() -> None:
    commands = _would_run("KRB5_CONFIG_PROGRAM=", "unit")
    assert "The tests of Kerberos are left out: krb5-config is missing" in commands
    assert PACKAGES not in commands
