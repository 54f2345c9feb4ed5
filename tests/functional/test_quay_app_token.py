# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_app_token: app tokens of the user of the login."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from functional.documentation import documented_reasons
from functional.harness import Harness, assert_kept, assert_refused
from standin.state import AppToken
from standin.tokens import fingerprint

MODULE = "quay_app_token"
PATH = "/api/v1/user/apptoken"
LIST = f"GET {PATH}"
CREATE = f"POST {PATH}"
CONFIG = "GET /config"
VERIFY = "GET /v2/auth"


def create(harness: Harness, title: str = "laptop", *, user: str = "alice") -> AppToken:
    """Create a token as its user would in the web UI."""
    made = getattr(harness.accounts, user).browser().call("POST", PATH, {"title": title}).json()["token"]
    return harness.quay.state.app_tokens[made["uuid"]]


def tokens(harness: Harness, title: str = "laptop") -> list[AppToken]:
    """The tokens of a title, the oldest first."""
    found = [token for token in harness.quay.state.app_tokens.values() if token.title == title]
    return sorted(found, key=lambda token: token.created)


def only(harness: Harness, title: str = "laptop") -> AppToken:
    (token,) = tokens(harness, title)
    return token


def get(token: AppToken) -> str:
    return f"GET {PATH}/{token.uuid}"


def delete(token: AppToken) -> str:
    return f"DELETE {PATH}/{token.uuid}"


def in_file(harness: Harness, **options: Any) -> dict[str, Any]:
    return {"title": "laptop", "token_path": str(harness.token_path), **options}


# --- present


def test_missing_token_is_created_and_stored_in_a_file(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, in_file(harness))
    assert runs.requests == [
        [*harness.sign_in, LIST, CONFIG],
        [*harness.sign_in, LIST, CONFIG, CREATE, VERIFY],
        [*harness.sign_in, LIST],
        [*harness.sign_in, LIST],
    ]
    token = only(harness)
    assert token.username == "alice"
    assert harness.stored_fingerprint() == fingerprint(token.code)
    assert runs.first.content == {
        "token": None,
        "name": "laptop",
        "username": "$app",
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "uuid": token.uuid,
        "created_at": harness.iso(token.created),
        "expires_at": None,
        "last_accessed": None,
        "age_source": "mint",
        "fingerprint": fingerprint(token.code),
        "reason": "missing",
        "minted": True,
        "delivered": [str(harness.token_path)],
        "retired": [],
        "deleted": [],
        "removed": [],
        "superseded": [],
        "duplicates": [],
    }
    assert runs.first.diff == {
        "before": {"name": "laptop", "token": "absent", **harness.deliver_diff("absent")},
        "after": {"name": "laptop", "token": "new", **harness.deliver_diff("new")},
    }
    assert harness.token_record() == {
        "fingerprint": fingerprint(token.code),
        "created_at": harness.iso(token.created),
        "expires_at": None,
        "uuid": token.uuid,
        "superseded": None,
        "username": "$app",
    }
    assert runs.second["fingerprint"] == fingerprint(token.code)
    assert runs.second["reason"] == "not_due"
    assert runs.second["age_source"] == "quay"


def test_missing_token_is_created_and_returned(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"title": "laptop"})
    token = only(harness)
    assert runs.requests == [
        [*harness.sign_in, LIST, CONFIG],
        [*harness.sign_in, LIST, CONFIG, CREATE, VERIFY],
        [*harness.sign_in, LIST, get(token)],
        [*harness.sign_in, LIST, get(token)],
    ]
    assert runs.first.token == runs.second.token == fingerprint(token.code)
    assert (runs.second["minted"], runs.second["reason"], runs.second.changed) == (False, "not_due", False)
    assert runs.predicted_again["fingerprint"] == fingerprint(token.code)


def test_new_token_is_accepted_by_the_registry_with_the_returned_user_name(harness: Harness) -> None:
    result = harness.run(MODULE, {"title": "laptop"})
    login = (result["username"], result["token"])
    assert requests.get(f"{harness.quay.url}/v2/auth", auth=login, timeout=10).status_code == 200


