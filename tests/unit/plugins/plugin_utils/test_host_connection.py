# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections outside of a play take the variables that they take inside of one."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.plugin_utils._host_connection import new_connection

ACCOUNT: t.Final = {"ansible_user": "watcher@EXAMPLE.TEST", "ansible_password": "s3cret {{ no template }}"}
WINRM: t.Final = {
    "ansible_winrm_transport": "ntlm",
    "ansible_winrm_scheme": "https",
    "ansible_winrm_server_cert_validation": "ignore",
}


def test_winrm_is_the_usual_plugin() -> None:
    found = new_connection("edge1", {**ACCOUNT, **WINRM, "ansible_port": 5986, "another": "variable"})
    options = ("remote_addr", "remote_user", "remote_password", "port", "transport", "scheme")
    assert [found.get_option(name) for name in options] == [
        *("edge1", ACCOUNT["ansible_user"], ACCOUNT["ansible_password"], 5986, ["ntlm"], "https"),
    ]
    assert found.get_option("_extras") == {"ansible_winrm_server_cert_validation": "ignore"}


def test_psrp_takes_its_own() -> None:
    variables = {"ansible_connection": "ansible.builtin.psrp", "ansible_host": "192.0.2.7", "ansible_psrp_auth": "ntlm"}
    found = new_connection("edge1", {**ACCOUNT, **variables})
    assert (found.transport, found.get_option("remote_addr"), found.get_option("auth")) == ("psrp", "192.0.2.7", "ntlm")


def test_another_plugin_is_refused() -> None:
    with pytest.raises(OptionError, match="ansible_connection of edge1: 'ssh' must be winrm or psrp"):
        new_connection("edge1", {"ansible_connection": "ssh"})


def test_a_value_that_no_option_can_have_is_told() -> None:
    with pytest.raises(AnsibleError, match="port"):
        new_connection("edge1", {**ACCOUNT, "ansible_port": "winrm"})
