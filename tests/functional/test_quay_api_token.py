# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_api_token where Quay has application-token endpoints (3.18 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.documents import reasons_of
from functional.inhabitants import ALL_SCOPES
from functional.world import World
from standin.tokens import fingerprint

MODULE = "quay_api_token"
PROBE = "GET /api/v1/organization/zz/applications/zz/tokens"
APPLICATIONS = "GET /api/v1/organization/acme/applications"
CONFIG = "GET /config"
PROOF = "GET /v2/auth"
TEN_YEARS_S = 315576000


@pytest.fixture
def family() -> str:
    return "3.18"


class Desk:
    """The tokens of acme's application "automation", as others see and make them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client_id = world.people.automation
        self.path = f"/api/v1/organization/acme/applications/{self.client_id}/tokens"
        self.arguments = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}

    @property
    def listing(self) -> list[str]:
        """The requests that every run begins with."""
        if self.world.sign_in:
            return [PROBE, *self.world.sign_in, f"GET {self.path}"]
        return [f"GET {self.path}"]

    @property
    def minting(self) -> list[str]:
        return [CONFIG, f"POST {self.path}", PROOF]

    def revoking(self, uuid: str) -> str:
        return f"DELETE {self.path}/{uuid}"

    def make(self, name: str = "nightly", scope: str = "repo:read", lifetime_s: int = TEN_YEARS_S) -> tuple[str, str]:
        """A token that somebody made earlier: its uuid and its secret."""
        body = {"name": name, "scope": scope, "expiration": lifetime_s}
        made = self.world.people.alice.browser().call("POST", self.path, body).json()
        return made["uuid"], made["token"]

    def make_in_file(self, **options: Any) -> str:
        """A token that stands in the file without a record."""
        uuid, secret = self.make(**options)
        self.world.keep(secret)
        return uuid

    def living(self) -> set[str]:
        return set(self.world.tokens_of(self.client_id))

    def in_file(self, **options: Any) -> dict[str, Any]:
        return {**self.arguments, "token_path": str(self.world.token_path), **options}


@pytest.fixture
def desk(each_login: World) -> Desk:
    return Desk(each_login)


@pytest.fixture
def bearer_desk(world: World) -> Desk:
    return Desk(world)


# --- a token in a file


def test_token_is_made_and_kept_in_a_file(desk: Desk) -> None:
    world = desk.world
    arguments = desk.in_file(scopes=["repo:write", "repo:read"], lifetime="90d")
    runs = world.four_runs(MODULE, arguments)
    assert runs.requests == [
        [*desk.listing, CONFIG],
        [*desk.listing, *desk.minting],
        desk.listing,
        desk.listing,
    ]
    (token,) = world.tokens_of(desk.client_id).values()
    assert (token.name, token.scope, token.username) == ("nightly", "repo:read repo:write", "alice")
    assert runs.first.content == {
        "token": None,
        "name": "nightly",
        "username": "$oauthtoken",
        "registry": f"127.0.0.1:{world.quay.port}",
        "api_url": f"{world.quay.url}/api/v1",
        "organization": "acme",
        "client_id": desk.client_id,
        "scopes": ["repo:read", "repo:write"],
        "uuid": token.uuid,
        "created_at": world.iso(token.created),
        "expires_at": world.iso(token.expires_at),
        "last_accessed": None,
        "age_source": "mint",
        "fingerprint": world.kept(),
        "reason": "missing",
        "minted": True,
        "superseded": [],
        "delivered": [str(world.token_path)],
        "retired": [],
    }
    assert (token.expires_at - token.created).total_seconds() == 90 * 86400
    assert world.is_oauth_token(token.uuid, world.kept())
    assert world.record_of_token() == {
        "fingerprint": world.kept(),
        "created_at": world.iso(token.created),
        "expires_at": world.iso(token.expires_at),
        "uuid": token.uuid,
        "superseded": None,
        "username": "$oauthtoken",
    }
    assert runs.first.diff == {
        "before": {"name": "nightly", "token": "absent", "scopes": None, **world.in_file("absent")},
        "after": {"name": "nightly", "token": "new", "scopes": ["repo:read", "repo:write"], **world.in_file("new")},
    }
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "quay")
    assert runs.second["uuid"] == token.uuid


def test_token_without_a_lifetime_lives_ten_years(desk: Desk) -> None:
    desk.world.run(MODULE, desk.in_file())
    (token,) = desk.world.tokens_of(desk.client_id).values()
    assert (token.expires_at - token.created).total_seconds() == TEN_YEARS_S


def test_application_by_name_costs_one_request_more(desk: Desk) -> None:
    world = desk.world
    arguments = {**desk.in_file(), "application": "automation"}
    del arguments["client_id"]
    runs = world.four_runs(MODULE, arguments)
    if world.sign_in:
        assert runs.requests[3] == [*world.sign_in, APPLICATIONS, PROBE, f"GET {desk.path}"]
    else:
        assert runs.requests[3] == [APPLICATIONS, f"GET {desk.path}"]
    assert runs.first["client_id"] == desk.client_id


def test_organization_is_learned_from_the_client_id(desk: Desk) -> None:
    arguments = desk.in_file()
    del arguments["organization"]
    runs = desk.world.four_runs(MODULE, arguments)
    assert runs.first["organization"] == "acme"
    assert runs.requests[3] == [f"GET /api/v1/app/{desk.client_id}", *desk.listing]


def test_new_token_is_delivered_before_the_old_one_dies(desk: Desk) -> None:
    world = desk.world
    old = desk.make_in_file()
    held = world.kept()
    seen: dict[str, Any] = {}

    def look() -> None:
        seen["file"], seen["living"] = world.kept(), desk.living()

    world.before("DELETE", look)
    result = world.run(MODULE, desk.in_file(rotate="always"))
    assert world.requests == [*desk.listing, PROOF, *desk.minting, desk.revoking(old)]
    assert seen["file"] == world.kept() == result["fingerprint"] != held
    assert seen["living"] == {old, result["uuid"]}
    assert desk.living() == {result["uuid"]}
    assert (result["superseded"], result["retired"]) == ([], [old])


def test_rotate_always_in_four_runs(desk: Desk) -> None:
    old = desk.make_in_file()
    runs = desk.world.four_runs(MODULE, desk.in_file(rotate="always"), idempotent=False)
    assert runs.first["reason"] == "forced"
    assert runs.first.diff["before"]["superseded"] == [old]
    assert runs.first.diff["after"]["superseded"] == []
    assert desk.living() == {runs.second["uuid"]}
    assert desk.world.kept() == runs.second["fingerprint"]


def test_token_without_a_record_is_proved(desk: Desk) -> None:
    uuid = desk.make_in_file()
    runs = desk.world.four_runs(MODULE, desk.in_file())
    assert runs.first["uuid"] == uuid
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("not_due", False, False)
    assert runs.requests == [[*desk.listing, PROOF]] * 4


def test_leftover_of_an_earlier_run_is_retired(desk: Desk) -> None:
    world = desk.world
    uuid = desk.make_in_file()
    orphan, _secret = desk.make()
    runs = world.four_runs(MODULE, desk.in_file())
    assert runs.first["reason"] == "not_due"
    assert runs.first.changed
    assert runs.first.diff == {
        "before": {"name": "nightly", "token": "present", "superseded": [orphan], **world.in_file("current")},
        "after": {"name": "nightly", "token": "present", "superseded": [], **world.in_file("current")},
    }
    assert desk.living() == {uuid}


# --- what is never touched


def test_tokens_that_are_not_ours_are_never_touched(desk: Desk) -> None:
    world, people = desk.world, desk.world.people
    other_name, _secret = desk.make(name="weekly")
    without_name = people.alice.token(desk.client_id)
    elsewhere = people.alice.browser().call(
        "POST", desk.path.replace(desk.client_id, people.console), {"name": "nightly", "scope": "repo:read"}
    )
    office = people.root.browser().call("POST", desk.path, {"name": "nightly", "scope": "repo:read"})
    of_another = office.json()["uuid"]
    first = world.run(MODULE, desk.in_file())
    again = world.run(MODULE, desk.in_file(rotate="always"))
    gone = world.run(MODULE, desk.in_file(state="absent"))
    assert first["superseded"] == again["superseded"] == gone["superseded"] == []
    named = {other_name, of_another}
    assert named <= desk.living()
    assert len(desk.living() - named) == 1
    assert fingerprint(without_name) in {
        token.digest[:12] for token in world.tokens_of(desk.client_id).values() if token.name is None
    }
    assert elsewhere.json()["uuid"] in world.tokens_of(people.console)


def test_tokens_are_not_ours_by_a_name_that_nobody_chose(desk: Desk) -> None:
    """Two files without a name share the default: neither run may revoke the other's token."""
    world = desk.world
    nameless = {"organization": "acme", "client_id": desk.client_id}
    one, two = (world.folder / name for name in ("one", "two"))
    for _round in range(2):
        for path in (one, two):
            result = world.run(MODULE, {**nameless, "token_path": str(path)})
            assert result["superseded"] == []
    assert len(desk.living()) == 2
    assert one.read_text() != two.read_text()


