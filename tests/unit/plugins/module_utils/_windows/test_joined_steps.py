# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges that are set right before the services file is replaced: one command line, and each part's own failure."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    SetDynamicRanges,
    WriteServicesFile,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, DynamicRangesFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock, apply
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import CommandError, Untouched
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from tests.unit.plugins.module_utils._windows import samples
from tests.unit.plugins.module_utils._windows.given_server import GivenClient

FOLDER: t.Final = r"C:\Windows\System32\drivers\etc"
PATH: t.Final = rf"{FOLDER}\services"
BEFORE, AFTER = b"old 1/tcp\r\n", b"old 1/tcp\r\nnew 2/tcp\r\n"
WRITE: t.Final = WriteServicesFile(FOLDER, BEFORE, AFTER, keep_before=True, drop_backup=False)
NEW: t.Final = PortRange(1025, 60000)
SET: t.Final = netsh.set_dynamic_range("ipv4", "udp", NEW)
RANGES: t.Final = SetDynamicRanges((("ipv4", "udp", NEW),))


@pytest.fixture(name="target")
def target_of_2008r2(client: GivenClient) -> Target:
    """A server whose netsh sets ranges, and that has a services file."""
    client.server.machine.files[PATH] = BEFORE
    client.commands[SET] = (b"Ok.\r\n", 0)
    for protocol in PROTOCOLS:
        raw = samples.GERMAN.dynamic_range(NEW.first, NEW.count)
        client.commands[netsh.show_dynamic_range("ipv4", protocol)] = (raw, 0)
    return Target(client, release_of("6.1.7601", 3).capabilities)


def files(client: GivenClient) -> dict[str, bytes]:
    return dict(client.server.machine.files)


def test_what_is_written_first_goes_along_and_two_lines_do_both_steps(client: GivenClient, target: Target) -> None:
    assert DynamicRangesFact() in apply(target, RANGES, Clock(), following=WRITE)
    assert files(client) == {PATH: BEFORE, f"{PATH}.portkeeper-1-new": AFTER}
    apply(target, WRITE, Clock())
    assert files(client) == {PATH: AFTER, f"{PATH}.portkeeper-backup": BEFORE}
    assert [SET in line for line in client.log] == [True, False]
    # What reads the input comes first.
    assert client.log[0].startswith("command findstr")
    assert client.inputs == [AFTER, BEFORE]
    assert client.programs == ["netsh and findstr", "findstr"]


def test_if_the_ranges_are_refused_the_sentence_is_theirs_and_no_file_of_ours_stays(
    client: GivenClient, target: Target
) -> None:
    raw = samples.GERMAN.dynamic_range(49152, 16384)
    client.commands |= {SET: (b"Zugriff verweigert.\r\n", 1), netsh.show_dynamic_range("ipv4", "udp"): (raw, 0)}
    with pytest.raises(CommandError, match=r"set the dynamic ipv4 range to UDP 1025-60000: .*Zugriff verweigert"):
        apply(target, RANGES, Clock(), following=WRITE)
    assert files(client) == {PATH: BEFORE}
    assert not any("move" in line for line in client.log)


def test_if_the_new_file_is_refused_the_ranges_are_set_and_the_sentence_is_the_file_s(
    client: GivenClient, target: Target
) -> None:
    client.commands[f'type "{FOLDER}\\services.portkeeper-1-new"'] = (b"n?w\n", 0)
    assert DynamicRangesFact() in apply(target, RANGES, Clock(), following=WRITE)
    with pytest.raises(Untouched, match=r"etc\\services: the new content does not read as it was sent"):
        apply(target, WRITE, Clock())
    assert files(client) == {PATH: BEFORE}
    assert sum(SET in line for line in client.log) == 1
    assert not any("move" in line for line in client.log)


def test_what_no_command_can_write_does_not_go_along(client: GivenClient, target: Target) -> None:
    unsendable = WRITE._replace(after=b"a\x1ab")
    apply(target, RANGES, Clock(), following=unsendable)
    assert "findstr" not in client.log[0]
    with pytest.raises(Untouched, match="holds a Ctrl-Z"):
        apply(target, unsendable, Clock())


def test_what_went_along_is_not_taken_for_another_file(client: GivenClient, target: Target) -> None:
    apply(target, RANGES, Clock(), following=WRITE)
    other = WRITE._replace(after=b"other 3/tcp\r\n")
    apply(target, other, Clock())
    assert files(client)[PATH] == b"other 3/tcp\r\n"
    assert client.inputs == [AFTER, b"other 3/tcp\r\n", BEFORE]
