# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boots and reboots: who starts when, who fails how, and what a server looks like from outside meanwhile."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.simulator.windows import lottery
from tests.simulator.windows.releases import RELEASES
from tests.simulator.windows.server import build_server
from tests.unit.simulator.windows_host import ADMINISTRATOR, NOW, SERVICES, Host

RELEASE_KEYS: t.Final = sorted(RELEASES)


@pytest.mark.parametrize("release", RELEASE_KEYS)
def test_a_broken_edge_server_looks_as_in_the_articles(release: str) -> None:
    host = Host(release, broken=True)
    adam = host.service("ADAM_MSExchange")
    assert (adam["State"], adam["ExitCode"], adam["ProcessId"]) == ("Stopped", 10013, 0)
    assert host.service("MSExchangeTransport")["ExitCode"] == 1068
    assert "dns.exe" in (host.holder("udp", 50389), host.holder("udp", 50636))
    events = host.query("SELECT * FROM Win32_NTLogEvent WHERE Logfile = 'System' AND EventCode = 7023")
    assert events[0].properties["InsertionStrings"] == ["Microsoft Exchange ADAM", "%%10013"]
    fallen = host.query("SELECT InsertionStrings FROM Win32_NTLogEvent WHERE EventCode = 7001")
    assert [event.properties["InsertionStrings"] for event in fallen][-1] == [
        "Microsoft Exchange Credential Service",
        "Microsoft Exchange ADAM",
        "%%10013",
    ]


@pytest.mark.parametrize("release", RELEASE_KEYS)
def test_a_lucky_edge_server_runs(release: str) -> None:
    host = Host(release, broken=False)
    assert host.service("MSExchangeTransport")["State"] == "Running"
    assert host.holder("tcp", 50389) == host.holder("udp", 50636) == "dsamain.exe"
    assert host.holder("tcp", 53) == host.holder("udp", 53) == "dns.exe"


def test_the_same_seed_is_the_same_boot() -> None:
    states = [json.dumps(Host("2022", seed=5).server.state(), sort_keys=True) for _index in range(2)]
    assert states[0] == states[1]
    assert json.dumps(Host("2022", seed=6).server.state(), sort_keys=True) != states[0]


def test_pool_sizes() -> None:
    def pool(host: Host) -> dict[str, t.Any]:
        rows = t.cast("list[dict[str, t.Any]]", host.server.state()["sockets"])
        return next(row for row in rows if "pool" in row)

    assert len(pool(Host("2022"))["pool"]) == 2500
    assert pool(Host("2022"))["families"] == [4, 6]
    assert pool(Host("2003"))["families"] == [4]
    assert len(pool(Host("2008", update=False))["pool"]) == 1
    assert len(pool(Host("2022", dns_pool_size=0))["pool"]) == 1


def test_delayed_services_start_two_minutes_after_the_others() -> None:
    host = Host("2022", broken=True)
    host.server.act({"do": "set_start_mode", "service": "DNS", "mode": "delayed"})
    host.server.reboot(seed=host.server.session.seed)
    host.later(60)
    assert host.service("DNS")["State"] == "Stopped"
    assert host.service("ADAM_MSExchange")["State"] == "Running"
    host.later(120)
    assert host.service("DNS")["State"] == "Running"
    assert host.service("ADAM_MSExchange")["State"] == "Running"


def test_the_delay_is_lost_when_an_automatic_service_needs_the_delayed_one() -> None:
    host = Host("2022", broken=False, start_modes={"DNS": "delayed"})
    path = f"{SERVICES}\\MSExchangeTransportLogSearch"
    host.server.act({"do": "set_value", "path": path, "name": "DependOnService", "type": "MULTI_SZ", "data": ["DNS"]})
    host.server.reboot()
    host.later(60)
    assert host.service("DNS")["State"] == "Running"


def test_the_auto_start_delay_of_the_registry_counts() -> None:
    host = Host("2022", start_modes={"DNS": "delayed"})
    path = "SYSTEM\\CurrentControlSet\\Control"
    host.server.act({"do": "set_value", "path": path, "name": "AutoStartDelay", "type": "DWORD", "data": 5000})
    host.server.reboot()
    host.later(60)
    assert host.service("DNS")["State"] == "Running"


def test_reserved_ports_count_from_the_next_boot_on() -> None:
    host = Host("2003", broken=True)
    data = ["50389-50389", "50636-50636"]
    path = f"{SERVICES}\\Tcpip\\Parameters"
    host.server.act({"do": "set_value", "path": path, "name": "ReservedPorts", "type": "MULTI_SZ", "data": data})
    assert host.server.lottery(200, 1)["victim_failures"] == 0
    assert host.server.session.kept.effective_reserved["udp"] == frozenset()
    host.server.boot_now(seed=host.server.session.seed)
    assert host.server.session.kept.effective_reserved["udp"] == {50389, 50636}
    assert host.service("ADAM_MSExchange")["State"] == "Running"


