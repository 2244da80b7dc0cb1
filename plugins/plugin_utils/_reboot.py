# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``server_reboot`` between Ansible and Windows: a client that gives up soon, and the result for the user."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import options
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.power import Report, reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.transport import WinrmTransport
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import (
    Arguments,
    PortkeeperAction,
    journal_is_on,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result

READ_TIMEOUT: t.Final = 10.0
"""Seconds for a connection, and for each read: a server that is down may not even refuse."""
DEADLINE: t.Final = 20.0
"""Seconds for one whole look, with its authentication."""


class RebootAction(PortkeeperAction):
    """The action that reboots a server; a subclass gives ``argument_spec``."""

    def prepare(self, arguments: Arguments, variables: Arguments) -> None:
        """Check the options' own rules."""
        self._wanted = options(arguments)
        self._with_journal = journal_is_on(variables)

    def perform(self, client: Client, _arguments: Arguments, _variables: Arguments) -> Result:
        """Ask for the reboot and wait for it, or in check mode only look."""
        with impatience(self._connection, client.host) as impatient_client:
            report = reboot(
                client,
                impatient_client,
                self._wanted,
                with_journal=self._with_journal,
                check_mode=self.check_mode,
                clock=Clock(),
            )
        return result(report, host=self.host, diff=self.diff_mode)


@contextlib.contextmanager
def impatience(connection: t.Any, host: str) -> t.Iterator[t.Callable[[], Client]]:
    """Give what makes a client over an open connection, for looks at a server that may be down.

    The session's own timeouts are for work, and each look at a silent server would take as long as they say. To be made
    when the first client has done its work, so that both share what guards the session; at the end all is as it was.
    """
    session = connection.protocol.transport
    original = session.setup_encryption

    def impatient_client() -> Client:
        transport = _ImpatientTransport(connection.protocol, host=host, deadline=DEADLINE)
        return Client(transport, operation_timeout=READ_TIMEOUT - 1)

    try:
        yield impatient_client
    finally:
        session.setup_encryption = original


class _ImpatientTransport(WinrmTransport):
    """Messages with a read timeout of their own."""

    def send(self, envelope: bytes) -> bytes:
        patient, self._transport.read_timeout_sec = self._transport.read_timeout_sec, READ_TIMEOUT
        try:
            return super().send(envelope)
        finally:
            self._transport.read_timeout_sec = patient


def result(report: Report, *, host: str, diff: bool) -> Result:
    """What the user gets."""
    waiting = list(report.settled)
    before = {"uptime": round(report.uptime_before), "waiting_for_reboot": waiting}
    after = {"uptime": round(report.uptime or 0), "waiting_for_reboot": []}
    unsettled = bool(waiting) and not report.rebooted
    returned: Result = {
        "changed": True,
        "rebooted": report.rebooted,
        "elapsed": round(report.elapsed, 1),
        "msg": _sentence(report),
        "release": report.release,
        "before": before,
        "after": after,
        "effective": "no" if unsettled else "yes",
        "reasons": [f"{', '.join(waiting)} waits for this reboot."] if unsettled else [],
        "reboot_required": unsettled,
        "restart_required": False,
        "services": dict(report.services),
        "warnings": list(report.warnings),
    }
    if report.method:
        returned["method"] = report.method
    if diff:
        returned["diff"] = {"before_header": host, "after_header": host, "before": before, "after": after}
    return returned


def _sentence(report: Report) -> str:
    settled = f" In force since then: {', '.join(report.settled)}." if report.settled and report.rebooted else ""
    if not report.rebooted:
        waiting = f" {', '.join(report.settled)} waits for it." if report.settled else ""
        return f"The server would be rebooted.{waiting}"
    return f"The server was rebooted and was back after {report.elapsed:.0f} seconds.{settled}"
