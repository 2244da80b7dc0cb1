# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task through Ansible's real connection plugin without the program around it: for tables of ways to log on."""

from __future__ import annotations

import collections.abc as c
import contextlib
import json
import os
import pathlib
import subprocess
import typing as t
from unittest import mock

from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader

from ansible_collections.portkeeper.windows.plugins.action import reserved_ports
from tests.fleet.host_cases import COLLECTION, Json


def inventory_of(path: pathlib.Path) -> dict[str, dict[str, t.Any]]:
    """The variables of each host, as Ansible reads them."""
    done = subprocess.run(
        ["ansible-inventory", "-i", str(path), "--list"], stdout=subprocess.PIPE, text=True, check=True
    )
    return t.cast("dict[str, dict[str, t.Any]]", json.loads(done.stdout)["_meta"]["hostvars"])


def one_task(name: str, variables: Json, environment: c.Mapping[str, str]) -> Json:
    """The result of ``reserved_ports`` in check mode on this host; a variable that is None is not set."""
    given = {key: value for key, value in variables.items() if value is not None}
    given.setdefault("inventory_hostname", name)
    with mock.patch.dict(os.environ, environment):  # the plugin writes into it, too
        connection = connection_loader.get(given["ansible_connection"], PlayContext())
        connection.set_options(var_options={**given, "_extras": _extras(given)})
        with contextlib.closing(connection):
            action: t.Any = reserved_ports.ActionModule
            return t.cast(Json, action(_task(), connection, PlayContext(), None, None, None).run(None, given))


def _extras(variables: Json) -> dict[str, t.Any]:
    """What the plugin hands on to its library: all variables with its prefix, as Ansible's executor collects them."""
    prefix = f"ansible_{variables['ansible_connection']}_"
    return {name: value for name, value in variables.items() if name.startswith(prefix)}


def _task() -> Task:
    task = Task()
    task.action = f"{COLLECTION}.reserved_ports"
    task.args = {"ports": ["5389"], "retries": 0}
    task.check_mode = True
    return task
