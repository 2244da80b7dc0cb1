# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers that change one server at once, in many orders of their messages: is anything lost, and is it said?

``make interleavings`` tries 1,000 orders of each mechanism and writes the table of docs/journal.md; a test tries some.
"""

from __future__ import annotations

import collections
import collections.abc as c
import concurrent.futures
import dataclasses
import os
import sys
import time
import typing as t

from tests.fleet.host_cases import Json, Step
from tests.fleet.interleaving import Ending, Table, interrupted, shuffled
from tests.fleet.snapshot import PROTOCOLS, Snapshot
from tests.tooling.sources import ROOT

ORDERS: t.Final = 1000
PAGE: t.Final = ROOT / "docs" / "journal.md"
_BEGIN, _END = "<!-- measured by make interleavings -->", "<!-- end of measured -->"

Check: t.TypeAlias = c.Callable[[Snapshot], bool]


@dataclasses.dataclass(frozen=True)
class Wish:
    """What one controller wants of the server: resources of ``converge``, and whether a server has them.

    ``taken`` turns it into an undo: the controller has it before, and takes it back.
    """

    resources: tuple[Json, ...]
    is_there: Check
    taken: bool = False

    def step(self, owner: str, *, absent: bool) -> Step:
        """The task of one controller."""
        state = {"state": "absent"} if absent else {}
        return Step(module="converge", options={"resources": list(self.resources), "owner": owner, **state})


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """A kind of server, and what two (or more) controllers want of it."""

    told: str
    server: Json
    wishes: c.Mapping[str, Wish]
    exclusive: bool = False
    """They want different things of one value: the last one that was written holds."""
    is_promised: bool = True
    """False for what docs/journal.md names as a limit: it is measured, and may lose."""


# --- the mechanisms ---------------------------------------------------------------------------------------------------

_OLD: t.Final[Json] = {"release": "2003", "roles": ["dns"], "broken": False}
_FOREIGN: t.Final[Json] = {**_OLD, "reserved_ports": ["3343-3343"]}
_MIDDLE: t.Final[Json] = {"release": "2008r2", "roles": ["dns"], "broken": False}
_NEW: t.Final[Json] = {"release": "2022", "roles": ["dns"], "broken": False}


def _reserved(*ports: str) -> Wish:
    wanted = {f"{port}-{port}" for port in ports}
    return Wish(({"reserved_ports": {"ports": list(ports)}},), lambda server: wanted <= set(server.reserved or ()))


def _netsh(*ports: str) -> Wish:
    wanted = {f"{port}-{port}" for port in ports}
    return Wish(
        ({"reserved_ports": {"ports": list(ports)}},),
        lambda server: all(wanted <= set(server.excluded(protocol)) for protocol in PROTOCOLS),
    )


def _pool_list(*ports: str) -> Wish:
    wanted = {f"{port}-{port}" for port in ports}
    return Wish(
        ({"dns_socket_pool": {"excluded_ports": list(ports)}},),
        lambda server: wanted <= set(server.pool_exclusions or ()),
    )


def _pool_size(size: int) -> Wish:
    return Wish(({"dns_socket_pool": {"size": size}},), lambda server: server.pool_size == size)


def _range(start: int, protocol: str = "tcp") -> Wish:
    wish = {"dynamic_ports": {"start": start, "number": 10000, "protocol": protocol}}
    shown = f"{start}-{start + 9999}"
    return Wish((wish,), lambda server: server.data["dynamic_ranges"][f"ipv4 {protocol}"] == shown)


def _mode(service: str, mode: str) -> Wish:
    wish = {"service_start_mode": {"name": [service], "start_mode": mode}}
    return Wish((wish,), lambda server: server.start_mode(service) == mode)


def _entry(name: str, port: int) -> Wish:
    wish = {"services_file": {"entries": [{"name": name, "port": port, "protocol": "tcp"}]}}
    return Wish((wish,), lambda server: any(name in str(text) for text in server.data["files"].values()))


def _rpc(key: str, port: int) -> Wish:
    value = {"ntds": (r"NTDS\Parameters", "TCP/IP Port"), "netlogon": (r"Netlogon\Parameters", "DCTcpipPort")}[key]
    path = rf"SYSTEM\CurrentControlSet\Services\{value[0]}"
    return Wish(({"static_rpc_port": {"ports": {key: port}}},), lambda server: server.value(path, value[1]) == port)


def _stopped(service: str) -> Wish:
    wish = {"service_state": {"name": [service], "state": "stopped"}}
    return Wish((wish,), lambda server: not server.runs(service))


def _both(*wishes: Wish) -> Wish:
    resources = tuple(resource for wish in wishes for resource in wish.resources)
    return Wish(resources, lambda server: all(wish.is_there(server) for wish in wishes))


def _taken(wish: Wish) -> Wish:
    return dataclasses.replace(wish, taken=True)


def _pair(told: str, server: Json, first: Wish, second: Wish, *, exclusive: bool = False) -> Mechanism:
    return Mechanism(told, server, {"first": first, "second": second}, exclusive)


_CONTROLLER: t.Final[Json] = {**_MIDDLE, "roles": ["domain_controller", "dns"]}
MECHANISMS: t.Final = (
    _pair("`ReservedPorts`, with entries of others", _FOREIGN, _reserved("5389"), _reserved("5636")),
    _pair("`ReservedPorts`, absent before", _OLD, _reserved("5389"), _reserved("5636")),
    _pair("the same ports in `ReservedPorts`", _FOREIGN, _reserved("5389"), _reserved("5389")),
    _pair("the DNS server's excluded ports", _MIDDLE, _pool_list("50389"), _pool_list("50636")),
    _pair("the DNS server's pool size, two of them", _MIDDLE, _pool_size(3000), _pool_size(4000), exclusive=True),
    _pair("the DNS server's pool size and excluded ports", _MIDDLE, _pool_size(3000), _pool_list("50636")),
    _pair("netsh's excluded ranges", _NEW, _netsh("5389"), _netsh("5636")),
    _pair("dynamic ranges of TCP and UDP", _NEW, _range(50000), _range(40000, "udp")),
    _pair("one dynamic range, two of them", _NEW, _range(50000), _range(40000), exclusive=True),
    _pair("start modes of two services", _NEW, _mode("W32Time", "manual"), _mode("DNS", "delayed")),
    _pair(
        "one start mode, two of them", _NEW, _mode("W32Time", "manual"), _mode("W32Time", "disabled"), exclusive=True
    ),
    _pair("the services file", _NEW, _entry("portone", 50389), _entry("porttwo", 50636)),
    _pair("fixed RPC ports", _CONTROLLER, _rpc("ntds", 49200), _rpc("netlogon", 49201)),
    _pair("services that are stopped", _NEW, _stopped("W32Time"), _stopped("Spooler")),
    _pair("two settings that have nothing in common", _FOREIGN, _reserved("5389"), _pool_size(3000)),
    _pair(
        "two settings each",
        _FOREIGN,
        _both(_pool_size(3000), _reserved("5389")),
        _both(_reserved("5636"), _mode("W32Time", "manual")),
    ),
    _pair("`ReservedPorts`, beside an undo", _FOREIGN, _taken(_reserved("5389")), _reserved("5636")),
    _pair("the same ports, beside an undo", _OLD, _taken(_reserved("5389")), _reserved("5389")),
    _pair("netsh's excluded ranges, beside an undo", _NEW, _taken(_netsh("5389")), _netsh("5636")),
    _pair("two undos of `ReservedPorts`", _FOREIGN, _taken(_reserved("5389")), _taken(_reserved("5636"))),
    _pair("two undos of netsh's ranges", _NEW, _taken(_netsh("5389")), _taken(_netsh("5636"))),
    Mechanism(
        "`ReservedPorts`, three controllers",
        _FOREIGN,
        {"first": _reserved("5389"), "second": _reserved("5636"), "third": _reserved("5999")},
        is_promised=False,
    ),
)


# --- one order --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Finding:
    """What came of one order: silent losses, and the failures that the runs themselves told."""

    order: str
    lost: tuple[str, ...]
    failed: tuple[str, ...]
    messages: int


class Orders:
    """One mechanism: its server, ready for the two controllers."""

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        self._table = Table(mechanism.server)
        self._before = self._table.look().configuration
        for owner, wish in mechanism.wishes.items():
            if wish.taken:
                ending = self._table.alone(wish.step(owner, absent=False))
                assert ending.event == "ok", ending.message
        self._table.keep()

    @property
    def steps(self) -> dict[str, Step]:
        """The tasks that run at once."""
        return {owner: wish.step(owner, absent=wish.taken) for owner, wish in self.mechanism.wishes.items()}

    def shuffled(self, seed: int) -> Finding:
        """A random order."""
        return self._finding(f"seed {seed}", self._endings(shuffled(seed)))

    def interrupted(self, name: str, after: int) -> Finding:
        """One controller stands still after so many messages."""
        return self._finding(f"{name} stands still after {after}", self._endings(interrupted(name, after=after)))

    def messages(self, name: str) -> int:
        """The messages of this controller's task if it is alone."""
        self._table.put_back()
        return self._table.alone(self.steps[name]).messages

    def _endings(self, schedule: c.Callable[[c.Sequence[str]], str]) -> dict[str, Ending]:
        self._table.put_back()
        return self._table.together(self.steps, schedule)

    def _finding(self, order: str, endings: c.Mapping[str, Ending]) -> Finding:
        failed = [f"{owner}: {ending.message}" for owner, ending in endings.items() if ending.event != "ok"]
        lost = list(self._lost(endings))
        lost += [] if failed else self._left_over()
        return Finding(order, tuple(lost), tuple(failed), sum(ending.messages for ending in endings.values()))

    def _lost(self, endings: c.Mapping[str, Ending]) -> c.Iterator[str]:
        """What is missing in the end though its run said ok."""
        server = self._table.look()
        said_ok = [owner for owner, ending in endings.items() if ending.event == "ok"]
        missing = [owner for owner in said_ok if not self._is_as_wished(owner, server)]
        if missing and not (self.mechanism.exclusive and len(missing) < len(said_ok)):
            yield f"{' and '.join(missing)}: lost, with all saying ok"

    def _is_as_wished(self, owner: str, server: Snapshot) -> bool:
        wish = self.mechanism.wishes[owner]
        return wish.is_there(server) is (not wish.taken or self._is_wanted(wish))

    def _is_wanted(self, wish: Wish) -> bool:
        """True if a controller keeps what this wish is about."""
        return any(not other.taken and other.resources == wish.resources for other in self.mechanism.wishes.values())

    def _left_over(self) -> c.Iterator[str]:
        """What is left once each has taken back what is his."""
        for owner, wish in self.mechanism.wishes.items():
            if wish.taken:
                continue
            ending = self._table.alone(wish.step(owner, absent=True))
            if ending.event != "ok":
                yield f"undo of {owner}: {ending.message}"
        server = self._table.look()
        if server.configuration != self._before:
            yield f"left behind: {_unlike(self._before, server.configuration)}"
        if any("Portkeeper" in key for key in server.data["registry"]):
            yield f"the journal is left: {server.journal}"


