# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_repository_build: builds of images inside Quay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.state import Build, Repository

MODULE = "quay_repository_build"
APP = "/api/v1/repository/acme/app"
PATH = f"{APP}/build/"
CONFIG = "GET /config"
URL = "https://files.example.com/app-1.0.tar.gz"

START: dict[str, Any] = {"repository": "acme/app", "archive_url": URL, "wait": False}
FULL = {**START, "subdirectory": "/container", "tags": ["1.0", "latest"], "pull_robot": "acme+ci"}
WAIT = {"repository": "acme/app", "archive_url": URL, "wait_interval": "0"}


@pytest.fixture(autouse=True)
def building(world: World) -> None:
    world.quay.config["FEATURE_BUILD_SUPPORT"] = True


def repository(world: World) -> Repository:
    return world.quay.state.repositories["acme", "app"]


def only_build(world: World) -> Build:
    (build,) = repository(world).builds
    return build


def then(world: World, *phases: str, **more: Any) -> None:
    """What becomes of the build, a phase at each look."""

    def become(phase: str, following: tuple[str, ...]) -> Callable[[], None]:
        def act() -> None:
            build = repository(world).builds[-1]
            build.phase = phase
            for name, value in more.items():
                setattr(build, name, value)
            if following:
                world.before(f"^GET {PATH}.", become(following[0], following[1:]))

        return act

    world.before(f"^GET {PATH}.", become(phases[0], phases[1:]))


def test_build_is_started_and_then_joined(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, FULL)
    assert runs.requests == [
        [CONFIG, *world.sign_in, f"GET {PATH}", f"GET {APP}"],
        [CONFIG, *world.sign_in, f"GET {PATH}", f"GET {APP}", f"POST {PATH}"],
        [CONFIG, *world.sign_in, f"GET {PATH}"],
        [CONFIG, *world.sign_in, f"GET {PATH}"],
    ]
    build = only_build(world)
    source = {
        "archive_url": URL,
        "dockerfile_path": "/container/Dockerfile",
        "context": "/container",
        "tags": ["1.0", "latest"],
        "pull_robot": "acme+ci",
    }
    assert {key: getattr(build, key) for key in source} == source
    assert runs.first.diff == {"before": {}, "after": source}
    started = world.iso(build.started)
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
def test_another_source_is_another_build(world: World, difference: str) -> None:
    world.run(MODULE, START)
    values = {"tags": ["2.0"], "pull_robot": "acme+ci", "archive_url": f"{URL}?2"}
    result = world.run(MODULE, {**START, difference: values.get(difference, "/other")})
    assert result.changed
    assert len(repository(world).builds) == 2


@pytest.mark.parametrize("phase", ["complete", "error", "cancelled", "expired"])
def test_build_that_is_over_is_built_again(world: World, phase: str) -> None:
    first = world.run(MODULE, START)
    only_build(world).phase = phase
    again = world.run(MODULE, START)
    assert again.changed
    assert again["uuid"] != first["uuid"]


@pytest.mark.parametrize("phase", ["building", "pushing", "internalerror"])
def test_running_build_is_joined(world: World, phase: str) -> None:
    first = world.run(MODULE, START)
    only_build(world).phase = phase
    again = world.run(MODULE, START)
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
def test_where_the_dockerfile_is(world: World, given: dict[str, str], path: str, context: str) -> None:
    result = world.run(MODULE, {**START, **given})
    build = only_build(world)
    assert (build.dockerfile_path, build.context) == (path, context)
    assert (result["dockerfile_path"], result["context"]) == (path, context)
    assert not world.run(MODULE, {**START, **given}).changed


def test_wait_until_it_is_complete(world: World) -> None:
    then(world, "waiting", "building", "building", "pushing", "complete")
    result = world.run(MODULE, WAIT)
    assert result.changed
    assert result["phase"] == "complete"
    assert [step["phase"] for step in result["progress"]] == ["waiting", "building", "pushing", "complete"]
    assert all(world.is_now(step["seen_at"]) for step in result["progress"])
    assert (
        world.requests
        == [CONFIG, f"GET {PATH}", f"GET {APP}", f"POST {PATH}"] + [f"GET {PATH}{only_build(world).uuid}"] * 5
    )


def test_steps_of_a_build(world: World) -> None:
    then(world, "building", "complete", status={"current_command": 2, "total_commands": 7})
    progress = world.run(MODULE, WAIT)["progress"]
    assert [(step["step"], step["steps"]) for step in progress] == [(None, None), (2, 7), (2, 7)]


def test_check_mode_waits_for_nothing(world: World) -> None:
    predicted = world.check(MODULE, WAIT)
    assert predicted.changed
    assert (predicted["phase"], predicted["progress"], predicted["uuid"]) == (None, None, None)
    world.run(MODULE, START)
    joined = world.check(MODULE, WAIT)
    assert (joined.changed, joined["phase"]) == (False, "waiting")


@pytest.mark.parametrize("phase", ["error", "expired", "cancelled"])
def test_build_that_fails(world: World, phase: str) -> None:
    lines = [f"line {number}" for number in range(1, 31)]
    then(world, "building", phase, lines=lines)
    result = world.run(MODULE, WAIT)
    assert result.failed
    words = f"of acme/app ended in the phase {phase} (seen: waiting, building, {phase})"
    assert f"The build {only_build(world).uuid} {words}" in result.message
    assert result.message.endswith("Last lines of its log:\n" + "\n".join(lines[10:]))


