# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source for ansible-rulebook, without the program: rounds over a fleet, and what the rules get of them.

`make rulebook` runs the program itself.
"""

from __future__ import annotations

import asyncio
import collections.abc as c
import concurrent.futures
import json
import logging
import os
import pathlib
import runpy
import subprocess
import sys
import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.plugin_utils._event_source import (
    NAME,
    SPEC,
    EventSource,
    settings_of,
    watch,
)
from tests.fleet.host_cases import DEFAULTS, Json
from tests.simulator.control import HostControl, RunningFleet, running_fleet
from tests.simulator.fleet import DEFAULT_USER
from tests.tooling.sources import ROOT

SOURCE: t.Final = ROOT / "extensions/eda/plugins/event_source/lost_ports.py"
SCM: t.Final = "Service Control Manager"
HOSTILE: t.Final = "{{ lookup('pipe', 'id') }}\x1b[31m\u202e"
REQUESTS: t.Final = 3
"""Of a look that finds nothing or little: the clock and each of the two logs."""


def lost(service: str = "Dienst", error: int = 10048, **more: t.Any) -> Json:
    """An event of the Service Control Manager."""
    return {"log": "System", "source": SCM, "code": 7023, "strings": [service, f"%%{error}"], **more}


AGO: t.Final[dict[str, t.Any]] = {"days_ago": 0.001}
"""A minute and a half: before the first look, and inside the time that each look goes back."""
OLD_EVENTS: t.Final[tuple[Json, ...]] = (
    lost("Internetauthentifizierungsdienst", **AGO),
    lost("Browser", 1068, **AGO),
    lost("long ago", days_ago=400),
    {"log": "System", "source": "IPSec", "code": 4292, **AGO},
    {"log": "Application", "source": "Server ActiveSync", "code": 3015, "strings": ["[2883]"], **AGO},
    {"log": "Application", "source": "Server ActiveSync", "code": 3024, **AGO},
    {"log": "Application", "source": "MSExchangeMTA", "code": 9321, **AGO},
)
HOSTS: t.Final[dict[str, Json]] = {
    "old": {"release": "2003", "language": "de", "evidence": {"events": list(OLD_EVENTS)}},
    "ntlm": {"release": "2022", "wire": {"transport": "ntlm"}},
    "psrp": {"release": "2012r2", "vars": {"ansible_connection": "psrp"}},
    "hostile": {"release": "2016", "evidence": {"events": [lost(HOSTILE, 10013, **AGO)]}},
    "wrong": {"release": "2019", "vars": {"ansible_password": "Wrong-2003"}},
}
SECRETS: t.Final = (DEFAULT_USER["password"], "Wrong-2003")


class Rules:
    """The rules' end of the queue; it breaks after so many events."""

    def __init__(self, most: float = float("inf")) -> None:
        self.events: list[t.Any] = []
        self._most = most

    async def put(self, item: t.Any) -> None:
        """Take an event."""
        if len(self.events) >= self._most:
            raise asyncio.CancelledError
        self.events.append(item)

    def told(self) -> list[tuple[str, int]]:
        """Hosts and codes, in order, and forget them."""
        found = [(event["portkeeper"]["host"], event["portkeeper"].get("code", 0)) for event in self.events]
        self.events.clear()
        return found


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as running:
        yield running


@pytest.fixture
def arguments(fleet: RunningFleet, tmp_path: pathlib.Path) -> dict[str, t.Any]:
    """Those of all hosts of the fleet but the one with the wrong password; no test sees another one's events."""
    for name in HOSTS:
        host(fleet, name).reset()
    group = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]
    hosts = {name: variables for name, variables in group["hosts"].items() if name != "wrong"}
    return {"hosts": hosts, "variables": group["vars"], "state_file": str(tmp_path / "state.json")}


def only(arguments: dict[str, t.Any], *names: str, **more: t.Any) -> dict[str, t.Any]:
    """The arguments with these hosts alone."""
    return {**arguments, "hosts": {name: arguments["hosts"][name] for name in names}, **more}


def started(arguments: Json, rules: Rules, **more: t.Any) -> EventSource:
    """A source that has just been started."""
    return EventSource(settings_of(arguments), rules, **more)


def begun(arguments: Json, rules: Rules) -> EventSource:
    """A source whose first look is over; that may have told what was written in the same second."""
    source = started(arguments, rules)
    look(source)
    rules.told()
    return source


