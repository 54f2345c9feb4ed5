# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_organization: organizations and their address."""

from __future__ import annotations

from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World

MODULE = "quay_organization"
ORGANIZATIONS = "/api/v1/organization/"
CONFIG = "GET /config"
EMAIL = "new@example.com"


def looks(world: World, name: str = "new") -> list[str]:
    return [*world.sign_in, f"GET {ORGANIZATIONS}{name}"]


@pytest.mark.parametrize("email", [None, EMAIL])
def test_organization_is_made(either_login: World, email: str | None) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "new", "email": email})
    proof = [] if world.sign_in else ["GET /api/v1/user/robots"]
    asks = [*looks(world), *proof, "GET /api/v1/users/new", CONFIG]
    writes = [f"POST {ORGANIZATIONS}", f"GET {ORGANIZATIONS}new"]
    assert runs.requests[0] == asks
    assert runs.requests[1] == [*runs.requests[0], *writes]
    assert runs.requests[2:] == [looks(world)] * 2
    assert runs.first.content == {"name": "new", "email": email or ""}
    assert runs.first.diff == {"before": {}, "after": {"email": email or ""}}
    assert world.quay.state.organizations["new"].teams["owners"].members == ["alice"]


def test_own_token_goes_with_the_organization(world: World) -> None:
    """The application that the token belongs to is the organization's; it is not accepted when reading back."""
    result = world.run(MODULE, {"name": "acme", "state": "absent"})
    assert not result.failed, result.message
    assert result.changed
    assert "acme" not in world.quay.state.organizations


def test_address_is_changed(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "acme", "email": EMAIL})
    assert runs.requests[1] == [
        *looks(world, "acme"),
        CONFIG,
        f"PUT {ORGANIZATIONS}acme",
        f"GET {ORGANIZATIONS}acme",
    ]
    assert runs.first.diff == {"before": {"email": "acme@example.com"}, "after": {"email": EMAIL}}
    assert world.quay.state.organizations["acme"].email == EMAIL


def test_unchanged_organization_costs_one_request(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "acme"})
    assert runs.requests == [looks(world, "acme")] * 4
    assert runs.first.content == {"name": "acme", "email": "acme@example.com"}


def test_organization_is_deleted(either_login: World) -> None:
    world = either_login
    # Not acme: the application that her own token belongs to would go with it.
    world.run(MODULE, {"name": "new", "email": EMAIL})
    runs = world.four_runs(MODULE, {"name": "new", "state": "absent"})
    assert runs.requests[1] == [
        *looks(world, "new"),
        CONFIG,
        f"DELETE {ORGANIZATIONS}new",
        f"GET {ORGANIZATIONS}new",
    ]
    assert "new" not in world.quay.state.organizations
    assert runs.first.diff == {"before": {"email": EMAIL}, "after": {}}


def test_superuser_reaches_every_organization(superuser: World) -> None:
    superuser.four_runs(MODULE, {"name": "acme", "email": EMAIL})
    superuser.four_runs(MODULE, {"name": "acme", "state": "absent"})


def test_name_is_blocked_for_a_while(either_login: World) -> None:
    world = either_login
    # Her own application would go with acme, and her token with it.
    world.run(MODULE, {"name": "new"})
    world.run(MODULE, {"name": "new", "state": "absent"})
    again = world.run(MODULE, {"name": "new"})
    if world.quay.quay.family == "3.18":
        assert "deleted a moment ago. Quay keeps the name until it has cleaned up" in again.message
        world.advance(seconds=61)
        again = world.run(MODULE, {"name": "new"})
    assert again.changed


@pytest.mark.parametrize("arguments", [{"email": EMAIL}, {"state": "absent"}])
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_who_does_not_administer_it(world: World, who: str, arguments: dict[str, Any]) -> None:
    world.login = getattr(world.people, who).by_password
    words = "the organization acme cannot be changed: the login does not administer the organization acme"
    assert_refused(world, MODULE, {"name": "acme", **arguments}, words)


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_everybody_may_see_that_it_is_there(world: World, who: str) -> None:
    world.login = getattr(world.people, who).by_password
    runs = world.four_runs(MODULE, {"name": "acme"})
    assert (runs.first.changed, runs.first["email"]) == (False, "")


def test_token_without_the_scope(world: World) -> None:
    world.login = world.people.alice.by_token(world.people.console, "repo:read")
    assert_refused(world, MODULE, {"name": "acme", "email": EMAIL}, "a token needs the scope org:admin")
    assert_refused(world, MODULE, {"name": "new"}, "its token lacks the scope user:admin")


@pytest.mark.parametrize("arguments", [{"name": "acme"}, {"name": "acme", "state": "absent"}, {"name": "new"}])
def test_token_that_quay_does_not_accept(world: World, arguments: dict[str, Any]) -> None:
    """An organization's page is for everybody; a wrong token is told apart all the same."""
    world.login = {"quay_token": "X" * 40}
    assert_refused(world, MODULE, arguments, "Quay does not accept the token")


def test_name_of_a_user(either_login: World) -> None:
    assert_refused(either_login, MODULE, {"name": "carol"}, "'carol' is the name of a user")


def test_quay_that_sends_mail_wants_an_address(either_login: World) -> None:
    either_login.quay.config["FEATURE_MAILING"] = True
    assert_refused(
        either_login, MODULE, {"name": "new"}, "email is required for a new organization, because this Quay sends mail"
    )
    assert either_login.run(MODULE, {"name": "new", "email": EMAIL}).changed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "New"}, "'New' is no name that Quay takes"),
        ({"name": "a/b"}, "is no name that Quay takes"),
        ({"name": ""}, "is no name that Quay takes"),
        ({"name": "new", "email": "nowhere"}, "'nowhere' is no e-mail address"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(world: World, arguments: dict[str, Any], words: str) -> None:
    assert_refused(world, MODULE, arguments, words)
    assert world.requests == []


@pytest.mark.parametrize("kind", ["cut_after", "status"])
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("POST", {"name": "new", "email": EMAIL}),
        ("PUT", {"name": "acme", "email": EMAIL}),
        ("DELETE", {"name": "acme", "state": "absent"}),
    ],
)
def test_lost_answer_is_looked_up(superuser: World, method: str, arguments: dict[str, Any], kind: str) -> None:
    world = superuser
    world.quay.faults.add(kind, method=method, path=f"^{ORGANIZATIONS}", after=True)
    assert world.run(MODULE, arguments).changed
    assert not world.run(MODULE, arguments).changed


@pytest.mark.parametrize("arguments", [{"name": "acme", "email": EMAIL}, {"name": "acme", "state": "absent"}])
def test_claim_that_is_not_true(superuser: World, arguments: dict[str, Any]) -> None:
    method = "DELETE" if "state" in arguments else "PUT"
    superuser.quay.faults.add("status", status=204, method=method, path=f"^{ORGANIZATIONS}acme")
    words = "Quay reported success, but the organization acme is not as written"
    assert words in superuser.run(MODULE, arguments).message


def test_read_only_registry(superuser: World) -> None:
    superuser.quay.config["REGISTRY_STATE"] = "readonly"
    for arguments in ({"name": "new"}, {"name": "acme", "email": EMAIL}, {"name": "acme", "state": "absent"}):
        assert_refused(superuser, MODULE, arguments, "the registry is read-only")