def test_living_token_of_another_application_is_replaced_and_left_alone(desk: Desk) -> None:
    world, people = desk.world, desk.world.people
    secret = people.alice.token(people.console)
    before = set(world.tokens_of(people.console))
    world.keep(secret)
    result = world.run(MODULE, desk.in_file())
    assert (result["reason"], result["minted"]) == ("invalid", True)
    assert result.warned("not one of this application")
    assert set(world.tokens_of(people.console)) == before


# --- a token that the caller holds


def test_sound_token_costs_two_requests(desk: Desk) -> None:
    uuid, secret = desk.make()
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret})
    assert runs.requests == [[*desk.listing, PROOF]] * 4
    assert not runs.first.changed
    assert runs.first["token"] is None
    assert (runs.first["uuid"], runs.first["reason"]) == (uuid, "not_due")
    assert runs.first["fingerprint"] == fingerprint(secret)
    assert runs.first["age_source"] == "quay"


def test_token_is_told_once_and_each_run_makes_another(desk: Desk) -> None:
    world = desk.world
    runs = world.four_runs(MODULE, desk.arguments, idempotent=False)
    assert runs.first.token == runs.first["fingerprint"]
    assert world.is_oauth_token(runs.first["uuid"], runs.first.token)
    assert runs.second["superseded"] == [runs.first["uuid"]]
    assert desk.living() == {runs.first["uuid"], runs.second["uuid"]}
    assert runs.second.diff["after"]["superseded"] == [runs.first["uuid"]]


