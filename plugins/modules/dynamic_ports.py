# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamic_ports
short_description: Set the range that Windows hands out ephemeral ports from
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Windows takes the ports for programs that ask for any free port from one range. This module sets that range. A fixed
    port of another service is at risk only if it lies in that range.
  - On Windows Server 2003 the registry value C(MaxUserPort) is the end of the range (O(max_user_port)). On Windows
    Server 2008 and later C(netsh) sets the first port and the number of ports (O(start), O(number)).
  - The DNS server draws its socket pool from a range that follows from these settings, by its own rules. A warning
    names the range of the pool, and the services whose ports lie in it.
  - This module protects no port by itself. Use M(portkeeper.windows.reserved_ports) and
    M(portkeeper.windows.dns_socket_pool) for that.
options:
  max_user_port:
    description:
      - The highest ephemeral port on Windows Server 2003, from 5000 to 65534, or V(default).
      - It is the DWORD C(MaxUserPort) in C(HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters). Windows reads it
        at boot, so a change waits for a reboot.
      - V(default) removes the value. Windows then ends the range at 5000.
      - On Windows Server 2008 and later the TCP/IP stack does not read the value. The DNS server reads it, but sources
        disagree about its effect. So a number is an error there. V(default) is accepted and removes a value that is
        there; it waits for a restart of DNS.
      - A value beyond these limits that is on the server already, such as 65536, is read and returned as it is.
    type: str
  start:
    description:
      - The first port of the range, from 1025. Windows Server 2008 and later only; on 2003 it is an error.
      - It is set for IPv4 and IPv6, with C(netsh interface ipv4|ipv6 set dynamicport) and C(store=persistent).
      - Needs O(number).
    type: int
  number:
    description:
      - The number of ports in the range, at least 255. O(start) + O(number) - 1 must not be above 65535.
      - Needs O(start). C(start=49152) with C(number=16384) is the default of Windows.
    type: int
  protocol:
    description:
      - The protocol whose range O(start) and O(number) set. TCP and UDP have separate ranges.
      - C(MaxUserPort) has no protocol. With it V(tcp) and V(udp) set both, with a warning.
    type: str
    choices:
      - tcp
      - udp
      - both
    default: both
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._risks
notes:
  - O(max_user_port), or O(start) and O(number), is needed. For a fleet of several releases use
    M(portkeeper.windows.converge) with C(when_capable=dynamic_port_ranges) and C(unless_capable=dynamic_port_ranges).
  - It is not documented that a range set by netsh is in force at once, without a reboot. The module reads the active
    range after the change and fails if it differs.
  - On Windows Server 2003 the DNS server draws its pool from 1024 to C(MaxUserPort), or from 49152-65535 if the value
    is not set. The source is users who quote Microsoft's text for the update 953230.
  - If C(MaxUserPort) is set on Windows Server 2008 or later, sources disagree about the pool. One source says that the
    value is a count from the start of the range, another that it is the highest port. A warning says so.
  - On Windows Server 2003 a C(MaxUserPort) from 4500 up can leave IPSEC Services without UDP 4500 at the next boot.
    IPSEC Services then block the whole network of the server (KB912023). If DNS and IPSEC Services start by themselves,
    and UDP 4500 is not reserved, a change to such a number is an error, and nothing is changed. Reserve the port first,
    with M(portkeeper.windows.reserved_ports) and C(services=ipsec).
  - In M(portkeeper.windows.converge) with a C(reserved_ports) beside it, the run reserves UDP 4500 before it writes
    C(MaxUserPort). If the number is on the server already, or an undo brings it back, a warning says so, and
    M(portkeeper.windows.server_reboot) refuses to reboot the server.
  - Some products need a wide range. Exchange 2003 and ISA set C(MaxUserPort) to 60000 or more. On Windows Server
    2008 and 2008 R2 the setup of Exchange 2007 sets the dynamic range to 1025-60000, and that of Exchange 2010 (Client
    Access) to 6005-65534. A busy server with the default range can run out of ports.
