# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the DNS server's pool comes from."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import PoolRange, pool_range
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

NT5, NEW = "5.2.3790", "10.0.20348"
IANA, WIDE = PortRange(49152, 65535), PortRange(1025, 60000)


RULES: list[tuple[str, int | None, PortRange | None, PoolRange]] = [
    (NT5, None, None, PoolRange(IANA, "default", "")),
    (NT5, 60000, None, PoolRange(PortRange(1024, 60000), "max_user_port", "")),
    (NT5, 65536, None, PoolRange(PortRange(1024, 65535), "max_user_port", "")),
    (NT5, 0, None, PoolRange(PortRange(1024, 1024), "max_user_port", "")),
    (NEW, None, IANA, PoolRange(IANA, "default", "")),
    (NEW, None, WIDE, PoolRange(WIDE, "dynamic_range", "", contested=True)),
    (NEW, 5000, IANA, PoolRange(PortRange(49152, 54152), "count_from_start", "", contested=True)),
    (NEW, 60000, IANA, PoolRange(IANA, "count_from_start", "", contested=True)),
    (NEW, 5000, WIDE, PoolRange(PortRange(1025, 6025), "count_from_start", "", contested=True)),
]


@pytest.mark.parametrize(("version", "highest", "dynamic", "expected"), RULES)
def test_the_rule_of_the_release(
    version: str, highest: int | None, dynamic: PortRange | None, expected: PoolRange
) -> None:
    found = pool_range(release_of(version, 3).capabilities, highest, dynamic)
    assert found.reason.endswith(".")
    assert found._replace(reason="") == expected


PRODUCTS: list[tuple[PortRange, str]] = [
    (WIDE, "1025-60000, as the setup of Exchange 2007 sets it; that"),
    (PortRange(6005, 65534), "6005-65534, as the setup of Exchange 2010 (Client Access) sets it; that"),
    (PortRange(6005, 65535), "6005-65535; that"),
]


@pytest.mark.parametrize(("ports", "words"), PRODUCTS, ids=lambda value: str(value)[:10])
def test_the_product_that_widened_the_range_is_named(ports: PortRange, words: str) -> None:
    assert words in pool_range(release_of(NEW, 3).capabilities, None, ports).reason
