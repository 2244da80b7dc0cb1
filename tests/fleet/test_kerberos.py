# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos against an MIT KDC on this machine: every way that works, and one sentence for each that does not."""

from __future__ import annotations

import dataclasses
import re
import sys
import typing as t

import ansible.plugins.connection.winrm
import pytest

from ansible_collections.portkeeper.windows.plugins.plugin_utils._delegation import LOST_BY_PYPSRP, LOST_BY_PYWINRM
from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, play
from tests.fleet.kerberos_realm import REALM, SILENT_REALM, Realm, lacking, running_realm
from tests.fleet.snapshot import joined
from tests.fleet.ways_in import inventory_of, one_task
from tests.simulator.control import RunningFleet, running_fleet
from tests.simulator.fleet import DEFAULT_USER
from tests.simulator.inventory import service_name

if lacking():
    pytest.skip(lacking(), allow_module_level=True)

USER: t.Final = DEFAULT_USER["name"]
PASSWORD: t.Final = DEFAULT_USER["password"]
WRONG: t.Final = "Wrong-but-secret"
MOVED: t.Final = "moved.portkeeper.test"
"""A name that the realm knows, and that the host has no key of: another account has it."""


def _kerberos(release: str = "2022", **wire: t.Any) -> Json:
    return {"release": release, "wire": {"transport": "kerberos", "realm": REALM, **wire}}


PSRP: t.Final[Json] = {"ansible_connection": "psrp"}
GOOD: t.Final[dict[str, Json]] = {
    "http": _kerberos(),
    "http-2003": _kerberos("2003"),
    "https": _kerberos("2012r2", scheme="https"),
    "https-bound": _kerberos("2025", scheme="https", channel_binding="required"),
    "password-of-a-user-without-rights-to-delegate": {
        **_kerberos(),
        "vars": {"ansible_winrm_kerberos_delegation": True, "ansible_winrm_kinit_args": "-F"},
    },
    "delegated": {**_kerberos(), "vars": {"ansible_winrm_kerberos_delegation": True}},
    "http-psrp": {**_kerberos(), "vars": PSRP},
    "https-bound-psrp": {**_kerberos("2016", scheme="https", channel_binding="required"), "vars": PSRP},
    "delegated-psrp": {**_kerberos(), "vars": {**PSRP, "ansible_psrp_negotiate_delegate": True}},
}
HOSTS: t.Final[dict[str, Json]] = {**GOOD, "no-domain": {"release": "2022", "wire": {"transport": "ntlm"}}}


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Realm]:
    with running_realm(tmp_path_factory.mktemp("realm")) as found:
        found.add_user(USER, PASSWORD)
        found.add_user("locked", PASSWORD, "-allow_tix")
        found.add_user("stale", PASSWORD, "-pwexpire", "2020-01-01")
        for host in GOOD:
            found.add_service(service_name(host, REALM))
        found.add_service(MOVED, in_keytab=False)
        yield found


@pytest.fixture(scope="module")
def expiring(realm: Realm) -> str:
    """A ticket for a second, got early: the KDC takes it for ten seconds more."""
    return realm.ticket(USER, PASSWORD, "-l", "1s")


@pytest.fixture(scope="module")
def fleet(realm: Realm) -> t.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}, environment=realm.environment) as found:
        yield found


@pytest.fixture(scope="module")
def variables(fleet: RunningFleet) -> dict[str, dict[str, t.Any]]:
    return inventory_of(fleet.inventory)


@pytest.fixture(scope="module")
def results(realm: Realm, fleet: RunningFleet, expiring: str) -> FleetRun:
    """Two tasks, of which the second one has items: several messages and a command over one connection."""
    assert expiring
    reserve = "portkeeper.windows.reserved_ports"
    tasks = [
        {"name": "Reserve", reserve: {"ports": ["5389"]}},
        {"name": "Again", reserve: {"ports": ["{{ item }}"]}, "loop": ["5389", "5390"]},
    ]
    return play(fleet.control, fleet.inventory, tasks, "--limit", ",".join(GOOD), settings=realm.environment)


@pytest.mark.parametrize("host", GOOD)
def test_it_works(results: FleetRun, host: str) -> None:
    first, second = results.task_runs[host]
    assert (first.event, first.result["changed"]) == ("ok", True), first.message
    assert [item["changed"] for item in second.result["results"]] == [False, True]
    kept = second.after.reserved if host == "http-2003" else joined(second.after.excluded("udp"))
    assert kept == ["5389-5390"]


ROUNDS: t.Final = {"https": 0, "http-psrp": 2, "delegated-psrp": 2}
"""Requests that only authenticate: pywinrm sends its ticket at once, pypsrp asks first; over https with the body."""


@pytest.mark.parametrize("host", GOOD)
def test_what_went_over_the_wire(results: FleetRun, host: str) -> None:
    (first, _second) = results.task_runs[host]
    log = first.requests["log"]
    assert {line["authentication"] for line in log} == {"kerberos"}
    assert {line["sealed"] for line in log} == {not host.startswith("https")}
    assert {line["delegated"] for line in log} == {host.startswith("delegated")}
    assert first.requests["authentication_rounds"] == ROUNDS.get(host, 1)


