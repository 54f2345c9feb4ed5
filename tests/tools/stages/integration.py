# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration targets, on stand-ins or on a real Quay server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .. import ansible_test, servers, shell, tree
from ..ansible_test import AnsibleTest
from ..servers import Server


def integration() -> None:
    """Run the integration targets on stand-ins, by the lowest and the highest ansible-core."""
    # One family each: the old one with the lowest ansible-core, the new one with the highest.
    new, old = servers.FAMILIES
    families = {"lowest": old, "highest": new}

    def task(tester: AnsibleTest) -> None:
        on_standin(tester, families[tester.environment.name])

    ansible_test.side_by_side(task)


def integration_anywhere(*arguments: str) -> None:
    """Run the integration targets on the server of QUAY_TEST_URL, else by both ansible-cores on both families."""
    server = servers.real()
    if server:
        on_real(server, *arguments)
        return

    def task(tester: AnsibleTest) -> None:
        for family in servers.FAMILIES:
            on_standin(tester, family, *arguments)

    ansible_test.side_by_side(task)


def on_standin(tester: AnsibleTest, family: str, *arguments: str) -> None:
    """Run the targets on a stand-in, which the highest ansible-core reaches by HTTPS."""
    with servers.standin(family, tls=tester.environment.name == "highest") as server:
        servers.initialize(server)
        with servers.issuer() as issuer, configured(tester, server, issuer):
            shell.say(f"\n-- {tester.title}, Quay {family} at {server.url}")
            tester.run("integration", *arguments)


def on_real(server: Server, *arguments: str) -> None:
    """Run the targets on the server of QUAY_TEST_URL."""
    tester = ansible_test.highest()
    with servers.issuer() as issuer, tester.lock(), configured(tester, server, issuer):
        tester.run("integration", *arguments)


@contextmanager
def configured(tester: AnsibleTest, server: Server, issuer: Mapping[str, Any]) -> Iterator[None]:
    """Describe both servers to the targets, in the file that ansible-test passes on to them."""
    # A new tree has no .gitignore yet, so refreshing it later would remove the file.
    tree.refresh(tester.tree)
    path = tester.tree / "tests/integration/integration_config.yml"
    settings = {
        "quay_test_url": server.url,
        "quay_test_username": server.username,
        "quay_test_password": server.password,
        "quay_test_ca_path": server.ca_path,
        # Empty for a real server: targets then skip the checks that need a stand-in.
        "quay_test_control_url": server.control_url,
        # The OIDC issuer of the tests, a client and a job of it, and whether a real Quay reaches and trusts it.
        "quay_test_issuer": dict(issuer),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        # Only the user may read the password, from the first byte on. JSON is YAML.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(settings, file)
        yield
    finally:
        path.unlink(missing_ok=True)
