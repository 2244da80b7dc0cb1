# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role dc_ias on every release: IAS on 2003, NPS since, with the dynamic range as it comes and widened."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.engine_tasks import CONVERGE
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import CaseRunner
from tests.fleet.role_arguments import task_arguments
from tests.fleet.role_contract import (
    RoleContract,
    Server,
    asked_to_stop,
    assert_left_alone,
    assert_refused,
    converged,
    play_role,
)
from tests.fleet.role_runs import Runs
from tests.fleet.snapshot import SERVICES

DC: t.Final[Json] = {"roles": ["domain_controller", "dns", "ias"]}
WIDE: t.Final[Json] = {"dynamic_range": "1025-60000"}
"""As the setup of Exchange 2007 leaves it."""
OLD: t.Final[Json] = {**DC, "release": "2008"}
"""No exclusion list of the DNS server."""
HIGHEST: t.Final[Json] = {"max_user_port": 60000, "assumptions": {"pool_range_rule": "from_1024"}}
"""As if those sources were right on Windows Server 2008 that the collection does not follow."""
HIGH: t.Final[Json] = {"max_user_port": 60000}
RADIUS: t.Final = {("udp", port): "IAS" for port in (1645, 1646, 1812, 1813)}
LIST: t.Final = ("1645-1646", "1812-1813", "4500-4500")
PORTS: t.Final = (1645, 1646, 1812, 1813, 4500)
DOWN: t.Final = frozenset({"IAS"})
RANGE: t.Final = "5000-60000"
"""Misses the ports and leaves a busy server nearly as many."""
CHOSEN_RANGE: t.Final[Json] = {"dc_ias_dynamic_range": {"start": 5000, "number": 55001}}
MAY_STOP: t.Final[Json] = {"dc_ias_stop_services": True}
RPC_ON_2003: t.Final[Json] = {"ntds": 4901, "netlogon": 4902, "ntfrs": 900}
RPC: t.Final[Json] = {"ntds": 49901, "netlogon": 49902}


def rpc_choice(ports: Json) -> dict[str, t.Any]:
    """Fixed ports for Active Directory, with all that they need."""
    return {**MAY_STOP, "dc_ias_static_rpc_ports": ports, "dc_ias_restart_services": True, "dc_ias_reboot": True}


