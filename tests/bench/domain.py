# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to log on that this machine can measure, and the Kerberos realm for one of them."""

from __future__ import annotations

import collections.abc as c
import contextlib
import pathlib
import tempfile
import typing as t

from tests.bench.replay import Transport
from tests.fleet.host_cases import Json
from tests.fleet.kerberos_realm import REALM, Realm, lacking, running_realm
from tests.simulator.fleet import DEFAULT_USER
from tests.simulator.inventory import service_name

SERVICE: t.Final = service_name("replayed", REALM)
"""All hosts are one service to the realm: the keys of a thousand would tell nothing more."""
VARIABLES: t.Final[Json] = {
    "ansible_user": f"{DEFAULT_USER['name']}@{REALM}",
    "ansible_winrm_kerberos_hostname_override": SERVICE,
    "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"],
}
"""Of a host in the inventory."""


def transports() -> tuple[Transport, ...]:
    """All that can be measured here."""
    every: tuple[Transport, ...] = t.get_args(Transport)
    return tuple(way for way in every if way != "kerberos" or not lacking())


def left_out() -> str:
    """What can't be measured here, as a sentence; empty if everything can."""
    return f"Kerberos is left out: {lacking()}." if lacking() else ""


def domain(ways: c.Collection[Transport]) -> contextlib.AbstractContextManager[Realm | None]:
    """A realm with the hosts' service and the account, if one of these ways needs it."""
    return _running_domain() if "kerberos" in ways else contextlib.nullcontext()


@contextlib.contextmanager
def _running_domain() -> c.Iterator[Realm]:
    with tempfile.TemporaryDirectory(prefix="portkeeper-realm-") as name, running_realm(pathlib.Path(name)) as realm:
        realm.add_user(DEFAULT_USER["name"], DEFAULT_USER["password"])
        realm.add_service(SERVICE)
        yield realm