def test_existing_token_is_delivered_without_minting(either_login: Harness) -> None:
    harness = either_login
    token = create(harness)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert runs.requests == [
        [*harness.sign_in, LIST, get(token)],
        [*harness.sign_in, LIST, get(token)],
        [*harness.sign_in, LIST],
        [*harness.sign_in, LIST],
    ]
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("undelivered", False, True)
    assert harness.stored_fingerprint() == fingerprint(token.code)
    assert runs.first.diff == {
        "before": {"name": "laptop", "token": "present", **harness.deliver_diff("absent")},
        "after": {"name": "laptop", "token": "present", **harness.deliver_diff("current")},
    }


def test_current_token_is_not_returned_to_its_holder(either_login: Harness) -> None:
    harness = either_login
    token = create(harness)
    runs = harness.four_runs(MODULE, {"title": "laptop", "current_token": token.code})
    assert runs.requests[1] == [*harness.sign_in, LIST, get(token)]
    assert (runs.first["token"], runs.first["reason"]) == (None, "not_due")
    assert runs.first["fingerprint"] == fingerprint(token.code)


def test_current_token_is_returned_to_the_holder_of_another(either_login: Harness) -> None:
    harness = either_login
    token = create(harness)
    result = harness.run(MODULE, {"title": "laptop", "current_token": "S" * 120})
    assert (result["reason"], result["minted"], result.changed) == ("undelivered", False, False)
    assert result.token == fingerprint(token.code)
    assert harness.writes == []


def test_file_without_a_record_is_compared_with_quay(harness: Harness) -> None:
    token = create(harness)
    harness.store_secret(token.code)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert runs.requests == [[LIST, get(token)]] * 4
    assert not runs.first.changed


def test_tokens_of_other_titles_and_users_do_not_matter(harness: Harness) -> None:
    others = [create(harness, "Laptop"), create(harness, "laptop "), create(harness, user="bob")]
    result = harness.run(MODULE, {"title": "laptop"})
    assert result["reason"] == "missing"
    assert result["duplicates"] == []
    assert {other.uuid for other in others} < harness.quay.state.app_tokens.keys()


def test_auth_file_has_the_user_name(either_login: Harness) -> None:
    harness = either_login
    auth_file = harness.folder / "auth.json"
    deliver = [{"kind": "container_auth", "path": str(auth_file)}]
    runs = harness.four_runs(MODULE, {"title": "laptop", "deliver": deliver})
    assert runs.first["delivered"] == [str(auth_file)]
    entry = json.loads(auth_file.read_text())["auths"][f"127.0.0.1:{harness.quay.port}"]
    username, _colon, secret = base64.b64decode(entry["auth"]).decode().partition(":")
    assert (username, fingerprint(secret)) == ("$app", fingerprint(only(harness).code))


# --- rotation


def test_old_token_is_replaced_and_revoked_after_delivery(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, in_file(harness))
    old = only(harness)
    harness.advance(days=31)
    runs = harness.four_runs(MODULE, in_file(harness, max_age="30d"))
    assert runs.requests == [
        [*harness.sign_in, LIST, CONFIG],
        [*harness.sign_in, LIST, CONFIG, CREATE, VERIFY, delete(old)],
        [*harness.sign_in, LIST],
        [*harness.sign_in, LIST],
    ]
    new = only(harness)
    assert new.uuid != old.uuid
    assert harness.stored_fingerprint() == fingerprint(new.code)
    assert (runs.first["reason"], runs.first["retired"], runs.first["superseded"]) == ("too_old", [old.uuid], [])
    assert runs.first.diff == {
        "before": {
            "name": "laptop",
            "token": "present",
            "superseded": [old.uuid],
            **harness.deliver_diff("current"),
        },
        "after": {"name": "laptop", "token": "new", "superseded": [], **harness.deliver_diff("new")},
    }


def test_replaced_token_stays_valid_for_retire_after(either_login: Harness) -> None:
    harness = either_login
    arguments = in_file(harness, max_age="30d", retire_after="2d")
    harness.run(MODULE, arguments)
    old = only(harness)
    harness.advance(days=31)
    runs = harness.four_runs(MODULE, arguments)
    new = tokens(harness)[-1]
    assert (runs.first["reason"], runs.first["retired"], runs.first["superseded"]) == ("too_old", [], [old.uuid])
    assert runs.second["superseded"] == [old.uuid]
    assert harness.token_record()["superseded"] == old.uuid
    harness.advance(days=2)
    runs = harness.four_runs(MODULE, arguments)
    assert runs.requests == [
        [*harness.sign_in, LIST, get(new)],
        [*harness.sign_in, LIST, get(new), delete(old)],
        [*harness.sign_in, LIST],
        [*harness.sign_in, LIST],
    ]
    assert (runs.first["reason"], runs.first["retired"], runs.first["superseded"]) == ("not_due", [old.uuid], [])
    assert only(harness).uuid == new.uuid


