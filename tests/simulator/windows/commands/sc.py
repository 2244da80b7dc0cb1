# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""sc.exe: the service manager on the command line. Its exit code is the Win32 error code."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.context import Context
from tests.simulator.windows.releases import Language
from tests.simulator.windows.services import Service, Start
from tests.simulator.windows.texts import win32_message

BAD_COMMAND_LINE: t.Final = 1639
ACCESS_DENIED: t.Final = 5
NO_SUCH_SERVICE: t.Final = 1060

_FAILED: t.Final[t.Mapping[Language, str]] = {"en": "FAILED", "de": "FEHLER"}
_SUCCESS: t.Final[t.Mapping[Language, str]] = {"en": "SUCCESS", "de": "ERFOLG"}
_USAGE: t.Final[t.Mapping[Language, str]] = {
    "en": "DESCRIPTION:\r\n        Modifies a service entry in the registry and Service Database.\r\nUSAGE:\r\n"
    "        sc <server> config [service name] <option1> <option2>...",
    "de": "BESCHREIBUNG:\r\n        \u00c4ndert einen Diensteintrag in der Registrierung und der Dienstdatenbank.\r\n"
    "SYNTAX:\r\n        sc <Server> config [Dienstname] <Option1> <Option2>...",
}
_TYPES: t.Final = {0x10: "WIN32_OWN_PROCESS", 0x20: "WIN32_SHARE_PROCESS"}
_STATES: t.Final = {
    "Stopped": (1, "STOPPED"),
    "Start Pending": (2, "START_PENDING"),
    "Stop Pending": (3, "STOP_PENDING"),
    "Running": (4, "RUNNING"),
}
_START_NAMES: t.Final = {
    Start.BOOT: "BOOT_START",
    Start.SYSTEM: "SYSTEM_START",
    Start.AUTO: "AUTO_START",
    Start.DEMAND: "DEMAND_START",
    Start.DISABLED: "DISABLED",
}
_ERROR_CONTROL: t.Final = ("IGNORE", "NORMAL", "SEVERE", "CRITICAL")
_START_WORDS: t.Final[t.Mapping[str, tuple[Start, bool]]] = {
    "boot": (Start.BOOT, False),
    "system": (Start.SYSTEM, False),
    "auto": (Start.AUTO, False),
    "demand": (Start.DEMAND, False),
    "disabled": (Start.DISABLED, False),
    "delayed-auto": (Start.AUTO, True),
}


def _failure(context: Context, call: str, code: int) -> Output:
    language = context.machine.language
    return Output(lines(f"[SC] {call} {_FAILED[language]} {code}:", "", win32_message(code, language), ""), code=code)


def _usage(context: Context) -> Output:
    return Output(lines(_USAGE[context.machine.language], ""), code=BAD_COMMAND_LINE)


def _status(service: Service, *, extended: bool) -> list[str]:
    number, state = _STATES[service.state]
    accepted = "(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)"
    idle = "(NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)"
    config = service.config
    rows = [
        f"        TYPE               : {config.type:x}  {_TYPES.get(config.type & 0x30, '')}  ",
        f"        STATE              : {number}  {state} ",
        f"                                {accepted if state == 'RUNNING' else idle}",
        f"        WIN32_EXIT_CODE    : {service.exit_code}  (0x{service.exit_code:x})",
        "        SERVICE_EXIT_CODE  : 0  (0x0)",
        "        CHECKPOINT         : 0x0",
        "        WAIT_HINT          : 0x0",
    ]
    if extended:
        rows += [f"        PID                : {service.pid}", "        FLAGS              : "]
    return rows


def _query(context: Context, name: str, *, extended: bool) -> Output:
    service = context.manager.find(name)
    if service is None:
        return _failure(context, "EnumQueryServicesStatus:OpenService", NO_SUCH_SERVICE)
    return Output(lines("", f"SERVICE_NAME: {service.config.name} ", *_status(service, extended=extended)))


def _query_all(context: Context, *, extended: bool, every_state: bool) -> Output:
    blocks = [
        lines(
            "",
            f"SERVICE_NAME: {service.config.name}",
            f"DISPLAY_NAME: {service.config.display_name}",
            *_status(service, extended=extended),
        )
        for service in context.session.services.values()
        if not service.config.is_driver and (every_state or service.state != "Stopped")
    ]
    return Output("".join(blocks))


def _qc(context: Context, name: str) -> Output:
    service = context.manager.find(name)
    if service is None:
        return _failure(context, "OpenService", NO_SUCH_SERVICE)
    config = service.config
    delayed = "  (DELAYED)" if config.delayed and config.start is Start.AUTO else ""
    needed = config.dependencies or ("",)
    return Output(
        lines(
            f"[SC] QueryServiceConfig {_SUCCESS[context.machine.language]}",
            "",
            f"SERVICE_NAME: {config.name}",
            f"        TYPE               : {config.type:x}  {_TYPES.get(config.type & 0x30, '')} ",
            f"        START_TYPE         : {int(config.start)}   {_START_NAMES[config.start]}{delayed}",
            f"        ERROR_CONTROL      : {config.error_control}   {_ERROR_CONTROL[config.error_control & 3]}",
            f"        BINARY_PATH_NAME   : {config.image_path}  ",
            f"        LOAD_ORDER_GROUP   : {config.group}  ",
            "        TAG                : 0  ",
            f"        DISPLAY_NAME       : {config.display_name}  ",
            f"        DEPENDENCIES       : {needed[0]}",
            *(f"                           : {name}" for name in needed[1:]),
            f"        SERVICE_START_NAME : {config.account}  ",
        )
    )


