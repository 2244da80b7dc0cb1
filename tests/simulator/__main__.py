# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the simulated fleet: ``python -m tests.simulator --scenario FILE.yml --inventory OUT.yml``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import pathlib
import signal
import sys
import tempfile
import typing as t

from tests.simulator.control_endpoint import control_server
from tests.simulator.fleet import Fleet, ScenarioError, load_scenario
from tests.simulator.inventory import write_inventory


def parser() -> argparse.ArgumentParser:
    """Give the command line's parser."""
    text = "A fleet of simulated Windows servers."
    made = argparse.ArgumentParser(prog="python -m tests.simulator", description=text)
    made.add_argument("--scenario", type=pathlib.Path, required=True, help="YAML file that describes the hosts")
    made.add_argument("--inventory", type=pathlib.Path, required=True, help="inventory to write for Ansible")
    made.add_argument("--state-dir", type=pathlib.Path, help="folder for the process's own files (default: a new one)")
    made.add_argument("--control-port", type=int, default=0, help="port of the control endpoint (default: any)")
    made.add_argument("--ready-file", type=pathlib.Path, help="file that gets the control URL once all hosts listen")
    made.add_argument("--first-address", help="give each host a loopback address of its own, counting up from this one")
    made.add_argument("--port", type=int, default=0, help="WinRM port of every host, with --first-address (5985)")
    return made


async def serve(options: argparse.Namespace, directory: pathlib.Path) -> None:
    """Run a fleet until it is told to stop, by a signal or by its control endpoint."""
    fleet = Fleet(
        load_scenario(options.scenario),
        directory=directory,
        first_address=options.first_address,
        port=options.port if options.first_address else 0,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, fleet.stopping.set)
    control = control_server(fleet, port=options.control_port)
    control.open()
    fleet.start()
    url = f"http://{control.address}:{control.port}"
    write_inventory(fleet, options.inventory, control=url)
    if options.ready_file is not None:
        _write_whole(options.ready_file, url + "\n")
    await fleet.run()
    control.give_up()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)  # a second signal must not disturb the end


def _write_whole(path: pathlib.Path, text: str) -> None:
    """Write a file that a waiting reader never sees half written."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 2 for a scenario that can't be used."""
    options = parser().parse_args(arguments)
    with contextlib.ExitStack() as stack:
        directory = options.state_dir
        if directory is None:
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portkeeper-fleet-")))
        directory.mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(serve(options, directory))
        except ScenarioError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
