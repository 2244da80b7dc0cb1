# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WinRS shells: Create, Command, Send, Receive, Signal, Delete (MS-WSMV 3.1.4), with the quotas of each stack."""

from __future__ import annotations

import asyncio
import base64
import collections.abc as c
import dataclasses
import re
import time
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.windows.interface import CommandResult, User, WinrmLimits
from tests.simulator.wire import powershell
from tests.simulator.wire.faults import ProviderDetail, SoapFault, schema_fault
from tests.simulator.wire.model import Server
from tests.simulator.wire.soap import SHELL, SHELL_URI, Message, element, new_identifier, parse_duration, whole_number

KNOWN_OPTIONS: t.Final = frozenset(
    {"WINRS_NOPROFILE", "WINRS_CODEPAGE", "WINRS_CONSOLEMODE_STDIN", "WINRS_SKIP_CMD_SHELL"}
)
DEFAULT_CODE_PAGE: t.Final = 437
ENVELOPE_OVERHEAD: t.Final = 2500
"""Characters that the frame of a ReceiveResponse may take."""
_READERS = re.compile(r"^\s*(?:more|sort|findstr\s+\S+)(?:\.com|\.exe)?\s*$", re.IGNORECASE)


@dataclasses.dataclass(slots=True)
class Command:
    """One command: waiting for its input, then done with output that Receives take away piece by piece."""

    identifier: str
    line: str
    waits_for_input: bool
    stdin: bytearray = dataclasses.field(default_factory=bytearray)
    stdout: bytearray = dataclasses.field(default_factory=bytearray)
    stderr: bytearray = dataclasses.field(default_factory=bytearray)
    exit_code: int | None = None
    ready_at: float = 0.0
    delivered: bool = False


@dataclasses.dataclass(slots=True)
class Shell:
    """One cmd shell of one user; ``last_used`` and ``idle_timeout`` are seconds of the shells' clock."""

    identifier: str
    owner: User
    code_page: int
    idle_timeout: float
    last_used: float
    client: str
    operations: int = 0
    commands: dict[str, Command] = dataclasses.field(default_factory=dict)


