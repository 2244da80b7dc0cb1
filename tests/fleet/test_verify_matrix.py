# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that probes can tell: each switch of the simulator is flipped, and its probe notices; no other one does.

A probe that notices the switch of another one says so (``depends_on``).
"""

from __future__ import annotations

import dataclasses
import functools
import os
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe, Result
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.unprobed import UNPROBED
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_hands import name_of
from tests.fleet.host_cases import Json
from tests.fleet.verified_hosts import HOSTS, LAB_HOSTS
from tests.fleet.verifying import LAB, LOOK, TOUCH, looked

WHOLE: t.Final = bool(os.environ.get("PORTKEEPER_WHOLE_MATRIX"))
"""``make verify-matrix``: every probe looks at each switch of the lab, not only those of the parts that it concerns."""


@dataclasses.dataclass(frozen=True)
class Flip:
    """A switch with another value, and the server that shows it; ``wire``: the name of a setting of the wire.

    ``host`` is one of HOSTS, or one of LAB_HOSTS if probes of the grade lab are to notice it.
    """

    settles: str
    host: str
    value: bool | int | str
    wire: str = ""

    def __str__(self) -> str:
        return self.settles

    @property
    def server(self) -> Json:
        """The server with the switch flipped."""
        host = ALL_HOSTS[self.host]
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
    Flip("dns_honours_own_list", "edge-english", False),
    Flip("old_pool_follows_value", "2003-value", False),
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


LAB_FLIPS: t.Final = (
    Flip("dns_before_ad_lds", "lab", False),
    Flip("pool_range_rule", "lab-2008", "from_1024"),
    Flip("dns_ignores_netsh_exclusions", "lab-2008r2", False),
    Flip("dns_honours_reserved_ports", "lab-2003", False),
    Flip("reserved_ports_cover_tcp_and_udp", "lab-2003", False),
    Flip("reserved_ports_need_ranges", "lab-2003", False),
    Flip("adjacent_single_reservations_fail", "lab-2003", False),
    Flip("netsh_needs_free_ports", "lab", False),
    Flip("reboot_method_return", "lab-member", 1314),
    Flip("stop_of_stopped_service", "lab-member", 6),
    Flip("start_with_failed_dependency", "lab-member", 8),
    Flip("direct_start_value_needs_boot", "lab-member", False),
    Flip("auto_start_delay_seconds", "lab-2008", 30),
    Flip("type_stops_at_ctrl_z", "lab-member", True),
    Flip("copy_ascii_cuts_at_ctrl_z", "lab-member", False),
    Flip("dns_honours_own_list", "lab-2008r2", False),
    Flip("pool_list_needs_restart", "lab-2008r2", False),
    Flip("pool_value_read_at_start", "lab-2003", False),
    Flip("pool_value_read_at_start", "lab-2008", False),
    Flip("old_pool_follows_value", "lab-2003", False),
    Flip("findstr_keeps_every_byte", "lab-member", False),
    Flip("other_ephemeral_users", "lab-2008r2", False),
    Flip("exclusions_in_force_at_once", "lab-2008r2", False),
    Flip("exclusions_stop_explicit_binds", "lab-2008r2", True),
    Flip("active_exclusions_end_at_boot", "lab-member", False),
    Flip("connections_hold_ports", "lab", False),
    Flip("waiting_connections_hold_ports", "lab-member", True),
    Flip("reserved_ports_need_boot", "lab-2003", False),
    Flip("delayed_in_group_error", "lab-member", 5),
    Flip("needed_services_lose_delay", "lab-2008", False),
    Flip("start_of_disabled_service", "lab-member", 8),
    Flip("enumeration_counts_as_operation", "lab-2008", False, "enumerations_count"),
    Flip("commands_keep_their_operation", "lab-2008", False, "commands_keep_operation"),
    Flip("old_shell_quota_fault", "lab-2008", "wmi_error", "shell_quota_fault"),
    Flip("unrelated_faults", "lab-member", False, "unrelated_faults"),
)
ALL_HOSTS: t.Final = {**HOSTS, **LAB_HOSTS}
SHORT: t.Final = (*LOOK, *TOUCH)


def parts_of(flip: Flip) -> tuple[Probe, ...]:
    """All probes of the parts of lab that have to do with a switch: the others need not be carried out in the gate."""
    concerned = [probe for probe in LAB if flip.settles in (probe.settles, *probe.depends_on)]
    names = {name_of(question) for probe in concerned for question in probe.needs}
    parts = [own for own in lab_steps.PARTS.values() if names.intersection(own)]
    within = {name for own in parts for name in own}
    return tuple(probe for probe in LAB if within.intersection(map(name_of, probe.needs)))


@functools.cache
def usual(host: str, probes: tuple[Probe, ...]) -> dict[str, Result]:
    """What is seen on a server with every switch as it is."""
    return looked(ALL_HOSTS[host], probes).by_probe


@functools.cache
def flipped(flip: Flip, probes: tuple[Probe, ...]) -> dict[str, Result]:
    """What is seen with this switch flipped."""
    return looked(flip.server, probes).by_probe


def test_every_settled_switch_is_flipped() -> None:
    assert sorted(flip.settles for flip in FLIPS) == sorted({probe.settles for probe in SHORT} - {""})
    of_lab = {name for probe in LAB for name in (probe.settles, *probe.depends_on)}
    assert {flip.settles for flip in LAB_FLIPS} == of_lab
    assert {flip.settles for flip in (*FLIPS, *LAB_FLIPS)} & set(UNPROBED) == set()
    assert [probe.id for probe in LAB if not probe.settles] == []


def noticed(flip: Flip, probes: tuple[Probe, ...]) -> set[str]:
    """The probes that see something else than usual."""
    before, after = usual(flip.host, probes), flipped(flip, probes)
    return {name for name, result in after.items() if _seen(result) != _seen(before[name])}


def hold(flip: Flip, probes: tuple[Probe, ...], of: tuple[Probe, ...]) -> None:
    """Those ``of`` its own probes say otherwise, and of all others only those notice that depend on it."""
    settling = [probe for probe in of if probe.settles == flip.settles]
    own = {probe.id for probe in settling if usual(flip.host, probes)[probe.id].verdict != "cant_tell"}
    dependent = {probe.id for probe in probes if flip.settles in (probe.settles, *probe.depends_on)}
    assert bool(own) == bool(settling)
    assert {name: flipped(flip, probes)[name].verdict for name in own} == dict.fromkeys(own, "otherwise")
    assert noticed(flip, probes) <= dependent


@pytest.mark.parametrize("flip", FLIPS, ids=str)
def test_a_flipped_switch_is_noticed_by_its_probe_and_by_those_that_depend_on_it(flip: Flip) -> None:
    hold(flip, SHORT, SHORT)


@pytest.mark.parametrize("flip", LAB_FLIPS, ids=str)
def test_a_flipped_switch_is_noticed_in_the_lab(flip: Flip) -> None:
    hold(flip, (*SHORT, *LAB) if WHOLE else parts_of(flip), LAB)


def _seen(result: Result) -> tuple[str, t.Any]:
    return result.verdict, result.seen


@pytest.mark.parametrize("probes", ["look and touch", "lab"])
def test_every_dependence_is_a_real_one(probes: str) -> None:
    """A probe that claims to depend on a switch, and never notices it, would hide what it should show."""
    flips, wanted = (LAB_FLIPS, LAB) if probes == "lab" else (FLIPS, SHORT)
    claimed = {(probe.id, name) for probe in wanted for name in probe.depends_on}
    settled = {name for _probe, name in claimed}
    shown = {
        (name, flip.settles)
        for flip in flips
        if flip.settles in settled
        for name in noticed(flip, parts_of(flip) if probes == "lab" else SHORT)
    }
    assert claimed - shown == set()
