# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sides that are compared: our role, and three ways to do its job with the peer, ansible.windows."""

from __future__ import annotations

import functools
import json
import pathlib
import platform
import typing as t
from importlib import metadata

import yaml

from tests.bench.kinds import Kind
from tests.fleet.host_cases import Json
from tests.tooling.sources import ROOT

Side: t.TypeAlias = t.Literal["ours", "as_written", "hand_tuned", "one_script"]
SIDES: t.Final[t.Mapping[Side, str]] = {
    "ours": "ours, the role",
    "as_written": "peer, 7 tasks as users write them",
    "hand_tuned": "peer, 4 tasks, tuned by hand",
    "one_script": "peer, one PowerShell script",
}
"""How they are called in tables."""
PEER_COLLECTIONS: t.Final = ROOT / "build" / "bench-collections"
PEER_SETTINGS: t.Final = {"ANSIBLE_COLLECTIONS_PATH": str(PEER_COLLECTIONS)}
_PEERS: t.Final = pathlib.Path(__file__).with_name("peers.yml")
_MANIFEST: t.Final = PEER_COLLECTIONS / "ansible_collections" / "ansible" / "windows" / "MANIFEST.json"


@functools.cache
def peer_tasks() -> Json:
    """By role and side."""
    return t.cast(Json, yaml.safe_load(_PEERS.read_text(encoding="utf-8")))


def arguments(kind: Kind, side: Side, directory: pathlib.Path) -> tuple[str, ...]:
    """The command line that does the job on all hosts; a playbook of the peer's is written into ``directory``."""
    if side == "ours":
        return kind.arguments
    playbook = directory / f"{kind.role}.{side}.json"
    play = {"name": SIDES[side], "hosts": "all", "gather_facts": False, "tasks": peer_tasks()[kind.role][side]}
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    return ("ansible-playbook", str(playbook))


def settings(side: Side) -> dict[str, str]:
    """Environment variables for Ansible."""
    return {} if side == "ours" else dict(PEER_SETTINGS)


def versions() -> dict[str, str]:
    """Of everything whose figures these are."""
    peer = json.loads(_MANIFEST.read_text(encoding="utf-8"))["collection_info"]["version"]
    packages = {name: metadata.version(name) for name in ("ansible-core", "pywinrm")}
    return {**packages, "ansible.windows": peer, "Python": platform.python_version(), "Linux": platform.release()}
