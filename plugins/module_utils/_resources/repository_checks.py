# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Checks that several modules make of a repository and of the robots of its namespace."""

from __future__ import annotations

from .._core.errors import BadInput
from .._quay.repositories import Repository, RepositoryName


def require_repository(repository: Repository | None, name: RepositoryName) -> Repository:
    """Return the repository. Raises BadInput if there is none."""
    if repository is None:
        raise BadInput(f"repository: there is no {name}; create it with quay_repository")
    return repository


def check_robot_namespace(option: str, robot: str, name: RepositoryName, rule: str) -> None:
    """Raise BadInput for a robot (full name) of another namespace. ``rule``: why Quay does not accept it."""
    if not robot.startswith(f"{name.namespace}+"):
        raise BadInput(
            f"{option}: '{robot}' is not a robot of the namespace {name.namespace}; write {name.namespace}+robot. "
            f"{rule}"
        )
