# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic port ranges set, and keys of ours taken away again: the commands, and what is believed afterwards."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import DeleteEmptyKey, SetDynamicRanges
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    DynamicRanges,
    DynamicRangesFact,
    Family,
    Protocol,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock, apply
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import CommandError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from tests.simulator.windows.registry import ValueType
from tests.unit.plugins.module_utils._windows import samples
from tests.unit.plugins.module_utils._windows.given_server import GivenClient

OLD, NEW = PortRange(49152, 65535), PortRange(1025, 60000)
KEY = r"SYSTEM\CurrentControlSet\Services\MSExchangeRPC\ParametersSystem"
UDP: tuple[tuple[Family, Protocol, PortRange], ...] = (("ipv4", "udp", NEW), ("ipv6", "udp", NEW))


def target(client: GivenClient) -> Target:
    return Target(client, release_of("6.1.7601", 3).capabilities)


def shows(client: GivenClient, *, udp: PortRange) -> None:
    """What netsh shows once it has been told to set something."""
    for family in FAMILIES:
        for protocol in PROTOCOLS:
            ports = udp if protocol == "udp" else OLD
            raw = samples.GERMAN.dynamic_range(ports.first, ports.count)
            client.commands[netsh.show_dynamic_range(family, protocol)] = (raw, 0)
        client.commands[netsh.set_dynamic_range(family, "udp", NEW)] = (b"OK.\r\n", 0)


def test_the_command_names_everything() -> None:
    assert netsh.set_dynamic_range("ipv6", "tcp", NEW) == (
        "netsh interface ipv6 set dynamicport protocol=tcp startport=1025 numberofports=58976 store=persistent"
    )


def test_ranges_are_set_and_read_again_in_one_command(client: GivenClient) -> None:
    shows(client, udp=NEW)
    learnt = apply(target(client), SetDynamicRanges(UDP), Clock())
    assert learnt == {DynamicRangesFact(): DynamicRanges(tcp=OLD, udp=NEW, tcp6=OLD, udp6=NEW)}
    assert len(client.log) == 1


def test_a_range_that_did_not_stay_is_an_error_with_the_words_of_netsh(client: GivenClient) -> None:
    shows(client, udp=OLD)
    client.commands[netsh.set_dynamic_range("ipv4", "udp", NEW)] = (b"Falscher Parameter.\r\n", 1)
    with pytest.raises(CommandError, match="Falscher Parameter"):
        apply(target(client), SetDynamicRanges(UDP), Clock())


@pytest.mark.parametrize(("values", "deleted"), [((), True), (("Other",), False)])
def test_a_key_goes_only_when_nothing_is_left_in_it(
    client: GivenClient, values: tuple[str, ...], deleted: bool
) -> None:
    client.registry.create(KEY)
    for name in values:
        client.registry.set(KEY, name, ValueType.SZ, "x")
    apply(target(client), DeleteEmptyKey(KEY), Clock())
    assert ("invoke DeleteKey" in client.log) == deleted
