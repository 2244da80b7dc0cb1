# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare simulated server, on which a test gives answers word for word: rows of a class, outputs, return codes.

What is not given is the simulator's: queries and the registry, cmd.exe, the shell, and the wire around all of it.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance, Value
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput, Shell
from tests.simulator.direct import DirectServer
from tests.simulator.windows.commands import interpreter
from tests.simulator.windows.interface import CimInstance, CimReference, CimValue, CommandResult, User, WmiFault
from tests.simulator.windows.registry import Registry
from tests.simulator.windows.server import SimulatedServer
from tests.simulator.windows.wql import Select, parse
from tests.unit.plugins.module_utils.simulated import Described, server_of

Row = dict[str, t.Any]

BARE: t.Final = Described(
    version="10.0.20348",
    boot=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    uptime=10_000.0,
    exclusions=None,
    dynamic=None,
)
KEYS: t.Final = {"Win32_Service": "Name", "Win32_Process": "Handle"}
_BETWEEN_COMMANDS: t.Final = re.compile(r"( & | && echo | \|\| echo )")
_SILENT: t.Final = ("netsh ", "netstat ")
"""Programs that say nothing and fail unless their output is given."""


class GivenServer(SimulatedServer):
    """``rows`` by class, ``commands`` by line with output and exit code, ``codes`` by method and object.

    A code below 0 is an answer without a return value.
    """

    rows: dict[str, list[Row]]
    commands: dict[str, tuple[bytes, int]]
    codes: dict[tuple[str, str], int]
    broken_output: CommandOutput | None

    def wmi_get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str], *, user: User) -> CimInstance:
        """A row that is given, or what the simulator has."""
        if class_name not in self.rows:
            return super().wmi_get(namespace, class_name, selectors, user=user)
        key = KEYS.get(class_name)
        for row in self.rows[class_name]:
            if key is None or str(row[key]).casefold() == selectors[key].casefold():
                return CimInstance(class_name, namespace, row)
        raise WmiFault("not_found", "Not found", operation="GetObject", target=class_name)

    def wmi_query(self, namespace: str, wql: str, *, user: User) -> list[CimInstance]:
        """The given rows that fit, once the simulator has found nothing wrong with the query."""
        found = super().wmi_query(namespace, wql, user=user)
        select = parse(wql)
        if not isinstance(select, Select) or select.class_name not in self.rows:
            return found
        rows = [row for row in self.rows[select.class_name] if _fits(row, select)]
        projected = bool(select.columns)
        wanted = [{name: row.get(name) for name in select.columns} if projected else row for row in rows]
        return [CimInstance(select.class_name, namespace, row, projected) for row in wanted]

    def wmi_invoke(
        self,
        namespace: str,
        class_name: str,
        selectors: t.Mapping[str, str],
        method: str,
        parameters: t.Mapping[str, list[str] | None],
        *,
        user: User,
    ) -> CimInstance:
        """The given code; success of a given object; or what the simulator does."""
        about = selectors.get("Name") or "".join(parameters.get("sValueName") or ())
        code = self.codes.get((method, about), 0 if class_name in self.rows else None)
        if code is None:
            return super().wmi_invoke(namespace, class_name, selectors, method, parameters, user=user)
        return CimInstance(class_name, namespace, {} if code < 0 else {"ReturnValue": code})

    def run_command(self, command_line: str, stdin: bytes, *, codepage: int, user: User) -> CommandResult:
        """Run the line, with what is given in the place of its commands."""
        if self.broken_output is not None:
            return CommandResult(self.broken_output.stdout, self.broken_output.stderr, self.broken_output.exit_code)
        programs: dict[str, interpreter.ForeignProgram] = {}
        parts = [self._replaced(part, programs) for part in _BETWEEN_COMMANDS.split(command_line)]
        context = self._context(user)
        return interpreter.run(context, "".join(parts), stdin, codepage=codepage, foreign=programs)

    def _replaced(self, part: str, programs: dict[str, interpreter.ForeignProgram]) -> str:
        """The name of a program that says what is given for this command, or the command itself."""
        given = self.commands.get(part)
        if given is None and part.startswith(_SILENT):
            given = (b"", 1)
        if given is None:
            return part
        name, result = f"given-{len(programs)}", CommandResult(given[0], b"", given[1])
        programs[name] = lambda _arguments, _stdin: result
        return name


