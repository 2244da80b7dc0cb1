# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' way to a server, their needs there and on the controller, and the traces that they leave on it."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements and notes that all modules share."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/portkeeper.windows.windows) in C(module_defaults) to set options for all modules that
      contact a server.
    support: full
    details: O(journal), O(retries), O(retry_delay) and O(deadline) are options of all of them. The defaults reach the
      tasks of this collection's roles, too.
    membership:
      - portkeeper.windows.windows
options:
  journal:
    description:
      - Whether what this task changes is recorded on the server, so that it can be taken back.
      - If it is not set, the variable C(portkeeper_journal) decides; if that is not set either, V(true) is meant.
    type: bool
  retries:
    description:
      - How often a message is sent again if the server has not taken it (connection refused, no connection in time,
        HTTP status 503, a WinRM service that says it is busy), or if its answer was lost and it changes nothing.
      - Never a command or a change that may have been carried out.
    type: int
    default: 3
  retry_delay:
    description:
      - Seconds before a message is sent again the first time; doubled each further time, up to 30 seconds.
    type: float
    default: 1.0
  deadline:
    description:
      - Seconds that this task may take on one server, beside the waits that have limits of their own, such as those for
        services and reboots.
      - When they are used up, services that this task has stopped are started again, and the task fails. Run it again
        to finish what was begun.
    type: int
    default: 600
requirements:
  - pywinrm >= 0.4.3, on the controller; with C(ansible_connection=psrp) pypsrp >= 0.5.0 instead
notes:
  - Works from the controller, by WS-Management to WMI. The target needs WinRM 1.1 or later and nothing else. No
    PowerShell, no .NET and no file of this collection comes into it.
  - Needs C(ansible_connection=winrm) (P(ansible.builtin.winrm#connection)) or C(ansible_connection=psrp)
    (P(ansible.builtin.psrp#connection)) and uses its settings as they are. Any other connection plugin is refused with
    one sentence. Set C(gather_facts=false) in plays; gathering facts needs
    PowerShell on the target.
  - Use HTTPS, or HTTP with NTLM or Kerberos, which encrypts every message. Never use Basic over HTTP, which sends the
    password in clear text.
  - The account must be a member of the local group Administrators. For a local account other than the built-in
    Administrator, Windows takes these rights away over the network from Windows Server 2008 on, unless the DWORD
    C(LocalAccountTokenFilterPolicy) in C(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System) is 1.
  - C(become) and C(environment) have no effect and give one warning. C(async) is refused before anything is sent.
  - C(delegate_to) works, if the host that it names has one of these connection plugins too. C(delegate_to=localhost) is
    refused.
  - The collection records its changes on the server, in the value C(Journal) below C(HKLM\SOFTWARE\Portkeeper).
    M(portkeeper.windows.converge) with C(state=absent) takes them back from there, for the module that made them or for
    another owner. Without the journal there is no record of the original, and C(effective) is mostly V(unknown).
"""
