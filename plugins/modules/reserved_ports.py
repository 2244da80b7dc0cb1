# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: reserved_ports
short_description: Keep ports from being handed out by chance on Windows
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Makes sure that no program gets these ports by chance, that is, by asking Windows for any free port.
  - The service that the ports belong to still gets them, since it asks for its port by number.
  - Windows has two mechanisms for that. The release decides which one is used, see O(mechanism).
  - Entries of other products in the same list stay as they are.
options:
  ports:
    description:
      - The ports, as V(n) or V(n-m), such as V(4500) or V(1812-1813). The lower number comes first, and both ends are
        included. V(/tcp) or V(/udp) after them reserves that protocol alone; the registry mechanism can't tell the
        protocols apart.
      - With O(state=present) and O(state=pure) from 1024 to 65535. Windows never hands out a port below 1024 by chance,
        so the task fails for one.
      - Required, unless O(ad_lds_instances) or O(services) names the ports.
      - An explicit V([]) is accepted only with O(state=pure). It means that no port is reserved. Otherwise an empty
        list is an error.
    type: list
    elements: str
  protocol:
    description:
      - The protocol that the ports are reserved for.
      - With the registry mechanism a reservation has no protocol. V(tcp) and V(udp) then reserve the ports for both,
        with a warning, and are an error with O(state=absent) and O(state=pure).
      - Each of O(services) is reserved only for the protocols that it uses, and, unless this option is V(both), only
        for this protocol. A service without a port of this protocol is an error.
      - With netsh TCP and UDP are two lists. A port of one is not reserved in the other.
      - The default is V(both), because both mechanisms can do it, and because a program may take the port with either
        protocol.
    type: str
    choices:
      - tcp
      - udp
      - both
    default: both
  state:
    description:
      - V(present) - the ports are reserved. Other entries stay.
      - V(absent) - the ports are not reserved, even if another program reserved them. A port that by the journal
        another owner needs stays, such as one of a role, and RV(msg) names that owner. Other ports of the same entries
        stay reserved.
      - V(pure) - the ports are reserved, and no others. All other entries are taken out, even those of other programs,
        and a warning names them. Entries of Windows itself are taken out too, such as 3343 (failover cluster) and 1801
        (Message Queuing).
      - With netsh, V(pure) changes only the lists of the protocols that the ports are meant for. If O(services), and
        V(/tcp) or V(/udp) in O(ports), name ports of one protocol alone, the list of the other protocol stays as it is.
        Numbers without a protocol, O(ad_lds_instances) and an empty list mean both, if O(protocol) is V(both).
      - On Windows Server 2003 a warning says if V(absent) or V(pure) releases UDP 4500 so that the next boot could
        leave IPSEC Services without it. IPSEC Services then block the whole network of the server (KB912023).
    type: str
    choices:
      - present
      - absent
      - pure
    default: present
  mechanism:
    description:
      - V(auto) - the mechanism that the server's release honours. Give another choice if you want an error on all other
        releases.
      - V(registry) - the REG_MULTI_SZ C(ReservedPorts) in C(HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters),
        on Windows Server 2003 only (KB812873). Windows reads it at boot, so a change waits for a reboot. Later
        releases ignore the value, so choosing this there is an error.
      - V(netsh) - the command C(netsh interface ipv4 add excludedportrange) with C(store=persistent). Built in from
        Windows Server 2012 on. Windows Server 2008 and 2008 R2 are asked whether they know it. They are said to get
        it by the hotfix KB2665809, which is not confirmed. A change counts at once, for sockets that are opened
        later; that no reboot is needed is common knowledge, not verified.
    type: str
    choices:
      - auto
      - registry
      - netsh
    default: auto
  only_reachable:
    description:
      - Exclude only those of the ports that this server can draw at random. These are the ports in its dynamic port
        ranges and, on Windows Server 2008 with a DNS server, in the range of the DNS server's pool. With the default
        ranges of Windows only ports from 49152 up are drawn. With V(false) all ports are excluded.
      - On Windows Server 2003 it has no effect; every port is reserved.
      - If another process than its owner holds a port, the task does not fail. RV(waiting_for) names the port.
      - If such a port can't be excluded because this netsh has no C(excludedportrange), or if the DNS server's pool on
        Windows Server 2008 reaches it in any case, the task succeeds. A warning says so and names the choices,
        RV(effective=no), and RV(unprotected) has the ports.
      - If C(MaxUserPort) is set on Windows Server 2008, and sources disagree if the pool reaches a port,
        RV(effective=unknown).
      - In M(portkeeper.windows.converge) the server counts as the other resources of the same run leave it.
      - Only for O(state=present). Ports that were reserved earlier stay reserved.
    type: bool
    default: false
  report_only:
    description:
      - Change nothing, and say in RV(unprotected) which of the ports can be taken at random as the server is now, by
        programs or by a DNS server that has no list of its own. For example, after O(report_only=true) with
        C(services=wireguard) you know if WireGuard needs a reservation.
      - With V(false) the ports are reserved.
      - Only for O(state=present).
    type: bool
    default: false
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
  - portkeeper.windows._ports
  - portkeeper.windows._risks
