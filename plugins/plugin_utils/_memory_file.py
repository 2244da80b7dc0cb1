# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which an event source remembers, for each host and log, which events it has told."""

from __future__ import annotations

import datetime
import json
import pathlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import Log
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.losses import LOGS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.memory import LogMemory

VERSION: t.Final = 1
_MODE: t.Final = 0o600
_OPTION: t.Final = "state_file"

Memories = dict[str, dict[Log, LogMemory]]
"""By host and log."""


class MemoryFile:
    """The memories of some hosts, in a file or, without one, only as long as the program runs.

    The file is written as a whole and then takes the old one's place: a killed program leaves the old or the new one.

    :raises OptionError: the file can't be written, or holds something else.
    """

    def __init__(self, path: pathlib.Path | None, hosts: t.Collection[str]) -> None:
        self._path = path
        known = _read(path) if path and path.exists() else {}
        self._memories: Memories = {host: known.get(host, {}) for host in hosts}
        try:
            self.save()
        except OSError as error:
            raise OptionError(_OPTION, f"{path} can't be written: {error.strerror}") from None

    def of(self, host: str) -> t.Mapping[Log, LogMemory]:
        """What is known of a host's logs."""
        return self._memories[host]

    def learn(self, host: str, log: Log, memory: LogMemory) -> None:
        """Remember this of a log, without writing it."""
        self._memories[host][log] = memory

    def save(self) -> None:
        """Write what is remembered; raises OSError."""
        if self._path is None:
            return
        beside = self._path.with_name(f".{self._path.name}.new")
        beside.touch(_MODE)
        beside.write_text(json.dumps(_as_json(self._memories)), encoding="utf-8")
        beside.replace(self._path)


def _as_json(memories: Memories) -> dict[str, t.Any]:
    hosts = {host: {log: _log_as_json(memory) for log, memory in logs.items()} for host, logs in memories.items()}
    return {"version": VERSION, "hosts": hosts}


def _log_as_json(memory: LogMemory) -> dict[str, t.Any]:
    told = [[record, time.isoformat()] for record, time in memory.told]
    return {"asked": memory.asked, "clock": memory.clock.isoformat(), "told": told}


def _read(path: pathlib.Path) -> Memories:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError("another version")
        return {host: {log: _log(logs[log]) for log in LOGS if log in logs} for host, logs in data["hosts"].items()}
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"{path} is not what this source writes ({type(error).__name__}: {error}); remove it to begin anew"
        raise OptionError(_OPTION, reason) from None


def _log(entry: t.Mapping[str, t.Any]) -> LogMemory:
    told = tuple((int(record), _moment(time)) for record, time in entry["told"])
    return LogMemory(float(entry["asked"]), _moment(entry["clock"]), told)


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text}")
    return moment
