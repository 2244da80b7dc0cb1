# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a verification: one JSON document for machines, and one page for people. Both say the same.

The document has no name, address, account or time in it, so that it can be given to anybody, and so that two runs that
see the same are the same document.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.masking import masked
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Grade, Result, Verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Server

SCHEMA: t.Final = 1
"""Of the document; a reader refuses what it does not know."""
Target = t.Literal["real", "simulated", "unconfirmed"]
"""Whose answers these are: of a server that its user calls real, of the simulator, or neither is known."""
Document = t.Mapping[str, t.Any]

_TITLES: t.Final[t.Mapping[Verdict, str]] = {
    "otherwise": "Otherwise than expected",
    "as_expected": "As expected",
    "cant_tell": "Can't tell",
}
_TARGETS: t.Final[t.Mapping[Target, str]] = {
    "real": "a real server, as its user says",
    "simulated": "the simulator of the project: it proves nothing about Windows",
    "unconfirmed": "a server that nobody has called real: run again with verify_real=true if it is",
}


def document(results: t.Sequence[Result], server: Server, *, target: Target, grade: Grade) -> Document:
    """The document, with the hash of all that stands in it."""
    release = server.release
    content: dict[str, t.Any] = {
        "schema": SCHEMA,
        "target": target,
        "grade": grade,
        "windows": {
            "release": short_name(release.name),
            "version": release.version,
            "product_type": server.product_type,
            "language": server.language,
            "winrm": server.stack,
        },
        "probes": {result.probe.id: row(result) for result in results},
    }
    return {**content, "hash": content_hash(content)}


def row(result: Result) -> dict[str, t.Any]:
    """What one probe saw, masked."""
    found = {"verdict": result.verdict, "seen": masked(result.seen), "expected": result.expected}
    return {**found, "settles": result.probe.settles, "why": result.why}


def content_hash(content: Document) -> str:
    """The hash of everything but the hash itself, in hexadecimal digits."""
    rest = {name: value for name, value in content.items() if name != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def short_name(release: str) -> str:
    """``2008-r2-sp1`` for ``Windows Server 2008 R2 SP1``, as a part of a file's name."""
    name = release.removeprefix("Windows Server ").casefold()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def base_name(found: Document) -> str:
    """The name of both files, without their ends: release, build, language and hash."""
    windows = found["windows"]
    build = str(windows["version"]).rpartition(".")[2]
    return f"{windows['release']}-{build}-{windows['language']}-{found['hash'][:12]}"


def json_text(found: Document) -> str:
    """The document as the file holds it."""
    return json.dumps(found, indent=1, ensure_ascii=True) + "\n"


def counts(results: t.Iterable[Result]) -> dict[str, int]:
    """How many probes came to each verdict."""
    verdicts = [result.verdict for result in results]
    return {verdict: verdicts.count(verdict) for verdict in _TITLES}


def page(found: Document, results: t.Sequence[Result]) -> str:
    """The page for people, in Markdown."""
    windows = found["windows"]
    whose = f"The answers of {_TARGETS[found['target']]}. "
    where = f"Language {windows['language']}, WinRM {windows['winrm']}, grade {found['grade']}."
    told = ", ".join(f"{count} {_TITLES[verdict].casefold()}" for verdict, count in _counted(results))
    head = [f"# Windows Server {windows['release']}, build {windows['version']}", "", whose + where, "", f"{told}.", ""]
    return "\n".join([*head, *(line for verdict in _TITLES for line in _section(verdict, results))]).rstrip() + "\n"


def _counted(results: t.Sequence[Result]) -> t.Iterator[tuple[Verdict, int]]:
    for verdict in _TITLES:
        yield verdict, sum(1 for result in results if result.verdict == verdict)


def _section(verdict: Verdict, results: t.Sequence[Result]) -> list[str]:
    chosen = [result for result in results if result.verdict == verdict]
    if not chosen:
        return []
    head = ("Question", "Why" if verdict == "cant_tell" else "Seen", "Expected", "Tag")
    rows = [head, ("---",) * len(head), *((one.probe.asks, _told(one), one.expected, one.probe.tag) for one in chosen)]
    lines = [f"| {' | '.join(map(_cell, cells))} |" for cells in rows]
    return [f"## {_TITLES[verdict]}", "", *lines, ""]


def _told(result: Result) -> object:
    return result.why if result.verdict == "cant_tell" else masked(result.seen)


def _cell(value: object) -> str:
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return text.replace("|", r"\|")
