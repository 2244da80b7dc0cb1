# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook asks of one server, without the program: the engine's calls behind the tasks, in their order."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options, outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import reboot as reboot_rules
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import options as information
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.engine import run
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.inform import inform
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.power import reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import validated_options
from tests.fleet.role_arguments import task_arguments, task_part
from tests.fleet.stories import Json

CONVERGE: t.Final = "portkeeper.windows.converge"
REBOOT: t.Final = "portkeeper.windows.server_reboot"
INFORM: t.Final = "portkeeper.windows.port_info"
INCLUDE: t.Final = "ansible.builtin.include_role"


class Line(t.Protocol):
    """A connection to a server, and its time."""

    @property
    def clock(self) -> Clock:
        """The controller's."""

    def client(self) -> Client:
        """A client for one task."""


Errand: t.TypeAlias = c.Callable[[Line], tuple[str, ...]]
"""Done over a line; gives what failed, a sentence each, and raises what ends a play."""


def _request(arguments: Json) -> Request:
    """As the action of ``converge`` makes it."""
    checked = validated_options("converge", converge_options.ARGUMENT_SPEC, arguments)
    return converge_options.request(checked, journal=True, validate=validated_options)


@dataclasses.dataclass(frozen=True)
class ConvergeErrand:
    """One task with ``converge``."""

    arguments: Json

    def __call__(self, line: Line) -> tuple[str, ...]:
        return outcome.failures(run(line.client(), self._request, check_mode=False, clock=line.clock))

    @functools.cached_property
    def _request(self) -> Request:
        return _request(self.arguments)


@dataclasses.dataclass(frozen=True)
class RoleErrand:
    """A role that converges and, where that is permitted and something waits for it, reboots and converges again."""

    role: str
    variables: Json

    def __call__(self, line: Line) -> tuple[str, ...]:
        result = self._converged(line, self._request)
        failures = outcome.failures(result)
        if failures or not (result.reboot_required and self.variables.get(f"{self.role}_reboot")):
            return failures
        reboot(line.client(), line.client, self._reboot, with_journal=True, check_mode=False, clock=line.clock)
        proved = self._converged(line, self._request_after_reboot)
        return (*outcome.failures(proved), *(["something still waits for a reboot"] * proved.reboot_required))

    def _converged(self, line: Line, request: Request) -> outcome.Outcome:
        return run(line.client(), request, check_mode=False, clock=line.clock)

    @functools.cached_property
    def _request(self) -> Request:
        return _request(task_arguments(self.role, CONVERGE, self.variables))

    @functools.cached_property
    def _request_after_reboot(self) -> Request:
        variables = {**self.variables, f"__{self.role}_rebooted": {"rebooted": True}}
        return _request(task_arguments(self.role, CONVERGE, variables))

    @functools.cached_property
    def _reboot(self) -> reboot_rules.Reboot:
        arguments = task_arguments(self.role, REBOOT, self.variables)
        return reboot_rules.options(validated_options("server_reboot", reboot_rules.ARGUMENT_SPEC, arguments))


@dataclasses.dataclass(frozen=True)
class BaselineErrand:
    """The role port_baseline: it looks what the server is, and applies the roles that fit."""

    variables: Json
    _roles: dict[str, RoleErrand] = dataclasses.field(default_factory=dict)

    def __call__(self, line: Line) -> tuple[str, ...]:
        now = line.clock.now()
        seen = dict(inform(line.client(), self._inquiry, now=now).values)
        fitting = task_part("port_baseline", INCLUDE, "loop", {"__port_baseline_seen": seen})
        return tuple(failure for role in fitting for failure in self._role(role)(line))

    @functools.cached_property
    def _inquiry(self) -> information.Inquiry:
        arguments = task_arguments("port_baseline", INFORM, self.variables)
        checked = validated_options("port_info", information.ARGUMENT_SPEC, arguments)
        return information.inquiry(checked, None, journal=True)

    def _role(self, role: str) -> RoleErrand:
        if role not in self._roles:
            given = task_part("port_baseline", INCLUDE, "vars", self.variables)
            self._roles[role] = RoleErrand(role, {**self.variables, **given})
        return self._roles[role]