def test_replaced_token_is_left_to_whoever_delivers(desk: Desk) -> None:
    uuid, secret = desk.make(scope="repo:write")
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret}, idempotent=False)
    assert runs.first["reason"] == "scopes_changed"
    assert runs.first["superseded"] == [uuid]
    assert runs.first.diff["before"]["scopes"] == ["repo:write"]
    assert runs.first.diff["after"]["scopes"] == ["repo:read"]
    assert uuid in desk.living()
    following = {**desk.arguments, "state": "absent", "uuid": uuid}
    desk.world.four_runs(MODULE, following)
    assert uuid not in desk.living()
    assert runs.second["uuid"] in desk.living()


def test_replaced_token_is_revoked_on_demand(desk: Desk) -> None:
    world = desk.world
    uuid, secret = desk.make()
    arguments = {**desk.arguments, "current_token": secret, "rotate": "always", "revoke_superseded": True}
    result = world.run(MODULE, arguments)
    assert result["superseded"] == []
    assert desk.living() == {result["uuid"]}
    assert world.is_oauth_token(result["uuid"], result.token)
    assert world.requests[-1] == desk.revoking(uuid)


def test_replaced_token_in_a_file_is_kept_on_demand(desk: Desk) -> None:
    uuid = desk.make_in_file()
    result = desk.world.run(MODULE, desk.in_file(rotate="always", revoke_superseded=False))
    assert result["superseded"] == [uuid]
    assert uuid in desk.living()


