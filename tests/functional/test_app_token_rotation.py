# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App tokens in the role, in quay_token_info and in the credential inventory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import Role, stored
from functional.test_quay_app_token import CREATE, LIST, VERIFY, create, delete, get, only, tokens
from standin.tokens import fingerprint

ON_EACH_HOST = {"kind": "file", "format": "json", "path": "{{ folder }}/app.json"}
ON_HOSTS: dict[str, Any] = {"name": "laptop", "kind": "app", "deliver": [ON_EACH_HOST]}
CONFIG = "GET /config"


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


@pytest.fixture
def fleet(role: Role) -> Fleet:
    return Fleet(role, ["n1", "n2"])


def app(role: Role, **options: Any) -> dict[str, Any]:
    return {"name": "laptop", "kind": "app", "deliver": [role.file("app.json")], **options}


# --- the role


def test_check_mode_first_run_and_second_run(role: Role) -> None:
    harness, declared = role.harness, [app(role)]
    predicted = role.rotate(declared, "--check", "--diff")
    assert predicted.lines[0] == "1 would be created"
    assert harness.requests == [LIST, CONFIG]
    assert list(role.folder.iterdir()) == []
    planned = role.report()

    created = role.rotate(declared, "--diff")
    assert created.lines[0] == "1 created"
    assert harness.requests == [LIST, CONFIG, CREATE, VERIFY]
    unknown = {"fingerprint": None, "window_seconds": None}
    assert [{**row, **unknown} for row in role.report()] == [{**row, **unknown} for row in planned]
    path = role.folder / "app.json"
    assert json.loads(path.read_text())["username"] == "$app"
    assert stored(path) == role.report()[0]["fingerprint"] == fingerprint(only(harness).code)

    again = role.rotate(declared)
    assert again.lines[0] == "1 not due"
    assert harness.requests == [LIST]


@pytest.mark.slow
def test_token_is_rotated_with_overlap(role: Role) -> None:
    harness, declared = role.harness, [app(role, name="a laptop", max_age="30d", retire_after="2d")]
    role.rotate(declared)
    old = only(harness, "a laptop")
    harness.advance(days=31)
    run = role.rotate(declared)
    assert run.lines[0] == "1 rotated"
    assert role.report()[0]["superseded"] == [old.uuid]
    new = tokens(harness, "a laptop")[-1]
    assert stored(role.folder / "app.json") == fingerprint(new.code)
    harness.advance(days=2)
    role.rotate(declared)
    assert harness.requests == [LIST, get(new), delete(old)]
    assert only(harness, "a laptop").uuid == new.uuid


@pytest.mark.slow
def test_forced_and_compromised_tokens_leave_no_old_one(role: Role) -> None:
    harness, declared = role.harness, [app(role, retire_after="2d")]
    role.rotate(declared)
    for force in ("rotation_force", "rotation_compromised"):
        old = only(harness)
        run = role.rotate(declared, **{force: "laptop"})
        assert run.lines[0] == "1 rotated"
        assert role.report()[0]["retired"] == [old.uuid]
        assert stored(role.folder / "app.json") == fingerprint(only(harness).code)


@pytest.mark.slow
def test_absent_token_is_revoked_and_its_store_cleared(role: Role) -> None:
    harness = role.harness
    role.rotate([app(role)])
    token = only(harness)
    predicted = role.rotate([app(role, state="absent")], "--check")
    planned = role.report()
    run = role.rotate([app(role, state="absent")])
    assert (predicted.lines[0], run.lines[0]) == ("1 would be removed", "1 removed")
    assert role.report() == planned
    assert planned[0]["retired"] == [token.uuid]
    assert tokens(harness) == []
    assert not (role.folder / "app.json").exists()
    assert role.rotate([app(role, state="absent")]).lines[0] == "1 not due"


@pytest.mark.slow
def test_hundred_tokens_need_one_list(role: Role) -> None:
    harness = role.harness
    names = [f"token {number}" for number in range(100)]
    declared = [app(role, name=name, deliver=[role.file(f"{name}.json")]) for name in names]
    role.rotate(declared)
    assert sorted(harness.requests) == sorted([LIST, CONFIG, *[CREATE, VERIFY] * 100])
    for name in names:
        assert stored(role.folder / f"{name}.json") == fingerprint(only(harness, name).code)
    role.rotate(declared)
    assert harness.requests == [LIST]


def test_declarations_are_validated(role: Role) -> None:
    run = role.refuse([app(role, name="x" * 256, scopes=["repo:read"], lifetime="90d")])
    assert "name has 256 characters, and Quay stores 255 at most" in run.text
    assert (
        "scopes has no effect on a credential of the kind app. An app token has all permissions of its user" in run.text
    )
    assert "lifetime has no effect on a credential of the kind app. Only the server decides" in run.text


def test_login_without_the_scope_is_reported(role: Role) -> None:
    console = role.harness.accounts.console
    role.environ["QUAY_TOKEN"] = role.harness.accounts.alice.token(console, "org:admin")
    run = role.run([app(role)])
    assert run.failed
    assert "the scope user:admin" in run.text


# --- consumer hosts


