# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh server for each test of the windows layer."""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._windows.given_server import GivenClient


@pytest.fixture
def client() -> GivenClient:
    return GivenClient()
