# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixes for a lost port, as tasks to paste: relief and a lasting fix in one, by the capabilities of the release.

The role of this collection if one fits the server, else ``converge``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import Ports
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.void_delay import known_pullers
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import HeldPort
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import (
    delay_is_the_fix,
    way_out,
    why_void,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Service
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    AD_LDS_SERVICE_PREFIX,
    DNS_SERVICE,
    EDGE_INSTANCE,
    KnownService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import (
    Recognised,
    guarded_identity,
)

COLLECTION: t.Final = "portkeeper.windows"
Task = t.Mapping[str, t.Any]
_SERVICE_NAME: t.Final = re.compile(r"[A-Za-z0-9_.$ \-]{1,256}", re.ASCII)
"""Key names that the modules take; another one does not go into a task."""

REBOOT: t.Final[Task] = {
    "name": "Reboot when it suits you, which puts the reservation in force",
    f"{COLLECTION}.server_reboot": {"reboot_timeout": 900},
}


def report_only(*sentences: str) -> str:
    """Advice that is no task."""
    return tasks(comments=sentences)


def relief(
    service: Service,
    product: KnownService | None,
    ports: Ports,
    held_by: t.Sequence[HeldPort],
    context: Context,
) -> str:
    """Bring a service back and keep its ports from now on."""
    if not _SERVICE_NAME.fullmatch(service.name):
        return report_only(f"The service's name can't stand in a task; start it by hand: {service.name}")
    # The roles pass over services that do not start by themselves.
    automatic = service.start_mode == "Auto"
    mended = by_role(f"Give {service.name} its ports back", service.name, held_by, context) if automatic else ""
    return mended or _by_converge(service, product, ports, held_by, context)


_KEEP: t.Final = "Keep the ports from programs that ask for any"


def _by_converge(
    service: Service,
    product: KnownService | None,
    ports: Ports,
    held_by: t.Sequence[HeldPort],
    context: Context,
) -> str:
    strangers = [row for row in held_by if row.held_as != "dns_pool"]
    comments = [_first_stop(holder, context) for holder in dict.fromkeys(strangers)]
    comments += _why_no_delay(context)
    resources = _resources(service, product, held_by, context)
    reboot = [REBOOT] if context.capabilities.reserved_ports_value and resources else []
    if reboot and not all(holder.can_be_stopped for holder in strangers):
        # Nothing brings the service back before the reboot, and with it the service starts by itself.
        return tasks(
            *({"name": _KEEP, f"{COLLECTION}.{name}": given} for item in resources for name, given in item.items()),
            REBOOT,
            comments=dict.fromkeys(comments),
        )
    return tasks(_converge(service, ports, resources), *reboot, comments=dict.fromkeys(comments))


def _why_no_delay(context: Context) -> list[str]:
    """The reason why DNS is not delayed on a release where that would be the fix."""
    pulled_by = known_pullers(context) if delay_is_the_fix(context.capabilities) else ()
    if not pulled_by:
        return []
    return [f"{why_void(DNS_SERVICE, pulled_by)} {way_out(DNS_SERVICE, pulled_by, pool_exclusions=False)}"]


def by_role(name: str, service: str, held_by: t.Sequence[HeldPort], context: Context) -> str:
    """The role that fits this server and protects the service, as a task; empty if there is none, or none helps.

    Roles guard against the DNS server's pool: with another holder they would fail.
    """
    identity = guarded_identity(context.facts, context.release)
    found = identity.guardian_of(service)
    if found is None or found.kind.role is None or any(row.held_as != "dns_pool" for row in held_by):
        return ""
    chosen = _role_variables(found, service, context)
    task = {"name": name, "ansible.builtin.include_role": {"name": f"{COLLECTION}.{found.kind.role}"}}
    waits = context.capabilities.reserved_ports_value
    comments = [*[_REBOOTS.format(found.kind.role)] * waits, *_why_no_delay(context)]
    return tasks({**task, **({"vars": chosen} if chosen else {})}, comments=comments)


_REBOOTS: t.Final = "In force after a reboot: when it suits you, or by this role with {}_reboot set to true."


def _role_variables(found: Recognised, service: str, context: Context) -> dict[str, t.Any]:
    chosen: dict[str, t.Any] = {}
    if found.kind.picked_by and service.casefold() != EDGE_INSTANCE.casefold():
        chosen[found.kind.picked_by] = service[len(AD_LDS_SERVICE_PREFIX) :]
    if context.capabilities.reserved_ports_value:
        chosen[f"{found.kind.role}_reboot"] = False
    elif found.kind.delayed_by and delay_is_the_fix(context.capabilities) and not known_pullers(context):
        chosen[found.kind.delayed_by] = True
    return chosen


def first_free(holder: Holder) -> str:
    """The first step of every fix: the holder gives the port back."""
    return (
        f"First end {holder}: {holder.remedy}."
        if holder.outgoing
        else f"First stop {holder}, or move it to another port."
    )


def _first_stop(holder: Holder, context: Context) -> str:
    if not holder.can_be_stopped:
        until = (
            "its connection keeps the port until it ends"
            if holder.outgoing
            else "it gives the port back at a reboot only"
        )
        kept = "with the ports reserved, it takes others after the reboot"
        later = kept if context.capabilities.reserved_ports_value else until
        return f"{holder.image} can't be stopped: {later}."
    return first_free(holder)


def _converge(service: Service, ports: Ports, resources: t.Sequence[Task]) -> Task:
    named = [f"{item.text}/{protocol}" for protocol, found in sorted(ports.items()) for item in found.ranges]
    victim: dict[str, t.Any] = {"service": service.name}
    if service.name.startswith(AD_LDS_SERVICE_PREFIX):
        victim["ad_lds_instance"] = service.name[len(AD_LDS_SERVICE_PREFIX) :]
    elif named:
        victim["ports"] = named
    options: dict[str, t.Any] = {"resources": resources} if resources else {}
    options |= {"victims": [victim], "relieve": True}
    # The DNS server's pool is UDP: to stop it gives no TCP port back.
    options |= {} if ports and not ports.get("udp") else {"restart_dns": True}
    options |= {"prove": True}
    return {"name": f"Give {service.name} its ports back", f"{COLLECTION}.converge": options}


def _resources(
    service: Service,
    product: KnownService | None,
    held_by: t.Sequence[HeldPort],
    context: Context,
) -> list[Task]:
    """The settings that keep the ports from programs that have, or may have had, them by chance."""
    if product is None:
        return []
    named = _named_ports(service, product)
    capabilities = context.capabilities
    if capabilities.reserved_ports_value:
        return [{"reserved_ports": named}]
    against_pool: list[Task] = []
    if product.udp and (not held_by or any(row.held_as == "dns_pool" for row in held_by)):
        delayed = {"service_start_mode": {"name": "DNS", "start_mode": "delayed"}}
        if capabilities.dns_pool_exclusions:
            against_pool = [{"dns_socket_pool": named}]
        elif not known_pullers(context):
            against_pool = [delayed]
    others = any(row.held_as != "dns_pool" for row in held_by)
    netsh = [{"reserved_ports": named, "when_capable": "excluded_port_ranges"}]
    return [*against_pool, *(netsh if others else [])]


def _named_ports(service: Service, product: KnownService) -> Task:
    if product.key == AD_LDS_KEY:
        return {"ad_lds_instances": [service.name[len(AD_LDS_SERVICE_PREFIX) :]]}
    return {"services": [product.key]}