def _fits(row: Row, select: Select) -> bool:
    folded: dict[str, CimValue] = dict.fromkeys(select.names)
    folded |= {name.casefold(): value for name, value in row.items()}
    return select.condition is None or select.condition(folded)


class GivenShell(Shell):
    """A shell that tells what was run in it."""

    def observed(self, client: GivenClient, codepage: int) -> GivenShell:
        """Note all commands in the client's log."""
        self.client, self.codepage, self.closed = client, codepage, False
        return self

    def run(self, command_line: str, *, stdin: bytes = b"", name: str = "", deadline: float = 120.0) -> CommandOutput:
        """Run a command line."""
        if stdin:
            self.client.inputs.append(stdin)
        self.client.log.append(f"command {command_line}")
        self.client.programs.append(name)
        return super().run(command_line, stdin=stdin, name=name, deadline=deadline)

    def close(self) -> None:
        """Delete the shell."""
        self.closed = True
        super().close()


class GivenClient(Client):
    """The client of a given server; ``log`` has one line for each question, whatever it costs on the wire."""

    def __init__(self, described: Described = BARE) -> None:
        self.server = server_of(described, GivenServer)
        self.rows: dict[str, list[Row]] = {}
        self.commands: dict[str, tuple[bytes, int]] = {}
        self.codes: dict[tuple[str, str], int] = {}
        self.log: list[str] = []
        self.called: list[tuple[str, str, dict[str, t.Any]]] = []
        self.inputs: list[bytes] = []
        self.programs: list[str] = []
        self.shells: list[GivenShell] = []
        self.broken_output: CommandOutput | None = None
        self.line = Line(self)
        super().__init__(self.line)

    @property
    def registry(self) -> Registry:
        """The server's."""
        return self.server.machine.registry

    def get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str] | None = None) -> Instance:
        """One object."""
        self.log.append(f"get {class_name} {dict(selectors or {})}")
        return super().get(namespace, class_name, selectors)

    def query(self, namespace: str, wql: str, *, most: int | None = None) -> list[Instance]:
        """The rows of a query."""
        self.log.append(f"query {wql}")
        return super().query(namespace, wql, most=most)

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        parameters: t.Mapping[str, Value],
        selectors: t.Mapping[str, str] | None = None,
    ) -> Instance:
        """The output of a method."""
        self.log.append(f"invoke {method}")
        if class_name != "StdRegProv":
            self.called.append((method, (selectors or {}).get("Name", ""), dict(parameters)))
        return super().invoke(namespace, class_name, method, parameters, selectors)

    def shell(self, *, codepage: int, signals: bool = True) -> GivenShell:
        """A shell."""
        made = GivenShell(
            self._exchange_for_shell, codepage=codepage, host=self.host, clock=self._clock, signals=signals
        )
        self.shells.append(made.observed(self, codepage))
        return made


class Line:
    """The transport to a given server, which has what its client has been given by then."""

    host = "edge1"

    def __init__(self, client: GivenClient) -> None:
        self._client = client
        self.direct = DirectServer.of(client.server, now=client.server.now)

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        given, server = self._client, self._client.server
        server.rows, server.commands, server.codes = given.rows, given.commands, given.codes
        server.broken_output = given.broken_output
        return self.direct.answer(envelope)

    def reset(self) -> None:
        """There is no connection."""


def reference(class_name: str, name: str) -> CimReference:
    """A reference to a service or driver, as an association carries it."""
    return CimReference("root/cimv2", class_name, {"Name": name})
