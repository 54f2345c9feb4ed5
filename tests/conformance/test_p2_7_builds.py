# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 7: builds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.client import Client, assert_html, assert_message, assert_problem, assert_unauthorized, unique
from conformance.resources import Resources
from standin import Standin

URL = "https://files.example.com/app.tar.gz"
KEYS = {"id", "phase", "started", "display_name", "status", "subdirectory", "dockerfile_path", "context", "tags"}
KEYS |= {"manual_user", "is_writer", "trigger", "trigger_metadata", "resource_key", "pull_robot", "repository"}
KEYS |= {"error", "archive_url"}


@pytest.fixture
def path(resources: Resources) -> str:
    return f"/api/v1/repository/{resources.org}/{resources.repository()}/build/"


def _start(resources: Resources, path: str, **body: Any) -> dict[str, Any]:
    response = resources.superuser.post(path, {"archive_url": URL, **body})
    assert response.status_code == 201, response.text
    started: dict[str, Any] = response.json()
    return started


def test_p2_7_start(resources: Resources, path: str) -> None:
    response = resources.superuser.post(path, {"archive_url": URL, "tags": ["ignored"]})
    started = response.json()
    assert response.status_code == 201
    assert started.keys() == KEYS
    assert response.headers["Location"].endswith(f"{path}{started['id']}/status")
    assert (started["phase"], started["tags"], started["status"]) == ("waiting", ["latest"], {})
    assert (started["archive_url"], started["pull_robot"], started["error"]) == (URL, None, None)
    assert started["started"].endswith("-0000")


def test_p2_7_each_request_is_a_new_build(resources: Resources, path: str) -> None:
    ids = [_start(resources, path)["id"] for _time in range(2)]
    listed = resources.superuser.get(path).json()["builds"]
    assert sorted(build["id"] for build in listed) == sorted(ids)
    assert len(resources.superuser.get(path, params={"limit": "1"}).json()["builds"]) == 1


@pytest.mark.parametrize(
    ("body", "dockerfile", "context"),
    [
        ({}, "/Dockerfile", "/"),
        ({"subdirectory": "/"}, "/Dockerfile", "/"),
        ({"subdirectory": "/a", "context": "/b"}, "/a/Dockerfile", "/a"),
        ({"context": "/b"}, "/b/Dockerfile", "/b"),
        ({"dockerfile_path": "/a/File", "subdirectory": "/x"}, "/a/File", "/a"),
        ({"dockerfile_path": "/a/File", "context": "/"}, "/a/File", "/"),
    ],
)
def test_p2_7_dockerfile(resources: Resources, path: str, body: dict[str, str], dockerfile: str, context: str) -> None:
    started = _start(resources, path, **body)
    assert (started["dockerfile_path"], started["subdirectory"], started["context"]) == (
        dockerfile,
        dockerfile,
        context,
    )


def test_p2_7_pull_robot(resources: Resources, path: str) -> None:
    robot = f"{resources.org}+{resources.robot()[0]}"
    expected = {"name": robot, "kind": "user", "is_robot": True}
    assert _start(resources, path, pull_robot=robot)["pull_robot"] == expected
    assert _start(resources, path, pull_robot="")["pull_robot"] is None


def test_p2_7_start_errors(resources: Resources, path: str) -> None:
    post = resources.superuser.post
    assert_problem(post(path, {}), 400, "invalid_request", "file_id or archive_url required")
    ftp = {"archive_url": "ftp://files.example.com"}
    assert_problem(post(path, ftp), 400, "invalid_request", "Invalid Archive URL: Must be http or https")
    for tags in ([], ["a", "a"]):
        assert_problem(post(path, {"archive_url": URL, "docker_tags": tags}), 400, "invalid_request")
    missing = "File nope could not be found or is invalid"
    assert_problem(post(path, {"file_id": "nope"}), 400, "invalid_request", missing)
    unknown = {"archive_url": URL, "pull_robot": f"{resources.org}+{unique()}"}
    assert_problem(post(path, unknown), 404, "not_found")
    assert_unauthorized(post(path, {"archive_url": URL, "pull_robot": "short"}))
    assert_html(post(path, {"archive_url": "https://files.example.com/\u00fc"}), 500)


