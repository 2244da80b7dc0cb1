# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: a simulated fleet of Exchange Edge servers, broken; one playbook; the same fleet, well for good."""

from __future__ import annotations

import collections.abc as c
import pathlib
import shlex
import sys
import time
import typing as t

import yaml

from tests.demo import boots as demo_boots
from tests.demo import look
from tests.demo.boots import BOOTS, Boots
from tests.demo.checks import Story, checks
from tests.simulator.control import ControlFailure, RunningFleet, running_fleet
from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, run_ansible
from tests.tooling.interruption import interruptible
from tests.tooling.sources import ROOT
from tests.tooling.text_tables import INDENT, heading, verdicts

SCENARIO: t.Final = pathlib.Path(__file__).with_name("scenario.yml")
DIRECTORY: t.Final = ROOT / "build" / "demo"
INVENTORY: t.Final = DIRECTORY.relative_to(ROOT) / "inventory.yml"

_FIRST_WORDS: t.Final = """\
This fleet is simulated: Exchange Edge servers of each release of Windows, as one process on this machine that answers
WinRM as they would. No real Windows takes part. All else is real: ansible-playbook, its winrm connection plugin, and
the modules and the role of this collection.

Each server also runs the DNS server, which draws 2,500 UDP ports at random at each boot. Where one of them belongs to
AD LDS (50389, 50636), AD LDS does not start, what of Exchange needs it does not start either, and no mail flows.
On edge2003-old the update of 2008 that made DNS do so is missing; edge2008r2-de is a German Windows."""

_FIX_WORDS: t.Final = """\
By default it takes one server at a time and reboots none. Here it may take all at once, and may reboot a server where
the fix takes effect at the next boot only (Windows Server 2003)."""

_LAST_WORDS: t.Final = """\
The fleet is stopped. To try commands of your own, start it again, and type them into another terminal:"""

_BOOTS_WORDS: t.Final = f"""\
Twins of each server were booted, {BOOTS:,} with its configuration of before and {BOOTS:,} with that of now. A boot is
lost where it leaves a service down because its port was taken. The closed form is the probability that so many ports,
drawn at random, hit at least one of the two."""


def fix(inventory: pathlib.Path) -> list[str]:
    """The command line that fixes all servers."""
    options = ["-e", "edge_serial=100%", "-e", "exchange_edge_dns_reboot=true"]
    return ["ansible-playbook", "-i", str(inventory), "playbooks/edge.yml", *options]


def show(*lines: str) -> None:
    """The one place where the demonstration speaks."""
    print(*lines, sep="\n", flush=True)


def as_typed(command: c.Sequence[str]) -> str:
    """A command as a user would type it."""
    return f"{INDENT}$ {shlex.join(command)}"


def tell(fleet: RunningFleet, inventory: pathlib.Path) -> Story:
    """Play the whole story, and say what happens while it happens."""
    hosts = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))["hosts"]
    before = _look("1. The fleet as it is", inventory)
    show(f"\nBooting a twin of each server {BOOTS:,} times as it is now, for part 5 ...")
    lost_before = demo_boots.lost_boots(fleet.control, hosts)

    show(heading("2. One playbook"), _FIX_WORDS, "", as_typed(fix(inventory)))
    fixed = run_ansible(fix(inventory), shown=True)

    after = _look("3. The fleet after it", inventory)

    show(heading("4. The same playbook again"), as_typed(fix(inventory)), "")
    again = run_ansible(fix(inventory))
    show(_told(again))

    show(heading(f"5. {BOOTS:,} boots of each server, before and after"), _BOOTS_WORDS, "")
    lost_after = demo_boots.lost_boots(fleet.control, hosts)
    boots = [
        Boots(host, demo_boots.draw_of(entry), lost_before[host], lost_after[host]) for host, entry in hosts.items()
    ]
    show(demo_boots.as_table(boots))
    return Story(before=before, fixed=fixed, after=after, again=again, boots=boots)


def _look(title: str, inventory: pathlib.Path) -> dict[str, look.Standing]:
    show(heading(title), as_typed(look.command(inventory)), "")
    standings = look.look(inventory)
    show(look.as_table(standings.values()))
    return standings


def _own_commands() -> tuple[tuple[str, ...], ...]:
    programs = pathlib.Path(sys.executable).parent
    shown = programs.relative_to(ROOT) if programs.is_relative_to(ROOT) else programs
    scenario = str(SCENARIO.relative_to(ROOT))
    return (
        (str(shown / "python"), "-m", "tests.simulator", "--scenario", scenario, "--inventory", str(INVENTORY)),
        (str(shown / "ansible"), "edge", "-i", str(INVENTORY), "-m", "port_info", "-a", "ports=50389,50636"),
    )


def _told(run: AnsibleRun) -> str:
    return look.recap_table(run) if run.exit_code == 0 else run.output


def main() -> int:
    """Tell it; the exit code is 0 only if everything held."""
    began = time.monotonic()
    show(_FIRST_WORDS)
    try:
        with interruptible(), running_fleet(SCENARIO, directory=DIRECTORY) as fleet:
            story = tell(fleet, INVENTORY)
    except (AnsibleFailure, ControlFailure) as error:
        print(error, file=sys.stderr)
        return 1
    results = checks(story, seconds=time.monotonic() - began)
    show(heading("What held"), verdicts(results), "", _LAST_WORDS, "", *map(as_typed, _own_commands()))
    return 0 if all(holds for holds, _text in results) else 1


if __name__ == "__main__":
    sys.exit(main())