def _unlike(before: t.Any, after: t.Any, path: str = "") -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        return "; ".join(filter(None, (_unlike(before.get(name), after.get(name), f"{path}/{name}") for name in names)))
    return "" if before == after else f"{path}: {before} -> {after}"


# --- all of them ------------------------------------------------------------------------------------------------------


def tried(number: int, orders: int = ORDERS) -> list[Finding]:
    """Random orders of one mechanism, and each controller standing still after each of its messages."""
    trial = Orders(MECHANISMS[number])
    found = [trial.shuffled(seed) for seed in range(orders)]
    for name in trial.steps:
        found += [trial.interrupted(name, after) for after in range(1, trial.messages(name))]
    return found


_HEAD: t.Final = ("| Both change | Orders | Silent losses | A run failed and said so |", "| --- | --- | --- | --- |")


def _row(told: str, found: c.Sequence[Finding]) -> str:
    lost, failed = sum(bool(one.lost) for one in found), sum(bool(one.failed) for one in found)
    return f"| {told} | {len(found)} | {lost} | {failed} |"


def _write(rows: c.Mapping[str, c.Sequence[Finding]]) -> None:
    """Renew these rows of the table; those of other mechanisms stay as they were measured."""
    page = PAGE.read_text(encoding="utf-8")
    before, _begin, rest = page.partition(_BEGIN)
    measured, _end, after = rest.partition(_END)
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in measured.splitlines() if line.startswith("| ")}
    lines |= {told: _row(told, found) for told, found in rows.items()}
    told = [mechanism.told for mechanism in MECHANISMS if mechanism.told in lines]
    text = "\n".join([*_HEAD, *(lines[name] for name in told)])
    PAGE.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")