notes:
  - In C(ReservedPorts) entries that touch each other (1645-1645 and 1646-1646) are not reserved reliably (KB812873).
    On Windows Server 2003 touching entries are merged into one, and a port counts as reserved only when its entry is
    written V(n-m) and touches no other.
  - An entry of C(ReservedPorts) that is neither a port nor a range is kept as it is, with a warning. A value of another
    type than REG_MULTI_SZ is an error, and is left as it is.
  - netsh can't exclude a port that is in use. If its known owner holds it, the port is left out for now,
    RV(waiting_for) names it, and the task succeeds. If another process holds it, the task fails and names the process.
  - A TCP port that is the near end of an outgoing connection counts as in use too. Microsoft's documentation of the
    error only says that a port is in use. The task looks for such connections on at most 64 ports; for more ports,
    netsh itself gives the error.
  - netsh can't exclude a port inside a block that Windows made at run time (HTTP.sys, WinNAT, Hyper-V, containers). The
    task then fails and says so. Such blocks may change at each boot and are never touched.
  - To release a part of a block, netsh must delete the block and add the rest again, in one command line. The task
    refuses that while any port of the block is in use.
  - It is documented nowhere that the DNS server honours a netsh exclusion. Assume that it does not. On Windows Server
    2008 R2 and later, M(portkeeper.windows.dns_socket_pool) keeps the DNS server off a port, and this module keeps all
    other programs off it.
seealso:
  - module: portkeeper.windows.dns_socket_pool
  - module: portkeeper.windows.service_start_mode
  - module: portkeeper.windows.port_info
  - module: portkeeper.windows.converge
  - name: KB812873, reserve a range of ephemeral ports
    description: The value ReservedPorts, the releases that read it, and the warning about touching entries.
    link: https://learn.microsoft.com/troubleshoot/windows-server/networking/reserve-a-range-of-ephemeral-ports
  - name: KB929851, the default dynamic port range
    description: Which ports Windows hands out by chance, per release.
    link: https://learn.microsoft.com/troubleshoot/windows-server/networking/default-dynamic-port-range-tcpip-chang
  - name: CreatePersistentUdpPortReservation
    description: The programming interface behind netsh, with its errors.
    link: https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-createpersistentudpportreservation
"""

EXAMPLES = r"""
- name: Reserve the ports that the server's own registry names (Exchange Edge, 2003)
  portkeeper.windows.reserved_ports:
    ad_lds_instances:
      - MSExchange

- name: Reserve the ports of KB956189 - RADIUS, L2TP, ActiveSync, IPsec (Small Business Server 2003)
  portkeeper.windows.reserved_ports:
    ports:
      - 1645-1646
      - 1701
      - 1812-1813
      - 2883
      - 4500

- name: Reserve, and say whether a reboot is needed (Exchange Edge, 2003)
  block:
    - name: Reserve the ports of the AD LDS instance
      portkeeper.windows.reserved_ports:
        ad_lds_instances:
          - MSExchange
      register: reservation

    - name: Say whether a reboot is needed
      ansible.builtin.debug:
        var: reservation.reboot_required

- name: Keep a WireGuard port out of everybody's hands (member server, 2022)
  portkeeper.windows.reserved_ports:
    ports: 51820
    protocol: udp

- name: Reserve the ports of two services by their names (domain controller with RADIUS, 2003)
  portkeeper.windows.reserved_ports:
    services:
      - ias
      - ipsec

- name: Give two ports back, whoever reserved them (Exchange Edge, 2003)
  portkeeper.windows.reserved_ports:
    ports:
      - 50389
      - 50636
    state: absent

