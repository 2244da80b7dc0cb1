# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS: every way to log on over it, and one sentence for each way in which TLS can fail."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, play
from tests.fleet.snapshot import joined
from tests.simulator.control import running_fleet


def _https(transport: str, release: str = "2022", *, binding: str = "ignored", **variables: t.Any) -> Json:
    wire = {"transport": transport, "scheme": "https", "channel_binding": binding}
    return {"release": release, "wire": wire, "vars": variables}


def _psrp(server: Json, **variables: t.Any) -> Json:
    return {**server, "vars": {"ansible_connection": "psrp", **variables}}


_MUTUAL: t.Final[Json] = {"release": "2022", "wire": {"transport": "certificate", "schemes": ["negotiate"]}}
_WINRM: t.Final[dict[str, Json]] = {
    "basic": _https("basic"),
    "ntlm": _https("ntlm", "2012r2"),
    "certificate": _https("certificate", "2025"),
    "bound": _https("ntlm", binding="required"),
}
GOOD: t.Final[dict[str, Json]] = {
    **_WINRM,
    **{f"{name}-psrp": _psrp(server) for name, server in _WINRM.items()},
}
_NOT_TRUSTED: t.Final = r"TLS failed .*certificate verify failed.*name the authority .*\(%s\)"
_OLD_TLS: t.Final = r"TLS failed .*at most TLS 1\.0.*use http with NTLM there, it encrypts"
_OF_NOBODY: t.Final = r"rejects the credentials \(certificate\).*mapped to a local account"
_NO_TLS: t.Final = r"TLS failed .*this port does not speak TLS: set %s: http"
_MAY_BE_TLS: t.Final = r"without an answer to the first message; this port may speak HTTPS: check %s"
_UNBOUND: t.Final = r"rejects the credentials \(%s\)"
BAD: t.Final[dict[str, tuple[Json, str]]] = {
    "certificate-not-trusted": (
        _https("ntlm", ansible_winrm_ca_trust_path=None),
        _NOT_TRUSTED % "ansible_winrm_ca_trust_path",
    ),
    "old-tls": (_https("ntlm", "2003"), _OLD_TLS),
    "certificate-of-nobody": (_MUTUAL, _OF_NOBODY),
    "https-asked-of-http": (
        {"release": "2022", "vars": {"ansible_winrm_scheme": "https"}},
        _NO_TLS % "ansible_winrm_scheme",
    ),
    "http-asked-of-https": (_https("ntlm", ansible_winrm_scheme="http"), _MAY_BE_TLS % "ansible_winrm_scheme"),
    "unbound": (_https("ntlm", binding="required", ansible_winrm_send_cbt=False), _UNBOUND % "ntlm"),
    "certificate-not-trusted-psrp": (
        _psrp(_https("ntlm"), ansible_psrp_ca_cert=None),
        _NOT_TRUSTED % "ansible_psrp_ca_cert",
    ),
    "old-tls-psrp": (_psrp(_https("ntlm", "2003")), _OLD_TLS),
    "certificate-of-nobody-psrp": (_psrp(_MUTUAL), _OF_NOBODY),
    "https-asked-of-http-psrp": (
        _psrp({"release": "2022"}, ansible_psrp_protocol="https"),
        _NO_TLS % "ansible_psrp_protocol",
    ),
    "http-asked-of-https-psrp": (
        _psrp(_https("ntlm"), ansible_psrp_protocol="http"),
        _MAY_BE_TLS % "ansible_psrp_protocol",
    ),
    "unbound-psrp": (
        _psrp(_https("ntlm", binding="required"), ansible_psrp_negotiate_send_cbt=False),
        _UNBOUND % "ntlm",
    ),
}


@pytest.fixture(scope="module")
def results() -> FleetRun:
    hosts = {**GOOD, **{name: server for name, (server, _sentence) in BAD.items()}}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        task = {"name": "Reserve", "portkeeper.windows.reserved_ports": {"ports": ["5389"]}}
        return play(fleet.control, fleet.inventory, [task])


@pytest.mark.parametrize("host", GOOD)
def test_it_works(results: FleetRun, host: str) -> None:
    (task_run,) = results.task_runs[host]
    assert (task_run.event, task_run.result["changed"]) == ("ok", True), task_run.message
    assert joined(task_run.after.excluded("udp")) == ["5389-5389"]


@pytest.mark.parametrize("host", BAD)
def test_one_sentence_says_what_is_wrong(results: FleetRun, host: str) -> None:
    _server, sentence = BAD[host]
    (task_run,) = results.task_runs[host]
    assert task_run.event == "unreachable"
    assert re.search(sentence, task_run.message), task_run.message
    assert len(task_run.message) < 500
    assert "Traceback" not in results.output
