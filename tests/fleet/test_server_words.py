# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile server runs nothing on the controller: wherever its words enter, and however a playbook uses a result.

ansible-core before 2.19 runs every text as a template that it does not know as unsafe. So each server here says a
template that would leave a file on the controller. Every play uses the results in every way that we know.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import pathlib
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import DEFAULTS, FORKS, Json
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.ansible_programs import AnsibleRun, run_ansible

SPOKEN: t.Final = "lookup('pipe',"
"""The rest of a template in a result after any change of its braces."""

COMMANDS: t.Final = "\u009b7m\u202e"
"""A command of a terminal (C1, since XML can't carry ESC), and what turns the direction of the text behind it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EntryPoint:
    """A place where a server's words enter, and the module that meets them. A machine on the line must not be heard.

    ``WORDS`` in ``server`` and ``faults`` stands for the template.
    """

    id: str
    module: str = "reserved_ports"
    server: Json = dataclasses.field(default_factory=dict)
    faults: tuple[Json, ...] = ()
    enters: bool = True


def _said(element: str, action: str, text: str = "WORDS") -> tuple[Json, ...]:
    """The server says this in all elements of this name, in all its answers to such messages."""
    return ({"kind": "replaced_text", "element": element, "action": action, "body": text, "times": None},)


OPTIONS: t.Final[Json] = {
    "reserved_ports": {"ports": ["50389", "50636"]},
    # A few sockets by process: every use prints the whole result.
    "port_info": {"gather_subset": ["all"], "sockets_by": "process", "ports": ["50389", "50636"]},
    "service_state": {"name": "DNS", "state": "restarted"},
    "server_reboot": {},
}
FOREIGNER: t.Final[Json] = {"image": "WORDS", "protocol": "tcp", "port": 50389}
FAULT: t.Final[Json] = {"kind": "wsman_fault", "body": "WORDS", "times": None}

PLACES: t.Final = (
    EntryPoint(id="fault", faults=(FAULT,)),
    EntryPoint(
        id="fault-not-sealed",
        server={"wire": {"transport": "ntlm"}},
        faults=({**FAULT, "unsealed": True},),
        enters=False,
    ),
    EntryPoint(id="fault-in-the-reboot", module="server_reboot", faults=(FAULT,)),
    EntryPoint(id="fault-of-a-service", module="service_state", faults=({**FAULT, "action": "StopService"},)),
    EntryPoint(id="command-output", faults=_said("Stream", "Receive")),
    EntryPoint(id="process", module="port_info", server={"foreigners": [FOREIGNER]}),
    EntryPoint(id="process-on-a-wanted-port", server={"foreigners": [FOREIGNER]}),
    EntryPoint(id="service", module="port_info", faults=_said("DisplayName", "Win32_Service")),
    EntryPoint(id="windows-version", faults=_said("Version", "Win32_OperatingSystem")),
    EntryPoint(id="registry-text", server={"release": "2003", "reserved_ports": ["WORDS"]}),
)

# What a playbook does with `words`, the registered result.
_LOCAL: t.Final[Json] = {"delegate_to": "localhost", "vars": {"ansible_connection": "local"}}
_KEPT: t.Final = "{{ kept_in }}/{{ inventory_hostname }}"
_SENTENCE: t.Final = "{{ words.msg | default('x') }}"
_IGNORED: t.Final[Json] = {"register": "again", "ignore_errors": True}
_AGAIN: t.Final[Json] = {"debug": {"msg": "{{ again }} {{ again.msg | default('') }}"}}
USES: t.Final[tuple[Json, ...]] = (
    {"debug": {"var": "words"}},
    {"debug": {"msg": "{{ words }}"}},
    {"debug": {"msg": "{{ words.msg | default('') }} and {{ words.exception | default('') }}"}},
    {"debug": {"msg": "{{ words | to_nice_json }} {{ words | to_nice_yaml }} {{ words | string }}"}},
    {"debug": {"msg": "{{ hostvars[inventory_hostname].words }}"}},
    {"debug": {"msg": "{{ hostvars[inventory_hostname]['words'].msg | default('') }}"}},
    {"debug": {"msg": "{{ query('vars', 'words') }} {{ lookup('vars', 'words') }}"}},
    {"debug": {"msg": "{{ item }}"}, "loop": "{{ (words.warnings | default([])) + [words.msg | default('')] }}"},
    {"debug": {"msg": "{{ item.value }}"}, "loop": "{{ words | dict2items }}", "loop_control": {"label": "one"}},
    {"set_fact": {"kept": "{{ words }}", "said": "{{ hostvars[inventory_hostname].words.msg | default('') }}"}},
    {"set_fact": {"said": "{{ said | split('~') | join }}"}},
    {"debug": {"msg": "{{ kept }} {{ said }} {{ said | to_json | from_json }}"}},
    {"set_fact": {"said": "{{ said }}", "whole": "{{ words | to_json | from_json }}", "cacheable": True}},
    {"debug": {"msg": "{{ said }} {{ whole }} {{ given }}"}, "vars": {"given": "{{ words.msg | default(words) }}"}},
    {"debug": {"msg": "It said a template"}, "when": "'lookup' in (words | string)"},
    {"assert": {"that": ["false"], "fail_msg": "{{ words }}"}, **_IGNORED},
    _AGAIN,
    {"fail": {"msg": "{{ words.msg | default('') }}"}, **_IGNORED},
    _AGAIN,
    {"copy": {"content": "{{ words | to_nice_json }}", "dest": f"{_KEPT}.json"}, **_LOCAL},
    {"template": {"src": "{{ kept_in }}/page.j2", "dest": f"{_KEPT}.txt"}, **_LOCAL},
    {"include_tasks": "{{ kept_in }}/included.yml", "vars": {"given": "{{ words }}"}},
    # Runs for the first server of a play alone.
    {"add_host": {"name": "twin", "note": "{{ words.msg | default(words) }}"}},
    {"debug": {"msg": "{{ hostvars['twin'].note }}"}},
    # Our own modules quote what they refuse.
    {"portkeeper.windows.reserved_ports": {"ports": [_SENTENCE], "state": _SENTENCE}, **_IGNORED},
    _AGAIN,
)
INCLUDED: t.Final = ({"debug": {"msg": "{{ given }} {{ given.msg | default('') }}"}},)
PAGE: t.Final = (
    "{{ words }} {{ words.msg | default('') }} {% for key, value in words.items() %}{{ value }}{% endfor %}\n"
)

PLAYBOOKS: t.Final = ("report", "look", "baseline", "edge", "save_port_info")


def _tasks(module: str) -> list[Json]:
    """The module alone, in a loop, retried, and with a rescue; then every use of what it answered."""
    task = {f"portkeeper.windows.{module}": OPTIONS[module], "ignore_unreachable": True}
    ignored = {**task, "ignore_errors": True}
    rescued = [
        {"debug": {"msg": "{{ ansible_failed_result }} {{ ansible_failed_result.msg }}"}},
        {"set_fact": {"failed_result": "{{ ansible_failed_result }}"}},
        {"debug": {"msg": "{{ failed_result }}"}},
    ]
    judged = {"failed_when": "'lookup' in (judged | string)", "changed_when": "'lookup' in (judged.msg | default(''))"}
    return [
        {**ignored, "register": "words"},
        *USES,
        {**ignored, "register": "again", "loop": [1]},
        {"debug": {"msg": "{{ again }} {{ again.results[0].msg | default('') }}"}},
        {**ignored, **judged, "register": "judged", "until": "'none' in judged", "retries": 1, "delay": 0},
        {"debug": {"msg": "{{ judged }}"}},
        {"block": [task], "rescue": rescued},
        {"debug": {"msg": "{{ failed_result | default('') }}"}},
    ]


def _named(tasks: c.Iterable[Json]) -> list[Json]:
    return [{"name": f"Step {number}", **task} for number, task in enumerate(tasks)]


def _plays() -> list[Json]:
    modules = dict.fromkeys(place.module for place in PLACES)
    return [
        {
            "name": module,
            "hosts": ",".join(place.id for place in PLACES if place.module == module),
            "gather_facts": False,
            "tasks": _named(_tasks(module)),
        }
        for module in modules
    ]


@dataclasses.dataclass(frozen=True)
class CaseRunner:
    """The fleet, and the two folders on the controller: what hostile words would leave, and what plays write."""

    fleet: RunningFleet
    left: pathlib.Path
    kept: pathlib.Path

    def run(self, playbook: str) -> AnsibleRun:
        """Run a playbook in which all that a play writes goes to our folder."""
        folders = {name: str(self.kept / name) for name in ("port_report_directory", "save_port_info_directory")}
        variables = {"kept_in": str(self.kept), "edge_serial": "100%", "port_baseline_apply": True, **folders}
        extra = json.dumps({**variables, **{f"{name}_hosts": "all" for name in ("report", "site", "save_port_info")}})
        command = ["ansible-playbook", "-i", str(self.fleet.inventory), playbook, "-e", extra]
        return run_ansible(command, settings={"ANSIBLE_FORKS": FORKS, "ANSIBLE_NOCOLOR": "true"})


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[CaseRunner]:
    left, kept = tmp_path_factory.mktemp("left"), tmp_path_factory.mktemp("kept")
    (kept / "page.j2").write_text(PAGE, encoding="utf-8")
    (kept / "included.yml").write_text(yaml.safe_dump(_named(INCLUDED)), encoding="utf-8")
    (kept / "words.yml").write_text(yaml.safe_dump(_plays(), sort_keys=False, width=1000), encoding="utf-8")
    servers = {
        place.id: {"release": "2022", "groups": ["edge"], **_spoken(place.server, left / place.id)} for place in PLACES
    }
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": servers}) as fleet:
        for place in PLACES:
            for fault in place.faults:
                fleet.control.host(place.id).inject(**_spoken(fault, left / place.id))
        yield CaseRunner(fleet, left, kept)


def _spoken(value: t.Any, file: pathlib.Path) -> t.Any:
    """The value with the template in the place of WORDS; run, it would leave this file."""
    text = json.dumps(value).replace("WORDS", f"{COMMANDS}{{{{ {SPOKEN}'touch {file}') }}}}")
    return json.loads(text)


@pytest.fixture(scope="module")
def run(runner: CaseRunner) -> AnsibleRun:
    return runner.run(str(runner.kept / "words.yml"))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.id)
def test_the_words_enter_the_result(run: AnsibleRun, runner: CaseRunner, place: EntryPoint) -> None:
    """Otherwise the place would prove nothing. What is not sealed on a sealed session is not even quoted."""
    assert run.recap[place.id]["failures"] == 0, run.output
    assert place.enters == (SPOKEN in (runner.kept / f"{place.id}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.id)
def test_no_use_of_a_result_runs_what_a_server_said(run: AnsibleRun, runner: CaseRunner, place: EntryPoint) -> None:
    del run
    assert not (runner.left / place.id).exists()


def test_no_character_of_a_server_commands_the_terminal(run: AnsibleRun, runner: CaseRunner) -> None:
    written = [path.read_text(encoding="utf-8") for path in runner.kept.glob("*.txt")]
    assert len(written) == len(PLACES)
    assert not set(COMMANDS[:1] + COMMANDS[-1:]) & set("".join([run.output, *written]))


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_playbook_of_ours_runs_what_a_server_said(runner: CaseRunner, name: str) -> None:
    before = sorted(runner.left.iterdir())
    assert "PLAY RECAP" in runner.run(f"portkeeper.windows.{name}").output
    assert sorted(runner.left.iterdir()) == before
