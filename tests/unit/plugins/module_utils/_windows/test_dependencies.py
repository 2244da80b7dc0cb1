# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who depends on whom: by WMI's class, and by the registry if that class gives nothing."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.dependencies import read_dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Instance
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    AccessDenied,
    HostUnreachable,
    NotFound,
    WsmanFault,
)
from tests.simulator.windows.registry import ValueType
from tests.unit.plugins.module_utils._windows.given_server import GivenClient, reference
from tests.unit.plugins.module_utils._windows.test_services import row

PAIR = {"Antecedent": reference("Win32_Service", "DNS"), "Dependent": reference("Win32_Service", "Web")}
SERVICES = r"SYSTEM\CurrentControlSet\Services"
BY_REGISTRY = {("Web", "DNS"), ("Web", "Tcpip"), ("DNS", "RpcSs")}
REFUSALS: t.Final = (
    WsmanFault(host="edge1", meaning="WMI failed without saying why"),
    NotFound(host="edge1", meaning="there is no such class"),
    AccessDenied(host="edge1", meaning="access denied"),
)


@pytest.fixture
def server(client: GivenClient) -> GivenClient:
    client.rows["Win32_DependentService"] = [PAIR]
    client.rows["Win32_Service"] = [
        row("Web", StartMode="Auto"),
        row("DNS", StartMode="Auto"),
        row("RpcSs", StartMode="Auto"),
        row("Off", StartMode="Disabled"),
    ]
    needed = {"Web": ("DNS", "Tcpip", "+NetBIOSGroup"), "DNS": ("RpcSs",), "Off": ("DNS",)}
    for name, others in needed.items():
        client.registry.set(rf"{SERVICES}\{name}", "DependOnService", ValueType.MULTI_SZ, others)
    return client


def read(client: GivenClient) -> set[tuple[str, str]]:
    return set(read_dependencies(Target(client, release_of("6.1.7601", 3).capabilities)).pairs)


def refuse(client: GivenClient, monkeypatch: pytest.MonkeyPatch, error: Exception, *classes: str) -> None:
    answer = client.query

    def query(namespace: str, text: str) -> list[Instance]:
        if any(f"FROM {name}" in text for name in classes):
            raise error
        return answer(namespace, text)

    monkeypatch.setattr(client, "query", query)


def test_the_class_is_one_query(server: GivenClient) -> None:
    assert read(server) == {("Web", "DNS")}
    assert len(server.log) == 1


@pytest.mark.parametrize("error", REFUSALS, ids=["fault", "no class", "access denied"])
def test_without_the_class_the_registry_tells(
    server: GivenClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    refuse(server, monkeypatch, error, "Win32_DependentService")
    assert read(server) == BY_REGISTRY


def test_an_empty_class_is_no_answer(server: GivenClient) -> None:
    server.rows["Win32_DependentService"] = []
    assert read(server) == BY_REGISTRY


@pytest.mark.parametrize("error", REFUSALS, ids=["fault", "no class", "access denied"])
def test_where_neither_tells_the_first_reason_is_said(
    server: GivenClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    refuse(server, monkeypatch, error, "Win32_DependentService", "Win32_Service")
    with pytest.raises(type(error)) as caught:
        read(server)
    assert caught.value is error


def test_a_server_on_which_nothing_depends_on_anything_is_not_believed(server: GivenClient) -> None:
    server.rows["Win32_DependentService"] = []
    for name in ("Web", "DNS", "WinRM"):
        server.registry.delete_value(rf"{SERVICES}\{name}", "DependOnService")
    with pytest.raises(AnswerError, match="no dependency of any service"):
        read(server)


def test_a_lost_connection_is_no_reason_for_another_way(server: GivenClient, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(server, monkeypatch, HostUnreachable(host="edge1", meaning="no connection"), "Win32_DependentService")
    with pytest.raises(HostUnreachable):
        read(server)
