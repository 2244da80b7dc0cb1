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
    """A command line, and the parts of its output that are shown: each from the line that has the first text in it to
    the next one that has the second in it; what is left out between them and behind the last becomes ``...``.
    """

    command: str
    parts: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What a sample's command has said, with the colours of a terminal."""

    sample: Sample
    output: Text

    @property
    def shown(self) -> Text:
        """The command and the chosen parts of its output."""
        lines = [Text(f"$ {self.sample.command}"), *_chosen(list(self.output.split("\n")), self.sample.parts)]
        for line in lines:
            line.rstrip()
        return Text("\n").join(lines)


_FIRST_OF_LIST: t.Final = '        "'
_END_OF_LIST: t.Final = "    ]"
PICTURED: t.Final = Sample(
    "ansible-playbook portkeeper.windows.edge --limit edge2022.example.com --check --diff",
    (
        ("PLAY [", "PLAY ["),
        ("Relieve AD LDS", "changed:"),
        ("Say what was done", _END_OF_LIST),
        ("PLAY RECAP", "edge2022"),
    ),
)
"""What the picture shows; it runs first, before anything is changed."""
SAMPLES: t.Final = (
    Sample(
        "ansible edge2022.example.com -m portkeeper.windows.port_info -a 'ports=50636'",
        (("SUCCESS", '"msg"'),),
    ),
    Sample(
        "ansible-playbook portkeeper.windows.edge --limit edge2022.example.com",
        (("Say what was done", _FIRST_OF_LIST), ("PLAY RECAP", "edge2022")),
    ),
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


def _chosen(lines: list[Text], parts: tuple[tuple[str, str], ...]) -> list[Text]:
    chosen: list[Text] = []
    position = 0
    for first, last in parts:
        start = _line_with(lines, first, position)
        end = _line_with(lines, last, start) + 1
        chosen += [*([Text(LEFT_OUT)] if start > position else []), *lines[start:end]]
        position = end
    return [*chosen, *([Text(LEFT_OUT)] if position < len(lines) else [])]


def _line_with(lines: list[Text], text: str, position: int) -> int:
    for number in range(position, len(lines)):
        if text in lines[number].plain:
            return number
    raise ValueError(f"the output of a sample has no line with {text!r} (after line {position})")
