# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The odds themselves: the closed form, what counts as drawable, start order, candidates and doubts."""

from __future__ import annotations

import dataclasses
import fractions
import itertools
import typing as t

import hypothesis
import pytest
from hypothesis import strategies

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.what_if import CANDIDATES, DOUBTS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.next_boot import (
    Need,
    NextBoot,
    Presence,
    chance_of_loss,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

OLD, SP2, R2, NEW = (
    release_of(version, 3).capabilities for version in ("5.2.3790", "6.0.6002", "6.1.7601", "10.0.20348")
)
IANA = PortRange(49152, 65535)
EDGE = Need(product="ad_lds", service="ADAM_MSExchange", ports=PortSet.of(50389, 50636), unverified=True)
RADIUS = Need(product="ias", service="IAS", ports=PortSet.of(PortRange(1645, 1646), PortRange(1812, 1813)))
TUNNEL = Need(product="wireguard", service="WireGuardTunnel$a", ports=PortSet.of(51820))
DEPLOYMENT = Need(product="wds", service="WDSServer", ports=PortSet.of(PortRange(64001, 65000)), any_will_do=True)
SERVER_2022 = NextBoot(capabilities=NEW, pool="always", dns="auto", size=2500, dynamic_udp=IANA, needs=(EDGE, TUNNEL))
SERVER_2003 = NextBoot(
    capabilities=OLD, pool="confirmed", dns="auto", size=2500, max_user_port=60000, needs=(EDGE, RADIUS)
)


def by_counting(drawable: int, drawn: int, needed: int) -> fractions.Fraction:
    """The same by looking at every draw there is; the needed ports are the first ones."""
    draws = list(itertools.combinations(range(drawable), drawn))
    return fractions.Fraction(sum(draw[0] < needed for draw in draws if draw), len(draws))


def test_the_closed_form_is_what_counting_gives() -> None:
    for drawable, drawn, needed in itertools.product(range(1, 8), repeat=3):
        if max(drawn, needed) <= drawable:
            chance = chance_of_loss(drawable=drawable, drawn=drawn, needed=needed)
            assert chance == by_counting(drawable, drawn, needed), (drawable, drawn, needed)


@pytest.mark.parametrize(
    ("drawable", "drawn", "needed", "chance"),
    [(0, 2500, 0, 0), (100, 0, 3, 0), (100, 2500, 1, 1), (100, 99, 2, 1), (100, 50, 0, 0)],
    ids=["nothing to draw", "nothing drawn", "more than there are", "one is left", "nothing needed"],
)
def test_the_edges(drawable: int, drawn: int, needed: int, chance: int) -> None:
    assert chance_of_loss(drawable=drawable, drawn=drawn, needed=needed) == chance


def test_needed_ports_must_be_drawable() -> None:
    with pytest.raises(ValueError, match="5 needed ports"):
        chance_of_loss(drawable=4, drawn=1, needed=5)


@hypothesis.given(
    strategies.integers(1, 16384), strategies.integers(0, 10000), strategies.integers(0, 40), strategies.integers(0, 40)
)
@hypothesis.settings(max_examples=60)
def test_more_ports_are_never_safer(drawable: int, drawn: int, fewer: int, more: int) -> None:
    fewer, more = sorted((min(fewer, drawable), min(more, drawable)))
    safer = chance_of_loss(drawable=drawable, drawn=drawn, needed=fewer)
    assert 0 <= safer <= chance_of_loss(drawable=drawable, drawn=drawn, needed=more) <= 1


def test_the_article_s_figure_for_sbs_2003() -> None:
    """It counts 65535 - 1024 ports, that is 1025 to 65535, and one needed port: 2500 / 64511."""
    width = PortRange(1025, 65535).count
    chance = chance_of_loss(drawable=width, drawn=2500, needed=1)
    assert chance == fractions.Fraction(2500, 64511)
    assert f"{float(chance):.3%}" == "3.875%"


def test_sbs_2003_by_the_text_of_the_update() -> None:
    """The update's own text says [1024, MaxUserPort], and SBS sets MaxUserPort to 60000: a little more."""
    push = Need(product="autd", service="W3SVC", ports=PortSet.of(2883))
    boot = dataclasses.replace(SERVER_2003, needs=(push,))
    assert boot.range.ports == PortRange(1024, 60000)
    assert boot.chance == fractions.Fraction(2500, 58977)
    assert f"{float(boot.chance):.3%}" == "4.239%"


def test_several_ports_and_services_share_one_draw() -> None:
    assert SERVER_2022.drawable.count == 16384
    assert SERVER_2022.exposed == EDGE.ports | TUNNEL.ports
    assert float(SERVER_2022.chance_of(EDGE)) == pytest.approx(1 - 13884 * 13883 / (16384 * 16383))
    assert float(SERVER_2022.chance) == pytest.approx(1 - 13884 * 13883 * 13882 / (16384 * 16383 * 16382))
    assert SERVER_2022.formula == "1 - C(16381, 2500) / C(16384, 2500)"


def test_a_port_of_two_services_counts_once() -> None:
    boot = dataclasses.replace(SERVER_2022, needs=(TUNNEL, dataclasses.replace(TUNNEL, service="netbird")))
    assert boot.chance == fractions.Fraction(2500, 16384)


Change = dict[str, t.Any]
SAFE: dict[str, tuple[NextBoot, Change]] = {
    "no DNS server": (SERVER_2022, {"dns": "not_installed"}),
    "DNS by hand": (SERVER_2022, {"dns": "by_hand"}),
    "no update": (SERVER_2003, {"pool": "not_seen"}),
    "DNS delayed": (SERVER_2022, {"dns": "delayed"}),
    "left alone": (SERVER_2022, {"left_alone": EDGE.ports | TUNNEL.ports}),
    "outside of the range": (SERVER_2022, {"needs": (RADIUS,)}),
    "only a range of which any port will do": (SERVER_2022, {"needs": (DEPLOYMENT,)}),
    "nothing needed": (SERVER_2022, {"needs": ()}),
    "nothing drawable": (SERVER_2022, {"left_alone": PortSet.of(IANA)}),
}


@pytest.mark.parametrize("name", SAFE)
def test_no_risk_at_all(name: str) -> None:
    boot, change = SAFE[name]
    safe = dataclasses.replace(boot, **change)
    assert safe.chance == 0
    assert all(safe.chance_of(need) == 0 for need in safe.needs if not need.any_will_do)
    assert safe.formula == ""


def test_ports_in_use_and_left_alone_make_the_others_likelier() -> None:
    boot = dataclasses.replace(
        SERVER_2022, needs=(TUNNEL,), in_use=PortSet.of(49152), left_alone=PortSet.of(PortRange(50000, 50099))
    )
    assert boot.chance == fractions.Fraction(2500, 16384 - 101)


def test_a_pool_of_size_zero_is_one_socket() -> None:
    boot = dataclasses.replace(SERVER_2022, needs=(TUNNEL,), size=0)
    assert boot.chance == fractions.Fraction(1, 16384)


def test_a_pool_drawn_apart_for_ipv6() -> None:
    boot = dataclasses.replace(SERVER_2022, needs=(TUNNEL,))
    both = dataclasses.replace(boot, sets=2)
    assert both.chance == 1 - (1 - boot.chance) ** 2
    assert both.formula.endswith("^2")


@pytest.mark.parametrize(
    ("dns", "delayed", "order"),
    [
        ("auto", False, "unknown"),
        ("auto", True, "after_dns"),
        ("delayed", False, "before_dns"),
        ("delayed", True, "unknown"),
    ],
)
def test_start_order(dns: t.Any, delayed: bool, order: str) -> None:
    boot = dataclasses.replace(SERVER_2022, dns=dns)
    need = dataclasses.replace(TUNNEL, delayed=delayed)
    assert boot.order_of(need) == order
    assert bool(boot.chance_of(need)) == (order != "before_dns")


# --- candidates and doubts ------------------------------------------------------------------------------------------


def after(boot: NextBoot) -> dict[str, float]:
    return {one.name: float(one.change(boot).chance) for one in CANDIDATES if one.applies(boot)}


def otherwise(boot: NextBoot) -> dict[str, float]:
    return {one.name: float(one.otherwise(boot).chance) for one in DOUBTS if one.applies(boot)}


def test_names_are_unique() -> None:
    for names in ([one.name for one in CANDIDATES], [one.name for one in DOUBTS]):
        assert len(set(names)) == len(names)


def test_candidates_by_release() -> None:
    sp2 = dataclasses.replace(SERVER_2022, capabilities=SP2, pool="confirmed")
    r2 = dataclasses.replace(SERVER_2022, capabilities=R2)
    assert set(after(SERVER_2003)) == {"reserved_ports", "without_max_user_port", "small_pool"}
    assert set(after(sp2)) == {"delayed_dns", "netsh_exclusions", "small_pool"}
    assert set(after(r2)) == set(after(SERVER_2022)) == {"excluded_from_pool", *after(sp2)}


def test_what_the_candidates_bring() -> None:
    found = after(SERVER_2003)
    assert found["reserved_ports"] == 0
    assert found["without_max_user_port"] == pytest.approx(1 - 13884 * 13883 / (16384 * 16383))
    assert found["small_pool"] == pytest.approx(1 - (1 - 50 / 58977) ** 6, rel=1e-4)
    found = after(SERVER_2022)
    assert (found["excluded_from_pool"], found["delayed_dns"]) == (0, 0)
    assert found["netsh_exclusions"] == float(SERVER_2022.chance)
    assert 0 < found["small_pool"] < 0.01


def test_every_advised_candidate_ends_the_risk() -> None:
    for boot in (SERVER_2003, SERVER_2022, dataclasses.replace(SERVER_2022, capabilities=SP2)):
        assert {one.name for one in CANDIDATES if one.applies(boot) and one.advised(boot)} <= {
            name for name, chance in after(boot).items() if chance == 0
        }


def test_a_wide_dynamic_range_can_go_back() -> None:
    boot = dataclasses.replace(SERVER_2022, dynamic_udp=PortRange(1025, 60000), needs=(RADIUS,))
    assert boot.chance > 0
    assert after(boot)["default_dynamic_range"] == otherwise(boot)["dynamic_range"] == 0


def test_max_user_port_from_2008_on_is_contested() -> None:
    boot = dataclasses.replace(SERVER_2022, max_user_port=60000, needs=(RADIUS,))
    assert boot.chance == 0
    assert otherwise(boot)["max_user_port"] == pytest.approx(1 - (1 - 2500 / 58977) ** 4, rel=1e-3)


@pytest.mark.parametrize(
    ("boot", "name", "chance"),
    [
        (dataclasses.replace(SERVER_2003, pool="assumed"), "update", 0.0),
        (dataclasses.replace(SERVER_2022, needs=(EDGE,)), "ad_lds_udp", 0.0),
        (SERVER_2022, "start_order", 0.0),
        (dataclasses.replace(SERVER_2022, netsh=EDGE.ports | TUNNEL.ports), "netsh", 0.0),
        (dataclasses.replace(SERVER_2003, touching=EDGE.ports | RADIUS.ports), "reserved_ports_entries", 0.0),
        (dataclasses.replace(SERVER_2022, needs=(DEPLOYMENT,)), "ranges", 1.0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_doubts(boot: NextBoot, name: str, chance: float) -> None:
    assert otherwise(boot)[name] == pytest.approx(chance)


def test_a_certain_server_has_no_doubts() -> None:
    tunnel = dataclasses.replace(TUNNEL, delayed=True)
    boot = dataclasses.replace(SERVER_2003, max_user_port=None, needs=(tunnel,))
    assert otherwise(boot) == {}


def test_half_a_delay_leaves_the_delayed_service_at_risk() -> None:
    boot = dataclasses.replace(SERVER_2022, needs=(EDGE, dataclasses.replace(TUNNEL, delayed=True)))
    delayed = next(one for one in CANDIDATES if one.name == "delayed_dns").change(boot)
    assert delayed.exposed == TUNNEL.ports


@pytest.mark.parametrize("pool", t.get_args(Presence))
def test_only_a_pool_that_is_not_there_is_no_danger(pool: Presence) -> None:
    assert bool(dataclasses.replace(SERVER_2003, pool=pool).chance) == (pool != "not_seen")
