# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What netsh and netstat print, in the shapes that were seen in several languages; written for these tests.

Headings differ by language and code page; the rows do not. Nothing in here was captured from a server.
"""

from __future__ import annotations

import dataclasses

ROWS = """\
      5357        5357
     50000       50059     *
     51820       51820     *
"""
BLOCKS = [(5357, 5357, False), (50000, 50059, True), (51820, 51820, True)]


@dataclasses.dataclass(frozen=True)
class Language:
    """The words of one language around the same rows."""

    name: str
    code_page: str
    excluded: tuple[str, str, str]
    """Heading, column titles, foot note."""
    dynamic: tuple[str, str, str]
    """Heading, label of the start, label of the count."""
    listening: str
    established: str = "ESTABLISHED"

    def exclusions(self, rows: str = ROWS) -> bytes:
        heading, titles, note = self.excluded
        text = f"\n{heading}\n\n{titles}\n----------    --------    \n{rows}\n{note}\n\n"
        return self._encoded(text)

    def dynamic_range(self, start: int, count: int) -> bytes:
        heading, first, second = self.dynamic
        text = f"\n{heading}\n---------------------------------\n{first:<16}: {start}\n{second:<16}: {count}\n\n"
        return self._encoded(text)

    def netstat(self) -> bytes:
        text = NETSTAT.replace("LISTENING", self.listening)
        return self._encoded(text.replace("ESTABLISHED", self.established))

    def _encoded(self, text: str) -> bytes:
        return text.replace("\n", "\r\n").encode(self.code_page, errors="replace")


NETSTAT = """\

  Proto  1234   5678                   9
  TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       892
  TCP    10.0.0.5:50389         10.0.0.9:49800         ESTABLISHED     2100
  TCP    10.0.0.5:49801         10.0.0.9:50389         TIME_WAIT       0
  TCP    10.0.0.5:3101          10.0.0.9:389           TIME_WAIT       0
  TCP    10.0.0.5:3102          10.0.0.9:389           ESTABLISHED     3100
  TCP    10.0.0.5:49802         10.0.0.9:3102          SYN_SENT        3200
  TCP    [::]:50636             [::]:0                 LISTENING       2100
  TCP    [fe80::1%11]:53        [::]:0                 LISTENING       1200
  TCP    [2001:db8::5]:50636    [2001:db8::9]:3101     ESTABLISHED     2100
  TCP    [2001:db8::5]:3101     [fe80::9%11]:443       CLOSE_WAIT      3300
  UDP    0.0.0.0:4500           *:*                                    684
  UDP    [::]:50636             *:*                                    1200
  UDP    [fe80::1c2b:3d4e%11]:546  *:*                                 1012
  UDP    127.0.0.1:53           *:*                                    1200
"""
SOCKETS = [
    ("tcp", "0.0.0.0", 135, 892),
    ("tcp", "::", 50636, 2100),
    ("tcp", "fe80::1%11", 53, 1200),
    ("udp", "0.0.0.0", 4500, 684),
    ("udp", "::", 50636, 1200),
    ("udp", "fe80::1c2b:3d4e%11", 546, 1012),
    ("udp", "127.0.0.1", 53, 1200),
]
CONNECTIONS = [
    ("10.0.0.5", 50389, 2100, "10.0.0.9:49800"),
    ("10.0.0.5", 3102, 3100, "10.0.0.9:389"),
    ("10.0.0.5", 49802, 3200, "10.0.0.9:3102"),
    ("2001:db8::5", 50636, 2100, "[2001:db8::9]:3101"),
    ("2001:db8::5", 3101, 3300, "[fe80::9%11]:443"),
]
"""Accepted ones among them: which of them hold their port is for the reader to know."""

ENGLISH = Language(
    "English",
    "cp437",
    ("Protocol tcp Port Exclusion Ranges", "Start Port    End Port", "* - Administered port exclusions."),
    ("Protocol tcp Dynamic Port Range", "Start Port", "Number of Ports"),
    "LISTENING",
)
GERMAN = Language(
    "German",
    "cp850",
    (
        'Portausschlussbereiche für das Protokoll "tcp"',
        "Startport      Endport",
        "* - Verwaltete Portausschlüsse.",
    ),
    ('Dynamischer Portbereich für das Protokoll "tcp"', "Startport", "Anzahl von Ports"),
    "ABHÖREN",
    "HERGESTELLT",
)
FRENCH = Language(
    "French",
    "cp850",
    (
        "Protocole tcp Plages d'exclusion de ports",
        "Port de début  Port de fin",
        "* - Exclusions de ports administrés.",
    ),
    ("Plage de ports dynamique du protocole tcp", "Port de démarrage", "Nombre de ports"),
    "LISTENING",
)
JAPANESE = Language(
    "Japanese",
    "cp932",
    ("プロトコル tcp ポート除外範囲", "開始ポート    終了ポート", "* - 管理されたポート除外。"),
    ("プロトコル tcp の動的ポートの範囲", "開始ポート", "ポート数"),
    "LISTENING",
)
LANGUAGES = [ENGLISH, GERMAN, FRENCH, JAPANESE]

NO_SUCH_VERB = b"The following command was not found: interface ipv4 show excludedportrange protocol=tcp.\r\n"
