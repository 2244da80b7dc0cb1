# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Windows behind the wire, seen by pywinrm: every release, both transports, both languages."""

from __future__ import annotations

import collections.abc as c
import typing as t
import xml.etree.ElementTree as ET

import pytest
import xmltodict
import yaml
from winrm.protocol import Protocol

from tests.simulator.control import RunningFleet, running_fleet

RELEASES = ("2003", "2008", "2008r2", "2012r2", "2016", "2019", "2022", "2025")
CIMV2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2"
STDREGPROV = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
PARAMETERS = {
    "q:hDefKey": "2147483650",
    "q:sSubKeyName": "SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters",
    "q:sValueName": "ReservedPorts",
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[RunningFleet]:
    hosts = {
        f"edge{release}": {
            "release": release,
            "language": ("en", "de")[index % 2],
            "wire": {"transport": ("basic", "ntlm")[index // 2 % 2]},
        }
        for index, release in enumerate(RELEASES)
    }
    scenario = {"defaults": {"time_scale": 0.02}, "hosts": hosts}
    with running_fleet(scenario, directory=tmp_path_factory.mktemp("fleet")) as running:
        yield running


@pytest.fixture
def client(fleet: RunningFleet, release: str) -> Protocol:
    host = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]["hosts"][f"edge{release}"]
    return Protocol(
        f"http://{host['ansible_host']}:{host['ansible_port']}/wsman",
        transport=host["ansible_winrm_transport"],
        username=host["ansible_user"],
        password=host["ansible_password"],
        proxy=None,
    )


def send(client: Protocol, action: str, uri: str, body: t.Any, **header: t.Any) -> ET.Element:
    message = {"env:Envelope": client._get_soap_header(action=action, resource_uri=uri)}
    message["env:Envelope"]["env:Header"].update(header)
    message["env:Envelope"]["env:Body"] = body
    return ET.fromstring(client.send_message(xmltodict.unparse(message)))


def texts(root: ET.Element, name: str) -> list[str | None]:
    return [item.text for item in root.iter() if item.tag.rpartition("}")[2] == name]


def invoke(client: Protocol, method: str, **more: t.Any) -> ET.Element:
    body = {f"q:{method}_INPUT": {"@xmlns:q": STDREGPROV, **PARAMETERS, **more}}
    return send(client, f"{STDREGPROV}/{method}", STDREGPROV, body)


@pytest.mark.parametrize("release", RELEASES)
def test_a_registry_value_is_written_and_read(fleet: RunningFleet, client: Protocol, release: str) -> None:
    invoke(client, "SetMultiStringValue", **{"q:sValue": ["3343-3343", "50389-50389"]})
    answer = invoke(client, "GetMultiStringValue")
    assert texts(answer, "ReturnValue") == ["0"]
    assert texts(answer, "sValue") == ["3343-3343", "50389-50389"]
    assert "50389-50389" in str(fleet.control.host(f"edge{release}").state()["registry"])


@pytest.mark.parametrize("release", RELEASES)
def test_a_service_is_read_by_its_key(client: Protocol, release: str) -> None:
    selected = {"w:SelectorSet": {"w:Selector": {"@Name": "Name", "#text": "dns"}}}
    answer = send(client, f"{TRANSFER}/Get", f"{CIMV2}/Win32_Service", {}, **selected)
    assert texts(answer, "Name") == ["DNS"], release
    assert texts(answer, "State") == ["Running"]


@pytest.mark.parametrize("release", RELEASES)
def test_a_command_runs_in_a_shell(client: Protocol, release: str) -> None:
    shell = client.open_shell(codepage=437)
    command = client.run_command(shell, "ver")
    stdout, _stderr, code = client.get_command_output(shell, command)
    client.close_shell(shell)
    assert (b"Microsoft Windows [Version " in stdout, code) == (True, 0), release


@pytest.mark.parametrize("release", ["2003", "2022"])
def test_a_reboot_ordered_over_the_wire_happens(fleet: RunningFleet, client: Protocol, release: str) -> None:
    host = fleet.control.host(f"edge{release}")
    before = host.summary()["boot_id"]
    uri = f"{CIMV2}/Win32_OperatingSystem"
    answer = send(client, f"{uri}/Reboot", uri, {"q:Reboot_INPUT": {"@xmlns:q": uri}})
    assert texts(answer, "ReturnValue") == ["0"]
    host.wait_until_listening(listening=False, seconds=10)
    host.wait_until_listening(seconds=20)
    assert host.summary()["boot_id"] == before + 1
    client.transport.close_session()
    invoke(client, "GetMultiStringValue")
