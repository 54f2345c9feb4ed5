# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module quay_token_info: the status of many credentials, with few requests, and without a secret."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import handle_of
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.token_info import get_token_info
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, Forbidden, NotAuthenticated
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import STORE_OPTIONS
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    ORIGIN,
    FakeQuay,
    Reply,
    error,
    ok,
    page,
    refused,
    registry_token,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    FORBIDDEN,
    change_days,
    changes,
    robot_list,
    verified,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
CLIENT_ID = "ABCDEFGHIJKLMNOPQRST"
ORGANIZATION = "/api/v1/organization/acme"
TOKENS = f"{ORGANIZATION}/applications/{CLIENT_ID}/tokens"
OLDER_QUAY = page(404)  # its reply to what Quay 3.18 and later have

# The options of one credential, as AnsibleModule returns them.
CREDENTIAL: dict[str, Any] = {
    "kind": "robot",
    "organization": None,
    "application": None,
    "client_id": None,
    "scopes": ["repo:read"],
    "lifetime": None,
    "repositories": [],
    "actions": ["pull"],
    "max_age": None,
    "renew_before": None,
    "rotate": "when_due",
    "retire_after": None,
    "owns_application": False,
    "strategy": "in_place",
    "pair": None,
    "state": "present",
    "deliver": [],
    "held": [],
}
API: dict[str, Any] = {"kind": "api", "organization": "acme", "client_id": CLIENT_ID}
REFERRERS: dict[str, Any] = {"kind": "referrers", "repositories": ["acme/app"]}

# The keys that every status has, for a credential of which nothing is known.
UNKNOWN: dict[str, Any] = {
    "exists": False,
    "due": False,
    "reason": None,
    "action": "nothing",
    "holds": [],
    "error": None,
    "is_login": False,
    "username": "",
    "uuid": None,
    "created_at": None,
    "expires_at": None,
    "last_accessed": None,
    "age_source": None,
    "fingerprint": None,
    "superseded": [],
}


def token_of(short: str) -> str:
    """The token of a robot, in the form of Quay's tokens: capital letters and digits."""
    return short.upper().replace("_", "9") * 20


def robot(short: str = "ci", token: str | None = None) -> Robot:
    return Robot(f"acme+{short}", NOW - 400 * DAY, NOW - DAY, "builds", token or token_of(short))


