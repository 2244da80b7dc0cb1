# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_socket_pool
short_description: Set the size of the Windows DNS server's socket pool and the ports that it leaves alone
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Since the security update MS08-037 (KB951746, KB953230) the Windows DNS server opens a pool of UDP ports at its
    start, 2500 by default, and sends its queries from them at random. It may take a port that another service needs.
  - This module keeps it off certain ports (O(excluded_ports), Windows Server 2008 R2 and later) and sets how many it
    opens (O(size), all releases).
  - The DNS server reads both settings at its start. A change waits for a restart of DNS, see O(restart).
options:
  size:
    description:
      - How many sockets the pool has, for each address family. From 0 to 10000, or V(default).
      - V(default) removes the DWORD C(SocketPoolSize) from C(HKLM\SYSTEM\CurrentControlSet\Services\DNS\Parameters).
        The DNS server then opens 2500.
      - Below 2500 a warning says that a smaller pool makes the source port of a query easier to guess, which is what
        MS08-037 was made against. Exclude ports rather than shrinking the pool.
      - V(0) is refused unless O(allow_unsafe_size=true).
      - Left out, the size stays as it is.
    type: str
  excluded_ports:
    description:
      - Ports that the pool must leave alone, as V(n) or V(n-m), the lower number first and both ends included. The
        pool is UDP only, so that V(/udp) may stand behind them.
      - They are written as V(n-m) into the REG_MULTI_SZ C(SocketPoolExcludedPortRanges), in the same key as the size.
        An entry V(n) of somebody else's is read as V(n-n).
      - With O(state=present) and O(state=pure) from 1024 to 65535. Below 1024 the pool draws nothing.
      - On Windows Server 2003 and 2008 the DNS server has no such list, and the task fails. See
        M(portkeeper.windows.reserved_ports) for 2003, M(portkeeper.windows.service_start_mode) for 2008.
      - An explicit V([]) is accepted only with O(state=pure), where it empties the list. Otherwise an empty list is
        an error.
      - Left out, and without O(ad_lds_instances) and O(services), the list stays as it is.
    type: list
    elements: str
  state:
    description:
      - What O(excluded_ports), O(ad_lds_instances) and O(services) mean to the list. It says nothing about O(size).
      - V(present) - the ports are in the list. Other entries stay.
      - V(absent) - the ports are not in the list, whoever added them. Other ports of the same entries stay.
      - V(pure) - the ports are in the list and no others. Everything else is taken out, whoever added it, and a
        warning names it.
    type: str
    choices:
      - present
      - absent
      - pure
    default: present
  restart:
    description:
      - Restart the DNS server if a change of this run or of an earlier run of this collection waits for it. If
        nothing waits, DNS is left running.
      - Services that depend on DNS are stopped first and started again afterwards. The task ends when C(dns.exe)
        holds UDP port 53 again, not only when the service is said to run. DNS gets 120 seconds for that, and each
        service 120 seconds to stop and to start.
      - The default is V(false), because a restart is an outage of name resolution and draws a new pool.
      - With O(restart=true) alone the task does only this. It needs the journal to know of changes by earlier runs.
    type: bool
    default: false
  allow_unsafe_size:
    description:
      - Accept O(size=0), with which all queries leave from one port. That brings back the cache poisoning that
        MS08-037 closed.
    type: bool
    default: false
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._ports
notes:
  - At least one of O(size), O(excluded_ports), O(ad_lds_instances), O(services) and O(restart=true) is needed.
  - Of O(services) the UDP ports are meant. A service that needs none, such as V(blackberry_router), is an error, since
    the pool is UDP and can't be what takes its port.
  - The DNS server must be installed. Without it the task fails.
  - One article of 2009 calls the list C(SocketPoolPortExclusionList). No Windows reads a value of that name. Where
    one exists, a warning says so with each change; it is left as it is.
  - On Windows Server 2003 and 2008 without the update there is no pool. The size can be set there all the same, and
    does nothing.
  - Restarting DNS draws a new pool. Where a port is neither in the list nor (on Windows Server 2003) reserved, the
    new pool can take it from any service that does not hold it at that moment.
  - That a change of the list needs a restart of DNS is not documented (of the size it is). The module counts on it.
