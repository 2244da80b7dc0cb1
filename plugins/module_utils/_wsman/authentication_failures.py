# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why Kerberos or CredSSP can't be carried out, and what to do about it: from the words and numbers of their libraries.

Kerberos speaks from three places: GSSAPI through pykerberos (pywinrm) or gssapi (pypsrp), and ``kinit``, which Ansible
runs for pywinrm. All of them are MIT's, so one table reads them. Numbers come first, since words may be translated.
"""

from __future__ import annotations

import re
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, line_failures


class Cause(t.NamedTuple):
    """One reason: what it means, and what to do; ``numbers`` are MIT's (error table krb5) or an NTSTATUS of CredSSP."""

    meaning: str
    advice: str
    words: str
    """A regular expression, for any case."""
    numbers: tuple[int, ...] = ()

    @property
    def is_of_server(self) -> bool:
        """True if the server has judged; numbers of Kerberos are negative, those of a server's NTSTATUS are not."""
        return any(number > 0 for number in self.numbers)


_KINIT_OR_VARIABLE: t.Final = (
    "get one with kinit, or give ansible_password, from which Ansible gets one; klist shows those that there are"
)
_REACH_KDC: t.Final = (
    "check that the domain controllers of this realm can be reached from here (port 88) and that /etc/krb5.conf, or "
    "DNS, names them"
)
_WRONG_LOGON: t.Final = "check user and password; don't repeat it, since accounts get locked"
_WITHOUT: t.Final = "install it into the environment that runs ansible, for example with 'pip install %s'"
_KERBEROS_PACKAGE: t.Final = "pip needs gcc, the headers of Kerberos and those of Python for it"

KERBEROS: t.Final[tuple[Cause, ...]] = (
    Cause(
        "the password is wrong",
        _WRONG_LOGON,
        r"password incorrect|preauthentication failed|decrypt integrity check failed",
        (-1765328360, -1765328353),
    ),
    Cause(
        "the realm does not know this user",
        "check user and realm (ansible_user: NAME@REALM, the realm in upper case)",
        r"client .*not found in kerberos database",
        (-1765328378,),
    ),
    Cause(
        "the realm does not know the server by this name",
        "name the server as its domain does (ansible_host, or $service_host if that is an address or an alias), or "
        "register the name in the domain (setspn -S HTTP/NAME COMPUTER)",
        r"server .*not found in kerberos database",
        (-1765328377,),
    ),
    Cause(
        "the ticket has run out",
        "get a new one with kinit, or give ansible_password, from which Ansible gets one for each task",
        r"ticket expired|credential has expired|credentials? have expired",
        (-1765328352,),
    ),
    Cause(
        "the password has expired, or must be changed at the next logon",
        "change it, for example with kpasswd",
        r"password has expired|cannot read password|password expired",
        (-1765328361,),
    ),
    Cause(
        "the account is locked, disabled or expired",
        "unlock or enable it in the domain",
        r"credentials have been revoked|client.* revoked",
        (-1765328366,),
    ),
    Cause("no KDC of the realm answers", _REACH_KDC, r"cannot contact any kdc", (-1765328228,)),
    Cause(
        "no KDC of the realm is known here",
        _REACH_KDC,
        r"cannot find kdc|cannot resolve network address",
        (-1765328230,),
    ),
    Cause(
        "the clocks are too far apart",
        "set the clocks of this controller, of the server and of the domain controllers by NTP: 5 minutes are allowed",
        r"clock skew too great",
        (-1765328347,),
    ),
    Cause(
        "both sides share no encryption type",
        "Windows Server 2003 knows RC4 and no AES, and many controllers and domains refuse RC4 by now: use NTLM "
        "($ntlm) for such a server, which encrypts, too",
        r"no support for encryption type|encryption type .*not (permitted|supported)",
        (-1765328370,),
    ),
    Cause(
        "no realm is named",
        "name it in the user (ansible_user: NAME@REALM), or as default_realm in /etc/krb5.conf",
        r"does not specify default realm",
        (-1765328160,),
    ),
    Cause(
        "there is no ticket of this user",
        _KINIT_OR_VARIABLE,
        r"no kerberos credentials|no credentials cache|can't find client principal|no credentials were supplied",
    ),
    Cause(
        "the server has not proven its own identity",
        "look whether the ticket has run out (klist), and for a proxy, or for somebody, between this controller and "
        "the server",
        r"^unable to authenticate <response",
    ),
    Cause(
        "kinit can't be run",
        "install it (Debian: krb5-user, Red Hat: krb5-workstation), or name it in ansible_winrm_kinit_cmd",
        r"calling kinit cmd",
    ),
    Cause(
        "the Python package pykerberos is missing on the controller",
        f"{_WITHOUT % 'pywinrm[kerberos]'}; {_KERBEROS_PACKAGE}",
        r"python kerberos library is not installed|pykerberos is not installed",
    ),
)
"""The reasons of Kerberos; the first one that fits holds."""

