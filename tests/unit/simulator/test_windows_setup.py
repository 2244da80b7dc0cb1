# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that come and go on a simulated server: sc create and delete, dism, adaminstall."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from tests.fleet.verifying import Line
from tests.simulator.direct import DirectServer


def codes(release: str, *commands: str) -> tuple[list[int], DirectServer]:
    """The exit codes of commands, one after another, and the server."""
    server = DirectServer({"name": "server", "release": release, "roles": ["member"]})
    with Client(Line(server)).shell(codepage=437) as shell:
        return [shell.run(command).exit_code for command in commands], server


DISM = "dism.exe /online /enable-feature /featurename:"


@pytest.mark.parametrize(
    ("release", "command", "code"),
    [
        ("2022", f"{DISM}DNS-Server-Full-Role /all /norestart", 0),
        ("2008r2", f"{DISM}DNS-Server-Full-Role /norestart", 0),
        ("2008r2", f"{DISM}DNS-Server-Full-Role /all /norestart", 87),
        ("2008", f"{DISM}DNS-Server-Full-Role /norestart", 87),
        ("2022", f"{DISM}Telnet-Server /all", 0x800F080C),
    ],
)
def test_dism(release: str, command: str, code: int) -> None:
    found, server = codes(release, command)
    assert found == [code]
    assert ("DNS" in server.state()["services"]) == (code == 0)


def test_a_service_is_created_and_deleted() -> None:
    create = r"sc.exe create Own binPath= C:\none.exe start= demand depend= W32Time"
    found, server = codes("2016", create, create, "sc.exe start Own", "sc.exe delete Own", "sc.exe delete Own")
    # ERROR_SERVICE_EXISTS, ERROR_FILE_NOT_FOUND, ERROR_SERVICE_DOES_NOT_EXIST
    assert found == [0, 1073, 2, 0, 1060]
    assert "Own" not in server.state()["services"]


def test_a_service_without_a_program_fails_at_boot_and_others_start() -> None:
    _codes, server = codes("2016", r"sc.exe create Own binPath= C:\none.exe start= auto depend= W32Time")
    server.act({"do": "boot"})
    services = server.state()["services"]
    assert (services["Own"]["state"], services["Own"]["exit_code"]) == ("Stopped", 2)
    assert services["W32Time"]["state"] == "Running"


def test_no_instance_without_the_feature_or_the_answers() -> None:
    command = r"C:\Windows\ADAM\adaminstall.exe /answer:C:\none.txt"
    found, server = codes("2016", command, f"{DISM}DirectoryServices-ADAM /all", command)
    assert found == [1, 0, 1]
    assert [name for name in server.state()["services"] if name.startswith("ADAM_")] == []