seealso:
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.service_start_mode
  - module: portkeeper.windows.converge
  - name: KB956188, services fail after the DNS update
    description: The conflict between the pool and other services.
    link: https://support.microsoft.com/kb/956188
  - name: KB956189, services fail on Windows Small Business Server 2003
    description: RADIUS, ActiveSync and IPsec as victims.
    link: https://support.microsoft.com/kb/956189
  - name: Configure the socket pool
    description: Size, default and the excluded ranges of Windows Server 2008 R2.
    link: https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/ee649174(v=ws.10)
"""

EXAMPLES = r"""
- name: Keep the DNS server off the ports of Exchange Edge's AD LDS instance (2008 R2 and later)
  hosts: edge
  gather_facts: false
  serial: 1
  tasks:
    - name: Exclude the ports, and restart DNS only if that is needed
      portkeeper.windows.dns_socket_pool:
        excluded_ports:
          - 50389
          - 50636
        restart: true

    - name: Exclude the ports now and leave the restart to the next maintenance window
      portkeeper.windows.dns_socket_pool:
        excluded_ports: 51820
      register: pool

    - name: In the maintenance window, restart DNS if anything still waits for it
      portkeeper.windows.dns_socket_pool:
        restart: true

    - name: Keep the pool off the ports of RADIUS and IPsec
      portkeeper.windows.dns_socket_pool:
        services:
          - ias
          - ipsec
        restart: true

    - name: Go back to the default size
      portkeeper.windows.dns_socket_pool:
        size: default

    - name: Take a range out of the list, whoever added it
      portkeeper.windows.dns_socket_pool:
        excluded_ports: 34000-34010
        state: absent
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
msg:
  description: What was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: "Nothing to change. The DNS server reads its socket pool's settings at its start: restart DNS."
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2022
before:
  description: The settings as found.
  returned: success
  type: dict
  contains: &pool
    size:
      description: The size, or V(default) where the value is not there.
      returned: when O(size) is given
      type: raw
      sample: default
    excluded_ports:
      description: The entries of the list, in its order.
      returned: when O(excluded_ports), O(ad_lds_instances) or O(services) is given
      type: list
      elements: str
      sample: ["51820-51820"]
after:
  description: The settings after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *pool
effective:
  description:
    - Whether the DNS server works with these settings now.
    - V(yes) - it does, or it is stopped and will read them at its start.
    - V(no) - it has not been restarted since they were changed.
    - V(unknown) - somebody else wrote them last, or the journal is switched off.
    - The answer is the same on later runs, until DNS has been restarted, by whomever.
  returned: success
  type: str
  sample: "no"
reasons:
  description: Why RV(effective) is what it is, one sentence each. Empty if everything is simply in force.
  returned: success
  type: list
  elements: str
  sample: ["The DNS server reads its socket pool's settings at its start: restart DNS."]
restart_required:
  description: Whether DNS must be restarted before the settings are in force.
  returned: success
  type: bool
  sample: true
reboot_required:
  description: Whether the server must be rebooted. Always V(false) here; each module that changes something returns it.
  returned: success
  type: bool
  sample: false
waiting_for:
  description: Ports that can't be excluded yet. Always empty here; M(portkeeper.windows.reserved_ports) fills it.
  returned: success
  type: list
  elements: dict
  sample: []
warnings:
  description: What should be known beside the result, such as the risk of a small pool, entries of others that can't be
    read, and a value with the dead name.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: ["SocketPoolExcludedPortRanges holds entries that are no ports and are kept as they are: 'abc'."]
"""
