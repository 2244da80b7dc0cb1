# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_start_mode
short_description: Set how Windows services are started
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Sets the start mode of one or more services, by WMI. It starts and stops no service;
    M(portkeeper.windows.service_state) does.
  - With O(start_mode=delayed) on the DNS server, other services take their ports before it draws its pool. That is the
    known way out on Windows Server 2008, whose DNS server can't leave chosen ports alone.
options:
  name:
    description:
      - One or more services. Give key names such as V(DNS), not display names; C(sc.exe getkeyname) translates.
      - Upper and lower case mean the same. A name given twice counts once.
      - If one of them does not exist, the task fails, names all that are missing, and changes none.
    type: list
    elements: str
    required: true
  start_mode:
    description:
      - How Windows starts the services.
      - V(auto) - at boot. A delayed start is removed.
      - V(delayed) - some time after the other automatic services, on Windows Server 2008 and later. The usual delay
        is 120 seconds; that is common knowledge, not verified. Takes effect at the next boot.
      - V(manual) - when a user or a program asks for it.
      - V(disabled) - not at all.
    type: str
    choices:
      - auto
      - delayed
      - manual
      - disabled
    required: true
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._risks
notes:
  - The task fails before it changes any service of the list in these cases. V(delayed) on Windows Server 2003, which
    has no delayed start; V(delayed) for a member of a load-order group, which Windows does not allow; any change of a
    driver that starts with Windows itself (boot, system).
  - The start mode is set by C(Win32_Service.ChangeStartMode). Only the delayed flag needs a command, C(sc.exe config
    NAME start= delayed-auto), since no WMI method can set it.
  - If an automatic service depends on a delayed one, Windows starts the delayed one at boot nevertheless.
  - Delay the DNS server, never the service that loses its port to it. A delayed service starts after DNS, which is
    worse.
  - On a domain controller a delayed DNS server delays name resolution for the directory at each boot.
seealso:
  - module: portkeeper.windows.service_state
  - module: portkeeper.windows.dns_socket_pool
  - module: portkeeper.windows.converge
  - name: SERVICE_DELAYED_AUTO_START_INFO
    description: The rules of the delayed start.
    link: https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_delayed_auto_start_info
  - name: Win32_Service.ChangeStartMode
    description: The method and its return codes.
    link: https://learn.microsoft.com/windows/win32/cimwin32prov/changestartmode-method-in-class-win32-service
"""

EXAMPLES = r"""
- name: Let DNS start after everything else (Exchange Edge, 2008)
  portkeeper.windows.service_start_mode:
    name: DNS
    start_mode: delayed

- name: Start RADIUS at boot (domain controller with RADIUS, 2008)
  portkeeper.windows.service_start_mode:
    name: IAS
    start_mode: auto
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
verdict:
  description: How the server stands, the words that RV(msg) begins with. docs/troubleshooting.md says what each of them
    means.
  returned: success
  type: str
  sample: OK, in force with the next boot
msg:
  description: The verdict, what was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: OK, in force with the next boot. Nothing to change. A delayed start shows at the next boot; nothing needs to
    be restarted for it.
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2008 SP2
before:
  description: The start modes as found.
  returned: success
  type: dict
  contains: &modes
    start_mode:
      description: From key names to V(auto), V(delayed), V(manual), V(disabled), and for drivers V(boot) or
        V(system).
      type: dict
      sample:
        DNS: auto
after:
  description: The start modes after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *modes
effective:
  description:
    - Whether the start mode is in force now.
    - V(yes) - it is, for every service of the list.
    - V(no) - the delayed start was set and no boot has followed, which is no reason to reboot; or Windows does not keep
      it, since an automatic service depends on the delayed one. RV(reasons) says which.
    - V(unknown) - somebody else set the delayed start last, or the journal is switched off.
    - The answer is the same on later runs, until the next boot. Check mode tells how it would be at the end of the run.
  returned: success
  type: str
  sample: "no"
reasons:
  description: Why RV(effective) is what it is, one sentence each. Empty if everything is simply in force.
  returned: success
  type: list
  elements: str
  sample: ["A delayed start shows at the next boot; nothing needs to be restarted for it."]
reboot_required:
  description: Whether the server must be rebooted. Always V(false) here, since a start mode matters only at a boot that
    comes anyway.
  returned: success
  type: bool
  sample: false
restart_required:
  description: Whether DNS must be restarted. Always V(false) here; each module that changes something returns it.
  returned: success
  type: bool
  sample: false
waiting_for:
  description: Ports that can't be excluded yet. Always empty here; M(portkeeper.windows.reserved_ports) fills it.
  returned: success
  type: list
  elements: dict
  sample: []
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
  description: What should be known beside the result.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: []
"""
