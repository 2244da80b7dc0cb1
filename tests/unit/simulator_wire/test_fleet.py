# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as a process: scenario, inventory, control endpoint, start and stop."""

from __future__ import annotations

import collections.abc as c
import pathlib
import socket
import typing as t

import pytest
import yaml

from tests.simulator.control import ControlClient, ControlFailure, RunningFleet, running_fleet
from tests.simulator.fleet import ScenarioError, read_scenario

HOSTS: dict[str, t.Any] = {
    "edge2003": {"release": "2003", "wire": {"transport": "basic"}},
    "edge2022": {"release": "2022", "groups": ["pilot"], "vars": {"answer": 42}},
}
SCENARIO: dict[str, t.Any] = {"defaults": {"time_scale": 0.02}, "hosts": HOSTS}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[RunningFleet]:
    with running_fleet(SCENARIO, directory=tmp_path_factory.mktemp("fleet")) as running:
        yield running


def test_the_inventory_serves_the_winrm_connection(fleet: RunningFleet) -> None:
    everything = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]
    assert everything["vars"]["ansible_connection"] == "winrm"
    assert everything["vars"]["fleet_control"] == fleet.control.url
    old, new = everything["hosts"]["edge2003"], everything["hosts"]["edge2022"]
    assert (old["ansible_winrm_transport"], new["ansible_winrm_transport"]) == ("basic", "ntlm")
    assert old["ansible_port"] != new["ansible_port"]
    assert new["answer"] == 42
    groups = {name: sorted(group["hosts"]) for name, group in everything["children"].items()}
    assert groups["edge"] == groups["dns"] == ["edge2003", "edge2022"]
    assert groups["windows_2003"] == groups["transport_basic"] == ["edge2003"]
    assert groups["pilot"] == ["edge2022"]


def test_hosts_are_listed(fleet: RunningFleet) -> None:
    hosts = {host["name"]: host for host in fleet.control.hosts()}
    assert hosts["edge2003"]["winrm_stack"] == "1.1"
    assert hosts["edge2022"]["listening"] is True


def test_the_lottery_leaves_the_host_as_it_was(fleet: RunningFleet) -> None:
    host = fleet.control.host("edge2003")
    before = host.state()
    assert host.lottery(20, seed=1)["boots"] == 20
    after = host.state()
    assert (after["boot"], after["sockets"]) == (before["boot"], before["sockets"])


def test_a_reboot_closes_the_port_for_its_time(fleet: RunningFleet) -> None:
    host = fleet.control.host("edge2022")
    summary = host.summary()
    host.reboot(seed=7)
    host.wait_until_listening(listening=False, seconds=10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((summary["address"], summary["port"]), 5)
    host.wait_until_listening(seconds=20)
    assert host.summary()["boot_id"] == summary["boot_id"] + 1
    assert host.state()["boot"]["seed"] == 7


def test_a_reset_goes_back_to_the_scenario(fleet: RunningFleet) -> None:
    host = fleet.control.host("edge2003")
    host.boot(seed=5)
    host.inject("hang", times=None)
    host.reset()
    assert host.summary()["boot_id"] == 1
    assert host.faults() == []
    assert host.requests()["requests"] == 0


def test_faults_are_listed_and_cleared(fleet: RunningFleet) -> None:
    host = fleet.control.host("edge2003")
    host.inject("delay", at=3, seconds=2)
    assert [(rule["kind"], rule["at"], rule["fired"]) for rule in host.faults()] == [("delay", 3, 0)]
    host.clear_faults()
    assert host.faults() == []


def test_the_clock_can_jump(fleet: RunningFleet) -> None:
    before = fleet.control.call("GET", "/clock")["now"]
    fleet.control.advance(3600)
    assert fleet.control.call("GET", "/clock")["now"] >= before + 3600


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("GET", "/hosts/none/state", None, "no host 'none'"),
        ("GET", "/nothing", None, "nothing at GET /nothing"),
        ("POST", "/hosts/edge2003/nothing", {}, "nothing at POST"),
        ("POST", "/hosts/edge2003/faults", {"kind": "x"}, "kind is one of"),
        ("POST", "/hosts/edge2003/act", {"do": "nothing of the kind"}, "unknown act"),
        ("POST", "/clock/advance", {"seconds": -1}, "never runs backward"),
    ],
)
def test_errors_are_sentences(fleet: RunningFleet, method: str, path: str, body: t.Any, sentence: str) -> None:
    with pytest.raises(ControlFailure) as caught:
        fleet.control.call(method, path, body)
    assert sentence in str(caught.value)


def test_a_fleet_stops_when_told(tmp_path: pathlib.Path) -> None:
    with running_fleet(SCENARIO, directory=tmp_path) as running:
        running.control.shutdown()
        running.process.wait(10)
        with pytest.raises(ControlFailure):
            running.control.hosts()


def test_hosts_may_have_addresses_of_their_own(tmp_path: pathlib.Path) -> None:
    arguments = ("--first-address", "127.13.0.1", "--port", "0")
    with running_fleet(SCENARIO, directory=tmp_path, arguments=arguments) as running:
        assert [host["address"] for host in running.control.hosts()] == ["127.13.0.1", "127.13.0.2"]


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ({"a": {"release": "1999"}}, "The host a can't be built"),
        ({"a": {"release": "2003", "wire": {"transport": "smoke"}}}, "known are basic, ntlm, kerberos"),
    ],
)
def test_a_fleet_that_cannot_start_says_why(tmp_path: pathlib.Path, hosts: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(ControlFailure, match=sentence), running_fleet({"hosts": hosts}, directory=tmp_path):
        pass


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "'hosts'"),
        ({"hosts": {}}, "'hosts'"),
        ({"hosts": HOSTS, "spede": 1}, "no field 'spede'"),
        ({"hosts": HOSTS, "speed": 0}, "no positive number"),
        ({"hosts": {"a": {"wire": {"x": 1}}}}, "wire setting"),
        ({"hosts": [{"name": "a"}, {"name": "a"}]}, "same name"),
    ],
)
def test_scenarios_that_are_wrong(data: t.Any, sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        read_scenario(data)


def test_defaults_are_merged_and_lists_are_read() -> None:
    data = {"defaults": {"language": "de", "wire": {"idle_seconds": 5}}, "hosts": [{"name": "a", "release": "2003"}]}
    plan = read_scenario(data).hosts[0]
    assert (plan.name, plan.model["language"], plan.settings.idle_seconds) == ("a", "de", 5)
    assert plan.settings.schemes == ("negotiate",)
    assert not plan.settings.allow_unencrypted


def test_an_absent_fleet_is_said_to_be_absent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ControlFailure, match="does not answer"):
            ControlClient(f"http://127.0.0.1:{taken.getsockname()[1]}").hosts()
