# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own winrm connection plugin against the wire: a command, and a module with its canned result."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from tests.unit.simulator_wire.bench import Bench, Serve
from tests.unit.simulator_wire.stub import StubServer

ANSIBLE = pathlib.Path(sys.executable).with_name("ansible")
MODULE = """#!powershell
#AnsibleRequires -CSharpUtil Ansible.Basic
$module = [Ansible.Basic.AnsibleModule]::Create($args, @{ options = @{ name = @{ type = 'str' } } })
$module.ExitJson()
"""


def ansible(bench: Bench, folder: pathlib.Path, *arguments: str, transport: str) -> str:
    variables = {
        "ansible_connection": "winrm",
        "ansible_host": "127.0.0.1",
        "ansible_port": bench.host.listener.port,
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": transport,
        "ansible_user": "Administrator",
        "ansible_password": "Pa55-word!",
    }
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"stub": variables}}}), encoding="utf-8")
    (folder / "library").mkdir(exist_ok=True)
    (folder / "library" / "canned.ps1").write_text(MODULE, encoding="utf-8")
    settings = {"ANSIBLE_HOME": str(folder), "ANSIBLE_LIBRARY": str(folder / "library"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [ANSIBLE, "-i", inventory, "stub", *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("transport", "rounds"), [("basic", 0), ("ntlm", 3)])
def test_raw_runs_in_a_utf8_shell(serve: Serve, tmp_path: pathlib.Path, transport: t.Any, rounds: int) -> None:
    bench = serve(allow_unencrypted=transport == "basic")
    assert "CHANGED | rc=0" in ansible(bench, tmp_path, "-m", "ansible.builtin.raw", "-a", "ver", transport=transport)
    assert bench.stub.commands == [("ver", b"", 65001)]
    counters = bench.call(bench.host.counters_json)
    assert [item["method"] for item in counters["log"]] == ["Create", "Command", "Receive", "Signal", "Delete"]
    assert counters["authentication_rounds"] == rounds


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_a_powershell_module_ends_well(serve: Serve, tmp_path: pathlib.Path, transport: str) -> None:
    bench = serve(allow_unencrypted=transport == "basic")
    assert '"data_changed": true' in ansible(bench, tmp_path, "-m", "canned", "-a", "name=x", transport=transport)
    assert bench.stub.commands == []
    assert bench.call(bench.host.counters_json)["by_action"]["Send"] >= 1


def test_its_payload_does_not_fit_into_the_envelopes_of_old_stacks(serve: Serve, tmp_path: pathlib.Path) -> None:
    stub = StubServer("2008r2")
    with pytest.raises(AssertionError, match="413"):
        ansible(serve(stub), tmp_path, "-m", "canned", transport="basic")
    ansible(serve(stub, max_envelope_kb=500), tmp_path, "-m", "canned", transport="basic")
