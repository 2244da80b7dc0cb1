# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``services_file`` against simulated servers: ordinary and odd files, refusals, undo, and an end at every message."""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t

import pytest

from tests.fleet.engine_tasks import ConvergeTask
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.killed_runs import ENDINGS, DirectTarget, Ending, KillCase, findings
from tests.fleet.snapshot import Snapshot
from tests.simulator.windows.services_file import content

MODULE: t.Final = "services_file"
BACKUP: t.Final = "services.portkeeper-backup"
ENTRIES: t.Final = [
    {"name": "exchange-is-rpc", "port": 5000, "protocol": "tcp", "comment": "information store"},
    {"name": "exchange-sa-rpc", "port": 5001, "protocol": "tcp", "aliases": ["exchange-rfr"]},
]
LINES: t.Final = (
    b"exchange-is-rpc  5000/tcp                          #information store",
    b"exchange-sa-rpc  5001/tcp   exchange-rfr",
)
RADIUS: t.Final = {"name": "radius", "port": 1645, "protocol": "udp"}
RELEASES: t.Final[tuple[tuple[str, Json], ...]] = (
    ("2003", {"release": "2003"}),
    ("2003-winrm-2", {"release": "2003", "winrm_stack": "2.0"}),
    ("2003-german", {"release": "2003", "language": "de"}),
    ("2008", {"release": "2008"}),
    ("2008r2", {"release": "2008r2"}),
    ("2022", {"release": "2022"}),
    ("2022-german", {"release": "2022", "language": "de"}),
)
ODD: t.Final = (
    (),
    ("oem",),
    ("lf",),
    ("no_last_line_end",),
    ("oem", "lf", "no_last_line_end"),
    ("ctrl_z",),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A change of one kind of file, and the bytes that it leaves."""

    id: str
    server: Json
    oddities: tuple[str, ...]
    options: Json
    expected: bytes

    @property
    def found(self) -> bytes:
        """The file before."""
        return content(self.oddities)

    @property
    def case(self) -> HostCase:
        """Check mode, the run, the run again, and back."""
        options = self.options
        undo = {"resources": [{MODULE: options}], "state": "absent"}
        steps = (
            Step(module=MODULE, options=options, check=True),
            Step(module=MODULE, options=options),
            Step(module=MODULE, options=options),
            Step(module="converge", options=undo),
        )
        server = {**self.server, "roles": ["member"], "services_file": list(self.oddities)}
        return HostCase(id=self.id, server=server, steps=steps)


def _added(oddities: tuple[str, ...]) -> bytes:
    """The file with both entries at its end."""
    end = b"\n" if "lf" in oddities else b"\r\n"
    found = content(oddities)
    return found + (b"" if found.endswith(b"\n") else end) + b"".join(line + end for line in LINES)


def _replaced(oddities: tuple[str, ...]) -> bytes:
    """The file with another port for radius."""
    return re.sub(
        rb"radius +1812/udp +#RADIUS authentication protocol",
        b"radius           1645/udp                          #RADIUS authentication protocol",
        content(oddities),
    )


def _without_ldap(oddities: tuple[str, ...]) -> bytes:
    """The file without ldap and without the entry of port 636."""
    return re.sub(rb"(?m)^ldaps? [^\n]*\n", b"", content(oddities))


def _case(name: str, server: Json, oddities: tuple[str, ...], kind: str) -> Case:
    absent = [{"name": "LDAP", "protocol": "tcp"}, {"port": 636, "protocol": "tcp"}]
    kinds: dict[str, tuple[Json, t.Callable[[tuple[str, ...]], bytes]]] = {
        "added": ({"entries": ENTRIES}, _added),
        "replaced": ({"entries": [RADIUS]}, _replaced),
        "removed": ({"entries": absent, "state": "absent"}, _without_ldap),
    }
    options, expected = kinds[kind]
    odd = "".join(f"-{one.replace('_', '')}" for one in oddities)
    return Case(
        id=f"{name}-{kind}{odd}", server=server, oddities=oddities, options=options, expected=expected(oddities)
    )


CASES: t.Final = (
    *(_case(name, server, (), "added") for name, server in RELEASES),
    _case("2003-fc-silent", {"release": "2003", "assumptions": {"fc_exit_code_tells": False}}, (), "added"),
    *(
        _case(name, {"release": name}, oddities, kind)
        for (name, oddities), kind in itertools.product(
            itertools.product(("2003", "2022"), ODD), ("added", "replaced", "removed")
        )
        if (name, kind, oddities) not in (("2003", "added", ()), ("2022", "added", ()))
    ),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """A file that can't be changed: one sentence, and no trace."""

    id: str
    server: Json
    sentence: str
    options: Json = dataclasses.field(default_factory=lambda: {"entries": ENTRIES})

    @property
    def case(self) -> HostCase:
        """Twice the same wish."""
        step = Step(module=MODULE, options=self.options)
        return HostCase(id=self.id, server={"roles": ["member"], **self.server}, steps=(step, step))


def _odd(release: str, *oddities: str, **assumptions: t.Any) -> dict[str, t.Any]:
    return {"release": release, "services_file": list(oddities), "assumptions": assumptions}


REFUSALS: t.Final = (
    Refusal(id="read-only-2003", server=_odd("2003", "read_only"), sentence="the file is read-only"),
    Refusal(id="read-only-2022", server=_odd("2022", "read_only"), sentence="the file is read-only"),
    Refusal(id="missing", server=_odd("2022", "missing"), sentence="there is no such file"),
    Refusal(
        id="access-denied",
        server=_odd("2022", "denied"),
        sentence=r"portkeeper-1-new can't be written, Windows said: Access is denied\.; nothing was changed",
    ),
    Refusal(
        id="access-denied-german",
        server={**_odd("2003", "denied"), "language": "de"},
        sentence=r"Windows said: Zugriff verweigert; nothing was changed",
    ),
    Refusal(
        id="in-use",
        server=_odd("2008", "in_use"),
        sentence=r"it could not be replaced, Windows said: The process cannot access.*nothing was changed",
    ),
    Refusal(id="long-line", server=_odd("2008", "long_line"), sentence="does not read as it was sent"),
    Refusal(
        id="bytes-changed-on-the-road",
        server=_odd("2003", "oem", findstr_keeps_every_byte=False),
        sentence="does not read as it was sent",
    ),
    Refusal(
        id="bytes-changed-and-fc-silent",
        server=_odd("2003", "oem", findstr_keeps_every_byte=False, fc_exit_code_tells=False),
        sentence="does not read as it was sent",
    ),
    Refusal(
        id="not-cut",
        server=_odd("2003", "no_last_line_end", copy_ascii_cuts_at_ctrl_z=False),
        sentence="does not come back unchanged",
    ),
    Refusal(
        id="type-stops",
        server=_odd("2003", "ctrl_z", type_stops_at_ctrl_z=True),
        sentence=r"can't read .*services: \d+ bytes came, and dir shows \d+ bytes",
    ),
    Refusal(
        id="ctrl-z-without-line-end",
        server=_odd("2022", "ctrl_z", "no_last_line_end"),
        sentence="holds a Ctrl-Z and its last line has no end",
    ),
    Refusal(
        id="wrong-name",
        server={"release": "2022"},
        options={"entries": [{"name": "a b", "port": 1, "protocol": "tcp"}]},
        sentence="'a b' is no service name",
    ),
)

FOREIGN: t.Final = HostCase(
    id="foreign-changes",
    server={"release": "2022", "roles": ["member"]},
    steps=(
        Step(module=MODULE, options={"entries": ENTRIES}),
        Step(
            module="converge",
            options={"resources": [{MODULE: {"entries": ENTRIES}}], "state": "absent"},
            acts=(
                {
                    "do": "write_file",
                    "path": r"C:\Windows\System32\drivers\etc\services",
                    "data": (b"# theirs \xe4\n" + _added(()) + b"theirs 1/udp").decode("latin-1"),
                },
            ),
        ),
    ),
)
FOLDER: t.Final = r"C:\Windows\System32\drivers\etc"
LEFT: t.Final = rf"{FOLDER}\services.portkeeper-1-old"
ORPHAN: t.Final = HostCase(
    id="orphan-of-a-killed-run",
    server={"release": "2022", "roles": ["member"]},
    steps=(
        Step(
            module=MODULE,
            options={"entries": ENTRIES},
            acts=(
                {"do": "write_file", "path": LEFT, "data": "half"},
                {"do": "hold_file", "path": LEFT, "on": True},
            ),
        ),
        Step(module=MODULE, options={"entries": ENTRIES}, acts=({"do": "hold_file", "path": LEFT, "on": False},)),
        Step(module=MODULE, options={"entries": ENTRIES}),
    ),
)
Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@pytest.fixture(scope="module")
def results() -> Results:
    return run_in_process([*(case.case for case in CASES), *(refusal.case for refusal in REFUSALS), FOREIGN, ORPHAN])


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request: pytest.FixtureRequest) -> Case:
    return t.cast("Case", request.param)


