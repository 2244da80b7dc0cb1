# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make rehearse`: boots of a real server's twin in the simulator, before and after a role, against the formula.

``python -m tests.rehearsal FACTS.json ROLE [--boots N] [-- OPTIONS FOR ansible-playbook]``
"""

from __future__ import annotations

import argparse
import collections.abc as c
import json
import pathlib
import re
import shlex
import sys
import typing as t

import yaml

from tests.rehearsal.odds import Odds, as_table, by_service
from tests.simulator.control import ControlFailure, HostControl, running_fleet
from tests.simulator.twin import NoTwin, Twin, twin_of
from tests.simulator.windows.scenario import LONGEST_NAME
from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, run_ansible
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible
from tests.tooling.text_tables import INDENT, heading

COLLECTION: t.Final = "portkeeper.windows"
SEED: t.Final = 1

Json: t.TypeAlias = c.Mapping[str, t.Any]


def show(*lines: str) -> None:
    """The one place where the rehearsal speaks."""
    print(*lines, sep="\n", flush=True)


def saved(path: pathlib.Path) -> Json:
    """The answer of ``port_info``, from a file of the playbook ``save_port_info`` or of ``ansible --tree``."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoTwin(f"{path} can't be read: {error}") from error
    if not isinstance(found, dict):
        raise NoTwin(f"{path} does not hold what port_info returns")
    return found


def rehearse(found: Json, name: str, arguments: argparse.Namespace) -> bool:
    """Run it and print it; whether the role did its work twice, the second time without a change."""
    twin = twin_of(found)
    show(heading(f"A twin of {name}"), *_about(found, twin))
    scenario = {"hosts": {name: {**twin.host, "wire": {"transport": "basic"}}}}
    with running_fleet(scenario) as fleet:
        host = fleet.control.host(name)
        before = _odds(host, fleet.inventory, arguments.boots)
        role = _play(arguments, fleet.inventory, shown=True)
        again = _play(arguments, fleet.inventory, shown=False)
        after = _odds(host, fleet.inventory, arguments.boots)
    show(heading(f"{arguments.boots:,} boots before and after {arguments.role}"), as_table(before, after))
    show(*by_service(before, after), *_doubts(after))
    worked = role.exit_code == 0 and again.exit_code == 0
    show(heading("What came of it"), *_verdict(found, before, after, again, worked=worked))
    if again.exit_code and not role.exit_code:
        show("", again.output)
    return worked


def _about(found: Json, twin: Twin) -> c.Iterator[str]:
    host, risk = twin.host, found["risk"]
    yield f"{found['release']['name']}, played by the simulated {host['release']}; no real Windows takes part."
    needed = ", ".join(f"{row['service']} ({', '.join(row['udp'])})" for row in risk["services"])
    yield f"Services that need UDP ports: {needed or 'none'}."
    yield "" if not twin.assumed else "\nAssumed, because the file does not tell:"
    yield from (f"{INDENT}- {sentence}" for sentence in twin.assumed)


def _odds(host: HostControl, inventory: pathlib.Path, boots: int) -> Odds:
    show(f"\nBooting the twin {boots:,} times ...")
    run = run_ansible(_information(inventory)).checked()
    (information,) = run.of("port_info")
    return Odds(information.result["risk"], host.lottery(boots, seed=SEED))


def _information(inventory: pathlib.Path) -> list[str]:
    command = ["ansible", "all", "-i", str(inventory), "-m", f"{COLLECTION}.port_info"]
    return [*command, "-a", "gather_subset=all sockets_by=socket"]


def _play(arguments: argparse.Namespace, inventory: pathlib.Path, *, shown: bool) -> AnsibleRun:
    playbook = inventory.with_name("playbook.yml")
    play = {"name": "Rehearse", "hosts": "all", "gather_facts": False, "roles": [f"{COLLECTION}.{arguments.role}"]}
    playbook.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    command = ["ansible-playbook", "-i", str(inventory), str(playbook), *arguments.options]
    show(heading("The role" if shown else "The role again"), f"{INDENT}$ {shlex.join(command)}")
    return run_ansible(command, shown=shown)


def _doubts(odds: Odds) -> c.Iterator[str]:
    doubts = odds.risk["doubts"]
    yield "" if not doubts else "\nWhat the closed form after the role rests on:"
    for doubt in doubts:
        yield f"{INDENT}- {doubt['sentence']} If not: {doubt['probability']:.2%}."


def _verdict(found: Json, before: Odds, after: Odds, again: AnsibleRun, *, worked: bool) -> c.Iterator[str]:
    yield f"{INDENT}the role {'did its work' if worked else 'FAILED'}"
    yield f"{INDENT}the second run made {again.total('changed')} changes"
    yield f"{INDENT}boots lost: {before.lost:,} before, {after.lost:,} after, of {before.boots:,} each"
    yield f"{INDENT}closed form of the real server when it was saved: {found['risk']['probability']:.2%}"
    for name, odds in (("before", before), ("after", after)):
        if not odds.agrees:
            yield f"{INDENT}the boots {name} do not agree with the closed form: see what the twin assumes"


def _host_name(path: pathlib.Path) -> str:
    """The file's name as a name for the twin."""
    name = re.sub(r"[^A-Za-z0-9.-]", "-", path.name.removesuffix(".json"))[:LONGEST_NAME]
    return name or "twin"


def _parsed(arguments: c.Sequence[str]) -> argparse.Namespace:
    """Our options, and after -- those for ansible-playbook."""
    own = list(arguments)
    place = own.index("--") if "--" in own else len(own)
    parser = argparse.ArgumentParser(prog="make rehearse", epilog="After -- follow options for ansible-playbook.")
    parser.add_argument("facts", type=pathlib.Path, help="a file of playbooks/save_port_info.yml")
    parser.add_argument("role", choices=sorted(path.parent.name for path in (ROOT / "roles").glob("*/tasks")))
    parser.add_argument("--boots", type=int, default=1000)
    given = parser.parse_args(own[:place])
    given.options = own[place + 1 :]
    return given


def main(arguments: c.Sequence[str]) -> int:
    """Rehearse; 0 if the role did its work, 1 if not, 2 if there is nothing to rehearse with."""
    given = _parsed(arguments)
    try:
        with interruptible():
            return 0 if rehearse(saved(given.facts), _host_name(given.facts), given) else 1
    except NoTwin as error:
        print(f"No rehearsal: {error}.", file=sys.stderr)
        return 2
    except (AnsibleFailure, ControlFailure) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
