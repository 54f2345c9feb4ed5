# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 4: mirrors of repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.client import (
    Client,
    assert_html,
    assert_message,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
    unique,
)
from conformance.resources import Resources
from standin import Standin

START = "2041-01-01T02:00:00Z"
KEYS = {"is_enabled", "mirror_type", "external_reference", "external_registry_username", "external_registry_config"}
KEYS |= {"sync_interval", "sync_start_date", "sync_expiration_date", "sync_retries_remaining", "sync_status"}
KEYS |= {"root_rule", "robot_username", "skopeo_timeout_interval", "architecture_filter"}


@pytest.fixture(autouse=True)
def mirroring(resources: Resources) -> Iterator[None]:
    """Enable mirroring. A real Quay must have FEATURE_REPO_MIRROR on."""
    standin = resources.target.standin
    if standin:
        standin.config["FEATURE_REPO_MIRROR"] = True
    yield
    if standin:
        standin.config["FEATURE_REPO_MIRROR"] = False


@pytest.fixture(scope="module")
def robot(resources: Resources) -> str:
    return f"{resources.org}+{resources.robot()[0]}"


@pytest.fixture
def repository(resources: Resources) -> str:
    return f"/api/v1/repository/{resources.org}/{resources.repository()}"


@pytest.fixture
def body(robot: str) -> dict[str, Any]:
    """The body of a new mirror. It is disabled and starts in the far future, so Quay never contacts the address."""
    return {
        "is_enabled": False,
        "external_reference": "8.8.8.8/library/base",
        "sync_interval": 86400,
        "sync_start_date": START,
        "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["latest"]},
        "robot_username": robot,
        "skopeo_timeout_interval": 300,
    }


@pytest.fixture
def mirror(resources: Resources, repository: str, body: dict[str, Any]) -> str:
    response = resources.superuser.post(f"{repository}/mirror", body)
    assert response.status_code == 201, response.text
    return f"{repository}/mirror"


def _get_mirror(resources: Resources, mirror: str) -> dict[str, Any]:
    returned: dict[str, Any] = resources.superuser.get(mirror).json()
    return returned


def _refused(response: Any, detail: str, status: int = 400) -> None:
    """Assert an error with only the key `detail`."""
    assert (response.status_code, response.json()) == (status, {"detail": detail})


def test_p2_4_create(resources: Resources, repository: str, body: dict[str, Any], robot: str) -> None:
    created = resources.superuser.post(f"{repository}/mirror", body | {"external_registry_username": ""})
    assert (created.status_code, created.json()) == (201, "")
    returned = _get_mirror(resources, f"{repository}/mirror")
    assert returned.keys() == KEYS
    assert returned | body == returned
    assert (returned["external_registry_username"], returned["external_registry_config"]) == (None, {})
    assert (returned["mirror_type"], returned["sync_status"], returned["architecture_filter"]) == (
        "PULL",
        "NEVER_RUN",
        [],
    )
    assert resources.superuser.get(repository).json()["state"] == "MIRROR"
    roles = resources.superuser.get(f"{repository}/permissions/user/").json()["permissions"]
    assert roles[robot]["role"] == "write"


def test_p2_4_create_twice(resources: Resources, mirror: str, body: dict[str, Any]) -> None:
    name = mirror.removeprefix("/api/v1/repository/").removesuffix("/mirror")
    _refused(resources.superuser.post(mirror, body), f"Mirror configuration already exits for repository {name}", 409)


@pytest.mark.parametrize(
    "key", ["external_reference", "sync_interval", "sync_start_date", "root_rule", "skopeo_timeout_interval"]
)
def test_p2_4_required(resources: Resources, repository: str, body: dict[str, Any], key: str) -> None:
    """The minimal example of the API guide omits skopeo_timeout_interval."""
    del body[key]
    refused = resources.superuser.post(f"{repository}/mirror", body)
    assert_problem(refused, 400, "invalid_request", f"'{key}' is a required property")


