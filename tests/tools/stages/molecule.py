# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Molecule scenarios of the role, on a stand-in and on Quay in containers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .. import environments, places

# What the scenarios of Quay in containers read from the environment of the user.
CONTAINERS = ("CONTAINER_ENGINE", "QUAY_IMAGE", "QUAY_PORT", "POSTGRES_IMAGE", "REDIS_IMAGE", "XDG_RUNTIME_DIR")


def molecule(*arguments: str) -> None:
    """Run the role's Molecule scenario: check mode, converge, idempotence, verify."""
    environments.main().run("molecule", *(arguments or ("test",)), cwd=places.TREE / "extensions")


def molecule_quay(scenario: str, *arguments: str) -> None:
    """Run the role and the integration tests on the images of Quay, PostgreSQL and Redis that the environment names."""
    variables: dict[str, str | Path] = {name: os.environ[name] for name in CONTAINERS if name in os.environ}
    # The container engine uses the login and the images of the user. The integration tests run in the clone.
    variables.update(CONTAINER_ENGINE_HOME=Path.home(), QUAY_SCENARIO_CLONE=places.ROOT, PYTHON=sys.executable)
    command = ("molecule", *(arguments or ("test",)), "--scenario-name", scenario)
    environments.main().run(*command, cwd=places.TREE / "extensions", variables=variables)
