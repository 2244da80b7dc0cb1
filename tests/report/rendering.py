# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports made by the role from given results, by the real `ansible-playbook`."""

from __future__ import annotations

import collections.abc as c
import json
import os
import pathlib
import typing as t

import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import SocketRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.socket_groups import by_process
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain, rows_from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import checked
from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import earlier_report
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Origin, fleet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._port_report import report_files
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import write
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import fixes_of
from tests.tooling.ansible_programs import AnsibleRun, run_ansible
from tests.tooling.sources import ROOT

HERE: t.Final = pathlib.Path(__file__).parent
ROLE: t.Final = ROOT / "roles" / "port_report"
TEMPLATES: t.Final = ROLE / "templates"

Json: t.TypeAlias = c.Mapping[str, t.Any]


def reduced(facts: Json) -> dict[str, t.Any]:
    """What `port_info` returns to the role, which asks for sockets by process."""
    sockets = rows_from_plain(SocketRow, facts["sockets"])
    return {**facts, "sockets": facts["sockets"] and as_plain(by_process(sockets)), "warnings": []}


ORIGIN: t.Final = Origin(product_version="0.0.0", read_at="2026-11-20 13:00 UTC", inventory=("/srv/inventory.yml",))


def write_page(
    results: c.Mapping[str, Json],
    directory: pathlib.Path,
    *,
    before: pathlib.Path | None = None,
    origin: Origin = ORIGIN,
) -> pathlib.Path:
    """Write the report without Ansible's programs, by the action's own code; the path of its page."""
    earlier = earlier_report(json.loads(before.read_text(encoding="utf-8"))) if before else None
    rows = fleet(results, origin=origin, earlier=earlier)
    fixes = fixes_of({})
    servers = checked(rows, fixes, risk_limit=0.0)
    write(report_files(rows, directory, title="Ports", maps=True, fixes=fixes, servers=servers), check_mode=False)
    return directory / "index.html"


def report(results: c.Mapping[str, Json], directory: pathlib.Path, *, maps: bool = True) -> AnsibleRun:
    """Let the role write its report into DIRECTORY/report; raises AnsibleFailure if it fails."""
    given = directory / "given"
    given.mkdir(parents=True)
    for name, result in results.items():
        (given / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")
    # As in a real inventory of Windows servers, and as a trap: what is written on the controller must not go by WinRM.
    everywhere = {"ansible_connection": "winrm", "ansible_python_interpreter": "/nowhere/python"}
    inventory = directory / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": everywhere, "hosts": {name: {} for name in results}}}))
    playbook = directory / "playbook.yml"
    playbook.write_text(yaml.safe_dump(_playbook(given)))
    options = {"port_report_directory": str(directory / "report"), "port_report_maps": maps}
    return run_ansible(
        ["ansible-playbook", "-i", str(inventory), str(playbook), "-e", json.dumps(options)],
        settings={"ANSIBLE_ACTION_PLUGINS": f"{ROOT / 'plugins' / 'action'}{os.pathsep}{HERE / 'action'}"},
    ).checked()


def report_of_variables(results: c.Mapping[str, Json], directory: pathlib.Path, *, recorded: bool = True) -> AnsibleRun:
    """Let `port_page` write its files into DIRECTORY/report, of results in the servers' files of host_vars.

    No task gives them, so the run is the report and little else. Raises AnsibleFailure if it fails.
    """
    variables = directory / "host_vars"
    variables.mkdir(parents=True)
    for name, result in results.items():
        (variables / f"{name}.json").write_text(json.dumps({"ports": result}), encoding="utf-8")
    inventory = inventory_of_variables(directory)
    inventory.write_text(json.dumps({"all": {"hosts": {name: {} for name in results}}}), encoding="utf-8")
    options = {"registered": "ports", "directory": str(directory / "report")}
    task = {"name": "Write the page", "portkeeper.windows.port_page": options, "run_once": True}
    playbook = directory / "playbook.json"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    return run_ansible(["ansible-playbook", "-i", str(inventory), str(playbook)], recorded=recorded).checked()


def inventory_of_variables(directory: pathlib.Path) -> pathlib.Path:
    """The inventory beside those files."""
    return directory / "inventory.json"


def _playbook(given: pathlib.Path) -> list[Json]:
    """The role's own tasks, but for the module in the first of them: it takes what is given."""
    reading, *writing = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    (task,) = reading["block"]
    del task["portkeeper.windows.port_info"]
    task["given_result"] = {"directory": str(given)}
    role = {"name": "portkeeper.windows.port_report", "tasks_from": "write.yml"}
    write = {"name": "Write the report", "ansible.builtin.import_role": role}
    assert [item["ansible.builtin.import_tasks"] for item in writing] == ["write.yml"]
    return [{"name": "Report on given results", "hosts": "all", "gather_facts": False, "tasks": [reading, write]}]
