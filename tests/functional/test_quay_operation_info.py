# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_operation_info: the operations of the API."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused

MODULE = "quay_operation_info"
DISCOVERY = ["GET /api/v1/discovery"]


def names(harness: Harness, **arguments: Any) -> set[str]:
    runs = harness.four_runs(MODULE, arguments)
    assert runs.requests == [DISCOVERY] * 4
    return {operation["operation"] for operation in runs.first["operations"]}


def test_all_operations(harness: Harness) -> None:
    found = names(harness)
    assert {"listOrgLogs", "createRepo", "createOrgRobot"} <= found
    assert ("createOrganizationApplicationToken" in found) == (harness.quay.quay.family == "3.18")
    assert "signinUser" not in found
    assert "signinUser" in names(harness, internal=True)


def test_search(harness: Harness) -> None:
    assert names(harness, search="Regenerate organization TOKEN") == {"regenerateOrgRobotToken"}
    assert names(harness, search="PUT changestate") == set()
    assert names(harness, search="no such words") == set()
    assert names(harness, tag="prototype", search="delete") == {"deleteOrganizationPrototypePermission"}
    assert names(harness, path="/changevisibility") == {"changeRepoVisibility"}
    assert names(harness, scope="repo:create") == {"createRepo"}


def test_one_operation(harness: Harness) -> None:
    result = harness.run(MODULE, {"operation": "createOrgRobot"})
    (operation,) = result["operations"]
    assert {key: operation[key] for key in ("method", "path", "scopes", "tags")} == {
        "method": "PUT",
        "path": "/api/v1/organization/{orgname}/robots/{robot_shortname}",
        "scopes": ["org:admin"],
        "tags": ["robot"],
    }
    assert [parameter["name"] for parameter in operation["parameters"]] == ["orgname", "robot_shortname"]
    assert operation["body"]["properties"].keys() == {"description", "unstructured_metadata"}


def test_bodies(harness: Harness) -> None:
    found = {operation["operation"]: operation["body"] for operation in harness.run(MODULE, {})["operations"]}
    assert found["listOrgLogs"] is None
    assert found["createAppToken"] == {}  # Quay confuses it with the body of createToken


def test_disabled_feature(harness: Harness) -> None:
    harness.quay.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    words = ("no operation 'createAppToken'", "the feature may be disabled")
    assert_refused(harness, MODULE, {"operation": "createAppToken"}, *words)


@pytest.mark.parametrize("login", ["none", "token", "password"])
def test_login_does_not_matter(harness: Harness, login: str) -> None:
    harness.login = {"none": {}, "token": harness.login, "password": harness.accounts.alice.by_password}[login]
    assert harness.run(MODULE, {"operation": "listOrgLogs"})["operations"]
    assert harness.requests == DISCOVERY


def test_half_a_login_is_refused(harness: Harness) -> None:
    harness.login = {"quay_username": "alice"}
    assert_refused(harness, MODULE, {}, "go together")


@pytest.mark.parametrize("body", ["[]", "{}", '{"paths": []}'])
def test_unexpected_response(harness: Harness, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    harness.quay.faults.add(path="/discovery", kind="status", status=200, body=body, headers=headers, times=None)
    assert_refused(harness, MODULE, {}, "as Quay sends it")
