# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that a test may make to a server besides the run: by other administrators, other programs, at the console."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.assumptions import assumptions_from
from tests.simulator.windows.evidence import plant, read_evidence
from tests.simulator.windows.exclusions import Block, Store
from tests.simulator.windows.machine import Foreigner
from tests.simulator.windows.portranges import PortRange, read_range
from tests.simulator.windows.registry import HIVES, HKLM
from tests.simulator.windows.scenario import START_MODES, typed_data, write_start_mode
from tests.simulator.windows.scm import ServiceManager
from tests.simulator.windows.sockets import Protocol

if t.TYPE_CHECKING:
    from tests.simulator.windows.server import JsonValue, SimulatedServer

PROTOCOLS: t.Final[tuple[Protocol, ...]] = ("tcp", "udp")
Arguments: t.TypeAlias = t.Mapping[str, t.Any]
Act: t.TypeAlias = t.Callable[["SimulatedServer", Arguments], "JsonValue"]

_HIVE_NUMBERS: t.Final = {name: number for number, name in HIVES.items()} | {"HKLM": HKLM}


def _path(arguments: Arguments) -> tuple[str, int]:
    """Return path and hive; a path may begin with HKLM\\ or the hive's long name."""
    first, _separator, rest = str(arguments["path"]).partition("\\")
    return (rest, _HIVE_NUMBERS[first.upper()]) if first.upper() in _HIVE_NUMBERS else (str(arguments["path"]), HKLM)


def _protocol(arguments: Arguments) -> Protocol:
    if arguments["protocol"] not in PROTOCOLS:
        raise ValueError(f"protocol must be tcp or udp, not {arguments['protocol']!r}")
    return t.cast("Protocol", arguments["protocol"])


def _ports(arguments: Arguments) -> PortRange:
    found = read_range(str(arguments["ports"]))
    if found is None:
        raise ValueError(f"ports must be a port or a range, not {arguments['ports']!r}")
    return found


