# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole run as one plan: what is done, in which order, and what is said about it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    AwaitDns,
    ChangeExclusions,
    ChangeStartMode,
    DeleteValue,
    PlanError,
    SetDelayedStart,
    StartServices,
    Step,
    StopServices,
    WriteJournal,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, failures, summary
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType, RegistryValue
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    JOURNAL_FACT,
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    RESERVED_PORTS_FACT,
)
from tests.unit.plugins.module_utils._change.world import NOW, World, blocks, multi, service, stopped

EDGE = "ADAM_MSExchange"
FIX = [
    {"reserved_ports": {"ad_lds_instances": ["MSExchange"]}, "when_capable": "reserved_ports_value"},
    {
        "service_start_mode": {"name": ["DNS"], "start_mode": "delayed"},
        "when_capable": ["delayed_start"],
        "unless_capable": ["dns_pool_exclusions"],
    },
    {"dns_socket_pool": {"ad_lds_instances": ["MSExchange"]}, "when_capable": "dns_pool_exclusions"},
]
BELT = {"reserved_ports": {"ad_lds_instances": ["MSExchange"], "mechanism": "netsh"}}
VICTIM = {"service": EDGE, "image": "dsamain.exe", "ad_lds_instance": "MSExchange", "dependents": ["Transport"]}


