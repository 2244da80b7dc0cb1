# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries that a transport can stand on."""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._wsman import transports


@pytest.fixture(params=sorted(transports.LIBRARIES))
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs over each library; ``transports.over`` and what is beside it take the present one."""
    monkeypatch.setattr(transports, "present", transports.LIBRARIES[request.param])
    return str(request.param)
