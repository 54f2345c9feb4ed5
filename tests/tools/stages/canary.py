# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary tests: they search everything that real runs leave behind for secrets."""

from __future__ import annotations

from functools import partial

from .. import environments, servers, shell
from ..environments import Environment

# Both ansible-cores with every family of stand-ins, instead of one family each.
FULL = "--full"


def canary(*arguments: str) -> None:
    """Search what playbooks leave behind for secrets, by the lowest and the highest ansible-core."""
    environments.main()
    lowest, highest = environments.lowest(), environments.highest()
    newest, oldest = servers.FAMILIES
    pairs = ((lowest, oldest), (highest, newest))
    shell.side_by_side(*(partial(run, *pair, *arguments) for pair in pairs))


def run(environment: Environment, family: str, *arguments: str) -> None:
    """Run the tests with the commands of one ansible-core."""
    # Joined by "=", because pytest would take a path of its own for a test.
    options = [f"--commands={environment.bin}", *([] if FULL in arguments else [f"--family={family}"])]
    shell.say(f"\n-- {environment.name} ansible-core")
    environments.main().run("pytest", "tests/canary", *options, *arguments)
