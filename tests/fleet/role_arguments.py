# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role asks of ``converge``: its task's arguments, templated by Ansible, for tests without the program."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.fleet.stories import Json
from tests.tooling.sources import ROOT

CONVERGE: t.Final = "portkeeper.windows.converge"


def role_arguments(role: str, variables: Json) -> dict[str, t.Any]:
    """The arguments of the role's first task, with its defaults and these variables."""
    folder = ROOT / "roles" / role
    loader = DataLoader()

    def load(path: pathlib.Path) -> t.Any:
        return loader.load_from_file(str(path), trusted_as_template=True)

    values = {**load(folder / "defaults/main.yml"), **load(folder / "vars/main.yml"), **variables}
    task = load(folder / "tasks/main.yml")[0]
    return dict(Templar(loader=loader, variables=values).template(task[CONVERGE]))
