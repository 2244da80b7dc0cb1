# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A round of questions: their answers, and how few requests they take."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock, Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
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
    RegistryType,
    RegistryValue,
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
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPort, UsedPortsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh, observe
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import CommandError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import read_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.sockets import netstat_command
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from tests.simulator.windows.registry import ValueType
from tests.unit.plugins.module_utils._windows import samples
from tests.unit.plugins.module_utils._windows.given_server import GivenClient, reference
from tests.unit.plugins.module_utils._windows.test_services import row
from tests.unit.plugins.module_utils._windows.test_system import SYSTEM

EDGE = PortSet.of(50389, 50636)
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp")


def target(client: GivenClient, version: str) -> Target:
    return Target(client, release_of(version, 3).capabilities)


def all_kinds(kind: type[t.Any]) -> set[type[t.Any]]:
    return {leaf for child in kind.__subclasses__() for leaf in (all_kinds(child) or {child})}


DNS_NEEDS_RPC = {"Antecedent": reference("Win32_Service", "RpcSs"), "Dependent": reference("Win32_Service", "DNS")}


def test_every_kind_of_fact_is_answered(client: GivenClient) -> None:
    client.rows["Win32_OperatingSystem"] = [SYSTEM]
    client.rows["Win32_PerfRawData_Tcpip_TCPv4"] = [{"SegmentsSentPersec": 10, "SegmentsRetransmittedPersec": 1}]
    client.rows["Win32_DependentService"] = [DNS_NEEDS_RPC]
    client.rows["Win32_NetworkAdapter"] = [{"Name": "A"}]
    wanted: list[Fact[t.Any]] = [
        OperatingSystemFact(),
        RegistryFact("K", "V", RegistryType.DWORD),
        RegistryNamesFact("K"),
        ServiceFact("DNS"),
        ServicesLikeFact("ADAM_"),
        ServicesOfProcessFact(4),
        DependenciesFact(),
        ProcessFact(4),
        SocketsFact(EDGE),
        ConnectionsFact(EDGE),
        ExclusionsFact(),
        DynamicRangesFact(),
        UpdatesFact(),
        EventsFact("System", (7023,), datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc), 5),
        ServicesFailedFact((10048,)),
        ServicesDisplayedFact("DNS Server"),
        TcpSegmentsFact(),
        NetworkAdaptersFact(),
        NetworkDriversFact(),
        ServicesFileFact(r"C:\etc"),
        ServicesBackupFact(r"C:\etc"),
    ]
    kinds = {kind for kind in all_kinds(Fact) if kind.__module__.endswith("_knowledge.facts")}
    assert {type(fact) for fact in wanted} == {kind for kind in kinds if "[" not in kind.__name__}
    assert set(read_facts(target(client, "5.2.3790"), wanted)) == set(wanted)


def test_registry_facts_are_one_request_each(client: GivenClient) -> None:
    client.registry.create("K")
    client.registry.set("K", "A", ValueType(4), 5)
    value, absent = (RegistryFact("K", name, RegistryType.DWORD) for name in "AB")
    names = RegistryNamesFact("K")
    answers = read_facts(target(client, "5.2.3790"), {value, absent, names})
    assert answers == {value: RegistryValue(RegistryType.DWORD, 5), absent: Absent.VALUE, names: (("A", 4),)}
    assert len(client.log) == 3


def test_all_questions_about_services_are_one_query(client: GivenClient) -> None:
    client.rows["Win32_Service"] = [
        row("DNS", process_id=1200),
        row("ADAM_MSExchange", process_id=900),
        row("IAS", process_id=800),
        row("Netman", process_id=800),
    ]
    wanted: list[t.Any] = [
        ServiceFact("dns"),
        ServiceFact("Nothing"),
        ServicesLikeFact("ADAM_"),
        ServicesOfProcessFact(800),
        ServicesOfProcessFact(0),
    ]
    answers = read_facts(target(client, "6.1.7601"), wanted)
    assert answers[wanted[0]].process_id == 1200
    assert answers[wanted[1]] is None
    assert [[service.name for service in answers[fact]] for fact in wanted[2:]] == [
        ["ADAM_MSExchange"],
        ["IAS", "Netman"],
        [],
    ]
    assert len(client.log) == 1


def test_one_service_alone_is_one_get(client: GivenClient) -> None:
    client.rows["Win32_Service"] = [row("DNS")]
    read_facts(target(client, "6.1.7601"), [ServiceFact("DNS"), ServiceFact("dns")])
    assert client.log == ["get Win32_Service {'Name': 'dns'}"]


