# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option by which a task says that it means a risk."""

from __future__ import annotations


class ModuleDocFragment:
    """The guards that look at every plan, and how one of them is passed for one task."""

    DOCUMENTATION = r"""
options:
  accept_risks:
    description:
      - Risks that this task accepts. Before anything is changed, and in check mode too, guards look at what the task
        would do. They refuse what can't be mended from afar or starves the server, and say why. A risk that is named
        here is taken, with a warning.
      - V(way_in) - the way in. Refused is to stop or restart WinRM, RpcSs, DcomLaunch, RpcEptMapper, Winmgmt, HTTP,
        EventLog or anything that they depend on; to set one of them to manual or disabled; to reserve or exclude the
        TCP port that WinRM listens on; to move a dynamic range over it; and to reboot while WinRM does not start by
        itself. A delayed start is no risk, nor is a reservation on Windows Server 2003 that keeps the port out of the
        hands of programs that could draw it.
      - V(starved_range) - too few ports to draw from. Refused is what leaves fewer than 255 free ports of a dynamic
        range, or of the range of the DNS server's pool fewer than the pool's size and 255 more, if the task makes it
        worse. Free are the ports of the range less those that are reserved or excluded, by anyone, less those in use.
        If the task does not make it worse, and below twice the pool's size, there is a warning.
      - V(small_pool) - a socket pool of one socket, which brings back the cache poisoning that MS08-037 closed.
      - V(block_mode) - a next boot at which Windows Server 2003 may block all network traffic, since the DNS server's
        pool can take UDP 4500 from IPSEC Services (KB912023).
      - V(cluster) - to stop services of Exchange on a node of a cluster, which takes that for a failure.
      - What an undo brings back was there before. It is never refused, only warned of.
      - C(module_defaults) can't give this option, nor the older options that stand for one risk each. A task whose
        defaults do is refused before anything is sent.
    type: list
    elements: str
    choices:
      - way_in
      - starved_range
      - small_pool
      - block_mode
      - cluster
    default: []
    version_added: 0.1.0
"""
