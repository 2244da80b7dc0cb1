# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the findings give to paste: tasks that our own modules and roles accept, or comments alone."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.findings.fixes import COLLECTION
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.findings.yaml_text import tasks
from tests.tooling.sources import ROOT
from tests.unit.plugins.module_utils.domain.findings.test_findings import FOUND, IDS, JAVA, NEW, down, tcp, world
from tests.unit.plugins.module_utils.domain.information.world import World

ROLE = "ansible.builtin.include_role"
PACKAGE = "ansible_collections.portkeeper.windows.plugins.action"


def checked(place: str, spec: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """The options as a module would get them; a wrong one fails the test."""
    result = ArgumentSpecValidator(spec).validate(dict(options))
    assert result.error_messages == [], place
    return t.cast("t.Mapping[str, t.Any]", result.validated_parameters)


def check_task(task: dict[str, t.Any]) -> None:
    """One task: its name, and one module with options that it takes."""
    name, (module, options) = task.pop("name"), *task.items()
    assert name[0].isupper()
    if module == ROLE:
        assert (ROOT / "roles" / options["name"].removeprefix(f"{COLLECTION}.") / "tasks/main.yml").exists()
        return
    short = module.removeprefix(f"{COLLECTION}.")
    accepted = checked(module, importlib.import_module(f"{PACKAGE}.{short}").ActionModule.argument_spec, options)
    if short == "converge":
        converge_options.request(accepted, journal=True, validate=checked)
    elif short in converge_options.RESOURCES:
        converge_options.RESOURCES[short].options(accepted)


@pytest.mark.parametrize("server", [row[1] for row in FOUND], ids=IDS)
def test_fixes_can_be_pasted(server: World) -> None:
    for row in server.value("findings"):
        found = yaml.safe_load(row["fix"])
        assert found or all(line.startswith("# ") for line in row["fix"].splitlines())
        for task in found or ():
            check_task(task)


def test_a_stranger_is_named_and_must_go_first() -> None:
    server = world(NEW, (down("IAS", 10048),), sockets=(tcp(1812, JAVA), *FOUND[0][1].sockets))
    (row,) = server.value("findings")
    assert "java" not in row["fix"], "only UDP 1812 is the service's"
    server = world(NEW, (down("ADAM_MSExchange", 10048),), sockets=(tcp(50389, JAVA),))
    (row,) = server.value("findings")
    assert row["fix"].startswith("# First stop java.exe (process 3000)")


def test_a_name_that_no_module_takes_stays_out_of_the_tasks() -> None:
    (row,) = world(NEW, (down("odd\n- name: {{ x }}", 10048),)).value("findings")
    assert yaml.safe_load(row["fix"]) is None


VALUES: list[t.Any] = ["yes", "53", "a: b", "- x", "# no", "", "{{ x }}", "Grün", "a\nb", "'", 5, True, "plain", "null"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_yaml_comes_back_as_it_was_written(value: t.Any) -> None:
    item = {"name": value, "module": {"list": [value, {"a": value, "b": [value]}], "deep": {"x": value}}}
    text = tasks(item, item, comments=("one\ntwo", "three"))
    assert yaml.safe_load(text) == [item, item]
    assert text.startswith("# one two\n# three\n- ")
