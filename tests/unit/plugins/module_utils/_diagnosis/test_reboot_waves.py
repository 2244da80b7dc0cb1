# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves of reboots: never two of one site, in a stable order, and from what the servers say alone."""

from __future__ import annotations

import itertools
import random
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.portkeeper.windows.plugins.filter.reboot_plan import FilterModule
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.reboot_waves import (
    WAITS,
    Looked,
    looked,
    reboot_plan,
    waves,
)
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import CaseRunner

WAVES: t.Final = {
    "one at a time": ("a1 a2 b1", 1, ["a1", "a2", "b1"]),
    "one of each site": ("a1 a2 b1 b2 c1", 9, ["a1 b1 c1", "a2 b2"]),
    "at most two": ("a1 b1 c1 a2", 2, ["a1 b1", "c1 a2"]),
    "a big site lasts as long as it must": ("a1 a2 a3 b1", 2, ["a1 b1", "a2", "a3"]),
    "the order of the inventory": ("b2 a1 b1", 2, ["b2 a1", "b1"]),
    "none": ("", 3, []),
}


def _sites(names: t.Iterable[str]) -> dict[str, str]:
    return {name: name[0] for name in names}


@pytest.mark.parametrize(("names", "at_once", "expected"), WAVES.values(), ids=WAVES)
def test_waves(names: str, at_once: int, expected: list[str]) -> None:
    found = waves(names.split(), _sites(names.split()), at_once)
    assert [" ".join(wave) for wave in found] == expected


def test_each_server_is_in_one_wave_and_no_wave_has_two_of_a_site() -> None:
    chance = random.Random(13)
    for _round in range(300):
        names = [f"{chance.choice('abcd')}{number}" for number in range(chance.randrange(12))]
        at_once = chance.randrange(1, 6)
        found = waves(names, _sites(names), at_once)
        assert sorted(itertools.chain(*found)) == sorted(names)
        assert all(0 < len(wave) <= at_once for wave in found)
        assert all(len({name[0] for name in wave}) == len(wave) for wave in found)


def _server(name: str, **facts: t.Any) -> Looked:
    return Looked(name=name, **{"waits": ("something",), **facts})


def test_sites_are_compared_without_case_and_servers_without_a_site_are_one_site() -> None:
    looks = [_server(name) for name in ("a", "b", "c", "d")]
    plan = reboot_plan(looks, {"a": "Berlin", "b": " berlin", "c": "", "elsewhere": "BERLIN"}, at_once=4)
    assert plan.waves == (("a", "c"), ("b", "d"))
    assert plan.servers["a"].others == ("b", "elsewhere")
    assert plan.servers["d"].others == ("c",)


def test_servers_that_do_not_serve_come_first() -> None:
    looks = [_server("a"), _server("b"), _server("c", down=("DNS is Stopped",)), _server("d", lost=("IAS is down",))]
    plan = reboot_plan(looks, {}, at_once=1)
    assert plan.waves == (("c",), ("d",), ("a",), ("b",))
    assert plan.refusals == ()


def test_a_server_that_no_reboot_would_help_stops_all() -> None:
    looks = [_server("a"), _server("b", waits=(), down=("DNS is Stopped",)), Looked(name="c", error="no way there.")]
    plan = reboot_plan(looks, {}, at_once=1)
    assert plan.refusals == ("b does not serve: DNS is Stopped.", "c could not be read: no way there.")
    assert plan.lines == ("wave 1 of 1: a (no site): something", "not rebooted, since nothing waits for it: b")


UPTIMES: t.Final = {"nothing asked": (None, ()), "younger": (3.0, ()), "older": (1.5, ("up for 2.0 hours",))}


@pytest.mark.parametrize(("hours", "why"), UPTIMES.values(), ids=UPTIMES)
def test_a_server_may_be_due_by_its_uptime(hours: float | None, why: tuple[str, ...]) -> None:
    plan = reboot_plan([_server("a", waits=(), uptime=7200)], {}, at_once=1, uptime_hours=hours)
    assert [due.why for due in plan.servers.values()] == [why] * bool(why)


# --- what was read ---------------------------------------------------------------------------------------------------

LOOK: t.Final = Step(
    module="port_info",
    options={
        "gather_subset": ["release", "services", "configured_versus_effective", "sockets"],
        "ports": ["53"],
        "detail": "full",
    },
)
SERVICES: t.Final = ["NTDS", "Netlogon", "kdc", "DNS", "DFSR"]
STATES: t.Final = Step(
    module="service_state", options={"name": SERVICES, "state": "started", "if_installed": True}, check=True
)
DC: t.Final = ["domain_controller", "dns", "ias"]
NETLOGON_STOPPED: t.Final[Json] = {"do": "stop_service", "service": "Netlogon"}


