# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of every module of this collection. A module repeats only those that differ."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that all modules share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin, which does all of the work on the controller.
    support: full
  async:
    description: Can run in the background.
    support: none
    details: A task with C(async) fails before anything is sent to the server.
  check_mode:
    description: Can run in C(check_mode) and say what would change, without changing anything.
    support: full
    details: The same plan is made from the same readings; it is not carried out.
  diff_mode:
    description: Says in diff mode what has changed, or in C(check_mode) would change.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: Systems that can be managed.
    platforms: windows
    support: full
    details: Windows Server 2003 with WinRM 1.1 or later, up to Windows Server 2025.
"""
