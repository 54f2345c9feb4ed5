# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_token: robots and their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.documentation import documented_reasons
from functional.harness import Harness
from standin import tokens
from standin.tokens import fingerprint

MODULE = "quay_robot_token"
ROBOTS = "/api/v1/organization/acme/robots"
READ = f"GET {ROBOTS}/ci"
REGENERATE = f"POST {ROBOTS}/ci/regenerate"
VERIFY = "GET /v2/auth"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
OWN_COUNTS = "GET /api/v1/user/aggregatelogs"
LOGS = "GET /api/v1/organization/acme/logs"

DAY = 86400.0


def regenerate(harness: Harness, name: str = "acme+ci") -> None:
    """Regenerate the token as another client would, directly in the state."""
    harness.robot(name).token = tokens.robot_token()


def regenerate_by_api(harness: Harness) -> None:
    """Regenerate the token as another client would, with an entry in the usage log."""
    harness.accounts.alice.browser().call("POST", f"{ROBOTS}/ci/regenerate")


def is_current(harness: Harness, secret: str) -> bool:
    return harness.robot().token == secret


# --- present


def test_missing_robot_is_created(either_login: Harness) -> None:
    harness, new = either_login, f"{ROBOTS}/new"
    runs = harness.four_runs(MODULE, {"name": "acme+new", "description": "pulls", "metadata": {"team": "blue"}})
    assert runs.requests == [
        [*harness.sign_in, f"GET {new}", "GET /config", COUNTS],
        [*harness.sign_in, f"GET {new}", "GET /config", COUNTS, f"PUT {new}", VERIFY],
        [*harness.sign_in, f"GET {new}"],
        [*harness.sign_in, f"GET {new}"],
    ]
    assert runs.first.changed
    assert runs.first.content | {"token": None, "created_at": None, "last_accessed": None} == {
        "name": "acme+new",
        "username": "acme+new",
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "description": "pulls",
        "reason": "missing",
        "minted": True,
        "token": None,
        "fingerprint": harness.robot_fingerprint("acme+new"),
        "age_source": "mint",
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "uuid": None,
        "superseded": [],
        "delivered": [],
        "retired": [],
        "deleted": [],
        "removed": [],
        "ended": None,
    }
    assert runs.first.token == harness.robot_fingerprint("acme+new")
    assert harness.is_now(runs.first["created_at"])
    assert runs.first.diff == {
        "before": {"name": "acme+new", "token": "absent"},
        "after": {"name": "acme+new", "token": "new"},
    }
    assert harness.robot("acme+new").description == "pulls"
    assert harness.robot("acme+new").metadata == {"team": "blue"}
    assert runs.second["reason"] == "not_due"
    assert not runs.second["minted"]
    assert runs.second.token == runs.first.token
    assert runs.second["created_at"] is None
    assert runs.second["age_source"] is None
    assert runs.second["last_accessed"] is not None


