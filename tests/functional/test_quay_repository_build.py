# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_repository_build: builds of images inside Quay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Build, Repository

MODULE = "quay_repository_build"
APP = "/api/v1/repository/acme/app"
PATH = f"{APP}/build/"
CONFIG = "GET /config"
URL = "https://files.example.com/app-1.0.tar.gz"

START: dict[str, Any] = {"repository": "acme/app", "archive_url": URL, "wait": False}
FULL = {**START, "subdirectory": "/container", "tags": ["1.0", "latest"], "pull_robot": "acme+ci"}
WAIT = {"repository": "acme/app", "archive_url": URL}


@pytest.fixture(autouse=True)
def enable_builds(harness: Harness) -> None:
    harness.quay.config["FEATURE_BUILD_SUPPORT"] = True
    harness.obstacles["no_pauses"] = True


def repository(harness: Harness) -> Repository:
    return harness.quay.state.repositories["acme", "app"]


def only_build(harness: Harness) -> Build:
    (build,) = repository(harness).builds
    return build


def schedule_phases(harness: Harness, *phases: str, **more: Any) -> None:
    """Change the phase of the build before each further read."""

    def set_phase(phase: str, following: tuple[str, ...]) -> Callable[[], None]:
        def action() -> None:
            build = repository(harness).builds[-1]
            build.phase = phase
            for name, value in more.items():
                setattr(build, name, value)
            if following:
                harness.before_request(f"^GET {PATH}.", set_phase(following[0], following[1:]))

        return action

    harness.before_request(f"^GET {PATH}.", set_phase(phases[0], phases[1:]))


def test_build_is_started_and_then_joined(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, FULL)
    assert runs.requests == [
        [CONFIG, *harness.sign_in, f"GET {PATH}", f"GET {APP}"],
        [CONFIG, *harness.sign_in, f"GET {PATH}", f"GET {APP}", f"POST {PATH}"],
        [CONFIG, *harness.sign_in, f"GET {PATH}"],
        [CONFIG, *harness.sign_in, f"GET {PATH}"],
    ]
    build = only_build(harness)
    source = {
        "archive_url": URL,
        "dockerfile_path": "/container/Dockerfile",
        "context": "/container",
        "tags": ["1.0", "latest"],
        "pull_robot": "acme+ci",
    }
    assert {key: getattr(build, key) for key in source} == source
    assert runs.first.diff == {"before": {}, "after": source}
    started = harness.iso(build.started)
    for result in (runs.first, runs.second):
        assert result.content == {
            **source,
            "repository": "acme/app",
            "uuid": build.uuid,
            "phase": "waiting",
            "started_at": started,
            "progress": [],
        }
    assert runs.predicted["uuid"] is None


@pytest.mark.parametrize("difference", ["archive_url", "tags", "dockerfile_path", "context", "pull_robot"])
def test_another_source_starts_another_build(harness: Harness, difference: str) -> None:
    harness.run(MODULE, START)
    values = {"tags": ["2.0"], "pull_robot": "acme+ci", "archive_url": f"{URL}?2"}
    result = harness.run(MODULE, {**START, difference: values.get(difference, "/other")})
    assert result.changed
    assert len(repository(harness).builds) == 2


@pytest.mark.parametrize("phase", ["complete", "error", "cancelled", "expired"])
def test_finished_build_is_started_again(harness: Harness, phase: str) -> None:
    first = harness.run(MODULE, START)
    only_build(harness).phase = phase
    again = harness.run(MODULE, START)
    assert again.changed
    assert again["uuid"] != first["uuid"]


@pytest.mark.parametrize("phase", ["building", "pushing", "internalerror"])
def test_running_build_is_joined(harness: Harness, phase: str) -> None:
    first = harness.run(MODULE, START)
    only_build(harness).phase = phase
    again = harness.run(MODULE, START)
    assert (again.changed, again["uuid"], again["phase"]) == (False, first["uuid"], phase)


@pytest.mark.parametrize(
    ("given", "path", "context"),
    [
        ({}, "/Dockerfile", "/"),
        ({"subdirectory": "/"}, "/Dockerfile", "/"),
        ({"subdirectory": "/a/"}, "/a/Dockerfile", "/a/"),
        ({"dockerfile_path": "/a/Containerfile"}, "/a/Containerfile", "/a"),
        ({"dockerfile_path": "/a/Containerfile", "context": "/"}, "/a/Containerfile", "/"),
        ({"context": "/b"}, "/b/Dockerfile", "/b"),
        ({"subdirectory": "/a", "context": "/b"}, "/a/Dockerfile", "/b"),
    ],
)
def test_location_of_the_dockerfile(harness: Harness, given: dict[str, str], path: str, context: str) -> None:
    result = harness.run(MODULE, {**START, **given})
    build = only_build(harness)
    assert (build.dockerfile_path, build.context) == (path, context)
    assert (result["dockerfile_path"], result["context"]) == (path, context)
    assert not harness.run(MODULE, {**START, **given}).changed


