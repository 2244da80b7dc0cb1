# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that steps need: those that Windows can be asked for are asked, without changing anything."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    ChangeExclusions,
    ChangeStartMode,
    DeleteBesideServicesFile,
    DeleteEmptyKey,
    DeleteValue,
    SetDelayedStart,
    SetDynamicRanges,
    StartServices,
    Step,
    StopServices,
    WriteJournal,
    WriteServicesFile,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import rights
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import Right
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.registry import Registry
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import WsmanError

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client


class Need(t.NamedTuple):
    """A right, and the object that it is needed on; ``key`` is that object if it is a registry key."""

    right: Right
    place: str
    key: str = ""


def _of_key(right: Right, key: str) -> Need:
    return Need(right, rf"HKLM\{key}", key)


def _of_services(right: Right, names: t.Iterable[str]) -> tuple[Need, ...]:
    return tuple(Need(right, f"the service {name}") for name in names)


def _of_journal(step: WriteJournal) -> tuple[Need, ...]:
    key = JOURNAL_FACT.key
    if step.journal.is_empty:
        return _of_key(rights.KEY_WRITE, key), _of_key(rights.KEY_DELETE, key)
    return (_of_key(rights.KEY_WRITE, key) if step.key_exists else _of_key(rights.KEY_CREATE, rights.JOURNAL_PARENT),)


def _of_delayed_start(step: SetDelayedStart) -> tuple[Need, ...]:
    return (*_of_services(rights.SERVICE_CONFIGURE, [step.service]), Need(rights.SHELL, "the WinRM service"))


def _of_netsh(_step: Step) -> tuple[Need, ...]:
    return (Need(rights.NETWORK, "the TCP/IP settings"),)


def _of_folder(step: WriteServicesFile | DeleteBesideServicesFile) -> tuple[Need, ...]:
    return (Need(rights.FOLDER, f"the folder {step.folder}"),)


def _of_nothing(_step: Step) -> tuple[Need, ...]:
    return ()


_NEEDS: t.Final[t.Mapping[type[Step], t.Callable[[t.Any], tuple[Need, ...]]]] = {
    WriteValue: lambda step: (_of_key(rights.KEY_WRITE, step.key),),
    DeleteValue: lambda step: (_of_key(rights.KEY_WRITE, step.fact.key),),
    DeleteEmptyKey: lambda step: (_of_key(rights.KEY_DELETE, step.key),),
    WriteJournal: _of_journal,
    ChangeStartMode: lambda step: _of_services(rights.SERVICE_CONFIGURE, [step.service]),
    SetDelayedStart: _of_delayed_start,
    StopServices: lambda step: _of_services(rights.SERVICE_STOP, step.names),
    StartServices: lambda step: _of_services(rights.SERVICE_START, step.names),
    ChangeExclusions: _of_netsh,
    SetDynamicRanges: _of_netsh,
    WriteServicesFile: _of_folder,
    DeleteBesideServicesFile: _of_folder,
}


def needs_of(steps: t.Iterable[Step], *, reboots: bool = False) -> tuple[Need, ...]:
    """What these steps need, each once, in the order of the steps; waiting for DNS needs what reading needs.

    Who makes the journal's key owns it: later steps on it need nothing more.
    """
    found: list[Need] = []
    for step in steps:
        needs = _NEEDS.get(step.__class__, _of_nothing)(step)
        is_made = any(need.right is rights.KEY_CREATE for need in found)
        found.extend(need for need in needs if not (is_made and need.key == JOURNAL_FACT.key))
    return tuple(dict.fromkeys((*found, *([Need(rights.SHUTDOWN, "the server")] if reboots else []))))


class Findings(t.NamedTuple):
    """Needs that Windows denies, and needs for which it was not asked."""

    missing: tuple[Need, ...] = ()
    not_checked: tuple[Need, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        """As a module returns it."""
        return {
            "missing": [f"{need.right.name} on {need.place}" for need in self.missing],
            "not_checked": [f"{need.right.name} on {need.place}" for need in self.not_checked],
        }

    @property
    def warning(self) -> str:
        """A sentence about all that is missing; empty if nothing is."""
        if not self.missing:
            return ""
        *others, last = self.missing
        named = "".join(f"{need.right.name} on {need.place}, and " for need in others)
        advice = rights.lacks(last.right._replace(name=named + last.right.name), last.place)
        return f"A run would stop with access denied: {advice}."


def asked(client: Client, needs: t.Sequence[Need]) -> Findings:
    """Ask Windows for what it can be asked for: 1 request for each registry key."""
    registry = Registry(client)
    by_key: dict[str, list[Need]] = {}
    for need in needs:
        if need.key:
            by_key.setdefault(need.key.casefold(), []).append(need)
    missing: list[Need] = []
    unknown = [need for need in needs if not need.key]
    for wanted in by_key.values():
        granted = _granted(registry, wanted)
        if granted is not True:
            (unknown if granted is None else missing).extend(wanted)
    return Findings(tuple(missing), tuple(unknown))


def _granted(registry: Registry, wanted: t.Sequence[Need]) -> bool | None:
    mask = 0
    for need in wanted:
        mask |= need.right.mask
    try:
        return registry.may(wanted[0].key, mask)
    except (WindowsError, WsmanError):
        # The plan stands as it is; only this question has no answer.
        return None
