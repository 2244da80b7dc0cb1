# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``reboot_plan``: which of many servers are to be rebooted, in which waves, and what is in the way."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import reboot_waves
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import plain
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import harmless

DOCUMENTATION = r"""
name: reboot_plan
author: The portkeeper.windows contributors (!UNKNOWN)
version_added: 0.1.0
short_description: Waves in which many servers can be rebooted, never two of one site at once
description:
  - Says which servers wait for a reboot, puts them into waves with at most one server of each site, and names the
    servers that do not serve.
  - The playbook C(portkeeper.windows.reboot) reboots by it.
positional: sites
options:
  _input:
    description:
      - Two results of each server by its name, as a list.
      - First M(portkeeper.windows.port_info) with the subsets V(release), V(services), V(configured_versus_effective)
        and V(sockets), O(portkeeper.windows.port_info#module:ports=53), and
        O(portkeeper.windows.port_info#module:detail=full).
      - Then M(portkeeper.windows.service_state) in check mode, with the services without which a server does not serve.
      - A server with a result that is empty, failed or unreachable was not read.
    type: dict
    required: true
  sites:
    description:
      - The site of each server of the inventory by its name, also of those that are not in the input. Upper and lower
        case mean the same. Servers without a site count as one site together.
    type: dict
    default: {}
  at_once:
    description: The most servers in a wave, at least 1.
    type: int
    default: 1
  uptime_hours:
    description:
      - Take servers that have been up for this many hours too, whether anything waits or not; V(0) takes all. If it is
        left out, only servers on which something waits are taken.
    type: float
seealso:
  - module: portkeeper.windows.server_reboot
"""

EXAMPLES = r"""
- name: See which domain controllers wait for a reboot
  hosts: domain_controllers
  gather_facts: false
  tasks:
    - name: Read what waits
      portkeeper.windows.port_info:
        gather_subset: [release, services, configured_versus_effective, sockets]
        ports: [53]
      register: waits

    - name: See whether their services run
      portkeeper.windows.service_state:
        name: [NTDS, Netlogon, kdc, DNS]
        state: started
        if_installed: true
      check_mode: true
      register: serves

    - name: Show the waves
      ansible.builtin.debug:
        msg: "{{ (results | portkeeper.windows.reboot_plan(sites, at_once=2)).lines }}"
      vars:
        all: "{{ ansible_play_hosts | map('extract', hostvars) | list }}"
        results: "{{ dict(ansible_play_hosts
          | zip(all | map(attribute='waits') | zip(all | map(attribute='serves')))) }}"
        sites: "{{ dict(ansible_play_hosts | zip(all | map(attribute='reboot_site', default=''))) }}"
      run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(waves) are lists of names. C(servers) has for each server in them its C(site), its C(wave) (from 1), C(why), the
      C(services) that must run after its reboot, and C(others), the other servers of its site.
    - C(lines) says the same for people. C(refusals) has a sentence for each server that could not be read, and for each
      that does not serve and that a reboot would not help, since nothing waits for it.
  type: dict
"""


def reboot_plan(
    results: t.Any, sites: t.Any = None, at_once: t.Any = 1, uptime_hours: t.Any = None
) -> dict[str, t.Any]:
    """The plan of plain values; raises AnsibleFilterError if an argument is of a wrong type or out of its range."""
    if not isinstance(results, t.Mapping) or not all(map(_is_pair, results.values())):
        raise AnsibleFilterError("reboot_plan needs a mapping of server names to two results each")
    if not isinstance(sites or {}, t.Mapping):
        raise AnsibleFilterError("reboot_plan needs the sites as a mapping of server names to sites")
    plan = reboot_waves.reboot_plan(
        [reboot_waves.looked(str(name), looked_at, served) for name, (looked_at, served) in results.items()],
        {str(name): str(site) for name, site in (sites or {}).items()},
        at_once=_number("at_once", at_once, int, least=1),
        uptime_hours=None if uptime_hours in (None, "") else _number("uptime_hours", uptime_hours, float, least=0),
    )
    return t.cast("dict[str, t.Any]", harmless(plain(plan)))


def _is_pair(items: t.Any) -> bool:
    return (
        isinstance(items, (list, tuple)) and len(items) == 2 and all(isinstance(result, t.Mapping) for result in items)
    )


NumberT = t.TypeVar("NumberT", int, float)


def _number(name: str, value: t.Any, kind: type[NumberT], *, least: int) -> NumberT:
    """A number that may have come as a text from the command line."""
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = kind(least - 1)
    if not number >= least:
        raise AnsibleFilterError(f"{name}: {value!r} is no number from {least} on")
    return number


class FilterModule:
    """The class that Ansible looks for; it names the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"reboot_plan": reboot_plan}
