# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task prints of its result, and when it prints nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible import constants

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.converge_options import SAYS
from ansible_collections.portkeeper.windows.plugins.plugin_utils._role_task import say

RESULT: t.Final = {"msg": "Nothing to change.", "notes": ["DNS keeps away.", "Programs can take them."]}
PRINTED: t.Final = {
    "nothing": "",
    "message": "edge1: Nothing to change.\n",
    "notes": "edge1: Nothing to change.\nedge1: DNS keeps away.\nedge1: Programs can take them.\n",
}


@pytest.mark.parametrize("said", SAYS)
def test_what_is_printed(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(RESULT, said, host="edge1")
    assert capsys.readouterr().out == PRINTED[said]


@pytest.mark.parametrize("how", ["failed", "unreachable"])
def test_a_failure_speaks_for_itself(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    say({"msg": "no connection", how: True}, "notes", host="edge1")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("callback", "prints"), [("default", True), ("ansible.posix.jsonl", False), ("json", False)])
def test_what_programs_read_stays_as_it_is(
    callback: str, prints: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants.config, "get_config_value", {"DEFAULT_STDOUT_CALLBACK": callback}.__getitem__)
    say(RESULT, "message", host="edge1")
    assert bool(capsys.readouterr().out) is prints
