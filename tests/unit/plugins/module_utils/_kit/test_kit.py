# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kits at the console of simulated servers: looked at, backed up, applied, verified, taken back."""

from __future__ import annotations

import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import RELEASES, kit_release
from ansible_collections.portkeeper.windows.plugins.plugin_utils._offline_kit import made
from tests.simulator.visit import Visit
from tests.simulator.windows.registry import SERVICES, ValueType
from tests.unit.plugins.module_utils._kit.kit_cases import (
    CASES,
    CLUSTER,
    GOLDEN,
    RADIUS,
    RESERVED,
    TCPIP,
    KitCase,
    text_of,
)

OLD, NEW = CASES[0], CASES[-1]
BACKUP, APPLY, VERIFY, UNDO = "1-backup.cmd", "2-apply.cmd", "3-verify.cmd", "undo.cmd"
DONE, WAITS, NOT_THERE, WRONG_SERVER = 0, 1, 2, 3
PROTOCOLS: t.Final[tuple[t.Literal["tcp", "udp"], ...]] = ("tcp", "udp")
FAMILIES: t.Final[tuple[t.Literal[4, 6], ...]] = (4, 6)
cases = pytest.mark.parametrize("case", CASES, ids=str)


def settings(visit: Visit) -> t.Any:
    """All that a kit can change on a server."""
    machine = visit.server.machine
    keys = machine.registry.as_json()
    services = {path: values for path, values in keys.items() if SERVICES in path}
    ports = {protocol: machine.exclusions.blocks(protocol) for protocol in PROTOCOLS}
    ranges = [machine.dynamic_range(protocol, family) for protocol in PROTOCOLS for family in FAMILIES]
    return services, ports, ranges


def codes(visit: Visit, *scripts: str) -> list[int]:
    """The exit codes of scripts, one after the other."""
    return [visit.run(script).exit_code for script in scripts]


def said(visit: Visit, script: str) -> list[str]:
    """The lines that a script writes."""
    return visit.run(script).stdout.decode("ascii").splitlines()


@cases
def test_the_files_of_a_kit(case: KitCase, tmp_path: pathlib.Path) -> None:
    case.kit(tmp_path)
    assert text_of(tmp_path) == (GOLDEN / f"{case}.txt").read_text(encoding="ascii")


@pytest.mark.parametrize(("case", "language"), [*((case, "en") for case in CASES), (OLD, "de"), (NEW, "de")], ids=str)
def test_a_kit_from_the_look_to_the_undo(case: KitCase, language: str, tmp_path: pathlib.Path) -> None:
    visit = case.kit(tmp_path, language=language)
    before = settings(visit)
    assert codes(visit, VERIFY, APPLY, UNDO) == [NOT_THERE] * 3
    assert settings(visit) == before
    assert codes(visit, BACKUP, VERIFY) == [DONE, NOT_THERE]
    assert codes(visit, APPLY, VERIFY) == [DONE, WAITS]
    applied = settings(visit)
    assert codes(visit, APPLY, BACKUP) == [DONE, DONE]
    assert settings(visit) == applied != before
    visit.boot()
    assert codes(visit, VERIFY, UNDO, VERIFY, UNDO) == [DONE, DONE, NOT_THERE, DONE]
    after = settings(visit)
    flag = f"HKEY_LOCAL_MACHINE\\{SERVICES}\\DNS"
    # sc.exe leaves the flag of a delayed start there, with the number 0.
    after[0][flag].pop("DelayedAutostart", None)
    assert after == before


@cases
def test_nothing_is_left_to_do_after_a_kit(case: KitCase, tmp_path: pathlib.Path) -> None:
    visit = case.kit(tmp_path / "first")
    assert codes(visit, BACKUP, APPLY) == [DONE, DONE]
    visit.folder = tmp_path / "second"
    case.made(visit.folder)
    codes(visit, "0-look.cmd")
    result = case.made(visit.folder)
    assert (result["complete"], result["changes"]) == (True, [])
    assert not (visit.folder / APPLY).exists()


def test_the_words_of_verification(tmp_path: pathlib.Path) -> None:
    visit = OLD.kit(tmp_path)
    assert [line.partition(":")[0] for line in said(visit, VERIFY)] == ["not there"] * 2
    codes(visit, BACKUP, APPLY)
    assert [line.partition(":")[0] for line in said(visit, VERIFY)] == ["after reboot"] * 2
    visit.boot()
    assert [line.partition(":")[0] for line in said(visit, VERIFY)] == ["in force"] * 2


def test_without_a_sign_of_the_boot_verification_does_not_guess(tmp_path: pathlib.Path) -> None:
    visit = OLD.kit(tmp_path)
    codes(visit, BACKUP, APPLY)
    (tmp_path / "backup" / "boot.txt").write_bytes(b"")
    visit.boot()
    lines = said(visit, VERIFY)
    assert lines[1] == "  (unless it has booted since the apply, which can not be seen)"
    assert visit.run(VERIFY).exit_code == WAITS


