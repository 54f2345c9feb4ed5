# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_login_info: what a login has, and what declared credentials need of it, with few requests and no guesses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.accounts import ALL_SCOPES
from functional.harness import Harness, assert_refused

MODULE = "quay_login_info"


def stored(name: str) -> list[dict[str, Any]]:
    return [{"kind": "file", "path": f"/tmp/{name}", "format": "json"}]


ROBOT = {"name": "acme+ci", "kind": "robot", "deliver": stored("ci")}
APP = {"name": "laptop", "kind": "app", "deliver": stored("laptop")}
API = {"name": "n", "kind": "api", "organization": "acme", "application": "console", "deliver": stored("n")}
SCAN = {"name": "scan", "kind": "referrers", "repositories": ["acme/app"], "deliver": stored("scan")}
AUTH, AUTHORIZATIONS, ORGANIZATION = "GET /v2/auth", "GET /api/v1/user/authorizations", "GET /api/v1/organization/acme"
APPLICATIONS = f"{ORGANIZATION}/applications"
PROBE = "GET /api/v1/organization/zz/applications/zz/tokens"


def tokens(client_id: str) -> str:
    return f"{APPLICATIONS}/{client_id}/tokens"


@pytest.fixture(params=["3.18", "3.17"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def use(harness: Harness, scopes: str, user: str = "alice") -> None:
    """Log in with a token of these scopes."""
    client_id = harness.accounts.console
    harness.login = getattr(harness.accounts, user).by_token(client_id, scopes)


def report(harness: Harness, **arguments: Any) -> Any:
    """The result in check mode and really, which are the same and change nothing."""
    predicted = harness.check(MODULE, arguments)
    result = harness.run(MODULE, arguments)
    assert not result.failed, result.message
    assert result.content == predicted.content
    assert result.changed is False
    return result


def test_token_with_everything_that_is_needed(harness: Harness, family: str) -> None:
    use(harness, "org:admin user:admin")
    result = report(harness, credentials=[ROBOT, APP])
    console, listed = harness.accounts.console, family == "3.18"
    assert harness.requests == [
        AUTH,
        AUTHORIZATIONS,
        PROBE,
        *([APPLICATIONS, tokens(console)] if listed else []),
        ORGANIZATION,
    ]
    login = result["login"]
    assert (login["kind"], login["user"], login["scopes"]) == ("token", "alice", ["org:admin", "user:admin"])
    assert login["uuid"] in {token.uuid for token in harness.quay.state.oauth_tokens.values()}
    # Older servers show no time of a token.
    assert (login["created_at"] is None, login["expires_at"] is None) == (not listed, not listed)
    assert result["needs"] == [
        {"name": "acme+ci", "kind": "robot", "scopes": ["org:admin"], "organization": "acme", "role": "admin"},
        {"name": "laptop", "kind": "app", "scopes": ["user:admin"], "organization": None, "role": None},
    ]
    assert (result["needed_scopes"], result["missing_scopes"], result["surplus_scopes"]) == (
        ["org:admin", "user:admin"],
        [],
        [],
    )
    assert result["organizations"] == [{"name": "acme", "role": "admin", "has_role": True}]
    assert (result["problems"], result.warnings) == ([], [])


def test_token_with_other_scopes(harness: Harness) -> None:
    use(harness, "user:admin repo:admin repo:create user:read")
    result = report(harness, credentials=[ROBOT, SCAN], scopes=["repo:create"])
    assert (result["missing_scopes"], result["surplus_scopes"]) == (
        ["org:admin"],
        ["repo:admin", "user:admin", "user:read"],
    )
    # Without org:admin, Quay says of no organization whether the user administers it.
    assert result["organizations"] == [{"name": "acme", "role": "admin", "has_role": None}]
    assert result["problems"] == [
        "The token of the login lacks the scope org:admin, which these credentials need: acme+ci.",
        "The token of the login has more scopes than it needs: repo:admin, user:admin. It needs org:admin, "
        "repo:create, repo:read. Issue a token with these alone, or name those that other tasks use.",
    ]
    assert [str(warning) for warning in result.warnings] == result["problems"]


@pytest.mark.parametrize("known", [False, True])
def test_token_that_may_not_list_itself(harness: Harness, family: str, known: bool) -> None:
    """Its scopes are not known, unless its application is named and lists it."""
    use(harness, "org:admin repo:read")
    where = {"organization": "acme", "application": "console"} if known else {}
    result = report(harness, credentials=[ROBOT], **where)
    shown = known and family == "3.18"
    assert result["login"]["scopes"] == (["org:admin", "repo:read"] if shown else None)
    assert (result["login"]["expires_at"] is not None) == shown
    assert result["missing_scopes"] == ([] if shown else None)
    assert result["surplus_scopes"] == (["repo:read"] if shown else None)
    assert result["organizations"][0]["has_role"] is True
    assert result["problems"] == []
    if not known:
        assert harness.requests == [AUTH, AUTHORIZATIONS, ORGANIZATION]
    elif shown:
        assert harness.requests == [AUTH, APPLICATIONS, tokens(harness.accounts.console), ORGANIZATION]


def test_user_without_the_role(harness: Harness) -> None:
    harness.login = harness.accounts.bob.by_token(harness.accounts.rival_console, "org:admin user:admin")
    result = report(harness, credentials=[ROBOT])
    assert result["organizations"] == [{"name": "acme", "role": "admin", "has_role": False}]
    assert result["problems"][-1] == (
        "bob does not administer the organization acme, or it does not exist. Add the user to its team owners, or to "
        "another team with the role admin."
    )


@pytest.mark.parametrize("kind", ["robot", "api"])
def test_password(harness: Harness, family: str, kind: str) -> None:
    """Older servers issue API tokens to a password only."""
    harness.login = harness.accounts.alice.by_password
    result = report(harness, credentials=[ROBOT if kind == "robot" else API])
    assert result["login"] == {
        "kind": "password",
        "user": "alice",
        "uuid": None,
        "scopes": None,
        "created_at": None,
        "expires_at": None,
    }
    assert (result["missing_scopes"], result["surplus_scopes"]) == ([], None)
    assert harness.requests[:3] == [*harness.sign_in, ORGANIZATION]
    needed = {"robot": "org:admin", "api": "org:admin, repo:read"}[kind]
    expected = (
        "The login is a password, which can do all that its user can. A token is sufficient, with these scopes: "
        f"{needed}."
    )
    assert result["problems"] == ([] if kind == "api" and family == "3.17" else [expected])


def test_login_alone(harness: Harness) -> None:
    use(harness, ALL_SCOPES)
    result = report(harness)
    assert (result["needs"], result["organizations"], result["problems"]) == ([], [], [])
    assert (result["needed_scopes"], result["missing_scopes"], result["surplus_scopes"]) == ([], [], None)


def test_expiry_in_the_record_of_the_file(harness: Harness, family: str) -> None:
    """The time that Quay itself shows takes precedence."""
    use(harness, "org:admin")
    path = harness.token_path
    expires = harness.iso(harness.quay.clock.now())
    harness.run("quay_token_file", {"path": str(path), "token": harness.login["quay_token"], "expires_at": expires})
    harness.login = {"quay_token_path": str(path)}
    result = report(harness)
    assert result["login"]["expires_at"] == expires
    assert result["problems"] == [
        f"The token of the login expires at {expires}. Issue another one before, or declare it with kind: api, so that "
        "a rotation renews it."
    ]
    named = report(harness, client_id=harness.accounts.console)
    assert (named["login"]["expires_at"] == expires) == (family == "3.17")


def test_login_that_quay_refuses(harness: Harness) -> None:
    harness.login = {"quay_token": "x" * 40}
    assert_refused(harness, MODULE, {"credentials": [ROBOT]}, "OAuth access token could not be validated")


def test_declarations_are_validated_before_anything_is_sent(harness: Harness) -> None:
    assert_refused(harness, MODULE, {"credentials": [{**ROBOT, "maxage": "90d"}]}, "Did you mean max_age?")
    assert harness.requests == []


def test_declarations_as_text(harness: Harness) -> None:
    use(harness, "org:admin")
    assert report(harness, credentials=json.dumps([ROBOT]))["needs"][0]["name"] == "acme+ci"
