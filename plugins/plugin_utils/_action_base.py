# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action base: validate, connect, work. An action only says what it works on."""

from __future__ import annotations

import gc
import multiprocessing
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Resource
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import risks
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.engine import run
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils._connection import (
    open_client,
    server_port,
    weaknesses,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._results import (
    many_results,
    single_result,
    with_rights,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils._shared_options import (
    SHARED_SPEC,
    SharedOptions,
    shared_options,
    without_shared,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_defaults import refuse_accepted_by_default
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options

Arguments = t.Mapping[str, t.Any]


class PortkeeperAction(ActionBase):
    """One action of this collection; a subclass gives ``argument_spec`` and ``perform``."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    argument_spec: t.ClassVar[Arguments]
    """The module's own options; those that all modules share are added."""
    host: str
    """As the inventory calls it."""
    shared: SharedOptions

    def __init_subclass__(cls, **options: t.Any) -> None:
        super().__init_subclass__(**options)
        if "argument_spec" in cls.__dict__:
            cls.argument_spec = {**cls.argument_spec, **SHARED_SPEC}

    def perform(self, client: Client, arguments: Arguments, variables: Arguments) -> Result:
        """Do the work over one client; may raise PlanError, OptionError, WindowsError and WsmanError."""
        raise NotImplementedError

    def given_options(self, variables: Arguments) -> Arguments:
        """The options before their types are checked; may raise OptionError."""
        del variables  # for an action whose options come from a role too
        return t.cast(Arguments, self._task.args)

    def prepare(self, arguments: Arguments) -> None:
        """Check options beyond their types; raises OptionError before anything is sent."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Validate in every mode, then connect and work; returns failures too, see ``failures``."""
        _spare_what_is_shared()
        name = self._task.delegate_to or (task_vars or {}).get("inventory_hostname")
        self.host = str(name or self._play_context.remote_addr)
        return result_of(lambda: self._performed(tmp, task_vars), host=self.host, action=str(self._task.action))

    def _performed(self, tmp: str | None, task_vars: dict[str, t.Any] | None) -> Result:
        self._refuse_async()
        refuse_accepted_by_default(self._task, self._templar)
        super().run(tmp, task_vars)
        variables = task_vars or {}
        given = validated_options(str(self._task.action), self.argument_spec, self.given_options(variables))
        self.shared = shared_options(given, variables)
        arguments = without_shared(given)
        self.prepare(arguments)
        with open_client(self._connection, self.host, self.shared.patience) as client:
            result = self.perform(client, arguments, variables)
        result.setdefault("warnings", []).extend([*self._ignored_keywords(), *weaknesses(self._connection)])
        return result

    @property
    def check_mode(self) -> bool:
        """True if the task only plans."""
        return bool(self._task.check_mode)

    @property
    def diff_mode(self) -> bool:
        """True if the user wants a diff."""
        return bool(self._task.diff)

    def _refuse_async(self) -> None:
        if self._task.async_val:
            raise AnsibleActionFail(
                f"{self._task.action} works from the controller and can't run in the background: remove async from "
                "this task. Nothing was sent to the server."
            )

    def _ignored_keywords(self) -> list[str]:
        """One warning for keywords that mean something only to programs that run on the target."""
        given = [
            name
            for name, is_set in (("become", self._task.become), ("environment", any(self._task.environment or [])))
            if is_set
        ]
        if not given:
            return []
        warning = (
            f"{' and '.join(given)} means nothing to {self._task.action}: it works from the controller, with the "
            "rights of the connection's user."
        )
        return [warning]


def _spare_what_is_shared() -> None:
    """Keep the garbage collector of a worker away from all that there is by now.

    A worker is a fork of Ansible for one task. A full collection would look at every object that the two share, and so
    copy most of Ansible's memory: it takes longer than the task, and some of the workers come to it.
    """
    if multiprocessing.parent_process() is not None:
        gc.freeze()


class EngineAction(PortkeeperAction):
    """An action that runs the engine; a subclass says what is requested and how the outcome is shown."""

    def request(self, arguments: Arguments, *, journal: bool) -> Request:
        """The typed request; raises OptionError."""
        raise NotImplementedError

    def prepare(self, arguments: Arguments) -> None:
        """Check every rule that needs no server."""
        self._request = self.request(arguments, journal=self.shared.journal)

    def perform(self, client: Client, _arguments: Arguments, _variables: Arguments) -> Result:
        """Run the engine."""
        request = self._request._replace(own_port=server_port(self._connection))
        outcome = self.reached(client, request)
        result = self.shown(outcome, host=self.host, check_mode=self.check_mode, diff=self.diff_mode)
        return with_rights(result, outcome, client) if self.check_mode else result

    def reached(self, client: Client, request: Request) -> Outcome:
        """Reach what is requested, which is no reboot; raises what ``perform`` does."""
        return run(client, request, check_mode=self.check_mode, clock=Clock())

    shown = staticmethod(many_results)


class ResourceAction(EngineAction):
    """The action of one resource."""

    resource: t.ClassVar[Resource]

    def request(self, arguments: Arguments, *, journal: bool) -> Request:
        """This resource alone."""
        item = Item(self.resource, self.resource.options(arguments))
        return Request(
            items=(item,),
            restart_dns=self.resource.restarts_dns(item.options),
            journal=journal,
            accepted_risks=risks.accepted_risks(arguments),
        )

    shown = staticmethod(single_result)


def task_arguments(resource: Resource) -> Arguments:
    """The argument specification of a task for this resource alone."""
    return {**resource.argument_spec, **risks.ARGUMENT}
