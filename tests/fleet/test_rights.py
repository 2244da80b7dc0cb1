# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that lack a right: what check mode says, what the run says, and what is left.

docs/rights.md has the table of rights; here an account without all that a module's row leaves out can do its work.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import rights
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import RIGHTS, Right
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner
from tests.fleet.snapshot import JOURNAL, SERVICES, Snapshot
from tests.tooling.sources import ROOT

CONTROLLER: t.Final = ["domain_controller", "dns", "ias"]
FOLDER: t.Final = r"C:\Windows\System32\drivers\etc"
ENTRY: t.Final = {"name": "portkeeper", "port": 50389, "protocol": "tcp"}
TCPIP: t.Final = rf"HKLM\{SERVICES}\Tcpip\Parameters"
DNS: t.Final = rf"HKLM\{SERVICES}\DNS\Parameters"
NTDS: t.Final = rf"HKLM\{SERVICES}\NTDS\Parameters"

LACKING: t.Final[t.Mapping[str, tuple[Right, ...]]] = {
    "shell": (rights.SHELL,),
    "registry": (rights.KEY_WRITE, rights.KEY_CREATE, rights.KEY_DELETE),
    "service start": (rights.SERVICE_START,),
    "service stop": (rights.SERVICE_STOP,),
    "service config": (rights.SERVICE_CONFIGURE,),
    "network": (rights.NETWORK,),
    "files": (rights.FOLDER,),
    "shutdown": (rights.SHUTDOWN,),
}
"""What a simulated account may lack, and the rights of our table that it stands for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A task on a server whose account lacks one right.

    ``missing`` and ``not_checked`` are what check mode answers, without the right that the account lacks on the
    journal; ``None``: check mode fails already. ``said`` is in the run's message, and in check mode's if that fails.
    """

    id: str
    module: str
    options: Json
    lacks: str
    said: str
    release: str = "2022"
    language: str = "en"
    missing: tuple[str, ...] | None = ()
    not_checked: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.id


PORTS: t.Final[Json] = {"ports": ["20389"]}
RESTART: t.Final[Json] = {"size": "3000", "restart": True}
DELAYED: t.Final[Json] = {"name": ["DNS"], "start_mode": "delayed"}
MANUAL: t.Final[Json] = {"name": ["IAS"], "start_mode": "manual"}
STOPPED: t.Final[Json] = {"name": ["IAS"], "state": "stopped"}
LINES: t.Final[Json] = {"entries": [ENTRY]}
NTDS_PORT: t.Final[Json] = {"ports": {"ntds": 4901}}
RANGE: t.Final[Json] = {"start": 50000, "number": 10000}
REBOOT: t.Final[Json] = {"pre_reboot_delay": 0}
ALL: t.Final[Json] = {"resources": [{"reserved_ports": PORTS}], "victims": [{"service": "IAS", "ports": ["1812-1813"]}]}

NETSH: t.Final = "the unfiltered rights of an administrator on the TCP/IP settings"
BOTH: t.Final = ("SERVICE_STOP on the service DNS", "SERVICE_START on the service DNS")
GX: t.Final = "Execute (GX) for command shells on the WinRM service"
CONFIGURE: t.Final = "SERVICE_CHANGE_CONFIG on the service {}"
MODIFY: t.Final = f"Modify (NTFS) on the folder {FOLDER}"
PRIVILEGE: t.Final = "SeShutdownPrivilege and SeRemoteShutdownPrivilege on the server"
KEY: t.Final = r"KEY_CREATE_SUB_KEY on HKLM\SOFTWARE"
NO_KEY: t.Final = (
    r"the account lacks KEY_CREATE_SUB_KEY on the nearest key above HKLM\SOFTWARE\Portkeeper\Begun that exists"
)
WMI: t.Final = "the account lacks Enable Account and Remote Enable on the WMI namespace root/cimv2"
READ: t.Final = "the account lacks KEY_QUERY_VALUE and KEY_ENUMERATE_SUB_KEYS"
METHODS: t.Final = "with Execute Methods, on the WMI namespace root/default"


def _case(name: str, module: str, options: Json, lacks: str, said: str, **more: t.Any) -> Case:
    return Case(id=f"{module}-{name}", module=module, options=options, lacks=lacks, said=said, **more)


