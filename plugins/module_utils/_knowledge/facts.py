# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a server and their answers: everything that a planner sees of the server.

A fact is a question (a hashable value); ``Facts`` maps questions to answers. A planner asks for what it needs and is
called again when the answers are there (``FactsNeeded``), so that equal questions of several planners are read once and
all questions of one round can be read together.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import ntpath
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.services_file_contents import ServicesFile
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

if t.TYPE_CHECKING:
    # For the type checker alone: that file imports this one.
    from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions  # noqa: F401

Answer = t.TypeVar("Answer")
Protocol = t.Literal["tcp", "udp"]
PROTOCOLS: t.Final[tuple[Protocol, ...]] = ("tcp", "udp")
OWN_ERROR: t.Final = 1066
"""ERROR_SERVICE_SPECIFIC_ERROR: the service has a code of its own."""
_PROGRAM: t.Final = re.compile(r"(?ai).*?\.exe(?=\s|$)|.*?(?=\s[-/])")
"""The program of a command line without quotes; its folders may have spaces in their names."""
Family = t.Literal["ipv4", "ipv6"]
FAMILIES: t.Final[tuple[Family, ...]] = ("ipv4", "ipv6")


@dataclasses.dataclass(frozen=True)
class Fact(t.Generic[Answer]):
    """A question to the server; two equal questions of one class have one answer.

    A question without fields of its own has all that it needs from here.
    """


# --- answers -----------------------------------------------------------------------------------------------------


class OperatingSystem(t.NamedTuple):
    """Win32_OperatingSystem, as far as rules depend on it."""

    version: str
    """``major.minor.build``, for example ``5.2.3790``."""
    caption: str
    product_type: int
    """1 workstation, 2 domain controller, 3 server."""
    local_time: datetime.datetime
    boot_time: datetime.datetime

    @property
    def uptime(self) -> float:
        """Seconds since the boot: a difference inside one answer, since boot times move with the clock."""
        return (self.local_time - self.boot_time).total_seconds()


class RegistryType(enum.IntEnum):
    """The registry's type numbers (StdRegProv.EnumValues)."""

    STRING = 1
    EXPAND_STRING = 2
    BINARY = 3
    DWORD = 4
    MULTI_STRING = 7
    QWORD = 11


class RegistryValue(t.NamedTuple):
    """One value: text for the string types, a number for DWORD/QWORD, a tuple of texts for MULTI_STRING."""

    type: RegistryType
    data: str | int | tuple[str, ...]


class Absent(enum.Enum):
    """The reason why a value is not there; a missing key and a missing value have different return codes."""

    VALUE = "value"
    KEY = "key"


RegistryReading: t.TypeAlias = "RegistryValue | Absent"


def number(reading: RegistryReading) -> int | None:
    """The number that a value holds; ``None`` where it is absent or holds something else."""
    return reading.data if isinstance(reading, RegistryValue) and isinstance(reading.data, int) else None


def texts(reading: RegistryReading) -> tuple[str, ...]:
    """The texts that a list of texts holds; none where the value is absent or holds something else."""
    return reading.data if isinstance(reading, RegistryValue) and isinstance(reading.data, tuple) else ()


class Service(t.NamedTuple):
    """Win32_Service. ``exit_code`` keeps the Win32 error of a failed start (10048, 10013)."""

    name: str
    display_name: str
    state: str
    """Stopped, Start Pending, Stop Pending, Running, Continue Pending, Pause Pending, Paused, Unknown."""
    start_mode: str
    """As read: Auto, Manual, Disabled, Boot, System."""
    process_id: int
    """0 when it does not run."""
    exit_code: int
    specific_exit_code: int
    path_name: str
    delayed: bool | None = None
    """Whether its delayed flag is set; ``None`` if WMI did not tell."""

    @property
    def runs(self) -> bool:
        """True if its state is Running."""
        return self.state == "Running"

    @property
    def image(self) -> str:
        """The file name in its command line, quoted or not, with or without arguments; empty if there is none."""
        command = self.path_name.strip()
        if command.startswith('"'):
            return ntpath.basename(command[1:].partition('"')[0])
        named = _PROGRAM.match(command)
        return ntpath.basename(named[0] if named else command)

    @property
    def error(self) -> int:
        """The error that its last end left: ``exit_code``, or the service's own if that only says that there is one."""
        return self.specific_exit_code if self.exit_code == OWN_ERROR else self.exit_code


