# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services file as a resource: plan, journal, backup, undo.

The files are bytes in memory and each step of a plan is done at once: hundreds of random files, so plain data. What a
server does with such files is shown by tests/fleet/test_services_file.py.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal as journals
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, JournalError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    DeleteBesideServicesFile,
    OptionError,
    Plan,
    PlanError,
    Resource,
    WriteServicesFile,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import services_file
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.services_file import ENTRY, RESOURCE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryFact,
    RegistryType,
    RegistryValue,
    ServicesBackupFact,
    ServicesFileFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.services_file_contents import (
    BACKUP,
    FILE,
    ServicesFile,
    temporary_file,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DATA_BASE_PATH_FACT,
    SYSTEM_ROOT_FACT,
)
from tests.unit.plugins.module_utils._change.test_services_file_lines import FILE as ANY_FILE
from tests.unit.plugins.module_utils._change.world import World

FOLDER: t.Final = r"C:\Windows\System32\drivers\etc"
OLD: t.Final = temporary_file(2, "old")
NEW: t.Final = temporary_file(2, "new")
CONTENT: t.Final = b"echo 7/tcp\r\n# Dr\x81cker\r\nlast 9/udp"
APP: t.Final = {"name": "app", "port": 5000, "protocol": "tcp"}
OTHER: t.Final = {"name": "other", "port": 5001, "protocol": "tcp"}
APP_LINE: t.Final = b"app              5000/tcp\r\n"
OTHER_LINE: t.Final = b"other            5001/tcp\r\n"


@dataclasses.dataclass
class FileWorld(World):
    """A server with the folder of the services file; ``journal`` is what a run left."""

    files: dict[str, bytes] = dataclasses.field(default_factory=lambda: {FILE: CONTENT})
    read_only: bool = False
    journal: Journal | None = dataclasses.field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.set(DATA_BASE_PATH_FACT, RegistryValue(RegistryType.EXPAND_STRING, FOLDER))

    @property
    def content(self) -> bytes:
        return self.files[FILE]

    def _answers(self, wanted: t.Collection[t.Any]) -> dict[t.Any, t.Any]:
        return {fact: self._literally(fact) for fact in wanted}

    def _literally(self, fact: t.Any) -> t.Any:
        if isinstance(fact, ServicesBackupFact):
            assert fact.folder == FOLDER
            return self.files.get(BACKUP)
        if isinstance(fact, ServicesFileFact):
            assert fact.folder == FOLDER
            return ServicesFile(self.files.get(FILE), self.read_only, frozenset(self.files) - {FILE})
        assert isinstance(fact, RegistryFact)
        return self.registry.get((fact.key, fact.name), Absent.VALUE)

    def planned(self, *entries: t.Any, state: str = "present", undo: bool = False) -> Plan:
        wanted = services_file.options({"entries": list(entries), "state": state})
        resource: Resource = RESOURCE
        if undo:
            return self.settle(lambda facts: resource.undo((wanted,), self.context(facts, self.journal)))
        return self.settle(lambda facts: resource.plan(wanted, self.context(facts, self.journal)))

    def run(self, *entries: t.Any, state: str = "present", undo: bool = False, killed: bool = False) -> Plan:
        """Plan and do it; ``killed``: after the journal, before the file."""
        plan = self.planned(*entries, state=state, undo=undo)
        self._note({name: entry for name, entry in plan.journal.items() if entry is not None})
        if not killed:
            for step in plan.steps:
                self._do(step)
            self._note(plan.journal)
        return plan

    def _note(self, changes: t.Mapping[str, Entry | None]) -> None:
        """Keep it as the next run reads it."""
        if self.journal is not None:
            self.journal = journals.load(journals.dump(self.journal.changed(changes)))

    def _do(self, step: t.Any) -> None:
        if isinstance(step, DeleteBesideServicesFile):
            for name in step.names:
                del self.files[name]
            return
        assert isinstance(step, WriteServicesFile)
        assert step.before == self.content
        assert not any(temporary_file(step.number, part) in self.files for part in ("new", "old", "cut"))
        self.files[FILE] = step.after
        for name in step.leftovers:
            del self.files[name]
        if step.keep_before:
            self.files[BACKUP] = step.before
        if step.drop_backup:
            self.files.pop(BACKUP, None)

    @property
    def entry(self) -> Entry | None:
        return self.journal.entries.get(ENTRY) if self.journal else None


