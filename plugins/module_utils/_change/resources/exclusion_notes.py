# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excluded port ranges as the journal keeps them: ``50389-50389``, with a mark if in the active store alone."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, State
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import Shares, owners_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries

_ACTIVE: t.Final = journal_entries.ACTIVE_MARK


def blocks_of(exclusions: Exclusions) -> State:
    """The administered blocks as the journal keeps them, those of the active store alone with a mark."""
    return {
        protocol: texts_of(exclusions.persistent(protocol), exclusions.until_boot(protocol)) for protocol in PROTOCOLS
    }


def texts_of(lasting: t.Iterable[PortRange], passing: t.Iterable[PortRange]) -> list[str]:
    return sorted([*map(str, lasting), *(f"{ports}{_ACTIVE}" for ports in passing)])


def told_apart(texts: t.Iterable[str]) -> tuple[tuple[PortRange, ...], tuple[PortRange, ...]]:
    """The journal's blocks that outlived a boot, and those of the active store alone."""
    texts = tuple(texts)
    lasting = split_entries([text for text in texts if not text.endswith(_ACTIVE)])[0]
    passing = split_entries([text.removesuffix(_ACTIVE) for text in texts if text.endswith(_ACTIVE)])[0]
    return tuple(ports for _text, ports in lasting), tuple(ports for _text, ports in passing)


def notes(ports: t.Mapping[Protocol, PortSet]) -> tuple[str, ...]:
    """Ports as the journal has them: ``50389-50389/tcp``."""
    return tuple(f"{text}/{protocol}" for protocol, found in ports.items() for text in found.texts())


def noted(protocol: Protocol, notes: t.Iterable[str]) -> PortSet:
    """The ports of one protocol in the journal's notes: ``50389-50389/tcp``."""
    texts = [text.partition("/")[0] for text in notes if text.endswith(f"/{protocol}")]
    return PortSet(tuple(ports for _text, ports in split_entries(texts)[0]))


def with_shares(entry: Entry, shares: t.Mapping[Protocol, Shares[PortSet]], whole: t.Iterable[str]) -> Entry:
    """The entry with the ports of each owner."""
    names = {owner for one in shares.values() for owner in one.owners}
    owners = {name: notes({protocol: one.of(name) for protocol, one in shares.items()}) for name in names}
    added = notes({protocol: one.added for protocol, one in shares.items()})
    return entry._replace(added=added, owners=owners_of(owners, whole))


def shares_of(protocol: Protocol, entry: Entry | None) -> Shares[PortSet]:
    """The ports of one protocol, with their owners."""
    if entry is None:
        return Shares(NO_PORTS, {}, NO_PORTS)
    owners = {owner: noted(protocol, parts) for owner, parts in entry.owners.items()}
    return Shares(noted(protocol, entry.added), {name: ports for name, ports in owners.items() if ports}, NO_PORTS)
