# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WQL evaluator."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from tests.simulator.windows.interface import CimReference
from tests.simulator.windows.wql import Association, Select, WqlError, parse, unescape

ROW: t.Final[dict[str, t.Any]] = {
    "name": "DNS",
    "path": "C:\\Windows\\dns.exe",
    "exitcode": 10013,
    "started": False,
    "installdate": None,
    "time": datetime.datetime(2024, 5, 1, 8, 0, tzinfo=datetime.timezone.utc),
    "antecedent": CimReference("root/cimv2", "Win32_Service", {"Name": "ADAM_MSExchange"}),
}

CONDITIONS: t.Final = [
    ("Name = 'dns'", True),
    ('name = "DNS"', True),
    ("Name <> 'DNS'", False),
    ("Name != 'x'", True),
    ("Name < 'e'", True),
    ("'DNS' = Name", True),
    ("10014 > ExitCode", True),
    ("ExitCode >= 10013 AND ExitCode <= 10013", True),
    ("ExitCode = '10013'", True),
    ("ExitCode = 1 OR ExitCode = 10013", True),
    ("ExitCode = 1 OR ExitCode = 10013 AND Name = 'x'", False),
    ("(ExitCode = 1 OR ExitCode = 10013) AND Name = 'DNS'", True),
    ("NOT Name = 'DNS'", False),
    ("NOT (Name = 'DNS' AND Started = TRUE)", True),
    ("Started = FALSE", True),
    ("Started = 'false'", True),
    ("InstallDate IS NULL", True),
    ("Name IS NOT NULL", True),
    ("InstallDate = NULL", True),
    ("InstallDate = 'x'", False),
    ("Path = 'C:\\\\Windows\\\\dns.exe'", True),
    ("Path LIKE 'c:%\\\\dns.exe'", True),
    ("Name LIKE 'D_S'", True),
    ("Name LIKE '[a-e]NS'", True),
    ("Name LIKE '[^d]NS'", False),
    ("Name LIKE 'DN'", False),
    ("Time > '20240501000000.000000+000'", True),
    ("Time >= '20240501100000.000000+120'", True),
    ("Time > '20240501100000.000000+060'", False),
    ("Antecedent = 'Win32_Service.Name=\"adam_msexchange\"'", True),
    ("Antecedent = 'Win32_Service.Name=\"DNS\"'", False),
]


@pytest.mark.parametrize(("where", "expected"), CONDITIONS)
def test_conditions(where: str, expected: bool) -> None:
    parsed = parse(" ".join(("SELECT * FROM Anything WHERE", where)))
    assert isinstance(parsed, Select)
    assert parsed.condition is not None
    assert parsed.condition(ROW) is expected


def test_columns_and_names() -> None:
    parsed = parse("select Name, State from Win32_Service where ExitCode=1 or not State='Running'")
    assert isinstance(parsed, Select)
    assert (parsed.class_name, parsed.columns) == ("Win32_Service", ("Name", "State"))
    assert parsed.names == {"exitcode", "state"}


BAD: t.Final = [
    "",
    "SELECT",
    "SELECT * FROM",
    "SELECT * Win32_Service",
    "SELECT * FROM Win32_Service WHERE",
    "SELECT * FROM Win32_Service WHERE Name",
    "SELECT * FROM Win32_Service WHERE Name = ",
    "SELECT * FROM Win32_Service WHERE Name = DNS",
    "SELECT * FROM Win32_Service WHERE Name = 'DNS",
    "SELECT * FROM Win32_Service WHERE (Name = 'DNS'",
    "SELECT * FROM Win32_Service WHERE Name = 'DNS' Name = 'X'",
    "SELECT * FROM Win32_Service WHERE Name > NULL",
    "SELECT * FROM Win32_Service; DROP",
    "DELETE FROM Win32_Service",
    "ASSOCIATORS OF {Win32_Service}",
    "ASSOCIATORS OF {Win32_Service.Name='DNS'} WHERE Nonsense=1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_understood_is_an_error(text: str) -> None:
    with pytest.raises(WqlError):
        parse(text)


def test_associations() -> None:
    parsed = parse(
        "ASSOCIATORS OF {Win32_Service.Name='A\\'B'} WHERE AssocClass=Win32_DependentService Role=Antecedent"
    )
    assert isinstance(parsed, Association)
    assert parsed.kind == "associators"
    assert parsed.selectors == {"Name": "A'B"}
    assert parsed.options == {"assocclass": "Win32_DependentService", "role": "Antecedent"}


@pytest.mark.parametrize(
    ("literal", "expected"), [("'a\\\\b'", "a\\b"), ("'it\\'s'", "it's"), ('"x"', "x"), ("''", "")]
)
def test_unescape(literal: str, expected: str) -> None:
    assert unescape(literal) == expected