def test_returned_token_leaves_the_replaced_one_valid(either_login: Harness) -> None:
    harness = either_login
    old = create(harness)
    harness.advance(days=31)
    result = harness.run(MODULE, {"title": "laptop", "current_token": old.code, "max_age": "30d"})
    assert result.token == fingerprint(tokens(harness)[-1].code)
    assert (result["superseded"], result["retired"]) == ([old.uuid], [])
    runs = harness.four_runs(MODULE, {"title": "laptop", "uuid": old.uuid, "state": "absent"})
    assert runs.requests[:2] == [
        [*harness.sign_in, LIST, CONFIG],
        [*harness.sign_in, LIST, CONFIG, delete(old)],
    ]
    assert runs.first["retired"] == [old.uuid]
    assert only(harness).uuid == result["uuid"]


def test_rotate_always(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, in_file(harness, rotate="always"), idempotent=False)
    assert (runs.first["reason"], runs.second["reason"]) == ("missing", "forced")
    assert runs.second["retired"] == [runs.first["uuid"]]
    assert only(harness).uuid == runs.second["uuid"]
    assert harness.stored_fingerprint() == fingerprint(only(harness).code)


def test_rotate_never_keeps_what_is_due(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, in_file(harness))
    harness.advance(days=31)
    runs = harness.four_runs(MODULE, in_file(harness, max_age="30d", rotate="never"))
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("too_old", False, False)


# --- the server's expiry


def test_token_is_renewed_when_a_third_of_the_servers_lifetime_remains(either_login: Harness) -> None:
    harness = either_login
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "9d"
    runs = harness.four_runs(MODULE, in_file(harness))
    old = only(harness)
    assert old.expiration is not None
    assert runs.first["expires_at"] == harness.iso(old.expiration)
    harness.advance(days=5, hours=23)
    assert harness.run(MODULE, in_file(harness))["reason"] == "not_due"
    harness.advance(hours=1)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert runs.first["reason"] == "expiring"
    assert runs.first["retired"] == [old.uuid]
    assert harness.stored_fingerprint() == fingerprint(only(harness).code)


def test_token_is_renewed_two_weeks_before_it_expires_at_most(either_login: Harness) -> None:
    harness = either_login
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "90d"
    harness.run(MODULE, in_file(harness))
    harness.advance(days=75, hours=23)
    assert harness.run(MODULE, in_file(harness))["reason"] == "not_due"
    harness.advance(hours=1)
    assert harness.check(MODULE, in_file(harness))["reason"] == "expiring"


def test_renew_before_decides_when_a_token_is_renewed(either_login: Harness) -> None:
    harness = either_login
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "9d"
    harness.run(MODULE, in_file(harness, renew_before="1d"))
    harness.advance(days=7, hours=23)
    assert harness.run(MODULE, in_file(harness, renew_before="1d"))["reason"] == "not_due"
    harness.advance(hours=1)
    assert harness.check(MODULE, in_file(harness, renew_before="1d"))["reason"] == "expiring"


def test_renew_before_that_is_longer_than_the_servers_lifetime_does_not_replace_in_every_run(harness: Harness) -> None:
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "9d"
    runs = harness.four_runs(MODULE, in_file(harness, renew_before="30d"))
    assert runs.second.warned("renew_before is not shorter than 9 days")
    harness.advance(days=6)
    assert harness.check(MODULE, in_file(harness, renew_before="30d"))["reason"] == "expiring"


def test_expired_token_is_replaced(either_login: Harness) -> None:
    harness = either_login
    harness.quay.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "1h"
    harness.run(MODULE, in_file(harness))
    old = only(harness)
    harness.advance(hours=2)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert runs.requests[:2] == [
        [*harness.sign_in, LIST, CONFIG],
        [*harness.sign_in, LIST, CONFIG, CREATE, VERIFY],
    ]
    assert (runs.first["reason"], runs.first["retired"]) == ("expired", [])
    assert harness.stored_fingerprint() == fingerprint(tokens(harness)[-1].code) != fingerprint(old.code)


