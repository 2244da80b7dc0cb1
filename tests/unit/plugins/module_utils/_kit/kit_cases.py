# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kits for simulated servers, one for each release that differs in its mechanisms, and their files as one text.

``make kit-golden`` renews the texts in golden/.
"""

from __future__ import annotations

import codecs
import dataclasses
import pathlib
import tempfile
import typing as t

from ansible_collections.portkeeper.windows.plugins.plugin_utils._offline_kit import ARGUMENT_SPEC, made
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options
from tests.simulator.visit import Visit
from tests.simulator.windows.registry import SERVICES, ValueType

GOLDEN: t.Final = pathlib.Path(__file__).parent / "golden"
SERVER: t.Final = {"roles": ["dns", "ias"], "broken": False, "time_scale": 0.01}
TCPIP: t.Final = f"{SERVICES}\\Tcpip\\Parameters"
RESERVED: t.Final = "ReservedPorts"
CLUSTER: t.Final = ("3343-3343", "1644-1644")
"""What others have entered; the second one touches a wanted port, so that both must become one entry."""
MANUAL: t.Final = {"service_start_mode": {"name": ["IAS"], "start_mode": "manual"}}
RADIUS: t.Final = {"reserved_ports": {"services": ["ias", "l2tp", "autd", "ipsec"]}}
Json = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class KitCase:
    """A server and what its kit is to do."""

    release: str
    resources: tuple[Json, ...]
    reserved: tuple[str, ...] = ()
    """What the value ReservedPorts holds before."""
    restart_dns: bool = False

    def __str__(self) -> str:
        return self.release

    def options(self, folder: pathlib.Path, **others: t.Any) -> Json:
        """The options of the task."""
        given = {
            "directory": str(folder),
            "release": self.release,
            "service_pack": 4,
            "resources": list(self.resources),
            "restart_dns": self.restart_dns,
            **others,
        }
        return validated_options("offline_kit", ARGUMENT_SPEC, given)

    def made(self, folder: pathlib.Path, **others: t.Any) -> dict[str, t.Any]:
        """What the task returns."""
        return made(self.options(folder, **others), "old1", check_mode=False)

    def visit(self, folder: pathlib.Path, **others: t.Any) -> Visit:
        """The server."""
        visit = Visit(folder, {**SERVER, "release": self.release, **others})
        if self.reserved:
            visit.server.machine.registry.set(TCPIP, RESERVED, ValueType.MULTI_SZ, self.reserved)
        return visit

    def kit(self, folder: pathlib.Path, **others: t.Any) -> Visit:
        """The server, looked at, with its whole kit in the folder."""
        visit = self.visit(folder, **others)
        self.made(folder)
        assert visit.run("0-look.cmd").exit_code == 0
        assert self.made(folder)["complete"]
        return visit


CASES: t.Final = (
    KitCase(release="2000", resources=(RADIUS, MANUAL), reserved=CLUSTER),
    KitCase(
        release="2003",
        resources=(
            RADIUS,
            {"dynamic_ports": {"max_user_port": "60000"}},
            {"dns_socket_pool": {"size": "3000"}},
            MANUAL,
        ),
        reserved=CLUSTER,
        restart_dns=True,
    ),
    KitCase(
        release="2008",
        resources=(
            {"service_start_mode": {"name": ["DNS"], "start_mode": "delayed"}},
            {"dynamic_ports": {"start": 51000, "number": 14000}},
        ),
    ),
    KitCase(release="2008r2", resources=({"dns_socket_pool": {"excluded_ports": ["51820", "59999"]}},)),
    KitCase(
        release="2012r2",
        resources=(
            {"dns_socket_pool": {"excluded_ports": ["51820"]}},
            {"reserved_ports": {"ports": ["51820"], "protocol": "udp"}},
            {"service_start_mode": {"name": ["DNS"], "start_mode": "delayed"}},
        ),
        restart_dns=True,
    ),
)


def text_of(folder: pathlib.Path) -> str:
    """The files of a kit as one text, with ends of lines as on the controller."""
    parts = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != "look":
            content = path.read_bytes()
            is_wide = content.startswith(codecs.BOM_UTF16_LE)
            text = content.decode("utf-16" if is_wide else "ascii")
            kind = "UTF-16" if is_wide else "ASCII"
            assert text.count("\n") == text.count("\r\n")
            parts.append(f"===== {name.as_posix()} ({kind}) =====\n{text}".replace("\r\n", "\n"))
    return "\n".join(parts)


def _renew() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            case.kit(pathlib.Path(folder))
            (GOLDEN / f"{case}.txt").write_text(text_of(pathlib.Path(folder)), encoding="ascii")


if __name__ == "__main__":
    _renew()
