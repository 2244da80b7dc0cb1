# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer a round of questions with as few requests as their kinds allow.

Questions of one kind are read together: all services in one query, all processes in one query, and those that need a
command in one command line.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import RESET_ADVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock, Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    Connection,
    ConnectionsFact,
    DependenciesFact,
    DynamicRanges,
    DynamicRangesFact,
    EventsFact,
    ExclusionsFact,
    Fact,
    Family,
    NetworkAdaptersFact,
    NetworkDriversFact,
    OperatingSystemFact,
    ProcessFact,
    Protocol,
    RegistryFact,
    RegistryNamesFact,
    Service,
    ServiceFact,
    ServicesBackupFact,
    ServicesDisplayedFact,
    ServicesFailedFact,
    ServicesFileFact,
    ServicesLikeFact,
    ServicesOfProcessFact,
    Socket,
    SocketsFact,
    TcpSegmentsFact,
    UpdatesFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPort, UsedPortsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import (
    console_text,
    netsh,
    network,
    services_file,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Output
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.dependencies import read_dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    ACCESS_DENIED,
    AnswerError,
    CommandError,
    RegistryError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.event_log import read_events
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.services import (
    displayed_as,
    failed_with,
    in_process,
    with_prefix,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.sockets import (
    NETSTAT,
    netstat_command,
    on_ports,
    read_connections,
    read_listeners,
    read_sockets,
    read_udp_sockets,
    without_listener,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.updates import read_updates

Answers = dict[Fact[t.Any], t.Any]
_Commands = t.Mapping[tuple[Family, Protocol], str]
_Outputs = t.Mapping[tuple[Family, Protocol], Output]

SERVICE_KINDS: t.Final = (
    ServiceFact,
    ServicesLikeFact,
    ServicesOfProcessFact,
    ServicesFailedFact,
    ServicesDisplayedFact,
)
"""Kinds that one query for services answers."""
BY_COMMANDS: t.Final = (
    ConnectionsFact,
    DynamicRangesFact,
    ExclusionsFact,
    ServicesBackupFact,
    ServicesFileFact,
    SocketsFact,
    UsedPortsFact,
)
"""Kinds that may take a command: sockets do on older releases, and wherever a shell is open anyway."""


class _Question(t.NamedTuple):
    """A fact that needs commands, and how their outputs become its answer."""

    fact: Fact[t.Any]
    commands: tuple[str, ...]
    answer: t.Callable[[t.Sequence[Output]], t.Any]


def read_facts(target: Target, wanted: t.Collection[Fact[t.Any]]) -> Answers:
    """The answers to all of these questions.

    Raises:
        WindowsError: Windows refused a question, or answered with what can't be.
        WsmanError: the conversation failed.
    """
    answers: Answers = {fact: reader(target, fact) for fact in wanted if (reader := _READERS.get(type(fact)))}
    answers.update(_services(target, _of_kinds(wanted, *SERVICE_KINDS)))
    answers.update(_processes(target, _of_kinds(wanted, ProcessFact)))
    answers.update(_through_console(target, wanted))
    return answers


def read_bound_udp(target: Target, ports: PortSet) -> t.Iterable[Socket]:
    """The UDP sockets on these ports, for whoever needs no listeners: half the requests where WMI tells."""
    if target.capabilities.network_endpoint_classes and not target.console.was_used:
        return read_udp_sockets(target.client, ports)
    fact = SocketsFact(ports)
    return t.cast("tuple[Socket, ...]", read_facts(target, [fact])[fact])


def without_commands(wanted: t.Collection[Fact[t.Any]]) -> t.Collection[Fact[t.Any]]:
    """Questions that need no command; all of them if every one needs a command."""
    return [fact for fact in wanted if not isinstance(fact, BY_COMMANDS)] or wanted


def run_and_list_exclusions(target: Target, changes: t.Sequence[str]) -> tuple[list[Output], Exclusions | None]:
    """Run commands that change the excluded ranges and list them afterwards, all in one command line.

    Returns what each change wrote, and the ranges as they are now.
    """
    return _run_and_ask(target, changes, _exclusions_question(target, ExclusionsFact()))


def run_and_list_dynamic_ranges(target: Target, changes: t.Sequence[str]) -> tuple[list[Output], DynamicRanges | None]:
    """Run commands that change the dynamic ranges and show them afterwards, all in one command line."""
    return _run_and_ask(target, changes, _dynamic_ranges_question(target, DynamicRangesFact()))


def _run_and_ask(target: Target, changes: t.Sequence[str], question: _Question) -> tuple[list[Output], t.Any]:
    outputs = target.console.run([*changes, *question.commands])
    return outputs[: len(changes)], question.answer(outputs[len(changes) :])


# --- one question, one or more requests --------------------------------------------------------------------------


def _registry_value(target: Target, fact: t.Any) -> t.Any:
    try:
        return target.registry.read(fact.key, fact.name, fact.type)
    except RegistryError as error:
        if fact == JOURNAL_FACT and error.code not in ACCESS_DENIED:
            raise error.advised(RESET_ADVICE) from error
        raise


def _registry_names(target: Target, fact: t.Any) -> t.Any:
    return target.registry.names(fact.key)


_READERS: t.Final[t.Mapping[type[Fact[t.Any]], t.Callable[[Target, t.Any], t.Any]]] = {
    OperatingSystemFact: lambda target, _: read_operating_system(target.client),
    RegistryFact: _registry_value,
    RegistryNamesFact: _registry_names,
    DependenciesFact: lambda target, _: read_dependencies(target),
    UpdatesFact: lambda target, _: read_updates(target.client),
    EventsFact: lambda target, fact: read_events(target.client, fact),
    TcpSegmentsFact: lambda target, _: network.read_tcp_segments(target.client),
    NetworkAdaptersFact: lambda target, _: network.read_adapters(target.client),
    NetworkDriversFact: lambda target, _: network.read_drivers(target.client),
}
"""Kinds of which every question is a request of its own."""


# --- all questions of these kinds, one query ---------------------------------------------------------------------


def _services(target: Target, facts: t.Collection[t.Any]) -> Answers:
    found = target.services.find(
        names=[fact.name for fact in facts if isinstance(fact, ServiceFact)],
        prefixes=[fact.prefix for fact in facts if isinstance(fact, ServicesLikeFact)],
        process_ids=[fact.process_id for fact in facts if isinstance(fact, ServicesOfProcessFact)],
        display_names=[fact.display_name for fact in facts if isinstance(fact, ServicesDisplayedFact)],
        exit_codes=[code for fact in facts if isinstance(fact, ServicesFailedFact) for code in fact.codes],
    )
    return {fact: _service_answer(fact, found) for fact in facts}


def _service_answer(fact: t.Any, found: tuple[Service, ...]) -> t.Any:
    if isinstance(fact, ServicesLikeFact):
        return with_prefix(found, fact.prefix)
    if isinstance(fact, ServicesOfProcessFact):
        return in_process(found, fact.process_id)
    if isinstance(fact, ServicesFailedFact):
        return failed_with(found, fact.codes)
    if isinstance(fact, ServicesDisplayedFact):
        return displayed_as(found, fact.display_name)
    return next((service for service in found if service.name.casefold() == fact.name.casefold()), None)


def _processes(target: Target, facts: t.Collection[t.Any]) -> Answers:
    found = target.processes.read(fact.process_id for fact in facts)
    return {fact: found[fact.process_id] for fact in facts}


# --- all questions that need commands, one command line ----------------------------------------------------------


def _through_console(target: Target, wanted: t.Collection[Fact[t.Any]]) -> Answers:
    questions = [
        *(_exclusions_question(target, fact) for fact in _of_kinds(wanted, ExclusionsFact)),
        *(_dynamic_ranges_question(target, fact) for fact in _of_kinds(wanted, DynamicRangesFact)),
        *(_services_file_question(target, fact) for fact in _of_kinds(wanted, ServicesFileFact)),
        *(_services_backup_question(target, fact) for fact in _of_kinds(wanted, ServicesBackupFact)),
    ]
    sockets, used = _of_kinds(wanted, SocketsFact, ConnectionsFact), _of_kinds(wanted, UsedPortsFact)
    beside = [*questions, *map(_used_ports_question, used)]
    if not sockets:
        return _asked(target, beside)
    ports, connected = _all_ports(sockets), _connected(sockets)
    has_classes = target.capabilities.network_endpoint_classes
    if has_classes and not _of_kinds(sockets, SocketsFact):
        listeners = () if all(fact.unlistened for fact in sockets) else read_listeners(target.client, ports)
        return _distributed(sockets, _by_classes(target, listeners, connected)) | _asked(target, beside)
    # A shell that is open, or about to be, makes netstat the cheaper road even where the classes exist.
    if has_classes and not target.console.was_used and not any(question.commands for question in beside):
        found = _plausible(target, read_sockets(target.client, ports), ports)
        return _distributed(sockets, _by_classes(target, found, connected))
    command = netstat_command(ports) if has_classes else netstat_command(ports, connected)
    # Who asks for all ports in use gets every row: the sockets and the connections are among them.
    answer = functools.partial(_netstat, whole=bool(used))
    netstat = _Question(SocketsFact(ports), (NETSTAT if used else command,), answer)
    answers = _asked(target, [*questions, netstat])
    seen: _Seen = answers.pop(netstat.fact)
    answers |= dict.fromkeys(used, seen.used)
    _plausible(target, seen.sockets, ports)
    # Of sockets that are bound and nothing more netstat tells nothing.
    seen = _by_classes(target, seen.sockets, connected) if has_classes else seen
    return answers | _distributed(sockets, seen)


def _asked(target: Target, questions: t.Sequence[_Question]) -> Answers:
    commands = [command for question in questions for command in question.commands]
    outputs = iter(target.console.run(commands) if commands else ())
    return {question.fact: question.answer([next(outputs) for _command in question.commands]) for question in questions}


class _Seen(t.NamedTuple):
    """The sockets and connections of one look at the server."""

    sockets: tuple[Socket, ...]
    connections: tuple[Connection, ...]
    used: frozenset[UsedPort] = frozenset()
    """Every port in use, if all rows were read."""

    def on(self, fact: Fact[t.Any]) -> t.Any:
        """The answer to one question."""
        if isinstance(fact, ConnectionsFact):
            ports = without_listener(fact.ports, self.sockets)
            return tuple(connection for connection in self.connections if connection.port in ports)
        return on_ports(self.sockets, t.cast("SocketsFact", fact).ports)


def _plausible(target: Target, found: tuple[Socket, ...], ports: PortSet | None) -> tuple[Socket, ...]:
    """The sockets of a server; raises AnswerError if it has none, since WinRM's own must be there."""
    if ports is None and not found:
        raise AnswerError(
            host=target.host, operation="read", target="the sockets", meaning="it lists none, not even that of WinRM"
        )
    return found


def _by_classes(target: Target, sockets: tuple[Socket, ...], connected: PortSet) -> _Seen:
    return _Seen(sockets, read_connections(target.client, without_listener(connected, sockets)))


def _netstat(outputs: t.Sequence[Output], *, whole: bool) -> _Seen:
    # findstr's exit code 1 says that nothing was found: an answer, no failure.
    raw = outputs[0].raw
    sockets, connections = console_text.sockets_and_connections(raw)
    return _Seen(sockets, connections, console_text.used_ports(raw) if whole else frozenset())


def _distributed(facts: t.Collection[t.Any], seen: _Seen) -> Answers:
    return {fact: seen.on(fact) for fact in facts}


def _all_ports(facts: t.Collection[t.Any]) -> PortSet | None:
    """The ports of every question: whether a process listens must be known of the ports of connections too."""
    asked = [fact.ports for fact in facts]
    return None if None in asked else PortSet(tuple(item for ports in asked for item in ports.ranges))


def _connected(facts: t.Collection[t.Any]) -> PortSet:
    return PortSet(tuple(item for fact in _of_kinds(facts, ConnectionsFact) for item in fact.ports.ranges))


def _exclusions_question(target: Target, fact: Fact[t.Any]) -> _Question:
    """Both stores in one command line: what is in force, and what outlives a boot."""
    if target.capabilities.excluded_port_ranges == "no":
        return _Question(fact, (), lambda _outputs: None)
    active = _for_each_family(netsh.show_exclusions)
    lasting = _for_each_family(lambda family, protocol: netsh.show_exclusions(family, protocol, "persistent"))
    return _Question(
        fact,
        (*active.values(), *lasting.values()),
        lambda outputs: _both_stores(
            _exclusions(target, active, outputs[: len(active)]), dict(zip(lasting, outputs[len(active) :], strict=True))
        ),
    )


def _exclusions(target: Target, commands: _Commands, outputs: t.Sequence[Output]) -> Exclusions | None:
    answered = dict(zip(commands, outputs, strict=True))
    understood = {key for key, output in answered.items() if output.succeeded or _is_table(output)}
    if not understood and target.capabilities.excluded_port_ranges == "probe":
        return None
    for protocol in PROTOCOLS:
        # Without the IPv6 protocol installed, its half fails; both show the same store anyway.
        if ("ipv4", protocol) not in understood:
            raise _unreadable(target, commands["ipv4", protocol], answered["ipv4", protocol])
    return Exclusions(tcp=_blocks(answered, "tcp"), udp=_blocks(answered, "udp"))


def _both_stores(active: Exclusions | None, lasting: _Outputs) -> Exclusions | None:
    """Both stores: blocks in force, and those that outlive a boot; without a table, netsh does not know that store."""
    if active is None:
        return None
    if not all(_is_table(lasting["ipv4", protocol]) for protocol in PROTOCOLS):
        return active._replace(tells_stores=False)
    tcp, udp = (tuple(block.ports for block in _blocks(lasting, protocol)) for protocol in PROTOCOLS)
    return active._replace(persistent_tcp=tcp, persistent_udp=udp)


def _is_table(output: Output) -> bool:
    return console_text.is_exclusion_table(output.raw)


def _blocks(outputs: _Outputs, protocol: Protocol) -> tuple[ExclusionBlock, ...]:
    # Both families show the same store, mostly in the same bytes.
    tables = dict.fromkeys(outputs[family, protocol].raw for family in FAMILIES)
    return tuple(dict.fromkeys(row for table in tables for row in console_text.exclusion_blocks(table)))


def _dynamic_ranges_question(target: Target, fact: Fact[t.Any]) -> _Question:
    if not target.capabilities.dynamic_port_ranges:
        return _Question(fact, (), lambda _outputs: None)
    commands = _for_each_family(netsh.show_dynamic_range)
    return _Question(fact, tuple(commands.values()), lambda outputs: _dynamic_ranges(target, commands, outputs))


def _dynamic_ranges(target: Target, commands: _Commands, outputs: t.Sequence[Output]) -> DynamicRanges:
    answered = dict(zip(commands, outputs, strict=True))
    ranges = {key: console_text.dynamic_range(output.raw) for key, output in answered.items()}

    def shown(protocol: Protocol) -> PortRange:
        found = ranges["ipv4", protocol]
        if found is None:
            raise _unreadable(target, commands["ipv4", protocol], answered["ipv4", protocol])
        return found

    tcp, udp = shown("tcp"), shown("udp")
    # Without the IPv6 protocol there is no range of its own, and none that could differ.
    return DynamicRanges(tcp=tcp, udp=udp, tcp6=ranges["ipv6", "tcp"] or tcp, udp6=ranges["ipv6", "udp"] or udp)


def _services_file_question(target: Target, fact: ServicesFileFact) -> _Question:
    commands = services_file.reading_commands(fact.folder)
    return _Question(fact, commands, lambda outputs: services_file.file_of(target.host, fact.folder, outputs))


def _services_backup_question(target: Target, fact: ServicesBackupFact) -> _Question:
    commands = services_file.backup_commands(fact.folder)
    return _Question(fact, commands, lambda outputs: services_file.backup_of(target.host, fact.folder, outputs))


def _used_ports_question(fact: UsedPortsFact) -> _Question:
    """Asked where a shell is open anyway, since the ranges were read in it; of old releases nothing else tells."""
    return _Question(fact, (NETSTAT,), lambda outputs: console_text.used_ports(outputs[0].raw))


def _for_each_family(command: t.Callable[[Family, Protocol], str]) -> _Commands:
    return {(family, protocol): command(family, protocol) for protocol in PROTOCOLS for family in FAMILIES}


def _unreadable(target: Target, command: str, output: Output) -> CommandError:
    said = output.text or "nothing"
    meaning = f"its answer can't be read: {said}"
    return CommandError(host=target.host, operation="use", target=f"the command {command!r}", meaning=meaning)


def _of_kinds(wanted: t.Collection[Fact[t.Any]], *kinds: type[Fact[t.Any]]) -> list[t.Any]:
    return [fact for fact in wanted if isinstance(fact, kinds)]
