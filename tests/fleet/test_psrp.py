# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin psrp through the program: sessions, what a log shows, hostile servers, a missing package."""

from __future__ import annotations

import base64
import os
import pathlib
import re
import typing as t

import pytest

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, TaskRun, play
from tests.simulator.control import running_fleet
from tests.simulator.fleet import DEFAULT_USER
from tests.tooling.sources import ROOT

PSRP: t.Final[Json] = {"ansible_connection": "psrp"}
RESERVE: t.Final = "portkeeper.windows.reserved_ports"
PASSWORD: t.Final = DEFAULT_USER["password"]
HOSTS: t.Final[dict[str, Json]] = {
    "basic": {"release": "2003", "vars": PSRP},
    "ntlm": {"release": "2022", "wire": {"transport": "ntlm"}, "vars": PSRP},
    "wrong": {"release": "2022", "wire": {"transport": "ntlm"}, "vars": {**PSRP, "ansible_password": "Wrong-2003"}},
}
TASKS: t.Final[tuple[Json, ...]] = (
    {"name": "loop", RESERVE: {"ports": ["{{ item }}"]}, "loop": ["5389", "5390", "5391"]},
    {"name": "reset", "ansible.builtin.meta": "reset_connection"},
    {"name": "after", RESERVE: {"ports": ["5392"]}},
)


@pytest.fixture(scope="module")
def results() -> FleetRun:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as fleet:
        return play(fleet.control, fleet.inventory, TASKS, "-vvvvv")


def run_of(results: FleetRun, host: str, task: str) -> TaskRun:
    return next(one for one in results.task_runs[host] if one.task == task)


@pytest.mark.parametrize("host", ["basic", "ntlm"])
def test_items_of_a_loop_share_one_connection(results: FleetRun, host: str) -> None:
    loop = run_of(results, host, "loop")
    assert loop.event == "ok", loop.message
    assert [one["changed"] for one in loop.result["results"]] == [True] * 3
    assert loop.requests["connections"] == 1
    handshake = 3 if host == "ntlm" else 0
    assert loop.requests["requests"] - loop.requests["messages"] == handshake


@pytest.mark.parametrize("host", ["basic", "ntlm"])
def test_a_reset_connection_is_made_again(results: FleetRun, host: str) -> None:
    after = run_of(results, host, "after")
    assert (after.event, after.result["changed"]) == ("ok", True), after.message


def test_a_wrong_password_is_one_sentence(results: FleetRun) -> None:
    rejected = run_of(results, "wrong", "loop")
    assert rejected.event == "unreachable"
    sentence = "the server rejects the credentials (ntlm) (401); check user and password"
    assert sentence in rejected.result["results"][0]["msg"]


def test_the_longest_log_has_no_password(results: FleetRun) -> None:
    assert "ESTABLISH" not in results.output, "the plugin's own way in, which would start PowerShell"
    secrets = [PASSWORD, "Wrong-2003", base64.b64encode(f"{DEFAULT_USER['name']}:{PASSWORD}".encode()).decode()]
    assert len(results.output) > 10_000
    assert [secret for secret in secrets if secret in results.output] == []
    assert "Traceback" not in results.output


HOSTILE: t.Final[dict[str, tuple[Json, str]]] = {
    "unsealed": (
        {"kind": "wsman_fault", "code": 5, "subcode": "w:AccessDenied", "unsealed": True},
        "answers without a SOAP message",
    ),
    "oversize": ({"kind": "oversize", "size": 200 * 1024 * 1024}, "larger than|encrypted and this answer is not"),
    "dtd": ({"kind": "dtd"}, "declares a document type or entities|document type"),
    "redirect": ({"kind": "redirect", "status": 307, "location": "http://192.0.2.1/"}, "redirects the message"),
    "unauthorized": ({"kind": "unauthorized"}, "rejects the credentials"),
    "drip": ({"kind": "drip", "seconds": 0.5}, "no complete answer within|no answer in time"),
}


@pytest.fixture(scope="module")
def attacked() -> FleetRun:
    variables = {**PSRP, "ansible_psrp_read_timeout": 3, "ansible_psrp_operation_timeout": 2}
    server = {"release": "2022", "wire": {"transport": "ntlm"}, "vars": variables}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": dict.fromkeys(HOSTILE, server)}) as fleet:
        for name, (rule, _sentence) in HOSTILE.items():
            fleet.control.host(name).inject(**rule, times=None)
        task = {"name": "Reserve", RESERVE: {"ports": ["5389"], "retries": 0, "deadline": 12}}
        return play(fleet.control, fleet.inventory, [task])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_gets_one_sentence(attacked: FleetRun, name: str) -> None:
    (task_run,) = attacked.task_runs[name]
    assert task_run.event in ("failed", "unreachable")
    assert re.search(HOSTILE[name][1], task_run.message), task_run.message
    assert "Traceback" not in attacked.output


def test_a_reboot_is_waited_for() -> None:
    """The looks at a server that is down have a transport and timeouts of their own."""
    server = {"release": "2022", "wire": {"transport": "ntlm"}, "vars": PSRP}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": {"rebooted": server}}) as fleet:
        tasks = [
            {"name": "Reboot", "portkeeper.windows.server_reboot": {}},
            {"name": "Reserve", RESERVE: {"ports": ["5389"]}},
        ]
        reboot, after = play(fleet.control, fleet.inventory, tasks).task_runs["rebooted"]
    assert (reboot.event, reboot.result["rebooted"]) == ("ok", True), reboot.message
    assert (after.event, after.result["changed"]) == ("ok", True), after.message


def test_a_missing_package_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pypsrp.py").write_text("raise ImportError(\"No module named 'pypsrp'\")\n", encoding="utf-8")
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": {"basic": HOSTS["basic"]}}) as fleet:
        task = {"name": "Reserve", RESERVE: {"ports": ["5389"]}}
        results = play(fleet.control, fleet.inventory, [task], settings={"PYTHONPATH": paths})
    (task_run,) = results.task_runs["basic"]
    assert task_run.event == "failed"
    assert "the Python package pypsrp is missing on the controller" in task_run.message
    assert "'pip install pypsrp'" in task_run.message
