# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge over the real winrm connection plugin of the installed ansible-core."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, psrp_transport, winrm_transport
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


def psrp_to(port: int | None, **options: t.Any) -> t.Any:
    given = {"remote_user": "edge", "remote_password": "secret", "auth": "basic", "message_encryption": "never"}
    return plugin("psrp", **{"remote_addr": "127.0.0.1", "port": port, "protocol": "http", **given, **options})


BOTH = pytest.mark.parametrize("connect", [winrm_to, psrp_to])
Connect = t.Callable[..., t.Any]


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


def test_one_request_and_no_runspace() -> None:
    with servers.Server(servers.soap(INSTANCE)) as server:
        connection = psrp_to(server.port)
        with bridge.open_client(connection, "edge1") as client:
            assert (client.host, server.connections) == ("edge1 (127.0.0.1)", 0)
            assert client.get("root/cimv2", "Win32_OperatingSystem").text("Version") == "10.0.20348"
        assert connection.runspace is None
        connection.close()
        assert [request.header("User-Agent") for request in server.requests] == ["Python PSRP Client"]


@pytest.mark.parametrize(
    ("connect", "options"), [(winrm_to, {"connection_timeout": 45}), (psrp_to, {"operation_timeout": 45})]
)
def test_timeouts_of_the_plugin(connect: Connect, options: dict[str, t.Any]) -> None:
    with servers.Server(servers.soap(INSTANCE)) as server:
        with bridge.open_client(connect(server.port, **options)) as client:
            client.get("root/cimv2", "Win32_OperatingSystem")
        assert b"PT45.000S" in server.requests[0].body


@BOTH
def test_items_of_a_loop_share_the_session(connect: Connect) -> None:
    with servers.Server(servers.soap(INSTANCE)) as server:
        connection = connect(server.port)
        for _index in range(3):
            with bridge.open_client(connection) as client:
                client.get("root/cimv2", "Win32_OperatingSystem")
            assert connection.connected, "or Ansible makes a new one for the next item"
        assert (server.connections, len(server.requests)) == (1, 3)


@BOTH
def test_an_item_that_is_delegated_to_another_port_of_the_same_address_goes_there(connect: Connect) -> None:
    """Ansible keeps a connection if the address is the same, with the next item's settings: tunnels, port forwards."""
    with servers.Server(servers.soap(INSTANCE)) as first, servers.Server(servers.soap(INSTANCE)) as second:
        connection = connect(first.port)
        for server in (first, second, second, first):
            connection.set_option("port", server.port)
            with bridge.open_client(connection) as client:
                client.get("root/cimv2", "Win32_OperatingSystem")
        assert (len(first.requests), len(second.requests)) == (2, 2)
        connection.close()


def test_shell_of_the_plugin_is_left_alone() -> None:
    connection = winrm_to(1)
    with bridge.open_client(connection):
        pass
    connection.shell_id = "opened by somebody else"
    with bridge.open_client(connection):
        assert connection.shell_id == "opened by somebody else"


@BOTH
def test_failures_are_of_our_family(connect: Connect) -> None:
    with servers.Server(servers.always(servers.http("401 Unauthorized", WWW_Authenticate="Basic"))) as server:
        connection = connect(server.port)
        with pytest.raises(errors.AuthenticationFailed), bridge.open_client(connection) as client:
            client.get("root/cimv2", "Win32_OperatingSystem")
        connection.close()


def test_settings_that_cannot_work_are_unreachable() -> None:
    connection = winrm_to(1, remote_user=None)
    with pytest.raises(AnsibleConnectionFailure, match=r"^\S+: .*requires a username"), bridge.open_client(connection):
        pass
    assert connection.shell_id is None
    connection.close()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"message_encryption": "auto"}, "Cannot use message encryption with auth 'basic'"),
        ({"remote_user": None}, "the username must be specified"),
        ({"auth": "certificate", "protocol": "https"}, "certificate key pem file must be specified"),
    ],
)
def test_settings_of_psrp_that_cannot_work_are_unreachable(options: dict[str, t.Any], sentence: str) -> None:
    with (
        pytest.raises(AnsibleConnectionFailure, match=f"settings of the psrp connection do not work: .*{sentence}"),
        bridge.open_client(psrp_to(1, **options)),
    ):
        pass


@pytest.mark.parametrize("name", ["ssh", "local"])
def test_other_plugins_are_refused(name: str) -> None:
    sentence = "works through the connection plugins winrm and psrp.*set ansible_connection: ansible.builtin.winrm"
    with pytest.raises(bridge.UnusableConnection, match=sentence) as caught, bridge.open_client(plugin(name)):
        pass
    assert isinstance(caught.value, AnsibleActionFail)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("connect", "module", "package"),
    [(winrm_to, winrm_transport, "pywinrm"), (psrp_to, psrp_transport, "pypsrp")],
)
def test_missing_package(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, module: types.ModuleType, package: str
) -> None:
    monkeypatch.setattr(module, "IMPORT_ERROR", ModuleNotFoundError("No module named 'x'"))
    sentence = rf"package {package} is missing.*No module named 'x'.*'pip install {package}'"
    with pytest.raises(bridge.UnusableConnection, match=sentence), bridge.open_client(connect(1)):
        pass


def test_missing_package_of_an_authentication(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        raise ImportError("Cannot use CredSSP auth as requests-credssp is not installed")

    monkeypatch.setattr("pypsrp.wsman.HttpCredSSPAuth", missing)
    sentence = "package requests-credssp is missing.*'pip install requests-credssp'"
    with pytest.raises(bridge.UnusableConnection, match=sentence), bridge.open_client(psrp_to(1, auth="credssp")):
        pass


@pytest.mark.parametrize(
    ("given", "protocol", "port"),
    [(None, "http", 5985), (None, "https", 5986), (None, None, 5986), (80, "http", 80), (5985, None, 5985)],
)
def test_port_of_psrp(given: int | None, protocol: str | None, port: int) -> None:
    connection = psrp_to(given, protocol=protocol)
    assert bridge.server_port(connection) == port
    with bridge.open_client(connection):
        assert connection._psrp_port == port, "as the plugin has it"


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        ({}, [bridge.CLEAR_TEXT["psrp"]]),
        ({"auth": "ntlm"}, []),
        ({"protocol": "https"}, []),
        ({"protocol": "https", "cert_validation": "ignore"}, [bridge.UNCHECKED_CERTIFICATE["psrp"]]),
    ],
)
def test_weaknesses_of_psrp(options: dict[str, t.Any], warnings: list[str]) -> None:
    connection = psrp_to(1, **options)
    assert bridge.weaknesses(connection) == []
    with bridge.open_client(connection):
        assert bridge.weaknesses(connection) == warnings
    assert "ansible_winrm" not in "".join(warnings)
