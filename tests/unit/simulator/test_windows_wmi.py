# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WMI: the registry provider, services, and the rest, with their return values and faults."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.windows.interface import CimReference, User, WmiFault
from tests.unit.simulator.windows_host import CIMV2, NOW, SERVICES, Host

HKLM: t.Final = "2147483650"
WRONG_TYPE: t.Final = 0x80041005
TCPIP: t.Final = f"{SERVICES}\\Tcpip\\Parameters"
PLAIN: t.Final = User("reader", "x", is_administrator=False, remote_wmi=True)
FILTERED: t.Final = User("local", "x", filtered_token=True)


# -- StdRegProv
@pytest.mark.parametrize(
    ("kind", "sent", "output", "expected"),
    [
        ("String", {"sValue": "text & <more>"}, "sValue", "text & <more>"),
        ("String", {"sValue": ""}, "sValue", ""),
        ("String", {}, "sValue", ""),
        ("ExpandedString", {"sValue": "%windir%\\x"}, "sValue", "%windir%\\x"),
        ("DWORD", {"uValue": "4294967295"}, "uValue", 4294967295),
        ("DWORD", {"uValue": "0"}, "uValue", 0),
        ("QWORD", {"uValue": "18446744073709551615"}, "uValue", 18446744073709551615),
        ("MultiString", {"sValue": ["a", "b", "c"]}, "sValue", ["a", "b", "c"]),
        ("MultiString", {"sValue": ["a"]}, "sValue", ["a"]),
        ("MultiString", {}, "sValue", []),
        ("MultiString", {"sValue": ["a", "", "b"]}, "sValue", ["a"]),
        ("Binary", {"uValue": ["0", "255", "7"]}, "uValue", [0, 255, 7]),
    ],
)
def test_what_is_written_is_read(kind: str, sent: dict[str, t.Any], output: str, expected: t.Any) -> None:
    host = Host("2022")
    place: dict[str, t.Any] = {"hDefKey": HKLM, "sSubKeyName": TCPIP, "sValueName": "Test"}
    assert host.registry(f"Set{kind}Value", **place, **sent) == {"ReturnValue": 0}
    assert host.registry(f"Get{kind}Value", **place) == {"ReturnValue": 0, output: expected}


def test_return_values() -> None:
    host = Host("2022")
    here: dict[str, t.Any] = {"hDefKey": HKLM, "sSubKeyName": TCPIP}
    nowhere: dict[str, t.Any] = {"hDefKey": HKLM, "sSubKeyName": "SOFTWARE\\Portkeeper\\Deep"}
    assert host.registry("GetStringValue", **here, sValueName="absent") == {"ReturnValue": 1}
    assert host.registry("GetStringValue", **nowhere, sValueName="absent") == {"ReturnValue": 2}
    assert host.registry("SetStringValue", **nowhere, sValueName="x", sValue="y") == {"ReturnValue": 2}
    assert host.registry("DeleteValue", **here, sValueName="absent") == {"ReturnValue": 2}
    assert host.registry("DeleteKey", **nowhere) == {"ReturnValue": 2}
    assert host.registry("CreateKey", **nowhere) == {"ReturnValue": 0}
    assert host.registry("CreateKey", **nowhere) == {"ReturnValue": 0}
    assert host.registry("SetDWORDValue", **nowhere, sValueName="n", uValue="5") == {"ReturnValue": 0}
    assert host.registry("GetStringValue", **nowhere, sValueName="N") == {"ReturnValue": WRONG_TYPE}
    assert host.registry("SetDWORDValue", **nowhere, sValueName="n", uValue="-1") == {"ReturnValue": 0x80041008}
    assert host.registry("SetDWORDValue", **nowhere, sValueName="n", uValue="x") == {"ReturnValue": 0x80041008}
    assert host.registry("DeleteKey", hDefKey=HKLM, sSubKeyName="SOFTWARE\\Portkeeper") == {"ReturnValue": 5}
    assert host.registry("DeleteKey", **nowhere) == {"ReturnValue": 0}
    assert host.registry("GetStringValue", hDefKey="7", sSubKeyName="x", sValueName="y") == {"ReturnValue": 0x80041008}


def test_names_keep_their_first_spelling() -> None:
    host = Host("2022")
    place = {"hDefKey": HKLM, "sSubKeyName": TCPIP.upper()}
    host.registry("SetStringValue", **place, sValueName="ReservedThing", sValue="1")
    host.registry("SetStringValue", **place, sValueName="RESERVEDTHING", sValue="2")
    assert host.registry("EnumValues", hDefKey=HKLM, sSubKeyName=TCPIP) == {
        "ReturnValue": 0,
        "sNames": ["DataBasePath", "ReservedThing"],
        "Types": [2, 1],
    }
    assert host.registry("EnumKey", hDefKey=HKLM, sSubKeyName=f"{SERVICES}\\tcpip") == {
        "ReturnValue": 0,
        "sNames": ["Parameters"],
    }


