# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``converge``, checked by Ansible's rules and by their own."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.parsing import convert_bool

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options, item_values
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options

KEPT: t.Final = {"reserved_ports": {"ports": ["5000"]}}


def request(*resources: t.Mapping[str, t.Any], **options: t.Any) -> Request:
    given = {"resources": list(resources), **options}
    arguments = validated_options("converge", converge_options.ARGUMENT_SPEC, given)
    return converge_options.request(arguments, journal=True, validate=validated_options)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        pytest.param({**KEPT, "wanted": "ture"}, "resources[0].wanted: 'ture' is neither true nor false", id="word"),
        pytest.param(
            {"reserved_ports": {"prots": ["5000"]}, "wanted": False},
            "reserved_ports: there is no option 'prots'; did you mean 'ports'? The options are",
            id="name-of-an-option",
        ),
        pytest.param({"dynamic_ports": {"start": "low"}, "wanted": "no"}, "dynamic_ports: ", id="type-of-an-option"),
        pytest.param(
            {**KEPT, "when_capable": "netsh", "wanted": False},
            "resources[0].when_capable: 'netsh' is not a capability",
            id="condition",
        ),
        pytest.param(
            {**KEPT, "rpc_ports": "never", "wanted": False},
            "resources[0].rpc_ports: 'never' is neither true nor false",
            id="ports-it-speaks-of",
        ),
        pytest.param({**KEPT, "when_capable": 5}, "resources[0].when_capable: 5 is no name", id="no-name"),
        pytest.param({**KEPT, "when_installed": [5]}, "resources[0].when_installed: [5] is no name", id="no-names"),
    ],
)
def test_a_mistake_in_an_item_is_told_whether_it_is_wanted_or_not(item: t.Mapping[str, t.Any], sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        request(item)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"dynamic_ports": {}}, id="no-options"),
        pytest.param({"static_rpc_port": {}}, id="nor-those-that-are-required"),
        pytest.param({"static_rpc_port": {"ports": {}}}, id="no-ports"),
        pytest.param({"reserved_ports": {"ports": []}}, id="empty-list"),
        pytest.param({"dynamic_ports": {"max_user_port": "keep"}}, id="the-word-against-it"),
    ],
)
def test_what_is_not_wanted_may_have_nothing_to_do(item: t.Mapping[str, t.Any]) -> None:
    assert request({**item, "wanted": False}).items == ()
    assert len(request({**item, "wanted": False}, KEPT).items) == 1


def test_nothing_is_given() -> None:
    with pytest.raises(OptionError, match="resources: nothing to do: give resources, victims or known_services"):
        request()


@pytest.mark.parametrize(
    ("option", "value"),
    [("reboot_timeout", -5), ("reboot_message", "one\ntwo"), ("reboot_message", "x" * 128)],
)
def test_options_of_a_reboot_are_checked_without_one(option: str, value: t.Any) -> None:
    with pytest.raises(OptionError, match=f"^{option}: "):
        request(KEPT, reboot="never", **{option: value})


def test_a_reboot_that_is_not_permitted_is_none() -> None:
    assert request(KEPT, reboot="never").reboot is None
    assert request(KEPT, reboot="where_needed").reboot is not None


def test_words_for_true_and_false_are_those_of_ansible() -> None:
    assert {word for word in convert_bool.BOOLEANS_TRUE if isinstance(word, str)} == item_values.TRUE_WORDS
    assert {word for word in convert_bool.BOOLEANS_FALSE if isinstance(word, str)} == item_values.FALSE_WORDS
