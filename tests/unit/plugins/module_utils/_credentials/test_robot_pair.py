# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robots that carry one credential in turn: what their issuer observes, prepares, mints and retires."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import (
    handle_of,
    pair_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState, Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lookup import RobotLookup
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_pair import PairIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ReadOnlyRegistry
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    FakeQuay,
    Reply,
    empty,
    error,
    ok,
    refused,
    registry_token,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    UNKNOWN_ROBOT,
    as_json,
    deletion_days,
    deletions,
    quay_time,
    robot_reply,
    verification,
    verified,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NO_LIMITS = Policy()
ROBOTS = "/api/v1/organization/acme/robots"
PROTOTYPES = "/api/v1/organization/acme/prototypes"
CONFIG = ok({"registry_state": "normal", "config": {"SERVER_HOSTNAME": "quay.example.com"}, "features": {}})
# Another entry shows that Quay logs the namespace.
NO_DELETION = ok({"aggregated": [{"kind": "pull_repo", "count": 1, "datetime": quay_time(NOW)}]})
MARK = {"tokensmith.quay/credential": "ci"}
PAIR = pair_from_options(RobotName("acme", "ci"), {"strategy": "paired", "pair": None, "name": "acme+ci"})


def robot(short: str, token: str = "", **fields: Any) -> Robot:
    present = Robot(f"acme+{short}", NOW - 40 * DAY, NOW - DAY, "builds", token or f"t0ken of {short}")
    return replace(present, **fields)


A, B = robot("ci_a"), robot("ci_b")


def delivered(robot: Robot, *superseded: Robot, age: timedelta = 10 * DAY) -> StoredSecret:
    """The secret of a robot as a store holds it, with the record of its delivery."""
    handles = tuple(map(handle_of, superseded))
    return stored_secret(str(robot.token), robot.name, created_at=NOW - age, superseded=handles)


def listed(*robots: Robot) -> Reply:
    """The list of all robots, with their teams."""
    return ok({"robots": [{**as_json(robot), "teams": []} for robot in robots]})