def test_token_that_rotates_itself(bearer_desk: Desk) -> None:
    """The file's token is also the login: it is used until the end, and revoked last."""
    desk = bearer_desk
    world = desk.world
    uuid, secret = desk.make(scope=ALL_SCOPES)
    orphan, _secret = desk.make()
    world.keep(secret)
    world.login = {"quay_token": secret}
    result = world.run(MODULE, desk.in_file(scopes=ALL_SCOPES.split(), rotate="always"))
    assert not result.failed, result.message
    assert desk.living() == {result["uuid"]}
    assert world.requests[-2:] == [desk.revoking(orphan), desk.revoking(uuid)]
    assert world.kept() == result["fingerprint"]


def test_rotate_never_keeps_what_is_due(desk: Desk) -> None:
    uuid, secret = desk.make(scope="repo:write")
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret, "rotate": "never"})
    assert (runs.first["reason"], runs.first["minted"]) == ("scopes_changed", False)
    assert desk.living() == {uuid}


def test_rotate_never_makes_what_is_missing(desk: Desk) -> None:
    runs = desk.world.four_runs(MODULE, desk.in_file(rotate="never"))
    assert (runs.first["reason"], runs.first["minted"]) == ("missing", True)


@pytest.mark.parametrize("option", ["scopes", "rights"])
def test_every_scope(desk: Desk, option: str) -> None:
    world = desk.world
    world.login = world.people.root.by_password
    runs = world.four_runs(MODULE, desk.in_file(**{option: ["all"]}))
    assert runs.first["scopes"] == sorted([*ALL_SCOPES.split(), "super:user"])


def test_order_and_repetition_of_scopes_do_not_matter(desk: Desk) -> None:
    _uuid, secret = desk.make(scope="repo:write,repo:read")
    arguments = {**desk.arguments, "current_token": secret, "scopes": ["repo:write", "repo:read", "repo:write"]}
    assert desk.world.run(MODULE, arguments)["reason"] == "not_due"


def test_token_on_the_second_page_is_found(bearer_desk: Desk) -> None:
    desk = bearer_desk
    uuid, secret = desk.make()
    office = desk.world.people.alice.browser()
    for number in range(60):
        office.call("POST", desk.path, {"name": f"other-{number}", "scope": "repo:read"})
    result = desk.world.run(MODULE, {**desk.arguments, "current_token": secret})
    assert (result["reason"], result["uuid"]) == ("not_due", uuid)
    assert desk.world.requests == [f"GET {desk.path}", f"GET {desk.path}", PROOF]


def test_proof_leaves_no_login_in_the_log(bearer_desk: Desk) -> None:
    bearer_desk.world.run(MODULE, bearer_desk.in_file())
    kinds = [entry.kind for entry in bearer_desk.world.quay.state.logs]
    assert kinds[-1] == "create_oauth_api_token"


# --- absent


def test_token_of_a_file_is_revoked_with_its_file(desk: Desk) -> None:
    world = desk.world
    kept, _secret = desk.make(name="weekly")
    made = world.run(MODULE, desk.in_file())
    orphan, _secret = desk.make()
    runs = world.four_runs(MODULE, desk.in_file(state="absent"))
    assert runs.first.changed
    revoked = [orphan, made["uuid"]]
    assert runs.first["retired"] == revoked
    assert runs.first.diff == {
        "before": {"name": "nightly", "token": "present", "revoked": [], **world.in_file("present")},
        "after": {"name": "nightly", "token": "absent", "revoked": revoked, **world.in_file("absent")},
    }
    assert desk.living() == {kept}
    assert list(world.folder.iterdir()) == []


