# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_client_secret: client secrets of OAuth applications."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.documentation import documented_reasons
from functional.harness import Harness, assert_refused
from standin import tokens
from standin.state import Application
from standin.tokens import fingerprint

MODULE = "quay_client_secret"
LIST = "GET /api/v1/organization/acme/applications"
CONFIG = "GET /config"
VERIFY = "POST /oauth/access_token"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
LOGS = "GET /api/v1/organization/acme/logs"


def application(harness: Harness) -> Application:
    return harness.quay.state.applications[harness.accounts.automation]


def present(harness: Harness) -> str:
    """The fingerprint of the client secret."""
    return fingerprint(application(harness).client_secret)


def read(harness: Harness) -> str:
    return f"{LIST}/{harness.accounts.automation}"


def reset(harness: Harness) -> str:
    return f"POST /api/v1/organization/acme/applications/{harness.accounts.automation}/resetclientsecret"


def by_id(harness: Harness, **options: Any) -> dict[str, Any]:
    return {"organization": "acme", "client_id": harness.accounts.automation, **options}


def in_file(harness: Harness, **options: Any) -> dict[str, Any]:
    return {**by_id(harness), "token_path": str(harness.token_path), **options}


def change(harness: Harness) -> None:
    """Reset the client secret as another client of Quay would, directly in the state."""
    application(harness).client_secret = tokens.client_secret()


# --- delivery


def test_present_secret_is_delivered_without_a_reset(either_login: Harness) -> None:
    harness = either_login
    secret = present(harness)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert runs.requests == [[*harness.sign_in, read(harness)]] * 4
    assert present(harness) == harness.stored_fingerprint() == secret
    assert runs.first.content == {
        "token": None,
        "name": "automation",
        "username": harness.accounts.automation,
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "organization": "acme",
        "client_id": harness.accounts.automation,
        "uuid": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": None,
        "fingerprint": secret,
        "reason": "undelivered",
        "minted": False,
        "delivered": [str(harness.token_path)],
        "retired": [],
        "deleted": [],
        "removed": [],
        "superseded": [],
    }
    assert runs.first.diff == {
        "before": {"name": "automation", "token": "present", **harness.deliver_diff("absent")},
        "after": {"name": "automation", "token": "present", **harness.deliver_diff("current")},
    }
    assert not any("Resetting" in warning for warning in runs.first.warnings)


def test_present_secret_is_returned(either_login: Harness) -> None:
    runs = either_login.four_runs(MODULE, {"organization": "acme", "application": "automation"})
    assert runs.requests == [[*either_login.sign_in, LIST]] * 4
    assert runs.first.token == runs.second.token == present(either_login)
    assert not runs.first.changed


def test_current_token_is_not_returned_to_its_holder(either_login: Harness) -> None:
    secret = application(either_login).client_secret
    result = either_login.run(MODULE, by_id(either_login, current_token=secret))
    assert (result["token"], result["reason"]) == (None, "not_due")
    result = either_login.run(MODULE, by_id(either_login, current_token="S" * 40))
    assert (result.token, result["reason"]) == (present(either_login), "undelivered")


def test_file_has_the_client_id(harness: Harness) -> None:
    path = harness.folder / "portal.json"
    harness.four_runs(MODULE, by_id(harness, deliver=[{"kind": "file", "path": str(path), "format": "json"}]))
    stored = json.loads(path.read_text())
    assert (stored["username"], fingerprint(stored["token"])) == (harness.accounts.automation, present(harness))


def test_client_id_alone_costs_one_request_more(harness: Harness) -> None:
    harness.run(MODULE, {"client_id": harness.accounts.automation})
    assert harness.requests == [f"GET /api/v1/app/{harness.accounts.automation}", read(harness)]


# --- reset


def test_reset_is_announced_verified_and_delivered(either_login: Harness) -> None:
    harness = either_login
    first = harness.run(MODULE, in_file(harness))
    tokens_before = set(harness.valid_tokens(harness.accounts.automation))
    runs = harness.four_runs(MODULE, in_file(harness, rotate="always"), idempotent=False)
    assert runs.requests[0] == [*harness.sign_in, read(harness), CONFIG]
    assert runs.requests[1] == [*harness.sign_in, read(harness), CONFIG, reset(harness), VERIFY]
    assert harness.stored_fingerprint() == present(harness) == runs.second["fingerprint"]
    assert len({first["fingerprint"], runs.first["fingerprint"], runs.second["fingerprint"]}) == 3
    assert runs.first.diff == {
        "before": {
            "name": "automation",
            "token": "present",
            "former_client_secret": "accepted",
            **harness.deliver_diff("current"),
        },
        "after": {
            "name": "automation",
            "token": "new",
            "former_client_secret": "refused",
            **harness.deliver_diff("new"),
        },
    }
    for run in (runs.predicted, runs.first):
        assert run.warned("makes the former one invalid at once")
    assert set(harness.valid_tokens(harness.accounts.automation)) == tokens_before
    assert (runs.first["reason"], runs.first["age_source"]) == ("forced", "mint")


