# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known services instead of port numbers: what ``services`` means on each mechanism."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.task_checks import assert_nothing_to_do, assert_refused

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]

IAS: t.Final = ["1645-1646", "1812-1813"]
EDGE: t.Final = ["50389-50389", "50636-50636"]
MOVED: t.Final = ["50001-50001", "50636-50636"]
NETSH: t.Final[Json] = {"release": "2022", "roles": ["member"]}
DNS: t.Final[Json] = {"release": "2022", "roles": ["dns"]}

MEANT: t.Final[tuple[tuple[str, Json, str, Json, Json], ...]] = (
    (
        "registry",
        {"release": "2003", "roles": ["member"]},
        "reserved_ports",
        {"services": ["ias", "blackberry_router"]},
        {"reserved_ports": ["1645-1646", "1812-1813", "3101-3101"]},
    ),
    (
        "netsh-by-protocol",
        NETSH,
        "reserved_ports",
        {"services": ["ias", "blackberry_router"], "ports": ["6000"]},
        {"excluded_tcp": ["3101-3101", "6000-6000"], "excluded_udp": [*IAS, "6000-6000"]},
    ),
    (
        "netsh-one-protocol",
        NETSH,
        "reserved_ports",
        {"services": ["ias"], "protocol": "udp"},
        {"excluded_udp": IAS},
    ),
    (
        "ad-lds-by-the-registry",
        {"release": "2003", "roles": ["exchange_edge", "dns"], "broken": False, "ldap_port": 50001},
        "reserved_ports",
        {"services": ["ad_lds"]},
        {"reserved_ports": MOVED},
    ),
    (
        "pool",
        {"release": "2008r2", "roles": ["exchange_edge", "dns"], "broken": False},
        "dns_socket_pool",
        {"services": ["ad_lds", "ias"]},
        {"excluded_ports": [*IAS, *EDGE]},
    ),
)
EXCLUDED: t.Final[Json] = {
    "release": "2022",
    "roles": ["member"],
    "exclusions": [{"protocol": protocol, "ports": "50000-50059"} for protocol in ("tcp", "udp")],
}
PURE: t.Final[tuple[tuple[str, Json, Json], ...]] = (
    # What it says nothing about stays as it is.
    ("of-one-protocol", {"services": ["wireguard"]}, {"tcp": ["50000-50059"], "udp": ["51820-51820"]}),
    ("of-both", {"services": ["wireguard", "blackberry_router"]}, {"tcp": ["3101-3101"], "udp": ["51820-51820"]}),
    ("of-one-by-its-number", {"ports": ["51820/udp"]}, {"tcp": ["50000-50059"], "udp": ["51820-51820"]}),
    ("of-a-number", {"ports": ["51820"]}, {"tcp": ["51820-51820"], "udp": ["51820-51820"]}),
    ("of-nothing", {"ports": []}, {"tcp": [], "udp": []}),
    ("of-nothing-for-tcp", {"ports": [], "protocol": "tcp"}, {"tcp": [], "udp": ["50000-50059"]}),
)
REFUSED: t.Final[tuple[tuple[str, Json, str, Json, str], ...]] = (
    ("unknown", DNS, "dns_socket_pool", {"services": ["radius"]}, "one or more of: ad_lds, ias, .*radius"),
    ("no-udp", DNS, "dns_socket_pool", {"services": ["blackberry_router"]}, "needs no UDP port: it needs TCP 3101"),
    ("no-tcp", NETSH, "reserved_ports", {"services": ["ias"], "protocol": "tcp"}, "ias needs no TCP port"),
    ("no-instance", NETSH, "reserved_ports", {"services": ["ad_lds"]}, "no instance with ports"),
)


@pytest.fixture(scope="module")
def results() -> Results:
    meant = [
        HostCase(id=name, server=server, steps=(Step(module=module, options=options),) * 2)
        for name, server, module, options, _after in MEANT
    ]
    pure = [
        HostCase(
            id=name, server=EXCLUDED, steps=(Step(module="reserved_ports", options={**options, "state": "pure"}),) * 2
        )
        for name, options, _after in PURE
    ]
    refused = [
        HostCase(id=name, server=server, steps=(Step(module=module, options=options),))
        for name, server, module, options, _words in REFUSED
    ]
    return run_in_process([*meant, *pure, *refused])


@pytest.mark.parametrize(("name", "after"), [(row[0], row[4]) for row in MEANT], ids=[row[0] for row in MEANT])
def test_the_ports_that_are_meant(results: Results, name: str, after: Json) -> None:
    done, again = results[name]
    assert done.event == "ok", done.message
    assert {key: done.result["after"][key] for key in after} == after
    assert_nothing_to_do(again)


@pytest.mark.parametrize(("name", "after"), [(row[0], row[2]) for row in PURE], ids=[row[0] for row in PURE])
def test_these_and_no_others_for_the_protocols_that_are_meant(results: Results, name: str, after: Json) -> None:
    done, again = results[name]
    assert done.event == "ok", done.message
    assert {"tcp": done.after.excluded("tcp"), "udp": done.after.excluded("udp")} == after
    for protocol in ("tcp", "udp"):
        goes = done.before.excluded(protocol) == ["50000-50059"] != after[protocol]
        assert (f"releases excluded {protocol} ports" in done.warnings) == goes
    assert_nothing_to_do(again)


@pytest.mark.parametrize(("name", "words"), [(row[0], row[4]) for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refusals_say_why_and_touch_nothing(results: Results, name: str, words: str) -> None:
    (task_run,) = results[name]
    assert_refused(task_run)
    assert re.search(words, task_run.message), task_run.message
