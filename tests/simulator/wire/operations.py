# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Management service of one server: from a parsed request to the answer's envelope."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import re
import time
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.windows.interface import User, WinrmLimits, WmiFault
from tests.simulator.wire import cim, faults
from tests.simulator.wire.enumeration import Batch, Enumerations, enumerate_response, pull_response
from tests.simulator.wire.faults import FaultName, SoapFault
from tests.simulator.wire.habits import USUAL, Habits
from tests.simulator.wire.model import Server
from tests.simulator.wire.shells import Shells
from tests.simulator.wire.soap import (
    ENUMERATION,
    SHELL,
    SHELL_URI,
    TRANSFER,
    WQL_DIALECT,
    Message,
    declarations,
    element,
    envelope,
    render,
    tag,
    whole_number,
)

MINIMAL_ENVELOPE: t.Final = 8192
DEFAULT_ENVELOPE: t.Final = 153600
DEFAULT_TIMEOUT: t.Final = 60.0
LONGEST_BRIEF: t.Final = 1000

_CONTROL_CHARACTERS: t.Final = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]")
"""MS-WSMV 3.1.4.1.25: a server should replace them by ``?`` in what it sends."""
_READING: t.Final = ("Get", "Enum", "Check", "Interrogate")
"""How the names of methods begin that change nothing."""

