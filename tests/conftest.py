# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For all tests: none of them fails because a machine is slow, and none asks a Kerberos realm of this machine."""

from __future__ import annotations

import os

import hypothesis

os.environ["KRB5_CONFIG"] = os.devnull
"""Debian's own names the realm of MIT, which every negotiation with a password would ask, over the network."""

hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")