def test_all_processes_are_one_query(client: GivenClient) -> None:
    client.rows["Win32_Process"] = [{"Handle": "4", "ProcessId": 4, "Name": "System", "CreationDate": None}]
    four, gone = ProcessFact(4), ProcessFact(5)
    answers = read_facts(target(client, "6.1.7601"), [four, gone])
    assert (answers[four].image, answers[gone], len(client.log)) == ("System", None, 1)


# --- sockets -----------------------------------------------------------------------------------------------------


def with_socket_classes(client: GivenClient) -> None:
    tcp = [("0.0.0.0", 50389, 2100, 2), ("10.0.0.5", 50389, 2100, 5), ("::", 135, 892, 2)]
    udp = [("0.0.0.0", 50636, 1200), ("0.0.0.0", 53, 1200)]
    client.rows["MSFT_NetTCPConnection"] = [
        {"LocalAddress": address, "LocalPort": port, "OwningProcess": process_id, "State": state}
        for address, port, process_id, state in tcp
    ]
    client.rows["MSFT_NetUDPEndpoint"] = [
        {"LocalAddress": address, "LocalPort": port, "OwningProcess": process_id} for address, port, process_id in udp
    ]


def test_sockets_by_wmi_where_the_classes_are(client: GivenClient) -> None:
    with_socket_classes(client)
    edge, dns = SocketsFact(EDGE), SocketsFact(PortSet.of(53))
    answers = read_facts(target(client, "10.0.20348"), [edge, dns])
    assert answers[edge] == (Socket("tcp", "0.0.0.0", 50389, 2100), Socket("udp", "0.0.0.0", 50636, 1200))
    assert answers[dns] == (Socket("udp", "0.0.0.0", 53, 1200),)
    assert len(client.log) == 2


def test_all_sockets_by_wmi(client: GivenClient) -> None:
    with_socket_classes(client)
    every = SocketsFact(None)
    answers = read_facts(target(client, "10.0.20348"), [every, SocketsFact(EDGE)])
    assert len(answers[every]) == 4
    assert len(answers[SocketsFact(EDGE)]) == 2


def test_no_port_asked_is_nothing_sent(client: GivenClient) -> None:
    none = SocketsFact(PortSet())
    assert read_facts(target(client, "10.0.20348"), [none]) == {none: ()}
    assert client.log == []


def test_sockets_by_netstat_on_older_releases(client: GivenClient) -> None:
    edge, ipsec = SocketsFact(EDGE), SocketsFact(PortSet.of(4500))
    client.commands[netstat_command(PortSet.of(4500, 50389, 50636))] = (samples.GERMAN.netstat(), 0)
    answers = read_facts(target(client, "6.1.7601"), [edge, ipsec])
    assert answers[edge] == (Socket("tcp", "::", 50636, 2100), Socket("udp", "::", 50636, 1200))
    assert answers[ipsec] == (Socket("udp", "0.0.0.0", 4500, 684),)
    assert len(client.log) == 1


def test_who_asks_for_all_ports_in_use_gets_the_sockets_from_the_same_rows(client: GivenClient) -> None:
    edge, used = SocketsFact(EDGE), UsedPortsFact()
    client.commands["netstat -ano"] = (samples.GERMAN.netstat(), 0)
    for version in ("6.1.7601", "10.0.20348"):
        client.log.clear()
        answers = read_facts(target(client, version), [edge, used])
        assert answers[edge] == (Socket("tcp", "::", 50636, 2100), Socket("udp", "::", 50636, 1200))
        assert UsedPort("tcp", 49802, 3200) in answers[used]
        assert len(client.log) == 1


def test_nobody_on_a_port_is_an_answer_though_findstr_fails(client: GivenClient) -> None:
    edge = SocketsFact(EDGE)
    client.commands[netstat_command(EDGE)] = (b"", 1)
    assert read_facts(target(client, "5.2.3790"), [edge]) == {edge: ()}


def test_an_open_shell_makes_netstat_the_cheaper_road(client: GivenClient) -> None:
    with_socket_classes(client)
    edge = SocketsFact(EDGE)
    client.commands[netstat_command(EDGE)] = (samples.ENGLISH.netstat(), 0)
    server = target(client, "10.0.20348")
    server.console.run([netsh.show_exclusions("ipv4", "tcp")])
    assert [socket.process_id for socket in read_facts(server, [edge])[edge]] == [2100, 1200]
    assert len(client.log) == 2


OUTGOING = PortSet.of(3101, 3102, 50389)