_PREFIXES: t.Final[c.Mapping[str, tuple[str, ...]]] = {
    "wmi": ("s", "a", "x", "w", "p"),
    "enumeration": ("s", "a", "n", "w"),
    "shell": ("s", "a", "x", "w", "rsp", "p"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from where, and under which address it reached the server."""

    user: User
    client: str
    address: str


class WsmanService:
    """Everything behind ``/wsman`` of one server, once a message is authenticated and decrypted.

    ``habits`` are what no document decides. ``raw_control_characters``: characters that XML can't carry go out as they
    are. See wire.assumptions.
    ``clock`` gives the seconds by which shells and enumerations expire.
    """

    def __init__(
        self,
        server: Server,
        limits: WinrmLimits,
        *,
        raw_control_characters: bool = False,
        habits: Habits = USUAL,
        clock: c.Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server
        self.limits = limits
        self._raw = raw_control_characters
        self._habits = habits
        self.shells = Shells(server, limits, clock, idle_timeout=habits.idle_timeout)
        self.enumerations = Enumerations(clock, octets_per_character=habits.octets_per_character)

    @property
    def largest_envelope(self) -> int:
        """The size in bytes above which a request is refused."""
        return self.limits.max_envelope_kb * 1024

    @property
    def _unknown_method(self) -> FaultName:
        return t.cast(FaultName, self._habits.unknown_method)

    def forget(self) -> None:
        """Drop shells and enumerations, as a boot does."""
        self.shells.clear()
        self.enumerations.clear()

    async def answer(self, message: Message, caller: Caller) -> tuple[int, bytes]:
        """Give the HTTP status and the envelope for one request; a refusal is a fault with status 500."""
        try:
            return 200, await self._answer(message, caller)
        except WmiFault as error:
            fault = SoapFault(self._unknown_method) if error.kind == "invalid_method" else faults.from_wmi(error)
            return 500, self.fault(fault, message)
        except SoapFault as fault:
            return 500, self.fault(fault, message)

    def fault(self, fault: SoapFault, message: Message | None) -> bytes:
        """Write a fault in the shape of this server's stack."""
        return render(
            faults.fault_envelope(
                self._habits.told(fault),
                stack=self.server.winrm_stack,
                language=self.server.language,
                relates_to=None if message is None else message.message_id,
                machine=self.server.name,
            )
        )

    async def _answer(self, message: Message, caller: Caller) -> bytes:
        payload = message.payload
        if payload is not None and payload.tag == tag("wsmid:Identify"):
            return self.identify(authenticated=True)
        check_headers(message)
        self._authorize(message, caller.user)
        if message.must_comply and not _is_shell(message):
            raise SoapFault("invalid_options", f"The option {min(message.must_comply)} is not known. ")
        kind, body = await self._dispatch(message, caller)
        answer = render(
            envelope(
                f"{message.action}Response",
                *body,
                relates_to=message.message_id,
                prefixes=_PREFIXES[kind],
                language=self.server.language,
            )
        )
        size = len(answer.decode("utf-8", "replace")) * self._habits.octets_per_character
        if kind == "wmi" and size > self._max_bytes(message):
            raise self._habits.too_large(changed=not message.method.startswith(_READING))
        return answer if self._raw else _CONTROL_CHARACTERS.sub(b"?", answer)

    def identify(self, *, authenticated: bool) -> bytes:
        """Answer an Identify; the version of Windows is told to authenticated callers only."""
        version = f"{self.server.release.version} SP: {self.server.release.service_pack}.0"
        shown = version if authenticated else "0.0.0 SP: 0.0"
        response = element(
            "wsmid:IdentifyResponse",
            element("wsmid:ProtocolVersion", text="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"),
            element("wsmid:ProductVendor", text="Microsoft Corporation"),
            element("wsmid:ProductVersion", text=f"OS: {shown} Stack: {self.server.winrm_stack}"),
            attributes=declarations("wsmid"),
        )
        root = element("s:Envelope", element("s:Header"), element("s:Body", response), attributes=declarations("s"))
        root.set("xml:lang", "en-US")
        return render(root)

    # -- routing ----------------------------------------------------------------------------------------------------
    async def _dispatch(self, message: Message, caller: Caller) -> tuple[str, list[ET.Element]]:
        if _is_shell(message):
            return "shell", await self._shell(message, caller)
        verb = _ENUMERATION_VERBS.get(message.action)
        if verb is not None:
            return "enumeration", [verb(self, message, caller.user)]
        return "wmi", [self._wmi(message, caller.user)]

    async def _shell(self, message: Message, caller: Caller) -> list[ET.Element]:
        if message.action == f"{TRANSFER}/Create":
            return self.shells.create(message, caller.user, client=caller.client, address=caller.address)
        if message.action == f"{SHELL}/Receive":
            timeout = self._timeout(message)
            return await self.shells.receive(message, caller.user, max_bytes=self._max_bytes(message), timeout=timeout)
        verbs: dict[str, c.Callable[[Message, User], list[ET.Element]]] = {
            f"{TRANSFER}/Get": self.shells.get,
            f"{TRANSFER}/Delete": self.shells.delete,
            f"{SHELL}/Command": self.shells.command,
            f"{SHELL}/Send": self.shells.send,
            f"{SHELL}/Signal": self.shells.signal,
        }
        if message.action not in verbs:
            raise SoapFault("action_not_supported")
        return verbs[message.action](message, caller.user)

    def _authorize(self, message: Message, user: User) -> None:
        """Refuse accounts that may not speak WinRM at all; the model decides what WMI allows to a plain user."""
        is_shell = message.resource_uri.lower().startswith(SHELL_URI)
        if not user.elevated and (is_shell or not user.remote_wmi):
            raise SoapFault("access_denied")
        if is_shell and not user.may("shell"):
            raise SoapFault("access_denied")

    def _max_bytes(self, message: Message) -> int:
        return min(message.max_envelope_size or DEFAULT_ENVELOPE, self.largest_envelope)

    def _timeout(self, message: Message) -> float:
        longest = self.limits.max_timeout_ms / 1000
        return min(message.operation_timeout or DEFAULT_TIMEOUT, longest)

    # -- WMI --------------------------------------------------------------------------------------------------------
    def _wmi(self, message: Message, user: User) -> ET.Element:
        namespace, class_name = self._class_of(message)
        if message.action == f"{TRANSFER}/Get":
            return cim.instance_element(self.server.wmi_get(namespace, class_name, message.selectors, user=user))
        if message.action == f"{TRANSFER}/Put":
            return self._put(message, namespace, class_name, user)
        uri, _separator, method = message.action.rpartition("/")
        if uri.rstrip("/").lower() != message.resource_uri.rstrip("/").lower() or not method:
            raise SoapFault("action_not_supported")
        return self._invoke(message, namespace, class_name, method, user)

    def _put(self, message: Message, namespace: str, class_name: str, user: User) -> ET.Element:
        payload = self._required_payload(message)
        properties = cim.read_parameters(payload)
        return cim.instance_element(
            self.server.wmi_put(namespace, class_name, message.selectors, properties, user=user)
        )

    def _invoke(self, message: Message, namespace: str, class_name: str, method: str, user: User) -> ET.Element:
        parameters = cim.read_parameters(self._required_payload(message))
        output = self.server.wmi_invoke(namespace, class_name, message.selectors, method, parameters, user=user)
        return cim.output_element(output, uri=message.resource_uri.rstrip("/"))

    def _required_payload(self, message: Message) -> ET.Element:
        payload = message.payload
        if payload is None:
            raise faults.schema_fault(self.server.winrm_stack, "The body is empty. ")
        return payload

    def _class_of(self, message: Message) -> tuple[str, str]:
        found = cim.split_class_uri(message.resource_uri)
        if found is None:
            raise SoapFault("invalid_resource")
        return found

    # -- enumerations -----------------------------------------------------------------------------------------------
    def _enumerate(self, message: Message, user: User) -> ET.Element:
        request = self._required_payload(message)
        namespace, class_name = self._class_of(message)
        self._check_operations(user)
        rows = self.server.wmi_query(namespace, _wql(request, class_name), user=user)
        items = [cim.instance_element(row) for row in rows]
        batch = self.enumerations.start(
            items, owner=user.name, first=self._first_batch(request), max_bytes=self._max_bytes(message)
        )
        return enumerate_response(batch)

    def _first_batch(self, request: ET.Element) -> int:
        if request.find(tag("w:OptimizeEnumeration")) is None:
            return 0
        if self.limits.batching == "one_then_pulls":
            return 1
        return self._max_elements(request.findtext(tag("w:MaxElements")))

    def _max_elements(self, text: str | None) -> int:
        return max(1, min(whole_number(text) or 1, self.limits.max_batch_items))

    def _pull(self, message: Message, user: User) -> ET.Element:
        request = self._required_payload(message)
        batch: Batch = self.enumerations.pull(
            request.findtext(tag("n:EnumerationContext")) or "",
            owner=user.name,
            count=self._max_elements(request.findtext(tag("n:MaxElements"))),
            max_bytes=self._max_bytes(message),
        )
        return pull_response(batch)

    def _release(self, message: Message, user: User) -> ET.Element:
        request = self._required_payload(message)
        self.enumerations.release(request.findtext(tag("n:EnumerationContext")) or "", owner=user.name)
        return element("n:ReleaseResponse")

    def _check_operations(self, user: User) -> None:
        used = self.enumerations.count(user.name) if self._habits.enumerations_count else 0
        used += self.shells.operations(user.name)
        if used >= self.limits.max_operations_per_user:
            raise SoapFault("too_many_operations")


_ENUMERATION_VERBS: t.Final[c.Mapping[str, c.Callable[[WsmanService, Message, User], ET.Element]]] = {
    f"{ENUMERATION}/Enumerate": WsmanService._enumerate,
    f"{ENUMERATION}/Pull": WsmanService._pull,
    f"{ENUMERATION}/Release": WsmanService._release,
}


def _is_shell(message: Message) -> bool:
    return message.resource_uri.rstrip("/").lower() == SHELL_URI


def check_headers(message: Message) -> None:
    """Hold a request against the strict points of WinRM; everything else it takes as it comes."""
    if not message.has_reply_to or message.message_id is None or not message.action:
        raise SoapFault("missing_header")
    if not message.message_id:
        raise SoapFault("bad_header")
    if message.not_understood:
        raise SoapFault("not_understood", f"The header {message.not_understood} is not known. ")
    if message.has_broken_timeout:
        raise SoapFault("bad_header", "OperationTimeout is no duration. ")
    if message.max_envelope_size is not None and message.max_envelope_size < MINIMAL_ENVELOPE:
        raise SoapFault("small_envelope")
    if message.locale_must_be_understood:
        raise SoapFault("locale")


def _wql(request: ET.Element, class_name: str) -> str:
    found = request.find(tag("w:Filter"))
    if found is None:
        if class_name == "*":
            raise SoapFault("cannot_process_filter")
        return " ".join(("SELECT * FROM", class_name))
    if found.get("Dialect", "") != WQL_DIALECT:
        raise SoapFault("filter_dialect")
    return "".join(found.itertext()).strip()


def describe(message: Message) -> str:
    """Say in a few words what a request is about, for the log of requests: a query, a command, a value's name."""
    text = _description(message)
    return text if len(text) <= LONGEST_BRIEF else text[:LONGEST_BRIEF] + "..."


def _description(message: Message) -> str:
    payload = message.payload
    if payload is None:
        return _pairs(message.selectors)
    query = payload.findtext(tag("w:Filter"))
    if query is not None:
        return query.strip()
    if message.method == "Send":
        return f"{len(''.join(payload.itertext()))} characters of base64"
    if message.action.startswith(SHELL) or message.action.startswith(TRANSFER):
        return " ".join("".join(item.itertext()) for item in payload)
    texts = {name: "|".join(value or []) for name, value in cim.read_parameters(payload).items()}
    return " ".join(part for part in (_pairs(message.selectors), _pairs(texts)) if part)


def _pairs(texts: c.Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in texts.items())
