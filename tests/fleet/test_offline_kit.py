# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offline kits beside ``converge`` over the network, and the role by the real program without any connection."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import SERVICES, Snapshot
from tests.simulator.visit import Visit
from tests.tooling.ansible_programs import run_ansible
from tests.unit.plugins.module_utils._kit.kit_cases import CASES, RESERVED, SERVER, TCPIP, KitCase

OVER_THE_NETWORK: t.Final = [case for case in CASES if case.release != "2000"]
"""Nothing else leads to Windows 2000."""


def left(snapshot: Snapshot) -> Json:
    """All that either of the two can change."""
    data = snapshot.data
    keys = {path: values for path, values in data["registry"].items() if SERVICES in path}
    modes = {name: (service["start"], service["delayed"]) for name, service in data["services"].items()}
    return {"keys": keys, "modes": modes, "exclusions": data["exclusions"], "ranges": data["dynamic_ranges"]}


@pytest.mark.parametrize("case", OVER_THE_NETWORK, ids=str)
def test_a_kit_leaves_what_converge_leaves(case: KitCase, tmp_path: pathlib.Path) -> None:
    visit = case.kit(tmp_path)
    for script in ("1-backup.cmd", "2-apply.cmd"):
        assert visit.run(script).exit_code == 0
    held = {"do": "set_value", "path": TCPIP, "name": RESERVED, "type": "MULTI_SZ", "data": list(case.reserved)}
    acts = (held,) if case.reserved else ()
    options = {"resources": list(case.resources), "restart_dns": case.restart_dns, "journal": False}
    step = Step(module="converge", options=options, acts=acts)
    server = {**SERVER, "release": case.release, "name": "server1"}
    ((run,),) = run_in_process([HostCase(id="same", server=server, steps=(step,))]).values()
    assert run.event == "ok", run.message
    assert left(Snapshot(visit.server.state())) == left(run.after)


class KitRun:
    """The playbook for two servers that nothing leads to."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        hosts = {
            "old1": {"offline_kit_release": "2000", "offline_kit_service_pack": 4},
            "old2": {"offline_kit_release": 2003},
        }
        nowhere = {"ansible_connection": "winrm", "ansible_host": "nowhere.invalid", "ansible_user": "x"}
        self._inventory = folder / "inventory.yml"
        self._inventory.write_text(yaml.safe_dump({"offline_kit": {"hosts": hosts, "vars": nowhere}}), encoding="utf-8")

    def run(self, *arguments: str) -> dict[str, Json]:
        """The module's result for each host."""
        directory = f"{self.folder}/{{{{ inventory_hostname }}}}"
        command = ["ansible-playbook", "playbooks/offline_kit.yml", "-i", str(self._inventory)]
        run = run_ansible([*command, "-e", f"offline_kit_directory={directory}", *arguments])
        return {one.host: one.result for one in run.checked().of("offline_kit")}


def test_the_role_writes_a_look_first_and_then_the_kit(tmp_path: pathlib.Path) -> None:
    kits = KitRun(tmp_path)
    first = kits.run()
    assert {host: (one["complete"], one["changed"]) for host, one in first.items()} == dict.fromkeys(
        ("old1", "old2"), (False, True)
    )
    visits = {
        host: Visit(tmp_path / host, {**SERVER, "release": release})
        for host, release in (("old1", "2000"), ("old2", "2003"))
    }
    for visit in visits.values():
        visit.run("0-look.cmd")
    assert {host: one["complete"] for host, one in kits.run().items()} == {"old1": True, "old2": True}
    for visit in visits.values():
        assert [visit.run(script).exit_code for script in ("1-backup.cmd", "2-apply.cmd", "3-verify.cmd")] == [0, 0, 1]
        assert visit.value(TCPIP, RESERVED) == ("1645-1646", "1701-1701", "1812-1813", "2883-2883", "4500-4500")
