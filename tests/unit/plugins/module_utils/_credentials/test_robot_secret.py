# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token of one robot: created, replaced and verified without losing it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Callable, Union

import pytest
import requests
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import (
    QuayError,
    RefusedCredential,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_secret import RobotSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    Forbidden,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    FakeQuay,
    Reply,
    Request,
    empty,
    error,
    ok,
    page,
    refused,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    FORBIDDEN,
    UNKNOWN_ROBOT,
    robot_reply,
    verification,
    verified,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

CI = RobotName("acme", "ci")
PATH = "/api/v1/organization/acme/robots/ci"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
FORMER = Robot("acme+ci", NOON, None, "builds", "former", {"team": "a"})
NEW = replace(FORMER, token="new")
NEWER = replace(FORMER, token="newer")

READ_HEADERS = {**COMMON, "Authorization": "Bearer s3cret"}
WRITE_HEADERS = {**READ_HEADERS, "Content-Type": "application/json"}
READ = Request("GET", PATH, READ_HEADERS)
REGENERATE = Request("POST", f"{PATH}/regenerate", WRITE_HEADERS, {})
CREATE = Request("PUT", PATH, WRITE_HEADERS, {})

Step = Union[Reply, Exception]

# After these it is unknown whether a write took effect, and with which error the write fails.
LOST: dict[str, tuple[Step, type[QuayError]]] = {
    "no response": (ReadTimeout(), TransportError),
    "connection cut": (requests.ConnectionError(), TransportError),
    "server error": (page(500), ApiError),
    "gateway timeout": (page(504), ApiError),
    "page of a proxy": (page(200), UnexpectedResponse),
}


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def make(quay: FakeQuay, warnings: list[str]) -> Callable[..., RobotSecret]:
    """Makes the secret of the robot acme+ci with these declared fields."""

    def secret(description: str | None = None, metadata: dict[str, Any] | None = None) -> RobotSecret:
        return RobotSecret(module_context(quay, warnings, auth=BearerAuth("s3cret")), CI, description, metadata)

    return secret


@pytest.fixture
def secret(make: Callable[..., RobotSecret]) -> RobotSecret:
    return make()


def test_read(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(robot_reply(FORMER), UNKNOWN_ROBOT)
    assert secret.read() == FORMER
    assert secret.read() is None
    assert quay.requests == [READ, READ]


# --- replace


def test_replace(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(robot_reply(NEW))
    assert secret.replace({"former"}) == (NEW, True)
    assert quay.requests == [REGENERATE]


def test_replace_of_a_missing_robot_creates_it(quay: FakeQuay, make: Callable[..., RobotSecret]) -> None:
    """It gets its declared fields, which Quay sets only at creation."""
    quay.answers(UNKNOWN_ROBOT, robot_reply(NEW))
    assert make("builds", {"team": "a"}).replace({"former"}) == (NEW, False)
    body = {"description": "builds", "unstructured_metadata": {"team": "a"}}
    assert quay.requests == [REGENERATE, replace(CREATE, body=body)]


@pytest.mark.parametrize("case", LOST)
def test_replace_with_a_lost_response(quay: FakeQuay, secret: RobotSecret, case: str) -> None:
    """The robot has another token, so the request took effect. It is not repeated."""
    quay.answers(LOST[case][0], robot_reply(NEW))
    assert secret.replace({"former"}) == (NEW, True)
    assert quay.requests == [REGENERATE, READ]


@pytest.mark.parametrize("found", [robot_reply(FORMER), robot_reply(replace(FORMER, token=None)), UNKNOWN_ROBOT])
@pytest.mark.parametrize("case", LOST)
def test_replace_that_did_not_take_effect(quay: FakeQuay, secret: RobotSecret, case: str, found: Reply) -> None:
    """The error of the request is raised."""
    step, kind = LOST[case]
    quay.answers(step, found)
    with pytest.raises(kind) as caught:
        secret.replace({"former"})
    assert str(caught.value).startswith(f"POST https://quay.example.com{PATH}/regenerate: ")
    assert quay.requests == [REGENERATE, READ]


def test_replace_with_a_lost_response_and_no_way_to_read(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(ReadTimeout(), page(502))
    with pytest.raises(ApiError, match=f"^GET https://quay.example.com{PATH}: Quay answered 502"):
        secret.replace({"former"})
    assert quay.requests == [REGENERATE, READ]


@pytest.mark.parametrize("reply", [FORBIDDEN, ok({"message": "Robot is managed elsewhere"}, 400), page(429)])
def test_replace_that_is_refused(quay: FakeQuay, secret: RobotSecret, reply: Reply) -> None:
    """Nothing was changed, so nothing is read."""
    quay.answers(reply)
    with pytest.raises(ApiError) as caught:
        secret.replace({"former"})
    assert (caught.value.status, quay.requests) == (reply.status, [REGENERATE])


# --- create


def test_create(quay: FakeQuay, make: Callable[..., RobotSecret]) -> None:
    quay.answers(robot_reply(NEW))
    assert make("", {}).create(set()) == NEW
    assert quay.requests == [replace(CREATE, body={"description": "", "unstructured_metadata": {}})]


@pytest.mark.parametrize("case", LOST)
def test_create_with_a_lost_response(quay: FakeQuay, secret: RobotSecret, case: str) -> None:
    """There was no robot before, so the robot that is there was created."""
    quay.answers(LOST[case][0], robot_reply(NEW))
    assert secret.create(set()) == NEW
    assert quay.requests == [CREATE, READ]


@pytest.mark.parametrize("case", LOST)
def test_create_that_did_not_take_effect(quay: FakeQuay, secret: RobotSecret, case: str) -> None:
    step, kind = LOST[case]
    quay.answers(step, UNKNOWN_ROBOT)
    with pytest.raises(kind, match=f"^PUT https://quay.example.com{PATH}: "):
        secret.create(set())
    assert quay.requests == [CREATE, READ]


def test_create_that_is_refused(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(error(403, "Unauthorized", "insufficient_scope"))
    with pytest.raises(Forbidden):
        secret.create(set())
    assert quay.requests == [CREATE]


EXISTING = [
    error(400, "Existing robot with name: acme+ci", "invalid_request"),
    ok({"message": 'duplicate key value violates unique constraint "user_username"'}, 400),
    ok({"message": "(1062, \"Duplicate entry 'acme+ci' for key 'user_username'\")"}, 400),
]


@pytest.mark.parametrize("reply", EXISTING)
def test_create_while_another_run_creates_it(
    quay: FakeQuay, make: Callable[..., RobotSecret], warnings: list[str], reply: Reply
) -> None:
    """The robot is read once, and the request is not repeated."""
    quay.answers(reply, robot_reply(NEW))
    assert make("nightly").create(set()) == NEW
    assert quay.requests == [replace(CREATE, body={"description": "nightly"}), READ]
    assert warnings[0] == "acme+ci was created by another run at the same moment. Its token is used."
    assert [warning.partition(" differs")[0] for warning in warnings[1:]] == ["The description of acme+ci"]


@pytest.mark.parametrize("found", [robot_reply(replace(NEW, token=None)), UNKNOWN_ROBOT])
def test_create_of_an_existing_robot_that_cannot_be_used(quay: FakeQuay, secret: RobotSecret, found: Reply) -> None:
    quay.answers(EXISTING[0], found)
    with pytest.raises(ApiError, match="Existing robot with name: acme"):
        secret.create(set())
    assert quay.requests == [CREATE, READ]


def test_replace_while_another_run_creates_the_robot_again(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(UNKNOWN_ROBOT, EXISTING[0], robot_reply(NEW))
    assert secret.replace({"former"}) == (NEW, False)
    assert quay.requests == [REGENERATE, CREATE, READ]


# --- invalidate


@pytest.mark.parametrize("replies", [(robot_reply(NEW),), (UNKNOWN_ROBOT,), (page(500), robot_reply(NEW))])
def test_invalidate(quay: FakeQuay, secret: RobotSecret, replies: tuple[Reply, ...]) -> None:
    """A robot that was deleted has no token. It is not created again."""
    quay.answers(*replies)
    secret.invalidate(FORMER)
    assert quay.requests == [REGENERATE, READ][: len(replies)]


@pytest.mark.parametrize("case", LOST)
def test_invalidate_that_did_not_take_effect(quay: FakeQuay, secret: RobotSecret, case: str) -> None:
    step, kind = LOST[case]
    quay.answers(step, robot_reply(FORMER))
    with pytest.raises(kind, match=f"^POST https://quay.example.com{PATH}/regenerate: "):
        secret.invalidate(FORMER)
    assert quay.requests == [REGENERATE, READ]


def test_invalidate_that_is_refused(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(FORBIDDEN)
    with pytest.raises(Forbidden):
        secret.invalidate(FORMER)


# --- delete

DELETE = Request("DELETE", PATH, READ_HEADERS)


@pytest.mark.parametrize("reply", [empty(), UNKNOWN_ROBOT])
def test_delete(quay: FakeQuay, secret: RobotSecret, reply: Reply) -> None:
    """A robot that somebody else deleted is no error."""
    quay.answers(reply)
    secret.delete()
    assert quay.requests == [DELETE]


@pytest.mark.parametrize("case", LOST)
def test_delete_with_a_lost_response(quay: FakeQuay, secret: RobotSecret, case: str) -> None:
    """The robot is gone, so the request took effect."""
    quay.answers(LOST[case][0], UNKNOWN_ROBOT)
    secret.delete()
    assert quay.requests == [DELETE, READ]


@pytest.mark.parametrize("case", LOST)
def test_delete_that_did_not_take_effect(quay: FakeQuay, secret: RobotSecret, case: str) -> None:
    step, kind = LOST[case]
    quay.answers(step, robot_reply(FORMER))
    with pytest.raises(kind, match=f"^DELETE https://quay.example.com{PATH}: "):
        secret.delete()
    assert quay.requests == [DELETE, READ]


@pytest.mark.parametrize("reply", [FORBIDDEN, ok({"message": "Robot is used by a mirror"}, 400)])
def test_delete_that_is_refused(quay: FakeQuay, secret: RobotSecret, reply: Reply) -> None:
    quay.answers(reply)
    with pytest.raises(ApiError) as caught:
        secret.delete()
    assert (caught.value.status, quay.requests) == (reply.status, [DELETE])


# --- verified


def test_verified(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(verified())
    assert secret.verified(NEW) == (NEW, None)
    assert quay.requests == [verification("acme+ci", "new")]


def test_concurrent_regeneration(quay: FakeQuay, secret: RobotSecret) -> None:
    """Quay answered 200 to both writers. The token that it returns now is valid, and it is used."""
    quay.answers(refused(), robot_reply(NEWER), verified())
    assert secret.verified(NEW) == (NEWER, None)
    assert quay.requests == [verification("acme+ci", "new"), READ, verification("acme+ci", "newer")]


def test_response_without_a_token(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(robot_reply(NEW), verified())
    assert secret.verified(replace(NEW, token=None)) == (NEW, None)
    assert quay.requests == [READ, verification("acme+ci", "new")]


REFUSED = (
    "Quay does not accept the new token of acme+ci at /v2/auth. Quay returns the robot's present token again: run the "
    "task again, and check whether something else regenerates this robot"
)


@pytest.mark.parametrize(
    ("replies", "count"),
    [
        ([refused(), robot_reply(NEW)], 2),
        ([refused(), UNKNOWN_ROBOT], 2),
        ([refused(), robot_reply(NEWER), refused(), robot_reply(NEWER)], 4),
    ],
)
def test_token_that_quay_does_not_accept(quay: FakeQuay, secret: RobotSecret, replies: list[Reply], count: int) -> None:
    quay.answers(*replies)
    with pytest.raises(RefusedCredential) as caught:
        secret.verified(NEW)
    assert str(caught.value) == REFUSED
    assert len(quay.requests) == count


def test_robot_that_is_regenerated_again_and_again(quay: FakeQuay, secret: RobotSecret) -> None:
    """The third token is the last one that is tried."""
    for token in ("second", "third", "fourth"):
        quay.answers(refused(), robot_reply(replace(NEW, token=token)))
    with pytest.raises(RefusedCredential) as caught:
        secret.verified(NEW)
    assert str(caught.value) == REFUSED
    tried = [verification("acme+ci", token) for token in ("new", "second", "third")]
    assert quay.requests == [tried[0], READ, tried[1], READ, tried[2], READ]


@pytest.mark.parametrize("step", [ReadTimeout(), page(502), page(200), empty(200), page(429)])
def test_verification_that_gets_no_answer(quay: FakeQuay, secret: RobotSecret, step: Step) -> None:
    """The old token is invalid, so an unverified new one serves consumers better than none."""
    quay.answers(step)
    robot, failure = secret.verified(NEW)
    assert robot == NEW
    assert str(failure).startswith("GET https://quay.example.com/v2/auth: ")
    assert quay.requests == [verification("acme+ci", "new")]


def test_verification_that_gets_no_answer_at_the_second_attempt(quay: FakeQuay, secret: RobotSecret) -> None:
    quay.answers(refused(), robot_reply(NEWER), page(503))
    robot, failure = secret.verified(NEW)
    assert robot == NEWER
    assert isinstance(failure, ApiError)


def test_token_is_verified_in_the_namespace_of_the_robot(quay: FakeQuay) -> None:
    quay.answers(verified())
    own = Robot("ann+ci", NOON, None, "", "new")
    assert RobotSecret(module_context(quay), RobotName(None, "ci")).verified(own) == (own, None)
    assert quay.requests == [verification("ann+ci", "new", "ann")]


# --- fields that Quay sets only at creation

DESCRIPTION = (
    "The description of acme+ci differs from the declared one. Quay sets it only when it creates a robot; delete the "
    "robot and create it again to change it."
)
METADATA = (
    "The metadata of acme+ci differ from the declared ones. Quay sets them only when it creates a robot; delete the "
    "robot and create it again to change them."
)


@pytest.mark.parametrize(
    ("description", "metadata", "robot", "expected"),
    [
        (None, None, FORMER, []),
        ("builds", {"team": "a"}, FORMER, []),
        ("other", {"team": "a"}, FORMER, [DESCRIPTION]),
        ("", None, FORMER, [DESCRIPTION]),
        ("builds", {"team": "b"}, FORMER, [METADATA]),
        (None, {}, FORMER, [METADATA]),
        ("other", {"team": "b"}, FORMER, [DESCRIPTION, METADATA]),
        ("builds", {"team": "b"}, replace(FORMER, metadata=None), []),
        (None, {"team": "a"}, replace(FORMER, metadata={}), [METADATA]),
    ],
)
def test_fields_that_differ(
    make: Callable[..., RobotSecret],
    warnings: list[str],
    description: str | None,
    metadata: dict[str, Any] | None,
    robot: Robot,
    expected: list[str],
) -> None:
    """Lists do not have the metadata, so that nothing is known of them."""
    make(description, metadata).warn_of_fixed_fields(robot)
    assert warnings == expected
