# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_page
short_description: Write a page about the ports of many servers
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Writes what M(portkeeper.windows.port_info) read of many servers into files on the controller. C(index.html) is a
    page for people, in one file that loads nothing. C(report.json) has the same for programs, C(servers.csv) and
    C(findings.csv) for spreadsheets, C(ports.prom) metrics for Prometheus (OpenMetrics), C(junit.xml) checks for a CI
    server, and C(maps/) a picture of each server's ports for tickets.
  - The role P(portkeeper.windows.port_report#role) reads the servers and calls it. It contacts no server. One task with
    C(run_once) writes the files about all servers.
options:
  results:
    description:
      - The results of M(portkeeper.windows.port_info) by the servers' names, as C(register) keeps them. A result that
        is empty, failed or unreachable makes a server that was not read.
      - Give either this or O(registered).
    type: dict
  registered:
    description:
      - The name of the variable that has the result of M(portkeeper.windows.port_info) for each server of the play,
        from C(register), or from elsewhere, such as a file in C(host_vars). A server without it is one that was not
        read. No text in it is taken for a template.
      - For hundreds of servers this takes much less time than a template in O(results), since Ansible looks into each
        text of a template's value.
    type: str
  directory:
    description:
      - The directory on the controller that gets the files. It is made if it is missing. Other files in it stay as they
        are.
    type: path
    required: true
  title:
    description:
      - The title of the page.
    type: str
    default: Ports of Windows servers
  maps:
    description:
      - Whether to write the pictures, as M(portkeeper.windows.port_maps) does. The page has its own in any case.
    type: bool
    default: true
  before:
    description:
      - The C(report.json) of an earlier report, in another directory. The page then shows what became of each server.
    type: path
  inventory:
    description:
      - The sources of the inventory, such as R(ansible_inventory_sources,special_variables), for the head of the page.
    type: list
    elements: str
    default: []
  groups:
    description:
      - The servers of each group, such as R(groups,special_variables). With them a command that fixes a server names it
        by C(--limit) only if the playbook is for one of its groups. Without them all commands have C(--limit).
    type: dict
  read_at:
    description:
      - The time at which the servers were read, in words, such as V(2026-03-01 04:00 UTC). By default now.
      - In another form than this, C(ports.prom) and C(junit.xml) have no time.
    type: str
  risk_limit:
    description:
      - A risk of the next boot up to this probability, from 0 to 1, passes in C(junit.xml) and for O(fail_on).
    type: float
    default: 0.0
  fail_on:
    description:
      - The states of servers that RV(failure) is about. The module itself does not fail for them.
      - V(never) adds nothing. V(critical) means critical servers, V(warning) also those with a warning, and V(waiting)
        also those that wait for a reboot or a restart. V(not_read) means servers that were not, or not fully, read, and
        no others.
    type: list
    elements: str
    choices: [never, critical, warning, waiting, not_read]
    default: [never]
extends_documentation_fragment:
  - portkeeper.windows._attributes
attributes:
  check_mode:
    details: Says which files would be written, and writes none.
  diff_mode:
    support: none
    details: The files are made for reading, not for comparing.
  idempotent:
    support: full
    details: A file that is already as it would be written is left alone. The page has the time of the reading in it.
  platform:
    platforms: posix
    details: The controller. It works whatever the connection of the host is, and wherever it is delegated to.
seealso:
  - module: portkeeper.windows.port_info
  - module: portkeeper.windows.port_maps
  - plugin: portkeeper.windows.port_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write a page about all servers of the play (Exchange Edge, 2022)
  block:
    - name: Read them
      portkeeper.windows.port_info:
        gather_subset: [all]
        sockets_by: process
      register: ports

    - name: Write the page
      portkeeper.windows.port_page:
        registered: ports
        directory: "{{ playbook_dir }}/report"
        groups: "{{ groups }}"
        fail_on: [critical, not_read]
      register: page
      run_once: true

    - name: Fail if a server is critical, or was not read
      ansible.builtin.fail:
        msg: "{{ page.failure }}"
      when: page.failure != ''
      run_once: true
"""

RETURN = r"""
failure:
  description:
    - The sentence with which a job should fail, with at most ten names of servers. Empty if no server is as O(fail_on)
      says.
  returned: success
  type: str
  sample: "1 of 9 servers critical: edge1. The page: /srv/www/ports/index.html"
headline:
  description: One sentence about all servers.
  returned: success
  type: str
  sample: 2 of 9 servers critical, 1 with a warning, 6 well.
msg:
  description: The same, and where the page is.
  returned: success
  type: str
  sample: "2 of 9 servers critical, 1 with a warning, 6 well. The page: /srv/www/ports/index.html"
page:
  description: The page.
  returned: success
  type: str
  sample: /srv/www/ports/index.html
written:
  description: The files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["/srv/www/ports/index.html", "/srv/www/ports/report.json"]
"""
