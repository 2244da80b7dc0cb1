# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the wire's tests."""

from __future__ import annotations

import collections.abc as c
import contextlib
import pathlib
import typing as t

import pytest

from tests.simulator.wire.host import WireSettings
from tests.unit.simulator_wire.bench import Bench, Serve, serving
from tests.unit.simulator_wire.stub import StubServer


@pytest.fixture
def serve(tmp_path: pathlib.Path) -> c.Iterator[Serve]:
    """Give a function that serves a stub: ``serve(StubServer("2003"), allow_unencrypted=True)``."""
    with contextlib.ExitStack() as stack:

        def start(stub: StubServer | None = None, **settings: t.Any) -> Bench:
            wire = WireSettings(**{"allow_unencrypted": True, **settings})
            return stack.enter_context(serving(stub or StubServer(), wire, tmp_path))

        yield start