def _looked(release: str, *, steps: t.Sequence[Step] = (), acts: t.Sequence[Json] = ()) -> Looked:
    server = {"release": release, "roles": DC, "broken": False}
    runner = CaseRunner(HostCase(id="dc", server=server, steps=()))
    for step in steps:
        assert runner.run_step(step).event == "ok"
    for act in acts:
        runner.act(act)
    return looked("dc", runner.run_step(LOOK).result, runner.run_step(STATES).result)


@pytest.mark.parametrize("release", ["2003", "2008r2", "2022"])
def test_a_controller_that_serves_and_waits_for_nothing(release: str) -> None:
    seen = _looked(release)
    assert (seen.error, seen.ill, seen.waits) == ("", (), ())
    assert {"Netlogon", "kdc", "DNS", "IAS", "WinRM"} <= set(seen.services)
    assert ("NTDS" in seen.services, "DFSR" in seen.services) == (release != "2003", release != "2003")
    assert seen.uptime == pytest.approx(30 * 86400, abs=60)


WAITING: t.Final = {
    "2003": (Step(module="reserved_ports", options={"ports": ["1812"]}), "reserved ports (ReservedPorts)"),
    "2022": (Step(module="static_rpc_port", options={"ports": {"ntds": 49200}}), "fixed RPC port (ntds)"),
}


@pytest.mark.parametrize(("release", "step", "what"), [(key, *row) for key, row in WAITING.items()], ids=WAITING)
def test_what_waits_is_read_from_the_server_until_it_has_booted(release: str, step: Step, what: str) -> None:
    assert _looked(release, steps=[step]).waits == (what,)
    assert _looked(release, steps=[step], acts=[{"do": "boot"}]).waits == ()


def test_a_controller_that_does_not_serve_is_named_with_the_reason() -> None:
    seen = _looked("2022", acts=[NETLOGON_STOPPED])
    assert seen.refusal == "dc does not serve: Netlogon is Stopped."


def test_dns_must_hold_its_port() -> None:
    runner = CaseRunner(HostCase(id="dc", server={"release": "2022", "roles": DC, "broken": False}, steps=()))
    states = runner.run_step(STATES).result
    nobody: Json = {"sockets": []}
    assert looked("dc", nobody, states).down == ("DNS does not hold TCP 53", "DNS does not hold UDP 53")
    assert looked("dc", {"sockets": None}, states).down == ("it is not known who holds port 53",)


UNREAD: t.Final[dict[str, tuple[Json, Json, str]]] = {
    "nothing": ({}, {}, "it did not answer all questions."),
    "unreachable": ({"unreachable": True, "msg": "no way"}, {"skipped": True}, "no way"),
    "failed": ({"sockets": []}, {"failed": True, "msg": "DFSR is disabled"}, "DFSR is disabled"),
    "half": ({"sockets": []}, {}, "it did not answer all questions."),
    "no answer": ({WAITS: None}, {"before": {"state": {}}}, "it did not answer all questions."),
}


@pytest.mark.parametrize(("looked_at", "served", "error"), UNREAD.values(), ids=UNREAD)
def test_a_server_that_was_not_read_is_not_well(looked_at: Json, served: Json, error: str) -> None:
    assert looked("dc", looked_at, served).refusal == f"dc could not be read: {error}"


# --- the filter ------------------------------------------------------------------------------------------------------

STATED: t.Final[Json] = {"before": {"state": {}}}
DUE: t.Final[Json] = {"sockets": [], "release": {"uptime": 7200}}
WRONG: t.Final[dict[str, tuple[t.Any, Json, str]]] = {
    "no mapping": ([], {}, "a mapping of server names to two results each"),
    "one result": ({"a": [{}]}, {}, "a mapping of server names to two results each"),
    "no sites": ({}, {"sites": ["Berlin"]}, "the sites as a mapping"),
    "none at once": ({}, {"at_once": "0"}, "at_once: '0' is no number from 1 on"),
    "no number": ({}, {"uptime_hours": "soon"}, "uptime_hours: 'soon' is no number from 0 on"),
}


@pytest.mark.parametrize(("results", "options", "sentence"), WRONG.values(), ids=WRONG)
def test_the_filter_refuses_what_it_can_t_use(results: t.Any, options: Json, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence):
        FilterModule().filters()["reboot_plan"](results, **options)


def test_the_filter_takes_numbers_as_the_command_line_gives_them_and_returns_plain_values() -> None:
    results = {"a": (DUE, STATED), "b": [DUE, STATED]}
    plan = FilterModule().filters()["reboot_plan"](results, {"a": 1, "b": 2}, at_once="2", uptime_hours="0")
    assert plan["waves"] == [["a", "b"]]
    assert plan["servers"]["a"] == {"site": "1", "wave": 1, "why": ["up for 2.0 hours"], "services": [], "others": []}
    assert plan["refusals"] == []
