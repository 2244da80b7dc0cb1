# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info``: the odds of the next boot on this server, now and after each thing that could be changed."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.service_start_mode import (
    current_mode,
    pulled_forward_by,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import (
    BY_ITSELF,
    installed_known_services,
    known_service_questions,
    require_start_modes,
    udp_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.pool_presence import pool_presence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import (
    ChangeName,
    ChangeRow,
    DoubtRow,
    PortRisk,
    RiskRow,
    ServiceRisk,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.what_if import (
    CANDIDATES,
    DOUBTS,
    Candidate,
    Doubt,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import (
    delay_is_the_fix,
    why_void,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DynamicRangesFact,
    ExclusionsFact,
    Fact,
    FactUnread,
    Service,
    ServiceFact,
    SocketsFact,
    UpdatesFact,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.installed_known_services import (
    InstalledService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    DNS_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.next_boot import (
    Chance,
    DnsStart,
    Need,
    NextBoot,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    pool_settings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DNS_NAMES_FACT,
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
    ad_lds_port_facts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_DIGITS: t.Final = 6
_ORDERS: t.Final = {
    "before_dns": "It starts before the DNS server, whose start is delayed.",
    "after_dns": "It starts after the DNS server, because its own start is delayed.",
}


def risk(view: PortInfoView) -> SubsetAnswer:
    """The risk of the next boot; asks for everything in as few rounds as the questions allow. Raises FactsNeeded."""
    boot = next_boot(view)
    changed = {candidate.name: candidate.change(boot) for candidate in CANDIDATES if candidate.applies(boot)}
    return SubsetAnswer(
        RiskRow(
            probability=shown(boot.chance),
            formula=boot.formula,
            reason=_why(boot),
            pool=boot.pool,
            dns_start=boot.dns,
            drawn=boot.drawn,
            drawable=boot.drawable.count if boot.draws else 0,
            range=boot.range.ports,
            range_contested=boot.range.contested,
            in_use_known=view.inquiry.sees_all_sockets and view.facts.is_read(SocketsFact(None)),
            services=tuple(_service_row(need, boot, changed) for need in boot.needs),
            ports=tuple(row for need in boot.needs for row in _port_rows(need, boot, changed)),
            candidates=tuple(
                _change_row(candidate, boot, changed[candidate.name])
                for candidate in CANDIDATES
                if candidate.name in changed
            ),
            doubts=tuple(_doubt_row(doubt, boot) for doubt in DOUBTS if boot.draws and doubt.applies(boot)),
        )
    )


def shown(chance: Chance) -> float:
    """A probability as returned to the user."""
    return round(float(chance), _DIGITS)


# --- the rows --------------------------------------------------------------------------------------------------------


def _service_row(need: Need, boot: NextBoot, changed: t.Mapping[ChangeName, NextBoot]) -> ServiceRisk:
    known = not need.any_will_do
    return ServiceRisk(
        service=need.service,
        product=need.product,
        udp=tuple(need.ports.texts()),
        start_order=boot.order_of(need),
        probability=shown(boot.chance_of(need)) if known else None,
        after={name: shown(after.chance_of(need)) if known else None for name, after in changed.items()},
    )


def _port_rows(need: Need, boot: NextBoot, changed: t.Mapping[ChangeName, NextBoot]) -> t.Iterator[PortRisk]:
    for port in () if need.any_will_do else need.ports:
        alone = PortSet.of(port)
        yield PortRisk(
            protocol="udp",
            port=port,
            service=need.service,
            product=need.product,
            probability=shown(boot.chance_of(need, alone)),
            reason=_why_port(port, need, boot),
            after={name: shown(after.chance_of(need, alone)) for name, after in changed.items()},
        )


def _change_row(candidate: Candidate, boot: NextBoot, after: NextBoot) -> ChangeRow:
    return ChangeRow(
        name=candidate.name,
        probability=shown(after.chance),
        advised=candidate.advised(boot),
        takes_effect=candidate.takes_effect,
        how=candidate.how,
        note=" ".join(filter(None, (candidate.void(boot), candidate.note))),
    )


def _doubt_row(doubt: Doubt, boot: NextBoot) -> DoubtRow:
    return DoubtRow(name=doubt.name, sentence=doubt.sentence, probability=shown(doubt.otherwise(boot).chance))


def _why(boot: NextBoot) -> str:
    if boot.dns == "not_installed":
        return "There is no DNS server."
    if boot.dns == "by_hand":
        return "The DNS server does not start by itself."
    if boot.pool == "not_seen":
        return "The DNS server runs and holds no socket pool: the update that brought it is not there."
    return " ".join(filter(None, (boot.range.reason, _why_not_delayed(boot))))


def _why_not_delayed(boot: NextBoot) -> str:
    return why_void(DNS_SERVICE, boot.pulled_by)


def _why_port(port: int, need: Need, boot: NextBoot) -> str:
    if not boot.draws:
        return _why(boot)
    if boot.order_of(need) == "before_dns":
        return _ORDERS["before_dns"]
    if port not in boot.range.ports:
        return f"It is outside of {boot.range.ports}, where the pool is drawn from."
    if port in boot.left_alone:
        return "The pool leaves it alone."
    drawn = f"{boot.drawn} of {boot.drawable.count} ports are drawn."
    return " ".join(filter(None, (_ORDERS.get(boot.order_of(need)), drawn)))


# --- what the next boot finds ----------------------------------------------------------------------------------------


def next_boot(view: PortInfoView) -> NextBoot:
    """The facts about the next boot; raises FactsNeeded."""
    context = view.context
    _ask_first(view)
    products = installed_known_services(context)
    dns = view.dns_service()
    starting = [item for item in products if item.service.start_mode == "Auto"]
    require_start_modes([*([dns] if dns else []), *(item.service for item in starting)], context)
    found = pool_settings(view.facts)
    size = found.effective_size
    reserved, touching = _reserved(view)
    listed = found.exclusions.ports if context.capabilities.dns_pool_exclusions else PortSet()
    blocked, netsh = _exclusions(view)
    start, pulled_by = _dns_start(view, dns)
    needs = tuple(_need(item, view) for item in starting)
    needed = PortSet(tuple(item for need in needs for item in need.ports.ranges))
    ranges = view.facts[DynamicRangesFact()] if context.capabilities.dynamic_port_ranges else None
    return NextBoot(
        capabilities=context.capabilities,
        pool=pool_presence(view).presence,
        dns=start,
        pulled_by=pulled_by,
        size=size,
        max_user_port=max_user_port(view.facts),
        dynamic_udp=ranges.udp if ranges else None,
        left_alone=reserved | listed,
        touching=touching,
        netsh=netsh,
        in_use=(blocked | _in_use(view, dns)) - needed,
        needs=tuple(need for need in needs if need.ports),
    )


def _ask_first(view: PortInfoView) -> None:
    """The questions that are always needed, and those for the installed services."""
    capabilities = view.context.capabilities
    questions: list[Fact[t.Any]] = [ServiceFact(DNS_SERVICE), DNS_NAMES_FACT, MAX_USER_PORT_FACT]
    questions += known_service_questions(view.context)
    questions += [RESERVED_PORTS_FACT] if capabilities.reserved_ports_value else []
    questions += [DynamicRangesFact()] if capabilities.dynamic_port_ranges else []
    questions += [ExclusionsFact()] if capabilities.excluded_port_ranges != "no" else []
    questions += [] if capabilities.always_has_pool else [UpdatesFact()]
    questions += [SocketsFact(None)] if view.inquiry.sees_all_sockets else []
    view.facts.require(*questions)


def _need(item: InstalledService, view: PortInfoView) -> Need:
    is_ad_lds = item.product.key == AD_LDS_KEY
    if is_ad_lds:
        view.facts.require(*ad_lds_port_facts(item.service.name))
    mode = current_mode(item.service, view.context)
    return Need(
        product=item.product.key,
        service=item.service.name,
        ports=udp_ports(item, view.context),
        delayed=mode == "delayed",
        any_will_do=item.product.any_port_will_do,
        unverified=is_ad_lds,
    )


def _dns_start(view: PortInfoView, dns: Service | None) -> tuple[DnsStart, tuple[str, ...]]:
    """The start of the DNS server, and the services that make a delayed start of it void, if it has or may get one.

    Dependencies are read only if they matter: DNS is delayed, or would be as the fix of its release. If they
    can't be read, a delayed start counts as void, which is the worse case.
    """
    if dns is None:
        return "not_installed", ()
    mode = current_mode(dns, view.context)
    if mode not in BY_ITSELF:
        return "by_hand", ()
    is_delayed = mode == "delayed"
    if not is_delayed and not delay_is_the_fix(view.context.capabilities):
        return "auto", ()
    try:
        pulled_by = pulled_forward_by(dns.name, view.context)
    except FactUnread:
        return "auto", ()
    return ("delayed" if is_delayed and not pulled_by else "auto"), pulled_by


def _reserved(view: PortInfoView) -> tuple[PortSet, PortSet]:
    """The ports that ReservedPorts keeps back at the next boot, and those that it names but may not (KB812873)."""
    if not view.context.capabilities.reserved_ports_value:
        return PortSet(), PortSet()
    value = PortList(texts(view.facts[RESERVED_PORTS_FACT]))
    kept = value.reliable
    return kept, value.ports - kept


def _exclusions(view: PortInfoView) -> tuple[PortSet, PortSet]:
    """UDP blocks that Windows keeps for itself, and the ports that an administrator excluded for good."""
    if view.context.capabilities.excluded_port_ranges == "no":
        return PortSet(), PortSet()
    exclusions = view.facts.optional(ExclusionsFact(), None)
    if exclusions is None:
        return PortSet(), PortSet()
    own = PortSet(tuple(block.ports for block in exclusions.udp if not block.administered))
    return own, exclusions.reserved("udp")


def _in_use(view: PortInfoView, dns: Service | None) -> PortSet:
    """UDP ports that others than the DNS server hold now, where every socket is read: as good as at the next boot."""
    if not view.inquiry.sees_all_sockets or not view.facts.is_read(SocketsFact(None)):
        return PortSet()
    process_id = dns.process_id if dns else 0
    sockets = view.facts[SocketsFact(None)]
    held = {
        socket.port
        for socket in sockets
        if socket.protocol == "udp" and not (process_id and socket.process_id == process_id)
    }
    return PortSet.of(*held)
