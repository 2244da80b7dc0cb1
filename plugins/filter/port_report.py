# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``port_report``: what ``port_info`` returned of many servers, as the rows of a report."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import plain

DOCUMENTATION = r"""
name: port_report
author: The portkeeper.windows contributors (!UNKNOWN)
version_added: 0.1.0
short_description: Rows of a report about the ports of many servers
description:
  - Puts what M(portkeeper.windows.port_info) returned of many servers into rows, the worst server first, with a state
    and one sentence for each.
  - The module M(portkeeper.windows.port_page) writes its page, its JSON and its CSV of them.
options:
  _input:
    description:
      - The results of M(portkeeper.windows.port_info) by the servers' names, as C(register) keeps them; the subsets at
        the top of a result, or below RV(ignore:result). The more subsets, the more the report knows.
      - A result that is empty, failed or unreachable makes a server that was not read.
    type: dict
    required: true
seealso:
  - module: portkeeper.windows.port_info
  - module: portkeeper.windows.port_page
"""

EXAMPLES = r"""
- name: See which servers of the group edge are in trouble
  hosts: edge
  gather_facts: false
  tasks:
    - name: Read them
      portkeeper.windows.port_info:
        gather_subset: [all]
      register: ports

    - name: Show one sentence for all of them
      ansible.builtin.debug:
        msg: "{{ (dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'ports')))
          | portkeeper.windows.port_report).headline }}"
      run_once: true
"""

RETURN = r"""
_value:
  description:
    - The report, of mappings, lists, texts and numbers alone.
    - A server is C(waiting) where somebody must reboot or restart something before what is configured is in force. Its
      C(waits_for) says what. What the next boot puts in force though nobody does anything is in C(by_itself).
    - C(headline) is one sentence, C(states) counts the servers by state (critical, warning, waiting, not_read, well),
      C(hosts) has one row for each server with its needed ports, their holders, findings, risk and what waits.
  type: dict
"""


def port_report(results: t.Any) -> dict[str, t.Any]:
    """The rows; raises AnsibleFilterError where the input is no mapping of names to results."""
    if not isinstance(results, t.Mapping) or not all(isinstance(item, t.Mapping) for item in results.values()):
        raise AnsibleFilterError("port_report needs a mapping of server names to results of port_info")
    return t.cast("dict[str, t.Any]", plain(fleet(results)))


class FilterModule:
    """The class that Ansible looks for; it names the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"port_report": port_report}