def credential(name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    return {**CREDENTIAL, "name": name, **options}


def held(token: str | None, **record: str) -> dict[str, Any]:
    """What another store holds, as an option."""
    return {"token": token, "created_at": None, "expires_at": None, "uuid": None, **record}


def file_store(path: Path, **options: Any) -> dict[str, Any]:
    return {**dict.fromkeys(STORE_OPTIONS), "kind": "file", "path": str(path), **options}


def status_of_robot(short: str = "ci", **values: Any) -> dict[str, Any]:
    """The status of a robot whose token has no age."""
    return {
        **UNKNOWN,
        "kind": "robot",
        "name": f"acme+{short}",
        "exists": True,
        "reason": "not_due",
        "message": "valid",
        "username": f"acme+{short}",
        "last_accessed": "2026-11-21T09:30:00Z",
        "fingerprint": fingerprint(token_of(short)),
        "description": "builds",
        **values,
    }


def status_of_api_token(**values: Any) -> dict[str, Any]:
    """The status of a listed API token that a store holds."""
    return {
        **UNKNOWN,
        "kind": "api",
        "name": "nightly",
        "exists": True,
        "reason": "not_due",
        "message": "valid for 80 days",
        "holds": ["current"],
        "username": "$oauthtoken",
        "uuid": "present",
        "created_at": "2026-11-12T09:30:00Z",
        "expires_at": "2027-02-10T09:30:00Z",
        "last_accessed": "2026-11-21T09:30:00Z",
        "age_source": "quay",
        "fingerprint": fingerprint("t0ken"),
        "organization": "acme",
        "client_id": CLIENT_ID,
        "scopes": ["repo:read"],
        **values,
    }


def api_token(uuid: str = "present", age: timedelta = 10 * DAY, **fields: Any) -> dict[str, Any]:
    """A token as Quay lists it."""
    created = NOW - age
    return {
        "uuid": uuid,
        "name": "nightly",
        "scope": "repo:read",
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "expires_at": (created + 90 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "last_accessed": "2026-11-21T09:30:00Z",
        "created_by": "ann",
        **fields,
    }


def is_token(uuid: str) -> Reply:
    """The registry's reply to the OAuth token with this uuid."""
    return verified(context={"entity_kind": "oauthtoken", "entity_reference": uuid}, sub="ann")


def api_tokens(*tokens: dict[str, Any]) -> Reply:
    return ok({"tokens": list(tokens)})


@pytest.fixture
def warnings() -> list[str]:
    return []


Run = Callable[..., "list[dict[str, Any]]"]


@pytest.fixture
def run(quay: FakeQuay, clock: datetime, warnings: list[str]) -> Run:
    """Runs the module and returns the statuses."""
    assert clock == NOW

    def act(*credentials: dict[str, Any], auth: Auth | None = None, **options: Any) -> list[dict[str, Any]]:
        params = {
            "quay_host": ORIGIN,
            "credentials": list(credentials) or None,
            "force": [],
            "organization": None,
            "kinds": ["api", "robot"],
            "max_age": None,
            "renew_before": None,
            **options,
        }
        result = get_token_info(module_context(quay, warnings, auth=auth or BearerAuth("login"), params=params))
        assert (result.changed, list(result.values), result.before, result.after) == (False, ["credentials"], {}, {})
        return list(result.values["credentials"])

    return act


def paths(quay: FakeQuay) -> list[str]:
    """The paths of all requests, each of which only reads."""
    assert {method for method, _target in quay.calls} <= {"GET"}
    return [target.partition("?")[0] for _method, target in quay.calls]


# --- declared robots


def test_robots(quay: FakeQuay, run: Run) -> None:
    """One list and one pass through the logs for all. The statuses have the order of the options."""
    quay.answers(
        robot_list(robot(), robot("old"), robot("plain")),
        change_days(NOW - DAY),
        changes({"ci": NOW - DAY, "old": NOW - 93 * DAY}),
    )
    assert run(
        credential("acme+old", max_age="90d", held=[held(token_of("old"))]),
        credential("acme+none", max_age="90d", held=[held(None)]),
        credential(max_age="90d", held=[held(token_of("ci")), held("former")]),
        credential("acme+plain"),
    ) == [
        status_of_robot(
            "old",
            due=True,
            reason="too_old",
            message="age 93 days, limit 90 days",
            action="mint",
            holds=["current"],
            created_at="2026-08-21T09:30:00Z",
            age_source="log",
        ),
        {
            **UNKNOWN,
            "kind": "robot",
            "name": "acme+none",
            "due": True,
            "reason": "missing",
            "message": "does not exist yet",
            "action": "mint",
            "holds": ["absent"],
            "username": "acme+none",
            "description": "",
        },
        status_of_robot(
            due=True,
            reason="undelivered",
            message="the present token is not in 1 of 2 stores",
            action="deliver",
            holds=["current", "other"],
            created_at="2026-11-21T09:30:00Z",
            age_source="log",
        ),
        status_of_robot("plain"),
    ]
    assert paths(quay) == [
        f"{ORGANIZATION}/robots",
        f"{ORGANIZATION}/aggregatelogs",
        f"{ORGANIZATION}/logs",
    ]


def test_recorded_robot(quay: FakeQuay, run: Run) -> None:
    """The record of the delivery has the age, so no log is read."""
    quay.answers(robot_list(robot()))
    stored = held(token_of("ci"), created_at="2026-11-12T09:30:00Z")
    assert run(credential(max_age="90d", held=[stored])) == [
        status_of_robot(
            message="age 10 days", holds=["current"], created_at="2026-11-12T09:30:00Z", age_source="record"
        )
    ]
    assert paths(quay) == [f"{ORGANIZATION}/robots"]


def test_paired_robots(quay: FakeQuay, run: Run) -> None:
    """The records of a pair decide which robot is next, so that a store without one needs a delivery."""
    idle = robot("ci_b")
    quay.answers(robot_list(robot("ci_a"), idle))
    stored = [held(token_of("ci_a"), created_at="2026-11-21T09:30:00Z"), held(token_of("ci_a"))]
    (status,) = run(credential(strategy="paired", held=stored))
    assert status == status_of_robot(
        "ci_a",
        name="acme+ci",
        message="age 1 day",
        holds=["current", "current"],
        created_at="2026-11-21T09:30:00Z",
        age_source="record",
    )


def test_paired_robots_with_a_superseded_secret(quay: FakeQuay, run: Run, tmp_path: Path) -> None:
    idle = robot("ci_b")
    quay.answers(robot_list(robot("ci_a"), idle))
    (tmp_path / "token").write_text(json.dumps({"token": token_of("ci_a"), "username": "acme+ci_a"}))
    (tmp_path / "token").chmod(0o600)
    (status,) = run(credential(strategy="paired", deliver=[file_store(tmp_path / "token", format="json")]))
    assert status == status_of_robot(
        "ci_a",
        name="acme+ci",
        due=True,
        reason="undelivered",
        message="the record of the token is missing in 1 of 1 stores",
        action="deliver",
        holds=["unrecorded"],
        superseded=[handle_of(idle)],
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"max_age": "1d", "retire_after": "1d", "deliver": True},
            "retire_after must be shorter than max_age, because only two robots take turns",
        ),
        ({"max_age": "soon"}, "max_age must be a duration such as 90d, 12h or 30m, not 'soon'"),
        (
            {"held": [held("t0ken", created_at="soon")]},
            "held: created_at must be a time such as 2026-01-31T12:00:00Z, not 'soon'",
        ),
        (
            {"held": [held("t0ken", expires_at="soon")]},
            "held: expires_at must be a time such as 2026-01-31T12:00:00Z, not 'soon'",
        ),
        ({"deliver": "relative"}, "path must be the absolute path of a file, not 'relative'"),
    ],
)
def test_invalid_options_of_one_credential(
    quay: FakeQuay, run: Run, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    """The others are reported."""
    if "deliver" in options:
        path = tmp_path / "token" if options["deliver"] is True else Path(options["deliver"])
        options = {**options, "deliver": [file_store(path)]}
    quay.answers(robot_list(robot("other")))
    failed, other = run(credential(**options), credential("acme+other"))
    assert {**failed, "holds": []} == {
        **UNKNOWN,
        "kind": "robot",
        "name": "acme+ci",
        "message": message,
        "error": message,
    }
    assert other == status_of_robot("other")


def test_credential_that_cannot_be_observed(quay: FakeQuay, run: Run) -> None:
    """What its stores hold is unknown then. Neither is it due, nor is anything done."""
    quay.answers(FORBIDDEN, verified(sub="ann"))
    problem = (
        f"GET {ORIGIN}{ORGANIZATION}/robots: Quay answered 403: Unauthorized. The login lacks the permission or the "
        "scope org:admin, or the object does not exist (Quay does not say which)"
    )
    assert run(credential(held=[held("t0ken"), held(None)], rotate="always")) == [
        {
            **UNKNOWN,
            "kind": "robot",
            "name": "acme+ci",
            "holds": ["unknown", "unknown"],
            "message": problem,
            "error": problem,
        }
    ]


@pytest.mark.parametrize(
    ("reply", "kind"), [(page(500), ApiError), (error(401, "no", "invalid_token"), NotAuthenticated)]
)
def test_login_or_server_that_fails(quay: FakeQuay, run: Run, reply: Reply, kind: type[Exception]) -> None:
    quay.answers(reply)
    with pytest.raises(kind):
        run(credential())


# --- declared API tokens


def test_api_tokens(quay: FakeQuay, run: Run) -> None:
    """One list for each application."""
    other = "/api/v1/organization/other/applications/X/tokens"
    quay.answers(
        api_tokens(api_token(), api_token("expiring", 80 * DAY, name="weekly", scope="repo:read repo:write")),
        api_tokens(),
    )
    assert run(
        credential("nightly", **API, held=[held("t0ken", uuid="present")]),
        credential("elsewhere", kind="api", organization="other", client_id="X", held=[held(None)]),
        credential("weekly", **API, scopes=["repo:write", "repo:read"], held=[held("other t0ken", uuid="expiring")]),
    ) == [
        status_of_api_token(),
        {
            **UNKNOWN,
            "kind": "api",
            "name": "elsewhere",
            "due": True,
            "reason": "missing",
            "message": "does not exist yet",
            "action": "mint",
            "holds": ["absent"],
            "username": "$oauthtoken",
            "organization": "other",
            "client_id": "X",
            "scopes": ["repo:read"],
        },
        status_of_api_token(
            name="weekly",
            due=True,
            reason="expiring",
            message="expires in 10 days",
            action="mint",
            uuid="expiring",
            created_at="2026-09-03T09:30:00Z",
            expires_at="2026-12-02T09:30:00Z",
            fingerprint=fingerprint("other t0ken"),
            scopes=["repo:read", "repo:write"],
        ),
    ]
    assert paths(quay) == [TOKENS, other]


@pytest.mark.parametrize(
    ("renew_before", "due"), [(None, True), ("14d", True), ("13d", True), ("12d", False), ("0", False)]
)
def test_api_token_is_renewed_fourteen_days_before_it_expires(
    quay: FakeQuay, run: Run, renew_before: str | None, due: bool
) -> None:
    """As quay_api_token does without the option."""
    quay.answers(api_tokens(api_token(age=77 * DAY)))
    (status,) = run(credential("nightly", **API, renew_before=renew_before, held=[held("t0ken", uuid="present")]))
    assert (status["reason"], status["due"]) == (("expiring", True) if due else ("not_due", False))


@pytest.mark.parametrize(
    ("options", "action", "message"),
    [
        ({}, "retire", "a superseded token is still valid"),
        ({"retire_after": "11d"}, "nothing", "valid for 80 days"),
        ({"retire_after": "9d"}, "retire", "a superseded token is still valid"),
        ({"rotate": "always"}, "mint", "forced"),
    ],
)
def test_superseded_api_token(quay: FakeQuay, run: Run, options: dict[str, Any], action: str, message: str) -> None:
    quay.answers(api_tokens(api_token(), api_token("former", 20 * DAY)))
    (status,) = run(credential("nightly", **API, held=[held("t0ken", uuid="present")], **options))
    forced = {"due": True, "reason": "forced"} if action == "mint" else {}
    assert status == status_of_api_token(action=action, message=message, superseded=["former"], **forced)


def test_api_token_without_a_record(quay: FakeQuay, run: Run) -> None:
    """It is used once, which shows its uuid."""
    quay.answers(
        api_tokens(api_token()), verified(context={"entity_kind": "oauthtoken", "entity_reference": "present"})
    )
    assert run(credential("nightly", **API, held=[held("t0ken")])) == [status_of_api_token()]
    assert paths(quay) == [TOKENS, "/v2/auth"]


def test_api_token_that_quay_does_not_accept(quay: FakeQuay, run: Run) -> None:
    quay.answers(api_tokens(), refused())
    (status,) = run(credential("nightly", **API, held=[held("t0ken"), held(None)]))
    assert status == status_of_api_token(
        due=True,
        reason="invalid",
        message="Quay does not accept the stored token",
        action="mint",
        holds=["other", "absent"],
        uuid=None,
        created_at=None,
        expires_at=None,
        last_accessed=None,
        age_source=None,
        fingerprint=None,
    )


def test_api_tokens_of_an_older_quay(quay: FakeQuay, run: Run) -> None:
    """A bearer token cannot list the tokens of its user. The record has the dates."""
    quay.answers(OLDER_QUAY, is_token("present"), is_token("present"))
    stored = held("t0ken", created_at="2026-11-12T09:30:00Z", expires_at="2027-02-10T09:30:00Z")
    first, second = run(credential("nightly", **API, held=[stored]), credential("weekly", **API, held=[held("t0ken")]))
    assert first == status_of_api_token(last_accessed=None, age_source="record")
    assert (first["age_source"], second["age_source"]) == ("record", None)
    assert (second["message"], second["created_at"], second["expires_at"]) == ("valid", None, None)
    assert paths(quay) == [TOKENS, "/v2/auth", "/v2/auth"]


def test_errors_of_single_api_tokens(quay: FakeQuay, run: Run) -> None:
    quay.answers(error(404, "Not Found", "not_found"), api_tokens(api_token()))
    missing, invalid, valid = run(
        credential("a", kind="api", organization="none", client_id="X", held=[held("t0ken")]),
        credential("b", **{**API, "client_id": None}),
        credential("nightly", **API, held=[held("t0ken", uuid="present")]),
    )
    problem = f"GET {ORIGIN}/api/v1/organization/none/applications/X/tokens: Quay answered 404: Not Found"
    assert missing == {
        **UNKNOWN,
        "kind": "api",
        "name": "a",
        "holds": ["unknown"],
        "message": problem,
        "error": problem,
    }
    assert invalid["error"] == "Name the application by client_id, or by organization and application"
    assert valid == status_of_api_token()


# --- declared registry tokens


def jwt(issued: datetime, *actions: str) -> str:
    access = [{"type": "repository", "name": "acme/app", "actions": list(actions)}]
    issued_at = int(issued.timestamp())
    return registry_token(iat=issued_at, exp=issued_at + 3600, access=access)


def status_of_registry_token(token: str | None, **values: Any) -> dict[str, Any]:
    return {
        **UNKNOWN,
        "kind": "referrers",
        "name": "manifests",
        "exists": True,
        "reason": "not_due",
        "message": "valid for 50 minutes",
        "holds": ["current"],
        "username": None,
        "created_at": "2026-11-22T09:20:00Z",
        "expires_at": "2026-11-22T10:20:00Z",
        "age_source": "quay",
        "fingerprint": fingerprint(token),
        "access": {"acme/app": ["pull"]},
        **values,
    }


def test_registry_token(quay: FakeQuay, run: Run) -> None:
    """It says itself what it is, so that no request is sent."""
    token = jwt(NOW - timedelta(minutes=10), "pull")
    assert run(credential("manifests", **REFERRERS, held=[held(token)])) == [status_of_registry_token(token)]
    assert quay.requests == []


def test_registry_token_is_renewed_five_minutes_before_it_expires(run: Run) -> None:
    """As quay_referrers_token does without the option."""
    for minutes, reason in ((54, "not_due"), (55, "expiring"), (60, "expired")):
        token = jwt(NOW - timedelta(minutes=minutes), "pull")
        (status,) = run(credential("manifests", **REFERRERS, held=[held(token)]))
        assert status["reason"] == reason


def test_registry_tokens_that_are_due(run: Run) -> None:
    token = jwt(NOW - timedelta(minutes=10), "pull")
    push, none, invalid, bad = run(
        credential("manifests", **{**REFERRERS, "actions": ["pull", "push"]}, held=[held(token)]),
        credential("manifests", **REFERRERS, held=[held(None)]),
        credential("manifests", **REFERRERS, held=[held("text")]),
        credential("manifests", **{**REFERRERS, "repositories": ["app"]}, held=[held(token)]),
    )
    due: dict[str, Any] = {"due": True, "action": "mint"}
    assert push == status_of_registry_token(
        token, reason="scopes_changed", message="its scopes differ from the declared ones", **due
    )
    unknown = {"created_at": None, "expires_at": None, "age_source": None}
    assert none == status_of_registry_token(
        None, exists=False, reason="missing", message="does not exist yet", holds=["absent"], **unknown, **due
    )
    assert invalid == status_of_registry_token(
        None,
        reason="invalid",
        message="Quay does not accept the stored token",
        holds=["other"],
        **unknown,
        **due,
    )
    assert bad["error"] == (
        "repositories: 'app' is not a valid repository name. Write organization/repository in lower case"
    )


# --- stores, force and removal


def test_stores_before_what_is_held_elsewhere(quay: FakeQuay, run: Run, tmp_path: Path) -> None:
    quay.answers(robot_list(robot()))
    for name, text, mode in (("a", token_of("ci"), 0o600), ("b", token_of("ci"), 0o640), ("c", "X" * 40, 0o600)):
        (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / name).chmod(mode)
    deliver = [{**file_store(tmp_path / name), "mode": "0600"} for name in ("a", "b", "c", "d")]
    (status,) = run(credential(deliver=deliver, held=[held(token_of("ci"))]))
    assert status["holds"] == ["current", "wrong_permissions", "other", "absent", "current"]
    assert status["message"] == ("owner or mode is wrong in 1 of 5 stores; the present token is not in 2 of 5 stores")
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c", "home"]


def test_store_that_cannot_be_read(quay: FakeQuay, run: Run, tmp_path: Path) -> None:
    """Nothing is known of any store of the credential, and the other credentials are reported."""
    (tmp_path / "a").mkdir()
    quay.answers(robot_list(robot("new")))
    deliver = [file_store(tmp_path / name) for name in ("b", "a")]
    first, second = run(credential(deliver=deliver, held=[held("t0ken")]), credential("acme+new"))
    assert first["error"].endswith(f"{tmp_path}/a is not a regular file")
    assert first["holds"] == ["unknown", "unknown", "unknown"]
    assert (second["holds"], second["error"]) == ([], None)


def test_force(quay: FakeQuay, run: Run) -> None:
    """It applies to all credentials of that name. Their superseded secrets have no grace period."""
    quay.answers(api_tokens(api_token(), api_token("x", name="weekly")))
    stored = {"rotate": "never", "retire_after": "30d"}
    forced, other = run(
        credential("nightly", **API, **stored, held=[held("t0ken", uuid="present")]),
        credential("weekly", **API, **stored, held=[held("t0ken of x", uuid="x")]),
        force=["nightly"],
    )
    assert forced == status_of_api_token(due=True, reason="forced", message="forced", action="mint")
    assert (other["reason"], other["action"]) == ("not_due", "nothing")


def test_force_of_an_unknown_name(quay: FakeQuay, run: Run) -> None:
    with pytest.raises(BadInput) as caught:
        run(credential(), force=["weekly", "acme+ci", "nightly"])
    assert str(caught.value) == "force names credentials that are not in credentials: nightly, weekly"
    assert quay.requests == []


@pytest.mark.parametrize(
    ("robots", "stored", "exists", "action"),
    [
        ([robot()], [], True, "remove"),
        ([], [], False, "nothing"),
        ([], [held(None)], False, "nothing"),
        ([], [held("t0ken")], False, "remove"),
    ],
)
def test_credential_that_is_declared_absent(
    quay: FakeQuay, run: Run, robots: list[Robot], stored: list[dict[str, Any]], exists: bool, action: str
) -> None:
    """It is never due."""
    quay.answers(robot_list(*robots))
    (status,) = run(credential(state="absent", rotate="always", held=stored))
    reason = "absent" if action == "remove" else "not_due"
    assert (status["exists"], status["due"], status["reason"]) == (exists, False, reason)
    assert (status["action"], status["message"]) == (action, "declared absent" if action == "remove" else "absent")


STORED = {"token": "t0ken", "registry": "quay.example.com"}


@pytest.mark.parametrize(
    ("options", "robots", "stored", "action"),
    [
        ({}, [], {"username": "acme+ci"}, "remove"),
        ({}, [], {}, "remove"),
        ({}, [], {"username": "acme+other"}, "nothing"),
        ({}, ["ci"], {"username": "acme+other"}, "remove"),
        ({"strategy": "paired"}, [], {"username": "acme+ci_b"}, "remove"),
        ({"strategy": "paired"}, [], {"username": "acme+ci"}, "nothing"),
        ({"strategy": "paired"}, ["ci"], {"username": "acme+ci"}, "nothing"),
        ({"strategy": "paired"}, ["ci_a"], {"username": "acme+other"}, "remove"),
    ],
)
def test_store_of_a_robot_that_is_declared_absent(
    quay: FakeQuay,
    run: Run,
    tmp_path: Path,
    options: dict[str, Any],
    robots: list[str],
    stored: dict[str, Any],
    action: str,
) -> None:
    """A store that holds a secret of somebody else is kept."""
    (tmp_path / "token").write_text(json.dumps({**STORED, **stored}))
    quay.answers(robot_list(*map(robot, robots)))
    store = file_store(tmp_path / "token", format="json")
    (status,) = run(credential(state="absent", deliver=[store], **options))
    assert (status["action"], status["reason"]) == (action, "absent" if action == "remove" else "not_due")


def test_other_content_in_the_store_of_a_robot_that_is_declared_absent(
    quay: FakeQuay, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("a note of somebody\n")
    quay.answers(robot_list())
    (status,) = run(credential(state="absent", deliver=[file_store(tmp_path / "token")]))
    assert (status["action"], status["holds"]) == ("nothing", ["other"])


@pytest.mark.parametrize(("username", "action"), [("$oauthtoken", "remove"), (None, "remove"), ("ann", "nothing")])
def test_store_of_an_api_token_that_is_declared_absent(
    quay: FakeQuay, run: Run, tmp_path: Path, username: str | None, action: str
) -> None:
    """Quay does not accept the stored token, so that only the store would be cleared."""
    (tmp_path / "token").write_text(json.dumps({**STORED, "username": username}))
    quay.answers(api_tokens(), refused())
    store = file_store(tmp_path / "token", format="json")
    (status,) = run(credential("nightly", **API, state="absent", deliver=[store]))
    assert (status["exists"], status["action"]) == (True, action)


# --- all credentials of an organization or of a user


def test_all_credentials_of_an_organization(quay: FakeQuay, run: Run) -> None:
    quay.answers(
        robot_list(robot(), replace(robot("new"), created_at=NOW - DAY)),
        change_days(NOW - 2 * DAY),
        changes({"ci": NOW - 2 * DAY}),
        ok({"applications": [{"name": "automation", "client_id": CLIENT_ID}]}),
        api_tokens(api_token(name=None), api_token("old", 80 * DAY)),
    )
    listed: dict[str, Any] = {"holds": [], "fingerprint": None}
    assert run(organization="acme", max_age="20d", renew_before="14d") == [
        status_of_robot(message="age 2 days", created_at="2026-11-20T09:30:00Z", age_source="log"),
        status_of_robot("new", message="age 1 day", created_at="2026-11-21T09:30:00Z", age_source="creation"),
        status_of_api_token(name="", **listed),
        status_of_api_token(
            due=True,
            reason="expiring",
            message="expires in 10 days",
            action="mint",
            uuid="old",
            created_at="2026-09-03T09:30:00Z",
            expires_at="2026-12-02T09:30:00Z",
            **listed,
        ),
    ]
    assert paths(quay) == [
        f"{ORGANIZATION}/robots",
        f"{ORGANIZATION}/aggregatelogs",
        f"{ORGANIZATION}/logs",
        f"{ORGANIZATION}/applications",
        TOKENS,
    ]


def test_age_without_a_limit_is_not_looked_up(quay: FakeQuay, run: Run) -> None:
    quay.answers(robot_list(robot()))
    assert run(organization="acme", kinds=["robot"]) == [status_of_robot()]
    assert paths(quay) == [f"{ORGANIZATION}/robots"]


def test_robot_whose_token_is_hidden(quay: FakeQuay, run: Run) -> None:
    """A list shows it all the same."""
    quay.answers(robot_list(replace(robot(), token=None)))
    assert run(organization="acme", kinds=["robot"]) == [status_of_robot(fingerprint=None)]


def test_tokens_of_an_organization_on_an_older_quay(quay: FakeQuay, run: Run, warnings: list[str]) -> None:
    applications = [{"name": name, "client_id": name} for name in ("a", "b")]
    quay.answers(ok({"applications": applications}), OLDER_QUAY)
    assert run(organization="acme", kinds=["api"]) == []
    assert warnings == ["This server (Quay 3.17 or older) does not list the tokens of an application."]
    assert len(quay.requests) == 2


def test_organization_that_cannot_be_read(quay: FakeQuay, run: Run) -> None:
    quay.answers(FORBIDDEN)
    with pytest.raises(Forbidden):
        run(organization="acme")


def test_all_credentials_of_the_user(quay: FakeQuay, run: Run) -> None:
    """The list of the user's own tokens has no names, dates or client ids."""
    quay.answers(
        robot_list(replace(robot(), name="ann+ci")),
        ok(
            {
                "authorizations": [
                    {
                        "uuid": "present",
                        "application": {"name": "automation", "organization": {"name": "acme"}},
                        "scopes": [{"scope": "repo:write"}, {"scope": "repo:read"}],
                    }
                ]
            }
        ),
    )
    unknown = dict.fromkeys(("created_at", "expires_at", "last_accessed", "age_source", "fingerprint", "client_id"))
    assert run() == [
        status_of_robot(name="ann+ci", username="ann+ci"),
        status_of_api_token(
            name="automation", message="valid", holds=[], scopes=["repo:read", "repo:write"], **unknown
        ),
    ]
    assert paths(quay) == ["/api/v1/user/robots", "/api/v1/user/authorizations"]


# --- no secrets


def test_no_secret_is_returned(quay: FakeQuay, run: Run) -> None:
    quay.answers(robot_list(robot(), robot("ci_a"), robot("ci_b")), api_tokens(api_token()))
    token = jwt(NOW, "pull")
    found = run(
        credential(held=[held("former")]),
        credential(strategy="paired", held=[held(token_of("ci_a"))]),
        credential("nightly", **API, held=[held("t0ken", uuid="present")]),
        credential("manifests", **REFERRERS, held=[held(token)]),
    )
    assert len(found) == 4
    for secret in (token_of("ci"), "former", "'t0ken'", token):
        assert secret not in repr(found)
