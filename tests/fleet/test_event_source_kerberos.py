# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source and Kerberos: each server gets the ticket of its own account, though all looks share one process."""

from __future__ import annotations

import asyncio
import collections.abc as c
import concurrent.futures
import os
import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.plugin_utils._event_source import EventSource, settings_of
from tests.fleet.host_cases import DEFAULTS, Json
from tests.fleet.kerberos_realm import REALM, lacking, running_realm
from tests.simulator.control import RunningFleet, running_fleet
from tests.simulator.fleet import DEFAULT_USER
from tests.simulator.inventory import service_name

if lacking():
    pytest.skip(lacking(), allow_module_level=True)

CACHE: t.Final = "KRB5CCNAME"
COUNT: t.Final = 4
ACCOUNTS: t.Final = {f"host{number}": f"watcher{number}" for number in range(COUNT)}
"""By host: each knows its own account alone."""


def _entry(account: str) -> Json:
    users = [{"name": account, "password": DEFAULT_USER["password"]}]
    return {"release": "2022", "users": users, "wire": {"transport": "kerberos", "realm": REALM}}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[RunningFleet]:
    hosts = {host: _entry(account) for host, account in ACCOUNTS.items()}
    with running_realm(tmp_path_factory.mktemp("realm")) as realm, pytest.MonkeyPatch.context() as patch:
        for host, account in ACCOUNTS.items():
            realm.add_user(account, DEFAULT_USER["password"])
            realm.add_service(service_name(host, REALM))
        for name, value in realm.environment.items():
            patch.setenv(name, value)
        with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}, environment=realm.environment) as found:
            yield found


class Rules:
    """Takes what it gets."""

    def __init__(self) -> None:
        self.events: list[t.Any] = []

    async def put(self, item: t.Any) -> None:
        """Take an event."""
        self.events.append(item)


@pytest.mark.parametrize("plugin", ["winrm", "psrp"])
def test_all_at_once_and_each_with_its_own_ticket(
    fleet: RunningFleet, monkeypatch: pytest.MonkeyPatch, plugin: str
) -> None:
    monkeypatch.setenv(CACHE, "FILE:/nonexistent/of-the-program")
    group = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]
    common = {**group["vars"], "ansible_connection": plugin}
    rules = Rules()
    settings = settings_of({"hosts": group["hosts"], "variables": common, "failures": True})
    for host in ACCOUNTS:
        fleet.control.host(host).reset_requests()
    with concurrent.futures.ThreadPoolExecutor(COUNT) as pool:
        asyncio.run(EventSource(settings, rules).round(pool))
    assert [event["portkeeper"]["meaning"] for event in rules.events] == []
    logs = {host: fleet.control.host(host).requests()["log"] for host in ACCOUNTS}
    assert {host: {line["user"].partition("@")[0] for line in log} for host, log in logs.items()} == {
        host: {account} for host, account in ACCOUNTS.items()
    }
    assert os.environ[CACHE] == "FILE:/nonexistent/of-the-program"
