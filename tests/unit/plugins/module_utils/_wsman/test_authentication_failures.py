# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the libraries of Kerberos and CredSSP say, as they say it, and what becomes of it. No KDC is needed."""

from __future__ import annotations

import re
import typing as t

import pytest
import requests.exceptions
import spnego
import spnego.exceptions
from requests_credssp.exceptions import AuthenticationException, NTStatusException
from winrm.exceptions import InvalidCredentialsError, WinRMError

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.authentication_failures import (
    CREDSSP,
    KERBEROS,
    Cause,
    Reason,
    of_plugin,
    verdict,
)


class KerberosExchangeError(requests.exceptions.RequestException):
    """As pywinrm's, which can't be imported without pykerberos."""


class MutualAuthenticationError(requests.exceptions.RequestException):
    """As pywinrm's."""


_GSS: t.Final = "('Unspecified GSS failure.  Minor code may provide more information', 851968)"


def _pykerberos(words: str, number: int) -> KerberosExchangeError:
    return KerberosExchangeError(f"authGSSClientStep() failed: ({_GSS}, ({words!r}, {number}))")


def _gssapi(words: str, number: int) -> spnego.exceptions.SpnegoError:
    text = f"Major (851968): Unspecified GSS failure., Minor ({number & 0xFFFFFFFF}): {words}"
    return spnego.exceptions.SpnegoError(13, Exception(text), "Processing security token")


BY_NUMBER: t.Final = {
    "unknown-server": ("Server HTTP/x@Y not found in Kerberos database", -1765328377, "does not know the server"),
    "expired": ("Ticket expired", -1765328352, "the ticket has run out"),
    "skew": ("Clock skew too great", -1765328347, "the clocks are too far apart"),
    "no-kdc": ("Cannot contact any KDC for realm 'Y'", -1765328228, "no KDC of the realm answers"),
    "no-realm": ('Cannot find KDC for realm "Y"', -1765328230, "no KDC of the realm is known here"),
    "rc4": ("KDC has no support for encryption type", -1765328370, "share no encryption type"),
    "no-default": ("Configuration file does not specify default realm", -1765328160, "no realm is named"),
    "translated": ("Ticket ist abgelaufen", -1765328352, "the ticket has run out"),
    "no-ticket": ("No Kerberos credentials available (default cache: FILE:/x)", 39756045, "there is no ticket"),
}


@pytest.mark.parametrize("library", [_pykerberos, _gssapi])
@pytest.mark.parametrize("name", BY_NUMBER)
def test_both_libraries_of_gssapi_are_read(name: str, library: t.Callable[[str, int], Exception]) -> None:
    words, number, meaning = BY_NUMBER[name]
    found = verdict(library(words, number), "kerberos")
    assert found is not None
    assert found.meaning.startswith("the authentication (kerberos) can't be carried out: ")
    assert meaning in found.meaning
    assert found.meaning.endswith(f"({words})")
    assert found.advice


def test_the_numbers_of_krb5_are_read_too() -> None:
    assert Reason.of("Preauthentication failed -1765328360") == Reason("Preauthentication failed", -1765328360)


def test_the_major_word_counts_if_the_minor_one_says_nothing() -> None:
    text = "x (11): Major (720896): The referenced credential has expired, Minor (100001): Success, Context: x"
    assert Reason.of(text) == Reason("The referenced credential has expired")


def test_words_that_nobody_knows_are_left_to_the_line() -> None:
    assert verdict(_pykerberos("Something new", -1765328001), "kerberos") is None


@pytest.mark.parametrize("method", ["kerberos", "credssp", "ntlm"])
def test_a_plain_401_says_nothing_of_a_reason(method: str) -> None:
    assert verdict(InvalidCredentialsError("the specified credentials were rejected by the server"), method) is None


def test_words_of_another_kind_of_error_are_not_judged() -> None:
    assert verdict(OSError("Ticket expired"), "kerberos") is None


def test_a_server_that_proves_nothing() -> None:
    found = verdict(MutualAuthenticationError("Unable to authenticate <Response [200]>"), "kerberos")
    assert found is not None
    assert "the server has not proven its own identity" in found.meaning


