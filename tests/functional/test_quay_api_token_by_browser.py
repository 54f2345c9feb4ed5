# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_api_token where Quay has no application-token endpoints (3.17 and older): the browser's own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.world import World
from standin.tokens import fingerprint

MODULE = "quay_api_token"
PROBE = "GET /api/v1/organization/zz/applications/zz/tokens"
PROOF = "GET /v2/auth"
CONFIG = "GET /config"
CSRF = "GET /csrf_token"
SIGN_IN = [CSRF, "POST /api/v1/signin"]
AUTHORIZATIONS = "GET /api/v1/user/authorizations"
AUTHORIZE = "POST /oauth/authorizeapp"
TEN_YEARS_S = 315576000

# Not by a bearer token: that is a case of its own.
SOUND = [PROBE, PROOF, *SIGN_IN, AUTHORIZATIONS]


@pytest.fixture
def family() -> str:
    return "3.17"


class Desk:
    """The tokens of acme's application "automation", which have no names here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client_id = world.people.automation
        self.arguments = {"organization": "acme", "client_id": self.client_id}

    def make(self, scope: str = "repo:read") -> tuple[str, str]:
        before = self.living()
        secret = self.world.people.alice.token(self.client_id, scope)
        (uuid,) = self.living() - before
        return uuid, secret

    def make_in_file(self, scope: str = "repo:read") -> str:
        uuid, secret = self.make(scope)
        self.world.keep(secret)
        return uuid

    def living(self) -> set[str]:
        return set(self.world.tokens_of(self.client_id))

    def in_file(self, **options: Any) -> dict[str, Any]:
        return {**self.arguments, "token_path": str(self.world.token_path), **options}


@pytest.fixture
def desk(world: World) -> Desk:
    """By password, as this way wants it."""
    world.login = world.people.alice.by_password
    return Desk(world)


def revoking(uuid: str) -> str:
    return f"DELETE /api/v1/user/authorizations/{uuid}"


def test_token_is_made_and_kept_in_a_file(desk: Desk) -> None:
    world = desk.world
    runs = world.four_runs(MODULE, desk.in_file(name="nightly", scopes=["repo:write", "repo:read"], lifetime="90d"))
    assert runs.requests == [
        [PROBE, CONFIG],
        # No session of the user is needed for this, and none is left behind.
        [PROBE, CONFIG, CSRF, AUTHORIZE, PROOF],
        SOUND,
        SOUND,
    ]
    (token,) = world.tokens_of(desk.client_id).values()
    assert (token.name, token.username) == (None, "alice")
    assert set(token.scope.split()) == {"repo:read", "repo:write"}
    assert runs.first.content | {"created_at": None, "expires_at": None} == {
        "token": None,
        "name": "nightly",
        "username": "$oauthtoken",
        "registry": f"127.0.0.1:{world.quay.port}",
        "api_url": f"{world.quay.url}/api/v1",
        "organization": "acme",
        "client_id": desk.client_id,
        "scopes": ["repo:read", "repo:write"],
        "uuid": token.uuid,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": "mint",
        "fingerprint": world.kept(),
        "reason": "missing",
        "minted": True,
        "superseded": [],
        "delivered": [str(world.token_path)],
        "retired": [],
    }
    assert world.is_now(runs.first["created_at"])
    assert (token.expires_at - token.created).total_seconds() == TEN_YEARS_S
    assert runs.second["age_source"] == "record"
    assert runs.second["created_at"] == runs.first["created_at"]
    assert runs.second["expires_at"] == runs.first["expires_at"]
    assert world.record_of_token()["uuid"] == token.uuid


def test_application_by_name(desk: Desk) -> None:
    arguments = {**desk.in_file(), "application": "automation"}
    del arguments["client_id"]
    runs = desk.world.four_runs(MODULE, arguments)
    applications = "GET /api/v1/organization/acme/applications"
    assert runs.requests[3] == [*SIGN_IN, applications, PROBE, PROOF, AUTHORIZATIONS]


def test_new_token_is_delivered_before_the_old_one_dies(desk: Desk) -> None:
    world = desk.world
    old = desk.make_in_file()
    held = world.kept()
    seen: dict[str, Any] = {}

    def look() -> None:
        seen["file"], seen["living"] = world.kept(), desk.living()

    world.before("DELETE", look)
    result = world.run(MODULE, desk.in_file(rotate="always"))
    assert world.requests == [*SOUND, CONFIG, AUTHORIZE, PROOF, revoking(old)]
    assert seen["file"] == world.kept() == result["fingerprint"] != held
    assert seen["living"] == {old, result["uuid"]}
    assert desk.living() == {result["uuid"]}


def test_other_tokens_of_the_application_are_never_touched(desk: Desk) -> None:
    world = desk.world
    mine, _secret = desk.make()
    elsewhere = set(world.tokens_of(world.people.console))
    first = world.run(MODULE, desk.in_file())
    again = world.run(MODULE, desk.in_file(rotate="always"))
    world.run(MODULE, desk.in_file(state="absent"))
    assert first["superseded"] == again["superseded"] == []
    assert desk.living() == {mine}
    assert set(world.tokens_of(world.people.console)) == elsewhere


def test_sound_token_of_the_caller(desk: Desk) -> None:
    uuid, secret = desk.make()
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret})
    assert runs.requests == [SOUND] * 4
    assert (runs.first["reason"], runs.first["uuid"], runs.first["token"]) == ("not_due", uuid, None)
    assert runs.first["created_at"] is None
    assert runs.first["fingerprint"] == fingerprint(secret)


def test_sound_token_by_bearer_costs_two_requests(world: World) -> None:
    desk = Desk(world)
    uuid, secret = desk.make()
    runs = world.four_runs(MODULE, {**desk.arguments, "current_token": secret})
    listing = f"GET /api/v1/organization/acme/applications/{desk.client_id}/tokens"
    assert runs.requests == [[listing, PROOF]] * 4
    assert (runs.first["reason"], runs.first["uuid"]) == ("not_due", uuid)


def test_bearer_alone_cannot_make_one(world: World) -> None:
    desk = Desk(world)
    predicted, result = world.check(MODULE, desk.in_file()), world.run(MODULE, desk.in_file())
    assert predicted.message == result.message
    assert "has no application-token endpoints (they came with 3.18)" in result.message
    assert "give quay_username and quay_password of an administrator" in result.message
    assert world.writes == []
    assert world.files().keys() == {str(world.folder)}


def test_replaced_token_is_left_to_whoever_delivers(desk: Desk) -> None:
    uuid, secret = desk.make(scope="repo:write")
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret}, idempotent=False)
    assert (runs.first["reason"], runs.first["superseded"]) == ("scopes_changed", [uuid])
    assert runs.first.token == runs.first["fingerprint"]
    assert uuid in desk.living()
    desk.world.four_runs(MODULE, {**desk.arguments, "state": "absent", "uuid": uuid})
    assert desk.living() == {runs.first["uuid"], runs.second["uuid"]}


def test_somebody_who_does_not_administer_the_organization(desk: Desk) -> None:
    world = desk.world
    world.login = world.people.bob.by_password
    result = world.run(MODULE, {**desk.arguments, "token_path": str(world.token_path)})
    assert result.failed
    assert "the user does not administer the organization that owns the application" in result.message
    assert desk.living() == set()


@pytest.mark.parametrize("hidden", [False, True], ids=["/config", "the registry's challenge"])
def test_server_that_is_reached_by_another_name(desk: Desk, hidden: bool) -> None:
    """Quay hands out tokens to the page of its own name only, whatever name it is reached by."""
    world = desk.world
    world.quay.config["SERVER_HOSTNAME"] = "registry.example.com"
    if hidden:
        world.quay.faults.add("status", path="^/config$", times=None, status=404)
    result = world.run(MODULE, desk.in_file())
    assert not result.failed, result.message
    assert world.is_oauth_token(result["uuid"], world.kept())
    assert ("GET /v2/" in world.requests) == hidden


# --- absent


def test_token_of_a_file_is_revoked_with_its_file(desk: Desk) -> None:
    bystander, _secret = desk.make()
    desk.world.run(MODULE, desk.in_file())
    runs = desk.world.four_runs(MODULE, desk.in_file(state="absent"))
    assert runs.first.changed
    assert desk.living() == {bystander}
    assert list(desk.world.folder.iterdir()) == []


def test_held_token_is_revoked(desk: Desk) -> None:
    _uuid, secret = desk.make()
    bystander, _secret = desk.make()
    desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret, "state": "absent"})
    assert desk.living() == {bystander}


def test_unknown_uuid_is_absent_already(desk: Desk) -> None:
    desk.make()
    arguments = {**desk.arguments, "uuid": "5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11", "state": "absent"}
    assert not desk.world.four_runs(MODULE, arguments).first.changed


def test_name_is_nothing_to_go_by_here(desk: Desk) -> None:
    desk.make()
    result = desk.world.run(MODULE, {**desk.arguments, "name": "nightly", "state": "absent"})
    assert result.failed
    assert "A name is enough on Quay 3.18 and later" in result.message
    assert len(desk.living()) == 1


# --- for another user


def test_token_is_assigned_and_taken(desk: Desk) -> None:
    world = desk.world
    arguments = {**desk.arguments, "for_user": "carol"}
    assigned = world.four_runs(MODULE, arguments, idempotent=False)
    assert (assigned.first.changed, assigned.first["minted"], assigned.first["token"]) == (True, False, None)
    assert assigned.requests[1] == [CONFIG, PROBE, *SIGN_IN, "POST /oauth/authorize/assignuser"]
    world.login = world.people.carol.by_password
    taken = world.four_runs(MODULE, {**arguments, "token_path": str(world.token_path)})
    assert (taken.first["reason"], taken.first["minted"]) == ("missing", True)
    (token,) = world.tokens_of(desk.client_id).values()
    assert (token.username, token.scope) == ("carol", "repo:read")
    assert world.is_oauth_token(token.uuid, world.kept())


# --- every reason that this way knows


def _revoked(desk: Desk) -> dict[str, Any]:
    uuid = desk.make_in_file()
    desk.world.people.alice.browser().call("DELETE", f"/api/v1/user/authorizations/{uuid}")
    return desk.in_file()


def _aged(desk: Desk, *, days: float, **options: Any) -> dict[str, Any]:
    desk.world.run(MODULE, desk.in_file())
    desk.world.advance(days=days)
    return desk.in_file(**options)


def _held(desk: Desk, **options: Any) -> dict[str, Any]:
    desk.make_in_file(options.pop("scope", "repo:read"))
    return desk.in_file(**options)


REASONS: dict[str, Callable[[Desk], dict[str, Any]]] = {
    "missing": lambda desk: desk.in_file(),
    "forced": lambda desk: _held(desk, rotate="always"),
    "invalid": _revoked,
    "expired": lambda desk: _aged(desk, days=3653),
    "scopes_changed": lambda desk: _held(desk, scope="repo:write"),
    "expiring": lambda desk: _aged(desk, days=3640),
    "too_old": lambda desk: _aged(desk, days=91, max_age="90d"),
    "not_due": lambda desk: _aged(desk, days=89, max_age="90d"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_told_alike_in_check_mode_and_for_real(desk: Desk, reason: str) -> None:
    arguments = REASONS[reason](desk)
    runs = desk.world.four_runs(MODULE, arguments, idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert desk.living() == {runs.second["uuid"]}
    assert desk.world.kept() == runs.second["fingerprint"]
