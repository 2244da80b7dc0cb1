# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``converge`` as users call it: several resources at once, victims of their own, what it may not do, and the proof."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import Event, HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import Snapshot

MODULE: t.Final = "converge"
AD_LDS: t.Final = "ADAM_MSExchange"
DEPENDENTS: t.Final = ("MSExchangeEdgeCredential", "MSExchangeTransport")
EDGE: t.Final[Json] = {"service": AD_LDS, "ad_lds_instance": "MSExchange", "dependents": list(DEPENDENTS)}
EXCLUDED: t.Final[Json] = {"dns_socket_pool": {"ad_lds_instances": ["MSExchange"]}}
THIEF: t.Final[Json] = {"do": "bind", "image": "thief.exe", "protocol": "tcp", "port": 50389}
STOP_EDGE: t.Final[tuple[Json, ...]] = tuple({"do": "stop_service", "service": name} for name in (*DEPENDENTS, AD_LDS))

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A run that must not do something, or can't: its status, and what its sentence says."""

    id: str
    options: Json
    sentence: str
    event: Event = "failed"
    changed: bool = False
    server: Json = dataclasses.field(default_factory=lambda: {"release": "2022", "broken": True})
    acts: tuple[Json, ...] = ()


CASES: t.Final = (
    Case(
        id="dns-must-not-stop",
        options={"victims": [EDGE], "relieve": True, "restart_dns": False},
        sentence=rf"{AD_LDS}.* is down: UDP \d+ is held by dns\.exe .*restart_dns is false",
    ),
    Case(
        id="no-relief",
        options={"victims": [EDGE], "restart_dns": True, "prove": True},
        sentence=rf"{AD_LDS}.* is down: relieve is false",
    ),
    Case(
        id="victim-disabled",
        server={"release": "2022", "broken": False, "start_modes": {AD_LDS: "disabled"}},
        acts=STOP_EDGE,
        options={"victims": [EDGE], "relieve": True, "restart_dns": True},
        sentence=rf"{AD_LDS}.* is down: {AD_LDS} is disabled",
    ),
    Case(
        id="stranger-holds-the-port",
        server={"release": "2022", "broken": False},
        acts=(*STOP_EDGE, THIEF),
        options={"victims": [EDGE], "relieve": True, "restart_dns": True},
        sentence=rf"{AD_LDS}.* is down: TCP 50389 is held by thief\.exe .*stop that process",
    ),
    Case(
        id="a-connection-holds-the-port",
        server={"release": "2022", "broken": False},
        acts=(*STOP_EDGE, {**THIEF, "state": "established", "remote": "192.0.2.77:443"}),
        options={"victims": [EDGE], "relieve": True, "restart_dns": True},
        sentence=rf"{AD_LDS}.* is down: TCP 50389 is held by an outgoing connection of thief\.exe \(process \d+\) to "
        r"192\.0\.2\.77:443; stop or restart that process",
    ),
    Case(
        id="a-connection-holds-the-port-by-netstat",
        server={"release": "2003", "roles": ["blackberry_router"], "tcp_clients": 2200, "broken": True},
        options={
            "victims": [{"service": "BlackBerry Router", "ports": ["3101/tcp"]}],
            "relieve": True,
            "restart_dns": True,
        },
        sentence=r"BlackBerry Router.* is down: TCP 3101 is held by an outgoing connection of lsass\.exe "
        r".* to 192\.0\.2\.99:389; wait until that connection ends, or reboot",
    ),
    Case(
        id="a-connection-is-no-proof",
        server={"release": "2022", "broken": False},
        acts=({**THIEF, "image": "w32tm.exe", "port": 5353, "state": "established", "remote": "192.0.2.77:443"},),
        options={"victims": [{"service": "W32Time", "image": "w32tm.exe", "ports": ["5353/tcp"]}], "prove": True},
        sentence=r"W32Time runs, but TCP 5353 is held by nobody",
    ),
    Case(
        id="accepted-connections-take-nothing",
        event="ok",
        server={"release": "2022", "broken": False},
        options={"victims": [EDGE], "relieve": True, "restart_dns": True, "prove": True},
        sentence=r"Nothing to change",
    ),
    Case(
        id="proof-finds-a-stranger",
        server={"release": "2022", "broken": False},
        acts=({**THIEF, "protocol": "udp", "port": 5353},),
        options={
            "victims": [{"service": "W32Time", "ports": ["123/udp"], "optional_ports": ["5353/udp"]}],
            "prove": True,
        },
        sentence=r"W32Time runs, but UDP 5353 is held by thief\.exe",
    ),
    Case(
        id="proof-finds-a-port-unused",
        server={"release": "2022", "broken": False},
        options={"victims": [{"service": "W32Time", "ports": ["5353/udp"]}], "prove": True},
        sentence=r"W32Time runs, but UDP 5353 is held by nobody",
    ),
    Case(
        id="nobody-asked-for-a-proof",
        event="ok",
        server={"release": "2022", "broken": False},
        options={"victims": [{"service": "W32Time", "ports": ["5353/udp"]}]},
        sentence=r"Nothing to change",
    ),
    Case(
        id="service-missing",
        event="ok",
        options={"victims": [EDGE], "required_services": ["NoSuch", "DNS"], "relieve": True, "restart_dns": True},
        sentence=r"Nothing to do here: this server has no service NoSuch",
    ),
    Case(
        id="service-missing-and-required",
        options={"victims": [EDGE], "required_services": ["NoSuch"], "require": True, "relieve": True},
        sentence=r"this server has no service NoSuch",
    ),
    Case(
        id="victim-missing",
        options={"victims": [{"service": "NoSuch", "ports": ["5000/tcp"]}], "relieve": True},
        sentence=r"service NoSuch: it does not exist",
    ),
    Case(
        id="second-resource-cannot-be-had",
        options={
            "resources": [
                {"dns_socket_pool": {"size": 3000}},
                {"reserved_ports": {"ports": ["5000"], "mechanism": "registry"}},
            ]
        },
        sentence=r"ignores the ReservedPorts value",
    ),
)

