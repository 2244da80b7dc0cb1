# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source for ansible-rulebook: lost ports, from the event logs of Windows servers, over WMI and without an agent.

ansible-rulebook runs this file by its path, outside of Ansible. So Ansible's way to collections is opened first.
"""

from __future__ import annotations

import asyncio
import importlib
import pathlib
import typing as t

DOCUMENTATION = r"""
---
short_description: Lost ports, from the event logs of Windows servers
description:
  - Asks the event logs of Windows servers over WMI, again and again, for events that tell of a lost port. These are
    7023 of the Service Control Manager with error 10013 or 10048, 4292 of IPSec, 3015 and 3024 of Server ActiveSync.
  - Nothing is installed on the servers. Windows Server 2003 is asked like all the others.
  - Each event is told at least once. It is remembered as soon as the rules have taken it.
options:
  hosts:
    description:
      - The servers, by their names in the inventory, each with its own connection variables or nothing. These have the
        names that they have in an inventory (C(ansible_host), C(ansible_user) ...), and no templates.
    type: dict
    required: true
  variables:
    description: Connection variables that all servers share.
    type: dict
    default: {}
  interval:
    description: Seconds from the beginning of one round over all servers to that of the next.
    type: int
    default: 300
  parallel:
    description: How many servers are asked at once.
    type: int
    default: 10
  deadline:
    description: Seconds that a look at one server may take.
    type: int
    default: 60
  first_look:
    description: Whether the first look at a server begins C(now), or tells the events since its last C(boot) too.
    type: str
    choices: [now, boot]
    default: now
  state_file:
    description:
      - A file that remembers which events were told. Each source needs a file of its own, in a folder that exists.
        Without one, each start of the program is a first look.
    type: path
  failures:
    description:
      - Whether there is also an event, with the kind C(not_asked), when a server or one of its logs can't be asked.
        There is one when it begins and when the reason changes. It is logged in any case, and never ends the source.
    type: bool
    default: false
  feedback:
    description:
      - Whether to wait after each event until the rules have worked on it. ansible-rulebook itself reads it, and needs
        C(--persistence-id) for it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- portkeeper.windows.lost_ports:
    hosts: "{{ lost_ports_servers }}"
    variables: "{{ lost_ports_variables }}"
    state_file: /var/lib/portkeeper/lost_ports.json
"""

_IMPLEMENTATION = "ansible_collections.portkeeper.windows.plugins.plugin_utils._event_source"
_ROOT_DEPTH = 7
"""From this file up to the folder that holds ansible_collections."""


def _open_collections() -> None:
    """Let Python import collections as Ansible does, this one from where this file lies."""
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415 - costs half a second
    from ansible.utils.collection_loader import AnsibleCollectionConfig  # type: ignore[attr-defined]  # noqa: PLC0415 - the same

    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([str(pathlib.Path(__file__).absolute().parents[_ROOT_DEPTH])])


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """What ansible-rulebook calls."""
    _open_collections()
    await importlib.import_module(_IMPLEMENTATION).watch(queue, args)
