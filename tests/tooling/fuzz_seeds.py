# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts to begin with: what the simulated servers answer, and the samples of the unit tests."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import read_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import client as wsman
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import WsmanError
from tests.simulator.direct import DirectServer
from tests.tooling import fuzz_readers as readers
from tests.unit.plugins.module_utils._windows.samples import LANGUAGES
from tests.unit.plugins.module_utils._wsman import answers

RELEASES: t.Final = ("2003", "2008r2", "2022")
LONGEST: t.Final = 20_000
"""Bytes of one seed: whole tables of a server only make a fuzzer slow."""


class Recorded:
    """A transport to a simulated server that keeps its answers."""

    host = "edge1"

    def __init__(self, release: str) -> None:
        self._server = DirectServer({"release": release, "roles": ["dns"]})
        self.answers: list[bytes] = []

    def send(self, envelope: bytes) -> bytes:
        self.answers.append(self._server.answer(envelope))
        return self.answers[-1]

    def reset(self) -> None:
        """Nothing to drop."""


def conversations() -> t.Iterator[bytes]:
    """Every round of questions on servers of each stack."""
    for release in RELEASES:
        transport = Recorded(release)
        client = wsman.Client(transport, message_ids=lambda: readers.MESSAGE_ID)
        for number, asked in enumerate(readers.QUESTIONS):
            for is_new in (0, 1):
                transport.answers.clear()
                server = Target(client, readers.NEW if is_new else readers.OLD)
                # A command of a newer release, for example: that answer is one, too.
                with contextlib.suppress(WindowsError, WsmanError), server as target:
                    read_facts(target, asked)
                yield bytes([number << 1 | is_new]) + readers.SEPARATOR.join(transport.answers)


ENVELOPES: t.Final = (
    answers.TIMED_OUT,
    answers.fault("w:AccessDenied", answers.wsman_fault(5)),
    answers.fault("w:InternalError", answers.provider_fault(answers.wsman_fault(0x80041003))),
    answers.fault("w:QuotaLimit", answers.wmi_error("<p:error_Code>2150859173</p:error_Code>")),
    answers.output("EnumValues", "<p:sNames>a</p:sNames><p:Types>7</p:Types><p:ReturnValue>0</p:ReturnValue>"),
    answers.page("Pull", answers.fragment("<Name>DNS</Name><LocalPort>53</LocalPort>"), None),
    answers.shell_created(),
    answers.command_started(),
    answers.received("", exit_code=0),
)
JOURNALS: t.Final = (
    journal.dump(journal.Journal()),
    journal.dump(
        journal.Journal(
            {
                "reserved_ports": journal.Entry(
                    original=None,
                    written={"type": 7, "data": ["1645-1646"]},
                    added=("1645-1646",),
                    wait=journal.Wait("reboot", 1_700_000_000.0, 86_400.0),
                    owners={"task": ("1645-1646",)},
                ),
                "start_mode:DNS": journal.Entry(original="Auto", written="Manual", owners={"role": ("*",)}),
            },
            ("DNS",),
        )
    ),
)
SERVICES: t.Final = b"# names\r\nradius 1812/udp r # kept\r\nldap\t389/tcp  \r\nhttp 80/tcp www www-http # Web"
LISTING: t.Final = (
    b" Directory of C:\\Windows\\System32\\drivers\\etc\r\n\r\n01/01/2026  08:00 AM     %d services\r\n" % len(SERVICES)
)
QUERIES: t.Final = (
    "sockets[?port==`50636`].image",
    "sockets[?port==`53` || protocol=='udp'] | [0]",
    "length(sockets[?port==`53`]) > `0` && services.DNS.state",
    "{a: release, b: sockets[*].port}",
    "map(&port, sockets)",
    "@",
    "sockets[?port==`1` && port==`53`][].port | sort(@)",
)
PORTS: t.Final = ("1645-1646\n1812\n50389-50389", "1812/udp\n 4500 \n3343-3343\nx", "1646-1650\n1644\n1645-1645\n70000")

LOOKS: t.Final = (
    b"""[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\DNS]
"Start"=dword:00000002
"Type"=dword:00000010
"ImagePath"=hex(2):25,00,53,00,\\
  79,00,00,00
"DependOnService"=hex(7):41,00,00,00,00,00
"DisplayName"="a \\"name\\" \\\\ of
two lines"
"Bytes"=hex:00,01
""",
    b"SERVICE_NAME: DNS\nDISPLAY_NAME: D\n  TYPE : 10  WIN32\n  STATE : 4  RUNNING\n  PID : 5\n\n   DNS Server\n",
)


def seeds() -> dict[str, list[bytes]]:
    """Inputs of every reader, by its name."""
    talks = list(conversations())
    console = [text for language in LANGUAGES for text in _console(language)]
    found = {
        "envelope": [answers.envelope(body).encode() for body in ENVELOPES] + _single(talks),
        "sent text": [b"abc", "ä\t\n\U0001f600 ' \\ \" ]]> &".encode(), b"\xed\xa0\x80", b"a\rb"],
        "conversation": talks,
        "conversation in shape": [bytes([number]) + bytes(range(number, 200)) for number in range(32)],
        "console": console,
        "look": list(LOOKS),
        "outputs": [b"a\r\nportkeeper-1-ok\r\nb\r\nportkeeper-2-failed \r\n", b"portkeeper-2-ok"],
        "services file": [
            SERVICES + readers.SEPARATOR + LISTING,
            b"a\n\n1812/udp",
            b"radius 1813/udp\nradius 1812/udp",
        ],
        "journal": [text.encode() for text in JOURNALS],
        "ports": [text.encode() for text in PORTS],
        "query": [text.encode() for text in QUERIES],
        "event": [b"IPSEC Services\n%%10048", b"UDP port [2883]\n0x80004005", "\u202e\x1b[31m\x9b".encode()],
    }
    return {name: [text for text in texts if len(text) <= LONGEST] for name, texts in found.items()}


def _console(language: t.Any) -> tuple[bytes, ...]:
    return language.exclusions(), language.dynamic_range(1025, 58976), language.netstat()


def _single(talks: t.Iterable[bytes]) -> list[bytes]:
    """The different answers of all conversations."""
    return list(dict.fromkeys(answer for talk in talks for answer in talk[1:].split(readers.SEPARATOR) if answer))


WORDS: t.Final = (
    *readers.TAGS,
    *readers.ATTRIBUTES,
    *filter(None, readers.TEXTS),
    *("</", "/>", "<![CDATA[", "]]>", "<!--", "<!DOCTYPE", "<!ENTITY", "<?xml", "&lt;", "&#x", "xmlns:", '="'),
    *("portkeeper-1-ok", "portkeeper-2-failed", "/udp", "/tcp", "TCP", "UDP", "[::]:0", "0.0.0.0:0", "*:*", "----"),
    *("sockets", "[?port==`53`]", "&&", "||", "sort_by(", "map(&", "`", "@"),
    *('"version":2', '"entries"', '"stopped"', '"original"', '"written"', '"added"', '"wait"', '"owners"', '"data"'),
)
"""What a fuzzer may put in."""
