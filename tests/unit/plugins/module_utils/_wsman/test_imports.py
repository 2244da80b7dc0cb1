# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer imports without its third-party libraries, and then says which one is missing."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client as wsman_client

PACKAGE = pathlib.Path(wsman_client.__file__).parent
PROGRAM = """
import importlib, sys
for name in ("requests", "urllib3", "winrm", "spnego", "xmltodict"):
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module("ansible_collections.portkeeper.windows.plugins.module_utils._wsman." + name)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.winrm_transport import IMPORT_ERROR
print(type(IMPORT_ERROR).__name__, IMPORT_ERROR)
"""


def test_imports_without_libraries() -> None:
    names = sorted(path.stem for path in PACKAGE.glob("[a-z]*.py"))
    assert "bounded_http" in names
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env={"PYTHONPATH": str(PACKAGE.parents[5])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("ModuleNotFoundError No module named 'requests")
