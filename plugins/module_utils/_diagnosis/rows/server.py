# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows about the server itself: the subsets release, updates, ad_lds, services and roles."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import LeftOver
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import one_of, told


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """The server's Windows and what it offers to this collection."""

    name: str = field(metadata=told("The release.", "Windows Server 2022"))
    version: str = field(metadata=told("Major, minor and build number.", "10.0.20348"))
    caption: str = field(metadata=told("What Windows calls itself.", "Microsoft Windows Server 2022 Standard"))
    uptime: int | None = field(metadata=told("Seconds since the boot.", 86400))
    domain_controller: bool = field(metadata=told("Whether it is a domain controller.", False))
    capabilities: Capabilities | None = field(metadata=told("What this release offers."))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatesRow:
    """The update that brought the DNS server's socket pool (MS08-037)."""

    seen: tuple[str, ...] = field(metadata=told("Those of KB951746 and KB953230 that Windows lists.", ["KB951746"]))
    dns_pool: str = field(
        metadata=told(
            "V(always) where the release has the pool, V(confirmed) where the update is listed or C(dns.exe) was "
            "seen to hold 100 UDP ports or more, V(not_seen) where it runs and holds far fewer, V(assumed) where "
            "nothing tells.",
            "confirmed",
        )
    )
    reason: str = field(metadata=told("Why, in one sentence.", "Windows lists KB951746 (MS08-037)."))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """An AD LDS (ADAM) instance."""

    instance: str = field(metadata=told("Its name.", "MSExchange"))
    service: str = field(metadata=told("Key name of its service.", "ADAM_MSExchange"))
    state: str = field(metadata=told("State of the service.", "Stopped"))
    start_mode: str = field(metadata=told("Start mode of the service as Windows reads it.", "Auto"))
    process_id: int = field(metadata=told("Its process. 0 where it does not run.", 0))
    exit_code: int = field(
        metadata=told("The Win32 error that its last end left. 10013 and 10048 say that a port was taken.", 10013)
    )
    ldap_port: int | None = field(metadata=told("Its port for LDAP, or none.", 50389))
    ssl_port: int | None = field(metadata=told("Its port for LDAP over TLS, or none.", 50636))
    ports_source: str = field(
        metadata=told(
            "V(registry), V(default) where the registry names none and the Exchange Edge role's usual ports are "
            "meant, or V(unknown).",
            "registry",
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """A service that matters here."""

    service: str = field(metadata=told("Key name.", "IAS"))
    display_name: str = field(metadata=told("What Windows calls it.", "Network Policy Server"))
    image: str = field(metadata=told("File name of its program.", "svchost.exe"))
    products: tuple[str, ...] = field(
        metadata=told("The catalogue's keys of the products that it belongs to.", ["ias"])
    )
    state: str = field(metadata=told("State of the service.", "Running"))
    start_mode: str = field(metadata=told("V(auto), V(delayed), V(manual), V(disabled), V(boot) or V(system).", "auto"))
    process_id: int = field(metadata=told("Its process. 0 where it does not run.", 1044))
    exit_code: int = field(metadata=told("The Win32 error that its last end left.", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """One thing that a server is."""

    kind: str = field(
        metadata=told(f"{one_of(kind.key for kind in KINDS)}. The table stands in docs/ports.md.", "radius")
    )
    name: str = field(metadata=told("The same in words.", "RADIUS (IAS, NPS)"))
    services: tuple[str, ...] = field(
        metadata=told("Key names of the services that tell so. Empty where the name of the Windows does.", ["IAS"])
    )
    role: str | None = field(
        metadata=told("The role that keeps its ports from the DNS server's pool, or none.", "dc_ias")
    )
    fits: bool = field(metadata=told("Whether that role is for this server.", True))
    reason: str = field(
        metadata=told(
            "Why it is not. Empty where it is, or where there is none.",
            "There is no DNS server here whose pool could take its ports.",
        )
    )
    by_choice: tuple[str, ...] = field(
        metadata=told(
            "Roles that do something for it once somebody has decided what.",
            ["exchange_rpc_ports", "exchange_services"],
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow:
    """A role that waits for a decision."""

    role: str = field(metadata=told("The role.", "exchange_rpc_ports"))
    note: str = field(metadata=told("What it waits for.", "with exchange_rpc_ports_ports"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesRow:
    """The kinds of a server, and the roles of this collection that are for it."""

    kinds: tuple[KindRow, ...] = field(
        metadata=told("All that it is. Empty for a server that this collection has nothing for.")
    )
    fitting: tuple[str, ...] = field(
        metadata=told("The roles that fit, and that C(port_baseline) applies where it may.", ["dc_ias"])
    )
    by_choice: tuple[ChoiceRow, ...] = field(
        metadata=told("The roles that wait for a decision, and that nothing applies by itself.")
    )
    left_over: tuple[LeftOver, ...] = field(
        default=(),
        metadata=told(
            "Services that start automatically and are down with 10048, 10013 or 1068, so for the sake of a port. A "
            "role brings back those that it is about, and names the others at its end."
        ),
    )
