# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/reboot.yml: never two controllers of a site at once, an end at the first failure, and the rest afterwards.

One story over one fleet, since a run begins with what the run before has left: limited to two servers, killed, failed
at two servers, started again before they were mended and after, and once more.
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

import pytest

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, play, playbook_run
from tests.fleet.killed_runs import kill_playbook
from tests.simulator.control import RunningFleet, running_fleet

PLAYBOOK: t.Final = "portkeeper.windows.reboot"
GROUP: t.Final = "domain_controllers"
WITHOUT_DELAY: t.Final = ("-e", "reboot_delay=0")
REBOOT_ACTION: t.Final = "Win32ShutdownTracker"
SHUTDOWN_EVENT: t.Final = 1074
BOOT_EVENT: t.Final = 6005


def _controller(site: str, release: str = "2003", **server: t.Any) -> Json:
    roles = ["domain_controller", "dns", "ias"]
    variables = {"reboot_site": site} if site else {}
    return {"release": release, "roles": roles, "broken": False, "groups": [GROUP], "vars": variables, **server}


SERVERS: t.Final[dict[str, Json]] = {
    "a1": _controller("Berlin"),
    "a2": _controller("berlin"),
    "b1": _controller("Paris"),
    "b2": _controller("Paris", release="2022"),
    # Its boot takes longer than the run waits.
    "c1": _controller("", time_scale=5),
    "c2": _controller(""),
    "c3": _controller(""),
    "d1": _controller("Rome"),
}
SITES: t.Final = (("a1", "a2"), ("b1", "b2"), ("c1", "c2", "c3"))
THIEF: t.Final[Json] = {"image": "thief.exe", "protocol": "udp", "port": 1812, "stays": True}
WAITS: t.Final[list[Json]] = [
    {
        "portkeeper.windows.reserved_ports": {"ports": [1645, 1646, 1812, 1813, 4500]},
        "when": "inventory_hostname in ['a1', 'a2', 'b1', 'c1', 'd1']",
    },
    {"portkeeper.windows.static_rpc_port": {"ports": {"ntds": 49200}}, "when": "inventory_hostname == 'b2'"},
]
"""What makes all but c2 and c3 wait for a reboot."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A run, and how often each server had booted after it."""

    run: FleetRun
    boots: dict[str, int]

    @property
    def said(self) -> str:
        """The output as one line with single blanks."""
        return " ".join(self.run.output.split())


@dataclasses.dataclass(frozen=True)
class Story:
    """The runs in their order, and the times at which each server was down."""

    limited: Seen
    killed: dict[str, int]
    failed: Seen
    not_mended: Seen
    mended: Seen
    again: Seen
    absences: dict[str, list[tuple[float, float]]]


class Teller:
    """The fleet of the story."""

    def __init__(self, fleet: RunningFleet) -> None:
        self._fleet = fleet

    def act(self, host: str, **act: t.Any) -> None:
        self._fleet.control.host(host).act(**act)

    def boots(self) -> dict[str, int]:
        return {host["name"]: host["boot_id"] for host in self._fleet.control.hosts()}

    def run(self, *arguments: str) -> Seen:
        run = playbook_run(self._fleet.control, self._fleet.inventory, PLAYBOOK, *WITHOUT_DELAY, *arguments)
        return Seen(run, self.boots())

    def make_wait(self) -> None:
        assert play(self._fleet.control, self._fleet.inventory, WAITS).exit_code == 0

    def limited(self) -> Seen:
        """Two servers in check mode; of the others of c1's site, which are not meant, the second does not serve."""
        self.act("c3", do="stop_service", service="Netlogon")
        seen = self.run("--check", "--limit", "a2,c1")
        self.act("c3", do="start_service", service="Netlogon")
        return seen

    def killed(self) -> dict[str, int]:
        """Killed when it has asked the second server to reboot, which that server does all the same."""
        second = self._fleet.control.host("a2")
        second.inject("hang", action=REBOOT_ACTION)
        kill_playbook(self._fleet, "a2", PLAYBOOK, *WITHOUT_DELAY)
        second.clear_faults()
        second.boot()
        return self.boots()

    def failed(self) -> Seen:
        """In the first wave another program takes a port of b1, c1 is not back in time, and d1 is well."""
        self.act("b1", do="bind", **THIEF)
        seen = self.run("-e", "reboot_at_once=3", "-e", "reboot_timeout=15")
        self._fleet.control.advance(900)
        self._fleet.control.host("c1").wait_until_listening()
        return seen

    def mend(self) -> None:
        self.act("b1", do="close", image=THIEF["image"])
        self.act("b1", do="start_service", service="IAS")

    def absences(self, host: str) -> list[tuple[float, float]]:
        """From each request to reboot to the boot after it, in seconds."""
        events = self._fleet.control.host(host).state()["events"]
        times = [(event["generated"], event["code"]) for event in events]
        boots = [time for time, code in times if code == BOOT_EVENT]
        return [(time, next(boot for boot in boots if boot > time)) for time, code in times if code == SHUTDOWN_EVENT]