class Process(t.NamedTuple):
    """Win32_Process; ``age`` in seconds, from one answer (LocalDateTime of the same task minus CreationDate)."""

    process_id: int
    image: str
    created: datetime.datetime | None


class Socket(t.NamedTuple):
    """A TCP listener or a bound UDP socket. ``address`` is ``0.0.0.0`` or ``::`` for a wildcard bind."""

    protocol: Protocol
    address: str
    port: int
    process_id: int


class Connection(t.NamedTuple):
    """A TCP socket that holds its local port without listening on it: mostly an outgoing connection.

    ``far_end`` is where it leads to, such as ``192.0.2.99:389`` or ``[2001:db8::99]:389``; empty for a socket that is
    bound and nothing more.
    """

    address: str
    port: int
    process_id: int
    far_end: str


class DynamicRanges(t.NamedTuple):
    """The ranges ephemeral ports are drawn from (``netsh int ipv4|ipv6 show dynamicport``; 6.0 and later)."""

    tcp: PortRange
    udp: PortRange
    tcp6: PortRange
    udp6: PortRange

    def of(self, family: Family, protocol: Protocol) -> PortRange:
        """The range of one family and protocol."""
        if family == "ipv4":
            return self.tcp if protocol == "tcp" else self.udp
        return self.tcp6 if protocol == "tcp" else self.udp6

    def changed(self, family: Family, protocol: Protocol, ports: PortRange) -> DynamicRanges:
        """These ranges with another one for one family and protocol."""
        return self._replace(**{f"{protocol}6" if family == "ipv6" else protocol: ports})


class Event(t.NamedTuple):
    """Win32_NTLogEvent. Sources and codes are the same in every language; ``strings`` are what was put into its text.

    Errors stand in ``strings`` as ``%%10048``, untranslated (Q125661); names of services are display names, localized.
    """

    log: str
    record: int
    source: str
    code: int
    time: datetime.datetime
    """The time at which it happened, by the server's own clock."""
    strings: tuple[str, ...]


class TcpSegments(t.NamedTuple):
    """TCP segments over IPv4 since the boot, as Windows' raw counters tell (32 bits: they start again at 2**32)."""

    sent: int
    retransmitted: int


class NetworkAdapter(t.NamedTuple):
    """Win32_NetworkAdapter; ``service`` is the key name of its driver, ``device_id`` what its driver is known by."""

    name: str
    service: str
    connected: bool
    device_id: str


class NetworkDriver(t.NamedTuple):
    """Win32_PnPSignedDriver of a network adapter; ``date`` is the one that its maker gave it."""

    device_id: str
    name: str
    version: str
    provider: str
    date: datetime.datetime | None


# --- questions ---------------------------------------------------------------------------------------------------


class OperatingSystemFact(Fact[OperatingSystem]):
    """Release, uptime and the server's clock."""


@dataclasses.dataclass(frozen=True)
class RegistryFact(Fact[RegistryReading]):
    """One value below HKEY_LOCAL_MACHINE, read as the type that it must have.

    A value of another type is answered with its real type, found by listing the key.
    """

    key: str
    name: str
    type: RegistryType


@dataclasses.dataclass(frozen=True)
class RegistryNamesFact(Fact[tuple[tuple[str, int], ...] | Absent]):
    """The names and types of a key's values; settles whether a value is absent."""

    key: str


@dataclasses.dataclass(frozen=True)
class ServiceFact(Fact[Service | None]):
    """One service by key name (case-insensitive: give it as the table or the user spells it, compare by casefold)."""

    name: str


@dataclasses.dataclass(frozen=True)
class ServicesLikeFact(Fact[tuple[Service, ...]]):
    """All services whose key name starts with ``prefix`` (AD LDS instances: ``ADAM_``)."""

    prefix: str