def test_age_is_that_of_the_record(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, in_file(harness, rotate="always"))
    harness.advance(days=29)
    result = harness.run(MODULE, in_file(harness, max_age="30d"))
    assert harness.requests == [*harness.sign_in, read(harness)]
    assert (result["reason"], result["age_source"]) == ("not_due", "record")
    harness.advance(days=2)
    runs = harness.four_runs(MODULE, in_file(harness, max_age="30d"))
    assert runs.first["reason"] == "too_old"
    assert harness.stored_fingerprint() == present(harness)


def test_age_is_that_of_the_usage_logs(harness: Harness) -> None:
    harness.accounts.alice.browser().call("POST", reset(harness).partition(" ")[2])
    issued = harness.now()
    harness.advance(days=10)
    result = harness.run(MODULE, in_file(harness, max_age="30d"))
    assert harness.requests[:3] == [read(harness), COUNTS, LOGS]
    assert (result["reason"], result["age_source"], result["created_at"]) == ("undelivered", "log", issued)
    assert harness.token_record()["created_at"] == issued
    harness.advance(days=21)
    assert harness.check(MODULE, in_file(harness, max_age="30d"))["reason"] == "too_old"


def test_secret_of_unknown_age_is_not_reset(harness: Harness) -> None:
    harness.advance(days=100)
    runs = harness.four_runs(MODULE, in_file(harness, max_age="30d"))
    assert (runs.first["reason"], runs.first["minted"], runs.first["created_at"]) == ("undelivered", False, None)
    assert runs.second["reason"] == "not_due"
    assert runs.second.warned("The age of the client secret of")


def test_rotate_never(harness: Harness) -> None:
    harness.run(MODULE, in_file(harness, rotate="always"))
    harness.advance(days=31)
    result = harness.run(MODULE, in_file(harness, max_age="30d", rotate="never"))
    assert (result["reason"], result["minted"], result.changed) == ("too_old", False, False)


def test_secret_that_was_reset_elsewhere_is_delivered(harness: Harness) -> None:
    harness.run(MODULE, in_file(harness))
    change(harness)
    runs = harness.four_runs(MODULE, in_file(harness))
    assert (runs.first["reason"], runs.first["minted"]) == ("undelivered", False)
    assert harness.stored_fingerprint() == present(harness)


def test_secret_that_is_reset_again_meanwhile_is_delivered(harness: Harness) -> None:
    harness.before_request(VERIFY, lambda: change(harness))
    result = harness.run(MODULE, in_file(harness, rotate="always"))
    assert harness.requests == [read(harness), CONFIG, reset(harness), VERIFY, read(harness), VERIFY]
    assert harness.stored_fingerprint() == present(harness) == result["fingerprint"]


def test_secret_that_is_reset_again_and_again_is_not_delivered(harness: Harness) -> None:
    harness.run(MODULE, in_file(harness))
    former = harness.stored_fingerprint()
    for _time in range(3):
        harness.before_request(VERIFY, lambda: change(harness))
    result = harness.run(MODULE, in_file(harness, rotate="always"))
    assert result.failed
    assert "does not accept the new client secret" in result.message
    assert harness.stored_fingerprint() == former
    assert not harness.run(MODULE, in_file(harness)).failed
    assert harness.stored_fingerprint() == present(harness)


# --- faults

LOST: dict[str, dict[str, Any]] = {
    "500 after": {"kind": "status", "status": 500, "after": True},
    "cut": {"kind": "cut_after"},
}


@pytest.mark.parametrize("fault", LOST)
def test_lost_response_is_answered_by_looking(harness: Harness, fault: str) -> None:
    harness.quay.faults.add(method="POST", path="/resetclientsecret$", **LOST[fault])
    harness.run(MODULE, in_file(harness, rotate="always"))
    assert harness.requests == [read(harness), CONFIG, reset(harness), read(harness), VERIFY]
    assert harness.stored_fingerprint() == present(harness)


def test_reset_that_had_no_effect_is_not_repeated(harness: Harness) -> None:
    harness.run(MODULE, in_file(harness))
    harness.quay.faults.add("status", method="POST", path="/resetclientsecret$")
    result = harness.run(MODULE, in_file(harness, rotate="always"))
    assert result.failed
    assert harness.requests == [read(harness), CONFIG, reset(harness), read(harness)]
    assert harness.stored_fingerprint() == present(harness)


def test_secret_that_cannot_be_verified_is_delivered(harness: Harness) -> None:
    harness.run(MODULE, in_file(harness))
    harness.quay.faults.add("status", path="/oauth/access_token$", status=503)
    result = harness.run(MODULE, in_file(harness, rotate="always"))
    assert result.failed
    assert "could not be verified" in result.message
    assert harness.stored_fingerprint() == present(harness)


