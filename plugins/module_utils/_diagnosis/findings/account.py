# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local administrators whose rights Windows strips over the network, as far as one who got in can see it."""

from __future__ import annotations

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
    FILTER_POLICY_FACT,
    POLICIES_KEY,
    POLICY_NAMES_FACT,
    UAC_FACT,
)


def filtered_administrators(view: PortInfoView) -> list[Finding]:
    """Only a value that is set counts: without the value the effect is the same, as on every new server."""
    if not view.context.capabilities.delayed_start:
        # User Account Control came with the same kernel as delayed starts, Vista's.
        return []
    names = view.facts[POLICY_NAMES_FACT]
    listed = set() if isinstance(names, Absent) else {name.casefold() for name, _type in names}
    if FILTER_POLICY_FACT.name.casefold() not in listed:
        return []
    view.facts.require(FILTER_POLICY_FACT, UAC_FACT)
    if _number(FILTER_POLICY_FACT, view) != 0 or _number(UAC_FACT, view) == 0:
        return []
    return [
        Finding(
            **of_kind("administrator_filtered"),
            summary="Local administrators other than the built-in one have no rights here over the network.",
            cause="User Account Control strips their rights from network logons. The account of this run is not "
            "concerned; another local account would get 'access denied'.",
            evidence=(Evidence("registry", rf"HKLM\{POLICIES_KEY}, {FILTER_POLICY_FACT.name} is 0"),),
            fix=report_only(
                "Report only. Use a domain account or the built-in Administrator; or set the value to 1, which "
                "weakens the protection against stolen passwords of local accounts."
            ),
        )
    ]


def _number(fact: RegistryFact, view: PortInfoView) -> int | None:
    return number(view.facts[fact])
