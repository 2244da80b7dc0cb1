# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_info
short_description: Say who holds a port on a Windows server, what is wrong there, and what to do about it
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Answers the question of the night, which process has that port, and which service is it.
  - Tells what the trouble rests on. The ranges that ports are drawn from, the reservations, the DNS server's socket
    pool, the AD LDS instances and their ports, and whether what is configured is in force.
  - Finds what is wrong. Which service lost its port to whom, why, and what to do about it, as tasks to paste. Also some
    trouble beyond ports that hurts the same servers.
  - Changes nothing.
options:
  gather_subset:
    description:
      - What to look at. Names of the returned fields, V(release), V(updates), V(dynamic_ranges), V(reservations),
        V(dns_pool), V(sockets), V(ad_lds), V(services), V(roles), V(configured_versus_effective), V(risk),
        V(findings), or V(all).
      - C(!name) takes one away. Only such names mean all but those.
      - If it is left out, O(query) decides by the fields that the expression names; else O(ports) means V(sockets);
        else it is everything but V(sockets), because a DNS server has thousands of them.
      - V(sockets) together with V(dns_pool), without O(ports), counts the sockets of the pool too.
    type: list
    elements: str
  ports:
    description:
      - Tell of these ports only when looking at sockets. As V(n) or V(n-m), from 0 to 65535. An empty list is an
        error.
    type: list
    elements: str
  query:
    description:
      - A JMESPath expression over all that is returned here. The answer is in RV(result), and the other fields are
        then left out.
      - An expression of the form C(sockets[?port==`50636`]) is as cheap as O(ports), since only that port is read.
      - Needs the Python package jmespath on the controller, for this option only.
    type: str
  sockets_by:
    description:
      - How RV(sockets) are told of. V(process) makes one row of all sockets of a process that are alike, with their
        ports as one text; that is enough for most, and far less where a server has thousands.
      - V(process) can't be used together with O(query).
    type: str
    choices: [socket, process]
    default: socket
  ad_lds_instance:
    description:
      - The AD LDS instance that the role C(exchange_edge_dns) is to care for, as its variable
        C(exchange_edge_dns_instance) says. Counts for RV(roles) only.
    type: str
    default: MSExchange
  event_days:
    description:
      - How many days back the event logs are looked at for RV(findings), by the server's own clock. From 0 to 365.
    type: float
    default: 7
  event_limit:
    description:
      - How many events of each log are read at most for RV(findings), the newest ones. From 1 to 1000.
    type: int
    default: 50
  retransmitted_percent:
    description:
      - From how many percent of retransmitted TCP segments on RV(findings) looks at teams and drivers of network
        adapters. From 0 to 100.
    type: float
    default: 1
  driver_years:
    description:
      - How many years old a network adapter's driver may be before RV(findings) calls it old. From 0 to 100.
    type: float
    default: 3
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
attributes:
  check_mode:
    details: Works as without it, since nothing is changed anyway.
  diff_mode:
    support: none
    details: Nothing is changed.
requirements:
  - jmespath >= 1.0.0, on the controller, for the option C(query) only
notes:
  - A field that this Windows can't answer is null, and a warning says why.
  - Sockets come from WMI on Windows Server 2012 and later, and from C(netstat -ano) before, and wherever a shell is
    open anyway. Words of C(netstat) are not looked at, so any language will do.
  - On Windows Server 2003 and 2008 the list of updates can confirm the update that brought the socket pool. That it
    is not in the list proves nothing.
  - Events are chosen by log, source and number, and errors by their number in the event (C(%%10048)). Words are not
    looked at, so any language will do.
  - What is reported as a finding is told by its evidence alone. A server on which nothing is wrong has none.
seealso:
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.dns_socket_pool
  - module: portkeeper.windows.converge
  - name: JMESPath
    description: The query language.
    link: https://jmespath.org