@pytest.mark.slow
def test_token_is_issued_once_for_all_hosts(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([ON_HOSTS])
    # The second list confirms that nobody rotated it meanwhile.
    assert harness.requests == [LIST, CONFIG, CREATE, VERIFY, LIST]
    first = only(harness)
    assert set(fleet.held("app.json").values()) == {fingerprint(first.code)}
    assert fleet.username("n1", "app.json") == "$app"
    again = fleet.rotate([ON_HOSTS])
    assert again.lines[0] == "1 not due"
    assert harness.requests == [LIST]
    harness.advance(days=31)
    fleet.rotate([{**ON_HOSTS, "max_age": "30d"}])
    assert set(fleet.held("app.json").values()) == {fingerprint(only(harness).code)}
    assert fleet.role.report()[0]["retired"] == [first.uuid]


@pytest.mark.slow
def test_host_that_lost_its_store_gets_the_present_token(fleet: Fleet, harness: Harness) -> None:
    """No store on the rotator is needed, because Quay returns the token again."""
    fleet.rotate([ON_HOSTS])
    token = only(harness)
    for file in fleet.folder("n2").iterdir():
        file.unlink()
    run = fleet.rotate([ON_HOSTS])
    assert run.lines[0] == "1 delivered again"
    assert CREATE not in harness.requests
    assert set(fleet.held("app.json").values()) == {fingerprint(token.code)}
    assert only(harness).uuid == token.uuid


@pytest.mark.slow
def test_unreachable_host_keeps_the_former_token_until_it_is_served(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([ON_HOSTS])
    former = only(harness)
    harness.advance(days=31)
    fleet.lose("n2")
    fleet.run([{**ON_HOSTS, "max_age": "30d"}])
    assert tokens(harness)[0].uuid == former.uuid
    assert fleet.held("app.json")["n2"] == fingerprint(former.code)
    fleet.find("n2")
    fleet.rotate([{**ON_HOSTS, "max_age": "30d"}])
    fleet.rotate([{**ON_HOSTS, "max_age": "30d"}])
    assert former.uuid not in [token.uuid for token in tokens(harness)]
    assert set(fleet.held("app.json").values()) == {fingerprint(only(harness).code)}


@pytest.mark.slow
def test_hosts_that_are_lost_at_the_delivery_get_what_was_issued(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([ON_HOSTS])
    former = only(harness)
    harness.advance(days=31)
    for host in fleet.names:
        fleet.lose(host, after=1)
    fleet.run([{**ON_HOSTS, "max_age": "30d"}])
    assert set(fleet.held("app.json").values()) == {fingerprint(former.code)}
    issued = tokens(harness)[-1]
    assert issued.uuid != former.uuid
    for host in fleet.names:
        fleet.find(host)
    fleet.rotate([{**ON_HOSTS, "max_age": "30d"}])
    assert CREATE not in harness.requests
    assert set(fleet.held("app.json").values()) == {fingerprint(issued.code)}
    fleet.rotate([{**ON_HOSTS, "max_age": "30d"}])
    assert only(harness).uuid == issued.uuid


# --- quay_token_info


def status(harness: Harness, **options: Any) -> dict[str, Any]:
    declared = {
        "name": "laptop",
        "kind": "app",
        "deliver": [{"kind": "file", "path": str(harness.token_path)}],
        **options,
    }
    (found,) = harness.run("quay_token_info", {"credentials": [declared]})["credentials"]
    return dict(found)


def test_status_of_a_declared_token(harness: Harness) -> None:
    assert status(harness)["reason"] == "missing"
    harness.run("quay_app_token", {"title": "laptop", "token_path": str(harness.token_path)})
    token = only(harness)
    now = status(harness, max_age="30d")
    assert harness.requests == [LIST]
    assert now | {"message": "", "last_accessed": None} == {
        "name": "laptop",
        "kind": "app",
        "exists": True,
        "due": False,
        "reason": "not_due",
        "message": "",
        "action": "nothing",
        "holds": ["current"],
        "error": None,
        "is_login": False,
        "username": "$app",
        "uuid": token.uuid,
        "created_at": harness.iso(token.created),
        "expires_at": None,
        "last_accessed": None,
        "age_source": "quay",
        "fingerprint": fingerprint(token.code),
        "superseded": [],
        "duplicates": [],
    }
    harness.advance(days=31)
    assert status(harness, max_age="30d")["reason"] == "too_old"


def test_status_asks_for_a_secret_only_if_no_record_shows_it(harness: Harness) -> None:
    token = create(harness)
    harness.store_secret(token.code)
    assert status(harness)["holds"] == ["current"]
    assert harness.requests == [LIST, get(token)]


def test_token_info_lists_the_tokens_of_the_user(harness: Harness) -> None:
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "2h"
    create(harness, "expired")
    harness.advance(hours=3)
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = None
    created = [create(harness, title) for title in ("laptop", "laptop", "phone")]
    harness.advance(days=31)
    rows = harness.run("quay_token_info", {"kinds": ["app"], "max_age": "30d"})["credentials"]
    assert harness.requests == [LIST]
    assert sorted((row["name"], row["uuid"]) for row in rows) == sorted((token.title, token.uuid) for token in created)
    assert {(row["kind"], row["reason"], row["due"]) for row in rows} == {("app", "too_old", True)}


def test_token_info_lists_the_other_kinds_if_there_are_no_app_tokens(harness: Harness) -> None:
    harness.quay.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    assert {row["kind"] for row in harness.run("quay_token_info", {})["credentials"]} == {"api"}
    assert harness.run("quay_token_info", {"organization": "acme", "kinds": ["app"]})["credentials"] == []
