# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments: each is made when it is missing or when what it was made from has changed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import places, pythons, shell

REQUIREMENTS = Path("tests/requirements")
# What the collection itself needs, and what the stand-in needs.
COLLECTION = Path("requirements.txt")
STANDIN = Path("tests/standin/requirements.txt")

Variables = Mapping[str, str | Path]


@dataclass(frozen=True)
class Environment:
    """One interpreter with what the requirement files name."""

    name: str
    python: pythons.Python
    requirements: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """The folder of the virtual environment."""
        return places.ENVIRONMENTS / self.name

    @property
    def bin(self) -> Path:
        """The folder of its commands."""
        return self.path / "bin"

    @property
    def site_packages(self) -> Path:
        """The folder of its packages."""
        return self.path / "lib" / "python{}.{}".format(*self.python.version) / "site-packages"

    def variables(self, **variables: str | Path) -> dict[str, str]:
        """Return the variables under which its commands run."""
        return shell.environment(self.bin, VIRTUAL_ENV=self.path, **variables)

    def run(self, *command: str | Path, cwd: Path = places.TREE, variables: Variables | None = None) -> None:
        """Run one of its commands."""
        name, *arguments = command
        shell.run([self.bin / name, *arguments], self.variables(**variables or {}), cwd)

    def read(self, *command: str | Path, cwd: Path = places.TREE, variables: Variables | None = None) -> str:
        """Run one of its commands and return what it printed."""
        name, *arguments = command
        return shell.read([self.bin / name, *arguments], self.variables(**variables or {}), cwd)


@cache
def main() -> Environment:
    """Everything a developer needs, under the Python that runs make."""
    return made(
        Environment("main", pythons.running(), (COLLECTION, STANDIN, REQUIREMENTS / "main.txt")),
    )


@cache
def visitor() -> Environment:
    """What a first look needs, and no more: the collection and a stand-in."""
    return made(Environment("visitor", pythons.running(), (COLLECTION, STANDIN, REQUIREMENTS / "highest.txt")))


@cache
def lowest() -> Environment:
    """The lowest ansible-core and requests that the collection supports."""
    python = pythons.oldest((3, 11), (3, 13)) or pythons.running()
    return made(Environment("lowest", python, (COLLECTION, REQUIREMENTS / "lowest.txt")))


@cache
def highest() -> Environment:
    """The newest ansible-core that the newest Python of this machine can run."""
    return made(Environment("highest", pythons.newest((3, 12)), (COLLECTION, REQUIREMENTS / "highest.txt")))


@cache
def target() -> Environment | None:
    """The oldest Python of this machine that is only good as a target: no ansible-core, just what a module meets."""
    python = pythons.oldest((3, 8), (3, 10))
    if python is None:
        return None
    return made(Environment("target", python, (COLLECTION, REQUIREMENTS / "target.txt")))


def made(environment: Environment) -> Environment:
    """Return ``environment`` once it is there."""
    stamp = environment.path / "stamp"
    digest = fingerprint(environment)
    with shell.alone("environments"):
        if not stamp.is_file() or stamp.read_text() != digest:
            make(environment)
            stamp.write_text(digest)
    return environment


def fingerprint(environment: Environment) -> str:
    """Return a digest of all that ``environment`` is made from."""
    whence = [str(environment.path), str(environment.python.executable)]
    wanted = [(places.ROOT / name).read_text() for name in environment.requirements]
    return hashlib.sha256("\0".join([*whence, *wanted]).encode()).hexdigest()


def make(environment: Environment) -> None:
    """Make ``environment`` anew."""
    print(f"\nSetting up the environment '{environment.name}' ({environment.python})", flush=True)
    shutil.rmtree(environment.path, ignore_errors=True)
    # pip needs the user's own settings: his index, his proxy, his cache.
    env = environment.variables(HOME=Path.home(), PIP_DISABLE_PIP_VERSION_CHECK="1")
    shell.run([environment.python.executable, "-m", "venv", environment.path], env)
    files = [word for name in environment.requirements for word in ("--requirement", str(name))]
    shell.run([environment.bin / "python", "-m", "pip", "install", "--quiet", *files], env)