"""

EXAMPLES = r"""
- name: Find every Edge server whose AD LDS port is with the DNS server
  hosts: edge
  gather_facts: false
  tasks:
    - name: Who has the ports?
      portkeeper.windows.port_info:
        ports:
          - 50389
          - 50636
      register: found

    - name: Name the thief
      ansible.builtin.debug:
        msg: "{{ found.msg }}"
      when: found.sockets | selectattr('pool') | list | length > 0

    # At 3 a.m., from the shell, without a playbook:
    #   ansible edge1 -m portkeeper.windows.port_info -a 'ports=50636'
    #   ansible edge1 -m portkeeper.windows.port_info -a 'query=sockets[?port==`50636`]'

    - name: See what waits for a reboot or a restart
      portkeeper.windows.port_info:
        query: "configured_versus_effective[?effective!='yes'].[resource, part, reason]"

    - name: Name what the next boot may break, and what would help
      portkeeper.windows.port_info:
        query: "risk.{probability: probability, after: candidates[?advised].[name, probability]}"

    - name: See which roles of this collection are for this server
      portkeeper.windows.port_info:
        query: roles.fitting

    - name: See what is wrong, the worst first
      portkeeper.windows.port_info:
        query: "findings[].[severity, summary, cause]"

    - name: Get the tasks that mend the critical ones
      portkeeper.windows.port_info:
        query: "findings[?severity=='critical'].fix"
        event_days: 30

    - name: Look at everything, sockets included
      portkeeper.windows.port_info:
        gather_subset: all
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
msg:
  description: The answer in one or a few sentences.
  returned: success
  type: str
  sample: UDP 50636 is held by dns.exe (process 1692, service DNS). Nobody holds TCP 50636.
result:
  description: The answer to O(query). None where the expression finds nothing.
  returned: when O(query) is given
  type: raw
  sample:
    - protocol: udp
      address: 0.0.0.0
      port: 50636
      process_id: 1692
      image: dns.exe
      services: ["DNS"]
      pool: true
release:
  description: The server's Windows and what it offers to this collection.
  returned: when gathered
  type: dict
  contains:
    name:
      description: The release.
      type: str
      sample: Windows Server 2022
    version:
      description: Major, minor and build number.
      type: str
      sample: 10.0.20348
    caption:
      description: What Windows calls itself.
      type: str
      sample: Microsoft Windows Server 2022 Standard
    uptime:
      description: Seconds since the boot.
      type: int
      sample: 86400
    domain_controller:
      description: Whether it is a domain controller.
      type: bool
      sample: false
    capabilities:
      description: What this release offers.
      type: dict
      contains:
        reserved_ports_value:
          description: Windows honours the value C(ReservedPorts).
          type: bool
          sample: false
        excluded_port_ranges:
          description: Whether netsh has C(excludedportrange). V(yes), V(no), or V(probe) where the server must be
            asked.
          type: str
          sample: "yes"
        dynamic_port_ranges:
          description: The range of ephemeral ports can be set by netsh.
          type: bool
          sample: true
        dns_pool_exclusions:
          description: The DNS server can leave ports alone.
          type: bool
          sample: true
        always_has_pool:
          description: The DNS server has a socket pool without an update.
          type: bool
          sample: true
        dns_pool_range:
          description: What C(MaxUserPort) means to the DNS server. V(max_user_port) for the highest port,
            V(count_from_start) for a count. The latter is contested.
          type: str
          sample: count_from_start
        delayed_start:
          description: Services can start delayed.
          type: bool
          sample: true
        delayed_start_property:
          description: WMI tells of a delayed start; before, the registry does.
          type: bool
          sample: true
        network_endpoint_classes:
          description: WMI tells of sockets; before, C(netstat) does.
          type: bool
          sample: true
        shell_codepage:
          description: Code page of a WinRS shell.
          type: int
          sample: 65001
        dfsr_port:
          description: The port of DFS Replication on a domain controller, where the release fixes it, or none.
          type: int
          sample: 5722
        ipsec_block_mode:
          description: A failed IPSEC Services blocks all network traffic.
          type: bool
          sample: false
