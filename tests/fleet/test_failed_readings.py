# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reading of ``port_info`` that can fail, on each generation of Windows: what rests on it is lost, and said.

Failing means a fault of WMI, a refusal, or an answer without content. Lists that may be empty are no failure then.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.failing_readings import HOWS, How, SpoiltRunner
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner

SEGMENTS: t.Final[Json] = {"tcp_segments": {"sent": 1_000_000, "retransmitted": 50_000}}
SERVERS: t.Final[dict[str, Json]] = {
    "2003": {"release": "2003"},
    "2008": {"release": "2008"},
    "2008r2": {"release": "2008r2", "netsh_hotfix": True},
    "2012r2": {"release": "2012r2"},
    "2022": {"release": "2022"},
}
"""Of each way to read something one."""
BEFORE_THE_POOL: t.Final = frozenset({"2003", "2008"})
DELAYING: t.Final = frozenset(SERVERS) - {"2003"}
WITH_NETSH: t.Final = frozenset(SERVERS) - {"2003"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """What is asked of a server, and what rests on the answer; ``lost`` begins with whole subsets."""

    match: str
    name: str
    lost: tuple[str, ...]
    changes: frozenset[str] = frozenset()
    """Subsets that are still there and say something else."""
    asked: frozenset[str] = frozenset(SERVERS)
    may_be_empty: bool = False


READINGS: t.Final[dict[str, Reading]] = {
    "updates": Reading(
        match="Win32_QuickFixEngineering",
        name="the list of updates",
        lost=("whether KB951746 or KB953230 is listed",),
        changes=frozenset({"updates"}),
        asked=BEFORE_THE_POOL,
        may_be_empty=True,
    ),
    "one way to dependencies": Reading(match="Win32_DependentService", name="", lost=(), asked=frozenset()),
    "system log": Reading(
        match="Logfile = 'System'",
        name="the events of the log System",
        lost=("findings (services that lost a port and left no exit code that says so)",),
        may_be_empty=True,
    ),
    "dns log": Reading(
        match="Logfile = 'DNS Server'",
        name="the events of the log DNS Server",
        lost=("findings (dns_is_victim)",),
        may_be_empty=True,
    ),
    "counters": Reading(match="Tcpip_TCPv4", name="the counters of TCP", lost=("findings (network_retransmits)",)),
    "adapters": Reading(
        match=r"Win32_NetworkAdapter\b", name="the network adapters", lost=("findings (network_retransmits)",)
    ),
    "drivers": Reading(
        match="Win32_PnPSignedDriver",
        name="the drivers",
        lost=("findings (network_retransmits, as far as drivers are old)",),
        may_be_empty=True,
    ),
    "excluded ranges": Reading(
        match="excludedportrange",
        name="the excluded port ranges",
        lost=(
            "reservations",
            "configured_versus_effective (reserved_ports)",
            "what excluded port ranges change about risk and findings",
        ),
        asked=WITH_NETSH,
    ),
    "dynamic ranges": Reading(
        match="dynamicport",
        name="the dynamic port ranges",
        lost=("dynamic_ranges", "dns_pool", "risk"),
        asked=WITH_NETSH,
    ),
    "services": Reading(
        match=r"Win32_Service\b",
        name="the services",
        lost=("dns_pool", "ad_lds", "services", "roles", "risk"),
        changes=frozenset({"findings", "configured_versus_effective"}),
    ),
    "DNS's key": Reading(
        match=r"Services\\DNS\\Parameters",
        name=r"the registry key HKLM\SYSTEM\CurrentControlSet\Services\DNS\Parameters",
        lost=(
            "dns_pool",
            "risk",
            "configured_versus_effective (dns_socket_pool)",
            "findings (pool_size_small, dead_pool_value, range_nearly_used_up)",
        ),
        # Whether the pool's list keeps a lost port is None then.
        changes=frozenset({"findings"}),
        may_be_empty=True,
    ),
    "journal": Reading(
        match="Portkeeper",
        name=r"the registry key HKLM\SOFTWARE\Portkeeper",
        lost=("what earlier runs changed",),
        may_be_empty=True,
    ),
}
CASES: t.Final = [(release, name, how) for release in SERVERS for name in READINGS for how in HOWS]


ABOUT_ALL: t.Final = {"msg", "verdict", "warnings", "unread"}
"""Fields that speak of all that was read."""


def _case(release: str) -> HostCase:
    return HostCase(id=release, server={**SERVERS[release], "broken": True, "evidence": SEGMENTS}, steps=())


def _step(release: str) -> Step:
    """DNS delayed since, so that dependencies matter."""
    act = {"do": "set_start_mode", "service": "DNS", "mode": "delayed"}
    return Step(module="port_info", options={"detail": "full"}, acts=(act,) if release in DELAYING else ())


@pytest.fixture(scope="module")
def whole() -> dict[str, TaskRun]:
    """What each server says if everything can be read."""
    return {release: CaseRunner(_case(release)).run_step(_step(release)) for release in SERVERS}


@pytest.mark.parametrize(("release", "name", "how"), CASES, ids=["-".join(case) for case in CASES])
def test_what_is_lost_is_what_rests_on_it(whole: dict[str, TaskRun], release: str, name: str, how: How) -> None:
    reading = READINGS[name]
    task_run = SpoiltRunner(_case(release), reading.match, how).run_step(_step(release))
    assert task_run.event == "ok", task_run.message
    fails = release in reading.asked and not (how == "empty" and reading.may_be_empty)
    lost = [text for row in task_run.result["unread"] for text in row["lost"]]
    assert set(reading.lost) <= set(lost) if fails else lost == []
    subsets = {text for text in lost if " " not in text}
    assert {subset for subset in subsets if task_run.result[subset] is not None} == set()
    usual = whole[release].result
    different = {subset for subset in usual if task_run.result[subset] != usual[subset]} - {
        "msg",
        "verdict",
        "warnings",
        "unread",
    }
    assert different - subsets <= reading.changes, different


@pytest.mark.parametrize(("release", "name", "how"), CASES, ids=["-".join(case) for case in CASES])
def test_what_is_lost_is_said(release: str, name: str, how: How) -> None:
    reading = READINGS[name]
    runner = SpoiltRunner(_case(release), reading.match, how)
    shown, queried = (
        runner.run_step(dataclasses.replace(_step(release), options=options))
        for options in ({}, {"query": "findings[].kind"})
    )
    fails = release in reading.asked and not (how == "empty" and reading.may_be_empty)
    named = f"Not read: {reading.name}"
    assert (named in shown.message) == fails
    assert (f"Could not read {reading.name}" in shown.warnings) == fails
    about_findings = any("findings" in text for row in queried.result["unread"] for text in row["lost"])
    assert ("Not read: " in queried.message) == bool(queried.result["unread"])
    assert not (fails and any(text.startswith("findings (") for text in reading.lost)) or about_findings


NEARLY: t.Final = "range_nearly_used_up"
SOCKETS: t.Final = "netstat|MSFT_Net"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("release", SERVERS)
def test_a_lost_port_is_found_though_its_holder_can_not_be_seen(release: str, how: How) -> None:
    task_run = SpoiltRunner(_case(release), SOCKETS, how).run_step(_step(release))
    (row,) = task_run.result["findings"]
    assert row["kind"] == "port_taken_by_unknown"
    assert "could not be read" in row["summary"]
    assert row["service"] == "ADAM_MSExchange"
    assert "Not read: " in task_run.message


def test_ranges_of_programs_are_looked_at_though_the_pool_s_settings_can_not_be_read() -> None:
    case = HostCase(id="reserved", server={**SERVERS["2003"], "reserved_ports": ["1024-65535"]}, steps=())
    readable, spoilt = (
        [row["summary"] for row in runner.run_step(_step("2003")).result["findings"] if row["kind"] == NEARLY]
        for runner in (CaseRunner(case), SpoiltRunner(case, READINGS["DNS's key"].match, "fault"))
    )
    assert spoilt == [text for text in readable if "pool" not in text]
    assert 0 < len(spoilt) < len(readable)


@pytest.mark.parametrize("release", SERVERS)
def test_with_no_way_to_the_updates_the_sockets_tell_of_the_pool(release: str) -> None:
    """An unreadable Win32_QuickFixEngineering once cost all findings, without a word."""
    task_run = SpoiltRunner(_case(release), "Win32_QuickFixEngineering", "fault").run_step(_step(release))
    assert [row["kind"] for row in task_run.result["findings"]] == ["port_taken_by_dns_pool"]
    assert task_run.result["risk"]["pool"] == ("confirmed" if release in BEFORE_THE_POOL else "always")


@pytest.mark.parametrize("release", SERVERS)
def test_an_account_that_may_read_nothing_is_told_so(release: str) -> None:
    """That much is known of the release is no answer to anything else."""
    everything = "^(?!.*Win32_OperatingSystem)"
    task_run = SpoiltRunner(_case(release), everything, "denied").run_step(_step(release))
    assert task_run.event == "failed"
    assert "access is denied" in task_run.message


@pytest.mark.parametrize("release", SERVERS)
def test_a_healthy_server_is_called_so(release: str) -> None:
    server = {**SERVERS[release], "broken": False}
    healthy = CaseRunner(HostCase(id=release, server=server, steps=())).run_step(Step(module="port_info", options={}))
    assert "Nothing wrong was found." in healthy.message
    spoilt = SpoiltRunner(HostCase(id=release, server=server, steps=()), "Logfile = 'System'", "fault")
    run = spoilt.run_step(Step(module="port_info", options={}))
    assert "Nothing wrong was found in what could be read." in run.message
