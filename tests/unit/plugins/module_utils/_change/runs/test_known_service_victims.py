# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known services of the catalogue as victims of a run, and a reboot that brings them back."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, failures, summary
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from tests.unit.plugins.module_utils._change.world import NOW, World, service, stopped

ROUTER = "BlackBerry Router"


def validated(_place: str, spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What Ansible's validation does with defaults."""
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def request(*keys: str, **changes: t.Any) -> Request:
    given = {"known_services": list(keys), "relieve": True, "restart_dns": True, "prove": True, **changes}
    arguments = validated("", converge_options.ARGUMENT_SPEC, given)
    return converge_options.request(arguments, journal=True, validate=validated)


def plan(world: World, wanted: Request) -> Convergence:
    return world.settle(lambda facts: converge(wanted, facts, world.release, NOW))


def victims(release: str, names: t.Iterable[str], *keys: str) -> dict[str, tuple[str, str, str]]:
    """By service: its image, and the ports that it must hold and may hold."""
    world = World(release, services=[service(name) for name in names])
    reports = plan(world, request(*keys)).victims
    shown = {}
    for report in reports:
        own, optional = report.victim.own, report.victim.optional
        shown[report.service.name] = (
            report.victim.image,
            " ".join(f"{protocol} {ports}" for protocol, ports in own.items() if ports),
            " ".join(f"{protocol} {ports}" for protocol, ports in optional.items() if ports),
        )
    return shown


@pytest.mark.parametrize(
    ("release", "installed", "keys", "found"),
    [
        ("2003", [ROUTER], ["blackberry_router"], {ROUTER: ("", "tcp 3101", "")}),
        ("2022", ["ClusSvc"], ["cluster"], {"ClusSvc": ("System", "udp 3343", "")}),
        ("2022", ["IAS", "DNS"], ["ias", "cluster"], {"IAS": ("", "udp 1645-1646, 1812-1813", "")}),
        # The release decides what a service is called.
        ("2003", ["PolicyAgent", "IKEEXT"], ["ipsec"], {"PolicyAgent": ("", "", "udp 4500")}),
        ("2022", ["PolicyAgent", "IKEEXT"], ["ipsec"], {"IKEEXT": ("", "", "udp 4500")}),
        # It takes any of a thousand ports.
        ("2022", ["WDSServer"], ["wds"], {"WDSServer": ("", "", "")}),
        # The administrator names the tunnel.
        ("2022", ["WireGuardTunnel$home"], ["wireguard"], {"WireGuardTunnel$home": ("System", "", "udp 51820")}),
        # Any web server has this service; only Exchange 2003 has the push to mobile devices.
        ("2003", ["W3SVC", "MSExchangeMGMT"], ["autd"], {"W3SVC": ("w3wp.exe", "", "udp 2883")}),
    ],
)
def test_what_is_installed_is_a_victim(
    release: str, installed: list[str], keys: list[str], found: dict[str, tuple[str, str, str]]
) -> None:
    assert victims(release, installed, *keys) == found


@pytest.mark.parametrize("mode", ["Disabled", "Manual"])
def test_what_does_not_start_by_itself_is_passed_over(mode: str) -> None:
    world = World("2003", services=[stopped(ROUTER, start_mode=mode)])
    planned = plan(world, request("blackberry_router"))
    assert planned.applicable
    assert planned.victims == ()


@pytest.mark.parametrize(
    ("release", "installed", "keys", "sentence"),
    [
        ("2003", ["DNS"], ["blackberry_router"], "Nothing to do here: this server has no service BlackBerry Router."),
        (
            "2022",
            [],
            ["cluster", "bigfix"],
            "Nothing to do here: this server has none of the services ClusSvc, BESClient.",
        ),
        ("2003", ["W3SVC"], ["autd"], "Nothing to do here: this server has no service MSExchangeMGMT."),
        (
            "2003",
            ["ClusSvc"],
            ["sql_probe"],
            "Nothing to do here: this server has no service Probe port of a SQL Server",
        ),
    ],
)
def test_a_server_with_none_of_them_is_left_alone(
    release: str, installed: list[str], keys: list[str], sentence: str
) -> None:
    wanted = request(*keys)
    planned = plan(World(release, services=[service(name) for name in installed]), wanted)
    assert not planned.applicable
    assert planned.steps == ()
    assert summary(Outcome(wanted, planned, planned, applied=False), check_mode=False).startswith(sentence)
    demanded = request(*keys, require=True)
    assert failures(Outcome(demanded, planned, planned, applied=False)) != ()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("ad_lds", "exchange_edge_dns does that"),
        ("admpwd_e", "no service is known that holds UDP 61184"),
        ("azure_host", "no service is known that holds UDP 65330"),
    ],
)
def test_what_its_key_says_too_little_about_is_refused(key: str, words: str) -> None:
    with pytest.raises(OptionError, match=f"known_services.*{key} can't be among them, since .*{words}"):
        request("blackberry_router", key)


POOL: t.Final = {"dns_socket_pool": {"services": ["cluster"]}, "when_installed": "DNS"}


@pytest.mark.parametrize(("names", "resources"), [(["ClusSvc"], 0), (["ClusSvc", "dns"], 1)])
def test_a_resource_counts_where_its_services_are_installed(names: list[str], resources: int) -> None:
    world = World("2022", services=[service(name) for name in names])
    assert len(plan(world, request("cluster", resources=[POOL])).plans) == resources


# --- down until the reboot -------------------------------------------------------------------------------------------

RESERVED: t.Final = [{"reserved_ports": {"services": ["blackberry_router"]}}]


def outcome(thief: str, *, listens: bool, resources: t.Any) -> Outcome:
    """A run on a server whose router is down, since another service's process has its port."""
    world = World("2003", services=[stopped(ROUTER, exit_code=10048), service(thief)])
    if listens:
        world.hold("tcp", 3101, thief)
    else:
        world.connect(3101, thief)
    wanted = request("blackberry_router", resources=resources)
    planned = plan(world, wanted)
    return Outcome(wanted, planned, planned, applied=True)


@pytest.mark.parametrize(
    ("thief", "listens", "sooner"),
    [("lsass", False, False), ("lsass", True, False), ("Backup", False, True)],
    ids=["a connection of lsass.exe", "an endpoint of lsass.exe", "a connection of a program"],
)
def test_a_port_that_was_drawn_by_chance_waits_for_the_reboot(thief: str, listens: bool, sooner: bool) -> None:
    found = outcome(thief, listens=listens, resources=RESERVED)
    assert failures(found) == ()
    said = summary(found, check_mode=False)
    assert "BlackBerry Router stays down until the reboot: TCP 3101 is held by " in said
    assert ("To have it sooner, stop or restart that process" in said) is sooner
    assert found.reboot_required


@pytest.mark.parametrize(
    ("thief", "listens", "resources"),
    [
        ("Proxy", True, RESERVED),
        ("lsass", False, []),
        ("lsass", False, [{"reserved_ports": {"services": ["cluster"]}}]),
    ],
    ids=["it asks for this port", "no reboot is due", "another port is reserved"],
)
def test_what_no_reboot_brings_back_is_a_failure(thief: str, listens: bool, resources: t.Any) -> None:
    (sentence,) = failures(outcome(thief, listens=listens, resources=resources))
    assert sentence.startswith("BlackBerry Router is down: TCP 3101 is held by ")
