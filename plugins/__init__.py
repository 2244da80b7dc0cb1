# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of this collection is imported by Python's own loader, which keeps byte code.

Ansible loads a plugin's file by it, but what the plugin imports by another loader, which compiles every file anew at
each start: half of the time that these imports take. Python's loader keeps the byte code in ``__pycache__`` beside the
file, or where PYTHONPYCACHEPREFIX says. It writes nothing if PYTHONDONTWRITEBYTECODE is set or the folder is read-only,
and compiles anew what has changed. ``ansible-galaxy collection verify`` passes such files over.
"""

from __future__ import annotations

import collections.abc as c
import functools
import importlib.machinery
import sys
import types


class OwnCode:
    """A finder of modules, as importlib wants it: of those below this package, and of no others."""

    @staticmethod
    def find_spec(
        name: str, path: c.Sequence[str] | None, _target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Where a module is, and how it is loaded; None if this is not known here."""
        if path is None or not name.startswith(f"{__name__}."):
            return None
        found = (_finder(folder).find_spec(name) for folder in path)
        # A folder without __init__.py has no loader; Ansible's own gives those of plugins what Ansible asks of them.
        return next((spec for spec in found if spec and spec.loader), None)


@functools.cache
def _finder(folder: str) -> importlib.machinery.FileFinder:
    return importlib.machinery.FileFinder(
        folder, (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES)
    )


def _comes_from(finder: object) -> bool:
    """True if this finder has imported this file: a finder of Ansible's, whose loader stands beside it."""
    return finder.__class__.__module__ == __spec__.loader.__class__.__module__


# Another one that comes first has its reasons: ansible-test watches imports, for example.
if _comes_from(sys.meta_path[0]):
    sys.meta_path.insert(0, OwnCode)
