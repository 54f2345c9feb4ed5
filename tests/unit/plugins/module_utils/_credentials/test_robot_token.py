# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robot tokens: the policy, one robot whose token is replaced in place, and the observation of many robots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential, Record
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declared import DeclaredCredential, Observed
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import (
    Pair,
    handle_of,
    pair_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState, Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lookup import AgeQuery, RobotLookup
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_pair import PairIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_token import (
    RobotIssuer,
    ensure_robot_token,
    observe_robots,
    robot_credential,
    robot_issuer,
    robot_policy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order import Minted
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    NotAuthenticated,
    RateLimited,
    ReadOnlyRegistry,
    TransportError,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    ORIGIN,
    FakeQuay,
    Reply,
    empty,
    error,
    ok,
    page,
    refused,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    FORBIDDEN,
    UNKNOWN_ROBOT,
    change_days,
    changes,
    quay_time,
    robot_list,
    robot_reply,
    verified,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)

CI = RobotName("acme", "ci")
ROBOTS = "/api/v1/organization/acme/robots"
READABLE = ok({"registry_state": "normal"})
LIVES_ON = (
    "registry tokens that were issued to it are still accepted as its password for an hour, and each login with one "
    "gives another"
)


def robot(short: str = "ci", token: str | None = "s3cret", namespace: str = "acme") -> Robot:
    return Robot(f"{namespace}+{short}", NOW - 400 * DAY, NOW - DAY, "builds", token)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def context(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    assert clock == NOW
    return module_context(quay, warnings)


def paths(quay: FakeQuay) -> list[tuple[str, str]]:
    """Method and path of each request."""
    return [(method, target.partition("?")[0]) for method, target in quay.calls]


# --- the policy

STORE: dict[str, Any] = {"kind": "file", "path": "/token", "format": None}
WITHOUT_USERNAME = (
    "strategy: paired changes the user name with each rotation, and a file with the token alone has no place for it. "
    "Use deliver with format: json, yaml or env, or with kind: container_auth"
)


def test_policy() -> None:
    """A replaced secret may live until another run, because robots can take turns."""
    options = {"rotate": "when_due", "max_age": "90d", "retire_after": "1d", "strategy": "in_place"}
    expected = Policy(max_age=90 * DAY, retire_after=DAY, overlaps=True)
    assert robot_policy(options) == expected
    for store in ({**STORE, "format": "json"}, {**STORE, "kind": "container_auth"}):
        assert robot_policy({**options, "strategy": "paired", "deliver": [store]}) == expected
    assert robot_policy({**options, "federation": []}) == expected


@pytest.mark.parametrize("holder", [{"token_path": "/token"}, {"deliver": [STORE]}])
def test_policy_of_a_pair_that_is_removed(holder: dict[str, Any]) -> None:
    """Its stores need no place for a user name any more."""
    options = {"rotate": "when_due", "strategy": "paired", "state": "absent", **holder}
    assert robot_policy(options) == Policy(overlaps=True)


def test_policy_for_a_leaked_secret() -> None:
    """The former robot is deleted at once, whatever the grace period."""
    options = {"rotate": "compromised", "max_age": "90d", "retire_after": "1d", "strategy": "in_place"}
    for store in ({**STORE, "format": "json"}, {**STORE, "kind": "container_auth"}):
        assert robot_policy({**options, "deliver": [store]}) == Policy(
            "compromised", 90 * DAY, retire_after=timedelta(0), overlaps=True
        )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"deliver": [STORE]}, "/token holds the secret without its user name. Use another format"),
        (
            {"deliver": [{**STORE, "format": "token"}, {**STORE, "path": "/b"}]},
            "/token, /b holds the secret without its user name. Use another format",
        ),
        ({"token_path": "/path"}, "/path holds the secret without its user name. Use another format"),
        ({}, "deliver is missing. Name the stores that consumers read"),
        ({"current_token": "s3cret"}, "deliver is missing. Name the stores that consumers read"),
        (
            {"deliver": [{**STORE, "format": "json"}], "copy_rights": False},
            "with copy_rights: false, the next robot would have no permissions. Leave it out",
        ),
        (
            {"deliver": [{**STORE, "format": "json"}], "federation": []},
            "federation belongs to one robot. Set it to an empty list in a run without rotate, and leave it out",
        ),
    ],
)
def test_leaked_secret_that_cannot_move_to_another_robot(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        robot_policy({"name": "acme+ci", "rotate": "compromised", "strategy": "in_place", **options})
    assert str(caught.value) == (
        "rotate: compromised gives the credential to a robot of another name, and deletes acme+ci, because "
        f"{LIVES_ON}. {problem}. Nothing was changed: the secret is still valid. With rotate: always it is replaced at "
        "once, but those registry tokens stay valid without end, until the robot is deleted"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"strategy": "paired"},
            "strategy: paired needs deliver, because the stores show which robot the consumers use",
        ),
        (
            {"strategy": "paired", "deliver": [], "token_path": None, "current_token": "s3cret"},
            "strategy: paired needs deliver, because the stores show which robot the consumers use",
        ),
        (
            {"strategy": "paired", "deliver": [{**STORE, "format": "env"}], "federation": []},
            "federation belongs to one robot; it cannot be given together with strategy: paired",
        ),
        ({"strategy": "paired", "token_path": "/token"}, WITHOUT_USERNAME),
        ({"strategy": "paired", "deliver": [STORE]}, WITHOUT_USERNAME),
        ({"strategy": "paired", "deliver": [{**STORE, "format": "json"}, STORE]}, WITHOUT_USERNAME),
        (
            {"max_age": "1d", "retire_after": "1d"},
            "retire_after must be shorter than max_age, because only two robots take turns",
        ),
        (
            {"max_age": "1d", "retire_after": "2d"},
            "retire_after must be shorter than max_age, because only two robots take turns",
        ),
        ({"max_age": "soon"}, "max_age must be a duration such as 90d, 12h or 30m, not 'soon'"),
    ],
)
def test_invalid_policy(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        robot_policy({"rotate": "when_due", "strategy": "in_place", **options})
    assert str(caught.value) == message


# --- one robot

Issuers = Callable[..., RobotIssuer]


@pytest.fixture
def issuer(context: ModuleContext) -> RobotIssuer:
    return RobotIssuer(context, CI, Policy(max_age=90 * DAY), RobotLookup(context, "acme"))


def credential(found: Robot, created: datetime | None, source: str | None) -> Credential:
    return Credential(
        "acme+ci",
        found.name,
        found.token,
        created_at=created,
        last_accessed=NOW - DAY,
        age_source=source,
        details={"description": "builds"},
    )


def test_credential_of_a_robot() -> None:
    """It has no uuid and no handle: its former token cannot outlive it."""
    found = robot_credential("acme+ci", robot(), (NOW, "mint"))
    assert found == credential(robot(), NOW, "mint")
    assert found.handle is None


@pytest.mark.parametrize(("kind", "record_required"), [(RobotIssuer, False), (PairIssuer, True)])
def test_kind_of_issuer(kind: type[RobotIssuer] | type[PairIssuer], record_required: bool) -> None:
    """Quay returns a robot's token again. Of a pair, the records show which robot is next."""
    assert (kind.changes_quay, kind.secret_is_readable, kind.record_required) == (True, True, record_required)


def test_observe(quay: FakeQuay, issuer: RobotIssuer) -> None:
    quay.answers(robot_reply(robot()), change_days(NOW - DAY), changes({"ci": NOW - DAY}))
    assert issuer.observe([]) == Observation(
        ObservedState(exists=True, created_at=NOW - DAY), credential(robot(), NOW - DAY, "log")
    )


def test_observe_a_recorded_token(quay: FakeQuay, issuer: RobotIssuer) -> None:
    quay.answers(robot_reply(robot()))
    stored = [StoredSecret(), stored_secret("s3cret", created_at=NOW - 2 * DAY)]
    assert issuer.observe(stored) == Observation(
        ObservedState(exists=True, created_at=NOW - 2 * DAY), credential(robot(), NOW - 2 * DAY, "record")
    )


def test_observe_a_missing_robot(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(UNKNOWN_ROBOT)
    issuer = RobotIssuer(context, CI, Policy(), RobotLookup(context, "acme"), "builds")
    assert issuer.observe([stored_secret("s3cret")]) == Observation(
        ObservedState(exists=False), Credential("acme+ci", "acme+ci", details={"description": "builds"})
    )


def test_observe_warns_of_fixed_fields(quay: FakeQuay, context: ModuleContext, warnings: list[str]) -> None:
    quay.answers(robot_reply(replace(robot(), metadata={})))
    RobotIssuer(context, CI, Policy(), RobotLookup(context, "acme"), "other", {"team": "a"}).observe([])
    assert [warning.partition(" of ")[0] for warning in warnings] == ["The description", "The metadata"]


def test_age_query(quay: FakeQuay, issuer: RobotIssuer) -> None:
    quay.answers(robot_reply(robot()))
    stored = [StoredSecret("former"), stored_secret("s3cret", created_at=NOW)]
    for _time in range(2):
        assert issuer.age_query(stored) == AgeQuery(robot(), 90 * DAY, [stored[1].record or Record()])


def test_age_query_of_a_missing_robot(quay: FakeQuay, issuer: RobotIssuer) -> None:
    quay.answers(UNKNOWN_ROBOT)
    assert issuer.age_query([]) is None


EXISTING = Observation(ObservedState(exists=True), Credential("acme+ci", "acme+ci", "s3cret"))
MISSING = Observation(ObservedState(exists=False), Credential("acme+ci", "acme+ci"))
DELETIONS = ("GET", "/api/v1/organization/acme/aggregatelogs")


def deletion_days(*moments: datetime) -> Reply:
    """The days on which a robot was deleted. Another entry shows that Quay logs the namespace."""
    days = [{"kind": "delete_robot", "count": 1, "datetime": quay_time(moment)} for moment in moments]
    return ok({"aggregated": [{"kind": "pull_repo", "count": 1, "datetime": quay_time(NOW)}, *days]})


def deletions(moment: datetime, short: str = "ci") -> Reply:
    """The log of one day: when a robot was deleted."""
    entry = {"kind": "delete_robot", "metadata": {"robot": short}, "datetime": quay_time(moment)}
    return ok({"logs": [entry]})


def test_prepare(quay: FakeQuay, issuer: RobotIssuer, warnings: list[str]) -> None:
    quay.answers(READABLE)
    assert issuer.prepare(EXISTING) is EXISTING
    assert paths(quay) == [("GET", "/config")]
    assert warnings == []


def test_forced_rotation_does_not_end_a_leak(quay: FakeQuay, context: ModuleContext, warnings: list[str]) -> None:
    quay.answers(READABLE)
    issuer = RobotIssuer(context, CI, Policy(rotate="always"), RobotLookup(context, "acme"))
    assert issuer.prepare(EXISTING) is EXISTING
    assert warnings == [
        f"A new token makes the former secret of acme+ci invalid, but {LIVES_ON}, without end, until acme+ci is "
        "deleted. If the secret leaked, run the task with rotate: compromised."
    ]


@pytest.mark.parametrize("forced", [False, True])
def test_prepare_of_a_new_robot(quay: FakeQuay, context: ModuleContext, warnings: list[str], forced: bool) -> None:
    """Nothing was issued to it, unless a robot of its name was deleted lately."""
    quay.answers(READABLE, deletion_days())
    policy = Policy(rotate="always" if forced else "when_due")
    assert RobotIssuer(context, CI, policy, RobotLookup(context, "acme")).prepare(MISSING) is MISSING
    assert paths(quay) == [("GET", "/config"), DELETIONS]
    assert warnings == []


@pytest.mark.parametrize(
    ("short", "minutes", "warns"), [("ci", 10, True), ("ci", 64, True), ("ci", 66, False), ("other", 10, False)]
)
def test_prepare_of_a_robot_that_was_deleted_lately(
    quay: FakeQuay, issuer: RobotIssuer, warnings: list[str], short: str, minutes: int, warns: bool
) -> None:
    """Registry tokens of the deleted robot are accepted again as a password of the new one."""
    deleted = NOW - timedelta(minutes=minutes)
    quay.answers(READABLE, deletion_days(deleted), deletions(deleted, short))
    assert issuer.prepare(MISSING) is MISSING
    expected = (
        f"A robot of the name acme+ci was deleted at {deleted:%Y-%m-%dT%H:%M:%SZ}. Registry tokens that were issued to "
        "it are accepted again as a password of the new one until "
        f"{deleted + timedelta(minutes=65):%Y-%m-%dT%H:%M:%SZ}, and each login with one gives another. If its secret "
        "leaked, use another name, or create it later."
    )
    assert warnings == ([expected] if warns else [])


@pytest.mark.parametrize("reply", [FORBIDDEN, page(500), ok({"aggregated": [], "search_unavailable": True})])
def test_prepare_of_a_new_robot_without_logs(
    quay: FakeQuay, issuer: RobotIssuer, warnings: list[str], reply: Reply
) -> None:
    quay.answers(READABLE, reply)
    assert issuer.prepare(MISSING) is MISSING
    assert warnings == []


def test_prepare_in_a_read_only_registry(quay: FakeQuay, issuer: RobotIssuer) -> None:
    quay.answers(ok({"registry_state": "readonly"}))
    with pytest.raises(ReadOnlyRegistry) as caught:
        issuer.prepare(Observation(ObservedState(exists=True), Credential("acme+ci", "acme+ci")))
    assert str(caught.value) == (f"POST {ORIGIN}{ROBOTS}/ci/regenerate: the registry is read-only; nothing was changed")


@pytest.mark.parametrize("observed", [EXISTING, MISSING])
def test_prepare_on_a_server_without_robots(quay: FakeQuay, issuer: RobotIssuer, observed: Observation) -> None:
    """It is refused before the token is replaced by one that Quay does not accept."""
    quay.answers(ok({"config": {"ROBOTS_DISALLOW": True}}), *([refused()] if observed is EXISTING else []))
    with pytest.raises(BadInput, match=r"^This Quay does not allow robot accounts \(ROBOTS_DISALLOW in its conf"):
        issuer.prepare(observed)


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("check_mode", [False, True])
def test_user_of_a_robot_in_the_own_namespace(quay: FakeQuay, clock: datetime, exists: bool, check_mode: bool) -> None:
    """Check mode cannot read it from a robot that does not exist, so it asks who the user is."""
    context = module_context(quay, check_mode=check_mode, auth=BearerAuth("s3cret"))
    issuer = RobotIssuer(context, RobotName(None, "ci"), Policy(), RobotLookup(context, None))
    observed = Observation(ObservedState(exists=exists), Credential("ci", "ci"))
    asks = check_mode and not exists
    user_deletions = ("GET", "/api/v1/user/aggregatelogs")
    requests = [("GET", "/config"), *([] if exists else [user_deletions]), *([("GET", "/v2/auth")] if asks else [])]
    quay.answers(READABLE, *([] if exists else [deletion_days()]), *([verified(sub="ann")] if asks else []))
    assert issuer.prepare(observed) == (replace(observed, username="ann+ci") if asks else observed)
    assert paths(quay) == requests


def test_mint(quay: FakeQuay, issuer: RobotIssuer) -> None:
    new = robot(token="new")
    quay.answers(robot_reply(robot()), change_days(NOW), changes({"ci": NOW}), robot_reply(new), verified())
    observed = issuer.observe([])
    assert issuer.ended is None
    assert issuer.mint(observed) == Minted(credential(new, NOW, "mint"), existed=True)
    assert issuer.ended is False, "registry tokens of the former token are still accepted"
    assert paths(quay)[-2:] == [("POST", f"{ROBOTS}/ci/regenerate"), ("GET", "/v2/auth")]


def test_mint_of_a_missing_robot(quay: FakeQuay, issuer: RobotIssuer) -> None:
    new = robot(token="new")
    quay.answers(UNKNOWN_ROBOT, robot_reply(new), verified())
    assert issuer.mint(issuer.observe([])) == Minted(credential(new, NOW, "mint"), existed=False)
    assert issuer.ended is None
    assert paths(quay) == [("GET", f"{ROBOTS}/ci"), ("PUT", f"{ROBOTS}/ci"), ("GET", "/v2/auth")]


def test_mint_of_a_robot_that_was_deleted_meanwhile(quay: FakeQuay, issuer: RobotIssuer) -> None:
    new = robot(token="new")
    quay.answers(robot_reply(robot()), change_days(NOW), changes({"ci": NOW}))
    observed = issuer.observe([])
    quay.answers(UNKNOWN_ROBOT, robot_reply(new), verified())
    assert issuer.mint(observed) == Minted(credential(new, NOW, "mint"), existed=False)


def test_mint_with_a_lost_response(quay: FakeQuay, issuer: RobotIssuer) -> None:
    """The token that was observed shows whether the robot has another one now."""
    new = robot(token="new")
    quay.answers(robot_reply(robot()), change_days(NOW), changes({"ci": NOW}))
    observed = issuer.observe([])
    quay.answers(ReadTimeout(), robot_reply(robot()))
    with pytest.raises(TransportError):
        issuer.mint(observed)
    quay.answers(ReadTimeout(), robot_reply(new), verified())
    assert issuer.mint(observed) == Minted(credential(new, NOW, "mint"), existed=True)


def test_mint_without_a_verification(quay: FakeQuay, issuer: RobotIssuer) -> None:
    new = robot(token="new")
    quay.answers(robot_reply(robot()), change_days(NOW), changes({"ci": NOW}), robot_reply(new), page(502))
    minted = issuer.mint(issuer.observe([]))
    assert replace(minted, verification_error=None) == Minted(credential(new, NOW, "mint"), existed=True)
    assert str(minted.verification_error) == f"GET {ORIGIN}/v2/auth: Quay answered 502: Some page"


def test_nothing_is_retired(quay: FakeQuay, issuer: RobotIssuer) -> None:
    issuer.retire("acme+ci@0123456789ab")
    assert quay.requests == []


# --- the namespace of a robot

ABSENT: dict[str, Any] = {
    "strategy": "in_place",
    "pair": None,
    "description": None,
    "federation": None,
    "permissions": None,
    "rotate": "when_due",
    "state": "absent",
}


@pytest.mark.parametrize(
    ("name", "auth", "path", "warns"),
    [
        ("acme+ci", SessionAuth("ann", "s3cret"), f"{ROBOTS}/ci", False),
        ("ann+ci", SessionAuth("ann", "s3cret"), "/api/v1/user/robots/ci", False),
        ("ann+ci", BearerAuth("login"), "/api/v1/organization/ann/robots/ci", False),
        ("ci", SessionAuth("ann", "s3cret"), "/api/v1/user/robots/ci", True),
        ("ci", BearerAuth("login"), "/api/v1/user/robots/ci", True),
    ],
)
def test_namespace_of_a_robot(quay: FakeQuay, name: str, auth: Auth, path: str, warns: bool) -> None:
    """A name without an organization is a robot of the user: it is easily written by mistake."""
    warnings: list[str] = []
    sign_in = [ok({"csrf_token": "x"}), ok({})] if auth.kind == "session" else []
    quay.answers(*sign_in, UNKNOWN_ROBOT)
    context = module_context(quay, warnings, auth=auth, params={"name": name, **ABSENT})
    assert not ensure_robot_token(context).changed
    assert paths(quay)[-1] == ("GET", path)
    expected = (
        "name: ci has no organization, so it is a robot in the personal namespace of the login. Write organization+ci "
        "for a robot of an organization, or user+ci to say that this is meant."
    )
    assert warnings == ([expected] if warns else [])


# --- state: absent


def test_absent(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(robot_reply(robot()), READABLE, empty())
    context.params.update({"name": "acme+ci", **ABSENT})
    result = ensure_robot_token(context)
    assert paths(quay) == [("GET", f"{ROBOTS}/ci"), ("GET", "/config"), ("DELETE", f"{ROBOTS}/ci")]
    assert (result.changed, result.values["deleted"], result.values["ended"]) == (True, ["acme+ci"], None)
    assert result.before == {"name": "acme+ci", "token": "present"}
    assert result.after == {"name": "acme+ci", "token": "absent"}


def test_absent_pair(quay: FakeQuay, context: ModuleContext, tmp_path: Path) -> None:
    """Of the robots that are no longer usual, those that were created for the credential are deleted, too."""
    mark = {"tokensmith.quay/credential": "ci"}
    listed = [robot(short) for short in ("ci_a", "ci_c", "ci_d", "ci", "other")]
    quay.answers(
        robot_list(*listed),
        robot_reply(replace(robot("ci_c"), metadata=mark)),
        robot_reply(replace(robot("ci_d"), metadata={})),
        READABLE,
        empty(),
        empty(),
    )
    options = {**ABSENT, "strategy": "paired", "token_path": str(tmp_path / "token")}
    context.params.update({"name": "acme+ci", **options})
    result = ensure_robot_token(context)
    assert result.values["deleted"] == ["acme+ci_a", "acme+ci_c"]
    assert [path for method, path in paths(quay) if method == "DELETE"] == [f"{ROBOTS}/ci_a", f"{ROBOTS}/ci_c"]


def test_absent_in_check_mode(quay: FakeQuay) -> None:
    quay.answers(robot_reply(robot()), READABLE)
    context = module_context(quay, check_mode=True, params={"name": "acme+ci", **ABSENT})
    result = ensure_robot_token(context)
    assert (result.changed, result.values["deleted"]) == (True, ["acme+ci"])
    assert {method for method, _path in paths(quay)} == {"GET"}


# --- the issuer of a strategy

PAIR: dict[str, Any] = {"strategy": "paired", "pair": None}
ALONE: dict[str, Any] = {"strategy": "in_place", "pair": None}
OF_MEMBER = stored_secret("token of ci_a", "acme+ci_a")
OF_STRANGER = stored_secret("token of a stranger", "acme+old_a")


@pytest.mark.parametrize(
    ("params", "stored", "kind"),
    [
        (ALONE, [], RobotIssuer),
        (ALONE, [stored_secret("s3cret", "acme+ci")], RobotIssuer),
        (ALONE, [OF_STRANGER], RobotIssuer),
        (ALONE, [OF_MEMBER], PairIssuer),
        (PAIR, [], PairIssuer),
        (PAIR, [OF_MEMBER], PairIssuer),
    ],
)
def test_issuer(
    quay: FakeQuay, context: ModuleContext, params: dict[str, Any], stored: list[StoredSecret], kind: type
) -> None:
    """Moving from a pair to one robot is a rotation between robots. No request is sent."""
    pair, lookup = pair_from_options(CI, params), RobotLookup(context, "acme")
    issuer = robot_issuer(context, pair, Policy(), params, stored, lookup)
    assert isinstance(issuer, kind)
    assert quay.requests == []


def test_issuer_for_a_leaked_secret(quay: FakeQuay, context: ModuleContext) -> None:
    """Another robot carries the credential afterwards."""
    pair, lookup = pair_from_options(CI, ALONE), RobotLookup(context, "acme")
    assert isinstance(robot_issuer(context, pair, Policy("compromised"), ALONE, [], lookup), PairIssuer)


def test_issuer_of_a_pair_refuses_unknown_robots(context: ModuleContext) -> None:
    pair: Pair = pair_from_options(CI, PAIR)
    with pytest.raises(BadInput, match="acme\\+old_a is none of its robots"):
        robot_issuer(context, pair, Policy(), PAIR, [OF_STRANGER], RobotLookup(context, "acme"))


# --- many robots


def declared(
    position: int, name: str, stored: list[StoredSecret] | None = None, max_age: timedelta | None = None, **params: Any
) -> DeclaredCredential:
    return DeclaredCredential(
        position, {"kind": "robot", "name": name, **ALONE, **params}, Policy(max_age=max_age), stored or []
    )


def shown(observed: Observed) -> tuple[int, Any, bool]:
    """An observed credential: its position, its outcome or the text of its error, and whether records are required."""
    outcome = str(observed.outcome) if isinstance(observed.outcome, QuayError) else observed.outcome
    return observed.declared.position, outcome, observed.record_required


def observation(name: str, found: Robot, created: datetime | None = None, source: str | None = None) -> Observation:
    return Observation(
        ObservedState(exists=True, created_at=created),
        robot_credential(name, found, (created, source)),
    )


def test_one_list_and_one_pass_through_the_logs_for_each_namespace(quay: FakeQuay, context: ModuleContext) -> None:
    robots = {short: robot(short, f"token of {short}") for short in ("a1", "b1", "c1", "ci_a", "ci_b")}
    other, own = robot("a1", "other", "other"), robot("a1", "own", "ann")
    quay.answers(
        robot_list(*robots.values()),
        change_days(NOW - DAY),
        changes({"a1": NOW - DAY, "ci_a": NOW - 2 * DAY}),
        robot_list(other),
        robot_list(own),
        change_days(NOW - 3 * DAY),
        changes({"a1": NOW - 3 * DAY}),
    )
    recorded = stored_secret("token of b1", created_at=NOW - 5 * DAY)
    held = StoredSecret("token of ci_a", None, "acme+ci_a")
    found = list(
        observe_robots(
            context,
            [
                declared(0, "acme+a1", max_age=20 * DAY),
                declared(1, "other+a1"),
                declared(2, "acme+none", max_age=20 * DAY),
                declared(3, "acme+b1", [recorded], 20 * DAY),
                declared(4, "acme+c1"),
                declared(5, "acme+ci", [held], 20 * DAY, **PAIR),
                declared(6, "a1", max_age=10 * DAY),
            ],
        )
    )
    idle = handle_of(robots["ci_b"])
    pair = Observation(
        ObservedState(exists=True, created_at=NOW - 2 * DAY),
        Credential(
            "acme+ci",
            "acme+ci_a",
            "token of ci_a",
            created_at=NOW - 2 * DAY,
            last_accessed=NOW - DAY,
            age_source="log",
            superseded=(idle,),
            robot_handle=handle_of(robots["ci_a"]),
            strategy="paired",
            details={"description": "builds"},
        ),
        predecessors=(idle,),
    )
    missing = Credential("acme+none", "acme+none", details={"description": ""})
    assert [shown(observed) for observed in found] == [
        (0, observation("acme+a1", robots["a1"], NOW - DAY, "log"), False),
        (2, Observation(ObservedState(exists=False), missing), False),
        (3, observation("acme+b1", robots["b1"], NOW - 5 * DAY, "record"), False),
        (4, observation("acme+c1", robots["c1"]), False),
        (5, pair, True),
        (1, observation("other+a1", other), False),
        (6, observation("a1", own, NOW - 3 * DAY, "log"), False),
    ]
    assert [path for _method, path in paths(quay)] == [
        ROBOTS,
        "/api/v1/organization/acme/aggregatelogs",
        "/api/v1/organization/acme/logs",
        "/api/v1/organization/other/robots",
        "/api/v1/user/robots",
        "/api/v1/user/aggregatelogs",
        "/api/v1/user/logs",
    ]


def test_no_robots(quay: FakeQuay, context: ModuleContext) -> None:
    assert list(observe_robots(context, [])) == []


def test_errors_of_single_robots(quay: FakeQuay, context: ModuleContext) -> None:
    """Each is reported for its credential. The others are observed."""
    quay.answers(robot_list(robot(), robot("hidden", None)), robot_list())
    found = list(
        observe_robots(
            context,
            [
                declared(0, "acme+CI"),
                declared(1, "acme+ci"),
                declared(2, "acme+hidden"),
                declared(3, "acme+ci", [OF_STRANGER], **PAIR),
                declared(4, "acme+ci", pair=["acme+blue", "other+green"]),
                declared(5, "other+ci"),
            ],
        )
    )
    results = {position: outcome for position, outcome, _required in map(shown, found)}
    assert str(results[0]).startswith("name: 'acme+CI' is not a valid robot name. ")
    assert results[1] == observation("acme+ci", robot())
    assert str(results[2]).startswith("This login may see the robot acme+hidden but not its token, which Quay shows to")
    assert str(results[3]).startswith("A store of acme+ci holds a secret of acme+old_a from an earlier delivery, and ")
    assert str(results[4]).startswith("pair: all robots must be in the namespace of acme+ci, because permissions end")
    assert not results[5].state.exists
    assert len(results) == 6


@pytest.mark.parametrize("stored", [[OF_STRANGER], []])
def test_pair_that_is_declared_absent(quay: FakeQuay, context: ModuleContext, stored: list[StoredSecret]) -> None:
    """What is deleted needs no permissions, so a store may hold the secret of any robot."""
    quay.answers(robot_list(robot("ci_a"), robot("ci_b")))
    (found,) = observe_robots(context, [declared(0, "acme+ci", stored, state="absent", **PAIR)])
    assert isinstance(found.outcome, Observation)
    assert (found.outcome.state.exists, found.record_required) == (True, True)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (
            FORBIDDEN,
            "Quay answered 403: Unauthorized. The login lacks the permission, or the object does not exist (Quay does "
            "not say which)",
        ),
        (error(404, "Not Found", "not_found"), "Quay answered 404: Not Found"),
    ],
)
def test_namespace_that_cannot_be_read(quay: FakeQuay, context: ModuleContext, reply: Reply, problem: str) -> None:
    quay.answers(reply, verified(sub="ann"), robot_list(robot("ci", namespace="other")))
    found = list(observe_robots(context, [declared(0, "acme+ci"), declared(1, "other+ci"), declared(2, "acme+other")]))
    message = f"GET {ORIGIN}{ROBOTS}: {problem}"
    assert [shown(observed) for observed in found] == [
        (0, message, False),
        (2, message, False),
        (1, observation("other+ci", robot("ci", namespace="other")), False),
    ]


def test_observe_robots_of_the_signed_in_user(quay: FakeQuay, clock: datetime) -> None:
    """Their names may begin with the user's name, as Quay shows them."""
    context = module_context(quay, auth=SessionAuth("ann", "s3cret"))
    own = robot("ci", namespace="ann")
    quay.answers(ok({"csrf_token": "csrf-1"}), ok({"success": True}), robot_list(own))
    (found,) = observe_robots(context, [declared(0, "ann+ci")])
    assert shown(found) == (0, observation("ann+ci", own), False)
    assert paths(quay)[2:] == [("GET", "/api/v1/user/robots")]


@pytest.mark.parametrize("subject", ["ann", "bob"])
def test_observe_robots_of_the_user_of_a_token(quay: FakeQuay, context: ModuleContext, subject: str) -> None:
    """A token that lacks org:admin may read those of its own user, which is asked only after a refusal."""
    own = robot("ci", namespace="ann")
    quay.answers(FORBIDDEN, verified(sub=subject), *([robot_list(own)] if subject == "ann" else []))
    (found,) = observe_robots(context, [declared(0, "ann+ci")])
    assert paths(quay)[:2] == [("GET", "/api/v1/organization/ann/robots"), ("GET", "/v2/auth")]
    if subject == "ann":
        assert shown(found) == (0, observation("ann+ci", own), False)
        assert paths(quay)[2:] == [("GET", "/api/v1/user/robots")]
    else:
        assert isinstance(found.outcome, ApiError)


def test_observe_warns_of_a_robot_without_an_organization(
    quay: FakeQuay, context: ModuleContext, warnings: list[str]
) -> None:
    quay.answers(robot_list(robot("ci", namespace="ann")))
    list(observe_robots(context, [declared(0, "ci")]))
    assert [warning.partition(",")[0] for warning in warnings] == ["name: ci has no organization"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "Requires authentication", "invalid_token"), NotAuthenticated),
        (page(429), RateLimited),
        (page(500), ApiError),
    ],
)
def test_login_or_server_that_fails(
    quay: FakeQuay, context: ModuleContext, reply: Reply, kind: type[QuayError]
) -> None:
    quay.answers(reply)
    with pytest.raises(kind):
        list(observe_robots(context, [declared(0, "acme+ci"), declared(1, "other+ci")]))