seealso:
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.dns_socket_pool
  - module: portkeeper.windows.port_info
  - module: portkeeper.windows.converge
  - name: KB929851, the default dynamic port range
    description: The ranges per release, the commands of netsh and their limits.
    link: https://learn.microsoft.com/troubleshoot/windows-server/networking/default-dynamic-port-range-tcpip-chang
  - name: MaxUserPort
    description: The registry value of Windows Server 2003 and its limits.
    link: https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2003/cc758002(v=ws.10)
"""

EXAMPLES = r"""
- name: Go back to the range that Windows comes with (domain controller with RADIUS, 2008)
  block:
    - name: Set the range
      portkeeper.windows.dynamic_ports:
        start: 49152
        number: 16384
      register: dynamic_range

    - name: Say whether DNS must be restarted to follow
      ansible.builtin.debug:
        var: dynamic_range.restart_required

- name: See what it would mean to remove MaxUserPort, as one article does (Small Business Server 2003)
  portkeeper.windows.dynamic_ports:
    max_user_port: default
  check_mode: true
  diff: true

- name: Widen the range for a busy proxy (member server, 2003)
  portkeeper.windows.dynamic_ports:
    max_user_port: 65534

- name: Give outgoing TCP connections more ports, and leave UDP alone (member server, 2022)
  portkeeper.windows.dynamic_ports:
    start: 10000
    number: 55536
    protocol: tcp
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
verdict:
  description: How the server stands, the words that RV(msg) begins with. docs/troubleshooting.md says what each of them
    means.
  returned: success
  type: str
  sample: "NOT SAFE YET: REBOOT NEEDED"
msg:
  description: The verdict, what was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: "NOT SAFE YET: REBOOT NEEDED. Changed dynamic_ports. Windows reads MaxUserPort at boot: it waits for a
    reboot."
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2003
before:
  description: The settings as found.
  returned: success
  type: dict
  contains: &settings
    max_user_port:
      description: The value C(MaxUserPort), or V(default) where it is not there.
      returned: when O(max_user_port) is given
      type: raw
      sample: 60000
    tcp:
      description: The dynamic range for TCP over IPv4.
      returned: when O(start) is given, unless O(protocol=udp)
      type: str
      sample: 1025-60000
    tcp6:
      description: The dynamic range for TCP over IPv6.
      returned: when O(start) is given, unless O(protocol=udp)
      type: str
      sample: 1025-60000
    udp:
      description: The dynamic range for UDP over IPv4.
      returned: when O(start) is given, unless O(protocol=tcp)
      type: str
      sample: 1025-60000
    udp6:
      description: The dynamic range for UDP over IPv6.
      returned: when O(start) is given, unless O(protocol=tcp)
      type: str
      sample: 1025-60000
after:
  description: The settings after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *settings
effective:
  description:
    - Whether what is configured is in force now.
    - V(yes) - it is.
    - V(no) - it waits for a reboot, or the DNS server still has the pool that it drew before. RV(reasons) says which.
    - V(unknown) - somebody else wrote C(MaxUserPort) last, or the journal is switched off.
    - The answer is the same on later runs, until the reboot or the restart of DNS has come. Check mode tells how it
      would be at the end of the run.
  returned: success
  type: str
  sample: "no"
reasons:
  description: Why RV(effective) is what it is, one sentence each. Empty if everything is simply in force.
  returned: success
  type: list
  elements: str
  sample: ["Windows reads MaxUserPort at boot: it waits for a reboot."]
reboot_required:
  description:
    - Whether the server must be rebooted before the setting is in force.
    - Only with C(MaxUserPort) on Windows Server 2003.
  returned: success
  type: bool
  sample: true
restart_required:
  description:
    - Whether DNS must be restarted before its pool follows.
    - Only on Windows Server 2008 and later.
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
  description: What should be known beside the result, such as what the choice means to the DNS server's pool, and which
    installed services have ports in the range.
  returned: when there is something to warn of
  type: list
  elements: str
  sample:
    - "From its next start the DNS server's pool comes from 1024-60000. MaxUserPort is 60000: the DNS server draws from
      1024 to that port. That rule is told by users who quote Microsoft's text for the update 953230. In it lie UDP
      ports of ias, ipsec: keep them free."
"""
