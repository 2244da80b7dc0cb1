# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up answers of `port_info`, in its shape: servers of each state, and one whose every text is an attack."""

from __future__ import annotations

import random
import typing as t

Facts: t.TypeAlias = dict[str, t.Any]

POOL: t.Final = (49152, 65535)
HOSTILE: t.Final = """'"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}\u202e\x07"""

DELAYED_START: t.Final[Facts] = {
    "resource": "service_start_mode",
    "part": "DNS",
    "configured": "delayed",
    "effective": "no",
    "reason": "A delayed start shows at the next boot; nothing needs to be restarted for it.",
    "waits_for": "boot",
    "reboot_required": False,
    "restart_required": False,
}


def socket(protocol: str, port: int, image: str, process_id: int, services: list[str], *, pool: bool = False) -> Facts:
    return {
        "protocol": protocol,
        "address": "0.0.0.0",
        "port": port,
        "process_id": process_id,
        "image": image,
        "services": services,
        "pool": pool,
    }


def span(first: int, last: int) -> Facts:
    return {"first": first, "last": last, "count": last - first + 1}


def edge_server(seed: int, *, taken: bool = False, fixed: bool = False, sockets: int = 5040, words: str = "") -> Facts:
    """An Edge server of 2022 with DNS.

    ``taken``: the pool has UDP 50636 and AD LDS is down; ``fixed``: both ports are left out of the pool, which waits
    for a restart of DNS; ``sockets``: how many it has in all; ``words``: behind every text that a server could choose.
    """
    return {
        "release": _release(words),
        "updates": {"seen": [], "dns_pool": "always", "reason": ""},
        "dynamic_ranges": {"mechanism": "netsh", "tcp": span(*POOL), "udp": span(*POOL), "meaning": []},
        "reservations": {
            "mechanism": "netsh",
            "tcp": [],
            "udp": ["51820-51820"],
            "blocks": [
                {"protocol": "udp", "first": 51820, "last": 51820, "administered": True},
                {"protocol": "tcp", "first": 50000, "last": 50099, "administered": False},
            ],
            "entries": [],
            "unreadable": [words],
        },
        "dns_pool": {
            "state": "Running",
            "process_id": 1084,
            "size": 2500,
            "excluded_ports": ["50389-50389", "50636-50636"] if fixed else [],
            "excluded_ports_supported": True,
            "range": span(*POOL),
            "range_reason": f"MaxUserPort is not set.{words}",
        },
        "sockets": _sockets(seed, taken=taken, sockets=sockets, words=words),
        "ad_lds": [_instance(taken=taken)],
        "services": _services(taken=taken, words=words),
        "configured_versus_effective": [_waiting(words)] if fixed else [],
        "risk": _risk(words) if not fixed else {**_risk(words), "probability": 0.0, "candidates": []},
        "findings": [_finding(words)] if taken else [],
    }


def fleet_results(reduced: t.Callable[[Facts], Facts]) -> dict[str, Facts]:
    """A server of each state; ``reduced`` makes a result of the facts.

    The delayed start of edge-delayed comes with the next boot by itself; of edge-partly a part could not be read.
    """
    # Half of the answer is missing, and rows are empty: a later or an earlier collection may say less.
    rows = ("findings", "services", "ad_lds", "configured_versus_effective")
    small: Facts = {
        "release": {"name": "Windows Server 2003"},
        "sockets": [],
        "dns_pool": None,
        "risk": {"candidates": [{}], "doubts": [{}]},
        "reservations": {"blocks": [{}]},
        **{name: [{}] for name in rows},
    }
    return {
        "edge-taken": reduced(edge_server(1, taken=True)),
        "edge-hostile": reduced(edge_server(2, taken=True, words=HOSTILE)),
        "edge-risk": reduced(edge_server(3)),
        "edge-fixed": reduced(edge_server(4, fixed=True)),
        "edge-delayed": reduced({**edge_server(5, fixed=True), "configured_versus_effective": [DELAYED_START]}),
        "edge-partly": reduced({**edge_server(6, fixed=True), "configured_versus_effective": [], "findings": None}),
        "web-small": reduced(small),
        "edge-gone": {"unreachable": f"no connection{HOSTILE}"},
        "edge-refused": {"failed": f"=HYPERLINK(1){HOSTILE}"},
    }


def _release(words: str) -> Facts:
    return {
        "name": f"Windows Server 2022{words}",
        "version": f"10.0.20348{words}",
        "caption": "Microsoft Windows Server 2022 Standard",
        "uptime": 259200,
        "domain_controller": False,
        "capabilities": {},
    }


