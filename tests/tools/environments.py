# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments, each created when it is missing or when its requirements have changed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import places, pythons, shell

REQUIREMENTS = Path("tests/requirements")
# The requirements of the collection itself, and of the stand-in.
COLLECTION = Path("requirements.txt")
STANDIN = Path("tests/standin/requirements.txt")

Variables = Mapping[str, str | Path]


@dataclass(frozen=True)
class Environment:
    """A virtual environment: an interpreter with the packages of some requirement files."""

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
        """Return the environment variables of its commands."""
        return shell.environment(self.bin, VIRTUAL_ENV=self.path, **variables)

    def run(self, *command: str | Path, cwd: Path = places.TREE, variables: Variables | None = None) -> None:
        """Run one of its commands."""
        name, *arguments = command
        shell.run([self.bin / name, *arguments], self.variables(**variables or {}), cwd)

    def read(self, *command: str | Path, cwd: Path = places.TREE, variables: Variables | None = None) -> str:
        """Run one of its commands and return its standard output."""
        name, *arguments = command
        return shell.read([self.bin / name, *arguments], self.variables(**variables or {}), cwd)


@cache
def main() -> Environment:
    """All development tools, under the Python that runs make."""
    return ensure(Environment("main", pythons.running(), (COLLECTION, STANDIN, REQUIREMENTS / "main.txt")))


@cache
def lowest() -> Environment:
    """The lowest ansible-core and requests that the collection supports."""
    python = pythons.oldest((3, 11), (3, 13)) or pythons.running()
    return ensure(Environment("lowest", python, (COLLECTION, REQUIREMENTS / "lowest.txt")))


@cache
def highest() -> Environment:
    """The newest ansible-core that the newest Python of this machine can run, and the stand-in."""
    requirements = (COLLECTION, STANDIN, REQUIREMENTS / "highest.txt")
    return ensure(Environment("highest", pythons.newest((3, 12)), requirements))


@cache
def target() -> Environment | None:
    """The oldest Python of this machine that ansible-core supports on targets only, without ansible-core."""
    python = pythons.oldest((3, 8), (3, 10))
    if python is None:
        return None
    return ensure(Environment("target", python, (COLLECTION, REQUIREMENTS / "target.txt")))


@cache
def importer() -> Environment:
    """The importer of Galaxy and Automation Hub, with the versions of other tools that it accepts."""
    return ensure(Environment("importer", pythons.running(), (COLLECTION, REQUIREMENTS / "importer.txt")))


def ensure_all() -> None:
    """Create all environments that are missing, at the same time."""
    shell.side_by_side(main, highest, lowest, target, importer)


def ensure(environment: Environment) -> Environment:
    """Return ``environment``, created if it is missing or outdated."""
    stamp = environment.path / "stamp"
    digest = fingerprint(environment)
    with shell.lock(f"environment-{environment.name}"):
        if not stamp.is_file() or stamp.read_text() != digest:
            create(environment)
            stamp.write_text(digest)
    return environment


def fingerprint(environment: Environment) -> str:
    """Return a digest of the folder, the interpreter and the requirements of ``environment``."""
    location = [str(environment.path), str(environment.python.executable)]
    requirements = [(places.ROOT / name).read_text() for name in environment.requirements]
    return hashlib.sha256("\0".join([*location, *requirements]).encode()).hexdigest()


def create(environment: Environment) -> None:
    """Create ``environment`` from scratch."""
    shell.say(f"\nCreating the environment '{environment.name}' ({environment.python})")
    shutil.rmtree(environment.path, ignore_errors=True)
    # pip needs the user's own settings: index, proxy and cache.
    env = environment.variables(HOME=Path.home(), PIP_DISABLE_PIP_VERSION_CHECK="1")
    shell.run([environment.python.executable, "-m", "venv", environment.path], env)
    files = [word for name in environment.requirements for word in ("--requirement", str(name))]
    # Most modules are never imported: Python compiles the others when it needs them.
    shell.run([environment.bin / "python", "-m", "pip", "install", "--quiet", "--no-compile", *files], env)