class Shells:
    """The shells of one server. ``extra_seconds`` makes commands last that long (for timeout tests).

    ``idle_timeout``: whether the timeout that a Create asks for is taken, ignored or refused.

    ``clock`` gives the seconds by which shells grow idle and commands last.
    """

    def __init__(
        self,
        server: Server,
        limits: WinrmLimits,
        clock: c.Callable[[], float] = time.monotonic,
        *,
        idle_timeout: str = "taken",
    ) -> None:
        self._idle_timeout = idle_timeout
        self._clock = clock
        self._server = server
        self._limits = limits
        self._shells: dict[str, Shell] = {}
        self.extra_seconds = 0.0

    def __len__(self) -> int:
        return len(self._shells)

    def as_json(self) -> list[int]:
        """Give the number of operations of each open shell."""
        self._expire()
        return [shell.operations for shell in self._shells.values()]

    def clear(self) -> None:
        """End all shells, as a boot does."""
        self._shells.clear()

    def operations(self, owner: str) -> int:
        """Count the operations of one user; on the older stacks a command counts until its shell is gone (<118>)."""
        return sum(shell.operations for shell in self._shells.values() if shell.owner.name == owner)

    # -- the verbs --------------------------------------------------------------------------------------------------
    def create(self, message: Message, user: User, *, client: str, address: str) -> list[ET.Element]:
        """Open a shell, within the quota of the user."""
        payload = self._payload(message, "Shell")
        self._refuse_unknown_options(message)
        self._expire()
        wanted = _idle_timeout(payload)
        if wanted and self._idle_timeout == "refused":
            raise schema_fault(self._server.winrm_stack, "IdleTimeOut is not known.")
        wanted = wanted if self._idle_timeout == "taken" else None
        allowed = self._limits.max_shells_per_user
        if sum(shell.owner.name == user.name for shell in self._shells.values()) >= allowed:
            text = f"This user is allowed a maximum number of {allowed} concurrent shells. "
            raise SoapFault("too_many_shells", text)
        shell = Shell(
            identifier=new_identifier(),
            owner=user,
            code_page=_code_page(message),
            idle_timeout=wanted or float(self._limits.idle_timeout_seconds),
            last_used=self._clock(),
            client=client,
        )
        self._shells[shell.identifier] = shell
        created = _resource_created(self._wire_identifier(shell), address if self._modern else None)
        return [created, self._description(shell)] if self._modern else [created]

    def get(self, message: Message, user: User) -> list[ET.Element]:
        """Describe a shell."""
        return [self._description(self._find(message, user))]

    def delete(self, message: Message, user: User) -> list[ET.Element]:
        """Close a shell with everything that runs in it."""
        del self._shells[self._find(message, user).identifier]
        return []

    def command(self, message: Message, user: User) -> list[ET.Element]:
        """Start a command; it runs at once, unless it waits for the input of Send."""
        shell = self._find(message, user)
        payload = self._payload(message, "CommandLine")
        self._refuse_unknown_options(message)
        self._check_quota(shell)
        line = command_line(payload)
        piped = message.options.get("WINRS_CONSOLEMODE_STDIN", "TRUE").upper() == "FALSE"
        waits = piped or powershell.is_powershell(line) or _READERS.match(line) is not None
        command = Command(new_identifier(), line, waits_for_input=waits)
        shell.commands[command.identifier] = command
        shell.operations += 1
        if not waits:
            self._run(shell, command)
        return [element("rsp:CommandResponse", element("rsp:CommandId", text=command.identifier))]

    def send(self, message: Message, user: User) -> list[ET.Element]:
        """Take input for a command; the end of the input lets it run."""
        shell = self._find(message, user)
        for stream in self._payload(message, "Send").findall(f"{{{SHELL}}}Stream"):
            command = self._command(shell, stream.get("CommandId", ""))
            try:
                command.stdin += base64.b64decode("".join((stream.text or "").split()), validate=True)
            except ValueError as error:
                raise schema_fault(self._server.winrm_stack, "The stream is not base64.") from error
            if stream.get("End", "").lower() == "true" and command.exit_code is None:
                self._run(shell, command)
        return [element("rsp:SendResponse")]

    async def receive(self, message: Message, user: User, *, max_bytes: int, timeout: float) -> list[ET.Element]:
        """Give output as far as it fits into the answer; wait for a command that is not done, up to the timeout."""
        shell = self._find(message, user)
        desired = self._payload(message, "Receive").find(f"{{{SHELL}}}DesiredStream")
        command = self._command(shell, "" if desired is None else desired.get("CommandId", ""))
        if command.delivered:
            raise SoapFault("unknown_command")
        if command.exit_code is None:
            self._run(shell, command)
        wait = command.ready_at - self._clock()
        if wait > timeout:
            await asyncio.sleep(timeout)
            raise SoapFault("timed_out")
        await asyncio.sleep(max(wait, 0))
        return [_receive_response(command, max_bytes=max_bytes)]

    def signal(self, message: Message, user: User) -> list[ET.Element]:
        """Terminate a command, and release its operation if the stack does so."""
        shell = self._find(message, user)
        payload = self._payload(message, "Signal")
        command = self._command(shell, payload.get("CommandId", ""))
        del shell.commands[command.identifier]
        if self._limits.signal_releases_operation:
            shell.operations -= 1
        return [element("rsp:SignalResponse")]

    # -- shared parts -----------------------------------------------------------------------------------------------
    @property
    def _modern(self) -> bool:
        return self._server.winrm_stack >= "3.0"

    def _wire_identifier(self, shell: Shell) -> str:
        return f"uuid:{shell.identifier}" if self._server.winrm_stack == "1.1" else shell.identifier

    def _payload(self, message: Message, name: str) -> ET.Element:
        payload = message.payload
        if payload is None or payload.tag != f"{{{SHELL}}}{name}":
            raise schema_fault(self._server.winrm_stack, f"The body must hold <{name}>.")
        return payload

    def _refuse_unknown_options(self, message: Message) -> None:
        unknown = message.must_comply - KNOWN_OPTIONS
        if unknown:
            raise SoapFault("invalid_options", f"The option {sorted(unknown)[0]} is not known. ")

    def _expire(self) -> None:
        now = self._clock()
        for key in [key for key, shell in self._shells.items() if now - shell.last_used > shell.idle_timeout]:
            del self._shells[key]

    def _find(self, message: Message, user: User) -> Shell:
        self._expire()
        wanted = (message.selector("ShellId") or "").removeprefix("uuid:").upper()
        shell = self._shells.get(wanted)
        if shell is None or shell.owner.name != user.name:
            text = "The selectors name no shell of this user. "
            number = SoapFault("unknown_shell").number
            raise SoapFault("unknown_shell", text, provider=ProviderDetail(text, number, "", "", is_shell=True))
        shell.last_used = self._clock()
        return shell

    def _command(self, shell: Shell, identifier: str) -> Command:
        command = shell.commands.get(identifier.removeprefix("uuid:").upper())
        if command is None:
            raise SoapFault("unknown_command")
        return command

    def _check_quota(self, shell: Shell) -> None:
        limits = self._limits
        if limits.one_command_per_shell and shell.commands:
            raise SoapFault("concurrency")
        if self.operations(shell.owner.name) >= limits.max_operations_per_user:
            text = f"This user is allowed a maximum number of {limits.max_operations_per_user} concurrent operations. "
            raise SoapFault("too_many_operations", text)

    def _run(self, shell: Shell, command: Command) -> None:
        result = self._result(shell, command)
        command.stdout += result.stdout
        command.stderr += result.stderr
        command.exit_code = result.exit_code
        command.ready_at = self._clock() + self.extra_seconds

    def _result(self, shell: Shell, command: Command) -> CommandResult:
        stdin = bytes(command.stdin)
        line = command.line
        if powershell.is_powershell(line):
            if stdin:
                return powershell.module_result()
            line = powershell.command_in(powershell.script_of(line))
        return self._server.run_command(line, stdin, codepage=shell.code_page, user=shell.owner)

    def _description(self, shell: Shell) -> ET.Element:
        rows = (
            ("ShellId", shell.identifier),
            ("ResourceUri", SHELL_URI),
            ("Owner", shell.owner.name),
            ("ClientIP", shell.client),
            ("IdleTimeOut", f"PT{shell.idle_timeout:.3f}S"),
            ("InputStreams", "stdin"),
            ("OutputStreams", "stdout stderr"),
            ("ShellRunTime", "P0DT0H0M0S"),
            ("ShellInactivity", "P0DT0H0M0S"),
        )
        children = [element(f"rsp:{name}", text=text) for name, text in rows]
        return element("rsp:Shell", *children, attributes={"xmlns:rsp": SHELL})


