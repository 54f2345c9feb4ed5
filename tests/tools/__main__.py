# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of the Makefile: python3 -m tools COMMAND [ARGUMENT ...], with tests/ on PYTHONPATH."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from . import environments, places, servers, shell, tree
from .pipeline import Pipeline
from .stages.bench import bench
from .stages.canary import canary
from .stages.docs import changelog, diagrams, docs
from .stages.faults import faults
from .stages.integration import integration, integration_anywhere
from .stages.kubernetes import integration_kubernetes
from .stages.lint import format_sources, lint, lint_changed
from .stages.molecule import molecule, molecule_quay
from .stages.package import package
from .stages.sanity import sanity, sanity_of_highest
from .stages.unit import conformance, integration_awx, unit, unit_of_quick, unit_on_target, unit_without_slow, units

Command = Callable[..., None]


def demo(*arguments: str) -> None:
    """Run the rotation playbook on a stand-in, night after night."""
    variables = {"PYTHONPATH": places.ROOT / "tests"}
    environments.highest().run("python", "-m", "demo.run", *arguments, cwd=places.ROOT, variables=variables)


def standin(*arguments: str) -> None:
    """Run a stand-in in the foreground."""
    command = servers.standin_command(*arguments)
    os.execve(command[0], command, servers.standin_variables())


def print_tree() -> None:
    """Print the path of the copied tree."""
    print(places.TREE)


# The stages of make test, in two lanes that run at the same time: most stages keep only one processor busy. Those that
# find most in the least time come first.
SOURCES: dict[str, Command] = {"lint": lint, "unit": unit_without_slow}
PRODUCT: dict[str, Command] = {
    "package": package,
    "demo": demo,
    "molecule": molecule,
    "sanity": sanity_of_highest,
}

ALL_STAGES: dict[str, Command] = {
    **SOURCES,
    **PRODUCT,
    "unit": unit,
    "units": units,
    "sanity": sanity,
    "docs": docs,
    "integration": integration,
    "canary": canary,
}


def quick() -> None:
    """Run the checks and tests that take seconds."""
    environments.main()
    shell.side_by_side(lint_changed, unit_of_quick)


def test() -> None:
    """Run the stages of make test."""
    # The tests by another Python keep one processor busy, so they are in the lane of such stages.
    Pipeline("test", SOURCES, {**PRODUCT, "target": unit_on_target}).run()


def verify() -> None:
    """Run all stages."""
    Pipeline("verify", ALL_STAGES).run()


COMMANDS: dict[str, Command] = {
    **ALL_STAGES,
    "bench": bench,
    "changelog": changelog,
    "conformance": conformance,
    "diagrams": diagrams,
    "docs": docs,
    "faults": faults,
    "format": format_sources,
    "integration": integration_anywhere,
    "integration-kubernetes": integration_kubernetes,
    "integration-awx": integration_awx,
    "molecule-quay": molecule_quay,
    "print-tree": print_tree,
    "quick": quick,
    "standin": standin,
    "test": test,
    "verify": verify,
}


def main() -> int:
    """Run one command and return its exit status."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in COMMANDS:
        print(f"usage: python3 -m tools [{' | '.join(COMMANDS)}] [ARGUMENT ...]", file=sys.stderr)
        return 2
    tree.refresh()
    # Some tools write into their home folder without creating it.
    places.HOME.mkdir(exist_ok=True)
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
