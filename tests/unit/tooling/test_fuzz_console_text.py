# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short run of the fuzzer (`make fuzz` is the long one), and that it would notice."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text
from tests.tooling.fuzz_console_text import Broken, fuzz, main


@pytest.mark.parametrize("seed", range(3))
def test_spoilt_texts_break_no_rule(seed: int) -> None:
    fuzz(1500, seed)


def test_a_reader_that_makes_up_a_port_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up = (ExclusionBlock(PortRange(1, 2), administered=True),)
    monkeypatch.setattr(console_text, "exclusion_blocks", lambda _raw: made_up)
    with pytest.raises(Broken, match="no row"):
        fuzz(10, 1)
    assert main(["--runs", "10"]) == 1
    assert "seed 1" in capsys.readouterr().err