def _tell(told: str, found: c.Sequence[Finding]) -> None:
    lost, failed = [one for one in found if one.lost], [one for one in found if one.failed]
    print(f"{told}: {len(found)} orders, {len(lost)} silent losses, {len(failed)} with a failure", flush=True)
    kinds = collections.Counter(one.lost for one in lost)
    for kind, count in kinds.most_common(3):
        print(f"  {count} x {kind}, {next(one.order for one in lost if one.lost == kind)}")
    for one in failed[:3]:
        print(f"  {one.order}: {one.failed}")


def main(orders: int = ORDERS, *numbers: int) -> int:
    """Try all mechanisms, or those of these numbers, and renew their rows; name what was lost.

    The exit code says whether two controllers lost anything.
    """
    began, rows = time.monotonic(), {}
    chosen = numbers or tuple(range(len(MECHANISMS)))
    with concurrent.futures.ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for number, found in zip(chosen, pool.map(tried, chosen, [orders] * len(chosen)), strict=True):
            rows[MECHANISMS[number].told] = found
            _tell(MECHANISMS[number].told, found)
    _write(rows)
    promised = [rows[one.told] for one in MECHANISMS if one.is_promised and one.told in rows]
    lost_orders = sum(bool(one.lost) for found in promised for one in found)
    total = sum(len(found) for found in rows.values())
    print(f"{total} orders, {lost_orders} silent losses of two controllers, {time.monotonic() - began:.0f} s")
    return 1 if lost_orders else 0


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
