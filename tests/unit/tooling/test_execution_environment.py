# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: ansible-builder takes its definition and finds what the collection asks for."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.tooling import matrix
from tests.tooling.sources import ROOT

DEFINITION = ROOT / "docs" / "execution-environment.yml"
BUILDER = str(pathlib.Path(sys.executable).with_name("ansible-builder"))


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder that a container engine would build from."""
    folder = tmp_path_factory.mktemp("environment")
    shutil.copy(DEFINITION, folder)
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    (folder / f"portkeeper-windows-{version}.tar.gz").touch()
    command = [BUILDER, "create", "--file", DEFINITION.name]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return folder / "context"


def _asked_for(context: pathlib.Path, kind: str) -> str:
    """What the image gets of one kind, of the collection and of the definition."""
    written = context / f"all-{kind}.txt"
    name = {"pip": "requirements.txt", "bindep": "bindep.txt"}[kind]
    own = [f"--user-{kind}={context / '_build' / name}", f"--write-{kind}={written}"]
    command = [BUILDER, "introspect", str(ROOT / "build" / "collections"), *own]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return written.read_text(encoding="utf-8")


def test_the_image_gets_the_collection(context: pathlib.Path) -> None:
    [collection] = yaml.safe_load((context / "_build/requirements.yml").read_text(encoding="utf-8"))["collections"]
    assert (context / "_build" / collection["name"]).is_file()


def test_the_image_gets_the_packages_of_both_connection_plugins(context: pathlib.Path) -> None:
    asked = _asked_for(context, "pip").replace(" ", "")
    lowest = matrix.pins("lowest.txt")
    for package in ("pywinrm", "jmespath"):
        assert re.search(rf"^{package}>={re.escape(lowest[package])}\b", asked, re.MULTILINE), asked
    for package in ("pywinrm", "pypsrp"):
        assert re.search(rf"^{package}\[kerberos,credssp\]>={re.escape(lowest[package])}\b", asked, re.MULTILINE), asked
    assert re.search("^PySocks", asked, re.MULTILINE)


def test_the_image_gets_what_kerberos_takes(context: pathlib.Path) -> None:
    asked = set(re.findall(r"^(\S+) \[.*platform:rpm", _asked_for(context, "bindep"), re.MULTILINE))
    assert {"krb5-workstation", "gcc", "krb5-devel", "python3-devel", "python3.12-devel"} <= asked