SEVERAL: t.Final[Json] = {
    "resources": [
        {"reserved_ports": {"ports": ["5000-5010"]}},
        {"dns_socket_pool": {"size": 3000}},
        {"dns_socket_pool": {"excluded_ports": ["5000-5010"]}, "when_capable": "dns_pool_exclusions"},
        {"service_start_mode": {"name": "W32Time", "start_mode": "manual"}},
        {"service_start_mode": {"name": "TermService", "start_mode": "delayed"}, "when_capable": ["delayed_start"]},
    ],
    "restart_dns": True,
}
RELEASES: t.Final = ("2003", "2008", "2008r2", "2012r2", "2022")

RADIUS: t.Final[Json] = {
    "resources": [
        {"reserved_ports": {"ports": ["1645-1646", "1812-1813"]}, "when_capable": "reserved_ports_value"},
    ],
    "victims": [{"service": "IAS", "ports": ["1645-1646/udp", "1812-1813/udp"]}],
    "relieve": True,
    "restart_dns": True,
    "prove": True,
}


def _three(options: Json) -> tuple[Step, ...]:
    return (
        Step(module=MODULE, options=options, check=True),
        Step(module=MODULE, options=options),
        Step(module=MODULE, options=options),
    )


def _several(release: str) -> HostCase:
    server = {"release": release, "roles": ["dns"], "netsh_hotfix": True, "language": "de"}
    return HostCase(id=f"several-on-{release}", server=server, steps=_three(SEVERAL))


OWN_BASELINE: t.Final = HostCase(
    id="radius-on-2003",
    server={"release": "2003", "roles": ["ias", "dns"], "max_user_port": 65534, "broken": True},
    steps=_three(RADIUS),
)
KILLED: t.Final = HostCase(
    id="dns-was-killed",
    server={"release": "2022", "broken": False},
    steps=(
        Step(
            module=MODULE,
            options={"resources": [EXCLUDED], "victims": [EDGE], "relieve": True, "restart_dns": True},
            acts=({"do": "kill_service", "service": AD_LDS},),
        ),
    ),
)


