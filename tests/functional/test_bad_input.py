# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong logins and wrong servers: each is refused with a helpful message, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from functional.module_arguments import (
    ALL_MODULES,
    REFERRERS,
    SECRET_MODULES,
    each_module,
    each_secret_module,
    enable_all_features,
)

# These modules log in at the token service of the registry, which has other messages.
REGISTRY_MODULES = ("quay_referrers_token", "quay_referrers_info")


@each_module
@pytest.mark.parametrize("kind", ["wrong", "revoked", "expired", "not a token"])
def test_token_that_quay_does_not_accept(harness: Harness, module: str, kind: str) -> None:
    accounts = harness.accounts
    token = accounts.alice.token(accounts.console)
    if kind == "expired":
        harness.advance(days=3653)
    if kind == "revoked":
        harness.quay.state.oauth_tokens.clear()
    secret = {"wrong": "X" * 40, "not a token": "not-a-token-of-quay"}.get(kind, token)
    harness.login = {"quay_token": secret}
    enable_all_features(harness)
    words = "Quay does not accept the token"
    if module in REGISTRY_MODULES:
        words = "has expired" if kind == "expired" else "could not be validated"
    message = assert_refused(harness, module, ALL_MODULES[module], words)
    assert "CSRF" not in message


@each_module
def test_wrong_password(harness: Harness, module: str) -> None:
    harness.login = {"quay_username": "alice", "quay_password": "not-her-password"}
    enable_all_features(harness)
    result = harness.run(module, ALL_MODULES[module])
    assert result.failed
    assert "Invalid Username or Password" in result.message
    if module not in REGISTRY_MODULES:
        assert "Check quay_username and quay_password" in result.message


@each_secret_module
def test_token_without_the_scope(harness: Harness, module: str) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "user:read")
    words = {
        "quay_referrers_token": "Quay issued a token without acme/app:pull",
        "quay_robot_token": "lacks the permission or the scope org:admin",
        "quay_app_token": "lacks the permission or the scope user:admin",
    }
    assert_refused(
        harness,
        module,
        SECRET_MODULES[module],
        words.get(module, "the login administers it (a token needs the scope org:admin)"),
    )


# Every user may create app tokens.
@pytest.mark.parametrize("module", sorted(SECRET_MODULES.keys() - {"quay_referrers_token", "quay_app_token"}))
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_user_without_the_right(harness: Harness, module: str, who: str) -> None:
    harness.login = getattr(harness.accounts, who).by_password
    assert_refused(harness, module, SECRET_MODULES[module], "Quay answered 403")


@dataclass(frozen=True)
class WrongResponse:
    """A response of something else than Quay, and the words of the error message."""

    fault: dict[str, Any]
    words: str


WRONG_RESPONSES = {
    "a proxy's login page": WrongResponse(
        {"kind": "html_200"}, "Check that quay_host is Quay itself, and not a proxy's login page"
    ),
    "truncated": WrongResponse({"kind": "truncate"}, "the response was cut off"),
    "half JSON": WrongResponse(
        {"kind": "status", "status": 200, "body": '{"token": "x', "headers": {"Content-Type": "application/json"}},
        "the JSON of the response is broken or cut off",
    ),
    "a list": WrongResponse(
        {"kind": "status", "status": 200, "body": "[]", "headers": {"Content-Type": "application/json"}},
        "as Quay sends it",
    ),
    "another object": WrongResponse(
        {"kind": "status", "status": 200, "body": "{}", "headers": {"Content-Type": "application/json"}},
        "GET http",
    ),
    "a proxy's refusal": WrongResponse({"kind": "status", "status": 407, "body": "<title>Log in first</title>"}, "407"),
    "a gateway's": WrongResponse({"kind": "status", "status": 502, "body": "<title>Bad Gateway</title>"}, "502"),
    "a redirect": WrongResponse(
        {"kind": "status", "status": 302, "headers": {"Location": "https://login.example.com/sso?to=quay"}},
        "redirects to https://login.example.com",
    ),
}