def validated(_place: str, spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What Ansible's validation does with defaults."""
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def request(**changes: t.Any) -> Request:
    spec = converge_options.ARGUMENT_SPEC
    victim_spec = spec["victims"]["options"]
    arguments = {**validated("", spec, {}), "resources": FIX, "relieve": True, "restart_dns": True, "prove": True}
    arguments["victims"] = [VICTIM]
    arguments.update(changes)
    arguments["victims"] = [validated("", victim_spec, victim) for victim in arguments["victims"]]
    return converge_options.request(arguments, journal=changes.get("journal", True), validate=validated)


def edge(release: str = "2022", *, broken: bool = True) -> World:
    """An Edge server; broken: DNS holds UDP 50636, AD LDS and Transport are down."""
    world = World(release)
    down = {"state": "Stopped", "process_id": 0, "exit_code": 10013} if broken else {}
    world.services = [
        service("DNS"),
        service(EDGE, path_name=r'"C:\Windows\ADAM\dsamain.exe" -sn:MSExchange', **down),
        service("Transport", **({"state": "Stopped", "process_id": 0, "exit_code": 1068} if broken else {})),
        service("DnsTool"),
        service("PolicyAgent"),
    ]
    world.depends = [("Transport", EDGE), ("DnsTool", "DNS")]
    if broken:
        world.hold("udp", 50636, "DNS")
    else:
        for port in (50389, 50636):
            world.hold("tcp", port, EDGE)
            world.hold("udp", port, EDGE)
    return world


def plan(world: World, wanted: Request) -> Convergence:
    return world.settle(lambda facts: converge(wanted, facts, world.release, NOW))


def shape(steps: t.Iterable[Step]) -> list[t.Any]:
    """Steps in short, journal writes as J."""
    short: dict[type[Step], t.Callable[[t.Any], t.Any]] = {
        WriteJournal: lambda _step: "J",
        WriteValue: lambda step: ("write", step.name, step.value.data),
        DeleteValue: lambda step: ("delete", step.fact.name),
        StopServices: lambda step: ("stop", *step.names),
        StartServices: lambda step: ("start", *step.names),
        AwaitDns: lambda _step: "53",
        ChangeStartMode: lambda step: ("mode", step.service, step.mode),
        SetDelayedStart: lambda step: ("delayed", step.service, step.delayed),
        ChangeExclusions: lambda step: (
            "netsh",
            [f"-{ports}/{protocol}" for protocol, ports in step.delete]
            + [f"+{ports}/{protocol}" for protocol, ports in step.add],
        ),
    }
    return [short[type(step)](step) for step in steps]


PORTS = ("50389-50389", "50636-50636")
RELIEF = [("start", EDGE, "Transport"), ("start", "DNS", "DnsTool"), "53", "J"]


@pytest.mark.parametrize(
    ("release", "change"),
    [
        ("2003", ("write", "ReservedPorts", PORTS)),
        ("2008", ("delayed", "DNS", True)),
        ("2008r2", ("write", "SocketPoolExcludedPortRanges", PORTS)),
        ("2022", ("write", "SocketPoolExcludedPortRanges", PORTS)),
    ],
)
def test_a_broken_edge_server_is_fixed_and_relieved_in_one_stop(release: str, change: t.Any) -> None:
    planned = plan(edge(release), request())
    assert shape(planned.steps) == ["J", ("stop", "DnsTool", "DNS"), change, *RELIEF]
    assert planned.relieved == (EDGE, "Transport")
    assert shape(planned.recovery) == RELIEF


def test_a_healthy_server_gets_its_setting_first_and_one_restart() -> None:
    planned = plan(edge(broken=False), request())
    assert shape(planned.steps) == [
        "J",
        ("write", "SocketPoolExcludedPortRanges", PORTS),
        ("stop", "DnsTool", "DNS"),
        ("start", "DNS", "DnsTool"),
        "53",
        "J",
    ]


def test_on_2003_a_healthy_server_is_only_configured() -> None:
    planned = plan(edge("2003", broken=False), request())
    assert shape(planned.steps) == ["J", ("write", "ReservedPorts", PORTS)]
    assert planned.plans[0].effectiveness.reboot_required


def journalled(planned: Convergence) -> Journal:
    writes = [step.journal for step in planned.steps if isinstance(step, WriteJournal)]
    return writes[-1]


def test_what_was_stopped_is_noted_before_the_stop_and_forgotten_at_the_end() -> None:
    planned = plan(edge(), request())
    first, last = [step.journal for step in planned.steps if isinstance(step, WriteJournal)]
    assert first.stopped == (EDGE, "Transport", "DNS", "DnsTool")
    assert first.waits_for("dns_restart")
    assert last.stopped == ()
    assert not last.waits_for("dns_restart")


def test_the_next_run_starts_what_a_killed_run_had_stopped() -> None:
    world = edge(broken=False)
    world.services[0] = stopped("DNS")
    world.set(POOL_EXCLUSIONS_FACT, multi(*PORTS))
    world.keep_journal(Journal({}, stopped=("DNS", "DnsTool")))
    planned = plan(world, request())
    assert shape(planned.steps) == ["J", ("start", "DNS"), "53", "J"]
    assert journalled(planned).stopped == ()


def converged(release: str = "2022") -> World:
    world = edge(release, broken=False)
    if release == "2003":
        world.set(RESERVED_PORTS_FACT, multi(*PORTS))
        state = {"type": 7, "data": list(PORTS)}
        wait = Wait("reboot", since=NOW - 50_000, age=500_000.0)
        world.keep_journal(
            Journal({"reserved_ports": Entry(None, state, PORTS, wait, owners={"reserved_ports": PORTS})})
        )
    else:
        world.set(POOL_EXCLUSIONS_FACT, multi(*PORTS))
        state = {"type": 7, "data": list(PORTS)}
        world.keep_journal(
            Journal({"dns_socket_pool.excluded_ports": Entry(None, state, PORTS, owners={"dns_socket_pool": PORTS})})
        )
    return world


@pytest.mark.parametrize("release", ["2003", "2022"])
def test_a_converged_server_is_left_alone(release: str) -> None:
    planned = plan(converged(release), request())
    assert planned.steps == ()
    outcome = Outcome(request(), planned, planned, applied=False)
    assert failures(outcome) == ()
    assert [one.effectiveness.effective for one in outcome.plans] == ["yes"]
    assert summary(outcome, check_mode=False) == "Nothing to change; ADAM_MSExchange runs and owns its ports."


def test_a_reboot_that_is_due_is_said_and_is_no_failure() -> None:
    world = converged("2003")
    state = {"type": 7, "data": list(PORTS)}
    wait = Wait("reboot", since=NOW - 100, age=world.uptime - 100)
    world.keep_journal(Journal({"reserved_ports": Entry(None, state, PORTS, wait, owners={"reserved_ports": PORTS})}))
    world.sockets.clear()
    world.hold("tcp", 50389, EDGE)
    world.hold("tcp", 50636, EDGE)
    world.hold("udp", 50636, "DNS")
    planned = plan(world, request())
    outcome = Outcome(request(), planned, planned, applied=False)
    assert planned.steps == ()
    assert outcome.reboot_required
    assert failures(outcome) == ()


def test_dns_on_a_forbidden_port_is_restarted_whoever_wrote_the_list() -> None:
    world = edge(broken=False)
    world.set(POOL_EXCLUSIONS_FACT, multi(*PORTS))
    world.sockets = [one for one in world.sockets if (one.protocol, one.port) != ("udp", 50636)]
    world.hold("udp", 50636, "DNS")
    planned = plan(world, request())
    assert shape(planned.steps) == ["J", ("stop", "DnsTool", "DNS"), ("start", "DNS", "DnsTool"), "53", "J"]


def test_without_permission_dns_stays_and_the_run_says_why_the_victim_is_down() -> None:
    wanted = request(restart_dns=False)
    planned = plan(edge(), wanted)
    assert shape(planned.steps) == ["J", ("write", "SocketPoolExcludedPortRanges", PORTS)]
    (sentence,) = failures(Outcome(wanted, planned, planned, applied=True))
    assert EDGE in sentence
    assert "dns.exe" in sentence
    assert "restart_dns is false" in sentence


def test_a_thief_other_than_dns_is_named_and_the_fix_is_written_all_the_same() -> None:
    world = edge()
    world.sockets.clear()
    world.services.append(service("Thief"))
    world.hold("tcp", 50389, "Thief")
    planned = plan(world, request())
    assert ("write", "SocketPoolExcludedPortRanges", PORTS) in shape(planned.steps)
    assert not any(EDGE in step for step in shape(planned.steps))
    (sentence,) = failures(Outcome(request(), planned, planned, applied=True))
    assert "thief.exe" in sentence


def test_a_connection_on_a_port_is_named_and_stopping_dns_would_not_help() -> None:
    world = edge()
    world.sockets.clear()
    world.services.append(service("Thief"))
    world.connect(50389, "Thief")
    planned = plan(world, request())
    assert not any(EDGE in step for step in shape(planned.steps))
    assert "an outgoing connection of thief.exe" in planned.unrelieved[EDGE]
    assert planned.unrelieved[EDGE].endswith("whose next connection gets another port, and run this again")


def test_an_accepted_connection_takes_no_port() -> None:
    world = edge(broken=False)
    world.services.append(service("Thief"))
    for port in (50389, 50636):
        world.connect(port, EDGE)
        world.connect(port, "Thief")
    assert all(report.is_right for report in plan(world, request()).victims)


def test_the_victims_own_connection_proves_nothing() -> None:
    world = edge(broken=False)
    world.sockets.clear()
    world.connect(50389, EDGE)
    (report,) = plan(world, request()).victims
    standings = {(port.protocol, port.port): port.standing for port in report.ports}
    assert standings["tcp", 50389] == "free"
    assert not report.is_right


def test_a_victim_that_is_disabled_is_not_started() -> None:
    world = edge()
    world.services[1] = stopped(EDGE, start_mode="Disabled")
    planned = plan(world, request())
    assert "disabled" in planned.unrelieved[EDGE]


def test_a_dependent_that_is_down_is_started_without_touching_dns() -> None:
    world = converged()
    world.services[2] = stopped("Transport")
    planned = plan(world, request())
    assert shape(planned.steps) == ["J", ("start", "Transport"), "J"]


def test_a_server_without_the_product_is_left_alone() -> None:
    world = World("2022", services=[service("DNS")])
    wanted = request(required_services=[EDGE, "DNS"])
    planned = plan(world, wanted)
    assert (planned.missing_services, planned.steps) == ((EDGE,), ())
    outcome = Outcome(wanted, planned, planned, applied=False)
    assert failures(outcome) == ()
    assert EDGE in summary(outcome, check_mode=False)
    strict = request(required_services=[EDGE, "DNS"], require=True)
    assert EDGE in failures(Outcome(strict, planned, planned, applied=False))[0]


def test_a_victim_counts_only_where_it_is_installed() -> None:
    world = converged()
    planned = plan(world, request(victims=[VICTIM, {"service": "IAS", "if_installed": True}]))
    assert [report.service.name for report in planned.victims] == [EDGE]
    with pytest.raises(PlanError, match="IAS"):
        plan(world, request(victims=[{"service": "IAS"}]))


def test_reservations_on_2003_take_4500_along_where_the_server_could_lock_itself_out() -> None:
    world = edge("2003", broken=False)
    assert shape(plan(world, request()).steps) == ["J", ("write", "ReservedPorts", PORTS)]
    world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, 60000))
    planned = plan(world, request())
    assert ("write", "ReservedPorts", ("4500-4500", *PORTS)) in shape(planned.steps)
    assert "KB912023" in " ".join(planned.plans[0].warnings)
    world.services[4] = service("PolicyAgent", start_mode="Disabled")
    assert ("write", "ReservedPorts", PORTS) in shape(plan(world, request()).steps)