SERVERS: t.Final = (
    Server(
        id="dc-2003",
        scenario={**DC, **HIGH, "release": "2003", "broken": True},
        down=DOWN,
        owners=RADIUS,
        reserved=LIST,
        at_stake=True,
    ),
    Server(
        id="dc-2003-rebooted",
        scenario={**DC, **HIGH, "release": "2003", "language": "de", "reserved_ports": ["3343-3343"], "broken": True},
        variables={"dc_ias_reboot": True},
        down=DOWN,
        owners=RADIUS,
        reserved=("3343-3343", *LIST),
        reboots=True,
        at_stake=True,
    ),
    # The pool comes from 49152-65535: nothing is in danger now, and still nothing will be when MaxUserPort is set.
    Server(id="dc-2003-safe", scenario={**DC, "release": "2003", "broken": False}, owners=RADIUS, reserved=LIST),
    Server(
        id="dc-2003-rpc",
        scenario={**DC, **HIGH, "release": "2003", "broken": True},
        variables=rpc_choice(RPC_ON_2003),
        down=DOWN,
        owners={**RADIUS, ("tcp", 900): "NtFrs"},
        reserved=("1645-1646", "1812-1813", "4500-4500", "4901-4902"),
        reboots=True,
        at_stake=True,
    ),
    # Neither an exclusion list nor the netsh verb: relieved, and told that it stays in danger.
    Server(
        id="dc-2008",
        scenario={**DC, **WIDE, "release": "2008", "broken": True},
        down=DOWN,
        owners=RADIUS,
        in_force="no",
        at_stake=True,
        safe=False,
    ),
    Server(
        id="dc-2008-delayed",
        scenario={**DC, **WIDE, "release": "2008", "broken": True},
        variables={"dc_ias_delay_dns": True},
        down=DOWN,
        owners=RADIUS,
        in_force="no",
        at_stake=True,
    ),
    Server(
        id="dc-2008-range",
        scenario={**OLD, **WIDE, "broken": True},
        variables=CHOSEN_RANGE,
        down=DOWN,
        owners=RADIUS,
        at_stake=True,
    ),
    # Excluded for programs; that DNS honours it is documented nowhere.
    Server(
        id="dc-2008-hotfix",
        scenario={**OLD, **WIDE, "netsh_hotfix": True, "broken": True},
        variables=MAY_STOP,
        down=DOWN,
        owners=RADIUS,
        excluded={"udp": PORTS},
        in_force="no",
        at_stake=True,
        safe=False,
    ),
    Server(
        id="dc-2008-hotfix-delayed",
        scenario={**OLD, **WIDE, "netsh_hotfix": True, "broken": True},
        variables={**MAY_STOP, "dc_ias_delay_dns": True},
        down=DOWN,
        owners=RADIUS,
        excluded={"udp": PORTS},
        at_stake=True,
    ),
    Server(
        id="dc-2008-hotfix-range",
        scenario={**OLD, **WIDE, "netsh_hotfix": True, "broken": True},
        variables=CHOSEN_RANGE,
        down=DOWN,
        owners=RADIUS,
        at_stake=True,
    ),
    # Whether its pool reaches the ports is disputed; here it does.
    Server(
        id="dc-2008-disputed",
        scenario={**OLD, **HIGHEST, "broken": True},
        down=DOWN,
        owners=RADIUS,
        in_force="unknown",
        at_stake=True,
        safe=False,
    ),
    Server(
        id="dc-2008-disputed-removed",
        scenario={**OLD, **HIGHEST, "broken": True},
        variables={"dc_ias_remove_max_user_port": True},
        down=DOWN,
        owners=RADIUS,
        at_stake=True,
    ),
    Server(
        id="dc-2008-safe",
        scenario={**DC, "release": "2008", "broken": False},
        owners=RADIUS,
        changes=False,
    ),
    Server(
        id="dc-2008r2",
        scenario={**DC, **WIDE, "release": "2008r2", "broken": True},
        down=DOWN,
        owners=RADIUS,
        pool=LIST,
        in_force="no",
        at_stake=True,
    ),
    Server(
        id="dc-2008r2-hotfix",
        scenario={**DC, **WIDE, "release": "2008r2", "netsh_hotfix": True, "broken": True},
        variables=MAY_STOP,
        down=DOWN,
        owners=RADIUS,
        pool=LIST,
        excluded={"udp": PORTS},
        at_stake=True,
    ),
    Server(
        id="dc-2012r2",
        scenario={**DC, **WIDE, "release": "2012r2", "broken": ["IAS", "IKEEXT"]},
        down=frozenset({"IAS", "IKEEXT"}),
        owners={**RADIUS, ("udp", 4500): "IKEEXT"},
        pool=LIST,
        excluded={"udp": PORTS},
        at_stake=True,
    ),
    Server(
        id="dc-2016",
        scenario={**DC, "release": "2016", "broken": False},
        owners=RADIUS,
        pool=LIST,
    ),
    Server(
        id="dc-2019",
        scenario={**DC, **WIDE, "release": "2019", "broken": "IKEEXT"},
        variables=MAY_STOP,
        down=frozenset({"IKEEXT"}),
        owners=RADIUS,
        pool=LIST,
        excluded={"udp": PORTS},
        at_stake=True,
    ),
    Server(
        id="dc-2022-rpc",
        scenario={**DC, **WIDE, "release": "2022", "language": "de", "broken": True},
        variables=rpc_choice(RPC),
        down=DOWN,
        owners=RADIUS,
        pool=LIST,
        excluded={"udp": PORTS, "tcp": (49901, 49902)},
        reboots=True,
        at_stake=True,
    ),
    # IPsec keeps its port, which can't be excluded so: it waits, and no program can take the port meanwhile.
    Server(
        id="dc-2025",
        scenario={**DC, **WIDE, "release": "2025", "broken": True},
        down=DOWN,
        owners=RADIUS,
        pool=LIST,
        excluded={"udp": (1645, 1646, 1812, 1813)},
        in_force="no",
        at_stake=True,
    ),
)

OTHERS: t.Final[dict[str, Json]] = {
    "without-ias": {"release": "2022", "roles": ["domain_controller", "dns"]},
    "without-ias-required": {
        "release": "2022",
        "roles": ["domain_controller", "dns"],
        "vars": {"dc_ias_require": True},
    },
    "without-dns": {"release": "2003", "roles": ["ias"]},
    "two-of-one": {
        **DC,
        "release": "2022",
        "broken": False,
        "vars": {"dc_ias_static_rpc_ports": {"ntds": 49901, "netlogon": 49901}},
    },
    "no-controller": {"release": "2022", "roles": ["dns", "ias"], "vars": {"dc_ias_static_rpc_ports": {"ntds": 49901}}},
    "ldaps-port": {**DC, "release": "2022", "broken": False, "vars": {"dc_ias_static_rpc_ports": {"ntds": 636}}},
    "radius-over-tcp": {**DC, "release": "2022", "broken": False, "vars": {"dc_ias_ports": ["1812/tcp"]}},
    "half-a-range": {**OLD, **WIDE, "broken": False, "vars": {"dc_ias_dynamic_range": {"start": 5000}}},
    "dns-kept": {**DC, **WIDE, "release": "2022", "broken": True, "vars": {"dc_ias_restart_dns": False}},
}


