# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a page in a Chromium without a window, by the DevTools protocol over a pipe. Needs no other library."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
# From where Chromium reads commands, and to where it writes.
_READS, _WRITES = 3, 4
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


def find_chromium() -> str | None:
    """The path of an installed Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe, with numbers that are not those of the other program."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


class Browser:
    """One page in a Chromium."""

    def __init__(self, program: str, profile: Path) -> None:
        (reads, to_write), (to_read, writes) = _pipe(), _pipe()
        # In a container, root has no sandbox. The pages are our own.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [program, *_OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
        nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
        pipes = [(os.POSIX_SPAWN_DUP2, reads, _READS), (os.POSIX_SPAWN_DUP2, writes, _WRITES)]
        self._process = os.posix_spawn(program, command, os.environ, file_actions=[*nothing, *pipes], setsid=True)
        for descriptor in reads, writes:
            os.close(descriptor)
        self._input = os.fdopen(to_write, "wb", buffering=0)
        self._output = os.fdopen(to_read, "rb")
        self._session: str | None = None
        self._sent = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()
        self._output.close()
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its result. Events that come meanwhile are kept."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._input.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _receive(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._output.read(1)) != b"\0":
            assert byte, "Chromium ended"
            text += byte
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, url: str) -> None:
        """Load a page, and wait until its script ran."""
        self.events.clear()
        self.send("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._receive()

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page. A promise is waited for."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def media(self, **features: str) -> None:
        """Let the system have these preferences, such as a dark color scheme."""
        found = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", features=found)

    @property
    def requested(self) -> list[str]:
        """The URLs that the page asked for since it was opened."""
        found = [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in found if not url.startswith("data:")]

    @property
    def complaints(self) -> list[str]:
        """What the browser reports: errors of the script, and what the content security policy blocked."""
        logged = [event["params"]["entry"]["text"] for event in self.events if event["method"] == "Log.entryAdded"]
        thrown = [event["params"] for event in self.events if event["method"] == "Runtime.exceptionThrown"]
        return logged + [str(event["exceptionDetails"]) for event in thrown]
