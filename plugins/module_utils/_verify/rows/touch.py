# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the grade touch: what is read of what we have written into our own key, and on our own ports."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import touch_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe, Tag
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Own
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    number,
    texts,
)

_TYPES: t.Final = {"Empty": 7, "Two": 7, "Number": 4, "Long": 11, "Blanks": 1}


def _code(name: str, asks: str, step: str, expect: int, *, tag: Tag = "C") -> Probe:
    """A probe of the code that a step gives back."""

    def see(found: Readings) -> int:
        return found.code(Own(step))

    return Probe(id=name, grade="touch", asks=asks, needs=(Own(step),), expect=expect, see=see, tag=tag)


def _true(name: str, asks: str, see: t.Callable[[Readings], bool], *needed: str, tag: Tag = "K") -> Probe:
    needs = tuple(map(Own, needed))
    return Probe(id=name, grade="touch", asks=asks, needs=needs, expect=True, see=see, tag=tag)


def _written(found: Readings, step: str) -> None:
    if found.code(Own(step)) != 0:
        raise CantTell("it could not be written")


def _list(written: str, read: str, data: tuple[str, ...]) -> t.Callable[[Readings], bool]:
    def see(found: Readings) -> bool:
        _written(found, written)
        return found.code(Own(read)) == 0 and texts(found.row(Own(read)), "sValue") == data

    return see


def _text(written: str, read: str, data: str) -> t.Callable[[Readings], bool]:
    def see(found: Readings) -> bool:
        _written(found, written)
        if found.code(Own(read)) != 0:
            return False
        value = found.row(Own(read)).get("sValue", "")
        return value == data

    return see


def _number(written: str, read: str, data: int) -> t.Callable[[Readings], bool]:
    def see(found: Readings) -> bool:
        _written(found, written)
        return found.code(Own(read)) == 0 and number(found.row(Own(read)), "uValue") == data

    return see


def _types(found: Readings) -> bool:
    row = found.row(Own("list the values"))
    kinds = dict(zip(texts(row, "sNames"), texts(row, "Types"), strict=False))
    listed = {name: kinds[name] for name in _TYPES if name in kinds}
    if len(listed) < 2:
        raise CantTell("nothing could be written")
    return all(listed[name] == str(_TYPES[name]) for name in listed)


# --- netsh ------------------------------------------------------------------------------------------------------------


def _blocks(found: Readings, store: str, step: str) -> tuple[ExclusionBlock, ...]:
    """Our own blocks in a store after a step."""
    shown = found.blocks(Own(f"{store} after {step}"))
    ports = found.ports(Own(steps.OWN_PORTS))
    return tuple(one for one in shown if ports.overlaps(one.ports) and one.administered)


def _stores(found: Readings, step: str) -> str:
    """The stores that have something of ours after a step."""
    held = [store for store in ("active", "persistent") if _blocks(found, store, step)]
    return " and ".join(held) or "none"


def _in_stores(step: str) -> t.Callable[[Readings], str]:
    def see(found: Readings) -> str:
        return _stores(found, step)

    return see


def _default_store(found: Readings) -> str:
    held = _stores(found, "an add without a store")
    return "persistent" if held == "active and persistent" else held


def _not_merged(found: Readings) -> bool:
    blocks = sorted(_blocks(found, "active", "three adds"), key=lambda one: one.ports.first)
    if not blocks:
        raise CantTell("nothing could be excluded")
    return [one.ports.count for one in blocks][:2] == [1, 1]


def _part_refused(found: Readings) -> bool:
    blocks = _blocks(found, "active", "three adds")
    if not blocks:
        raise CantTell("nothing could be excluded")
    return any(one.ports.count == 2 for one in blocks)


def _both_families(found: Readings) -> bool:
    if not _blocks(found, "active", "an add to the persistent store"):
        raise CantTell("nothing could be excluded")
    shown = found.blocks(Own("ipv6 after an add"))
    return any(found.ports(Own(steps.OWN_PORTS)).overlaps(one.ports) for one in shown)


def _ended(step: str) -> t.Callable[[Readings], int]:
    def see(found: Readings) -> int:
        return found.ran(Own(step)).code

    return see


def _netsh(
    name: str,
    asks: str,
    see: t.Any,
    expect: bool | int | str,
    *needed: str,
    tag: Tag = "K",
    settles: str = "",
    **more: t.Any,
) -> Probe:
    needs = tuple(map(Own, needed))
    return Probe(
        id=name, grade="touch", asks=asks, needs=needs, expect=expect, see=see, tag=tag, settles=settles, **more
    )