def test_held_token_is_revoked(desk: Desk) -> None:
    _uuid, secret = desk.make()
    desk.world.four_runs(MODULE, {**desk.arguments, "current_token": secret, "state": "absent"})
    assert desk.living() == set()


def test_tokens_of_a_name_are_revoked(desk: Desk) -> None:
    desk.make()
    desk.make()
    kept, _secret = desk.make(name="weekly")
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "state": "absent"})
    assert len(runs.first.diff["after"]["revoked"]) == 2
    assert desk.living() == {kept}


def test_token_of_a_uuid_is_revoked_and_no_other(desk: Desk) -> None:
    doomed, _secret = desk.make()
    namesake, _secret = desk.make()
    runs = desk.world.four_runs(MODULE, {**desk.arguments, "uuid": doomed, "state": "absent"})
    assert desk.living() == {namesake}
    assert runs.first["retired"] == runs.first.diff["after"]["revoked"] == [doomed]
    assert desk.revoking(doomed) in runs.requests[1]


def test_unknown_uuid_is_absent_already(desk: Desk) -> None:
    kept, _secret = desk.make()
    arguments = {**desk.arguments, "uuid": "5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11", "state": "absent"}
    runs = desk.world.four_runs(MODULE, arguments)
    assert not runs.first.changed
    assert desk.living() == {kept}


def test_absent_without_anything_to_go_by_is_refused(desk: Desk) -> None:
    kept, _secret = desk.make(name="ansible")
    arguments = {"organization": "acme", "client_id": desk.client_id, "state": "absent"}
    result = desk.world.run(MODULE, arguments)
    assert result.failed
    assert "Say by uuid, current_token, token_path or deliver which token to revoke" in result.message
    assert desk.living() == {kept}


# --- for another user


def assigned_to(world: World, username: str) -> list[str]:
    return [item.scope for item in world.quay.state.assignments.values() if item.username == username]


def test_token_is_assigned_and_taken(world: World) -> None:
    desk = Desk(world)
    arguments = {**desk.arguments, "scopes": ["repo:read"], "for_user": "carol"}
    world.login = world.people.alice.by_password
    runs = world.four_runs(MODULE, arguments, idempotent=False)
    assert runs.first.changed
    assert (runs.first["reason"], runs.first["minted"], runs.first["token"]) == ("missing", False, None)
    assert runs.first.diff == {
        "before": {"for_user": "carol", "token": "absent"},
        "after": {"for_user": "carol", "token": "assigned"},
    }
    assert assigned_to(world, "carol") == ["repo:read", "repo:read"]
    world.login = world.people.carol.by_password
    taken = world.four_runs(MODULE, {**arguments, "token_path": str(world.token_path)})
    assert (taken.first["reason"], taken.first["minted"]) == ("missing", True)
    (token,) = world.tokens_of(desk.client_id).values()
    assert (token.username, token.scope, token.name) == ("carol", "repo:read", None)
    assert world.is_oauth_token(token.uuid, world.kept())
    assert taken.first["uuid"] == token.uuid
    assert assigned_to(world, "carol") == ["repo:read"]
    world.login = world.people.alice.by_password
    seen = world.four_runs(MODULE, arguments)
    assert (seen.first["reason"], seen.first["uuid"], seen.first.changed) == ("not_due", token.uuid, False)


def test_token_that_is_not_assigned_cannot_be_taken(world: World) -> None:
    desk = Desk(world)
    world.login = world.people.carol.by_password
    arguments = {**desk.arguments, "scopes": ["repo:read"], "for_user": "carol"}
    predicted, result = world.check(MODULE, arguments), world.run(MODULE, arguments)
    assert predicted.message == result.message
    assert "No token of this application with the scopes repo:read is assigned to the signed-in user" in result.message
    assert world.writes == []


