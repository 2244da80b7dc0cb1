# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The habits of a WinRM service that no document decides, each with a switch: ``wire:`` of a scenario's host sets them.

wire/assumptions.py says what each rests on.
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.interface import WinrmLimits
from tests.simulator.wire.faults import FaultName, SoapFault

_CHOICES: t.Final[t.Mapping[str, tuple[t.Any, ...]]] = {
    "first_batch": ("by_release", "all", "one"),
    "envelope_counts": ("utf16", "octets"),
    "idle_timeout": ("taken", "ignored", "refused"),
    "unknown_method": ("action_not_supported", "invalid_resource"),
    "large_answer": ("encoding_limit", "internal_error"),
    "shell_quota_fault": ("by_stack", "wmi_error", "wsman_fault"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """One service's habits; None means as its stack does."""

    first_batch: str = "by_release"
    envelope_counts: str = "utf16"
    enumerations_count: bool = True
    commands_keep_operation: bool | None = None
    one_command_until_signal: bool | None = None
    idle_timeout: str = "taken"
    unknown_method: str = "action_not_supported"
    large_answer: str = "encoding_limit"
    shell_quota_fault: str = "by_stack"
    unrelated_faults: bool = True
    stale_seal_status: int = 400

    def __post_init__(self) -> None:
        """Refuse unknown choices: TypeError, as for an unknown setting."""
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise TypeError(f"{name} must be one of {', '.join(choices)}")

    @property
    def octets_per_character(self) -> int:
        """What a character counts for MaxEnvelopeSize."""
        return 2 if self.envelope_counts == "utf16" else 1

    def limits(self, limits: WinrmLimits) -> WinrmLimits:
        """Give a stack's limits with these habits."""
        batching: dict[str, t.Any] = {"all": "all_in_first", "one": "one_then_pulls"}
        if self.first_batch in batching:
            limits = dataclasses.replace(limits, batching=batching[self.first_batch])
        if self.commands_keep_operation is not None:
            limits = dataclasses.replace(limits, signal_releases_operation=not self.commands_keep_operation)
        if self.one_command_until_signal is not None:
            limits = dataclasses.replace(limits, one_command_per_shell=self.one_command_until_signal)
        return limits

    def told(self, fault: SoapFault) -> SoapFault:
        """Give a fault in the form that this service has for it."""
        if fault.name == "too_many_shells":
            since: dict[str, t.Any] = {"wmi_error": "1.1", "wsman_fault": None}
            if self.shell_quota_fault in since:
                fault.kind = dataclasses.replace(fault.kind, wmi_error_since=since[self.shell_quota_fault])
            if not self.unrelated_faults:
                fault.kind = dataclasses.replace(fault.kind, unrelated_since=None)
        return fault

    def too_large(self, *, changed: bool) -> SoapFault:
        """Give the fault for an answer that passes MaxEnvelopeSize."""
        if self.large_answer == "encoding_limit" and changed:
            return SoapFault("unreportable_success")
        return SoapFault(t.cast(FaultName, self.large_answer))


USUAL: t.Final = Habits()
NAMES: t.Final = frozenset(field.name for field in dataclasses.fields(Habits))