def test_missing_robot_is_created_and_its_token_stored_in_a_file(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme+new", "token_path": str(harness.token_path), "max_age": "30d"})
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == harness.stored_fingerprint() == harness.robot_fingerprint("acme+new")
    assert runs.predicted["delivered"] == runs.first["delivered"] == [str(harness.token_path)]
    assert harness.token_record() == {
        "fingerprint": harness.stored_fingerprint(),
        "created_at": runs.first["created_at"],
        "expires_at": None,
        "uuid": None,
        "superseded": None,
        "username": "acme+new",
    }
    assert runs.first.diff == {
        "before": {"name": "acme+new", "token": "absent", **harness.deliver_diff("absent")},
        "after": {"name": "acme+new", "token": "new", **harness.deliver_diff("new")},
    }
    assert runs.second["token"] is None
    assert runs.second["age_source"] == "record"
    assert runs.requests[3] == [*harness.sign_in, f"GET {ROBOTS}/new"]


def test_robot_with_nothing_due_costs_one_request(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, {"name": "acme+ci"})
    assert runs.requests == [[READ]] * 4
    assert not runs.first.changed
    assert runs.first.token == harness.robot_fingerprint()
    assert runs.first["description"] == "builds"


def test_current_token_is_not_returned_to_its_holder(either_login: Harness) -> None:
    runs = either_login.four_runs(MODULE, {"name": "acme+ci", "current_token": either_login.accounts.robot_token})
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == either_login.robot_fingerprint()
    assert runs.first["reason"] == "not_due"
    assert runs.requests[1] == [*either_login.sign_in, READ]


def test_current_token_is_returned_to_the_holder_of_another(either_login: Harness) -> None:
    harness = either_login
    result = harness.run(MODULE, {"name": "acme+ci", "current_token": "S" * 64})
    assert (result["reason"], result["minted"], result.changed) == ("undelivered", False, False)
    assert result.token == harness.robot_fingerprint() == fingerprint(harness.accounts.robot_token)
    assert harness.writes == []


@pytest.mark.parametrize("present", [None, "S" * 64 + "\n", ""], ids=["absent", "foreign", "empty"])
def test_file_with_something_else_is_repaired_without_minting(either_login: Harness, present: str | None) -> None:
    harness = either_login
    if present is not None:
        harness.token_path.write_text(present)
        harness.token_path.chmod(0o600)
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path)})
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("undelivered", False, True)
    assert harness.stored_fingerprint() == harness.robot_fingerprint() == fingerprint(harness.accounts.robot_token)
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "present", **harness.deliver_diff("other" if present else "absent")},
        "after": {"name": "acme+ci", "token": "present", **harness.deliver_diff("current")},
    }
    assert runs.requests == [[*harness.sign_in, READ]] * 4


def test_rotate_always_costs_four_requests(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "rotate": "always"}, idempotent=False)
    assert runs.requests[0] == [*harness.sign_in, READ, "GET /config"]
    assert runs.requests[1] == [*harness.sign_in, READ, "GET /config", REGENERATE, VERIFY]
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("forced", True, True)
    assert runs.first.token != fingerprint(harness.accounts.robot_token)
    assert runs.second.token != runs.first.token
    assert runs.second.token == harness.robot_fingerprint()
    assert not is_current(harness, harness.accounts.robot_token)
    assert runs.first.diff["after"]["token"] == "new"


def test_rotate_always_replaces_the_file(either_login: Harness) -> None:
    harness = either_login
    arguments = {"name": "acme+ci", "rotate": "always", "token_path": str(harness.token_path)}
    runs = harness.four_runs(MODULE, arguments, idempotent=False)
    assert (
        runs.second["fingerprint"]
        == harness.stored_fingerprint()
        == harness.robot_fingerprint()
        != runs.first["fingerprint"]
    )
    assert runs.first["token"] is None
    assert runs.first.diff["before"] == {"name": "acme+ci", "token": "present", **harness.deliver_diff("absent")}
    assert runs.second.diff["before"] == {"name": "acme+ci", "token": "present", **harness.deliver_diff("current")}
    assert runs.second.diff["after"] == {"name": "acme+ci", "token": "new", **harness.deliver_diff("new")}


def test_rotate_always_creates_what_is_missing(either_login: Harness) -> None:
    runs = either_login.four_runs(MODULE, {"name": "acme+new", "rotate": "always"}, idempotent=False)
    assert runs.first["reason"] == "missing"
    assert runs.second["reason"] == "forced"


def test_rotate_never_keeps_what_is_due(either_login: Harness) -> None:
    harness = either_login
    harness.advance(days=100)
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "rotate": "never", "max_age": "90d"})
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("too_old", False, False)
    assert is_current(harness, harness.accounts.robot_token)


def test_rotate_never_creates_what_is_missing(either_login: Harness) -> None:
    runs = either_login.four_runs(MODULE, {"name": "acme+new", "rotate": "never"})
    assert (runs.first["reason"], runs.first["minted"]) == ("missing", True)


def test_robot_of_the_users_own_namespace(either_login: Harness) -> None:
    harness, own = either_login, "/api/v1/user/robots/helper"
    runs = harness.four_runs(MODULE, {"name": "helper", "max_age": "90d"})
    assert runs.first["name"] == "helper"
    assert runs.first["username"] == "alice+helper"
    assert runs.first.token == harness.robot_fingerprint("alice+helper")
    assert runs.requests[1] == [*harness.sign_in, f"GET {own}", "GET /config", OWN_COUNTS, f"PUT {own}", VERIFY]
    harness.advance(days=100)
    old = harness.run(MODULE, {"name": "helper", "max_age": "90d"})
    assert (old["reason"], old["age_source"]) == ("too_old", "mint")
    assert harness.requests[-2:] == [f"POST {own}/regenerate", VERIFY]
    assert any(request.startswith("GET /api/v1/user/aggregatelogs") for request in harness.requests)


