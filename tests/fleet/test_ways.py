# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are not simply there: behind ssh tunnels, jump hosts and SOCKS, on IPv6, on old ports, by delegation."""

from __future__ import annotations

import collections.abc as c
import contextlib
import pathlib
import socket
import tempfile
import typing as t

import pytest
import yaml

from tests.fleet import tunnels
from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, TaskRun, play
from tests.fleet.snapshot import Snapshot, joined
from tests.simulator.control import RunningFleet, running_fleet

PLUGINS: t.Final = ("winrm", "psrp")
RESERVE: t.Final[Json] = {"name": "Reserve", "portkeeper.windows.reserved_ports": {"ports": ["5389"]}}
WIRE: t.Final[dict[str, Json]] = {
    "tunnel": {"transport": "ntlm"},
    "jump": {"transport": "ntlm"},
    "socks": {"transport": "ntlm"},
    "ipv6": {"transport": "ntlm"},
    "port80": {"transport": "ntlm"},
    "port443": {"transport": "basic", "scheme": "https"},
}
SSH: t.Final = ("tunnel", "jump", "socks")
LOW: t.Final = {"port80": 80, "port443": 443}
# The certificate of the fleet's server is for another address than the relay's.
UNCHECKED: t.Final = {"ansible_winrm_server_cert_validation": "ignore", "ansible_psrp_cert_validation": "ignore"}
HOSTS: t.Final[dict[str, Json]] = {
    f"{way}-{plugin}": {"release": "2022", "wire": wire, "vars": {"ansible_connection": plugin, **UNCHECKED}}
    for way, wire in WIRE.items()
    for plugin in PLUGINS
}


def listener(address: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError:
        return None


def address_of(host: str) -> tuple[str, int]:
    """The old ports are the same for both plugins, so each has an address of its own."""
    if host.startswith("ipv6"):
        return "::1", 0
    return f"127.0.0.{2 + PLUGINS.index(host.rpartition('-')[2])}", LOW[host.partition("-")[0]]


def ways(fleet: RunningFleet, directory: pathlib.Path, stack: contextlib.ExitStack) -> dict[str, Json]:
    """The variables with which each host is reached; hosts that this machine has no way to are left out."""
    ports = {name: fleet.control.host(name).summary()["port"] for name in HOSTS}
    found: dict[str, Json] = {}
    if not tunnels.lacking():
        found.update(through_ssh(ports, stack.enter_context(tunnels.ssh_server(directory)), stack))
    for name in HOSTS:
        if name.startswith(SSH):
            continue
        address, port = address_of(name)
        if (taken := listener(address, port)) is not None:
            stack.enter_context(tunnels.relay(taken, ports[name]))
            found[name] = {"ansible_host": address, "ansible_port": taken.getsockname()[1]}
    return found


def through_ssh(
    ports: c.Mapping[str, int], server: tunnels.SshServer, stack: contextlib.ExitStack
) -> c.Iterator[tuple[str, Json]]:
    socks = stack.enter_context(server.tunnel("-D", "127.0.0.1:{port}"))
    for name, port in ports.items():
        way, _dash, plugin = name.partition("-")
        if way == "socks":
            yield name, {f"ansible_{plugin}_proxy": f"socks5h://127.0.0.1:{socks}"}
        elif way in SSH:
            jump = ("-J", "jump-host") if way == "jump" else ()
            options = (*jump, "-L", f"127.0.0.1:{{port}}:127.0.0.1:{port}")
            yield name, {"ansible_host": "127.0.0.1", "ansible_port": stack.enter_context(server.tunnel(*options))}


@pytest.fixture(scope="module")
def results() -> c.Iterator[FleetRun]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as fleet, contextlib.ExitStack() as stack:
        # pytest's own folders are closed to the ordinary user that sshd runs as.
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portkeeper-ways-")))
        inventory = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))
        found = ways(fleet, directory, stack)
        for name in HOSTS:
            inventory["all"]["hosts"][name] |= found.get(name, {})
        path = directory / "inventory.yml"
        path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
        yield play(fleet.control, path, [RESERVE], "--limit", ",".join(found))


@pytest.mark.parametrize("host", HOSTS)
def test_each_way_leads_to_the_server(results: FleetRun, host: str) -> None:
    if host not in results.task_runs:
        pytest.skip(tunnels.lacking() or "this user can't listen on the address or port of this way")
    (task_run,) = results.task_runs[host]
    assert (task_run.event, task_run.result["changed"]) == ("ok", True), task_run.message
    assert joined(task_run.after.excluded("udp")) == ["5389-5389"]


# --- delegation -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def delegated() -> c.Iterator[tuple[FleetRun, RunningFleet]]:
    others = {f"other-{plugin}": {"release": "2022", "vars": {"ansible_connection": plugin}} for plugin in PLUGINS}
    gone = {"release": "2022", "vars": {"ansible_port": 1}}
    hosts = {"first": {"release": "2022"}, "gone": gone, **others}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        tasks = [
            *({**RESERVE, "name": name, "delegate_to": name} for name in others),
            {**RESERVE, "name": "local", "delegate_to": "localhost", "ignore_errors": True},
            {**RESERVE, "name": "unreachable", "delegate_to": "gone", "ignore_unreachable": True},
        ]
        yield play(fleet.control, fleet.inventory, tasks, "--limit", "first"), fleet


def run_of(run: FleetRun, task: str) -> TaskRun:
    return next(one for one in run.task_runs["first"] if one.task == task)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_task_can_be_delegated_to_another_server(delegated: tuple[FleetRun, RunningFleet], plugin: str) -> None:
    run, fleet = delegated
    task_run = run_of(run, f"other-{plugin}")
    assert (task_run.event, task_run.result["changed"]) == ("ok", True), task_run.message
    changed = Snapshot(fleet.control.host(f"other-{plugin}").state())
    assert joined(changed.excluded("udp")) == ["5389-5389"]
    assert joined(task_run.after.excluded("udp")) == [], "the first server is left alone"


def test_an_error_names_the_server_that_the_task_went_to(delegated: tuple[FleetRun, RunningFleet]) -> None:
    assert " on gone (127.0.0.1) failed: no connection" in run_of(delegated[0], "unreachable").message


def test_this_machine_is_refused_with_a_sentence(delegated: tuple[FleetRun, RunningFleet]) -> None:
    sentence = run_of(delegated[0], "local").message
    assert "works through the connection plugins winrm and psrp, and this task uses 'local'" in sentence
    assert "do not delegate to localhost" in sentence
