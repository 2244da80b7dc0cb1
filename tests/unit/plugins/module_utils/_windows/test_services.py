# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and controlling services."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError, ServiceError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.services import Services
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from tests.fleet.host_cases import HostCase
from tests.fleet.in_process import CaseRunner
from tests.unit.plugins.module_utils._windows.given_server import GivenClient, reference


def row(name: str, *, state: str = "Running", process_id: int = 0, **more: t.Any) -> dict[str, t.Any]:
    return {
        "Name": name,
        "DisplayName": f"The {name}",
        "State": state,
        "StartMode": "Auto",
        "ProcessId": process_id,
        "ExitCode": 0,
        "ServiceSpecificExitCode": 0,
        "PathName": rf"C:\Windows\{name}.exe",
        **more,
    }


@pytest.fixture
def services(client: GivenClient) -> Services:
    client.rows["Win32_Service"] = [
        row("DNS", process_id=1200),
        row("ADAM_MSExchange", state="Stopped", ExitCode=10013),
        row("ADAMX"),
        row("adam_users", process_id=900),
        row("IAS", process_id=800),
        row("Netman", process_id=800),
    ]
    return Services(client)


def test_one_service_is_one_get(client: GivenClient, services: Services) -> None:
    found = services.read(["dns"])["dns"]
    assert found is not None
    assert (found.name, found.display_name, found.runs, found.process_id) == ("DNS", "The DNS", True, 1200)
    assert client.log == ["get Win32_Service {'Name': 'dns'}"]


DELAYS: t.Final = {"2012r2": None, "2016": True}
"""Earlier releases refuse a query for the flag."""


@pytest.mark.parametrize("release", DELAYS)
def test_a_delayed_start_comes_with_the_services_where_wmi_tells_of_it(release: str) -> None:
    server = {"release": release, "roles": ["dns"], "start_modes": {"DNS": "delayed"}}
    services = Services(Client(CaseRunner(HostCase(id=release, server=server, steps=()))), with_delays=True)
    for _time in range(2):
        found = services.read(["DNS", "WinRM"])["dns"]
        assert found is not None
        assert found.delayed is DELAYS[release]


def test_many_services_are_one_query(client: GivenClient, services: Services) -> None:
    found = services.read(["DNS", "adam_msexchange", "Nothing"])
    assert {name: service and service.name for name, service in found.items()} == {
        "dns": "DNS",
        "adam_msexchange": "ADAM_MSExchange",
        "nothing": None,
    }
    assert [service.exit_code for service in found.values() if service] == [0, 10013]
    assert len(client.log) == 1


def test_a_service_that_is_not_there_is_none(services: Services) -> None:
    assert services.read(["Nothing"]) == {"nothing": None}
    assert services.read(["Nothing", "Nor this"]) == {"nothing": None, "nor this": None}


def test_nothing_asked_is_nothing_sent(client: GivenClient, services: Services) -> None:
    assert services.read([]) == {}
    assert services.find() == ()
    assert client.log == []


def test_a_prefix_is_taken_literally(services: Services) -> None:
    assert [service.name for service in services.like("ADAM_")] == ["ADAM_MSExchange", "adam_users"]


def test_the_services_of_a_shared_process(services: Services) -> None:
    assert sorted(service.name for service in services.find(process_ids=[800])) == ["IAS", "Netman"]
    assert services.find(process_ids=[4711]) == ()


def test_process_0_hosts_nothing_though_stopped_services_name_it(client: GivenClient, services: Services) -> None:
    assert services.find(process_ids=[0]) == ()
    assert client.log == []


def test_names_with_quotes_stay_inside_their_quotes(services: Services) -> None:
    assert services.read(["x' OR Name = 'DNS", "y\\"]) == {"x' or name = 'dns": None, "y\\": None}


def test_dependencies_come_as_pairs_and_drivers_count(client: GivenClient) -> None:
    client.rows["Win32_DependentService"] = [
        {"Antecedent": reference("Win32_SystemDriver", "Tcpip"), "Dependent": reference("Win32_Service", "DNS")},
        {"Antecedent": reference("Win32_Service", "DNS"), "Dependent": reference("Win32_Service", "Web")},
        {"Antecedent": None, "Dependent": reference("Win32_Service", "Lost")},
    ]
    dependencies = Services(client).dependencies()
    assert dependencies.pairs == {("DNS", "Tcpip"), ("Web", "DNS")}
    assert dependencies.dependents("tcpip") == ("Web", "DNS")


FINE: list[tuple[str, int]] = [("start", 0), ("start", 10), ("stop", 0), ("stop", 6), ("change_start_mode", 0)]
METHODS = {"start": "StartService", "stop": "StopService", "change_start_mode": "ChangeStartMode"}


def act(services: Services, verb: str, name: str) -> None:
    actions: dict[str, t.Callable[[], object]] = {
        "start": lambda: services.start(name),
        "stop": lambda: services.stop(name),
        "change_start_mode": lambda: services.change_start_mode(name, "Automatic"),
    }
    actions[verb]()


