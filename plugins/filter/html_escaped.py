# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``html_escaped``: a whole tree of data made safe for a page at once."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.markup import escaped

DOCUMENTATION = r"""
name: html_escaped
author: The portkeeper.windows contributors (!UNKNOWN)
version_added: 0.1.0
short_description: Data with all texts escaped for HTML
description:
  - Escapes every text of a tree of mappings and lists, keys too, so that a template can print any part of it into the
    content or a quoted attribute of HTML or SVG. Templates of Ansible don't escape by themselves.
  - Control characters become the replacement character. Numbers and booleans stay what they are.
options:
  _input:
    description: The data.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show an untrusted text in a page
  ansible.builtin.debug:
    msg: "<p>{{ '<script>' | portkeeper.windows.html_escaped }}</p>"
"""

RETURN = r"""
_value:
  description: The same data with its texts escaped.
  type: raw
"""


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"html_escaped": escaped}
