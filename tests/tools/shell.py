# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a command: said beforehand, in a clean environment, and an error when it fails."""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from . import places

# Settings of the caller's that would make a test run differ from the next person's.
FOREIGN = ("ANSIBLE_", "GIT_", "MOLECULE_", "PYTEST_", "PYTHON", "QUAY_", "VIRTUAL_ENV", "XDG_")


class CommandFailed(Exception):
    """A command ended with another status than zero."""


def environment(*path: Path, **variables: str | Path) -> dict[str, str]:
    """Return what a tool gets to see: ``path`` in front of PATH, and ``variables`` set."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {
        "ANSIBLE_COLLECTIONS_PATH": places.COLLECTIONS,
        "ANSIBLE_NOCOLOR": "1",
        "HOME": places.HOME,
        "LC_ALL": "C.UTF-8",
        "MYPY_CACHE_DIR": places.BUILD / "mypy",
        "NO_COLOR": "1",
        # Stand-ins are on this machine.
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": os.pathsep.join([*map(str, path), os.environ.get("PATH", os.defpath)]),
        "PYTHONPYCACHEPREFIX": places.BUILD / "pycache",
        "RUFF_CACHE_DIR": places.BUILD / "ruff",
    }
    return {name: str(value) for name, value in {**inherited, **own, **variables}.items()}


def run(command: Iterable[str | Path], env: dict[str, str], cwd: Path = places.ROOT) -> None:
    """Run ``command``, showing it and its output."""
    words = [str(word) for word in command]
    print(f"\n$ {readable(words)}", flush=True)
    status = subprocess.run(words, env=env, cwd=cwd, check=False).returncode
    if status:
        raise CommandFailed(f"{readable(words)} ended with status {status}")


def read(command: Iterable[str | Path], env: dict[str, str], cwd: Path = places.ROOT) -> str:
    """Run ``command`` quietly and return what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env=env, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CommandFailed(f"{readable(words)} ended with status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def record(title: str, command: Iterable[str | Path], env: dict[str, str], cwd: Path) -> str:
    """Run ``command`` quietly and return what a person would have seen, below ``title``."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env=env, cwd=cwd, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    seen = f"\n-- {title}\n$ {readable(words)}\n{done.stdout}"
    if done.returncode:
        raise CommandFailed(f"{seen}\n{readable(words)} ended with status {done.returncode}")
    return seen


def side_by_side(tasks: Iterable[Callable[[], str]]) -> None:
    """Let all ``tasks`` run to their end at once, print what each returned, and fail with those that failed."""
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(task) for task in tasks]
    failures = [str(task.exception()) for task in running if isinstance(task.exception(), CommandFailed)]
    for task in running:
        if not isinstance(task.exception(), CommandFailed):
            print(task.result(), flush=True)
    if failures:
        raise CommandFailed("\n".join(failures))


def readable(words: list[str]) -> str:
    """Return ``words`` as one would type them, paths shortened."""
    line = shlex.join([Path(words[0]).name, *words[1:]])
    return line.replace(f"{places.TREE}/", "").replace(f"{places.ROOT}/", "")


@contextmanager
def alone(subject: str) -> Iterator[None]:
    """Let commands that are started at once take turns at ``subject``."""
    places.BUILD.mkdir(exist_ok=True)
    with (places.BUILD / f"{subject}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
