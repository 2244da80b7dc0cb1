# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other side of the control endpoint, for tests, demo and bench: start a fleet, ask it, change it, stop it."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

import yaml

from tests.simulator.child_process import ROOT, becomes_ready, child_process

LOG: t.Final = "fleet.log"
Json: t.TypeAlias = t.Any


class ControlFailure(RuntimeError):
    """The fleet refused a request, or is not there; the message is its sentence."""


class HostControl:
    """One host of a running fleet."""

    def __init__(self, client: ControlClient, name: str) -> None:
        self._client = client
        self._path = f"/hosts/{urllib.parse.quote(name, safe='')}"
        self.name = name

    def _get(self, verb: str) -> Json:
        return self._client.call("GET", f"{self._path}/{verb}")

    def _post(self, verb: str, body: c.Mapping[str, t.Any] | None = None) -> Json:
        return self._client.call("POST", f"{self._path}/{verb}", body or {})

    def summary(self) -> dict[str, t.Any]:
        """Give name, release, address, port, whether it listens, number of the boot."""
        return next(item for item in self._client.hosts() if item["name"] == self.name)

    def state(self) -> dict[str, t.Any]:
        """Give the whole modelled state."""
        return t.cast("dict[str, t.Any]", self._get("state"))

    def reset(self) -> None:
        """Build the server again from the scenario; faults go, counters are zero."""
        self._post("reset")

    def boot(self, seed: int | None = None) -> None:
        """Boot at once."""
        self._post("boot", {"seed": seed})

    def reboot(self, seed: int | None = None) -> None:
        """Begin an orderly restart, which takes its simulated time."""
        self._post("reboot", {"seed": seed})

    def lottery(self, boots: int = 1000, seed: int = 1) -> dict[str, t.Any]:
        """Boot twins of the present state and count the victims that lose."""
        return t.cast("dict[str, t.Any]", self._post("lottery", {"boots": boots, "seed": seed}))

    def act(self, **action: t.Any) -> Json:
        """Change the server as others would, by ``act(do="...", ...)``."""
        return self._post("act", action)["result"]

    def inject(self, kind: str, **rule: t.Any) -> None:
        """Inject a fault; see tests.simulator.wire.injection.Rule for the fields."""
        self._post("faults", {"kind": kind, **rule})

    def faults(self) -> list[dict[str, t.Any]]:
        """Give the injected faults with how often each has fired."""
        return t.cast("list[dict[str, t.Any]]", self._get("faults"))

    def clear_faults(self) -> None:
        """Take all injected faults away."""
        self._client.call("DELETE", f"{self._path}/faults")

    def wait_for_fault(self, *, seconds: float = 30) -> None:
        """Wait until a fault has fired, for tests that kill the client at that very message."""
        _wait(lambda: any(rule["fired"] for rule in self.faults()), seconds, "No injected fault has fired")

    def wait_until_listening(self, *, listening: bool = True, seconds: float = 30) -> None:
        """Wait until the port is open (or closed)."""
        _wait(lambda: self.summary()["listening"] is listening, seconds, f"{self.name} did not change its port")

    def requests(self) -> dict[str, t.Any]:
        """Give the counters: requests, messages, authentication_rounds, bytes_in, bytes_out, by_action, log..."""
        return t.cast("dict[str, t.Any]", self._get("requests"))

    def reset_requests(self) -> None:
        """Set the counters to zero."""
        self._post("requests/reset")

    def locked_accounts(self) -> list[str]:
        """Name the accounts that failed logons have locked."""
        return t.cast("list[str]", self._get("accounts")["locked"])

    def unlock_accounts(self) -> None:
        """Forget failed logons."""
        self._post("accounts/unlock")

    def set_wire(self, *, command_seconds: float = 0, close_connections: bool = False) -> dict[str, t.Any]:
        """Make shell commands last that many real seconds; reset connections; returns counts of open things."""
        body = {"command_seconds": command_seconds, "close_connections": close_connections}
        return t.cast("dict[str, t.Any]", self._post("wire", body))


