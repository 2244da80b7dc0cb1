# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``csp_source``: a script or style sheet by its hash, as a page's security policy names it."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._page.markup import csp_source

DOCUMENTATION = r"""
name: csp_source
author: The portkeeper.windows contributors (!UNKNOWN)
version_added: 0.1.0
short_description: Hash of an inline script or style for a Content-Security-Policy
description:
  - A page that names its own script and style by their hashes runs nothing else, even if something foreign got into it.
options:
  _input:
    description: The text between the tags, exactly.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the source of a style
  ansible.builtin.debug:
    msg: "style-src {{ 'p { color: red }' | portkeeper.windows.csp_source }}"
"""

RETURN = r"""
_value:
  description: A source expression, such as V('sha256-...') with its apostrophes.
  type: str
"""


class FilterModule:
    """The class that Ansible looks for; it names the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"csp_source": csp_source}
