# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of the keys beside an item's resource. Ansible has no types for these keys; they are read as it would."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError

TRUE_WORDS: t.Final = frozenset({"y", "yes", "on", "1", "true", "t"})
FALSE_WORDS: t.Final = frozenset({"n", "no", "off", "0", "false", "f"})
"""The words that Ansible's strict boolean takes for true and for false (ansible.module_utils.parsing.convert_bool)."""


def truth(place: str, given: t.Any) -> bool:
    """A boolean, a word for one, or 1 or 0.

    Raises:
        OptionError: it is anything else.
    """
    word = str(given).strip().casefold() if isinstance(given, (int, str)) else ""
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise OptionError(place, f"{given!r} is neither true nor false; write one of these two")
    return word in TRUE_WORDS


def listed(given: t.Any) -> list[t.Any] | None:
    """A list as Ansible's type of that name reads it: a text is split at its commas. ``None``: it refuses this."""
    if isinstance(given, str):
        return given.split(",")
    if isinstance(given, (int, float)):
        return [given]
    return list(given) if isinstance(given, (list, tuple)) else None


def ports(place: str, given: t.Any) -> tuple[str, ...]:
    """The texts of a list of ports.

    Raises:
        OptionError: it is no list, or something in it is neither a text nor a whole number.
    """
    found = listed(given)
    for port in [given] if found is None else found:
        if isinstance(port, bool) or not isinstance(port, (str, int)):
            raise OptionError(place, f"{port!r} is not a port; give a list of ports, such as [1645-1646, 1812]")
    return tuple(map(str, found or ()))


def names(place: str, given: t.Any) -> tuple[str, ...]:
    """A name, or a list of them.

    Raises:
        OptionError: it is anything else.
    """
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, (list, tuple)) or not all(isinstance(name, str) for name in found):
        raise OptionError(place, f"{given!r} is no name; give a name or a list of names")
    return tuple(found)
