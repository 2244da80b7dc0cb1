# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of port_info: each subset has one, each field says what it is, and a whole report survives the way back."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import SUBSET_NAMES
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.socket_groups import by_process
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain, from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.modules import port_info
from tests.unit.plugins.module_utils._diagnosis.world import DNS_PROCESS, World, blocks, multi, service

RETURNED: t.Final[dict[str, t.Any]] = yaml.safe_load(port_info.RETURN)
BESIDE: t.Final = {"detail", "fixes", "verdict", "msg", "result", "warnings"}
"""What is returned beside the subsets."""
LOST: t.Final = World(
    services=(service("DNS", DNS_PROCESS), service("ADAM_MSExchange", exit_code=10048)),
    exclusions=Exclusions((), blocks((50389, 50389, True))),
    values={RESERVED_PORTS_FACT: multi("1-2")},
    sockets=(Socket("udp", "::", 50636, DNS_PROCESS), Socket("udp", "::", 50637, DNS_PROCESS)),
)


def rows_of(hint: t.Any) -> list[type[t.Any]]:
    """The classes of rows that a type names, at any depth."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint is not PortRange:
        return [hint]
    return [row for inner in t.get_args(hint) for row in rows_of(inner)]


def fields_of(hint: t.Any) -> dict[str, tuple[dataclasses.Field[t.Any], t.Any]]:
    """The fields of all rows that a type names, with their types."""
    found: dict[str, tuple[dataclasses.Field[t.Any], t.Any]] = {}
    for row in rows_of(hint):
        hints = t.get_type_hints(row, include_extras=True)
        found |= {field.name: (field, hints[field.name]) for field in dataclasses.fields(row)}
    return found


def all_rows(hint: t.Any) -> t.Iterator[type[t.Any]]:
    for row in rows_of(hint):
        yield row
        for inner in t.get_type_hints(row, include_extras=True).values():
            yield from all_rows(inner)


ROWS: t.Final = list(dict.fromkeys(all_rows(PortInfo)))


def differences(told: t.Mapping[str, t.Any], hint: t.Any, path: str) -> t.Iterator[str]:
    """Where the documentation of a row and its class do not have the same fields."""
    fields = fields_of(hint)
    for name in sorted(told.keys() ^ fields.keys()):
        yield f"{path}.{name}"
    for name in sorted(told.keys() & fields.keys()):
        if "contains" in told[name] and rows_of(fields[name][1]):
            yield from differences(told[name]["contains"], fields[name][1], f"{path}.{name}")


def test_each_subset_is_a_field() -> None:
    assert tuple(field.name for field in dataclasses.fields(PortInfo)) == (*SUBSET_NAMES, "unread")


@pytest.mark.parametrize("row", ROWS, ids=[row.__name__ for row in ROWS])
def test_each_field_says_what_it_is(row: type[t.Any]) -> None:
    assert [field.name for field in dataclasses.fields(row) if not field.metadata.get("description")] == []


def test_each_field_is_documented() -> None:
    told = {name: page for name, page in RETURNED.items() if name not in BESIDE}
    assert list(differences(told, PortInfo, "port_info")) == []


@pytest.mark.parametrize("by_processes", [False, True], ids=["by socket", "by process"])
def test_a_report_survives_the_way_to_a_file_and_back(by_processes: bool) -> None:
    values = dict(LOST.report(*SUBSET_NAMES).values)
    if by_processes:
        values["sockets"] = by_process(values["sockets"])
    info = PortInfo(**values)
    assert all(getattr(info, name) for name in SUBSET_NAMES)
    assert from_plain(PortInfo, json.loads(json.dumps(as_plain(info)))) == info
