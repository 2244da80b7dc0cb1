# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The narrow door of a verification: it judges every message by its bytes, and lets only listed ones through.

It stands between the probes and the transport, so that no probe, however wrong, can send anything else. What is allowed
is listed here and nowhere else: reading a production server is harmless because of this file.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.command_lines import parts_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import LOCAL_MACHINE
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.touch_steps import is_on_own_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import shell as shells
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Transport

IDENTITY: t.Final = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
"""The namespace of Identify (DSP0226 section 11)."""

_READING_METHOD: t.Final = re.compile(r"(?:Get|Enum)[A-Za-z]+|CheckAccess")
_OF_WMI: t.Final = frozenset(
    action.value for action in (soap.Action.GET, soap.Action.ENUMERATE, soap.Action.PULL, soap.Action.RELEASE)
)
_OF_A_SHELL: t.Final = frozenset(
    action.value
    for action in (
        soap.Action.CREATE,
        soap.Action.GET,
        soap.Action.COMMAND,
        soap.Action.SEND,
        soap.Action.RECEIVE,
        soap.Action.SIGNAL,
        soap.Action.DELETE,
    )
)


_WRITING_METHODS: t.Final = frozenset(
    {"CreateKey", "SetStringValue", "SetMultiStringValue", "SetDWORDValue", "SetQWORDValue"}
    | {"DeleteValue", "DeleteKey"}
)


@dataclasses.dataclass(frozen=True)
class OwnRules:
    """What the grade touch may change: values of these keys, and excluded ranges within these UDP ports.

    The rules of the grade lab are a subclass.
    """

    keys: tuple[str, ...] = ()
    ports: PortRange | None = None

    def allow_command(self, line: str) -> bool:
        """True if a command changes nothing but the exclusion of our own ports."""
        return self.ports is not None and is_on_own_ports(line, self.ports)

    def allow_method(self, class_name: str, method: str, selectors: t.Mapping[str, str]) -> bool:
        """True for a method of another class than StdRegProv: none."""
        del class_name, method, selectors
        return False

    def allow_call(self, method: str, body: ET.Element | None) -> bool:
        """True if a call of StdRegProv writes into one of our own keys."""
        key = soap.child(body, f"{method}_INPUT", "sSubKeyName")
        hive = soap.child(body, f"{method}_INPUT", "hDefKey")
        if key is None or hive is None or hive.text != LOCAL_MACHINE:
            return False
        return method in _WRITING_METHODS and key.text in self.keys


NOTHING: t.Final = OwnRules()


@dataclasses.dataclass(frozen=True, slots=True)
class Exchange:
    """A message and its answer, as they went over the line."""

    request: bytes
    answer: bytes


class Gate:
    """A transport that carries only messages that read.

    ``commands`` are the only command lines, each whole; several may be joined as ``command_lines`` joins them. ``sent``
    counts the messages; ``exchanges`` keeps them if ``keeps``. ``own`` is what may be changed: nothing, by default.
    """

    def __init__(
        self, transport: Transport, commands: t.Collection[str], *, keeps: bool = False, own: OwnRules = NOTHING
    ) -> None:
        self.own = own
        self._transport = transport
        self._commands = frozenset(commands)
        self._keeps = keeps
        self.sent = 0
        self.exchanges: list[Exchange] = []

    @property
    def host(self) -> str:
        """The host as the transport names it."""
        return self._transport.host

    def send(self, envelope: bytes) -> bytes:
        """Send one message, or raise Unsendable before anything is sent."""
        what = forbidden(envelope, self._commands, self.own)
        if what:
            raise errors.Unsendable(
                host=self.host, meaning=f"a verification may not send {what}", advice="nothing was sent"
            )
        self.sent += 1
        answer = self._transport.send(envelope)
        if self._keeps:
            self.exchanges.append(Exchange(envelope, answer))
        return answer

    def reset(self) -> None:
        """Begin with a new connection at the next message."""
        self._transport.reset()


def forbidden(envelope: bytes, commands: t.Collection[str], own: OwnRules = NOTHING) -> str:
    """What in a message is not on the list, for the error; empty if all of it is."""
    root = ET.fromstring(envelope)  # noqa: S314 - made by ourselves
    body = soap.child(root, "Body")
    if body is not None and len(body) == 1 and body[0].tag == f"{{{IDENTITY}}}Identify":
        return ""
    action = soap.text_of(soap.child(root, "Header", "Action"))
    resource = soap.text_of(soap.child(root, "Header", "ResourceURI"))
    if resource == shells.RESOURCE:
        return _forbidden_in_shell(action, body, commands, own)
    if not resource.startswith(wmi.WMI_ROOT):
        return f"a message to {resource!a}"
    if action in _OF_WMI:
        return ""
    uri, _slash, method = action.rpartition("/")
    is_registry = uri == resource and uri.endswith("/StdRegProv")
    if is_registry:
        is_allowed = _READING_METHOD.fullmatch(method) is not None or own.allow_call(method, body)
    else:
        is_allowed = uri == resource and own.allow_method(uri.rpartition("/")[2], method, _selectors(root))
    return "" if is_allowed else f"the action {action!a}"


def _selectors(root: ET.Element) -> dict[str, str]:
    found = soap.child(root, "Header", "SelectorSet")
    return {} if found is None else {one.get("Name", ""): one.text or "" for one in found}


def _forbidden_in_shell(action: str, body: ET.Element | None, commands: t.Collection[str], own: OwnRules) -> str:
    if action not in _OF_A_SHELL:
        return f"the action {action!a}"
    if action != soap.Action.COMMAND.value:
        return ""
    line = soap.child(body, "CommandLine", "Command")
    arguments = soap.child(body, "CommandLine", "Arguments")
    given = "" if line is None else line.text or ""
    strangers = (part for part in parts_of(given) if part not in commands and not own.allow_command(part))
    stranger = next(strangers, None)
    if arguments is not None:
        return "a command with arguments"
    return "" if stranger is None else f"the command {stranger!a}"
