# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: a simulated fleet of mixed servers, broken; one playbook; the same fleet, well for good; its page."""

from __future__ import annotations

import collections.abc as c
import pathlib
import shlex
import sys
import time
import typing as t

import yaml

from tests.demo import boots as demo_boots
from tests.demo import look, page
from tests.demo.boots import BOOTS
from tests.demo.checks import Story, checks
from tests.demo.progress import Answered, answering, change
from tests.simulator.control import ControlFailure, RunningFleet, running_fleet
from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, TaskResult, run_ansible
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible
from tests.tooling.text_tables import INDENT, heading, verdicts

SCENARIO: t.Final = pathlib.Path(__file__).with_name("scenario.yml")
DIRECTORY: t.Final = ROOT / "build" / "demo"
INVENTORY: t.Final = DIRECTORY.relative_to(ROOT) / "inventory.yml"
REPORTS: t.Final = {when: DIRECTORY / f"report-{when}" for when in ("before", "after")}

_FIRST_WORDS: t.Final = """\
This fleet is simulated: servers of each release of Windows, as one process on this machine that answers WinRM as they
would. No real Windows takes part. All else is real: ansible-playbook, its winrm connection plugin, and the modules and
roles of this collection.

Most of these servers also run the DNS server, which draws 2,500 UDP ports at random at each boot. Where one of them
belongs to another service, that service does not work until somebody finds out why:

  edge...  Exchange Edge: AD LDS (50389, 50636) does not start, nor does what needs it, and no mail flows
  sbs...   Small Business Server 2003: RADIUS (IAS), VPN (RemoteAccess), IPsec (PolicyAgent), or the push to mobile
           devices (W3SVC: it runs, and nobody is told anything)
  dc...    domain controllers with RADIUS (IAS) and IPsec's key exchange (IKEEXT)
  mail...  Exchange without DNS: healthy, but its RPC ports are other ones after each start, and no firewall can know
           them; the inventory chooses fixed ones
  plain... needs nothing
  blackberry... BlackBerry Router (TCP 3101), without DNS: at each boot outgoing connections take its port

On edge2003-old the update of 2008 that made DNS draw ports is missing. Those with -de are German."""

_FIX_WORDS: t.Final = """\
The playbook looks what each server is, and applies the roles that are for it. By default it takes one server at a time
and reboots none. Here it may take all at once, and may reboot a server where the fix takes effect at the next boot only
(Windows Server 2003). Ansible's own output is left out of the text: this is what the task of each role says."""

_LAST_WORDS: t.Final = """\
The fleet is stopped. To try commands of your own, start it again, and type them into another terminal:"""

_BOOTS_WORDS: t.Final = f"""\
Twins of each server were booted, {BOOTS:,} with its configuration of before and {BOOTS:,} with that of now. A boot is
lost where a service lost its port. The closed form is the probability that port_info gives for it: that so many ports,
drawn at random, hit at least one of those that are needed. It speaks of the DNS server's pool, which is UDP: what the
BlackBerry Router loses to outgoing connections, which are TCP, is beside it. AUTD is the push to mobile devices."""

_PAGE_WORDS: t.Final = """\
What is wrong on which server, how to fix it, and a map of each server's ports. Open them in a browser:"""

_REST_WORDS: t.Final = """\
What it still tells of; what waits for nothing but the next boot counts as well, since that boot puts it in force by
itself:"""


def fix(inventory: pathlib.Path) -> list[str]:
    """The command line that fixes all servers."""
    options = [*look.FORKS, "-e", "site_serial=100%", "-e", "port_baseline_reboot=true"]
    return ["ansible-playbook", "-i", str(inventory), "playbooks/site.yml", *options]


def show(*lines: str) -> None:
    """The one place where the demonstration speaks."""
    print(*lines, sep="\n", flush=True)


def as_typed(command: c.Sequence[str]) -> str:
    """A command as a user would type it."""
    return f"{INDENT}$ {shlex.join(command)}"


