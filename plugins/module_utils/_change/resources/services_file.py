# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``services_file``: entries of ``drivers\\etc\\services``, the table from service names to ports.

Only the lines concerned change, and all other bytes stay. The file is replaced as a whole or not at all; the bytes
before our first change lie in a backup beside it until everything of ours is taken back.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    NO_NAMES,
    Shares,
    stays,
    taken_back,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    DeleteBesideServicesFile,
    OptionError,
    Plan,
    PlanError,
    Resource,
    Step,
    WriteServicesFile,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.services_file_record import (
    Record,
    digest,
    record_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.services_file_lines import (
    Wish,
    bare,
    edited,
    restored,
    service_of,
    shown,
    split_lines,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryValue,
    ServicesBackupFact,
    ServicesFileFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.services_file_contents import (
    BACKUP,
    ServicesFile,
    path_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DATA_BASE_PATH_FACT,
    SYSTEM_ROOT_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT

ENTRY: t.Final = journal_entries.SERVICES_FILE
_TEMPORARY: t.Final = re.compile(r"services\.portkeeper-(\d{1,4})-(?:new|old|cut)")
"""Files that exist only while the services file is being replaced."""

USUAL_FOLDER: t.Final = r"%SystemRoot%\System32\drivers\etc"

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "entries": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str"},
            "port": {"type": "int"},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "required": True},
            "aliases": {"type": "list", "elements": "str"},
            "comment": {"type": "str"},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

_NAME: t.Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+\-]{0,63}", re.ASCII)
_COMMENT: t.Final = re.compile(r"[ -~]{0,200}")
# The console tells outputs apart by such words, so the file shall not hold one of ours.
_MARKER: t.Final = re.compile(r"portkeeper-\d+-(ok|failed)")
_FOLDER: t.Final = re.compile(r"[A-Za-z]:(?:\\[A-Za-z0-9 _.~\-]*[A-Za-z0-9_~\-])+")
"""Texts that may go into a command line, in quotes."""


class ServicesEntries(t.NamedTuple):
    """The state that the user wants."""

    wishes: tuple[Wish, ...]
    present: bool


def options(arguments: t.Mapping[str, t.Any]) -> ServicesEntries:
    """Typed options; raises OptionError."""
    present = arguments["state"] == "present"
    wishes = tuple(
        _wish(f"entries[{index}]", entry, present=present) for index, entry in enumerate(arguments["entries"])
    )
    if not wishes:
        raise OptionError("entries", "it is empty")
    keys = [wish.key for wish in wishes]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise OptionError("entries", f"{', '.join(twice)} stands in it more than once")
    return ServicesEntries(wishes, present)


def _wish(place: str, entry: t.Mapping[str, t.Any], *, present: bool) -> Wish:
    name, port, aliases, comment = (entry.get(key) for key in ("name", "port", "aliases", "comment"))
    if present and (not name or port is None):
        raise OptionError(place, "an entry that shall be present needs a name and a port")
    if not name and port is None:
        raise OptionError(place, "an entry needs a name, a port or both")
    if port is not None and not 1 <= port <= HIGHEST_PORT:
        raise OptionError(f"{place}.port", f"{port} is no port; ports go from 1 to {HIGHEST_PORT}")
    for text in [*([name] if name else []), *(aliases or [])]:
        if not _NAME.fullmatch(text):
            raise OptionError(place, f"{text!r} is no service name (1 to 64 letters, digits and _ . + -)")
    if comment is not None and (not _COMMENT.fullmatch(comment) or _MARKER.search(comment)):
        raise OptionError(f"{place}.comment", f"{comment!r} is not one line of at most 200 printable ASCII characters")
    return Wish(
        name=name or "",
        port=port or 0,
        protocol=entry["protocol"],
        aliases=None if aliases is None else tuple(aliases),
        comment=None if comment is None else comment.strip(),
    )


# --- where the file is -----------------------------------------------------------------------------------------------


def folder_of(context: Context) -> str:
    """The folder with the services file; raises PlanError if its name can't go into a command line."""
    reading = context.facts[DATA_BASE_PATH_FACT]
    text = reading.data if isinstance(reading, RegistryValue) else USUAL_FOLDER
    if isinstance(text, str) and text.casefold().startswith("%systemroot%"):
        root = context.facts[SYSTEM_ROOT_FACT]
        text = f"{root.data}{text[len('%systemroot%') :]}" if not isinstance(root, Absent) else text
    folder = text.rstrip("\\") if isinstance(text, str) else repr(text)
    if not _FOLDER.fullmatch(folder):
        raise PlanError(
            rf"HKLM\{DATA_BASE_PATH_FACT.key}\{DATA_BASE_PATH_FACT.name}",
            f"it names the folder {folder!r}, which can't go safely into a command line",
            "Edit that services file by hand",
        )
    return folder


def _leftovers(file: ServicesFile) -> tuple[str, ...]:
    """Temporary files of killed runs."""
    return tuple(sorted(name for name in file.beside if _TEMPORARY.fullmatch(name)))


def _free_number(leftovers: tuple[str, ...]) -> int:
    """A number that no temporary file has: a killed run's command may still hold one open."""
    return 1 + max((int(found[1]) for found in map(_TEMPORARY.fullmatch, leftovers) if found), default=0)


# --- the plan --------------------------------------------------------------------------------------------------------


class _Target(t.NamedTuple):
    """The file as it shall be, and what the journal then says (``None``: nothing)."""

    content: bytes
    record: Record | None
    keep_before: bool = False
    drop_backup: bool = False
    warnings: tuple[str, ...] = ()


def plan(wanted: ServicesEntries, context: Context) -> Plan:
    """All entries as they should be; raises PlanError, FactsNeeded."""
    folder = folder_of(context)
    file = context.facts[ServicesFileFact(folder)]
    if file.content is None:
        return _without_file(wanted, folder, file)
    record = record_of(context.entry(ENTRY))
    needed = _needed_by_others(wanted, record, context.owner)
    kept = {line for key in needed if record and (line := record.line(key)) is not None}
    content, changes = edited(file.content, wanted.wishes, present=wanted.present, kept=kept)
    if content == file.content:
        target = _Target(content, record)
    elif record is None:
        first = Record(digest(file.content)).extended(file.content, content, changes)
        target = _Target(content, first, keep_before=True)
    else:
        after = record.extended(file.content, content, changes)
        target = _further(file.content, content, after, context.facts[ServicesBackupFact(folder)])
    warnings = _conflicts(wanted, content) if content != file.content else ()
    claimed = target.record and _with_claims(target.record, wanted, content, context.owner)
    sentences = tuple(stays(f"The entry {key} of the services file", owners) for key, owners in needed.items())
    target = target._replace(record=claimed, warnings=warnings)
    return _plan(wanted, context, folder, file, target)._replace(kept=sentences)


def _needed_by_others(wanted: ServicesEntries, record: Record | None, owner: str) -> dict[str, tuple[str, ...]]:
    """Lines of ours that should go, by their keys, with the others that need them."""
    if record is None or wanted.present:
        return {}
    needing = {key: record.shares.needing(frozenset({key}), owner) for key in _meant(wanted, record)}
    return {key: others for key, others in needing.items() if others}


def _meant(wanted: ServicesEntries, record: Record) -> list[str]:
    """The keys of our lines that the wishes mean."""
    lines = {key: record.line(key) for key in record.changes}
    return [
        key
        for key, line in lines.items()
        if line is not None and any(wish.means(service_of(line), any_port=wanted.present) for wish in wanted.wishes)
    ]


def _with_claims(record: Record, wanted: ServicesEntries, content: bytes, owner: str) -> Record:
    """The record with what the owner needs from now on: our lines that are as it wants them, or those that it took."""
    keys = {wish.key for wish in wanted.wishes} & set(record.changes)
    lines = set(map(bare, split_lines(content)))
    if wanted.present:
        claimed = [key for key in keys if record.line(key) in lines]
        return record.with_claims(owner, claimed=claimed, released=())
    claimed = [key for key in keys if record.line(key) is None]
    return record.with_claims(owner, claimed=claimed, released=_meant(wanted, record))


def _further(old: bytes, new: bytes, record: Record, backup: bytes | None) -> _Target:
    """One more change of a file that has our lines already; ``record`` is the one after it."""
    proven = backup is not None and digest(backup) == record.original
    if digest(new) == record.original or not record.changes:
        # None of our lines is left: if no one else has written, the last line's missing end comes back too.
        return _Target(backup if proven and backup is not None else new, None, drop_backup=backup is not None)
    is_original = digest(old) == record.original
    keep = backup is None or (is_original and not proven)
    # A backup of anything but the original is good for people only.
    known = record if proven or is_original else record._replace(original="")
    return _Target(new, known, keep_before=keep)


def undo(named: tuple[ServicesEntries, ...], context: Context) -> Plan:
    """Take back what we changed for the entries that are named or that the owner has; raises PlanError, FactsNeeded."""
    folder = folder_of(context)
    file = context.facts[ServicesFileFact(folder)]
    record = record_of(context.entry(ENTRY))
    shares = record.shares if record else Shares(NO_NAMES, {}, NO_NAMES)
    meant = frozenset(wish.key for wanted in named for wish in wanted.wishes)
    taken = taken_back(shares, context, lambda: meant & shares.added)
    wishes = {wish.key: wish for wanted in named for wish in wanted.wishes}
    going = (wish for key in sorted(taken.going - meant) for wish in journal_entries.wishes_of(key)[:1])
    present = not named or any(wanted.present for wanted in named)
    wanted = ServicesEntries((*wishes.values(), *going), present=present)
    left = record and record._replace(owners=taken.left.owners)
    if left is None or file.content is None or not taken.going:
        target = _Target(file.content or b"", left)
    else:
        backup = context.facts[ServicesBackupFact(folder)]
        target = _undone(file.content, left, set(taken.going), backup)
    sentences = (
        stays(f"The entry {key} of the services file", shares.needing(frozenset({key}), context.owner))
        for key in sorted(taken.kept)
    )
    return _plan(wanted, context, folder, file, target)._replace(kept=tuple(sentences))


def _undone(content: bytes, record: Record, keys: set[str], backup: bytes | None) -> _Target:
    drops = backup is not None
    all_of_it = keys == set(record.changes)
    if all_of_it and digest(content) == record.original:
        return _Target(content, None, drop_backup=drops)
    if all_of_it and record.knows(content) and backup is not None and digest(backup) == record.original:
        return _Target(backup, None, drop_backup=True)
    new, foreign = restored(content, {key: record.changes[key] for key in sorted(keys)})
    left = record.without(keys, content, new)
    warnings = [f"The entry {key} was changed since by somebody else; it is left as it is." for key in foreign]
    if not record.knows(content):
        warnings.append("The services file was changed since by somebody else; only our lines are taken back.")
    if left.changes:
        return _Target(new, left, warnings=tuple(warnings))
    return _Target(new, None, drop_backup=drops, warnings=tuple(warnings))


def _plan(wanted: ServicesEntries, context: Context, folder: str, file: ServicesFile, target: _Target) -> Plan:
    old = file.content or b""
    leftovers = _leftovers(file)
    steps = _steps(folder, file, target, leftovers)
    has_backup = target.keep_before or (BACKUP in file.beside and not target.drop_backup)
    return Plan(
        "services_file",
        before={"lines": _lines(wanted, old), **_named(leftovers)},
        after={"lines": _lines(wanted, target.content), **_named(leftovers, gone=True)},
        effectiveness=EFFECTIVE,
        steps=steps,
        journal=_journal(context, target),
        warnings=target.warnings,
        details={"path": path_of(folder), "backup_file": path_of(folder, BACKUP) if has_backup else ""},
        # What is still open there can't be deleted yet, and that is no failure.
        is_event=steps == (DeleteBesideServicesFile(folder, leftovers),),
    )


def _steps(folder: str, file: ServicesFile, target: _Target, leftovers: tuple[str, ...]) -> tuple[Step, ...]:
    if file.content is not None and target.content != file.content:
        if file.read_only:
            raise PlanError(
                path_of(folder),
                "the file is read-only, so nothing was changed",
                "Somebody wants it to stay as it is; remove the attribute (attrib -r) if that is no longer so",
            )
        write = WriteServicesFile(
            folder,
            file.content,
            target.content,
            keep_before=target.keep_before,
            drop_backup=target.drop_backup,
            number=_free_number(leftovers),
            leftovers=leftovers,
        )
        return (write,)
    names = (*leftovers, *((BACKUP,) if target.drop_backup else ()))
    return (DeleteBesideServicesFile(folder, names),) if names else ()


def _journal(context: Context, target: _Target) -> dict[str, Entry | None]:
    known = context.entry(ENTRY)
    entry = target.record.as_entry() if target.record else None
    return {} if entry == known else {ENTRY: entry}


def _without_file(wanted: ServicesEntries, folder: str, file: ServicesFile) -> Plan:
    if wanted.present:
        raise PlanError(
            path_of(folder),
            "there is no such file",
            "Every Windows has one; put it back from another server of this release, then run this again",
        )
    return Plan(
        "services_file",
        before={"lines": []},
        after={"lines": []},
        effectiveness=EFFECTIVE,
        details={"path": path_of(folder), "backup_file": path_of(folder, BACKUP) if BACKUP in file.beside else ""},
    )


def _named(leftovers: tuple[str, ...], *, gone: bool = False) -> dict[str, list[str]]:
    """Shown only if a killed run left something."""
    return {"temporary_files": [] if gone else list(leftovers)} if leftovers else {}


def _lines(wanted: ServicesEntries, content: bytes) -> list[str]:
    """The lines that are about the wanted entries."""
    return [
        shown(line)
        for line in split_lines(content)
        if any(wish.means(service_of(line), any_port=wanted.present) for wish in wanted.wishes)
    ]


def _conflicts(wanted: ServicesEntries, content: bytes) -> tuple[str, ...]:
    """Other lines that give the wanted ports or names to other services: of several lines Windows takes the first."""
    if not wanted.present:
        return ()
    services = [service for service in map(service_of, split_lines(content)) if service]
    return tuple(
        f"{wish.port}/{wish.protocol} has another name too in this file: {service.name}."
        for wish in wanted.wishes
        for service in services
        if (service.port, service.protocol) == (wish.port, wish.protocol)
        and service.name.casefold() != wish.name.casefold()
    )


RESOURCE: t.Final = Resource(
    "services_file",
    ARGUMENT_SPEC,
    options,
    plan,
    undo,
    keeps=lambda name: name == ENTRY,
    early=(DATA_BASE_PATH_FACT,),
)