def with_connections(client: GivenClient) -> None:
    """Of 3101 an outgoing connection with what stands beside it, of 3102 one that ends, of 50389 an accepted one."""
    with_socket_classes(client)
    rows = [
        ("10.0.0.5", 3101, 3100, 5, "10.0.0.9", 389),
        ("0.0.0.0", 3101, 3100, 100, "0.0.0.0", 0),
        ("2001:db8::5", 3101, 3300, 8, "2001:db8::9", 443),
        ("10.0.0.5", 3102, 0, 11, "10.0.0.9", 389),
        ("10.0.0.5", 3102, 3100, 12, "10.0.0.9", 389),
        ("10.0.0.5", 3102, 3100, 1, "10.0.0.9", 389),
        ("10.0.0.5", 49999, 3200, 5, "10.0.0.9", 3102),
    ]
    names = ("LocalAddress", "LocalPort", "OwningProcess", "State", "RemoteAddress", "RemotePort")
    client.rows["MSFT_NetTCPConnection"] += [dict(zip(names, row, strict=True)) for row in rows]


HELD = (
    Connection("10.0.0.5", 3101, 3100, "10.0.0.9:389"),
    Connection("0.0.0.0", 3101, 3100, ""),
    Connection("2001:db8::5", 3101, 3300, "[2001:db8::9]:443"),
)


def test_connections_hold_a_port_only_where_nobody_listens(client: GivenClient) -> None:
    with_connections(client)
    fact = ConnectionsFact(OUTGOING)
    assert read_facts(target(client, "10.0.20348"), [fact])[fact] == HELD
    assert "50389" not in client.log[-1], "accepted connections of a listener may be tens of thousands"


@pytest.mark.parametrize("ports", [None, OUTGOING])
def test_connections_are_read_along_with_the_sockets(client: GivenClient, ports: PortSet | None) -> None:
    with_connections(client)
    sockets, connections = SocketsFact(ports), ConnectionsFact(OUTGOING)
    answers = read_facts(target(client, "10.0.20348"), [sockets, connections])
    assert answers[connections] == HELD
    assert {row.port for row in answers[sockets] if row.protocol == "tcp"} == (
        {50389, 135} if ports is None else {50389}
    )
    assert len(client.log) == 3


def test_a_port_with_a_listener_costs_no_question_about_connections(client: GivenClient) -> None:
    with_connections(client)
    edge = PortSet.of(50389)
    answers = read_facts(target(client, "10.0.20348"), [SocketsFact(edge), ConnectionsFact(edge)])
    assert answers[ConnectionsFact(edge)] == ()
    assert len(client.log) == 2


@pytest.mark.parametrize("ports", [None, PortSet.of(3101, 3102, 50636)])
@pytest.mark.parametrize("language", samples.LANGUAGES, ids=lambda language: language.name)
def test_connections_by_netstat(client: GivenClient, ports: PortSet | None, language: samples.Language) -> None:
    """Of the sample: 50636 is accepted, 3102 stands in a foreign address too, and one row of 3101 waits for its end."""
    asked = PortSet.of(3101, 3102, 50636)
    client.commands[netstat_command(ports, asked)] = (language.netstat(), 0)
    sockets, connections = SocketsFact(ports), ConnectionsFact(asked)
    answers = read_facts(target(client, "5.2.3790"), [sockets, connections])
    assert answers[connections] == (
        Connection("10.0.0.5", 3102, 3100, "10.0.0.9:389"),
        Connection("2001:db8::5", 3101, 3300, "[fe80::9%11]:443"),
    )
    assert all(row.port not in (3101, 3102) for row in answers[sockets])
    assert len(client.log) == 1


def test_an_open_shell_hides_no_bound_socket(client: GivenClient) -> None:
    """netstat shows none, so that connections are read from the classes wherever these are."""
    with_connections(client)
    listening = b"  TCP    0.0.0.0:50389    0.0.0.0:0    LISTENING    2100\r\n"
    client.commands[netstat_command(OUTGOING)] = (listening, 0)
    server = target(client, "10.0.20348")
    server.console.run([netsh.show_exclusions("ipv4", "tcp")])
    fact = ConnectionsFact(OUTGOING)
    assert read_facts(server, [fact, SocketsFact(OUTGOING)])[fact] == HELD
    assert len(client.log) == 3


def test_netstat_is_filtered_for_the_ports_of_connections_too() -> None:
    assert netstat_command(None, PortSet.of(3101)).endswith('findstr /l /c:":0 " /c:"*:*" /c:":3101 "')
    assert netstat_command(PortSet.of(53), PortSet.of(3101)).endswith('findstr /l /c:":53 " /c:":3101 "')