# --- several tokens of one title


def test_newest_token_of_the_title_is_used_and_the_others_are_kept(either_login: Harness) -> None:
    harness = either_login
    oldest = create(harness)
    harness.advance(minutes=1)
    middle = create(harness)
    harness.advance(minutes=1)
    newest = create(harness)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert harness.stored_fingerprint() == fingerprint(newest.code)
    assert runs.first["uuid"] == newest.uuid
    assert set(runs.first["duplicates"]) == {oldest.uuid, middle.uuid}
    assert runs.first["superseded"] == []
    assert runs.second.warned("There are other valid app tokens titled 'laptop'")
    harness.advance(days=31)
    runs = harness.four_runs(MODULE, in_file(harness, max_age="30d"))
    assert runs.first["retired"] == [newest.uuid]
    assert {oldest.uuid, middle.uuid} < {token.uuid for token in tokens(harness)}


def test_owned_title_has_one_token(either_login: Harness) -> None:
    harness = either_login
    oldest = create(harness)
    harness.advance(minutes=1)
    newest = create(harness)
    runs = harness.four_runs(MODULE, in_file(harness, owns_title=True))
    assert runs.requests == [
        [*harness.sign_in, LIST, get(newest)],
        [*harness.sign_in, LIST, get(newest), delete(oldest)],
        [*harness.sign_in, LIST],
        [*harness.sign_in, LIST],
    ]
    assert (runs.first["retired"], runs.first["duplicates"]) == ([oldest.uuid], [])
    assert not any("laptop" in warning for warning in runs.first.warnings)
    assert only(harness).uuid == newest.uuid


def test_token_that_an_interrupted_run_issued_is_delivered(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, in_file(harness))
    old = only(harness)
    harness.advance(days=31)
    issued = create(harness)
    runs = harness.four_runs(MODULE, in_file(harness, max_age="30d"))
    assert runs.requests[1] == [*harness.sign_in, LIST, get(issued), delete(old)]
    assert (runs.first["reason"], runs.first["minted"], runs.first["retired"]) == ("undelivered", False, [old.uuid])
    assert harness.stored_fingerprint() == fingerprint(issued.code)
    assert only(harness).uuid == issued.uuid


def test_store_that_was_left_behind_gets_the_present_token_before_the_old_one_is_revoked(harness: Harness) -> None:
    other = harness.folder / "other"
    deliver = [{"kind": "file", "path": str(path)} for path in (harness.token_path, other)]
    harness.run(MODULE, {"title": "laptop", "deliver": deliver})
    old = only(harness)
    harness.advance(days=31)
    # An interrupted run left its token in one store only.
    harness.run(MODULE, in_file(harness, rotate="always", revoke_superseded=False))
    runs = harness.four_runs(MODULE, {"title": "laptop", "deliver": deliver, "max_age": "30d"})
    assert (runs.first["delivered"], runs.first["retired"]) == ([str(other)], [old.uuid])
    assert fingerprint(other.read_text().strip()) == fingerprint(only(harness).code)


def test_edited_record_cannot_revoke_what_a_store_holds(harness: Harness) -> None:
    """A record that names the newest token while the store holds the older one."""
    harness.run(MODULE, in_file(harness))
    held = only(harness)
    harness.advance(minutes=1)
    newest = create(harness)
    record_path = harness.folder / "token.record.json"
    record = json.loads(record_path.read_text())
    record["token"].update(uuid=newest.uuid, superseded=held.uuid)
    record_path.write_text(json.dumps(record))
    runs = harness.four_runs(MODULE, in_file(harness))
    assert harness.stored_fingerprint() == fingerprint(newest.code)
    assert (runs.first["delivered"], runs.first["retired"]) == ([str(harness.token_path)], [held.uuid])


def test_token_that_was_revoked_meanwhile_does_not_count(harness: Harness) -> None:
    older = create(harness)
    harness.advance(minutes=1)
    newest = create(harness)
    harness.before_request(get(newest), lambda: harness.quay.state.app_tokens.pop(newest.uuid))
    result = harness.run(MODULE, in_file(harness))
    assert harness.requests == [LIST, get(newest), get(older)]
    assert result["uuid"] == older.uuid
    assert harness.stored_fingerprint() == fingerprint(older.code)