@pytest.mark.parametrize("changes", [{"robot_username": None}, {"unknown": 1}])
def test_p2_4_create_internal_errors(
    resources: Resources, repository: str, body: dict[str, Any], changes: dict[str, Any]
) -> None:
    merged = {key: value for key, value in (body | changes).items() if value is not None}
    assert_html(resources.superuser.post(f"{repository}/mirror", merged), 500)
    assert_problem(resources.superuser.get(f"{repository}/mirror"), 404, "not_found")
    assert resources.superuser.get(repository).json()["state"] == "NORMAL"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("https://x.example.com/y", "External registry reference must not include a URL scheme"),
        ("x.example.com", "External registry reference must include a repository path"),
        ("a b/c", "External registry reference must not include whitespace"),
        ("nosuch.invalid/a", "Cannot resolve hostname 'nosuch.invalid'"),
        ("127.0.0.1/a", "The provided registry location is not allowed"),
        ("192.0.2.1/a", "The provided registry location is not allowed"),
        ("localhost/a", "The provided registry location is not allowed"),
    ],
)
def test_p2_4_locations(
    resources: Resources, repository: str, body: dict[str, Any], reference: str, words: str
) -> None:
    refused = resources.superuser.post(f"{repository}/mirror", body | {"external_reference": reference})
    assert_problem(refused, 400, "invalid_request", words)


def test_p2_4_create_errors(resources: Resources, repository: str, body: dict[str, Any]) -> None:
    post = resources.superuser.post
    path = f"{repository}/mirror"
    wrong_date = "Incorrect DateTime format for sync_start_date."
    _refused(post(path, body | {"sync_start_date": "2041-01-01T02:00:00+00:00"}), wrong_date)
    empty = {"rule_kind": "tag_glob_csv", "rule_value": []}
    assert_problem(post(path, body | {"root_rule": empty}), 400, "invalid_request", "validation failed: rule_value")
    guide = {"rule": "latest", "rule_type": "tag_glob_csv"}
    assert_problem(post(path, body | {"root_rule": guide}), 400, "invalid_request", "'rule_kind' is a required")
    assert_problem(post(path, body | {"skopeo_timeout_interval": 299}), 400, "invalid_request")
    for robot in (f"{resources.org}+{unique()}", "short"):
        unknown = "Could not find robot with specified username"
        assert_message(post(path, body | {"robot_username": robot}), 400, unknown)
    assert_problem(post(f"/api/v1/repository/{resources.org}/{unique()}/mirror", body), 404, "not_found")


def test_p2_4_robot_of_another_namespace(
    resources: Resources, repository: str, body: dict[str, Any], temporary_org: str
) -> None:
    assert resources.superuser.put(f"/api/v1/organization/{temporary_org}/robots/other").status_code == 201
    refused = resources.superuser.post(f"{repository}/mirror", body | {"robot_username": f"{temporary_org}+other"})
    assert_message(refused, 400, "Invalid robot")


def test_p2_4_architectures_need_the_feature(
    resources: Resources, standin: Standin, repository: str, body: dict[str, Any]
) -> None:
    path = f"{repository}/mirror"
    words = "Architecture filtering requires FEATURE_SPARSE_INDEX to be enabled."
    _refused(resources.superuser.post(path, body | {"architecture_filter": ["amd64"]}), words)
    assert resources.superuser.post(path, body | {"architecture_filter": []}).status_code == 201
    standin.config["FEATURE_SPARSE_INDEX"] = True
    assert resources.superuser.put(path, {"architecture_filter": ["amd64"]}).status_code == 201
    assert _get_mirror(resources, path)["architecture_filter"] == ["amd64"]


def test_p2_4_update(resources: Resources, mirror: str) -> None:
    before = _get_mirror(resources, mirror)
    for body in ({}, {"unknown": 1}, {"sync_interval": 60}):
        changed = resources.superuser.put(mirror, body)
        assert (changed.status_code, changed.json()) == (201, "")
    assert _get_mirror(resources, mirror) == before | {"sync_interval": 60}