updates:
  description: The update that brought the DNS socket pool (MS08-037). Windows Server 2008 R2 and later have the pool
    without it and are not asked.
  returned: when gathered
  type: dict
  contains:
    seen:
      description: Those of KB951746 and KB953230 that Windows lists.
      type: list
      elements: str
      sample: ["KB951746"]
    dns_pool:
      description: V(always) where the release has the pool, V(confirmed) where the update is listed or C(dns.exe) was
        seen to hold 100 UDP sockets or more, V(assumed) where neither is.
      type: str
      sample: confirmed
    reason:
      description: Why, in one sentence.
      type: str
      sample: Windows lists KB951746 (MS08-037).
dynamic_ranges:
  description: Where ports are drawn from at random.
  returned: when gathered
  type: dict
  contains:
    mechanism:
      description: V(netsh), or V(registry) on Windows Server 2003.
      type: str
      sample: netsh
    tcp:
      description: For TCP over IPv4.
      type: dict
      contains: &range
        first:
          description: The lowest port.
          type: int
          sample: 49152
        last:
          description: The highest port.
          type: int
          sample: 65535
        count:
          description: How many ports these are.
          type: int
          sample: 16384
    udp:
      description: For UDP over IPv4.
      type: dict
      contains: *range
    tcp6:
      description: For TCP over IPv6. None on Windows Server 2003.
      type: dict
      contains: *range
    udp6:
      description: For UDP over IPv6. None on Windows Server 2003.
      type: dict
      contains: *range
    max_user_port:
      description: The registry value C(MaxUserPort), or none.
      type: int
      sample: 65534
    meaning:
      description: What C(MaxUserPort) means here for the TCP/IP stack and for the DNS server, a sentence each.
      type: list
      elements: str
      sample: ["The TCP/IP stack of Windows Server 2022 does not read MaxUserPort."]
reservations:
  description: The ports that nobody gets by chance. None where the release honours neither mechanism.
  returned: when gathered
  type: dict
  contains:
    mechanism:
      description: V(registry) or V(netsh).
      type: str
      sample: netsh
    tcp:
      description: The reserved TCP ports, neighbours joined.
      type: list
      elements: str
      sample: ["50389-50389", "50636-50636"]
    udp:
      description: The reserved UDP ports, neighbours joined. With the registry mechanism the same as for TCP.
      type: list
      elements: str
      sample: ["50389-50389", "50636-50636"]
    blocks:
      description: The rows of netsh. Empty on Windows Server 2003.
      type: list
      elements: dict
      contains:
        protocol:
          description: V(tcp) or V(udp).
          type: str
          sample: tcp
        first:
          description: The lowest port.
          type: int
          sample: 50000
        last:
          description: The highest port.
          type: int
          sample: 50059
        administered:
          description: Whether an administrator added it (a row with C(*)). Others were made by Windows at run time
            (WinNAT, Hyper-V) and change at each boot.
          type: bool
          sample: true
    entries:
      description: The value C(ReservedPorts) as it stands.
      type: list
      elements: str
      sample: []
    unreadable:
      description: Its entries that are no ports.
      type: list
      elements: str
      sample: []
    entries_honoured:
      description: Whether Windows reads that value at all. Only Windows Server 2003 does.
      type: bool
      sample: false
