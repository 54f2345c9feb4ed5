# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run commands in a clean environment, one by one or side by side."""

from __future__ import annotations

import fcntl
import os
import queue
import shlex
import signal
import subprocess
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import places

# User settings that would change the result of a test run.
USER_SETTINGS = ("ANSIBLE_", "GIT_", "MOLECULE_", "PYTEST_", "PYTHON", "QUAY_", "VIRTUAL_ENV", "XDG_")

# Seconds without output after which a command that runs side by side with others is reported as still running.
SILENCE = 30
# Seconds that an interrupted command has to clean up before it is killed.
GRACE = 10


class CommandFailed(Exception):
    """A command or a check failed."""


def environment(*path: Path, **variables: str | Path) -> dict[str, str]:
    """Return the environment of a tool: ``path`` in front of PATH, and ``variables`` set."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(USER_SETTINGS)}
    own = {
        "ANSIBLE_COLLECTIONS_PATH": places.COLLECTIONS,
        "ANSIBLE_NOCOLOR": "1",
        "HOME": places.HOME,
        "LC_ALL": "C.UTF-8",
        "MYPY_CACHE_DIR": places.BUILD / "mypy",
        "NO_COLOR": "1",
        # Stand-ins listen on this machine.
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": os.pathsep.join([*map(str, path), os.environ.get("PATH", os.defpath)]),
        "PYTHONPYCACHEPREFIX": places.BUILD / "pycache",
        # Progress must also show where the output is a pipe or a file.
        "PYTHONUNBUFFERED": "1",
        "RUFF_CACHE_DIR": places.BUILD / "ruff",
    }
    return {name: str(value) for name, value in {**inherited, **own, **variables}.items()}


def say(*lines: str) -> None:
    """Print ``lines``; within `side_by_side`, print them with the output of the task that calls."""
    lane = Lane.current()
    if lane is None:
        print(*lines, sep="\n", flush=True)
    else:
        lane.put("\n".join(lines) + "\n")


def run(command: Iterable[str | Path], env: dict[str, str], cwd: Path = places.ROOT) -> None:
    """Run ``command`` and show it and its output. Raise `CommandFailed` if it fails."""
    words = [str(word) for word in command]
    say(f"\n$ {readable(words)}")
    lane = Lane.current()
    if lane is None:
        status = subprocess.run(words, env=env, cwd=cwd, check=False).returncode
    else:
        status = lane.run(words, env, cwd)
    if status:
        raise CommandFailed(f"{readable(words)} failed with exit status {status}")


def read(command: Iterable[str | Path], env: dict[str, str], cwd: Path = places.ROOT) -> str:
    """Run ``command`` and return its standard output. Raise `CommandFailed` if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env=env, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        output = f"{done.stdout}{done.stderr}"
        raise CommandFailed(f"{readable(words)} failed with exit status {done.returncode}\n{output}")
    return done.stdout


def readable(words: list[str]) -> str:
    """Return ``words`` as a command line with short paths."""
    return places.shorten(shlex.join([Path(words[0]).name, *words[1:]]))


@contextmanager
def lock(subject: str) -> Iterator[None]:
    """Keep other processes and threads from using ``subject`` at the same time."""
    places.BUILD.mkdir(exist_ok=True)
    with (places.BUILD / f"{subject}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


Task = Callable[[], object]


def side_by_side(*tasks: Task, stop_on_failure: bool = False) -> None:
    """Run ``tasks`` at the same time and print their output one task after the other.

    All of them run to their end, or with ``stop_on_failure`` until one of them has failed. Raises `CommandFailed` with
    the messages of those that failed.
    """
    lanes = [Lane(task) for task in tasks]

    def stop() -> None:
        for lane in lanes:
            lane.stop()

    for lane in lanes:
        lane.start(on_failure=stop if stop_on_failure else lambda: None)
    try:
        for lane in lanes:
            lane.print()
    except BaseException:
        stop()
        for lane in lanes:
            lane.wait()
        raise
    failures = [str(lane.failure) for lane in lanes if lane.failure]
    if failures:
        raise CommandFailed("\n".join(failures))


class Lane:
    """A task that runs in a thread of its own, and its output."""

    _local = threading.local()

    def __init__(self, task: Task) -> None:
        self.failure: BaseException | None = None
        self._task = task
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._on_failure: Task | None = None
        self._output: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._command = ""
        self._started = 0.0

    @classmethod
    def current(cls) -> Lane | None:
        """Return the lane of this thread, if it has one."""
        lane: Lane | None = getattr(cls._local, "lane", None)
        return lane

    def start(self, on_failure: Task) -> None:
        """Start the task. Call ``on_failure`` if it fails."""
        self._on_failure = on_failure
        self._thread.start()

    def wait(self) -> None:
        """Wait for a stopped task."""
        self._thread.join(timeout=GRACE + 1)

    def _main(self) -> None:
        Lane._local.lane = self
        try:
            self._task()
        except Stopped:
            pass
        except BaseException as failure:
            self.failure = failure
            assert self._on_failure is not None
            self._on_failure()
        finally:
            self._output.put(None)

    def put(self, text: str) -> None:
        """Add ``text`` to the output."""
        self._output.put(text)

    def print(self) -> None:
        """Print the output as it comes, until the task has ended. A task that was stopped prints no more."""
        while True:
            try:
                text = self._output.get(timeout=SILENCE)
            except queue.Empty:
                seconds = round(time.monotonic() - self._started)
                text = f"... {textwrap.shorten(self._command, 60, placeholder=' ...')} still runs after {seconds} s\n"
            if text is None:
                break
            if self.failure or not self._stopped.is_set():
                print(text, end="", flush=True)
        if self.failure and not isinstance(self.failure, CommandFailed):
            raise self.failure

    def run(self, words: list[str], env: dict[str, str], cwd: Path) -> int:
        """Run a command and return its exit status. Raise `Stopped` if the lane was stopped."""
        self._command, self._started = readable(words), time.monotonic()
        if self._stopped.is_set():
            raise Stopped
        # A process group of its own, so that it can be interrupted with all that it has started.
        self._process = subprocess.Popen(
            words,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        if self._stopped.is_set():
            # Stopped in this very moment.
            self.stop()
        with self._process as process:
            assert process.stdout is not None
            for line in process.stdout:
                self.put(line)
        if self._stopped.is_set():
            raise Stopped
        return process.returncode

    def stop(self) -> None:
        """Interrupt the command of the lane, and start no other."""
        self._stopped.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        timer = threading.Timer(GRACE, kill, [process])
        timer.daemon = True
        timer.start()


class Stopped(Exception):
    """The lane was stopped because another one failed."""


def kill(process: subprocess.Popen[str]) -> None:
    """Kill ``process`` and what it has started, if it still runs."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
