# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration targets, against stand-ins or against a real Quay."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .. import ansible_test, environments, places, servers
from ..environments import Environment
from ..servers import Server


def integration(*arguments: str) -> None:
    """Run the targets by the lowest and the highest ansible-core, each against every family of stand-in."""
    for environment in (environments.lowest(), environments.highest()):
        for family in servers.FAMILIES:
            # Half of the runs by https, so that certificates are checked too.
            with servers.standin(family, tls=environment.name == "highest") as server:
                servers.initialize(server)
                run(environment, server, *arguments)


def integration_of_caller(*arguments: str) -> None:
    """Run the targets against the Quay that the caller names, else against stand-ins."""
    server = servers.named()
    if server:
        run(environments.highest(), server, *arguments)
    else:
        integration(*arguments)


def run(environment: Environment, server: Server, *arguments: str) -> None:
    """Run the targets by one ansible-core against one Quay."""
    print(f"\n-- the {environment.name} ansible-core, a Quay at {server.url}", flush=True)
    with configured(server):
        ansible_test.run(environment, "integration", *arguments)


@contextmanager
def configured(server: Server) -> Iterator[None]:
    """Tell the targets about ``server``, by the one file that ansible-test hands on to them."""
    path = places.TREE / "tests/integration/integration_config.yml"
    path.parent.mkdir(exist_ok=True)
    settings = {
        "quay_test_url": server.url,
        "quay_test_username": server.username,
        "quay_test_password": server.password,
        "quay_test_ca_path": server.ca_path,
        # Empty for a real Quay: what only a stand-in can tell is then not asked.
        "quay_test_control_url": server.control_url,
    }
    path.unlink(missing_ok=True)
    try:
        # Nobody else may read the password, from the first byte on. JSON is YAML.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(settings, file)
        yield
    finally:
        path.unlink(missing_ok=True)