# --- what others have done -------------------------------------------------------------------------------------------


def reserve(visit: Visit, *ranges: str) -> None:
    """Another person's hand."""
    visit.server.machine.registry.set(TCPIP, RESERVED, ValueType.MULTI_SZ, ranges)


@pytest.mark.parametrize("others", [(*CLUSTER, "1801-1801"), (CLUSTER[0],), ("1801-1801",), ()], ids=str)
@pytest.mark.parametrize("done", [(), (BACKUP,), (BACKUP, APPLY)], ids=["looked", "saved", "applied"])
def test_an_entry_of_others_is_never_lost(
    done: tuple[str, ...], others: tuple[str, ...], tmp_path: pathlib.Path
) -> None:
    visit = OLD.kit(tmp_path)
    codes(visit, *done)
    reserve(visit, *others)
    before = settings(visit)
    refused = UNDO if APPLY in done else APPLY if done else BACKUP
    result = visit.run(refused)
    assert result.exit_code == NOT_THERE
    assert b"changed" in result.stdout
    assert settings(visit) == before


def test_a_kit_is_for_one_server(tmp_path: pathlib.Path) -> None:
    OLD.kit(tmp_path)
    other = OLD.visit(tmp_path, name="OTHER")
    before = settings(other)
    assert codes(other, BACKUP, APPLY, VERIFY, UNDO) == [WRONG_SERVER] * 4
    assert settings(other) == before


@cases
def test_an_apply_that_was_interrupted_is_started_again(case: KitCase, tmp_path: pathlib.Path) -> None:
    visit = case.kit(tmp_path)
    before = settings(visit)
    codes(visit, BACKUP)
    script = tmp_path / APPLY
    whole = script.read_bytes()
    end = whole.index(b":made_1\r\n")
    script.write_bytes(whole[:end] + b"exit /b 9\r\n")
    assert codes(visit, APPLY) == [9]
    assert settings(visit) != before
    script.write_bytes(whole)
    assert codes(visit, APPLY) == [DONE]
    assert codes(visit, UNDO)[0] == DONE


def test_what_windows_refuses_is_told(tmp_path: pathlib.Path) -> None:
    visit = KitCase(release="2003", resources=(RADIUS,)).kit(tmp_path)
    codes(visit, BACKUP)
    (tmp_path / "parts" / "apply-1.reg").write_text("damaged")
    assert codes(visit, APPLY, VERIFY) == [WAITS, NOT_THERE]


def test_a_service_that_does_not_stop_is_started_again_and_told(tmp_path: pathlib.Path) -> None:
    visit = CASES[1].kit(tmp_path)
    codes(visit, BACKUP)
    visit.server.run_command('net stop "DNS"', b"", codepage=437, user=visit.server.users[0])
    assert codes(visit, APPLY) == [1]
    assert visit.server.session.services["dns"].state == "Running"


def test_the_backup_holds_the_keys_as_they_were(tmp_path: pathlib.Path) -> None:
    visit = OLD.kit(tmp_path)
    before = settings(visit)
    codes(visit, BACKUP, APPLY)
    for number in (1, 2):
        visit.server.machine.files["C:\\x.reg"] = (tmp_path / "backup" / f"{number}.reg").read_bytes()
        visit.server.run_command("regedit /s C:\\x.reg", b"", codepage=437, user=visit.server.users[0])
    assert settings(visit) == before


PORT: t.Final = KitCase(release="2003", resources=({"static_rpc_port": {"ports": {"exchange_is": "49000"}}},))
STORE: t.Final = f"{SERVICES}\\MSExchangeIS\\ParametersSystem"


@pytest.mark.parametrize("others", ["", "a value", "a key"])
def test_a_key_that_the_kit_made_goes_unless_others_use_it(others: str, tmp_path: pathlib.Path) -> None:
    visit = PORT.visit(tmp_path, roles=["exchange2003"])
    registry = visit.server.machine.registry
    registry.delete_key(STORE)
    assert registry.find(STORE) is None
    PORT.made(tmp_path)
    codes(visit, "0-look.cmd")
    PORT.made(tmp_path)
    assert codes(visit, BACKUP, APPLY) == [DONE, DONE]
    assert visit.value(STORE, "TCP/IP Port") == 49000
    if others == "a value":
        registry.set(STORE, "Other", ValueType.SZ, "")
    elif others:
        registry.create(f"{STORE}\\Other")
    assert codes(visit, UNDO) == [DONE]
    assert (registry.find(STORE) is not None) is bool(others)
    assert visit.value(STORE, "TCP/IP Port") is None