def test_failure_whose_log_cannot_be_read(world: World) -> None:
    then(world, "error")
    world.quay.faults.add("status", path="logs$", status=500)
    result = world.run(MODULE, WAIT)
    assert "ended in the phase error" in result.message
    assert "Its log cannot be read" in result.message


def test_build_that_takes_too_long(world: World) -> None:
    result = world.run(MODULE, {**WAIT, "wait_timeout": "0"})
    assert result.failed
    assert "is still in the phase waiting after 0 seconds (wait_timeout). It continues to run" in result.message
    assert only_build(world).phase == "waiting"


def test_earlier_build_is_waited_for(world: World) -> None:
    started = world.run(MODULE, FULL)
    then(world, "building", "complete")
    result = world.run(MODULE, {"repository": "acme/app", "uuid": started["uuid"], "wait_interval": "0"})
    assert (result.changed, result["phase"], result["archive_url"]) == (False, "complete", URL)


def test_unknown_build_is_not_waited_for(world: World) -> None:
    arguments = {"repository": "acme/app", "uuid": "nope"}
    assert_refused(world, MODULE, arguments, "the repository acme/app has no build nope")


# --- cancelling


def test_build_is_cancelled(either_login: World) -> None:
    world = either_login
    uuid = world.run(MODULE, START)["uuid"]
    runs = world.four_runs(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"})
    look = f"GET {PATH}{uuid}"
    assert runs.requests == [
        [*world.sign_in, look, CONFIG],
        [*world.sign_in, look, CONFIG, f"DELETE {PATH}{uuid}", look],
        [*world.sign_in, look],
        [*world.sign_in, look],
    ]
    assert only_build(world).phase == runs.first["phase"] == runs.second["phase"] == "cancelled"
    assert runs.first.diff == {"before": {"phase": "waiting"}, "after": {"phase": "cancelled"}}


@pytest.mark.parametrize("phase", ["complete", "error"])
def test_nothing_is_left_to_cancel(world: World, phase: str) -> None:
    uuid = world.run(MODULE, START)["uuid"]
    only_build(world).phase = phase
    runs = world.four_runs(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"})
    assert runs.first["phase"] == phase


def test_unknown_build_is_not_cancelled(world: World) -> None:
    runs = world.four_runs(MODULE, {"repository": "acme/app", "uuid": "nope", "state": "absent"})
    assert (runs.first.changed, runs.first["phase"]) == (False, None)


def test_cancellation_that_is_only_reported(world: World) -> None:
    uuid = world.run(MODULE, START)["uuid"]
    world.quay.faults.add("status", method="DELETE", status=204)
    result = world.run(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"})
    assert result.failed
    assert f"Quay reported success, but the build {uuid} is in the phase waiting" in result.message


def test_cancellation_that_failed_only_in_words(world: World) -> None:
    uuid = world.run(MODULE, START)["uuid"]
    world.quay.faults.add("status", method="DELETE", status=500, after=True)
    assert world.run(MODULE, {"repository": "acme/app", "uuid": uuid, "state": "absent"}).changed


# --- what is refused, and what Quay gets wrong


def test_builds_are_off(world: World) -> None:
    """Quay would take the build, and let it wait for ever."""
    world.quay.config["FEATURE_BUILD_SUPPORT"] = False
    assert_refused(world, MODULE, START, "does not build images (FEATURE_BUILD_SUPPORT is off)")
    assert world.requests == [CONFIG]


def test_lost_answer_starts_no_second_build(world: World) -> None:
    world.quay.faults.add("cut_after", method="POST", path="build/$")
    result = world.run(MODULE, START)
    assert (result.changed, result["uuid"]) == (True, only_build(world).uuid)


def test_request_that_never_arrived(world: World) -> None:
    world.quay.faults.add("cut_before", method="POST", path="build/$")
    result = world.run(MODULE, START)
    assert result.failed
    assert f"POST {world.quay.url}{PATH}" in result.message
    assert repository(world).builds == []


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
        ({"repository": "app"}, "is not a valid repository name"),
        ({"subdirectory": "/a", "dockerfile_path": "/b"}, "mutually exclusive"),
        ({"archive_url": None}, "one of the following is required: archive_url, uuid"),
        ({"state": "absent"}, "uuid"),
    ],
)
def test_bad_input(world: World, changes: dict[str, Any], words: str) -> None:
    assert_refused(world, MODULE, {**START, **changes}, words)
    assert world.requests == []


def test_login_in_the_address_is_refused_and_not_repeated(world: World) -> None:
    secret = "hidden-in-the-address"
    world.secrets.add([secret])
    url = f"https://me:{secret}@files.example.com/x"
    assert_refused(world, MODULE, {**START, "archive_url": url}, "archive_url must not hold a user name or password")


def test_unknown_repository(world: World) -> None:
    assert_refused(world, MODULE, {**START, "repository": "acme/nope"}, "there is no acme/nope")


@pytest.mark.parametrize("mode", ["READ_ONLY", "MIRROR"])
def test_repository_that_takes_no_builds(world: World, mode: str) -> None:
    repository(world).state = mode
    assert_refused(world, MODULE, START, f"is in the mode {mode.lower()} and takes no builds")


def test_unknown_robot(world: World) -> None:
    result = world.run(MODULE, {**START, "pull_robot": "acme+nope"})
    assert result.failed
    assert "Quay answered 404" in result.message


def test_read_only_registry(world: World) -> None:
    world.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(world, MODULE, START, "the registry is read-only")


def test_token_without_the_scope(world: World) -> None:
    world.login = world.people.alice.by_token(world.people.console, "user:read")
    assert_refused(world, MODULE, START, "lacks the permission or the scope")
