# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings: no name stays in them, and what is played back says what the server said."""

from __future__ import annotations

import base64
import pathlib
import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import samples
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Result
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.verify import verify
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import run_in_process
from tests.fleet.test_verify import PLANTED, SECRETS
from tests.fleet.verified_hosts import HOSTS
from tests.fleet.verifying import LOOK
from tests.tooling.verified import FOLDER

MASKED_AWAY: t.Final = frozenset({"findstr_ends_line", "findstr_keeps_bytes", "refused_query_named"})
"""Probes that look for a text of our own in an answer: it is masked there like any other text."""
RECORDINGS: t.Final = sorted(path.parent for path in FOLDER.glob("*/000-*.answer.xml"))


class Player:
    """A transport that gives the answers of a recording, in their order."""

    host = "recording"

    def __init__(self, folder: pathlib.Path) -> None:
        self._answers = [path.read_bytes() for path in sorted(folder.glob("*.answer.xml"))]

    def send(self, _envelope: bytes) -> bytes:
        """The next answer."""
        return self._answers.pop(0)

    def reset(self) -> None:
        """There is no connection."""


def played(folder: pathlib.Path) -> dict[str, Result]:
    """What the probes see in a recording."""
    return {result.probe.id: result for result in verify(Player(folder), LOOK).results}


def recorded(server: Json, folder: pathlib.Path, grade: str = "look") -> t.Any:
    """Record a server; the result of the task."""
    options = {"directory": str(folder), "record": True, "grade": grade}
    (run,) = run_in_process(
        [HostCase(id="jane-srv", server=server, steps=(Step(module="verify_assumptions", options=options),))]
    )["jane-srv"]
    assert run.event == "ok", run.message
    return run.result


def test_the_readers_take_what_real_servers_wrote() -> None:
    """There are none as long as no real server has answered; then each says what its file says."""
    against = {
        f"{folder.name}: {one.probe.id}"
        for folder in RECORDINGS
        for one in played(folder).values()
        if one.verdict == "otherwise" and one.probe.id not in MASKED_AWAY
    }
    assert against == set()


@pytest.mark.parametrize("name", ["2003-plain", "2008", "edge"])
def test_a_recording_says_what_the_server_said(name: str, tmp_path: pathlib.Path) -> None:
    result = recorded(HOSTS[name], tmp_path)
    seen = played(pathlib.Path(result["file"]).with_suffix(""))
    before = {row["probe"]: (row["verdict"], row["seen"]) for row in result["probes"]}
    after = {one: (row.verdict, row.seen) for one, row in seen.items()}
    assert after.keys() == before.keys()
    assert {one for one in before if after[one] != before[one]} <= MASKED_AWAY
    assert result["counts"]["as_expected"] > 60


@pytest.mark.parametrize("release", ["2003", "2022"])
def test_no_name_stays_in_a_recording(release: str, tmp_path: pathlib.Path) -> None:
    manual = {"start_modes": {"PolicyAgent": "manual"}} if release == "2003" else {}
    server = {"release": release, "roles": ["dns"], **PLANTED, "reserved_ports": ["contoso-5000"], **manual}
    recorded(server, tmp_path, grade="touch")
    found = {path: path.read_bytes() for path in tmp_path.rglob("*.xml")}
    assert len(found) > 150
    told = b"".join(b"".join(outputs(content)) + content for content in found.values()).decode().casefold()
    assert [secret for secret in SECRETS if secret in told] == []


def outputs(content: bytes) -> t.Iterator[bytes]:
    """What commands wrote, decoded."""
    for stream in re.findall(rb"<rsp:Stream [^>]*>([^<]+)</rsp:Stream>", content):
        yield base64.b64decode(stream).decode("latin-1").encode()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Running", "Running"),
        ("CONTOSO\\jane1", "xxxxxxx\\xxxx0"),
        ("192.0.2.17", "000.0.0.00"),
        ("S-1-5-21-1004336348", "x-0-0-00-0000000000"),
        ("0.0.0.0", "0.0.0.0"),
        ("10.0.17763", "10.0.17763"),
        ("C:\\Contoso\\dns.exe", "x:\\xxxxxxx\\dns.exe"),
        ("C:\\Contoso\\contoso.exe", "x:\\xxxxxxx\\xxxxxxx.xxx"),
        ("ADAM_Contoso", "ADAM_xxxxxxx"),
        ("2024-05-01T09:00:00Z", "2024-05-01T09:00:00Z"),
        ("http://contoso:5985/wsman", "xxxx://xxxxxxx:0000/xxxxx"),
        ("w:AccessDenied", "w:AccessDenied"),
        ("w:Contoso", "x:xxxxxxx"),
        ("  Contoso ", "  xxxxxxx "),
    ],
)
def test_only_listed_texts_stay(text: str, masked: str) -> None:
    assert samples.masked_text(text) == masked


def test_masking_keeps_the_xml() -> None:
    envelope = (
        b'<?xml version="1.0"?><!-- Contoso --><a Machine="CONTOSO"><b>R&amp;D &lt;jane&gt;</b><c x="1&quot;" /></a>'
    )
    assert samples.masked_envelope(envelope) == (
        b'<?xml version="1.0"?><a Machine="xxxxxxx"><b>x&amp;x &lt;xxxx&gt;</b><c x="0&quot;" /></a>'
    )


def test_output_keeps_its_columns() -> None:
    raw = b"  TCP    192.0.2.77:445   [2001:db8::7]:50  ABH\xd6REN  1044\r\nJane portkeeper-1-0\r\n"
    assert samples.masked_output(raw) == (
        b"  TCP    192.0.2.1:445   [2001::1]:50  xxx\x81xxx  1044\r\nxxxx portkeeper-1-0\r\n"
    )