# --- absent


def test_absent_revokes_all_tokens_of_the_title(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, in_file(harness))
    create(harness)
    kept = create(harness, "other")
    found = tokens(harness)
    runs = harness.four_runs(MODULE, in_file(harness, state="absent"))
    assert runs.requests[0] == [*harness.sign_in, LIST, CONFIG]
    assert runs.requests[2:] == [[*harness.sign_in, LIST]] * 2
    assert sorted(runs.first["retired"]) == sorted(token.uuid for token in found)
    assert runs.first["removed"] == [str(harness.token_path)]
    assert runs.first["reason"] == "absent"
    assert tokens(harness) == []
    assert not harness.token_path.exists()
    assert kept.uuid in harness.quay.state.app_tokens
    assert runs.second["reason"] == "not_due"


def test_uuid_of_another_token_than_the_one_in_the_file(either_login: Harness) -> None:
    harness = either_login
    held = harness.run(MODULE, in_file(harness))["uuid"]
    other = create(harness)
    arguments = in_file(harness, uuid=other.uuid, state="absent")
    words = (f"uuid names the token {other.uuid}", f"holds the token {held}, which is valid", "Nothing was revoked")
    assert_kept(harness, MODULE, arguments, *words)


@pytest.mark.parametrize("whose", ["title", "user"])
def test_file_with_another_valid_token_stays(either_login: Harness, whose: str) -> None:
    """Its consumer may have it from nowhere else."""
    harness = either_login
    create(harness)
    held = create(harness, "other") if whose == "title" else create(harness, user="bob")
    harness.store_secret(held.code)
    words = (f"holds the app token {held.uuid}", "another title than 'laptop'", "Nothing was revoked or removed")
    assert_kept(harness, MODULE, in_file(harness, state="absent"), *words)


def test_file_with_a_recorded_token_of_another_title_stays(harness: Harness) -> None:
    held = harness.run(MODULE, in_file(harness, title="other"))["uuid"]
    assert_kept(harness, MODULE, in_file(harness, state="absent"), f"holds the app token {held}")


def test_file_without_a_record_is_cleared_after_its_token_was_revoked(either_login: Harness) -> None:
    harness = either_login
    held = create(harness)
    harness.store_secret(held.code)
    runs = harness.four_runs(MODULE, in_file(harness, uuid=held.uuid, state="absent"))
    assert runs.requests[0] == [*harness.sign_in, LIST, VERIFY, CONFIG]
    assert (runs.first["retired"], runs.first["removed"]) == ([held.uuid], [str(harness.token_path)])
    harness.store_secret(held.code)
    assert harness.run(MODULE, in_file(harness, uuid=held.uuid, state="absent"))["removed"] == [str(harness.token_path)]


def test_uuid_of_another_title_is_refused(harness: Harness) -> None:
    other = create(harness, "other")
    arguments = {"title": "laptop", "uuid": other.uuid, "state": "absent"}
    assert_refused(harness, MODULE, arguments, f"the app token {other.uuid} has the title 'other'")