dns_pool:
  description: The DNS server and its socket pool. None where the DNS server is not installed.
  returned: when gathered
  type: dict
  contains:
    state:
      description: State of the service.
      type: str
      sample: Running
    start_mode:
      description: Its start mode as Windows reads it. C(Auto) covers the delayed start too.
      type: str
      sample: Auto
    process_id:
      description: Its process. 0 where it does not run.
      type: int
      sample: 1692
    size:
      description: The size that it has, configured or the default.
      type: int
      sample: 2500
    configured_size:
      description: The value C(SocketPoolSize), or none.
      type: int
      sample: 5000
    excluded_ports:
      description: The entries of C(SocketPoolExcludedPortRanges).
      type: list
      elements: str
      sample: ["50389-50389"]
    unreadable:
      description: Those entries that are no ports.
      type: list
      elements: str
      sample: []
    excluded_ports_supported:
      description: Whether this DNS server reads that list at all.
      type: bool
      sample: true
    dead_value:
      description: Whether there is a value C(SocketPoolPortExclusionList), which no Windows reads.
      type: bool
      sample: false
    range:
      description: Where the pool is drawn from.
      type: dict
      contains: *range
    range_rule:
      description: The rule behind it, V(default), V(dynamic_range), V(max_user_port) or V(count_from_start).
      type: str
      sample: default
    range_reason:
      description: The rule in a sentence.
      type: str
      sample: "MaxUserPort is not set: the default, 49152-65535."
    range_contested:
      description: Whether the sources disagree about this rule, or none confirms it.
      type: bool
      sample: false
    sockets_held:
      description: How many UDP sockets beside port 53 the DNS server holds now, both address families together. None
        unless all sockets are gathered.
      type: int
      sample: 5000
sockets:
  description:
    - TCP listeners, bound UDP sockets, and outgoing TCP connections that hold a port, sorted by port.
    - Outgoing connections are looked at on O(ports), if these are 64 at most, and without O(ports) on those of the
      catalogue of known services. On a port that somebody listens on there is none, since an accepted connection shares
      its listener's port. netstat, on releases before Windows Server 2012, does not show sockets that are bound and
      nothing more.
  returned: when gathered
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp) or V(udp).
      type: str
      sample: udp
    ports:
      description: All ports of the process that are alike in the other fields, neighbours merged. Instead of
        RV(sockets[].port) and RV(sockets[].address), with O(sockets_by=process) only.
      type: str
      sample: 80, 443, 49152-49160
    count:
      description: How many ports these are. With O(sockets_by=process) only.
      type: int
      sample: 11
    address:
      description: The address that it is bound to. C(0.0.0.0) and C(::) mean any.
      type: str
      sample: 0.0.0.0
    port:
      description: The port.
      type: int
      sample: 50636
    process_id:
      description: The process that holds it.
      type: int
      sample: 1692
    image:
      description: File name of that process. Empty if it has gone since.
      type: str
      sample: dns.exe
    services:
      description: Key names of the services in that process.
      type: list
      elements: str
      sample: ["DNS"]
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
    pool:
      description: Whether it is a socket of the DNS server's pool, that is, a UDP socket of the DNS server other than
        port 53.
      type: bool
      sample: true
ad_lds:
  description: The AD LDS (ADAM) instances.
  returned: when gathered
  type: list
  elements: dict
  contains:
    instance:
      description: Its name.
      type: str
      sample: MSExchange
    service:
      description: Key name of its service.
      type: str
      sample: ADAM_MSExchange
    state:
      description: State of the service.
      type: str
      sample: Stopped
    start_mode:
      description: Start mode of the service as Windows reads it.
      type: str
      sample: Auto
    process_id:
      description: Its process. 0 where it does not run.
      type: int
      sample: 0
    exit_code:
      description: The Win32 error that its last end left. 10013 and 10048 say that a port was taken.
      type: int
      sample: 10013
    ldap_port:
      description: Its port for LDAP, or none.
      type: int
      sample: 50389
    ssl_port:
      description: Its port for LDAP over TLS, or none.
      type: int
      sample: 50636
    ports_source:
      description: V(registry), V(default) where the registry names none and the Exchange Edge role's usual ports are
        meant, or V(unknown).
      type: str
      sample: registry
