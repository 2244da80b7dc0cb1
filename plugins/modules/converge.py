# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: converge
short_description: Bring reservations, DNS settings and services of a Windows server into a state together
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Does what several modules of this collection do, in one session. One connection, one look at the server, one plan,
    one write of the journal.
  - Knows victims, that is, services that must run and own their ports. It can start those that are down in the same
    run, and prove at the end that all is well.
  - DNS is stopped at most once. The order of a run with relief is fixed. DNS stops, with what depends on it; the
    settings are written; the victims and what depends on them start and take their ports; DNS starts and draws its
    new pool from what is left.
  - It never reboots. Use M(portkeeper.windows.server_reboot) where RV(reboot_required) is true and a reboot is
    allowed.
  - The roles of this collection call it. Use it in the same way for your own baselines.
options:
  resources:
    description:
      - What the server is to have. Each item is a dictionary with exactly one of the keys C(reserved_ports),
        C(dns_socket_pool), C(dynamic_ports), C(static_rpc_port), C(service_start_mode), C(service_state),
        C(services_file), and under it the options of the module of that name.
      - An item may also have C(when_capable) and C(unless_capable), a name or a list of names. The item counts only
        on servers that can do all of the first and none of the second. Elsewhere it is passed over in silence. So one
        list serves all releases.
      - C(reserved_ports_value) - Windows honours the value C(ReservedPorts). Windows Server 2003.
      - C(excluded_port_ranges) - netsh has C(excludedportrange), or may have it (2008 and 2008 R2 are asked). Windows
        Server 2008 and later.
      - C(dynamic_port_ranges) - the range of ephemeral ports can be set by netsh. Windows Server 2008 and later.
      - C(dns_pool_exclusions) - the DNS server can leave ports alone. Windows Server 2008 R2 and later.
      - C(delayed_start) - services can start delayed. Windows Server 2008 and later.
      - An item may also have C(when_installed), the key name of a service or a list of them. The item counts only on
        servers that have all of these services.
      - The option C(restart) of C(dns_socket_pool) does nothing here; O(restart_dns) decides for the whole run.
    type: list
    elements: dict
    default: []
  victims:
    description:
      - Services that must run and own their ports. A victim whose service does not exist is an error, unless it has
        O(victims[].if_installed=true). For servers to which nothing here applies there is O(required_services).
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description:
          - Key name of the service.
        type: str
        required: true
      image:
        description:
          - File name of the process that holds the ports, such as V(w3wp.exe), where that process hosts no service. A
            process that hosts services is known by them.
        type: str
      ports:
        description:
          - Ports that the service must hold, each as V(50389/tcp), V(1812-1813/udp), or without a protocol for both.
        type: list
        elements: str
        default: []
      optional_ports:
        description:
          - Ports, written in the same way, that the service may hold and nobody else. Free is right too.
        type: list
        elements: str
        default: []
      ad_lds_instance:
        description:
          - AD LDS (ADAM) instance, without the prefix C(ADAM_), whose ports are read from the server's registry. It
            must hold them on TCP. On UDP they may be its own or free.
          - For V(MSExchange) without such values 50389 and 50636 are meant.
        type: str
      dependents:
        description:
          - Key names of services that must run beside it. One that is not installed, or does not start automatically,
            is passed over.
        type: list
        elements: str
        default: []
      if_installed:
        description:
          - Pass the victim over where its service is not installed. Otherwise that is an error.
        type: bool
        default: false
      if_automatic:
        description:
          - Pass the victim over where its service is not installed, and also where it neither starts automatically nor
            runs, such as a disabled Routing and Remote Access.
        type: bool
        default: false
      restart:
        description:
          - Allow the service to be restarted, with what depends on it, where it runs and a restart gives it what it
            lacks, that is, a port that is free or held by the DNS server, or a setting of C(static_rpc_port) that it
            reads when it starts.
          - Only with O(relieve=true) for ports. A port that somebody else holds brings no restart.
        type: bool
        default: false
      silent_events:
        description:
          - Events by which the service complains about its port, each as C(log/source/code), such as
            V(Application/Server ActiveSync/3015). With O(prove=true) the task fails if one was logged since the last
            boot. Meant for the proof after a reboot.
        type: list
        elements: str
        default: []
      when_capable:
        description:
          - Pass the victim over on servers that can't do all of these. The names are explained at O(resources).
        type: list
        elements: str
        choices: &capabilities
          - reserved_ports_value
          - excluded_port_ranges
          - dynamic_port_ranges
          - dns_pool_exclusions
          - delayed_start
        default: []
      unless_capable:
        description:
          - Pass the victim over on servers that can do one of these.
        type: list
        elements: str
        choices: *capabilities
        default: []
  known_services:
    description:
      - Known services that this run is about, by their keys. C(docs/ports.md) of the collection has the whole table.
      - Each of their services that is installed, and starts automatically or runs, is a victim, as if it stood among
        O(victims). It must run. It must hold its ports too, where it always does. Those of V(ipsec), V(l2tp), V(autd),
        V(wireguard), V(sql_probe) and V(dfsr) may be free as well. V(wds) must only run.
      - The ports are those that the products come with. Where an administrator has chosen others, describe the service
        in O(victims).
      - If none of them is installed, it is as with O(required_services).
      - V(ad_lds) is refused, since the role C(exchange_edge_dns) does it, and so is V(admpwd_e), whose service is not
        known.
      - Their ports are kept free only by O(resources), see the option C(services) of C(reserved_ports).
    type: list
    elements: str
    choices:
      - ad_lds
      - ias
      - ipsec
      - l2tp
      - autd
      - blackberry_router
      - wds
      - cluster
      - msmq
      - wireguard
      - bigfix
      - admpwd_e
      - sql_probe
      - dfsr
    default: []
  required_services:
    description:
      - Key names of services without which nothing here makes sense. If one of them is not installed, nothing is
        done. The task is ok with RV(applicable=false) and says which are missing.
    type: list
    elements: str
    default: []
  required_one_of:
    description:
      - Key names of services of which at least one must be installed. Otherwise it is as with O(required_services).
    type: list
    elements: str
    default: []
  required_capabilities:
    description:
      - What the server's release must be able to do; the names are explained at O(resources). Otherwise nothing is
        done. The task is ok with RV(applicable=false) and says what the release lacks.
    type: list
    elements: str
    choices: *capabilities
    default: []
  require:
    description:
      - Fail where O(required_services), O(required_one_of) or O(required_capabilities) are not met, or none of
        O(known_services) is installed.
    type: bool
    default: false
  relieve:
    description:
      - Start victims that are down, and then every automatic service that depends on them.
      - With it the task fails if a victim is down at the end, and says why. It does not where a reboot is still to come
        that brings the victim back, because its port was drawn at random by an outgoing connection or by lsass.exe, and
        is reserved from that reboot on. RV(msg) says so, and RV(reboot_required) is true.
      - A victim whose port is held by the DNS server can be started only if O(restart_dns=true). A victim whose port
        is held by somebody else is left down; the message names that process.
      - The default is V(false), so that a baseline changes settings only, unless you say otherwise.
    type: bool
    default: false
  restart_dns:
    description:
      - Allow the DNS server to be restarted. It happens only if a setting waits for it, if DNS holds a port of a
        victim that is to be started, or if a port must be free to be excluded.
      - Services that depend on DNS are stopped and started with it. The run goes on when C(dns.exe) holds UDP port 53
        again, at most 120 seconds later.
      - The default is V(false), because a restart is an outage of name resolution and draws a new pool.
    type: bool
    default: false
  stop_owners:
    description:
      - Allow running victims to be stopped for a moment where their ports can't be excluded otherwise. A port in use
        can't be excluded by netsh.
      - Otherwise such ports are left out for now and told in C(waiting_for) of the resource.
    type: bool
    default: false
  prove:
    description:
      - Fail if at the end a victim is down, lacks a port of its own, or has a port that somebody else holds.
      - Services that were just started get 60 seconds to take their ports.
      - A port that somebody else holds while a reboot is still to come is no failure; RV(reboot_required) says so. Nor
        is a port that C(static_rpc_port) fixes as long as the service has not restarted for it.
      - In check mode, where something would change, nothing is proved.
    type: bool
    default: false
  state:
    description:
      - V(present) reaches what O(resources) say.
      - V(absent) takes back what earlier runs of this collection changed for these resources, and nothing else. A
        value that is as this collection last wrote it gets its original content back, byte for byte. From a value
        that somebody has changed since, only what was added here is taken out, with a warning.
      - What was there before is known from the journal on the server; with C(portkeeper_journal=false) V(absent) is
        refused. With the last change taken back the journal goes too.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