CASES: t.Final = (
    *(
        Case(id=f"{module}-{lacks}", module=module, options=options, lacks=lacks, said=said, missing=None)
        for module, options in {
            "reserved_ports": PORTS,
            "dns_socket_pool": RESTART,
            "dynamic_ports": RANGE,
            "service_start_mode": MANUAL,
            "service_state": STOPPED,
            "services_file": LINES,
            "static_rpc_port": NTDS_PORT,
            "converge": ALL,
        }.items()
        for lacks, said in {"wmi": WMI, "methods": METHODS}.items()
    ),
    _case("wmi", "server_reboot", REBOOT, "wmi", WMI, missing=None),
    *(
        Case(id=f"{module}-journal", module=module, options=options, lacks="registry SOFTWARE", said=NO_KEY, **more)
        for module, options, more in (
            ("reserved_ports", PORTS, {"release": "2003", "missing": (KEY,)}),
            ("dns_socket_pool", RESTART, {"missing": (KEY,), "not_checked": BOTH}),
            ("dynamic_ports", RANGE, {"missing": (KEY,), "not_checked": (NETSH,)}),
            ("service_start_mode", MANUAL, {"missing": (KEY,), "not_checked": (CONFIGURE.format("IAS"),)}),
            ("static_rpc_port", NTDS_PORT, {"missing": (KEY,)}),
        )
    ),
    *(
        Case(id=f"{module}-value", module=module, options=options, lacks="registry SYSTEM", said=said, **more)
        for module, options, said, more in (
            ("reserved_ports", PORTS, f"lacks KEY_SET_VALUE on {TCPIP}", {"release": "2003"}),
            ("dns_socket_pool", RESTART, f"lacks KEY_SET_VALUE on {DNS}", {"not_checked": BOTH}),
            ("static_rpc_port", NTDS_PORT, f"lacks KEY_SET_VALUE on {NTDS}", {}),
        )
    ),
    _case("shell", "reserved_ports", PORTS, "shell", GX, missing=None),
    _case("netsh", "reserved_ports", PORTS, "network", NETSH, not_checked=(NETSH,)),
    _case("netsh", "dynamic_ports", RANGE, "network", NETSH, not_checked=(NETSH,)),
    _case("netsh", "converge", ALL, "network", NETSH, not_checked=(NETSH,)),
    _case("stop", "dns_socket_pool", RESTART, "service stop DNS", BOTH[0], not_checked=BOTH),
    _case("start", "dns_socket_pool", RESTART, "service start DNS", BOTH[1], not_checked=BOTH),
    _case(
        "manual",
        "service_start_mode",
        MANUAL,
        "service config",
        CONFIGURE.format("IAS"),
        not_checked=(CONFIGURE.format("IAS"),),
    ),
    _case(
        "sc.exe",
        "service_start_mode",
        DELAYED,
        "service config",
        CONFIGURE.format("DNS"),
        not_checked=(CONFIGURE.format("DNS"), GX),
    ),
    _case(
        "sc.exe-german",
        "service_start_mode",
        DELAYED,
        "service config",
        CONFIGURE.format("DNS"),
        language="de",
        not_checked=(CONFIGURE.format("DNS"), GX),
    ),
    _case("netsh-german", "reserved_ports", PORTS, "network", NETSH, language="de", not_checked=(NETSH,)),
    _case("read", "reserved_ports", PORTS, "read SYSTEM", f"{READ} on {TCPIP}", release="2003", missing=None),
    _case("read", "dns_socket_pool", RESTART, "read SYSTEM", f"{READ} on {DNS}", missing=None),
    _case("read", "static_rpc_port", NTDS_PORT, "read SYSTEM", f"{READ} on {NTDS}", missing=None),
    _case("shell", "service_start_mode", DELAYED, "shell", GX, not_checked=(CONFIGURE.format("DNS"), GX)),
    _case(
        "stop",
        "service_state",
        STOPPED,
        "service stop",
        "SERVICE_STOP on the service IAS",
        not_checked=("SERVICE_STOP on the service IAS",),
    ),
    _case("files", "services_file", LINES, "files", "Modify (NTFS) on that folder", not_checked=(MODIFY,)),
    _case("shell", "services_file", LINES, "shell", GX, missing=None),
    _case("privilege", "server_reboot", REBOOT, "shutdown", PRIVILEGE, not_checked=(PRIVILEGE,)),
)


LOOKING: t.Final = {"port_info", "verify_assumptions"}
"""Modules that never change a server."""
BEGUN: t.Final = ("dns_socket_pool-stop", "dns_socket_pool-start")
"""The value is written first and waits for a restart, as the journal notes. Who can't start DNS leaves it stopped."""