def test_wait_until_it_is_complete(harness: Harness) -> None:
    schedule_phases(harness, "waiting", "building", "building", "pushing", "complete")
    result = harness.run(MODULE, WAIT)
    assert result.changed
    assert result["phase"] == "complete"
    assert [step["phase"] for step in result["progress"]] == ["waiting", "building", "pushing", "complete"]
    assert all(harness.is_now(step["seen_at"]) for step in result["progress"])
    assert (
        harness.requests
        == [CONFIG, f"GET {PATH}", f"GET {APP}", f"POST {PATH}"] + [f"GET {PATH}{only_build(harness).uuid}"] * 5
    )


def test_steps_of_a_build(harness: Harness) -> None:
    schedule_phases(harness, "building", "complete", status={"current_command": 2, "total_commands": 7})
    progress = harness.run(MODULE, WAIT)["progress"]
    assert [(step["step"], step["steps"]) for step in progress] == [(None, None), (2, 7), (2, 7)]


def test_check_mode_does_not_wait(harness: Harness) -> None:
    predicted = harness.check(MODULE, WAIT)
    assert predicted.changed
    assert (predicted["phase"], predicted["progress"], predicted["uuid"]) == (None, None, None)
    harness.run(MODULE, START)
    joined = harness.check(MODULE, WAIT)
    assert (joined.changed, joined["phase"]) == (False, "waiting")


@pytest.mark.parametrize("phase", ["error", "expired", "cancelled"])
def test_build_that_fails(harness: Harness, phase: str) -> None:
    lines = [f"line {number}" for number in range(1, 31)]
    schedule_phases(harness, "building", phase, lines=lines)
    result = harness.run(MODULE, WAIT)
    assert result.failed
    words = f"of acme/app ended in the phase {phase} (seen: waiting, building, {phase})"
    assert f"The build {only_build(harness).uuid} {words}" in result.message
    assert result.message.endswith("Last lines of its log:\n" + "\n".join(lines[10:]))


def test_failure_whose_log_cannot_be_read(harness: Harness) -> None:
    schedule_phases(harness, "error")
    harness.quay.faults.add("status", path="logs$", status=500)
    result = harness.run(MODULE, WAIT)
    assert "ended in the phase error" in result.message
    assert "Its log cannot be read" in result.message


def test_build_that_takes_too_long(harness: Harness) -> None:
    result = harness.run(MODULE, {**WAIT, "wait_timeout": "0"})
    assert result.failed
    assert "is still in the phase waiting after 0 seconds (wait_timeout). It continues to run" in result.message
    assert only_build(harness).phase == "waiting"


def test_earlier_build_is_waited_for(harness: Harness) -> None:
    started = harness.run(MODULE, FULL)
    schedule_phases(harness, "building", "complete")
    result = harness.run(MODULE, {"repository": "acme/app", "uuid": started["uuid"]})
    assert (result.changed, result["phase"], result["archive_url"]) == (False, "complete", URL)


def test_unknown_build_is_not_waited_for(harness: Harness) -> None:
    arguments = {"repository": "acme/app", "uuid": "nope"}
    assert_refused(harness, MODULE, arguments, "the repository acme/app has no build nope")


# --- cancelling


def test_build_is_cancelled(either_login: Harness) -> None:
    harness = either_login
    uuid = harness.run(MODULE, START)["uuid"]
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"})
    read = f"GET {PATH}{uuid}"
    assert runs.requests == [
        [*harness.sign_in, read, CONFIG],
        [*harness.sign_in, read, CONFIG, f"DELETE {PATH}{uuid}", read],
        [*harness.sign_in, read],
        [*harness.sign_in, read],
    ]
    assert only_build(harness).phase == runs.first["phase"] == runs.second["phase"] == "cancelled"
    assert runs.first.diff == {"before": {"phase": "waiting"}, "after": {"phase": "cancelled"}}


