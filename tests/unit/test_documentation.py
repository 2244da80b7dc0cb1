# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read against what runs: modules' documentation, examples and returns, the action group, roles' defaults.

ansible-test compares an argument spec with its documentation only for modules that run; ours are documentation alone
and their specs live in the action plugins, so the comparison is made here.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.portkeeper.windows.plugins.plugin_utils._shared_options import SHARED_SPEC
from tests.tooling.sources import ROOT

NAMES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
ROLES = sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())
COLLECTION = "portkeeper.windows"
Options: t.TypeAlias = t.Mapping[str, t.Mapping[str, t.Any]]


@functools.cache
def documentation() -> dict[str, dict[str, t.Any]]:
    """What ansible-doc knows of our modules, fragments merged in: per short name `doc`, `examples`, `return`."""
    command = [
        sys.executable,
        "-m",
        "ansible",
        "doc",
        "--json",
        "--type",
        "module",
        *(f"{COLLECTION}.{name}" for name in NAMES),
    ]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections")}
    answer = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return {name.removeprefix(f"{COLLECTION}."): page for name, page in json.loads(answer.stdout).items()}


def argument_spec(name: str) -> Options:
    """What the module's action plugin accepts."""
    action = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.action.{name}")
    return t.cast("Options", action.ActionModule.argument_spec)


def facts(option: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The facts of one option that must be told alike in a spec and in a documentation, in one form."""
    nested = option.get("options") or option.get("suboptions") or {}
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": bool(option.get("required")),
        "default": option.get("default"),
        # Documentation may explain each choice: then it is a mapping, which ansible-doc sorts.
        "choices": sorted(option["choices"]) if option.get("choices") else None,
        "aliases": sorted(option.get("aliases") or []),
        "options": {name: facts(inner) for name, inner in nested.items()},
    }


def without_templates(value: t.Any) -> t.Any:
    """Example arguments less those whose value only a running play knows."""
    if isinstance(value, dict):
        return {name: without_templates(inner) for name, inner in value.items() if "{{" not in str(inner)}
    return value


def tasks_below(node: t.Any) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Every call of a module of ours in a piece of YAML: short name, arguments."""
    if isinstance(node, dict):
        for key, value in node.items():
            if str(key).removeprefix(f"{COLLECTION}.") in NAMES and str(key).startswith(COLLECTION):
                yield key.removeprefix(f"{COLLECTION}."), value or {}
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from tasks_below(item)


def complaints(name: str, arguments: dict[str, t.Any]) -> list[str]:
    """What Ansible would say to these arguments, but for what templates hide."""
    unknown = [f"unknown option {option}" for option in arguments if option not in argument_spec(name)]
    known = without_templates(arguments)
    optional = {option: {**spec, "required": False} for option, spec in argument_spec(name).items()}
    spec = optional if known != arguments else argument_spec(name)
    return unknown or list(ArgumentSpecValidator(spec).validate(known).error_messages)


def bad_calls(content: t.Any) -> list[str]:
    """Calls of our modules that Ansible would refuse."""
    return [f"{name}: {problem}" for name, arguments in tasks_below(content) for problem in complaints(name, arguments)]


def leaves_without(fields: Options, key: str, path: str = "") -> list[str]:
    """Return fields without parts of their own that lack this key."""
    missing = []
    for name, field in fields.items():
        if contained := field.get("contains"):
            missing += leaves_without(contained, key, f"{path}{name}.")
        elif key not in field:
            missing.append(f"{path}{name}")
    return missing


def test_every_module_has_an_action_and_is_in_the_action_group_if_it_contacts_a_server() -> None:
    actions = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py") if path.stem != "__init__")
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["windows"]
    assert actions == NAMES
    assert [name for name in NAMES if argument_spec(name).keys() >= SHARED_SPEC.keys()] == sorted(group)
    assert set(NAMES) - set(group) == {"offline_kit", "port_maps", "port_page"}


def test_the_changelog_knows_this_version_and_every_module() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    releases = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    assert version in releases
    told = {module["name"]: module["description"] for release in releases.values() for module in release["modules"]}
    assert told == {name: documentation()[name]["doc"]["short_description"] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_documentation_tells_what_the_action_accepts(name: str) -> None:
    documented = documentation()[name]["doc"].get("options") or {}
    assert {option: facts(known) for option, known in documented.items()} == {
        option: facts(known) for option, known in argument_spec(name).items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_documentation_declares_its_attributes(name: str) -> None:
    attributes = documentation()[name]["doc"].get("attributes") or {}
    assert {"check_mode", "diff_mode"} <= set(attributes)
    assert [attribute for attribute, told in attributes.items() if not told.get("support")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_return_field_is_explained(name: str) -> None:
    returns = documentation()[name]["return"]
    assert [field for field, told in returns.items() if not told.get("returned")] == []
    for key in ("description", "type", "sample"):
        assert leaves_without(returns, key) == []


@pytest.mark.parametrize("name", NAMES)
def test_examples_would_run(name: str) -> None:
    examples = yaml.safe_load(documentation()[name]["examples"])
    calls = [called for called, _arguments in tasks_below(examples)]
    assert name in calls
    assert bad_calls(examples) == []
    assert [play for play in examples if "hosts" in play and play.get("gather_facts") is not False] == []


def policy_files() -> list[pathlib.Path]:
    """Playbooks and the roles' tasks and handlers."""
    patterns = ("playbooks/*.yml", "roles/*/tasks/*.yml", "roles/*/handlers/*.yml")
    return sorted(path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern))


@pytest.mark.parametrize("path", policy_files(), ids=str)
def test_roles_and_playbooks_call_modules_with_what_they_accept(path: pathlib.Path) -> None:
    assert bad_calls(yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))) == []


def role_yaml(role: str, path: str) -> dict[str, t.Any]:
    """One of a role's files."""
    return t.cast("dict[str, t.Any]", yaml.safe_load((ROOT / "roles" / role / path).read_text(encoding="utf-8")) or {})


@pytest.mark.parametrize("role", ROLES)
def test_role_defaults_are_those_of_its_argument_specs(role: str) -> None:
    options: Options = role_yaml(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = {
        name: value for name, value in role_yaml(role, "defaults/main.yml").items() if not name.startswith("__")
    }
    assert defaults == {name: option["default"] for name, option in options.items() if "default" in option}
    assert [name for name, option in options.items() if "default" not in option and not option.get("required")] == []
    assert [name for name in options if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_role_has_a_readme(role: str) -> None:
    assert (ROOT / "roles" / role / "README.md").is_file()