def look(source: EventSource) -> None:
    """One round."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asyncio.run(source.round(pool))


def host(fleet: RunningFleet, name: str) -> HostControl:
    return fleet.control.host(name)


def test_the_first_look_tells_nothing_that_was(arguments: dict[str, t.Any]) -> None:
    rules = Rules()
    source = started(arguments, rules)
    look(source)
    look(source)
    assert rules.told() == []


def test_since_the_boot_each_kind_of_loss_is_told_once(arguments: dict[str, t.Any]) -> None:
    rules = Rules()
    source = started(only(arguments, "old", first_look="boot"), rules)
    look(source)
    assert [event["portkeeper"]["service"] for event in rules.events] == [
        *("Internetauthentifizierungsdienst", "PolicyAgent", "W3SVC", "W3SVC"),
    ]
    assert rules.told() == [("old", 7023), ("old", 4292), ("old", 3015), ("old", 3024)]
    look(source)
    assert rules.told() == []


def test_an_event_says_where_it_was_and_what_it_means(arguments: dict[str, t.Any]) -> None:
    rules = Rules()
    look(started(only(arguments, "old", first_look="boot"), rules))
    event = rules.events[0]
    assert event["meta"]["hosts"] == ["old"]
    told = event["portkeeper"]
    names = ("kind", "log", "source", "error")
    assert [told[name] for name in names] == ["lost_port", "System", SCM, 10048]
    assert told["meaning"].startswith("Internetauthentifizierungsdienst ended with error 10048")
    assert told["time"].endswith("Z")
    assert json.loads(json.dumps(event)) == event


def test_words_of_a_server_are_no_templates_and_command_no_terminal(arguments: dict[str, t.Any]) -> None:
    rules = Rules()
    look(started(only(arguments, "hostile", first_look="boot"), rules))
    text = json.dumps(rules.events, ensure_ascii=False)
    assert "lookup" in text
    assert [mark for mark in ("{{", "\x1b", "\u202e") if mark in text] == []


@pytest.mark.parametrize("name", ["old", "ntlm", "psrp"])
def test_an_event_is_told_at_the_next_look_and_never_again(
    fleet: RunningFleet, arguments: dict[str, t.Any], name: str
) -> None:
    rules, mine = Rules(), only(arguments, name)
    source = begun(mine, rules)
    host(fleet, name).act(do="write_event", **lost())
    look(source)
    assert rules.told() == [(name, 7023)]
    look(source)
    look(started(mine, rules))
    assert rules.told() == []
    host(fleet, name).act(do="write_event", **lost(error=10013))
    look(started(mine, rules))
    assert rules.told() == [(name, 7023)], "while the source did not run"


def test_a_cleared_log_begins_anew(fleet: RunningFleet, arguments: dict[str, t.Any]) -> None:
    rules = Rules()
    source = begun(only(arguments, "ntlm"), rules)
    for _number in range(2):
        host(fleet, "ntlm").act(do="clear_log", log="System")
        host(fleet, "ntlm").act(do="write_event", **lost())
        look(source)
        assert rules.told() == [("ntlm", 7023)]


def test_a_server_whose_clock_was_set_back_is_still_heard(fleet: RunningFleet, arguments: dict[str, t.Any]) -> None:
    rules = Rules()
    source = begun(only(arguments, "ntlm"), rules)
    try:
        host(fleet, "ntlm").act(do="clock", offset=-86400)
        host(fleet, "ntlm").act(do="write_event", **lost())
        look(source)
        assert rules.told() == [("ntlm", 7023)]
    finally:
        host(fleet, "ntlm").act(do="clock", offset=0)


def test_a_killed_source_goes_on_where_the_rules_stopped_taking(arguments: dict[str, t.Any]) -> None:
    mine = only(arguments, "old", first_look="boot")
    rules = Rules(most=2)
    with pytest.raises(asyncio.CancelledError):
        look(started(mine, rules))
    assert rules.told() == [("old", 7023), ("old", 4292)]
    rest = Rules()
    look(started(mine, rest))
    assert rest.told() == [("old", 3015), ("old", 3024)]


def test_a_look_costs_few_requests_and_leaves_nothing_open(fleet: RunningFleet, arguments: dict[str, t.Any]) -> None:
    source = started(only(arguments, "ntlm", "psrp", "old"), Rules())
    look(source)
    for name in ("ntlm", "psrp", "old"):
        host(fleet, name).reset_requests()
    look(source)
    counted = {name: host(fleet, name).requests() for name in ("ntlm", "psrp", "old")}
    assert {name: requests["messages"] for name, requests in counted.items()} == dict.fromkeys(counted, REQUESTS)
    assert {name: requests["connections"] for name, requests in counted.items()} == dict.fromkeys(counted, 1)
    assert {requests["action"] for requests in counted["old"]["log"]} == {
        *(
            "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get",
            "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate",
        ),
    }


def test_who_does_not_answer_harms_nobody(
    fleet: RunningFleet, arguments: dict[str, t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Each failure is told when it begins, and logged when it ends; a log that can't be read costs only itself."""
    rules = Rules()
    mine = only(arguments, "ntlm", "psrp", "old", failures=True, deadline=10)
    mine["hosts"]["wrong"] = {**mine["hosts"]["old"], "ansible_password": SECRETS[1]}
    mine["hosts"]["gone"] = {
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_user": "x",
        "ansible_password": "y",
    }
    source = started(mine, rules)
    host(fleet, "psrp").inject("access_denied", action="'Application'", times=None)
    look(source)
    assert sorted(rules.told()) == [("gone", 0), ("psrp", 0), ("wrong", 0)]
    host(fleet, "psrp").act(do="write_event", **lost())
    look(source)
    assert rules.told() == [("psrp", 7023)]
    host(fleet, "psrp").clear_faults()
    look(source)
    assert rules.told() == []
    warnings = [record.message for record in caplog.records if record.name == NAME]
    assert [text for text in warnings if "answers again" in text] == ["psrp/Application answers again."]
    assert sum("Connection refused" in text for text in warnings) == 1
    assert sum("rejects the credentials" in text for text in warnings) == 1
    assert sum("access" in text.casefold() and "psrp" in text for text in warnings) == 1


