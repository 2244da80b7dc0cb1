# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook against what it names: it is run by `make rulebook`, which the gate does not have."""

from __future__ import annotations

import datetime
import re
import typing as t

import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _event_source
from tests.tooling.sources import ROOT

RULEBOOK: t.Final = yaml.safe_load((ROOT / "extensions/eda/rulebooks/lost_ports.yml").read_text(encoding="utf-8"))
LOOK, CHECK, FIX = yaml.safe_load((ROOT / "playbooks/lost_ports.yml").read_text(encoding="utf-8"))


def test_the_source_takes_these_arguments() -> None:
    [ruleset] = RULEBOOK
    [source] = ruleset["sources"]
    assert (ROOT / "extensions/eda/plugins/event_source/lost_ports.py").is_file()
    assert set(source[_event_source.NAME]) <= set(_event_source.SPEC)


PAGE: t.Final = (ROOT / "docs/event-driven.md").read_text(encoding="utf-8")


def test_the_page_names_the_variables_of_the_rulebook_and_their_defaults() -> None:
    [ruleset] = RULEBOOK
    [source] = ruleset["sources"]
    arguments = "\n".join(source[_event_source.NAME].values())
    used = dict(re.findall(r"\{\{ (lost_ports_\w+)(?: \| default\((.+)\))? \}\}", arguments))
    told = dict(re.findall(r"^\| `(lost_ports_\w+)` \| .+ \| (.+) \|$", PAGE, re.MULTILINE))
    words = {"": "must be there", "{}": "none", "'now'": "`now`"}
    assert told == {name: words.get(default, default) for name, default in used.items()}


def test_the_page_shows_an_event_with_all_its_fields() -> None:
    [shown] = [block for block in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL) if block.startswith("portkeeper:")]
    example = yaml.safe_load(shown)
    told = example["portkeeper"]
    time = datetime.datetime.fromisoformat(told["time"].replace("Z", "+00:00"))
    event = Event(
        told["log"], told["record"], told["source"], told["code"], time, (told["service"], f"%%{told['error']}")
    )
    made = _event_source.host_event(told["host"], told["log"], event)
    assert made["portkeeper"] == told
    assert made["meta"].keys() == example["meta"].keys()


def test_a_lost_port_leads_to_the_playbook_and_one_server_waits_for_the_other() -> None:
    [ruleset] = RULEBOOK
    [rule] = ruleset["rules"]
    assert ruleset["execution_strategy"] == "sequential"
    assert rule["condition"] == 'event.portkeeper.kind == "lost_port"'
    collection, _dot, name = rule["action"]["run_playbook"]["name"].rpartition(".")
    assert (collection, (ROOT / f"playbooks/{name}.yml").is_file()) == ("portkeeper.windows", True)


def test_repetitions_are_throttled_by_what_every_event_has() -> None:
    [ruleset] = RULEBOOK
    [rule] = ruleset["rules"]
    grouped = [name.removeprefix("event.portkeeper.") for name in rule["throttle"]["group_by_attributes"]]
    assert grouped == ["host", "service"]


def test_the_playbook_looks_then_checks_and_fixes_only_where_that_is_allowed() -> None:
    [task, _debug] = LOOK["tasks"]
    assert "portkeeper.windows.port_info" in task
    assert CHECK["check_mode"] is True
    assert "check_mode" not in FIX
    [allowed] = FIX["pre_tasks"]
    assert (allowed["ansible.builtin.meta"], allowed["when"]) == (
        *("end_host", "not (lost_ports_fix | default(false) | bool)"),
    )
    assert FIX["serial"] == 1


def test_what_is_checked_is_what_is_done_and_what_the_site_does() -> None:
    [site] = yaml.safe_load((ROOT / "playbooks/site.yml").read_text(encoding="utf-8"))
    assert CHECK["tasks"] == FIX["tasks"] == site["tasks"]
