# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test: each ansible-core runs its own in a copied tree and a home of its own, so that they do not meet."""

from __future__ import annotations

import ast
import configparser
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import environments, places, pythons, shell, tree
from .environments import Environment


@dataclass(frozen=True)
class AnsibleTest:
    """The ansible-test of one environment."""

    environment: Environment

    @property
    def folder(self) -> Path:
        """Where its tree and its home are."""
        return places.BUILD / self.environment.name

    @property
    def tree(self) -> Path:
        """The copy of the working tree in which it runs."""
        return self.folder / places.COLLECTION

    @property
    def home(self) -> Path:
        """Its home, where it keeps environments of its own."""
        return self.folder / "home"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep its tree from being used by another command at the same time."""
        with shell.alone(self.environment.name):
            yield

    def record(self, title: str, *arguments: str) -> str:
        """Run it and return what it said, below ``title``."""
        self._prepare()
        return shell.record(title, self._command(*arguments), self._variables(), self.tree)

    def run(self, *arguments: str) -> None:
        """Run it for a person to watch."""
        self._prepare()
        shell.run(self._command(*arguments), self._variables(), self.tree)

    def _command(self, name: str, *arguments: str) -> list[str | Path]:
        return [self.environment.bin / "ansible-test", name, "--color", "no", *arguments]

    def _variables(self) -> dict[str, str]:
        """Return its variables: it finds other Pythons on PATH."""
        variables = self.environment.variables(HOME=self.home)
        return {**variables, "PATH": os.pathsep.join([str(places.INTERPRETERS), variables["PATH"]])}

    def _prepare(self) -> None:
        """Bring its tree up to date, and put into its home what it would otherwise download or miss."""
        tree.refresh(self.tree)
        source = self.environment.site_packages / "ansible_test/_internal/python_requirements.py"
        cache = self.home / ".ansible/test/cache"
        cache.mkdir(parents=True, exist_ok=True)
        for version in re.findall(r"\bpip='([\d.]+)'", source.read_text()):
            # A script to install pip with; the pip that comes with Python serves as well.
            script = cache / f"get_pip_{version.replace('.', '_')}.py"
            script.write_text("import ensurepip\n\nensurepip.bootstrap(upgrade=True)\n")
        write_pip_settings(self.home / ".config/pip/pip.conf")


def write_pip_settings(path: Path) -> None:
    """Write down which index and proxy pip uses here: ansible-test hands on neither the environment nor the home."""
    pip = (pythons.running().executable, "-m", "pip")
    listing = shell.read([*pip, "config", "list"], shell.environment(HOME=Path.home()))
    settings = configparser.RawConfigParser()
    settings["global"] = {"quiet": "1"}
    for line in listing.splitlines():
        name, value = line.split("=", maxsplit=1)
        section, option = name.rsplit(".", maxsplit=1)
        section = "global" if section == ":env:" else section
        settings.setdefault(section, {})
        settings[section][option] = str(ast.literal_eval(value))
    path.parent.mkdir(parents=True, exist_ok=True)
    # An index may be reached with a password.
    path.touch(mode=0o600)
    with path.open("w") as file:
        settings.write(file)


def highest() -> AnsibleTest:
    """Return that of the highest ansible-core."""
    pythons.offer()
    return AnsibleTest(environments.highest())


def side_by_side(task: Callable[[AnsibleTest], str]) -> None:
    """Let the lowest and the highest ansible-core do ``task`` at once, as each keeps one processor busy only."""

    def turn(tester: AnsibleTest) -> str:
        with tester.alone():
            return task(tester)

    shell.side_by_side(partial(turn, tester) for tester in (AnsibleTest(environments.lowest()), highest()))