def test_an_entry_comes_to_the_end_and_the_bytes_before_are_kept() -> None:
    world = FileWorld()
    plan = world.run(APP)
    assert world.files == {FILE: CONTENT + b"\r\n" + APP_LINE, BACKUP: CONTENT}
    assert plan.before == {"lines": []}
    assert plan.after == {"lines": ["app              5000/tcp"]}
    assert plan.details == {"path": rf"{FOLDER}\services", "backup_file": rf"{FOLDER}\{BACKUP}"}
    assert world.entry is not None
    assert world.entry.added == ("app/tcp",)
    assert CONTENT.decode("latin-1") not in journals.dump(t.cast(Journal, world.journal))
    again = world.planned(APP)
    assert (again.changed, again.journal, again.before) == (False, {}, again.after)


def test_undo_gives_the_bytes_back_after_any_history() -> None:
    world = FileWorld()
    world.run(APP, {"name": "ECHO", "port": 70, "protocol": "tcp"})
    world.run(OTHER)
    world.run(OTHER, state="absent")
    world.run({"port": 9, "protocol": "udp"}, state="absent")
    assert world.content == b"ECHO             70/tcp\r\n# Dr\x81cker\r\n" + APP_LINE
    world.run(APP, {"name": "echo", "protocol": "tcp"}, {"port": 9, "protocol": "udp"}, state="absent", undo=True)
    assert world.files == {FILE: CONTENT}
    assert world.entry is None


def test_undo_shows_the_line_that_comes_back_even_if_its_port_is_another() -> None:
    world = FileWorld()
    world.run({"name": "ECHO", "port": 70, "protocol": "tcp"})
    back = world.run({"name": "ECHO", "port": 70, "protocol": "tcp"}, undo=True)
    assert [len(lines["lines"]) for lines in (back.before, back.after)] == [1, 1]
    assert back.before != back.after


def test_undo_in_parts_ends_with_the_same_bytes() -> None:
    world = FileWorld()
    world.run(APP)
    world.run(OTHER)
    first = world.run(APP, undo=True)
    assert (first.changed, first.warnings) == (True, ())
    assert world.content == CONTENT + b"\r\n" + OTHER_LINE
    second = world.run(OTHER, undo=True)
    assert (second.changed, second.warnings) == (True, ())
    assert world.files == {FILE: CONTENT}
    assert world.entry is None
    assert not world.planned(OTHER, undo=True).changed


def test_the_module_s_own_absent_ends_where_it_began() -> None:
    world = FileWorld(files={FILE: b"echo 7/tcp\r\n"})
    world.run(APP)
    world.run({"name": "app", "protocol": "tcp"}, state="absent")
    assert world.files == {FILE: b"echo 7/tcp\r\n"}
    assert world.entry is None


def test_undo_after_foreign_changes_takes_only_our_lines() -> None:
    world = FileWorld()
    world.run(APP, {"name": "echo", "port": 70, "protocol": "tcp"})
    world.files[FILE] = b"# theirs\n" + world.content + b"theirs 1/tcp"
    plan = world.run(APP, {"name": "echo", "port": 70, "protocol": "tcp"}, undo=True)
    assert "changed since by somebody else" in plan.warnings[0]
    assert world.files == {FILE: b"# theirs\n" + CONTENT + b"\r\n" + b"theirs 1/tcp"}
    assert world.entry is None


def test_a_foreign_change_between_two_of_ours_is_never_lost() -> None:
    world = FileWorld()
    world.run(APP)
    world.files[FILE] += b"theirs 1/tcp\r\n"
    world.run(OTHER)
    world.run(APP, OTHER, undo=True)
    assert world.files == {FILE: CONTENT + b"\r\ntheirs 1/tcp\r\n"}


def test_our_line_that_somebody_changed_is_theirs() -> None:
    world = FileWorld()
    world.run(APP)
    world.files[FILE] = world.content.replace(b"5000/tcp", b"5555/tcp")
    plan = world.run(APP, undo=True)
    assert any("app/tcp was changed since" in warning for warning in plan.warnings)
    assert b"5555/tcp" in world.content
    assert (world.entry, BACKUP in world.files) == (None, False)


