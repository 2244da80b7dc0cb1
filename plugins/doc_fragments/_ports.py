# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options by which several modules are told ports."""

from __future__ import annotations


class ModuleDocFragment:
    """Ports that the server itself knows."""

    DOCUMENTATION = r"""
options:
  ad_lds_instances:
    description:
      - AD LDS (ADAM) instances whose ports are meant too, beside the ports given by number.
      - Names without the prefix C(ADAM_), such as V(MSExchange) for the instance of the Exchange Edge Transport role.
      - The ports are read from the DWORDs C(Port LDAP) and C(Port SSL) in the key C(Parameters) of the instance's
        service.
      - If C(MSExchange) has neither of them, 50389 and 50636 are meant. Any other instance without them is an error.
    type: list
    elements: str
  services:
    description:
      - Known services whose ports are meant too, beside the ports given by number. The ports are those that the
        products come with; where an administrator has chosen others, give them by number.
      - V(ad_lds) means the ports of every AD LDS instance on the server, as its registry tells them, from 1024 up. A
        server without an instance is an error.
      - C(docs/ports.md) of the collection has the whole table, with the sources.
    type: list
    elements: str
    choices:
      ad_lds: AD LDS (ADAM), also of the Exchange Edge role - TCP and UDP 50389, 50636
      ias: RADIUS (IAS, NPS) - UDP 1645-1646, 1812-1813
      ipsec: IPsec NAT traversal (IKE) - UDP 4500
      l2tp: L2TP (Routing and Remote Access) - UDP 1701
      autd: Exchange 2003 ActiveSync up-to-date notifications (AUTD) - UDP 2883
      blackberry_router: BlackBerry Router - TCP 3101
      wds: Windows Deployment Services - UDP 64001-65000
      cluster: Failover cluster - UDP 3343
      msmq: Message Queuing - TCP 1801
      wireguard: WireGuard and NetBird - UDP 51820
      bigfix: BigFix client - UDP 52311
      admpwd_e: AdmPwd.E password service - UDP 61184
      sql_probe: Probe port of a SQL Server cluster behind a load balancer - TCP 59999
      dfsr: DFS Replication on domain controllers of 2008 and 2008 R2 - TCP 5722
"""
