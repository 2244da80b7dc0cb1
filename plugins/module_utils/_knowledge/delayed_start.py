# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delayed start that Windows does not keep: a service that starts at the boot takes what it needs along.

SERVICE_DELAYED_AUTO_START_INFO [D]: if an automatic service depends on one that is set to start delayed, the service
manager must start both at the boot.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities


def delay_is_the_fix(capabilities: Capabilities) -> bool:
    """True if a delayed start of DNS is the fix of a release: it has no list of ports that the pool leaves alone."""
    return capabilities.delayed_start and not capabilities.dns_pool_exclusions


def pulled_forward_by(service: str, dependencies: Dependencies, modes: t.Mapping[str, str]) -> tuple[str, ...]:
    """The services because of which a delayed start is void, sorted; none if Windows keeps it.

    Args:
        service: key name of the one that is, or is to be, set to start delayed.
        dependencies: of all services.
        modes: start modes by key names in lower case: ``auto``, ``delayed``, ``manual`` and so on. One that starts on
            demand pulls nothing by itself, but hands on what pulls it.
    """
    needing = dependencies.dependents(service)
    return tuple(sorted((name for name in needing if modes.get(name.casefold()) == "auto"), key=str.casefold))


def why_void(service: str, pulled_by: t.Collection[str]) -> str:
    """The reason in a sentence; empty if nothing makes it void."""
    if not pulled_by:
        return ""
    names = " and ".join(pulled_by)
    verbs = "starts automatically and depends" if len(pulled_by) == 1 else "start automatically and depend"
    return f"The delayed start of {service} is void: {names} {verbs} on it, so Windows starts {service} at the boot."


def way_out(service: str, pulled_by: t.Collection[str], *, pool_exclusions: bool) -> str:
    """The way out, as a sentence; ``pool_exclusions``: if the DNS server has a list of ports to leave alone."""
    late = f"Let {' and '.join(pulled_by)} start delayed too (service_start_mode), if that may be late"
    if service.casefold() != DNS_SERVICE.casefold():
        return f"{late}."
    how = "dns_socket_pool" if pool_exclusions else "a dynamic range without them (dynamic_ports)"
    return f"{late}; or keep the ports from DNS by {how}."