def test_no_password_is_logged_or_told(
    arguments: dict[str, t.Any], caplog: pytest.LogCaptureFixture, tmp_path: pathlib.Path
) -> None:
    caplog.set_level(logging.DEBUG)
    rules = Rules()
    mine = {**arguments, "first_look": "boot", "failures": True}
    mine["hosts"]["wrong"] = {**mine["hosts"]["old"], "ansible_password": SECRETS[1]}
    look(started(mine, rules))
    seen = caplog.text + json.dumps(rules.events) + (tmp_path / "state.json").read_text(encoding="utf-8")
    assert "rejects the credentials" in seen
    assert [secret for secret in SECRETS if secret in seen] == []


def test_feedback_of_the_rules_is_waited_for(arguments: dict[str, t.Any]) -> None:
    async def story() -> list[int]:
        rules, feedback = Rules(), asyncio.Queue[t.Any](1)
        given = {**only(arguments, "old", first_look="boot"), "feedback": True, "eda_feedback_queue": feedback}
        work = asyncio.create_task(watch(rules, given))
        counts: list[int] = []
        for _number in range(4):
            while len(rules.events) == (counts[-1] if counts else 0):
                assert not work.done(), work.exception()
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            counts.append(len(rules.events))
            await feedback.put(rules.events[-1])
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return counts

    assert asyncio.run(story()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hosts": {}}, "hosts: there is none"),
        ({"hosts": {"edge1": "s3cret"}}, "hosts: edge1: the value is no mapping of variables"),
        (
            {"hosts": {"edge1": {"ansible_connection": "ssh"}}},
            "ansible_connection of edge1: 'ssh' must be winrm or psrp",
        ),
        ({"intervall": 5}, "there is no option 'intervall'; did you mean 'interval'?"),
        ({"interval": 0}, "interval: must be 1 or more"),
        ({"first_look": "yesterday"}, "value of first_look must be one of: now, boot"),
        ({"hosts": "s3cret"}, "hosts"),
    ],
)
def test_wrong_arguments_are_told_at_the_start(wrong: Json, sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        asyncio.run(watch(Rules(), {"hosts": {"edge1": None}, **wrong}))
    assert sentence in str(refused.value)
    assert "s3cret" not in str(refused.value)


PROGRAM: t.Final = """
import asyncio, runpy, sys
main = runpy.run_path(sys.argv[1])["main"]
assert asyncio.iscoroutinefunction(main)
asyncio.run(main(asyncio.Queue(), {"hosts": {}}))
"""


def test_the_file_runs_by_its_path_and_finds_its_own_collection(tmp_path: pathlib.Path) -> None:
    """As ansible-rulebook runs it: nobody has told Python where collections are."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    file = ROOT / "build/collections/ansible_collections/portkeeper/windows" / SOURCE.relative_to(ROOT)
    command = [sys.executable, "-c", PROGRAM, str(file)]
    answer = subprocess.run(
        command,
        cwd=tmp_path,
        env={**environment, "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr.strip().endswith("OptionError: hosts: there is none"), answer.stderr


def test_its_documentation_has_its_options() -> None:
    texts = runpy.run_path(str(SOURCE))
    options = yaml.safe_load(texts["DOCUMENTATION"])["options"]
    facts = ("type", "default", "choices", "required")
    assert {name: [option.get(fact) for fact in facts] for name, option in options.items()} == {
        name: [option.get(fact) for fact in facts] for name, option in SPEC.items()
    }
    (example,) = yaml.safe_load(texts["EXAMPLES"])
    assert set(example[NAME]) <= set(options)
