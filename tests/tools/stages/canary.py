# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The leak canary: whatever real runs leave behind is searched for every secret there was."""

from __future__ import annotations

from functools import partial

from .. import environments, servers, shell
from ..environments import Environment

# Every family of stand-ins with both, instead of one family with each.
FULL = "--full"


def canary(*arguments: str) -> None:
    """Watch runs of the lowest and the highest ansible-core, both at once."""
    environments.main()
    lowest, highest = environments.lowest(), environments.highest()
    newest, oldest = servers.FAMILIES
    pairs = ((lowest, oldest), (highest, newest))
    shell.side_by_side(partial(watch, *pair, *arguments) for pair in pairs)


def watch(environment: Environment, family: str, *arguments: str) -> str:
    """Return what pytest says of the runs of one ansible-core."""
    # Joined by "=", because pytest would take a bare path for one of tests.
    tried = [f"--commands={environment.bin}", *([] if FULL in arguments else [f"--family={family}"])]
    said = environments.main().read("pytest", "tests/canary", *tried, *arguments)
    return f"\n-- the {environment.name} ansible-core\n{said}"
