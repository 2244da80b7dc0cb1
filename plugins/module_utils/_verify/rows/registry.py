# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the registry as WMI's StdRegProv gives it out."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    AUTO_START_DELAY_FACT,
    CONTROL_SET_KEY,
    DATA_BASE_PATH_FACT,
    GROUP_ORDER_FACT,
    PROGRAMS_FOLDER_FACT,
    SERVICES_KEY,
    SYSTEM_ROOT_FACT,
    TCPIP_KEY,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Expected, Probe, Tag
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import CIMV2, Method, Question
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    first,
    local,
    space,
    text,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import MAX_USER_PORT, RESERVED

_NOBODYS: t.Final = "portkeeper-verify-no-such-name"
_OTHER_TYPE: t.Final = 0x80041005
_WINRM_KEY: t.Final = rf"{SERVICES_KEY}\WinRM"
_NO_KEY: t.Final = rf"{SERVICES_KEY}\{_NOBODYS}"

ABSENT_VALUE: t.Final = Method("GetStringValue", TCPIP_KEY, _NOBODYS)
ABSENT_KEY: t.Final = Method("GetStringValue", _NO_KEY, _NOBODYS)
VALUES_OF_ABSENT_KEY: t.Final = Method("EnumValues", _NO_KEY)
KEYS_OF_ABSENT_KEY: t.Final = Method("EnumKey", _NO_KEY)
TEXT_OF_NUMBER: t.Final = Method("GetStringValue", _WINRM_KEY, "Start")
NUMBER_OF_TEXT: t.Final = Method("GetDWORDValue", SYSTEM_ROOT_FACT.key, SYSTEM_ROOT_FACT.name)
TEXT_OF_EXPANDABLE: t.Final = Method("GetStringValue", DATA_BASE_PATH_FACT.key, DATA_BASE_PATH_FACT.name)
EXPANDABLE: t.Final = Method("GetExpandedStringValue", DATA_BASE_PATH_FACT.key, DATA_BASE_PATH_FACT.name)
NO_VALUES: t.Final = Method("EnumValues", CONTROL_SET_KEY)
WINRM_VALUES: t.Final = Method("EnumValues", _WINRM_KEY)
START: t.Final = Method("GetDWORDValue", _WINRM_KEY, "Start")
GROUPS: t.Final = Method("GetMultiStringValue", GROUP_ORDER_FACT.key.lower(), GROUP_ORDER_FACT.name.upper())
RIGHTS: t.Final = Method("CheckAccess", TCPIP_KEY, rights=0x2)
IN_CIMV2: t.Final = Method("GetStringValue", SYSTEM_ROOT_FACT.key, SYSTEM_ROOT_FACT.name, namespace=CIMV2)
PROGRAMS_FOLDER: t.Final = Method("GetStringValue", PROGRAMS_FOLDER_FACT.key, PROGRAMS_FOLDER_FACT.name)
DELAY: t.Final = Method("GetDWORDValue", AUTO_START_DELAY_FACT.key, AUTO_START_DELAY_FACT.name)
LONG_NUMBER: t.Final = Method("GetQWORDValue", TCPIP_KEY, _NOBODYS)


def _code(name: str, asks: str, question: Method, expect: Expected, *, tag: Tag = "C", settles: str = "") -> Probe:
    """A probe of one return value."""

    def see(found: Readings) -> int:
        return found.code(question)

    return Probe(id=name, asks=asks, needs=(question,), expect=expect, see=see, tag=tag, settles=settles)


def _output(found: Readings, question: Question) -> t.Any:
    """The element in the body of a method's answer."""
    answers = found.answered(question).answers
    body = first(answers[0], "Body") if answers else None
    if body is None or not len(body):
        raise CantTell("the answer has no body")
    return body[0]


def _output_name(found: Readings) -> str:
    return local(_output(found, ABSENT_VALUE))


def _output_space(found: Readings) -> bool:
    return space(_output(found, ABSENT_VALUE)).casefold().endswith("/wmi/root/default/stdregprov")


def _empty_arrays(found: Readings) -> str:
    """How two empty arrays are written: ``no element``, ``nil`` or ``elements``."""
    if found.code(NO_VALUES) != 0:
        raise CantTell("the key can't be listed")
    nodes = [item for item in _output(found, NO_VALUES) if local(item) in ("sNames", "Types")]
    if not nodes:
        return "no element"
    nil = all(any(key.rpartition("}")[2] == "nil" for key in item.attrib) for item in nodes)
    if not nil:
        raise CantTell("the key has values on this server")
    return "nil"


def _parallel(found: Readings) -> bool:
    row = found.row(WINRM_VALUES)
    names, types = texts(row, "sNames"), texts(row, "Types")
    if not names:
        raise CantTell("the key has no values")
    return len(names) == len(types) and all(kind.isdigit() for kind in types)


def _start_type(found: Readings) -> int:
    """The type number of the value Start."""
    row = found.row(WINRM_VALUES)
    names = (name.casefold() for name in texts(row, "sNames"))
    kinds = dict(zip(names, texts(row, "Types"), strict=False))
    if "start" not in kinds or not kinds["start"].isdigit():
        raise CantTell("the service has no value Start")
    return int(kinds["start"])


def _expanded(found: Readings) -> bool:
    value = text(found.row(EXPANDABLE), "sValue")
    return "%" not in value and len(value) > 3


def _list_repeats(found: Readings) -> bool:
    return len(texts(found.row(GROUPS), "sValue")) > 1


def _folded(found: Readings) -> bool:
    return found.code(GROUPS) == 0