@pytest.mark.parametrize("phase", ["complete", "error"])
def test_finished_build_is_not_cancelled(harness: Harness, phase: str) -> None:
    uuid = harness.run(MODULE, START)["uuid"]
    only_build(harness).phase = phase
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"})
    assert runs.first["phase"] == phase


def test_unknown_build_is_not_cancelled(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "uuid": "nope", "state": "absent"})
    assert (runs.first.changed, runs.first["phase"]) == (False, None)


def test_false_success_of_a_cancellation_is_detected(harness: Harness) -> None:
    uuid = harness.run(MODULE, START)["uuid"]
    harness.quay.faults.add("status", method="DELETE", status=204)
    result = harness.run(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"})
    assert result.failed
    assert f"Quay reported success, but the build {uuid} is in the phase waiting" in result.message


def test_error_response_after_the_cancellation_is_a_success(harness: Harness) -> None:
    uuid = harness.run(MODULE, START)["uuid"]
    harness.quay.faults.add("status", method="DELETE", status=500, after=True)
    assert harness.run(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"}).changed


# --- errors, and wrong responses of Quay


def test_builds_are_off(harness: Harness) -> None:
    """Quay would accept the build but never start it."""
    harness.quay.config["FEATURE_BUILD_SUPPORT"] = False
    assert_refused(harness, MODULE, START, "does not build images (FEATURE_BUILD_SUPPORT is off)")
    assert harness.requests == [CONFIG]


def test_lost_response_starts_no_second_build(harness: Harness) -> None:
    harness.quay.faults.add("cut_after", method="POST", path="build/$")
    result = harness.run(MODULE, START)
    assert (result.changed, result["uuid"]) == (True, only_build(harness).uuid)


def test_lost_request(harness: Harness) -> None:
    harness.quay.faults.add("cut_before", method="POST", path="build/$")
    result = harness.run(MODULE, START)
    assert result.failed
    assert f"POST {harness.quay.url}{PATH}" in result.message
    assert repository(harness).builds == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"archive_url": "ftp://files.example.com/x"}, "archive_url must be a URL"),
        ({"archive_url": "files.example.com/x"}, "archive_url must be a URL"),
        ({"archive_url": "https://[x"}, "archive_url must be a URL"),
        ({"archive_url": "https://files.example.com/\u00fc"}, "archive_url must be a URL"),
        ({"archive_url": "https://me@files.example.com/x"}, "archive_url must not hold a user name"),
        ({"tags": []}, "tags must name at least one tag"),
        ({"tags": ["a", "a"]}, "tags must name at least one tag, and each tag only once"),
        ({"pull_robot": "ci"}, "write organization+robot"),
        ({"wait_timeout": "long"}, "wait_timeout must be a duration"),
        ({"wait_interval": "often"}, "wait_interval must be a duration"),
        ({"wait_interval": "0"}, "wait_interval must be more than 0"),
        ({"wait_interval": "0", "wait": True}, "wait_interval must be more than 0"),
        ({"repository": "app"}, "is not a valid repository name"),
        ({"subdirectory": "/a", "dockerfile_path": "/b"}, "mutually exclusive"),
        ({"archive_url": None}, "one of the following is required: archive_url, uuid"),
        ({"state": "absent"}, "uuid"),
    ],
)
def test_bad_input(harness: Harness, changes: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, {**START, **changes}, words)
    assert harness.requests == []


def test_login_in_the_address_is_refused_and_not_repeated(harness: Harness) -> None:
    secret = "hidden-in-the-address"
    harness.known_secrets.add([secret])
    url = f"https://me:{secret}@files.example.com/x"
    assert_refused(harness, MODULE, {**START, "archive_url": url}, "archive_url must not hold a user name or password")


def test_unknown_repository(harness: Harness) -> None:
    assert_refused(harness, MODULE, {**START, "repository": "acme/nope"}, "there is no acme/nope")


@pytest.mark.parametrize("mode", ["READ_ONLY", "MIRROR"])
def test_repository_that_accepts_no_builds(harness: Harness, mode: str) -> None:
    repository(harness).state = mode
    assert_refused(harness, MODULE, START, f"is in the mode {mode.lower()} and takes no builds")


def test_unknown_robot(harness: Harness) -> None:
    result = harness.run(MODULE, {**START, "pull_robot": "acme+nope"})
    assert result.failed
    assert "Quay answered 404" in result.message


def test_read_only_registry(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(harness, MODULE, START, "the registry is read-only")


def test_token_without_the_scope(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "user:read")
    assert_refused(harness, MODULE, START, "lacks the permission or the scope")
