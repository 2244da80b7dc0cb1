# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and answers: what answers another question too, and what a service tells of its program."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    ConnectionsFact,
    Fact,
    Facts,
    FactsNeeded,
    ProcessFact,
    Service,
    ServiceFact,
    Socket,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

FEW, MORE, OTHERS = PortSet.of(53), PortSet.of(53, 1812), PortSet.of(53, 500)
DNS, RADIUS = (Socket("udp", "0.0.0.0", port, 9) for port in (53, 1812))
OUTGOING = Connection("192.0.2.10", 53, 7, "192.0.2.99:389")

IMPLIED: dict[str, tuple[t.Any, t.Any, t.Any]] = {
    "fewer ports": (SocketsFact(MORE), SocketsFact(FEW), (DNS,)),
    "some of all": (SocketsFact(None), SocketsFact(FEW), (DNS,)),
    "more ports": (SocketsFact(FEW), SocketsFact(MORE), None),
    "all ports": (SocketsFact(MORE), SocketsFact(None), None),
    "other ports": (SocketsFact(MORE), SocketsFact(OTHERS), None),
    "another question": (SocketsFact(MORE), ConnectionsFact(FEW), None),
    "a service": (SocketsFact(MORE), ServiceFact("DNS"), None),
}


IN_ORDER: t.Final = (ProcessFact(7), ServiceFact("DNS"), ServiceFact("IAS"), SocketsFact(None), SocketsFact(FEW))


@pytest.mark.parametrize("asked", list(itertools.permutations(IN_ORDER, 2)), ids=str)
def test_questions_are_read_in_one_order_however_they_were_asked(asked: tuple[Fact[t.Any], ...]) -> None:
    assert FactsNeeded(asked).in_order() == [fact for fact in IN_ORDER if fact in asked]


@pytest.mark.parametrize(("known", "asked", "expected"), IMPLIED.values(), ids=IMPLIED)
def test_what_is_known_is_not_asked_again(known: t.Any, asked: t.Any, expected: t.Any) -> None:
    answers = Facts({known: (DNS, RADIUS)}).implied([asked])
    assert answers == ({} if expected is None else {asked: expected})


def test_the_same_for_connections() -> None:
    known = Facts({ConnectionsFact(MORE): (OUTGOING,)})
    assert known.implied([ConnectionsFact(FEW)]) == {ConnectionsFact(FEW): (OUTGOING,)}
    assert known.implied([ConnectionsFact(PortSet.of(1812))]) == {ConnectionsFact(PortSet.of(1812)): ()}


IMAGES: list[tuple[str, str]] = [
    (r"C:\Windows\system32\dns.exe", "dns.exe"),
    (r"C:\Windows\system32\svchost.exe -k netsvcs -p", "svchost.exe"),
    (r'"C:\Program Files\Exchange\bin\Store.EXE" -start', "Store.EXE"),
    (r"C:\Program Files\Some - Thing\thing.exe -x a.exe", "thing.exe"),
    (r"C:\Windows\system32\svchost -k netsvcs", "svchost"),
    (r"C:\Program Files\my.exes\thing.exe", "thing.exe"),
    (r"C:\Tools\thing.exe /service", "thing.exe"),
    (r"\SystemRoot\System32\drivers\ipsec.sys", "ipsec.sys"),
    ("", ""),
]


@pytest.mark.parametrize(("command", "image"), IMAGES)
def test_the_program_of_a_service(command: str, image: str) -> None:
    assert Service("S", "S", "Running", "Auto", 1, 0, 0, command).image == image
