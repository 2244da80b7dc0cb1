# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo by owner: each role takes back what it changed, with any variables; of what two share, the last one does.

On servers in this process.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import itertools
import json
import typing as t

import pytest

from tests.fleet.engine_tasks import ConvergeTask, Task, role_task
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.killed_runs import DirectTarget, KillCase, findings
from tests.fleet.role_cases import CASES, Case
from tests.fleet.role_contract import content
from tests.fleet.snapshot import JOURNAL, Snapshot
from tests.fleet.task_checks import assert_refused

OTHERWISE: t.Final[c.Mapping[str, Json]] = {
    "exchange_edge_dns": {"exchange_edge_dns_instance": "Another", "exchange_edge_dns_reserve": False},
    "dc_ias": {"dc_ias_ports": ["1812-1813"], "dc_ias_static_rpc_ports": {}, "dc_ias_delay_dns": False},
    "exchange_rpc_ports": {"exchange_rpc_ports_ports": {"exchange_mta": 1290}, "exchange_rpc_ports_document": False},
    "exchange_services": {"exchange_services_names": ["MSExchangeMTA", "MSExchangeAB"]},
    "known_services": {"known_services_names": ["bigfix"]},
    "sbs2003": {"sbs2003_max_user_port": "keep", "sbs2003_socket_pool_size": "keep"},
}
"""Variables that mean other things, or nothing at all, of what the role has changed."""
ROLES: t.Final = [case for case in CASES if case.role in OTHERWISE]


def undo(role: str, variables: Json | None = None) -> Task:
    """The role's undo, on another day."""
    return role_task(role, {**(OTHERWISE[role] if variables is None else variables), f"{role}_state": "absent"})


def by_owner(owner: str) -> Task:
    """The same by the module alone, which is told nothing but the owner."""
    return ConvergeTask({"owner": owner, "state": "absent", "restart_dns": True})


def place_of(*cases: Case) -> tuple[DirectTarget, Snapshot]:
    """The server of the first case, with the roles of all applied one after another; and as it was before."""
    target = DirectTarget(dict(cases[0].server))
    before = target.look()
    for case in cases:
        assert target.done(case.task("present"))[0] == (), case.id
    return target, before


def assert_as_before(target: DirectTarget, before: Snapshot) -> None:
    """Registry, netsh and files are what they were, byte for byte, and no note is left."""
    after = target.look()
    assert content(after) == content(before)
    assert after.journal is None


@pytest.mark.parametrize("case", ROLES, ids=lambda case: case.id)
def test_a_role_leaves_nothing_behind_whatever_its_variables_say_by_then(case: Case) -> None:
    target, before = place_of(case)
    assert content(target.look()) != content(before) or case.role == "exchange_services"
    assert target.done(undo(case.role))[0] == ()
    assert_as_before(target, before)
    running = [name for name in before.data["services"] if before.runs(name)]
    assert target.look().runs(*running)


@pytest.mark.parametrize("case", ROLES, ids=lambda case: case.id)
def test_the_name_of_the_owner_is_enough(case: Case) -> None:
    target, before = place_of(case)
    assert target.done(by_owner("nobody_else"))[0] == ()
    assert content(target.look()) != content(before) or case.role == "exchange_services"
    assert target.done(by_owner(case.role))[0] == ()
    assert_as_before(target, before)


def _without_owners(target: DirectTarget) -> None:
    """Make the journal one of version 1."""
    journal = target.look().journal
    assert journal is not None
    entries = {
        name: {key: entry[key] for key in entry if key != "owners"} for name, entry in journal["entries"].items()
    }
    text = json.dumps({**journal, "version": 1, "entries": entries})
    target.act({"do": "set_value", "path": JOURNAL, "name": "Journal", "type": "SZ", "data": text})


