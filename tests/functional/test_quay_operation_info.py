# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_operation_info: what the API can do."""

from __future__ import annotations

from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World

MODULE = "quay_operation_info"
DISCOVERY = ["GET /api/v1/discovery"]


def names(world: World, **arguments: Any) -> set[str]:
    runs = world.four_runs(MODULE, arguments)
    assert runs.requests == [DISCOVERY] * 4
    return {operation["operation"] for operation in runs.first["operations"]}


def test_all_of_them(world: World) -> None:
    found = names(world)
    assert {"listOrgLogs", "createRepo", "createOrgRobot"} <= found
    assert ("createOrganizationApplicationToken" in found) == (world.quay.quay.family == "3.18")
    assert "signinUser" not in found
    assert "signinUser" in names(world, internal=True)


def test_search(world: World) -> None:
    assert names(world, search="Regenerate organization TOKEN") == {"regenerateOrgRobotToken"}
    assert names(world, search="PUT changestate") == set()
    assert names(world, search="no such words") == set()
    assert names(world, tag="prototype", search="delete") == {"deleteOrganizationPrototypePermission"}
    assert names(world, path="/changevisibility") == {"changeRepoVisibility"}
    assert names(world, scope="repo:create") == {"createRepo"}


def test_one_of_them(world: World) -> None:
    result = world.run(MODULE, {"operation": "createOrgRobot"})
    (operation,) = result["operations"]
    assert {key: operation[key] for key in ("method", "path", "scopes", "tags")} == {
        "method": "PUT",
        "path": "/api/v1/organization/{orgname}/robots/{robot_shortname}",
        "scopes": ["org:admin"],
        "tags": ["robot"],
    }
    assert [parameter["name"] for parameter in operation["parameters"]] == ["orgname", "robot_shortname"]
    assert operation["body"]["properties"].keys() == {"description", "unstructured_metadata"}


def test_bodies(world: World) -> None:
    found = {operation["operation"]: operation["body"] for operation in world.run(MODULE, {})["operations"]}
    assert found["listOrgLogs"] is None
    assert found["createAppToken"] == {}  # confused with that of createToken


def test_feature_that_is_off(world: World) -> None:
    world.quay.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    words = ("no operation 'createAppToken'", "the feature may be disabled")
    assert_refused(world, MODULE, {"operation": "createAppToken"}, *words)


@pytest.mark.parametrize("login", ["none", "token", "password"])
def test_login_does_not_matter(world: World, login: str) -> None:
    world.login = {"none": {}, "token": world.login, "password": world.people.alice.by_password}[login]
    assert world.run(MODULE, {"operation": "listOrgLogs"})["operations"]
    assert world.requests == DISCOVERY


def test_half_a_login_is_refused(world: World) -> None:
    world.login = {"quay_username": "alice"}
    assert_refused(world, MODULE, {}, "go together")


@pytest.mark.parametrize("body", ["[]", "{}", '{"paths": []}'])
def test_something_else_answers(world: World, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    world.quay.faults.add(path="/discovery", kind="status", status=200, body=body, headers=headers, times=None)
    assert_refused(world, MODULE, {}, "as Quay sends it")
