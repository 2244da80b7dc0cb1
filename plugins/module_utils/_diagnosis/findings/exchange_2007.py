# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange 2007 together with what did not go with it: reported, never changed."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import of_kind
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import report_only
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryFact,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DOTNET_2_PACK_FACT,
    DOTNET_35_PACK_FACT,
    EXCHANGE_2007_NAMES_FACT,
    EXCHANGE_2007_PACK_FACT,
)

FIRST_UNHARMED: t.Final = 2
FIRST_SUPPORTED: t.Final = 3
RELEASE_OF_2009: t.Final = (6, 1)
"""Windows Server 2008 R2: what its maker supports on it is a fact about the release itself, not a capability."""


def autodiscover(view: PortInfoView) -> list[Finding]:
    """.NET 2.0 SP2 with Exchange 2007 before SP2; raises FactsNeeded."""
    pack = exchange_2007_pack(view)
    if pack is None or pack >= FIRST_UNHARMED:
        return []
    view.facts.require(DOTNET_2_PACK_FACT, DOTNET_35_PACK_FACT)
    dotnet, later = _number(DOTNET_2_PACK_FACT, view), _number(DOTNET_35_PACK_FACT, view)
    if dotnet is None or dotnet < FIRST_UNHARMED:
        return []
    with_35 = (Evidence("registry", f".NET Framework 3.5 has service pack {later}"),) if later else ()
    return [
        Finding(
            **of_kind("dotnet_breaks_autodiscover"),
            summary=f"Exchange 2007 {_pack(pack)} and .NET Framework 2.0 SP2: Autodiscover may fail.",
            cause="One administrator reported in 2008 that Autodiscover, the Out of Office assistant and the offline "
            "address book failed until .NET 2.0 SP2 (KB948609, part of .NET 3.5 SP1) was removed. No page of "
            "Microsoft's confirms it.",
            evidence=(_exchange(pack), Evidence("registry", f".NET Framework 2.0 has service pack {dotnet}"), *with_35),
            fix=report_only(
                "Report only. The fix of that one report, if Test-OutlookWebServices fails: remove the update KB948609",
                "(in Programs and Features; removing .NET 3.5 SP1 alone did not help), then restart the server.",
            ),
        )
    ]


def unsupported(view: PortInfoView) -> list[Finding]:
    """Exchange 2007 on Windows Server 2008 R2; raises FactsNeeded."""
    release = view.context.release
    if (release.major, release.minor) != RELEASE_OF_2009:
        return []
    pack = exchange_2007_pack(view)
    if pack is None or pack >= FIRST_SUPPORTED:
        return []
    return [
        Finding(
            **of_kind("exchange_2007_on_2008r2"),
            summary=f"Exchange 2007 {_pack(pack)} runs on {release.name}, where it is not supported.",
            cause="Exchange 2007 was not made for Windows Server 2008 R2. Where only the domain controllers run it, "
            "Exchange 2007 SP1 or SP2 needs Update Rollup 9.",
            evidence=(_exchange(pack),),
            fix=report_only("Report only. Install SP3 of Exchange 2007, or move it to Windows Server 2008."),
        )
    ]


def exchange_2007_pack(view: PortInfoView) -> int | None:
    """The service pack of Exchange 2007, ``None`` if it is not installed or unknown; raises FactsNeeded."""
    if view.context.capabilities.network_endpoint_classes:
        return None
    names = view.facts[EXCHANGE_2007_NAMES_FACT]
    if isinstance(names, Absent) or not any(
        name.casefold() == EXCHANGE_2007_PACK_FACT.name.casefold() for name, _type in names
    ):
        return None
    return _number(EXCHANGE_2007_PACK_FACT, view)


def _number(fact: RegistryFact, view: PortInfoView) -> int | None:
    return number(view.facts[fact])


def _exchange(pack: int) -> Evidence:
    return Evidence("registry", rf"HKLM\{EXCHANGE_2007_PACK_FACT.key}, {EXCHANGE_2007_PACK_FACT.name} is {pack}")


def _pack(pack: int) -> str:
    return f"SP{pack}" if pack else "without a service pack"
