# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of commands: how netsh, netstat, sc and findstr print, and what their exit codes are."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Expected, Probe, Tag
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command, ShellPart
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Server,
    first,
    inner_text,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import UPDATES

EXCLUSIONS: t.Final = Command("netsh interface ipv4 show excludedportrange protocol=tcp", reads="exclusions")
ACTIVE_TCP: t.Final = Command(f"{EXCLUSIONS.line} store=active", reads="exclusions")
LASTING_TCP: t.Final = Command(f"{EXCLUSIONS.line} store=persistent", reads="exclusions")
ACTIVE_IPV6: t.Final = Command(
    "netsh interface ipv6 show excludedportrange protocol=tcp store=active", reads="exclusions"
)
ACTIVE_UDP: t.Final = Command(
    "netsh interface ipv4 show excludedportrange protocol=udp store=active", reads="exclusions"
)
RANGE_TCP: t.Final = Command("netsh interface ipv4 show dynamicport protocol=tcp store=active", reads="range")
RANGE_UDP: t.Final = Command("netsh interface ipv4 show dynamicport protocol=udp store=active", reads="range")
RANGE_IPV6: t.Final = Command("netsh interface ipv6 show dynamicport protocol=tcp store=active", reads="range")
NO_VERB: t.Final = Command("netsh interface ipv4 show portkeeperverify")
NO_SERVICE: t.Final = Command("sc.exe query portkeeper-verify-no-such-name")
FAILS: t.Final = Command("cmd.exe /c exit 5")
AFTER_FAILURE: t.Final = Command("cmd.exe /c exit 5 && echo portkeeper-yes || echo portkeeper-no")
FINDS_NOTHING: t.Final = Command("echo portkeeper| findstr /l nothing")
FINDS: t.Final = Command("echo portkeeper| findstr /l portkeeper")
CODE_PAGE: t.Final = Command("chcp")
_FILES: t.Final = r"!windir!\system32\drivers\etc"
SAME_FILES: t.Final = Command(rf"fc /b {_FILES}\services {_FILES}\services >nul")
OTHER_FILES: t.Final = Command(rf"fc /b {_FILES}\services {_FILES}\hosts >nul")
_EVERY_BYTE: t.Final = bytes(octet for octet in range(1, 256) if octet not in b"\r\n\x1a")
_LONG: t.Final = 9000
_AFTER_INPUT: t.Final = "portkeeper-after-input"
FILTERED: t.Final = Command(
    f'findstr "^" & echo {_AFTER_INPUT} & {RANGE_TCP.line}',
    alone=True,
    stdin=_EVERY_BYTE + b"\r\n" + b"x" * _LONG + b"\r\nlast",
    reads="range",
)
CREATED: t.Final = ShellPart("create")
SHELL: t.Final = ShellPart("get")
SECOND_COMMAND: t.Final = ShellPart("second command")
UNKNOWN_COMMAND: t.Final = ShellPart("unknown command")
DELETED_SHELL: t.Final = ShellPart("deleted shell")
NETSH_HOTFIX: t.Final = "KB2665809"
DEFAULT_RANGE: t.Final = "49152-65535"
_UTF8: t.Final = 65001


def _has_table(found: Readings) -> bool:
    return found.answered(ACTIVE_TCP).blocks is not None


def _in_the_box(found: Readings) -> bool:
    if found.server.release.capabilities.excluded_port_ranges == "probe":
        raise CantTell("here a hotfix decides")
    return _has_table(found)


def _table_expected(server: Server) -> bool:
    return server.release.capabilities.excluded_port_ranges == "yes"


def _by_hotfix(found: Readings) -> bool:
    if found.server.release.capabilities.excluded_port_ranges != "probe":
        raise CantTell("this is about Windows Server 2008 and 2008 R2")
    return _has_table(found) == any(text(row, "HotFixID") == NETSH_HOTFIX for row in found.rows(UPDATES))


def _shown_store(found: Readings) -> str:
    """Which store is shown if none is named."""
    plain, active, lasting = (found.blocks(one) for one in (EXCLUSIONS, ACTIVE_TCP, LASTING_TCP))
    if active == lasting:
        raise CantTell("both stores show the same on this server")
    return "active" if plain == active else "persistent" if plain == lasting else "another"


def _lasting_are_administered(found: Readings) -> bool:
    blocks = found.blocks(LASTING_TCP)
    if not blocks:
        raise CantTell("nothing is excluded for good on this server")
    return all(block.administered for block in blocks)


def _one_list(found: Readings) -> bool:
    four, six = found.blocks(ACTIVE_TCP), found.blocks(ACTIVE_IPV6)
    if not four and not six:
        raise CantTell("nothing is excluded on this server")
    return four == six


def _ranges(found: Readings) -> bool:
    if not found.server.release.capabilities.dynamic_port_ranges:
        raise CantTell("this release has no dynamic range that netsh shows")
    return all(found.answered(one).ports is not None for one in (RANGE_TCP, RANGE_UDP, RANGE_IPV6))


