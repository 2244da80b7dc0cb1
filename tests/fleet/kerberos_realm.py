# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kerberos realm of MIT's own programs on a loopback port, for the time of a test.

It needs no rights, no service of the system and no file outside its folder. Its names are in no DNS.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import functools
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import time
import typing as t

from tests.simulator.child_process import becomes_ready, child_process, listens

REALM: t.Final = "PORTKEEPER.TEST"
_PATH: t.Final = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
"""Debian keeps the KDC where only root's PATH leads."""
_PROGRAMS: t.Final[c.Mapping[str, str]] = {
    "krb5kdc": "krb5-kdc",
    "kdb5_util": "krb5-kdc",
    "kadmin.local": "krb5-admin-server",
    "kinit": "krb5-user",
    "kvno": "krb5-user",
}
"""Program -> the package of Debian that has it."""
_MODULES: t.Final[c.Mapping[str, str]] = {"kerberos": "pykerberos", "gssapi": "gssapi", "krb5": "krb5"}
"""Python module -> its package; requirements/kerberos.txt has them."""
_TRIES: t.Final = 5
_SECONDS: t.Final = 30.0

_KRB5_CONF: t.Final = """\
[libdefaults]
 default_realm = {realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
 {silent} = {{
  kdc = 127.0.0.1:{silent_port}
 }}
[domain_realm]
 .{domain} = {realm}
"""
_SKEW_OF_KDC: t.Final = 10
"""Seconds by which clocks may differ for the KDC, and for which it takes a ticket that has run out; usually 300."""
_KDC_CONF: t.Final = """\
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {directory}/principal
  key_stash_file = {directory}/stash
  acl_file = {directory}/acl
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
 }}
[logging]
 kdc = FILE:{directory}/kdc.log
"""
SILENT_REALM: t.Final = "SILENT.TEST"
"""A realm that the clients' krb5.conf knows, whose KDC does not answer."""


def lacking() -> str:
    """Say what is not to be had on this machine, and what brings it; empty if a realm can be started."""
    packages = {package for name, package in _PROGRAMS.items() if shutil.which(name, path=_PATH) is None}
    modules = {package for name, package in _MODULES.items() if importlib.util.find_spec(name) is None}
    sentences = []
    if packages:
        sentences.append(f"no Kerberos KDC on this machine (Debian: apt-get install {' '.join(sorted(packages))})")
    if modules:
        sentences.append(
            f"the Python packages {', '.join(sorted(modules))} are missing (Debian: apt-get install gcc libkrb5-dev "
            "python3-dev, then make kerberos)"
        )
    return "; ".join(sentences)


class RealmFailure(RuntimeError):
    """A program of Kerberos failed; the message has its words."""


@dataclasses.dataclass(frozen=True, slots=True)
class Realm:
    """A realm whose KDC runs. ``environment`` is for clients and acceptors: KRB5_CONFIG and KRB5_KTNAME."""

    directory: pathlib.Path
    environment: c.Mapping[str, str]
    name: str = REALM

    def add_user(self, name: str, password: str, *options: str) -> None:
        """Add a user; ``options`` are kadmin's, such as ``-allow_forwardable``."""
        self._administer(f'addprinc {" ".join(options)} -pw "{password}" {name}')

    def add_service(self, name: str, *, in_keytab: bool = True) -> None:
        """Add a host by its DNS name: HTTP is what pywinrm asks for, WSMAN what pypsrp asks for.

        :param in_keytab: without, the host can't read what clients send to it.
        """
        for service in ("HTTP", "WSMAN"):
            self._administer(f"addprinc -randkey {service}/{name}")
            if in_keytab:
                self._administer(f"ktadd -k {self.environment['KRB5_KTNAME']} {service}/{name}")

    def ticket(self, principal: str, password: str, *options: str) -> str:
        """Get a ticket by kinit; gives the name of its cache for KRB5CCNAME."""
        cache = f"FILE:{self.directory / 'cache'}-{len(list(self.directory.iterdir()))}"
        self._run(["kinit", *options, "-c", cache, principal], f"{password}\n")
        return cache

    def wait_until_expired(self, cache: str, service: str) -> None:
        """Wait until the KDC gives nothing in exchange for the ticket in this cache."""
        _wait(lambda: "expired" in self._call(["kvno", "-c", cache, service], "").stdout, "The ticket did not expire")

    @property
    def variables(self) -> dict[str, str]:
        """The whole environment of a program of the realm."""
        return {**self.environment, "PATH": _PATH, "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf")}

    def _administer(self, command: str) -> None:
        output = self._run(["kadmin.local"], f"{command}\n")
        if "created" not in output and "added to keytab" not in output:
            raise RealmFailure(output)

    def _run(self, command: c.Sequence[str], text: str) -> str:
        done = self._call(command, text)
        if done.returncode != 0:
            raise RealmFailure(f"{' '.join(command)}: {done.stdout}")
        return done.stdout

    def _call(self, command: c.Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(command),
            input=text,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SECONDS,
        )


@contextlib.contextmanager
def running_realm(directory: pathlib.Path) -> c.Iterator[Realm]:
    """Make a realm in this folder, and let its KDC run; raises RealmFailure if it does not start."""
    variables = {
        "KRB5_CONFIG": str(directory / "krb5.conf"),
        "KRB5_KTNAME": str(directory / "keytab"),
        "KRB5RCACHENAME": "none:",
    }
    realm = Realm(directory, variables)
    with contextlib.ExitStack() as stack:
        _start(realm, directory, stack)
        yield realm


def _start(realm: Realm, directory: pathlib.Path, stack: contextlib.ExitStack) -> None:
    """Start the KDC on a free port, which may take several tries; the stack ends it."""
    silent = stack.enter_context(_taken_port())
    for attempt in range(_TRIES):
        port = _configure(directory, silent)
        if attempt == 0:
            realm._run(["kdb5_util", "create", "-s", "-P", "of a test"], "")
        variables = {**realm.variables, "KRB5_CONFIG": str(directory / "strict.conf")}
        process = stack.enter_context(
            child_process(["krb5kdc", "-n"], log=directory / "kdc.out", environment=variables)
        )
        if becomes_ready(process, functools.partial(listens, port), _SECONDS):
            return
    raise RealmFailure((directory / "kdc.log").read_text(encoding="utf-8", errors="replace"))


def _configure(directory: pathlib.Path, silent_port: int) -> int:
    """Write the configuration with a port that is free at this moment; another program may take it before the KDC."""
    with _taken_port() as port:
        pass
    values = {
        "realm": REALM,
        "domain": REALM.lower(),
        "silent": SILENT_REALM,
        "silent_port": silent_port,
        "port": port,
        "directory": directory,
    }
    text = _KRB5_CONF.format_map(values)
    (directory / "krb5.conf").write_text(text, encoding="utf-8")
    strict = text.replace("[realms]", f" clockskew = {_SKEW_OF_KDC}\n[realms]")
    (directory / "strict.conf").write_text(strict, encoding="utf-8")
    (directory / "kdc.conf").write_text(_KDC_CONF.format_map(values), encoding="utf-8")
    return port


@contextlib.contextmanager
def _taken_port() -> c.Iterator[int]:
    """Keep a port of the loopback address, on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def _wait(condition: t.Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RealmFailure(f"{message} within {_SECONDS:g} seconds.")
        time.sleep(0.05)
