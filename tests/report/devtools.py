# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium by its DevTools protocol over a pair of pipes: no port, no library, nothing to wait for blindly.

Messages are JSON that ends in a zero byte, as `--remote-debugging-pipe` wants them on the descriptors 3 and 4.
"""

from __future__ import annotations

import base64
import collections.abc as c
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time
import typing as t

NAMES: t.Final = ("chromium", "chromium-browser", "google-chrome")
SECONDS: t.Final = 60.0
# --no-sandbox: build machines run as root in containers; it only ever opens pages that these tests made.
_FLAGS: t.Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_READ_BYTES: t.Final = 1 << 20
_FIRST_FREE: t.Final = 10

Json: t.TypeAlias = t.Any
Scheme: t.TypeAlias = t.Literal["light", "dark"]


class BrowserFailure(RuntimeError):
    """The browser did not start, did not answer in time, or refused a command."""


def find_browser() -> str | None:
    """The browser's program, or ``None`` if this machine has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab. ``complaints`` are console errors, exceptions, refused and other requests than for the page itself."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._last = 0
        self._session = ""
        self.events: list[dict[str, Json]] = []

    def attach(self) -> None:
        """Take the first tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Json) -> dict[str, Json]:
        """Send one command and give its result; events that come meanwhile are kept."""
        self._last += 1
        message: dict[str, Json] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        answer = self._wait(lambda found: found.get("id") == self._last)
        if "error" in answer:
            raise BrowserFailure(f"{method}: {answer['error']['message']}")
        return t.cast("dict[str, Json]", answer["result"])

    def open(self, page: pathlib.Path) -> None:
        """Load a page and wait until it is there."""
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        self._wait(lambda found: found.get("method") == "Page.loadEventFired")

    def evaluate(self, expression: str) -> Json:
        """The value of a JavaScript expression in the page; raises BrowserFailure with its exception."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserFailure(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def see_as(self, *, scheme: Scheme = "light", media: str = "", width: int = 1280, height: int = 900) -> None:
        """Set the colour scheme, the medium and the window's size in pixels."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def press(self, key: str) -> None:
        """Press and release a key: Tab, Enter, or a letter."""
        codes = {"Tab": 9, "Enter": 13}
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        code = codes.get(key, ord(key[0].upper()))
        common = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, path: pathlib.Path, *, whole: bool = False) -> None:
        """Save what is seen as PNG; ``whole``: the page to its end."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(answer["data"]))

    def print_to(self, path: pathlib.Path) -> None:
        """Save the printed page as PDF, A4."""
        answer = self.call("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(answer["data"]))

    @property
    def complaints(self) -> list[str]:
        """What the page did wrong since it was opened."""
        names = {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}
        said = [json.dumps(event["params"]) for event in self.events if event.get("method") in names]
        asked = [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
        return [*said, *(url for url in asked if not url.startswith(("file:", "data:", "blob:")))]

    def _clip(self, whole: bool) -> dict[str, Json]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}}

    def _wait(self, is_it: c.Callable[[dict[str, Json]], bool]) -> dict[str, Json]:
        until = time.monotonic() + SECONDS
        while True:
            message = self._next(until - time.monotonic())
            if "method" in message:
                self.events.append(message)
            if is_it(message):
                return message

    def _next(self, seconds: float) -> dict[str, Json]:
        until = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            readable, _writable, _failed = select.select([self._answers], [], [], max(until - time.monotonic(), 0))
            if not readable:
                raise BrowserFailure(f"The browser did not answer within {SECONDS:.0f} seconds")
            piece = os.read(self._answers, _READ_BYTES)
            if not piece:
                raise BrowserFailure("The browser has ended")
            self._buffer += piece
        message, _zero, self._buffer = self._buffer.partition(b"\0")
        return t.cast("dict[str, Json]", json.loads(message))


@contextlib.contextmanager
def running_browser() -> c.Iterator[Browser]:
    """A browser with a profile of its own, ended at the end."""
    program = find_browser()
    if program is None:
        raise BrowserFailure("There is no Chromium on this machine")
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()
    with tempfile.TemporaryDirectory(prefix="portkeeper-browser-", ignore_cleanup_errors=True) as profile:
        process = _start([program, *_FLAGS, f"--user-data-dir={profile}"], command_end, answer_end)
        os.close(command_end)
        os.close(answer_end)
        try:
            browser = Browser(commands, answers)
            browser.attach()
            yield browser
        finally:
            os.close(commands)
            os.close(answers)
            _end(process)


def _start(command: list[str], read: int, write: int) -> subprocess.Popen[bytes]:
    # Out of the way of 3 and 4 first; a shell then puts the pipes where the browser looks for them.
    high = tuple(fcntl.fcntl(descriptor, fcntl.F_DUPFD, _FIRST_FREE) for descriptor in (read, write))
    shell = ["bash", "-c", f'exec "$@" 3<&{high[0]} 4>&{high[1]}', "bash", *command]
    try:
        return subprocess.Popen(
            shell,
            pass_fds=high,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        for descriptor in high:
            os.close(descriptor)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