@pytest.mark.parametrize("option", ["description", "metadata"])
def test_field_that_quay_cannot_change_gives_a_warning(either_login: Harness, option: str) -> None:
    wanted: Any = {"description": "other", "metadata": {"team": "red"}}[option]
    runs = either_login.four_runs(MODULE, {"name": "acme+ci", option: wanted})
    assert not runs.first.changed
    assert runs.first.warned(option)
    assert runs.first["description"] == "builds"


# --- the age of a token


def test_age_from_the_creation_of_a_young_robot(either_login: Harness) -> None:
    harness = either_login
    harness.advance(days=10)
    result = harness.run(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert harness.requests == [*harness.sign_in, READ]
    assert (result["reason"], result["age_source"]) == ("not_due", "creation")
    assert result["created_at"] == harness.iso(harness.robot().created)


def test_age_from_the_log_of_the_last_regeneration(either_login: Harness) -> None:
    harness = either_login
    harness.advance(days=100)
    regenerate_by_api(harness)
    changed = harness.iso(harness.quay.state.logs[-1].at)
    harness.advance(days=10)
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert (runs.first["reason"], runs.first["age_source"]) == ("not_due", "log")
    assert runs.first["created_at"] == changed
    assert runs.requests == [[*harness.sign_in, READ, COUNTS, LOGS]] * 4


def test_log_shows_that_a_token_is_too_old(either_login: Harness) -> None:
    harness = either_login
    harness.advance(days=100)
    regenerate_by_api(harness)
    harness.advance(days=30)
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert (runs.first["reason"], runs.first["minted"]) == ("too_old", True)
    assert runs.predicted["reason"] == "too_old"
    assert runs.first["age_source"] == "mint"
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "log")
    assert harness.is_now(runs.first["created_at"])
    assert harness.is_now(runs.second["created_at"])


def test_log_of_a_robot_that_had_this_name_before_does_not_count(either_login: Harness) -> None:
    harness = either_login
    harness.advance(days=50)
    regenerate_by_api(harness)
    browser = harness.accounts.alice.browser()
    browser.call("DELETE", f"{ROBOTS}/ci")
    harness.advance(days=1)
    browser.call("PUT", f"{ROBOTS}/ci", {})
    made = harness.iso(harness.robot().created)
    harness.advance(days=20)
    result = harness.run(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert (result["reason"], result["created_at"]) == ("not_due", made)


def test_age_from_the_record_needs_no_log(either_login: Harness) -> None:
    harness = either_login
    arguments = {"name": "acme+ci", "max_age": "30d", "token_path": str(harness.token_path)}
    harness.advance(days=100)
    first = harness.run(MODULE, arguments)
    harness.advance(days=29)
    second = harness.run(MODULE, arguments)
    assert harness.requests == [*harness.sign_in, READ]
    assert (second["reason"], second["age_source"]) == ("not_due", "record")
    assert second["created_at"] == first["created_at"]
    harness.advance(days=1)
    third = harness.run(MODULE, arguments)
    assert (third["reason"], third["minted"]) == ("too_old", True)
    assert harness.stored_fingerprint() == harness.robot_fingerprint() == third["fingerprint"]


def test_record_of_another_token_does_not_count(harness: Harness) -> None:
    arguments = {"name": "acme+ci", "max_age": "30d", "token_path": str(harness.token_path)}
    harness.advance(days=100)
    harness.run(MODULE, arguments)
    harness.advance(days=29)
    regenerate_by_api(harness)
    harness.advance(days=20)
    result = harness.run(MODULE, arguments)
    assert (result["reason"], result["age_source"], result["minted"]) == ("undelivered", "log", False)
    assert harness.stored_fingerprint() == harness.robot_fingerprint()


UNAVAILABLE_LOGS: dict[str, dict[str, Any]] = {
    "not searchable": {"LOGS_MODEL": "splunk"},
    "not counted": {"FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL": False},
    "not kept": {"DISABLED_FOR_AUDIT_LOGS": ["acme"]},
}


@pytest.mark.parametrize("unavailable", UNAVAILABLE_LOGS)
def test_age_of_the_robot_is_used_if_logs_are_unavailable(either_login: Harness, unavailable: str) -> None:
    harness = either_login
    harness.quay.config.update(UNAVAILABLE_LOGS[unavailable])
    harness.advance(days=100)
    regenerate_by_api(harness)
    if unavailable == "not kept":
        assert not [entry for entry in harness.quay.state.logs if entry.kind == "regenerate_robot_token"]
    arguments = {"name": "acme+ci", "max_age": "30d"}
    predicted = harness.check(MODULE, arguments)
    assert (predicted["reason"], predicted["minted"]) == ("too_old", True)
    result = harness.run(MODULE, arguments)
    assert (result["reason"], result["minted"]) == ("too_old", True)
    unrotated = harness.run(MODULE, {**arguments, "rotate": "never"})
    assert (unrotated["age_source"], unrotated["created_at"]) == ("creation", harness.iso(harness.robot().created))
    assert unrotated.warned("usage logs do not show the age") == (unavailable != "not kept")


def test_age_from_the_record_if_logs_are_unavailable(either_login: Harness) -> None:
    harness = either_login
    harness.quay.config.update(UNAVAILABLE_LOGS["not searchable"])
    harness.advance(days=100)
    arguments = {"name": "acme+ci", "max_age": "30d", "token_path": str(harness.token_path)}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first["reason"] == "too_old"
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "record")


