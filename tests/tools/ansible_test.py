# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test: a home in which it needs no network but the package index, and a PATH on which it finds Pythons."""

from __future__ import annotations

import ast
import configparser
import os
import re
from pathlib import Path

from . import places, pythons, shell
from .environments import Environment


def run(environment: Environment, command: str, *arguments: str) -> None:
    """Run one command of ansible-test in the copied tree."""
    furnish_home(environment)
    variables = environment.variables()
    variables["PATH"] = os.pathsep.join([str(pythons.on_path()), variables["PATH"]])
    shell.run([environment.bin / "ansible-test", command, "--color", "no", *arguments], variables, places.TREE)


def furnish_home(environment: Environment) -> None:
    """Put into the home of ansible-test what it would download or miss."""
    source = environment.site_packages / "ansible_test/_internal/python_requirements.py"
    cache = places.HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip='([\d.]+)'", source.read_text()):
        # A script to install pip with; the pip that comes with Python serves as well.
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text("import ensurepip\n\nensurepip.bootstrap(upgrade=True)\n")
    write_pip_settings(places.HOME / ".config/pip/pip.conf")


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
