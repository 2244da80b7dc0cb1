# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of the journal: their names, and what each may hold.

The journal is data from the server. What none of our runs could have written is refused when it is read, so that a
journal that somebody has forged can't make a run write a value of another type, a port that is none, or a line of
another form.
"""

from __future__ import annotations

import functools
import math
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    RegistryFact,
    RegistryType,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import RPC_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, split_entries

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._change.services_file_lines import Wish

RESERVED_PORTS: t.Final = "reserved_ports"
EXCLUDED_RANGES: t.Final = "reserved_ports_netsh"
POOL_SIZE: t.Final = "dns_socket_pool.size"
POOL_LIST: t.Final = "dns_socket_pool.excluded_ports"
MAX_USER_PORT: t.Final = "dynamic_ports.max_user_port"
TCP_RANGE: t.Final = "dynamic_ports.tcp"
UDP_RANGE: t.Final = "dynamic_ports.udp"
START_MODE_PREFIX: t.Final = "service_start_mode."
STOPPED_SERVICES: t.Final = "service_state.stopped"
SERVICES_FILE: t.Final = "services_file"

CREATED_KEY: t.Final = "key"
"""A note beside a fixed RPC port: writing it made its key."""
DELAYED_FLAG: t.Final = delayed_flag("").name
"""A note beside a start mode: setting it made this value."""

OWNER_NAME: t.Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:/ \-]{0,62}[A-Za-z0-9_])?", re.ASCII)
"""What an owner may be called: one line, since messages name it."""
ACTIVE_MARK: t.Final = "/active"
"""Ends the text of a block of netsh's that is in the active store alone."""
WHOLE: t.Final = ""
"""The part of an owner that wants the thing as it is, and not, or not only, some parts that were added to it."""

LATEST: t.Final = 253_402_300_799.0
"""Seconds since 1970 at the end of the year 9999; no age is longer either."""
HIGHEST_PROCESS_ID: t.Final = 2**32 - 1

_HIGHEST: t.Final[t.Mapping[RegistryType, int]] = {RegistryType.DWORD: 2**32 - 1}
_PORTS: t.Final = re.compile(r"(\d{1,5})-(\d{1,5})", re.ASCII)
_SERVICE: t.Final = re.compile(r"[^\x00-\x1f\x7f-\x9f/\\]{1,256}")
"""The service manager takes any name without a slash or a backslash."""
_MODE: t.Final = re.compile(r"[a-z]{1,16}", re.ASCII)
_DIGEST: t.Final = re.compile(r"(?:[0-9a-f]{64})?", re.ASCII)
_LINE_KEY: t.Final = re.compile(r"([^/\s#]{1,64})/(tcp|udp)")


class Misshapen(ValueError):
    """Something in the journal that none of our runs has written; the text says what, as the end of a sentence."""


Check = t.Callable[[t.Any], None]
"""Of a state, as JSON has it; raises Misshapen."""


def check_entry(name: str, content: t.Mapping[str, t.Any]) -> None:
    """Refuse an entry of the journal that can't be one of ours; names that this release does not know are accepted.

    Raises:
        Misshapen: it can't.
    """
    kind = _KINDS.get(name) or (_START_MODE if name.startswith(START_MODE_PREFIX) else None)
    if kind is None:
        return
    state, is_part, has_pending = kind
    if name.startswith(START_MODE_PREFIX) and not is_service(name[len(START_MODE_PREFIX) :]):
        raise Misshapen("an entry is about a service that can't be")
    for field in ("original", "written"):
        state(content.get(field))
    if name == SERVICES_FILE:
        _check_file(content["original"], content["written"])
    owned = [part for parts in content.get("owners", {}).values() for part in parts if part != WHOLE]
    for part in (*content.get("added", ()), *owned):
        if not is_part(part):
            raise Misshapen(f"the entry {name} has a part of another form")
    if any(not (has_pending and is_part(piece)) for piece in content.get("pending", ())):
        raise Misshapen(f"the entry {name} has a pending piece of another form")


def is_service(name: str) -> bool:
    """True if a service can have this name."""
    return bool(_SERVICE.fullmatch(name))


def is_whole_number(value: t.Any) -> t.TypeGuard[int]:
    """Whether a value is an integer, and not a boolean, which Python takes for one."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: t.Any, *, least: float, most: float) -> bool:
    """True if a value is a finite number between two others, and not a boolean, which Python takes for one."""
    return type(value) in (int, float) and math.isfinite(value) and least <= value <= most


# --- states ----------------------------------------------------------------------------------------------------------


def _refuse(state: str) -> t.NoReturn:
    raise Misshapen(f"a state is not {state}")


def _value(kind: RegistryType, state: t.Any) -> None:
    """A registry value of the type that its reader takes, or none."""
    if state is None:
        return
    if not isinstance(state, dict) or not is_whole_number(state.get("type")) or state["type"] != int(kind):
        _refuse(f"a registry value of type {kind.name}")
    if not _is_data(kind, state.get("data")):
        _refuse(f"the data of a registry value of type {kind.name}")


def _is_data(kind: RegistryType, data: t.Any) -> bool:
    if kind is RegistryType.MULTI_STRING:
        return isinstance(data, list) and all(isinstance(item, str) for item in data)
    if kind in _HIGHEST:
        return is_whole_number(data) and 0 <= data <= _HIGHEST[kind]
    return isinstance(data, str)


def _blocks(state: t.Any) -> None:
    is_whole = isinstance(state, dict) and set(state) == set(PROTOCOLS)
    if not is_whole or not all(isinstance(blocks, list) and all(map(_is_block, blocks)) for blocks in state.values()):
        _refuse("netsh's blocks for each protocol")


def _ranges(state: t.Any) -> None:
    if not isinstance(state, dict) or set(state) != set(FAMILIES) or not all(map(_is_ports, state.values())):
        _refuse("a dynamic range for each family")


def _mode(state: t.Any) -> None:
    if not isinstance(state, str) or not _MODE.fullmatch(state):
        _refuse("a start mode")


def _stopped(state: t.Any) -> None:
    if state not in (None, "stopped"):
        _refuse("one of stopped services")


def _lines(state: t.Any) -> None:
    """The services file's digests and lines, before us and after."""
    if not isinstance(state, dict) or set(state) != {"sha256", "lines"} or not isinstance(state["lines"], dict):
        _refuse("the digests and lines of a services file")
    digests = state["sha256"] if isinstance(state["sha256"], list) else [state["sha256"]]
    if not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in digests):
        _refuse("the digest of a services file")
    for key, lines in state["lines"].items():
        given = lines if isinstance(lines, list) else [] if lines is None else [lines]
        if not all(_is_line(key, line) for line in given):
            _refuse("a line of a services file")


