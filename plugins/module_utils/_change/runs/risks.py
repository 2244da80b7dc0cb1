# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dangers of a run that must not come unasked, and the one option that accepts them.

A guard finds dangers in a plan. A danger of a kind that the task accepts is a warning, any other is refused; what an
undo brings back was there before, so that it is warned of and never refused.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError

Risk = t.Literal["way_in", "starved_range", "small_pool", "block_mode", "cluster"]
RISKS: t.Final[tuple[Risk, ...]] = t.get_args(Risk)

OPTION: t.Final = "accept_risks"
ARGUMENT: t.Final[t.Mapping[str, t.Any]] = {
    OPTION: {"type": "list", "elements": "str", "choices": list(RISKS), "default": []}
}
"""The argument specification, the same for all modules that change something."""
ALIASES: t.Final[t.Mapping[str, Risk]] = {"allow_unsafe_size": "small_pool", "ignore_block_mode": "block_mode"}
"""Options that accept one risk each, and are older than the list."""


def accepted_risks(arguments: t.Mapping[str, t.Any]) -> frozenset[Risk]:
    """The risks that a task accepts by its arguments, by the list or by an alias."""
    named = t.cast("t.Iterable[Risk]", arguments.get(OPTION) or ())
    return frozenset([*named, *(risk for alias, risk in ALIASES.items() if arguments.get(alias))])


class Danger(t.NamedTuple):
    """One thing that a plan brings about, with the sentence about it.

    ``subject`` is the object concerned, ``reason`` what happens, as a clause; ``advice`` is what to do instead.
    """

    risk: Risk
    subject: str
    reason: str
    advice: str = ""
    so: str = ""
    """What comes of it, as a clause."""
    warning: str = ""
    """The whole sentence where it is only warned of; otherwise subject and reason make it."""
    is_new: bool = True
    """The plan brings it or makes it worse; otherwise it is only warned of."""

    @property
    def sentence(self) -> str:
        """The same as a warning."""
        return self.warning or f"{self.subject[:1].upper()}{self.subject[1:]}: {self.whole_reason}."

    @property
    def whole_reason(self) -> str:
        """The reason with what comes of it."""
        return f"{self.reason}; {self.so}" if self.so else self.reason


def refusal(dangers: t.Sequence[Danger]) -> PlanError:
    """The error of a task that does not accept these dangers, one or more."""
    first, *others = dangers
    said = [first.whole_reason]
    for place, other in enumerate(others, start=1):
        is_told = other.so in {danger.so for danger in dangers[:place]}
        said.append(f"Also {other.subject}: {other.reason if is_told else other.whole_reason}")
    advice = dict.fromkeys(danger.advice for danger in dangers if danger.advice)
    named = ", ".join(dict.fromkeys(danger.risk for danger in dangers))
    meant = f"if it is meant, give {OPTION}: [{named}] with this task; nothing was changed"
    return PlanError(first.subject, ". ".join(said), "; ".join([*advice, meant]))


def judged(dangers: t.Iterable[Danger], accepted: t.Collection[Risk], *, undo: bool = False) -> tuple[str, ...]:
    """The dangers to warn of; raises PlanError, which names every danger that the task does not accept."""
    found = tuple(dangers)
    refused = [danger for danger in found if danger.is_new and danger.risk not in accepted]
    if refused and not undo:
        raise refusal(refused)
    meant = [danger.is_new and danger.risk in accepted for danger in found]
    return tuple(
        f"{OPTION} has {danger.risk}. {danger.sentence}" if is_meant else danger.sentence
        for danger, is_meant in zip(found, meant, strict=True)
    )
