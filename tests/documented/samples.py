# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample output of README.md: what the real Ansible says beside simulated servers, cut to the lines that matter."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex
import typing as t

from rich.text import Text

from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import run_ansible
from tests.tooling.documentation_text import Place
from tests.tooling.sources import ROOT

SCENARIO: t.Final = pathlib.Path(__file__).with_name("scenario.yml")
PAGE: t.Final = ROOT / "README.md"
LEFT_OUT: t.Final = "..."
_PLACE: t.Final = re.compile(r"(?<=<!-- sample: look-and-fix -->\n).*?(?=<!-- end of sample -->)", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """A command line; of what it says the first lines are shown, as many as ``most``."""

    command: str
    most: int


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What a sample's command has said, with the colours of a terminal."""

    sample: Sample
    output: Text

    @property
    def shown(self) -> Text:
        """The command and its output, less what is too long."""
        lines = list(self.output.split("\n"))
        if len(lines) > self.sample.most:
            lines[self.sample.most :] = [Text(LEFT_OUT)]
        for line in lines:
            line.rstrip()
        return Text("\n").join([Text(f"$ {self.sample.command}"), *lines])


PICTURED: t.Final = Sample("ansible-playbook portkeeper.windows.edge --limit edge2022.example.com --check --diff", 50)
"""What the picture shows; it runs first, before anything is changed."""
SAMPLES: t.Final = (
    Sample("ansible edge2022.example.com -m portkeeper.windows.port_info -a 'ports=50636'", 10),
    Sample("ansible-playbook portkeeper.windows.edge --limit edge2022.example.com", 20),
)


def run_samples() -> tuple[Said, ...]:
    """Run what is pictured, then each sample, beside the same servers; raises AnsibleFailure if one fails."""
    samples = (PICTURED, *SAMPLES)
    with running_fleet(SCENARIO) as fleet:
        settings = {"ANSIBLE_INVENTORY": str(fleet.inventory), "ANSIBLE_FORCE_COLOR": "1"}
        runs = [
            run_ansible(shlex.split(sample.command), settings=settings, recorded=False).checked() for sample in samples
        ]
    return tuple(
        Said(sample, Text.from_ansi(run.output.strip("\n"))) for sample, run in zip(samples, runs, strict=True)
    )


def place(page: str, said: tuple[Said, ...]) -> Place:
    """Where the samples stand on the page, and what must stand there."""
    found = _PLACE.search(page)
    if found is None:
        raise ValueError("README.md has no place for the sample output")
    text = "\n".join(one.shown.plain for one in said if one.sample in SAMPLES)
    return Place("look-and-fix", found.start(), found.end(), f"\n```console\n{text}\n```\n\n")