def test_block_mode_cuts_a_2003_server_off_until_somebody_comes() -> None:
    host = Host("2003", max_user_port=60000, roles=["dns"], broken=True)
    server = host.server
    assert host.service("PolicyAgent")["ExitCode"] == 10048
    assert not server.is_listening(NOW + 1)
    assert server.state()["boot"]["block_mode"] is True  # type: ignore[index,call-overload]
    assert host.query("SELECT * FROM Win32_NTLogEvent WHERE EventCode = 4292")
    server.act({"do": "out_of_band_fix"})
    assert server.is_listening(NOW + 2)
    assert host.service("PolicyAgent")["StartMode"] == "Disabled"


def test_broken_means_the_roles_victim_alone() -> None:
    edge = Host("2003", max_user_port=60000, broken=True)
    assert edge.service("ADAM_MSExchange")["ExitCode"] == 10013
    assert edge.server.is_listening(NOW)
    radius = Host("2022", roles=["dns", "ias"], dynamic_range="1025-60000", broken=True)
    assert (radius.service("IAS")["ExitCode"], radius.service("IKEEXT")["State"]) == (10048, "Running")
    keys = Host("2022", dynamic_range="1025-60000", broken="IKEEXT")
    assert (keys.service("IKEEXT")["ExitCode"], keys.service("ADAM_MSExchange")["State"]) == (10048, "Running")


def test_no_block_mode_where_4500_is_reserved_or_out_of_range() -> None:
    options = {"roles": ["dns"], "max_user_port": 60000, "reserved_ports": ["4500-4500"]}
    assert Host("2003", **options).server.lottery(1000, 1)["block_modes"] == 0
    assert Host("2003", roles=["dns"]).server.lottery(1000, 1)["block_modes"] == 0
    assert Host("2008", roles=["dns"], max_user_port=60000).server.lottery(500, 1)["block_modes"] == 0


def test_a_reboot_seen_from_outside() -> None:
    host = Host("2022", broken=True)
    server = host.server
    first = server.boot_id
    assert host.system("Reboot") == 0
    assert server.is_listening(server.now + 1)
    assert not server.is_listening(server.now + 5)
    assert server.boot_id == first
    assert not server.is_listening(server.now + 19)
    assert server.is_listening(server.now + 30)
    assert server.boot_id == first + 1
    uptime = t.cast(
        "t.Any", host.query("SELECT LastBootUpTime, LocalDateTime FROM Win32_OperatingSystem")[0].properties
    )
    assert 0 < (uptime["LocalDateTime"] - uptime["LastBootUpTime"]).total_seconds() < 60


def test_time_scale_makes_all_of_it_shorter() -> None:
    host = Host("2022", time_scale=0.05, start_modes={"DNS": "delayed"})
    host.server.reboot()
    host.later(3)
    assert host.server.is_listening(host.server.now)
    host.later(8)
    assert host.service("DNS")["State"] == "Running"


def test_winrm_that_does_not_start_by_itself_is_gone_after_a_reboot() -> None:
    host = Host("2003", assumptions={"winrm_manual_on_2003": True})
    assert host.server.is_listening(NOW)
    host.server.boot_now()
    assert not host.server.is_listening(NOW + 300)


def test_power_off_stays_off_until_somebody_comes() -> None:
    host = Host("2022")
    assert host.system("Win32Shutdown", Flags="8") == 0
    host.later(600)
    assert not host.server.is_listening(host.server.now)
    host.server.act({"do": "power", "on": True})
    assert host.server.is_listening(host.server.now)


def test_a_scheduled_shutdown_can_be_called_off() -> None:
    host = Host("2022")
    assert host.run("shutdown /r /f /t 30 /d p:2:4 /c planned").exit_code == 0
    assert host.run("shutdown /r /t 5").exit_code == 1115
    assert host.run("shutdown /a").exit_code == 0
    assert host.run("shutdown /a").exit_code == 1116
    host.later(60)
    assert host.server.is_listening(host.server.now)
    assert host.system("Win32ShutdownTracker", Timeout="10", Comment="x", ReasonCode="0", Flags="6") == 0
    host.later(5)
    assert host.server.is_listening(host.server.now)
    host.later(10)
    assert not host.server.is_listening(host.server.now)


def test_the_privilege_may_be_missing() -> None:
    host = Host("2022", assumptions={"reboot_method_return": 1314})
    assert host.system("Reboot") == 1314
    host.later(10)
    assert host.server.is_listening(host.server.now)


def test_the_servers_own_clock() -> None:
    host = Host("2022", clock_offset=3600.0, uptime=86400)
    row = t.cast("t.Any", host.query("SELECT * FROM Win32_OperatingSystem")[0].properties)
    assert row["LocalDateTime"].timestamp() == NOW + 3600
    assert row["LastBootUpTime"].timestamp() == NOW + 3600 - 86400
    host.server.act({"do": "clock", "boot_time_jump": -3600})
    row = t.cast("t.Any", host.query("SELECT * FROM Win32_OperatingSystem")[0].properties)
    assert row["LastBootUpTime"].timestamp() == NOW - 86400


