# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``csv_text``: rows as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._page.markup import csv_text

DOCUMENTATION = r"""
name: csv_text
author: The portkeeper.windows contributors (!UNKNOWN)
version_added: 0.1.0
short_description: Rows as CSV without formulas
description:
  - Writes rows as CSV (RFC 4180). Texts are quoted; one that a spreadsheet would take for a formula gets an apostrophe
    before it, since data from servers must not become commands of a spreadsheet.
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description: The keys to write, in this order; what a row lacks is empty, and lists are joined by semicolons.
    type: list
    elements: str
    required: true
  heading:
    description: Whether the first line names the columns.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Write a table with one row
  ansible.builtin.copy:
    content: "{{ [{'server': 'edge1', 'port': 50636}] | portkeeper.windows.csv_text(['server', 'port']) }}"
    dest: ports.csv
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The CSV, whose lines end in carriage return and line feed.
  type: str
"""


class FilterModule:
    """The class that Ansible looks for; it names the filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filter by its name."""
        return {"csv_text": csv_text}
