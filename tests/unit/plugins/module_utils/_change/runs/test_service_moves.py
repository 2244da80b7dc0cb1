# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Victims that run without their ports, that count only somewhere, that complain; and what a server must be at all."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    OptionError,
    PlanError,
    StartServices,
    StopServices,
    WriteJournal,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, failures, summary
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, EventsFact, Socket
from tests.unit.plugins.module_utils._change.world import BOOT, NOW, World, service, stopped

PUSH = {"service": "W3SVC", "image": "w3wp.exe", "optional_ports": ["2883/udp"], "restart": True}
STORE = {"service": "MSExchangeIS", "ports": ["1226/tcp"], "restart": True}
FIXED = {"static_rpc_port": {"ports": {"exchange_is": "1226"}}}
COMPLAINT = "Application/Server ActiveSync/3015"
WORKER = 77


def defaults(spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def request(*victims: t.Mapping[str, t.Any], **changes: t.Any) -> Request:
    spec = converge_options.ARGUMENT_SPEC
    given = {**defaults(spec, {}), "relieve": True, "restart_dns": True, "prove": True, **changes}
    given["victims"] = [defaults(spec["victims"]["options"], victim) for victim in victims]
    return converge_options.request(given, journal=True, validate=lambda _place, spec, items: defaults(spec, items))


def sbs(**_ignored: t.Any) -> World:
    world = World("2003")
    world.services = [service("DNS"), service("W3SVC"), service("IAS"), stopped("RemoteAccess", start_mode="Disabled")]
    world.depends = [("W3SVC", "IISADMIN")]
    world.processes[WORKER] = "w3wp.exe"
    return world


def plan(world: World, wanted: Request) -> Convergence:
    return world.settle(lambda facts: converge(wanted, facts, world.release, NOW))


def moves(planned: Convergence) -> list[tuple[str, ...]]:
    return [
        (type(step).__name__[:4].lower(), *step.names)
        for step in planned.steps
        if isinstance(step, (StopServices, StartServices))
    ]


def failed(world: World, wanted: Request) -> tuple[str, ...]:
    planned = plan(world, wanted)
    return failures(Outcome(wanted, planned, planned, applied=True))


# --- victims that run without their ports


def test_a_running_victim_without_its_ports_is_restarted_while_dns_is_stopped() -> None:
    world = sbs()
    world.hold("udp", 2883, "DNS")
    assert moves(plan(world, request(PUSH))) == [("stop", "W3SVC", "DNS"), ("star", "W3SVC"), ("star", "DNS")]


@pytest.mark.parametrize(
    "change",
    [
        {"restart_dns": False},
        {"relieve": False},
        {"state": "absent", "resources": [{"dns_socket_pool": {"size": "50"}}]},
    ],
    ids=["DNS stays", "no relief", "undo"],
)
def test_it_is_left_running_where_a_restart_would_not_help_or_is_not_asked(change: dict[str, t.Any]) -> None:
    world = sbs()
    world.hold("udp", 2883, "DNS")
    assert moves(plan(world, request(PUSH, **change))) == []


def test_without_leave_it_is_not_restarted() -> None:
    world = sbs()
    world.hold("udp", 2883, "DNS")
    wanted = request({**PUSH, "restart": False})
    assert moves(plan(world, wanted)) == []
    assert failed(world, wanted)[0].startswith("W3SVC runs, but UDP 2883 is held by dns.exe")


def test_a_victim_whose_ports_a_stranger_has_is_not_restarted() -> None:
    world = sbs()
    world.services.append(service("Thief"))
    world.hold("udp", 2883, "Thief")
    assert moves(plan(world, request(PUSH))) == []


def test_its_own_worker_process_is_no_thief() -> None:
    world = sbs()
    world.sockets.append(Socket("udp", "0.0.0.0", 2883, WORKER))
    wanted = request(PUSH)
    assert plan(world, wanted).steps == ()
    assert failed(world, wanted) == ()


def test_a_service_that_does_not_listen_is_restarted_and_proved() -> None:
    world = sbs()
    world.services.append(service("MSExchangeIS"))
    wanted = request(STORE)
    assert moves(plan(world, wanted)) == [("stop", "MSExchangeIS"), ("star", "MSExchangeIS")]
    assert failed(world, wanted) == ("MSExchangeIS runs, but TCP 1226 is held by nobody.",)


# --- settings that a service reads when it starts


def mail(**changes: t.Any) -> World:
    world = sbs()
    world.services += [service("MSExchangeIS"), service("MSExchangeMGMT"), service("MSExchangeWeb", **changes)]
    world.depends = [("MSExchangeWeb", "MSExchangeIS")]
    return world


def test_a_fixed_port_restarts_its_service_and_what_depends_on_it() -> None:
    planned = plan(mail(), request(STORE, resources=[FIXED]))
    assert moves(planned) == [("stop", "MSExchangeWeb", "MSExchangeIS"), ("star", "MSExchangeIS", "MSExchangeWeb")]
    assert planned.interrupted == ("MSExchangeIS", "MSExchangeWeb")


def test_a_port_that_waits_for_a_restart_is_no_failure() -> None:
    wanted = request({**STORE, "restart": False}, resources=[FIXED])
    planned = plan(mail(), wanted)
    assert moves(planned) == []
    assert failed(mail(), wanted) == ()
    assert "restart the service MSExchangeIS" in summary(
        Outcome(wanted, planned, planned, applied=True), check_mode=False
    )


# --- when a victim counts


def test_what_is_switched_off_is_passed_over() -> None:
    routing = {"service": "RemoteAccess", "if_automatic": True}
    planned = plan(sbs(), request(routing, {"service": "Missing", "if_automatic": True}, {"service": "IAS"}))
    assert [report.service.name for report in planned.victims] == ["IAS"]


def test_a_service_started_by_hand_counts_while_it_runs() -> None:
    world = sbs()
    world.services.append(service("Tool", start_mode="Manual"))
    planned = plan(world, request({"service": "Tool", "if_automatic": True}))
    assert [report.service.name for report in planned.victims] == ["Tool"]


@pytest.mark.parametrize(("release", "expected"), [("2003", ["W3SVC"]), ("2022", ["IAS"])])
def test_a_victim_counts_on_some_releases(release: str, expected: list[str]) -> None:
    world = dataclasses.replace(sbs(), release_key=release)
    old = {"service": "W3SVC", "when_capable": ["reserved_ports_value"]}
    new = {"service": "IAS", "unless_capable": ["reserved_ports_value"]}
    assert [report.service.name for report in plan(world, request(old, new)).victims] == expected


# --- what a server must be


@pytest.mark.parametrize(
    ("release", "needs", "sentence"),
    [
        ("2022", {"required_capabilities": ["reserved_ports_value"]}, "Windows Server 2022 ignores the value"),
        ("2003", {"required_one_of": ["A", "B"]}, "this server has none of the services A, B."),
        ("2003", {"required_services": ["IAS", "B"], "required_one_of": ["A"]}, "this server has no service B."),
    ],
)
def test_a_server_of_another_kind_is_left_alone_or_an_error(
    release: str, needs: dict[str, t.Any], sentence: str
) -> None:
    world = dataclasses.replace(sbs(), release_key=release)
    for require in (False, True):
        wanted = request(PUSH, **needs, require=require)
        planned = plan(world, wanted)
        assert (planned.applicable, planned.steps) == (False, ())
        outcome = Outcome(wanted, planned, planned, applied=False)
        assert bool(failures(outcome)) is require
        assert sentence in summary(outcome, check_mode=False)


def test_one_of_several_is_enough() -> None:
    assert plan(sbs(), request(PUSH, required_one_of=["Missing", "IAS"])).applicable


# --- complaints in the log


def _event(source: str, minutes: int) -> Event:
    return Event("Application", minutes, source, 3015, BOOT + datetime.timedelta(minutes=minutes), ())


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ([], ()),
        ([_event("Another Program", 3)], ()),
        (
            [_event("Another Program", 9), _event("Server ActiveSync", 7), _event("Server ActiveSync", 2)],
            ("W3SVC runs, but since the boot the log has its complaint Server ActiveSync 3015.",),
        ),
    ],
    ids=["silent", "of another program", "its own"],
)
def test_a_complaint_since_the_boot_fails_the_proof(logged: list[Event], expected: tuple[str, ...]) -> None:
    world = dataclasses.replace(sbs(), events=logged)
    assert failed(world, request({**PUSH, "silent_events": [COMPLAINT]})) == expected
    asked = [fact for fact in world.asked if isinstance(fact, EventsFact)]
    assert {(fact.log, fact.codes, fact.since) for fact in asked} == {("Application", (3015,), BOOT)}


