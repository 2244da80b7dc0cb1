# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ssh server on a loopback port with its own configuration and keys, tunnels through it, and relays beside it."""

from __future__ import annotations

import asyncio
import collections.abc as c
import contextlib
import dataclasses
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import threading
import typing as t

from tests.simulator.child_process import becomes_ready, child_process, listens

_PATH: t.Final = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
"""Debian keeps sshd where only root's PATH leads."""
_PROGRAMS: t.Final[c.Mapping[str, str]] = {
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""Program -> the package of Debian that has it."""
_SECONDS: t.Final = 30.0
_SSHD: t.Final = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host
AuthorizedKeysFile {directory}/user.pub
PidFile none
UsePAM yes
StrictModes no
PasswordAuthentication no
AllowTcpForwarding yes
"""
_SSH: t.Final = """\
Host *
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {directory}/user
  IdentitiesOnly yes
  UserKnownHostsFile {directory}/known_hosts
  StrictHostKeyChecking yes
  ExitOnForwardFailure yes
"""


def lacking() -> str:
    """Say what is not to be had on this machine, and what brings it; empty if there is nothing."""
    packages = {package for name, package in _PROGRAMS.items() if shutil.which(name, path=_PATH) is None}
    return f"no ssh on this machine (Debian: apt-get install {' '.join(sorted(packages))})" if packages else ""


@dataclasses.dataclass(frozen=True)
class SshServer:
    """A running sshd; ``config`` is for ssh, which finds it under any name."""

    config: pathlib.Path

    @contextlib.contextmanager
    def tunnel(self, *options: str) -> c.Iterator[int]:
        """Run ``ssh -N`` with these options, in which ``{port}`` stands for a free local port, and give that port."""
        port = free_port()
        given = [option.format(port=port) for option in options]
        with _running(
            ["ssh", "-F", str(self.config), "-N", *given, "bastion"], port, self.config.with_name(f"ssh-{port}.log")
        ):
            yield port


@contextlib.contextmanager
def ssh_server(directory: pathlib.Path) -> c.Iterator[SshServer]:
    """Run sshd as an ordinary user: as ours, or as nobody if we are root."""
    user = pwd.getpwnam("nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    port = free_port()
    config = directory / "ssh_config"
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name))
    public = (directory / "host.pub").read_text(encoding="ascii")
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}", encoding="ascii")
    (directory / "sshd_config").write_text(_SSHD.format(port=port, directory=directory), encoding="utf-8")
    config.write_text(_SSH.format(port=port, directory=directory, user=user.pw_name), encoding="utf-8")
    if os.geteuid() == 0:
        os.chown(directory / "host", user.pw_uid, user.pw_gid)
        directory.chmod(directory.stat().st_mode | 0o011)
    program = shutil.which("sshd", path=_PATH) or "sshd"
    with _running(
        [program, "-D", "-e", "-f", str(directory / "sshd_config")], port, directory / "sshd.log", user=user.pw_uid
    ):
        yield SshServer(config)


@contextlib.contextmanager
def _running(command: c.Sequence[str], port: int, log: pathlib.Path, *, user: int | None = None) -> c.Iterator[None]:
    """A program that listens on this port, until the end of the context."""
    with child_process(command, log=log, environment=os.environ, user=user) as process:
        if not becomes_ready(process, lambda: listens(port), _SECONDS):
            raise RuntimeError(f"{command!r} does not listen: {log.read_text(encoding='utf-8', errors='replace')}")
        yield


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def relay(listener: socket.socket, port: int) -> c.Iterator[None]:
    """Carry what comes to this listener to a port of 127.0.0.1, and back: a server at another address."""
    loop = asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copied(reader, ours), _copied(theirs, writer))

    server = loop.run_until_complete(asyncio.start_server(carry, sock=listener))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
