# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pyspnego's acceptors leave open: Kerberos bound to its channel, and CredSSP's word on a wrong password."""

from __future__ import annotations

import typing as t

import spnego
import spnego.channel_bindings
import spnego.exceptions

_STATUS_LOGON_FAILURE: t.Final = 0xC000006D - (1 << 32)
"""The number that Windows sends to a client of CredSSP, signed as it goes over the wire."""
_CHANNEL_BOUND: t.Final = 2048
"""GSS_C_CHANNEL_BOUND_FLAG of MIT Kerberos 1.19 and later."""
_KEEPS_CREDENTIALS: t.Final = spnego.ContextReq.delegate


class InnerLogon:
    """The negotiation inside CredSSP, with every failure of it turned into a failed logon.

    pyspnego would send the number of its own error, and would not tell us that the logon has failed.
    """

    def __init__(self, context: spnego.ContextProxy, errors: tuple[type[Exception], ...]) -> None:
        self._context = context
        self._errors = errors
        self.failed_at: bytes | None = None
        """The client's token that was refused."""

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._context, name)

    def step(self, in_token: bytes | None = None, **options: t.Any) -> bytes | None:
        """Take one step of the inner negotiation."""
        try:
            return self._context.step(in_token, **options)
        except self._errors as error:
            self.failed_at = in_token or b""
            raise spnego.exceptions.SpnegoError(_STATUS_LOGON_FAILURE, context_msg=str(error)) from error


def bindings(application_data: bytes) -> spnego.channel_bindings.GssChannelBindings:
    """Make the channel bindings of a TLS connection (RFC 5929) that a client must know."""
    return spnego.channel_bindings.GssChannelBindings(application_data=application_data)


def is_bound(context: spnego.ContextProxy) -> bool:
    """Tell whether the client has given the channel bindings; NTLM's acceptor has refused it if it has not.

    MIT's acceptor takes a Kerberos client that gives none, as RFC 4121 wants it, and only leaves a flag unset.
    """
    if context.negotiated_protocol != "kerberos":
        return True
    inner = getattr(context, "_context")  # noqa: B009 - of SPNEGO it is the Kerberos one, of Kerberos that of GSSAPI
    inner = inner if hasattr(inner, "actual_flags") else getattr(inner, "_context")  # noqa: B009
    return bool(int(inner.actual_flags) & _CHANNEL_BOUND)


def has_delegated(context: spnego.ContextProxy | None) -> bool:
    """Tell whether the client has handed over credentials: always with CredSSP, with Kerberos if it delegates."""
    if context is None:
        return False
    if context.protocol == "credssp":
        return context.get_extra_info("client_credential") is not None
    return bool(context.context_attr & _KEEPS_CREDENTIALS) and context.negotiated_protocol == "kerberos"
