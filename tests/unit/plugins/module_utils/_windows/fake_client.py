# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WS-Man client without a wire: a small world in memory that answers get, query, invoke and commands.

It holds state and reads the WQL and the command lines that it is given, so that tests speak of what a server has and
not of calls. ``log`` has one line per request.
"""

from __future__ import annotations

import operator
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance, Reference, Value
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NotFound
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput, Shell

Row = dict[str, t.Any]
Method = t.Callable[[str, t.Mapping[str, t.Any]], dict[str, t.Any]]

NAMESPACES = {
    "StdRegProv": "root/default",
    "MSFT_NetTCPConnection": "root/StandardCimv2",
    "MSFT_NetUDPEndpoint": "root/StandardCimv2",
}
KEY_ABSENT, VALUE_ABSENT, OTHER_TYPE = 2, 1, 0x80041005
TYPE_NUMBERS = {"String": 1, "ExpandedString": 2, "Binary": 3, "DWORD": 4, "MultiString": 7, "QWORD": 11}


class FakeShell(Shell):
    """cmd.exe as far as ``a && echo x || echo y & ...`` goes; programs are answered from ``client.commands``."""

    def __init__(self, client: FakeClient, codepage: int) -> None:
        self.client, self.codepage = client, codepage
        self.closed = False

    def run(self, command_line: str, *, stdin: bytes = b"", deadline: float = 120.0) -> CommandOutput:
        assert deadline > 0
        if stdin:
            self.client.inputs.append(stdin)
        self.client.log.append(f"command {command_line}")
        if self.client.broken_output is not None:
            return self.client.broken_output
        return CommandOutput(b"".join(self._one(part) for part in command_line.split(" & ")), b"", 0)

    def close(self) -> None:
        self.closed = True

    def _one(self, part: str) -> bytes:
        line, success, failure = re.split(r" && echo | \|\| echo ", part)
        raw, exit_code = self.client.commands.get(line, (b"", 0 if self.client.does_all else 1))
        return raw + (failure if exit_code else success).encode() + b" \r\n"


class FakeClient(Client):
    """The world: registry values, rows of WMI classes, methods' return codes, commands."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.keys: set[str] = set()
        self.values: dict[tuple[str, str], tuple[int, t.Any]] = {}
        self.rows: dict[str, list[Row]] = {}
        self.keyed_by: dict[str, str] = {"Win32_Service": "Name", "Win32_Process": "Handle"}
        self.codes: dict[tuple[str, str], int] = {}
        self.called: list[tuple[str, str, dict[str, t.Any]]] = []
        self.commands: dict[str, tuple[bytes, int]] = {}
        self.does_all = False
        """Whether a command that it does not know succeeds."""
        self.inputs: list[bytes] = []
        self.broken_output: CommandOutput | None = None
        self.shells: list[FakeShell] = []

    @property
    def host(self) -> str:
        return "edge1"

    def get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str] | None = None) -> Instance:
        assert namespace == NAMESPACES.get(class_name, "root/cimv2")
        self.log.append(f"get {class_name} {dict(selectors or {})}")
        rows = self.rows.get(class_name, [])
        key = self.keyed_by.get(class_name, "")
        wanted = (selectors or {}).get(key, "").casefold()
        found = [row for row in rows if not key or str(row[key]).casefold() == wanted]
        if not found:
            raise NotFound(host=self.host, meaning="there is none")
        return Instance.of(class_name, found[0])

    def query(self, namespace: str, wql: str, *, most: int | None = None) -> list[Instance]:
        self.log.append(f"query {wql}")
        columns, class_name, where = _parsed(wql)
        assert namespace == NAMESPACES.get(class_name, "root/cimv2")
        rows = [row for row in self.rows.get(class_name, []) if _fits(row, where)]
        return [Instance.of("XmlFragment", _projected(row, columns)) for row in rows[:most]]

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        parameters: t.Mapping[str, Value],
        selectors: t.Mapping[str, str] | None = None,
    ) -> Instance:
        assert namespace == NAMESPACES.get(class_name, "root/cimv2")
        self.log.append(f"invoke {method}")
        if class_name == "StdRegProv":
            return Instance.of(f"{method}_OUTPUT", self._registry(method, parameters))
        name = (selectors or {}).get("Name", "")
        self.called.append((method, name, dict(parameters)))
        code = self.codes.get((method, name), 0)
        return Instance.of(f"{method}_OUTPUT", {} if code < 0 else {"ReturnValue": code})

    def shell(self, *, codepage: int) -> FakeShell:
        self.shells.append(FakeShell(self, codepage))
        return self.shells[-1]

    def _registry(self, method: str, parameters: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        key, name = parameters["sSubKeyName"], parameters.get("sValueName", "")
        assert parameters["hDefKey"] == 2147483650
        if (method, name) in self.codes:
            return {"ReturnValue": self.codes[method, name]}
        if method == "CreateKey":
            self.keys.add(key)
            return {"ReturnValue": 0}
        if key not in self.keys:
            return {"ReturnValue": KEY_ABSENT}
        match = re.fullmatch("(Get|Set|Enum|Delete)(.+)", method)
        assert match, method
        return self._listing(key) if match[1] == "Enum" else self._value(match[1], match[2], key, name, parameters)

    def _listing(self, key: str) -> dict[str, t.Any]:
        names = [name for (owner, name) in self.values if owner == key]
        types = [self.values[key, name][0] for name in names]
        return {"ReturnValue": 0, "sNames": names, "Types": types}

    def _value(self, verb: str, kind: str, key: str, name: str, parameters: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        number = TYPE_NUMBERS.get(kind.removesuffix("Value"), 0)
        data_name = "sValue" if "String" in kind else "uValue"
        if verb == "Set":
            self.values[key, name] = (number, parameters[data_name])
            return {"ReturnValue": 0}
        if (key, name) not in self.values:
            return {"ReturnValue": VALUE_ABSENT if verb == "Get" else KEY_ABSENT}
        if verb == "Delete":
            del self.values[key, name]
            return {"ReturnValue": 0}
        stored, data = self.values[key, name]
        return {"ReturnValue": 0, data_name: data} if stored == number else {"ReturnValue": OTHER_TYPE}


def reference(class_name: str, name: str) -> Reference:
    """A reference to a service or driver, as an association carries it."""
    return Reference(class_name, "root/cimv2", {"Name": name})


def _parsed(wql: str) -> tuple[list[str], str, str]:
    match = re.fullmatch(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+))?", wql)
    assert match, wql
    return match[1].split(", "), match[2], match[3] or ""


def _projected(row: Row, columns: list[str]) -> Row:
    return row if columns == ["*"] else {name: row[name] for name in columns if name in row}


def _fits(row: Row, where: str) -> bool:
    """Evaluate a condition of comparisons, LIKE, AND, OR and parentheses."""
    verdict = re.sub(
        r"(\w+) (=|>=|<=|<>|>|LIKE) ('(?:[^'\\]|\\.)*'|\d+)",
        lambda match: str(_compared(row.get(match[1]), match[2], match[3])),
        where,
    )
    assert re.fullmatch(r"(?:True|False| OR | AND |[()])*", verdict), where
    return bool(eval(verdict.replace("AND", "and").replace("OR", "or"))) if verdict else True  # noqa: S307


_NUMBERS: t.Final[t.Mapping[str, t.Callable[[int, int], bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _compared(actual: t.Any, comparison: str, literal: str) -> bool:
    if not literal.startswith("'"):
        return _NUMBERS[comparison](int(actual), int(literal))
    text = re.sub(r"\\(.)", r"\1", literal[1:-1])
    if comparison == "=":
        return bool(str(actual).casefold() == text.casefold())
    pattern = "".join(
        re.escape(part[1:-1]) if len(part) == 3 else {"%": ".*", "_": "."}.get(part, re.escape(part))
        for part in re.findall(r"\[.\]|.", text)
    )
    return re.fullmatch(pattern, str(actual), re.IGNORECASE) is not None
