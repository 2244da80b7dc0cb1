# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_reboot
short_description: Reboot a Windows server that has no PowerShell, and wait until it is back
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Reboots a server by WMI and waits until its uptime proves that it was done.
  - Refuses to reboot a server that could not be reached afterwards, see O(ignore_block_mode) and the notes.
  - Each run reboots. Use it with a condition such as C(when=result.reboot_required), where C(result) is what another
    module of this collection returned.
options:
  reboot_timeout:
    description:
      - Seconds until the server must be back and all O(services) must run, counted from the end of O(pre_reboot_delay).
        From 10 to 86400.
      - The default is the one of M(ansible.windows.win_reboot).
    type: int
    default: 600
  msg:
    description:
      - The text that users of the server see and that the event log keeps. One line of at most 127 characters; older
        systems take no more.
      - If C(shutdown.exe) must be used, each character that is not an English letter, a digit, a blank or one of
        C(.,:;=/_()+-) becomes C(_).
    type: str
    default: Reboot initiated by Ansible (portkeeper.windows)
  pre_reboot_delay:
    description:
      - Seconds between the request and the shutdown. From 0 to 600, the limit of C(shutdown.exe) on Windows Server
        2003.
      - The default is the one of M(ansible.windows.win_reboot). C(shutdown.exe) gets at least 2 seconds, so that its
        answer still arrives.
    type: int
    default: 2
  post_reboot_delay:
    description:
      - Seconds to wait after the server is back and O(services) run, before the task ends. From 0 to 3600.
      - The default is V(0). O(services) is a better way to wait, since it names the services to wait for.
    type: int
    default: 0
  services:
    description:
      - Key names of services that must run before the task ends, such as V(MSExchangeTransport). By default the task
        waits for no service.
      - If a service does not exist or is disabled, the task fails before it asks for the reboot.
    type: list
    elements: str
    default: []
  ignore_block_mode:
    description:
      - The same as V(block_mode) in O(accept_risks), which is newer.
      - Reboot even if the server may come up with its network blocked.
      - On Windows Server 2003 the reboot is refused if three things come together. DNS and IPSEC Services both start by
        themselves, the DNS server's pool can contain UDP 4500 (C(MaxUserPort) is 4500 or more), and C(ReservedPorts)
        does not contain 4500. The configured values count, since the boot reads them. Without that port IPSEC Services
        fail and block all network traffic (block mode, KB912023).
      - M(portkeeper.windows.reserved_ports) with C(ports=4500) is better than this option. The same boot brings it into
        force.
    type: bool
    default: false
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._risks
attributes:
  check_mode:
    details: Everything that could forbid the reboot is looked at. The task then says changed.
  idempotent:
    support: none
    details: Each run reboots.
notes:
  - The reboot is refused if the service WinRM does not start by itself. On Windows Server 2003 its start mode may be
    manual; C(winrm quickconfig) or M(portkeeper.windows.service_start_mode) make it automatic.
  - The server is asked by C(Win32_OperatingSystem.Win32ShutdownTracker), forced, as a planned reconfiguration of the
    operating system. Forced means that programs with unsaved work are closed; a session that somebody is logged on to
    can hang a shutdown that is not forced.
  - If WMI lacks the privilege for it, C(shutdown.exe /r /f) asks for the same in a WinRS shell. It is not documented if
    WMI has the privilege over WinRM.
  - The server's uptime alone proves the reboot. Boot times are not compared, because they move with the clock.
  - A domain controller rejects right credentials while it boots. So a 401 is not final. The next look comes after 60
    seconds, then after 120, then every 240, so that no account is locked.
  - The journal marks the settings that waited for the boot as in force.
seealso:
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.converge
  - module: ansible.windows.win_reboot
  - name: KB912023, IPsec block mode
    description: What a failed IPSEC Services does to Windows Server 2003, and the way out.
    link: https://support.microsoft.com/kb/912023
  - name: Win32ShutdownTracker
    description: The WMI method.
    link: https://learn.microsoft.com/windows/win32/cimwin32prov/win32shutdowntracker-method-in-class-win32-operatingsystem
"""

EXAMPLES = r"""
- name: Reserve, reboot if that is needed, and wait for mail (Exchange Edge, 2003)
  block:
    - name: Reserve the ports of the AD LDS instance
      portkeeper.windows.reserved_ports:
        ad_lds_instances:
          - MSExchange
      register: reservation

    - name: Reboot, and wait for mail
      portkeeper.windows.server_reboot:
        reboot_timeout: 1200
        services:
          - ADAM_MSExchange
          - MSExchangeTransport
      when: reservation.reboot_required

- name: Give logged-on users five minutes (member server, 2022)
  portkeeper.windows.server_reboot:
    msg: Maintenance, please save your work
    pre_reboot_delay: 300
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
verdict:
  description: How the server stands, the words that RV(msg) begins with. docs/troubleshooting.md says what each of them
    means.
  returned: success
  type: str
  sample: OK, rebooted
msg:
  description: The verdict, what was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: "OK, rebooted. The server was rebooted and was back after 214 seconds. In force since then: reserved_ports."
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2003
rebooted:
  description: Whether the server was rebooted. V(false) in check mode.
  returned: success
  type: bool
  sample: true
elapsed:
  description: Seconds from the request to the end of the task. 0 in check mode.
  returned: success
  type: float
  sample: 214.3
method:
  description: V(wmi) or V(shutdown.exe).
  returned: when the server was rebooted
  type: str
  sample: wmi
services:
  description: The states of O(services) at the end, by key name. Empty in check mode.
  returned: success
  type: dict
  sample:
    ADAM_MSExchange: Running
before:
  description: How the server was found.
  returned: success
  type: dict
  contains: &boot
    uptime:
      description: Seconds since the boot. In RV(after) 0 in check mode.
      type: int
      sample: 2592000
    waiting_for_reboot:
      description: Entries of the journal that wait for something that a boot brings.
      type: list
      elements: str
      sample: ["reserved_ports"]
after:
  description: How the server is left, or in check mode would be.
  returned: success
  type: dict
  contains: *boot
effective:
  description: Always V(yes), since a failed reboot fails the task. In check mode, how it would be after the reboot.
  returned: success
  type: str
  sample: "yes"
reasons:
  description: What waits for the reboot, in check mode.
  returned: success
  type: list
  elements: str
  sample: []
reboot_required:
  description: Always V(false), in check mode too. RV(before) says what waits for the reboot.
  returned: success
  type: bool
  sample: false
restart_required:
  description: Whether DNS must be restarted. Always V(false) here, since DNS starts anew with the server.
  returned: success
  type: bool
  sample: false
rights:
  description:
    - The rights that the steps need, as far as check mode can tell, each with the object that it is needed on.
    - C(missing) are those that Windows denies to the account; the run would stop there with access denied, and a
      warning says what to grant.
    - C(not_checked) are those for which Windows can't be asked without trying.
  returned: in check mode, if anything would be changed
  type: dict
  sample:
    missing: ["KEY_SET_VALUE on HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters"]
    not_checked: []
warnings:
  description: What should be known beside the result, such as an accepted risk of block mode, and a journal that can't
    be read or written.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: []
"""