def files_of(snapshot: Snapshot) -> dict[str, bytes]:
    """The folder's files by their names, without the one of hosts' names that each server has there."""
    files = t.cast("dict[str, str]", snapshot.data["files"])
    named = {path.rpartition("\\")[2]: data.encode("latin-1") for path, data in files.items()}
    return {name: content for name, content in named.items() if name != "hosts"}


def test_check_mode_says_it_and_changes_nothing(results: Results, case: Case) -> None:
    checked, done, *_rest = results[case.id]
    assert checked.event == "ok", checked.message
    assert checked.result["changed"] is True
    assert checked.after.data == checked.before.data
    for name in ("before", "after", "diff", "effective", "path", "backup_file"):
        assert checked.result[name] == done.result[name], name


def test_the_run_changes_these_lines_and_no_other_byte(results: Results, case: Case) -> None:
    _checked, done, *_rest = results[case.id]
    assert done.event == "ok", done.message
    assert files_of(done.after) == {"services": case.expected, BACKUP: case.found}
    before, after = done.before.without_journal(), done.after.without_journal()
    assert {name for name in before if before[name] != after[name]} == {"files"}
    assert done.warnings == ""


def test_the_diff_has_the_lines_concerned(results: Results, case: Case) -> None:
    _checked, done, *_rest = results[case.id]
    both = done.result["diff"]["before"]["lines"] + done.result["diff"]["after"]["lines"]
    assert 2 <= len(both) <= 4
    assert all(line.isascii() for line in both)


