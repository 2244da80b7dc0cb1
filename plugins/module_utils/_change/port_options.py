# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port options that several resources share: how they are written, checked and turned into a set of ports."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import ad_lds
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Fact,
    Facts,
    Protocol,
    ServiceFact,
    ServicesLikeFact,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    AD_LDS_SERVICE_PREFIX,
    SERVICES_BY_KEY,
    WHO_DRAWS,
    KnownService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import ad_lds_port_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT, ListState
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    PortRange,
    PortSet,
    PortSyntaxError,
    parse_ports,
)

ARGUMENTS: t.Final[t.Mapping[str, t.Any]] = {
    "ad_lds_instances": {"type": "list", "elements": "str"},
    "services": {"type": "list", "elements": "str", "choices": list(SERVICES_BY_KEY)},
}
"""Options that name ports by what listens on them; part of the argument specification of each resource with ports."""

_NEVER_DRAWN: t.Final = PortSet.of(PortRange(0, LOWEST_DRAWN_PORT - 1))


class WantedPorts(t.NamedTuple):
    """Ports by number, by the AD LDS instances that listen on them, and by known services."""

    ports: PortSet
    ad_lds_instances: tuple[str, ...] = ()
    services: tuple[KnownService, ...] = ()
    one_protocol: tuple[tuple[Protocol, PortSet], ...] = ()
    """Ports that are meant for one protocol alone."""

    def on(self, facts: Facts, protocols: t.Iterable[Protocol] = PROTOCOLS) -> PortSet:
        """The set of ports on one server, for any of these protocols.

        A known service counts with its ports of these protocols; numbers and AD LDS instances mean any protocol.

        Raises:
            FactsNeeded: an instance's registry values are not read yet.
            PlanError: an instance is not there.
        """
        protocols = tuple(protocols)
        wanted = self.ports
        for protocol, ports in self.one_protocol:
            wanted |= ports if protocol in protocols else PortSet()
        for instance in self.ad_lds_instances:
            wanted |= _instance_ports(instance, facts)
        for service in self.services:
            wanted |= _service_ports(service, protocols, facts)
        return wanted

    def require_instances(self, facts: Facts) -> None:
        """Refuse an AD LDS instance that this server does not have, also one whose usual ports are known.

        Raises:
            FactsNeeded: the registry values of an instance, or, without any, its service, are not read yet.
            PlanError: an instance is not there.
        """
        for service in (AD_LDS_SERVICE_PREFIX + instance for instance in self.ad_lds_instances):
            questions = ad_lds_port_facts(service)
            facts.require(*questions)
            # The values stand in the service's own key.
            if all(number(facts[question]) is None for question in questions) and facts[ServiceFact(service)] is None:
                raise PlanError(
                    f"AD LDS instance {service[len(AD_LDS_SERVICE_PREFIX) :]}",
                    f"this server has no such instance (no service {service})",
                    "Check the instance's name with dsdbutil 'list instances', or give the ports by number",
                )

    def questions(self) -> tuple[Fact[t.Any], ...]:
        """The facts that ``on`` asks first."""
        services = [AD_LDS_SERVICE_PREFIX + instance for instance in self.ad_lds_instances]
        named = [fact for service in services for fact in ad_lds_port_facts(service)]
        every = any(service.key == AD_LDS_KEY for service in self.services)
        return (*named, *([ServicesLikeFact(AD_LDS_SERVICE_PREFIX)] if every else []))

    def protocols_named(self, protocols: tuple[Protocol, ...]) -> tuple[Protocol, ...]:
        """Those of ``protocols`` that this is about: all of them, unless every port is meant for one protocol."""
        by_service = {protocol for service in self.services for protocol in service.protocols}
        one_by_one = by_service | {protocol for protocol, _ports in self.one_protocol}
        if self.ports or self.ad_lds_instances or not one_by_one:
            return protocols
        return tuple(protocol for protocol in protocols if protocol in one_by_one)


