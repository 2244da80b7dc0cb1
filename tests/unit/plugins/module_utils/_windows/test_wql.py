# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WQL texts."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import parse_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql

TEXTS = [
    (wql.select(["Name", "State"], "Win32_Service"), "SELECT Name, State FROM Win32_Service"),
    (wql.select(["A"], "B", "A = 1"), "SELECT A FROM B WHERE A = 1"),
    (wql.any_of("Name", ["DNS", "O'Neill\\x"]), r"Name = 'DNS' OR Name = 'O\'Neill\\x'"),
    (wql.any_of("ProcessId", [4, 1200]), "ProcessId = 4 OR ProcessId = 1200"),
    (wql.starts_with("Name", "ADAM_"), "Name LIKE 'ADAM[_]%'"),
    (wql.starts_with("Name", "50%[x"), "Name LIKE '50[%][[]x%'"),
    (wql.within("P", parse_ports(["5-9", "53"])), "(P >= 5 AND P <= 9) OR P = 53"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts(text: str, expected: str) -> None:
    assert text == expected