def _services(*, taken: bool, words: str) -> list[Facts]:
    return [
        _service("DNS", f"DNS Server{words}", [], 1084, 0),
        _service(
            "ADAM_MSExchange",
            f"Microsoft Exchange ADAM{words}",
            ["ad_lds"],
            0 if taken else 852,
            10013 if taken else 0,
        ),
        _service("IKEEXT", "IKE and AuthIP IPsec Keying Modules", ["ipsec"], 1096, 0),
    ]


def _sockets(seed: int, *, taken: bool, sockets: int, words: str) -> list[Facts]:
    lottery = random.Random(seed)
    drawn = sorted(lottery.sample([port for port in range(POOL[0], POOL[1] + 1) if port not in (50389, 50636)], 2500))
    drawn = [*drawn[:-1], 50636] if taken else drawn
    # Each of the pool's ports twice, for both families of addresses, as on Windows Server 2008 R2 and later.
    rows = [socket("udp", port, f"dns.exe{words}", 1084, ["DNS"], pool=True) for port in (*drawn, *drawn)]
    rows += [socket("tcp", port, "System", 4, []) for port in (80, 445, 5985)]
    rows += [socket("udp", 4500, "svchost.exe", 1096, ["IKEEXT"])]
    if not taken:
        rows += [
            socket(name, port, "dsamain.exe", 852, ["ADAM_MSExchange"])
            for name in ("tcp", "udp")
            for port in (50389, 50636)
        ]
    used = {row["port"] for row in rows}
    free = [port for port in range(1025, 49000) if port not in used]
    more = lottery.sample(free, max(sockets - len(rows), 0))
    rows += [
        socket("tcp", port, f"app{port % 40}.exe{words}", 2000 + port % 40, [f"App{port % 40}{words}"]) for port in more
    ]
    return rows


def _instance(*, taken: bool) -> Facts:
    return {
        "instance": "MSExchange",
        "service": "ADAM_MSExchange",
        "state": "Stopped" if taken else "Running",
        "start_mode": "Auto",
        "process_id": 0 if taken else 852,
        "exit_code": 10013 if taken else 0,
        "ldap_port": 50389,
        "ssl_port": 50636,
        "ports_source": "registry",
    }


def _service(name: str, display_name: str, products: list[str], process_id: int, exit_code: int) -> Facts:
    return {
        "service": name,
        "display_name": display_name,
        "products": products,
        "state": "Running" if process_id else "Stopped",
        "start_mode": "auto",
        "process_id": process_id,
        "exit_code": exit_code,
    }


def _waiting(words: str) -> Facts:
    return {
        "resource": "dns_socket_pool",
        "part": "excluded_ports",
        "configured": ["50389-50389", "50636-50636"],
        "effective": "no",
        "reason": f"DNS has not restarted since.{words}",
        "waits_for": "dns_restart",
        "reboot_required": False,
        "restart_required": True,
    }


def _risk(words: str) -> Facts:
    candidate = {
        "name": "excluded_from_pool",
        "advised": True,
        "how": f"portkeeper.windows.dns_socket_pool with excluded_ports{words}",
        "note": "The DNS server leaves these ports alone.",
        "probability": 0.0,
        "takes_effect": "dns_restart",
    }
    return {
        "probability": 0.281932,
        "formula": "1 - C(16380, 2500) / C(16382, 2500)",
        "reason": f"MaxUserPort is not set.{words}",
        "drawn": 2500,
        "drawable": 16382,
        "services": [],
        "ports": [
            {"protocol": "udp", "port": port, "service": "ADAM_MSExchange", "probability": 0.152607}
            for port in (50389, 50636)
        ],
        "candidates": [candidate],
        "doubts": [{"name": "ipv6", "sentence": f"They may be drawn apart.{words}", "probability": 0.484379}],
    }


def _finding(words: str) -> Facts:
    return {
        "kind": "port_taken_by_dns_pool",
        "severity": "critical",
        "summary": f"ADAM_MSExchange is down: dns.exe (process 1084, service DNS) holds UDP 50636.{words}",
        "service": "ADAM_MSExchange",
        "ports": [{"protocol": "udp", "port": 50636}],
        "held_by": [
            {**socket("udp", 50636, f"dns.exe{words}", 1084, [f"DNS{words}"]), "held_as": "dns_pool"},
        ],
        "cause": f"At its start the DNS server drew this port.{words}",
        "evidence": [{"seen_in": "event", "text": f"System: 7023{words}", "time": "2026-11-20T08:00:00Z"}],
        "configured": False,
        "waits_for": None,
        "fix": f"- name: Give AD LDS its ports back{words}\n"
        "  ansible.builtin.include_role:\n    name: portkeeper.windows.exchange_edge_dns\n",
        "source": f"KB959215{words}",
    }