def test_verification_leaves_no_login_in_the_log(harness: Harness) -> None:
    harness.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    assert [entry.kind for entry in harness.quay.state.logs if entry.namespace == "acme"][
        -1
    ] == "regenerate_robot_token"
    assert not [entry for entry in harness.quay.state.logs if entry.performer == "acme+ci"]


# --- absent


def test_robot_is_deleted(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "state": "absent"})
    assert runs.first.changed
    assert "acme+ci" not in harness.quay.state.robots
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "present"},
        "after": {"name": "acme+ci", "token": "absent"},
    }
    assert runs.first["token"] is None
    assert (runs.first["deleted"], runs.second["deleted"]) == (["acme+ci"], [])
    assert f"DELETE {ROBOTS}/ci" in runs.requests[1]
    assert runs.requests[3] == [*harness.sign_in, READ]


def test_robot_is_deleted_with_its_file(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path)})
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path), "state": "absent"})
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "present", **harness.deliver_diff("present")},
        "after": {"name": "acme+ci", "token": "absent", **harness.deliver_diff("absent")},
    }
    assert list(harness.folder.iterdir()) == []
    assert "acme+ci" not in harness.quay.state.robots


def test_file_of_a_robot_that_is_gone_is_removed(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path)})
    del harness.quay.state.robots["acme+ci"]
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path), "state": "absent"})
    assert runs.first.changed
    assert list(harness.folder.iterdir()) == []


def test_other_robots_are_unchanged(either_login: Harness) -> None:
    harness = either_login
    browser = harness.accounts.alice.browser()
    browser.call("PUT", f"{ROBOTS}/cid", {})
    other = harness.robot_fingerprint("acme+cid")
    harness.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    harness.run(MODULE, {"name": "acme+ci", "state": "absent"})
    assert harness.robot_fingerprint("acme+cid") == other


# --- federation

ISSUER = {"issuer": "https://token.ci.example.com", "subject": "project/acme"}
OTHER = {"issuer": "https://login.example.com", "subject": "repo:acme/app"}


def shown(entry: dict[str, str]) -> str:
    return f"{entry['subject']} of {entry['issuer']}"