def _default_range(found: Readings) -> str:
    shown = str(found.ports(RANGE_TCP))
    if shown != DEFAULT_RANGE:
        raise CantTell("the range is another one, and who has set it is not told")
    return shown


def _same_range(found: Readings) -> bool:
    return found.ports(RANGE_TCP) == found.ports(RANGE_IPV6)


def _code(command: Command) -> t.Callable[[Readings], int]:
    def see(found: Readings) -> int:
        return found.ran(command).code

    return see


def _success(found: Readings) -> int:
    found.ports(RANGE_TCP)
    return found.ran(RANGE_TCP).code


def _says_no(found: Readings) -> bool:
    raw = found.ran(AFTER_FAILURE).raw
    return b"portkeeper-no" in raw and b"portkeeper-yes" not in raw


def _code_page(found: Readings) -> bool:
    """chcp names the code page that was asked for."""
    numbers = re.findall(rb"[0-9]{3,5}", found.ran(CODE_PAGE).raw)
    return numbers == [str(found.server.release.capabilities.shell_codepage).encode()]


def _utf8(found: Readings) -> bool:
    """How programs write letters beyond ASCII in a shell of code page 65001."""
    if found.server.release.capabilities.shell_codepage != _UTF8:
        raise CantTell("the shell has another code page")
    raw = b"".join(found.ran(one).raw for one in (ACTIVE_TCP, RANGE_TCP, NO_VERB, NO_SERVICE))
    if raw.isascii():
        raise CantTell("this language has no such letters in these texts")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _line_ends(found: Readings) -> bool:
    raw = found.ran(ACTIVE_TCP).raw
    return raw.count(b"\n") == raw.count(b"\r\n") > 0


def _fc_tells(found: Readings) -> bool:
    same, other = found.ran(SAME_FILES).code, found.ran(OTHER_FILES).code
    if same != 0 or other not in (0, 1):
        raise CantTell("fc can't compare the two files")
    return other == 1


def _filtered(found: Readings) -> bytes:
    """What findstr gives back."""
    raw = found.ran(FILTERED).raw.partition(_AFTER_INPUT.encode())[0]
    if not raw:
        raise CantTell("findstr gave nothing back")
    return raw


def _keeps_bytes(found: Readings) -> bool:
    return _filtered(found).partition(b"\n")[0].rstrip(b"\r") == _EVERY_BYTE


def _ends_line(found: Readings) -> bool:
    raw = _filtered(found)
    if b"last" not in raw:
        raise CantTell("findstr lost the last line")
    return raw.endswith(b"last\r\n")


def _longest_line(found: Readings) -> int:
    """Octets of the longest line that findstr gives back, its end included."""
    return max(len(line) + 1 for line in _filtered(found).split(b"\n"))


def _works_after_input(found: Readings) -> bool:
    """netsh shows the range that it shows in a line without input."""
    return found.answered(FILTERED).ports == found.ports(RANGE_TCP)


def _idle_timeout(found: Readings) -> bool:
    """The shell has the idle timeout that its Create asked for."""
    told = inner_text(first(found.envelope(SHELL), "IdleTimeOut")) or inner_text(
        first(found.envelope(CREATED), "IdleTimeOut")
    )
    if found.answered(CREATED).fault is None and not told:
        raise CantTell("the shell's description tells no idle timeout")
    return told.startswith(("PT180", "PT3M", "P0DT0H3M"))


def _second_command(server: Server) -> str:
    return "Concurrency 0x80338032" if server.stack == "1.1" else "answered"


def _second(found: Readings) -> str:
    return found.fault_text(SECOND_COMMAND)


def _exit_code(name: str, asks: str, command: Command, expect: Expected, *, tag: Tag = "K", settles: str = "") -> Probe:
    return Probe(id=name, asks=asks, needs=(command,), expect=expect, see=_code(command), tag=tag, settles=settles)


def _fault(name: str, asks: str, part: ShellPart) -> Probe:
    def see(found: Readings) -> str:
        return found.fault_text(part)

    return Probe(id=name, asks=asks, needs=(part,), expect="InvalidSelectors 0x8033805B", see=see, tag="C")


