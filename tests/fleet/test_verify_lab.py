# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of the grade lab: only on the host that is named; they see what the simulator does, and take it back."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import VERIFY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import Feature
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab import NO_BOOT
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.verify import verify
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NoConnection
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import Snapshot
from tests.fleet.test_verify import PLANTED, SECRETS
from tests.fleet.test_verify_record import outputs
from tests.fleet.verified_hosts import LAB_HOSTS
from tests.fleet.verifying import LAB, TOUCH, Line, Looked, boots_of, clock_of, looked
from tests.simulator.control import running_fleet
from tests.simulator.direct import DirectServer
from tests.tooling.ansible_programs import AnsibleRun, run_ansible

LASTING: t.Final = ("registry", "exclusions", "files", "dynamic_ranges")


@functools.cache
def at(name: str) -> Looked:
    """Spoil one of the servers, once."""
    return looked(LAB_HOSTS[name], LAB)


def lasting(snapshot: Snapshot) -> Json:
    """What must be as before: all but what a boot changes."""
    modes = {name: (one["start"], one["delayed"]) for name, one in snapshot.data["services"].items()}
    return {"modes": modes, **{key: snapshot.data[key] for key in LASTING}}


@pytest.mark.parametrize("name", LAB_HOSTS)
def test_nothing_is_otherwise_and_nothing_stays(name: str) -> None:
    seen = at(name)
    assert {one.probe.id: one.seen for one in seen.verified.results if one.verdict == "otherwise"} == {}
    assert lasting(seen.after) == lasting(seen.before)
    assert seen.after.data["wire"] == {"shells": [], "enumerations": 0}
    assert seen.verified.remains == ()


def test_every_probe_comes_to_its_verdict_somewhere() -> None:
    told = {one for name in LAB_HOSTS for one, result in at(name).by_probe.items() if result.verdict == "as_expected"}
    assert {probe.id for probe in LAB} - told == set()


@pytest.mark.parametrize(
    ("name", "probe", "why"),
    [
        (
            "lab-member",
            "lab_list_counts",
            "this server has no DNS: dism.exe /online /enable-feature /featurename:DNS-Server-Full-Role /all",
        ),
        ("lab-2008", "lab_dns_first", "this server has no AD LDS: servermanagercmd -install ADLDS brings it, then "),
        ("lab-2003", "lab_dns_first", "this server has no AD LDS: ADAM, a download of its own, brings it"),
    ],
)
def test_a_probe_says_how_what_it_needs_is_installed(name: str, probe: str, why: str) -> None:
    assert at(name).by_probe[probe].why.startswith(why)


SMALL_POOL: t.Final = {"name": "SocketPoolSize", "type": "DWORD", "data": 150}
INSTALLED: t.Final[Json] = {
    **LAB_HOSTS["lab-member"],
    "registry": [{"path": r"SYSTEM\CurrentControlSet\Services\DNS\Parameters", **SMALL_POOL}],
}
FEATURES: t.Final[tuple[Feature, ...]] = ("DNS", "AD LDS", "NPS")
ASKING: t.Final = ("ad_lds_binds_udp", "radius_image", "lab_list_counts", "lab_explicit_bind")


def test_a_lab_installs_what_it_is_told_to() -> None:
    probes = [probe for probe in PROBES if probe.id in ASKING]
    seen = looked(INSTALLED, probes, install=FEATURES)
    assert {one.probe.id: one.verdict for one in seen.verified.results} == dict.fromkeys(ASKING, "as_expected")
    kept = tuple(f"{feature} was installed and stays." for feature in FEATURES)
    assert seen.verified.remains == kept
    assert seen.after.data["files"].keys() - seen.before.data["files"].keys() == {r"C:\Windows\ADAM\adaminstall.exe"}


def test_a_lab_says_what_it_could_not_install() -> None:
    seen = looked({"release": "2003", "roles": ["member"]}, LAB[:1], install=FEATURES[1:2])
    assert seen.verified.remains == (
        "AD LDS could not be installed (code -1); this server has no AD LDS: ADAM, a download of its own, brings it.",
    )


def test_a_dns_server_that_others_need_is_left_alone() -> None:
    """It can't be stopped while they run; its pool is as it was, and so is everything else."""
    needing = {"path": r"SYSTEM\CurrentControlSet\Services\W32Time", "name": "DependOnService", "type": "MULTI_SZ"}
    server: Json = {**LAB_HOSTS["lab-2008r2"], "registry": [{**needing, "data": ["DNS"]}]}
    seen = looked(server, [probe for probe in LAB if probe.id in ("lab_list_counts", "lab_pool_ignores_netsh")])
    whys = {one.probe.id: one.why for one in seen.verified.results}
    assert set(whys.values()) == {"the service DNS could not be stopped (code 3)"}
    assert lasting(seen.after) == lasting(seen.before)
    assert seen.after.data["sockets"] == seen.before.data["sockets"]


