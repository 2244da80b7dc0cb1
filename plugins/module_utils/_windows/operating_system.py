# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release, the clock and the last boot, through WMI's Win32_OperatingSystem."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import OperatingSystem
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client

NAMESPACE: t.Final = "root/cimv2"
CLASS: t.Final = "Win32_OperatingSystem"

Property = t.TypeVar("Property")


def read_operating_system(client: Client) -> OperatingSystem:
    """Ask for the one instance: 1 request, and no selector since the class is a singleton.

    Raises:
        AnswerError: a property that every Windows has is missing.
    """
    instance = client.get(NAMESPACE, CLASS)

    def present(name: str, value: Property | None) -> Property:
        if value is None:
            meaning = f"WMI's answer has no {name}"
            raise AnswerError(host=client.host, operation="read", target=CLASS, meaning=meaning)
        return value

    return OperatingSystem(
        version=present("Version", instance.text("Version")),
        caption=(instance.text("Caption") or "").strip(),
        product_type=present("ProductType", instance.integer("ProductType")),
        local_time=present("LocalDateTime", instance.moment("LocalDateTime")),
        boot_time=present("LastBootUpTime", instance.moment("LastBootUpTime")),
    )
