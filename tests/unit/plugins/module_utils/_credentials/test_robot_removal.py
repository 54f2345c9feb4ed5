# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removal of a former robot: what forbids it, and what proves that all access has ended."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import RefusedCredential, Unconfirmed
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_removal import (
    LIVES_ON,
    Obstacle,
    RobotRemoval,
    refuse_to_replace,
    warn_of_granted_access,
    warn_of_kept_robot,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_secret import RobotSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import TransportError
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    FakeQuay,
    Reply,
    empty,
    error,
    ok,
    page,
    refused,
    registry_token,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import robot_reply, verification, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

A = RobotName("acme", "ci_a")
PATH = "/api/v1/organization/acme/robots/ci_a"
ROBOT = Robot("acme+ci_a", datetime(2026, 11, 22, tzinfo=timezone.utc), None, "", "s3cret")
NEW = Robot("acme+ci_a", datetime(2026, 11, 22, tzinfo=timezone.utc), None, "", "new")
CONFIG = ok({"config": {"SERVER_HOSTNAME": "quay.example.com"}, "features": {"ORG_MIRROR": False}})
MIRRORED = error(400, "Robot is being used by a mirror", "invalid_request")
GONE = refused("Could not find robot with specified username")
TEAMS = Obstacle("is a member of teams", "Take it out of them")


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def context(quay: FakeQuay, warnings: list[str]) -> ModuleContext:
    return module_context(quay, warnings)


@pytest.fixture
def removal(context: ModuleContext) -> RobotRemoval:
    return RobotRemoval(context, "acme")


@pytest.fixture
def secret(context: ModuleContext) -> RobotSecret:
    return RobotSecret(context, A)


def paths(quay: FakeQuay) -> list[tuple[str, str]]:
    return [(method, target.partition("?")[0]) for method, target in quay.calls]


# --- what forbids it


def test_nothing_forbids_it(quay: FakeQuay, removal: RobotRemoval) -> None:
    quay.answers(ok([]), CONFIG)
    assert removal.obstacle(A, ROBOT, []) is None
    assert paths(quay) == [("GET", f"{PATH}/federation"), ("GET", "/config")]


def test_teams(quay: FakeQuay, removal: RobotRemoval) -> None:
    obstacle = removal.obstacle(A, ROBOT, {"owners", "devs"})
    assert obstacle is not None
    assert obstacle.reason == "is a member of teams that the next robot is not in (devs, owners)"
    assert quay.calls == []


def test_federation(quay: FakeQuay, removal: RobotRemoval) -> None:
    quay.answers(ok([{"issuer": "https://issuer.example.com", "subject": "job"}]))
    obstacle = removal.obstacle(A, ROBOT, [])
    assert obstacle is not None
    assert obstacle.reason == "has federation, whose workloads know it by name"


@pytest.mark.parametrize(("user", "forbids"), [("acme+ci_a", True), ("acme+other", False), (None, False)])
def test_mirror_of_the_organization(quay: FakeQuay, removal: RobotRemoval, user: str | None, forbids: bool) -> None:
    """Quay would delete the configuration of the mirror with the robot."""
    quay.answers(ok([]), ok({"features": {"ORG_MIRROR": True}}), ok({"robot_username": user}))
    assert (removal.obstacle(A, ROBOT, []) is not None) is forbids


def test_robot_of_a_user_mirrors_no_organization(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(ok([]))
    assert RobotRemoval(context, None).obstacle(RobotName(None, "ci_a"), ROBOT, []) is None


def test_mirror_of_a_repository(quay: FakeQuay, removal: RobotRemoval) -> None:
    quay.answers(
        ok({"repositories": [{"name": "base", "state": "MIRROR"}]}),
        ok({"external_reference": "registry.example.com/base", "robot_username": "acme+ci_a"}),
    )
    with pytest.raises(RefusedCredential, match="^acme\\+ci_a is the user of the mirror of acme/base, so it cannot be"):
        removal.refuse_if_mirroring(ROBOT)


# --- deletion

ISSUED = registry_token(sub="acme+ci_a")


def test_deletion_is_verified(quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret, warnings: list[str]) -> None:
    """A registry token that was issued before is refused afterwards."""
    quay.answers(CONFIG, ok({"token": ISSUED}), empty(), GONE)
    assert removal.ended is None
    assert removal.remove(secret, ROBOT, None) is None
    assert removal.ended is True
    assert quay.requests[1] == verification("acme+ci_a", "s3cret")
    assert quay.requests[-1] == verification("acme+ci_a", ISSUED)
    assert paths(quay) == [("GET", "/config"), ("GET", "/v2/auth"), ("DELETE", PATH), ("GET", "/v2/auth")]
    assert warnings == []


def test_registry_token_that_is_still_accepted(quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret) -> None:
    quay.answers(CONFIG, ok({"token": ISSUED}), empty(), verified())
    with pytest.raises(Unconfirmed) as caught:
        removal.remove(secret, ROBOT, None)
    assert str(caught.value) == (
        "acme+ci_a was deleted, but Quay still accepts a registry token that was issued to it. Check whether something "
        "created it again"
    )
    assert ISSUED not in str(caught.value)


@pytest.mark.parametrize("reply", [page(500), page(502), ReadTimeout()])
def test_refusal_that_was_not_seen(
    quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret, warnings: list[str], reply: Any
) -> None:
    quay.answers(CONFIG, ok({"token": ISSUED}), empty(), reply)
    assert removal.remove(secret, ROBOT, None) is None
    assert removal.ended is False
    assert len(warnings) == 1
    assert warnings[0].startswith("acme+ci_a was deleted. Whether Quay refuses the registry tokens")


def test_robot_that_gets_no_registry_token(quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret) -> None:
    quay.answers(CONFIG, refused(), empty())
    assert removal.remove(secret, ROBOT, None) is None
    assert removal.ended is False


def test_deletion_that_fails(quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret) -> None:
    quay.answers(CONFIG, ok({"token": ISSUED}), ReadTimeout(), robot_reply(ROBOT))
    with pytest.raises(TransportError):
        removal.remove(secret, ROBOT, None)
    assert removal.ended is None


@pytest.mark.parametrize(("obstacle", "replies"), [(TEAMS, []), (None, [CONFIG, ok({"token": ISSUED}), MIRRORED])])
def test_robot_that_is_kept(
    quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret, obstacle: Obstacle | None, replies: list[Reply]
) -> None:
    """It gets a token that nobody knows."""
    quay.answers(*replies, robot_reply(NEW))
    kept = removal.remove(secret, ROBOT, obstacle)
    assert kept is not None
    assert kept.reason == (obstacle.reason if obstacle else "is the user of a mirror")
    assert removal.ended is False
    assert paths(quay)[-1] == ("POST", f"{PATH}/regenerate")


@pytest.mark.parametrize("first", [True, False])
def test_one_of_two_is_kept(quay: FakeQuay, removal: RobotRemoval, secret: RobotSecret, first: bool) -> None:
    deletes = [CONFIG, ok({"token": ISSUED}), empty(), GONE]
    quay.answers(*([*deletes, robot_reply(NEW)] if first else [robot_reply(NEW), *deletes]))
    for obstacle in (None, TEAMS) if first else (TEAMS, None):
        removal.remove(secret, ROBOT, obstacle)
    assert removal.ended is False


def test_sentences(context: ModuleContext, warnings: list[str]) -> None:
    warn_of_kept_robot(context, ROBOT, TEAMS)
    assert warnings == [
        "acme+ci_a is a member of teams, so it was not deleted. Its secret was replaced by one that nobody knows, but "
        f"{LIVES_ON}, without end. Take it out of them, and delete acme+ci_a."
    ]
    with pytest.raises(RefusedCredential) as caught:
        refuse_to_replace(ROBOT, TEAMS)
    assert str(caught.value) == (
        "acme+ci_a is a member of teams, so it cannot be deleted. Nothing was changed: its secret is still valid, and "
        f"{LIVES_ON}, without end. Take it out of them, and run the task again. With rotate: always its secret is "
        "replaced at once, but those registry tokens stay valid until the robot is deleted"
    )


def test_granted_access_outlives_the_robot(context: ModuleContext, warnings: list[str]) -> None:
    warn_of_granted_access(context, ROBOT)
    until = re.search(r"are valid until (\S+): they list tags, and push and delete them where acme\+ci_a", warnings[0])
    assert until is not None
    end = datetime.strptime(until[1], "%Y-%m-%dT%H:%M:%S%z")
    assert timedelta(0) <= end - context.client.now() - timedelta(minutes=60) <= timedelta(seconds=30)
