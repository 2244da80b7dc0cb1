# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that can't answer one kind of question, on a runner of its own."""

from __future__ import annotations

import re
import typing as t
import xml.etree.ElementTree as ET

from tests.fleet.host_cases import HostCase
from tests.fleet.in_process import CaseRunner
from tests.simulator.direct import DirectServer
from tests.simulator.wire.faults import SoapFault
from tests.simulator.wire.soap import local_name, parse_xml, read_message

How = t.Literal["fault", "empty", "denied"]
HOWS: t.Final[tuple[How, ...]] = t.get_args(How)
_GENERIC_FAILURE: t.Final = 0x80041001
_LISTS: t.Final = ("Items", "Stream")
"""The elements of an answer in which rows, or the output of a command, stand."""


class SpoiltRunner(CaseRunner):
    """Whatever a message asks for that fits ``reading`` is refused, or answered with nothing."""

    def __init__(self, case: HostCase, reading: str, how: How) -> None:
        super().__init__(case)
        self._reading, self._how = re.compile(reading), how
        self._goes_on = False

    def answer(self, envelope: bytes, server: DirectServer) -> bytes:
        """See CaseRunner."""
        message = read_message(envelope)
        follows = self._goes_on and message.method in ("Pull", "Receive")
        if not follows:
            self._goes_on = bool(self._reading.search(envelope.decode()))
        if not self._goes_on:
            return server.answer(envelope)
        if self._how == "empty":
            return _emptied(server.answer(envelope))
        fault = SoapFault("access_denied") if self._how == "denied" else _failure()
        self._goes_on = False
        return server.refusal(envelope, fault)


def _failure() -> SoapFault:
    return SoapFault("internal_error", "WMI failed", number=_GENERIC_FAILURE)


def _emptied(answer: bytes) -> bytes:
    root = parse_xml(answer)
    for item in root.iter():
        if local_name(item) in _LISTS:
            item.text = None
            for child in list(item):
                item.remove(child)
    return ET.tostring(root, encoding="unicode").encode()
