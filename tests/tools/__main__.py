# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands behind the Makefile: python3 -m tools COMMAND [ARGUMENT ...], with tests/ on PYTHONPATH."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from . import environments, places, servers, shell, tree
from .stages.canary import canary
from .stages.docs import changelog, docs
from .stages.faults import faults
from .stages.integration import integration, integration_of_caller
from .stages.lint import format_sources, lint
from .stages.molecule import molecule
from .stages.package import package
from .stages.sanity import sanity, sanity_of_highest
from .stages.unit import conformance, unit

Command = Callable[..., None]


def demo(*arguments: str) -> None:
    """Show the rotation playbook at work."""
    variables = {"PYTHONPATH": places.ROOT / "tests"}
    environments.visitor().run("python", "-m", "demo.run", *arguments, cwd=places.ROOT, variables=variables)


def standin(*arguments: str) -> None:
    """Run a stand-in in the foreground."""
    command = servers.standin_command(*arguments)
    os.execve(command[0], command, servers.standin_variables())


def print_tree() -> None:
    """Say where the copied tree is."""
    print(places.TREE)


# In this order: what tells most for the least time comes first.
QUICK: dict[str, Command] = {
    "lint": lint,
    "unit": unit,
    "package": package,
    "demo": demo,
    "molecule": molecule,
    "sanity": sanity_of_highest,
}

STAGES: dict[str, Command] = {
    **QUICK,
    "sanity": sanity,
    "integration": integration,
    "canary": canary,
}


def test() -> None:
    """Run the quick stages, up to the first that fails, and sum up."""
    run_stages(QUICK)


def verify() -> None:
    """Run every stage, up to the first that fails, and sum up."""
    run_stages(STAGES)


def run_stages(stages: dict[str, Command]) -> None:
    """Run these stages, up to the first that fails, and sum up."""
    lines: list[str] = []
    try:
        for name, stage in stages.items():
            run_stage(name, stage, lines)
    except shell.CommandFailed as failure:
        print(f"\n{failure}")
        raise SystemExit(1) from None
    finally:
        failed = sum("failed" in line for line in lines)
        left = [f"  {name:<12} not run" for name in list(stages)[len(lines) :]]
        print("\n======== summary ========", *lines, *left, sep="\n")
        print(f"stages: {len(lines) - failed} passed, {failed} failed", flush=True)


def run_stage(name: str, stage: Command, lines: list[str]) -> None:
    """Run one stage and add its line to the summary."""
    print(f"\n======== {name} ========", flush=True)
    started = time.monotonic()
    outcome = "failed"
    try:
        stage()
        outcome = "passed"
    finally:
        minutes, seconds = divmod(round(time.monotonic() - started), 60)
        lines.append(f"  {name:<12} {outcome}  {minutes:2}:{seconds:02}")


COMMANDS: dict[str, Command] = {
    **STAGES,
    "changelog": changelog,
    "conformance": conformance,
    "docs": docs,
    "faults": faults,
    "format": format_sources,
    "integration": integration_of_caller,
    "print-tree": print_tree,
    "standin": standin,
    "test": test,
    "verify": verify,
}


def main() -> int:
    """Run one command."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in COMMANDS:
        print(f"usage: python3 -m tools [{' | '.join(COMMANDS)}] [ARGUMENT ...]", file=sys.stderr)
        return 2
    tree.refresh()
    try:
        COMMANDS[name](*arguments)
    except shell.CommandFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