# --- options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"title": "x" * 256}, "title has 256 characters, and Quay stores 255 at most"),
        ({"title": " "}, "one of the following is required: title, credentials"),
        ({"max_age": "0d"}, "max_age must be longer than 0"),
        ({"max_age": "30"}, "max_age"),
        ({"retire_after": "1d", "revoke_superseded": False}, "Leave one of them out"),
        ({"retire_after": "1d", "token_path": None}, "retire_after needs deliver or token_path"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(harness: Harness, options: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, in_file(harness, **options), words)
    assert harness.requests == []


def test_longest_title(harness: Harness) -> None:
    result = harness.run(MODULE, in_file(harness, title="x" * 255))
    assert only(harness, "x" * 255).uuid == result["uuid"]


def test_documented_reasons_are_those_that_occur() -> None:
    assert documented_reasons(MODULE) == {
        "missing",
        "forced",
        "expired",
        "expiring",
        "too_old",
        "undelivered",
        "absent",
        "not_due",
    }


# --- the server refuses


def test_feature_that_is_off_is_explained(either_login: Harness) -> None:
    either_login.quay.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    assert_refused(either_login, MODULE, {"title": "laptop"}, "does not offer app tokens")


def test_read_only_registry_is_refused_in_check_mode_too(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(harness, MODULE, {"title": "laptop"}, "the registry is read-only")


def test_token_without_the_scope_is_refused(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "org:admin")
    assert_refused(harness, MODULE, {"title": "laptop"}, "the scope user:admin")


def test_session_enters_its_password_again_when_quay_asks_for_it(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_password
    harness.before_request(CREATE, lambda: harness.quay.clock.advance(11 * 60))
    result = harness.run(MODULE, in_file(harness))
    assert harness.requests == [
        *harness.sign_in,
        LIST,
        CONFIG,
        CREATE,
        "POST /api/v1/signin/verify",
        CREATE,
        VERIFY,
    ]
    assert only(harness).uuid == result["uuid"]


def test_password_that_quay_does_not_accept_again_is_explained(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_password
    harness.quay.config["FRESH_LOGIN_TIMEOUT"] = "-1s"
    result = harness.run(MODULE, in_file(harness))
    assert result.failed
    assert "Quay asks for the password again before it shows, issues or revokes app tokens" in result.message
    assert tokens(harness) == []


# --- faults


LOST: dict[str, dict[str, Any]] = {
    "500 after": {"kind": "status", "status": 500, "after": True},
    "cut": {"kind": "cut_after"},
}


@pytest.mark.parametrize("fault", LOST)
def test_lost_response_is_answered_by_looking(harness: Harness, fault: str) -> None:
    create(harness, "other")
    harness.quay.faults.add(method="POST", path="/apptoken$", **LOST[fault])
    result = harness.run(MODULE, in_file(harness))
    token = only(harness)
    assert harness.requests == [LIST, CONFIG, CREATE, LIST, get(token), VERIFY]
    assert harness.stored_fingerprint() == fingerprint(token.code)
    assert result["uuid"] == token.uuid


def test_request_that_had_no_effect_is_not_repeated(harness: Harness) -> None:
    older = create(harness)
    harness.advance(days=31)
    harness.quay.faults.add("status", method="POST", path="/apptoken$")
    result = harness.run(MODULE, in_file(harness, max_age="30d"))
    assert result.failed
    assert "It is unknown whether Quay issued the token" in result.message
    assert harness.requests == [LIST, CONFIG, CREATE, LIST]
    assert only(harness).uuid == older.uuid
    assert not harness.token_path.exists()


def test_token_that_the_registry_refuses_is_revoked_and_not_delivered(harness: Harness) -> None:
    harness.run(MODULE, in_file(harness))
    old = only(harness)
    body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "Invalid token", "detail": {}}]})
    headers = {"Content-Type": "application/json"}
    harness.quay.faults.add("status", path="/v2/auth$", status=401, body=body, headers=headers)
    result = harness.run(MODULE, in_file(harness, rotate="always"))
    assert result.failed
    assert "Quay does not accept the new token at /v2/auth, so it was revoked" in result.message
    assert only(harness).uuid == old.uuid
    assert harness.stored_fingerprint() == fingerprint(old.code)


# --- many


def test_many_are_listed_once(either_login: Harness) -> None:
    harness = either_login
    titles = [f"token {number}" for number in range(100)]
    entries = [{"title": title, "token_path": str(harness.folder / title)} for title in titles]
    runs = harness.four_runs(MODULE, {"credentials": entries})
    assert runs.requests[0] == [*harness.sign_in, LIST, CONFIG]
    assert sorted(runs.requests[1]) == sorted([*harness.sign_in, LIST, CONFIG, *[CREATE, VERIFY] * 100])
    assert runs.requests[2] == runs.requests[3] == [*harness.sign_in, LIST]
    for title, row in zip(titles, runs.first["results"], strict=True):
        token = only(harness, title)
        assert (row["name"], row["uuid"], row["fingerprint"]) == (title, token.uuid, fingerprint(token.code))
        assert (harness.folder / title).read_text().strip() == token.code


def test_title_is_in_one_entry_only(harness: Harness) -> None:
    entries = [{"title": "laptop", "token_path": str(harness.folder / name)} for name in ("a", "b")]
    assert_refused(harness, MODULE, {"credentials": entries}, "both use the title laptop")
    assert harness.requests == []