OF_CREDSSP: t.Final = {
    "password": (NTStatusException(0xC000006D, "x"), r"rejects the credentials \(credssp\): the user or the password"),
    "locked": (NTStatusException(0xC0000234, "x"), r"rejects the credentials \(credssp\): the account is locked"),
    "unknown": (NTStatusException(0xC000015B, "x"), r"rejects the credentials \(credssp\) with status 0xC000015B$"),
    "not-offered": (
        AuthenticationException("The server did not response CredSSP being an available authentication method - x"),
        r"can't be carried out: the server does not offer CredSSP$",
    ),
    "package": (
        WinRMError("requests auth method is credssp, but requests-credssp is not installed"),
        r"the Python package requests-credssp is missing on the controller$",
    ),
    "kerberos-inside": (_gssapi("Ticket expired", -1765328352), r"the ticket has run out \(Ticket expired\)$"),
}


@pytest.mark.parametrize("name", OF_CREDSSP)
def test_credssp(name: str) -> None:
    error, meaning = OF_CREDSSP[name]
    found = verdict(error, "credssp")
    assert found is not None
    assert re.search(meaning, found.meaning), found.meaning


def test_tls_1_0_inside_credssp() -> None:
    """The words are those of the library, which gets the alert of a server that knows nothing newer."""
    client = spnego.client("user", "password", hostname="server", protocol="credssp")
    client.step()
    with pytest.raises(spnego.exceptions.SpnegoError) as caught:
        client.step(b"\x15\x03\x01\x00\x02\x02\x46")
    found = verdict(AuthenticationException(str(caught.value)), "credssp")
    assert found is not None
    assert "no version of TLS in common inside CredSSP" in found.meaning
    assert "$tls_1_0" in found.advice


OF_KINIT: t.Final = {
    "2.19": ("Kerberos auth failure for principal u@R: kinit: Password incorrect while getting initial credentials",
             "h: kinit gets no ticket for u@R: the password is wrong (Password incorrect); check user and"),
    "2.17-pexpect": (
        "Kerberos auth failure for principal u@R with pexpect: kinit: Password incorrect while getting",
        "h: kinit gets no ticket for u@R: the password is wrong (Password incorrect while getting); check user and",
    ),
    "unknown-words": (
        "Kerberos auth failure for principal u@R with subprocess: kinit: Moon in the wrong phase",
        "h: kinit gets no ticket for u@R: Moon in the wrong phase; try kinit by hand on the controller.",
    ),
    "no-package": (
        "WinRM Kerberos authentication requested but the python kerberos library is not installed. Please install",
        "h: the authentication (kerberos) can't be carried out: the Python package pykerberos is missing on the con",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_KINIT)
def test_what_ansible_s_plugin_says(name: str) -> None:
    message, sentence = OF_KINIT[name]
    found = of_plugin(message, "h")
    assert found is not None
    assert str(found).startswith(sentence)


@pytest.mark.parametrize("message", ["ssl: auth method ssl requires a password", "No transport found for WinRM"])
def test_other_words_of_the_plugin_are_its_own(message: str) -> None:
    assert of_plugin(message, "h") is None


def test_a_long_message_is_read_in_part() -> None:
    assert Reason.of("x" * 100_000).words == "x" * 2000


NUMBERS: t.Final = [(number, cause) for cause in (*KERBEROS, *CREDSSP) for number in cause.numbers]


def test_each_number_has_one_meaning() -> None:
    assert len({number for number, _cause in NUMBERS}) == len(NUMBERS)


@pytest.mark.parametrize(("number", "cause"), [row for row in NUMBERS if row[0] < 0])
def test_the_numbers_are_those_of_mit(number: int, cause: Cause) -> None:
    krb5 = pytest.importorskip("krb5", reason="the Python package krb5 is built where Kerberos is tested")
    words = str(krb5.Krb5Error(krb5.init_context(), number))
    assert re.search(cause.words, words, re.IGNORECASE), words