@pytest.fixture(scope="module")
def results() -> Results:
    cases = [
        HostCase(id=case.id, server=case.server, steps=(Step(module=MODULE, options=case.options, acts=case.acts),))
        for case in CASES
    ]
    return run_in_process([*cases, *map(_several, RELEASES), OWN_BASELINE, KILLED])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_must_not_or_cannot_be_done_is_said_and_not_done(results: Results, case: Case) -> None:
    (task_run,) = results[case.id]
    assert task_run.event == case.event, task_run.message
    assert re.search(case.sentence, task_run.message), task_run.message
    assert "Traceback" not in str(task_run.result)
    if not case.acts:
        assert task_run.after.data == task_run.before.data
    assert task_run.after.configuration == task_run.before.configuration


@pytest.mark.parametrize("release", RELEASES)
def test_several_resources_are_one_run(results: Results, release: str) -> None:
    checked, done, again = results[f"several-on-{release}"]
    assert checked.event == done.event == "ok", done.message
    assert checked.after.data == checked.before.data
    assert checked.result["changed"] is done.result["changed"] is True
    assert checked.result["diff"] == done.result["diff"]
    _assert_configured(done.after, release)
    assert again.result["changed"] is False
    assert again.after.data == again.before.data


def _assert_configured(snapshot: Snapshot, release: str) -> None:
    assert snapshot.pool_size == 3000
    assert snapshot.start_mode("W32Time") == "manual"
    assert snapshot.start_mode("TermService") == ("auto" if release == "2003" else "delayed")
    assert snapshot.pool_exclusions == (None if release in ("2003", "2008") else ["5000-5010"])
    if release == "2003":
        assert snapshot.reserved == ["5000-5010"]
    else:
        assert snapshot.excluded("tcp") == snapshot.excluded("udp") == ["5000-5010"]


@pytest.mark.parametrize("release", RELEASES)
def test_the_journal_is_written_at_most_twice(results: Results, release: str) -> None:
    """Before the first change, and after the restart that settles what waited for it."""
    _checked, done, _again = results[f"several-on-{release}"]
    written = [entry for entry in done.requests["log"] if entry["method"] == "SetStringValue"]
    # One more is the announcement to other controllers.
    assert 2 <= len(written) <= 3


@pytest.mark.parametrize("release", RELEASES)
def test_one_restart_serves_all(results: Results, release: str) -> None:
    _checked, done, _again = results[f"several-on-{release}"]
    stops = [entry for entry in done.requests["log"] if entry["method"] == "StopService"]
    assert len(stops) == 1
    assert done.result["dns_restarted"] is True
    assert done.result["restart_required"] is False


def test_a_baseline_of_ones_own(results: Results) -> None:
    """RADIUS on Windows Server 2003, as in KB956189, and UDP 4500 along with it."""
    checked, done, again = results[OWN_BASELINE.id]
    assert checked.after.data == checked.before.data
    assert not done.before.runs("IAS")
    assert done.event == "ok", done.message
    assert done.after.runs("IAS", "DNS")
    assert {frozenset(done.after.holders("udp", port)) for port in (1645, 1646, 1812, 1813)} == {frozenset({"IAS"})}
    assert done.after.reserved == ["1645-1646", "1812-1813", "4500-4500"]
    assert done.result["relieved"] == ["IAS"]
    assert again.result["changed"] is False
    assert again.result["reboot_required"] is True


def test_a_victim_that_died_is_started_without_a_restart_of_dns_unless_needed(results: Results) -> None:
    (task_run,) = results[KILLED.id]
    assert task_run.event == "ok", task_run.message
    assert task_run.after.runs(AD_LDS, *DEPENDENTS, "DNS")
    assert AD_LDS in task_run.result["relieved"]
