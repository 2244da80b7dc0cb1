# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports by number, by AD LDS instance and by known service, and what each means on one server."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_options import given, wanted_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import (
    dns_socket_pool,
    reserved_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Absent,
    Facts,
    FactsNeeded,
    Protocol,
    RegistryType,
    RegistryValue,
    ServiceFact,
    ServicesLikeFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import ad_lds_port_facts
from tests.unit.plugins.module_utils._change.world import service

UDP: tuple[Protocol, ...] = ("udp",)


def instances(**ports: tuple[int, ...]) -> Facts:
    """A server with these AD LDS instances."""
    answers: dict[t.Any, t.Any] = {ServicesLikeFact("ADAM_"): tuple(service(f"ADAM_{name}") for name in ports)}
    for name, numbers in ports.items():
        readings = [RegistryValue(RegistryType.DWORD, number) for number in numbers]
        answers.update(zip(ad_lds_port_facts(f"ADAM_{name}"), [*readings, Absent.VALUE, Absent.VALUE], strict=False))
    return Facts(answers)


def texts(arguments: t.Mapping[str, t.Any], facts: Facts, protocols: tuple[Protocol, ...] = PROTOCOLS) -> list[str]:
    return wanted_ports(arguments, option="ports", state="present").on(facts, protocols).texts()


_BOTH = ["4500-4500", "5000-5000"]
MEANT: list[tuple[str, dict[str, t.Any], tuple[Protocol, ...], list[str]]] = [
    ("a service", {"services": ["ias"]}, PROTOCOLS, ["1645-1646", "1812-1813"]),
    ("a service by the other protocol", {"services": ["ias"]}, ("tcp",), []),
    ("two services and a number", {"services": ["ipsec", "l2tp"], "ports": ["5000"]}, UDP, ["1701-1701", *_BOTH]),
    ("a service twice", {"services": ["cluster", "cluster"]}, UDP, ["3343-3343"]),
    ("a number means every protocol", {"ports": ["5000"], "services": ["ipsec"]}, ("tcp",), ["5000-5000"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "protocols", "meant"), [row[1:] for row in MEANT], ids=[row[0] for row in MEANT])
def test_meant(arguments: dict[str, t.Any], protocols: tuple[Protocol, ...], meant: list[str]) -> None:
    assert texts(arguments, Facts(), protocols) == meant


def test_ad_lds_means_every_instance_of_the_server() -> None:
    facts = instances(MSExchange=(), Users=(389, 50001))
    assert texts({"services": ["ad_lds"]}, facts) == ["50001-50001", "50389-50389", "50636-50636"]
    with pytest.raises(FactsNeeded):
        texts({"services": ["ad_lds"]}, Facts())


def test_an_instance_that_is_not_there_is_refused_even_if_its_usual_ports_are_known() -> None:
    wanted = wanted_ports({"ad_lds_instances": ["MSExchange"]}, option="ports", state="present")
    without_values = instances(MSExchange=())
    wanted.require_instances(instances(MSExchange=(50001,)))
    wanted.require_instances(without_values.extended({ServiceFact("ADAM_MSExchange"): service("ADAM_MSExchange")}))
    with pytest.raises(PlanError, match=r"MSExchange: this server has no such instance .no service ADAM_MSExchange"):
        wanted.require_instances(without_values.extended({ServiceFact("ADAM_MSExchange"): None}))


def test_ad_lds_on_a_server_without_an_instance() -> None:
    with pytest.raises(PlanError, match="no instance with ports"):
        texts({"services": ["ad_lds"]}, instances())


def test_a_service_without_a_port_of_the_protocol_is_refused() -> None:
    with pytest.raises(OptionError, match=r"blackberry_router needs no UDP port: it needs TCP 3101.*never the DNS"):
        wanted_ports({"services": ["blackberry_router"]}, option="ports", state="present", protocols=UDP)


def test_the_resources_refuse_it_by_their_own_protocols() -> None:
    pool = {name: option.get("default") for name, option in dns_socket_pool.ARGUMENT_SPEC.items()}
    with pytest.raises(OptionError, match="msmq needs no UDP port"):
        dns_socket_pool.options({**pool, "services": ["ipsec", "msmq"]})
    reserved = {name: option.get("default") for name, option in reserved_ports.ARGUMENT_SPEC.items()}
    reserved["services"] = ["ias"]
    with pytest.raises(OptionError, match="ias needs no TCP port"):
        reserved_ports.options({**reserved, "protocol": "tcp"})
    assert reserved_ports.options({**reserved, "protocol": "both"}).ports.services[0].key == "ias"


def test_nothing_named_is_refused() -> None:
    assert not given({"ports": None, "services": []}, option="ports")
    with pytest.raises(OptionError, match="it is empty"):
        wanted_ports({"ports": []}, option="ports", state="present")
    assert not wanted_ports({"ports": []}, option="ports", state="pure").ports
