# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role known_services: the BlackBerry Router against outgoing connections, and others beside a DNS server."""

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
from tests.fleet.snapshot import TCPIP, Protocol

ROUTER: t.Final[Json] = {"roles": ["blackberry_router"], "tcp_clients": 2200}
"""So many connections as reach TCP 3101 at each boot."""
WIDE: t.Final[Json] = {"dynamic_range": "1025-60000"}
"""As the setup of Exchange 2007 leaves it."""
AT_RANDOM: t.Final[Json] = {"assumptions": {"ephemeral_order": "random"}, "broken": False}
"""Connections that get the port by chance only, and did not."""
NAMES: t.Final[Json] = {"known_services_names": ["blackberry_router"]}
MAY_STOP: t.Final[Json] = {**NAMES, "known_services_stop_services": True}
REBOOTS: t.Final[Json] = {**NAMES, "known_services_reboot": True}
OWNED: t.Final[dict[tuple[Protocol, int], str]] = {("tcp", 3101): "BlackBerry Router"}
CLUSTER: t.Final[Json] = {
    "known_services_names": ["cluster", "blackberry_router"],
    "known_services_stop_services": True,
}
"""The one is installed, the other is not."""

SERVERS: t.Final = (
    Server(
        id="router-2003",
        scenario={**ROUTER, "release": "2003", "broken": True},
        variables=REBOOTS,
        owners=OWNED,
        reserved=("3101-3101",),
        reboots=True,
        at_stake=True,
    ),
    Server(
        id="router-2003-german",
        scenario={
            **ROUTER,
            "release": "2003",
            "language": "de",
            "max_user_port": 60000,
            "reserved_ports": ["3343-3343"],
            "broken": True,
        },
        variables=REBOOTS,
        owners=OWNED,
        reserved=("3343-3343", "3101-3101"),
        reboots=True,
        at_stake=True,
    ),
    # No other source knows until then who has the port.
    Server(
        id="router-2003-waits",
        scenario={**ROUTER, "release": "2003", "broken": True},
        variables=NAMES,
        reserved=("3101-3101",),
        at_stake=True,
    ),
    Server(
        id="router-2012r2",
        scenario={**ROUTER, **WIDE, **AT_RANDOM, "release": "2012r2"},
        variables=MAY_STOP,
        owners=OWNED,
        excluded={"tcp": (3101,)},
        at_stake=True,
        # Remote Desktop Services may lose their port too: they are none of the named services.
        safe=False,
    ),
    Server(
        id="router-2016",
        scenario={**ROUTER, **WIDE, **AT_RANDOM, "release": "2016"},
        variables=MAY_STOP,
        owners=OWNED,
        excluded={"tcp": (3101,)},
        at_stake=True,
        # Remote Desktop Services may lose their port too: they are none of the named services.
        safe=False,
    ),
    # Programs get 49152 and up.
    Server(
        id="router-2025-safe",
        scenario={**ROUTER, "release": "2025", "broken": False},
        variables=NAMES,
        owners=OWNED,
        changes=False,
    ),
    Server(
        id="cluster-2003",
        scenario={"release": "2003", "roles": ["dns", "cluster"], "max_user_port": 60000, "reserved_ports": None}
        | {"start_modes": {"PolicyAgent": "disabled"}, "broken": True},
        variables={**CLUSTER, "known_services_reboot": True},
        down=frozenset({"ClusSvc"}),
        owners={("udp", 3343): "ClusSvc"},
        reserved=("3101-3101", "3343-3343"),
        reboots=True,
        at_stake=True,
    ),
    Server(
        id="cluster-2022",
        scenario={"release": "2022", "roles": ["dns", "cluster"], **WIDE, "broken": "ClusSvc"},
        variables=CLUSTER,
        down=frozenset({"ClusSvc"}),
        owners={("udp", 3343): "ClusSvc"},
        pool=("3343-3343",),
        excluded={"tcp": (3101,), "udp": (3343,)},
        at_stake=True,
        # IPsec's key exchange is none of the named services.
        safe=False,
    ),
    Server(
        id="deployment-2019",
        scenario={"release": "2019", "roles": ["dns", "wds"], "broken": False},
        variables={"known_services_names": ["wds"], "known_services_stop_services": True},
        pool=("64001-65000",),
        excluded={"udp": tuple(range(64001, 65001))},
    ),
)

OTHERS: t.Final[dict[str, Json]] = {
    "another-server": {"release": "2022", "roles": ["dns"], "vars": NAMES},
    "another-server-required": {"release": "2022", "vars": {**NAMES, "known_services_require": True}},
    "several-names": {"release": "2003", "roles": ["member"], "vars": CLUSTER},
    "ad-lds": {"release": "2022", "vars": {"known_services_names": ["blackberry_router", "ad_lds"]}},
    "not-known": {"release": "2022", "vars": {"known_services_names": ["radius"]}},
    "no-names": {"release": "2022"},
    "router-2016-taken": {**ROUTER, **WIDE, "release": "2016", "broken": True, "vars": REBOOTS},
    "router-2003-program": {
        "release": "2003",
        "roles": ["blackberry_router"],
        "foreigners": [
            {"image": "backup.exe", "protocol": "tcp", "port": 3101, "state": "established", "remote": "192.0.2.7:443"}
        ],
        "vars": NAMES,
    },
    "router-2003-listener": {
        "release": "2003",
        "roles": ["blackberry_router"],
        "foreigners": [{"image": "proxy.exe", "protocol": "tcp", "port": 3101}],
        "vars": REBOOTS,
    },
}


