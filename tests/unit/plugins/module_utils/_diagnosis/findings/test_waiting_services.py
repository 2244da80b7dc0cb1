# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The finding about the Edge role's AD LDS instance names the Exchange services that are down with it."""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._diagnosis.findings.servers import down, udp, world
from tests.unit.plugins.module_utils._diagnosis.world import DNS_PROCESS, service

NEW = "10.0.20348"
TRANSPORT = down("MSExchangeTransport", 1068)
CREDENTIAL = down("MSExchangeEdgeCredential", 1068)
LOG_SEARCH = service("MSExchangeTransportLogSearch", 700)
SPAM = down("MSExchangeAntispamUpdate", 0)


@pytest.mark.parametrize(
    ("instance", "names"),
    [
        ("ADAM_MSExchange", ["MSExchangeEdgeCredential", "MSExchangeTransport"]),
        ("ADAM_Users", []),
    ],
)
def test_services_that_wait_are_named(instance: str, names: list[str]) -> None:
    services = (down(instance, 10013), TRANSPORT, CREDENTIAL, LOG_SEARCH, SPAM)
    port = {"ADAM_MSExchange": 50636, "ADAM_Users": 50001}[instance]
    server = world(NEW, services, sockets=(udp(port, DNS_PROCESS),))
    (finding,) = (row for row in server.value("findings") if row["service"] == instance)
    waiting = f" Exchange services that depend on it wait for it: {', '.join(names)}." if names else ""
    assert finding["cause"].endswith(waiting)
    assert ("wait for it" in finding["cause"]) is bool(names)
    assert [text for row in finding["evidence"] if (text := row["text"]).endswith("exit code 1068")] == [
        f"{name} is stopped, start mode Auto, exit code 1068" for name in names
    ]
