# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong use, and servers that can't be worked with: one clear sentence, the right status, and nothing changed."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import DEFAULTS, Event, FleetRun, HostCase, Json, Step, TaskRun, play, run_cases
from tests.simulator.control import RunningFleet, running_fleet

RESERVE: t.Final = "reserved_ports"
PORTS: t.Final[Json] = {"ports": ["50389"]}
LONGEST: t.Final = 700
"""Characters of a sentence that a user still reads."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wrong:
    """What is wrong, how Ansible reports it, and what the sentence says of it."""

    id: str
    sentence: str
    event: Event = "failed"
    module: str = RESERVE
    options: Json = dataclasses.field(default_factory=lambda: PORTS)
    server: Json = dataclasses.field(default_factory=dict)
    variables: Json = dataclasses.field(default_factory=dict)
    acts: tuple[Json, ...] = ()
    asks: bool = False
    """Whether the server was asked for something before it was clear."""

    @property
    def case(self) -> HostCase:
        """As check mode and run: what is wrong is wrong in both."""
        server = {"release": "2003", **self.server}
        checked = Step(module=self.module, options=self.options, check=True, acts=self.acts)
        steps = (checked, Step(module=self.module, options=self.options))
        return HostCase(id=self.id, server=server, steps=steps, variables=self.variables)


def _ports(name: str, ports: t.Any, sentence: str, **more: t.Any) -> Wrong:
    return Wrong(id=f"ports-{name}", options={"ports": ports, **more}, sentence=sentence)


LIMITED: t.Final[Json] = {"name": "Helper", "password": "Help-2003-2025", "filtered_token": True}
READ_ONLY: t.Final[Json] = {"name": "Guest", "password": "Guest-2003-2025", "is_administrator": False}


def _account(user: Json) -> dict[str, t.Any]:
    return {
        "server": {"release": "2022", "users": [user]},
        "variables": {"ansible_user": user["name"], "ansible_password": user["password"]},
    }


WRONG: t.Final = (
    # --- options: nothing is sent
    _ports("too-high", [70000], r"ports: .*70000.* ports go from 0 to 65535"),
    _ports("wrong-order", ["5-3"], r"ports: '5-3' .*lower number of a range comes first"),
    _ports("no-number", ["abc"], r"ports: 'abc' is not a port"),
    _ports("too-low", [80], r"ports: .*80.*1024"),
    _ports("just-too-low", ["1023-1030"], r"ports: .*1023.*1024"),
    _ports("empty", [], r"ports: .*empty"),
    _ports("empty-text", "", r"ports: .*(empty|not a port)"),
    _ports("unknown-state", ["5000"], r"state must be one of: present, absent, pure", state="gone"),
    Wrong(id="no-options", options={}, sentence=r"ports: it is required"),
    Wrong(
        id="unknown-option",
        options={"port": 50389},
        sentence=r"reserved_ports: there is no option 'port'; did you mean 'ports'\? The options are accept_risks, .*",
    ),
    Wrong(
        id="converge-of-nothing",
        module="converge",
        options={"resources": []},
        sentence=r"resources: nothing to do",
    ),
    Wrong(
        id="converge-unknown-resource",
        module="converge",
        options={"resources": [{"win_dns": {}}]},
        sentence=r"resources\[0\]: it names 'win_dns'; give exactly one of",
    ),
    Wrong(
        id="converge-wrong-option",
        module="converge",
        options={"resources": [{"dns_socket_pool": {"size": 10001}}]},
        sentence=r"(?<!\.)dns_socket_pool\.size: '10001'",
    ),
    Wrong(
        id="converge-wrong-option-of-one-of-two",
        module="converge",
        options={"resources": [{"dns_socket_pool": {"size": 2500}}, {"dns_socket_pool": {"size": 10001}}]},
        sentence=r"resources\[1\]\.dns_socket_pool\.size: '10001'",
    ),
    Wrong(
        id="converge-unknown-option",
        module="converge",
        options={"resources": [{"dynamic_ports": {"begin": 1025}}]},
        sentence=r"dynamic_ports: there is no option 'begin'\. The options are max_user_port, number",
    ),
    Wrong(
        id="converge-udp-ports-that-are-no-list",
        module="converge",
        options={"resources": [{"reserved_ports": {}, "udp_ports": {"start": 1812}}]},
        sentence=r"resources\[0\]\.udp_ports: \{'start': 1812\} is not a port; give a list of ports",
    ),
    Wrong(
        id="converge-neither-true-nor-false",
        module="converge",
        options={"resources": [{"reserved_ports": PORTS, "wanted": "ture"}]},
        sentence=r"resources\[0\]\.wanted: 'ture' is neither true nor false",
    ),
    Wrong(
        id="converge-unknown-rpc-port",
        module="converge",
        options={"resources": [{"reserved_ports": PORTS}], "rpc_ports": {"nonsense": 49901}},
        sentence=r"rpc_ports\.nonsense: it is not known; give one of ntds, ",
    ),
    Wrong(
        id="converge-reboot-timeout-without-a-reboot",
        module="converge",
        options={"resources": [{"reserved_ports": PORTS}], "reboot_timeout": -5},
        sentence=r"reboot_timeout: -5 is not between 10 and 86400 seconds",
    ),
    # --- the connection
    Wrong(
        id="wrong-password",
        event="unreachable",
        variables={"ansible_password": "wrong"},
        sentence=r"rejects the credentials \(basic\)",
    ),
    Wrong(
        id="wrong-password-ntlm",
        event="unreachable",
        server={"wire": {"transport": "ntlm"}},
        variables={"ansible_password": "wrong"},
        sentence=r"rejects the credentials \(ntlm\)",
    ),
    Wrong(
        id="host-down",
        event="unreachable",
        acts=({"do": "power", "on": False},),
        sentence=r"no connection \(Connection refused\)",
    ),
    Wrong(
        id="no-such-name",
        event="unreachable",
        variables={"ansible_host": "no-such-host.invalid"},
        sentence=r"no connection",
    ),
    Wrong(
        id="tls-on-a-plain-port",
        event="unreachable",
        variables={"ansible_winrm_scheme": "https", "ansible_winrm_server_cert_validation": "ignore"},
        sentence=r"TLS failed",
    ),
    Wrong(
        id="no-winrm-behind-the-port",
        event="unreachable",
        variables={"ansible_winrm_path": "/other"},
        sentence=r"no WinRM service is behind this port and path",
    ),
    Wrong(
        id="local-connection",
        variables={"ansible_connection": "local"},
        sentence=r"works through the connection plugins winrm and psrp, and this task uses 'local'",
    ),
    Wrong(
        id="ssh-connection",
        variables={"ansible_connection": "ssh"},
        sentence=r"works through the connection plugins winrm and psrp, and this task uses 'ssh'",
    ),
    # --- rights
    Wrong(id="filtered-token", **_account(LIMITED), sentence=r"LocalAccountTokenFilterPolicy", asks=True),
    Wrong(id="no-administrator", **_account(READ_ONLY), sentence=r"[Aa]ccess( is)? denied", asks=True),
    # --- what can't be carried
    Wrong(
        id="entry-that-xml-cannot-carry",
        server={
            "reserved_ports": ["3343-3343", "a\x01b"],
            "wire": {"transport": "basic", "raw_control_characters": True},
        },
        sentence=r"ReservedPorts",
        asks=True,
    ),
)

DENIED: t.Final = HostCase(
    id="key-denied",
    server={"release": "2003", "denied_keys": [r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"]},
    steps=(Step(module=RESERVE, options=PORTS), Step(module=RESERVE, options=PORTS)),
)

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@pytest.fixture(scope="module")
def results() -> Results:
    return run_cases([*(wrong.case for wrong in WRONG), DENIED])


@pytest.fixture(params=WRONG, ids=lambda wrong: wrong.id)
def wrong(request: pytest.FixtureRequest) -> Wrong:
    return t.cast("Wrong", request.param)


def test_one_clear_sentence_says_what_is_wrong(results: Results, wrong: Wrong) -> None:
    for task_run in results[wrong.id]:
        assert task_run.event == wrong.event, task_run.result
        assert re.search(wrong.sentence, task_run.message), task_run.message
        assert "\n" not in task_run.message.strip()
        assert len(task_run.message) <= LONGEST
        assert "Traceback" not in str(task_run.result)


def test_the_server_is_as_it_was(results: Results, wrong: Wrong) -> None:
    for task_run in results[wrong.id]:
        assert task_run.after.data == task_run.before.data


def test_nothing_is_sent_for_a_wrong_option(results: Results, wrong: Wrong) -> None:
    """Of what reached the server nothing was an operation, unless it had to be asked."""
    messages = [task_run.requests["messages"] for task_run in results[wrong.id]]
    assert all(bool(count) == wrong.asks for count in messages)


def test_a_wrong_password_is_not_tried_until_the_account_is_locked(results: Results) -> None:
    for name in ("wrong-password", "wrong-password-ntlm"):
        for task_run in results[name]:
            assert task_run.requests["authentication_rounds"] <= 3


def test_a_value_that_must_not_be_written_is_named_and_stays(results: Results) -> None:
    """Only the try tells; our own note of it was written before."""
    for task_run in results[DENIED.id]:
        assert task_run.event == "failed"
        assert re.search(r"can't write HKLM\\.*ReservedPorts.*access denied \(code 5\)", task_run.message), (
            task_run.message
        )
        assert "LocalAccountTokenFilterPolicy" in task_run.message
        assert task_run.after.configuration == task_run.before.configuration


# --- keywords of the task


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    hosts = {"kept": {"release": "2003"}, "asked": {"release": "2022", "roles": ["member"]}}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as running:
        yield running


def _task(module: str, options: Json, **keywords: t.Any) -> Json:
    return {"name": module, f"portkeeper.windows.{module}": options, **keywords}


@pytest.fixture(scope="module")
def played(fleet: RunningFleet) -> FleetRun:
    tasks = [
        _task(RESERVE, PORTS, **{"async": 30, "poll": 1}, ignore_errors=True),
        _task(RESERVE, PORTS, check_mode=True, become=True),
        _task(RESERVE, PORTS, check_mode=True, environment={"http_proxy": "http://proxy.invalid"}, become=True),
        _task(RESERVE, PORTS, check_mode=True, delegate_to="localhost", ignore_errors=True),
        _task(RESERVE, {"ports": ["70000"]}),
        _task(RESERVE, PORTS),
    ]
    return play(fleet.control, fleet.inventory, tasks)


def test_async_is_refused_before_anything_is_sent(played: FleetRun) -> None:
    task_run = played.task_runs["kept"][0]
    assert task_run.event == "failed"
    assert re.search("can't run in the background.*remove async", task_run.message)
    assert task_run.count == 0


def test_become_is_told_to_mean_nothing_once(played: FleetRun) -> None:
    task_run = played.task_runs["kept"][1]
    assert task_run.event == "ok", task_run.message
    assert task_run.warnings.count("become") == 1
    assert "means nothing" in task_run.warnings


def test_environment_is_told_in_the_same_warning(played: FleetRun) -> None:
    task_run = played.task_runs["kept"][2]
    assert task_run.event == "ok", task_run.message
    assert len(task_run.result["warnings"]) == 1
    assert "become and environment" in task_run.warnings


def test_delegation_to_the_controller_is_refused_with_a_way_out(played: FleetRun) -> None:
    task_run = played.task_runs["kept"][3]
    assert task_run.event == "failed"
    assert "works through the connection plugins winrm and psrp" in task_run.message
    assert task_run.count == 0


def test_a_failed_host_leaves_the_play(played: FleetRun) -> None:
    assert played.exit_code == 2
    assert [len(task_runs) for task_runs in played.task_runs.values()] == [5, 5]
    assert {counts["failures"] for counts in played.recap.values()} == {1}
    assert "Traceback" not in played.output
    assert played.task_runs["kept"][-1].after.reserved is None


def test_an_unreachable_host_leaves_the_play(fleet: RunningFleet) -> None:
    fleet.control.host("kept").act(do="power", on=False)
    fleet_run = play(fleet.control, fleet.inventory, [_task(RESERVE, {"ports": ["5000"]})])
    fleet.control.host("kept").reset()
    assert fleet_run.exit_code == 4
    assert fleet_run.recap["kept"]["unreachable"] == 1
    assert fleet_run.recap["asked"]["changed"] == 1
    assert "Traceback" not in fleet_run.output
