# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of the grade look, on simulated servers: they see what the simulator does, and change nothing."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.unprobed import UNPROBED
from tests.fleet.host_cases import HostCase, Step
from tests.fleet.in_process import run_in_process
from tests.fleet.verified_hosts import EDGE, HOSTS
from tests.fleet.verifying import LOOK, Looked, looked
from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import run_ansible

MOST_REQUESTS: t.Final = 60
"""Beside those that fetch long lists and texts in pieces; docs/verify.md says it."""
ON_SHELLS: t.Final = ("Create", "Command", "Send", "Receive", "Signal", "Delete")
ALLOWED: t.Final = re.compile(rf"Identify|Get|Enumerate|Pull|Release|(Get|Enum)\w+|CheckAccess|{'|'.join(ON_SHELLS)}")
_LOOKED: t.Final[dict[str, Looked]] = {}


def at(name: str) -> Looked:
    """Look at one of the servers, once."""
    if name not in _LOOKED:
        _LOOKED[name] = looked(HOSTS[name])
    return _LOOKED[name]


@pytest.mark.parametrize("name", HOSTS)
def test_nothing_is_otherwise_on_a_simulated_server(name: str) -> None:
    results = at(name).by_probe.values()
    assert {one.probe.id: (one.expected, one.seen) for one in results if one.verdict == "otherwise"} == {}


def test_every_probe_comes_to_its_verdict_somewhere() -> None:
    told = {probe for name in HOSTS for probe, one in at(name).by_probe.items() if one.verdict == "as_expected"}
    assert {probe.id for probe in LOOK} - told == set()


@pytest.mark.parametrize("name", HOSTS)
def test_a_look_sends_only_what_reads_and_leaves_the_server_as_it_was(name: str) -> None:
    seen = at(name)
    assert [one for one in seen.log if not ALLOWED.fullmatch(one.method or "Identify")] == []
    assert {one.resource for one in seen.log if one.method in ON_SHELLS} <= {"cmd"}
    lasting = ("registry", "exclusions", "services", "files", "dynamic_ranges", "processes", "sockets", "boot")
    assert {key: seen.after.data[key] for key in lasting} == {key: seen.before.data[key] for key in lasting}
    assert seen.after.data["wire"] == {"shells": [], "enumerations": 0}


def test_a_look_at_5000_sockets_is_cheap() -> None:
    # The pool has 2,500 sockets in each family, and the state counts it as one.
    seen = at("edge")
    assert seen.by_probe["pool_size"].seen is seen.by_probe["pool_ipv6"].seen is True
    assert seen.requests <= MOST_REQUESTS


@pytest.mark.parametrize("name", HOSTS)
def test_a_look_is_cheap_on_every_release(name: str) -> None:
    """WinRM 1.1 wants a Signal before the next command, and refuses the one that is sent to see that."""
    old = 2 if at(name).verified.server.stack == "1.1" else 0
    assert at(name).requests <= MOST_REQUESTS + old


def test_no_probe_settles_what_is_said_to_be_unprobed() -> None:
    assert {probe.settles for probe in PROBES} & set(UNPROBED) == set()


SECRETS: t.Final = ("contoso", "janedoe", "jane-srv", "203.0.113.77", "s-1-5-21-1004336348")
SECRET_SID: t.Final = "S-1-5-21-1004336348-1177238915-682003330-512"
PLANTED: t.Final[dict[str, t.Any]] = {
    "domain": "contoso.example",
    "users": [{"name": "janedoe", "password": "Contoso-1", "domain": "contoso"}],
    "foreigners": [
        {"image": "contoso-agent.exe", "protocol": "udp", "port": 4500, "account": "contoso\\janedoe"},
        {
            "image": "contoso-client.exe",
            "protocol": "tcp",
            "port": 62000,
            "state": "established",
            "remote": "203.0.113.77:443",
        },
    ],
    "registry": [
        {"path": rf"SYSTEM\CurrentControlSet\{key}", "name": "Contoso", "type": "SZ", "data": SECRET_SID}
        for key in (r"Services\WinRM", r"Services\Contoso\Parameters", r"Control", r"Services\Tcpip\Parameters")
    ],
}


