# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role exchange_edge_dns, by playbooks/edge.yml, on a fleet of every release: broken, healthy and wrong servers."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import pytest

from tests.fleet.role_contract import asked_to_stop
from tests.fleet.snapshot import Snapshot
from tests.fleet.stories import DEFAULTS, FleetRun, Json, TaskRun, playbook_run
from tests.simulator.control import running_fleet

PLAYBOOK: t.Final = "portkeeper.windows.edge"
AT_ONCE: t.Final = ("-e", "edge_serial=100%", "--diff")
UNDO: t.Final = ("-e", "exchange_edge_dns_state=absent", "-e", "exchange_edge_dns_reboot=false")
AD_LDS: t.Final = "ADAM_MSExchange"
DEPENDENTS: t.Final = ("MSExchangeEdgeCredential", "MSExchangeTransport")
MOST_REQUESTS: t.Final = 14
"""What a converged host may cost."""
BOOTS: t.Final = 1000
"""Of the plain broken server of each release, once it is fixed."""
FEW_BOOTS: t.Final = 100
"""Enough to see what an unfixed server loses, and for the many variants."""

Fix: t.TypeAlias = t.Literal["reserved", "delayed", "excluded"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server:
    """A server that the role has to fix. ``fix`` is the documented one of its release."""

    id: str
    release: str
    fix: Fix
    broken: bool
    more: Json = dataclasses.field(default_factory=dict)
    variables: Json = dataclasses.field(default_factory=dict)
    ports: tuple[int, int] = (50389, 50636)
    extra: tuple[str, ...] = ()
    """Entries that the list holds besides those of the ports."""
    at_stake: bool = True
    """Without the update of 2008 there is no socket pool that could rob anybody."""

    @property
    def scenario(self) -> dict[str, t.Any]:
        """Its entry in the scenario."""
        return {"release": self.release, "broken": self.broken, "vars": dict(self.variables), **self.more}

    @property
    def entries(self) -> list[str]:
        """What the list of the fix holds in the end."""
        return sorted([*self.extra, *(f"{port}-{port}" for port in self.ports)])

    @property
    def boots(self) -> int:
        """How many boots of the fixed server are looked at."""
        return BOOTS if self.id.endswith("-broken") else FEW_BOOTS

    def fixed(self, snapshot: Snapshot) -> bool:
        """Whether the fix is configured."""
        if self.fix == "reserved":
            return sorted(snapshot.reserved or []) == self.entries
        if self.fix == "delayed":
            return snapshot.start_mode("DNS") == "delayed"
        return sorted(snapshot.pool_exclusions or []) == self.entries


OTHER_PORTS: t.Final[Json] = {"ldap_port": 51389, "ssl_port": 51636}
NTLM: t.Final[Json] = {"wire": {"transport": "ntlm"}}
REBOOT: t.Final[Json] = {"exchange_edge_dns_reboot": True}
BELT: t.Final[Json] = {"exchange_edge_dns_reserve": True}
BOTH_BELTS: t.Final[Json] = {**BELT, "exchange_edge_dns_stop_services": True}

SERVERS: t.Final = (
    Server(id="2003-broken", release="2003", fix="reserved", broken=True),
    Server(id="2003-healthy", release="2003", fix="reserved", broken=False),
    Server(id="2003-german-ntlm", release="2003", fix="reserved", broken=True, more={"language": "de", **NTLM}),
    Server(id="2003-winrm-1.1", release="2003", fix="reserved", broken=True, more={"winrm_stack": "1.1"}),
    Server(
        id="2003-without-update",
        release="2003",
        fix="reserved",
        broken=False,
        more={"update": False},
        at_stake=False,
    ),
    Server(
        id="2003-others-reserved",
        release="2003",
        fix="reserved",
        broken=True,
        more={"reserved_ports": ["3343-3343"]},
        extra=("3343-3343",),
    ),
    # With MaxUserPort the pool begins at 1024: without 4500 the next boot might cut the server off.
    Server(
        id="2003-max-user-port",
        release="2003",
        fix="reserved",
        broken=False,
        more={"max_user_port": 65534},
        extra=("4500-4500",),
    ),
    Server(
        id="2003-other-ports",
        release="2003",
        fix="reserved",
        broken=True,
        more=OTHER_PORTS,
        ports=(51389, 51636),
    ),
    Server(id="2003-rebooted", release="2003", fix="reserved", broken=True, variables=REBOOT),
    Server(id="2008-broken", release="2008", fix="delayed", broken=True),
    Server(id="2008-healthy", release="2008", fix="delayed", broken=False),
    Server(id="2008r2-broken", release="2008r2", fix="excluded", broken=True),
    Server(
        id="2008r2-hotfix-german",
        release="2008r2",
        fix="excluded",
        broken=True,
        more={"language": "de", "netsh_hotfix": True},
    ),
    Server(id="2008r2-healthy", release="2008r2", fix="excluded", broken=False),
    Server(id="2012r2-ntlm-broken", release="2012r2", fix="excluded", broken=True, more=NTLM),
    Server(id="2016-broken", release="2016", fix="excluded", broken=True),
    Server(id="2019-broken", release="2019", fix="excluded", broken=True),
    Server(id="2022-broken", release="2022", fix="excluded", broken=True),
    Server(id="2022-healthy", release="2022", fix="excluded", broken=False),
    Server(id="2022-other-ports", release="2022", fix="excluded", broken=True, more=OTHER_PORTS, ports=(51389, 51636)),
    Server(id="2022-belt", release="2022", fix="excluded", broken=False, variables=BELT),
    Server(id="2022-both-belts", release="2022", fix="excluded", broken=False, variables=BOTH_BELTS),
    Server(id="2022-both-belts-broken", release="2022", fix="excluded", broken=True, variables=BOTH_BELTS),
    Server(id="2025-broken", release="2025", fix="excluded", broken=True),
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


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs of the playbook one after another, and the lottery before the first and after the second of them."""

    checked: FleetRun
    first: FleetRun
    second: FleetRun
    booted: FleetRun
    undone: FleetRun
    undone_again: FleetRun
    before: c.Mapping[str, Json]
    after: c.Mapping[str, Json]


def _converged(telling: FleetRun, host: str) -> TaskRun:
    """What converge did: the role's one task after the check of its own arguments."""
    (beat,) = (beat for beat in telling.beats[host] if "victims" in beat.result or "Relieve" in beat.task)
    return beat


@pytest.fixture(scope="module")
def runs() -> Runs:
    hosts = {**{server.id: server.scenario for server in SERVERS}, **OTHERS}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        control = fleet.control

        def run(*arguments: str) -> FleetRun:
            return playbook_run(control, fleet.inventory, PLAYBOOK, *AT_ONCE, *arguments)

        before = {server.id: control.host(server.id).lottery(FEW_BOOTS) for server in SERVERS}
        checked, first, second = run("--check"), run(), run()
        after = {server.id: control.host(server.id).lottery(server.boots) for server in SERVERS}
        for server in SERVERS:
            control.host(server.id).boot()
        booted, undone, undone_again = run(), run(*UNDO), run(*UNDO)
        return Runs(checked, first, second, booted, undone, undone_again, before, after)


@pytest.fixture(params=SERVERS, ids=lambda server: server.id)
def server(request: pytest.FixtureRequest) -> Server:
    return t.cast("Server", request.param)


def test_check_mode_tells_the_change_and_makes_none(runs: Runs, server: Server) -> None:
    beat = _converged(runs.checked, server.id)
    assert beat.event == "ok", beat.message
    assert beat.after.data == beat.before.data
    assert beat.result["changed"] is True
    assert beat.result["diff"] == _converged(runs.first, server.id).result["diff"]
    assert runs.checked.recap[server.id]["changed"] == 1
    assert ("The server would be rebooted" in beat.message) is (server.variables == REBOOT)
    wanted = ["delayed"] if server.fix == "delayed" else server.entries
    assert all(f'"{entry}"' in runs.checked.output for entry in wanted)


def test_everything_runs_and_has_its_ports(runs: Runs, server: Server) -> None:
    beat = _converged(runs.first, server.id)
    assert beat.event == "ok", beat.message
    assert beat.after.runs(AD_LDS, *DEPENDENTS, "DNS")
    for port in server.ports:
        assert beat.after.holders("tcp", port) == {AD_LDS}
        assert beat.after.holders("udp", port) <= {AD_LDS}
    assert beat.after.holders("udp", 53) == {"DNS"}
    assert all(victim["ok"] for victim in beat.result["victims"])


def test_the_documented_fix_is_configured(runs: Runs, server: Server) -> None:
    beat = _converged(runs.first, server.id)
    assert not server.fixed(beat.before)
    assert server.fixed(beat.after)


def test_what_was_down_is_told(runs: Runs, server: Server) -> None:
    beat = _converged(runs.first, server.id)
    expected = {AD_LDS, *DEPENDENTS} if server.broken else set()
    assert set(beat.result["relieved"]) == expected
    assert {report["service"]: report["state"] for report in beat.result["victims_before"]} == {
        AD_LDS: "Stopped" if server.broken else "Running"
    }


def test_healthy_services_are_not_touched(runs: Runs, server: Server) -> None:
    """DNS is restarted only if its list changed, and AD LDS if the user allowed it for the netsh exclusions."""
    beat = _converged(runs.first, server.id)
    allowed = {"DNS"} if server.fix == "excluded" or server.broken else set()
    allowed |= {AD_LDS, *DEPENDENTS} if server.broken or server.variables == BOTH_BELTS else set()
    restarted = set(asked_to_stop(beat)) if beat.result["rebooted"] else _with_another_process(beat)
    assert restarted <= allowed
    assert beat.result["dns_restarted"] is ("DNS" in restarted)


def _with_another_process(beat: TaskRun) -> set[str]:
    return {name for name in beat.before.data["services"] if _pid(beat.before, name) != _pid(beat.after, name)}


def _pid(snapshot: Snapshot, service: str) -> int:
    return int(snapshot.service(service)["pid"])


def test_dns_stops_only_once(runs: Runs, server: Server) -> None:
    log = _converged(runs.first, server.id).requests["log"]
    stops = [entry for entry in log if entry["method"] == "StopService" and "DNS" in entry["brief"]]
    assert len(stops) <= 1


def test_the_second_belt_is_put_on_where_it_is_wanted(runs: Runs, server: Server) -> None:
    beat = _converged(runs.first, server.id)
    wanted = server.entries if server.variables == BOTH_BELTS else []
    assert beat.after.excluded("tcp") == beat.after.excluded("udp") == wanted
    waiting = [item for resource in beat.result["resources"] for item in resource["waiting_for"]]
    assert bool(waiting) == (server.variables == BELT)


def test_it_is_said_whether_it_is_in_force(runs: Runs, server: Server) -> None:
    beat = _converged(runs.first, server.id)
    rebooted = server.variables == REBOOT
    assert beat.result["reboot_required"] is (server.fix == "reserved" and not rebooted)
    assert beat.result["restart_required"] is False
    effective = "yes" if rebooted or (server.fix == "excluded" and server.variables != BELT) else "no"
    assert beat.result["effective"] == effective
    final = runs.first.beats[server.id][-1]
    assert ("waits for a reboot" in final.message) is (server.fix == "reserved")
    assert ("The server was rebooted" in final.message) is rebooted


def test_a_second_run_changes_nothing(runs: Runs, server: Server) -> None:
    beat = _converged(runs.second, server.id)
    assert beat.event == "ok", beat.message
    assert runs.second.recap[server.id]["changed"] == 0
    assert beat.after.data == beat.before.data


def test_a_second_run_knows_what_still_waits(runs: Runs, server: Server) -> None:
    first, second = _converged(runs.first, server.id), _converged(runs.second, server.id)
    if server.variables == REBOOT:
        assert (second.result["effective"], second.result["reboot_required"]) == ("yes", False)
    for name in ("effective", "reboot_required", "restart_required", "reasons"):
        assert second.result[name] == first.result[name], name


def test_after_a_boot_everything_is_in_force(runs: Runs, server: Server) -> None:
    beat = _converged(runs.booted, server.id)
    assert beat.event == "ok", beat.message
    assert beat.result["changed"] is False
    assert beat.result["reboot_required"] is False
    assert beat.after.data == beat.before.data
    assert beat.after.runs(AD_LDS, *DEPENDENTS, "DNS")
    assert beat.result["effective"] == ("no" if server.variables == BELT else "yes")


def test_a_converged_server_costs_few_requests(runs: Runs, server: Server) -> None:
    requests = _converged(runs.booted, server.id).requests
    assert requests["requests"] - requests["authentication_rounds"] <= MOST_REQUESTS


def test_no_boot_is_lost_any_more(runs: Runs, server: Server) -> None:
    assert bool(runs.before[server.id]["victim_failures"]) == server.at_stake
    assert runs.after[server.id]["boots"] == server.boots
    assert runs.after[server.id]["victim_failures"] == 0
    assert runs.after[server.id]["block_modes"] == 0


def test_it_can_be_taken_back(runs: Runs, server: Server) -> None:
    beat = _converged(runs.undone, server.id)
    assert beat.event == "ok", beat.message
    assert beat.result["changed"] is True
    original = runs.checked.beats[server.id][0].before
    assert beat.after.configuration == original.configuration
    assert beat.after.journal is None
    again = _converged(runs.undone_again, server.id)
    assert again.result["changed"] is False
    assert again.after.data == again.before.data


def test_a_permitted_reboot_puts_it_in_force(runs: Runs) -> None:
    beats = runs.first.beats["2003-rebooted"]
    proved = _converged(runs.first, "2003-rebooted")
    assert proved.after.boot == beats[0].before.boot + 1
    assert (proved.result["effective"], proved.result["reboot_required"]) == ("yes", False)
    assert proved.after.data["boot"]["effective_reserved"] == [50389, 50636]
    assert proved.after.runs(AD_LDS, *DEPENDENTS, "DNS")


def test_nobody_else_is_rebooted(runs: Runs) -> None:
    boots = {
        server.id: (runs.first.beats[server.id][-1].after.boot, runs.first.beats[server.id][0].before.boot)
        for server in SERVERS
        if server.variables != REBOOT
    }
    assert {host: numbers for host, numbers in boots.items() if numbers[0] != numbers[1]} == {}


def test_port_4500_comes_along_where_the_next_boot_could_block_the_server(runs: Runs) -> None:
    beat = _converged(runs.first, "2003-max-user-port")
    assert "UDP 4500" in beat.warnings
    assert "KB912023" in beat.warnings
    assert runs.before["2003-max-user-port"]["block_modes"] > 0


@pytest.mark.parametrize(
    ("host", "service"), [("no-ad-lds", AD_LDS), ("no-dns", "DNS")], ids=["without AD LDS", "without DNS"]
)
def test_a_server_of_another_kind_is_left_alone(runs: Runs, host: str, service: str) -> None:
    beat = _converged(runs.first, host)
    assert beat.event == "ok"
    assert beat.result["changed"] is False
    assert beat.result["applicable"] is False
    assert service in beat.message
    assert beat.after.data == beat.before.data


@pytest.mark.parametrize(
    ("host", "service"),
    [("no-ad-lds-required", AD_LDS), ("no-dns-required", "DNS")],
    ids=["without AD LDS", "without DNS"],
)
def test_a_server_of_another_kind_is_an_error_where_that_is_wanted(runs: Runs, host: str, service: str) -> None:
    beat = _converged(runs.first, host)
    assert beat.event == "failed"
    assert service in beat.message
    assert beat.after.data == beat.before.data


def test_what_stays_down_because_dns_must_not_stop_fails_the_run(runs: Runs) -> None:
    beat = _converged(runs.first, "dns-kept-and-down")
    assert beat.event == "failed"
    assert AD_LDS in beat.message
    assert "dns.exe" in beat.message
    assert "restart_dns is false" in beat.message
    assert _pid(beat.before, "DNS") == _pid(beat.after, "DNS")


def test_where_dns_must_not_stop_the_change_waits_for_a_restart(runs: Runs) -> None:
    for telling in (runs.first, runs.second):
        beat = _converged(telling, "dns-kept-and-healthy")
        assert beat.event == "ok"
        assert (beat.result["effective"], beat.result["restart_required"]) == ("no", True)
        assert _pid(beat.before, "DNS") == _pid(beat.after, "DNS")
    assert _converged(runs.second, "dns-kept-and-healthy").result["changed"] is False


def test_no_run_ends_in_a_traceback(runs: Runs) -> None:
    for telling in (runs.checked, runs.first, runs.second, runs.booted, runs.undone, runs.undone_again):
        assert "Traceback" not in telling.output
