# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``port_look``: what ``port_info`` returned of many servers, as one line for each."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import seen_of, verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import harmless
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import Groups, next_steps

NOT_READ: t.Final = "NOT READ"
Facts = t.Mapping[str, t.Any]

DOCUMENTATION = r"""
name: port_look
author: The portkeeper.windows contributors (!UNKNOWN)
version_added: 0.1.0
short_description: One line about the ports of each of many servers
description:
  - Says of each server in one line how it stands, the worst thing there, and what to do next. The worst server comes
    first.
  - The playbook C(portkeeper.windows.look) prints these lines.
positional: groups
options:
  _input:
    description:
      - The results of M(portkeeper.windows.port_info) with O(portkeeper.windows.port_info#module:detail=full) and all
        subsets by the servers' names, as C(register) keeps them.
      - A result that is empty, failed or unreachable makes a server that was not read.
    type: dict
    required: true
  groups:
    description:
      - The servers of each group, such as R(groups,special_variables). With them a command that fixes a server names it
        by C(--limit) only if the playbook is for one of its groups. Without them all commands have C(--limit).
    type: dict
seealso:
  - module: portkeeper.windows.port_info
  - plugin: portkeeper.windows.port_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See how the servers of the group edge stand
  hosts: edge
  gather_facts: false
  tasks:
    - name: Read them
      portkeeper.windows.port_info:
        gather_subset: [all]
      register: ports

    - name: Show a line for each
      ansible.builtin.debug:
        msg: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'ports')))
          | portkeeper.windows.port_look(groups) }}"
      run_once: true
"""

RETURN = r"""
_value:
  description: A line for each server, the worst first.
  type: list
  elements: str
"""


def port_look(results: t.Any, groups: t.Any = None) -> list[str]:
    """The lines; raises AnsibleFilterError if the input is no mapping of names to results, or groups are no mapping."""
    if not isinstance(results, t.Mapping) or not all(isinstance(item, t.Mapping) for item in results.values()):
        raise AnsibleFilterError("port_look needs a mapping of server names to results of port_info")
    if groups is not None and not isinstance(groups, t.Mapping):
        raise AnsibleFilterError("port_look needs the groups as a mapping of group names to server names")
    return look_lines(results, groups)


def look_lines(results: t.Mapping[str, Facts], groups: Groups | None) -> list[str]:
    """A line for each server, the worst first; ``groups`` are the servers of each group of the inventory."""
    return [str(harmless(_line(host, results[host.name], groups))) for host in fleet(results).hosts]


def _line(host: Host, result: Facts, groups: Groups | None) -> str:
    own = None if groups is None else [name for name, members in groups.items() if host.name in members]
    parts = _of_read(host, result, own) if host.reading == "read" else (f"{NOT_READ}.", host.message)
    return " ".join([f"{host.name}:", *filter(None, parts)])


def _of_read(host: Host, result: Facts, groups: t.Collection[str] | None) -> tuple[str, ...]:
    facts = result.get("result")
    facts = facts if isinstance(facts, t.Mapping) else result
    info = from_plain(PortInfo, facts) or PortInfo()
    seen = seen_of(info, asked=facts)
    found = verdict(seen, facts) or "NOT ALL READ"
    steps = next_steps(info, seen, host.name, groups)
    return f"{found}.", host.headline, f"Next: {' ; '.join(steps)}" if steps else ""


class FilterModule:
    """The class that Ansible looks for; it names the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"port_look": port_look}
