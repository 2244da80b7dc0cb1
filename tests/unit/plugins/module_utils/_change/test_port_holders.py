# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What frees a port fits the process that holds it."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder

STOP = "stop that process, or move it"
HOLDERS: list[tuple[Holder, str]] = [
    (Holder("udp", 50389, 9, "thief.exe", ()), STOP),
    (Holder("udp", 50389, 9, "svchost.exe", ("W32Time",)), STOP),
    (Holder("tcp", 49665, 9, "svchost.exe", ("eventlog", "Dhcp")), "leave that process running"),
    (Holder("tcp", 5985, 9, "svchost.exe", ("WinRM",)), "leave that process running"),
    (Holder("tcp", 135, 9, "svchost.exe", ("RpcEptMapper", "RpcSs")), "leave that process running"),
    (Holder("tcp", 49667, 9, "lsass.exe", ("SamSs", "NTDS")), "reboot, or give its RPC a fixed port"),
    (Holder("tcp", 5357, 4, "System", ()), "stop the service that the kernel listens for"),
    (Holder("tcp", 50389, 9, "lsass.exe", (), outgoing=True), "wait until that connection ends, or reboot"),
    (Holder("tcp", 50389, 9, "thief.exe", (), outgoing=True), "stop or restart that process, whose next"),
]


@pytest.mark.parametrize(("holder", "words"), HOLDERS, ids=[f"{row[0].image}-{row[0].port}" for row in HOLDERS])
def test_the_remedy_fits_the_holder(holder: Holder, words: str) -> None:
    assert holder.remedy.startswith(words)