@pytest.mark.parametrize("backup", [None, b"tampered\r\n"])
def test_without_the_backup_our_lines_go_all_the_same(backup: bytes | None) -> None:
    world = FileWorld()
    world.run(APP)
    world.files.pop(BACKUP)
    if backup is not None:
        world.files[BACKUP] = backup
    world.run(APP, undo=True)
    assert world.files == {FILE: CONTENT + b"\r\n"}


def test_a_run_killed_after_the_journal_is_finished_by_the_next() -> None:
    world = FileWorld()
    world.run(APP, killed=True)
    world.run(APP)
    assert world.files == {FILE: CONTENT + b"\r\n" + APP_LINE, BACKUP: CONTENT}
    world.run(OTHER, killed=True)
    world.run(APP, OTHER, undo=True)
    assert world.files == {FILE: CONTENT}


def test_a_run_killed_after_the_journal_is_undone_to_nothing() -> None:
    world = FileWorld()
    world.run(APP, killed=True)
    plan = world.run(APP, undo=True)
    assert (plan.changed, plan.warnings) == (False, ())
    assert (world.files, world.entry) == ({FILE: CONTENT}, None)


def test_what_a_killed_run_left_beside_is_taken_away() -> None:
    world = FileWorld(files={FILE: CONTENT + b"\r\n" + APP_LINE, NEW: b"x", OLD: b"y", "services.theirs": b"z"})
    plan = world.run(APP)
    assert (plan.before["temporary_files"], plan.after["temporary_files"]) == ([NEW, OLD], [])
    assert plan.is_event
    assert set(world.files) == {FILE, "services.theirs"}


def test_a_change_takes_other_names_than_what_a_killed_run_left() -> None:
    world = FileWorld(files={FILE: CONTENT, NEW: b"x", OLD: b"y"})
    plan = world.run(APP)
    assert (plan.before["temporary_files"], plan.after["temporary_files"], plan.is_event) == ([NEW, OLD], [], False)
    assert set(world.files) == {FILE, BACKUP}


def test_an_undo_killed_before_the_journal_takes_the_backup_away() -> None:
    world = FileWorld()
    world.run(APP)
    world.files[FILE] = CONTENT
    plan = world.run(APP, undo=True)
    assert plan.changed
    assert (world.files, world.entry) == ({FILE: CONTENT}, None)


def test_without_a_journal_each_change_keeps_what_was_there() -> None:
    world = FileWorld(journal=None)
    world.run(APP)
    after = world.content
    world.run(OTHER)
    assert world.files[BACKUP] == after


def test_a_second_name_of_the_same_port_is_worth_a_warning() -> None:
    plan = FileWorld().planned({"name": "mine", "port": 7, "protocol": "tcp"})
    assert plan.warnings == ("7/tcp has another name too in this file: echo.",)


REFUSED: t.Final = [
    (
        "read-only",
        FileWorld(read_only=True),
        "present",
        r"etc\\services: the file is read-only, so nothing was changed",
    ),
    ("missing", FileWorld(files={}), "present", r"etc\\services: there is no such file"),
]


