# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that are given once and meant by several items and victims."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.shared_ports import (
    SharedPorts,
    counts,
    expanded,
    is_left_out,
    victim_ports,
)

Given = t.Mapping[str, t.Any]
FIXED: t.Final = SharedPorts.of(
    {"ntds": 49200, "netlogon": "900", "ntfrs": "Default", "exchange_sa": 1227, "exchange_nspi": " 1228 "}, ()
)
KNOWN: t.Final = SharedPorts({}, ("blackberry_router", "ias"))
NOTHING: t.Final = SharedPorts({}, ())


@pytest.mark.parametrize(
    ("resource", "item", "options", "shared", "found"),
    [
        pytest.param("reserved_ports", {}, {"ports": ["1"]}, FIXED, {"ports": ["1"]}, id="speaks-of-none"),
        pytest.param(
            "reserved_ports",
            {"rpc_ports": True},
            {"protocol": "tcp"},
            FIXED,
            {"protocol": "tcp", "ports": ["49200/tcp", "1227/tcp", "1228/tcp"]},
            id="below-1024-nothing-is-drawn",
        ),
        pytest.param(
            "reserved_ports",
            {"rpc_ports": True, "udp_ports": ["1645-1646", "1812/udp", "53/tcp", 4500]},
            {"services": ["ipsec"]},
            SharedPorts({"ntds": "2000"}, ()),
            {"services": ["ipsec"], "ports": ["2000/tcp", "1645-1646/udp", "1812/udp", "53/tcp", "4500/udp"]},
            id="both-kinds",
        ),
        pytest.param(
            "reserved_ports",
            {"rpc_ports": True},
            {"mechanism": "netsh"},
            SharedPorts({"ntds": "900", "ntfrs": "default"}, ()),
            None,
            id="none-of-them-is-for-it",
        ),
        pytest.param(
            "static_rpc_port", {"rpc_ports": True}, {}, FIXED, {"ports": dict(FIXED.rpc_ports)}, id="all-of-them"
        ),
        pytest.param("static_rpc_port", {"rpc_ports": "no"}, {}, FIXED, {}, id="no-is-no"),
        pytest.param("dns_socket_pool", {"known_services": "off"}, {}, KNOWN, {}, id="off-is-no"),
        pytest.param(
            "reserved_ports",
            {"udp_ports": "1645-1646,1812"},
            {},
            NOTHING,
            {"ports": ["1645-1646/udp", "1812/udp"]},
            id="a-text-is-split-at-its-commas",
        ),
        pytest.param(
            "reserved_ports",
            {"udp_ports": [1812]},
            {"ports": "5000,5001"},
            NOTHING,
            {"ports": ["5000", "5001", "1812/udp"]},
            id="a-text-beside-others-too",
        ),
        pytest.param(
            "reserved_ports", {"udp_ports": [1812]}, {"ports": {"a": 1}}, NOTHING, {"ports": {"a": 1}}, id="no-list"
        ),
        pytest.param("reserved_ports", {"udp_ports": 1812}, {}, NOTHING, {"ports": ["1812/udp"]}, id="a-number"),
        pytest.param("reserved_ports", {"udp_ports": 0}, {}, NOTHING, {"ports": ["0/udp"]}, id="nought-is-a-number"),
        # The resource itself then says what is missing.
        pytest.param("static_rpc_port", {"rpc_ports": True}, {}, NOTHING, {"ports": {}}, id="none-given"),
        pytest.param(
            "services_file",
            {"rpc_ports": {"comment": "ours"}},
            {},
            SharedPorts({"ntds": "900", "ntfrs": "default"}, ()),
            {"entries": [{"name": "ntds", "port": "900", "protocol": "tcp", "comment": "ours"}]},
            id="documented",
        ),
        pytest.param(
            "reserved_ports",
            {"known_services": True},
            {},
            KNOWN,
            {"services": ["blackberry_router", "ias"]},
            id="known-services",
        ),
        pytest.param(
            "dns_socket_pool", {"known_services": True}, {}, KNOWN, {"services": ["ias"]}, id="the-pool-is-udp-alone"
        ),
        pytest.param(
            "dns_socket_pool",
            {"known_services": True},
            {},
            SharedPorts({}, ("blackberry_router",)),
            None,
            id="no-service-with-udp",
        ),
        pytest.param("reserved_ports", {"known_services": True}, {}, NOTHING, {}, id="no-service-given"),
    ],
)
def test_an_item_gets_the_ports_that_it_speaks_of(
    resource: str, item: Given, options: Given, shared: SharedPorts, found: Given | None
) -> None:
    before = dict(options)
    assert expanded("resources[0]", resource, item, options, shared) == found
    assert options == before