# --- refusals on the controller --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["services.reg", "netstat.txt", "complete.txt", "version.txt"])
def test_a_look_must_be_complete(name: str, tmp_path: pathlib.Path) -> None:
    OLD.kit(tmp_path)
    (tmp_path / "look" / name).unlink()
    with pytest.raises(PlanError, match=f"look: the files {name} are missing"):
        OLD.made(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("services.reg", b"REGEDIT4\r\n", "services.reg can't be read: it is not in UTF-16"),
        ("services.reg", "\ufeffRegistry 6\r\n".encode("utf-16-le"), "its first line is not 'Windows Registry Editor"),
        ("computer.txt", b"A & del *", "computer.txt holds no name of a computer"),
        ("version.txt", b"Microsoft Windows [Version 5.2.3790]", "it is of a server with Windows 5.2.3790"),
        ("version.txt", b"", "with Windows no version"),
    ],
)
def test_what_is_no_look_is_refused(name: str, content: bytes, match: str, tmp_path: pathlib.Path) -> None:
    OLD.kit(tmp_path)
    (tmp_path / "look" / name).write_bytes(content)
    with pytest.raises(PlanError, match=match):
        OLD.made(tmp_path)


@pytest.mark.parametrize("text", ['49000" & del *', "%PATH%", "4>x", "\u00fc"])
def test_no_text_of_the_registry_becomes_a_command(text: str, tmp_path: pathlib.Path) -> None:
    case = KitCase(release="2008r2", resources=({"static_rpc_port": {"ports": {"exchange_ab": "49000"}}},))
    visit = case.visit(tmp_path, roles=["exchange2010"])
    visit.server.machine.registry.set(f"{SERVICES}\\MSExchangeAB\\Parameters", "RpcTcpPort", ValueType.SZ, text)
    case.made(tmp_path)
    codes(visit, "0-look.cmd")
    with pytest.raises(PlanError):
        case.made(tmp_path)


def test_a_kit_without_its_look_is_kept(tmp_path: pathlib.Path) -> None:
    OLD.kit(tmp_path)
    files = text_of(tmp_path)
    shutil.rmtree(tmp_path / "look")
    with pytest.raises(PlanError, match="the look that it was made from is gone"):
        OLD.made(tmp_path)
    assert text_of(tmp_path) == files


def test_an_export_of_another_kind_shows_nothing(tmp_path: pathlib.Path) -> None:
    visit = KitCase(release="2003", resources=(RADIUS,)).kit(tmp_path)
    check = tmp_path / "parts" / "check.cmd"
    check.write_bytes(check.read_bytes().replace(b"regedit /a", b"regedit /e"))
    before = settings(visit)
    assert codes(visit, BACKUP, VERIFY) == [WRONG_SERVER] * 2
    assert settings(visit) == before


def test_a_used_kit_is_kept(tmp_path: pathlib.Path) -> None:
    visit = OLD.kit(tmp_path)
    codes(visit, BACKUP)
    with pytest.raises(PlanError, match="has been used"):
        OLD.made(tmp_path)


@pytest.mark.parametrize("pack", [0, 3])
def test_windows_2000_reserves_from_service_pack_4_on(pack: int, tmp_path: pathlib.Path) -> None:
    OLD.kit(tmp_path)
    with pytest.raises(PlanError, match="from service pack 4 on"):
        OLD.made(tmp_path, service_pack=pack)
    assert OLD.made(tmp_path, service_pack=pack, resources=[*OLD.resources[1:]])["complete"]


@pytest.mark.parametrize("resource", ["services_file", "service_state"])
def test_what_no_kit_does_is_said(resource: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(OptionError, match=f"no kit does {resource}; it does reserved_ports"):
        OLD.made(tmp_path, resources=[{resource: {}}])


def test_ports_in_use_are_not_left_out_without_a_word(tmp_path: pathlib.Path) -> None:
    case = KitCase(release="2012r2", resources=({"reserved_ports": {"ports": ["1812-1813"]}},))
    visit = case.visit(tmp_path)
    case.made(tmp_path)
    codes(visit, "0-look.cmd")
    with pytest.raises(PlanError, match=r"a part of it must wait until ports are free: .*IAS"):
        case.made(tmp_path)


def test_check_mode_names_the_files_and_writes_none(tmp_path: pathlib.Path) -> None:
    result = made(OLD.options(tmp_path / "kit"), "old1", check_mode=True)
    assert result["changed"]
    assert not (tmp_path / "kit").exists()
    assert result["files"] == OLD.made(tmp_path / "kit")["files"]
    assert not OLD.made(tmp_path / "kit")["changed"]


@pytest.mark.parametrize("key", RELEASES)
def test_every_release_has_its_programs(key: str) -> None:
    kit = kit_release(key)
    assert (kit.has_reg, kit.has_sc) == ((False, False) if key == "2000" else (True, True))
    assert kit.release.capabilities.reserved_ports_value is (key in ("2000", "2003"))
