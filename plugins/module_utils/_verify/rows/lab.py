# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the grade lab that need no boot: what the DNS server, the service manager and netsh do after a change."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Expected, Probe, Tag
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    At,
    Command,
    LabStep,
    Question,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Seen,
    Server,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import (
    ACTIVE_TCP,
    ACTIVE_UDP,
    RANGE_TCP,
    RANGE_UDP,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    bound,
    process_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.pool import (
    POOL,
    POOL_EXCLUSIONS,
    ignores_netsh,
    leaves_own_list,
    pool,
)

_MOST_LEFT: t.Final = 0.2
"""The part of the dynamic range that may be free while the draws are looked at."""


def at(stage: str, *questions: Question) -> tuple[Question, ...]:
    """Questions of a look, asked again at a stage."""
    return tuple(At(stage, one) for one in questions)


def lab(
    name: str,
    asks: str,
    see: t.Callable[[Readings], Seen],
    *needs: Question,
    expect: Expected = True,
    tag: Tag = "K",
    settles: str = "",
    contested: str = "",
    depends_on: tuple[str, ...] = (),
) -> Probe:
    """A probe of this grade."""
    return Probe(
        id=name,
        grade="lab",
        asks=asks,
        needs=needs,
        expect=expect,
        see=see,
        tag=tag,
        settles=settles,
        contested=contested,
        depends_on=depends_on,
    )


def code(step: str) -> t.Callable[[Readings], int]:
    """What a call of a method gave back."""

    def see(found: Readings) -> int:
        return found.code(LabStep(step))

    return see


# --- services and files of our own ------------------------------------------------------------------------------------


def _keeps_mode(found: Readings) -> bool:
    """The service manager still tells the start type that it was given."""
    return text(found.row(LabStep(steps.READ_MODE)), "StartMode") == "Manual"


def _delay_error(found: Readings) -> int:
    if not found.server.release.capabilities.delayed_start:
        raise CantTell("this release has no delayed start")
    return found.ran(LabStep(steps.DELAY_IN_GROUP)).code


def _written(found: Readings) -> None:
    if found.ran(LabStep(steps.WRITE_FILE)).code != 0:
        raise CantTell("no file could be written")


def _type_stops(found: Readings) -> bool:
    _written(found)
    _has_ctrl_z(found)
    return steps.LAST_WORD not in found.ran(LabStep(steps.TYPE_FILE)).raw


def _has_ctrl_z(found: Readings) -> None:
    raw = found.ran(LabStep(steps.TYPE_FILE)).raw
    if steps.LAST_WORD in raw and b"\x1a" not in raw:
        raise CantTell("the Ctrl-Z did not get into the file")


def _copy_cuts(found: Readings) -> bool:
    _written(found)
    _has_ctrl_z(found)
    if found.ran(LabStep(steps.COPY_FILE)).code != 0:
        raise CantTell("the file could not be copied")
    return steps.LAST_WORD not in found.ran(LabStep(steps.TYPE_COPY)).raw


# --- quotas -----------------------------------------------------------------------------------------------------------


def _shell_fault(found: Readings) -> str:
    """The element of the refusal that has the number."""
    fault = found.reading(LabStep(steps.ONE_SHELL_MORE)).fault
    if fault is None:
        raise CantTell("no shell was refused")
    return "MSFT_WmiError" if fault.number is None and fault.wmi_number else "WSManFault"


def _shell_fault_expected(server: Server) -> str:
    return "MSFT_WmiError" if server.stack >= "3.0" else "WSManFault"


def _unrelated(found: Readings) -> bool:
    fault = found.reading(LabStep(steps.ONE_SHELL_MORE)).fault
    if fault is None:
        raise CantTell("no shell was refused")
    return not fault.related


def _commands_expected(server: Server) -> str:
    return "answered" if server.stack >= "3.0" else "InternalError 0x803381A6"


def _commands(found: Readings) -> str:
    return found.fault_text(LabStep(steps.ONE_COMMAND_MORE))


def _enumerations(found: Readings) -> bool:
    if found.server.stack >= "3.0":
        raise CantTell("this stack allows 1,500 at once, and so many are not opened")
    return found.reading(LabStep(steps.ONE_QUERY_MORE)).fault is not None


# --- ports in use -----------------------------------------------------------------------------------------------------


def _refused(step: str, table: Command) -> t.Callable[[Readings], bool]:
    def see(found: Readings) -> bool:
        port = found.ports(LabStep(step))
        return port not in [block.ports for block in found.at(steps.IN_USE).blocks(table)]

    return see


# --- the pool ---------------------------------------------------------------------------------------------------------


def _list_waits(found: Readings) -> bool:
    """The pool still has ports of the list that was just written."""
    return not leaves_own_list(found.at(steps.WRITTEN))


def _list_counts(found: Readings) -> bool:
    return leaves_own_list(found.at(steps.LISTED))


def _ignores_range(found: Readings) -> bool:
    return ignores_netsh(found.at(steps.EXCLUDED))


def _blocks(found: Readings, table: Command) -> PortSet:
    own: tuple[ExclusionBlock, ...] = found.at(steps.EXCLUDED).blocks(table)
    return PortSet.of(*(block.ports for block in own if block.administered))


def _stopped_by_range(found: Readings) -> bool:
    """The DNS server, which asks for port 53, does not get it if it is excluded."""
    if 53 not in _blocks(found, ACTIVE_UDP):
        raise CantTell("netsh did not exclude UDP 53")
    here = found.at(steps.EXCLUDED)
    process = process_of(here, "DNS")
    return not any(one.port == 53 and one.protocol == "udp" and one.process_id == process for one in bound(here))


def _draws_avoid(found: Readings) -> bool:
    """The dynamic TCP ports that dns.exe got at three starts lie outside the range that was excluded before."""
    kept = _blocks(found, ACTIVE_TCP)
    dynamic = found.at(steps.STOPPED).ports(RANGE_TCP)
    left = sum(one.count for one in (PortSet.of(dynamic) - kept).ranges)
    if left > _MOST_LEFT * dynamic.count:
        raise CantTell("netsh excluded too little of the dynamic TCP range")
    drawn = [_drawn(found.at(stage), dynamic.first) for stage in (steps.EXCLUDED, steps.SECOND_DRAW, steps.THIRD_DRAW)]
    return not any(port in kept for ports in drawn for port in ports)


def _drawn(here: Readings, least: int) -> list[int]:
    process = process_of(here, "DNS")
    ports = [one.port for one in bound(here) if one.process_id == process and one.protocol == "tcp"]
    if not any(port >= least for port in ports):
        raise CantTell("the DNS server has no dynamic TCP port")
    return [port for port in ports if port >= least]


# --- MaxUserPort ------------------------------------------------------------------------------------------------------


def _stage_of_value(found: Readings) -> Readings:
    return found.at(steps.RESERVED if found.server.is_old else steps.VALUE_SET)


def _reads_value(found: Readings) -> bool:
    """The pool was drawn by the value that was written before the restart, whatever the rule."""
    here = _stage_of_value(found)
    ports = pool(here)
    if found.server.is_old:
        return max(ports) <= steps.OLD_VALUE
    return rule_of(here) != "another"


def rule_of(here: Readings) -> str:
    """From where the pool is drawn on 2008 and later with MaxUserPort set as lab sets it."""
    if here.server.is_old:
        raise CantTell("this is about Windows Server 2008 and later")
    ports, start = pool(here), here.ports(RANGE_UDP).first
    if start <= steps.NEW_VALUE:
        raise CantTell("the dynamic range begins too low to tell")
    if max(ports) <= steps.NEW_VALUE:
        return "from_1024"
    return "count_from_start" if start <= min(ports) and max(ports) <= start + steps.NEW_VALUE else "another"


def _rule(found: Readings) -> str:
    rule = rule_of(found.at(steps.VALUE_SET))
    if rule == "another":
        raise CantTell("the value was not read at a restart")
    return rule


_SERVICE: t.Final = (
    lab(
        "lab_failed_dependency",
        "What does StartService return if a service that is needed can't start?",
        code(steps.START_FAILING),
        LabStep(steps.START_FAILING),
        expect=13,
        settles="start_with_failed_dependency",
    ),
    lab(
        "lab_disabled_service",
        "What does StartService return for a service that is disabled?",
        code(steps.START_DISABLED),
        LabStep(steps.START_DISABLED),
        expect=14,
        tag="D",
        settles="start_of_disabled_service",
    ),
    lab(
        "lab_stopped_service",
        "What does StopService return for a service that does not run?",
        code(steps.STOP_STOPPED),
        LabStep(steps.STOP_STOPPED),
        expect=5,
        tag="C",
        settles="stop_of_stopped_service",
    ),
    lab(
        "lab_start_value",
        "Does the service manager tell the start type that it was given, if another one is written into the registry?",
        _keeps_mode,
        LabStep(steps.READ_MODE),
        settles="direct_start_value_needs_boot",
    ),
    lab(
        "lab_delay_in_group",
        "With which exit code does sc end if it delays a service of a load-order group?",
        _delay_error,
        LabStep(steps.DELAY_IN_GROUP),
        expect=87,
        settles="delayed_in_group_error",
    ),
    lab(
        "lab_type_ctrl_z",
        "Does type stop at the first Ctrl-Z of a file?",
        _type_stops,
        LabStep(steps.WRITE_FILE),
        LabStep(steps.TYPE_FILE),
        expect=False,
        tag="T",
        settles="type_stops_at_ctrl_z",
        depends_on=("findstr_keeps_every_byte",),
    ),
    lab(
        "lab_copy_ctrl_z",
        "Does copy /a copy up to the first Ctrl-Z?",
        _copy_cuts,
        LabStep(steps.WRITE_FILE),
        LabStep(steps.TYPE_FILE),
        LabStep(steps.COPY_FILE),
        LabStep(steps.TYPE_COPY),
        tag="D",
        settles="copy_ascii_cuts_at_ctrl_z",
        depends_on=("findstr_keeps_every_byte",),
    ),
)
_QUOTAS: t.Final = (
    lab(
        "lab_shell_fault",
        "Which element of the refusal of one shell too many has the number?",
        _shell_fault,
        LabStep(steps.ONE_SHELL_MORE),
        expect=_shell_fault_expected,
        settles="old_shell_quota_fault",
    ),
    lab(
        "lab_shell_fault_unrelated",
        "Does that refusal fail to say to which message it belongs?",
        _unrelated,
        LabStep(steps.ONE_SHELL_MORE),
        expect=lambda server: server.stack >= "3.0",
        tag="C",
        settles="unrelated_faults",
    ),
    lab(
        "lab_commands_count",
        "How is the last of 20 commands in one shell answered, each signalled after its end?",
        _commands,
        LabStep(steps.ONE_COMMAND_MORE),
        expect=_commands_expected,
        tag="D",
        settles="commands_keep_their_operation",
    ),
    lab(
        "lab_enumerations_count",
        "Is one of 20 enumerations refused if none was pulled to its end, with WinRM 1.1 and 2.0?",
        _enumerations,
        LabStep(steps.ONE_QUERY_MORE),
        settles="enumeration_counts_as_operation",
    ),
)
_PORTS_IN_USE: t.Final = (
    lab(
        "lab_used_port",
        "Does netsh refuse to exclude a UDP port that a program has?",
        _refused(steps.USED_UDP, ACTIVE_UDP),
        LabStep(steps.USED_UDP),
        *at(steps.IN_USE, ACTIVE_UDP),
        tag="D",
        settles="netsh_needs_free_ports",
    ),
    lab(
        "lab_connected_port",
        "Does netsh refuse to exclude the local port of an outgoing connection?",
        _refused(steps.CONNECTED, ACTIVE_TCP),
        LabStep(steps.CONNECTED),
        *at(steps.IN_USE, ACTIVE_TCP),
        settles="connections_hold_ports",
        depends_on=("netsh_needs_free_ports",),
    ),
    lab(
        "lab_waiting_port",
        "Does netsh refuse a port that only a connection has which has ended and waits?",
        _refused(steps.WAITING, ACTIVE_TCP),
        LabStep(steps.WAITING),
        *at(steps.IN_USE, ACTIVE_TCP),
        expect=False,
        settles="waiting_connections_hold_ports",
    ),
)
_POOL: t.Final = (
    lab(
        "lab_list_needs_restart",
        "Does the pool keep its ports until a restart if SocketPoolExcludedPortRanges names half of them?",
        _list_waits,
        *at(steps.WRITTEN, *POOL, POOL_EXCLUSIONS),
        settles="pool_list_needs_restart",
    ),
    lab(
        "lab_list_counts",
        "Does the pool leave half of its range alone after a restart if that list names it?",
        _list_counts,
        *at(steps.LISTED, *POOL, POOL_EXCLUSIONS),
        tag="D",
        settles="dns_honours_own_list",
    ),
    lab(
        "lab_pool_ignores_netsh",
        "Does the pool take ports of a range that netsh had excluded before the DNS server started?",
        _ignores_range,
        *at(steps.EXCLUDED, *POOL, ACTIVE_UDP),
        settles="dns_ignores_netsh_exclusions",
        depends_on=("exclusions_stop_explicit_binds",),
    ),
    lab(
        "lab_explicit_bind",
        "Is a program kept from an excluded port that it asks for by its number (DNS from UDP 53)?",
        _stopped_by_range,
        *at(steps.EXCLUDED, *POOL, ACTIVE_UDP),
        expect=False,
        tag="T",
        settles="exclusions_stop_explicit_binds",
    ),
    lab(
        "lab_draws_avoid",
        "Do programs that start after an exclusion get no TCP port of it by chance?",
        _draws_avoid,
        *at(steps.STOPPED, RANGE_TCP),
        *at(steps.EXCLUDED, *POOL, ACTIVE_TCP),
        *at(steps.SECOND_DRAW, *POOL),
        *at(steps.THIRD_DRAW, *POOL),
        settles="exclusions_in_force_at_once",
        depends_on=("other_ephemeral_users",),
    ),
    lab(
        "lab_value_at_start",
        "Does the DNS server read MaxUserPort whenever it starts?",
        _reads_value,
        *at(steps.VALUE_SET, *POOL, RANGE_UDP),
        *at(steps.RESERVED, *POOL),
        settles="pool_value_read_at_start",
        depends_on=("old_pool_follows_value",),
    ),
    lab(
        "lab_pool_range",
        "From where is the pool drawn on 2008 and later if MaxUserPort is set before a restart?",
        _rule,
        *at(steps.VALUE_SET, *POOL, RANGE_UDP),
        expect="count_from_start",
        tag="T",
        settles="pool_range_rule",
        contested="dns_pool_range",
        depends_on=("pool_value_read_at_start",),
    ),
)
ROWS: t.Final = (*_SERVICE, *_QUOTAS, *_PORTS_IN_USE, *_POOL)
