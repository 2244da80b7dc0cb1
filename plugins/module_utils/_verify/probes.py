# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe: one question about Windows' behaviour, with what the code expects; and the verdict on what was seen."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Question
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Seen,
    Server,
)

Grade = t.Literal["look", "touch", "lab"]
"""``look`` reads; ``touch`` writes what is our own and takes it back; ``lab`` needs a server that may be spoilt."""
GRADES: t.Final[tuple[Grade, ...]] = ("look", "touch", "lab")
Tag = t.Literal["D", "C", "T", "K"]
"""The evidence so far: documented, seen in public code, reported, or common knowledge that nobody has verified."""
Verdict = t.Literal["as_expected", "otherwise", "cant_tell"]
Expected: t.TypeAlias = "Seen | t.Callable[[Server], Seen]"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One row of the table.

    ``settles``: the assumption of the simulator or of its wire that this decides. ``contested``: the contested rule of
    the releases that it decides. ``depends_on``: assumptions whose other value changes what is seen here as well.
    """

    id: str
    grade: Grade = "look"
    asks: str
    """The question, as a sentence."""
    needs: tuple[Question, ...]
    expect: Expected
    see: t.Callable[[Readings], Seen]
    tag: Tag
    settles: str = ""
    contested: str = ""
    depends_on: tuple[str, ...] = ()

    @property
    def does(self) -> str:
        """What it does to the server."""
        return "; ".join(dict.fromkeys(question.does for question in self.needs))

    def expected(self, server: Server) -> Seen:
        """What the code and the simulator expect of a server."""
        return self.expect(server) if callable(self.expect) else self.expect


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What a probe saw. ``why``: why it can't tell, else empty; then ``seen`` is ``None``."""

    probe: Probe
    verdict: Verdict
    expected: Seen
    seen: Seen | None
    why: str = ""


def judge(probe: Probe, readings: Readings) -> Result:
    """The verdict of one probe. Nothing but the readings decides."""
    expected = probe.expected(readings.server)
    try:
        seen = probe.see(readings)
    except CantTell as reason:
        return Result(probe, "cant_tell", expected, None, str(reason))
    # True == 1 in Python, and not for Windows.
    same = isinstance(seen, bool) == isinstance(expected, bool) and seen == expected
    return Result(probe, "as_expected" if same else "otherwise", expected, seen)


def questions_of(probes: t.Iterable[Probe]) -> tuple[Question, ...]:
    """All questions of these probes, each once, in their order."""
    return tuple(dict.fromkeys(question for probe in probes for question in probe.needs))