def _absent_from(question: Method) -> t.Callable[[Readings], int]:
    """The code for a setting that most servers don't have."""

    def see(found: Readings) -> int:
        code = found.code(question)
        if code == 0:
            raise CantTell("the setting is there on this server")
        return code

    return see


def _granted(found: Readings) -> bool:
    return text(found.row(RIGHTS), "bGranted").casefold() == "true"


def _in_cimv2(found: Readings) -> bool:
    reading = found.reading(IN_CIMV2)
    if reading.fault is not None:
        return False
    return found.code(IN_CIMV2) == 0


def _wide_view(found: Readings) -> bool:
    """The 64-bit view is given out: the folder of 64-bit programs has no suffix."""
    if found.code(PROGRAMS_FOLDER) != 0:
        raise CantTell("the folder of programs is not in the registry")
    return "(x86)" not in text(found.row(PROGRAMS_FOLDER), "sValue")


def _no_delay(found: Readings) -> bool:
    return found.code(DELAY) in (1, 2)


def _long_number(found: Readings) -> str:
    fault = found.reading(LONG_NUMBER).fault
    return "there" if fault is None else "not there"


ROWS: t.Final = (
    _code(
        "absent_value",
        "What does StdRegProv return for an absent text in a key that exists?",
        ABSENT_VALUE,
        1,
        settles="registry_absent_value",
    ),
    Probe(
        id="absent_number",
        asks="What does it return for an absent number?",
        needs=(MAX_USER_PORT,),
        expect=1,
        see=_absent_from(MAX_USER_PORT),
        tag="C",
        depends_on=("registry_absent_value",),
    ),
    Probe(
        id="absent_list",
        asks="What does it return for an absent list?",
        needs=(RESERVED,),
        expect=1,
        see=_absent_from(RESERVED),
        tag="C",
        depends_on=("registry_absent_value",),
    ),
    _code("absent_key", "What does it return for a value in an absent key?", ABSENT_KEY, 2),
    _code("values_of_absent_key", "What does it return for the values of an absent key?", VALUES_OF_ABSENT_KEY, 2),
    _code("keys_of_absent_key", "What does it return for the subkeys of an absent key?", KEYS_OF_ABSENT_KEY, 2),
    _code("text_of_number", "What does it return if a number is read as a text?", TEXT_OF_NUMBER, _OTHER_TYPE),
    _code("number_of_text", "What does it return if a text is read as a number?", NUMBER_OF_TEXT, _OTHER_TYPE),
    _code(
        "text_of_expandable",
        "What does it return if an expandable text is read as a plain one?",
        TEXT_OF_EXPANDABLE,
        _OTHER_TYPE,
        tag="K",
    ),
    Probe(
        id="expandable_text",
        asks="Does GetExpandedStringValue replace the variables in a text?",
        needs=(EXPANDABLE,),
        expect=True,
        see=_expanded,
        tag="D",
    ),
    Probe(
        id="output_name",
        asks="What is the element in the answer to a method called?",
        needs=(ABSENT_VALUE,),
        expect="GetStringValue_OUTPUT",
        see=_output_name,
        tag="D",
    ),
    Probe(
        id="output_namespace",
        asks="Is that element in the namespace of the class?",
        needs=(ABSENT_VALUE,),
        expect=True,
        see=_output_space,
        tag="C",
    ),
    Probe(
        id="empty_arrays",
        asks="How are the names and types of a key without values written?",
        needs=(NO_VALUES,),
        expect="no element",
        see=_empty_arrays,
        tag="C",
    ),
    _code("empty_key", "What does EnumValues return for a key without values?", NO_VALUES, 0),
    Probe(
        id="parallel_arrays",
        asks="Do the names and the types of a key's values come in two arrays of one length?",
        needs=(WINRM_VALUES,),
        expect=True,
        see=_parallel,
        tag="D",
    ),
    Probe(
        id="number_type",
        asks="Which type number does EnumValues give to a DWORD?",
        needs=(WINRM_VALUES,),
        expect=4,
        see=_start_type,
        tag="D",
    ),
    _code("start_is_number", "Is a service's Start a DWORD that can be read?", START, 0, tag="K"),
    Probe(
        id="list_repeats",
        asks="Does a list come as a repeated element?",
        needs=(GROUPS,),
        expect=True,
        see=_list_repeats,
        tag="C",
    ),
    Probe(
        id="folded_names",
        asks="Are keys and values found in any case?",
        needs=(GROUPS,),
        expect=True,
        see=_folded,
        tag="K",
    ),
    Probe(
        id="check_access",
        asks="Does CheckAccess grant this account to set values, as the tasks need it?",
        needs=(RIGHTS,),
        expect=True,
        see=_granted,
        tag="D",
    ),
    Probe(
        id="registry_in_cimv2",
        asks="Does root/cimv2 hold StdRegProv as well as root/default?",
        needs=(IN_CIMV2,),
        expect=True,
        see=_in_cimv2,
        tag="C",
        settles="registry_in_cimv2",
    ),
    Probe(
        id="wide_view",
        asks="Is the 64-bit view of the registry given out on a 64-bit Windows?",
        needs=(PROGRAMS_FOLDER,),
        expect=True,
        see=_wide_view,
        tag="K",
    ),
    Probe(
        id="auto_start_delay_absent",
        asks="Is AutoStartDelay absent by default?",
        needs=(DELAY,),
        expect=True,
        see=_no_delay,
        tag="K",
    ),
    Probe(
        id="long_numbers",
        asks="Has StdRegProv the method GetQWORDValue?",
        needs=(LONG_NUMBER,),
        expect="there",
        see=_long_number,
        tag="K",
    ),
)
