# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role sbs2003 on simulated servers that are broken, healthy, foreign and wrong."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.host_cases import Json
from tests.fleet.role_contract import (
    RoleContract,
    Server,
    assert_left_alone,
    assert_refused,
    converged,
    play_role,
)
from tests.fleet.role_runs import Runs
from tests.fleet.snapshot import DNS, TCPIP

SBS: t.Final[Json] = {"release": "2003", "roles": ["sbs2003"]}
RADIUS: t.Final = {("udp", port): "IAS" for port in (1645, 1646, 1812, 1813)}
LIST: t.Final = ("1645-1646", "1701-1701", "1812-1813", "2883-2883", "4500-4500")
"""Of KB956189."""

SERVERS: t.Final = (
    Server(
        id="broken",
        scenario={**SBS, "broken": ["IAS", "AUTD"]},
        down=frozenset({"IAS"}),
        owners=RADIUS,
        reserved=("3343-3343", *LIST),
        at_stake=True,
    ),
    Server(
        id="german",
        scenario={**SBS, "language": "de", "reserved_ports": None, "broken": ["RemoteAccess", "AUTD"]},
        down=frozenset({"RemoteAccess"}),
        owners=RADIUS,
        reserved=LIST,
        at_stake=True,
    ),
    Server(id="lucky", scenario={**SBS, "broken": False}, owners=RADIUS, reserved=("3343-3343", *LIST), at_stake=True),
    Server(
        id="rebooted",
        scenario={**SBS, "broken": ["AUTD"]},
        variables={"sbs2003_reboot": True},
        owners=RADIUS,
        reserved=("3343-3343", *LIST),
        reboots=True,
        at_stake=True,
    ),
    # Others have reserved some of it by their own hand: neighbours apart, which are not reserved reliably.
    Server(
        id="reserved-before",
        scenario={**SBS, "broken": ["IAS"], "reserved_ports": ["1645-1645", "1646-1646", "2883-2883", "6000-6010"]},
        down=frozenset({"IAS"}),
        owners=RADIUS,
        reserved=("1645-1646", "2883-2883", "6000-6010", "1701-1701", "1812-1813", "4500-4500"),
        at_stake=True,
    ),
    Server(
        id="as-the-article",
        scenario={**SBS, "broken": ["IAS"]},
        variables={"sbs2003_max_user_port": "remove", "sbs2003_socket_pool_size": 50, "sbs2003_reboot": True},
        down=frozenset({"IAS"}),
        owners=RADIUS,
        reserved=("3343-3343", *LIST),
        reboots=True,
        at_stake=True,
    ),
    Server(
        id="another-end",
        scenario={**SBS, "broken": False},
        variables={"sbs2003_max_user_port": 20000},
        owners=RADIUS,
        reserved=("3343-3343", *LIST),
        at_stake=True,
    ),
    Server(
        id="routing-switched-off",
        scenario={**SBS, "broken": False, "start_modes": {"RemoteAccess": "disabled"}},
        owners=RADIUS,
        reserved=("3343-3343", *LIST),
        at_stake=True,
    ),
)

OTHERS: t.Final[dict[str, Json]] = {
    "server-2022": {"release": "2022", "roles": ["dns"]},
    "server-2022-required": {"release": "2022", "roles": ["dns"], "vars": {"sbs2003_require": True}},
    "without-dns": {"release": "2003", "roles": ["member"]},
    "max-user-port-65536": {**SBS, "broken": False, "vars": {"sbs2003_max_user_port": 65536}},
    "pool-of-none": {**SBS, "broken": False, "vars": {"sbs2003_socket_pool_size": 0}},
    "dns-kept": {**SBS, "broken": ["IAS"], "vars": {"sbs2003_restart_dns": False}},
    "web-server-kept": {**SBS, "broken": ["AUTD"], "vars": {"sbs2003_restart_services": False}},
}


BY_PROGRAM: t.Final = (
    "german",
    "as-the-article",
    "server-2022",
    "pool-of-none",
)
"""Without and with a reboot and settings of its own, one that is left alone, and one refusal."""


@pytest.fixture(scope="module")
def runs() -> Runs:
    return play_role("sbs2003", SERVERS, OTHERS, by_program=BY_PROGRAM)


