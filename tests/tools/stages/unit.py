# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests that run by pytest, and the unit tests by ansible-test."""

from __future__ import annotations

import os
from pathlib import Path

from .. import ansible_test, environments, places, servers, shell
from ..environments import Environment

# One more than there are processors: many tests wait for a time-out or for another process.
_WORKERS = (os.cpu_count() or 1) + 1
_ON_ALL_PROCESSORS = (f"--numprocesses={_WORKERS}", "--dist=worksteal", "--quiet")


def unit(*arguments: str) -> None:
    """Run all tests of pytest, and those of what runs on targets also by the oldest Python of a target."""
    if arguments:
        environments.main().run("pytest", *arguments)
        return
    environments.main().run("pytest", *_ON_ALL_PROCESSORS)
    unit_on_target()


def unit_without_slow() -> None:
    """Run the tests of pytest without those that are marked as slow, which run many plays."""
    environments.main().run("pytest", *_ON_ALL_PROCESSORS, "-m", "not slow")


def unit_of_quick() -> None:
    """Run the unit and the contract tests, without those that are marked as slow."""
    environments.main().run("pytest", "--quiet", "-m", "not slow", "tests/unit", "tests/contract")


def unit_on_target() -> None:
    """Run the unit tests of module_utils by a Python that ansible-core supports on targets only.

    Action plugins and plugin_utils run on the controller, and import what a target does not have.
    """
    target = environments.target()
    if target is None:
        shell.say("\nThis machine has no Python 3.8 to 3.10: plugins are tested by newer ones only.")
        return
    variables = {"PYTHONPATH": ansible_package(environments.lowest())}
    target.run("pytest", "--quiet", "tests/unit/plugins/module_utils", variables=variables)


def ansible_package(environment: Environment) -> Path:
    """Return a folder from which only the ansible package of ``environment`` can be imported."""
    folder = places.BUILD / "ansible"
    folder.mkdir(exist_ok=True)
    link = folder / "ansible"
    link.unlink(missing_ok=True)
    link.symlink_to(environment.site_packages / "ansible")
    return folder


def units(*arguments: str) -> None:
    """Run the unit tests by ansible-test units of the highest ansible-core, as for other collections."""
    tester = ansible_test.highest()
    version = "{}.{}".format(*tester.environment.python.version)
    with tester.lock():
        tester.run("units", "--venv", "--python", version, *arguments)


def conformance(*arguments: str) -> None:
    """Check the facts of the wire contract on the server of QUAY_TEST_URL, else on the stand-in."""
    environments.main().run("pytest", "tests/conformance", *arguments, variables=servers.real_variables())


def integration_awx(*arguments: str) -> None:
    """Test stores in AWX on the server of AWX_TEST_URL, else on the stand-in."""
    given = {name: value for name, value in os.environ.items() if name.startswith("AWX_TEST_")}
    variables = given if given.get("AWX_TEST_URL") else {}
    environments.main().run("pytest", "tests/functional/test_awx_credential.py", *arguments, variables=variables)