@pytest.mark.parametrize(("world", "state", "sentence"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refusals(world: FileWorld, state: str, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        world.planned(APP, state=state)
    assert not world.planned(APP, state="absent").changed


def test_a_read_only_file_that_is_right_is_no_error() -> None:
    world = FileWorld(files={FILE: APP_LINE}, read_only=True)
    assert not world.planned(APP).changed


FOLDERS: t.Final = [
    ("C:\\Windows\\System32\\drivers\\etc\\", FOLDER),
    (r"%systemroot%\System32\drivers\etc", FOLDER),
    (None, FOLDER),
    (r"%ProgramFiles%\etc", None),
    (r"C:\a&b", None),
    (r"\\server\share", None),
    ('C:\\a"b', None),
    ("C:\\a\nb", None),
    ("", None),
]


@pytest.mark.parametrize(("value", "folder"), FOLDERS, ids=ascii)
def test_the_folder(value: str | None, folder: str | None) -> None:
    world = FileWorld()
    world.set(SYSTEM_ROOT_FACT, RegistryValue(RegistryType.STRING, r"C:\Windows"))
    world.registry.pop((DATA_BASE_PATH_FACT.key, DATA_BASE_PATH_FACT.name))
    if value is not None:
        world.set(DATA_BASE_PATH_FACT, RegistryValue(RegistryType.EXPAND_STRING, value))
    if folder is None:
        with pytest.raises(PlanError, match="can't go safely into a command line"):
            world.planned(APP)
    else:
        assert world.planned(APP).details["path"] == rf"{folder}\services"


WRONG: t.Final = [
    ([], "present", "entries: it is empty"),
    ([APP, {**APP, "name": "App", "port": 1}], "present", r"app/tcp stands in it more than once"),
    ([{"name": "app", "protocol": "tcp"}], "present", r"entries\[0\]: .* needs a name and a port"),
    ([APP, {"port": 1, "protocol": "tcp"}], "present", r"entries\[1\]: .* needs a name and a port"),
    ([{"protocol": "tcp"}], "absent", "needs a name, a port or both"),
    ([{**APP, "port": 0}], "present", "0 is no port"),
    ([{**APP, "port": 65536}], "present", "65536 is no port"),
    ([{**APP, "name": "a b"}], "present", "'a b' is no service name"),
    ([{**APP, "name": "#a"}], "present", "is no service name"),
    ([{**APP, "name": "a" * 65}], "present", "is no service name"),
    ([{**APP, "aliases": ["ok", "n/o"]}], "present", "'n/o' is no service name"),
    ([{**APP, "comment": "a\nb 1/tcp"}], "present", "one line"),
    ([{**APP, "comment": "\u00e4"}], "present", "printable ASCII"),
    ([{**APP, "comment": "portkeeper-1-ok"}], "present", "comment"),
]


@pytest.mark.parametrize(("entries", "state", "sentence"), WRONG)
def test_wrong_options(entries: list[t.Any], state: str, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        services_file.options({"entries": entries, "state": state})


LINES: t.Final = {"sha256": "", "lines": {}}
TAMPERED: t.Final = [
    Entry(None, None),
    Entry("x", "y"),
    Entry(LINES, {"sha256": []}),
    Entry(LINES, {"sha256": "x", "lines": {}}),
    Entry({"sha256": 1, "lines": {}}, {"sha256": [], "lines": {}}),
    Entry(LINES, {"sha256": [], "lines": {"app/tcp": None}}),
    Entry({"sha256": "", "lines": {"a": "b"}}, {"sha256": [], "lines": {"a": None}}),
    Entry({"sha256": "", "lines": {"a": ["x\ny\n"]}}, {"sha256": [], "lines": {"a": None}}),
    Entry({"sha256": "", "lines": {"a": []}}, {"sha256": [], "lines": {"a": "\u20ac"}}),
    Entry({"sha256": "", "lines": {"a": []}}, {"sha256": [], "lines": {"a": 1}}),
]


@pytest.mark.parametrize("entry", TAMPERED, ids=str)
def test_a_journal_that_was_tampered_with_is_refused(entry: Entry) -> None:
    with pytest.raises(JournalError, match="a state is not"):
        journals.load(journals.dump(Journal({ENTRY: entry})))


RUN: t.Final = st.tuples(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["app", "x", "new"]),
                "port": st.integers(1, 6),
                "protocol": st.sampled_from(["tcp", "udp"]),
            },
            optional={"comment": st.sampled_from(["", "said"]), "aliases": st.sampled_from([[], ["a1"]])},
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda entry: (entry["name"], entry["protocol"]),
    ),
    st.sampled_from(["present", "absent"]),
    st.booleans(),
)
EVERYTHING: t.Final = [
    {"name": name, "port": 1, "protocol": protocol} for name in ("app", "x", "new") for protocol in ("tcp", "udp")
]


@given(ANY_FILE, st.lists(RUN, min_size=1, max_size=4))
def test_undo_gives_any_file_back_after_any_runs(content: bytes, runs: list[t.Any]) -> None:
    world = FileWorld(files={FILE: content})
    for entries, state, killed in runs:
        world.run(*entries, state=state, killed=killed)
    world.run(*EVERYTHING, undo=True)
    assert world.files == {FILE: content}
    assert world.entry is None
