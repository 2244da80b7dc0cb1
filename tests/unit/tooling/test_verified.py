# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of real servers: what is refused, what they contradict, and where they are told and taken."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import results
from tests.fleet.host_cases import Json
from tests.fleet.verified_hosts import HOSTS
from tests.fleet.verifying import LAB, looked
from tests.simulator import profiles
from tests.simulator.direct import DirectServer
from tests.simulator.windows.assumptions import assumption_types
from tests.tooling import verified

PLAIN: t.Final = HOSTS["2003-plain"]
OTHERWISE: t.Final[Json] = {
    **PLAIN,
    "assumptions": {"registry_absent_value": 2, "fc_exit_code_tells": False},
    "wire": {"unknown_method": "invalid_resource", "idle_timeout": "ignored"},
}


def written(folder: pathlib.Path, host: Json, target: results.Target = "real", **changed: t.Any) -> pathlib.Path:
    """The file that a server gives."""
    seen = looked(host).verified
    found = {**results.document(seen.results, seen.server, target=target, grade="look"), **changed}
    path = folder / f"{results.base_name(found)}.json"
    path.write_text(results.json_text(found), encoding="ascii")
    return path


def test_the_answers_in_the_repository_contradict_nothing() -> None:
    """Until the code or the assumption is mended, this fails: read what the server saw in the file that it names."""
    assert [sentence for found in verified.documents() for sentence in verified.contradictions(found)] == []


def test_answers_as_expected_are_told_and_contradict_nothing(tmp_path: pathlib.Path) -> None:
    written(tmp_path, PLAIN)
    (found,) = verified.documents(tmp_path)
    assert verified.contradictions(found) == []
    assert verified.seen_on("registry_absent_value", [found]) == "2003 (3790)"
    assert verified.seen_on("ad_lds_binds_udp", [found]) == "nowhere yet"


def test_answers_otherwise_contradict_and_are_told(tmp_path: pathlib.Path) -> None:
    written(tmp_path, PLAIN)
    written(tmp_path, OTHERWISE)
    found = verified.documents(tmp_path)
    against = [sentence for one in found for sentence in verified.contradictions(one)]
    assert "2003 (3790): absent_value saw 2, expected is 1" in against
    assert "2003 (3790): fc_exit_code saw False, expected is True" in against
    assert verified.seen_on("fc_exit_code_tells", found) == "2003 (3790); not on 2003 (3790)"


def test_answers_of_the_simulator_are_refused(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path, PLAIN, "simulated")
    with pytest.raises(verified.Refused, match="only those of real servers count"):
        verified.read(path)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda found: {**found, "schema": 2}, "has not the schema 1"),
        (lambda found: {**found, "grade": "lab"}, "was changed after it was written"),
        (lambda found: [found], "has not the schema 1"),
    ],
    ids=["schema", "content", "list"],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(
    spoil: t.Callable[[t.Any], t.Any], sentence: str, tmp_path: pathlib.Path
) -> None:
    path = written(tmp_path, PLAIN)
    path.write_text(json.dumps(spoil(json.loads(path.read_text(encoding="ascii")))), encoding="ascii")
    with pytest.raises(verified.Refused, match=sentence):
        verified.read(path)


def test_a_file_of_another_name_is_refused(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path, PLAIN)
    with pytest.raises(verified.Refused, match="should be called"):
        verified.read(path.rename(path.with_stem("mine")))


def test_no_json_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{", encoding="ascii")
    with pytest.raises(verified.Refused, match="no JSON"):
        verified.read(path)


def test_simulated_servers_take_the_answers_of_their_build(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, OTHERWISE)
    settled = profiles.verified("5.2.3790", assumption_types(), folder=tmp_path)
    assert settled.items() >= {"registry_absent_value": 2, "fc_exit_code_tells": False}.items()
    assert profiles.verified("10.0.17763", assumption_types(), folder=tmp_path) == {}
    assert profiles.wire_settings("5.2.3790", folder=tmp_path)["unknown_method"] == "invalid_resource"
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    own: Json = {"assumptions": {"verified": True, "fc_exit_code_tells": True}, "wire": {"idle_timeout": "taken"}}
    taken = looked({**PLAIN, **own}).by_probe
    # What a scenario says by itself goes before what a real server has answered.
    assert (taken["absent_value"].seen, taken["fc_exit_code"].seen) == (2, True)
    assert (taken["no_method"].seen, taken["idle_timeout"].seen) == ("DestinationUnreachable 0x80338000", True)


LAB_HOST: t.Final[Json] = {"release": "2016", "roles": ["member"]}
SPOILT: t.Final[Json] = {
    **LAB_HOST,
    "assumptions": {"start_of_disabled_service": 8, "direct_start_value_needs_boot": False},
    "wire": {"unrelated_faults": False, "shell_quota_fault": "wsman_fault"},
}


def test_the_answers_of_a_lab_count_as_well(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looked(SPOILT, LAB, reboots=False).verified
    found = results.document(seen.results, seen.server, target="real", grade="lab")
    (tmp_path / f"{results.base_name(found)}.json").write_text(results.json_text(found), encoding="ascii")
    (read,) = verified.documents(tmp_path)
    assert "2016 (14393): lab_disabled_service saw 8, expected is 14" in verified.contradictions(read)
    assert verified.seen_on("start_with_failed_dependency", [read]) == "2016 (14393)"
    assert verified.seen_on("start_of_disabled_service", [read]) == "not on 2016 (14393)"
    assert verified.seen_on("reboot_method_return", [read]) == "nowhere yet"
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    again = looked({**LAB_HOST, "assumptions": {"verified": True}}, LAB, reboots=False).by_probe
    assert {name: one.seen for name, one in again.items()} == {one.probe.id: one.seen for one in seen.results}


def test_a_profile_is_wanted_or_not() -> None:
    with pytest.raises(ValueError, match="must be true or false"):
        DirectServer({"name": "server", **PLAIN, "assumptions": {"verified": "2019"}})
