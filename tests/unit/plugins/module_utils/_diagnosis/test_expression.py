# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a JMESPath expression speaks of."""

from __future__ import annotations

import jmespath
import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.expression import Scope, scope_of
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

NAMES: list[tuple[str, set[str] | None]] = [
    ("release.name", {"release"}),
    ("dns_pool.range.first", {"dns_pool"}),
    ("{a: release.name, b: length(sockets)}", {"release", "sockets"}),
    ("[release, updates.seen[0]]", {"release", "updates"}),
    ("sort_by(sockets, &port)[-1]", {"sockets"}),
    ("sockets[].services[]", {"sockets"}),
    ("sockets[0:3].release", {"sockets"}),
    ("reservations.* | [0]", {"reservations"}),
    ("ad_lds || dns_pool && !updates", {"ad_lds", "dns_pool", "updates"}),
    ("sockets | [?port == `5`]", {"sockets"}),
    ("'text'", set()),
    ("@", None),
    ("*.name", None),
    ("[release, @]", None),
    ("keys(@)", None),
    ("[?port == `5`]", None),
]


@pytest.mark.parametrize(("expression", "names"), NAMES, ids=[row[0] for row in NAMES])
def test_the_fields_at_the_top(expression: str, names: set[str] | None) -> None:
    found = scope_of(jmespath.compile(expression).parsed)
    assert found.names == (None if names is None else frozenset(names))


PORTS: list[tuple[str, PortSet | None]] = [
    ("sockets[?port==`50636`]", PortSet.of(50636)),
    ("sockets[?`50636` == port].image | [0]", PortSet.of(50636)),
    ("sockets[?port==`5` && protocol=='udp']", PortSet.of(5)),
    ("sockets[?protocol=='udp' && port==`5`]", PortSet.of(5)),
    ("sockets[?port==`5` || port==`9`]", PortSet.of(5, 9)),
    ("[sockets[?port==`5`], sockets[?port==`9`]]", PortSet.of(5, 9)),
    ("length(sockets[?port==`5`])", PortSet.of(5)),
    ("sockets[?port==`5` || pool]", None),
    ("sockets[?port!=`5`]", None),
    ("sockets[?!(port==`5`)]", None),
    ("sockets[?port>`5`]", None),
    ("sockets[?port==`true`]", None),
    ("sockets[?port=='5']", None),
    ("sockets[?port==`70000`]", None),
    ("sockets[?process_id==`5`]", None),
    ("[sockets[?port==`5`], sockets]", None),
    ("[sockets[?port==`5`], dns_pool.sockets_held]", None),
    ("sockets | [?port==`5`]", None),
]


@pytest.mark.parametrize(("expression", "ports"), PORTS, ids=[row[0] for row in PORTS])
def test_the_ports_that_alone_matter(expression: str, ports: PortSet | None) -> None:
    assert scope_of(jmespath.compile(expression).parsed).ports == ports


SOCKETS = [
    {"port": port, "protocol": protocol, "pool": port > 5, "process_id": port}
    for port in (5, 9, 50636)
    for protocol in ("tcp", "udp")
]


@pytest.mark.parametrize("expression", [row[0] for row in PORTS])
def test_reading_only_those_ports_gives_the_same_answer(expression: str) -> None:
    compiled = jmespath.compile(expression)
    ports = scope_of(compiled.parsed).ports
    read = [row for row in SOCKETS if ports is None or row["port"] in ports]
    assert compiled.search({"sockets": read}) == compiled.search({"sockets": SOCKETS})


def test_what_is_not_understood_speaks_of_everything() -> None:
    assert scope_of({"type": "something_new", "children": []}) == Scope(None)
