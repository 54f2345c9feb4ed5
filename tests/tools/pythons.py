# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python interpreters of this machine, by version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import places

# From the oldest Python that modules support to the newest that may exist.
MINORS = range(8, 16)

# The python3.X of a version manager is a shim, which may fail: ask for the real binary. Virtual environments need
# ensurepip, which some distributions package separately.
PROBE = "import ensurepip, os, sys, venv; print(*sys.version_info[:2], os.path.realpath(sys.executable))"


@dataclass(frozen=True, order=True)
class Python:
    """An interpreter that can create virtual environments."""

    version: tuple[int, int]
    executable: Path

    def __str__(self) -> str:
        """Return its usual name."""
        return "Python {}.{}".format(*self.version)


def running() -> Python:
    """Return the interpreter that runs this program."""
    found = probe(Path(sys.executable))
    if not found:
        raise SystemExit(f"{sys.executable} cannot create virtual environments: install its venv and ensurepip modules")
    return found


@cache
def available() -> dict[tuple[int, int], Python]:
    """Return one interpreter per version; for the version of the running one, the running one."""
    found = {python.version: python for python in map(probe, reversed(list(candidates()))) if python}
    found[running().version] = running()
    return dict(sorted(found.items()))


def candidates() -> Iterator[Path]:
    """Yield possible interpreters: those on PATH first, then those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for name in (f"python3.{minor}" for minor in MINORS):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path)
        yield from sorted(pyenv.glob(f"versions/*/bin/{name}"), reverse=True)


def probe(executable: Path) -> Python | None:
    """Return the interpreter at ``executable``, or None if it is not usable."""
    try:
        done = subprocess.run([executable, "-c", PROBE], check=False, capture_output=True, text=True)
    except OSError:
        return None
    if done.returncode:
        return None
    major, minor, real = done.stdout.strip().split(maxsplit=2)
    return Python((int(major), int(minor)), Path(real))


def newest(lowest: tuple[int, int]) -> Python:
    """Return the newest interpreter of version ``lowest`` or later, else the running one."""
    return max((python for version, python in available().items() if version >= lowest), default=running())


def oldest(lowest: tuple[int, int], highest: tuple[int, int]) -> Python | None:
    """Return the oldest interpreter from ``lowest`` to ``highest``."""
    return min((python for version, python in available().items() if lowest <= version <= highest), default=None)


def link_all() -> None:
    """Create a folder that holds every interpreter as python3.X, to put in front of PATH."""
    places.INTERPRETERS.mkdir(parents=True, exist_ok=True)
    for link in places.INTERPRETERS.iterdir():
        link.unlink()
    for (major, minor), python in available().items():
        (places.INTERPRETERS / f"python{major}.{minor}").symlink_to(python.executable)