@pytest.mark.parametrize("case", ROLES, ids=lambda case: case.id)
def test_what_an_older_release_has_changed_is_taken_back_with_the_same_variables(case: Case) -> None:
    target, before = place_of(case)
    _without_owners(target)
    assert target.done(case.task("absent"))[0] == ()
    assert_as_before(target, before)


@pytest.mark.parametrize("case", ROLES, ids=lambda case: case.id)
def test_a_role_that_runs_again_owns_what_an_older_release_has_changed(case: Case) -> None:
    target, before = place_of(case)
    _without_owners(target)
    assert target.done(case.task("present"))[0] == ()
    assert target.done(by_owner(case.role))[0] == ()
    assert_as_before(target, before)


# --- two owners of one value -----------------------------------------------------------------------------------------


def case(role: str, server: Json, **variables: t.Any) -> Case:
    """A role with some variables."""
    return Case(
        id=role, role=role, server=server, variables={f"{role}_{name}": value for name, value in variables.items()}
    )


SBS: t.Final[Json] = {"release": "2003", "roles": ["sbs2003"]}
DC_2022: t.Final[Json] = {
    "release": "2022",
    "roles": ["domain_controller", "dns", "ias"],
    "dynamic_range": "1025-60000",
    "broken": False,
}
PAIRS: t.Final[c.Mapping[str, tuple[Case, Case]]] = {
    "reserved-ports": (case("sbs2003", SBS, max_user_port="remove"), case("dc_ias", SBS)),
    "reserved-ports-of-known-services": (case("sbs2003", SBS), case("known_services", SBS, names=["ias", "l2tp"])),
    "pool-and-netsh": (
        case("dc_ias", DC_2022, stop_services=True),
        case("known_services", DC_2022, names=["ias"], stop_services=True),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("is_first_undone_first", [True, False], ids=["in-order", "in-reverse"])
def test_two_roles_share_a_value_and_the_last_one_leaves_nothing(name: str, is_first_undone_first: bool) -> None:
    pair = PAIRS[name]
    target, before = place_of(*pair)
    going, staying = pair if is_first_undone_first else pair[::-1]
    assert target.done(undo(going.role))[0] == ()
    left, journal = content(target.look()), target.look().journal
    assert target.done(staying.task("present"))[0] == ()
    assert (content(target.look()), target.look().journal) == (left, journal), "the other one lacks nothing"
    assert target.done(undo(staying.role))[0] == ()
    assert_as_before(target, before)


OLD: t.Final[Json] = {"release": "2003", "roles": ["sbs2003"]}
NEW: t.Final[Json] = {"release": "2022", "roles": ["dns", "domain_controller", "ias"], "broken": False}
MAIL: t.Final[Json] = {"release": "2003", "roles": ["exchange2003"]}
LINE: t.Final[Json] = {"name": "ours", "port": 7000, "protocol": "tcp"}
SHARED: t.Final[c.Mapping[str, tuple[Json, Json, Json]]] = {
    # server, what one owner wants, what the other does
    "reserved-ports-2003": (
        OLD,
        {"reserved_ports": {"ports": ["1701", "5000-5009"]}},
        {"reserved_ports": {"ports": ["5005-5020"]}},
    ),
    "reserved-ports-2022": (
        {"release": "2022", "roles": ["member"]},
        {"reserved_ports": {"ports": ["50000-50009"]}},
        {"reserved_ports": {"ports": ["50005-50020"]}},
    ),
    "pool-list": (
        NEW,
        {"dns_socket_pool": {"excluded_ports": ["5000-5009"]}},
        {"dns_socket_pool": {"excluded_ports": ["5009"]}},
    ),
    "pool-size": (NEW, {"dns_socket_pool": {"size": "3000"}}, {"dns_socket_pool": {"size": "4000"}}),
    "pool-size-equal": (NEW, {"dns_socket_pool": {"size": "3000"}}, {"dns_socket_pool": {"size": "3000"}}),
    "max-user-port": (
        OLD,
        {"dynamic_ports": {"max_user_port": "61000"}},
        {"dynamic_ports": {"max_user_port": "62000"}},
    ),
    "ranges": (
        NEW,
        {"dynamic_ports": {"start": 50000, "number": 15000}},
        {"dynamic_ports": {"start": 51000, "number": 14000, "protocol": "udp"}},
    ),
    "rpc-port": (
        NEW,
        {"static_rpc_port": {"ports": {"netlogon": "4902"}}},
        {"static_rpc_port": {"ports": {"netlogon": "4902"}}},
    ),
    "start-mode": (
        NEW,
        {"service_start_mode": {"name": ["IAS"], "start_mode": "delayed"}},
        {"service_start_mode": {"name": ["IAS"], "start_mode": "manual"}},
    ),
    "start-mode-equal": (
        NEW,
        {"service_start_mode": {"name": ["IAS"], "start_mode": "delayed"}},
        {"service_start_mode": {"name": ["IAS"], "start_mode": "delayed"}},
    ),
    "stopped-services": (
        MAIL,
        {"service_state": {"name": ["MSExchangeSA"], "state": "stopped"}},
        {"service_state": {"name": ["MSExchangeIS"], "state": "stopped"}},
    ),
    "lines": (
        NEW,
        {"services_file": {"entries": [LINE, {**LINE, "name": "more", "port": 7001}]}},
        {"services_file": {"entries": [LINE]}},
    ),
    "lines-that-differ": (
        NEW,
        {"services_file": {"entries": [LINE]}},
        {"services_file": {"entries": [{**LINE, "comment": "other words"}]}},
    ),
}


def wants(owner: str, resource: Json, **more: t.Any) -> Task:
    """One owner's wish."""
    return ConvergeTask(
        {"resources": [resource], "owner": owner, "restart_dns": True, "ignore_block_mode": True, **more}
    )


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("order", list(itertools.permutations(("first", "second"))), ids="-".join)
def test_what_two_owners_want_stays_until_the_last_is_gone(name: str, order: tuple[str, str]) -> None:
    server, one, other = SHARED[name]
    target = DirectTarget(dict(server))
    before = target.look()
    wishes = {"first": one, "second": other}
    for owner, wish in wishes.items():
        assert target.done(wants(owner, wish))[0] == ()
    both = target.look()
    for owner, wish in wishes.items() if one == other else [("second", other)]:
        assert target.done(wants(owner, wish))[0] == ()
        assert (content(target.look()), target.look().journal) == (content(both), both.journal), "nothing is new"
    going, staying = order
    assert target.done(by_owner(going))[0] == ()
    between = target.look()
    assert content(between) != content(before) or name == "stopped-services"
    if staying == "second" or one == other:
        assert target.done(wants(staying, wishes[staying]))[0] == ()
        assert (content(target.look()), target.look().journal) == (content(between), between.journal), (
            "it lacks nothing"
        )
    assert target.done(by_owner(staying))[0] == ()
    assert_as_before(target, before)
    running = [service for service in before.data["services"] if before.runs(service)]
    assert target.look().runs(*running)


# --- killed ----------------------------------------------------------------------------------------------------------

ONE_OF_EACH: t.Final = ("edge-2022", "sbs2003", "dc-2008", "exchange-2003", "exchange-2003-stopped", "cluster-2022")


@pytest.mark.parametrize("case", [case for case in ROLES if case.id in ONE_OF_EACH], ids=lambda case: case.id)
def test_an_undo_for_an_owner_is_finished_by_the_next(case: Case) -> None:
    assert findings(case.target("absent"), KillCase(task=by_owner(case.role)), "killed") == {}


@pytest.mark.parametrize(
    "name", ["reserved-ports-2003", "reserved-ports-2022", "pool-list", "stopped-services", "lines"]
)
def test_a_second_owner_that_is_killed_leaves_a_whole_server(name: str) -> None:
    """Its claim is made by the next run, and what both have changed can be taken back."""
    server, one, other = SHARED[name]
    target = DirectTarget({**server, "time_scale": 0.3}, first=wants("first", one))
    assert findings(target, KillCase(task=wants("second", other)), "killed") == {}
    assert findings(target, KillCase(task=wants("second", other), back=by_owner("second")), "killed") == {}


# --- what a user reads -----------------------------------------------------------------------------------------------

PORTS: t.Final[Json] = {"ports": ["50389"]}
MODULE: t.Final = Step(module="reserved_ports", options=PORTS)
RELEASE: t.Final = Step(module="reserved_ports", options={**PORTS, "state": "absent"})


def _of(owner: str, *, undone: bool = False) -> Step:
    wish: Json = {"state": "absent"} if undone else {"resources": [{"reserved_ports": PORTS}]}
    return Step(module="converge", options={"owner": owner, **wish})


STEPS: t.Final[c.Mapping[str, Step]] = {
    "role": _of("dc_ias"),
    "claim-checked": dataclasses.replace(MODULE, check=True),
    "claim": MODULE,
    "claimed": MODULE,
    "role-gone": _of("dc_ias", undone=True),
    "role-back": _of("dc_ias"),
    "module-gone-checked": dataclasses.replace(RELEASE, check=True),
    "module-gone": RELEASE,
    "module-gone-again": RELEASE,
    "role-last": _of("dc_ias", undone=True),
    "nothing-left": _of("dc_ias", undone=True),
}


@pytest.fixture(scope="module", params=["2003", "2022"])
def results(request: pytest.FixtureRequest) -> dict[str, TaskRun]:
    case = HostCase(id="server", server={"release": request.param, "roles": ["member"]}, steps=tuple(STEPS.values()))
    return dict(zip(STEPS, run_in_process([case])["server"], strict=True))


def _writes(task_run: TaskRun) -> list[str]:
    """What was written to the server; a shell is none of it."""
    log = (entry for entry in task_run.requests["log"] if entry["resource"] != "cmd")
    return [entry["brief"] for entry in log if entry["method"].startswith(("Set", "Delete", "Create"))]


def _kept(results: dict[str, TaskRun]) -> set[str]:
    return {name for name, task_run in results.items() if "50389" in str(content(task_run.after))}


def test_a_value_is_there_as_long_as_somebody_needs_it(results: dict[str, TaskRun]) -> None:
    assert {task_run.event for task_run in results.values()} == {"ok"}, [
        task_run.message for task_run in results.values()
    ]
    assert _kept(results) == set(STEPS) - {"role-last", "nothing-left"}
    assert results["nothing-left"].after.configuration == results["role"].before.configuration
    assert results["role-last"].after.journal is None


def test_a_claim_is_a_note_and_no_change(results: dict[str, TaskRun]) -> None:
    for name in ("claim-checked", "claim", "claimed"):
        assert (results[name].result["changed"], results[name].message) == (False, results["claimed"].message), name
    assert _writes(results["claim-checked"]) == []
    # The announcement, and the journal.
    assert len(_writes(results["claim"])) == 2
    assert _writes(results["claimed"]) == []


@pytest.mark.parametrize(
    ("name", "needed_by"),
    [("role-gone", "reserved_ports"), ("module-gone-checked", "dc_ias"), ("module-gone", "dc_ias")],
)
def test_what_stays_is_said_with_the_name_of_whoever_needs_it(
    results: dict[str, TaskRun], name: str, needed_by: str
) -> None:
    assert results[name].result["changed"] is False
    assert f" stays, since {needed_by} still needs it." in results[name].message


def test_a_second_undo_has_nothing_to_do(results: dict[str, TaskRun]) -> None:
    for name in ("module-gone-again", "nothing-left"):
        assert (results[name].result["changed"], _writes(results[name])) == (False, []), name
    assert results["nothing-left"].message == "OK, taken back. Nothing to change."


LEFT: t.Final[c.Mapping[str, tuple[Json, str, Json, str]]] = {
    # what a role wants, the module by which a user takes some of it away, and what is said then
    "netsh": (
        {"reserved_ports": {"ports": ["5000-5009/tcp"]}},
        "reserved_ports",
        {"ports": ["5005-5020"], "state": "absent"},
        "TCP 5005-5009 excluded by netsh stays, since a role still needs it.",
    ),
    "pool": (
        {"dns_socket_pool": {"excluded_ports": ["5000-5009"]}},
        "dns_socket_pool",
        {"excluded_ports": ["5005"], "state": "absent"},
        "5005 in SocketPoolExcludedPortRanges stays, since a role still needs it.",
    ),
    "file-by-name": (
        {"services_file": {"entries": [LINE]}},
        "services_file",
        {"entries": [{"name": "OURS", "protocol": "tcp"}], "state": "absent"},
        "The entry ours/tcp of the services file stays, since a role still needs it.",
    ),
    "file-by-port": (
        {"services_file": {"entries": [LINE]}},
        "services_file",
        {"entries": [{"port": 7000, "protocol": "tcp"}], "state": "absent"},
        "The entry ours/tcp of the services file stays, since a role still needs it.",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_a_module_leaves_what_a_role_needs(name: str) -> None:
    wish, module, options, sentence = LEFT[name]
    role = Step(module="converge", options={"resources": [wish], "owner": "a role"})
    away = Step(module=module, options=options)
    server = {**NEW, "dynamic_range": "49152-65535"}
    given, checked, left, again = run_in_process(
        [HostCase(id="server", server=server, steps=(role, dataclasses.replace(away, check=True), away, away))]
    )["server"]
    assert given.result["changed"] is True
    for task_run in (checked, left, again):
        assert (task_run.event, task_run.result["changed"]) == ("ok", False), task_run.message
        assert sentence in task_run.message
        assert (content(task_run.after), task_run.after.journal) == (content(given.after), given.after.journal)


def test_an_undo_names_each_thing_that_stays() -> None:
    wishes: list[Json] = [
        {"dns_socket_pool": {"size": "3000"}},
        {"dynamic_ports": {"start": 50000, "number": 15000}},
        {"service_start_mode": {"name": ["IAS"], "start_mode": "manual"}},
        {"services_file": {"entries": [LINE]}},
    ]
    present = [
        Step(module="converge", options={"resources": wishes, "owner": name}) for name in ("one", "two", "three")
    ]
    undone = Step(module="converge", options={"owner": "two", "state": "absent"})
    *_given, task_run = run_in_process([HostCase(id="server", server=dict(NEW), steps=(*present, undone))])["server"]
    for thing in (
        "SocketPoolSize",
        "The dynamic tcp range",
        "The dynamic udp range",
        "The start mode of IAS",
        "The entry ours/tcp of the services file",
    ):
        assert f"{thing} stays, since one and three still need it." in task_run.message
    assert task_run.result["changed"] is False


BAD_NAMES: t.Final = ("", " ", "a\nb", "x" * 65, "{{ x }}", "ä")


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_an_owner_has_a_name_that_can_stand_in_a_sentence(name: str) -> None:
    case = HostCase(id="server", server={"release": "2022", "roles": ["member"]}, steps=(_of(name),))
    (task_run,) = run_in_process([case])["server"]
    assert_refused(task_run)
    assert "owner: " in task_run.message
    assert "is no name of an owner" in task_run.message


def test_an_undo_needs_to_know_what_to_take_back() -> None:
    step = Step(module="converge", options={"state": "absent"})
    (task_run,) = run_in_process([HostCase(id="server", server={"release": "2022"}, steps=(step,))])["server"]
    assert_refused(task_run)
    assert "or the owner whose changes are to be taken back" in task_run.message
