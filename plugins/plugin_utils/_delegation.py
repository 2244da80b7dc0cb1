# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delegation of Kerberos that was asked for and does not happen: GSSAPI leaves it out without a word."""

from __future__ import annotations

import os
import re
import subprocess
import typing as t

_LOST: t.Final = (
    "The server gets no ticket of its own to go on with: delegation was asked for (%s), and the Kerberos ticket is not "
    "forwardable. %sLook in Active Directory whether the account is sensitive and cannot be delegated, or in Protected "
    "Users. No module of this collection needs delegation."
)
LOST_BY_PYWINRM: t.Final = _LOST % (
    "ansible_winrm_kerberos_delegation",
    "Get it with kinit -f (also in ansible_winrm_kinit_args if that is set). ",
)
LOST_BY_PYPSRP: t.Final = _LOST % (
    "ansible_psrp_negotiate_delegate",
    "Get it with kinit -f, or give a password. ",
)
_DELEGATED: t.Final = 1
"""GSS_C_DELEG_FLAG of RFC 2744."""
_FLAGS: t.Final = r"(?m)^.*\bkrbtgt/[^\n]*\n(?:[^\n]*, )?\s*Flags: (\w+)"
"""The flags of a ticket to get tickets with, as MIT's klist -f shows them."""
_SECONDS: t.Final = 10.0


def lost_by_pywinrm(session: t.Any) -> list[str]:
    """A warning if this pywinrm transport shall delegate, and klist shows a ticket that can't be forwarded."""
    wanted = session.auth_method == "kerberos" and session.kerberos_delegation
    flags = re.search(_FLAGS, _klist()) if wanted else None
    return [LOST_BY_PYWINRM] if flags is not None and "F" not in flags[1] else []


def lost_by_pypsrp(session: t.Any) -> list[str]:
    """A warning if the contexts of this requests session of pypsrp's shall delegate, and GSSAPI has not."""
    authentication = getattr(session, "auth", None)
    contexts = getattr(authentication, "contexts", {}).values() if getattr(authentication, "delegate", False) else ()
    lost = any(
        one.complete and one.negotiated_protocol == "kerberos" and not one.context_attr & _DELEGATED for one in contexts
    )
    return [LOST_BY_PYPSRP] if lost else []


def _klist() -> str:
    """What klist says of the tickets that GSSAPI uses in this process, in English."""
    try:
        done = subprocess.run(
            ["klist", "-f"],  # noqa: S607 - found as Ansible's plugin finds kinit
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
