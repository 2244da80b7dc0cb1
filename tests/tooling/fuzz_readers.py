# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reader of a text that others wrote, as a function of bytes: what a fuzzer may throw at it, and what must hold.

A reader gives a value or one of its own documented errors, and nothing else; what has a writer reads the same again.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal, services_file_lines
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_options import wanted_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.activesync import port_of
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import errors_of
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import reg_files, services
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import facts, printable
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.registry_text import why_not_writable
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPortsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports import port_lists, ports
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text, services_file, wql
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Console, Output
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import read_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import client as wsman
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, faults, shell, wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput
from ansible_collections.portkeeper.windows.plugins.plugin_utils._query import Query
from tests.simulator.windows.wql import unescape

SEPARATOR: t.Final = b"\0"
"""Between the parts of an input: what is no XML, and stands in no text that Windows prints."""
MESSAGE_ID: t.Final = "uuid:1"
ORIGIN: t.Final = errors.Origin("edge1", "Invoke", "root/cimv2/C")
_MOST_ANSWERS: t.Final = 40


class Broken(AssertionError):
    """A rule does not hold."""


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise Broken(rule)


# --- envelopes ----------------------------------------------------------------------------------------------------


def read_envelope(data: bytes) -> None:
    """All that reads an envelope, whatever it is the answer to."""
    try:
        envelope = soap.parse(data, ORIGIN)
        body = soap.body_of(envelope, ORIGIN)
        fault = faults.fault_in(body)
        if fault is not None:
            faults.raise_fault(envelope, fault, ORIGIN)
    except errors.WsmanError as error:
        _demand("\n" not in str(error), "a sentence of two lines")
        return
    for reader in (_page, _object, _shell_id, _chunk):
        with contextlib.suppress(errors.WsmanError):
            reader(body)


def _page(body: ET.Element) -> None:
    for row in wmi.page_of(body, ORIGIN).items:
        _typed(row)


def _object(body: ET.Element) -> None:
    _typed(wmi.body_object(body, ORIGIN, "C"))


def _shell_id(body: ET.Element) -> None:
    shell.shell_id_of(body, ORIGIN)


def _chunk(body: ET.Element) -> None:
    shell.chunk_of(body, "C1", ORIGIN)


def _typed(row: wmi.Instance) -> None:
    """Every property as every type."""
    repr(row)
    for name in row:
        for accessor in (row.text, row.texts, row.integer, row.integers, row.boolean, row.moment, row.reference):
            with contextlib.suppress(errors.ProtocolViolation):
                accessor(name)
        _demand(name in row and name.upper() in row, "a name that is not found again")


def write_text(data: bytes) -> None:
    """A text that may be sent comes back as it was; all others are refused before."""
    text = _text(data)
    try:
        message = wmi.invoke_message("root/default", "StdRegProv", "M", {"a": text, "b": [text]}, {"k": text})
    except errors.Unsendable:
        return
    envelope = soap.parse(soap.render(message, message_id=MESSAGE_ID, operation_timeout=1.0), ORIGIN)
    read = wmi.body_object(soap.body_of(envelope, ORIGIN), ORIGIN, "M")
    _demand(read.text("a") == text and read.texts("b") == (text,), "a text that does not come back")
    literal = wql.literal(text)
    _demand(unescape(literal) == text, "a literal that means something else")


