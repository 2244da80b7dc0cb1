# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that probes can tell: each switch of the simulator is flipped, and its probe notices; no other one does.

A probe that notices the switch of another one says so (``depends_on``).
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Result
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.unprobed import UNPROBED
from tests.fleet.host_cases import Json
from tests.fleet.verified_hosts import HOSTS
from tests.fleet.verifying import looked


@dataclasses.dataclass(frozen=True)
class Flip:
    """A switch with another value, and the server that shows it; ``wire``: the name of a setting of the wire."""

    settles: str
    host: str
    value: bool | int | str
    wire: str = ""

    def __str__(self) -> str:
        return self.settles

    @property
    def server(self) -> Json:
        """The server with the switch flipped."""
        host = HOSTS[self.host]
        if self.wire:
            return {**host, "wire": {self.wire: self.value}}
        return {**host, "assumptions": {self.settles: self.value}}


FLIPS: t.Final = (
    Flip("ad_lds_binds_udp", "edge", False),
    Flip("ad_lds_reuses_address", "edge-broken", False),
    Flip("dns_before_ad_lds", "edge", False),
    Flip("rras_needs_l2tp", "remote-access", False),
    Flip("pool_one_draw_for_both_families", "edge", False),
    Flip("pool_ipv6", "edge", False),
    Flip("pool_range_rule", "range-by-value", "from_1024"),
    Flip("pool_default_from_dynamic_range", "range-changed", False),
    Flip("dns_ignores_netsh_exclusions", "edge", False),
    Flip("dns_honours_reserved_ports", "2003", False),
    Flip("reserved_ports_cover_tcp_and_udp", "2003", False),
    Flip("reserved_ports_need_ranges", "2003", False),
    Flip("adjacent_single_reservations_fail", "2003", False),
    Flip("other_ephemeral_users", "edge", False),
    Flip("ephemeral_order", "edge", "random"),
    Flip("netsh_failure_exit_code", "2008", 3),
    Flip("netsh_default_store", "2008", "active"),
    Flip("registry_absent_value", "2003-plain", 2),
    Flip("registry_in_cimv2", "2003-plain", False),
    Flip("utf8_for_programs", "2008r2", True),
    Flip("winrm_manual_on_2003", "2003-plain", True),
    Flip("auto_start_delay_seconds", "delayed", 30),
    Flip("findstr_ends_last_line", "2003-plain", False),
    Flip("findstr_longest_piped_line", "2003-plain", 4095),
    Flip("findstr_keeps_every_byte", "2003-plain", False),
    Flip("fc_exit_code_tells", "2003-plain", False),
    Flip("derived_services", "2008", False),
    Flip("first_batch", "2008r2", "all", "first_batch"),
    Flip("envelope_counts_utf16", "2008r2", "octets", "envelope_counts"),
    Flip("one_command_until_signal", "2008r2", True, "one_command_until_signal"),
    Flip("idle_timeout_of_a_shell", "2003-plain", "ignored", "idle_timeout"),
    Flip("unknown_method_fault", "2003-plain", "invalid_resource", "unknown_method"),
    Flip("large_answer_fault", "edge", "internal_error", "large_answer"),
)


@functools.cache
def usual(host: str) -> dict[str, Result]:
    """What is seen on a server with every switch as it is."""
    return looked(HOSTS[host], PROBES).by_probe


@functools.cache
def flipped(settles: str) -> dict[str, Result]:
    """What is seen with this switch flipped."""
    (flip,) = (one for one in FLIPS if one.settles == settles)
    return looked(flip.server, PROBES).by_probe


def test_every_settled_switch_is_flipped() -> None:
    assert sorted(flip.settles for flip in FLIPS) == sorted({probe.settles for probe in PROBES} - {""})
    assert {flip.settles for flip in FLIPS} & set(UNPROBED) == set()


@pytest.mark.parametrize("flip", FLIPS, ids=str)
def test_a_flipped_switch_is_noticed_by_its_probe_and_by_those_that_depend_on_it(flip: Flip) -> None:
    before, after = usual(flip.host), flipped(flip.settles)
    changed = {name for name, result in after.items() if (result.verdict, result.seen) != _seen(before[name])}
    own = {probe.id for probe in PROBES if probe.settles == flip.settles}
    dependent = {probe.id for probe in PROBES if flip.settles in probe.depends_on}
    assert {name: after[name].verdict for name in own} == dict.fromkeys(own, "otherwise")
    assert (changed - own) <= dependent


def _seen(result: Result) -> tuple[str, t.Any]:
    return result.verdict, result.seen


def test_every_dependence_is_a_real_one() -> None:
    """A probe that claims to depend on a switch, and never notices it, would hide what it should show."""
    claimed = {(probe.id, name) for probe in PROBES for name in probe.depends_on}
    shown = {
        (name, flip.settles)
        for flip in FLIPS
        if any(flip.settles == one for _probe, one in claimed)
        for name, result in flipped(flip.settles).items()
        if (result.verdict, result.seen) != _seen(usual(flip.host)[name])
    }
    assert claimed - shown == set()
