# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, sections 2.5 and 2.6: assigning tokens, and a user's own authorizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.client import (
    Client,
    access_token,
    assert_html,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
)
from conformance.world import World
from standin import Standin

ASSIGN = "/oauth/authorize/assignuser"
ASSIGNED = "/api/v1/user/assignedauthorization"
AUTHORIZATIONS = "/api/v1/user/authorizations"


def _query(world: World, **changes: str) -> dict[str, str]:
    return world.form(username=world.username, format="json", scope="user:read") | changes


def _assign(world: World, **changes: str) -> dict[str, Any]:
    """Assign a token to the user: the assignment as he sees it."""
    before = {item["uuid"] for item in world.user.get(ASSIGNED).json()["authorizations"]}
    response = world.superuser.post(ASSIGN, params=_query(world, **changes))
    assert (response.status_code, response.json()) == (200, {"message": "Token assigned successfully"})
    after: list[dict[str, Any]] = world.user.get(ASSIGNED).json()["authorizations"]
    (new,) = (item for item in after if item["uuid"] not in before)
    return new


def test_2_5_the_user_sees_what_was_assigned(world: World) -> None:
    assignment = _assign(world)
    assert assignment.keys() == {"application", "uuid", "redirectUri", "scopes", "responseType"}
    keys = {"name", "clientId", "description", "url", "avatar", "organization"}
    assert assignment["application"].keys() == keys
    assert assignment["application"]["clientId"] == world.client_id
    assert (assignment["redirectUri"], assignment["responseType"]) == (world.redirect_uri, "token")
    (scope,) = assignment["scopes"]
    assert scope.keys() == {"title", "scope", "description", "icon", "dangerous"}
    assert (scope["scope"], scope["dangerous"]) == ("user:read", False)


def test_2_5_the_user_takes_it_once(world: World, caller: Callable[..., Client]) -> None:
    assignment = _assign(world)
    form = world.form(scope="user:read", assignment_uuid=assignment["uuid"])
    secret = access_token(world.user.post("/oauth/authorizeapp", data=form))
    assert caller(bearer=secret).get("/api/v1/user/").json()["username"] == world.username
    again = world.user.post("/oauth/authorizeapp", data=form)
    assert again.headers["Location"] == f"{world.redirect_uri}?error=unauthorized_client"


def test_2_5_he_may_take_wider_scopes(world: World) -> None:
    assignment = _assign(world, scope="repo:read")
    form = world.form(scope="user:read user:admin", assignment_uuid=assignment["uuid"])
    assert access_token(world.user.post("/oauth/authorizeapp", data=form))


def test_2_5_he_may_refuse_it(world: World) -> None:
    path = f"{ASSIGNED}/{_assign(world)['uuid']}"
    assert_no_content(world.user.delete(path))
    assert_problem(world.user.delete(path), 404, "not_found")


def test_2_5_duplicates_and_nonsense_scopes_are_accepted(world: World) -> None:
    first, second = _assign(world, scope="nonsense"), _assign(world, scope="nonsense")
    assert first["uuid"] != second["uuid"]
    assert first["scopes"] == []


def test_2_5_unknown_user_or_client_404_html(world: World) -> None:
    assert_html(world.superuser.post(ASSIGN, params=_query(world, username="nobody-at-all")), 404)
    assert_html(world.superuser.post(ASSIGN, params=_query(world, client_id="NOPE")), 404)


def test_2_5_only_org_admins_403_html(world: World) -> None:
    assert_html(world.user.post(ASSIGN, params=_query(world)), 403)


def test_2_5_bearer_and_basic_403_csrf(
    world: World, bearer: Callable[[str], Client], caller: Callable[..., Client]
) -> None:
    basic = caller(basic=(world.target.username, world.target.password))
    for client in (bearer("org:admin"), basic):
        response = client.post(ASSIGN, params=_query(world))
        assert response.status_code == 403
        assert response.json()["error"].startswith("CSRF token was invalid or missing.")


def test_2_5_feature_off(world: World, standin: Standin) -> None:
    standin.config["FEATURE_ASSIGN_OAUTH_TOKEN"] = False
    assert_html(world.superuser.post(ASSIGN, params=_query(world)), 404)
    assert_html(world.user.get(ASSIGNED), 308)


def test_2_6_authorizations_tell_neither_expiry_nor_name_nor_client(world: World) -> None:
    world.token("repo:read")
    listed = world.superuser.get(AUTHORIZATIONS).json()
    assert listed.keys() == {"authorizations"}
    for authorization in listed["authorizations"]:
        assert authorization.keys() == {"application", "scopes", "uuid"}
        keys = {"name", "description", "url", "avatar", "organization"}
        assert authorization["application"].keys() == keys


def test_2_6_get_and_delete_one(world: World, caller: Callable[..., Client]) -> None:
    before = {item["uuid"] for item in world.superuser.get(AUTHORIZATIONS).json()["authorizations"]}
    client = caller(bearer=world.mint("user:read"))
    after = {item["uuid"]: item for item in world.superuser.get(AUTHORIZATIONS).json()["authorizations"]}
    (uuid,) = after.keys() - before
    assert world.superuser.get(f"{AUTHORIZATIONS}/{uuid}").json() == after[uuid]
    assert_problem(world.user.get(f"{AUTHORIZATIONS}/{uuid}"), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 200
    assert_no_content(world.superuser.delete(f"{AUTHORIZATIONS}/{uuid}"))
    assert_problem(world.superuser.delete(f"{AUTHORIZATIONS}/{uuid}"), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 401


def test_2_6_expired_ones_are_listed_too(world: World, standin: Standin) -> None:
    before = world.superuser.get(AUTHORIZATIONS).json()["authorizations"]
    # Less than the 31 days of a session: shorten the tokens instead.
    for token in standin.state.oauth_tokens.values():
        token.expires_at = standin.clock.now()
    standin.clock.advance(1)
    assert world.superuser.get(AUTHORIZATIONS).json()["authorizations"] == before


def test_2_6_needs_user_admin(bearer: Callable[[str], Client]) -> None:
    assert bearer("user:admin").get(AUTHORIZATIONS).status_code == 200
    assert_unauthorized(bearer("user:read").get(AUTHORIZATIONS))
