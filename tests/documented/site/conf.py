# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Sphinx asks of the docs site. It is built without the network: addresses of Ansible's own pages stand here."""

from __future__ import annotations

import pathlib
import typing as t

import yaml
from docutils import nodes
from sphinx.application import Sphinx

_galaxy: t.Final = yaml.safe_load((pathlib.Path(__file__).parent / "galaxy.yml").read_text(encoding="utf-8"))

project = f"{_galaxy['namespace']}.{_galaxy['name']}"
release = version = str(_galaxy["version"])
copyright = f"2026 {', '.join(_galaxy['authors'])}"  # noqa: A001 -- Sphinx names it so
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = f"{_galaxy['namespace']} {release}"
html_copy_source = False
html_show_sphinx = False
# Every heading can be linked to, as in the Markdown viewers of code hosts.
myst_heading_anchors = 6

_COLLECTIONS: t.Final = "https://docs.ansible.com/projects/ansible/latest/collections/ansible"
_ANSIBLE: t.Final = "https://docs.ansible.com/projects/ansible/latest"
ADDRESSES: t.Final = {
    "action_plugins": f"{_ANSIBLE}/plugins/action.html",
    "ansible_collections.ansible.builtin.psrp_connection": f"{_COLLECTIONS}/builtin/psrp_connection.html",
    "ansible_collections.ansible.builtin.winrm_connection": f"{_COLLECTIONS}/builtin/winrm_connection.html",
    "ansible_collections.ansible.windows.win_reboot_module": f"{_COLLECTIONS}/windows/win_reboot_module.html",
    "common_return_values": f"{_ANSIBLE}/reference_appendices/common_return_values.html",
    "special_variables": f"{_ANSIBLE}/reference_appendices/special_variables.html",
}
"""What pages of modules and roles refer to outside of this site. A reference that is not here fails the build."""


def _address(_app: Sphinx, _environment: t.Any, node: t.Any, content: nodes.TextElement) -> nodes.reference | None:
    address = ADDRESSES.get(node.get("reftarget", ""))
    if address is None:
        return None
    return nodes.reference("", "", *content.children, internal=False, refuri=address)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("missing-reference", _address)
