# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port options that several resources share: how they are written, checked and turned into a set of ports."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import ad_lds
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import AD_LDS_SERVICE_PREFIX
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import Facts
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_lists import (
    LOWEST_DRAWN_PORT,
    ListState,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import (
    PortRange,
    PortSet,
    PortSyntaxError,
    parse_ports,
)

_NEVER_DRAWN: t.Final = PortSet.of(PortRange(0, LOWEST_DRAWN_PORT - 1))


@dataclasses.dataclass(frozen=True, slots=True)
class WantedPorts:
    """Ports by number, and by the AD LDS instances that listen on them."""

    ports: PortSet
    ad_lds_instances: tuple[str, ...] = ()

    def on(self, facts: Facts) -> PortSet:
        """The set of ports on one server.

        Raises:
            FactsNeeded: an instance's registry values are not read yet.
            PlanError: an instance is not there.
        """
        wanted = self.ports
        for instance in self.ad_lds_instances:
            found = ad_lds.instance_ports(facts, instance)
            if not found:
                raise PlanError(
                    f"AD LDS instance {instance}",
                    f"its service {AD_LDS_SERVICE_PREFIX}{instance} has no ports in the registry",
                    "Check the instance's name with dsdbutil 'list instances'",
                )
            wanted |= found
        return wanted


def wanted_ports(arguments: t.Mapping[str, t.Any], *, option: str, state: ListState) -> WantedPorts:
    """The checked ports of an option.

    Raises:
        OptionError: a text is no port, a port is never drawn at random, or nothing is named.
    """
    given = arguments.get(option)
    instances = tuple(arguments.get("ad_lds_instances") or ())
    if not given and not instances and not (given == [] and state == "pure"):
        raise OptionError(option, "it is empty; an empty list is allowed only as an explicit [] with state pure")
    return WantedPorts(_checked(given or [], option=option, state=state), instances)


def _checked(texts: t.Iterable[str], *, option: str, state: ListState) -> PortSet:
    try:
        ports = parse_ports(texts)
    except PortSyntaxError as error:
        raise OptionError(option, str(error)) from error
    never_drawn = ports & _NEVER_DRAWN
    if never_drawn and state != "absent":
        raise OptionError(
            option,
            f"below {LOWEST_DRAWN_PORT} nothing is ever drawn at random; there is nothing to protect at {never_drawn}",
        )
    return ports