def test_federation_is_set_replaced_and_emptied(either_login: Harness) -> None:
    harness = either_login
    federation = f"{ROBOTS}/ci/federation"
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "federation": [ISSUER]})
    assert runs.first.changed
    assert runs.first["federation"] == harness.robot().federation == [ISSUER]
    assert runs.first.diff == {"before": {"federation": []}, "after": {"federation": [ISSUER]}}
    assert runs.requests[3] == [*harness.sign_in, READ, f"GET {federation}"]
    assert f"POST {federation}" in runs.requests[1]
    assert is_current(harness, harness.accounts.robot_token)
    both = harness.four_runs(MODULE, {"name": "acme+ci", "federation": [ISSUER, OTHER]})
    assert both.first.diff["before"]["federation"] == [ISSUER]
    assert both.first.diff["after"]["federation"] == [OTHER, ISSUER]
    assert not harness.run(MODULE, {"name": "acme+ci", "federation": [OTHER, ISSUER]}).changed
    emptied = harness.four_runs(MODULE, {"name": "acme+ci", "federation": []})
    assert emptied.first.changed
    assert harness.robot().federation == []


def test_federation_ignores_order_and_duplicates(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "federation": [ISSUER, OTHER, ISSUER]})
    assert harness.robot().federation == [ISSUER, OTHER]
    assert runs.first["federation_added"] == [shown(OTHER), shown(ISSUER)]
    result = harness.run(MODULE, {"name": "acme+ci", "federation": [OTHER, OTHER, ISSUER]})
    assert not result.changed
    assert f"POST {ROBOTS}/ci/federation" not in harness.requests


def test_federation_is_added_to(either_login: Harness) -> None:
    harness = either_login
    harness.robot().federation = [OTHER]
    arguments = {"name": "acme+ci", "federation": [ISSUER], "federation_exclusive": False}
    runs = harness.four_runs(MODULE, arguments)
    assert harness.robot().federation == [OTHER, ISSUER]
    assert runs.first["federation"] == [OTHER, ISSUER]
    assert (runs.first["federation_added"], runs.first["federation_removed"]) == ([shown(ISSUER)], [])
    assert runs.first.diff == {"before": {"federation": [OTHER]}, "after": {"federation": [OTHER, ISSUER]}}
    assert not any("federation" in warning for warning in runs.first.warnings)
    nothing = harness.run(MODULE, {**arguments, "federation": []})
    assert not nothing.changed
    assert harness.robot().federation == [OTHER, ISSUER]


def test_removal_from_the_federation_gives_a_warning(harness: Harness) -> None:
    harness.robot().federation = [OTHER, ISSUER]
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "federation": [ISSUER]})
    assert runs.first["federation_removed"] == [shown(OTHER)]
    assert runs.predicted.warned(f"The federation entries {shown(OTHER)} of acme+ci will be removed. They get no new")
    assert runs.first.warned("were removed. They get no new tokens, but what was issued to them stays valid")
    assert not any("federation" in warning for warning in runs.second.warnings)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ISSUER, "issuer": "http://token.example.com"}, "accepts no OIDC token of it, because its URL begins with"),
        ({**ISSUER, "issuer": "https://token.example.com "}, "'https://token.example.com ' has a blank around it"),
        ({**ISSUER, "subject": "project/acme\t"}, "has a blank around it. Quay compares it exactly"),
    ],
    ids=["http", "issuer", "subject"],
)
def test_useless_entry_of_the_federation_gives_a_warning(harness: Harness, entry: dict[str, str], words: str) -> None:
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "federation": [entry]})
    assert harness.robot().federation == [entry]
    assert all(run.warned(words) for run in (runs.predicted, runs.first, runs.second))


def test_federation_of_a_new_robot(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"name": "acme+new", "federation": [ISSUER]})
    assert runs.first["reason"] == "missing"
    assert harness.robot("acme+new").federation == [ISSUER]


def test_federation_survives_a_rotation_and_is_not_read_unless_declared(harness: Harness) -> None:
    harness.run(MODULE, {"name": "acme+ci", "federation": [ISSUER]})
    result = harness.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    assert "federation" not in result.content
    assert not [request for request in harness.requests if "federation" in request]
    assert harness.robot().federation == [ISSUER]


