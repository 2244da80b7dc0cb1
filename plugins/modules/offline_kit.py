# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: offline_kit
short_description: Write batch files that configure a server which WinRM can't reach
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Writes a folder on the controller for one server. A person carries it to the server and starts its batch files
    there. It is for Windows 2000, which has no WinRM, and for other servers that WinRM can't reach.
  - The first run writes C(0-look.cmd), which changes nothing on the server and writes the folder C(look). Bring that
    folder back. The second run plans from it, by the planners of M(portkeeper.windows.converge), and writes
    C(1-backup.cmd), C(2-apply.cmd), C(3-verify.cmd), C(undo.cmd) and C(README.txt).
  - Each of these batch files looks at the settings first. It does nothing if one of them is neither as it was looked
    at nor as the kit sets it. So entries that someone else has made are kept.
  - It contacts no server, and writes no journal on it. So the other modules of this collection know nothing of what a
    kit has changed.
options:
  directory:
    description:
      - The folder on the controller, one for each server. It is made if it is missing.
      - A folder with a backup in it has been used. It is left alone, since its C(undo.cmd) belongs to that backup.
    type: path
    required: true
  release:
    description:
      - The release of Windows. V(2003) stands for 2003 R2 and Small Business Server 2003 too. The task fails if the
        look is of a server with another version.
    type: str
    required: true
    choices: ["2000", "2003", "2008", "2008r2", "2012", "2012r2", "2016", "2019", "2022", "2025"]
  service_pack:
    description:
      - The number of the service pack. Only Windows 2000 needs it, and only to reserve ports. The kit takes for granted
        that Windows 2000 honours reservations from service pack 4 on, which is not verified.
    type: int
    default: 0
  resources:
    description:
      - What the server is to have, as the option of the same name of M(portkeeper.windows.converge). A kit does
        C(reserved_ports), C(dns_socket_pool), C(dynamic_ports), C(static_rpc_port) and C(service_start_mode).
    type: list
    elements: dict
    required: true
  restart_dns:
    description:
      - Whether C(2-apply.cmd) may stop and start the DNS server if a change needs it.
    type: bool
    default: false
  look:
    description:
      - The folder that C(0-look.cmd) wrote. By default C(look) in O(directory).
    type: path
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._risks
attributes:
  check_mode:
    details: Plans, says which files would be written, and writes none.
  diff_mode:
    support: none
    details: The result has the changes in words.
  idempotent:
    support: full
    details: A file that is already as it would be written is left alone.
  platform:
    platforms: posix
    details: The controller. It works whatever the connection of the host is, and wherever it is delegated to.
seealso:
  - module: portkeeper.windows.converge
"""

EXAMPLES = r"""
- name: Write a kit for a server that WinRM does not reach (Small Business Server 2003)
  portkeeper.windows.offline_kit:
    directory: "{{ playbook_dir }}/kits/{{ inventory_hostname }}"
    # For Windows 2000 write "2000", and service_pack: 4.
    release: "2003"
    resources:
      - reserved_ports:
          services: [ias, l2tp, autd, ipsec]
"""

RETURN = r"""
files:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["/srv/kits/old1/0-look.cmd", "/srv/kits/old1/README.txt"]
removed:
  description: The batch files of an earlier kit that were deleted, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: []
complete:
  description: Whether the kit has all its files. If not, it only looks.
  returned: success
  type: bool
  sample: true
changes:
  description: The changes that C(2-apply.cmd) makes, in words.
  returned: success
  type: list
  elements: str
  sample: ['Tcpip\Parameters ReservedPorts: 1645-1646, 1812-1813, 3343-3343']
reboot_required:
  description: Whether one of the changes is in force only after a reboot.
  returned: success
  type: bool
  sample: true
warnings:
  description: What should be known beside the kit. C(README.txt) has it too.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: []
msg:
  description: The next thing to do.
  returned: always
  type: str
  sample: The kit in /srv/kits/old1 makes 1 change; /srv/kits/old1/README.txt says how.
"""