attributes:
  idempotent:
    support: partial
    details: A C(service_state) with C(state=restarted) in the list happens in every run.
notes:
  - At least one of O(resources), O(victims) and O(known_services) is needed.
  - An error in one item (a mistake in an option, a port that can't be reserved, a service that does not exist) stops
    the run before anything is changed for any.
  - When a step fails after services were stopped, those services are started again before the task fails.
  - If another program undoes a setting while the task runs, the task writes it once more and then fails.
  - Reservations in the list are judged by how the other items leave the server, such as a dynamic range that changes in
    the same run.
  - On Windows Server 2003, where victims are given and a reservation is planned, or the same run sets C(MaxUserPort),
    UDP 4500 is reserved too if DNS and IPSEC Services both start by themselves and the DNS server's pool can contain
    that port at the next boot. An IPSEC Services without its port blocks all network traffic (KB912023), and then
    nobody reaches the server any more. A warning tells. A C(MaxUserPort) that would bring this about without any
    C(reserved_ports) in the list is an error. Where O(state=absent) brings it back, a warning tells.
seealso:
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.dns_socket_pool
  - module: portkeeper.windows.dynamic_ports
  - module: portkeeper.windows.static_rpc_port
  - module: portkeeper.windows.service_start_mode
  - module: portkeeper.windows.service_state
  - module: portkeeper.windows.server_reboot
  - module: portkeeper.windows.port_info
  - name: KB912023, IPsec block mode
    description: What a failed IPSEC Services does to Windows Server 2003.
    link: https://support.microsoft.com/kb/912023
"""

EXAMPLES = r"""
- name: Keep RADIUS alive beside DNS, whatever the release
  hosts: radius
  gather_facts: false
  serial: 1
  tasks:
    - name: Settings by release, relief, proof
      portkeeper.windows.converge:
        resources:
          - reserved_ports:
              ports: &radius_ports
                - 1645-1646
                - 1812-1813
            when_capable: reserved_ports_value
          - service_start_mode:
              name: DNS
              start_mode: delayed
            when_capable: delayed_start
            unless_capable: dns_pool_exclusions
          - dns_socket_pool:
              excluded_ports: *radius_ports
            when_capable: dns_pool_exclusions
        victims:
          - service: IAS
            ports:
              - 1645-1646/udp
              - 1812-1813/udp
        required_services:
          - IAS
          - DNS
        relieve: true
        restart_dns: true
        prove: true

    - name: Keep the port of the BlackBerry Router from outgoing connections, and prove that it runs
      portkeeper.windows.converge:
        known_services:
          - blackberry_router
        resources:
          - reserved_ports:
              services:
                - blackberry_router
        relieve: true
        prove: true

    - name: Look at the victims only, change nothing
      portkeeper.windows.converge:
        victims:
          - service: ADAM_MSExchange
            ad_lds_instance: MSExchange
            dependents:
              - MSExchangeTransport
        prove: true

    - name: Reserve by netsh against every other taker too, stopping the owner for a moment
      portkeeper.windows.converge:
        resources:
          - reserved_ports:
              ad_lds_instances:
                - MSExchange
            when_capable: excluded_port_ranges
        victims:
          - service: ADAM_MSExchange
            ad_lds_instance: MSExchange
        stop_owners: true
        restart_dns: true

    - name: Take back what this collection changed for these ports, and nothing else
      portkeeper.windows.converge:
        resources:
          - reserved_ports:
              ad_lds_instances:
                - MSExchange
            when_capable: reserved_ports_value
          - dns_socket_pool:
              ad_lds_instances:
                - MSExchange
            when_capable: dns_pool_exclusions
        restart_dns: true
        state: absent
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
msg:
  description: What was done and what is still to be done, or why the run failed, in a few sentences.
  returned: always
  type: str
  sample: Nothing to change; the services run and own their ports.
release:
  description: The server's release of Windows.
  returned: always
  type: str
  sample: Windows Server 2008 R2 SP1
applicable:
  description: Whether O(required_services), O(required_one_of) and O(required_capabilities) are met, and one of
    O(known_services) is installed. If not, nothing was done.
  returned: always
  type: bool
  sample: true
missing_capabilities:
  description: Those of O(required_capabilities) that the release lacks.
  returned: always
  type: list
  elements: str
  sample: []
missing_services:
  description: Those of O(required_services) that are not installed, and O(required_one_of) and the services of
    O(known_services) where none of them is.
  returned: always
  type: list
  elements: str
  sample: []
resources:
  description: One result for each item of O(resources) that counts on this server, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The resource's name.
      type: str
      sample: dns_socket_pool
    changed:
      description: Whether it was changed, or in check mode would be.
      type: bool
      sample: true
    before:
      description: Its state as found, as the module of that name returns it.
      type: dict
      sample:
        excluded_ports: []
    after:
      description: Its state afterwards, as the module of that name returns it.
      type: dict
      sample:
        excluded_ports: ["50389-50389", "50636-50636"]
    effective:
      description: Whether it is in force now - V(yes), V(no) or V(unknown).
      type: str
      sample: "yes"
    reasons:
      description: Why C(effective) is what it is.
      type: list
      elements: str
      sample: []
    reboot_required:
      description: Whether it waits for a reboot.
      type: bool
      sample: false
    restart_required:
      description: Whether it waits for a restart of DNS.
      type: bool
      sample: false
    waiting_for:
      description: Ports that can't be excluded while their owner holds them. Each item has C(protocol), C(port),
        C(process_id), C(image), C(services), C(outgoing) and C(far_ends).
      type: list
      elements: dict
      sample: []
    restart_services:
      description: Key names of services that must be restarted before their port counts.
      returned: for C(static_rpc_port)
      type: list
      elements: str
      sample: ["Netlogon"]
    to_reserve:
      description: The ports from 1024 up, in the form that C(reserved_ports) takes.
      returned: for C(static_rpc_port)
      type: list
      elements: str
      sample: ["49201-49201"]
    dfsr_port:
      description: The port of DFS Replication where the release fixes it, otherwise none.
      returned: for C(static_rpc_port)
      type: int
      sample: 5722
    ran:
      description: What ran and was stopped, in start order.
      returned: for C(service_state)
      type: list
      elements: str
      sample: ["DNS"]
victims:
  description: How each victim fares at the end of the run. In check mode, as found.
  returned: always
  type: list
  elements: dict
  contains: &victim
    service:
      description: Key name of the service.
      type: str
      sample: ADAM_MSExchange
    state:
      description: Its state as Windows calls it.
      type: str
      sample: Running
    start_mode:
      description: Its start mode as Windows reads it. C(Auto) covers the delayed start too.
      type: str
      sample: Auto
    exit_code:
      description: The Win32 error that its last end left. 10048 and 10013 say that a port was taken. 1077 says that
        it was not started since the boot.
      type: int
      sample: 0
    exit_code_meaning:
      description: The code in words, for the codes that belong to this trouble. Otherwise empty.
      type: str
      sample: ""
    dependents_down:
      description: Those of C(dependents) that are installed, start automatically and don't run.
      type: list
      elements: str
      sample: []
    ports:
      description: Every port of the victim.
      type: list
      elements: dict
      contains:
        protocol:
          description: V(tcp) or V(udp).
          type: str
          sample: tcp
        port:
          description: The port.
          type: int
          sample: 50636
        standing:
          description: V(owner) where the victim holds it, V(free) where nobody does, V(intruder) where somebody else
            does.
          type: str
          sample: owner
        holder:
          description: Who holds it, with C(protocol), C(port), C(process_id), C(image) and C(services). An intruder may
            hold a TCP port by an outgoing connection, then C(outgoing) is true and C(far_ends) says where it leads to.
            None where it is free.
          type: dict
          sample:
            protocol: tcp
            port: 50636
            process_id: 1764
            image: dsamain.exe
            services: ["ADAM_MSExchange"]
            outgoing: false
            far_ends: []
    events:
      description: Those of C(silent_events) that were logged since the last boot, the newest of each kind.
      type: list
      elements: dict
      contains:
        log:
          description: The event log.
          type: str
          sample: Application
        source:
          description: The event's source.
          type: str
          sample: Server ActiveSync
        code:
          description: The event's number.
          type: int
          sample: 3015
        time:
          description: When it was logged, in UTC.
          type: str
          sample: "2026-03-01T07:14:05+00:00"
    ok:
      description: Whether the service and its dependents run, every port of C(ports) is its own, nobody else holds any,
        and none of C(silent_events) was logged.
      type: bool
      sample: true
victims_before:
  description: How each victim fared when the run began.
  returned: always
  type: list
  elements: dict
  contains: *victim
relieved:
  description: Services that were down and were started, or in check mode would be, in their order.
  returned: always
  type: list
  elements: str
  sample: ["ADAM_MSExchange", "MSExchangeEdgeCredential", "MSExchangeTransport"]
dns_restarted:
  description: Whether this run restarted the DNS server.
  returned: always
  type: bool
  sample: true
effective:
  description: The weakest C(effective) of all resources. V(no) is weaker than V(unknown), and that is weaker than
    V(yes). V(yes) where there are none.
  returned: always
  type: str
  sample: "yes"
reasons:
  description: The reasons of all resources.
  returned: always
  type: list
  elements: str
  sample: []
reboot_required:
  description: Whether a resource waits for a reboot.
  returned: always
  type: bool
  sample: false
restart_required:
  description: Whether a resource waits for a restart of DNS.
  returned: always
  type: bool
  sample: false
failures:
  description: Why the run failed, a sentence for each service or port.
  returned: when the run failed because of a victim
  type: list
  elements: str
  sample:
    - "ADAM_MSExchange is down: UDP 50636 is held by dns.exe (process 1432, service DNS), and restart_dns is false, so
      DNS was left running."
warnings:
  description: What should be known beside the result, such as entries of others, and what the run did beyond the
    letter.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: []
"""