def test_both_namespaces_hold_the_registry_and_cimv2_may_not() -> None:
    given: dict[str, list[str] | None] = {"hDefKey": [HKLM], "sSubKeyName": [TCPIP]}
    host = Host("2022")
    output = host.server.wmi_invoke(CIMV2, "stdregprov", {}, "enumvalues", given, user=host.user)
    assert output.properties["ReturnValue"] == 0
    host = Host("2022", assumptions={"registry_in_cimv2": False})
    with pytest.raises(WmiFault) as caught:
        host.server.wmi_invoke(CIMV2, "StdRegProv", {}, "EnumValues", given, user=host.user)
    assert caught.value.kind == "invalid_class"


def test_access_to_the_registry() -> None:
    host = Host("2022", denied_keys=["SOFTWARE\\Portkeeper"])
    key = {"hDefKey": HKLM, "sSubKeyName": "software\\portkeeper"}
    assert host.registry("CreateKey", **key) == {"ReturnValue": 5}
    assert host.registry("CheckAccess", hDefKey=HKLM, sSubKeyName=TCPIP, uRequired="3")["bGranted"] is True
    host.user = PLAIN
    assert host.registry("EnumValues", hDefKey=HKLM, sSubKeyName=TCPIP)["ReturnValue"] == 0
    written = host.registry("SetStringValue", hDefKey=HKLM, sSubKeyName=TCPIP, sValueName="x", sValue="y")
    assert written == {"ReturnValue": 5}
    assert host.registry("CheckAccess", hDefKey=HKLM, sSubKeyName=TCPIP, uRequired="2") == {
        "ReturnValue": 5,
        "bGranted": False,
    }
    host.user = FILTERED
    with pytest.raises(WmiFault) as caught:
        host.registry("EnumValues", hDefKey=HKLM, sSubKeyName=TCPIP)
    assert caught.value.kind == "access_denied"


# -- services
def test_stop_and_start() -> None:
    host = Host("2022", broken=False)
    assert host.control("DNS", "StopService") == 0
    assert host.service("DNS")["State"] == "Stop Pending"
    assert host.control("DNS", "StartService") == 10
    host.later(5)
    assert (host.service("DNS")["State"], host.holder("udp", 53)) == ("Stopped", "")
    assert host.control("DNS", "StopService") == 5
    assert host.control("DNS", "StartService") == 0
    assert host.service("DNS")["State"] == "Start Pending"
    host.later(1.1)
    assert (host.service("DNS")["State"], host.holder("udp", 53)) == ("Running", "")
    host.later(1)
    assert host.holder("udp", 53) == "dns.exe"
    assert host.control("DNS", "StartService") == 10


def test_dependents_hold_a_service() -> None:
    host = Host("2022", broken=False)
    assert host.control("ADAM_MSExchange", "StopService") == 3
    for name in ("MSExchangeTransport", "MSExchangeEdgeCredential"):
        assert host.control(name, "StopService") == 0
    host.later(10)
    assert host.control("ADAM_MSExchange", "StopService") == 0
    host.later(10)
    assert host.control("MSExchangeTransport", "StartService") == 0
    assert host.service("ADAM_MSExchange")["State"] == "Running"
    assert host.service("MSExchangeEdgeCredential")["State"] == "Stopped"


def test_relief_by_hand() -> None:
    host = Host("2022", broken=True)
    assert host.control("MSExchangeTransport", "StartService") == 13
    assert host.service("ADAM_MSExchange")["ExitCode"] == 10013
    assert host.control("ADAM_MSExchange", "StartService") == 0
    host.later(30)
    assert host.service("ADAM_MSExchange")["State"] == "Stopped"
    host.control("DNS", "StopService")
    host.later(5)
    host.control("ADAM_MSExchange", "StartService")
    host.later(30)
    assert host.service("ADAM_MSExchange")["State"] == "Running"
    assert host.control("MSExchangeTransport", "StartService") == 0
    host.control("DNS", "StartService")
    host.later(30)
    assert host.service("MSExchangeTransport")["State"] == "Running"
    assert host.holder("udp", 50636) == "dsamain.exe"


