# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``server_reboot`` between Ansible and Windows: a client that gives up soon, and the result for the user."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.reboot import Reboot
from ansible_collections.portkeeper.windows.plugins.module_utils.windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils.windows.power import Report, reboot
from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.transport import WinrmTransport

READ_TIMEOUT: t.Final = 10.0
"""Seconds for a connection, and for each read: a server that is down may not even refuse."""
DEADLINE: t.Final = 20.0
"""Seconds for one whole look, with its authentication."""


def perform(
    client: Client,
    connection: t.Any,
    wanted: Reboot,
    *,
    with_journal: bool,
    check_mode: bool,
    diff: bool,
) -> dict[str, t.Any]:
    """Reboot over the client's connection and give the result; raises PlanError, WindowsError and WsmanError."""
    with impatient_client(connection.protocol, client.host) as probe:
        report = reboot(client, probe, wanted, with_journal=with_journal, check_mode=check_mode, clock=Clock())
    return result(report, host=client.host, diff=diff)


@contextlib.contextmanager
def impatient_client(protocol: t.Any, host: str) -> t.Iterator[Client]:
    """A client over the same session for looks at a server that may be down.

    The session's own timeouts are for work, and each look at a silent server would take as long as they say. A look
    begins with ``reset()``, so that the next session is built with these limits; the timeout itself is only lowered
    while a message of this client is under way.
    """
    transport = _ImpatientTransport(protocol, host=host, deadline=DEADLINE)
    yield Client(transport, operation_timeout=READ_TIMEOUT - 1)
    transport.reset()


class _ImpatientTransport(WinrmTransport):
    """Messages with a read timeout of their own."""

    def send(self, envelope: bytes) -> bytes:
        patient, self._transport.read_timeout_sec = self._transport.read_timeout_sec, READ_TIMEOUT
        try:
            return super().send(envelope)
        finally:
            self._transport.read_timeout_sec = patient


def result(report: Report, *, host: str, diff: bool) -> dict[str, t.Any]:
    """What the user gets."""
    waiting = list(report.settled)
    before = {"uptime": round(report.uptime_before), "waiting_for_reboot": waiting}
    after = {"uptime": round(report.uptime or 0), "waiting_for_reboot": []}
    unsettled = bool(waiting) and not report.rebooted
    returned: dict[str, t.Any] = {
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