def tell(fleet: RunningFleet, inventory: pathlib.Path) -> Story:
    """Run the whole demonstration, and print each step."""
    hosts = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))["hosts"]
    before = _look("1. The fleet as it is", inventory, hosts)
    show("\nWriting the page about it, for part 6:")
    with answering("port_info") as watch:
        page_before = page.write(inventory, REPORTS["before"], watch)
    show(f"\nBooting a twin of each server {BOOTS:,} times as it is now, for part 5:")
    lost_before = _lotteries(fleet, hosts)

    show(heading("2. One playbook"), _FIX_WORDS, "", as_typed(fix(inventory)), "")
    fixed = _fixed(inventory, hosts)

    after = _look("3. The fleet after it", inventory, hosts)

    show(heading("4. The same playbook again"), as_typed(fix(inventory)), "")
    with answering("converge") as watch:
        again = run_ansible(fix(inventory), watch=watch)
    show("", _told(again))

    show(heading(f"5. {BOOTS:,} boots of each server, before and after"), _BOOTS_WORDS, "")
    lost_after = _lotteries(fleet, hosts)
    show("")
    boots = demo_boots.compared(page_before, lost_before, lost_after)
    show(demo_boots.as_table(boots))

    page_after = _show_pages(inventory, page_before)
    return Story(
        before=before,
        page_before=page_before,
        fixed=fixed,
        after=after,
        page_after=page_after,
        again=again,
        boots=boots,
    )


def _look(title: str, inventory: pathlib.Path, hosts: c.Iterable[str]) -> dict[str, look.Standing]:
    show(heading(title), as_typed(look.command(inventory)), "")
    with answering("converge") as watch:
        standings = look.look(inventory, hosts, watch)
    show("", look.as_table(standings.values()))
    return standings


def _lotteries(fleet: RunningFleet, hosts: c.Iterable[str]) -> dict[str, demo_boots.Lottery]:
    answered = Answered(sys.stdout)
    lost = demo_boots.lotteries(fleet.control, hosts, answered.name)
    answered.end()
    return lost


def _fixed(inventory: pathlib.Path, hosts: c.Collection[str]) -> AnsibleRun:
    """Run the playbook, and print a line for each server as soon as it is done; all that Ansible says if it fails."""
    width = max(map(len, hosts))

    def watch(result: TaskResult) -> None:
        if result.is_of("converge"):
            show(change(result, width))

    fixed = run_ansible(fix(inventory), watch=watch)
    untouched = sorted(set(hosts) - {result.host for result in fixed.of("converge")})
    if fixed.exit_code:
        show("", fixed.output)
    elif untouched:
        show("", f"Nothing had to be done on {', '.join(untouched)}.")
    return fixed


def _show_pages(inventory: pathlib.Path, page_before: page.Page) -> page.Page:
    """Write the page of the present state, and print the paths of both pages."""
    show(heading("6. The page, before and after"), as_typed(page.command(inventory, REPORTS["after"])), "")
    with answering("port_info") as watch:
        page_after = page.write(inventory, REPORTS["after"], watch)
    show("", _PAGE_WORDS, "")
    for when, shown in (("before", page_before), ("after", page_after)):
        show(f"{INDENT}{when:<8}{shown.path.as_uri()}", f"{INDENT}{'':<8}{shown.headline}")
    show("", _REST_WORDS, "", page.as_table(page_after))
    return page_after


def _own_commands() -> tuple[tuple[str, ...], ...]:
    programs = pathlib.Path(sys.executable).parent
    shown = programs.relative_to(ROOT) if programs.is_relative_to(ROOT) else programs
    scenario = str(SCENARIO.relative_to(ROOT))
    return (
        (str(shown / "python"), "-m", "tests.simulator", "--scenario", scenario, "--inventory", str(INVENTORY)),
        (str(shown / "ansible"), "sbs", "-i", str(INVENTORY), "-m", "port_info", "-a", "gather_subset=findings"),
    )


def _told(run: AnsibleRun) -> str:
    """One sentence about a run that failed nowhere; else what the program said."""
    if run.exit_code:
        return run.output
    changed = run.total("changed")
    return f"It failed on none of {len(run.recap)} servers, and changed {changed or 'nothing'}."


def main() -> int:
    """Run it; the exit code is 0 only if every check held."""
    began = time.monotonic()
    show(_FIRST_WORDS)
    try:
        with interruptible(), running_fleet(SCENARIO, directory=DIRECTORY) as fleet:
            story = tell(fleet, INVENTORY)
    except (AnsibleFailure, ControlFailure) as error:
        print(error, file=sys.stderr)
        return 1
    results = checks(story)
    # Told, never judged: a busy machine is slow.
    took = f"  It took {time.monotonic() - began:.0f} seconds."
    show(heading("What held"), verdicts(results), took, "", _LAST_WORDS, "", *map(as_typed, _own_commands()))
    return 0 if all(holds for holds, _text in results) else 1


if __name__ == "__main__":
    sys.exit(main())
