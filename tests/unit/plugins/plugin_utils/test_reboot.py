# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a reboot, and the client that gives up soon."""

from __future__ import annotations

import types
import typing as t

import pytest
import requests

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Report
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import HostUnreachable
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _reboot as reboot
from ansible_collections.portkeeper.windows.plugins.plugin_utils._results import reboot_result

CHECKED = Report(uptime_before=3600.4, settled=("reserved_ports",))
DONE = Report(
    uptime_before=3600.4,
    uptime=12.3,
    elapsed=95.04,
    method="wmi",
    services={"DNS": "Running"},
    settled=("reserved_ports",),
    warnings=("careful",),
)


def returned_for(report: Report, *, diff: bool = False) -> dict[str, t.Any]:
    """The result of server_reboot on a Windows Server 2003."""
    found = Convergence(release_of("5.2.3790", 3))
    outcome = Outcome(Request(items=()), found, found, applied=False, reboot=report)
    return reboot_result(outcome, host="edge1", check_mode=not report.rebooted, diff=diff)


def test_what_a_reboot_returns() -> None:
    returned = returned_for(DONE, diff=True)
    assert returned == {
        "changed": True,
        "rebooted": True,
        "elapsed": 95.0,
        "verdict": "OK, rebooted",
        "msg": (
            "OK, rebooted. The server was rebooted and was back after 95 seconds. In force since then: reserved_ports."
        ),
        "release": "Windows Server 2003",
        "method": "wmi",
        "before": {"uptime": 3600, "waiting_for_reboot": ["reserved_ports"]},
        "after": {"uptime": 12, "waiting_for_reboot": []},
        "effective": "yes",
        "reasons": [],
        "reboot_required": False,
        "restart_required": False,
        "services": {"DNS": "Running"},
        "warnings": ["careful"],
        "diff": {
            "before_header": "edge1",
            "after_header": "edge1",
            "before": {"uptime": 3600, "waiting_for_reboot": ["reserved_ports"]},
            "after": {"uptime": 12, "waiting_for_reboot": []},
        },
    }


def test_what_check_mode_returns() -> None:
    returned = returned_for(CHECKED)
    assert returned["changed"]
    assert not returned["rebooted"]
    assert returned["msg"] == "NOT DONE YET. The server would be rebooted. reserved_ports waits for it."
    assert (returned["effective"], returned["reboot_required"]) == ("yes", False), "as it would be afterwards"
    assert returned["before"]["waiting_for_reboot"] == ["reserved_ports"]
    assert {"method", "diff"}.isdisjoint(returned)


class Session:
    """pywinrm's transport as far as it is used; notes the timeout that each message is sent with."""

    endpoint = "http://edge1:5985/wsman"
    auth_method = "basic"

    def __init__(self) -> None:
        self.read_timeout_sec = 30.0
        self.encryption: t.Any = None
        self.session: requests.Session | None = None
        self.timeouts: list[float] = []
        self.setup_encryption: t.Callable[..., None] = lambda *_session: None

    def build_session(self) -> None:
        self.session = requests.Session()

    def send_message(self, _message: bytes) -> bytes:
        self.timeouts.append(self.read_timeout_sec)
        raise requests.exceptions.ConnectTimeout

    def close_session(self) -> None:
        self.session = None


def test_looks_have_their_own_timeout_and_leave_the_session_as_it_was() -> None:
    session = Session()
    original = session.setup_encryption
    connection = types.SimpleNamespace(
        transport="winrm",
        protocol=types.SimpleNamespace(transport=session),
        get_option={"remote_addr": "edge1", "port": 5985}.get,
        _winrm_host="edge1",
        _winrm_port=5985,
    )
    with reboot.looking_client(connection, "edge1") as client, pytest.raises(HostUnreachable):
        client.get("root/cimv2", "Win32_OperatingSystem")
    assert session.timeouts == [reboot.READ_TIMEOUT]
    assert session.read_timeout_sec == 30.0
    assert session.setup_encryption is original
