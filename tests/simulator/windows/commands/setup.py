# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dism.exe and adaminstall.exe: roles that are installed on a running server.

Exit codes and names of features: facts of hosted runners, partly [K]. A service starts as soon as it is there [K].
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.catalogue import DNS_ROWS, EDGE_ROWS, IAS_ROWS, install
from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.context import Context
from tests.simulator.windows.registry import SERVICES, ValueType
from tests.simulator.windows.rows import ServiceRow

UNKNOWN_FEATURE: t.Final = -2146498548
BAD_OPTION: t.Final = 87
_DIRECTORY: t.Final = "directoryservices-adam"
_FEATURES: t.Final[t.Mapping[str, tuple[ServiceRow, ...]]] = {
    "dns-server-full-role": DNS_ROWS,
    _DIRECTORY: (),
    "npas-role": IAS_ROWS,
}
_INSTALLER: t.Final = "\\ADAM\\adaminstall.exe"


def dism(invocation: Invocation) -> Output:
    """Enable a feature: /online /enable-feature /featurename:NAME [/all] [/norestart] [/quiet]."""
    context, options = invocation.context, [one.casefold() for one in invocation.arguments]
    names = [one.partition(":")[2] for one in options if one.startswith("/featurename:")]
    release = context.machine.release
    if release.nt5 or release.key == "2008" or not {"/online", "/enable-feature"} <= set(options):
        return Output(lines("Error: 87"), code=BAD_OPTION)
    if "/all" in options and release.key == "2008r2":
        return Output(lines("Error: 87", "", "The all option is not recognized in this context."), code=BAD_OPTION)
    if len(names) != 1 or names[0] not in _FEATURES:
        return Output(lines("Error: 0x800f080c", "", "A feature name is unknown."), code=UNKNOWN_FEATURE)
    for row in _FEATURES[names[0]]:
        if row.era in ("all", "nt6"):
            _install(context, row)
    if names[0] == _DIRECTORY:
        context.machine.files[release.windows_directory + _INSTALLER] = b""
    return Output(lines("The operation completed successfully."))


def _install(context: Context, row: ServiceRow) -> None:
    machine = context.machine
    install(machine.registry, row, release=machine.release, language=machine.language)
    context.manager.adopt(row.name)
    context.manager.start(row.name)


def make_instance(invocation: Invocation) -> Output:
    """Make an instance of AD LDS by an answer file: /answer:FILE."""
    machine = invocation.context.machine
    answers = machine.files.get(invocation.tail.partition(":")[2].strip(), b"").decode("ascii", "replace")
    given = dict(line.partition("=")[::2] for line in answers.casefold().splitlines() if "=" in line)
    name = given.get("instancename", "")
    if machine.release.windows_directory + _INSTALLER not in machine.files or not name:
        return Output(code=1)
    row = dataclasses.replace(EDGE_ROWS[0], name=f"ADAM_{name}", english=name)
    for value, key in (("Port LDAP", "localldapporttolistenon"), ("Port SSL", "localsslporttolistenon")):
        if given.get(key, "").isdigit():
            machine.registry.set(f"{SERVICES}\\{row.name}\\Parameters", value, ValueType.DWORD, int(given[key]))
    _install(invocation.context, row)
    return Output()