def test_a_resource_without_such_ports_says_so() -> None:
    with pytest.raises(OptionError, match=r"resources\[3\]\.rpc_ports: service_state takes none; it goes with static"):
        expanded("resources[3]", "service_state", {"rpc_ports": True}, {}, FIXED)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"udp_ports": {"start": 1812}}, "udp_ports: {'start': 1812} is not a port; give a list of ports, such as"),
        ({"udp_ports": [["1812"]]}, "udp_ports: ['1812'] is not a port; give a list of ports, such as"),
        ({"udp_ports": None}, "udp_ports: None is not a port; give a list of ports, such as"),
        ({"udp_ports": True}, "udp_ports: True is not a port; give a list of ports, such as"),
        ({"rpc_ports": "ture"}, "rpc_ports: 'ture' is neither true nor false; write one of these two"),
        ({"rpc_ports": {"comment": "x"}}, "rpc_ports: {'comment': 'x'} is neither true nor false"),
        ({"known_services": ["ias"]}, "known_services: ['ias'] is neither true nor false"),
    ],
)
def test_what_stands_beside_a_resource_is_checked(item: Given, sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        expanded("resources[0]", "reserved_ports", item, {}, FIXED)
    assert str(refused.value).startswith(f"resources[0].{sentence}")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"nonsense": 49901}, "rpc_ports.nonsense: it is not known; give one of ntds, netlogon, "),
        ({"ntds": "abc"}, "rpc_ports.ntds: 'abc' is neither a port from 1 to 65535 nor 'default'"),
        ({"ntds": 65536}, "rpc_ports.ntds: '65536' is neither a port from 1 to 65535 nor 'default'"),
        ({"ntds": True}, "rpc_ports.ntds: 'True' is neither a port from 1 to 65535 nor 'default'"),
    ],
)
def test_keys_and_values_of_fixed_ports_are_checked_where_they_are_given(given: Given, sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        SharedPorts.of(given, ())
    assert str(refused.value).startswith(sentence)


def test_a_port_that_is_not_given_is_none() -> None:
    assert SharedPorts.of({"ntds": None, "netlogon": "default"}, ["ias", "ias"]) == SharedPorts(
        {"netlogon": "default"}, ("ias",)
    )


@pytest.mark.parametrize(
    ("wanted", "present"),
    [
        (True, True),
        (False, False),
        ("yes", True),
        ("False", False),
        ("no", False),
        (0, False),
        ({}, False),
        ({"start": 51000}, True),
    ],
)
def test_what_is_not_wanted_counts_only_when_all_is_taken_back(wanted: t.Any, *, present: bool) -> None:
    assert counts("resources[0]", {"wanted": wanted}, undo=False) is present
    assert counts("resources[0]", {"wanted": wanted}, undo=True)


@pytest.mark.parametrize("wanted", ["ture", "", None, 2, [True]])
def test_what_is_neither_true_nor_false_is_refused_even_when_all_is_taken_back(wanted: t.Any) -> None:
    for undo in (False, True):
        with pytest.raises(OptionError) as refused:
            counts("resources[0]", {"wanted": wanted}, undo=undo)
        assert str(refused.value).startswith(f"resources[0].wanted: {wanted!r} is neither true nor false")


def _victim(service: str, **options: t.Any) -> Given:
    return {"service": service, "ports": [], "udp_ports": [], "rpc_ports": True, **options}


@pytest.mark.parametrize(
    ("victim", "ports"),
    [
        pytest.param(_victim("msexchangesa"), ["1227/tcp", "1228/tcp"], id="all-of-its-interfaces"),
        # The directory is no service of its own everywhere; its process tells.
        pytest.param(_victim("Netlogon", image="lsass.exe"), ["49200/tcp", "900/tcp"], id="by-its-process"),
        pytest.param(_victim("NtFrs"), [], id="not-fixed"),
        pytest.param(
            _victim("IAS", rpc_ports=False, ports=["1/tcp"], udp_ports=["1812"]), ["1/tcp", "1812/udp"], id="others"
        ),
    ],
)
def test_a_victim_has_the_rpc_ports_that_it_listens_on(victim: Given, ports: list[str]) -> None:
    assert victim_ports(victim, FIXED) == ports
    assert is_left_out(victim, FIXED) is (ports == [])


def test_a_victim_that_is_not_about_rpc_ports_is_never_left_out() -> None:
    assert not is_left_out(_victim("IAS", rpc_ports=False), FIXED)
