# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's options: what only looks a variable up has the same value as by Ansible, and Ansible is not asked for it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _role_options
from ansible_collections.portkeeper.windows.plugins.plugin_utils._role_options import (
    RoleData,
    checked_variables,
    role_options,
)
from tests.tooling.sources import ROOT

CHECKED: t.Final[t.Mapping[str, t.Any]] = {
    "role_state": "present",
    "role_reboot": True,
    "role_range": {},
    "role_ports": [389, 636],
    "role_instance": "MSExchange",
    "role_hostile": "{{ lookup('pipe', 'id') }}",
}
VARIABLES: t.Final = """
role_state: "{{ 'present' }}"
__role_words: {true: where_needed, false: never}
__role_choice: {present: "{{ role_range }}", absent: "{{ nobody_has_this }}"}
__role_inner: {name: "{{ role_instance }}"}
__role_outer: ["{{ __role_inner }}"]
others: 12
"""
ROLES: t.Final = {
    path.parents[1].name: yaml.safe_load(path.read_text(encoding="utf-8")).get(f"__{path.parents[1].name}_options", {})
    for path in sorted(ROOT.glob("roles/*/vars/main.yml"))
}


@pytest.fixture
def variables() -> dict[str, t.Any]:
    return dict(yaml.safe_load(VARIABLES))


def _refused(text: t.Any, **_options: t.Any) -> t.NoReturn:
    raise AssertionError(f"Ansible was asked for {text!r}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no template", "no template"),
        ("{{ role_state }}", "present"),
        ("{{ role_reboot }}", True),
        ("{{ role_ports }}", [389, 636]),
        ("ADAM_{{ role_instance }}", "ADAM_MSExchange"),
        ("{{ role_instance }} {{ role_state }}", "MSExchange present"),
        ("{{ __role_words[role_reboot] }}", "where_needed"),
        ("{{ __role_choice[role_state] }}", {}),
        ("{{ __role_outer }}", [{"name": "MSExchange"}]),
        ("{{ role_hostile }}", "{{ lookup('pipe', 'id') }}"),
        ("see {{ role_hostile }}", "see {{ lookup('pipe', 'id') }}"),
    ],
)
def test_what_is_looked_up(text: str, value: t.Any, variables: dict[str, t.Any]) -> None:
    assert RoleData(CHECKED, variables, _refused).value({"option": [text]}) == {"option": [value]}


@pytest.mark.parametrize(
    "text",
    [
        "{{ others }}",
        "{{ role_state | upper }}",
        "{{ role_state == 'present' }}",
        "{{ role_state }}{% if true %}{% endif %}",
        "{{ role_state }}{# a comment #}",
        "{{ __role_missing }}",
        "{{ __role_words[role_state] }}",
        "{{ __role_words[role_range] }}",
        "{{ __role_words[others] }}",
        "{{ role_ports[0] }}",
        "{{role_state}}",
    ],
)
def test_what_is_left_to_ansible(text: str, variables: dict[str, t.Any]) -> None:
    assert RoleData(CHECKED, variables, "by Ansible: {}".format).value(text) == f"by Ansible: {text}"


@pytest.mark.parametrize("variable", ["__role_missing", "others"])
def test_options_are_a_dictionary(variable: str, variables: dict[str, t.Any]) -> None:
    role = {"role_path": str(ROOT / "roles/exchange_edge_dns")}
    with pytest.raises(OptionError, match=f"role_options: '{variable}' is no variable that has options"):
        role_options(variable, {**variables, **role}, lambda value: value)


@pytest.mark.parametrize("role", [name for name, options in ROLES.items() if options])
def test_few_templates_of_a_role_are_compiled(role: str) -> None:
    """Each costs a worker as much as a message to the server."""
    asked: list[str] = []

    def template(value: t.Any) -> t.Any:
        asked.extend([value] if "{{" in str(value) else [])
        return [] if isinstance(value, str) and "reject" in value else value

    values = {
        name: value
        for folder in ("defaults", "vars")
        for name, value in yaml.safe_load((ROOT / f"roles/{role}/{folder}/main.yml").read_text("utf-8")).items()
    }
    given = {"known_services_names": ["l2tp"], "exchange_rpc_ports_ports": {"store": 5000}}
    role_options(f"__{role}_options", {**values, **given, "role_path": str(ROOT / "roles" / role)}, template)
    assert len(asked) <= COMPILED.get(role, 0), asked


COMPILED: t.Final = {"exchange_services": 1, "sbs2003": 3}
"""By role: templates that compute."""


def test_no_worker_reads_the_documented_variables_of_a_role_of_this_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ansible loads the action before it forks; a worker would take as long to read them as for a message."""
    own = pathlib.Path(_role_options.__file__).parents[2]
    defaults = yaml.safe_load((own / "roles/exchange_edge_dns/defaults/main.yml").read_text("utf-8"))
    monkeypatch.setattr(pathlib.Path, "read_text", _refused)
    variables = {**defaults, "role_path": str(own / "roles" / "exchange_edge_dns")}
    assert checked_variables(variables, lambda value: value)["exchange_edge_dns_reboot_timeout"] == 900
