# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of finding on a server written by hand, and what must not be taken for one."""

from __future__ import annotations

import collections
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings import table
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import of_kind
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.table import FINDERS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import SubsetName
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import (
    KINDS,
    SEVERITIES,
    KindName,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    RegistryFact,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_SIZE_FACT,
)
from tests.unit.plugins.module_utils._diagnosis.findings.ill_servers import FOUND, IDS, Expected, waits_for
from tests.unit.plugins.module_utils._diagnosis.findings.servers import (
    AUTD,
    FILTERED,
    JAVA,
    NEW,
    OLD,
    down,
    event,
    tcp,
    udp,
    world,
)
from tests.unit.plugins.module_utils._diagnosis.world import (
    DNS_PROCESS,
    World,
    blocks,
    dword,
)


@pytest.mark.parametrize(("server", "expected"), [row[1:] for row in FOUND], ids=IDS)
def test_what_is_wrong_is_found_and_nothing_else(server: World, expected: Expected) -> None:
    rows = server.value("findings")
    assert [(row["kind"], row["severity"], waits_for(row)) for row in rows] == expected
    assert all(row["evidence"] and row["cause"] and row["fix"] and row["source"] for row in rows)


def test_every_kind_can_be_found() -> None:
    assert {expected[0][0] for _name, _world, expected in FOUND} == set(KINDS)
    assert set(KINDS) == set(t.get_args(KindName))
    made = collections.Counter(kind for kinds in FINDERS.values() for kind in kinds)
    assert made.keys() == set(KINDS)
    # Programs' ranges and the pool's rest on different readings.
    assert made - collections.Counter(set(KINDS)) == {"range_nearly_used_up": 1}
    assert all(kind.severity in SEVERITIES for kind in KINDS.values())


def test_the_worst_comes_first() -> None:
    server = world(
        NEW, (down("IAS", 10048),), values={**FILTERED, POOL_SIZE_FACT: dword(50)}, sockets=(udp(1645, DNS_PROCESS),)
    )
    assert [row["severity"] for row in server.value("findings")] == ["critical", "warning", "information"]


@pytest.mark.parametrize(
    ("server", "subset", "severity", "words"),
    [
        pytest.param(
            world(NEW, sockets=tuple(tcp(port, JAVA) for port in range(49152, 65400))),
            "sockets",
            "critical",
            "136 of its 16384 ports are free|java.exe (process 3000) holds 16248 of its ports",
            id="in-use",
        ),
        pytest.param(
            world(NEW, exclusions=Exclusions(blocks((49152, 64000, True)), ()), sockets=(tcp(65000, JAVA),)),
            "reservations",
            "warning",
            "1534 of its 16384 ports are free|14849 kept back|java.exe (process 3000) holds 1 of its ports",
            id="excluded",
        ),
    ],
)
def test_a_range_that_is_nearly_used_up_is_told_with_its_users(
    server: World, subset: SubsetName, severity: str, words: str
) -> None:
    (row,) = server.report("dynamic_ranges", subset, "findings").plain()["findings"]
    assert (row["kind"], row["severity"]) == ("range_nearly_used_up", severity)
    for word in words.split("|"):
        assert word in str(row)


def test_who_holds_the_port_is_told() -> None:
    (row,) = FOUND[0][1].value("findings")
    assert row["service"] == "IAS"
    assert row["ports"] == [{"protocol": "udp", "port": 1812}]
    (holder,) = row["held_by"]
    assert (holder["image"], holder["services"], holder["held_as"]) == ("dns.exe", ["DNS"], "dns_pool")
    assert {item["seen_in"] for item in row["evidence"]} == {"service", "socket"}


def test_the_port_of_an_event_is_read_from_a_number_alone() -> None:
    """Nothing else in its text is taken for a port."""
    named = event("Application", "Server ActiveSync", 3015, "0x80004005", "port 1234 of 99999", "[2999]")
    (row,) = world(OLD, AUTD, sockets=(udp(2999, JAVA),), events=(named,)).value("findings")
    assert row["ports"] == [{"protocol": "udp", "port": 2999}]


def test_no_finding_without_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Finding(**of_kind("pool_size_small"), summary="", cause="", evidence=(), fix="")
    monkeypatch.setattr(table, "FINDERS", (lambda _view: [empty],))
    with pytest.raises(ValueError, match="pool_size_small has no evidence"):
        World().value("findings")


def test_a_value_of_a_wrong_type_is_no_number() -> None:
    fact = RegistryFact(MAX_USER_PORT_FACT.key, MAX_USER_PORT_FACT.name, MAX_USER_PORT_FACT.type)
    assert world(OLD, values={fact: RegistryValue(RegistryType.STRING, "70000")}).value("findings") == []
