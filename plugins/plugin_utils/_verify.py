# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``verify_assumptions``: ask a server, then write what was seen on the controller."""

from __future__ import annotations

import functools
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import results
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.options import (
    VerifyOptions,
    options,
    probes_of,
    refusal,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Grade
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Result as Seen
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.samples import sample_files
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_boots import Boots, reboot_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.verify import Verified, verify
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import Arguments, PortkeeperAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._reboot import looking_client

_MODE: t.Final = 0o644


class VerifyAction(PortkeeperAction):
    """Probes one server. The servers' names are in no file, for the files are meant to be sent away."""

    def prepare(self, arguments: Arguments) -> None:
        """Check the options."""
        wrong = refusal(arguments, self.host)
        if wrong is not None:
            raise OptionError(*wrong)
        self._options = options(arguments)

    def perform(self, client: Client, _arguments: Arguments, _variables: Arguments) -> Result:
        """Look, and write the two files unless they are there already."""
        wanted = self._options
        # Check mode touches nothing.
        grade: Grade = "look" if self.check_mode else wanted.grade
        looking = functools.partial(looking_client, self._connection, client.host)
        boots = Boots(looking, reboot_of(wanted.reboot_timeout)) if wanted.reboot else None
        probes = probes_of(grade, PROBES)
        verified = verify(
            client.transport, probes, keeps=wanted.record, clock=Clock(), boots=boots, install=wanted.install
        )
        target = target_of(verified, wanted)
        found = results.document(verified.results, verified.server, target=target, grade=grade)
        texts = {".json": results.json_text(found), ".md": results.page(found, verified.results)}
        base = str(pathlib.Path(wanted.directory) / results.base_name(found))
        contents = {base + end: text.encode() for end, text in texts.items()}
        contents |= {f"{base}/{name}": content for name, content in sample_files(verified.exchanges).items()}
        written = [name for name, content in contents.items() if self._write(name, content)]
        return {
            "changed": bool(written),
            "file": f"{base}.json",
            "page": f"{base}.md",
            "target": target,
            "windows": dict(found["windows"]),
            "counts": results.counts(verified.results),
            "probes": [told(one) for one in verified.results],
            "remains": list(verified.remains),
            "requests": verified.requests,
        }

    def _write(self, name: str, content: bytes) -> bool:
        """Write a file unless it says so already; True if it differed. Check mode writes nothing."""
        path = pathlib.Path(name)
        try:
            if path.is_file() and path.read_bytes() == content:
                return False
            if not self.check_mode:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(_MODE)
        except OSError as error:
            raise AnsibleActionFail(f"The result can't be written to {path}: {error.strerror}") from None
        return True


def told(result: Seen) -> dict[str, t.Any]:
    """A probe as the task's result tells it."""
    probe = result.probe
    return {"probe": probe.id, "asks": probe.asks, "does": probe.does, **results.row(result)}


def target_of(verified: Verified, wanted: VerifyOptions) -> results.Target:
    """Whose answers these are; the simulator reveals itself, whatever its user says."""
    if verified.is_simulated:
        return "simulated"
    return "real" if wanted.real else "unconfirmed"
