# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test: that of each ansible-core runs in a copied tree and a home folder of its own."""

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
    def title(self) -> str:
        """A title for its output."""
        return f"{self.environment.name} ansible-core"

    @property
    def folder(self) -> Path:
        """The folder of its tree and its home."""
        return places.BUILD / self.environment.name

    @property
    def tree(self) -> Path:
        """The copy of the working tree in which it runs."""
        return self.folder / places.COLLECTION

    @property
    def home(self) -> Path:
        """Its home folder, where it keeps virtual environments of its own."""
        return self.folder / "home"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from using its tree at the same time."""
        with shell.lock(self.environment.name):
            yield

    def run(self, name: str, *arguments: str) -> None:
        """Run one of its commands."""
        self._prepare()
        program = self.environment.bin / "ansible-test"
        shell.run([program, name, "--color", "no", *arguments], self._variables(), self.tree)

    def _variables(self) -> dict[str, str]:
        """Return its environment variables. It looks for other Python versions on PATH."""
        variables = self.environment.variables(HOME=self.home)
        return {**variables, "PATH": os.pathsep.join([str(places.INTERPRETERS), variables["PATH"]])}

    def _prepare(self) -> None:
        """Bring its tree up to date, and put into its home what it would download otherwise."""
        tree.refresh(self.tree)
        source = self.environment.site_packages / "ansible_test/_internal/python_requirements.py"
        cache = self.home / ".ansible/test/cache"
        cache.mkdir(parents=True, exist_ok=True)
        for version in re.findall(r"\bpip='([\d.]+)'", source.read_text()):
            # It would download a script that installs pip. The pip that comes with Python serves as well.
            script = cache / f"get_pip_{version.replace('.', '_')}.py"
            script.write_text("import ensurepip\n\nensurepip.bootstrap(upgrade=True)\n")
        write_pip_settings(self.home / ".config/pip/pip.conf")


def write_pip_settings(path: Path) -> None:
    """Write pip's present settings to ``path``: ansible-test passes on neither the environment nor the home folder."""
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
    # The URL of an index may hold a password.
    path.touch(mode=0o600)
    with path.open("w") as file:
        settings.write(file)


def highest() -> AnsibleTest:
    """Return the ansible-test of the highest ansible-core."""
    pythons.link_all()
    return AnsibleTest(environments.highest())


def side_by_side(task: Callable[[AnsibleTest], None]) -> None:
    """Run ``task`` by the lowest and the highest ansible-core at the same time: each keeps one processor busy."""

    def turn(tester: AnsibleTest) -> None:
        with tester.lock():
            task(tester)

    shell.side_by_side(*(partial(turn, tester) for tester in (AnsibleTest(environments.lowest()), highest())))