@dataclasses.dataclass(frozen=True)
class ServicesOfProcessFact(Fact[tuple[Service, ...]]):
    """The services that live in one process (a shared svchost.exe hosts many)."""

    process_id: int


class DependenciesFact(Fact[Dependencies]):
    """The whole dependency graph of services; asked only when something must be stopped or started."""


@dataclasses.dataclass(frozen=True)
class ProcessFact(Fact[Process | None]):
    """One process by its id."""

    process_id: int


@dataclasses.dataclass(frozen=True)
class SocketsFact(Fact[tuple[Socket, ...]]):
    """The sockets that listen on (TCP) or are bound to (UDP) these ports; ``None``: every port."""

    ports: PortSet | None


@dataclasses.dataclass(frozen=True)
class ConnectionsFact(Fact[tuple[Connection, ...]]):
    """The TCP sockets that hold one of these ports though no process listens there; a port with a listener has none.

    A question of its own, so that no proof that a service listens can rest on a connection. Ask it for few ports only
    (``port_holders.connection_questions``): a busy server has tens of thousands of connections.
    """

    ports: PortSet
    unlistened: bool = False
    """True if whoever asks has seen that no process listens on any of these ports."""


class ExclusionsFact(Fact["Exclusions | None"]):
    """The excluded port ranges in force; ``None`` if this Windows has no such netsh verb (probed, never assumed)."""


class DynamicRangesFact(Fact[DynamicRanges | None]):
    """The dynamic port ranges; ``None`` where netsh has no such verb."""


class UpdatesFact(Fact[tuple[str, ...]]):
    """HotFixIDs of Win32_QuickFixEngineering: can confirm an update, never refute it."""


@dataclasses.dataclass(frozen=True)
class EventsFact(Fact["tuple[Event, ...]"]):
    """Events of one log by their codes since a moment of the server's clock, newest first, at most ``most``."""

    log: str
    codes: tuple[int, ...]
    since: datetime.datetime
    most: int


@dataclasses.dataclass(frozen=True)
class ServicesFailedFact(Fact["tuple[Service, ...]"]):
    """The services whose last end left one of these Win32 errors, as such or as their own (1066)."""

    codes: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ServicesDisplayedFact(Fact["tuple[Service, ...]"]):
    """The services with one display name, the localized name that events give (case-insensitive)."""

    display_name: str


class TcpSegmentsFact(Fact[TcpSegments]):
    """The numbers of TCP segments sent and sent again."""


class NetworkAdaptersFact(Fact["tuple[NetworkAdapter, ...]"]):
    """The network adapters, teams among them."""


class NetworkDriversFact(Fact["tuple[NetworkDriver, ...]"]):
    """The drivers of network adapters; slow on a real server, so asked only when it matters."""


@dataclasses.dataclass(frozen=True)
class ServicesFileFact(Fact[ServicesFile]):
    """The services file in this folder, whole."""

    folder: str


@dataclasses.dataclass(frozen=True)
class ServicesBackupFact(Fact["bytes | None"]):
    """Our backup of the services file in this folder; ``None`` if there is none."""

    folder: str


class FactsNeeded(Exception):
    """A planner needs answers that are not there yet: read them all, then plan again."""

    def __init__(self, facts: t.Iterable[Fact[t.Any]]) -> None:
        self.facts = frozenset(facts)
        super().__init__(f"{len(self.facts)} facts are needed")

    def in_order(self) -> list[Fact[t.Any]]:
        """The facts sorted by kind and then by what they ask about: the one order in which they are read.

        The order of a set changes with each Python process, and the order in which planners ask changes with the code.
        """
        # The text of a fact names its kind and all its fields; the fields themselves can't always be compared.
        return sorted(self.facts, key=repr)


class Unread(t.NamedTuple):
    """Stands for the answer to a question that could not be answered; ``error`` says why, in a sentence."""

    error: Exception