@pytest.mark.parametrize("release", ["2003", "2019"])
def test_no_name_that_a_server_knows_is_told(release: str, tmp_path: pathlib.Path) -> None:
    # On 2003 the agent has IPSEC Services' port, which must not start, or nobody could reach the server.
    manual = {"start_modes": {"PolicyAgent": "manual"}} if release == "2003" else {}
    server = {"release": release, "roles": ["dns"], **PLANTED, "reserved_ports": ["contoso-5000"], **manual}
    step = Step(module="verify_assumptions", options={"directory": str(tmp_path)})
    (run,) = run_in_process([HostCase(id="jane-srv", server=server, steps=(step,))])["jane-srv"]
    assert run.event == "ok", run.message
    # The planted program was really met, and something strange is told of it.
    held = next(row for row in run.result["probes"] if row["probe"] == "traversal_owner")
    assert (held["seen"] == "something else") == (release == "2003")
    told = "".join(path.name + path.read_text(encoding="utf-8") for path in tmp_path.iterdir()).casefold()
    shown = json.dumps({key: run.result[key] for key in ("probes", "windows", "counts", "target")}).casefold()
    assert [secret for secret in SECRETS if secret in told + shown] == []


def _case(directory: pathlib.Path, **options: t.Any) -> HostCase:
    step = Step(module="verify_assumptions", options={"directory": str(directory), **options})
    checked = Step(module="verify_assumptions", options={"directory": str(directory), **options}, check=True)
    return HostCase(id="edge", server=EDGE, steps=(checked, step, step))


def test_the_module_writes_what_it_saw_once(tmp_path: pathlib.Path) -> None:
    checked, first, again = run_in_process([_case(tmp_path / "verified", real=True)])["edge"]
    assert [run.event for run in (checked, first, again)] == ["ok", "ok", "ok"]
    assert [run.result["changed"] for run in (checked, first, again)] == [True, True, False]
    names = sorted(path.name for path in (tmp_path / "verified").iterdir())
    assert [re.fullmatch(r"2019-17763-1031-[0-9a-f]{12}\.(json|md)", name) is None for name in names] == [False] * 2
    found = json.loads((tmp_path / "verified" / names[0]).read_text(encoding="utf-8"))
    # The simulator reveals itself, whatever the task says.
    assert (found["target"], first.result["target"]) == ("simulated", "simulated")
    assert set(found["probes"]) == {probe.id for probe in LOOK}
    assert first.result["counts"]["otherwise"] == 0


def test_the_playbook_asks_the_servers_of_the_inventory(tmp_path: pathlib.Path) -> None:
    host = {**EDGE, "time_scale": 0.005, "wire": {"transport": "ntlm"}}
    with running_fleet({"hosts": {"edge": host}}) as fleet:
        extra = ("-e", f"verify_directory={tmp_path}", "-e", "verify_real=true")
        run = run_ansible(["ansible-playbook", "-i", str(fleet.inventory), "playbooks/verify.yml", *extra])
    assert run.exit_code == 0, run.output
    (page,) = tmp_path.glob("*.md")
    assert "the simulator of the project" in page.read_text(encoding="utf-8")


def test_check_mode_touches_nothing(tmp_path: pathlib.Path) -> None:
    options = {"directory": str(tmp_path), "grade": "touch"}
    steps = [Step(module="verify_assumptions", options=options, check=check) for check in (True, False)]
    server = {"release": "2022", "roles": ["member"]}
    checked, run = run_in_process([HostCase(id="server", server=server, steps=tuple(steps))])["server"]
    assert "SetStringValue" not in checked.requests["by_action"]
    assert "SetStringValue" in run.requests["by_action"]
    assert run.before.data["registry"] == run.after.data["registry"]
    assert len(run.result["probes"]) > len(checked.result["probes"])
