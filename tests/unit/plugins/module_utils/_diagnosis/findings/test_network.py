# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The finding about retransmitted segments: what the report of 2010 saw and did, and the drivers of this server."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import NetworkDriver
from tests.unit.plugins.module_utils._diagnosis.findings.servers import BUSY, CARD, DRIVER, TEAM, world

BROADCOM = DRIVER._replace(name="Broadcom NetXtreme", provider="Broadcom")
RENEWED = DRIVER._replace(version="5.0.13.0", date=DRIVER.date and DRIVER.date + datetime.timedelta(7305))


def finding(driver: NetworkDriver) -> dict[str, str]:
    card = CARD._replace(name=driver.name)
    team = TEAM._replace(name="Team 1", service="blfp")
    (row,) = world(segments=BUSY, adapters=(team, card), drivers=(driver,)).value("findings")
    return {
        "cause": row["cause"],
        "fix": row["fix"].replace("\n# ", " "),
        "seen": "; ".join(item["text"] for item in row["evidence"]),
        "summary": row["summary"],
    }


def test_symptoms_bad_checksums_and_the_way_out_are_told() -> None:
    found = finding(DRIVER)
    for words in ("421 4.4.2 Connection dropped", "451 4.4.0", "bad checksum", "SMTP and SMB"):
        assert words in found["cause"]
    assert "Compare both servers of a slow pair" in found["fix"]
    assert "Bad checksums in a capture of a server's own segments prove nothing" in found["fix"]


@pytest.mark.parametrize(("driver", "told"), [(DRIVER, True), (BROADCOM, False)], ids=["HP", "another maker"])
def test_the_step_between_two_versions_is_told_for_adapters_of_hp(driver: NetworkDriver, told: bool) -> None:
    fix = finding(driver)["fix"]
    assert ("HP Virtual Bus Device" in fix) is told
    assert ("4.6.16.0 before 5.0.13.0" in fix) is told


def test_a_driver_that_is_not_old_is_told_too_so_that_it_can_be_compared() -> None:
    found = finding(RENEWED)
    assert "HP NC373i has driver 5.0.13.0 of" in found["seen"]
    assert "5.0.13.0" not in found["summary"]
