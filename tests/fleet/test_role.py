# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role exchange_edge_dns on every release: broken, healthy and wrong servers; some by playbooks/edge.yml."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import pytest

from tests.fleet.host_cases import Json, TaskRun
from tests.fleet.role_contract import RoleContract, Server, asked_to_stop, converged, play_role
from tests.fleet.role_runs import Runs
from tests.fleet.snapshot import Protocol, Snapshot

AD_LDS: t.Final = "ADAM_MSExchange"
DEPENDENTS: t.Final = ("MSExchangeEdgeCredential", "MSExchangeTransport")
BOOTS: t.Final = 1000
"""Of the plain broken server of each release, once it is fixed."""
FEW_BOOTS: t.Final = 100
"""Of the many variants."""

Fix: t.TypeAlias = t.Literal["reserved", "delayed", "excluded"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class EdgeServer(Server):
    """A server with the Edge role. ``fix`` is the documented one of its release."""

    fix: Fix
    broken: bool
    ports: tuple[int, int]
    entries: tuple[str, ...]
    """What the list of the fix holds in the end."""


OTHER_PORTS: t.Final[Json] = {"ldap_port": 51389, "ssl_port": 51636}
NTLM: t.Final[Json] = {"wire": {"transport": "ntlm"}}
REBOOT: t.Final[Json] = {"exchange_edge_dns_reboot": True}
BELT: t.Final[Json] = {"exchange_edge_dns_reserve": True}
NARROW: t.Final[Json] = {"exchange_edge_dns_dynamic_range": {"start": 51000, "number": 14536}}
"""A range of Windows Server 2008 without the ports."""
BOTH_BELTS: t.Final[Json] = {**BELT, "exchange_edge_dns_stop_services": True}


def _edge(
    name: str,
    *,
    release: str,
    fix: Fix,
    broken: bool,
    more: Json | None = None,
    variables: Json | None = None,
    ports: tuple[int, int] = (50389, 50636),
    extra: tuple[str, ...] = (),
    at_stake: bool = True,
) -> EdgeServer:
    """``extra``: entries that the list holds besides those of the ports."""
    entries = tuple(sorted([*extra, *(f"{port}-{port}" for port in ports)]))
    protocols: tuple[Protocol, ...] = ("tcp", "udp")
    return EdgeServer(
        id=name,
        scenario={"release": release, "broken": broken, **(more or {})},
        variables=variables or {},
        fix=fix,
        broken=broken,
        ports=ports,
        entries=entries,
        down=frozenset({AD_LDS, *DEPENDENTS}) if broken else frozenset(),
        owners={**{("tcp", port): AD_LDS for port in ports}, ("udp", 53): "DNS"},
        reserved=entries if fix == "reserved" else None,
        pool=entries if fix == "excluded" else None,
        excluded=dict.fromkeys(protocols, ports) if variables == BOTH_BELTS else {},
        reboots=variables == REBOOT,
        in_force="no" if variables == BELT else "yes",
        at_stake=at_stake,
        boots=BOOTS if name.endswith("-broken") else FEW_BOOTS,
    )


SERVERS: t.Final = (
    _edge("2003-broken", release="2003", fix="reserved", broken=True),
    _edge("2003-healthy", release="2003", fix="reserved", broken=False),
    _edge("2003-german-ntlm", release="2003", fix="reserved", broken=True, more={"language": "de", **NTLM}),
    _edge("2003-winrm-1.1", release="2003", fix="reserved", broken=True, more={"winrm_stack": "1.1"}),
    _edge(
        "2003-without-update",
        release="2003",
        fix="reserved",
        broken=False,
        more={"update": False},
        at_stake=False,
    ),
    _edge(
        "2003-others-reserved",
        release="2003",
        fix="reserved",
        broken=True,
        more={"reserved_ports": ["3343-3343"]},
        extra=("3343-3343",),
    ),
    # With MaxUserPort the pool begins at 1024: without 4500 the next boot might cut the server off.
    _edge(
        "2003-max-user-port",
        release="2003",
        fix="reserved",
        broken=False,
        more={"max_user_port": 65534},
        extra=("4500-4500",),
    ),
    _edge(
        "2003-other-ports",
        release="2003",
        fix="reserved",
        broken=True,
        more=OTHER_PORTS,
        ports=(51389, 51636),
    ),
    _edge("2003-rebooted", release="2003", fix="reserved", broken=True, variables=REBOOT),
    _edge("2008-broken", release="2008", fix="delayed", broken=True),
    _edge("2008-healthy", release="2008", fix="delayed", broken=False),
    _edge("2008-range", release="2008", fix="delayed", broken=True, variables=NARROW),
    _edge("2008r2-broken", release="2008r2", fix="excluded", broken=True),
    _edge(
        "2008r2-hotfix-german",
        release="2008r2",
        fix="excluded",
        broken=True,
        more={"language": "de", "netsh_hotfix": True},
    ),
    _edge("2008r2-healthy", release="2008r2", fix="excluded", broken=False),
    _edge("2012r2-ntlm-broken", release="2012r2", fix="excluded", broken=True, more=NTLM),
    _edge("2016-broken", release="2016", fix="excluded", broken=True),
    _edge("2019-broken", release="2019", fix="excluded", broken=True),
    _edge("2022-broken", release="2022", fix="excluded", broken=True),
    _edge("2022-healthy", release="2022", fix="excluded", broken=False),
    _edge("2022-other-ports", release="2022", fix="excluded", broken=True, more=OTHER_PORTS, ports=(51389, 51636)),
    _edge("2022-belt", release="2022", fix="excluded", broken=False, variables=BELT),
    _edge("2022-both-belts", release="2022", fix="excluded", broken=False, variables=BOTH_BELTS),
    _edge("2022-both-belts-broken", release="2022", fix="excluded", broken=True, variables=BOTH_BELTS),
    _edge("2025-broken", release="2025", fix="excluded", broken=True),
)

KEEP_DNS: t.Final[Json] = {"exchange_edge_dns_restart_dns": False}
REQUIRE: t.Final[Json] = {"exchange_edge_dns_require": True}

OTHERS: t.Final[c.Mapping[str, Json]] = {
    "no-ad-lds": {"release": "2022", "roles": ["dns"], "groups": ["edge"]},
    "no-dns": {"release": "2003", "roles": ["exchange_edge"]},
    "no-ad-lds-required": {"release": "2003", "roles": ["dns"], "groups": ["edge"], "vars": REQUIRE},
    "no-dns-required": {"release": "2022", "roles": ["exchange_edge"], "vars": REQUIRE},
    "dns-kept-and-down": {"release": "2022", "broken": True, "vars": KEEP_DNS},
    "dns-kept-and-healthy": {"release": "2022", "broken": False, "vars": KEEP_DNS},
}
"""Servers that the role leaves alone, or must not fix."""


BY_PROGRAM: t.Final = (
    "2003-german-ntlm",
    "2003-winrm-1.1",
    "2003-rebooted",
    "2008-broken",
    "2012r2-ntlm-broken",
    "2022-both-belts-broken",
    "no-ad-lds",
    "no-dns-required",
)
"""One of each mechanism, NTLM, WinRM 1.1 with its port, a reboot, and both ends on servers of another kind."""


@pytest.fixture(scope="module")
def runs() -> Runs:
    return play_role("exchange_edge_dns", SERVERS, OTHERS, by_program=BY_PROGRAM, playbook="edge")


@pytest.fixture(params=SERVERS, ids=lambda server: server.id)
def server(request: pytest.FixtureRequest) -> EdgeServer:
    return t.cast("EdgeServer", request.param)


class TestExchangeEdgeDns(RoleContract):
    """What every role promises."""


def test_check_mode_shows_the_change(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.checked, server.id)
    assert task_run.after.data == task_run.before.data
    assert runs.checked.recap[server.id]["changed"] == 1
    assert ("The server would be rebooted" in task_run.message) is (server.variables == REBOOT)
    wanted = ["delayed"] if server.fix == "delayed" else server.entries
    assert all(f'"{entry}"' in runs.checked.output for entry in wanted)


def test_nobody_else_has_the_ports_and_all_victims_are_well(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.first, server.id)
    assert task_run.after.runs(AD_LDS, *DEPENDENTS, "DNS")
    for port in server.ports:
        assert task_run.after.holders("tcp", port) == {AD_LDS}
        assert task_run.after.holders("udp", port) <= {AD_LDS}
    assert task_run.after.holders("udp", 53) == {"DNS"}
    assert all(victim["ok"] for victim in task_run.result["victims"])


def test_the_documented_fix_is_not_configured_before(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.first, server.id)
    assert not _fixed(server, task_run.before)
    assert _fixed(server, task_run.after)


def _fixed(server: EdgeServer, snapshot: Snapshot) -> bool:
    if server.fix == "reserved":
        return tuple(sorted(snapshot.reserved or [])) == server.entries
    if server.fix == "delayed":
        return snapshot.start_mode("DNS") == "delayed"
    return tuple(sorted(snapshot.pool_exclusions or [])) == server.entries


def test_what_was_down_is_told(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.first, server.id)
    expected = {AD_LDS, *DEPENDENTS} if server.broken else set()
    assert set(task_run.result["relieved"]) == expected
    assert {report["service"]: report["state"] for report in task_run.result["victims_before"]} == {
        AD_LDS: "Stopped" if server.broken else "Running"
    }


def test_healthy_services_are_not_touched(runs: Runs, server: EdgeServer) -> None:
    """DNS is restarted only if its list changed, and AD LDS if the user allowed it for the netsh exclusions."""
    task_run = converged(runs.first, server.id)
    allowed = {"DNS"} if server.fix == "excluded" or server.broken else set()
    allowed |= {AD_LDS, *DEPENDENTS} if server.broken or server.variables == BOTH_BELTS else set()
    restarted = set(asked_to_stop(task_run)) if task_run.result["rebooted"] else _with_another_process(task_run)
    assert restarted <= allowed
    assert task_run.result["dns_restarted"] is ("DNS" in restarted)


def _with_another_process(task_run: TaskRun) -> set[str]:
    return {
        name for name in task_run.before.data["services"] if _pid(task_run.before, name) != _pid(task_run.after, name)
    }


def _pid(snapshot: Snapshot, service: str) -> int:
    return int(snapshot.service(service)["pid"])


def test_the_second_belt_is_put_on_where_it_is_wanted(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.first, server.id)
    wanted = list(server.entries) if server.variables == BOTH_BELTS else []
    assert task_run.after.excluded("tcp") == task_run.after.excluded("udp") == wanted
    waiting = [item for resource in task_run.result["resources"] for item in resource["waiting_for"]]
    assert bool(waiting) == (server.variables == BELT)


def test_a_range_is_set_where_it_was_chosen(runs: Runs, server: EdgeServer) -> None:
    ranges = converged(runs.first, server.id).after.data["dynamic_ranges"]
    narrow = dict.fromkeys(("ipv4 tcp", "ipv4 udp", "ipv6 tcp", "ipv6 udp"), "51000-65535")
    assert (ranges == narrow) is (server.variables == NARROW)


def test_it_is_said_whether_programs_can_take_the_ports(runs: Runs, server: EdgeServer) -> None:
    notes = converged(runs.first, server.id).result["notes"]
    first, last = server.ports
    if server.fix != "excluded" or server.variables in (BELT, BOTH_BELTS):
        assert not [note for note in notes if "programs" in note]
        return
    can, advice = notes
    assert f"TCP {first}, {last}, UDP {first}, {last} by programs that ask for any free port" in can
    assert f"exchange_edge_dns_stop_services: true, keeps {first}/tcp, {last}/tcp" in advice


def test_it_is_said_whether_it_is_in_force(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.first, server.id)
    rebooted = server.variables == REBOOT
    assert task_run.result["reboot_required"] is (server.fix == "reserved" and not rebooted)
    assert task_run.result["restart_required"] is False
    effective = "yes" if rebooted or (server.fix == "excluded" and server.variables != BELT) else "no"
    assert task_run.result["effective"] == effective
    final = runs.first.task_runs[server.id][-1]
    assert ("waits for a reboot" in final.message) is (server.fix == "reserved")
    assert ("The server was rebooted" in final.message) is rebooted


@pytest.mark.parametrize("host", BY_PROGRAM)
def test_the_role_is_one_task_that_says_its_sentences(runs: Runs, host: str) -> None:
    """Each task is a process for each server. A failure is shown by Ansible."""
    (task_run,) = runs.first.task_runs[host]
    for sentence in (task_run.result["msg"], *task_run.result.get("notes", ())):
        assert (f"\n{host}: {sentence}\n" in runs.first.output) is (task_run.event == "ok")


def test_a_second_run_leaves_the_event_logs_alone_too(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.second, server.id)
    assert task_run.after.data == task_run.before.data


def test_a_second_run_knows_what_still_waits(runs: Runs, server: EdgeServer) -> None:
    first, second = converged(runs.first, server.id), converged(runs.second, server.id)
    if server.variables == REBOOT:
        assert (second.result["effective"], second.result["reboot_required"]) == ("yes", False)
    assert second.result["reasons"] == first.result["reasons"]


def test_after_a_boot_everything_runs_and_stays(runs: Runs, server: EdgeServer) -> None:
    task_run = converged(runs.booted, server.id)
    assert task_run.after.data == task_run.before.data
    assert task_run.after.runs(AD_LDS, *DEPENDENTS, "DNS")


def test_that_many_boots_were_looked_at(runs: Runs, server: EdgeServer) -> None:
    assert runs.after[server.id]["boots"] == server.boots


def test_taking_it_back_is_a_change_and_the_second_time_none(runs: Runs, server: EdgeServer) -> None:
    assert converged(runs.undone, server.id).result["changed"] is True
    again = converged(runs.undone_again, server.id)
    assert again.after.data == again.before.data


def test_a_permitted_reboot_puts_it_in_force(runs: Runs) -> None:
    task_runs = runs.first.task_runs["2003-rebooted"]
    proved = converged(runs.first, "2003-rebooted")
    assert proved.after.boot == task_runs[0].before.boot + 1
    assert (proved.result["effective"], proved.result["reboot_required"]) == ("yes", False)
    assert proved.after.data["boot"]["effective_reserved"] == [50389, 50636]
    assert proved.after.runs(AD_LDS, *DEPENDENTS, "DNS")


def test_port_4500_comes_along_where_the_next_boot_could_block_the_server(runs: Runs) -> None:
    task_run = converged(runs.first, "2003-max-user-port")
    assert "UDP 4500" in task_run.warnings
    assert "KB912023" in task_run.warnings
    assert runs.before["2003-max-user-port"]["block_modes"] > 0


@pytest.mark.parametrize(
    ("host", "service"), [("no-ad-lds", AD_LDS), ("no-dns", "DNS")], ids=["without AD LDS", "without DNS"]
)
def test_a_server_of_another_kind_is_left_alone(runs: Runs, host: str, service: str) -> None:
    task_run = converged(runs.first, host)
    assert task_run.event == "ok"
    assert task_run.result["changed"] is False
    assert task_run.result["applicable"] is False
    assert service in task_run.message
    assert task_run.after.data == task_run.before.data


@pytest.mark.parametrize(
    ("host", "service"),
    [("no-ad-lds-required", AD_LDS), ("no-dns-required", "DNS")],
    ids=["without AD LDS", "without DNS"],
)
def test_a_server_of_another_kind_is_an_error_where_that_is_wanted(runs: Runs, host: str, service: str) -> None:
    task_run = converged(runs.first, host)
    assert task_run.event == "failed"
    assert service in task_run.message
    assert task_run.after.data == task_run.before.data


def test_what_stays_down_because_dns_must_not_stop_fails_the_run(runs: Runs) -> None:
    task_run = converged(runs.first, "dns-kept-and-down")
    assert task_run.event == "failed"
    assert AD_LDS in task_run.message
    assert "dns.exe" in task_run.message
    assert "restart_dns is false" in task_run.message
    assert _pid(task_run.before, "DNS") == _pid(task_run.after, "DNS")


def test_where_dns_must_not_stop_the_change_waits_for_a_restart(runs: Runs) -> None:
    for fleet_run in (runs.first, runs.second):
        task_run = converged(fleet_run, "dns-kept-and-healthy")
        assert task_run.event == "ok"
        assert (task_run.result["effective"], task_run.result["restart_required"]) == ("no", True)
        assert _pid(task_run.before, "DNS") == _pid(task_run.after, "DNS")
    assert converged(runs.second, "dns-kept-and-healthy").result["changed"] is False