def test_a_second_run_finds_nothing_to_do(results: Results, case: Case) -> None:
    _checked, done, again, _undone = results[case.id]
    assert again.event == "ok", again.message
    assert again.result["changed"] is False
    assert again.after.data == again.before.data
    assert again.result["before"] == again.result["after"] == done.result["after"]
    assert again.count <= 7


def test_undo_leaves_no_trace(results: Results, case: Case) -> None:
    checked, *_rest, undone = results[case.id]
    assert undone.event == "ok", undone.message
    assert undone.result["changed"] is True
    assert files_of(undone.after) == {"services": case.found}
    assert undone.after.data["files"] == checked.before.data["files"]
    assert undone.after.data["registry"] == checked.before.data["registry"]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_refusals_say_why_and_touch_nothing(results: Results, refusal: Refusal) -> None:
    for task_run in results[refusal.id]:
        assert task_run.event == "failed", task_run.result
        assert re.search(refusal.sentence, task_run.message), task_run.message
        assert "\n" not in task_run.message
        assert task_run.after.data == task_run.before.data


def test_foreign_changes_survive_the_undo(results: Results) -> None:
    _done, undone = results["foreign-changes"]
    assert undone.event == "ok", undone.message
    assert "changed since by somebody else" in undone.warnings
    assert files_of(undone.after) == {"services": b"# theirs \xe4\n" + content() + b"theirs 1/udp"}
    assert undone.after.journal is None


def test_what_a_killed_run_s_command_still_holds_is_no_obstacle(results: Results) -> None:
    changed, cleaned, again = results["orphan-of-a-killed-run"]
    assert changed.event == "ok", changed.message
    assert files_of(changed.after) == {"services": _added(()), BACKUP: content(), "services.portkeeper-1-old": b"half"}
    assert cleaned.result["before"]["temporary_files"] == ["services.portkeeper-1-old"]
    assert files_of(cleaned.after) == {"services": _added(()), BACKUP: content()}
    assert again.result["changed"] is False


# --- an end at every message ------------------------------------------------------------------------------------------

INTERRUPTED: t.Final = (("2003", ("oem", "no_last_line_end")), ("2008", ("lf",)), ("2022", ("no_last_line_end",)))
ADD: t.Final = ConvergeTask({"resources": [{MODULE: {"entries": ENTRIES}}]})
UNDO: t.Final = ConvergeTask({"resources": [{MODULE: {"entries": ENTRIES}}], "state": "absent"})


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("undoing", [False, True], ids=["run", "undo"])
@pytest.mark.parametrize(("release", "oddities"), INTERRUPTED)
def test_an_end_at_any_message_leaves_the_old_file_or_the_new(
    release: str, oddities: tuple[str, ...], undoing: bool, ending: Ending
) -> None:
    """And the next run finishes; with a server in this process."""
    entry = {"release": release, "roles": ["member"], "services_file": list(oddities)}
    target = DirectTarget(entry, first=ADD if undoing else None)
    assert findings(target, KillCase(task=UNDO if undoing else ADD), ending) == {}
