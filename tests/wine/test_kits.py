# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registration files of kits in Wine's registry: an implementation that is not ours reads them and writes its own.

What Wine lacks is left to the simulator: `regedit /a`, and services.
"""

from __future__ import annotations

import collections.abc as c
import os
import pathlib
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._kit.reg_files import Keys, RawValue, read
from tests.unit.plugins.module_utils._kit.kit_cases import CASES, KitCase

pytestmark = pytest.mark.skipif(shutil.which("wine") is None, reason="Wine is not installed (Debian's package wine)")

ROOT: t.Final = r"HKLM\SYSTEM\CurrentControlSet\Services"
SECONDS: t.Final = 300
"""For one program; the first one makes Wine's folder."""
WITH_FILES: t.Final = [case for case in CASES if case.release != "2008"]


class Wine:
    """Wine's registry in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._environment = {**os.environ, "WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all", "DISPLAY": ""}

    def run(self, *arguments: str) -> int:
        """The exit code of one program."""
        command = ["wine", *arguments]
        output = subprocess.DEVNULL
        done = subprocess.run(
            command, env=self._environment, cwd=self.folder, stdout=output, stderr=output, check=False, timeout=SECONDS
        )
        return done.returncode

    def takes(self, file: pathlib.Path) -> None:
        """Import a registration file."""
        assert self.run("reg", "import", f"Z:{file}") == 0

    def keys(self) -> Keys:
        """The keys of services as Wine exports them."""
        target = self.folder / "exported.reg"
        target.unlink(missing_ok=True)
        assert self.run("reg", "export", ROOT, f"Z:{target}") == 0
        return read(target.read_bytes())

    def value(self, key: str, name: str) -> RawValue | None:
        """A value byte for byte."""
        found = self.keys().get(key.casefold())
        return found.values.get(name.casefold()) if found else None

    def end(self) -> None:
        """End Wine's own server, which would wait for more programs."""
        subprocess.run(["wineserver", "-k"], env=self._environment, check=False, timeout=SECONDS)


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[Wine]:
    """One for all tests, since making it takes half a minute."""
    wine = Wine(tmp_path_factory.mktemp("wine"))
    assert wine.run("wineboot", "-i") == 0
    yield wine
    wine.end()


@pytest.mark.parametrize("case", WITH_FILES, ids=str)
def test_what_is_applied_is_taken_back_byte_for_byte(wine: Wine, case: KitCase, tmp_path: pathlib.Path) -> None:
    case.kit(tmp_path)
    seen = read((tmp_path / "look" / "services.reg").read_bytes())
    files = sorted((tmp_path / "parts").glob("apply-*.reg"))
    assert files
    for file in files:
        undo = file.with_name(file.name.replace("apply", "undo"))
        path, key = next(iter(read(file.read_bytes()).items()))
        name = next(iter(key.values))
        before = seen[path].values.get(name)
        wine.takes(undo)
        assert wine.value(path, name) == before
        wine.takes(file)
        assert wine.value(path, name) == key.values[name]
        wine.takes(undo)
        assert wine.value(path, name) == before


def test_an_export_of_wine_is_read_whole_and_taken_back(wine: Wine) -> None:
    key = rf"{ROOT}\Kit Test"
    values = {"List": ("REG_MULTI_SZ", r"1645-1646\01812-1813\03343-3343"), "Port": ("REG_DWORD", "60000")}
    for name, (kind, data) in {**values, 'A "q" \\ name': ("REG_SZ", r"C:\x")}.items():
        assert wine.run("reg", "add", key, "/v", name, "/t", kind, "/d", data, "/f") == 0
    found = wine.keys()[r"system\currentcontrolset\services\kit test"]
    assert {value.name: value.value.data for value in found.values.values()} == {
        "List": ("1645-1646", "1812-1813", "3343-3343"),
        "Port": 60000,
        'A "q" \\ name': r"C:\x",
    }
