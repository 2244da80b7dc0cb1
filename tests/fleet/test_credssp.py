# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CredSSP: it works over both schemes, and one sentence for each way in which it does not. NTLM is inside it."""

from __future__ import annotations

import re
import typing as t

import pytest
import winrm.transport

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, play
from tests.fleet.snapshot import joined
from tests.fleet.ways_in import inventory_of, one_task
from tests.simulator.control import RunningFleet, running_fleet
from tests.simulator.fleet import DEFAULT_USER

PASSWORD: t.Final = DEFAULT_USER["password"]
WRONG: t.Final = "Wrong-but-secret"


def _credssp(release: str = "2022", **wire: t.Any) -> Json:
    return {"release": release, "wire": {"transport": "credssp", **wire}}


PSRP: t.Final[Json] = {"ansible_connection": "psrp"}
GOOD: t.Final[dict[str, Json]] = {
    "http": {**_credssp(), "roles": ["dns"]},
    "http-2008r2": {**_credssp("2008r2"), "netsh_hotfix": True},
    "https": _credssp("2012r2", scheme="https"),
    "http-psrp": {**_credssp(), "vars": PSRP},
    "https-psrp": {**_credssp(scheme="https"), "vars": PSRP},
}
OTHERS: t.Final[dict[str, Json]] = {
    "2003": _credssp("2003"),
    "switched-off": _credssp(schemes=["negotiate"]),
    "switched-off-psrp": {**_credssp(schemes=["negotiate"]), "vars": PSRP},
    "locking": _credssp(lockout_threshold=1),
}
MANY: t.Final = [str(port) for port in range(10000, 14000, 4)]
"""Ports whose list is longer than the 16 KB that CredSSP seals at once."""


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": {**GOOD, **OTHERS}}) as found:
        yield found


@pytest.fixture(scope="module")
def variables(fleet: RunningFleet) -> dict[str, dict[str, t.Any]]:
    return inventory_of(fleet.inventory)


@pytest.fixture(scope="module")
def results(fleet: RunningFleet) -> FleetRun:
    tasks = [
        {"name": "Reserve", "portkeeper.windows.reserved_ports": {"ports": ["5389"]}},
        {
            "name": "Exclude",
            "portkeeper.windows.dns_socket_pool": {"excluded_ports": MANY},
            "when": "inventory_hostname == 'http'",
        },
    ]
    return play(fleet.control, fleet.inventory, tasks, "--limit", ",".join(GOOD))


@pytest.mark.parametrize("host", GOOD)
def test_it_works(results: FleetRun, host: str) -> None:
    run = results.task_runs[host][0]
    assert (run.event, run.result["changed"]) == ("ok", True), run.message
    assert joined(run.after.excluded("udp")) == ["5389-5389"]
    assert {line["authentication"] for line in run.requests["log"]} == {"credssp"}
    assert {line["sealed"] for line in run.requests["log"]} == {not host.startswith("https")}
    assert {line["delegated"] for line in run.requests["log"]} == {True}
    assert PASSWORD not in results.output


def test_a_long_message_is_sealed_in_parts(results: FleetRun) -> None:
    run = results.task_runs["http"][1]
    assert (run.event, run.result["changed"]) == ("ok", True), run.message
    assert run.after.pool_exclusions == [f"{port}-{port}" for port in MANY]
    assert max(line["bytes_in"] for line in run.requests["log"]) > 2 * 16384


REFUSED: t.Final[dict[str, tuple[str, Json, str]]] = {
    "wrong-password": (
        "http",
        {"ansible_password": WRONG},
        r"the server rejects the credentials \(credssp\): the user or the password is wrong \(STATUS_LOGON_FAILURE\)",
    ),
    "wrong-password-psrp": (
        "http-psrp",
        {"ansible_password": WRONG},
        r"the user or the password is wrong \(STATUS_LOGON_FAILURE\); check user and password",
    ),
    "not-offered-psrp": ("switched-off-psrp", {}, r"does not offer CredSSP; .*use NTLM \(ansible_psrp_auth: ntlm\)"),
    "unknown-user": ("https", {"ansible_user": "ghost"}, r"the user or the password is wrong \(STATUS_LOGON_FAILURE\)"),
    "not-offered": (
        "switched-off",
        {},
        r"can't be carried out: the server does not offer CredSSP; on the server run winrm set .*CredSSP=\"true\"",
    ),
    "not-before-2008": (
        "2003",
        {},
        r"the server does not offer CredSSP; .*Windows Server 2008 with WinRM 2\.0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_sentence_says_what_is_wrong(variables: dict[str, dict[str, t.Any]], name: str) -> None:
    host, given, sentence = REFUSED[name]
    _refused(variables[host] | dict(given), host, sentence)


def _refused(variables: Json, host: str, sentence: str) -> None:
    result = one_task(host, variables, {})
    assert result.get("unreachable"), result
    assert re.search(sentence, result["msg"]), result["msg"]
    assert len(result["msg"]) < 500
    assert not {PASSWORD, WRONG} & set(re.findall(r"[\w-]+", str(result)))


def test_a_locked_account_is_no_wrong_use_of_ours(fleet: RunningFleet, variables: dict[str, dict[str, t.Any]]) -> None:
    """One failed logon is one for the server, however many messages CredSSP needs for it."""
    _refused(variables["locking"] | {"ansible_password": WRONG}, "locking", "LOGON_FAILURE")
    assert fleet.control.host("locking").locked_accounts() == ["administrator"]


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, dict[str, t.Any]]) -> None:
    monkeypatch.setattr(winrm.transport, "HAVE_CREDSSP", False)
    _refused(
        variables["http"],
        "http",
        r"the Python package requests-credssp is missing on the controller; .*'pip install requests-credssp'",
    )
