# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' way to a server, their needs there and on the controller, and the traces that they leave on it."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements and notes that all modules share."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - pywinrm >= 0.4.3, on the controller
notes:
  - Works from the controller, by WS-Management to WMI. The target needs WinRM 1.1 or later and nothing else. No
    PowerShell, no .NET and no file of this collection comes into it.
  - Needs C(ansible_connection=winrm) (P(ansible.builtin.winrm#connection)) and uses its settings as they are. Any
    other connection plugin is refused with one sentence. Set C(gather_facts=false) in plays; gathering facts needs
    PowerShell on the target.
  - Use HTTPS, or HTTP with NTLM or Kerberos, which encrypts every message. Never use Basic over HTTP, which sends the
    password in clear text.
  - The account must be a member of the local group Administrators. For a local account other than the built-in
    Administrator, Windows takes these rights away over the network from Windows Server 2008 on, unless the DWORD
    C(LocalAccountTokenFilterPolicy) in C(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System) is 1.
  - C(become) and C(environment) have no effect and give one warning. C(async) is refused before anything is sent.
  - C(delegate_to) works, if the host that it names has C(ansible_connection=winrm) too. C(delegate_to=localhost) is
    refused.
  - The collection records its changes on the server, in the value C(Journal) below C(HKLM\SOFTWARE\Portkeeper).
    M(portkeeper.windows.converge) with C(state=absent) takes them back from there. The variable C(portkeeper_journal)
    (default V(true)) switches the journal off. Without the journal there is no record of the original, and C(effective)
    is mostly V(unknown).
"""
