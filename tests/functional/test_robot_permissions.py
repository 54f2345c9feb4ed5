# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `permissions` of quay_robot_token: the roles of a robot on repositories."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused

MODULE = "quay_robot_token"
PERMISSIONS = "/api/v1/organization/acme/robots/{}/permissions"


def roles(harness: Harness, robot: str) -> dict[str, str]:
    """The roles of a robot by repository."""
    repositories = harness.quay.state.repositories.values()
    return {found.name: found.user_roles[robot] for found in repositories if robot in found.user_roles}


def permissions(**of_repository: str) -> list[dict[str, str]]:
    return [{"repository": f"acme/{name}", "role": role} for name, role in of_repository.items()]


def test_new_robot_gets_its_roles(either_login: Harness) -> None:
    harness = either_login
    arguments = {"name": "acme+new", "permissions": permissions(app="write", base="read")}
    runs = harness.four_runs(MODULE, {**arguments, "token_path": str(harness.token_path)})
    assert roles(harness, "acme+new") == {"app": "write", "base": "read"}
    assert runs.first["granted"] == ["write on acme/app", "read on acme/base"]
    assert runs.second["granted"] == []
    assert runs.first.diff["before"]["permissions"] == {"acme/app": "none", "acme/base": "none"}
    assert runs.first.diff["after"]["permissions"] == {"acme/app": "write", "acme/base": "read"}
    assert f"GET {PERMISSIONS.format('new')}" in runs.requests[3]


def test_role_is_replaced_and_others_are_kept(either_login: Harness) -> None:
    """acme+ci has the role read on acme/app. Its token is not due."""
    harness = either_login
    harness.quay.state.repositories["acme", "base"].user_roles["acme+ci"] = "admin"
    before = harness.robot_fingerprint()
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "permissions": permissions(app="write")})
    assert roles(harness, "acme+ci") == {"app": "write", "base": "admin"}
    assert (runs.first["minted"], runs.first["granted"]) == (False, ["write on acme/app"])
    assert runs.first.diff["before"]["permissions"] == {"acme/app": "read"}
    assert harness.robot_fingerprint() == before


@pytest.mark.parametrize("copy_rights", [True, False])
def test_active_robot_of_a_pair_has_the_roles(either_login: Harness, copy_rights: bool) -> None:
    harness = either_login
    deliver = [{"kind": "file", "path": str(harness.folder / "pair.json"), "format": "json"}]
    arguments: dict[str, Any] = {
        "name": "acme+pull",
        "strategy": "paired",
        "copy_rights": copy_rights,
        "deliver": deliver,
        "permissions": permissions(app="write"),
    }
    harness.four_runs(MODULE, arguments)
    assert roles(harness, "acme+pull_a") == {"app": "write"}
    forced = {**arguments, "rotate": "always"}
    predicted, turn = harness.check(MODULE, forced), harness.run(MODULE, forced)
    assert turn["username"] == "acme+pull_b"
    assert predicted["granted"] == turn["granted"] == ([] if copy_rights else ["write on acme/app"])
    assert roles(harness, "acme+pull_b") == {"app": "write"}


REFUSED: dict[str, tuple[list[dict[str, str]], str]] = {
    "missing repository": (permissions(none="read"), "permissions: the repository acme/none does not exist"),
    "other namespace": (
        [{"repository": "rival/app", "role": "read"}],
        "permissions: the repository rival/app is not in the namespace acme",
    ),
    "twice": (permissions(app="read") + permissions(app="write"), "permissions names the same repository twice"),
    "no repository": ([{"repository": "app", "role": "read"}], "'app' is not a valid repository name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_is_minted(either_login: Harness, case: str) -> None:
    entries, words = REFUSED[case]
    assert_refused(either_login, MODULE, {"name": "acme+new", "permissions": entries}, words)
    assert "acme+new" not in either_login.quay.state.robots