# -- registry
def _set_value(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    path, hive = _path(arguments)
    type_, data = typed_data(arguments["type"], arguments["data"])
    server.machine.registry.set(path, arguments["name"], type_, data, hive=hive)
    return None


def _get_value(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    path, hive = _path(arguments)
    value = server.machine.registry.get(path, arguments["name"], hive=hive)
    return None if value is None else value.as_json()


def _delete_value(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    path, hive = _path(arguments)
    return server.machine.registry.delete_value(path, arguments["name"], hive=hive)


def _create_key(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    path, hive = _path(arguments)
    server.machine.registry.create(path, hive=hive)
    return None


def _delete_key(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    path, hive = _path(arguments)
    return server.machine.registry.delete_key(path, hive=hive)


def _deny_key(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    path = str(arguments["path"]).strip("\\").casefold()
    change = (
        server.machine.registry.denied.add if arguments.get("deny", True) else server.machine.registry.denied.discard
    )
    change(path)
    return None


# -- services
def _service_act(method: t.Callable[[ServiceManager, str], int], *, wait: bool) -> Act:
    def act(server: SimulatedServer, arguments: Arguments) -> JsonValue:
        manager = ServiceManager(server.session, server.now)
        name = str(arguments["service"])
        code = method(manager, name)
        service = manager.find(name)
        if wait and service is not None and arguments.get("wait", True):
            server.session.hasten(service, server.now)
        return code

    return act


def _set_start_mode(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    mode = arguments["mode"]
    if mode not in START_MODES:
        raise ValueError(f"mode must be one of {', '.join(START_MODES)}, not {mode!r}")
    write_start_mode(server.machine.registry, str(arguments["service"]), mode)
    manager = ServiceManager(server.session, server.now)
    start, delayed = START_MODES[mode]
    return manager.configure(str(arguments["service"]), start=start, delayed=delayed or None)


# -- sockets and reservations
def _bind(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    given = {key: value for key, value in arguments.items() if key not in ("do", "stays")}
    foreigner = Foreigner(**{"image": "foreign.exe", **given, "protocol": _protocol(arguments)})
    if arguments.get("stays"):
        server.machine.foreigners += (foreigner,)
    pid, error = server.session.seat(foreigner, server.now)
    return {"pid": pid, "error": error}


def _close(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    """End a process by its id, or all with an image."""
    running = server.session.processes.all()
    ended = [one.pid for one in running if one.image == arguments.get("image") or one.pid == arguments.get("pid")]
    for pid in ended:
        server.session.sockets.close(pid=pid)
        server.session.processes.end(pid)
    return len(ended)


def _exclude(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    protocol, (first, last) = _protocol(arguments), _ports(arguments)
    administered = bool(arguments.get("administered", True))
    if not administered and arguments.get("stays"):
        server.machine.runtime_blocks += ((protocol, (first, last)),)
    store = str(arguments.get("store", "both"))
    block = Block(first, last, administered, administered and store != "active", active=store != "persistent")
    return server.machine.exclusions.add(
        protocol, block, is_used=lambda port: server.session.sockets.is_used(protocol, port)
    )


def _unexclude(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    store: Store = "active" if arguments.get("store") == "active" else "persistent"
    return server.machine.exclusions.delete(_protocol(arguments), _ports(arguments), store=store)


# -- the machine
def _reboot(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    server.reboot(arguments.get("seed"))
    return None


def _boot(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    server.boot_now(arguments.get("seed"))
    return None


def _out_of_band_fix(server: SimulatedServer, _arguments: Arguments) -> JsonValue:
    """Do what an administrator at the console does about block mode: disable IPSEC Services, boot (KB912023)."""
    write_start_mode(server.machine.registry, "PolicyAgent", "disabled")
    server.boot_now()
    return None


def _power(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    if not arguments["on"]:
        server.power.on = False
    elif not server.power.on:
        server.boot_now(arguments.get("seed"))
    return None


def _network(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    server.power.network = bool(arguments["on"])
    return None


def _clock(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    server.machine.clock_offset = float(arguments.get("offset", server.machine.clock_offset))
    server.machine.boot_time_jump = float(arguments.get("boot_time_jump", server.machine.boot_time_jump))
    return None


def _assume(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    changed = {**dataclasses.asdict(server.machine.assumptions), str(arguments["name"]): arguments["value"]}
    server.machine.assumptions = assumptions_from(changed)
    return None


def _write_file(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    server.machine.files[str(arguments["path"])] = str(arguments["data"]).encode("latin-1")
    return None


def _delete_file(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    return server.machine.files.pop(str(arguments["path"]), None) is not None


def _hold_file(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    """A program opens a file and shares nothing, or closes it again."""
    held = server.machine.files.in_use
    (held.add if arguments["on"] else held.discard)(str(arguments["path"]).casefold())
    return None


def _write_event(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    """A record as in a scenario's evidence: log, source, code, strings, days_ago."""
    given = {name: value for name, value in arguments.items() if name != "do"}
    plant(server.machine, read_evidence({"events": [given]}), now=server.now)
    return None


def _clear_log(server: SimulatedServer, arguments: Arguments) -> JsonValue:
    server.machine.events.clear(str(arguments["log"]))
    return None


ACTS: t.Final[t.Mapping[str, Act]] = {
    "set_value": _set_value,
    "get_value": _get_value,
    "delete_value": _delete_value,
    "create_key": _create_key,
    "delete_key": _delete_key,
    "deny_key": _deny_key,
    "start_service": _service_act(ServiceManager.start, wait=True),
    "stop_service": _service_act(ServiceManager.stop, wait=True),
    "kill_service": _service_act(ServiceManager.kill, wait=False),
    "set_start_mode": _set_start_mode,
    "bind": _bind,
    "close": _close,
    "exclude": _exclude,
    "unexclude": _unexclude,
    "reboot": _reboot,
    "boot": _boot,
    "out_of_band_fix": _out_of_band_fix,
    "power": _power,
    "network": _network,
    "clock": _clock,
    "assume": _assume,
    "write_file": _write_file,
    "delete_file": _delete_file,
    "hold_file": _hold_file,
    "write_event": _write_event,
    "clear_log": _clear_log,
}
"""By the value of ``do``; the other keys are the arguments that each function reads."""


def perform(server: SimulatedServer, action: Arguments) -> JsonValue:
    """Do one act; ValueError when it is unknown or an argument is missing or wrong."""
    act = ACTS.get(str(action.get("do")))
    if act is None:
        raise ValueError(f"unknown act {action.get('do')!r}; known are: {', '.join(sorted(ACTS))}")
    try:
        return act(server, action)
    except KeyError as error:
        raise ValueError(f"act {action['do']!r} needs {error.args[0]!r}") from error
    except TypeError as error:
        raise ValueError(f"act {action['do']!r} got arguments that it does not know: {error}") from error