def test_p2_7_unknown_repository(resources: Resources) -> None:
    path = f"/api/v1/repository/{resources.org}/{unique()}/build/"
    assert_problem(resources.superuser.post(path, {"archive_url": URL}), 404, "not_found")
    assert resources.superuser.get(path).json() == {"builds": []}


def test_p2_7_unknown_build(resources: Resources, path: str) -> None:
    assert_problem(resources.superuser.get(f"{path}nope"), 404, "not_found")
    for part in ("status", "logs"):
        assert_message(resources.superuser.get(f"{path}nope/{part}"), 400, "Unable to locate a build by id: nope")
    assert_problem(resources.superuser.delete(f"{path}nope"), 404, "not_found")


def test_p2_7_one_build(resources: Resources, path: str) -> None:
    started = _start(resources, path)
    for address in (f"{path}{started['id']}", f"{path}{started['id']}/status"):
        assert resources.superuser.get(address).json()["id"] == started["id"]


def test_p2_7_logs(resources: Resources, path: str) -> None:
    address = f"{path}{_start(resources, path)['id']}/logs"
    assert resources.superuser.get(address).json() == {"start": 0, "total": 0, "logs": []}
    assert resources.superuser.get(address, params={"start": "-20"}).json()["start"] == -20


def test_p2_7_last_lines_of_a_log(resources: Resources, standin: Standin, path: str) -> None:
    """A negative start counts from the end."""
    uuid = _start(resources, path)["id"]
    (build,) = standin.state.repositories[resources.org, path.split("/")[5]].builds
    build.lines = ["one", "two", "three"]
    logs = resources.superuser.get(f"{path}{uuid}/logs", params={"start": "-2"}).json()
    assert logs == {"start": -2, "total": 3, "logs": [{"message": "two"}, {"message": "three"}]}


def test_p2_7_cancel(resources: Resources, path: str) -> None:
    address = f"{path}{_start(resources, path)['id']}"
    cancelled = resources.superuser.delete(address)
    assert (cancelled.status_code, cancelled.json()) == (201, "Okay")
    assert resources.superuser.get(address).json()["phase"] == "cancelled"
    words = "Build is currently running or has finished"
    assert_problem(resources.superuser.delete(address), 400, "invalid_request", words)


def test_p2_7_modes(resources: Resources, standin: Standin, path: str) -> None:
    standin.config["FEATURE_REPO_MIRROR"] = True
    repository = path.removesuffix("/build/")
    for number, state in ((1, "READ_ONLY"), (2, "MIRROR")):
        resources.superuser.put(f"{repository}/changestate", {"state": state})
        words = f"Repository is in read only or mirror mode: {number}"
        assert_message(resources.superuser.post(path, {"archive_url": URL}), 503, words)


def test_p2_7_feature_is_not_checked(resources: Resources, standin: Standin, path: str) -> None:
    for switch in (False, True):
        standin.config["FEATURE_BUILD_SUPPORT"] = switch
        assert _start(resources, path)["phase"] == "waiting"


def test_p2_7_rights(resources: Resources, path: str, bearer: Callable[[str], Client]) -> None:
    uuid = _start(resources, path)["id"]
    reader, writer = bearer("repo:read"), bearer("repo:write")
    assert "archive_url" not in reader.get(f"{path}{uuid}").json()
    assert writer.get(f"{path}{uuid}").json()["archive_url"] == URL
    assert_unauthorized(reader.post(path, {"archive_url": URL}))
    assert_unauthorized(reader.get(f"{path}{uuid}/logs"))
    assert_unauthorized(writer.delete(f"{path}{uuid}"))
    assert writer.post(path, {"archive_url": URL}).status_code == 201
    assert_unauthorized(resources.user.get(f"{path}{uuid}"))
