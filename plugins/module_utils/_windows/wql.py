# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WQL texts: the one place where names and numbers are put into a query.

Few columns and a condition keep answers small: WinRM sends them in pieces of about 50 instances.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

MOST_ALTERNATIVES: t.Final = 32
"""Comparisons of one query: WMI refuses queries with too many ORs (WBEM_E_QUOTA_VIOLATION; how many are too many is not
documented). The library oshi puts a comparison for each process of a server into one query [C]; known services, the
kinds of servers and the errors of services together need fewer than 32."""


def select(columns: t.Iterable[str], class_name: str, where: str = "") -> str:
    """A query for some columns of a class, with a condition unless it is empty."""
    condition = ("WHERE", where) if where else ()
    return " ".join(("SELECT", ", ".join(columns), "FROM", class_name, *condition))


def literal(value: str | int) -> str:
    """A value as WQL writes it: texts in quotes, with a backslash before ``\\`` and ``'``."""
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def moment(value: datetime.datetime) -> str:
    """A moment as WMI writes it (DMTF, in UTC): ``'20260301080000.000000+000'``."""
    return literal(value.astimezone(datetime.timezone.utc).strftime("%Y%m%d%H%M%S.000000+000"))


def any_of(column: str, values: t.Iterable[str | int]) -> str:
    """True where the column equals one of the values (texts are compared without regard to case)."""
    return " OR ".join(each_of(column, values))


def each_of(column: str, values: t.Iterable[str | int]) -> list[str]:
    """One comparison for each value."""
    return [f"{column} = {literal(value)}" for value in values]


def alternatives(comparisons: t.Sequence[str]) -> t.Iterator[str]:
    """Conditions that are true if any of the comparisons is; each has no more of them than a query may have."""
    for first in range(0, len(comparisons), MOST_ALTERNATIVES):
        yield " OR ".join(comparisons[first : first + MOST_ALTERNATIVES])


def starts_with(column: str, prefix: str) -> str:
    """True where the column's text starts with the prefix; LIKE's wildcards in it count as themselves."""
    pattern = "".join(f"[{character}]" if character in "[_%" else character for character in prefix)
    return f"{column} LIKE {literal(pattern + '%')}"


def within(column: str, ports: PortSet) -> str:
    """True where the column is a port of the set, which must not be empty."""
    return " OR ".join(_within(column, item) for item in ports.ranges)


def _within(column: str, ports: PortRange) -> str:
    if ports.count == 1:
        return f"{column} = {ports.first}"
    return f"({column} >= {ports.first} AND {column} <= {ports.last})"