@pytest.fixture(scope="module")
def story() -> Story:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": SERVERS}) as fleet:
        teller = Teller(fleet)
        teller.make_wait()
        limited, killed, failed, not_mended = teller.limited(), teller.killed(), teller.failed(), teller.run()
        teller.mend()
        mended, again = teller.run(), teller.run()
        absences = {host: teller.absences(host) for host in SERVERS}
    return Story(limited, killed, failed, not_mended, mended, again, absences)


def test_check_mode_names_the_waves_of_a_limit_and_reboots_nothing(story: Story) -> None:
    assert "wave 1 of 2: a2 (site berlin): reserved ports (ReservedPorts)" in story.limited.said
    assert "wave 2 of 2: c1 (no site): reserved ports (ReservedPorts)" in story.limited.said
    assert set(story.limited.run.recap) == {"a2", "c1"}
    assert story.limited.boots == dict.fromkeys(SERVERS, 1)


def test_another_server_of_the_site_must_serve_though_a_limit_leaves_it_out(story: Story) -> None:
    assert story.limited.run.exit_code != 0
    assert (
        "c1 was not rebooted, since another server of its site must serve meanwhile. "
        "c3 does not serve: Netlogon is Stopped. Mend that, then run this again."
    ) in story.limited.said
    assert "a2 was not rebooted" not in story.limited.said


def test_a_killed_run_is_taken_up_where_it_was(story: Story) -> None:
    assert story.killed == {**dict.fromkeys(SERVERS, 1), "a1": 2, "a2": 2}
    assert "wave 1 of 2: b1 (site paris): reserved ports (ReservedPorts)" in story.failed.said
    assert "wave 1 of 2: c1 (no site): reserved ports (ReservedPorts)" in story.failed.said
    assert "wave 2 of 2: b2 (site paris): fixed RPC port (ntds)" in story.failed.said
    assert "not rebooted, since nothing waits for it: a1, a2, c2, c3" in story.failed.said


def test_the_first_failure_stops_all_that_comes_after_it(story: Story) -> None:
    assert story.failed.run.exit_code != 0
    assert "service IAS is Stopped, its exit code 10048" in story.failed.said
    assert "it was not back after 15 seconds" in story.failed.said
    assert {host: counts["failures"] for host, counts in story.failed.run.recap.items() if counts["failures"]} == {
        "b1": 1,
        "c1": 1,
    }
    assert story.failed.boots == {**story.killed, "b1": 2, "d1": 2}


def test_before_the_mend_nothing_is_rebooted(story: Story) -> None:
    assert story.not_mended.run.exit_code != 0
    assert "No server was rebooted. b1 does not serve: IAS is Stopped with error 10048." in story.not_mended.said
    assert story.not_mended.boots == {**story.failed.boots, "c1": 2}


def test_after_the_mend_the_rest_is_rebooted_and_nothing_else(story: Story) -> None:
    assert story.mended.run.exit_code == 0, story.mended.run.output
    assert "wave 1 of 1: b2 (site paris): fixed RPC port (ntds)" in story.mended.said
    assert story.mended.boots == {**dict.fromkeys(SERVERS, 2), "c2": 1, "c3": 1}


def test_if_nothing_waits_nothing_is_rebooted(story: Story) -> None:
    assert story.again.run.exit_code == 0, story.again.run.output
    assert story.again.boots == story.mended.boots
    assert sum(counts["changed"] for counts in story.again.run.recap.values()) == 0


def test_never_were_two_servers_of_a_site_down_at_once(story: Story) -> None:
    """By the servers' own event logs, from the request to the boot."""
    assert {host: len(times) for host, times in story.absences.items()} == {
        **dict.fromkeys(SERVERS, 1),
        # The boot of a2 came from elsewhere, and c2 and c3 had none.
        **dict.fromkeys(("a2", "c2", "c3"), 0),
    }
    for site in SITES:
        spans = sorted(itertools.chain(*(story.absences[host] for host in site)))
        assert all(end < begin for (_begin, end), (begin, _end) in itertools.pairwise(spans)), (site, spans)