BY_PROGRAM: t.Final = (
    "dc-2003-rebooted",
    "dc-2008-delayed",
    "dc-2008-range",
    "dc-2008r2-hotfix",
    "dc-2022-rpc",
    "without-ias",
    "two-of-one",
)
"""One of each mechanism, two that reboot, one that is left alone, and one refusal."""


@pytest.fixture(scope="module")
def runs() -> Runs:
    return play_role("dc_ias", SERVERS, OTHERS, by_program=BY_PROGRAM)


@pytest.fixture(params=SERVERS, ids=lambda server: server.id)
def server(request: pytest.FixtureRequest) -> Server:
    return t.cast("Server", request.param)


class TestDcIas(RoleContract):
    """What every role promises."""


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("dc-2008", "let DNS start delayed"),
        ("dc-2008-delayed", "can be taken at random by programs that ask for any free port: netsh"),
        ("dc-2008-hotfix", "that DNS honours excluded port ranges is not documented"),
        ("dc-2008-disputed", "The choice: remove MaxUserPort"),
        ("dc-2008r2", "without the hotfix KB2665809"),
    ],
)
def test_what_can_not_be_had_is_told_with_the_choices(runs: Runs, host: str, sentence: str) -> None:
    assert sentence in converged(runs.first, host).warnings
    assert sentence in converged(runs.second, host).warnings


DELAY: t.Final = "dc_ias_delay_dns: true"
SET_RANGE: t.Final = "dc_ias_dynamic_range: {start: 49152, number: 16384}"
OWN_PORTS: t.Final = "name them in dc_ias_ports"
REMOVE: t.Final = "dc_ias_remove_max_user_port: true"
CHOICES: t.Final = (DELAY, SET_RANGE, OWN_PORTS, REMOVE)


@pytest.mark.parametrize(
    ("host", "verdict", "words", "choices"),
    [
        (
            "dc-2008",
            "NOT SAFE YET",
            "DNS can take 1645-1646/udp, 1812-1813/udp, 4500/udp at",
            (DELAY, SET_RANGE, OWN_PORTS),
        ),
        ("dc-2008-hotfix", "NOT SAFE YET", "DNS can take", (DELAY, SET_RANGE, OWN_PORTS)),
        ("dc-2008-disputed", "NOT SURELY SAFE", "Sources disagree", (REMOVE,)),
        ("dc-2008-delayed", "NOT SURELY SAFE", "Programs that ask for any free port can take", (SET_RANGE,)),
        ("dc-2008r2", "NOT SURELY SAFE", "Programs that ask for any free port can take", (SET_RANGE,)),
        ("dc-2008-safe", "OK, in force", "is ever drawn at random here (TCP 49152-65535, UDP 49152-65535 are)", ()),
        ("dc-2008-range", "OK, in force", "is ever drawn at random here (TCP 5000-60000, UDP 5000-60000 are)", ()),
        ("dc-2008-hotfix-delayed", "OK, in force with the next boot", "", ()),
    ],
)
def test_the_first_words_are_unmistakable(
    runs: Runs, host: str, verdict: str, words: str, choices: tuple[str, ...]
) -> None:
    """Whether the server is safe, and each choice by the very variable; in every run, and for this host by name."""
    for fleet_run in (runs.first, runs.second):
        result = fleet_run.task_runs[host][-1].result
        said = "\n".join([result["msg"], *result["notes"]])
        assert said.startswith(f"{verdict}. ")
        assert words in said
        assert [choice for choice in CHOICES if choice in said] == list(choices)


def test_a_choice_that_is_made_is_not_told_as_one(runs: Runs) -> None:
    """What the same run brings about counts for the reservations beside it."""
    for host in ("dc-2008-hotfix-delayed", "dc-2008-hotfix-range"):
        assert "The choice" not in converged(runs.first, host).warnings
    assert "let DNS start delayed" not in converged(runs.first, "dc-2008-delayed").warnings


def test_what_each_choice_saves(runs: Runs) -> None:
    """Of 200 boots; the first figure is before, the second with the role."""
    lost = {host: (runs.before[host]["victim_failures"], runs.after[host]["victim_failures"]) for host in runs.before}
    for host in ("dc-2008", "dc-2008-hotfix", "dc-2008-disputed"):
        assert lost[host][0] > 30
        assert lost[host][1] > 30
    for host in ("dc-2008-delayed", "dc-2008-range", "dc-2008-hotfix-delayed", "dc-2008-disputed-removed"):
        assert lost[host][0] > 30
        assert lost[host][1] == 0