@pytest.mark.parametrize(
    ("federation", "words"),
    [
        ([{"issuer": "token.example.com", "subject": "x"}], "issuer 'token.example.com' must be an http or https URL"),
        ([{"issuer": "HTTPS://x.example.com", "subject": "x"}], "whose scheme is in lower case"),
    ],
    ids=["no URL", "case"],
)
def test_bad_federation_is_refused_before_anything_is_sent(harness: Harness, federation: Any, words: str) -> None:
    for check in (True, False):
        result = harness.run(MODULE, {"name": "acme+ci", "rotate": "always", "federation": federation}, check=check)
        assert result.failed
        assert words in result.message
        assert harness.requests == []


# --- concurrent writers


def test_overtaken_run_returns_the_valid_token(either_login: Harness) -> None:
    harness = either_login
    harness.before_request("GET /v2/auth", lambda: regenerate(harness))
    result = harness.run(MODULE, {"name": "acme+ci", "rotate": "always", "token_path": str(harness.token_path)})
    assert not result.failed
    assert result["fingerprint"] == harness.robot_fingerprint() == harness.stored_fingerprint()
    assert len(harness.quay.journal.mints) == 1
    assert harness.requests[-3:] == [VERIFY, READ, VERIFY]


def test_repeatedly_overtaken_run_fails_with_a_clear_message(harness: Harness) -> None:
    for _round in range(3):
        harness.before_request("GET /v2/auth", lambda: regenerate(harness))
    result = harness.run(MODULE, {"name": "acme+ci", "rotate": "always", "token_path": str(harness.token_path)})
    assert result.failed
    assert "does not accept the new token of acme+ci" in result.message
    assert "something else regenerates this robot" in result.message
    assert not harness.token_path.exists()
    assert len(harness.quay.journal.mints) == 1
    repaired = harness.run(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path)})
    assert (repaired["reason"], repaired["minted"]) == ("undelivered", False)
    assert harness.stored_fingerprint() == harness.robot_fingerprint()


def test_robot_deleted_meanwhile_is_created_again(harness: Harness) -> None:
    harness.before_request("POST .*/regenerate", lambda: harness.quay.state.robots.pop("acme+ci"))
    result = harness.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    assert (result["reason"], result["minted"]) == ("missing", True)
    assert result.token == harness.robot_fingerprint()
    assert result.diff["before"]["token"] == "absent"


def test_robot_created_meanwhile_is_used(harness: Harness) -> None:
    """Another run creates it between two requests of this one. Both deliver the same token."""
    harness.before_request(
        f"PUT {ROBOTS}/new", lambda: harness.accounts.alice.browser().call("PUT", f"{ROBOTS}/new", {})
    )
    arguments = {"name": "acme+new", "token_path": str(harness.token_path)}
    result = harness.run(MODULE, arguments)
    assert not result.failed, result.message
    assert harness.stored_fingerprint() == result["fingerprint"] == harness.robot_fingerprint("acme+new")
    assert result.warned("acme+new was created by another run at the same moment. Its token is used.")
    assert result["reason"] == "missing"
    own = [request for request in harness.requests if request.endswith("robots/new") or request == VERIFY]
    # The second PUT is that of the other run.
    assert own == [f"GET {ROBOTS}/new", f"PUT {ROBOTS}/new", f"PUT {ROBOTS}/new", f"GET {ROBOTS}/new", VERIFY]
    assert not harness.run(MODULE, arguments).changed


# --- every reason


def _too_old(harness: Harness) -> dict[str, Any]:
    harness.advance(days=31)
    return {"name": "acme+ci", "max_age": "30d"}


REASONS: dict[str, Callable[[Harness], dict[str, Any]]] = {
    "missing": lambda harness: {"name": "acme+new"},
    "forced": lambda harness: {"name": "acme+ci", "rotate": "always"},
    "too_old": _too_old,
    "undelivered": lambda harness: {"name": "acme+ci", "token_path": str(harness.token_path)},
    "absent": lambda harness: {"name": "acme+ci", "state": "absent"},
    "not_due": lambda harness: {"name": "acme+ci"},
}


def test_every_documented_reason_has_a_case() -> None:
    assert documented_reasons(MODULE) == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_the_same_in_check_mode_and_in_a_real_run(either_login: Harness, reason: str) -> None:
    arguments = REASONS[reason](either_login)
    predicted = either_login.check(MODULE, arguments)
    result = either_login.run(MODULE, arguments)
    assert predicted["reason"] == result["reason"] == reason
