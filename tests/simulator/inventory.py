# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a running fleet, for the real Ansible: with the variables of both connection plugins.

A run takes winrm; ``ansible_connection: psrp``, for a host or for the run, takes the other one.
"""

from __future__ import annotations

import pathlib
import typing as t

import yaml

from tests.simulator.fleet import Fleet, HostPlan
from tests.simulator.windows.interface import User
from tests.simulator.wire.host import SimulatedHost

OPERATION_TIMEOUT: t.Final = 20
READ_TIMEOUT: t.Final = 30
ROLE_GROUPS: t.Final[t.Mapping[str, str]] = {"exchange_edge": "edge"}
"""Groups of the inventory whose name is not that of the role."""


def write_inventory(fleet: Fleet, path: pathlib.Path, *, control: str) -> None:
    """Write the inventory: one host per server, groups by role, release and transport."""
    path.write_text(yaml.safe_dump(inventory(fleet, control=control), sort_keys=False), encoding="utf-8")


def inventory(fleet: Fleet, *, control: str) -> dict[str, t.Any]:
    """Give the inventory as YAML values."""
    groups: dict[str, dict[str, t.Any]] = {}
    for name, host in fleet.hosts.items():
        for group in _groups(host, fleet.plans[name]):
            groups.setdefault(group, {"hosts": {}})["hosts"][name] = {}
    hosts = {name: _variables(fleet, name) for name in fleet.hosts}
    return {"all": {"vars": _common(control), "hosts": hosts, "children": dict(sorted(groups.items()))}}


def _common(control: str) -> dict[str, t.Any]:
    return {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "http",
        "ansible_winrm_operation_timeout_sec": OPERATION_TIMEOUT,
        "ansible_winrm_read_timeout_sec": READ_TIMEOUT,
        "ansible_psrp_operation_timeout": OPERATION_TIMEOUT,
        "ansible_psrp_read_timeout": READ_TIMEOUT,
        "fleet_control": control,
    }


def _groups(host: SimulatedHost, plan: HostPlan) -> list[str]:
    by_role = [ROLE_GROUPS.get(role, role) for role in host.server.roles]
    own = [str(group) for group in plan.model.get("groups", ())]
    return [*by_role, f"windows_{host.server.release.key}", f"transport_{plan.transport}", *own]


def _variables(fleet: Fleet, name: str) -> dict[str, t.Any]:
    host, plan = fleet.hosts[name], fleet.plans[name]
    user = _account(host)
    return {
        "ansible_host": host.listener.address,
        "ansible_port": host.listener.port,
        "ansible_winrm_transport": plan.transport,
        "ansible_psrp_auth": plan.transport,
        "ansible_psrp_protocol": plan.scheme,
        "ansible_psrp_message_encryption": "never" if plan.transport == "basic" else "auto",
        "ansible_user": user.name,
        "ansible_password": user.password,
        **_tls_variables(fleet, plan, user),
        **_realm_variables(plan, user),
        **plan.model.get("vars", {}),
    }


def _tls_variables(fleet: Fleet, plan: HostPlan, user: User) -> dict[str, t.Any]:
    if fleet.authority is None or plan.scheme == "http":
        return {}
    authority = str(fleet.authority.path)
    trust = {
        "ansible_winrm_scheme": "https",
        "ansible_winrm_ca_trust_path": authority,
        "ansible_psrp_ca_cert": authority,
    }
    if plan.transport != "certificate":
        return trust
    certificate, key = fleet.authority.account(user.name, fleet.directory)
    files = {"cert_pem": str(certificate), "cert_key_pem": str(key)}
    theirs = {"certificate_pem": str(certificate), "certificate_key_pem": str(key)}
    winrm = {f"ansible_winrm_{name}": file for name, file in files.items()}
    return {**trust, **winrm, **{f"ansible_psrp_{name}": file for name, file in theirs.items()}}


def service_name(name: str, realm: str) -> str:
    """The DNS name of a host in a realm; its Kerberos service is HTTP/ and this."""
    return f"{name}.{realm}".lower()


def _realm_variables(plan: HostPlan, user: User) -> dict[str, t.Any]:
    """For a host in a realm; the names of its domain are in no DNS, so its address and its service's name differ."""
    realm = plan.settings.realm
    if not realm or plan.transport not in ("kerberos", "credssp"):
        return {}
    return {
        "ansible_user": f"{user.name}@{realm}",
        "ansible_winrm_kerberos_hostname_override": service_name(plan.name, realm),
        "ansible_psrp_negotiate_hostname_override": service_name(plan.name, realm),
        "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"],
    }


def _account(host: SimulatedHost) -> User:
    users = list(host.server.users)
    return next((user for user in users if user.elevated), users[0])
