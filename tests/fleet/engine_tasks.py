# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook asks of one server, without the program: the engine's calls behind the tasks, in their order."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options, outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import options as information
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.port_info import port_info
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.server_reboot import carry_out
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options
from tests.fleet.host_cases import Json
from tests.fleet.role_arguments import task_arguments, task_part

CONVERGE: t.Final = "portkeeper.windows.converge"
INFORM: t.Final = "portkeeper.windows.port_info"
INCLUDE: t.Final = "ansible.builtin.include_role"


class ServerConnection(t.Protocol):
    """A connection to a server, and its time."""

    @property
    def clock(self) -> Clock:
        """The controller's."""

    def client(self) -> Client:
        """A client for one task."""


Task: t.TypeAlias = c.Callable[[ServerConnection], tuple[str, ...]]
"""Done over a line; gives what failed, a sentence each, and raises what ends a play."""


@dataclasses.dataclass(frozen=True)
class ConvergeTask:
    """One task with ``converge``."""

    arguments: Json

    def __call__(self, connection: ServerConnection) -> tuple[str, ...]:
        result = carry_out(
            connection.client(),
            lambda: contextlib.nullcontext(connection.client()),
            self._request,
            check_mode=False,
            clock=connection.clock,
        )
        waits = result.reboot is not None and result.end.reboot_required
        return (*outcome.failures(result), *(["something still waits for a reboot"] * waits))

    @functools.cached_property
    def _request(self) -> Request:
        """As the action of ``converge`` makes it."""
        checked = validated_options("converge", converge_options.ARGUMENT_SPEC, self.arguments)
        return converge_options.request(checked, journal=True, validate=validated_options)


def role_task(role: str, variables: Json) -> ConvergeTask:
    """The one task of a role that asks anything of the server."""
    return ConvergeTask(task_arguments(role, CONVERGE, variables))


@dataclasses.dataclass(frozen=True)
class BaselineTask:
    """The role port_baseline: it looks what the server is, and applies the roles that fit."""

    variables: Json
    _roles: dict[str, ConvergeTask] = dataclasses.field(default_factory=dict)

    def __call__(self, connection: ServerConnection) -> tuple[str, ...]:
        now = connection.clock.now()
        seen = dict(port_info(connection.client(), self._inquiry, now=now).values)
        fitting = task_part("port_baseline", INCLUDE, "loop", {"__port_baseline_seen": seen})
        return tuple(failure for role in fitting for failure in self._role(role)(connection))

    @functools.cached_property
    def _inquiry(self) -> information.PortInfoOptions:
        arguments = task_arguments("port_baseline", INFORM, self.variables)
        checked = validated_options("port_info", information.ARGUMENT_SPEC, arguments)
        return information.port_info_options(checked, None, journal=True)

    def _role(self, role: str) -> ConvergeTask:
        if role not in self._roles:
            given = task_part("port_baseline", INCLUDE, "vars", self.variables)
            self._roles[role] = role_task(role, {**self.variables, **given})
        return self._roles[role]