def test_the_second_belt_waits_for_the_owner_or_stops_it_where_allowed() -> None:
    world = converged()
    waiting = plan(world, request(resources=[*FIX, BELT]))
    assert waiting.steps == ()
    assert {(held["protocol"], held["port"]) for held in waiting.plans[1].waiting_for} == {
        ("tcp", 50389),
        ("tcp", 50636),
        ("udp", 50389),
        ("udp", 50636),
    }
    stopping = plan(world, request(resources=[*FIX, BELT], stop_owners=True))
    assert shape(stopping.steps) == [
        "J",
        ("stop", "Transport", EDGE),
        ("netsh", [f"+{ports}/{protocol}" for protocol in ("tcp", "udp") for ports in PORTS]),
        ("start", EDGE, "Transport"),
        "J",
    ]


def test_a_value_that_cannot_be_written_whole_is_refused_before_anything_is_written() -> None:
    world = edge("2003", broken=False)
    world.set(RESERVED_PORTS_FACT, multi("3343-3343", "", "3344-3344"))
    with pytest.raises(PlanError, match="ReservedPorts"):
        plan(world, request())


def test_a_journal_that_cannot_be_read_stops_the_run_before_any_write() -> None:
    world = edge(broken=False)
    world.set(JOURNAL_FACT, RegistryValue(RegistryType.STRING, "{rubbish"))
    with pytest.raises(PlanError, match="reg delete"):
        plan(world, request())
    world.set(JOURNAL_FACT, RegistryValue(RegistryType.STRING, '{"version":99}'))
    with pytest.raises(PlanError, match="Update"):
        plan(world, request())