class ControlClient:
    """A running fleet, by its control URL."""

    def __init__(self, url: str, *, timeout: float = 120) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: c.Mapping[str, t.Any] | None = None) -> Json:
        """Send one request; raise ControlFailure with the fleet's sentence if it refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ControlFailure(json.load(error)["error"]) from error
        except OSError as error:
            raise ControlFailure(f"The fleet at {self.url} does not answer: {error}") from error

    def hosts(self) -> list[dict[str, t.Any]]:
        """List the hosts."""
        return t.cast("list[dict[str, t.Any]]", self.call("GET", "/hosts"))

    def host(self, name: str) -> HostControl:
        """Give one host."""
        return HostControl(self, name)

    def advance(self, seconds: float) -> None:
        """Jump forward in simulated time."""
        self.call("POST", "/clock/advance", {"seconds": seconds})

    def shutdown(self) -> None:
        """Stop the fleet."""
        self.call("POST", "/shutdown", {})


@dataclasses.dataclass(frozen=True, slots=True)
class RunningFleet:
    """A fleet that runs: its inventory for Ansible, its control client, its files and its process."""

    inventory: pathlib.Path
    control: ControlClient
    directory: pathlib.Path
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def running_fleet(
    scenario: pathlib.Path | c.Mapping[str, t.Any],
    *,
    directory: pathlib.Path | None = None,
    seconds: float = 60,
    arguments: c.Sequence[str] = (),
    environment: c.Mapping[str, str] | None = None,
) -> c.Iterator[RunningFleet]:
    """Start a fleet process and stop it at the end.

    ``scenario`` is a file or its values; ``directory`` keeps inventory, ready file and log (default: a temporary one);
    ``seconds`` is how long to wait until all hosts listen; ``environment`` is added to that of the process. Raises
    ControlFailure at the end where the fleet's log tells of errors in the simulator itself, or if it was ended by
    something else.
    """
    with contextlib.ExitStack() as stack:
        if directory is None:
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portkeeper-fleet-")))
        directory.mkdir(parents=True, exist_ok=True)
        ready = directory / "ready"
        ready.unlink(missing_ok=True)
        inventory = directory / "inventory.yml"
        command = _command(_scenario_file(scenario, directory), inventory, ready, arguments)
        variables = {**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)}
        process = stack.enter_context(child_process(command, log=directory / LOG, environment=variables))
        if not becomes_ready(process, ready.exists, seconds):
            raise ControlFailure(f"The fleet did not start:\n{_log(directory)}")
        control = ControlClient(ready.read_text(encoding="utf-8").strip())
        try:
            yield RunningFleet(inventory, control, directory, process)
        finally:
            ended = process.poll()
            process.terminate()
            process.wait(timeout=30)
        _refuse_errors(directory)
        if ended:
            raise ControlFailure(f"The simulated fleet ended before its time, with exit code {ended}.")


def _refuse_errors(directory: pathlib.Path) -> None:
    """Raise the simulator's own error: otherwise a client sees only a dropped connection."""
    log = _log(directory)
    if log:
        raise ControlFailure(f"The simulated fleet had errors of its own:\n{log}")


def _log(directory: pathlib.Path) -> str:
    return (directory / LOG).read_text(encoding="utf-8", errors="replace").strip()


def _scenario_file(scenario: pathlib.Path | c.Mapping[str, t.Any], directory: pathlib.Path) -> pathlib.Path:
    if isinstance(scenario, pathlib.Path):
        return scenario
    path = directory / "scenario.yml"
    path.write_text(yaml.safe_dump(dict(scenario), sort_keys=False), encoding="utf-8")
    return path


def _command(
    scenario: pathlib.Path, inventory: pathlib.Path, ready: pathlib.Path, arguments: c.Sequence[str]
) -> list[str]:
    command = [sys.executable, "-m", "tests.simulator", "--scenario", str(scenario.resolve())]
    command += ["--inventory", str(inventory.resolve()), "--ready-file", str(ready.resolve()), *arguments]
    return [*command, "--state-dir", str(ready.resolve().parent / "state")]


def _wait(condition: c.Callable[[], bool], seconds: float, message: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ControlFailure(f"{message} within {seconds:g} seconds.")
        time.sleep(0.05)
