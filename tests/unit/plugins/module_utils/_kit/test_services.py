# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services as a look tells of them, held against the simulated service manager."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._kit.look import Look, names
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import kit_release
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.services import State, states_of
from tests.unit.plugins.module_utils._kit.kit_cases import RADIUS, KitCase

CUT_SHORT = b"SERVICE_NAME: A\r\nDISPLAY_NAME: 5  TEXT\r\n        TYPE               : 10  WIN32_OWN_PROCESS\r\n"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("release", ["2000", "2003", "2022"])
def test_services_are_those_of_the_service_manager(release: str, language: str, tmp_path: pathlib.Path) -> None:
    case = KitCase(release=release, resources=(RADIUS,))
    visit = case.visit(tmp_path, language=language)
    dns = visit.server.machine.registry
    case.made(tmp_path)
    visit.run("0-look.cmd")
    kit = kit_release(release)
    look = Look({name: (tmp_path / "look" / name).read_bytes() for name in names(kit)}, kit)
    services = visit.server.session.services.values()
    expected = {service.config.name: service for service in services if not service.config.is_driver}
    assert dns is not None
    assert {service.name for service in look.services} == set(expected)
    for service in look.services:
        one = expected[service.name]
        assert (service.state, service.display_name) == (one.state, one.config.display_name)
        assert service.process_id == (one.pid if kit.has_sc else 0)


def test_what_sc_does_not_tell_has_no_state() -> None:
    assert states_of(CUT_SHORT) == {}
    whole = CUT_SHORT + b"        STATE : 4  RUNNING\r\n  (X)\r\n  E : 0  (0x0)\r\n  S : 7  (0x7)\r\n  PID : 12\r\n"
    assert states_of(whole) == {"a": State("Running", 12, 0, 7)}