def test_p2_4_credentials(resources: Resources, mirror: str) -> None:
    put = resources.superuser.put
    _refused(
        put(mirror, {"external_registry_password": "p"}),
        "Unable to set a new password without also specifying a username.",
    )
    _refused(
        put(mirror, {"external_registry_username": None, "external_registry_password": "p"}),
        "Unable to delete username while setting a password.",
    )
    for username in ("puller", "", None):
        password = "p" if username else None
        body = {"external_registry_username": username, "external_registry_password": password}
        assert put(mirror, body).status_code == 201
        returned = _get_mirror(resources, mirror)
        assert returned.keys() == KEYS
        assert returned["external_registry_username"] == username


def test_p2_4_first_proxy_is_lost(resources: Resources, mirror: str) -> None:
    """If a mirror has no proxies yet, Quay loses the first one that is sent."""
    proxies = {"http_proxy": "http://proxy.example.com:1", "no_proxy": "localhost"}
    body = {"external_registry_config": {"proxy": proxies}}
    assert resources.superuser.put(mirror, body).status_code == 201
    assert _get_mirror(resources, mirror)["external_registry_config"] == {"proxy": {"no_proxy": "localhost"}}
    assert resources.superuser.put(mirror, body).status_code == 201
    assert _get_mirror(resources, mirror)["external_registry_config"] == {"proxy": proxies}


def test_p2_4_syncing(resources: Resources, mirror: str) -> None:
    post = resources.superuser.post
    assert_problem(post(f"{mirror}/sync-cancel"), 404, "not_found")
    for _time in range(2):
        assert_no_content(post(f"{mirror}/sync-now"))
    assert_no_content(post(f"{mirror}/sync-cancel"))
    assert _get_mirror(resources, mirror)["sync_status"] == "CANCEL"
    assert_problem(post(f"{mirror}/sync-cancel"), 404, "not_found")


def test_p2_4_no_delete(resources: Resources, mirror: str) -> None:
    """Quay returns 204, because it treats the path as the name of another repository, which does not exist."""
    before = _get_mirror(resources, mirror)
    assert_no_content(resources.superuser.delete(mirror))
    assert _get_mirror(resources, mirror) == before


def test_p2_4_state_change_keeps_the_configuration(resources: Resources, mirror: str) -> None:
    before = _get_mirror(resources, mirror)
    path = mirror.removesuffix("/mirror")
    assert resources.superuser.put(f"{path}/changestate", {"state": "NORMAL"}).status_code == 200
    assert _get_mirror(resources, mirror) == before
    assert_no_content(resources.superuser.post(f"{mirror}/sync-now"))


def test_p2_4_robot_of_a_mirror_cannot_be_deleted(resources: Resources, mirror: str, robot: str) -> None:
    refused = resources.superuser.delete(f"{resources.base}/robots/{robot.split('+')[1]}")
    assert_problem(refused, 400, "invalid_request", "Robot is being used by a mirror")


def test_p2_4_no_mirror(resources: Resources, repository: str) -> None:
    path = f"{repository}/mirror"
    assert_problem(resources.superuser.get(path), 404, "not_found")
    assert_problem(resources.superuser.put(path, {}), 404, "not_found")
    assert_problem(resources.superuser.post(f"{path}/sync-now"), 404, "not_found")


def test_p2_4_rights(resources: Resources, mirror: str, bearer: Callable[[str], Client]) -> None:
    assert_unauthorized(resources.user.get(mirror))
    assert_unauthorized(bearer("repo:write").get(mirror))
    for scope in ("repo:admin", "super:user"):
        assert bearer(scope).get(mirror).status_code == 200


def test_p2_4_feature_off(resources: Resources, standin: Standin, repository: str) -> None:
    standin.config["FEATURE_REPO_MIRROR"] = False
    path = f"{repository}/mirror"
    assert_problem(resources.superuser.get(path), 404, "not_found")
    response = resources.superuser.post(path, {})
    assert (response.status_code, list(response.json())) == (405, ["message"])
    assert_problem(resources.superuser.put(path, {}), 400, "invalid_request", "'description' is a required property")