def _after(step: str) -> tuple[str, str, str]:
    return (steps.OWN_PORTS, f"active after {step}", f"persistent after {step}")


ROWS: t.Final = (
    _code("create_again", "What does CreateKey return for a key that exists?", "create the key again", 0),
    _true(
        "empty_list",
        "Is a list without entries written and read by no element at all?",
        _list("write an empty list", "read the empty list", ()),
        "write an empty list",
        "read the empty list",
        tag="C",
    ),
    _true(
        "list_of_one",
        "Does a list of one entry come back as it was written?",
        _list("write a list of one", "read the list of one", ("4500-4500",)),
        "write a list of one",
        "read the list of one",
        tag="C",
    ),
    _true(
        "list_of_two",
        "Does a list of two entries come back as it was written?",
        _list("write a list of two", "read the list of two", ("1645-1646", "1812-1813")),
        "write a list of two",
        "read the list of two",
        tag="C",
    ),
    _true(
        "largest_number",
        "Does the largest DWORD come back as a number without a sign?",
        _number("write the largest number", "read the largest number", steps.LARGEST_NUMBER),
        "write the largest number",
        "read the largest number",
    ),
    _true(
        "long_number",
        "Does a QWORD come back as it was written?",
        _number("write a long number", "read the long number", steps.LONG_NUMBER),
        "write a long number",
        "read the long number",
    ),
    _true(
        "empty_text",
        "Does an empty text come back as an empty text?",
        _text("write an empty text", "read the empty text", ""),
        "write an empty text",
        "read the empty text",
    ),
    _true(
        "blanks",
        "Do blanks at the ends of a text survive the way there and back?",
        _text("write blanks", "read the blanks", steps.BLANKS),
        "write blanks",
        "read the blanks",
    ),
    _true(
        "letters",
        "Do letters of other alphabets survive the way there and back?",
        _text("write letters", "read the letters", steps.LETTERS),
        "write letters",
        "read the letters",
    ),
    _true(
        "written_types",
        "Has each value the type of the method that wrote it?",
        _types,
        "list the values",
        tag="D",
    ),
    _code(
        "write_into_absent_key",
        "What does a Set method return for a key that does not exist?",
        "write into an absent key",
        2,
        tag="K",
    ),
    _code("delete_absent_value", "What does DeleteValue return for an absent value?", "delete an absent value", 2),
    _code("delete_absent_key", "What does DeleteKey return for an absent key?", "delete an absent key", 2),
    _netsh(
        "default_store",
        "Into which store does netsh write an excluded range if none is named?",
        _default_store,
        "persistent",
        *_after("an add without a store"),
        settles="netsh_default_store",
    ),
    _netsh(
        "persistent_add",
        "In which stores is a range that was added to the persistent one?",
        _in_stores("an add to the persistent store"),
        "active and persistent",
        *_after("an add to the persistent store"),
    ),
    _netsh(
        "persistent_delete",
        "In which stores is it still after it was deleted from the persistent one?",
        _in_stores("a delete from the persistent store"),
        "none",
        *_after("a delete from the persistent store"),
    ),
    _netsh(
        "active_add",
        "In which stores is a range that was added to the active one?",
        _in_stores("an add to the active store"),
        "active",
        *_after("an add to the active store"),
    ),
    _netsh(
        "add_again",
        "With which exit code does netsh end for a range that is there already?",
        _ended("add the same again"),
        1,
        "add the same again",
        depends_on=("netsh_failure_exit_code",),
    ),
    _netsh(
        "add_succeeds",
        "With which exit code does netsh end if it has excluded a range?",
        _ended("add to the persistent store"),
        0,
        "add to the persistent store",
    ),
    _netsh(
        "not_merged",
        "Are ranges that touch each other shown as they were added?",
        _not_merged,
        True,
        *_after("three adds"),
    ),
    _netsh("part_refused", "Is a part of a range kept from deletion?", _part_refused, True, *_after("three adds")),
    _netsh(
        "seen_by_ipv6",
        "Does IPv6 show a range that was excluded by IPv4?",
        _both_families,
        True,
        "ipv6 after an add",
        *_after("an add to the persistent store"),
        tag="T",
    ),
)
