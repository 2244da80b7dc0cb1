# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a lost port, as tasks to paste: relief and a lasting fix in one, by what the release can do."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import (
    AD_LDS_KEY,
    AD_LDS_SERVICE_PREFIX,
    EDGE_INSTANCE,
    KnownService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import Service
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.findings.diagnosis import HeldAs, Ports
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_holders import Holder

COLLECTION: t.Final = "portkeeper.windows"
Task = t.Mapping[str, t.Any]
_SERVICE_NAME: t.Final = re.compile(r"[A-Za-z0-9_.$ \-]{1,256}", re.ASCII)
"""Key names that the modules take; another one does not go into a task."""

REBOOT: t.Final[Task] = {
    "name": "Reboot when it suits you, which puts the reservation in force",
    f"{COLLECTION}.server_reboot": {"reboot_timeout": 900},
}
STATIC_PORTS: t.Final = "Report only. Give each of them a port of its own, then restart the services."


def report_only(*sentences: str) -> str:
    """Advice that is no task."""
    return tasks(comments=sentences)


def relief(
    service: Service,
    product: KnownService | None,
    ports: Ports,
    held_by: t.Sequence[tuple[Holder, HeldAs]],
    context: Context,
) -> str:
    """Bring a service back and keep its ports from now on."""
    if not _SERVICE_NAME.fullmatch(service.name):
        return report_only(f"The service's name can't stand in a task; start it by hand: {service.name}")
    if product and service.name.casefold() == EDGE_INSTANCE.casefold() and _edge_role_helps(held_by):
        return tasks({"name": "Give AD LDS its ports back", "ansible.builtin.include_role": _EDGE_ROLE})
    strangers = [holder for holder, held_as in held_by if held_as != "dns_pool"]
    comments = [_first_stop(holder, context) for holder in dict.fromkeys(strangers)]
    resources = _resources(service, product, held_by, context)
    reboot = [REBOOT] if context.capabilities.reserved_ports_value and resources else []
    return tasks(_converge(service, ports, resources), *reboot, comments=dict.fromkeys(comments))


_EDGE_ROLE: t.Final[Task] = {"name": f"{COLLECTION}.exchange_edge_dns"}


def _edge_role_helps(held_by: t.Sequence[tuple[Holder, HeldAs]]) -> bool:
    return all(held_as == "dns_pool" for _holder, held_as in held_by)


def _first_stop(holder: Holder, context: Context) -> str:
    if holder.image.casefold() == "lsass.exe":
        kept = "with the ports reserved, it takes others after the reboot"
        later = kept if context.capabilities.reserved_ports_value else "it gives the port back at a reboot only"
        return f"lsass.exe can't be stopped: {later}."
    return f"First stop {holder}, or move it to another port."


def _converge(service: Service, ports: Ports, resources: t.Sequence[Task]) -> Task:
    named = [f"{item.text}/{protocol}" for protocol, found in sorted(ports.items()) for item in found.ranges]
    victim: dict[str, t.Any] = {"service": service.name}
    if service.name.startswith(AD_LDS_SERVICE_PREFIX):
        victim["ad_lds_instance"] = service.name[len(AD_LDS_SERVICE_PREFIX) :]
    elif named:
        victim["ports"] = named
    options: dict[str, t.Any] = {"resources": resources} if resources else {}
    options |= {"victims": [victim], "relieve": True, "restart_dns": True, "prove": True}
    return {"name": f"Give {service.name} its ports back", f"{COLLECTION}.converge": options}


def _resources(
    service: Service,
    product: KnownService | None,
    held_by: t.Sequence[tuple[Holder, HeldAs]],
    context: Context,
) -> list[Task]:
    """What keeps the ports from whoever has, or may have had, them by chance."""
    if product is None:
        return []
    named = _named_ports(service, product)
    capabilities = context.capabilities
    if capabilities.reserved_ports_value:
        return [{"reserved_ports": named}]
    against_pool: list[Task] = []
    if product.udp and (not held_by or any(held_as == "dns_pool" for _holder, held_as in held_by)):
        delayed = {"service_start_mode": {"name": "DNS", "start_mode": "delayed"}}
        against_pool = [{"dns_socket_pool": named} if capabilities.dns_pool_exclusions else delayed]
    others = any(held_as != "dns_pool" for _holder, held_as in held_by)
    netsh = [{"reserved_ports": named, "when_capable": "excluded_port_ranges"}]
    return [*against_pool, *(netsh if others else [])]


def _named_ports(service: Service, product: KnownService) -> Task:
    if product.key == AD_LDS_KEY:
        return {"ad_lds_instances": [service.name[len(AD_LDS_SERVICE_PREFIX) :]]}
    return {"services": [product.key]}
