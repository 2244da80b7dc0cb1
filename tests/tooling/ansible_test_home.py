# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a home directory of its own for ansible-test: `python ansible_test_home.py DIRECTORY`.

ansible-test keeps its virtual environments and its pip bootstrap script under the home directory, and passes almost
none of the caller's environment on. A home inside build/ leaves the user's own untouched and makes every run start from
the same state; only pip's settings of this machine must be copied.

The bootstrap script is the one thing that ansible-test downloads from elsewhere than the package index. If that site
is out of reach, no sanity test could run; so the cache is filled with a stand-in that takes pip from the standard
library.
"""

from __future__ import annotations

import ast
import configparser
import pathlib
import re
import subprocess
import sys

import ansible_test._internal.python_requirements as ansible_test_requirements

STAND_IN = '''\
"""Bootstrap pip by the standard library, then bring the pinned packages from the package index."""
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
packages = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install"] + packages))
'''


def bootstrap_versions() -> set[str]:
    """The pip versions that the installed ansible-test pins; they are part of its cache's file names."""
    source = pathlib.Path(ansible_test_requirements.__file__).read_text(encoding="utf-8")
    versions = set(re.findall(r"""['"]?pip['"]?\s*[:=]\s*['"]([\d.]+)['"]""", source))
    if not versions:
        raise SystemExit("ansible-test's python_requirements.py pins no pip version: this script needs an update.")
    return versions


def fill_cache(home: pathlib.Path) -> None:
    """Put the stand-in where ansible-test looks before it downloads."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in bootstrap_versions():
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(STAND_IN, encoding="utf-8")


def pip_settings() -> configparser.RawConfigParser:
    """pip's settings on this machine, from its files and from PIP_* variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    settings = configparser.RawConfigParser()
    settings.add_section("global")
    # Each line is SECTION.KEY='VALUE', with :env: as the section of variables.
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        name, _equals, value = line.partition("=")
        section, _dot, key = name.rpartition(".")
        section = "global" if section == ":env:" else section
        if not settings.has_section(section):
            settings.add_section(section)
        settings.set(section, key, ast.literal_eval(value))
    # Ten small installations would hide the results of the tests.
    settings.set("global", "quiet", "2")
    return settings


def copy_pip_settings(home: pathlib.Path) -> None:
    """Write pip's present settings as the new home's user configuration."""
    target = home / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as stream:
        pip_settings().write(stream)


def main() -> None:
    """Fill the directory named on the command line; running it again changes nothing."""
    home = pathlib.Path(sys.argv[1])
    fill_cache(home)
    copy_pip_settings(home)


if __name__ == "__main__":
    main()
