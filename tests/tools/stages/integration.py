# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration targets, against stand-ins or against a real Quay."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .. import ansible_test, servers
from ..ansible_test import AnsibleTest
from ..servers import Server


def integration() -> None:
    """Run the targets against stand-ins: the lowest ansible-core with the old family, the highest with the new."""
    new, old = servers.FAMILIES
    families = {"lowest": old, "highest": new}

    def task(tester: AnsibleTest) -> str:
        return on_standin(tester, families[tester.environment.name])

    ansible_test.side_by_side(task)


def integration_of_caller(*arguments: str) -> None:
    """Run the targets against the Quay that the caller names, else by each ansible-core with each family."""
    server = servers.named()
    if server:
        on_named(server, *arguments)
        return

    def task(tester: AnsibleTest) -> str:
        return "".join(on_standin(tester, family, *arguments) for family in servers.FAMILIES)

    ansible_test.side_by_side(task)


def on_standin(tester: AnsibleTest, family: str, *arguments: str) -> str:
    """Run the targets against a stand-in, by https with the highest ansible-core."""
    with servers.standin(family, tls=tester.environment.name == "highest") as server:
        servers.initialize(server)
        with configured(tester, server):
            title = f"{tester.environment.name} ansible-core, Quay {family} at {server.url}"
            return tester.record(title, "integration", *arguments)


def on_named(server: Server, *arguments: str) -> None:
    """Run the targets against the Quay that the caller names."""
    tester = ansible_test.highest()
    with tester.alone(), configured(tester, server):
        tester.run("integration", *arguments)


@contextmanager
def configured(tester: AnsibleTest, server: Server) -> Iterator[None]:
    """Tell the targets about ``server``, by the one file that ansible-test hands on to them."""
    path = tester.tree / "tests/integration/integration_config.yml"
    settings = {
        "quay_test_url": server.url,
        "quay_test_username": server.username,
        "quay_test_password": server.password,
        "quay_test_ca_path": server.ca_path,
        # Empty for a real Quay: what only a stand-in can tell is then not asked.
        "quay_test_control_url": server.control_url,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        # Nobody else may read the password, from the first byte on. JSON is YAML.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(settings, file)
        yield
    finally:
        path.unlink(missing_ok=True)