@pytest.mark.parametrize("host", GOOD)
def test_only_a_lost_delegation_is_warned_of(results: FleetRun, host: str) -> None:
    (first, _second) = results.task_runs[host]
    expected = [LOST_BY_PYWINRM] if host == "password-of-a-user-without-rights-to-delegate" else []
    assert [text for text in first.result.get("warnings", ()) if "deleg" in text] == expected


def test_no_output_holds_the_password(results: FleetRun) -> None:
    assert PASSWORD not in results.output


@dataclasses.dataclass(frozen=True)
class Refused:
    """A way that does not work; ``variables`` are set over those of the host."""

    variables: Json
    sentence: str
    host: str = "http"
    cache: str = "FILE:/nonexistent/cache"


MANUAL: t.Final[Json] = {"ansible_winrm_kinit_mode": "manual"}
_NAME: t.Final = "ansible_winrm_kerberos_hostname_override"
_NO_TICKET_FOR: t.Final = r"^http \(127\.0\.0\.1\): kinit gets no ticket for "
_BECAUSE: t.Final = r"on http \(127\.0\.0\.1\) failed: the authentication \(kerberos\) can't be carried out: "

REFUSED: t.Final[dict[str, Refused]] = {
    "wrong-password": Refused(
        {"ansible_password": WRONG},
        _NO_TICKET_FOR + rf"{USER}@{REALM}: the password is wrong \(Password incorrect\); check user and password",
    ),
    "unknown-user": Refused(
        {"ansible_user": f"ghost@{REALM}"},
        _NO_TICKET_FOR + rf"ghost@{REALM}: the realm does not know this user \(Client 'ghost@.* not found in Kerberos",
    ),
    "locked-user": Refused(
        {"ansible_user": f"locked@{REALM}"},
        _NO_TICKET_FOR + r"locked@.*: the account is locked, disabled or expired \(Client's credentials have been rev",
    ),
    "expired-password": Refused(
        {"ansible_user": f"stale@{REALM}"},
        _NO_TICKET_FOR + r"stale@.*: the password has expired, or must be changed .*; change it, for example with kp",
    ),
    "wrong-realm": Refused(
        {"ansible_user": f"{USER}@WRONG.TEST"},
        _NO_TICKET_FOR + r".*: no KDC of the realm is known here \(Cannot find KDC for realm \"WRONG\.TEST\"\); check"
        r".*; kinit sees KRB5_CONFIG only if ansible_winrm_kinit_env_vars lists it\.$",
    ),
    "silent-realm": Refused(
        {"ansible_user": f"{USER}@{SILENT_REALM}"},
        _NO_TICKET_FOR + rf".*: no KDC of the realm answers \(Cannot contact any KDC for realm '{SILENT_REALM}'\); che",
    ),
    "no-kinit": Refused(
        {"ansible_winrm_kinit_cmd": "/nonexistent/kinit"},
        r"^http \(127.*: kinit can't be run \('/nonexistent/kinit': .*No such file.*; install it \(Debian: krb5-user",
    ),
    "no-ticket": Refused(MANUAL, _BECAUSE + r"there is no ticket of this user \(Can't find client principal .*kinit"),
    "unknown-name-of-the-server": Refused(
        {_NAME: "nowhere.portkeeper.test"},
        _BECAUSE + r"the realm does not know the server by this name \(Server HTTP/nowhere\.portkeeper\.test@.* not "
        r"found in Kerberos database\); name the server .*or ansible_winrm_kerberos_hostname_override .*setspn -S",
    ),
    "name-of-another-account": Refused(
        {_NAME: MOVED},
        r"the server rejects the credentials \(kerberos\) \(401\); the ticket was got.*setspn -Q HTTP/NAME",
    ),
    "channel-not-bound": Refused(
        {"ansible_winrm_send_cbt": False},
        r"the server rejects the credentials \(kerberos\) \(401\)",
        host="https-bound",
    ),
    "server-without-a-domain": Refused(
        {
            "ansible_user": f"{USER}@{REALM}",
            "ansible_winrm_transport": "kerberos",
            "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"],
            _NAME: service_name("http", REALM),
        },
        r"the server rejects the credentials \(kerberos\) \(401\)",
        host="no-domain",
    ),
}

_BY_PSRP: t.Final = r"on http-psrp \(127\.0\.0\.1\) failed: the authentication \(kerberos\) can't be carried out: "
_OF_PSRP: t.Final = "ansible_psrp_negotiate_hostname_override"

