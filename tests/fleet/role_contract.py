# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every role promises on every server that it is for: announced, done, proved, done once, taken back.

A test module names its role and its servers; the class below then has the tests. The runs come one after another; see
tests/fleet/role_runs.py for the two ways to play them.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from tests.fleet.host_cases import FleetRun, Json, TaskRun
from tests.fleet.role_runs import Runs, played
from tests.fleet.snapshot import Protocol, Snapshot

MOST_REQUESTS: t.Final = 14
"""What a converged host may cost."""
WRITING: t.Final = ("Set", "Delete", "Create", "Change", "Start", "Stop")
"""How the methods begin that change a server."""
BOOTS: t.Final = 200
"""Enough to see what an unfixed server loses."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server:
    """A server that a role has to fix."""

    id: str
    scenario: Json
    variables: Json = dataclasses.field(default_factory=dict)
    down: frozenset[str] = frozenset()
    """Services that do not run before, and run afterwards."""
    owners: c.Mapping[tuple[Protocol, int], str] = dataclasses.field(default_factory=dict)
    """Which service holds a port afterwards."""
    reserved: tuple[str, ...] | None = None
    pool: tuple[str, ...] | None = None
    excluded: c.Mapping[Protocol, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    """Single ports that are excluded afterwards."""
    changes: bool = True
    """Whether there is anything to fix."""
    reboots: bool = False
    in_force: t.Literal["yes", "no", "unknown"] = "yes"
    """After a boot."""
    at_stake: bool = False
    """Whether it loses a service at some boots before."""
    safe: bool = True
    """Whether no boot is lost any more afterwards."""
    boots: int = BOOTS
    """How many boots of the fixed server are looked at."""

    @property
    def entry(self) -> dict[str, t.Any]:
        """Its entry in the scenario."""
        return {**self.scenario, "vars": dict(self.variables)}


def play_role(
    role: str,
    servers: c.Sequence[Server],
    others: c.Mapping[str, Json],
    *,
    by_program: c.Collection[str],
    playbook: str | None = None,
) -> Runs:
    """Run the role on all of them; ``others`` are servers that it is not for, or can't do.

    Those in ``by_program`` are treated by the real program with the role's playbook, all others in this process.
    """
    hosts = {**{server.id: server.entry for server in servers}, **others}
    boots = {server.id: server.boots for server in servers}
    with played(role, hosts, by_program=by_program, playbook=playbook or role) as play:
        undo = {f"{role}_state": "absent", f"{role}_reboot": "false"}
        before = play.lottery(dict.fromkeys(boots, BOOTS))
        checked, first, second = play.run(check=True), play.run(), play.run()
        after = play.lottery(boots)
        play.boot(boots)
        booted, undone, undone_again = play.run(), play.run(undo), play.run(undo)
        return Runs(checked, first, second, booted, undone, undone_again, before, after)


def converged(fleet_run: FleetRun, host: str) -> TaskRun:
    """What converge did: the role's one task that sent anything; or the one that failed without."""
    (task_run,) = (
        task_run for task_run in fleet_run.task_runs[host] if "victims" in task_run.result or task_run.event == "failed"
    )
    return task_run


def written_after_the_boot(task_run: TaskRun) -> list[str]:
    """What changed the server after it was asked to reboot, but for our own notes; a shell asks only netstat there."""
    log = task_run.requests["log"]
    asked = max(place for place, entry in enumerate(log) if entry["method"] == "Win32ShutdownTracker")
    return [
        entry["brief"]
        for entry in log[asked + 1 :]
        if entry["method"].startswith(WRITING) and entry["resource"] != "cmd" and "Portkeeper" not in entry["brief"]
    ]


def asked_to_stop(task_run: TaskRun) -> list[str]:
    """The services that were asked to stop, in order."""
    return [
        entry["brief"].removeprefix("Name=") for entry in task_run.requests["log"] if entry["method"] == "StopService"
    ]


def content(snapshot: Snapshot) -> dict[str, t.Any]:
    """Everything that a role may change: registry, netsh and files, without our own notes."""
    return {**snapshot.configuration, "files": snapshot.data["files"], "ranges": snapshot.data["dynamic_ranges"]}


def standing(snapshot: Snapshot) -> dict[str, t.Any]:
    """The whole server, but for the event logs: some programs complain every few minutes."""
    return {name: value for name, value in snapshot.data.items() if name != "events"}


def ports_of(blocks: c.Iterable[str]) -> set[int]:
    """The ports of blocks written as ``n-m``."""
    ranges = [tuple(int(number) for number in block.split("-")) for block in blocks]
    return {port for first, last in ranges for port in range(first, last + 1)}


