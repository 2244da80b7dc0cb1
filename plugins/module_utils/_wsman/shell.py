# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands through a WinRS shell (MS-WSMV 3.1.4.11 to 3.1.4.14), for the few things that have no WMI class.

One command costs Create, Command, Receive and Delete. A finished command is terminated (Signal) only if another one
follows that the server does not take otherwise, because deleting the shell ends all of them as well.
"""

from __future__ import annotations

import base64
import binascii
import re
import string
import time
import types
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, faults

RESOURCE: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"  # MS-WSMV 3.1.4.1.1
TERMINATE: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate"  # MS-WSMV 2.2.4.38
DONE: t.Final = "CommandState/Done"  # MS-WSMV 2.2.4.9
MAX_COMMAND_LINE: t.Final = 8191
"""Characters that cmd.exe takes (KB830473)."""
MAX_OUTPUT: t.Final = 16 * 1024 * 1024
"""Octets of stdout and stderr together at which a command is given up."""
COMMAND_DEADLINE: t.Final = 120.0
"""Seconds from Command to Done, unless the caller says otherwise."""
_BLANKS: t.Final = str.maketrans("", "", string.whitespace)
MAX_COMMANDS: t.Final = 7
"""Commands of one shell. Up to 2008 R2 each counts as an operation of its user until the shell is deleted (MS-WSMV
<118>), and 15 may be open: this many leave room for queries, and for the shell of a run that was killed."""

# Left out on purpose: % (cmd.exe expands it even inside quotes, and nothing quotes it), ` (not needed), ^ but for
# the one expression "^" (findstr's for every line), everything that is not printable ASCII (its bytes depend on the
# shell's code page).
_LINE: t.Final = re.compile(r"""(?:[A-Za-z0-9 "&|<>()\[\]{}*+,\-./:;=?@\\_~!#$']|(?<=")\^(?="))+""")
_ARGUMENT: t.Final = r"[A-Za-z0-9 +,\-./:=@\\_~#$]+"

IDLE_TIMEOUT: t.Final = 180
"""Seconds without a message after which the server ends a shell of ours: WinRM 2.0's own default (MS-WSMV 2.2.4.42).
A run that was killed can't close its shell, and by default 1.1 keeps it for 15 minutes, 3.0 for two hours."""

_IN_VAIN: t.Final = (errors.NoConnection, errors.AuthenticationFailed, errors.DeadlinePassed)
"""Errors after which a goodbye is not said again: it would not get through, or could lock the account."""
Exchange = t.Callable[[soap.Message, errors.Origin], ET.Element]


class CommandOutput(t.NamedTuple):
    """The output of a command (bytes in the shell's code page, or OEM from old programs) and its exit code."""

    stdout: bytes
    stderr: bytes
    exit_code: int


class _Chunk(t.NamedTuple):
    stdout: bytes
    stderr: bytes
    exit_code: int | None  # None while the command still runs


def check_command_line(command_line: str) -> str:
    """Return the line, or raise Unsendable before anything is sent: an allow-list of characters, 1 to 8191 of them."""
    if not command_line or len(command_line) > MAX_COMMAND_LINE:
        raise _unsendable(f"a command line has 1 to {MAX_COMMAND_LINE} characters, not {len(command_line)}")
    if not _LINE.fullmatch(command_line):
        bad = sorted(set(re.sub(_LINE, "", command_line)))
        listed = ", ".join(ascii(one) for one in bad[:5])
        raise _unsendable(f"the command line holds {listed}, which cmd.exe cannot take safely")
    return command_line


def quoted_argument(text: str) -> str:
    """Data as one argument, in quotes if it has blanks; Unsendable if a character could act in cmd.exe."""
    if not re.fullmatch(_ARGUMENT, text):
        raise _unsendable(f"{text!a} cannot be an argument of a command line")
    if " " not in text:
        return text
    if text.endswith("\\"):  # a backslash before the closing quote would escape it (CommandLineToArgvW)
        raise _unsendable(f"{text!a} cannot be an argument of a command line")
    return f'"{text}"'


def _unsendable(meaning: str) -> errors.Unsendable:
    return errors.Unsendable(host="", meaning=meaning, advice="nothing was sent")


def create_message(codepage: int, *, idle_timeout: bool = True) -> soap.Message:
    """Open a shell without the user's profile; the code page decides the bytes of cmd.exe's own output."""
    timeout = [soap.element("rsp:IdleTimeOut", f"PT{IDLE_TIMEOUT}.000S")] if idle_timeout else []
    streams = (soap.element("rsp:InputStreams", "stdin"), soap.element("rsp:OutputStreams", "stdout stderr"))
    body = soap.container("rsp:Shell", *streams, *timeout)
    options = {"WINRS_NOPROFILE": "TRUE", "WINRS_CODEPAGE": str(codepage)}
    return soap.Message(soap.Action.CREATE.value, RESOURCE, body=body, options=options)


def command_message(shell_id: str, command_line: str, *, interactive: bool) -> soap.Message:
    """Start a command. A line that begins with a quote is quoted once more, since ``cmd /c`` takes one pair away."""
    line = f'"{command_line}"' if command_line.startswith('"') else command_line
    body = soap.container("rsp:CommandLine", soap.element("rsp:Command", line))
    # Console mode would hand typed input to the console instead of a pipe; with data for stdin a pipe is wanted.
    options = {"WINRS_CONSOLEMODE_STDIN": "TRUE" if interactive else "FALSE", "WINRS_SKIP_CMD_SHELL": "FALSE"}
    return _shell_message(soap.Action.COMMAND, shell_id, body, options)


def stdin_message(shell_id: str, command_id: str, data: bytes) -> soap.Message:
    """All of a command's input, and its end."""
    attributes = {"Name": "stdin", "CommandId": command_id, "End": "true"}
    stream = soap.element("rsp:Stream", base64.b64encode(data).decode("ascii"), attributes)
    return _shell_message(soap.Action.SEND, shell_id, soap.container("rsp:Send", stream))


def receive_message(shell_id: str, command_id: str) -> soap.Message:
    """Ask for output."""
    stream = soap.element("rsp:DesiredStream", "stdout stderr", {"CommandId": command_id})
    return _shell_message(soap.Action.RECEIVE, shell_id, soap.container("rsp:Receive", stream))


def signal_message(shell_id: str, command_id: str) -> soap.Message:
    """Terminate a command; also after its end, to let the server forget it. A second one does no more."""
    body = soap.container("rsp:Signal", soap.element("rsp:Code", TERMINATE), attributes={"CommandId": command_id})
    return _shell_message(soap.Action.SIGNAL, shell_id, body)._replace(repeatable=True)


def delete_message(shell_id: str) -> soap.Message:
    """Close the shell with all programs that run in it. A second one finds none and does no harm."""
    return _shell_message(soap.Action.DELETE, shell_id, "")._replace(repeatable=True)


def _shell_message(
    action: soap.Action, shell_id: str, body: str, options: t.Mapping[str, str] = soap.NO_FIELDS
) -> soap.Message:
    return soap.Message(action.value, RESOURCE, body=body, selectors={"ShellId": shell_id}, options=options)


def shell_id_of(body: ET.Element, origin: errors.Origin) -> str:
    """The id in a CreateResponse; WinRM 1.1 and 2.0 both give it as a selector."""
    selectors = soap.required_child(body, origin, "ResourceCreated", "ReferenceParameters", "SelectorSet")
    found = next((soap.text_of(item) for item in selectors if item.get("Name", "").casefold() == "shellid"), "")
    if not found:
        raise soap.violation(origin, "the answer names no shell")
    return found


def chunk_of(body: ET.Element, command_id: str, origin: errors.Origin) -> _Chunk:
    """Read a ReceiveResponse: the streams of this command in order, and the exit code once it is done."""
    response = soap.required_child(body, origin, "ReceiveResponse")
    nodes = [node for node in response if node.get("CommandId", command_id).casefold() == command_id.casefold()]
    streams: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    for node in nodes:
        if soap.local(node) == "Stream" and node.get("Name", "") in streams:
            streams[node.get("Name", "")] += _octets(node, origin)
    state = next((node for node in nodes if soap.local(node) == "CommandState"), None)
    done = state is not None and state.get("State", "").endswith(DONE)
    exit_code = _exit_code(state, origin) if state is not None and done else None
    return _Chunk(streams["stdout"], streams["stderr"], exit_code)


def _octets(node: ET.Element, origin: errors.Origin) -> bytes:
    try:
        return base64.b64decode((node.text or "").translate(_BLANKS), validate=True)
    except (binascii.Error, ValueError) as error:
        raise soap.violation(origin, "the command's output is not base64") from error


def _exit_code(state: ET.Element, origin: errors.Origin) -> int:
    code = faults.number(soap.text_of(soap.child(state, "ExitCode")))
    if code is None:
        raise soap.violation(origin, "the command ended without an exit code")
    return code


def _is_gone(error: errors.WsmanError) -> bool:
    """True if the server says that it does not know the shell any more."""
    if not isinstance(error, errors.NotFound):
        return False
    return error.code == faults.SHELL_GONE or error.subcode.endswith("InvalidSelectors")


class Shell:
    """A shell for several commands, one after the other; a context manager. Opened by the first command.

    ``signals``: the server takes a command only after a Signal for the one before. A server that turns out to be such a
    one gets them too.
    ``leaked`` holds the error of a close that failed: the server then keeps the shell until its idle timeout.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        codepage: int,
        host: str,
        clock: t.Callable[[], float] = time.monotonic,
        signals: bool = True,
    ) -> None:
        self._exchange = exchange
        self._codepage = codepage
        self._host = host
        self._clock = clock
        self._signals = signals
        self._shell_id = ""
        self._finished_command = ""
        self._commands = 0
        self.leaked: errors.WsmanError | None = None

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        # A host that takes no connection would only cost another connection timeout here.
        if not isinstance(error, errors.NoConnection):
            self.close()

    def close(self) -> None:
        """Delete the shell if one is open. Never raises: the result of the commands counts, see ``leaked``."""
        if not self._shell_id:
            return
        shell_id = self._forget()
        self.leaked = self._error_of_deletion(shell_id)
        if self.leaked is not None and not isinstance(self.leaked, _IN_VAIN):
            self.leaked = self._error_of_deletion(shell_id)

    def _error_of_deletion(self, shell_id: str) -> errors.WsmanError | None:
        try:
            self._exchange(delete_message(shell_id), self._origin("Delete", "the command shell"))
        except errors.WsmanError as error:
            return None if _is_gone(error) else error
        return None

    def _forget(self) -> str:
        """Begin anew with the next command; the id of the shell until now."""
        shell_id, self._shell_id, self._finished_command, self._commands = self._shell_id, "", "", 0
        return shell_id

    def run(
        self, command_line: str, *, stdin: bytes = b"", name: str = "", deadline: float = COMMAND_DEADLINE
    ) -> CommandOutput:
        """Run one command to its end.

        :param command_line: for ``cmd /c``; see check_command_line.
        :param stdin: sent whole, followed by the end of input.
        :param name: for errors; otherwise the first word of the line.
        :param deadline: seconds until Done; then TimedOut, and closing the shell ends the command.
        """
        origin = self._origin("Command", name or command_line.partition(" ")[0])
        try:
            check_command_line(command_line)
        except errors.Unsendable as error:
            raise error.located(origin) from None
        try:
            return self._run(command_line, stdin, origin, self._clock() + deadline)
        except errors.ConnectionDropped:
            # Whether a command runs in there now is unknown, so the shell is of no more use.
            self.close()
            raise

    def _run(self, command_line: str, stdin: bytes, origin: errors.Origin, end: float) -> CommandOutput:
        command_id = self._started(command_line, origin, interactive=not stdin)
        self._finished_command = command_id
        if stdin:
            self._exchange(stdin_message(self._shell_id, command_id, stdin), origin)
        return self._received(command_id, origin, end)

    def _started(self, command_line: str, origin: errors.Origin, *, interactive: bool) -> str:
        """Start a command; if the shell refuses it, nothing ran, and a new shell may take it."""
        try:
            return self._start(command_line, origin, interactive=interactive)
        except errors.QuotaExceeded as error:
            if self._finished_command and error.subcode.endswith("Concurrency"):
                self._signals = True
                return self._start(command_line, origin, interactive=interactive)
            if error.code != faults.OPERATION_QUOTA or not self._shell_id:
                raise
            # A new shell has a new count (MS-WSMV <118>).
            self.close()
        except errors.NotFound as error:
            if not self._commands or not _is_gone(error):
                raise
            # The server has ended the shell: it was idle for too long, or the WinRM service was restarted.
            self._forget()
        return self._start(command_line, origin, interactive=interactive)

    def _start(self, command_line: str, origin: errors.Origin, *, interactive: bool) -> str:
        if self._commands == MAX_COMMANDS:
            self.close()
        if not self._shell_id:
            self._shell_id = self._opened()
        if self._finished_command and self._signals:
            finished, self._finished_command = self._finished_command, ""
            self._signal(finished)
        body = self._exchange(command_message(self._shell_id, command_line, interactive=interactive), origin)
        self._commands += 1
        return soap.text_of(soap.required_child(body, origin, "CommandResponse", "CommandId"))

    def _signal(self, command_id: str) -> None:
        try:
            self._exchange(signal_message(self._shell_id, command_id), self._origin("Signal", "the previous command"))
        except errors.NotFound as error:
            if not _is_gone(error):
                raise
            # The command is gone, for the answer to an earlier Signal was lost; or the whole shell, which Command sees.

    def _opened(self) -> str:
        origin = self._origin("Create", "the command shell")
        try:
            body = self._exchange(create_message(self._codepage), origin)
        except (errors.AccessDenied, errors.QuotaExceeded, errors.NotFound, errors.TimedOut):
            raise
        except errors.WsmanFault:
            # No document says that the oldest stacks take the timeout; a shell that was refused is not there.
            body = self._exchange(create_message(self._codepage, idle_timeout=False), origin)
        return shell_id_of(body, origin)

    def _received(self, command_id: str, origin: errors.Origin, end: float) -> CommandOutput:
        stdout, stderr = b"", b""
        while True:
            chunk = self._next_chunk(command_id, origin)
            stdout, stderr = stdout + chunk.stdout, stderr + chunk.stderr
            if len(stdout) + len(stderr) > MAX_OUTPUT:
                raise soap.violation(origin, f"the command wrote more than {MAX_OUTPUT} bytes")
            if chunk.exit_code is not None:
                return CommandOutput(stdout, stderr, chunk.exit_code)
            if self._clock() > end:
                raise self._too_slow(origin)

    def _next_chunk(self, command_id: str, origin: errors.Origin) -> _Chunk:
        try:
            body = self._exchange(receive_message(self._shell_id, command_id), origin)
        except errors.TimedOut:
            return _Chunk(b"", b"", None)  # no output within the operation timeout: ask again
        return chunk_of(body, command_id, origin)

    def _too_slow(self, origin: errors.Origin) -> errors.TimedOut:
        return errors.TimedOut(
            host=origin.host,
            operation=origin.operation,
            target=origin.target,
            meaning="the command did not end within its time",
        )

    def _origin(self, operation: str, target: str) -> errors.Origin:
        return errors.Origin(self._host, operation, target)