# --- netsh -------------------------------------------------------------------------------------------------------


def with_exclusions(client: GivenClient, language: samples.Language, **rows: str) -> None:
    for family in FAMILIES:
        for protocol in PROTOCOLS:
            shown = rows.get(f"{family}_{protocol}", rows.get(protocol, ""))
            lasting = "\n".join(row for row in shown.splitlines() if "*" in row)
            kept = rows.get(f"persistent_{protocol}", lasting)
            client.commands[netsh.show_exclusions(family, protocol)] = (language.exclusions(shown), 0)
            client.commands[netsh.show_exclusions(family, protocol, "persistent")] = (language.exclusions(kept), 0)


def test_exclusions_of_both_families_are_one_list(client: GivenClient) -> None:
    with_exclusions(client, samples.GERMAN, tcp=samples.ROWS, ipv4_udp="5 6 *\n1 2\n", ipv6_udp="5 6 *\n7 7\n")
    answer = read_facts(target(client, "10.0.20348"), [ExclusionsFact()])[ExclusionsFact()]
    assert isinstance(answer, Exclusions)
    assert [(row.ports.first, row.ports.last, row.administered) for row in answer.tcp] == samples.BLOCKS
    assert answer.of("udp") == (
        ExclusionBlock(PortRange(5, 6), True),
        ExclusionBlock(PortRange(1, 2), False),
        ExclusionBlock(PortRange(7, 7), False),
    )
    assert len(client.log) == 1


STORES: list[tuple[str, str, str, tuple[str, str, str]]] = [
    ("in both", "5 6 *", "5 6 *", ("5-6", "", "none")),
    ("a list without stars", "5 6 *", "5 6", ("5-6", "", "none")),
    ("until the next boot", "5 6 *", "", ("", "5-6", "none")),
    ("from the next boot on", "", "5 6 *", ("5-6", "", "5-6")),
    ("a part of a block", "5 8 *", "5 6 *", ("5-6", "5-8", "none")),
    ("two blocks shown as one", "5 8 *", "5 6 *\n7 8 *", ("5-6 7-8", "", "none")),
    ("the system's own", "50000 50059 *", "", ("", "", "none")),
    ("Windows' own", "5 6", "", ("", "", "none")),
]


@pytest.mark.parametrize(("active", "lasting", "stores"), [row[1:] for row in STORES], ids=[row[0] for row in STORES])
def test_both_stores_are_read_in_one_command(
    client: GivenClient, active: str, lasting: str, stores: tuple[str, str, str]
) -> None:
    with_exclusions(client, samples.GERMAN, udp=active, persistent_udp=lasting)
    answer = read_facts(target(client, "10.0.20348"), [ExclusionsFact()])[ExclusionsFact()]
    kept, until_boot = (" ".join(map(str, blocks)) for blocks in (answer.persistent("udp"), answer.until_boot("udp")))
    assert (kept, until_boot, str(answer.from_boot("udp"))) == stores
    assert len(client.log) == 1


def test_a_netsh_without_a_persistent_list_is_believed_as_far_as_it_goes(client: GivenClient) -> None:
    with_exclusions(client, samples.ENGLISH, udp="5 6 *")
    for family in FAMILIES:
        for protocol in PROTOCOLS:
            client.commands[netsh.show_exclusions(family, protocol, "persistent")] = (b"Bad syntax.", 1)
    answer = read_facts(target(client, "6.1.7601"), [ExclusionsFact()])[ExclusionsFact()]
    assert not answer.tells_stores
    assert (answer.persistent("udp"), answer.until_boot("udp")) == ((PortRange(5, 6),), ())


def without_verb(client: GivenClient, families: t.Iterable[Family] = FAMILIES) -> None:
    for family in families:
        for protocol in PROTOCOLS:
            client.commands[netsh.show_exclusions(family, protocol)] = (samples.NO_SUCH_VERB, 1)


PROBED: list[tuple[str, bool]] = [("6.0.6002", True), ("6.1.7601", True), ("6.1.7601", False)]


@pytest.mark.parametrize(("version", "has_verb"), PROBED)
def test_the_verb_is_probed_on_2008(client: GivenClient, version: str, has_verb: bool) -> None:
    with_exclusions(client, samples.FRENCH) if has_verb else without_verb(client)
    expected = Exclusions((), (), (), ()) if has_verb else None
    assert read_facts(target(client, version), [ExclusionsFact()]) == {ExclusionsFact(): expected}


