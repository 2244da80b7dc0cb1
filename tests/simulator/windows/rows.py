# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form of a service's row in the tables, with short ways to write the usual kinds."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.releases import Language
from tests.simulator.windows.services import SHARE_PROCESS, Start

DRIVER: t.Final = 1
NETWORK: t.Final = "NT AUTHORITY\\NetworkService"
LOCAL: t.Final = "NT AUTHORITY\\LocalService"
SYSTEM: t.Final = "LocalSystem"

Era: t.TypeAlias = t.Literal["all", "nt5", "nt6"]


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service or driver; ``image`` has ``{system32}`` for that directory; ``german`` is "" if it is the same."""

    name: str
    english: str
    german: str = ""
    image: str = ""
    account: str = SYSTEM
    start: Start = Start.AUTO
    delayed: bool = False
    type: int = SHARE_PROCESS
    group: str = ""
    needs: tuple[str, ...] = ()
    era: Era = "all"

    def display_name(self, language: Language) -> str:
        """Return the display name in the server's language."""
        return self.german if language == "de" and self.german else self.english


def driver(name: str, english: str, *, group: str, needs: tuple[str, ...] = (), era: Era = "all") -> ServiceRow:
    """Return the row of a driver that the kernel loads."""
    return ServiceRow(
        name,
        english,
        image=f"{{system32}}\\drivers\\{name.lower()}.sys",
        start=Start.SYSTEM,
        type=DRIVER,
        group=group,
        needs=needs,
        era=era,
    )


def hosted(name: str, english: str, german: str = "", *, host: str = "netsvcs", **rest: t.Any) -> ServiceRow:
    """Return the row of a service inside svchost.exe; ``rest`` are further fields."""
    return ServiceRow(name, english, german, image=f"{{system32}}\\svchost.exe -k {host}", **rest)