def _check_file(original: t.Any, written: t.Any) -> None:
    """Before us an entry may have had several lines, and the file one digest; of ours it is the other way round."""
    one, many = isinstance(original["sha256"], str), isinstance(written["sha256"], list)
    if not (one and many and set(original["lines"]) == set(written["lines"])):
        _refuse("the digests and lines of one services file")
    before, ours = original["lines"].values(), written["lines"].values()
    if not all(isinstance(lines, list) for lines in before) or any(isinstance(line, list) for line in ours):
        _refuse("the lines of one services file")


def _is_line(key: str, line: t.Any) -> bool:
    """One line, and no more, that is about this entry."""
    if not isinstance(line, str) or "\n" in line[:-1] or any(ord(character) > 0xFF for character in line):
        return False
    # As in wishes_of.
    from ansible_collections.portkeeper.windows.plugins.module_utils._change.services_file_lines import (  # noqa: PLC0415
        service_of,
    )

    service = service_of(line.encode("latin-1"))
    return any(wish.means(service, any_port=False) for wish in wishes_of(key))


def wishes_of(key: str) -> tuple[Wish, ...]:
    """The subject of an entry of the journal: ``name/tcp``, or ``1812/udp``, which may be a port without a name."""
    # Few journals have entries of a services file.
    from ansible_collections.portkeeper.windows.plugins.module_utils._change.services_file_lines import Wish  # noqa: PLC0415

    found = _LINE_KEY.fullmatch(key)
    protocol = next((one for one in PROTOCOLS if found and one == found[2]), None)
    if found is None or protocol is None:
        return ()
    name = found[1]
    is_port = name.isascii() and name.isdecimal() and 1 <= int(name) <= HIGHEST_PORT
    return (Wish(name, 0, protocol), *([Wish("", int(name), protocol)] if is_port else []))


# --- parts -----------------------------------------------------------------------------------------------------------


def _is_ports(text: t.Any) -> bool:
    return isinstance(text, str) and bool(_PORTS.fullmatch(text)) and not split_entries([text])[1]


def _is_block(text: t.Any) -> bool:
    return _is_ports(text.removesuffix(ACTIVE_MARK)) if isinstance(text, str) else False


def _is_netsh_ports(text: str) -> bool:
    ports, _slash, protocol = text.partition("/")
    return protocol in PROTOCOLS and _is_ports(ports)


def _nothing(_text: str) -> bool:
    return False


VALUES: t.Final[t.Mapping[str, RegistryFact]] = {
    RESERVED_PORTS: RESERVED_PORTS_FACT,
    POOL_SIZE: POOL_SIZE_FACT,
    POOL_LIST: POOL_EXCLUSIONS_FACT,
    MAX_USER_PORT: MAX_USER_PORT_FACT,
    **{row.entry_name: row.fact for row in RPC_PORTS},
}
"""The entries that are about one registry value each."""

_Kind = tuple[Check, t.Callable[[str], bool], bool]
"""What both states are, what a part is, and whether there may be pending pieces."""

_START_MODE: t.Final[_Kind] = (_mode, lambda text: text == DELAYED_FLAG, False)
_KINDS: t.Final[t.Mapping[str, _Kind]] = {
    RESERVED_PORTS: (functools.partial(_value, RESERVED_PORTS_FACT.type), _is_ports, False),
    EXCLUDED_RANGES: (_blocks, _is_netsh_ports, True),
    POOL_SIZE: (functools.partial(_value, POOL_SIZE_FACT.type), _nothing, False),
    POOL_LIST: (functools.partial(_value, POOL_EXCLUSIONS_FACT.type), _is_ports, False),
    MAX_USER_PORT: (functools.partial(_value, MAX_USER_PORT_FACT.type), _nothing, False),
    TCP_RANGE: (_ranges, _nothing, False),
    UDP_RANGE: (_ranges, _nothing, False),
    STOPPED_SERVICES: (_stopped, is_service, False),
    SERVICES_FILE: (_lines, lambda text: bool(wishes_of(text)), False),
    **{
        row.entry_name: (functools.partial(_value, row.type), lambda text: text == CREATED_KEY, False)
        for row in RPC_PORTS
    },
}
