# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of an OAuth token once it has a successor: grace, orphans, and what is nobody's to touch."""

from __future__ import annotations

from typing import Any

import pytest

from functional.world import World

MODULE = "quay_api_token"
ORPHAN_FAULT: dict[str, Any] = {"kind": "cut_after", "method": "POST", "path": "(tokens|authorizeapp)$"}


class Desk:
    """A credential in acme's application "automation", kept in a file, on either family."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client_id = world.people.automation
        self.has_names = world.quay.quay.family == "3.18"
        if not self.has_names:
            world.login = world.people.alice.by_password

    def arguments(self, **options: Any) -> dict[str, Any]:
        where = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}
        return {**where, "token_path": str(self.world.token_path), **options}

    def run(self, **options: Any) -> Any:
        return self.world.run(MODULE, self.arguments(**options))

    def look(self, **options: Any) -> dict[str, Any]:
        """What the eyes of the role see, with the same declaration."""
        arguments = self.arguments(**options)
        deliver = [{"kind": "file", "path": arguments.pop("token_path")}]
        (told,) = self.world.run(
            "quay_token_info", {"credentials": [{"kind": "api", "deliver": deliver, **arguments}]}
        )["credentials"]
        return dict(told)

    def living(self) -> set[str]:
        return set(self.world.tokens_of(self.client_id))

    def orphan(self, **options: Any) -> str:
        """A token that Quay made and whose secret got lost on the way."""
        before = self.living()
        self.world.quay.faults.add(**ORPHAN_FAULT)
        assert self.run(rotate="always", **options).failed
        (lost,) = self.living() - before
        return lost


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.mark.parametrize("change", [{"rotate": "always"}, {"scopes": ["repo:write"]}], ids=["forced", "other scopes"])
def test_predecessor_lives_through_its_grace(desk: Desk, change: dict[str, Any]) -> None:
    world = desk.world
    old = desk.run(scopes=["repo:read", "repo:write"], retire_after="2d")["uuid"]
    scopes = change.get("scopes", ["repo:read", "repo:write"])
    made = desk.run(**{"scopes": scopes, "retire_after": "2d", **change})
    assert (made["superseded"], made["retired"]) == ([old], [])
    assert desk.living() == {old, made["uuid"]}
    options = {"scopes": scopes, "retire_after": "2d"}
    assert (desk.look(**options)["action"], desk.look(**options)["superseded"]) == ("nothing", [old])
    world.advance(days=1)
    waiting = world.four_runs(MODULE, desk.arguments(**options))
    assert (waiting.first.changed, waiting.first["superseded"]) == (False, [old])
    world.advance(days=1, minutes=1)
    told = desk.look(**options)
    assert (told["action"], told["why"]) == ("retire", "what it replaced is still alive")
    ended = world.four_runs(MODULE, desk.arguments(**options))
    assert (ended.first["retired"], ended.first["superseded"], ended.first["minted"]) == ([old], [], False)
    assert desk.living() == {made["uuid"]}


def test_only_the_immediate_predecessor_is_spared(desk: Desk) -> None:
    first = desk.run(retire_after="2d")["uuid"]
    second = desk.run(retire_after="2d", rotate="always")["uuid"]
    third = desk.run(retire_after="2d", rotate="always")
    assert (third["retired"], third["superseded"]) == ([first], [second])
    assert desk.living() == {second, third["uuid"]}


def test_without_grace_the_old_token_ends_in_the_same_run(desk: Desk) -> None:
    for options in ({}, {"retire_after": "0"}):
        old = desk.run()["uuid"]
        assert desk.run(rotate="always", **options)["retired"] == [old]


def test_a_caller_who_holds_the_token_himself_may_ask_for_the_same(desk: Desk) -> None:
    world = desk.world
    where = {name: value for name, value in desk.arguments().items() if name != "token_path"}
    old = world.run(MODULE, where)
    new = world.run(MODULE, {**where, "current_token": old["token"], "rotate": "always", "retire_after": "2d"})
    assert (new["superseded"], new["retired"]) == ([old["uuid"]], [])
    if not desk.has_names:
        # There is no list by which it could be found again without a record of the delivery.
        return
    world.advance(days=3)
    later = world.run(MODULE, {**where, "current_token": new["token"], "retire_after": "2d"})
    assert later["retired"] == [old["uuid"]]
    assert desk.living() == {new["uuid"]}


def test_orphan_does_not_share_the_grace(desk: Desk) -> None:
    own = {"owns_application": True, "retire_after": "2d"}
    old = desk.run(**own)["uuid"]
    lost = desk.orphan(**own)
    assert desk.look(**own)["action"] == "retire"
    repaired = desk.world.four_runs(MODULE, desk.arguments(**own))
    assert (repaired.first["retired"], repaired.first["uuid"]) == ([lost], old)
    assert desk.living() == {old}


# --- older servers: tokens without names


def test_orphan_of_a_first_token_is_found_in_the_credentials_own_application(desk: Desk) -> None:
    lost = desk.orphan(owns_application=True)
    made = desk.run(owns_application=True)
    assert made["retired"] == [lost]
    assert desk.living() == {made["uuid"]}
    desk.world.four_runs(MODULE, desk.arguments(owns_application=True))


def test_what_is_not_ours_is_never_touched(desk: Desk) -> None:
    """Tokens made in the web pages, of other names, users and applications."""
    world, alice = desk.world, desk.world.people.alice
    alice.token(desk.client_id)
    alice.token(world.people.console)
    browser = world.people.root.browser()
    browser.call("PUT", "/api/v1/organization/acme/team/owners/members/root")
    world.people.root.token(desk.client_id)
    others = desk.living()
    if desk.has_names:
        others.add(desk.run(name="other", token_path=str(world.folder / "other"))["uuid"])
    made = desk.run()
    lost = desk.orphan() if not desk.has_names else None
    for _time in range(2):
        last = desk.run(rotate="always")
        assert last["retired"] == [made["uuid"]]
        made = last
    assert desk.living() == others | {made["uuid"]} | ({lost} if lost else set())


def test_own_application_spares_other_users_and_other_applications(desk: Desk) -> None:
    world = desk.world
    world.people.root.browser().call("PUT", "/api/v1/organization/acme/team/owners/members/root")
    world.people.root.token(desk.client_id)
    elsewhere = world.tokens_of(world.people.console)
    foreign = desk.living()
    made_in_the_pages = world.people.alice.token(desk.client_id)
    made = desk.run(owns_application=True)
    assert world.tokens_of(world.people.console) == elsewhere
    if desk.has_names:
        assert foreign < desk.living()
        assert made["retired"] == []
    else:
        assert desk.living() == foreign | {made["uuid"]}
        assert not world.is_oauth_token(made["uuid"], made_in_the_pages)


def test_unclear_answer_says_what_may_not_be_touched(desk: Desk) -> None:
    desk.world.quay.faults.add(**ORPHAN_FAULT)
    result = desk.run()
    assert result.failed
    if desk.has_names:
        assert "found by its name and retired" in result.message
    else:
        assert "is not touched, because it may be somebody else's" in result.message
        assert "owns_application" in result.message


def test_namesake_of_the_own_application_is_refused(desk: Desk) -> None:
    desk.world.people.alice.browser().call("POST", "/api/v1/organization/acme/applications", {"name": "automation"})
    result = desk.run(owns_application=True)
    if desk.has_names:
        assert not result.failed
    else:
        assert "has several applications named 'automation'" in result.message
        assert desk.world.writes == []