def _text(data: bytes) -> str:
    """Lone surrogates are texts, too, of a user at least."""
    try:
        return data.decode("utf-8", errors="surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# --- conversations ------------------------------------------------------------------------------------------------


class Scripted:
    """A transport that gives these answers; after them the server is gone."""

    host = "edge1"

    def __init__(self, answers: t.Iterable[bytes]) -> None:
        self._answers = iter(tuple(itertools.islice(answers, _MOST_ANSWERS)))

    def send(self, _envelope: bytes) -> bytes:
        for answer in self._answers:
            return answer
        raise errors.NotTaken(host=self.host, meaning="it is gone")

    def reset(self) -> None:
        """Nothing to drop."""


SINCE: t.Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
OLD: t.Final = release_of("6.1.7601", 3).capabilities
NEW: t.Final = release_of("10.0.20348", 3).capabilities
FOLDER: t.Final = r"C:\Windows\System32\drivers\etc"
PORTS: t.Final = ports.PortSet.of(135, ports.PortRange(1024, 65535))
KEY: t.Final = r"SYSTEM\CurrentControlSet\Services\DNS\Parameters"
QUESTIONS: t.Final[tuple[tuple[facts.Fact[t.Any], ...], ...]] = (
    (facts.OperatingSystemFact(),),
    *((facts.RegistryFact(KEY, "SocketPoolSize", kind),) for kind in facts.RegistryType),
    (facts.RegistryNamesFact(KEY),),
    (facts.ServiceFact("DNS"), facts.ServicesLikeFact("ADAM_"), facts.ServicesFailedFact((10048,))),
    (facts.ServiceFact("DNS"),),
    (facts.DependenciesFact(),),
    (facts.EventsFact("System", (7023,), SINCE, 10),),
    (facts.ProcessFact(4), facts.ProcessFact(892)),
    (facts.UpdatesFact(),),
    (facts.TcpSegmentsFact(), facts.NetworkAdaptersFact(), facts.NetworkDriversFact()),
    (facts.SocketsFact(PORTS), facts.ConnectionsFact(PORTS)),
    (facts.ExclusionsFact(), facts.DynamicRangesFact(), UsedPortsFact()),
    (facts.ServicesFileFact(FOLDER), facts.ServicesBackupFact(FOLDER)),
)
"""What is asked in one round; the number of its row is the first byte of an input."""


def client_over(answers: t.Iterable[bytes]) -> wsman.Client:
    """A client in whose world no time is lost."""
    ticks = itertools.count()
    return wsman.Client(
        Scripted(answers),
        patience=ONE_TRY,
        message_ids=lambda: MESSAGE_ID,
        clock=lambda: float(next(ticks)),
        sleep=lambda _seconds: None,
    )


def converse(data: bytes) -> None:
    """A round of questions, and whole envelopes as answers."""
    _ask(data[:1], data[1:].split(SEPARATOR))


def converse_in_shape(data: bytes) -> None:
    """A round of questions, and answers of the elements that Windows uses, in any order."""
    choices = Choices(data[1:])
    _ask(data[:1], iter(lambda: choices.envelope() if choices.are_left else b"", b""))


def _ask(first: bytes, answers: t.Iterable[bytes]) -> None:
    number = first[0] if first else 0
    asked = QUESTIONS[(number >> 1) % len(QUESTIONS)]
    server = Target(client_over(answers), NEW if number & 1 else OLD)
    with contextlib.suppress(WindowsError, errors.WsmanError), server as target:
        _demand(set(asked) <= set(read_facts(target, asked)), "a question without an answer")


TAGS: t.Final = (
    *("s:Fault", "s:Code", "s:Subcode", "s:Value", "s:Reason", "s:Text", "s:Detail", "f:WSManFault", "f:Message"),
    *("f:ProviderFault", "p:MSFT_WmiError", "p:error_Code", "p:CIMStatusCode", "p:MessageID", "p:StatusCode"),
    *("n:EnumerateResponse", "n:PullResponse", "n:Items", "w:Items", "n:EnumerationContext", "n:EndOfSequence"),
    *("w:XmlFragment", "a:EndpointReference", "a:ReferenceParameters", "w:ResourceURI", "w:SelectorSet", "w:Selector"),
    *("cim:Datetime", "x:ResourceCreated", "rsp:CommandResponse", "rsp:CommandId", "rsp:ReceiveResponse", "rsp:Stream"),
    *("rsp:CommandState", "rsp:ExitCode", "p:C", "p:ReturnValue", "p:sValue", "p:uValue", "p:sNames", "p:Types"),
    *("p:Name", "p:State", "p:ProcessId", "p:ExitCode", "p:Version", "p:ProductType", "p:LocalDateTime"),
    *("p:LastBootUpTime", "p:Antecedent", "p:Dependent", "p:EventCode", "p:RecordNumber", "p:TimeGenerated"),
    *("p:InsertionStrings", "p:LocalAddress", "p:LocalPort", "p:OwningProcess", "p:RemoteAddress", "p:RemotePort"),
)
TEXTS: t.Final = (
    *("", "0", "1", "2", "5", "-1", "65536", "4294967296", "99999999999999999999", "1e3", " 7 ", "true", "FALSE"),
    *("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.1234567+02:00", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00+14:00"),
    *("6.1.7601", "10.0.20348", "DNS", "uuid:1", "C1", "cG9ydGtlZXBlci0xLW9r", "=", "0x80041003", "HRESULT 0x803381a5"),
    *("w:TimedOut", "w:AccessDenied", "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_Service"),
    *(".../CommandState/Done", "http://schemas.xmlsoap.org/wsman/2005/06/x", "0.0.0.0", "::", "%%10048"),
)
ATTRIBUTES: t.Final = ("Name", "Code", "CommandId", "State", "xsi:nil", "End")
_DEEPEST: t.Final = 10


class Choices:
    """An input as choices: every byte is one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next = 0

    @property
    def are_left(self) -> bool:
        """True if not every byte is used."""
        return self._next < len(self._data)

    def number(self, below: int) -> int:
        """0 at the end."""
        self._next += 1
        return self._data[self._next - 1] % below if self._next <= len(self._data) else 0

    def envelope(self) -> bytes:
        """A whole answer."""
        namespaces = {f"xmlns:{prefix}": uri for prefix, uri in {**soap.NAMESPACES, **_MORE}.items()}
        whole = ET.Element("s:Envelope", namespaces)
        ET.SubElement(ET.SubElement(whole, "s:Header"), "a:RelatesTo").text = MESSAGE_ID
        ET.SubElement(whole, "s:Body").append(self._element(_DEEPEST))
        return t.cast(bytes, ET.tostring(whole, encoding="utf-8"))

    def _element(self, depth: int) -> ET.Element:
        form = self.number(8)
        attributes = {ATTRIBUTES[self.number(len(ATTRIBUTES))]: self._text()} if form & 4 else {}
        node = ET.Element(TAGS[self.number(len(TAGS))], attributes)
        if form & 3 == 0:
            node.text = self._text()
        elif depth:
            node.extend(self._element(depth - 1) for _child in range(self.number(4) + 1) if self.are_left)
        return node

    def _text(self) -> str:
        return TEXTS[self.number(len(TEXTS))]


_MORE: t.Final = {
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
}


# --- texts of commands, files, registry and users -----------------------------------------------------------------


def read_console(data: bytes) -> None:
    """Netsh and netstat."""
    console_text.is_exclusion_table(data)
    for block in console_text.exclusion_blocks(data):
        _demand(0 <= block.ports.first <= block.ports.last <= ports.HIGHEST_PORT, "a block that can't be")
    drawn = console_text.dynamic_range(data)
    _demand(drawn is None or drawn.last <= ports.HIGHEST_PORT, "a range that can't be")
    shown = console_text.used_ports(data)
    for socket in console_text.sockets(data):
        _demand(any(used.port == socket.port for used in shown), "a socket whose port is not used")
    for connection in console_text.connections(data):
        _demand(connection.process_id > 0 and 0 <= connection.port <= ports.HIGHEST_PORT, "a connection of nobody")


def read_look(data: bytes) -> None:
    """What a person brings back from a server: the export of the registry, the states of services."""
    text = _text(data)
    services.states_of(data)
    services.running_names(text)
    with contextlib.suppress(reg_files.NoRegFile, UnicodeDecodeError):
        wide = f"{reg_files.HEAD}\n{text}".encode("utf-16-le", "surrogatepass")
        keys = reg_files.read(b"\xff\xfe" + wide)
        services.services_of(keys, {})
        for value in (value for key in keys.values() for value in key.values.values()):
            _read_again(value)


def _read_again(value: reg_files.RawValue) -> None:
    repr(value.value)
    with contextlib.suppress(ValueError):
        _demand("".join(reg_files.exported_lines(value)).isascii(), "a line that no batch file can hold")
    if not set(value.name) & set("\r\n"):
        key = next(iter(reg_files.read(reg_files.document(r"A\B", value.name, value)).values()))
        _demand(list(key.values.values()) == [value], "a value that does not come back")


class _OneShell:
    """A client whose shell says this, whatever it is told."""

    host = "edge1"

    def __init__(self, stdout: bytes) -> None:
        self._output = CommandOutput(stdout, stdout[:50], 0)

    def shell(self, **_options: object) -> _OneShell:
        return self

    def run(self, _line: str, **_options: object) -> CommandOutput:
        return self._output


def read_output(data: bytes) -> None:
    """The marks between the outputs of commands."""
    with contextlib.suppress(WindowsError):
        outputs = Console(t.cast(t.Any, _OneShell(data)), OLD).run(["netsh a", "netsh b"])
        _demand(len(outputs) == 2, "another number of outputs")
        for output in outputs:
            _demand(output.raw in data and "\n" not in output.complaint, "an output that nobody wrote")


def read_services_file(data: bytes) -> None:
    """The services file, its folder, and the lines that are put in and taken out again."""
    content, _separator, listing = data.partition(SEPARATOR)
    with contextlib.suppress(WindowsError):
        outputs = [Output(content, True), Output(listing, True), Output(b"", False)]
        _demand(services_file.file_of("edge1", FOLDER, outputs).content == content, "another content")
    lines = services_file_lines.split_lines(content)
    _demand(b"".join(lines) == content, "lines that are not the file")
    for found in filter(None, map(services_file_lines.service_of, lines)):
        _demand(found.port <= ports.HIGHEST_PORT, "a port that can't be")
        services_file_lines.shown(content)
    wish = services_file_lines.Wish("radius", 1812, "udp", ("r",), "kept")
    after, changes = services_file_lines.edited(content, [wish], present=True)
    _demand(services_file_lines.edited(after, [wish], present=True) == (after, {}), "a wish that is never met")
    before, failed = services_file_lines.restored(after, changes)
    # A last line without an end gets one before a line is added; that is not taken back.
    is_back = before.startswith(content) and not before[len(content) :].strip(b"\r\n")
    _demand(bool(failed) or is_back, "an undo that leaves something")


def read_journal(data: bytes) -> None:
    """What loads is written as it was."""
    try:
        loaded = journal.load(_text(data))
    except (journal.JournalError, journal.JournalTooNew):
        return
    written = journal.dump(loaded)
    _demand(journal.load(written) == loaded, "a journal that does not come back")
    _demand(journal.dump(journal.load(written)) == written, "a journal that changes by itself")


def read_ports(data: bytes) -> None:
    """Ports of a user, and of a list that others wrote."""
    texts = data.decode("latin-1").split("\n")
    with contextlib.suppress(ports.PortSyntaxError):
        found = ports.parse_ports(texts)
        _demand(ports.parse_ports(found.texts()) == found, "ports that do not come back")
    for state in ("present", "absent", "pure"):
        with contextlib.suppress(OptionError):
            wanted_ports({"ports": texts}, option="ports", state=t.cast(t.Any, state))
    _merge(port_lists.PortList(tuple(texts)))


WANTED: t.Final = ports.PortSet.of(1645, ports.PortRange(1812, 1813), 50389)


def _merge(current: port_lists.PortList) -> None:
    for strict in (True, False):
        merged = current.with_ports(WANTED, strict=strict)
        _demand(merged.ports >= WANTED | current.ports, "a port that is lost")
        _demand(merged.with_ports(WANTED, strict=strict) == merged, "a list that is never right")
        _demand(not strict or merged.reliable >= WANTED, "a port that is not surely reserved")
        _demand(set(current.unreadable) <= set(merged.entries), "an entry of others that is lost")
        pure = current.only(WANTED, strict=strict)
        _demand(pure.ports == WANTED and not pure.unreadable, "a list of more than is wanted")
        port_lists.list_warnings("list", current, merged, "present")
    left = current.without_ports(WANTED)
    _demand(left.ports == current.ports - WANTED, "ports that should go, or stay")


def read_query(data: bytes) -> None:
    """A user's expression gives the same on the part of the result that it is said to use."""
    try:
        query = Query(data.decode("latin-1"))
        answer = query.answer(RESULT)
    except OptionError:
        return
    scope = query.scope
    part = {name: value for name, value in RESULT.items() if scope.names is None or name in scope.names}
    if scope.ports is not None:
        part["sockets"] = [row for row in RESULT["sockets"] if row["port"] in scope.ports]
    with contextlib.suppress(OptionError):
        _demand(query.answer(part) == answer, "an expression that needs more than its scope")


RESULT: t.Final[t.Mapping[str, t.Any]] = {
    "sockets": [{"port": 53, "protocol": "udp"}, {"port": 50636, "image": "dns.exe"}, {"port": 135, "process_id": 4}],
    "services": {"DNS": {"state": "Running"}},
    "release": "2022",
    "findings": [],
}


def read_event(data: bytes) -> None:
    """Strings of events, and what a terminal gets to see."""
    texts = tuple(data.decode("utf-8", errors="replace").split("\n"))
    event = facts.Event("Application", 1, "Server ActiveSync", 3015, SINCE, texts)
    for number in errors_of(event):
        _demand(any(str(number) in text for text in texts), "an error out of nowhere")
    port_of([event])
    for text in texts:
        clean = printable.printable(text)
        _demand(printable.printable(clean) == clean and "\x1b" not in clean, "a text that is not clean")
        for kind in (facts.RegistryType.STRING, facts.RegistryType.MULTI_STRING):
            why_not_writable(facts.RegistryValue(kind, text if kind is facts.RegistryType.STRING else (text,)))


TARGETS: t.Final[t.Mapping[str, t.Callable[[bytes], None]]] = {
    "envelope": read_envelope,
    "sent text": write_text,
    "conversation": converse,
    "conversation in shape": converse_in_shape,
    "console": read_console,
    "look": read_look,
    "outputs": read_output,
    "services file": read_services_file,
    "journal": read_journal,
    "ports": read_ports,
    "query": read_query,
    "event": read_event,
}
NAMES: t.Final = tuple(TARGETS)


def read_one(data: bytes) -> None:
    """One input: its first byte chooses the reader."""
    if data:
        TARGETS[NAMES[data[0] % len(NAMES)]](data[1:])


def input_for(name: str, data: bytes) -> bytes:
    """The input that gives these bytes to that reader."""
    return bytes([NAMES.index(name)]) + data
