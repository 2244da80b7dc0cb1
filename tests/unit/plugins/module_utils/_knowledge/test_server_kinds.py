# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is, and which role is for it."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    Facts,
    FactsNeeded,
    OperatingSystem,
    OperatingSystemFact,
    Service,
    ServiceFact,
    ServicesLikeFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import (
    KINDS,
    USUAL_INSTANCE,
    Identity,
    guarded_identity,
    identity,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.wql import MOST_ALTERNATIVES
from tests.tooling.sources import ROOT

OLD, MIDDLE, NEW = "5.2.3790", "6.0.6002", "10.0.20348"
SBS = "Microsoft(R) Windows(R) Server 2003 for Small Business Server"
PLAIN = "Microsoft Windows Server"
BOOT = datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)


def answer(fact: Fact[t.Any], version: str, caption: str, names: t.Sequence[str]) -> t.Any:
    installed = [Service(name, name, "Running", "Auto", 100, 0, 0, "") for name in names]
    if isinstance(fact, ServiceFact):
        return next((one for one in installed if one.name.casefold() == fact.name.casefold()), None)
    if isinstance(fact, ServicesLikeFact):
        return tuple(one for one in installed if one.name.casefold().startswith(fact.prefix.casefold()))
    assert isinstance(fact, OperatingSystemFact), fact
    return OperatingSystem(version, caption, 3, BOOT, BOOT)


def facts(version: str, caption: str, names: t.Sequence[str]) -> Facts:
    """All that is asked, which is asked at once."""
    try:
        identity(Facts(), release_of(version, 3))
    except FactsNeeded as question:
        return Facts({fact: answer(fact, version, caption, names) for fact in question.facts})
    raise AssertionError("nothing is asked")


def seen(version: str, *names: str, caption: str = PLAIN, instance: str = USUAL_INSTANCE) -> Identity:
    return identity(facts(version, caption, names), release_of(version, 3), instance=instance)


class Row(t.NamedTuple):
    """A server, its kinds, the roles that fit, and those that need a decision."""

    version: str
    services: tuple[str, ...]
    kinds: tuple[str, ...]
    fitting: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    caption: str = PLAIN