ROWS: t.Final = (
    Probe(
        id="exclusions_table",
        asks="Has netsh the verb excludedportrange, with two rulers side by side?",
        needs=(ACTIVE_TCP,),
        expect=_table_expected,
        see=_in_the_box,
        tag="C",
    ),
    Probe(
        id="exclusions_by_hotfix",
        asks="Is that verb on 2008 and 2008 R2 exactly if the hotfix KB2665809 shows?",
        needs=(ACTIVE_TCP, UPDATES),
        expect=True,
        see=_by_hotfix,
        tag="K",
        contested="excluded_port_ranges",
    ),
    Probe(
        id="shown_store",
        asks="Which store does netsh show if none is named?",
        needs=(EXCLUSIONS, ACTIVE_TCP, LASTING_TCP),
        expect="active",
        see=_shown_store,
        tag="K",
    ),
    Probe(
        id="lasting_are_administered",
        asks="Has every row of the persistent store the asterisk of an administrator?",
        needs=(LASTING_TCP,),
        expect=True,
        see=_lasting_are_administered,
        tag="K",
    ),
    Probe(
        id="one_list_for_both_families",
        asks="Do IPv4 and IPv6 show the same excluded ranges?",
        needs=(ACTIVE_TCP, ACTIVE_IPV6),
        expect=True,
        see=_one_list,
        tag="T",
    ),
    Probe(
        id="dynamic_ranges",
        asks="Are the dynamic ranges read by the shape of their rows?",
        needs=(RANGE_TCP, RANGE_UDP, RANGE_IPV6),
        expect=True,
        see=_ranges,
        tag="C",
    ),
    Probe(
        id="default_dynamic_range",
        asks="Which is the dynamic TCP range, if nobody has changed it?",
        needs=(RANGE_TCP,),
        expect=DEFAULT_RANGE,
        see=_default_range,
        tag="D",
    ),
    Probe(
        id="range_of_both_families",
        asks="Have IPv4 and IPv6 the same dynamic TCP range?",
        needs=(RANGE_TCP, RANGE_IPV6),
        expect=True,
        see=_same_range,
        tag="K",
    ),
    _exit_code(
        "netsh_failure",
        "With which exit code does netsh end for a verb that it does not have?",
        NO_VERB,
        1,
        settles="netsh_failure_exit_code",
    ),
    Probe(
        id="netsh_success",
        asks="With which exit code does netsh end if it shows a range?",
        needs=(RANGE_TCP,),
        expect=0,
        see=_success,
        tag="K",
    ),
    _exit_code("sc_no_service", "With which exit code does sc end for an unknown service?", NO_SERVICE, 1060, tag="C"),
    _exit_code("exit_codes_between", "Does !errorlevel! give the code of the command before it?", FAILS, 5),
    _exit_code("findstr_nothing", "With which exit code does findstr end if it finds nothing?", FINDS_NOTHING, 1),
    _exit_code("findstr_something", "With which exit code does findstr end if it finds something?", FINDS, 0),
    Probe(
        id="and_or",
        asks="Do && and || in a WinRS command see the exit code of the command before them?",
        needs=(AFTER_FAILURE,),
        expect=True,
        see=_says_no,
        tag="D",
    ),
    Probe(
        id="code_page",
        asks="Has the shell the code page that was asked for?",
        needs=(CODE_PAGE,),
        expect=True,
        see=_code_page,
        tag="D",
    ),
    Probe(
        id="utf8_for_programs",
        asks="Do programs write UTF-8 in a shell of code page 65001?",
        needs=(ACTIVE_TCP, RANGE_TCP, NO_VERB, NO_SERVICE),
        expect=False,
        see=_utf8,
        tag="T",
        settles="utf8_for_programs",
    ),
    Probe(
        id="line_ends",
        asks="Do netsh's lines end with CR and LF?",
        needs=(ACTIVE_TCP,),
        expect=True,
        see=_line_ends,
        tag="C",
    ),
    Probe(
        id="fc_exit_code",
        asks="Does fc end with 1 if files differ?",
        needs=(SAME_FILES, OTHER_FILES),
        expect=True,
        see=_fc_tells,
        tag="K",
        settles="fc_exit_code_tells",
    ),
    Probe(
        id="findstr_keeps_bytes",
        asks="Does findstr write control characters and bytes above 127 as they are?",
        needs=(FILTERED,),
        expect=True,
        see=_keeps_bytes,
        tag="T",
        settles="findstr_keeps_every_byte",
    ),
    Probe(
        id="findstr_ends_line",
        asks="Does findstr end the last line of piped input with CR and LF if it has no end?",
        needs=(FILTERED,),
        expect=True,
        see=_ends_line,
        tag="T",
        settles="findstr_ends_last_line",
    ),
    Probe(
        id="findstr_longest_line",
        asks="How many bytes of a piped line does findstr take?",
        needs=(FILTERED,),
        expect=8191,
        see=_longest_line,
        tag="T",
        settles="findstr_longest_piped_line",
    ),
    Probe(
        id="netsh_after_input",
        asks="Does netsh work in a command line whose input another program has read to its end?",
        needs=(RANGE_TCP, FILTERED),
        expect=True,
        see=_works_after_input,
        tag="K",
    ),
    Probe(
        id="idle_timeout",
        asks="Has a shell the idle timeout that its Create asks for?",
        needs=(CREATED, SHELL),
        expect=True,
        see=_idle_timeout,
        tag="K",
        settles="idle_timeout_of_a_shell",
    ),
    Probe(
        id="second_command",
        asks="Does a shell take the next command before a Signal for the one before?",
        needs=(SECOND_COMMAND,),
        expect=_second_command,
        see=_second,
        tag="K",
        settles="one_command_until_signal",
    ),
    _fault("unknown_command", "How is a Receive for an unknown command refused?", UNKNOWN_COMMAND),
    _fault("deleted_shell", "How is a message to a shell refused that is gone?", DELETED_SHELL),
)
