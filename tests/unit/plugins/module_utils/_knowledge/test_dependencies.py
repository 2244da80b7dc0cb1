# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dependencies of services: which services can be stopped, or started, at the same time."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies

NEEDS: t.Final = Dependencies(frozenset({("IS", "SA"), ("MTA", "SA"), ("Edge", "Transport"), ("Transport", "ADAM")}))
"""As (dependent, antecedent)."""

GROUPS: t.Final = {
    "none": ((), ()),
    "two that have nothing in common": (("RPC", "AB"), (("RPC", "AB"),)),
    "two before the one that they need": (("IS", "MTA", "SA"), (("IS", "MTA"), ("SA",))),
    "the same in start order": (("SA", "MTA", "IS"), (("SA",), ("MTA", "IS"))),
    "through a third one": (("Edge", "ADAM"), (("Edge",), ("ADAM",))),
    "in another case": (("is", "sa"), (("is",), ("sa",))),
    "DNS by itself": (("RPC", "dns", "AB"), (("RPC",), ("dns",), ("AB",))),
}


@pytest.mark.parametrize(("names", "groups"), GROUPS.values(), ids=list(GROUPS))
def test_groups_of_services_that_do_not_need_each_other(
    names: tuple[str, ...], groups: tuple[tuple[str, ...], ...]
) -> None:
    assert NEEDS.independent_groups(names, alone="DNS") == groups