class RoleContract:
    """The tests; ``runs`` and ``server`` are fixtures of the module."""

    def test_check_mode_tells_the_change_and_makes_none(self, runs: Runs, server: Server) -> None:
        """The diff is the one of the run, and so is how things stand in the end."""
        task_run, done = converged(runs.checked, server.id), converged(runs.first, server.id)
        assert task_run.event == "ok", task_run.message
        assert standing(task_run.after) == standing(task_run.before)
        assert task_run.result["changed"] is server.changes
        assert task_run.result["diff"] == done.result["diff"]
        for name in ("effective", "reboot_required", "restart_required"):
            assert task_run.result[name] == done.result[name], name

    def test_everything_runs_and_has_its_ports(self, runs: Runs, server: Server) -> None:
        """What was down is up, and each port is with its owner."""
        task_run = converged(runs.first, server.id)
        assert task_run.event == "ok", task_run.message
        assert not any(task_run.before.runs(name) for name in server.down)
        assert task_run.after.runs(*server.down)
        assert server.down <= set(task_run.result["relieved"])
        final = runs.first.task_runs[server.id][-1].after
        holders = {key: final.holders(*key) for key in server.owners}
        assert holders == {key: {owner} for key, owner in server.owners.items()}

    def test_the_fix_is_configured(self, runs: Runs, server: Server) -> None:
        """By the mechanism of the release."""
        after = converged(runs.first, server.id).after
        assert (after.reserved and tuple(after.reserved)) == server.reserved
        assert (after.pool_exclusions and tuple(after.pool_exclusions)) == server.pool
        protocols: tuple[Protocol, ...] = ("tcp", "udp")
        for protocol in protocols:
            assert ports_of(after.excluded(protocol)) == set(server.excluded.get(protocol, ()))

    def test_dns_stops_at_most_once(self, runs: Runs, server: Server) -> None:
        """One stop is one outage and one new pool."""
        assert asked_to_stop(converged(runs.first, server.id)).count("DNS") <= 1

    def test_it_reboots_only_where_that_is_permitted(self, runs: Runs, server: Server) -> None:
        """And proves it then."""
        boots = runs.first.task_runs[server.id][-1].after.boot - runs.first.task_runs[server.id][0].before.boot
        assert boots == int(server.reboots)
        if server.reboots:
            proved = converged(runs.first, server.id)
            assert (proved.event, proved.result["rebooted"]) == ("ok", True), proved.message
            assert written_after_the_boot(proved) == []
            assert proved.result["reboot_required"] is False
            assert all(victim["ok"] for victim in proved.result["victims"])

    def test_a_second_run_changes_nothing(self, runs: Runs, server: Server) -> None:
        """And knows what still waits."""
        first, task_run = converged(runs.first, server.id), converged(runs.second, server.id)
        assert task_run.event == "ok", task_run.message
        assert runs.second.recap[server.id]["changed"] == 0
        assert standing(task_run.after) == standing(task_run.before)
        for name in ("effective", "reboot_required", "restart_required"):
            assert task_run.result[name] == first.result[name], name

    def test_after_a_boot_everything_is_in_force(self, runs: Runs, server: Server) -> None:
        """With few requests."""
        task_run = converged(runs.booted, server.id)
        assert (task_run.event, task_run.result["changed"]) == ("ok", False), task_run.message
        assert task_run.result["reboot_required"] is False
        assert task_run.result["effective"] == server.in_force
        assert task_run.count - task_run.requests["authentication_rounds"] <= MOST_REQUESTS

    def test_no_boot_is_lost_any_more(self, runs: Runs, server: Server) -> None:
        """Before, some were, where anything was at stake."""
        assert bool(runs.before[server.id]["victim_failures"]) == server.at_stake
        if server.safe:
            assert runs.after[server.id]["victim_failures"] == 0
            assert runs.after[server.id]["block_modes"] == 0

    def test_it_can_be_taken_back(self, runs: Runs, server: Server) -> None:
        """Registry, netsh and files are what they were, byte for byte."""
        task_run = converged(runs.undone, server.id)
        assert task_run.event == "ok", task_run.message
        original = runs.checked.task_runs[server.id][0].before
        assert content(task_run.after) == content(original)
        assert task_run.after.journal is None
        again = converged(runs.undone_again, server.id)
        assert again.result["changed"] is False
        assert standing(again.after) == standing(again.before)

    def test_no_run_ends_in_a_traceback(self, runs: Runs) -> None:
        """Neither here nor on the servers that the role is not for."""
        assert not any("Traceback" in fleet_run.output for fleet_run in runs.all)


def assert_left_alone(task_run: TaskRun, sentence: str) -> None:
    """Nothing was done, and the sentence says why."""
    assert (task_run.event, task_run.result["changed"]) == ("ok", False), task_run.message
    assert task_run.result["applicable"] is False
    assert sentence in task_run.message
    assert standing(task_run.after) == standing(task_run.before)


def assert_refused(task_run: TaskRun, sentence: str) -> None:
    """One sentence, and nothing changed."""
    assert task_run.event == "failed", task_run.message
    assert sentence in task_run.message
    assert "\n" not in task_run.message
    assert standing(task_run.after) == standing(task_run.before)
