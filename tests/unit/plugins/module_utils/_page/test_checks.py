# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows of servers to checks: which fail at which level, which are not known, and when a job fails."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import (
    CHECKS,
    FAIL_ON,
    Check,
    Checked,
    FailOn,
    checked,
    failure,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import fixes_of
from tests.report.facts import DELAYED_START, Facts, edge_server, fleet_results, socket
from tests.report.rendering import reduced

Failed: t.TypeAlias = dict[str, str | None]
WELL: t.Final = reduced({**edge_server(1, fixed=True), "configured_versus_effective": [DELAYED_START]})
IAS: t.Final[Facts] = {"service": "IAS", "start_mode": "auto", "products": ["ias"]}
DOWN: t.Final[Facts] = {**IAS, "state": "Stopped", "exit_code": 10048}
UP: t.Final[Facts] = {**IAS, "state": "Running", "exit_code": 0}
THIEF: t.Final = socket("udp", 1812, "dns.exe", 9, ["DNS"], pool=True)
REBOOT: t.Final[Facts] = {
    "effective": "no",
    "resource": "reserved_ports",
    "part": "ReservedPorts",
    "waits_for": "reboot",
    "reason": "Windows reads it at boot.",
}
NOTE: t.Final[Facts] = {"kind": "network_retransmits", "severity": "information", "summary": "Many segments."}
LOST: t.Final[Facts] = {"reading": "the drivers", "lost": ["findings (ipsec_block_mode, as far as drivers are old)"]}


def check_of(facts: Facts, risk_limit: float = 0.0) -> dict[str, Check]:
    (server,) = checked(fleet({"edge1": facts}), fixes_of(None), risk_limit=risk_limit)
    assert len({check.name for check in server.checks}) == len(server.checks)
    return {check.name: check for check in server.checks}


def failed(facts: Facts, risk_limit: float = 0.0) -> Failed:
    return {check.name: check.level for check in check_of(facts, risk_limit).values() if check.level}


FAILED: t.Final[list[tuple[str, Facts, Failed]]] = [
    ("a server that is well", WELL, {}),
    ("one that is not there", {"unreachable": True, "msg": "no route"}, {"read": "not_read"}),
    ("a part that was not read", {**WELL, "findings": None}, {"read": "not_read"}),
    ("a kind that was not looked for", {**WELL, "unread": [LOST]}, {"read": "not_read"}),
    ("a service that lost its port", {**WELL, "services": [DOWN]}, {"services": "critical"}),
    (
        "and its thief",
        {**WELL, "services": [DOWN], "sockets": [THIEF]},
        {"services": "critical", "needed_ports": "critical"},
    ),
    ("a service that runs without", {**WELL, "services": [UP], "sockets": [THIEF]}, {"needed_ports": "warning"}),
    ("a risk", {**WELL, "risk": {"probability": 0.01}}, {"next_boot": "warning"}),
    ("a reboot", {**WELL, "configured_versus_effective": [REBOOT]}, {"settings_in_force": "waiting"}),
    ("a note", {**WELL, "findings": [NOTE]}, {}),
    (
        "findings",
        {**WELL, "findings": [{**NOTE, "severity": "warning"}, {"kind": "dns_is_victim", "severity": "critical"}]},
        {"network_retransmits": "warning", "dns_is_victim": "critical"},
    ),
    (
        "two of a kind",
        {**WELL, "findings": [{**NOTE, "severity": "warning"}, {**NOTE, "severity": "critical"}]},
        {"network_retransmits": "critical"},
    ),
    (
        "kinds of a later release, and none",
        {**WELL, "findings": [{"kind": "new", "severity": "warning"}, {"severity": "warning"}]},
        {"new": "warning", "finding_without_a_kind": "warning"},
    ),
]


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in FAILED], ids=[row[0] for row in FAILED])
def test_what_fails(facts: Facts, expected: Failed) -> None:
    assert failed(facts) == expected
    for name, (_says, levels) in CHECKS.items():
        assert expected.get(name) in (None, *levels)
    for check in check_of(facts).values():
        assert bool(check.message) or (check.known and not check.level)


def test_every_level_of_a_check_stands_in_that_table() -> None:
    seen = {(name, level) for _id, _facts, levels in FAILED for name, level in levels.items() if name in CHECKS}
    assert seen == {(name, level) for name, (_says, levels) in CHECKS.items() for level in levels}


@pytest.fixture(scope="module")
def nine() -> tuple[Checked, ...]:
    """Servers of each state."""
    return _checked(fleet_results(reduced))


def test_the_same_checks_for_every_server(nine: tuple[Checked, ...]) -> None:
    names = [[check.name for check in server.checks] for server in nine]
    assert [found[: len(CHECKS) + len(KINDS)] for found in names] == [[*CHECKS, *KINDS]] * len(names)


def _checked(results: dict[str, Facts]) -> tuple[Checked, ...]:
    return checked(fleet(results), fixes_of(None), risk_limit=0.0)


