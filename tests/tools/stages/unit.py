# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests that pytest runs."""

from __future__ import annotations

from pathlib import Path

from .. import environments, places, servers
from ..environments import Environment


def unit(*arguments: str) -> None:
    """Run all of them; without arguments also those of plugins, under the oldest target's Python."""
    if arguments:
        environments.main().run("pytest", *arguments)
        return
    # Each process takes tests as it gets along; they do not know of each other.
    environments.main().run("pytest", "--numprocesses=auto", "--dist=worksteal", "--quiet")
    unit_on_target()


def unit_on_target() -> None:
    """Run the tests of plugins under a Python that serves only as a target."""
    target = environments.target()
    if target is None:
        print("\nNo Python 3.8 to 3.10 on this machine: plugins are tested with newer ones only.")
        return
    target.run("pytest", "tests/unit/plugins", variables={"PYTHONPATH": ansible_of(environments.lowest())})


def ansible_of(environment: Environment) -> Path:
    """Return a folder from which the ansible package of ``environment``, and nothing else of it, can be imported."""
    folder = places.BUILD / "ansible"
    folder.mkdir(exist_ok=True)
    link = folder / "ansible"
    link.unlink(missing_ok=True)
    link.symlink_to(environment.site_packages / "ansible")
    return folder


def conformance(*arguments: str) -> None:
    """Compare the facts of the wire contract with the Quay that the caller names, else with the stand-in."""
    environments.main().run("pytest", "tests/conformance", *arguments, variables=servers.named_variables())
