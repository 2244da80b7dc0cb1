# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences of failed actions: a server's words must not run as a template on the controller."""

from __future__ import annotations

import jinja2
import pytest

from ansible_collections.portkeeper.windows.plugins.plugin_utils.action_base import untemplatable


@pytest.mark.parametrize(
    "text",
    ["{{ 7 * 7 }}", "{% raw %}", "{# gone #}", "{{{ 7 }}}", "netsh answered: {{{{x}}}}", "nothing to hide", "{}", "{"],
)
def test_no_word_of_a_server_is_run(text: str) -> None:
    safe = untemplatable(text)
    assert jinja2.Template(safe).render() == safe
    assert safe.replace(" ", "") == text.replace(" ", "")