def is_accepted(module: str, case: str) -> bool:
    """Whether the module does not fail: quay_api accepts any JSON, quay_token_info reports errors per credential."""
    return (module, case) in (
        ("quay_api", "a list"),
        ("quay_api", "another object"),
        ("quay_token_info", "a proxy's refusal"),
    )


@pytest.mark.parametrize(
    ("module", "case"), [(m, case) for m in ALL_MODULES for case in WRONG_RESPONSES if not is_accepted(m, case)]
)
def test_unexpected_response(harness: Harness, module: str, case: str) -> None:
    enable_all_features(harness)
    response = WRONG_RESPONSES[case]
    harness.quay.faults.add(path="^/(api|v2|config)", times=None, **response.fault)
    arguments = {name: value for name, value in ALL_MODULES[module].items() if name != "rotate"}
    message = assert_refused(harness, module, arguments, response.words)
    assert "\n" not in message
    assert len(message) < 500


def test_wrong_clock(either_login: Harness) -> None:
    """Times of Quay are compared with the clock of Quay, not with that of the target."""
    harness = either_login
    for days in (400, -800):
        harness.advance(days=days)
        made = harness.run("quay_robot_token", {"name": "acme+new", "token_path": str(harness.token_path)})
        assert harness.is_now(made["created_at"])
        assert made.warned("clock and Quay's differ by")
        again = harness.run(
            "quay_robot_token", {"name": "acme+new", "token_path": str(harness.token_path), "max_age": "1h"}
        )
        assert (again["reason"], again["age_source"]) == ("not_due", "record")
        harness.run("quay_robot_token", {"name": "acme+new", "token_path": str(harness.token_path), "state": "absent"})


def test_small_clock_difference_gives_no_warning(harness: Harness) -> None:
    harness.advance(seconds=200)
    assert harness.run("quay_robot_token", {"name": "acme+ci"}).warnings == []


@pytest.mark.parametrize("hours", [26, -26])
def test_registry_token_with_a_wrong_clock(harness: Harness, hours: int) -> None:
    """The token in the file is checked without a request, so a wrong clock causes a new token in each run."""
    harness.advance(hours=hours)
    arguments = {**REFERRERS, "token_path": str(harness.token_path)}
    first = harness.run("quay_referrers_token", arguments)
    second = harness.run("quay_referrers_token", arguments)
    assert first["minted"]
    assert second["minted"]
    assert second["reason"] == ("invalid" if hours > 0 else "expired")
    assert harness.stored_fingerprint() == second["fingerprint"]
    assert second.warned("clock and Quay's differ by")


@pytest.mark.parametrize("who", ["alice", "root"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_robot_of_an_unknown_organization(harness: Harness, who: str, state: str) -> None:
    harness.login = getattr(harness.accounts, who).by_password
    words = "Organization does not exist: nope" if who == "root" else "403"
    assert_refused(harness, "quay_robot_token", {"name": "nope+ci", "state": state}, words)


@pytest.mark.parametrize("who", ["alice", "root"])
@pytest.mark.parametrize("module", ["quay_application", "quay_api_token"])
def test_application_of_an_unknown_organization(harness: Harness, who: str, module: str) -> None:
    harness.login = getattr(harness.accounts, who).by_password
    assert_refused(
        harness, module, {**SECRET_MODULES[module], "organization": "nope"}, "Check that the organization 'nope'"
    )


def test_unknown_application(harness: Harness) -> None:
    arguments = {"organization": "acme", "application": "nope"}
    words = "has no application named 'nope'. Create it with quay_application"
    assert_refused(harness, "quay_api_token", arguments, words)


def test_unknown_client_id(harness: Harness) -> None:
    words = "has no application with the client id 'NOPE'"
    assert_refused(harness, "quay_api_token", {"client_id": "NOPE"}, words)


def test_scope_that_the_login_does_not_have(harness: Harness) -> None:
    """Quay does not let a user grant scopes that they do not have."""
    if harness.quay.quay.family == "3.18":
        result = harness.run("quay_api_token", {**SECRET_MODULES["quay_api_token"], "scopes": ["super:user"]})
        assert result.failed
        assert "Quay issues no token with scopes that the login lacks: super:user" in result.message
        assert harness.valid_tokens(harness.accounts.automation) == {}