services:
  description: The services that matter here, as far as they are installed - DNS, WinRM, and those of the catalogue of
    known services.
  returned: when gathered
  type: list
  elements: dict
  contains:
    service:
      description: Key name.
      type: str
      sample: IAS
    display_name:
      description: What Windows calls it.
      type: str
      sample: Network Policy Server
    image:
      description: File name of its program.
      type: str
      sample: svchost.exe
    products:
      description: The catalogue's keys of the products that it belongs to.
      type: list
      elements: str
      sample: ["ias"]
    state:
      description: State of the service.
      type: str
      sample: Running
    start_mode:
      description: V(auto), V(delayed), V(manual), V(disabled), V(boot) or V(system).
      type: str
      sample: auto
    process_id:
      description: Its process. 0 where it does not run.
      type: int
      sample: 1044
    exit_code:
      description: The Win32 error that its last end left.
      type: int
      sample: 0
roles:
  description: What this server is, and which roles of this collection are for it. See the role C(port_baseline).
  returned: when gathered
  type: dict
  contains:
    kinds:
      description: All that it is. Empty for a server that this collection has nothing for.
      type: list
      elements: dict
      contains:
        kind:
          description: V(small_business_server_2003), V(exchange_edge), V(ad_lds) (other instances), V(radius),
            V(exchange_5_5), V(exchange_2003), V(exchange_2007), V(exchange_2010), V(exchange_2013)
            (or later; all of these are mail servers), V(blackberry_router), or V(dns).
          type: str
          sample: radius
        name:
          description: The same in words.
          type: str
          sample: RADIUS (IAS, NPS)
        services:
          description: Key names of the services that tell so. Empty where the name of the Windows does.
          type: list
          elements: str
          sample: ["IAS"]
        role:
          description: The role that keeps its ports from the DNS server's pool, or none.
          type: str
          sample: dc_ias
        fits:
          description: Whether that role is for this server.
          type: bool
          sample: true
        reason:
          description: Why it is not. Empty where it is, or where there is none.
          type: str
          sample: There is no DNS server here whose pool could take its ports.
        by_choice:
          description: Roles that do something for it once somebody has decided what.
          type: list
          elements: str
          sample: ["exchange_rpc_ports", "exchange_services"]
    fitting:
      description: The roles that fit, and that C(port_baseline) applies where it may.
      type: list
      elements: str
      sample: ["dc_ias"]
    by_choice:
      description: The roles that wait for a decision, and that nothing applies by itself.
      type: list
      elements: dict
      contains:
        role:
          description: The role.
          type: str
          sample: exchange_rpc_ports
        note:
          description: What it waits for.
          type: str
          sample: with exchange_rpc_ports_ports
configured_versus_effective:
  description: One row for each thing that is configured here, or that this collection has changed.
  returned: when gathered
  type: list
  elements: dict
  contains:
    resource:
      description: V(reserved_ports), V(dns_socket_pool), V(dynamic_ports), V(static_rpc_port) or V(service_start_mode).
      type: str
      sample: reserved_ports
    part:
      description: V(ReservedPorts), V(netsh), V(size), V(excluded_ports), V(max_user_port), V(tcp), V(udp), a
        service as M(portkeeper.windows.static_rpc_port) calls it, or the key name of a service.
      type: str
      sample: ReservedPorts
    configured:
      description: What is configured. A list of ranges, with netsh one for each protocol, a size, a range, a port, or a
        start mode.
      type: raw
      sample: ["50389-50389", "50636-50636"]
    effective:
      description: Whether it is in force now - V(yes), V(no) or V(unknown).
      type: str
      sample: "no"
    reason:
      description: Why, in a sentence. May be empty.
      type: str
      sample: "Windows reads ReservedPorts at boot: it waits for a reboot."
    waits_for:
      description: V(reboot), V(dns_restart), V(service_restart), V(owner) (a stop of the owner of a port that is in
        use), all of which somebody must do; V(boot) (a delayed start), which the next boot does by itself, with nothing
        at risk before it; or none.
      type: str
      sample: reboot
    reboot_required:
      description: Whether the server must be rebooted for it.
      type: bool
      sample: true
    restart_required:
      description: Whether DNS must be restarted for it.
      type: bool
      sample: false