- name: See what a list without any other entries would cost (Small Business Server 2003)
  portkeeper.windows.reserved_ports:
    ports:
      - 3343
      - 4500
    state: pure
  check_mode: true
  diff: true
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
  sample: "NOT SAFE YET: REBOOT NEEDED. Nothing to change. Windows reads ReservedPorts at boot: it waits for a reboot."
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2003
before:
  description: The reservations as found.
  returned: success
  type: dict
  contains: &reservations
    mechanism:
      description: V(registry) or V(netsh).
      type: str
      sample: registry
    reserved_ports:
      description: The entries of the value C(ReservedPorts), in its order.
      returned: with the registry mechanism
      type: list
      elements: str
      sample: ["3343-3343"]
    excluded_tcp:
      description: The TCP ports that an administrator has excluded (rows with C(*)), neighbours joined.
      returned: with netsh, unless O(protocol=udp)
      type: list
      elements: str
      sample: ["50389-50389"]
    excluded_udp:
      description: The UDP ports that an administrator has excluded (rows with C(*)), neighbours joined.
      returned: with netsh, unless O(protocol=tcp)
      type: list
      elements: str
      sample: ["50389-50389"]
after:
  description: The reservations after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *reservations
effective:
  description:
    - Whether what is configured is in force now.
    - V(yes) - it is.
    - V(no) - it waits for a reboot, or for ports that are in use. RV(reasons) says which.
    - V(unknown) - somebody else wrote the value last, or the journal is switched off.
    - The answer is the same on later runs, until the reboot has come. Check mode tells how it would be at the end of
      the run.
  returned: success
  type: str
  sample: "no"
reasons:
  description:
    - Why RV(effective) is what it is, one sentence each. Empty if everything is simply in force.
    - With O(only_reachable) also why nothing is to be reserved.
  returned: success
  type: list
  elements: str
  sample: ["Windows reads ReservedPorts at boot: it waits for a reboot."]
unprotected:
  description:
    - The ports that can still be taken at random here although they are asked for, such as V(1812-1813/udp) or
      V(4500/udp), by who can take them. Empty lists where there is none.
  returned: with O(report_only), and with netsh and O(only_reachable)
  type: dict
  contains:
    programs:
      description: By programs that ask for any free port, since this netsh can't exclude ports, or since nothing was
        asked for but the report.
      type: list
      elements: str
      sample: ["1812-1813/udp"]
    dns_pool:
      description: By the DNS server of Windows Server 2008, or with O(report_only) of 2003, whenever it starts.
      type: list
      elements: str
      sample: ["1812-1813/udp"]
    disputed:
      description: By the DNS server of Windows Server 2008, if those sources are right which take C(MaxUserPort) for
        the highest port there.
      type: list
      elements: str
      sample: []
reboot_required:
  description:
    - Whether the server must be rebooted before the reservations are in force.
    - Never true with netsh.
  returned: success
  type: bool
  sample: true
restart_required:
  description: Whether DNS must be restarted. Always V(false) here; each module that changes something returns it.
  returned: success
  type: bool
  sample: false
waiting_for:
  description:
    - Ports that can't be excluded yet, because a process holds them, mostly their owner. RV(reasons) says if it is
      another.
    - Empty with the registry mechanism.
  returned: success
  type: list
  elements: dict
  contains:
    # generated by make documentation: waiting-for
    protocol:
      description: V(tcp) or V(udp).
      type: str
      sample: tcp
    port:
      description: The port.
      type: int
      sample: 50636
    process_id:
      description: The process that holds it.
      type: int
      sample: 1764
    image:
      description: File name of that process. Empty if it has gone since, C(an unknown program) if Windows did not name
        it.
      type: str
      sample: dsamain.exe
    services:
      description: Key names of the services in that process.
      type: list
      elements: str
      sample: ["ADAM_MSExchange"]
    outgoing:
      description: Whether it does not listen on the TCP port, but holds it as the near end of a connection to
        somewhere, or by a socket that is bound and nothing more.
      type: bool
      sample: false
    far_ends:
      description: Where these connections lead to, such as V(192.0.2.99:389) or V([2001:db8::99]:389).
      type: list
      elements: str
      sample: []
    # end of generated
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
  description: What should be known beside the result, such as entries of others, and options that mean less on this
    release.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: ["the ReservedPorts value has no protocol: the ports are reserved for TCP and UDP alike."]
"""
