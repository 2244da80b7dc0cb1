# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a modelled server to the wire: the simulated Windows has it, and so has a stub in a test."""

from __future__ import annotations

import collections.abc as c
import typing as t

from tests.simulator.windows.interface import CimInstance, CommandResult, User, WinrmLimits
from tests.simulator.windows.releases import Release, WinrmStack

Parameters: t.TypeAlias = c.Mapping[str, "list[str] | None"]
"""Name -> the texts of its elements (several for an array), or None where the sender said xsi:nil."""


class Server(t.Protocol):
    """One modelled server; ``now`` is simulated time in seconds since 1970, and only :meth:`tick` moves it."""

    @property
    def name(self) -> str:
        """The NetBIOS name, upper case."""

    @property
    def release(self) -> Release:
        """The Windows release."""

    @property
    def language(self) -> t.Literal["en", "de"]:
        """The language of the installation."""

    @property
    def winrm_stack(self) -> WinrmStack:
        """The stack of this host."""

    @property
    def limits(self) -> WinrmLimits:
        """The quotas and habits of its stack."""

    @property
    def users(self) -> tuple[User, ...]:
        """The accounts; the wire authenticates them, the model authorizes."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Its groups in an inventory."""

    @property
    def boot_id(self) -> int:
        """The number of its present boot."""

    def tick(self, now: float) -> None:
        """Bring it forward to this moment."""

    def is_listening(self, now: float) -> bool:
        """Tell whether WinRM accepts connections."""

    def wmi_get(self, namespace: str, class_name: str, selectors: c.Mapping[str, str], *, user: User) -> CimInstance:
        """Get one instance, or raise WmiFault."""

    def wmi_put(
        self, namespace: str, class_name: str, selectors: c.Mapping[str, str], properties: Parameters, *, user: User
    ) -> CimInstance:
        """Change one instance, or raise WmiFault."""

    def wmi_query(self, namespace: str, wql: str, *, user: User) -> list[CimInstance]:
        """Answer a WQL query, or raise WmiFault."""

    def wmi_invoke(
        self,
        namespace: str,
        class_name: str,
        selectors: c.Mapping[str, str],
        method: str,
        parameters: Parameters,
        *,
        user: User,
    ) -> CimInstance:
        """Run a method, or raise WmiFault."""

    def run_command(self, command_line: str, stdin: bytes, *, codepage: int, user: User) -> CommandResult:
        """Run a command line in cmd.exe."""