BY_PROGRAM: t.Final = (
    "router-2003-german",
    "router-2016",
    "cluster-2022",
    "another-server",
    "not-known",
    "no-names",
)
"""One of each mechanism, one that reboots, one that is left alone, and the refusals of arguments."""


@pytest.fixture(scope="module")
def runs() -> Runs:
    return play_role("known_services", SERVERS, OTHERS, by_program=BY_PROGRAM)


@pytest.fixture(params=SERVERS, ids=lambda server: server.id)
def server(request: pytest.FixtureRequest) -> Server:
    return t.cast("Server", request.param)


class TestKnownServices(RoleContract):
    """What every role promises."""


@pytest.mark.parametrize("host", ["router-2003", "router-2003-german"])
def test_the_router_comes_back_with_the_reboot(runs: Runs, host: str) -> None:
    """Nothing else frees its port: lsass.exe can't be stopped."""
    task_run = converged(runs.first, host)
    assert [report["state"] for report in task_run.result["victims_before"]] == ["Stopped"]
    assert task_run.result["relieved"] == []
    assert (
        "BlackBerry Router stays down until the reboot: TCP 3101 is held by an outgoing connection" in task_run.message
    )
    assert task_run.after.runs("BlackBerry Router")
    assert "BlackBerry Router runs and owns its ports" in task_run.message


def test_without_leave_to_reboot_the_run_ends_well_and_says_what_waits(runs: Runs) -> None:
    for fleet_run in (runs.first, runs.second):
        task_run = converged(fleet_run, "router-2003-waits")
        assert (task_run.event, task_run.result["effective"], task_run.result["reboot_required"]) == ("ok", "no", True)
        assert (
            "stays down until the reboot: TCP 3101 is held by an outgoing connection of lsass.exe" in task_run.message
        )
        assert "sooner" not in task_run.message
    assert converged(runs.booted, "router-2003-waits").after.runs("BlackBerry Router")


def test_who_has_the_port_is_told_where_that_can_be_stopped(runs: Runs) -> None:
    task_run = converged(runs.first, "router-2003-program")
    assert (task_run.event, task_run.result["reboot_required"]) == ("ok", True), task_run.message
    assert "stays down until the reboot: TCP 3101 is held by an outgoing connection of backup.exe" in task_run.message
    assert "To have it sooner, stop or restart that process" in task_run.message


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        # It listens on this very port: no reservation keeps it off, and no reboot.
        ("router-2003-listener", "BlackBerry Router is down: TCP 3101 is held by proxy.exe"),
        # A port in use can't be excluded.
        ("router-2016-taken", "BlackBerry Router is down: TCP 3101 is held by an outgoing connection of lsass.exe"),
    ],
)
def test_what_no_reboot_brings_back_fails_the_run(runs: Runs, host: str, sentence: str) -> None:
    task_run = converged(runs.first, host)
    assert task_run.event == "failed"
    assert sentence in task_run.message
    assert task_run.after.boot == task_run.before.boot


@pytest.mark.parametrize("host", [server.id for server in SERVERS if server.at_stake])
def test_the_named_services_lose_no_boot_any_more(runs: Runs, host: str) -> None:
    named = {"ClusSvc", "BlackBerry Router"}
    assert named & runs.before[host]["by_service"].keys()
    assert not named & runs.after[host]["by_service"].keys()


def test_an_exclusion_waits_for_a_connection_to_end(runs: Runs) -> None:
    (reason,) = converged(runs.first, "router-2016-taken").result["reasons"]
    assert reason.endswith("The exclusion waits until the port is free, and this runs again.")


def test_max_user_port_stays_as_it_is(runs: Runs) -> None:
    assert converged(runs.first, "router-2003-german").after.value(TCPIP, "MaxUserPort") == 60000


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("another-server", "has no service BlackBerry Router"),
        ("several-names", "has none of the services ClusSvc, BlackBerry Router"),
    ],
)
def test_a_server_without_them_is_left_alone(runs: Runs, host: str, sentence: str) -> None:
    assert_left_alone(converged(runs.first, host), sentence)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("another-server-required", "has no service BlackBerry Router"),
        ("ad-lds", "ad_lds can't be among them, since the registry tells the ports of each instance: the role"),
        ("not-known", "Got no match for: radius"),
    ],
)
def test_wrong_use_is_one_sentence(runs: Runs, host: str, sentence: str) -> None:
    assert_refused(converged(runs.first, host), sentence)


def test_without_names_nothing_is_asked_of_the_server(runs: Runs) -> None:
    (task_run,) = runs.first.task_runs["no-names"]
    assert task_run.event == "failed"
    assert "known_services_names" in task_run.message