@pytest.mark.parametrize(("verb", "code"), FINE)
def test_done_or_already_so_is_fine(client: GivenClient, services: Services, verb: str, code: int) -> None:
    client.codes[METHODS[verb], "DNS"] = code
    act(services, verb, "DNS")
    parameters = {"StartMode": "Automatic"} if verb == "change_start_mode" else {}
    assert client.called == [(METHODS[verb], "DNS", parameters)]


def test_it_is_told_whether_a_start_was_taken(client: GivenClient, services: Services) -> None:
    """One that is still stopping answers as one that runs."""
    taken = []
    for code in (0, 10):
        client.codes["StartService", "DNS"] = code
        taken.append(services.start("DNS"))
    assert taken == [True, False]


FAILED: list[tuple[str, int, str]] = [
    ("start", 2, "LocalAccountTokenFilterPolicy"),
    ("start", 7, "did not answer"),
    ("start", 8, "exit code"),
    ("start", 13, "depends on"),
    ("start", 14, "set its start mode first"),
    ("start", 1068, "depends on"),
    ("start", 31, "error 31"),
    ("stop", 3, "stop those first"),
    ("stop", 5, "present state"),
    ("stop", 10, "already running"),
    ("change_start_mode", 16, "marked for deletion"),
    ("change_start_mode", 21, "parameter"),
]


@pytest.mark.parametrize(("verb", "code", "sentence"), FAILED)
def test_other_codes_are_errors_with_a_meaning(
    client: GivenClient, services: Services, verb: str, code: int, sentence: str
) -> None:
    client.codes[METHODS[verb], "DNS"] = code
    with pytest.raises(ServiceError, match=sentence) as caught:
        act(services, verb, "DNS")
    assert (caught.value.code, caught.value.target) == (code, "the service DNS")


@pytest.mark.parametrize("state", ["Stopped", "Stop Pending"])
def test_a_stopped_service_may_answer_5_to_a_stop(client: GivenClient, services: Services, state: str) -> None:
    client.rows["Win32_Service"] = [row("DNS", state=state)]
    client.codes["StopService", "DNS"] = 5
    assert services.stop("DNS") is True
    assert client.log == ["invoke StopService", "get Win32_Service {'Name': 'DNS'}"]


def test_a_starting_service_takes_no_stop(client: GivenClient, services: Services) -> None:
    client.rows["Win32_Service"] = [row("DNS", state="Start Pending")]
    client.codes["StopService", "DNS"] = 5
    assert services.stop("DNS") is False


def test_an_answer_without_return_value_is_an_error(client: GivenClient, services: Services) -> None:
    client.codes["StartService", "DNS"] = -1
    with pytest.raises(AnswerError, match="ReturnValue"):
        services.start("DNS")


class Clock:
    """Time that passes only in ``sleep``; ``events`` happen at their moments."""

    def __init__(self, events: dict[float, t.Callable[[], None]]) -> None:
        self.now, self.events, self.naps = 0.0, events, 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.naps += 1
        for moment in sorted(self.events):
            if moment <= self.now:
                self.events.pop(moment)()


def set_state(client: GivenClient, name: str, state: str) -> t.Callable[[], None]:
    def change() -> None:
        next(row for row in client.rows["Win32_Service"] if row["Name"] == name)["State"] = state

    return change


def test_waiting_ends_when_all_are_there(client: GivenClient, services: Services) -> None:
    clock = Clock({5.0: set_state(client, "DNS", "Stopped"), 9.0: set_state(client, "IAS", "Stopped")})
    assert services.wait(["DNS", "IAS"], "Stopped", deadline=60, clock=clock, sleep=clock.sleep) == {}
    assert 9 <= clock.now <= 12


def test_waiting_ends_at_the_deadline_with_the_last_reading(services: Services) -> None:
    clock = Clock({})
    found = services.wait(["DNS"], "Stopped", deadline=30, clock=clock, sleep=clock.sleep)
    assert (clock.now, found["dns"] and found["dns"].state) == (30, "Running")
    assert clock.naps < 25


def test_waiting_does_not_go_on_where_it_is_hopeless(client: GivenClient, services: Services) -> None:
    set_state(client, "DNS", "Start Pending")()
    clock = Clock({3.0: set_state(client, "DNS", "Stopped")})
    found = services.wait(
        ["DNS", "Nothing"], "Running", deadline=60, clock=clock, sleep=clock.sleep, hopeless=["Stopped"]
    )
    assert [service and service.state for service in found.values()] == ["Stopped"]
    assert clock.now < 6


def test_what_is_there_already_is_read_once(client: GivenClient, services: Services) -> None:
    clock = Clock({})
    services.wait(["DNS"], "Running", deadline=0, clock=clock, sleep=clock.sleep)
    assert (len(client.log), clock.naps) == (1, 0)
