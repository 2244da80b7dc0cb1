# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each assumption, switched: what is different then."""

from __future__ import annotations

import typing as t

import pytest

from tests.unit.simulator.windows_host import NOW, SERVICES, Host

EDGE_PORTS: t.Final = ["50389-50389", "50636-50636"]
TOUCHING: t.Final = ["50388-50388", "50389-50389", "50636-50636", "50637-50637"]

LOSSES: t.Final[dict[str, tuple[str, dict[str, t.Any], dict[str, t.Any], bool]]] = {
    "as assumed": ("2022", {}, {}, True),
    "AD LDS binds no UDP": ("2022", {}, {"ad_lds_binds_udp": False}, False),
    "AD LDS comes before DNS": ("2022", {}, {"dns_before_ad_lds": False}, False),
    "ReservedPorts are for TCP only": (
        "2003",
        {"reserved_ports": EDGE_PORTS},
        {"reserved_ports_cover_tcp_and_udp": False},
        True,
    ),
    "DNS ignores ReservedPorts": (
        "2003",
        {"reserved_ports": EDGE_PORTS},
        {"dns_honours_reserved_ports": False},
        True,
    ),
    "an entry without a hyphen": ("2003", {"reserved_ports": ["50389", "50636"]}, {}, True),
    "an entry without a hyphen, honoured": (
        "2003",
        {"reserved_ports": ["50389", "50636"]},
        {"reserved_ports_need_ranges": False},
        False,
    ),
    "touching entries work": (
        "2003",
        {"reserved_ports": TOUCHING},
        {"adjacent_single_reservations_fail": False},
        False,
    ),
    "the pool stays at 49152 whatever netsh says": (
        "2022",
        {"dynamic_range": "20000-30000"},
        {"pool_default_from_dynamic_range": False},
        True,
    ),
    "the pool follows netsh": ("2022", {"dynamic_range": "20000-30000"}, {}, False),
    "MaxUserPort is an end, not a count": (
        "2022",
        {"max_user_port": 50000},
        {"pool_range_rule": "from_1024"},
        False,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    release, options, assumed, loses = LOSSES[name]
    host = Host(release, assumptions=assumed, **options)
    by_service = t.cast("dict[str, int]", host.server.lottery(150, 1)["by_service"])
    assert ("ADAM_MSExchange" in by_service) is loses


def test_a_plain_bind_fails_with_the_other_error() -> None:
    host = Host("2022", broken=True, assumptions={"ad_lds_reuses_address": False})
    assert host.service("ADAM_MSExchange")["ExitCode"] == 10048


def test_ipsec() -> None:
    options: dict[str, t.Any] = {"roles": ["dns"], "max_user_port": 60000}
    assert Host("2003", **options).server.lottery(600, 1)["block_modes"] != 0
    early = Host("2003", **options, assumptions={"ipsec_after_dns": False})
    assert early.server.lottery(600, 1)["block_modes"] == 0
    harmless = Host("2003", **options, broken="PolicyAgent", assumptions={"ipsec_block_mode": False})
    assert harmless.service("PolicyAgent")["ExitCode"] == 10048
    assert harmless.server.is_listening(NOW)


def _pools(**assumed: bool) -> list[dict[str, t.Any]]:
    rows = t.cast("list[dict[str, t.Any]]", Host("2022", assumptions=assumed).server.state()["sockets"])
    return [row for row in rows if "pool" in row]


def test_pools_per_family() -> None:
    assert [pool["families"] for pool in _pools()] == [[4, 6]]
    assert [pool["families"] for pool in _pools(pool_ipv6=False)] == [[4]]
    apart = _pools(pool_one_draw_for_both_families=False)
    assert [pool["families"] for pool in apart] == [[4], [6]]
    assert apart[0]["pool"] != apart[1]["pool"]


def test_other_users_of_dynamic_ports() -> None:
    assert {Host("2022").holder("udp", port) for port in (49152, 49153)} == {"svchost.exe", "lsass.exe"}
    assert Host("2003").holder("tcp", 1025) != ""
    alone = Host("2022", roles=["member"], assumptions={"other_ephemeral_users": False})
    assert alone.server.session.sockets.used_ports("udp") == {123, 137, 138, 500, 4500}


def test_netsh() -> None:
    host = Host("2022", assumptions={"netsh_failure_exit_code": 7, "netsh_default_store": "active"})
    assert host.run("netsh int ipv4 add excludedportrange udp 53 1").exit_code == 7
    assert host.run("netsh int ipv4 add excludedportrange udp 40000 1").exit_code == 0
    host.server.boot_now()
    assert host.server.machine.exclusions.blocks("udp") == []
    host.server.act({"do": "assume", "name": "netsh_needs_free_ports", "value": False})
    assert host.run("netsh int ipv4 add excludedportrange udp 53 1").exit_code == 0


def test_return_values() -> None:
    assumed = {"stop_of_stopped_service": 6, "start_with_failed_dependency": 8, "registry_absent_value": 2}
    host = Host("2022", broken=True, assumptions=assumed)
    assert host.control("ADAM_MSExchange", "StopService") == 6
    assert host.control("MSExchangeTransport", "StartService") == 8
    place = {"hDefKey": "2147483650", "sSubKeyName": f"{SERVICES}\\Tcpip\\Parameters", "sValueName": "absent"}
    assert host.registry("GetStringValue", **place) == {"ReturnValue": 2}


def test_the_delay_of_delayed_services() -> None:
    host = Host("2022", start_modes={"DNS": "delayed"}, assumptions={"auto_start_delay_seconds": 10})
    host.server.reboot()
    host.later(70)
    assert host.service("DNS")["State"] == "Running"


def test_plain_sockets_of_dns() -> None:
    host = Host("2022", assumptions={"dns_exclusive_sockets": False})
    port = min(next(iter(host.server.session.sockets._pools)).ports)
    assert host.server.session.sockets.holders("udp", 4, port)[0].option == "default"