@pytest.fixture(params=SERVERS, ids=lambda server: server.id)
def server(request: pytest.FixtureRequest) -> Server:
    return t.cast("Server", request.param)


class TestSbs2003(RoleContract):
    """What every role promises."""


@pytest.mark.parametrize("host", ["broken", "german", "rebooted"])
def test_the_push_to_mobile_devices_gets_its_port(runs: Runs, host: str) -> None:
    """A worker process of the web server holds it: it has no service."""
    task_run = converged(runs.first, host)
    assert task_run.before.holders("udp", 2883) == {"DNS"}
    assert len(task_run.after.holders("udp", 2883)) == 1
    assert task_run.after.holders("udp", 2883) != {"DNS"}
    assert "W3SVC" in task_run.message


def test_a_healthy_server_is_not_disturbed(runs: Runs) -> None:
    task_run = converged(runs.first, "lucky")
    assert task_run.before.data["services"] == task_run.after.data["services"]


def test_the_events_of_the_push_are_looked_at_after_the_reboot(runs: Runs) -> None:
    """Those from before the boot stay in the log and mean nothing any more."""
    task_run = converged(runs.first, "rebooted")
    codes = {event["code"] for event in task_run.before.data["events"]}
    assert {3015, 3024} <= codes
    assert all(victim["events"] == [] for victim in task_run.result["victims"])
    assert any("Win32_NTLogEvent" in entry.get("brief", "") for entry in task_run.requests["log"])


def test_max_user_port_is_kept_removed_or_set(runs: Runs) -> None:
    found = {server.id: converged(runs.first, server.id).after.value(TCPIP, "MaxUserPort") for server in SERVERS}
    chosen = {"as-the-article": None, "another-end": 20000}
    assert found == {server.id: chosen.get(server.id, 60000) for server in SERVERS}


def test_block_mode_is_told_only_where_it_threatens(runs: Runs) -> None:
    """The role reserves UDP 4500 itself, with any new MaxUserPort; what takes all back brings the danger back."""
    for server in SERVERS:
        assert "KB912023" not in converged(runs.first, server.id).warnings
        assert "UDP 4500, which is not reserved then" in converged(runs.undone, server.id).warnings


def test_a_smaller_pool_is_a_choice_with_a_warning(runs: Runs) -> None:
    task_run = converged(runs.first, "as-the-article")
    assert task_run.after.value(DNS, "SocketPoolSize") == 50
    assert "cache poisoning" in task_run.warnings
    assert converged(runs.first, "broken").after.value(DNS, "SocketPoolSize") is None


def test_what_is_switched_off_stays_off(runs: Runs) -> None:
    task_run = converged(runs.first, "routing-switched-off")
    assert not task_run.after.runs("RemoteAccess")
    assert "RemoteAccess" not in [victim["service"] for victim in task_run.result["victims"]]


@pytest.mark.parametrize(
    ("host", "sentence"),
    [("server-2022", "Windows Server 2022 ignores the value ReservedPorts"), ("without-dns", "has no service DNS")],
)
def test_a_server_of_another_kind_is_left_alone(runs: Runs, host: str, sentence: str) -> None:
    assert_left_alone(converged(runs.first, host), sentence)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("server-2022-required", "Windows Server 2022 ignores the value ReservedPorts"),
        ("max-user-port-65536", "65536: MaxUserPort goes from 5000 to 65534"),
        ("pool-of-none", "cache poisoning"),
    ],
)
def test_wrong_use_is_one_sentence(runs: Runs, host: str, sentence: str) -> None:
    assert_refused(converged(runs.first, host), sentence)


def test_what_stays_down_because_dns_must_not_stop_fails_the_run(runs: Runs) -> None:
    task_run = converged(runs.first, "dns-kept")
    assert task_run.event == "failed"
    assert "IAS is down" in task_run.message
    assert "restart_dns is false" in task_run.message


def test_a_port_that_is_taken_until_the_reboot_is_no_failure(runs: Runs) -> None:
    task_run = converged(runs.first, "web-server-kept")
    assert task_run.event == "ok", task_run.message
    assert task_run.after.holders("udp", 2883) == {"DNS"}
    assert task_run.before.service("W3SVC")["pid"] == task_run.after.service("W3SVC")["pid"]
    assert task_run.result["reboot_required"] is True
