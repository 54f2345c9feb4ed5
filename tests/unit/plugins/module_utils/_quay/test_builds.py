# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds: the place of the Dockerfile, the record of a build, and each call."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.builds import Build, Builds, Source, dockerfile_of
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import COMMON, FakeQuay, Request, error, ok

READ = {**COMMON, "Authorization": "Bearer s3cret"}
WRITE = {**READ, "Content-Type": "application/json"}
PATH = "/api/v1/repository/acme/app/build/"
URL = "https://files.example.com/app.tar.gz"
BUILD_JSON: dict[str, Any] = {
    "id": "b1",
    "phase": "building",
    "started": "Sat, 31 Jan 2026 12:00:00 -0000",
    "status": {"current_command": 2, "total_commands": 7},
    "subdirectory": "/Dockerfile",
    "dockerfile_path": "/Dockerfile",
    "context": "/",
    "tags": ["1.0", "latest"],
    "pull_robot": {"name": "acme+ci", "kind": "user", "is_robot": True},
    "error": None,
    "archive_url": URL,
}
SOURCE = Source(URL, "/Dockerfile", "/", ("1.0", "latest"), "acme+ci")
BUILD = Build("b1", "building", SOURCE, datetime(2026, 1, 31, 12, tzinfo=timezone.utc), "", 2, 7)


@pytest.fixture
def builds(quay: FakeQuay) -> Builds:
    return Builds(quay.client(BearerAuth("s3cret")), "/api/v1/repository/acme/app")


@pytest.mark.parametrize(
    ("subdirectory", "dockerfile_path", "context", "expected"),
    [
        (None, None, None, ("/Dockerfile", "/")),
        ("/", None, None, ("/Dockerfile", "/")),
        ("/a", None, None, ("/a/Dockerfile", "/a")),
        ("/a/", None, None, ("/a/Dockerfile", "/a/")),
        ("/a", None, "/b", ("/a/Dockerfile", "/b")),
        (None, None, "/b", ("/b/Dockerfile", "/b")),
        (None, "/a/File", None, ("/a/File", "/a")),
        (None, "/a/File", "/", ("/a/File", "/")),
        (None, "File", None, ("File", "")),
    ],
)
def test_dockerfile(
    subdirectory: str | None, dockerfile_path: str | None, context: str | None, expected: tuple[str, str]
) -> None:
    assert dockerfile_of(subdirectory, dockerfile_path, context) == expected


def test_running_builds(quay: FakeQuay, builds: Builds) -> None:
    phases = ["waiting", "building", "internalerror", "complete", "error", "expired", "cancelled"]
    quay.answers(ok({"builds": [{**BUILD_JSON, "phase": phase} for phase in phases]}))
    assert [build.phase for build in builds.running()] == phases[:3]
    assert quay.requests == [Request("GET", f"{PATH}?limit=100", READ)]


def test_get(quay: FakeQuay, builds: Builds) -> None:
    quay.answers(ok(BUILD_JSON), error(404, "Not Found", "not_found"))
    assert builds.get("b1") == BUILD
    assert builds.get("b2") is None
    assert quay.calls == [("GET", f"{PATH}b1"), ("GET", f"{PATH}b2")]


def test_get_a_waiting_build(quay: FakeQuay, builds: Builds) -> None:
    quay.answers(ok({**BUILD_JSON, "status": {}, "pull_robot": None, "error": "broken"}))
    build = builds.get("b1")
    assert build is not None
    assert (build.step, build.steps, build.source.pull_robot, build.error) == (None, None, None, "broken")


@pytest.mark.parametrize("robot", ["acme+ci", None])
def test_start(quay: FakeQuay, builds: Builds, robot: str | None) -> None:
    quay.answers(ok(BUILD_JSON, 201))
    source = Source(URL, "/Dockerfile", "/", ("1.0", "latest"), robot)
    assert builds.start(source) == BUILD
    body = {"archive_url": URL, "dockerfile_path": "/Dockerfile", "context": "/", "docker_tags": ["1.0", "latest"]}
    if robot:
        body["pull_robot"] = robot
    assert quay.requests == [Request("POST", PATH, WRITE, body)]


def test_cancel(quay: FakeQuay, builds: Builds) -> None:
    quay.answers(ok("Okay", 201))
    builds.cancel("b1")
    assert quay.requests == [Request("DELETE", f"{PATH}b1", READ)]


@pytest.mark.parametrize("uuid", ["", "..", "b1/status"])
def test_id_that_would_change_the_path(builds: Builds, uuid: str) -> None:
    with pytest.raises(BadInput):
        builds.cancel(uuid)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({"logs": [{"message": "one\n"}, {"message": "two\nthree\n\n"}, {"message": None}]}, ["two", "three"]),
        ({"logs": []}, []),
        ({"logs_url": "https://files.example.com/log"}, []),
    ],
)
def test_last_lines(quay: FakeQuay, builds: Builds, body: dict[str, Any], lines: list[str]) -> None:
    quay.answers(ok(body))
    assert builds.last_lines("b1", 2) == lines
    assert quay.calls == [("GET", f"{PATH}b1/logs?start=-2")]
