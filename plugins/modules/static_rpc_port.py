# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by the action plugin of the same name, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: static_rpc_port
short_description: Give RPC services of Windows and Exchange a fixed port
version_added: 0.1.0
author:
  - The portkeeper.windows contributors (!UNKNOWN)
description:
  - Many services take a port out of the dynamic range at each start and tell their clients through the endpoint mapper
    (TCP 135). Some of them read a registry value that fixes the port. This module sets these values.
  - A fixed port keeps such a service from being the thief of another one's port, and lets a firewall be narrow.
  - Nothing is restarted. RV(restart_services) and RV(reboot_required) say what has still to come.
  - A fixed port can be taken from its service like any other. Reserve RV(to_reserve) with
    M(portkeeper.windows.reserved_ports). Ports below 1024 need no reservation.
options:
  ports:
    description:
      - The port of each service, from 1 to 65535, or V(default), which removes the value. The service then takes a
        dynamic port again.
      - Services that are not named stay as they are.
      - The paths below are relative to C(HKLM\SYSTEM\CurrentControlSet\Services).
    type: dict
    required: true
    suboptions:
      ntds:
        description:
          - Active Directory replication and logon (NTDS). Domain controllers only.
          - The DWORD C(TCP/IP Port) in C(NTDS\Parameters). A change waits for a reboot. Source - KB224196.
        type: str
      netlogon:
        description:
          - Net Logon. Domain controllers only.
          - The DWORD C(DCTcpipPort) in C(Netlogon\Parameters). A change waits for a restart of the service
            C(Netlogon). Source - KB224196.
        type: str
      ntfrs:
        description:
          - File Replication Service.
          - The DWORD C(RPC TCP/IP Port Assignment) in C(NTFRS\Parameters). A change waits for a restart of the
            service C(NtFrs). Source - public code; KB319553.
        type: str
      exchange_ds:
        description:
          - Exchange 5.5 directory service.
          - The DWORD C(TCP/IP port) in C(MSExchangeDS\Parameters). A change waits for a reboot. Source - KB148732.
        type: str
      exchange_is:
        description:
          - Exchange information store.
          - The DWORD C(TCP/IP Port) in C(MSExchangeIS\ParametersSystem). A change waits for a restart of the service
            C(MSExchangeIS). Source - Exchange Best Practices Analyzer; KB270836.
        type: str
      exchange_is_http:
        description:
          - Exchange information store, RPC over HTTP.
          - The DWORD C(Rpc/HTTP Port) in C(MSExchangeIS\ParametersSystem). A change waits for a restart of the
            service C(MSExchangeIS). Source - Exchange Best Practices Analyzer; KB270836.
        type: str
      exchange_sa:
        description:
          - Exchange system attendant, referral interface (RFR).
          - The DWORD C(TCP/IP Port) in C(MSExchangeSA\Parameters). A change waits for a restart of the service
            C(MSExchangeSA). Source - Exchange Best Practices Analyzer; KB270836.
        type: str
      exchange_nspi:
        description:
          - Exchange system attendant, directory proxy (NSPI).
          - The DWORD C(TCP/IP NSPI Port) in C(MSExchangeSA\Parameters). A change waits for a restart of the service
            C(MSExchangeSA). Source - Exchange Best Practices Analyzer; KB270836.
        type: str
      exchange_sa_http:
        description:
          - Exchange system attendant, referral interface, RPC over HTTP.
          - The DWORD C(HTTP Port) in C(MSExchangeSA\Parameters). A change waits for a restart of the service
            C(MSExchangeSA). Source - Exchange Best Practices Analyzer; KB270836.
        type: str
      exchange_nspi_http:
        description:
          - Exchange system attendant, directory proxy, RPC over HTTP.
          - The DWORD C(Rpc/HTTP NSPI Port) in C(MSExchangeSA\Parameters). A change waits for a restart of the service
            C(MSExchangeSA). Source - Exchange Best Practices Analyzer; KB270836.
        type: str
      exchange_srs:
        description:
          - Exchange site replication service.
          - The DWORD C(TCP/IP) in C(MSExchangeSRS\Parameters). A change waits for a restart of the service
            C(MSExchangeSRS). Source - Exchange Best Practices Analyzer.
        type: str
      exchange_mta:
        description:
          - Exchange message transfer agent, RPC.
          - The DWORD C(TCP/IP port for RPC listens) in C(MSExchangeMTA\Parameters). A change waits for a restart of
            the service C(MSExchangeMTA). Source - common knowledge, unverified.
        type: str
      exchange_mta_x400:
        description:
          - Exchange message transfer agent, X.400 (102 where nothing is set).
          - The DWORD C(RFC1006 Port Number) in C(MSExchangeMTA\Parameters). A change waits for a restart of the
            service C(MSExchangeMTA). Source - KB161931.
        type: str
      exchange_rpc:
        description:
          - Exchange 2010 RPC client access.
          - The DWORD C(TCP/IP Port) in C(MSExchangeRPC\ParametersSystem). A change waits for a restart of the service
            C(MSExchangeRPC). Source - public code.
        type: str
      exchange_ab:
        description:
          - Exchange 2010 SP1 address book.
          - The REG_SZ C(RpcTcpPort) in C(MSExchangeAB\Parameters). A change waits for a restart of the service
            C(MSExchangeAB). Source - common knowledge, unverified.
        type: str
