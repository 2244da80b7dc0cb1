# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of whole conversations: every request, every answer and every result, in their order.

A program of its own, because Python draws the order of sets of texts once per process (``PYTHONHASHSEED``).
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import hashlib
import itertools
import json
import sys
import typing as t
import uuid
from unittest import mock

from ansible_collections.portkeeper.windows.plugins.filter.port_report import port_report
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import options as information
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import PortInfoReport
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import port_info, server_reboot
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _results as results
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options
from tests.fleet import engine_tasks
from tests.fleet.host_cases import Json
from tests.fleet.killed_runs import DirectTarget
from tests.fleet.role_cases import CASES, STATES, Case
from tests.simulator.direct import DirectServer
from tests.simulator.windows.releases import RELEASES

HOST: t.Final = "server"
SERVER: t.Final[Json] = {
    "roles": ["dns", "domain_controller", "exchange_edge", "ias", "rras", "cluster", "blackberry_router"],
    "broken": "IAS",
    "tcp_clients": 50,
}
"""A server with many services, whose DNS server took a port of one of them."""
NT5: t.Final[Json] = {"max_user_port": 60000, "reserved_ports": ["3343-3343"]}
NT6: t.Final[Json] = {"dynamic_range": "1025-60000"}


class _Record:
    """A conversation in three parts: texts in their order."""

    def __init__(self) -> None:
        self.parts: dict[str, list[str]] = {"requests": [], "answers": [], "results": []}

    def said(self, part: str, text: bytes) -> None:
        self.parts[part].append(text.decode("utf-8", "surrogateescape"))

    def returned(self, result: t.Any) -> None:
        # Keys stay in their order: users see it.
        self.parts["results"].append(json.dumps(result))

    def digests(self) -> dict[str, str]:
        return {part: hashlib.sha256(json.dumps(texts).encode()).hexdigest() for part, texts in self.parts.items()}


@contextlib.contextmanager
def _recorded() -> c.Iterator[_Record]:
    """Record what is said and returned; the ids of messages, shells and enumerations are counted and not drawn."""
    record = _Record()
    answer, numbers = DirectServer.answer, itertools.count()

    def overheard(server: DirectServer, envelope: bytes) -> bytes:
        record.said("requests", envelope)
        said = answer(server, envelope)
        record.said("answers", said)
        return said

    with contextlib.ExitStack() as patches:
        for target, name, instead in (
            (uuid, "uuid4", lambda: uuid.UUID(int=next(numbers))),
            (DirectServer, "answer", overheard),
            (engine_tasks, "carry_out", _kept(server_reboot.carry_out, _outcome, record)),
            (engine_tasks, "port_info", _kept(port_info.port_info, _information, record)),
        ):
            patches.enter_context(mock.patch.object(target, name, instead))
        yield record


_Returned = t.TypeVar("_Returned")


def _kept(
    call: c.Callable[..., _Returned], shape: c.Callable[[_Returned], t.Any], record: _Record
) -> c.Callable[..., _Returned]:
    """The same call, whose result is recorded as the user gets it."""

    def keeping(*arguments: t.Any, **options: t.Any) -> _Returned:
        returned = call(*arguments, **options)
        record.returned(shape(returned))
        return returned

    return keeping


def _outcome(outcome: Outcome) -> t.Any:
    return results.many_results(outcome, host=HOST, check_mode=False, diff=True)


def _information(report: PortInfoReport) -> t.Any:
    """The result and its page."""
    result = {**report.plain(), "warnings": list(report.warnings)}
    return result, port_report({HOST: result})


def role_digests(case: Case) -> dict[str, str]:
    """The role applied, and taken back."""
    with _recorded() as record:
        target = case.target("present")
        for state in STATES:
            failures, _messages = target.done(case.task(state))
            assert failures == (), failures
    return record.digests()


def information_digests(release: str) -> dict[str, str]:
    """Everything that ``port_info`` can tell of a server of this release."""
    server = {"release": release, **SERVER, **(NT5 if RELEASES[release].nt5 else NT6)}
    checked = validated_options("port_info", information.ARGUMENT_SPEC, {"gather_subset": ["all"]})
    inquiry = information.port_info_options(checked, None, journal=True)
    with _recorded() as record, DirectTarget(server).connection() as connection:
        report = port_info.port_info(connection.client(), inquiry, now=connection.clock.now())
        record.returned(_information(report))
    return record.digests()


def all_digests() -> dict[str, dict[str, str]]:
    """Those of every conversation, by its name."""
    roles = {f"role {case.id}": role_digests(case) for case in CASES}
    return {**roles, **{f"port_info {release}": information_digests(release) for release in RELEASES}}


if __name__ == "__main__":
    json.dump(all_digests(), sys.stdout)
