# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be rebooted, how it is asked, and what proves it."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait, dump
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Fact,
    Facts,
    FactsNeeded,
    OperatingSystem,
    OperatingSystemFact,
    RegistryFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    Service,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import _COMMAND

DEFAULTS = {name: spec["default"] for name, spec in reboot.ARGUMENT_SPEC.items()}
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def service(name: str, *, start_mode: str = "Auto", state: str = "Running", exit_code: int = 0) -> Service:
    return Service(name, name, state, start_mode, 4, exit_code, 0, "")


def wanted(**changes: t.Any) -> reboot.Reboot:
    return reboot.options({**DEFAULTS, **changes}, always=True, journal=False)


def context(
    version: str, *services: Service, values: t.Mapping[RegistryFact, RegistryReading] | None = None
) -> Context:
    """A server with these services and no others of those that are asked about."""
    absent = ("WinRM", "DNS", "PolicyAgent", "ADAM_MSExchange")
    answers: dict[Fact[t.Any], t.Any] = {ServiceFact(name): None for name in absent}
    answers |= {ServiceFact(one.name): one for one in services}
    answers[MAX_USER_PORT_FACT] = answers[RESERVED_PORTS_FACT] = Absent.VALUE
    answers[OperatingSystemFact()] = OperatingSystem(version, "", 3, NOW, NOW - datetime.timedelta(seconds=500))
    answers.update((values or {}).items())
    return Context(Facts(answers), release_of(version, 3), journal=None, now=0.0)


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("reboot_timeout", 9, "between 10 and 86400", id="too-short"),
        pytest.param("pre_reboot_delay", 601, "between 0 and 600", id="longer-than-2003-takes"),
        pytest.param("post_reboot_delay", -1, "between 0 and 3600", id="negative"),
        pytest.param("msg", "x" * 128, "128 characters", id="message-too-long"),
        pytest.param("msg", "one\ntwo", "one line", id="line-break"),
        pytest.param("msg", "a\ud800", "control character", id="lone-surrogate"),
        pytest.param("services", ["DNS", " "], "empty", id="empty-name"),
    ],
)
def test_options_that_are_refused(name: str, value: t.Any, words: str) -> None:
    with pytest.raises(OptionError, match=words) as refusal:
        wanted(**{name: value})
    assert refusal.value.option == name


def test_the_edges_are_allowed() -> None:
    options = wanted(reboot_timeout=10, pre_reboot_delay=600, msg="x" * 127, services=["DNS", " dns"])
    assert options.services == ("DNS",)


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("Patch day (planned), 22:00", "Patch day (planned), 22:00", id="plain"),
        pytest.param('%PATH% & del "x" | ^', "_PATH_ _ del _x_ _ _", id="meta-characters"),
        pytest.param("ends with \\", "ends with _", id="backslash-would-escape-the-quote"),
        pytest.param("f\u00fcr Sie!", "f_r Sie_", id="not-ascii"),
    ],
)
def test_the_command_is_safe_for_cmd(message: str, shown: str) -> None:
    command = wanted(msg=message, pre_reboot_delay=30).command
    assert command == f'shutdown.exe /r /f /t 30 /d p:2:4 /c "{shown}"'
    assert _COMMAND.fullmatch(command)


def test_the_command_leaves_time_for_its_answer() -> None:
    assert " /t 2 " in wanted(pre_reboot_delay=0).command


def test_wmi_gets_the_message_as_it_is() -> None:
    assert wanted(msg="100 % f\u00fcr Sie", pre_reboot_delay=0).parameters == {
        "Timeout": 0,
        "Comment": "100 % f\u00fcr Sie",
        "ReasonCode": 0x80020004,
        "Flags": 6,
    }


# --- permission -------------------------------------------------------------------------------------------------------


def test_all_services_are_asked_at_once() -> None:
    empty = context("5.2.3790")._replace(facts=Facts())
    with pytest.raises(FactsNeeded) as question:
        reboot.permission(wanted(services=["W32Time"]), empty)
    assert question.value.facts == {ServiceFact(name) for name in ("WinRM", "DNS", "PolicyAgent", "W32Time")}


def test_a_server_that_comes_back_may_be_rebooted() -> None:
    permit = reboot.permission(wanted(), context("10.0.20348", service("WinRM")))
    assert (permit.uptime, permit.warnings) == (500.0, ())