def credential(robot: Robot, age: timedelta, source: str = "record", *superseded: Robot) -> Credential:
    return Credential(
        "acme+ci",
        robot.name,
        robot.token,
        created_at=NOW - age,
        last_accessed=robot.last_accessed,
        age_source=source,
        superseded=tuple(map(handle_of, superseded)),
        robot_handle=handle_of(robot),
        strategy="paired",
        details={"description": "builds"},
    )


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def context(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    assert clock == NOW
    return module_context(quay, warnings)


@pytest.fixture
def make(context: ModuleContext) -> Callable[..., PairIssuer]:
    def issuer(policy: Policy = NO_LIMITS, **options: Any) -> PairIssuer:
        return PairIssuer(context, PAIR, policy, RobotLookup(context, "acme"), **options)

    return issuer


def paths(quay: FakeQuay) -> list[tuple[str, str]]:
    """Method and path of each request."""
    return [(method, target.partition("?")[0]) for method, target in quay.calls]


@pytest.mark.parametrize(
    ("explicit", "copy_rights", "invalidates"), [(False, True, False), (True, True, True), (False, False, True)]
)
def test_whether_the_next_turn_ends_a_former_secret(
    context: ModuleContext, explicit: bool, copy_rights: bool, invalidates: bool
) -> None:
    """It does if there are only so many robots. Otherwise the next one has a new name."""
    pair = replace(PAIR, chosen=PAIR.turns if explicit else None)
    issuer = PairIssuer(context, pair, NO_LIMITS, RobotLookup(context, "acme"), copy_rights=copy_rights)
    assert issuer.invalidates is invalidates


# --- observe


def test_no_robot(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    quay.answers(listed(robot("other")))
    issuer = make()
    assert issuer.observe([StoredSecret()]) == Observation(
        ObservedState(exists=False), Credential("acme+ci", "acme+ci_a", details={"description": ""})
    )
    assert issuer.ended is None
    assert paths(quay) == [("GET", ROBOTS)]


def test_active_robot_and_the_former_one(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    """The store names both, so that no list is read."""
    quay.answers(robot_reply(A), robot_reply(B))
    assert make(Policy(max_age=90 * DAY)).observe([delivered(B, A)]) == Observation(
        ObservedState(exists=True, created_at=NOW - 10 * DAY),
        credential(B, 10 * DAY, "record", A),
        predecessors=(handle_of(A),),
    )
    assert paths(quay) == [("GET", f"{ROBOTS}/ci_a"), ("GET", f"{ROBOTS}/ci_b")]


@pytest.mark.parametrize("former", [UNKNOWN_ROBOT, robot_reply(robot("ci_a", "replaced"))])
def test_former_robot_that_was_retired(quay: FakeQuay, make: Callable[..., PairIssuer], former: Reply) -> None:
    """The record names a secret that is not valid any more."""
    quay.answers(former, robot_reply(B))
    observed = make().observe([delivered(B, A)])
    assert (observed.credential.username, observed.credential.superseded) == ("acme+ci_b", ())


def test_stores_of_an_interrupted_delivery(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    """One store holds the next secret already: its robot is the active one."""
    quay.answers(robot_reply(A), robot_reply(B))
    observed = make().observe([delivered(A, age=10 * DAY), delivered(B, A, age=HOUR)])
    assert (observed.credential.username, observed.credential.superseded) == ("acme+ci_b", (handle_of(A),))


# --- prepare and mint


def observe(quay: FakeQuay, issuer: PairIssuer, *stored: StoredSecret) -> Observation:
    """Observe the pair with acme+ci_a as its only robot."""
    quay.answers(robot_reply(A))
    observation = issuer.observe(stored or [delivered(A)])
    quay.requests.clear()
    return observation


def test_prepare_with_rights_of_the_user(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    """Without copy_rights, the other robot of two is next, and no permission is read."""
    issuer = make(copy_rights=False)
    observation = observe(quay, issuer)
    quay.answers(CONFIG, robot_reply(B))
    prepared = issuer.prepare(observation)
    assert prepared == replace(observation, username="acme+ci_b", extra_diff={"username": ("acme+ci_a", "acme+ci_b")})
    assert paths(quay) == [("GET", "/config"), ("GET", f"{ROBOTS}/ci_b")]


def test_prepare_in_a_read_only_registry(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    issuer = make()
    observation = observe(quay, issuer)
    quay.answers(ok({"registry_state": "readonly"}))
    with pytest.raises(ReadOnlyRegistry):
        issuer.prepare(observation)
    assert paths(quay) == [("GET", "/config")]


def test_mint_with_the_idle_robot(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    """Its former secret becomes invalid with it, so that it is not among what must be retired."""
    issuer = make(copy_rights=False)
    quay.answers(robot_reply(A), robot_reply(B))
    observation = issuer.observe([delivered(A, B)])
    assert observation.credential.superseded == (handle_of(B),)
    quay.answers(CONFIG)
    prepared = issuer.prepare(observation)
    quay.requests.clear()
    new = robot("ci_b", "new")
    quay.answers(robot_reply(new), verified())
    minted = issuer.mint(prepared)
    assert (minted.credential, minted.existed) == (credential(new, timedelta(0), "mint", A), True)
    assert paths(quay) == [("POST", f"{ROBOTS}/ci_b/regenerate"), ("GET", "/v2/auth")]


def rights_of(*repositories: str) -> list[Reply]:
    """The default permissions, and the roles of one robot."""
    roles = [{"repository": {"name": name, "is_public": False}, "role": "read"} for name in repositories]
    return [ok({"prototypes": []}), ok({"permissions": roles})]


def grant(*repositories: str) -> Reply:
    access = [{"type": "repository", "name": name, "actions": ["pull"]} for name in repositories]
    return ok({"token": registry_token(access=access)})


def test_rotation_to_a_new_robot(quay: FakeQuay, make: Callable[..., PairIssuer], warnings: list[str]) -> None:
    """It is created with a mark and with the permissions of the active one, which are tried with its token."""
    issuer = make(metadata={"team": "a"})
    observation = observe(quay, issuer)
    quay.answers(CONFIG, listed(A), NO_DELETION, *rights_of("app"))
    prepared = issuer.prepare(observation)
    assert prepared.extra_diff == {
        "username": ("acme+ci_a", "acme+ci_b"),
        "rights": ([], ["read on acme/app"]),
    }
    assert {method for method, _path in paths(quay)} == {"GET"}
    quay.requests.clear()
    new = robot("ci_b", "new", metadata={"team": "a", **MARK})
    role = ok({"role": "read", "name": new.name, "is_robot": True})
    quay.answers(robot_reply(new), role, listed(A, new), *rights_of("app"), grant("acme/app"))
    minted = issuer.mint(prepared)
    assert minted.credential == credential(new, timedelta(0), "mint", A)
    assert quay.requests[0].body == {
        "description": "builds",
        "unstructured_metadata": {"team": "a", **MARK},
    }
    assert paths(quay) == [
        ("PUT", f"{ROBOTS}/ci_b"),
        ("PUT", "/api/v1/repository/acme/app/permissions/user/acme%2Bci_b"),
        ("GET", ROBOTS),
        ("GET", PROTOTYPES),
        ("GET", f"{ROBOTS}/ci_b/permissions"),
        ("GET", "/v2/auth"),
    ]
    assert warnings == []


def test_new_robot_that_may_do_less(quay: FakeQuay, make: Callable[..., PairIssuer]) -> None:
    """The active robot is granted what the new one is not, so the new secret is not delivered."""
    issuer = make()
    observation = observe(quay, issuer)
    quay.answers(CONFIG, listed(A), NO_DELETION, *rights_of("app"))
    prepared = issuer.prepare(observation)
    new = robot("ci_b", "new", metadata=MARK)
    quay.answers(robot_reply(new), ok({}), listed(A, new), *rights_of("app"), grant(), grant("acme/app"))
    with pytest.raises(RefusedCredential, match=r"does not open what that of the active robot opens: acme/app:pull\. "):
        issuer.mint(prepared)


EXISTS = error(400, "Existing robot with name: acme+ci_b", "invalid_request")


def test_robot_that_another_run_created_meanwhile(
    quay: FakeQuay, make: Callable[..., PairIssuer], warnings: list[str]
) -> None:
    """It belongs to the credential by its name, so that both runs deliver its token."""
    issuer = make()
    observation = observe(quay, issuer)
    quay.answers(CONFIG, listed(A), NO_DELETION, *rights_of())
    prepared = issuer.prepare(observation)
    new = robot("ci_b", "of the other run", metadata=MARK)
    quay.answers(EXISTS, robot_reply(new), grant("acme/credential-proof"))
    assert issuer.mint(prepared).credential.secret == "of the other run"
    assert warnings == ["acme+ci_b was created by another run at the same moment. Its token is used."]


@pytest.mark.parametrize("metadata", [{}, {"tokensmith.quay/credential": "other"}])
def test_robot_that_somebody_else_created_meanwhile(
    quay: FakeQuay, make: Callable[..., PairIssuer], metadata: dict[str, str]
) -> None:
    """The two usual names are resting, so that the third one is next. It is somebody else's now."""
    issuer = make()
    observation = observe(quay, issuer)
    quay.answers(
        CONFIG, listed(A), deletion_days(NOW), deletions({"ci_b": NOW - timedelta(minutes=10)}), *rights_of("app")
    )
    prepared = issuer.prepare(observation)
    assert prepared.username == "acme+ci_c"
    quay.requests.clear()
    quay.answers(EXISTS, robot_reply(robot("ci_c", metadata=metadata)))
    with pytest.raises(RefusedCredential) as caught:
        issuer.mint(prepared)
    assert str(caught.value) == (
        "A robot of the name acme+ci_c was created meanwhile, but not for this credential. It was not changed, and "
        "nothing was delivered. Run the task again: it chooses another name"
    )
    assert paths(quay) == [("PUT", f"{ROBOTS}/ci_c"), ("GET", f"{ROBOTS}/ci_c")]


# --- retire


@pytest.fixture
def switched(quay: FakeQuay, make: Callable[..., PairIssuer]) -> Callable[..., PairIssuer]:
    """The issuer after a rotation from acme+ci_a to acme+ci_b, when consumers have had time to switch."""

    def issuer(**options: Any) -> PairIssuer:
        found = make(**options)
        quay.answers(robot_reply(A), robot_reply(B))
        found.observe([delivered(B, A)])
        quay.requests.clear()
        return found

    return issuer


def test_former_robot_is_deleted(quay: FakeQuay, switched: Callable[..., PairIssuer], warnings: list[str]) -> None:
    """A registry token that was issued to it is refused afterwards: all access has ended."""
    issuer = switched()
    issued = registry_token(sub="acme+ci_a")
    quay.answers(robot_reply(A), listed(A, B), ok([]), CONFIG, ok({"token": issued}), empty(), refused())
    issuer.retire(handle_of(A))
    assert issuer.ended is True
    assert paths(quay) == [
        ("GET", f"{ROBOTS}/ci_a"),
        ("GET", ROBOTS),
        ("GET", f"{ROBOTS}/ci_a/federation"),
        ("GET", "/config"),
        ("GET", "/v2/auth"),
        ("DELETE", f"{ROBOTS}/ci_a"),
        ("GET", "/v2/auth"),
    ]
    assert quay.requests[-1] == verification("acme+ci_a", issued)
    assert warnings == []


@pytest.mark.parametrize("found", [UNKNOWN_ROBOT, robot_reply(robot("ci_a", "in use again"))])
def test_former_robot_that_is_gone_or_used_again(
    quay: FakeQuay, switched: Callable[..., PairIssuer], found: Reply
) -> None:
    """The handle names a secret that is invalid already. Nothing is deleted."""
    issuer = switched()
    quay.answers(found)
    issuer.retire(handle_of(A))
    assert (paths(quay), issuer.ended) == ([("GET", f"{ROBOTS}/ci_a")], None)


def test_former_robot_that_keeps_its_permissions(
    quay: FakeQuay, switched: Callable[..., PairIssuer], warnings: list[str]
) -> None:
    """Without copy_rights it is not deleted. Its secret is replaced by one that nobody knows."""
    issuer = switched(copy_rights=False)
    quay.answers(robot_reply(A), robot_reply(robot("ci_a", "unknown to all")))
    issuer.retire(handle_of(A))
    assert paths(quay) == [("GET", f"{ROBOTS}/ci_a"), ("POST", f"{ROBOTS}/ci_a/regenerate")]
    assert issuer.ended is False
    assert len(warnings) == 1
    assert warnings[0].startswith("acme+ci_a has permissions that are not copied (copy_rights: false), so it was not")


def test_former_robot_with_federation_is_kept(
    quay: FakeQuay, switched: Callable[..., PairIssuer], warnings: list[str]
) -> None:
    issuer = switched()
    federation = ok([{"issuer": "https://idp.example.com", "subject": "build"}])
    quay.answers(robot_reply(A), listed(A, B), federation, robot_reply(robot("ci_a", "unknown to all")))
    issuer.retire(handle_of(A))
    assert paths(quay)[-1] == ("POST", f"{ROBOTS}/ci_a/regenerate")
    assert "has federation, whose workloads know it by name, so it was not deleted" in warnings[0]
