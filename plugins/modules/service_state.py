# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_state
short_description: Start, stop or restart Windows services with everything that depends on them
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Starts, stops or restarts services by WMI. The order leaves no service without the services that it needs.
  - The order comes from the server's own service manager, not from a fixed list.
  - Before the first service stops, the journal records the services that run. RV(ran) returns them.
options:
  name:
    description:
      - One or more services, in the order in which they are handled. Give key names such as V(DNS), not display names.
      - Upper and lower case mean the same. A name given twice counts once.
      - If one of them does not exist, the task fails, names all that are missing, and touches none.
    type: list
    elements: str
    required: true
  state:
    description:
      - The state that the services must have.
      - V(started) - they run. Those that are stopped are started, in the order of O(name). Windows starts the services
        that they need. Services that depend on them are not started.
      - V(stopped) - they are stopped. The services that depend on them are stopped before.
      - V(restarted) - they are stopped as with V(stopped). Then exactly the services that ran are started in the
        reverse order, and each service of O(name) in any case. A restart happens in every run, so the task is always
        changed.
    type: str
    choices:
      - started
      - stopped
      - restarted
    required: true
  timeout:
    description:
      - Seconds that each single service may take to stop or to start, from 1 to 3600.
      - The default of 120 is enough for most slow servers. Raise it for services that take longer, such as V(600) for
        an information store.
    type: int
    default: 120
  if_installed:
    description:
      - Pass over services of O(name) that are not installed. With V(false) the task fails for them.
      - With V(true) one list serves servers with different versions of a product.
    type: bool
    default: false
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._risks
attributes:
  idempotent:
    support: partial
    details: With O(state=restarted) every run restarts the services.
notes:
  - A disabled service can't be started. The task fails before anything is touched; set its start mode with
    M(portkeeper.windows.service_start_mode) first.
  - If a restart is killed between stop and start, the journal has the services that it stopped. The next run of a
    module of this collection on that server starts them again (not in check mode, and not if the journal is switched
    off).
  - If a service ends at once, the task fails with its Win32 exit code. 10048 and 10013 mean that its port is taken;
    M(portkeeper.windows.port_info) names the holder.
seealso:
  - module: portkeeper.windows.service_start_mode
  - module: portkeeper.windows.port_info
  - module: portkeeper.windows.converge
  - name: Win32_Service
    description: The WMI class behind this module.
    link: https://learn.microsoft.com/windows/win32/cimwin32prov/win32-service
"""

EXAMPLES = r"""
- name: Stop AD LDS and everything that depends on it, and start what ran (Exchange Edge, 2022)
  block:
    - name: Stop the AD LDS instance and everything that depends on it
      portkeeper.windows.service_state:
        name: ADAM_MSExchange
        state: stopped
        timeout: 300
      register: stopped

    - name: Start exactly what ran
      portkeeper.windows.service_state:
        name: "{{ stopped.ran }}"
        state: started
        timeout: 300
      when: stopped.ran | length > 0

- name: Restart DNS and what depends on it (domain controller with RADIUS, 2008)
  portkeeper.windows.service_state:
    name: DNS
    state: restarted
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
verdict:
  description: How the server stands, the words that RV(msg) begins with. docs/troubleshooting.md says what each of them
    means.
  returned: success
  type: str
  sample: OK, in force
msg:
  description: The verdict, what was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: OK, in force. Nothing to change.
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2019
ran:
  description:
    - What ran and is stopped by this task, in the order in which it must be started. With V(restarted) it has been
      started again.
    - Empty with O(state=started), and where nothing had to be stopped.
  returned: success
  type: list
  elements: str
  sample: ["ADAM_MSExchange", "MSExchangeEdgeCredential", "MSExchangeTransport"]
before:
  description: The states as found.
  returned: success
  type: dict
  contains: &states
    state:
      description: From key names to states as Windows calls them, such as V(Running), V(Stopped), V(Start Pending).
        In RV(after) the dependents that change are named too.
      type: dict
      sample:
        ADAM_MSExchange: Running
after:
  description: The states after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *states
effective:
  description: Whether what was done is in force. Always V(yes) here; each module that changes something returns it.
  returned: success
  type: str
  sample: "yes"
reasons:
  description: Why RV(effective) is what it is. Always empty here; each module that changes something returns it.
  returned: success
  type: list
  elements: str
  sample: []
reboot_required:
  description: Whether the server must be rebooted. Always V(false) here; each module that changes something returns it.
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