@pytest.mark.parametrize(
    ("services", "options", "words"),
    [
        pytest.param(
            [service("WinRM", start_mode="Manual")], {}, "start mode is Manual.*service_start_mode", id="winrm"
        ),
        pytest.param([], {}, "no such service", id="no-winrm"),
        pytest.param([service("WinRM")], {"services": ["ADAM_MSExchange"]}, "does not exist", id="unknown-service"),
        pytest.param(
            [service("WinRM"), service("DNS", start_mode="Disabled")],
            {"services": ["DNS"]},
            "disabled",
            id="disabled-service",
        ),
    ],
)
def test_refusals(services: list[Service], options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        reboot.permission(wanted(**options), context("10.0.20348", *services))


HIGH = {MAX_USER_PORT_FACT: RegistryValue(RegistryType.DWORD, 65534)}
LOW = {MAX_USER_PORT_FACT: RegistryValue(RegistryType.DWORD, 4499)}
UNSURE = {RESERVED_PORTS_FACT: RegistryValue(RegistryType.MULTI_STRING, ("4500", "4501-4501"))}
RESERVED = {RESERVED_PORTS_FACT: RegistryValue(RegistryType.MULTI_STRING, ("4500-4500",))}
ALL_START = (service("WinRM"), service("DNS"), service("PolicyAgent"))


def test_block_mode_is_refused_with_its_reason_and_the_fix() -> None:
    with pytest.raises(PlanError) as refusal:
        reboot.permission(wanted(), context("5.2.3790", *ALL_START, values=HIGH))
    for word in (
        "UDP 4500",
        "IPSEC Services",
        "KB912023",
        "reserved_ports",
        "ports=4500",
        "accept_risks: [block_mode]",
    ):
        assert word in str(refusal.value)


def test_a_reservation_that_windows_does_not_keep_is_none() -> None:
    """Without its hyphen, or touched by another entry (KB812873)."""
    with pytest.raises(PlanError, match="UDP 4500"):
        reboot.permission(wanted(), context("5.2.3790", *ALL_START, values={**HIGH, **UNSURE}))


def test_block_mode_can_be_ignored_with_a_warning() -> None:
    permit = reboot.permission(wanted(ignore_block_mode=True), context("5.2.3790", *ALL_START, values=HIGH))
    assert len(permit.warnings) == 1
    assert "KB912023" in permit.warnings[0]


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(context("5.2.3790", *ALL_START, values={**HIGH, **RESERVED}), id="reserved"),
        pytest.param(context("5.2.3790", *ALL_START), id="pool-is-above"),
        pytest.param(context("5.2.3790", *ALL_START, values=LOW), id="pool-ends-below"),
        pytest.param(context("5.2.3790", service("WinRM"), service("PolicyAgent"), values=HIGH), id="no-dns"),
        pytest.param(context("6.0.6002", *ALL_START, values=HIGH), id="no-block-mode-from-6.0-on"),
    ],
)
def test_no_block_mode_to_fear(allowed: Context) -> None:
    assert reboot.permission(wanted(), allowed).warnings == ()


# --- the journal ------------------------------------------------------------------------------------------------------


def text(journal: Journal) -> RegistryValue:
    return RegistryValue(RegistryType.STRING, dump(journal))


WAITING = Journal(
    {
        "reserved_ports": Entry(None, None, wait=Wait("reboot", 1.0, 2.0)),
        "dns_socket_pool.size": Entry(None, {"type": 4, "data": 50}, wait=Wait("dns_restart", 1.0, 2.0, 7)),
        "service_start_mode.DNS": Entry("auto", "delayed"),
    },
    stopped=("W32Time",),
)


def test_a_boot_settles_what_waits_for_it_and_for_dns() -> None:
    found = reboot.waits(text(WAITING))
    assert found.names == ("dns_socket_pool.size", "reserved_ports")
    assert found.journal
    assert [entry.wait for entry in found.journal.entries.values()] == [None, None, None]
    assert found.journal.stopped == ("W32Time",)


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(Absent.KEY, id="no-key"),
        pytest.param(Absent.VALUE, id="no-value"),
        pytest.param(text(Journal({"x": Entry(None, None)})), id="nothing-waits"),
    ],
)
def test_nothing_to_settle(reading: RegistryReading) -> None:
    assert reboot.waits(reading) == reboot.Waits()


@pytest.mark.parametrize("content", ["{", '{"version":99}', "[]", ""])
def test_an_unreadable_journal_is_left_alone(content: str) -> None:
    found = reboot.waits(RegistryValue(RegistryType.STRING, content))
    assert (found.names, found.journal) == ((), None)
    assert "left as it is" in found.warning


# --- the proof --------------------------------------------------------------------------------------------------------

HOUR = 3600.0


@pytest.mark.parametrize(
    ("uptime", "before", "elapsed", "was_gone", "proof"),
    [
        pytest.param(1000.0, 900.0, 100.0, False, False, id="still-up"),
        pytest.param(20.0, 900.0, 100.0, True, True, id="back"),
        pytest.param(20.0, 900.0, 100.0, False, True, id="back-before-we-noticed"),
        pytest.param(20.0, 30.0, 100.0, True, True, id="rebooted-soon-after-a-boot"),
        pytest.param(130.0, 30.0, 100.0, True, False, id="only-the-network-was-gone"),
        pytest.param(HOUR + 20, 9 * HOUR, 100.0, True, True, id="clock-set-forward-at-boot"),
        pytest.param(8 * HOUR, 9 * HOUR, 100.0, False, False, id="clock-set-back-without-a-boot"),
        pytest.param(-HOUR + 60.0, -HOUR, 60.0, False, False, id="clock-behind-the-boot-time"),
    ],
)
def test_the_proof_is_the_uptime(*, uptime: float, before: float, elapsed: float, was_gone: bool, proof: bool) -> None:
    assert reboot.is_rebooted(uptime=uptime, before=before, elapsed=elapsed, was_gone=was_gone) is proof


def test_services_that_are_down_are_named_with_their_error() -> None:
    down = service("ADAM_MSExchange", state="Stopped", exit_code=10013)
    said = reboot.down_sentence([("DNS", service("DNS")), ("ADAM_MSExchange", down), ("X", None)])
    assert said.startswith("service ADAM_MSExchange is Stopped, its exit code 10013 (access to a socket was forbidden")
    assert said.endswith("service X does not exist any more")
    assert reboot.down_sentence([("DNS", service("DNS"))]) == ""
    assert reboot.down_sentence([("D", service("D", state="Start Pending"))]) == "service D is Start Pending"