@pytest.mark.parametrize("status", [404, 405])
def test_server_that_does_not_say_is_believed(harness: Harness, status: int) -> None:
    harness.quay.faults.add("status", path="/oauth/access_token$", status=status, body="<html></html>")
    result = harness.run(MODULE, in_file(harness, rotate="always"))
    assert not result.failed
    assert harness.stored_fingerprint() == present(harness)


# --- absent and refusals


def test_absent_clears_the_store_and_resets_nothing(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, in_file(harness))
    secret = present(harness)
    runs = harness.four_runs(MODULE, in_file(harness, state="absent"))
    assert runs.first["removed"] == [str(harness.token_path)]
    assert runs.first.warned("is still valid, because an application always has one")
    assert not harness.token_path.exists()
    assert present(harness) == secret


@pytest.mark.parametrize("delivered", [True, False], ids=["delivered", "without a record"])
def test_absent_keeps_the_client_secret_of_another_application(either_login: Harness, delivered: bool) -> None:
    harness = either_login
    console = harness.accounts.console
    if delivered:
        harness.run(MODULE, in_file(harness, client_id=console))
    else:
        harness.store_secret(harness.quay.state.applications[console].client_secret)
    content = harness.token_path.read_text()
    runs = harness.four_runs(MODULE, in_file(harness, state="absent"))
    assert runs.requests == [[*harness.sign_in, read(harness), *([] if delivered else [LIST])]] * 4
    assert not runs.first.changed
    words = "a secret of" if delivered else "the client secret of the application console"
    assert runs.first.warned(f"holds {words}")
    assert runs.first.warned(f"{console}. It was not changed" if delivered else f"({console}). It was not changed")
    assert harness.token_path.read_text() == content


def test_absent_clears_a_former_client_secret(either_login: Harness) -> None:
    harness = either_login
    harness.store_secret(application(harness).client_secret)
    change(harness)
    runs = harness.four_runs(MODULE, in_file(harness, state="absent"))
    assert runs.first["removed"] == [str(harness.token_path)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_age": "0d"}, "max_age must be longer than 0"),
        (
            {"deliver": [{"kind": "container_auth", "path": "/x"}], "token_path": None},
            "a client secret is not a password",
        ),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(harness: Harness, options: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, in_file(harness, **options), words)
    assert harness.requests == []


def test_unknown_application(either_login: Harness) -> None:
    words = "The organization acme has no application"
    assert_refused(either_login, MODULE, {"organization": "acme", "application": "nope"}, f"{words} named 'nope'")
    assert_refused(either_login, MODULE, {"organization": "acme", "client_id": "NOPE"}, words)


def test_read_only_registry_is_refused_in_check_mode_too(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(harness, MODULE, by_id(harness, rotate="always"), "the registry is read-only")


def test_documented_reasons_are_those_that_occur() -> None:
    assert documented_reasons(MODULE) == {"forced", "too_old", "undelivered", "absent", "not_due"}


# --- many


def test_many_are_listed_once(either_login: Harness) -> None:
    harness = either_login
    browser = harness.accounts.alice.browser()
    path = LIST.partition(" ")[2]
    made = [browser.call("POST", path, {"name": f"app {number}"}).json()["client_id"] for number in range(20)]
    names = [{"client_id": client_id} for client_id in made[:10]]
    names += [{"application": f"app {number}"} for number in range(10, 20)]
    entries = [
        {"organization": "acme", **name, "token_path": str(harness.folder / f"app{number}")}
        for number, name in enumerate(names)
    ]
    runs = harness.four_runs(MODULE, {"credentials": entries})
    assert sorted(runs.requests[1]) == sorted([*harness.sign_in, LIST, *(f"{LIST}/{client_id}" for client_id in made)])
    assert runs.requests[2] == runs.requests[3] == [*harness.sign_in, LIST]
    for number, client_id in enumerate(made):
        secret = harness.quay.state.applications[client_id].client_secret
        assert (harness.folder / f"app{number}").read_text().strip() == secret


def test_application_is_in_one_entry_only(harness: Harness) -> None:
    entries = [in_file(harness, token_path=str(harness.folder / name)) for name in ("a", "b")]
    assert_refused(harness, MODULE, {"credentials": entries}, "both use the client secret of the application")
    assert harness.requests == []


# --- quay_token_info


def test_status(harness: Harness) -> None:
    deliver = [{"kind": "file", "path": str(harness.token_path)}]
    declared = {"name": "portal", "kind": "client_secret", **by_id(harness), "deliver": deliver}
    (before,) = harness.run("quay_token_info", {"credentials": [declared]})["credentials"]
    assert harness.requests == [LIST]
    assert (before["reason"], before["action"], before["holds"]) == ("undelivered", "deliver", ["absent"])
    harness.run(MODULE, in_file(harness, rotate="always"))
    (after,) = harness.run("quay_token_info", {"credentials": [declared]})["credentials"]
    assert (after["reason"], after["holds"], after["age_source"]) == ("not_due", ["current"], "record")
    assert (after["name"], after["client_id"], after["organization"]) == ("portal", harness.accounts.automation, "acme")
    assert after["fingerprint"] == present(harness)