@pytest.mark.parametrize("text", ["3015", "Application/3015", "Application/Server ActiveSync/x", "/a/1", "a/b/c/1"])
def test_an_event_is_written_as_log_source_code(text: str) -> None:
    with pytest.raises(OptionError, match="is not of the form log/source/code"):
        request({**PUSH, "silent_events": [text]})


# --- two items for one value


def test_two_items_that_change_one_value_are_refused() -> None:
    items = [{"reserved_ports": {"ports": [port]}} for port in ("5000", "6000")]
    with pytest.raises(PlanError, match="two items of reserved_ports change the same thing"):
        plan(sbs(), request(resources=items, victims=[]))


# --- services that a killed run has stopped, by the journal, which is data from the server

NOTED: t.Final[dict[str, tuple[dict[str, t.Any], tuple[str, ...], tuple[str, ...]]]] = {
    # how it is there, what is started, what stays noted
    "automatic": ({"start_mode": "Auto"}, ("Fax",), ()),
    "by-hand": ({"start_mode": "Manual"}, (), ("Fax",)),
    "disabled": ({"start_mode": "Disabled"}, (), ()),
    "runs": ({"start_mode": "Manual", "state": "Running"}, (), ()),
}


@pytest.mark.parametrize("name", NOTED)
def test_a_note_starts_nothing_that_neither_the_next_boot_nor_this_run_would(name: str) -> None:
    changes, started, noted = NOTED[name]
    world = sbs()
    world.services.append(stopped("Fax", **changes))
    world.keep_journal(Journal(stopped=("Fax", "Gone")))
    planned = plan(world, request({"service": "IAS"}))
    assert moves(planned) == ([("star", *started)] if started else [])
    writes = [step.journal.stopped for step in planned.steps if isinstance(step, WriteJournal)]
    assert writes[-1] == noted


@pytest.mark.parametrize(
    ("victim", "depends"),
    [("Fax", []), ("IAS", [("Fax", "IAS")]), ("IAS", [("Fax", "DNS")])],
    ids=["own", "its", "dns"],
)
def test_what_this_run_could_have_stopped_is_started_however_it_starts(
    victim: str, depends: list[tuple[str, str]]
) -> None:
    world = sbs()
    world.services.append(stopped("Fax", start_mode="Manual"))
    world.depends = depends
    world.keep_journal(Journal(stopped=("Fax",)))
    planned = plan(world, request({"service": victim}))
    assert ("star", "Fax") in moves(planned)