risk:
  description: How probable it is that at the next boot the DNS server's socket pool takes a UDP port that a service
    needs, now and after each thing that could be changed. What is configured counts, also where it waits for a reboot.
    Needed are the ports of installed services of the catalogue that start by themselves, and those of AD LDS. Computed
    in closed form, not measured. See docs/risk.md.
  returned: when gathered
  type: dict
  contains:
    probability:
      description: That at least one service loses a port, from 0 to 1.
      type: float
      sample: 0.281911
    formula:
      description: How it was computed, with binomial coefficients. Empty where nothing can be lost.
      type: str
      sample: 1 - C(16382, 2500) / C(16384, 2500)
    reason:
      description: Where the pool is drawn from, or why none is.
      type: str
      sample: "MaxUserPort is not set: the default, 49152-65535."
    pool:
      description: Whether the DNS server has a pool. V(always), V(confirmed), V(assumed), or V(not_seen) where all
        sockets were gathered and it holds far too few for one.
      type: str
      sample: always
    dns_start:
      description: V(auto), V(delayed), V(by_hand) or V(not_installed). A delayed start that Windows does not keep,
        because an automatic service depends on DNS, is V(auto).
      type: str
      sample: auto
    drawn:
      description: How many ports the pool draws.
      type: int
      sample: 2500
    drawable:
      description: From how many ports they are drawn.
      type: int
      sample: 16384
    range:
      description: The range that they are drawn from, before ports that are left alone or in use.
      type: dict
      contains: *range
    range_contested:
      description: Whether the sources disagree about this range, or none confirms it.
      type: bool
      sample: false
    in_use_known:
      description: Whether ports in use by others are taken off the range. Only where all sockets are gathered.
      type: bool
      sample: false
    services:
      description: One row for each service that needs UDP ports.
      type: list
      elements: dict
      contains:
        service:
          description: Key name.
          type: str
          sample: ADAM_MSExchange
        product:
          description: The catalogue's key.
          type: str
          sample: ad_lds
        udp:
          description: The UDP ports that it needs.
          type: list
          elements: str
          sample: ["50389-50389", "50636-50636"]
        start_order:
          description: V(after_dns), V(before_dns), or V(unknown), which counts as after.
          type: str
          sample: unknown
        probability:
          description: That it loses at least one. None for a service that takes any free port out of its range (WDS).
          type: float
          sample: 0.281911
        after:
          description: The same after each of RV(risk.candidates), by its name.
          type: dict
          sample: {"excluded_from_pool": 0.0, "small_pool": 0.006094}
    ports:
      description: One row for each needed port.
      type: list
      elements: dict
      contains:
        protocol:
          description: Always V(udp). The pool has no other.
          type: str
          sample: udp
        port:
          description: The port.
          type: int
          sample: 50636
        service:
          description: Key name of the service that needs it.
          type: str
          sample: ADAM_MSExchange
        product:
          description: The catalogue's key.
          type: str
          sample: ad_lds
        probability:
          description: That the pool takes it before its service does.
          type: float
          sample: 0.152588
        reason:
          description: Why, in a sentence.
          type: str
          sample: 2500 of 16384 ports are drawn.
        after:
          description: The same after each of RV(risk.candidates), by its name.
          type: dict
          sample: {"excluded_from_pool": 0.0, "small_pool": 0.003052}
    candidates:
      description: What could be changed on this release, each by itself and taken to be in force at the next boot.
      type: list
      elements: dict
      contains:
        name:
          description: V(reserved_ports), V(excluded_from_pool), V(delayed_dns), V(netsh_exclusions),
            V(without_max_user_port), V(default_dynamic_range) or V(small_pool).
          type: str
          sample: excluded_from_pool
        probability:
          description: That at least one service loses a port after it.
          type: float
          sample: 0.0
        advised:
          description: Whether it is a documented fix. The others are here because people try them.
          type: bool
          sample: true
        takes_effect:
          description: V(reboot), V(dns_restart) or V(at_once).
          type: str
          sample: dns_restart
        how:
          description: What to do.
          type: str
          sample: portkeeper.windows.dns_socket_pool with excluded_ports
        note:
          description: What to know about it.
          type: str
          sample: The DNS server leaves these ports alone.
    doubts:
      description: Rules that the figure rests on and that are contested or not documented, as far as they matter here.
      type: list
      elements: dict
      contains:
        name:
          description: The rule.
          type: str
          sample: start_order
        sentence:
          description: What is taken to be so.
          type: str
          sample: The DNS server is assumed to ignore netsh's administered exclusions.
        probability:
          description: The server's probability if it is otherwise.
          type: float
          sample: 0.0
