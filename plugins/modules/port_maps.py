# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_maps
short_description: Write a picture of each server's ports, for tickets
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Writes one SVG file on the controller for each server that M(portkeeper.windows.port_info) has read. The picture
    shows the holders of ports, the ports that are kept back, and the needed ports that other processes hold. The file
    says the same in words.
  - It contacts no server. One task with C(run_once) writes the files of all servers.
  - The module M(portkeeper.windows.port_page) writes these pictures too, beside its page.
options:
  results:
    description:
      - The results of M(portkeeper.windows.port_info) by the servers' names, as C(register) keeps them. A server that
        could not be read gets no picture.
    type: dict
    required: true
  directory:
    description:
      - The directory on the controller that gets the files. It is made if it is missing. Other files in it stay as they
        are.
      - A file has the name of its server. Each character that is no letter, digit, dot, hyphen or C(_) becomes C(_),
        and some digits that differ from name to name follow, so that no two servers share a file.
    type: path
    required: true
  style:
    description:
      - The style sheet, as text, that each picture contains. By default the one of the page.
    type: str
  read_at:
    description:
      - The time at which the servers were read, in words, such as V(2026-03-01 04:00 UTC). The pictures show it. By
        default they show no time.
    type: str
    default: ""
extends_documentation_fragment:
  - portkeeper.windows._attributes
attributes:
  check_mode:
    details: Says which files would be written, and writes none.
  diff_mode:
    support: none
    details: The files are pictures.
  idempotent:
    support: full
    details: A file that is already as it would be written is left alone.
  platform:
    platforms: posix
    details: The controller. It works whatever the connection of the host is, and wherever it is delegated to.
seealso:
  - module: portkeeper.windows.port_info
  - module: portkeeper.windows.port_page
"""

EXAMPLES = r"""
- name: Draw the ports of all servers of the play (Exchange Edge, 2022)
  block:
    - name: Read them
      portkeeper.windows.port_info:
        gather_subset: [all]
        sockets_by: process
      register: ports

    - name: Write the pictures
      portkeeper.windows.port_maps:
        results: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'ports'))) }}"
        directory: "{{ playbook_dir }}/tickets"
      run_once: true
"""

RETURN = r"""
written:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["/srv/tickets/edge1.svg"]
"""
