# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info``: what is asked, as typed options."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS, OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    MOST_CONNECTION_PORTS,
    NEEDED_TCP,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import limits
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.expression import Scope
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.limits import Limits
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import USUAL_INSTANCE
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    PortSet,
    PortSyntaxError,
    parse_ports,
)

SubsetName = t.Literal[
    "release",
    "updates",
    "dynamic_ranges",
    "reservations",
    "dns_pool",
    "sockets",
    "ad_lds",
    "services",
    "roles",
    "configured_versus_effective",
    "risk",
    "findings",
]
Detail = t.Literal["sentences", "short", "full"]
DETAILS: t.Final[tuple[Detail, ...]] = t.get_args(Detail)
"""How much of an answer is shown: sentences alone, a line for each row, or rows with all their fields."""
SUBSET_NAMES: t.Final[tuple[SubsetName, ...]] = t.get_args(SubsetName)
ALL: t.Final = "all"
BULKY: t.Final[tuple[SubsetName, ...]] = ("sockets",)
"""Left out unless they are asked for: a DNS server has thousands of sockets."""
ABOUT_ALL: t.Final = ("msg", "unread", "verdict")
"""Fields of a result that no subset gives: they speak of all that was read."""

_USUAL: t.Final = tuple(name for name in SUBSET_NAMES if name not in BULKY)

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "gather_subset": {"type": "list", "elements": "str"},
    "ports": {"type": "list", "elements": "str"},
    "query": {"type": "str"},
    "detail": {"type": "str", "choices": [*DETAILS]},
    "sockets_by": {"type": "str", "choices": ["process", "socket"]},
    "ad_lds_instance": {"type": "str", "default": USUAL_INSTANCE},
    **limits.ARGUMENTS,
}


@dataclasses.dataclass(frozen=True, slots=True)
class PortInfoOptions:
    """The subsets to read, in the table's order, and the ports that sockets are restricted to."""

    subsets: tuple[SubsetName, ...]
    ports: PortSet | None = None
    journal: bool = True
    limits: Limits = dataclasses.field(default_factory=Limits)
    ad_lds_instance: str = USUAL_INSTANCE
    """The AD LDS instance that the role exchange_edge_dns is told."""

    @property
    def sees_all_sockets(self) -> bool:
        """True if every socket of the server is read."""
        return "sockets" in self.subsets and self.ports is None

    @property
    def connection_ports(self) -> PortSet:
        """The TCP ports of which outgoing connections are read beside the sockets."""
        if "sockets" not in self.subsets or self.leaves_connections_out:
            return NO_PORTS
        return NEEDED_TCP if self.ports is None else self.ports

    @property
    def leaves_connections_out(self) -> bool:
        """True if outgoing connections on the ports are not read, because there are too many ports."""
        return self.ports is not None and self.ports.count > MOST_CONNECTION_PORTS


def port_info_options(arguments: t.Mapping[str, t.Any], scope: Scope | None, *, journal: bool) -> PortInfoOptions:
    """The checked options; ``scope`` is what the option ``query`` speaks of.

    Raises:
        OptionError: a subset is not known, none is left, a port is none, or a limit is out of bounds.
    """
    asked = _asked(arguments, scope, journal=journal)
    instance = arguments.get("ad_lds_instance", USUAL_INSTANCE)
    return dataclasses.replace(asked, limits=limits.limits(arguments), ad_lds_instance=instance)


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """The form of an answer: its detail, and if sockets are put together by process."""

    detail: Detail
    by_process: bool


def form(arguments: t.Mapping[str, t.Any], *, registered: bool) -> Form:
    """The form that is asked for: rows for programs, that is where the task names the rows of sockets, or a query, or
    where its result is registered; else lines for people.

    Raises:
        OptionError: the form is not one that a query can have.
    """
    detail, sockets_by, queries = arguments.get("detail"), arguments.get("sockets_by"), arguments.get("query")
    if queries is None:
        return Form(detail or ("full" if sockets_by or registered else "short"), sockets_by != "socket")
    if sockets_by == "process":
        raise OptionError("sockets_by", "process can't be used together with query, which sees single sockets")
    if detail not in (None, "full"):
        raise OptionError("detail", f"{detail} can't be used together with query, which shapes the answer itself")
    return Form("full", by_process=False)


def _asked(arguments: t.Mapping[str, t.Any], scope: Scope | None, *, journal: bool) -> PortInfoOptions:
    ports = _ports(arguments.get("ports"))
    given = arguments.get("gather_subset")
    if given is not None:
        return PortInfoOptions(_named_subsets(given), ports, journal)
    if scope is not None:
        return PortInfoOptions(_subsets_of(scope), scope.ports if ports is None else ports, journal)
    if ports is not None:
        return PortInfoOptions(("sockets",), ports, journal)
    return PortInfoOptions(_USUAL, journal=journal)


def _ports(texts: t.Sequence[str] | None) -> PortSet | None:
    if texts is None:
        return None
    try:
        ports = parse_ports(texts)
    except PortSyntaxError as error:
        raise OptionError("ports", str(error)) from error
    if not ports:
        raise OptionError("ports", "it is empty; leave it out to see every socket")
    return ports


def _named_subsets(texts: t.Sequence[str]) -> tuple[SubsetName, ...]:
    """As ``ansible.builtin.setup`` reads its option: names add, ``!`` takes away, only the latter begins with all."""
    names = [text.strip() for text in texts]
    wanted = {name for name in names if not name.startswith("!")}
    unwanted = {name[1:].strip() for name in names if name.startswith("!")}
    _refuse_unknown("gather_subset", (wanted | unwanted) - {ALL}, "there is no subset {}; there are all, {}")
    all_names = set(SUBSET_NAMES)
    chosen = all_names if ALL in wanted or not wanted else set[str]()
    chosen = set() if ALL in unwanted else chosen
    chosen = (chosen | (wanted & all_names)) - unwanted
    if not chosen:
        raise OptionError("gather_subset", "no subset is left")
    return tuple(name for name in SUBSET_NAMES if name in chosen)


def _subsets_of(scope: Scope) -> tuple[SubsetName, ...]:
    if scope.names is None:
        return SUBSET_NAMES
    fields = (*SUBSET_NAMES, *ABOUT_ALL)
    _refuse_unknown("query", scope.names, "the result has no field {} at its top; it has {}", fields)
    usual = _USUAL if scope.names & set(ABOUT_ALL) else ()
    return tuple(name for name in SUBSET_NAMES if name in scope.names or name in usual)


def _refuse_unknown(option: str, names: t.AbstractSet[str], reason: str, known: t.Sequence[str] = SUBSET_NAMES) -> None:
    unknown = sorted(names - set(known))
    if unknown:
        raise OptionError(option, reason.format(repr(unknown[0]), ", ".join(known)))
