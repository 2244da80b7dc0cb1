# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports beyond a service's fixed ones: RPC endpoints, worker processes that try again, one of a range, TCP clients.

What these lose does not stop their service: it runs and is deaf (``Session.deaf``), which the service manager does not
show.
"""

from __future__ import annotations

import typing as t

from tests.simulator.windows.program import Complaint, Program, Worker
from tests.simulator.windows.services import Service
from tests.simulator.windows.sockets import (
    FAR_ADDRESSES,
    FAR_PORT,
    OWN_ADDRESSES,
    WILDCARDS,
    WSAEADDRINUSE,
    Socket,
)

if t.TYPE_CHECKING:
    from tests.simulator.windows.session import Session

REMEMBERED_RETRIES: t.Final = 24
"""Of a long time without a request, only the last tries are played."""


def bind_one_of(session: Session, service: Service, program: Program, now: float) -> int:
    """Bind the first port of a range that is free; 0, or 10048 when none is."""
    if program.one_udp_of is None:
        return 0
    first, last = program.one_udp_of
    ports = range(first, last + 1)
    bound = any(session.bind(service, "udp", port, program, now) == 0 for port in ports)
    return 0 if bound else WSAEADDRINUSE


def open_endpoints(session: Session, service: Service, program: Program, now: float) -> None:
    """Listen on the RPC endpoints whose ports the registry fixes."""
    for endpoint in program.endpoints:
        port = endpoint.port(session.machine.registry)
        if port is None:
            continue
        error = session.bind(service, "tcp", port, program, now)
        if error:
            session.deaf.add(service.config.name)
        restarted = endpoint.noisy_restart and not session.booting
        if endpoint.complaint is not None and (error or restarted):
            complain(session, endpoint.complaint, port, now)


def complain(session: Session, complaint: Complaint, port: int, now: float) -> None:
    """Write the event of a program that does not get its port."""
    if not session.quiet:
        session.machine.log(
            source=complaint.source,
            code=complaint.code,
            now=now,
            strings=tuple(text.format(port=port) for text in complaint.strings),
            logfile=complaint.logfile,
        )


# -- worker processes
def start_worker(session: Session, service: Service, worker: Worker, now: float) -> None:
    """Start a service's worker process and let it try for its port."""
    process = session.processes.start(
        image=worker.image,
        command_line=worker.command_line,
        account=worker.account,
        parent=service.pid,
        created=now,
    )
    session.workers[service.config.name.casefold()] = (worker, process.pid)
    try_port(session, service, now)


def try_port(session: Session, service: Service, now: float) -> None:
    """Let a worker bind its port; when it cannot, it complains and comes back after a while."""
    folded = service.config.name.casefold()
    if folded not in session.workers:
        return
    worker, pid = session.workers[folded]
    sockets = [
        Socket("udp", family, worker.udp, pid, worker.account, address=WILDCARDS[family], created=now)
        for family in session.machine.families
    ]
    blocked = worker.udp in session.reservations().everybody["udp"]
    if not blocked and not any(map(session.sockets.conflict, sockets)):
        session.deaf.discard(worker.name)
        for socket in sockets:
            session.sockets.add(socket)
        return
    session.deaf.add(worker.name)
    for complaint in worker.complaints:
        complain(session, complaint, worker.udp, now)
    if not session.quiet:
        session.schedule(_next_try(session, worker, now), "retry", folded)


def _next_try(session: Session, worker: Worker, now: float) -> float:
    """Return when the worker tries again; tries that nothing can change are left out."""
    interval = worker.retry_seconds * session.machine.time_scale
    due = session.next_due()
    unchanged_until = session.target if due is None else min(due, session.target)
    skipped = max(0, int((unchanged_until - now) / interval) - REMEMBERED_RETRIES)
    return now + interval * (1 + skipped)


def end_worker(session: Session, service: Service) -> None:
    """End a service's worker process with the service."""
    worker, pid = session.workers.pop(service.config.name.casefold(), (None, 0))
    if worker is not None:
        session.deaf.discard(worker.name)
        session.sockets.close(pid=pid)
        session.processes.end(pid)


# -- clients
def connect_clients(session: Session, service: Service, now: float) -> None:
    """Open the connections that a server's programs hold: each takes a TCP port that the stack chooses."""
    for port in session.dynamic_ports("tcp", session.machine.tcp_clients):
        session.sockets.add(
            Socket(
                "tcp",
                4,
                port,
                service.pid,
                service.config.account,
                service.config.name,
                address=OWN_ADDRESSES[4],
                state="established",
                remote_address=FAR_ADDRESSES[4],
                remote_port=FAR_PORT,
                created=now,
                client=True,
            )
        )
