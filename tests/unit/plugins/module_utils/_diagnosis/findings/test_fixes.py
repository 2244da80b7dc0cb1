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

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import COLLECTION
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    ad_lds_port_facts,
)
from tests.tooling.sources import ROOT
from tests.unit.plugins.module_utils._diagnosis.findings.ill_servers import FOUND, IDS
from tests.unit.plugins.module_utils._diagnosis.findings.servers import (
    AUTD,
    IMAGES,
    JAVA,
    NEW,
    OLD,
    PUSH_LOST,
    SP2,
    down,
    tcp,
    udp,
    world,
)
from tests.unit.plugins.module_utils._diagnosis.world import DNS_PROCESS, World, dword, service

ROLE = "ansible.builtin.include_role"
PACKAGE = "ansible_collections.portkeeper.windows.plugins.action"


def checked(place: str, spec: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """The options as a module would get them; a wrong one fails the test."""
    result = ArgumentSpecValidator(spec).validate(dict(options))
    assert result.error_messages == [], place
    return t.cast("t.Mapping[str, t.Any]", result.validated_parameters)


def check_task(task: dict[str, t.Any]) -> None:
    """One task: its name, and one module with options that it takes, or a role with variables that it has."""
    variables = task.pop("vars", {})
    name, (module, options) = task.pop("name"), *task.items()
    assert name[0].isupper()
    if module == ROLE:
        role = options["name"].removeprefix(f"{COLLECTION}.")
        specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
        assert variables.keys() <= specs["argument_specs"]["main"]["options"].keys()
        return
    assert not variables
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


SBS = "Microsoft(R) Windows(R) Server 2003 for Small Business Server"
IAS_LOST, EDGE_LOST = down("IAS", 10048), down("ADAM_MSExchange", 10013)
POOL = (udp(1812, DNS_PROCESS), udp(50636, DNS_PROCESS))
REBOOT = "# In force after a reboot: when it suits you, or by this role with {}_reboot set to true."
BY_ROLE: dict[str, tuple[World, str, dict[str, t.Any]]] = {
    "radius, 2003": (world(OLD, (IAS_LOST,), sockets=POOL), "dc_ias", {"dc_ias_reboot": False}),
    "radius, 2008": (world(SP2, (IAS_LOST,), sockets=POOL), "dc_ias", {"dc_ias_delay_dns": True}),
    "radius, 2022": (world(NEW, (IAS_LOST,), sockets=POOL), "dc_ias", {}),
    "radius, free again": (world(NEW, (IAS_LOST,)), "dc_ias", {}),
    "small business": (world(OLD, (IAS_LOST,), sockets=POOL, caption=SBS), "sbs2003", {"sbs2003_reboot": False}),
    "push of a small business server": (
        world(OLD, AUTD, sockets=(udp(2883, DNS_PROCESS),), events=(PUSH_LOST,), caption=SBS),
        "sbs2003",
        {"sbs2003_reboot": False},
    ),
    "IPsec of a small business server": (
        world(
            OLD,
            (service("PolicyAgent", 5),),
            values={MAX_USER_PORT_FACT: dword(60000)},
            caption=SBS,
        ),
        "sbs2003",
        {"sbs2003_reboot": False},
    ),
    "edge, 2003": (world(OLD, (EDGE_LOST,), sockets=POOL), "exchange_edge_dns", {"exchange_edge_dns_reboot": False}),
    "edge, 2022": (world(NEW, (EDGE_LOST,), sockets=POOL), "exchange_edge_dns", {}),
    "another instance": (
        world(
            NEW,
            (down("ADAM_Portal", 10013),),
            sockets=(udp(50010, DNS_PROCESS),),
            values=dict(zip(ad_lds_port_facts("ADAM_Portal"), (dword(50010), dword(50011)), strict=True)),
        ),
        "exchange_edge_dns",
        {"exchange_edge_dns_instance": "Portal"},
    ),
}
"""Servers on which something was lost that a role cares for, with the role and what must be set for it."""


@pytest.mark.parametrize("name", BY_ROLE)
def test_the_fix_is_the_role_that_is_for_the_server(name: str) -> None:
    server, role, variables = BY_ROLE[name]
    (row,) = server.value("findings")
    (task,) = yaml.safe_load(row["fix"])
    assert task[ROLE] == {"name": f"{COLLECTION}.{role}"}
    assert task.get("vars", {}) == variables
    assert row["fix"].startswith(REBOOT.format(role)) == (f"{role}_reboot" in variables)


BY_CONVERGE: dict[str, World] = {
    "a stranger has the port": world(NEW, (IAS_LOST,), sockets=(udp(1812, JAVA),)),
    "it is started by hand": world(NEW, (down("IAS", 10048, start_mode="Manual"),), sockets=POOL),
    "no DNS server": World(NEW, services=(IAS_LOST,), images=IMAGES),
    "no role for it": world(NEW, (down("WDSServer", 10048),)),
}


@pytest.mark.parametrize("server", BY_CONVERGE.values(), ids=BY_CONVERGE)
def test_where_no_role_helps_the_fix_is_a_task(server: World) -> None:
    (row,) = server.value("findings")
    assert f"{COLLECTION}.converge" in yaml.safe_load(row["fix"])[0]


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