class FactUnread(Exception):
    """The question rests on an answer that could not be read."""

    def __init__(self, fact: Fact[t.Any], unread: Unread) -> None:
        self.fact, self.unread = fact, unread
        super().__init__(str(unread.error))


class Facts:
    """The answers read so far; immutable."""

    def __init__(self, answers: t.Mapping[Fact[t.Any], t.Any] | None = None) -> None:
        self._answers: dict[Fact[t.Any], t.Any] = dict(answers or {})

    def __getitem__(self, fact: Fact[Answer]) -> Answer:
        """The answer to one question.

        Raises:
            FactsNeeded: it has not been read yet.
            FactUnread: it could not be read; only ``port_info`` goes on after that.
        """
        try:
            answer = self._answers[fact]
        except KeyError:
            raise FactsNeeded([fact]) from None
        if isinstance(answer, Unread):
            raise FactUnread(fact, answer)
        return t.cast(Answer, answer)

    def optional(self, fact: Fact[Answer], otherwise: Answer) -> Answer:
        """The answer, or ``otherwise`` if it could not be read. Raises FactsNeeded."""
        self.require(fact)
        return otherwise if isinstance(self._answers[fact], Unread) else self[fact]

    def is_read(self, fact: Fact[t.Any]) -> bool:
        """True if it could be read. Raises FactsNeeded."""
        self.require(fact)
        return not isinstance(self._answers[fact], Unread)

    @property
    def unread(self) -> dict[Fact[t.Any], Unread]:
        """The questions that could not be answered, in the order in which that was found."""
        return {fact: answer for fact, answer in self._answers.items() if isinstance(answer, Unread)}

    def __contains__(self, fact: Fact[t.Any]) -> bool:
        return fact in self._answers

    def __iter__(self) -> t.Iterator[Fact[t.Any]]:
        """The questions."""
        return iter(self._answers)

    def require(self, *facts: Fact[t.Any]) -> None:
        """Ask for several facts at once, so that they are read in one round."""
        missing = [fact for fact in facts if fact not in self._answers]
        if missing:
            raise FactsNeeded(missing)

    def implied(self, wanted: t.Iterable[Fact[t.Any]]) -> dict[Fact[t.Any], t.Any]:
        """Answers to those of these questions that ask for some ports of a question that is answered already."""
        answers: dict[Fact[t.Any], t.Any] = {}
        for fact in wanted:
            if isinstance(fact, (SocketsFact, ConnectionsFact)):
                wider = (known for known in self._answers if type(known) is type(fact) and _covers(known, fact))
                if (found := next(wider, None)) is not None:
                    answers[fact] = _within(self._answers[found], fact.ports)
        return answers

    def extended(self, answers: t.Mapping[Fact[t.Any], t.Any]) -> Facts:
        """These facts and newer answers; the newer win."""
        return Facts({**self._answers, **answers})

    def without(self, *kinds: type[Fact[t.Any]]) -> Facts:
        """These facts less all of some kinds, which a change has made stale."""
        return Facts({fact: answer for fact, answer in self._answers.items() if not isinstance(fact, kinds)})

    def only(self, *kinds: type[Fact[t.Any]]) -> Facts:
        """The facts of some kinds alone."""
        return Facts({fact: answer for fact, answer in self._answers.items() if isinstance(fact, kinds)})

    def less(self, stale: t.Iterable[Fact[t.Any] | type[Fact[t.Any]]]) -> Facts:
        """These facts less some, which a change has made stale: single ones, and all of some kinds."""
        gone = frozenset(stale)
        kinds = tuple(one for one in gone if isinstance(one, type))
        return Facts(
            {fact: answer for fact, answer in self._answers.items() if fact not in gone and not isinstance(fact, kinds)}
        )


def _covers(wide: t.Any, narrow: t.Any) -> bool:
    return bool(wide.ports is None or (narrow.ports is not None and wide.ports >= narrow.ports))


def _within(rows: t.Any, ports: PortSet | None) -> t.Any:
    """The rows on these ports; of what could not be read no part was."""
    return rows if isinstance(rows, Unread) else tuple(row for row in rows if ports is None or row.port in ports)