def runner(case_id: str, release: str, *lacks: str, language: str = "en") -> CaseRunner:
    user = {"name": "operator", "password": "secret", "lacks": list(lacks)}
    server: Json = {
        "release": release,
        "language": language,
        "roles": CONTROLLER,
        "users": [user],
        "broken": False,
    }
    return CaseRunner(HostCase(id=case_id, server=server, steps=()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_missing_right(case: Case) -> None:
    server = runner(case.id.replace(".", "-"), case.release, case.lacks, language=case.language)
    checked = server.run_step(Step(module=case.module, options=case.options, check=True))
    _demand_prediction(case, checked)
    done = server.run_step(Step(module=case.module, options=case.options))
    assert done.event == "failed"
    assert case.said in done.message
    assert "LocalAccountTokenFilterPolicy" in done.message or case.lacks == "files"
    if case.id not in BEGUN:
        assert _settings(done.after) == _settings(checked.before), "something was half done"


def _demand_prediction(case: Case, checked: TaskRun) -> None:
    assert _settings(checked.after) == _settings(checked.before)
    if case.missing is None:
        assert checked.event == "failed"
        assert case.said in checked.message
        return
    assert checked.event == "ok", checked.message
    missing = case.missing
    if case.lacks == "registry SYSTEM":
        missing = (case.said.removeprefix("lacks "),)
    assert checked.result["rights"]["missing"] == list(missing)
    assert checked.result["rights"]["not_checked"] == list(case.not_checked)
    named = [text for text in checked.result["warnings"] if text.startswith("A run would stop with access denied")]
    assert len(named) == (1 if missing else 0)
    assert all(right in named[0] for right in missing)


def _settings(snapshot: Snapshot) -> dict[str, t.Any]:
    """What a change would change, without the journal and the announcement, which come first."""
    registry = {key: values for key, values in snapshot.data["registry"].items() if JOURNAL not in key}
    services = {name: (row["state"], row["start"]) for name, row in snapshot.data["services"].items()}
    return {**{name: snapshot.data[name] for name in ("exclusions", "dynamic_ranges", "files")}, **registry, **services}


PARTLY: t.Final[t.Mapping[str, str]] = {
    "shell": GX,
    rf"read {SERVICES}\DNS": rf"KEY_QUERY_VALUE and KEY_ENUMERATE_SUB_KEYS on {DNS}",
}


@pytest.mark.parametrize("lacks", PARTLY)
def test_port_info_tells_what_it_may_read_and_names_the_right_for_the_rest(lacks: str) -> None:
    run = runner("partly", "2022", lacks).run_step(Step(module="port_info", options={"detail": "full"}))
    assert run.event == "ok", run.message
    assert f"the account lacks {PARTLY[lacks]}" in run.warnings


def test_port_info_names_the_namespace_that_has_the_sockets() -> None:
    server = runner("sockets", "2022", "wmi root/standardcimv2")
    run = server.run_step(Step(module="port_info", options={"detail": "full", "gather_subset": ["sockets"]}))
    assert run.event == "failed"
    assert "the account lacks Enable Account and Remote Enable on the WMI namespace root/StandardCimv2" in run.message


WORK: t.Final[t.Mapping[str, tuple[tuple[str, Json], ...]]] = {
    "reserved_ports": (("2003", PORTS), ("2022", PORTS)),
    "dns_socket_pool": (("2003", RESTART), ("2022", RESTART)),
    "dynamic_ports": (("2003", {"max_user_port": "60000", "accept_risks": ["block_mode"]}), ("2022", RANGE)),
    "service_start_mode": (("2003", MANUAL), ("2022", DELAYED)),
    "service_state": (("2003", STOPPED), ("2022", STOPPED)),
    "services_file": (("2022", LINES),),
    "static_rpc_port": (("2003", NTDS_PORT), ("2022", NTDS_PORT)),
    "server_reboot": (("2022", REBOOT),),
    "port_info": (("2003", {}), ("2022", {})),
    "verify_assumptions": (("2003", {"directory": ""}), ("2022", {"directory": ""})),
    "converge": (("2022", {**ALL, "reboot": "where_needed"}),),
}


@pytest.mark.parametrize("module", WORK)
def test_a_module_needs_no_right_that_its_row_leaves_out(module: str, tmp_path: pathlib.Path) -> None:
    row = {*RIGHTS[module].reads, *RIGHTS[module].changes}
    spare = [word for word, needed in LACKING.items() if not row & set(needed)]
    assert spare or module == "converge"
    for release, given in WORK[module]:
        options = {**given, **({"directory": str(tmp_path)} if "directory" in given else {})}
        server = runner(f"{module}-{release}".replace("_", "-"), release, *spare)
        for check in (True, False):
            done = server.run_step(Step(module=module, options=options, check=check))
            assert done.event == "ok", done.message
            assert "ould not read" not in done.warnings


def test_every_module_that_contacts_a_server_has_a_row_and_a_case() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert set(RIGHTS) == set(WORK) == modules - {"offline_kit", "port_maps", "port_page"}
    assert {case.module for case in CASES} == set(RIGHTS) - LOOKING


@pytest.mark.parametrize("release", ["2003", "2022"])
def test_check_mode_asks_once_for_each_key_and_a_run_asks_nothing(release: str) -> None:
    server = runner(f"asked-{release}", release)
    checked, done = (
        server.run_step(Step(module="dns_socket_pool", options=RESTART, check=check)) for check in (True, False)
    )
    asked = [row["brief"] for row in checked.requests["log"] if row["method"] == "CheckAccess"]
    assert len(asked) == 2
    assert not [row for row in done.requests["log"] if row["method"] == "CheckAccess"]
    assert checked.result["rights"]["missing"] == []
    assert "rights" not in done.result
    again = server.run_step(Step(module="dns_socket_pool", options=RESTART, check=True))
    assert "rights" not in again.result


def test_a_stripped_local_administrator_is_told_of_the_policy() -> None:
    user = {"name": "operator", "password": "secret", "filtered_token": True}
    case = HostCase(id="filtered", server={"release": "2022", "roles": ["dns"], "users": [user]}, steps=())
    run = CaseRunner(case).run_step(Step(module="reserved_ports", options=PORTS))
    assert run.event == "failed"
    assert "the account lacks" in run.message
    assert "LocalAccountTokenFilterPolicy is 1" in run.message