def test_undo_gives_back_what_was_there_and_forgets_last() -> None:
    world = converged()
    undone = plan(world, request(state="absent", prove=False))
    assert shape(undone.steps) == [
        "J",
        ("delete", "SocketPoolExcludedPortRanges"),
        ("stop", "DnsTool", "DNS"),
        ("start", "DNS", "DnsTool"),
        "53",
        "J",
    ]
    first, last = [step.journal for step in undone.steps if isinstance(step, WriteJournal)]
    assert first.entries
    assert last.is_empty


def test_an_undo_that_fails_half_way_starts_what_it_stopped_and_forgets_nothing() -> None:
    world = converged()
    undone = plan(world, request(state="absent", prove=False))
    assert shape(undone.recovery) == [("start", "DNS", "DnsTool"), "53", "J"]
    first = next(step.journal for step in undone.steps if isinstance(step, WriteJournal))
    last = next(step.journal for step in undone.recovery if isinstance(step, WriteJournal))
    assert (last.entries, last.stopped) == (first.entries, ())
    assert last.entries


def test_undo_leaves_what_others_added_since() -> None:
    world = converged()
    world.set(POOL_EXCLUSIONS_FACT, multi(*PORTS, "51820-51820"))
    undone = plan(world, request(state="absent", prove=False))
    assert ("write", "SocketPoolExcludedPortRanges", ("51820-51820",)) in shape(undone.steps)
    assert "somebody else" in " ".join(undone.plans[0].warnings)


def test_undo_of_netsh_blocks_restores_the_list_of_before() -> None:
    world = converged()
    world.exclusions = Exclusions(blocks("50000-50388", "50390-50400"), ())
    entry = Entry(
        original={"tcp": ["50000-50400"], "udp": []},
        written={"tcp": ["50000-50388", "50390-50400"], "udp": []},
        added=(),
    )
    world.keep_journal(Journal({"reserved_ports_netsh": entry}))
    undone = plan(world, request(resources=[BELT], victims=[], state="absent", prove=False, relieve=False))
    assert shape(undone.steps)[0] == ("netsh", ["-50000-50388/tcp", "-50390-50400/tcp", "+50000-50400/tcp"])


def test_undo_needs_the_journal() -> None:
    with pytest.raises(PlanError, match="journal"):
        plan(converged(), request(state="absent", journal=False))