def _config(context: Context, name: str, options: t.Sequence[str]) -> Output:
    """Change a configuration; each option name ends in ``=`` and its value is the next argument."""
    given = {option.casefold(): value for option, value in zip(options[::2], options[1::2], strict=False)}
    known = {"start=", "displayname=", "depend=", "binpath=", "group=", "obj="}
    if not options or len(options) % 2 or not set(given) <= known:
        return _usage(context)
    start, delayed = _START_WORDS.get(given.get("start=", "").casefold(), (None, None))
    if "start=" in given and (start is None or (delayed and not context.machine.release.delayed_start)):
        return _usage(context)
    if not (context.user.elevated and context.user.may("service config", name)):
        return _failure(context, "OpenService", ACCESS_DENIED)
    depend = given.get("depend=")
    code = context.manager.configure(
        name,
        start=start,
        delayed=delayed if context.machine.release.delayed_start else None,
        display_name=given.get("displayname="),
        image_path=given.get("binpath="),
        account=given.get("obj="),
        group=given.get("group="),
        dependencies=None if depend is None else tuple(part for part in depend.split("/") if part),
    )
    if code:
        return _failure(context, "OpenService" if code == NO_SUCH_SERVICE else "ChangeServiceConfig", code)
    return Output(lines(f"[SC] ChangeServiceConfig {_SUCCESS[context.machine.language]}"))


def _create(context: Context, name: str, options: t.Sequence[str]) -> Output:
    """Create a service; each option name ends in ``=`` and its value is the next argument."""
    given = {option.casefold(): value for option, value in zip(options[::2], options[1::2], strict=False)}
    start, delayed = _START_WORDS.get(given.get("start=", "demand").casefold(), (None, False))
    if start is None or delayed or "binpath=" not in given or not set(given) <= {"start=", "binpath=", "depend="}:
        return _usage(context)
    if not (context.user.elevated and context.user.may("service config", name)):
        return _failure(context, "OpenSCManager", ACCESS_DENIED)
    needed = tuple(part for part in given.get("depend=", "").split("/") if part)
    code = context.manager.create(name, image_path=given["binpath="], start=start, dependencies=needed)
    if code:
        return _failure(context, "CreateService", code)
    return Output(lines(f"[SC] CreateService {_SUCCESS[context.machine.language]}"))


def _delete(context: Context, name: str) -> Output:
    if not (context.user.elevated and context.user.may("service config", name)):
        return _failure(context, "OpenService", ACCESS_DENIED)
    code = context.manager.delete(name)
    if code:
        return _failure(context, "OpenService" if code == NO_SUCH_SERVICE else "DeleteService", code)
    return Output(lines(f"[SC] DeleteService {_SUCCESS[context.machine.language]}"))


def _control(context: Context, name: str, action: t.Literal["start", "stop"]) -> Output:
    if not (context.user.elevated and context.user.may(f"service {action}", name)):
        return _failure(context, "OpenService", ACCESS_DENIED)
    code = context.manager.start(name) if action == "start" else context.manager.stop(name)
    if code:
        call = "OpenService" if code == NO_SUCH_SERVICE else {"start": "StartService", "stop": "ControlService"}[action]
        return _failure(context, call, code)
    return _query(context, name, extended=action == "start")


def _enumerate_dependents(context: Context, name: str) -> Output:
    if context.manager.find(name) is None:
        return _failure(context, "EnumDependentServices:OpenService", NO_SUCH_SERVICE)
    dependents = context.manager.all_dependents(name)
    blocks = [
        lines(
            "",
            f"SERVICE_NAME: {service.config.name}",
            f"DISPLAY_NAME: {service.config.display_name}",
            *_status(service, extended=False),
        )
        for service in dependents
    ]
    return Output(lines(f"Enum: entriesRead = {len(dependents)}") + "".join(blocks))


_VERBS: t.Final[t.Mapping[str, t.Callable[[Context, str, t.Sequence[str]], Output]]] = {
    "query": lambda context, name, _rest: _query(context, name, extended=False),
    "queryex": lambda context, name, _rest: _query(context, name, extended=True),
    "qc": lambda context, name, _rest: _qc(context, name),
    "config": _config,
    "create": _create,
    "delete": lambda context, name, _rest: _delete(context, name),
    "start": lambda context, name, _rest: _control(context, name, "start"),
    "stop": lambda context, name, _rest: _control(context, name, "stop"),
    "enumdepend": lambda context, name, _rest: _enumerate_dependents(context, name),
}


def run(invocation: Invocation) -> Output:
    """Run sc: query, queryex, qc, config, create, delete, start, stop, enumdepend."""
    context, arguments = invocation.context, invocation.arguments
    if arguments and arguments[0].startswith("\\\\"):
        arguments = arguments[1:]
    verb = arguments[0].casefold() if arguments else ""
    name = arguments[1] if len(arguments) > 1 else ""
    if verb in ("query", "queryex") and (not name or name.endswith("=")):
        options = [argument.casefold() for argument in arguments[1:]]
        return _query_all(context, extended=verb == "queryex", every_state="all" in options)
    handler = _VERBS.get(verb)
    return handler(context, name, arguments[2:]) if handler is not None and name else _usage(context)