extends_documentation_fragment:
  - portkeeper.windows._attributes
  - portkeeper.windows._connection
notes:
  - A service that is not installed is an error, and so are C(ntds) and C(netlogon) on a server that is no domain
    controller. Nothing is changed for any service then.
  - No two services may have the same port. That is held among O(ports) and against the values of all services above
    that are installed. Netlogon logs event 5809 where its port is that of the directory; it also logs that
    harmlessly at every restart (KB224196).
  - A port that another process listens on is an error that names it.
  - For C(ntds) and C(netlogon) the other ports of a domain controller are an error by their numbers (88, 389, 464, 636,
    3268, 3269; KB832017), since the same process listens there.
  - A port at the very start of the dynamic range is an error, because Windows gives these to whatever starts first
    (KB194952). On Windows Server 2003 that is 1024-1199, later the first 32 ports of the dynamic range for TCP. Where
    that start ends is a choice of this module, made after the article's example of 1200.
  - A port that is configured already is not judged again.
  - The advice of KB194952 to use ports just above 5000, or 4900-5000, held while C(MaxUserPort) was 5000. With 60000,
    as Exchange 2003 sets it, these ports are in the middle of the range.
  - Exchange's information store and system attendant log nothing when their endpoint fails. The message transfer agent
    logs event 9321 with error 1720. Look at the port itself, with M(portkeeper.windows.port_info) or as a victim of
    M(portkeeper.windows.converge).
  - DFS Replication is not set here. On domain controllers of Windows Server 2008 and 2008 R2 its port is always 5722,
    see RV(dfsr_port); elsewhere C(dfsrdiag StaticRPC) or C(Set-DfsrServiceConfiguration) sets it.
seealso:
  - module: portkeeper.windows.reserved_ports
  - module: portkeeper.windows.dynamic_ports
  - module: portkeeper.windows.service_state
  - module: portkeeper.windows.converge
  - name: KB224196, restrict Active Directory RPC traffic to a specific port
    description: The values of the directory and of Netlogon.
    link: https://learn.microsoft.com/troubleshoot/windows-server/active-directory/restrict-ad-rpc-traffic-to-specific-port
"""

EXAMPLES = r"""
- name: Fixed ports for Active Directory's RPC
  hosts: domain_controllers
  gather_facts: false
  serial: 1
  tasks:
    - name: Set the ports
      portkeeper.windows.static_rpc_port:
        ports:
          ntds: 49200
          netlogon: 49201
      register: rpc

    - name: Keep them free
      portkeeper.windows.reserved_ports:
        ports: "{{ rpc.to_reserve }}"
        protocol: tcp

    - name: Fixed ports for Exchange 2003, after the rules of KB194952
      portkeeper.windows.static_rpc_port:
        ports:
          exchange_is: 1225
          exchange_sa: 1226
          exchange_nspi: 1227
          exchange_mta: 1228

    - name: Let Netlogon take a dynamic port again
      portkeeper.windows.static_rpc_port:
        ports:
          netlogon: default

    - name: See whether a port would do, and change nothing
      portkeeper.windows.static_rpc_port:
        ports:
          exchange_rpc: 59532
      check_mode: true
      diff: true
"""

RETURN = r"""
# make documentation writes the fields of tests/tooling/return_values.yml here, but not what they contain.
msg:
  description: What was done and what is still to be done, in a few sentences.
  returned: success
  type: str
  sample: "Changed static_rpc_port. Net Logon reads its port when it starts: restart the service Netlogon."
release:
  description: The server's release of Windows.
  returned: success
  type: str
  sample: Windows Server 2008 R2 SP1
before:
  description: The ports as found.
  returned: success
  type: dict
  contains: &ports
    ports:
      description: The port of each service in O(ports), or V(default) where the value is not there.
      type: dict
      sample:
        netlogon: default
after:
  description: The ports after the task, or in check mode as they would be.
  returned: success
  type: dict
  contains: *ports
restart_services:
  description: Key names of the services that must be restarted before their port counts. Empty where only a reboot, or
    nothing, is missing.
  returned: success
  type: list
  elements: str
  sample: ["Netlogon"]
to_reserve:
  description: The ports of O(ports) from 1024 up, which others could get by chance, in the form that
    M(portkeeper.windows.reserved_ports) takes.
  returned: success
  type: list
  elements: str
  sample: ["49201-49201"]
dfsr_port:
  description: The port of DFS Replication where the release fixes it (5722), otherwise none.
  returned: success
  type: int
  sample: 5722
effective:
  description:
    - Whether the services listen where they are configured to.
    - V(yes) - the service has started since the change, or it is stopped and will read its port when it starts.
    - V(no) - it has not. RV(reasons) says what must be restarted.
    - V(unknown) - somebody else wrote the value last, or the journal is switched off.
    - The answer is the same on later runs, until the restart or the reboot has come, by whomever.
  returned: success
  type: str
  sample: "no"
reasons:
  description: Why RV(effective) is what it is, one sentence each. Empty if everything is simply in force.
  returned: success
  type: list
  elements: str
  sample: ["Net Logon reads its port when it starts: restart the service Netlogon."]
reboot_required:
  description: Whether the server must be rebooted before a port counts.
  returned: success
  type: bool
  sample: false
restart_required:
  description: Whether DNS must be restarted. Always V(false) here; each module that changes something returns it.
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
  description: What should be known beside the result.
  returned: when there is something to warn of
  type: list
  elements: str
  sample: []
"""
