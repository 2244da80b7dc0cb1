# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role exchange_rpc_ports from Exchange 5.5 to 2010: fixed, reserved, documented, listened on; and refused."""

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
from tests.fleet.snapshot import Snapshot

OLD: t.Final[Json] = {"release": "2003", "roles": ["exchange2003"]}


def chosen(*, restart: bool = True, reboot: bool = False, **ports: int) -> dict[str, t.Any]:
    """The role's variables."""
    return {
        "exchange_rpc_ports_ports": ports,
        "exchange_rpc_ports_restart_services": restart,
        "exchange_rpc_ports_reboot": reboot,
    }


SERVERS: t.Final = (
    # Its directory reads the port at boot.
    Server(
        id="exchange-5.5",
        scenario={"release": "2003", "roles": ["exchange55"]},
        variables=chosen(reboot=True, exchange_ds=1225, exchange_is=1226, exchange_mta=1227),
        owners={("tcp", 1225): "MSExchangeDS", ("tcp", 1226): "MSExchangeIS", ("tcp", 1227): "MSExchangeMTA"},
        reserved=("1225-1227",),
        reboots=True,
    ),
    # Two of one process, one below 1024.
    Server(
        id="exchange-2003",
        scenario=OLD,
        variables=chosen(exchange_is=1226, exchange_sa=1227, exchange_nspi=1228, exchange_mta=900),
        owners={
            ("tcp", 1226): "MSExchangeIS",
            ("tcp", 1227): "MSExchangeSA",
            ("tcp", 1228): "MSExchangeSA",
            ("tcp", 900): "MSExchangeMTA",
        },
        reserved=("1226-1228",),
    ),
    Server(
        id="exchange-2003-low-ports",
        scenario={**OLD, "language": "de", "services_file": ["oem", "no_last_line_end"]},
        variables=chosen(exchange_is=901, exchange_sa=902),
        owners={("tcp", 901): "MSExchangeIS", ("tcp", 902): "MSExchangeSA"},
    ),
    # Nothing is restarted without leave; the boot of the test does it.
    Server(
        id="exchange-2003-not-restarted",
        scenario=OLD,
        variables=chosen(restart=False, exchange_is=1226, exchange_sa=1227),
        reserved=("1226-1227",),
    ),
    # Its setup widened the dynamic range, and this netsh can't exclude.
    Server(
        id="exchange-2007",
        scenario={"release": "2008", "roles": ["exchange2007"]},
        variables=chosen(exchange_is=1226, exchange_sa=1227, exchange_nspi=1228),
        owners={("tcp", 1226): "MSExchangeIS", ("tcp", 1227): "MSExchangeSA", ("tcp", 1228): "MSExchangeSA"},
        in_force="no",
    ),
    Server(
        id="exchange-2010",
        scenario={"release": "2008r2", "roles": ["exchange2010"], "netsh_hotfix": True},
        variables=chosen(exchange_rpc=59532, exchange_ab=59533),
        owners={("tcp", 59532): "MSExchangeRPC", ("tcp", 59533): "MSExchangeAB"},
        excluded={"tcp": (59532, 59533)},
    ),
)

OTHERS: t.Final[dict[str, Json]] = {
    "first-ports": {**OLD, "vars": chosen(exchange_is=1026)},
    "in-use": {
        **OLD,
        "foreigners": [{"image": "backup.exe", "protocol": "tcp", "port": 1226}],
        "vars": chosen(exchange_is=1226),
    },
    "two-of-one": {**OLD, "vars": chosen(exchange_is=1226, exchange_sa=1226)},
    "another-version": {**OLD, "vars": chosen(exchange_is=1226, exchange_ab=1227)},
    "no-port": {**OLD, "vars": chosen(exchange_is=65536)},
    "without-exchange": {"release": "2022", "roles": ["dns"], "vars": chosen(exchange_is=1226)},
    "file-read-only": {**OLD, "services_file": ["read_only"], "vars": chosen(exchange_is=1226)},
}


BY_PROGRAM: t.Final = (
    "exchange-5.5",
    "exchange-2003-low-ports",
    "exchange-2010",
    "without-exchange",
    "no-port",
)
"""One of each mechanism, one that reboots, one that is left alone, and one refusal."""


@pytest.fixture(scope="module")
def runs() -> Runs:
    return play_role("exchange_rpc_ports", SERVERS, OTHERS, by_program=BY_PROGRAM)


@pytest.fixture(params=SERVERS, ids=lambda server: server.id)
def server(request: pytest.FixtureRequest) -> Server:
    return t.cast("Server", request.param)


class TestExchangeRpcPorts(RoleContract):
    """What every role promises."""


def _documented(snapshot: Snapshot) -> list[list[str]]:
    """Our lines of the services file: name and port."""
    (text,) = [text for name, text in snapshot.data["files"].items() if name.lower().endswith("services")]
    return [line.split()[:2] for line in text.splitlines() if line.startswith("exchange_")]


def test_the_choice_is_documented(runs: Runs, server: Server) -> None:
    ports = server.variables["exchange_rpc_ports_ports"]
    after = converged(runs.first, server.id).after
    assert sorted(_documented(after)) == sorted([name, f"{port}/tcp"] for name, port in ports.items())
    assert _documented(converged(runs.undone, server.id).after) == []


def test_nothing_is_restarted_without_leave(runs: Runs) -> None:
    task_run = converged(runs.first, "exchange-2003-not-restarted")
    assert task_run.before.data["services"] == task_run.after.data["services"]
    assert "restart the service MSExchangeIS" in task_run.message
    assert task_run.after.holders("tcp", 1226) == set()
    assert converged(runs.booted, "exchange-2003-not-restarted").after.holders("tcp", 1226) == {"MSExchangeIS"}


def test_exactly_what_depends_on_them_is_restarted_with_them(runs: Runs) -> None:
    task_run = converged(runs.first, "exchange-2003-low-ports")
    before, after = task_run.before.data["services"], task_run.after.data["services"]
    running = {name for name, service in before.items() if service["state"] == "Running"}
    assert {name for name, service in after.items() if service["state"] == "Running"} == running
    assert {"MSExchangeIS", "MSExchangeSA"} <= {name for name in running if before[name]["pid"] != after[name]["pid"]}
    assert before["W3SVC"] == after["W3SVC"]


def test_a_server_without_exchange_is_left_alone(runs: Runs) -> None:
    assert_left_alone(converged(runs.first, "without-exchange"), "this server has none of the services MSExchangeDS")


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("first-ports", "one of the first ports that Windows hands out"),
        ("in-use", "TCP 1226 for exchange_is: backup.exe"),
        ("two-of-one", "exchange_is and exchange_sa both have port 1226"),
        ("another-version", "exchange_ab (service MSExchangeAB): the service is not installed"),
        ("file-read-only", "the file is read-only, so nothing was changed"),
        ("no-port", "'65536' is neither a port from 1 to 65535 nor 'default'"),
    ],
)
def test_wrong_use_is_one_sentence(runs: Runs, host: str, sentence: str) -> None:
    assert_refused(converged(runs.first, host), sentence)
