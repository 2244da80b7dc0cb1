# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access denied, as the WS-Management layer says it, with the right that is missing."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import rights
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import AccessDenied

Error = t.TypeVar("Error", bound=Exception)

_WMI_DENIED: t.Final = 0x80041003
"""WBEM_E_ACCESS_DENIED: WMI refused, so that WinRM has let the message in."""


def explained(error: Error) -> Error:
    """The same error; if access was denied, its advice names the right that is missing, and on what."""
    if isinstance(error, AccessDenied):
        error.advice = _advice(error)
    return error


def _advice(error: AccessDenied) -> str:
    if not error.target.startswith("root/"):
        return rights.lacks(rights.SHELL, "the WinRM service")
    namespace = error.target.rpartition("/")[0]
    is_method = error.operation.startswith("Invoke")
    right = rights.NAMESPACE_METHODS if is_method else rights.NAMESPACE_READ
    name = f"{rights.NAMESPACE_READ.name}, with {right.name}," if is_method else right.name
    place = f"the WMI namespace {namespace}"
    if error.code != _WMI_DENIED:
        place += f", or {rights.LISTENER.name} on the WinRM service"
    return rights.lacks(dataclasses.replace(right, name=name), place)