def given(arguments: t.Mapping[str, t.Any], *, option: str) -> bool:
    """True if ports are named at all, by number or otherwise."""
    return arguments.get(option) is not None or any(arguments.get(name) for name in ARGUMENTS)


def wanted_ports(
    arguments: t.Mapping[str, t.Any], *, option: str, state: ListState, protocols: tuple[Protocol, ...] = PROTOCOLS
) -> WantedPorts:
    """The checked ports of an option.

    Raises:
        OptionError: a text is no port, a port is never drawn at random, a service needs no port of these protocols, or
            nothing is named.
    """
    numbers = arguments.get(option)
    by_protocol = _by_protocol(numbers or [], option=option, protocols=protocols)
    wanted = WantedPorts(
        _checked(by_protocol.pop(None, []), option=option, state=state),
        tuple(arguments.get("ad_lds_instances") or ()),
        tuple(SERVICES_BY_KEY[key] for key in dict.fromkeys(arguments.get("services") or ())),
        tuple(
            (protocol, _checked(texts, option=option, state=state))
            for protocol, texts in by_protocol.items()
            if protocol
        ),
    )
    if wanted == WantedPorts(PortSet()) and not (numbers == [] and state == "pure"):
        raise OptionError(option, "it is empty; an empty list is allowed only as an explicit [] with state pure")
    for service in wanted.services:
        _refuse_without(protocols, service)
    return wanted


def _by_protocol(
    texts: t.Iterable[str], *, option: str, protocols: tuple[Protocol, ...]
) -> dict[Protocol | None, list[str]]:
    """``1812-1813/udp`` is meant for one protocol, ``1812-1813`` (under ``None``) for all; raises OptionError."""
    found: dict[Protocol | None, list[str]] = {}
    for text in map(str, texts):
        ports, slash, name = text.partition("/")
        meant = next((protocol for protocol in protocols if protocol == name.strip().casefold()), None)
        if slash and meant is None:
            raise OptionError(option, f"{text!r} has a protocol other than {' and '.join(protocols)}")
        found.setdefault(meant, []).append(ports)
    return found


def _refuse_without(protocols: tuple[Protocol, ...], service: KnownService) -> None:
    if not set(protocols) & set(service.protocols):
        (protocol,) = service.protocols
        raise OptionError(
            "services",
            f"{service.key} needs no {' or '.join(protocols).upper()} port: it needs {service.ports_text}, and what "
            f"takes that is {WHO_DRAWS[protocol]}",
        )


def _instance_ports(instance: str, facts: Facts) -> PortSet:
    found = ad_lds.instance_ports(facts, instance)
    if not found:
        raise PlanError(
            f"AD LDS instance {instance}",
            f"its service {AD_LDS_SERVICE_PREFIX}{instance} has no ports in the registry",
            "Check the instance's name with dsdbutil 'list instances'",
        )
    return found


def _service_ports(service: KnownService, protocols: t.Iterable[Protocol], facts: Facts) -> PortSet:
    if service.key != AD_LDS_KEY:
        return PortSet(tuple(ports for protocol in protocols for ports in service.ports(protocol).ranges))
    found = ad_lds.all_instances_ports(facts)
    if not found:
        raise PlanError(
            "AD LDS",
            f"this server has no instance with ports (no service {AD_LDS_SERVICE_PREFIX}...)",
            f"Leave {AD_LDS_KEY} out of services here, or give the ports by number",
        )
    # An instance may listen on 389 and 636, which no program gets by chance.
    return found - _NEVER_DRAWN


def _checked(texts: t.Iterable[str], *, option: str, state: ListState) -> PortSet:
    try:
        ports = parse_ports(texts)
    except PortSyntaxError as error:
        raise OptionError(option, str(error)) from error
    never_drawn = ports & _NEVER_DRAWN
    if never_drawn and state != "absent":
        raise OptionError(
            option,
            f"{never_drawn} is below {LOWEST_DRAWN_PORT}, where nothing is ever drawn at random: nothing to protect",
        )
    return ports
