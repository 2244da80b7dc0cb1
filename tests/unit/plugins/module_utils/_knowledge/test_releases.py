# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Windows is which, and what each can do."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    CONTESTED,
    RELEASES,
    Capabilities,
    UnknownRelease,
    release_of,
)

SERVER = 3
DOMAIN_CONTROLLER = 2
CLIENT = 1

KNOWN = [
    ("5.2.3790", "Windows Server 2003"),
    ("6.0.6001", "Windows Server 2008"),
    ("6.0.6002", "Windows Server 2008 SP2"),
    ("6.0.6003", "Windows Server 2008 SP2"),
    ("6.1.7600", "Windows Server 2008 R2"),
    ("6.1.7601", "Windows Server 2008 R2 SP1"),
    ("6.2.9200", "Windows Server 2012"),
    ("6.3.9600", "Windows Server 2012 R2"),
    ("10.0.14393", "Windows Server 2016"),
    ("10.0.17763", "Windows Server 2019"),
    ("10.0.18363", "Windows Server 1909"),
    ("10.0.20348", "Windows Server 2022"),
    ("10.0.25398", "Windows Server 23H2"),
    ("10.0.26100", "Windows Server 2025"),
    ("10.0.29999", "Windows Server (build 29999)"),
    ("10.0.17000", "Windows Server (build 17000)"),
    ("6.1.7602", "Windows Server (build 7602)"),
    (" 10.0.20348.2113 ", "Windows Server 2022"),
]


@pytest.mark.parametrize(("version", "name"), KNOWN)
@pytest.mark.parametrize("product_type", [SERVER, DOMAIN_CONTROLLER])
def test_versions_have_names(version: str, name: str, product_type: int) -> None:
    assert release_of(version, product_type).name == name


REFUSED = [
    ("5.0.2195", SERVER, "Windows 2000"),
    ("5.1.2600", CLIENT, "Windows XP"),
    ("5.2.3790", CLIENT, "Windows XP"),
    ("4.0.1381", SERVER, "not known"),
    ("6.4.9841", SERVER, "not known"),
    ("11.0.30000", SERVER, "not known"),
    ("10.0", SERVER, "not of the form"),
    ("", SERVER, "not of the form"),
    ("ten", SERVER, "not of the form"),
    ("1" * 5000 + ".0.1", SERVER, "not of the form"),
]


@pytest.mark.parametrize(("version", "product_type", "reason"), REFUSED, ids=[row[0][:12] for row in REFUSED])
def test_other_versions_are_refused_with_a_sentence(version: str, product_type: int, reason: str) -> None:
    with pytest.raises(UnknownRelease, match=reason) as caught:
        release_of(version, product_type)
    assert caught.value.version == version


# reserved, excluded, dynamic, dns list, always pool, rule, delayed, property, classes, code page, Signal, DFSR, block
COUNT, HIGHEST = "count_from_start", "max_user_port"
CAPABILITIES: list[tuple[str, tuple[object, ...]]] = [
    ("5.2.3790", (True, "no", False, False, False, HIGHEST, False, False, False, 437, True, None, True)),
    ("6.0.6002", (False, "probe", True, False, False, COUNT, True, False, False, 437, True, 5722, False)),
    ("6.1.7601", (False, "probe", True, True, True, COUNT, True, False, False, 65001, False, 5722, False)),
    ("6.2.9200", (False, "yes", True, True, True, COUNT, True, False, True, 65001, False, None, False)),
    ("6.3.9600", (False, "yes", True, True, True, COUNT, True, False, True, 65001, False, None, False)),
    ("10.0.14393", (False, "yes", True, True, True, COUNT, True, True, True, 65001, False, None, False)),
    ("10.0.26100", (False, "yes", True, True, True, COUNT, True, True, True, 65001, False, None, False)),
]


@pytest.mark.parametrize(("version", "expected"), CAPABILITIES)
def test_capabilities(version: str, expected: tuple[object, ...]) -> None:
    assert dataclasses.astuple(release_of(version, SERVER).capabilities) == expected


def test_a_newer_build_can_what_the_newest_known_one_can() -> None:
    newer = release_of("10.0.30000", SERVER)
    assert (newer.capabilities, newer.version) == (RELEASES[-1].capabilities, "10.0.30000")


def test_a_client_can_what_the_server_of_its_kernel_can() -> None:
    client = release_of("6.1.7601", CLIENT)
    assert client.name == "Windows client 6.1.7601"
    assert client.capabilities == release_of("6.1.7601", SERVER).capabilities


def test_the_table_is_in_order_and_has_no_doubles() -> None:
    versions = [(row.major, row.minor, row.build) for row in RELEASES]
    assert versions == sorted(set(versions))


def test_contested_rules_name_capabilities() -> None:
    assert set(CONTESTED) <= {field.name for field in dataclasses.fields(Capabilities)}
