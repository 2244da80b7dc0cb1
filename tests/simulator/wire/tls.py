# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS listeners: an authority of the fleet's own, a certificate for each server and for each account that logs on."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import ssl
import typing as t

import trustme

TLS_1_0_ONLY: t.Final = frozenset({"2003", "2008"})
"""Releases whose Schannel knows nothing newer, as they were delivered."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listener:
    """How a host answers on HTTPS; ``binding`` is what clients bind an authentication to (RFC 5929)."""

    context: ssl.SSLContext
    binding: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates; ``path`` is its own, for clients to trust."""

    path: pathlib.Path
    _authority: trustme.CA

    @classmethod
    def new(cls, directory: pathlib.Path) -> Authority:
        """Make an authority, with its certificate in this directory."""
        authority = trustme.CA(organization_name="Simulated fleet")
        path = directory / "authority.pem"
        authority.cert_pem.write_to_path(str(path))
        return cls(path, authority)

    def listener(self, address: str, release: str) -> Listener:
        """How a server of this release answers on HTTPS; it takes a client's certificate if there is one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if release in TLS_1_0_ONLY:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        issued = self._authority.issue_cert(address)
        issued.configure_cert(context)
        self._authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        return Listener(context, b"tls-server-end-point:" + _digest(issued))

    def account(self, name: str, directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
        """Issue a certificate that stands for an account; gives the files of the certificate and of its key."""
        issued = self._authority.issue_cert(f"{name}@localhost", common_name=name)
        certificate, key = directory / f"{name}.pem", directory / f"{name}-key.pem"
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        issued.private_key_pem.write_to_path(str(key))
        return certificate, key


def _digest(issued: trustme.LeafCert) -> bytes:
    """SHA-256 of the certificate, which is the hash of its signature (RFC 5929, section 4.1)."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode("ascii"))).digest()


def name_shown(certificate: t.Mapping[str, t.Any] | None) -> str | None:
    """The common name in a peer's certificate, as Python's ssl module gives it; None if there is none."""
    subject: t.Iterable[t.Any] = (certificate or {}).get("subject", ())
    names = (value for group in subject for field, value in group if field == "commonName")
    return next(names, None)