_OFFER: t.Final = (
    'on the server run winrm set winrm/config/service/auth @{CredSSP="true"} (Windows Server 2008 with WinRM 2.0, or '
    "later), or use NTLM ($ntlm) or Kerberos: no module of this collection needs CredSSP"
)
CREDSSP: t.Final[tuple[Cause, ...]] = (
    Cause(
        "the Python package requests-credssp is missing on the controller",
        _WITHOUT % "requests-credssp",
        r"requests-credssp is not installed",
    ),
    Cause("the server does not offer CredSSP", _OFFER, r"did not response credssp being an available"),
    Cause(
        "the two sides find no version of TLS in common inside CredSSP",
        "Windows Server 2008 and 2008 R2 as they were delivered speak TLS 1.0 only: set $tls_1_0, and OpenSSL on the "
        "controller must allow it, or use NTLM ($ntlm)",
        r"tls handshake for credssp",
    ),
    Cause("the user or the password is wrong", _WRONG_LOGON, r"status_logon_failure", (0xC000006D,)),
    Cause("the account may not log on in this way", "look at its restrictions", r"account_restriction", (0xC000006E,)),
    Cause("the password has expired", "change it", r"password_expired", (0xC0000071,)),
    Cause("the password must be changed at the next logon", "change it", r"password_must_change", (0xC0000224,)),
    Cause("the account is disabled", "enable it", r"account_disabled", (0xC0000072,)),
    Cause("the account is locked", "unlock it", r"account_locked_out", (0xC0000234,)),
)
"""The reasons of CredSSP; the numbers are those that the server sends (NTSTATUS)."""

TABLES: t.Final[t.Mapping[str, tuple[Cause, ...]]] = types.MappingProxyType(
    {"kerberos": KERBEROS, "negotiate": KERBEROS, "credssp": CREDSSP + KERBEROS}
)
"""By the libraries' name of the authentication; inside CredSSP there may be Kerberos."""

_PAIR: t.Final = re.compile(r"""\(('[^']*'|"[^"]*"), (-?\d{1,10})\)""")
"""How pykerberos writes a word of GSSAPI and its number; the last pair says most."""
_MAJOR_AND_MINOR: t.Final = re.compile(r"Major \(\d{1,10}\): (.*?), Minor \((\d{1,10})\): (.*)$")
"""How gssapi writes it; the minor one says more, unless it is ``Success``."""
_ADDED_BY_PYSPNEGO: t.Final = ", Context: "
_KRB5: t.Final = re.compile(r"(.+) (-1765\d{6})$")
"""How krb5 writes it."""
_NTSTATUS: t.Final = re.compile(r"\((\d{1,10})\) (\w+) 0x[0-9a-f]{1,8}$")
"""How requests-credssp writes the number that the server has sent."""
_LONGEST: t.Final = 2000
"""Characters of a library's message that are looked at."""


class Reason(t.NamedTuple):
    """The last word of a library, with its number if it has one."""

    words: str
    number: int | None = None

    @classmethod
    def of(cls, message: str) -> Reason:
        """Read the message of an exception of pywinrm, pypsrp, pyspnego, krb5 or requests-credssp, or of kinit."""
        text = " ".join(message[:_LONGEST].split())
        pairs = _PAIR.findall(text)
        if pairs:
            return cls(pairs[-1][0][1:-1], int(pairs[-1][1]))
        if both := _MAJOR_AND_MINOR.search(text.partition(_ADDED_BY_PYSPNEGO)[0]):
            return cls(both[1]) if both[3] == "Success" else cls(both[3], _signed(int(both[2])))
        if krb5 := _KRB5.fullmatch(text):
            return cls(krb5[1], int(krb5[2]))
        if status := _NTSTATUS.search(text):
            return cls(status[2], int(status[1]))
        return cls(text.rpartition("kinit: ")[2].removesuffix(" while getting initial credentials"))

    def cause(self, method: str) -> Cause | None:
        """What it means for this way to authenticate; None if it is in no table."""
        table = TABLES.get(method, ())
        by_number = (cause for cause in table if self.number in cause.numbers)
        by_words = (cause for cause in table if re.search(cause.words, self.words, re.IGNORECASE))
        return next(by_number, None) or next(by_words, None)


