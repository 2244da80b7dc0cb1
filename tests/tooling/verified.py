# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of real servers in ``verified/``: checked, and told in the tables of docs/verified.md.

``make verified`` runs this. A file that is damaged, or that no real server wrote, is refused with a sentence, and the
exit code is 1.
"""

from __future__ import annotations

import collections.abc as c
import json
import pathlib
import re
import sys
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import UnknownRelease, release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Seen, Server
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.results import (
    SCHEMA,
    Document,
    base_name,
    content_hash,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from tests.tooling.sources import ROOT

FOLDER: t.Final = ROOT / "verified"
_BY_ID: t.Final = {probe.id: probe for probe in PROBES}
_ROW: t.Final = frozenset({"verdict", "seen", "expected", "settles", "why"})
_WINDOWS: t.Final = {"release": str, "version": str, "product_type": int, "language": int, "winrm": str}


class Refused(Exception):
    """A file is not what it should be; the text says which and why."""


def read(path: pathlib.Path) -> Document:
    """One file; raises Refused."""
    try:
        found = json.loads(path.read_text(encoding="ascii"))
    except ValueError as error:
        raise Refused(f"{path.name} is no JSON in ASCII") from error
    problem = _problem(path, found)
    if problem:
        raise Refused(f"{path.name} {problem}")
    return t.cast("Document", found)


def _problem(path: pathlib.Path, found: t.Any) -> str:
    """Why a document is refused; empty if it is not."""
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        return f"has not the schema {SCHEMA}"
    if found.get("target") != "real":
        return f"has the answers of a target that is {found.get('target')!r}; only those of real servers count"
    if found.get("hash") != content_hash(found):
        return "was changed after it was written: its hash is not that of its content"
    rows = found.get("probes")
    has_rows = isinstance(rows, dict) and all(isinstance(row, dict) and row.keys() >= _ROW for row in rows.values())
    if not has_rows or not _is_server(found.get("windows")):
        return "does not tell the server, or has no probes"
    return "" if path.stem == base_name(found) else f"should be called {base_name(found)}.json"


def _is_server(windows: t.Any) -> bool:
    if not isinstance(windows, dict) or {name: type(value) for name, value in windows.items()} != _WINDOWS:
        return False
    plain = re.fullmatch(r"[a-z0-9-]+ [0-9.]+", f"{windows['release']} {windows['version']}") is not None
    try:
        release_of(windows["version"], windows["product_type"])
    except UnknownRelease:
        return False
    return plain


def documents(folder: pathlib.Path = FOLDER) -> list[Document]:
    """All of them, in the order of their names; raises Refused."""
    return [read(path) for path in sorted(folder.glob("*.json"))]


def build_of(found: Document) -> str:
    """The build as tables name it: ``2019 (17763)``."""
    windows = found["windows"]
    return f"{windows['release']} ({str(windows['version']).rpartition('.')[2]})"


def answers(found: Document) -> dict[str, Seen]:
    """What was seen, by probe; without those that could not tell, and those that are no probes any more."""
    rows = {name: row for name, row in found["probes"].items() if name in _BY_ID and row["verdict"] != "cant_tell"}
    return {name: row["seen"] for name, row in rows.items()}


def contradictions(found: Document) -> list[str]:
    """The answers that differ from what the code expects today, as sentences."""
    windows = found["windows"]
    release = release_of(windows["version"], windows["product_type"])
    server = Server(release, windows["product_type"], windows["language"], windows["winrm"])
    expected = {name: _BY_ID[name].expected(server) for name in answers(found)}
    return [
        f"{build_of(found)}: {name} saw {seen!r}, expected is {expected[name]!r}"
        for name, seen in answers(found).items()
        if isinstance(seen, bool) != isinstance(expected[name], bool) or seen != expected[name]
    ]


def seen_on(assumption: str, found: c.Sequence[Document]) -> str:
    """The builds on which an assumption was seen to hold, and those on which not; for a cell of a table."""
    probes = {probe.id for probe in PROBES if assumption in (probe.settles, probe.contested)}
    holds: dict[str, None] = {}
    fails: dict[str, None] = {}
    for one in found:
        wrong = {re.split(": | saw", sentence)[1] for sentence in contradictions(one)}
        for name in probes & set(answers(one)):
            (fails if name in wrong else holds)[build_of(one)] = None
    told = ", ".join(holds)
    against = f"not on {', '.join(fails)}" if fails else ""
    return "; ".join(filter(None, (told, against))) or "nowhere yet"


def main() -> int:
    """Check all files, and say what they contradict."""
    try:
        found = documents()
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    against = [sentence for one in found for sentence in contradictions(one)]
    print(f"{len(found)} sets of answers of real servers", *against, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