findings:
  description: What is wrong, worst first. Empty on a server where nothing is. The kinds stand in
    docs/troubleshooting.md.
  returned: when gathered
  type: list
  elements: dict
  contains:
    kind:
      description: What kind of finding it is.
      type: str
      sample: port_taken_by_dns_pool
    severity:
      description: V(critical), V(warning) or V(information).
      type: str
      sample: critical
    summary:
      description: It in one sentence.
      type: str
      sample: "IAS is down: dns.exe (process 1692, service DNS) holds UDP 1812."
    service:
      description: Key name of the service that is concerned. Empty where it is the whole server.
      type: str
      sample: IAS
    ports:
      description: The ports that are concerned.
      type: list
      elements: dict
      contains:
        protocol:
          description: V(tcp) or V(udp).
          type: str
          sample: udp
        port:
          description: The port.
          type: int
          sample: 1812
    held_by:
      description: Who holds these ports now and should not.
      type: list
      elements: dict
      contains:
        protocol:
          description: V(tcp) or V(udp).
          type: str
          sample: udp
        port:
          description: The port.
          type: int
          sample: 1812
        process_id:
          description: The process.
          type: int
          sample: 1692
        image:
          description: File name of that process. Empty if it has gone since.
          type: str
          sample: dns.exe
        services:
          description: Key names of the services in that process.
          type: list
          elements: str
          sample: ["DNS"]
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
        held_as:
          description: V(dns_pool) for the DNS server's socket pool, V(lsass_rpc) for an RPC endpoint of
            C(lsass.exe), V(outgoing_connection), or V(other).
          type: str
          sample: dns_pool
    cause:
      description: How it came to that.
      type: str
      sample: At its start the DNS server drew these ports for its socket pool before the service asked for them.
    evidence:
      description: What was seen. There is no finding without.
      type: list
      elements: dict
      contains:
        seen_in:
          description: V(service), V(event), V(socket), V(registry), V(netsh), V(counter), V(adapter) or V(update).
          type: str
          sample: service
        text:
          description: What it says.
          type: str
          sample: IAS is stopped, start mode Auto, exit code 10048
        time:
          description: When, by the server's own clock, in UTC. None where it is the state of now.
          type: str
          sample: "2026-03-01T08:00:12Z"
    configured:
      description: Whether what is configured fixes it already. None where nothing could be configured.
      type: bool
      sample: true
    waits_for:
      description: What the configured fix waits for. V(reboot), V(dns_restart), V(boot) (a delayed start), V(owner)
        (that the holder gives the port back), or none.
      type: str
      sample: dns_restart
    fix:
      description: What to do, as YAML to paste into a list of tasks. Comments alone where the collection only reports.
      type: str
      sample: "# Report only. Renew the adapters' drivers."
    source:
      description: Where the rule comes from.
      type: str
      sample: KB956188, KB956189, KB959215; field reports
warnings:
  description: What should be known beside the result, such as what this Windows can't answer, and values of a wrong
    type.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: []
"""
