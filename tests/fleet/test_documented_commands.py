# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that the pages show for a controller run as they stand there, beside servers of the kind that they name.

``ansible`` with a module runs in this process, each command on a server of its own. ``ansible-playbook`` is the real
one; playbooks that are typed with the same options share a run, and what differs in nothing but the hosts runs once.
tests/unit/test_documented_commands.py looks at the other programs.
"""

from __future__ import annotations

import collections.abc as c
import itertools
import pathlib
import re
import typing as t

import pytest
from ansible.parsing.splitter import parse_kv

from tests.documented.commands import Command, commands
from tests.fleet.host_cases import COLLECTION, DEFAULTS, HostCase, Json, Step
from tests.fleet.in_process import run_in_process
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.ansible_programs import run_ansible
from tests.tooling.sources import ROOT

SERVERS: t.Final[dict[str, Json]] = {
    "edge1": {"release": "2022", "roles": ["exchange_edge", "dns"], "broken": True},
    "dc1": {
        "release": "2022",
        "roles": ["domain_controller", "dns", "ias"],
        "dynamic_range": "1025-60000",
        "groups": ["domain_controllers"],
    },
    "sbs1": {"release": "2003", "roles": ["sbs2003"]},
    "mail1": {
        "release": "2003",
        "roles": ["exchange2003"],
        "groups": ["exchange"],
        "vars": {"exchange_rpc_ports_ports": {"exchange_is": 59532, "exchange_sa": 59533, "exchange_nspi": 59534}},
    },
    "vpn1": {"release": "2022", "roles": ["dns"], "groups": ["wireguard"]},
}
GROUPS: t.Final = {"ias": "dc1", "sbs2003": "sbs1", "exchange": "mail1", "wireguard": "vpn1", "old_servers": "sbs1"}
"""The server that a command means by a group; edge1 for the others."""
SERVER: t.Final = {
    "1645,1646,1812,1813": "dc1",
    "1701,4500": "sbs1",
    "2883": "sbs1",
    "4500": "sbs1",
    f"{COLLECTION}.dc_ias": "dc1",
    f"{COLLECTION}.known_services": "vpn1",
    f"{COLLECTION}.sbs2003": "sbs1",
}
"""The server that README.md means by SERVER: by the ports that are looked at, or by the playbook; else edge1."""
_HOSTS: t.Final = re.compile(r"(?<=_hosts=)\S+")
_VALUE: t.Final = re.compile(r"=.*")


def _run_by_a_test(program: str) -> list[Command]:
    return [command for command in commands() if command.program == program and not command.why_not]


def _server(pattern: str, said: str) -> str:
    return SERVER.get(said, "edge1") if pattern == "SERVER" else GROUPS.get(pattern, "edge1")


# --- ansible ----------------------------------------------------------------------------------------------------------


def _case(name: str, command: Command) -> HostCase:
    """A command of ``ansible`` as a case for this process."""
    [module], [arguments] = command.option("-m"), command.option("-a")
    [pattern] = _plain_words(command.words)
    options = parse_kv(arguments)
    server = SERVERS[_server(pattern, str(options.get("ports", "")))]
    step = Step(module=module.removeprefix(f"{COLLECTION}."), options=options)
    return HostCase(id=name, server=server, steps=(step,))


def _plain_words(words: c.Sequence[str]) -> list[str]:
    """Words that are neither the program nor an option nor the value of one."""
    with_value = {"-m", "-a", "-i", "--tree"}
    return [word for before, word in itertools.pairwise(words) if word[0] != "-" and before not in with_value]


def test_commands_with_a_module_run() -> None:
    different = {" ".join(command.words): command for command in _run_by_a_test("ansible")}
    cases = {f"documented{number}": command for number, command in enumerate(different.values())}
    ran = run_in_process([_case(name, command) for name, command in cases.items()])
    failed = [(cases[name].line, runs[0].message) for name, runs in ran.items() if runs[0].event != "ok"]
    assert failed == []
    assert len(cases) > 25


# --- ansible-playbook -------------------------------------------------------------------------------------------------


class Typed(t.NamedTuple):
    """A command of ``ansible-playbook``, with the hosts of the fleet in the place of those of the page."""

    playbook: str
    flags: tuple[str, ...]
    hosts: tuple[str, ...]
    variables: tuple[str, ...]

    @property
    def run(self) -> str:
        """The run that it shares with others."""
        if self.flags:
            return " ".join(self.flags)
        if any("_state=absent" in one for one in self.variables):
            return "undo"
        names = (_VALUE.sub("", one) for one in self.variables)
        return " ".join([self.playbook, *names]) if self.variables else "as it is"


def _typed(command: Command) -> Typed:
    """Take it apart; an inventory is left out, since the fleet has its own, and so is a limit to one of its hosts."""
    playbook = command.words[1] if command.words[1] != "-i" else command.words[3]
    given = command.option("-e")
    hosts = tuple(_HOSTS.sub(lambda found: _server(found[0], playbook), one) for one in given if _HOSTS.search(one))
    # A folder from the root stands for one below where the test types.
    variables = tuple(one.replace("=/", "=") for one in given if not _HOSTS.search(one))
    flags = tuple(word for word in command.words if word in {"--check", "--diff"})
    path = str(ROOT / playbook) if playbook.startswith("playbooks/") else playbook
    return Typed(path, flags, hosts, variables)


def _runs() -> dict[str, list[Typed]]:
    runs: dict[str, list[Typed]] = {}
    for command in _run_by_a_test("ansible-playbook"):
        typed = _typed(command)
        runs.setdefault(typed.run, []).append(typed)
    return runs


RUNS: t.Final = _runs()


def _together(typed: list[Typed]) -> list[str]:
    """One command line that does the work of all of them; of a variable that has several values the last one counts."""
    variables = {_VALUE.sub("", one): one for command in typed for one in (*command.hosts, *command.variables)}
    playbooks = dict.fromkeys(command.playbook for command in typed)
    return [
        "ansible-playbook",
        *playbooks,
        *typed[0].flags,
        *(word for one in variables.values() for word in ("-e", one)),
    ]


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": SERVERS}) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where they are typed."""
    return tmp_path_factory.mktemp("documented")


@pytest.mark.parametrize("run", RUNS)
def test_playbooks_run(fleet: RunningFleet, folder: pathlib.Path, run: str) -> None:
    settings = {"ANSIBLE_INVENTORY": str(fleet.inventory), "ANSIBLE_FORKS": "6"}
    done = run_ansible(_together(RUNS[run]), settings=settings, folder=folder).checked()
    assert done.recap
    assert "no hosts matched" not in done.output
    assert [(result.host, result.result.get("msg")) for result in done.results if result.status == "failed"] == []