@pytest.mark.parametrize("scopes", [["repo:write"], ["repo:read", "repo:write"]], ids=str)
def test_assignment_of_other_scopes_is_not_taken(world: World, scopes: list[str]) -> None:
    desk = Desk(world)
    world.login = world.people.alice.by_password
    world.run(MODULE, {**desk.arguments, "scopes": ["repo:read"], "for_user": "carol"})
    world.login = world.people.carol.by_password
    result = world.run(MODULE, {**desk.arguments, "scopes": scopes, "for_user": "carol"})
    assert result.failed
    assert assigned_to(world, "carol") == ["repo:read"]


@pytest.mark.parametrize(
    ("login", "config", "words"),
    [
        ("bearer", {}, "for_user needs quay_username and quay_password of an administrator"),
        ("session", {"FEATURE_ASSIGN_OAUTH_TOKEN": False}, "FEATURE_ASSIGN_OAUTH_TOKEN is off"),
        ("session", {"REGISTRY_STATE": "readonly"}, "the registry is read-only; nothing was changed"),
    ],
    ids=["bearer", "feature off", "read-only"],
)
def test_assignment_that_cannot_be_made(world: World, login: str, config: dict[str, Any], words: str) -> None:
    world.login = world.people.alice.by_password if login == "session" else world.login
    world.quay.config.update(config)
    arguments = {**Desk(world).arguments, "for_user": "carol"}
    predicted, result = world.check(MODULE, arguments), world.run(MODULE, arguments)
    assert predicted.message == result.message
    assert words in result.message
    assert world.writes == []


def test_assignment_by_somebody_who_does_not_administer(world: World) -> None:
    world.login = world.people.bob.by_password
    result = world.run(MODULE, {**Desk(world).arguments, "for_user": "carol"})
    assert result.failed
    assert "403" in result.message
    assert assigned_to(world, "carol") == []


# --- every reason


def _held(desk: Desk, *, days: float = 0, **options: Any) -> dict[str, Any]:
    lifetime_days = options.pop("lifetime_days", 3650)
    desk.make_in_file(lifetime_s=lifetime_days * 86400, **options)
    desk.world.advance(days=days)
    return desk.in_file()


def _revoked(desk: Desk) -> dict[str, Any]:
    uuid = desk.make_in_file()
    desk.world.people.alice.browser().call("DELETE", f"{desk.path}/{uuid}")
    return desk.in_file()


REASONS: dict[str, Callable[[Desk], dict[str, Any]]] = {
    "missing": lambda desk: desk.in_file(),
    "forced": lambda desk: {**_held(desk), "rotate": "always"},
    "invalid": _revoked,
    "expired": lambda desk: _held(desk, lifetime_days=30, days=31),
    "scopes_changed": lambda desk: _held(desk, scope="repo:write"),
    "expiring": lambda desk: {**_held(desk, lifetime_days=30, days=21), "renew_before": "10d"},
    "too_old": lambda desk: {**_held(desk, days=91), "max_age": "90d"},
    "not_due": lambda desk: {**_held(desk, lifetime_days=30, days=19), "renew_before": "10d", "max_age": "20d"},
}


def test_every_documented_reason_has_a_case() -> None:
    assert reasons_of(MODULE) == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_told_alike_in_check_mode_and_for_real(desk: Desk, reason: str) -> None:
    arguments = REASONS[reason](desk)
    runs = desk.world.four_runs(MODULE, arguments, idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.first["minted"] == (reason != "not_due")
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert desk.living() == {runs.second["uuid"]}
    assert desk.world.kept() == runs.second["fingerprint"]


@pytest.mark.parametrize("reason", ["invalid", "expired"])
def test_end_of_a_recorded_token_is_known_without_a_proof(desk: Desk, reason: str) -> None:
    world = desk.world
    made = world.run(MODULE, desk.in_file(lifetime="30d"))
    if reason == "invalid":
        world.people.alice.browser().call("DELETE", f"{desk.path}/{made['uuid']}")
    else:
        world.advance(days=31)
    result = world.run(MODULE, desk.in_file(lifetime="30d"))
    assert result["reason"] == reason
    assert world.requests == [*desk.listing, *desk.minting]
    assert desk.living() == {result["uuid"]}