# --- on which host ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        (None, "grade lab spoils a server and needs its name here, so nothing was sent to jane-srv"),
        ("other-srv", "grade lab may spoil other-srv alone, so nothing was sent to jane-srv"),
        ("JANE-SRV", "grade lab may spoil JANE-SRV alone, so nothing was sent to jane-srv"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_no_other_host_is_spoilt(named: str | None, sentence: str, check: bool, tmp_path: pathlib.Path) -> None:
    options = {"directory": str(tmp_path), "grade": "lab"} | ({} if named is None else {"may_be_spoilt": named})
    step = Step(module="verify_assumptions", options=options, check=check)
    (run,) = run_in_process([HostCase(id="jane-srv", server=LAB_HOSTS["lab-member"], steps=(step,))])["jane-srv"]
    assert (run.event, sentence in run.message) == ("failed", True)
    assert run.requests["requests"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_lab_without_reboots_says_so(tmp_path: pathlib.Path) -> None:
    options = {"directory": str(tmp_path), "grade": "lab", "may_be_spoilt": "jane-srv", "reboot": False}
    checked = Step(module="verify_assumptions", options=options, check=True)
    step = Step(module="verify_assumptions", options=options)
    case = HostCase(id="jane-srv", server=LAB_HOSTS["lab-member"], steps=(checked, step))
    look, run = run_in_process([case])["jane-srv"]
    assert (look.event, run.event) == ("ok", "ok"), run.message
    # In check mode it is a look.
    assert not {row["probe"] for row in look.result["probes"]} & {probe.id for probe in LAB}
    assert run.before.data["boot"] == run.after.data["boot"]
    rows = {row["probe"]: row for row in run.result["probes"]}
    assert (rows["lab_reboot"]["verdict"], rows["lab_reboot"]["why"]) == ("cant_tell", NO_BOOT)
    assert rows["lab_failed_dependency"]["verdict"] == "as_expected"
    assert rows["lab_failed_dependency"]["does"] == f"{lab_steps.START_FAILING} (a change of the grade lab)"
    (told,) = (json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json"))
    assert (told["grade"], told["probes"]["lab_start_value"]["seen"]) == ("lab", True)
    assert run.result["remains"] == []


# --- runs that break off ----------------------------------------------------------------------------------------------


def messages(host: Json) -> int:
    """How many messages a whole lab sends."""
    server = DirectServer({"name": "server", **host})
    line = Line(server)
    verify(line, LAB, clock=clock_of(server), boots=boots_of(server))
    return len(line.sent)


SAMPLE: t.Final = int(os.environ.get("PORTKEEPER_LAB_BREAKS", "3"))
"""How many of the messages of a lab a run breaks off at; ``make verify-matrix`` takes 200."""
BREAKS: t.Final = (("lab-member", False), ("lab-2003", True), ("lab", True), ("lab-2003", False), ("lab", False))
"""Server, and whether the last message comes through; the gate has the first two."""


@pytest.mark.parametrize(("name", "delivered"), BREAKS if SAMPLE > 3 else BREAKS[:2])
def test_a_lab_that_breaks_off_is_taken_back_by_the_next_touch(name: str, delivered: bool) -> None:
    host = LAB_HOSTS[name]
    total = messages(host)
    every = max(1, total // SAMPLE)
    left, noted = [], 0
    for number in range(every // 2 + 1, total, every):
        server = DirectServer({"name": "server", **host})
        before = lasting(Snapshot(server.state()))
        line = Line(server, breaks_at=number, delivered=delivered)
        with pytest.raises(NoConnection):
            verify(line, LAB, clock=clock_of(server), boots=boots_of(server))
        noted += Snapshot(server.state()).value(VERIFY_KEY, lab_steps.NOTE) is not None
        # The server may be booting when the next run comes.
        server.pass_time(600)
        results = verify(Line(server), TOUCH, clock=clock_of(server)).results
        if lasting(Snapshot(server.state())) != before or "otherwise" in {one.verdict for one in results}:
            left.append(number)
    assert left == []
    assert noted > 0


def cut_off(host: Json, message: str) -> DirectServer:
    """A server whose lab broke off before the message that holds this text for the second time."""
    server = DirectServer({"name": "server", **host})
    line = Line(server)
    verify(line, LAB, clock=clock_of(server), boots=boots_of(server))
    places = [number for number, sent in enumerate(line.sent, start=1) if message.encode() in sent]
    server = DirectServer({"name": "server", **host})
    with pytest.raises(NoConnection):
        verify(Line(server, breaks_at=places[1]), LAB, clock=clock_of(server), boots=boots_of(server))
    return server


def test_what_a_boot_has_read_remains_and_is_said() -> None:
    """Between the two boots of 2003 the values are as they were, and the server has not read them yet."""
    server = cut_off(LAB_HOSTS["lab-2003"], "Win32ShutdownTracker")
    server.pass_time(600)
    remains = verify(Line(server), TOUCH, clock=clock_of(server)).remains
    names = "MaxUserPort and ReservedPorts"
    said = f"The server still runs with what it read at its last boot ({names}): reboot it, so that this ends as well."
    assert remains == (said,)
    assert verify(Line(server), TOUCH, clock=clock_of(server)).remains == ()
    assert Snapshot(server.state()).max_user_port is None


@pytest.mark.parametrize(
    "note",
    [
        ["block udp 60100-60199", "begun"],
        ["value TcpTimedWaitDelay", "services; del"],
        ["block udp 7-3", "block tcp 1-99999", "block udp 1-9 & del"],
    ],
)
def test_a_note_that_is_not_ours_takes_back_nothing_but_what_it_names(note: list[str]) -> None:
    blocks = [{"protocol": "tcp", "ports": "60100-60199"}, {"protocol": "udp", "ports": "60100-60109"}]
    server = DirectServer({"name": "server", **LAB_HOSTS["lab-member"], "exclusions": blocks})
    before = lasting(Snapshot(server.state()))
    server.act({"do": "set_value", "path": VERIFY_KEY, "name": lab_steps.NOTE, "type": "MULTI_SZ", "data": note})
    verify(Line(server), TOUCH, clock=clock_of(server))
    assert lasting(Snapshot(server.state())) == before


def test_no_name_stays_in_the_recording_of_a_lab(tmp_path: pathlib.Path) -> None:
    server: Json = {**LAB_HOSTS["lab-member"], **PLANTED}
    options = {"directory": str(tmp_path), "grade": "lab", "may_be_spoilt": "jane-srv", "reboot": False, "record": True}
    step = Step(module="verify_assumptions", options=options)
    (run,) = run_in_process([HostCase(id="jane-srv", server=server, steps=(step,))])["jane-srv"]
    assert run.event == "ok", run.message
    found = [path.read_bytes() for path in tmp_path.rglob("*.xml")]
    assert sum(b"PortkeeperVerify" in content or b"SetMultiStringValue" in content for content in found) > 0
    told = b"".join(b"".join(outputs(content)) + content for content in found)
    told += b"".join(path.read_bytes() for path in tmp_path.glob("*.*"))
    assert [secret for secret in SECRETS if secret in told.decode().casefold()] == []


# --- the playbook -----------------------------------------------------------------------------------------------------


def play(host: Json, folder: pathlib.Path, *extra: str) -> AnsibleRun:
    """The playbook on a fleet of two servers, of which one may be spoilt."""
    hosts = {"lab": {**host, "time_scale": 0.005, "wire": {"transport": "ntlm"}}, "other": LAB_HOSTS["lab-member"]}
    with running_fleet({"hosts": hosts}) as fleet:
        options = ("-e", "verify_grade=lab", "-e", f"verify_directory={folder}", *extra)
        run = run_ansible(["ansible-playbook", "-i", str(fleet.inventory), "playbooks/verify.yml", *options])
        asked = [name for name in hosts if fleet.control.host(name).requests()["requests"]]
    assert asked == ([] if run.exit_code else ["lab"])
    return run


@pytest.mark.parametrize("release", ["2003", "2022"])
def test_the_playbook_spoils_the_server_that_is_named(release: str, tmp_path: pathlib.Path) -> None:
    """Without a DNS server: its restarts would take real time, and in-process tests have them."""
    reboots = release == "2003"
    options = ("-e", "verify_may_be_spoilt=lab", "-e", f"verify_reboot={reboots}")
    run = play({"release": release, "roles": ["member"]}, tmp_path, *options)
    assert run.exit_code == 0, run.output
    (told,) = (json.loads(path.read_text(encoding="ascii")) for path in tmp_path.glob("*.json"))
    assert (told["target"], told["grade"]) == ("simulated", "lab")
    verdicts = {name: row["verdict"] for name, row in told["probes"].items()}
    assert {name for name, verdict in verdicts.items() if verdict == "otherwise"} == set()
    assert verdicts["lab_failed_dependency"] == "as_expected"
    assert verdicts["lab_reboot"] == ("as_expected" if reboots else "cant_tell")


def test_the_playbook_stops_without_the_name_of_a_host(tmp_path: pathlib.Path) -> None:
    run = play(LAB_HOSTS["lab-member"], tmp_path)
    assert run.exit_code != 0
    assert "name it by -e verify_may_be_spoilt=HOSTNAME" in run.output