def command_line(payload: ET.Element) -> str:
    """Join Command and Arguments as WinRS does: one blank, no quoting."""
    parts = [payload.findtext(f"{{{SHELL}}}Command") or ""]
    parts += ["".join(item.itertext()) for item in payload.findall(f"{{{SHELL}}}Arguments")]
    return " ".join(part for part in parts if part)


def _code_page(message: Message) -> int:
    return whole_number(message.options.get("WINRS_CODEPAGE")) or DEFAULT_CODE_PAGE


def _idle_timeout(payload: ET.Element) -> float | None:
    return parse_duration(payload.findtext(f"{{{SHELL}}}IdleTimeOut"))


def _resource_created(identifier: str, address: str | None) -> ET.Element:
    from_old = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
    return element(
        "x:ResourceCreated",
        element("a:Address", text=address or from_old),
        element(
            "a:ReferenceParameters",
            element("w:ResourceURI", text=SHELL_URI),
            element("w:SelectorSet", element("w:Selector", text=identifier, attributes={"Name": "ShellId"})),
        ),
    )


def _receive_response(command: Command, *, max_bytes: int) -> ET.Element:
    room = max(1024, (max_bytes // 2 - ENVELOPE_OVERHEAD) * 3 // 4)
    response = element("rsp:ReceiveResponse")
    for name, stream in (("stdout", command.stdout), ("stderr", command.stderr)):
        piece = bytes(stream[:room])
        del stream[: len(piece)]
        room -= len(piece)
        if piece:
            response.append(_stream(command, name, piece))
    done = not command.stdout and not command.stderr
    if done:
        response.extend(_stream(command, name, None) for name in ("stdout", "stderr"))
    response.append(_command_state(command, done=done))
    command.delivered = done
    return response


def _stream(command: Command, name: str, piece: bytes | None) -> ET.Element:
    attributes = {"Name": name, "CommandId": command.identifier}
    if piece is None:
        return element("rsp:Stream", attributes={**attributes, "End": "true"})
    return element("rsp:Stream", text=base64.b64encode(piece).decode(), attributes=attributes)


def _command_state(command: Command, *, done: bool) -> ET.Element:
    state = f"{SHELL}/CommandState/{'Done' if done else 'Running'}"
    code = [element("rsp:ExitCode", text=str(command.exit_code))] if done else []
    return element("rsp:CommandState", *code, attributes={"CommandId": command.identifier, "State": state})