def test_where_nothing_is_in_danger_nothing_is_said(runs: Runs) -> None:
    task_run = converged(runs.first, "dc-2008-safe")
    assert task_run.warnings == ""
    assert task_run.message.startswith("OK, in force. Nothing to change; IAS")
    assert task_run.message.endswith(("runs and owns its ports.", "run and own their ports."))


@pytest.mark.parametrize(("host", "stops"), [("dc-2016", 0), ("dc-2019", 1)])
def test_dns_restarts_only_for_ports_that_a_pool_can_hold(runs: Runs, host: str, stops: int) -> None:
    """Those of RADIUS lie below the default range; the list is written all the same, for the day that it is widened."""
    task_run = converged(runs.first, host)
    assert asked_to_stop(task_run).count("DNS") == stops
    assert task_run.result["dns_restarted"] is bool(stops)
    said = any("DNS needs no restart" in note for note in task_run.result["notes"])
    assert said is not bool(stops)
    undone = converged(runs.undone, host)
    assert asked_to_stop(undone).count("DNS") == int("dynamic_range" in scenario_of(host))


def test_dns_restarts_for_a_port_that_it_holds_though_no_pool_can_hold_it_any_more() -> None:
    """The pool of now was drawn from a wider range, which somebody has narrowed since."""
    narrow: Json = {"start": 49152, "number": 16384}
    role = task_arguments("dc_ias", CONVERGE, {})
    runner = CaseRunner(HostCase(id="narrowed", server={**DC, **WIDE, "release": "2016", "broken": "IKEEXT"}, steps=()))
    assert runner.run_step(Step(module="dynamic_ports", options=narrow)).event == "ok"
    task_run = runner.run_step(Step(module="converge", options=role))
    assert (task_run.event, task_run.result["dns_restarted"]) == ("ok", True), task_run.message
    assert task_run.after.runs("IKEEXT")
    assert task_run.after.holders("udp", 4500) == {"IKEEXT"}


def scenario_of(host: str) -> Json:
    """What the server is made of."""
    return next(server.scenario for server in SERVERS if server.id == host)


def test_dns_starts_delayed_only_where_that_is_chosen(runs: Runs) -> None:
    found = {server.id: converged(runs.first, server.id).after.start_mode("DNS") for server in SERVERS}
    assert [host for host, mode in found.items() if mode == "delayed"] == ["dc-2008-delayed", "dc-2008-hotfix-delayed"]


def test_the_dynamic_range_changes_only_where_that_is_chosen(runs: Runs) -> None:
    changed: dict[str, set[str]] = {}
    for server in SERVERS:
        task_run = converged(runs.first, server.id)
        before, after = (snapshot.data["dynamic_ranges"] for snapshot in (task_run.before, task_run.after))
        changed |= {server.id: set(after.values())} if before != after else {}
    assert changed == {"dc-2008-range": {RANGE}, "dc-2008-hotfix-range": {RANGE}}


@pytest.mark.parametrize(("host", "ports"), [("dc-2003-rpc", RPC_ON_2003), ("dc-2022-rpc", RPC)])
def test_fixed_rpc_ports_are_listened_on_after_the_reboot(runs: Runs, host: str, ports: Json) -> None:
    after = runs.first.task_runs[host][-1].after
    assert after.value(rf"{SERVICES}\NTDS\Parameters", "TCP/IP Port") == ports["ntds"]
    assert after.value(rf"{SERVICES}\Netlogon\Parameters", "DCTcpipPort") == ports["netlogon"]
    proved = converged(runs.first, host)
    standing = {port["port"]: port["standing"] for victim in proved.result["victims"] for port in victim["ports"]}
    assert {standing[ports["ntds"]], standing[ports["netlogon"]]} == {"owner"}


@pytest.mark.parametrize(
    ("host", "sentence"), [("without-ias", "has no service IAS"), ("without-dns", "has no service DNS")]
)
def test_a_server_of_another_kind_is_left_alone(runs: Runs, host: str, sentence: str) -> None:
    assert_left_alone(converged(runs.first, host), sentence)


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("without-ias-required", "this server has no service IAS."),
        ("two-of-one", "ntds and netlogon both have port 49901"),
        ("no-controller", "this server is no domain controller"),
        ("ldaps-port", "port 636 for ntds: every domain controller has LDAP over TLS there"),
        ("radius-over-tcp", "'1812/tcp' has a protocol other than udp"),
        ("half-a-range", "dynamic_ports.number: it is missing: start and number are given together"),
    ],
)
def test_wrong_use_is_one_sentence(runs: Runs, host: str, sentence: str) -> None:
    assert_refused(converged(runs.first, host), sentence)


def test_what_stays_down_because_dns_must_not_stop_fails_the_run(runs: Runs) -> None:
    task_run = converged(runs.first, "dns-kept")
    assert task_run.event == "failed"
    assert "IAS is down" in task_run.message
    assert "restart_dns is false" in task_run.message
