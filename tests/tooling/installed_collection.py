# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the collection as a user gets it: `python -m tests.tooling.installed_collection COLLECTIONS_PATH`.

The tarball was installed there. It must hold only files for users, Ansible must find every module and role by its
full name, and every action plugin must be able to import its modules without the checkout.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile

BELONGS = frozenset(
    {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"}
    | {"CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "MAINTAINERS.md", "SECURITY.md"}
    # An execution environment reads both from the installed collection.
    | {"bindep.txt", "requirements.txt"}
    | {"changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles", "tests"}
)

NOT_ITS_OWN_WORDS = ("Traceback", "No module named", "couldn't resolve", "Unexpected failure", "cannot import")


class Installed:
    """The collection under one collections path, seen through Ansible's own programs from an empty folder."""

    def __init__(self, collections_path: pathlib.Path) -> None:
        self.root = collections_path / "ansible_collections" / "portkeeper" / "windows"
        # Without ANSIBLE_CONFIG the settings come from the folder where the program starts, or from the user's home.
        self._environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
        self._environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections_path), "ANSIBLE_NOCOLOR": "1"}

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Names of the files in a folder, without ending, sorted."""
        return sorted(path.stem for path in (self.root / folder).glob(pattern) if path.stem != "__init__")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs in a folder that holds nothing but an empty configuration."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "ansible.cfg").touch()
            environment = self._environment
            return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def strangers(installed: Installed) -> list[str]:
    """Files in the tarball that should not be there."""
    top = [path.name for path in installed.root.iterdir() if path.name not in BELONGS]
    tests = [f"tests/{path.name}" for path in (installed.root / "tests").iterdir() if path.name != "config.yml"]
    return [f"{name} does not belong in the tarball" for name in sorted(top + tests)]


def undocumented(installed: Installed, kind: str, names: list[str]) -> list[str]:
    """Modules or roles that ansible-doc can't show by their full names."""
    wanted = [f"portkeeper.windows.{name}" for name in names]
    answer = installed.run("ansible-doc", "--json", "--type", kind, *wanted)
    shown = json.loads(answer.stdout) if answer.returncode == 0 else {}
    print(f"ansible-doc shows {len(shown)} of {len(wanted)}, type {kind}")
    return [f"no documentation of {kind} {name}: {answer.stderr.strip()}" for name in wanted if not shown.get(name)]


def unloadable(installed: Installed) -> list[str]:
    """Action plugins that fail by anything but their own words: called bare, on localhost, they must refuse."""
    problems = []
    for name in installed.names("plugins/action", "*.py"):
        call = ("ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", f"portkeeper.windows.{name}")
        answer = installed.run(*call)
        said = answer.stdout + answer.stderr
        if any(sign in said for sign in NOT_ITS_OWN_WORDS):
            problems.append(f"the action {name} does not load: {said.strip()}")
    return problems


def main() -> None:
    """Print each problem; the exit code says whether there was one."""
    installed = Installed(pathlib.Path(sys.argv[1]).resolve())
    problems = [
        *strangers(installed),
        *undocumented(installed, "module", installed.names("plugins/modules", "*.py")),
        *undocumented(installed, "role", installed.names("roles")),
        *unloadable(installed),
    ]
    print("\n".join(problems) or "The installed collection is complete.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
