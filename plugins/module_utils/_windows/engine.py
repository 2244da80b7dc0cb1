# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one sequence of every run: observe, plan, (check mode stops here), apply, verify, prove.

Knows no Ansible: it takes a client and a request, and gives an outcome.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    MOVING,
    Contradiction,
    Plan,
    PlanError,
    Step,
    WriteJournal,
    WriteServicesFile,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import outcome as outcomes
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.journal_steps import journal_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Fact,
    Facts,
    FactsNeeded,
    OperatingSystem,
    OperatingSystemFact,
    ServicesFileFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    Release,
    UnknownRelease,
    release_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock, apply
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    CommandError,
    Untouched,
    WindowsError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import (
    Answers,
    read_facts,
    without_commands,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.side_by_side import (
    MOST_MEETINGS,
    Overtaken,
    SideBySide,
    never_alone,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import WsmanError

Answer = t.TypeVar("Answer")
Reader: t.TypeAlias = t.Callable[[Target, t.Collection[Fact[t.Any]]], Answers]
MAXIMUM_ROUNDS: t.Final = 30
"""Rounds of questions; a planner that asks more often is wrong."""
MAXIMUM_PASSES: t.Final = 2
"""Times that a plan is applied if no other run of ours is there: a second one if another program took it back."""
PROOF_TIMEOUT: t.Final = 60.0
"""Seconds that started services get to take their ports."""
PROOF_INTERVAL: t.Final = 2.0


def run(client: Client, request: Request, *, check_mode: bool, clock: Clock) -> Outcome:
    """Reach what is requested, or in check mode only plan it.

    Raises:
        PlanError: it can't be had on this server; nothing was changed. A refusal after the steps fails the outcome.
        WindowsError: Windows refused a step, or what was written did not stay.
        WsmanError: the conversation failed.
    """
    system = read_operating_system(client)
    release = identified(client.host, system)
    with Target(client, release.capabilities) as target:
        return _Run(target, request, release, clock).outcome(Facts({OperatingSystemFact(): system}), check_mode)


def identified(host: str, system: OperatingSystem) -> Release:
    """The release of a server.

    Raises:
        WindowsError: this Windows is not one that the collection can manage.
    """
    try:
        return release_of(system.version, system.product_type)
    except UnknownRelease as error:
        raise WindowsError(
            host=host, operation="manage", target=f"{system.caption} ({error.version})", meaning=error.reason
        ) from error


def settle(
    planner: t.Callable[[Facts], Answer],
    facts: Facts,
    target: Target,
    *,
    commands_last: bool = False,
    read: Reader = read_facts,
) -> tuple[Answer, Facts]:
    """Read what a planner asks for until it has its answer; returns that and all facts read.

    ``commands_last``: what takes a command waits until nothing else is asked, so that one command line answers what
    several rounds would have asked for; another one costs three requests. ``read`` answers a round of questions.
    """
    for _round in range(MAXIMUM_ROUNDS):
        try:
            return planner(facts), facts
        except FactsNeeded as question:
            asked = question.in_order()
            facts = facts.extended(facts.implied(asked))
            missing = [fact for fact in asked if fact not in facts]
            wanted = without_commands(missing) if commands_last else missing
            facts = facts.extended(read(target, wanted)) if wanted else facts
    raise RuntimeError(f"a planner still asks after {MAXIMUM_ROUNDS} rounds")


class _Run:
    """One run on one server."""

    def __init__(self, target: Target, request: Request, release: Release, clock: Clock) -> None:
        self._target, self._request, self._release, self._clock = target, request, release, clock
        self._others = SideBySide(target, request)

    def outcome(self, facts: Facts, check_mode: bool) -> Outcome:
        system = facts
        for _try in range(MOST_MEETINGS):
            try:
                return self._outcome(facts, check_mode)
            except Overtaken:
                facts = self._others.overtaken(system)
        raise never_alone(self._target.host)

    def _outcome(self, facts: Facts, check_mode: bool) -> Outcome:
        """The outcome; raises Overtaken if another run changed something before this one did."""
        planned, facts = self._planned(facts)
        if check_mode or not planned.steps:
            if not check_mode:
                self._tidied(facts)
            return Outcome(self._request, planned, planned, applied=False)
        try:
            final, facts = self._applied(planned, facts)
            return self._proved(Outcome(self._request, planned, final, applied=True), facts)
        except PlanError as error:
            # How the services are by now is not known.
            final = planned._replace(victims=(), unrelieved={}, reboot=None)
            done = Outcome(self._request, planned, final, applied=True)
            return outcomes.broken_off(done, error, host=self._target.host)

    def _planned(self, facts: Facts) -> tuple[Convergence, Facts]:
        """The plan; a run that another one has overtaken, and that is refused now, leaves no announcement."""
        try:
            planned, facts = self._settled(facts)
        except PlanError:
            self._others.withdraw()
            raise
        return planned, facts

    def _tidied(self, facts: Facts) -> None:
        """A run that was killed after the last undo left a key in which nothing is any more."""
        if self._request.undo and JOURNAL_FACT in facts and facts[JOURNAL_FACT] is Absent.VALUE:
            self._others.remove_keys()

    def _settled(self, facts: Facts) -> tuple[Convergence, Facts]:
        """The plan of these facts; what another program changed while it was read is read once more."""
        try:
            return self._settled_once(facts)
        except Contradiction as error:
            return self._settled_once(facts.less((*error.kinds, *error.facts)))

    def _settled_once(self, facts: Facts) -> tuple[Convergence, Facts]:
        return settle(
            lambda known: converge(self._request, known, self._release, self._clock.now()), facts, self._target
        )

    def _applied(self, planned: Convergence, facts: Facts) -> tuple[Convergence, Facts]:
        """Apply and look again; what another controller undid, or did, in between is merged and applied once more."""
        current, system, passes = planned, facts.only(OperatingSystemFact), 0
        for _meeting in range(MOST_MEETINGS):
            has_met = self._others.has_to_write
            after = self._carried_out(current, facts)
            if after is not None and not self._others.met():
                # The run that was met may have written after this one looked, and before it saw the announcement.
                alone, facts = True, system if has_met else after
            else:
                alone, facts = False, self._others.meeting(system)
            current, facts = self._settled(facts)
            if not current.unfinished and not self._others.has_to_write:
                self._others.tidy()
                return current, facts
            passes = passes + 1 if alone else 0
            if passes == MAXIMUM_PASSES:
                raise self._not_kept(current.unfinished[0])
        raise never_alone(self._target.host)

    def _carried_out(self, planned: Convergence, facts: Facts) -> Facts | None:
        """The facts after all steps; ``None`` if another run came in between, and what was done must be merged."""
        try:
            self._others.begin(planned, facts)
        except Overtaken:
            if not self._others.has_changed:
                raise
            return None
        steps, found = self._others.steps(planned), facts
        for position, (step, following) in enumerate(zip(steps, (*steps[1:], None), strict=True)):
            try:
                facts = self._after(step, following, facts)
            except (WindowsError, WsmanError) as error:
                if self._is_crossed(step, error):
                    return None
                self._recover(planned, steps[:position])
                if isinstance(error, Untouched):
                    self._forget(steps[:position], found)
                raise
        return facts

    def _is_crossed(self, step: Step, error: Exception) -> bool:
        """True if a step was refused, or undone, because another program has just written the same file."""
        if isinstance(error, Untouched) and self._others.met():
            return True
        if not isinstance(error, CommandError) or not isinstance(step, WriteServicesFile):
            return False
        (file,) = read_facts(self._target, [ServicesFileFact(step.folder)]).values()
        return bool(file.content != step.before)

    def _forget(self, done: tuple[Step, ...], found: Facts) -> None:
        """Restore the journal if nothing else was written: a refused change leaves no trace."""
        if all(isinstance(step, WriteJournal) for step in done) and JOURNAL_FACT in found:
            self._others.withdraw(journal_of(found[JOURNAL_FACT]))

    def _after(self, step: Step, following: Step | None, facts: Facts) -> Facts:
        learnt = apply(self._target, step, self._clock, facts, following)
        self._others.note(step, facts, learnt)
        return facts.less(step.touches()).extended(learnt)

    def _recover(self, planned: Convergence, done: tuple[Step, ...]) -> None:
        """Bring back what was stopped, as far as possible; the error that led here is the one to show."""
        for step in planned.recovery:
            if step in done:
                continue
            try:
                if isinstance(step, WriteJournal):
                    self._others.put(step.journal)
                else:
                    apply(self._target, step, self._clock)
            except (WindowsError, WsmanError):
                return

    def _proved(self, outcome: Outcome, facts: Facts) -> Outcome:
        deadline = self._clock.monotonic() + PROOF_TIMEOUT
        with self._target.client.allowing(PROOF_TIMEOUT):
            while outcomes.still_settling(outcome) and self._clock.monotonic() < deadline:
                self._clock.sleep(PROOF_INTERVAL)
                final, facts = self._settled(facts.without(*MOVING))
                outcome = Outcome(outcome.request, outcome.planned, final, applied=True)
        return outcome

    def _not_kept(self, plan: Plan) -> WindowsError:
        return WindowsError(
            host=self._target.host,
            operation="keep",
            target=plan.resource,
            meaning=f"what was written is not there: it reads {dict(plan.before)} instead of {dict(plan.after)}",
            advice="look for a policy or another program that writes the same value, and run this again",
        )
