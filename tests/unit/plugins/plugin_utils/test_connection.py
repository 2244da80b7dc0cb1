# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge over the real winrm connection plugin of the installed ansible-core."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, winrm_transport
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _connection as bridge
from tests.unit.plugins.module_utils._wsman import answers, servers

INSTANCE = answers.instance("Win32_OperatingSystem", "<p:Version>10.0.20348</p:Version>")


def plugin(name: str, **options: t.Any) -> t.Any:
    found = connection_loader.get(name, PlayContext(), "/dev/null")
    found.set_options(var_options={"_extras": {}}, direct=options)
    return found


def winrm_to(port: int, **options: t.Any) -> t.Any:
    return plugin(
        "winrm",
        remote_addr="127.0.0.1",
        port=port,
        scheme="http",
        **{"remote_user": "edge", "remote_password": "secret", **options},
    )


def test_one_request_and_no_shell() -> None:
    with servers.Server(servers.soap(INSTANCE)) as server:
        connection = winrm_to(server.port)
        with bridge.open_client(connection) as client:
            assert client.host == "127.0.0.1"
            assert server.connections == 0
            system = client.get("root/cimv2", "Win32_OperatingSystem")
            assert system.text("Version") == "10.0.20348"
        assert connection.shell_id is None
        connection.close()
        assert len(server.requests) == 1
        assert b"PT20.000S" in server.requests[0].body


def test_timeouts_of_the_plugin() -> None:
    with servers.Server(servers.soap(INSTANCE)) as server:
        with bridge.open_client(winrm_to(server.port, connection_timeout=45)) as client:
            client.get("root/cimv2", "Win32_OperatingSystem")
        assert b"PT45.000S" in server.requests[0].body


def test_items_of_a_loop_share_the_session() -> None:
    with servers.Server(servers.soap(INSTANCE)) as server:
        connection = winrm_to(server.port)
        for _index in range(3):
            with bridge.open_client(connection) as client:
                client.get("root/cimv2", "Win32_OperatingSystem")
        assert (server.connections, len(server.requests)) == (1, 3)


def test_shell_of_the_plugin_is_left_alone() -> None:
    connection = winrm_to(1)
    with bridge.open_client(connection):
        pass
    connection.shell_id = "opened by somebody else"
    with bridge.open_client(connection):
        assert connection.shell_id == "opened by somebody else"


def test_failures_are_of_our_family() -> None:
    with servers.Server(servers.always(servers.http("401 Unauthorized", WWW_Authenticate="Basic"))) as server:
        connection = winrm_to(server.port)
        with pytest.raises(errors.AuthenticationFailed), bridge.open_client(connection) as client:
            client.get("root/cimv2", "Win32_OperatingSystem")
        connection.close()


def test_settings_that_cannot_work_are_unreachable() -> None:
    connection = winrm_to(1, remote_user=None)
    with pytest.raises(AnsibleConnectionFailure, match="requires a username"), bridge.open_client(connection):
        pass
    assert connection.shell_id is None
    connection.close()


@pytest.mark.parametrize("name", ["ssh", "local", "psrp"])
def test_other_plugins_are_refused(name: str) -> None:
    sentence = "works through the winrm connection plugin.*set ansible_connection: ansible.builtin.winrm"
    with pytest.raises(bridge.UnusableConnection, match=sentence) as caught, bridge.open_client(plugin(name)):
        pass
    assert isinstance(caught.value, AnsibleActionFail)
    assert repr(name) in str(caught.value)


def test_missing_pywinrm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winrm_transport, "IMPORT_ERROR", ModuleNotFoundError("No module named 'winrm'"))
    with (
        pytest.raises(bridge.UnusableConnection, match=r"pywinrm is missing.*No module named 'winrm'.*pip install"),
        bridge.open_client(winrm_to(1)),
    ):
        pass