def _signed(number: int) -> int:
    """MIT's numbers are negative; gssapi shows them as unsigned ones of 32 bits."""
    return number - (1 << 32) if number >= 1 << 31 else number


_REJECTED_TICKET: t.Final = (
    "the ticket was got, and the server does not take it: check its clock, that its service principal (setspn -Q "
    "HTTP/NAME) belongs to its own computer account alone, and that this account may log on over the network"
)


def rejected_advice(method: str) -> str:
    """What to do about a 401: with Kerberos user, realm and password are proven by then."""
    usual = line_failures.AUTHENTICATION_ADVICE.get(method, line_failures.NTLM_ADVICE)
    return _REJECTED_TICKET if method == "kerberos" else usual


_ENOUGH: t.Final = re.compile(r"not installed|did not response|tls handshake", re.IGNORECASE)
"""Words of libraries that say no more than our own."""


def verdict(error: BaseException, method: str) -> line_failures.Verdict | None:
    """What a failed authentication means; None if this error is of another kind, or in no table.

    :param method: the library's name of the authentication.
    """
    text = str(error)
    if not line_failures.is_authentication(error) and not _ENOUGH.search(text):
        return None
    reason = Reason.of(text)
    cause = reason.cause(method)
    if cause is not None:
        return _judged(cause, reason, method)
    return _unknown_status(reason, method) if type(error).__name__ == "NTStatusException" else None


def _judged(cause: Cause, reason: Reason, method: str) -> line_failures.Verdict:
    said = "the server rejects the credentials" if cause.is_of_server else "the authentication"
    end = "" if cause.is_of_server else " can't be carried out"
    meaning = f"{said} ({method}){end}: {meaning_of(cause, reason)}"
    return line_failures.Verdict(errors.AuthenticationFailed, meaning, cause.advice)


def _unknown_status(reason: Reason, method: str) -> line_failures.Verdict:
    number = f"0x{reason.number or 0:08X}"
    meaning = f"the server rejects the credentials ({method}) with status {number}"
    return line_failures.Verdict(errors.AuthenticationFailed, meaning, line_failures.NTLM_ADVICE)


def meaning_of(cause: Cause, reason: Reason) -> str:
    """The cause, with the library's own words unless they say no more than it."""
    return cause.meaning if _ENOUGH.search(reason.words) else f"{cause.meaning} ({reason.words})"


_OF_PLUGIN: t.Final = re.compile(
    r"^Kerberos auth failure (?:for principal (\S+?)(?: with \w+)?:|when calling kinit cmd) "
)
"""How Ansible's winrm plugin begins the words of kinit; 2.17 and 2.18 name the way in which they ran it."""


def of_plugin(message: str, host: str) -> errors.WsmanError | None:
    """What it means that Ansible's winrm plugin could not begin; None if this is not about Kerberos.

    :param message: that of its AnsibleConnectionFailure, from which it has taken the password out.
    """
    reason = Reason.of(message)
    cause = reason.cause("kerberos")
    principal = _OF_PLUGIN.search(message)
    if principal is None and cause is None:
        return None
    words = Reason(_OF_PLUGIN.sub("", reason.words))
    meaning = words.words if cause is None else meaning_of(cause, words)
    lead = f"kinit gets no ticket for {principal[1]}" if principal is not None and principal[1] else _CANT
    advice = cause.advice if cause is not None else "try kinit by hand on the controller"
    if advice == _REACH_KDC:
        advice = f"{advice}; {_ITS_CONFIGURATION}"
    return errors.AuthenticationFailed(
        host=host, meaning=f"{lead}: {meaning}", advice=line_failures.WINRM.named(advice)
    )


_ITS_CONFIGURATION: t.Final = "kinit sees KRB5_CONFIG only if ansible_winrm_kinit_env_vars lists it"
_CANT: t.Final = "the authentication (kerberos) can't be carried out"