def test_start_modes() -> None:
    host = Host("2022")
    host.server.act({"do": "set_start_mode", "service": "DNS", "mode": "delayed"})
    assert (host.service("DNS")["StartMode"], host.service("DNS")["DelayedAutoStart"]) == ("Auto", True)
    assert host.control("DNS", "ChangeStartMode", StartMode="Auto") == 21
    assert host.control("DNS", "ChangeStartMode", StartMode="Automatic") == 0
    assert host.service("DNS")["DelayedAutoStart"] is True
    assert host.control("DNS", "ChangeStartMode", StartMode="Disabled") == 0
    host.control("DNS", "StopService")
    host.later(5)
    assert host.control("DNS", "StartService") == 14
    assert (
        host.registry("GetDWORDValue", hDefKey=HKLM, sSubKeyName=f"{SERVICES}\\DNS", sValueName="Start")["uValue"] == 4
    )
    assert host.control("RpcSs", "StopService") == 5


def test_the_delayed_property_exists_from_2016_on() -> None:
    assert "DelayedAutoStart" not in Host("2012r2").service("DNS")
    assert Host("2016").service("DNS")["DelayedAutoStart"] is False
    with pytest.raises(WmiFault, match="no property delayedautostart"):
        Host("2008").query("SELECT DelayedAutoStart FROM Win32_Service")


def test_a_start_value_written_directly_counts_at_the_next_boot() -> None:
    host = Host("2022")
    place = {"hDefKey": HKLM, "sSubKeyName": f"{SERVICES}\\DNS", "sValueName": "Start"}
    host.registry("SetDWORDValue", **place, uValue="4")
    assert host.service("DNS")["StartMode"] == "Auto"
    host.server.boot_now()
    assert (host.service("DNS")["StartMode"], host.service("DNS")["State"]) == ("Disabled", "Stopped")
    other = Host("2022", assumptions={"direct_start_value_needs_boot": False})
    other.registry("SetDWORDValue", **place, uValue="4")
    assert other.service("DNS")["StartMode"] == "Disabled"


def test_dependencies_three_ways() -> None:
    host = Host("2022")
    links = host.query("SELECT * FROM Win32_DependentService")
    pairs = {
        (link.properties["Antecedent"].selectors["Name"], link.properties["Dependent"].selectors["Name"])  # type: ignore[union-attr]
        for link in links
        if isinstance(link.properties["Antecedent"], CimReference)
    }
    assert ("ADAM_MSExchange", "MSExchangeTransport") in pairs
    assert ("Tcpip", "DNS") in pairs
    assert {row.class_name for row in links} == {"Win32_DependentService"}
    drivers = [link.properties["Antecedent"] for link in links]
    assert CimReference("root/cimv2", "Win32_SystemDriver", {"Name": "Tcpip"}) in drivers
    dependents = host.query("ASSOCIATORS OF {Win32_Service.Name='adam_msexchange'} WHERE Role=Antecedent")
    assert sorted(str(row.properties["Name"]) for row in dependents) == [
        "MSExchangeEdgeCredential",
        "MSExchangeTransport",
    ]
    references = host.query(
        "REFERENCES OF {Win32_Service.Name='ADAM_MSExchange'} WHERE ResultClass=Win32_DependentService Role=Antecedent"
    )
    assert len(references) == 2
    where = "SELECT * FROM Win32_DependentService WHERE Antecedent = 'Win32_Service.Name=\"ADAM_MSExchange\"'"
    assert len(host.query(where)) == 2
    assert len(host.query("ASSOCIATORS OF {Win32_Service.Name='ADAM_MSExchange'} WHERE Role=Dependent")) == 2


def test_a_plain_user_may_look_but_not_touch() -> None:
    host = Host("2022")
    host.user = PLAIN
    assert host.service("DNS")["State"] == "Running"
    assert host.control("DNS", "StopService") == 2
    assert host.control("DNS", "ChangeStartMode", StartMode="Manual") == 2
    assert host.system("Reboot") == 1314


# -- the rest
@pytest.mark.parametrize(
    ("release", "version", "classes"),
    [
        ("2003", "5.2.3790", False),
        ("2008", "6.0.6002", False),
        ("2012r2", "6.3.9600", True),
        ("2025", "10.0.26100", True),
    ],
)
def test_release_and_sockets(release: str, version: str, classes: bool) -> None:
    host = Host(release)
    row = host.server.wmi_get(CIMV2, "Win32_OperatingSystem", {}, user=host.user)
    assert row.properties["Version"] == version
    assert list(row.properties) == sorted(row.properties, key=str.casefold)
    if not classes:
        with pytest.raises(WmiFault) as caught:
            host.query("SELECT * FROM MSFT_NetUDPEndpoint", "root/StandardCimv2")
        assert caught.value.kind == "invalid_namespace"
        return
    found = host.query("SELECT LocalPort, OwningProcess FROM MSFT_NetUDPEndpoint", "root\\StandardCimv2")
    assert len(found) > 5000
    assert found[0].projected
    listening = host.query(
        "SELECT * FROM MSFT_NetTCPConnection WHERE LocalPort = 53 AND State = 2", "root/standardcimv2"
    )
    assert {str(row.properties["LocalAddress"]) for row in listening} == {"0.0.0.0", "::"}
    handle = str(listening[0].properties["OwningProcess"])
    process = host.server.wmi_get(CIMV2, "Win32_Process", {"Handle": handle}, user=host.user)
    assert process.properties["Name"] == "dns.exe"


