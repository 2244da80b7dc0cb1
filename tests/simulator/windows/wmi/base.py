# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a WMI class: its namespace, its keys, how its instances are found, its methods."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.interface import CimValue, WmiFault
from tests.simulator.windows.machine import Machine

Row: t.TypeAlias = dict[str, CimValue]
RawParameters: t.TypeAlias = t.Mapping[str, "list[str] | None"]


class Parameters:
    """Input parameters as they came in, read by name (without regard to case) and kind."""

    def __init__(self, raw: RawParameters, *, target: str) -> None:
        """Wrap the parameters; ``target`` names class and method in faults."""
        self._raw = {name.casefold(): value for name, value in raw.items()}
        self._target = target

    def has(self, name: str) -> bool:
        """Whether the parameter was sent and is not null."""
        return self._raw.get(name.casefold()) is not None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all elements; none when it was not sent or is null."""
        return tuple(self._raw.get(name.casefold()) or ())

    def text(self, name: str, default: str | None = None) -> str:
        """Return the one text; an invalid_parameter fault when it is missing and has no default."""
        found = self.texts(name)
        if len(found) == 1:
            return found[0]
        if not found and default is not None:
            return default
        raise self.wrong(name)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return the one number; an invalid_parameter fault for anything else."""
        if default is not None and not self.has(name):
            return default
        try:
            return int(self.text(name))
        except ValueError:
            raise self.wrong(name) from None

    def wrong(self, name: str) -> WmiFault:
        """Return the fault that says which parameter was not acceptable."""
        return WmiFault(
            "invalid_parameter",
            f"Invalid parameter {name} in {self._target}",
            operation="ExecMethod",
            target=self._target,
        )


Method: t.TypeAlias = t.Callable[[Context, "Row | None", Parameters], Row]


def always(_machine: Machine) -> bool:
    """Say that a class exists on every release."""
    return True


def not_derived(_machine: Machine, _row: Row) -> tuple[str, Row] | None:
    """Say that no object of a class has a more derived one."""
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class CimClass:
    """One WMI class. Static classes (methods only) have no ``instances``; singletons have no keys.

    ``derived`` names the more derived class of an object, and the properties that it adds.
    """

    name: str
    namespaces: tuple[str, ...]
    keys: tuple[str, ...]
    properties: t.Callable[[Machine], tuple[str, ...]]
    instances: t.Callable[[Context], t.Iterable[Row]]
    methods: t.Mapping[str, Method] = dataclasses.field(default_factory=dict)
    available: t.Callable[[Machine], bool] = always
    derived: t.Callable[[Machine, Row], tuple[str, Row] | None] = not_derived


CIMV2: t.Final = "root/cimv2"
DEFAULT: t.Final = "root/default"
STANDARD_CIMV2: t.Final = "root/standardcimv2"


def fixed(*names: str) -> t.Callable[[Machine], tuple[str, ...]]:
    """Return a property list that is the same on all releases."""
    return lambda _machine: names