MAIL = ("MSExchangeIS", "MSExchangeSA")
BOTH = ("exchange_rpc_ports", "exchange_services")
ROWS: dict[str, Row] = {
    "nothing": Row(NEW, ("WinRM",), ()),
    "resolver": Row(NEW, ("DNS",), ("dns",)),
    "resolver in other letters": Row(NEW, ("dns",), ("dns",)),
    "edge": Row(NEW, ("DNS", "ADAM_MSExchange"), ("exchange_edge", "dns"), ("exchange_edge_dns",)),
    "edge without DNS": Row(NEW, ("ADAM_MSExchange", "MSExchangeTransport"), ("exchange_edge",)),
    "another instance": Row(NEW, ("DNS", "ADAM_Portal"), ("ad_lds", "dns"), (), ("exchange_edge_dns",)),
    "another instance without DNS": Row(NEW, ("ADAM_Portal",), ("ad_lds",)),
    "two instances": Row(
        NEW,
        ("DNS", "ADAM_MSExchange", "ADAM_Portal"),
        ("exchange_edge", "ad_lds", "dns"),
        ("exchange_edge_dns",),
        ("exchange_edge_dns",),
    ),
    "radius": Row(MIDDLE, ("IAS", "DNS"), ("radius", "dns"), ("dc_ias",)),
    "radius without DNS": Row(OLD, ("IAS",), ("radius",)),
    "small business": Row(
        OLD,
        ("DNS", "IAS", *MAIL, "MSExchangeMGMT"),
        ("small_business_server_2003", "radius", "exchange_2003", "dns"),
        ("sbs2003",),
        BOTH,
        SBS,
    ),
    "a later small business": Row(MIDDLE, ("DNS",), ("dns",), caption="Windows Small Business Server 2008"),
    "blackberry": Row(OLD, ("BlackBerry Router",), ("blackberry_router",), (), ("known_services",)),
    "exchange 5.5": Row(OLD, (*MAIL, "MSExchangeDS"), ("exchange_5_5",), (), BOTH),
    "exchange 2003": Row(OLD, (*MAIL, "MSExchangeMGMT"), ("exchange_2003",), (), BOTH),
    "what manages exchange 2003": Row(OLD, ("MSExchangeMGMT",), ()),
    "exchange 2007": Row(MIDDLE, (*MAIL, "MSExchangeADTopology"), ("exchange_2007",), (), BOTH),
    "exchange 2007 transport": Row(MIDDLE, ("MSExchangeADTopology",), ("exchange_2007",), (), ("exchange_services",)),
    "exchange 2010": Row(
        MIDDLE, ("MSExchangeIS", "MSExchangeADTopology", "MSExchangeRPC"), ("exchange_2010",), (), BOTH
    ),
    "exchange 2016": Row(
        NEW, ("MSExchangeIS", "MSExchangeADTopology", "MSExchangeRPC", "MSExchangeDelivery"), ("exchange_2013",)
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_a_server_is(row: Row) -> None:
    found = seen(row.version, *row.services, caption=row.caption)
    assert tuple(one.kind.key for one in found.kinds) == row.kinds
    assert found.fitting == row.fitting
    assert tuple(choice.role for choice in found.choices) == row.choices


OBSTACLES: list[tuple[str, str, str]] = [
    ("radius without DNS", "radius", "no DNS server"),
    ("small business", "radius", "role of Small Business Server 2003"),
    ("another instance", "ad_lds", "exchange_edge_dns_instance names another one"),
]


@pytest.mark.parametrize(("server", "kind", "sentence"), OBSTACLES)
def test_a_role_that_does_not_fit_says_why(server: str, kind: str, sentence: str) -> None:
    row = ROWS[server]
    (told,) = [one for one in seen(row.version, *row.services, caption=row.caption).kinds if one.kind.key == kind]
    assert told.kind.role is not None
    assert told.fits is False
    assert sentence in told.obstacle


def test_the_role_for_ad_lds_is_for_the_instance_that_it_is_told() -> None:
    found = seen(NEW, "DNS", "ADAM_MSExchange", "ADAM_Portal", instance="portal")
    assert found.fitting == ("exchange_edge_dns",)
    assert [one.kind.key for one in found.kinds if one.fits] == ["ad_lds"]
    assert seen(NEW, "DNS", "ADAM_MSExchange", instance="Portal").fitting == ()


GUARDIANS: list[tuple[str, str, tuple[str, ...], str | None]] = [
    ("IAS", NEW, ("IAS", "DNS"), "radius"),
    ("ikeext", NEW, ("IAS", "DNS", "IKEEXT"), "radius"),
    ("IAS", NEW, ("IAS",), None),
    ("IKEEXT", NEW, ("DNS", "IKEEXT"), None),
    ("ADAM_MSExchange", NEW, ("DNS", "ADAM_MSExchange"), "exchange_edge"),
    ("ADAM_Portal", NEW, ("DNS", "ADAM_MSExchange", "ADAM_Portal"), "ad_lds"),
    ("DNS", NEW, ("DNS", "IAS"), None),
]


@pytest.mark.parametrize(("service", "version", "names", "kind"), GUARDIANS)
def test_whose_role_brings_a_service_back(service: str, version: str, names: tuple[str, ...], kind: str | None) -> None:
    found = guarded_identity(facts(version, PLAIN, names), release_of(version, 3)).guardian_of(service)
    assert (found and found.kind.key) == kind


@pytest.mark.parametrize("service", ["IAS", "PolicyAgent", "RemoteAccess", "W3SVC"])
def test_on_a_small_business_server_its_own_role_does_everything(service: str) -> None:
    found = guarded_identity(facts(OLD, SBS, ("DNS", "IAS")), release_of(OLD, 3)).guardian_of(service)
    assert found is not None
    assert found.kind.role == "sbs2003"


def test_one_query_reads_all_services() -> None:
    with pytest.raises(FactsNeeded) as question:
        identity(Facts(), release_of(NEW, 3))
    prefixes = [fact.prefix for fact in question.value.facts if isinstance(fact, ServicesLikeFact)]
    names = [fact.name for fact in question.value.facts if isinstance(fact, ServiceFact)]
    named = [name for name in names if not name.startswith(tuple(prefixes))]
    assert len(prefixes) + len(named) <= MOST_ALTERNATIVES


# --- the rows against the roles --------------------------------------------------------------------------------------


def role_file(role: str, part: str) -> dict[str, t.Any]:
    path: pathlib.Path = ROOT / "roles" / role / part / "main.yml"
    return t.cast("dict[str, t.Any]", yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_services_that_a_role_brings_back_are_those_of_the_role() -> None:
    victims = {kind.role: set(kind.victims) for kind in KINDS if kind.victims}
    radius = {row["service"] for row in role_file("dc_ias", "vars")["__dc_ias_victims"] if "rpc_ports" not in row}
    small_business = {row["service"] for row in role_file("sbs2003", "vars")["__sbs2003_victims"]}
    assert victims == {"dc_ias": radius, "sbs2003": small_business}


def test_the_services_that_a_choice_is_for_are_those_of_the_role() -> None:
    choices = {choice.role: set(choice.services) for kind in KINDS for choice in kind.choices}
    names = set(role_file("exchange_services", "defaults")["exchange_services_names"])
    fixed = {row["service"] for row in role_file("exchange_rpc_ports", "vars")["__exchange_rpc_ports_victims"]}
    # A web server, and what only manages Exchange, are no Exchange.
    maintained = names - {"IISADMIN", "MSExchangeMGMT"}
    assert choices == {"exchange_services": maintained, "exchange_rpc_ports": fixed, "known_services": set()}


def test_every_role_and_variable_exists() -> None:
    choices = {(choice.role, choice.note) for kind in KINDS for choice in kind.choices}
    told = {(role, note.removeprefix("with ")) for role, note in choices if note.startswith("with ")}
    told |= {(kind.role, name) for kind in KINDS if kind.role for name in (kind.picked_by, kind.delayed_by) if name}
    for role, variable in told:
        specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
        assert variable in specs["argument_specs"]["main"]["options"]
    assert role_file("exchange_edge_dns", "defaults")["exchange_edge_dns_instance"] == USUAL_INSTANCE