def test_updates() -> None:
    def shown(host: Host) -> list[str]:
        return [str(row.properties["HotFixID"]) for row in host.query("SELECT HotFixID FROM Win32_QuickFixEngineering")]

    assert shown(Host("2003")) == ["KB936059", "KB951746", "KB953230"]
    assert shown(Host("2003", update=False, winrm_stack="2.0")) == ["KB968930"]
    assert shown(Host("2008r2", netsh_hotfix=True)) == ["KB2665809"]
    assert shown(Host("2022")) == []


FAULTS: t.Final = [
    ("root/nowhere", "SELECT * FROM Win32_Service", "invalid_namespace"),
    ("root/cimv2", "SELECT * FROM Win32_Nonsense", "invalid_query"),
    ("root/cimv2", "SELECT Nonsense FROM Win32_Service", "invalid_query"),
    ("root/cimv2", "SELECT * FROM Win32_Service WHERE Nonsense = 1", "invalid_query"),
    ("root/cimv2", "rubbish", "invalid_query"),
    ("root/cimv2", "ASSOCIATORS OF {Win32_Service.Name='nope'}", "not_found"),
    ("root/cimv2", "SELECT * FROM Win32_Service WHERE ExitCode = 'abc'", "invalid_query"),
]


@pytest.mark.parametrize(("namespace", "wql", "kind"), FAULTS)
def test_faults_of_queries(namespace: str, wql: str, kind: str) -> None:
    with pytest.raises(WmiFault) as caught:
        Host("2022").query(wql, namespace)
    assert caught.value.kind == kind


def test_faults_of_objects() -> None:
    host = Host("2022")
    user = host.user
    cases: list[tuple[str, t.Callable[[], object]]] = [
        ("not_found", lambda: host.service("nope")),
        ("missing_selectors", lambda: host.server.wmi_get(CIMV2, "Win32_Service", {}, user=user)),
        ("unexpected_selectors", lambda: host.server.wmi_get(CIMV2, "Win32_Service", {"Colour": "red"}, user=user)),
        ("invalid_class", lambda: host.server.wmi_get(CIMV2, "Win32_Nonsense", {}, user=user)),
        ("invalid_method", lambda: host.control("DNS", "Dance")),
        ("invalid_parameter", lambda: host.registry("GetStringValue", hDefKey=HKLM)),
        ("provider_failure", lambda: host.server.wmi_put(CIMV2, "Win32_Service", {"Name": "DNS"}, {}, user=user)),
    ]
    for kind, call in cases:
        with pytest.raises(WmiFault) as caught:
            call()
        assert caught.value.kind == kind


def test_killed_service_leaves_its_mark() -> None:
    host = Host("2022", language="de")
    host.server.act({"do": "kill_service", "service": "DNS"})
    assert (host.service("DNS")["ExitCode"], host.service("DNS")["State"]) == (1067, "Stopped")
    event = host.query("SELECT * FROM Win32_NTLogEvent WHERE EventCode = 7034")[0]
    assert "DNS-Server" in str(event.properties["Message"])
    assert str(event.properties["Type"]) == "Fehler"
    assert t.cast("t.Any", event.properties["TimeGenerated"]).timestamp() == NOW


def test_a_killed_service_starts_anew() -> None:
    host = Host("2022", broken=False)
    host.control("DNS", "StopService")
    host.later(5)
    host.control("DNS", "StartService")
    host.later(1.2)
    host.server.act({"do": "kill_service", "service": "DNS"})
    assert host.control("DNS", "StartService") == 0
    host.later(0.5)
    assert (host.service("DNS")["State"], host.holder("udp", 53)) == ("Start Pending", "")
    host.later(2)
    assert (host.service("DNS")["State"], host.holder("udp", 53)) == ("Running", "dns.exe")
    assert len(host.server.session.sockets._pools) == 1


def test_snapshots_are_equal_after_undoing() -> None:
    host = Host("2022")
    before = host.server.state()["registry"]
    place = {"hDefKey": HKLM, "sSubKeyName": TCPIP, "sValueName": "ReservedPorts"}
    host.registry("SetMultiStringValue", **place, sValue=["1-2"])
    assert host.server.state()["registry"] != before
    host.registry("DeleteValue", **place)
    assert host.server.state()["registry"] == before
