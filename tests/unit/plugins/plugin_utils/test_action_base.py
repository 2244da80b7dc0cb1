# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action does before its work: in a worker, it keeps the garbage collector away from what is shared."""

from __future__ import annotations

import gc
import multiprocessing
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import PortkeeperAction


class _Action(PortkeeperAction):
    argument_spec: t.ClassVar[t.Mapping[str, t.Any]] = {}


def _frozen_by_a_run() -> int:
    action: t.Any = object.__new__(_Action)
    action._task = types.SimpleNamespace(async_val=1, action="nothing", delegate_to="edge1")
    assert action.run(None, {})["failed"]
    return gc.get_freeze_count()


def _answer(queue: t.Any) -> None:
    queue.put(_frozen_by_a_run())


def test_a_worker_freezes_what_it_shares_and_no_other_process_does() -> None:
    before = gc.get_freeze_count()
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    worker = fork.Process(target=_answer, args=(queue,))
    worker.start()
    assert queue.get(timeout=60) > 1000
    worker.join()
    assert _frozen_by_a_run() == before