UNKNOWN: t.Final[list[tuple[str, Facts, set[str]]]] = [
    ("nothing", WELL, set()),
    ("all but that it was not read", {"unreachable": True}, {*CHECKS, *KINDS} - {"read"}),
    ("one kind of finding, by its whole name", {**WELL, "unread": [LOST]}, {"ipsec_block_mode"}),
    ("findings", {**WELL, "findings": None}, {*KINDS}),
    ("who has the ports", {**WELL, "sockets": None}, {"needed_ports"}),
    ("the risk", {**WELL, "risk": None}, {"next_boot"}),
    ("what was not asked for", {"release": {}, "services": []}, {*CHECKS, *KINDS} - {"read", "services"}),
]


@pytest.mark.parametrize(("facts", "names"), [row[1:] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN])
def test_what_is_not_known_does_not_hold(facts: Facts, names: set[str]) -> None:
    assert {name for name, check in check_of(facts).items() if not check.known} == names


@pytest.mark.parametrize(("limit", "passes"), [(0.0, False), (0.28, False), (0.281932, True), (1.0, True)])
def test_a_risk_within_the_limit_passes(limit: float, passes: bool) -> None:
    risk = reduced(edge_server(3))
    assert failed(risk, limit) == ({} if passes else {"next_boot": "warning"})


def test_a_failure_says_why_and_what_to_do() -> None:
    found = check_of(reduced(edge_server(1, taken=True)))
    finding = found["port_taken_by_dns_pool"]
    assert finding.message == "ADAM_MSExchange is down: dns.exe (process 1084, service DNS) holds UDP 50636."
    assert finding.text.splitlines()[1:] == [
        "At its start the DNS server drew this port.",
        "Fix:",
        "ansible-playbook portkeeper.windows.edge --limit edge1",
    ]
    assert found["next_boot"].text.splitlines()[-1] == (
        "0 % after this fix: portkeeper.windows.dns_socket_pool with excluded_ports"
    )
    assert found["needed_ports"].message.startswith("UDP 50636 of ADAM_MSExchange is held by dns.exe")
    due = check_of({**WELL, "configured_versus_effective": [REBOOT]})["settings_in_force"]
    assert due.message.startswith("Reboot the server: until then this is configured, but not in force: reserved ports")
    assert due.text.endswith("\nWindows reads it at boot.")


def test_a_fix_without_a_command_is_a_task_or_advice() -> None:
    task = {**NOTE, "fix": "- ansible.builtin.include_role:\n    name: other.role\n"}
    advice = {**NOTE, "fix": "# Report only. Renew the drivers."}
    text = check_of({**WELL, "findings": [task, advice]})["network_retransmits"].text
    assert text.split("\n\n") == [
        "Many segments.\nFix:\n- ansible.builtin.include_role:\n    name: other.role",
        "Many segments.\nReport only. Renew the drivers.",
    ]


FAILURES: t.Final[list[tuple[list[FailOn], str]]] = [
    (["never"], ""),
    ([], ""),
    (["critical"], "2 of 9 servers critical: edge-hostile, edge-taken."),
    (["never", "critical"], "2 of 9 servers critical: edge-hostile, edge-taken."),
    (["warning"], "2 of 9 servers critical, 1 with a warning: edge-hostile, edge-taken, edge-risk."),
    (
        ["waiting", "warning"],
        (
            "2 of 9 servers critical, 1 with a warning, 1 waiting for a restart or reboot: "
            "edge-hostile, edge-taken, edge-risk, edge-fixed."
        ),
    ),
    (["not_read"], "3 of 9 servers not fully read: edge-gone, edge-partly, edge-refused."),
    (
        ["critical", "not_read"],
        "2 of 9 servers critical, 3 not fully read: edge-hostile, edge-taken, edge-gone, edge-partly, edge-refused.",
    ),
]


@pytest.mark.parametrize(("fail_on", "sentence"), FAILURES, ids=[" ".join(row[0]) or "nothing" for row in FAILURES])
def test_when_a_job_fails(fail_on: list[FailOn], sentence: str, nine: tuple[Checked, ...]) -> None:
    assert failure(nine, fail_on) == sentence


def test_a_job_fails_with_a_sentence_of_bounded_length() -> None:
    assert failure(_checked({"edge1": {}}), ["not_read"]) == "1 of 1 server not fully read: edge1."
    many = failure(_checked({f"edge{number:02}": {} for number in range(14)}), ["not_read"])
    assert many.startswith("14 of 14 servers not fully read: edge00, edge01")
    assert many.endswith("edge09 and 4 more.")
    assert failure((), list(FAIL_ON)) == ""


def test_a_critical_server_that_was_read_in_part_is_not_fully_read_too() -> None:
    ill = {**reduced(edge_server(1, taken=True)), "unread": [LOST]}
    assert failure(_checked({"edge1": ill}), ["not_read"]) == "1 of 1 server not fully read: edge1."
    assert failure(_checked({"edge1": ill}), ["critical", "not_read"]) == "1 of 1 server critical: edge1."