def test_time_never_runs_backward() -> None:
    host = Host("2022")
    host.later(100)
    host.server.tick(NOW)
    assert host.server.now == NOW + 100


def test_runtime_blocks_and_foreign_programs() -> None:
    host = Host(
        "2022",
        seed=4,
        runtime_blocks=[{"protocol": "udp", "ports": "50600-50699"}],
        foreigners=[{"image": "wireguard.exe", "protocol": "udp", "port": 51820}],
    )
    assert host.service("ADAM_MSExchange")["ExitCode"] == 10013
    assert host.holder("udp", 50636) == ""
    assert host.holder("udp", 51820) == "wireguard.exe"
    bound = t.cast("dict[str, int]", host.server.act({"do": "bind", "protocol": "udp", "port": 51820}))
    assert bound["error"] == 10048
    host.server.boot_now()
    assert host.holder("udp", 51820) == "wireguard.exe"


BAD_HOSTS: t.Final[list[tuple[dict[str, t.Any], str]]] = [
    ({"release": "2022"}, "a host needs a name"),
    ({"name": "x", "release": "2000"}, "release must be one of 2003, 2008"),
    ({"name": "x", "release": "2022", "colour": "red"}, "keys must be among"),
    ({"name": "x", "release": "2022", "roles": ["web"]}, "roles must be among dns"),
    ({"name": "x", "release": "2022", "language": "fr"}, "language must be one of en, de"),
    ({"name": "x", "release": "2022", "winrm_stack": "1.1"}, "winrm_stack must be one of 3.0"),
    ({"name": "x", "release": "2022", "update": "yes"}, "update must be bool"),
    ({"name": "x", "release": "2022", "broken": 5}, "broken must be bool or str"),
    ({"name": "x", "release": "2022", "seed": True}, "seed must be int"),
    ({"name": "x", "release": "2022", "max_user_port": 70000}, "max_user_port must be a port"),
    ({"name": "x", "release": "2022", "dynamic_range": "5-3"}, "dynamic_range must hold ports"),
    ({"name": "x", "release": "2022", "exclusions": [{"ports": "5"}]}, "an item of exclusions must have the keys"),
    ({"name": "x", "release": "2022", "start_modes": {"DNS": "later"}}, "start_modes must be among"),
    ({"name": "x", "release": "2022", "start_modes": {"Nope": "auto"}}, "there is no service 'Nope'"),
    ({"name": "x", "release": "2022", "assumptions": {"nope": 1}}, "unknown assumption 'nope'"),
    (
        {"name": "x", "release": "2022", "roles": ["dns"], "broken": True},
        "no boot in 20000 makes a service lose a port",
    ),
    ({"name": "x", "release": "2022", "broken": "IAS"}, "no boot in 20000 makes IAS lose a port"),
    (
        {"name": "x", "release": "2022", "registry": [{"path": "A", "name": "b", "type": "Z", "data": 1}]},
        "unknown registry type 'Z'",
    ),
]


@pytest.mark.parametrize(("host", "message"), BAD_HOSTS, ids=[message for _host, message in BAD_HOSTS])
def test_a_wrong_scenario_is_refused_with_a_sentence(
    host: dict[str, t.Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lottery, "SEARCH_LIMIT", 20)
    with pytest.raises(ValueError, match=message.replace("20000", "20")):
        build_server(host, now=NOW)


def test_an_unknown_act_is_refused() -> None:
    host = Host("2022")
    with pytest.raises(ValueError, match="unknown act 'dance'"):
        host.server.act({"do": "dance"})
    with pytest.raises(ValueError, match="needs 'path'"):
        host.server.act({"do": "set_value"})
    with pytest.raises(ValueError, match="does not know"):
        host.server.act({"do": "bind", "protocol": "udp", "port": 1, "colour": "red"})


def test_users_belong_to_the_scenario() -> None:
    host = Host("2022", users=[{"name": "reader", "password": "x", "is_administrator": False, "remote_wmi": True}])
    assert host.server.users[0].name == "reader"
    assert not host.server.users[0].elevated
    assert ADMINISTRATOR.elevated


def test_an_account_may_lack_rights_of_the_list() -> None:
    lacks = ["shell", r"registry SYSTEM\CurrentControlSet", "service stop DNS"]
    (user,) = Host("2022", users=[{"name": "operator", "password": "x", "lacks": lacks}]).server.users
    assert not user.may("shell")
    assert user.may("registry", "SOFTWARE")
    assert not user.may("registry", r"System\CurrentControlSet")
    assert (user.may("service stop", "dns"), user.may("service stop", "IAS")) == (False, True)
    with pytest.raises(ValueError, match="'flying' is no right"):
        Host("2022", users=[{"name": "operator", "password": "x", "lacks": ["flying"]}])