def test_nt_5_is_never_asked(client: GivenClient) -> None:
    wanted: list[Fact[t.Any]] = [ExclusionsFact(), DynamicRangesFact()]
    assert read_facts(target(client, "5.2.3790"), wanted) == {ExclusionsFact(): None, DynamicRangesFact(): None}
    assert client.log == []


def test_a_verb_that_must_be_there_and_fails_is_an_error(client: GivenClient) -> None:
    without_verb(client)
    with pytest.raises(CommandError, match="not found"):
        read_facts(target(client, "6.2.9200"), [ExclusionsFact()])


def test_a_table_counts_whatever_the_exit_code(client: GivenClient) -> None:
    with_exclusions(client, samples.ENGLISH, tcp=samples.ROWS)
    client.commands = {line: (raw, 1) for line, (raw, _unused) in client.commands.items()}
    answer = read_facts(target(client, "6.1.7601"), [ExclusionsFact()])[ExclusionsFact()]
    assert len(answer.tcp) == 3


def test_a_server_without_ipv6_still_answers(client: GivenClient) -> None:
    with_exclusions(client, samples.ENGLISH, udp=samples.ROWS)
    without_verb(client, ["ipv6"])
    answer = read_facts(target(client, "10.0.26100"), [ExclusionsFact()])[ExclusionsFact()]
    assert (len(answer.tcp), len(answer.udp)) == (0, 3)


def test_a_change_and_the_list_after_it_are_one_command(client: GivenClient) -> None:
    with_exclusions(client, samples.ENGLISH, udp=samples.ROWS)
    add = netsh.add_exclusion("udp", PortRange(51820, 51820))
    client.commands[add] = (b"Ok.\r\n", 0)
    outputs, answer = observe.run_and_list_exclusions(target(client, "6.1.7601"), [add])
    assert [(output.text, output.succeeded) for output in outputs] == [("Ok.", True)]
    assert answer is not None
    assert len(answer.udp) == 3
    assert len(client.log) == 1


def with_dynamic_ranges(client: GivenClient, **counts: int) -> None:
    for name, count in counts.items():
        family: Family = "ipv6" if name.endswith("6") else "ipv4"
        protocol: Protocol = "tcp" if name.startswith("tcp") else "udp"
        line = netsh.show_dynamic_range(family, protocol)
        client.commands[line] = (samples.JAPANESE.dynamic_range(1025, count), 0)


def test_dynamic_ranges(client: GivenClient) -> None:
    with_dynamic_ranges(client, tcp=1000, udp=2000, tcp6=3000, udp6=4000)
    answer = read_facts(target(client, "6.0.6002"), [DynamicRangesFact()])[DynamicRangesFact()]
    ends = (2024, 3024, 4024, 5024)
    assert answer == DynamicRanges(*(PortRange(1025, end) for end in ends))


def test_dynamic_ranges_without_ipv6(client: GivenClient) -> None:
    with_dynamic_ranges(client, tcp=1000, udp=2000)
    answer = read_facts(target(client, "6.0.6002"), [DynamicRangesFact()])[DynamicRangesFact()]
    assert (answer.tcp6, answer.udp6) == (answer.tcp, answer.udp)


def test_a_dynamic_range_that_can_not_be_read_is_an_error(client: GivenClient) -> None:
    with_dynamic_ranges(client, tcp=1000, tcp6=1000)
    with pytest.raises(CommandError, match="can't be read: nothing"):
        read_facts(target(client, "6.0.6002"), [DynamicRangesFact()])


def test_all_that_needs_a_command_is_one_command(client: GivenClient) -> None:
    with_socket_classes(client)
    with_exclusions(client, samples.ENGLISH, tcp=samples.ROWS)
    with_dynamic_ranges(client, tcp=1000, udp=2000)
    client.commands[netstat_command(EDGE)] = (samples.ENGLISH.netstat(), 0)
    wanted: list[Fact[t.Any]] = [SocketsFact(EDGE), DynamicRangesFact(), ExclusionsFact()]
    answers = read_facts(target(client, "10.0.20348"), wanted)
    assert len(answers[ExclusionsFact()].tcp) == 3
    assert answers[DynamicRangesFact()].udp == PortRange(1025, 3024)
    assert [socket.port for socket in answers[SocketsFact(EDGE)]] == [50636, 50636]
    assert len(client.log) == 1


def test_nothing_wanted_is_nothing_sent(client: GivenClient) -> None:
    assert observe.read_facts(target(client, "10.0.20348"), []) == {}
    assert client.log == []