REFUSED_BY_PSRP: t.Final[dict[str, Refused]] = {
    "wrong-password": Refused({"ansible_password": WRONG}, _BY_PSRP + r"the password is wrong \(.*; check user and"),
    "unknown-user": Refused(
        {"ansible_user": f"ghost@{REALM}"}, _BY_PSRP + r"the realm does not know this user \(Client 'ghost@.*; check"
    ),
    "expired-password": Refused({"ansible_user": f"stale@{REALM}"}, _BY_PSRP + r"the password has expired, or must"),
    "wrong-realm": Refused(
        {"ansible_user": f"{USER}@WRONG.TEST"}, _BY_PSRP + r"no KDC of the realm is known here \(Cannot find KDC for"
    ),
    "no-ticket": Refused({"ansible_password": None}, _BY_PSRP + r"there is no ticket of this user \(Can't find client"),
    "no-ticket-at-all": Refused(
        {"ansible_password": None, "ansible_user": None}, _BY_PSRP + r"there is no ticket of this user \(No Kerberos"
    ),
    "unknown-name-of-the-server": Refused(
        {_OF_PSRP: "nowhere.portkeeper.test"},
        _BY_PSRP + r"the realm does not know the server by this name \(Server WSMAN/nowhere.*or ansible_psrp_negotiat",
    ),
    "name-of-another-account": Refused({_OF_PSRP: MOVED}, r"rejects the credentials \(kerberos\) \(401\); the ticket"),
    "channel-not-bound": Refused(
        {"ansible_psrp_negotiate_send_cbt": False}, r"rejects the credentials \(kerberos\)", host="https-bound-psrp"
    ),
}


def _refused(case: Refused, realm: Realm, variables: dict[str, dict[str, t.Any]]) -> str:
    """The sentence about a host that can't be reached."""
    given = {**variables[case.host], **case.variables}
    result = one_task(case.host, given, {**realm.environment, "KRB5CCNAME": case.cache})
    assert result.get("unreachable"), result
    assert not {PASSWORD, WRONG} & set(re.findall(r"[\w-]+", str(result)))
    assert len(result["msg"]) < 600
    return str(result["msg"])


@pytest.mark.parametrize("name", REFUSED)
def test_one_sentence_says_what_is_wrong(realm: Realm, variables: dict[str, dict[str, t.Any]], name: str) -> None:
    case = REFUSED[name]
    sentence = _refused(case, realm, variables)
    assert re.search(case.sentence, sentence), sentence


@pytest.mark.parametrize("name", REFUSED_BY_PSRP)
def test_psrp_says_so_too(realm: Realm, variables: dict[str, dict[str, t.Any]], name: str) -> None:
    case = REFUSED_BY_PSRP[name]
    at_psrp = case if case.host != "http" else dataclasses.replace(case, host="http-psrp")
    sentence = _refused(at_psrp, realm, variables)
    assert re.search(case.sentence, sentence), sentence


def test_a_ticket_that_kinit_got_before(realm: Realm, variables: dict[str, dict[str, t.Any]]) -> None:
    cache = realm.ticket(USER, PASSWORD)
    given = {**variables["http"], **MANUAL, "ansible_password": None}
    result = one_task("http", given, {**realm.environment, "KRB5CCNAME": cache})
    assert result.get("release") == "Windows Server 2022", result


def test_the_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, realm: Realm, variables: dict[str, dict[str, t.Any]]
) -> None:
    monkeypatch.setattr(ansible.plugins.connection.winrm, "HAVE_KERBEROS", False)
    sentence = _refused(Refused({}, ""), realm, variables)
    assert "the Python package pykerberos is missing on the controller; install it" in sentence
    assert "'pip install pywinrm[kerberos]'" in sentence


def test_the_missing_packages_of_psrp_are_named(
    monkeypatch: pytest.MonkeyPatch, realm: Realm, variables: dict[str, dict[str, t.Any]]
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    result = one_task("http-psrp", variables["http-psrp"], realm.environment)
    assert result["failed"], result
    assert "'pip install pypsrp[kerberos]'" in result["msg"]


@pytest.mark.parametrize("forwardable", [True, False])
def test_psrp_warns_of_a_lost_delegation(
    realm: Realm, variables: dict[str, dict[str, t.Any]], forwardable: bool
) -> None:
    cache = realm.ticket(USER, PASSWORD, "-f" if forwardable else "-F")
    given = {**variables["delegated-psrp"], "ansible_password": None}
    result = one_task("delegated-psrp", given, {**realm.environment, "KRB5CCNAME": cache})
    assert result["warnings"] == ([] if forwardable else [LOST_BY_PYPSRP])


@pytest.mark.parametrize(
    ("host", "end"), [("http", "Ticket expired"), ("http-psrp", "The referenced credential has expired")]
)
def test_a_ticket_that_has_run_out(
    realm: Realm, variables: dict[str, dict[str, t.Any]], expiring: str, host: str, end: str
) -> None:
    """The last test, since the KDC takes it for a while."""
    realm.wait_until_expired(expiring, f"HTTP/{service_name('http', REALM)}")
    given = Refused({**MANUAL, "ansible_password": None}, "", host=host, cache=expiring)
    sentence = _refused(given, realm, variables)
    assert f"can't be carried out: the ticket has run out ({end}); get a new one with kinit" in sentence
