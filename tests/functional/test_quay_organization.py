# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_organization: organizations and their e-mail address."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused

MODULE = "quay_organization"
ORGANIZATIONS = "/api/v1/organization/"
CONFIG = "GET /config"
EMAIL = "new@example.com"


def read_requests(harness: Harness, name: str = "new") -> list[str]:
    return [*harness.sign_in, f"GET {ORGANIZATIONS}{name}"]


@pytest.mark.parametrize("email", [None, EMAIL])
def test_organization_is_created(either_login: Harness, email: str | None) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "new", "email": email})
    verification = [] if harness.sign_in else ["GET /api/v1/user/robots"]
    reads = [*read_requests(harness), *verification, "GET /api/v1/users/new", CONFIG]
    writes = [f"POST {ORGANIZATIONS}", f"GET {ORGANIZATIONS}new"]
    assert runs.requests[0] == reads
    assert runs.requests[1] == [*runs.requests[0], *writes]
    assert runs.requests[2:] == [read_requests(harness)] * 2
    assert runs.first.content == {"name": "new", "email": email or ""}
    assert runs.first.diff == {"before": {}, "after": {"email": email or ""}}
    assert harness.quay.state.organizations["new"].teams["owners"].members == ["alice"]


def test_own_token_is_deleted_with_the_organization(harness: Harness) -> None:
    """The application of the token belongs to the organization, so the token is invalid when reading back."""
    result = harness.run(MODULE, {"name": "acme", "state": "absent"})
    assert not result.failed, result.message
    assert result.changed
    assert "acme" not in harness.quay.state.organizations


def test_address_is_changed(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme", "email": EMAIL})
    assert runs.requests[1] == [
        *read_requests(harness, "acme"),
        CONFIG,
        f"PUT {ORGANIZATIONS}acme",
        f"GET {ORGANIZATIONS}acme",
    ]
    assert runs.first.diff == {"before": {"email": "acme@example.com"}, "after": {"email": EMAIL}}
    assert harness.quay.state.organizations["acme"].email == EMAIL


def test_unchanged_organization_costs_one_request(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme"})
    assert runs.requests == [read_requests(harness, "acme")] * 4
    assert runs.first.content == {"name": "acme", "email": "acme@example.com"}


def test_organization_is_deleted(either_login: Harness) -> None:
    harness = either_login
    # Not acme: the application of alice's own token would be deleted with it.
    harness.run(MODULE, {"name": "new", "email": EMAIL})
    runs = harness.four_runs(MODULE, {"name": "new", "state": "absent"})
    assert runs.requests[1] == [
        *read_requests(harness, "new"),
        CONFIG,
        f"DELETE {ORGANIZATIONS}new",
        f"GET {ORGANIZATIONS}new",
    ]
    assert "new" not in harness.quay.state.organizations
    assert runs.first.diff == {"before": {"email": EMAIL}, "after": {}}


def test_superuser_manages_every_organization(superuser: Harness) -> None:
    superuser.four_runs(MODULE, {"name": "acme", "email": EMAIL})
    superuser.four_runs(MODULE, {"name": "acme", "state": "absent"})


def test_name_is_blocked_for_a_while(either_login: Harness) -> None:
    harness = either_login
    # Not acme: the application of alice's own token would be deleted with it.
    harness.run(MODULE, {"name": "new"})
    harness.run(MODULE, {"name": "new", "state": "absent"})
    again = harness.run(MODULE, {"name": "new"})
    if harness.quay.quay.family == "3.18":
        assert "deleted a moment ago. Quay keeps the name until it has cleaned up" in again.message
        harness.advance(seconds=61)
        again = harness.run(MODULE, {"name": "new"})
    assert again.changed


@pytest.mark.parametrize("arguments", [{"email": EMAIL}, {"state": "absent"}])
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_user_who_does_not_administer_it(harness: Harness, who: str, arguments: dict[str, Any]) -> None:
    harness.login = getattr(harness.accounts, who).by_password
    words = "the organization acme cannot be changed: the login does not administer the organization acme"
    assert_refused(harness, MODULE, {"name": "acme", **arguments}, words)


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_everybody_can_see_that_it_exists(harness: Harness, who: str) -> None:
    harness.login = getattr(harness.accounts, who).by_password
    runs = harness.four_runs(MODULE, {"name": "acme"})
    assert (runs.first.changed, runs.first["email"]) == (False, "")


def test_token_without_the_scope(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "repo:read")
    assert_refused(harness, MODULE, {"name": "acme", "email": EMAIL}, "a token needs the scope org:admin")
    assert_refused(harness, MODULE, {"name": "new"}, "its token lacks the scope user:admin")


@pytest.mark.parametrize("arguments", [{"name": "acme"}, {"name": "acme", "state": "absent"}, {"name": "new"}])
def test_token_that_quay_does_not_accept(harness: Harness, arguments: dict[str, Any]) -> None:
    """The page of an organization is public, but a wrong token is detected."""
    harness.login = {"quay_token": "X" * 40}
    assert_refused(harness, MODULE, arguments, "Quay does not accept the token")


def test_name_of_a_user(either_login: Harness) -> None:
    assert_refused(either_login, MODULE, {"name": "carol"}, "'carol' is the name of a user")


def test_quay_that_sends_mail_requires_an_address(either_login: Harness) -> None:
    either_login.quay.config["FEATURE_MAILING"] = True
    assert_refused(
        either_login, MODULE, {"name": "new"}, "email is required for a new organization, because this Quay sends mail"
    )
    assert either_login.run(MODULE, {"name": "new", "email": EMAIL}).changed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "New"}, "'New' is not a valid name"),
        ({"name": "a/b"}, "is not a valid name"),
        ({"name": ""}, "missing required arguments: name"),
        ({"name": "new", "email": "nowhere"}, "'nowhere' is not an e-mail address"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, arguments, words)
    assert harness.requests == []


@pytest.mark.parametrize("kind", ["cut_after", "status"])
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("POST", {"name": "new", "email": EMAIL}),
        ("PUT", {"name": "acme", "email": EMAIL}),
        ("DELETE", {"name": "acme", "state": "absent"}),
    ],
)
def test_lost_response_is_resolved_by_reading_back(
    superuser: Harness, method: str, arguments: dict[str, Any], kind: str
) -> None:
    harness = superuser
    harness.quay.faults.add(kind, method=method, path=f"^{ORGANIZATIONS}", after=True)
    assert harness.run(MODULE, arguments).changed
    assert not harness.run(MODULE, arguments).changed


@pytest.mark.parametrize("arguments", [{"name": "acme", "email": EMAIL}, {"name": "acme", "state": "absent"}])
def test_false_success_is_detected(superuser: Harness, arguments: dict[str, Any]) -> None:
    method = "DELETE" if "state" in arguments else "PUT"
    superuser.quay.faults.add("status", status=204, method=method, path=f"^{ORGANIZATIONS}acme")
    words = "Quay reported success, but the organization acme is not as written"
    assert words in superuser.run(MODULE, arguments).message


def test_read_only_registry(superuser: Harness) -> None:
    superuser.quay.config["REGISTRY_STATE"] = "readonly"
    for arguments in ({"name": "new"}, {"name": "acme", "email": EMAIL}, {"name": "acme", "state": "absent"}):
        assert_refused(superuser, MODULE, arguments, "the registry is read-only")
