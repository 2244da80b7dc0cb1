# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file ``services`` of a simulated server: ordinary content, and the oddities that such files have in the field."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.disk import Disk

FOLDER: t.Final = "System32\\drivers\\etc"
DATA_BASE_PATH: t.Final = f"%SystemRoot%\\{FOLDER}"

_HEAD: t.Final = (
    "# Names of well-known services and their ports (simulated).",
    "#",
    "# Format:",
    "#",
    "# <service name>  <port number>/<protocol>  [aliases...]   [#<comment>]",
    "#",
    "",
)
_ROWS: t.Final = (
    ("echo", "7/tcp", "", ""),
    ("echo", "7/udp", "", ""),
    ("discard", "9/tcp", "sink null", ""),
    ("ftp", "21/tcp", "", "FTP. control"),
    ("telnet", "23/tcp", "", ""),
    ("smtp", "25/tcp", "mail", "Simple Mail Transfer Protocol"),
    ("domain", "53/tcp", "", "Domain Name Server"),
    ("domain", "53/udp", "", "Domain Name Server"),
    ("http", "80/tcp", "www www-http", "World Wide Web"),
    ("kerberos", "88/tcp", "krb5 kerberos-sec", "Kerberos"),
    ("kerberos", "88/udp", "krb5 kerberos-sec", "Kerberos"),
    ("ntp", "123/udp", "", "Network Time Protocol"),
    ("epmap", "135/tcp", "loc-srv", "DCE endpoint resolution"),
    ("ldap", "389/tcp", "", "Lightweight Directory Access Protocol"),
    ("https", "443/tcp", "MCom", ""),
    ("isakmp", "500/udp", "ike", "Internet Key Exchange"),
    ("ldaps", "636/tcp", "sldap", "LDAP over TLS/SSL"),
    ("l2tp", "1701/udp", "", "Layer Two Tunneling Protocol"),
    ("radius", "1812/udp", "", "RADIUS authentication protocol"),
    ("radacct", "1813/udp", "", "RADIUS accounting protocol"),
)
_OEM_COMMENT: t.Final = b"lpd\t\t515/tcp\tprinter\t# Dr\x81cker im Erdgescho\xe1 \xff\xa0\r\n"
"""Umlauts in code page 850, tabs, and a no-break space at the end."""
_LONG_COMMENT: t.Final = b"# " + b"x" * 9000 + b"\r\n"

_HOSTS: t.Final = b"# Names of hosts and their addresses (simulated).\r\n127.0.0.1       localhost\r\n"

Oddity: t.TypeAlias = t.Literal[
    "oem", "long_line", "ctrl_z", "lf", "no_last_line_end", "read_only", "in_use", "denied", "missing"
]
ODDITIES: t.Final[tuple[Oddity, ...]] = t.get_args(Oddity)


def path_in(windows_directory: str) -> str:
    """Return the path of the file."""
    return f"{windows_directory}\\{FOLDER}\\services"


def install(disk: Disk, windows_directory: str, oddities: t.Collection[str]) -> None:
    """Put the file on a disk, and beside it the file hosts."""
    path = path_in(windows_directory)
    disk[f"{windows_directory}\\{FOLDER}\\hosts"] = _HOSTS
    if "missing" in oddities:
        return
    disk[path] = content(oddities)
    folded = path.casefold()
    for kept, oddity in ((disk.read_only, "read_only"), (disk.in_use, "in_use")):
        if oddity in oddities:
            kept.add(folded)
    if "denied" in oddities:
        disk.denied.add(folded.rpartition("\\")[0])


def content(oddities: t.Collection[str] = ()) -> bytes:
    """Return the bytes of the file."""
    rows = (_row(*row) for row in _ROWS)
    data = "".join(f"{line}\r\n" for line in (*_HEAD, *rows)).encode("ascii")
    if "oem" in oddities:
        data += _OEM_COMMENT
    if "long_line" in oddities:
        data += _LONG_COMMENT
    if "ctrl_z" in oddities:
        data += b"# before \x1a after\r\nhidden           4711/tcp\r\n"
    if "lf" in oddities:
        data = data.replace(b"\r\n", b"\n")
    if "no_last_line_end" in oddities:
        data += b"last             4712/tcp"
    return data


def _row(name: str, port: str, aliases: str, comment: str) -> str:
    return f"{name:<17}{port:>11}    {aliases:<23}{'#' + comment if comment else ''}".rstrip()
