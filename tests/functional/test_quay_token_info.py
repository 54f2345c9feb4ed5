# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_token_info: the status of many credentials, and which are due."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from functional.documentation import documented_values
from functional.harness import Harness
from standin import tokens
from standin.tokens import fingerprint

MODULE = "quay_token_info"
ROBOTS = "GET /api/v1/organization/acme/robots"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
LOGS = "GET /api/v1/organization/acme/logs"
VERIFY = "GET /v2/auth"


def query(harness: Harness, *credentials: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Run the module in check mode and really. Asserts equal results and no change."""
    arguments = {"credentials": list(credentials), **options}
    state, files = harness.state(), harness.files()
    result = harness.run(MODULE, arguments)
    assert not result.failed, result.message
    assert not result.changed
    assert result.diff is None
    assert harness.writes == []
    assert (harness.state(), harness.files()) == (state, files)
    requests = harness.requests
    predicted = harness.run(MODULE, arguments, check=True)
    # The explanations contain seconds.
    assert without_explanations(predicted["credentials"]) == without_explanations(result["credentials"])
    assert harness.requests == requests
    found: list[dict[str, Any]] = result["credentials"]
    return found


def without_explanations(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if key != "message"} for item in found]


def robot(name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    return {"kind": "robot", "name": name, **options}


def create_robots(harness: Harness, count: int) -> list[str]:
    """Create robots. Returns their names."""
    browser = harness.accounts.alice.browser()
    names = [f"r{number:02}" for number in range(count)]
    for name in names:
        browser.call("PUT", f"/api/v1/organization/acme/robots/{name}", {})
    return [f"acme+{name}" for name in names]


# --- robots


def test_one_robot(either_login: Harness) -> None:
    harness = either_login
    (found,) = query(harness, robot())
    assert found == {
        "kind": "robot",
        "name": "acme+ci",
        "exists": True,
        "due": False,
        "reason": "not_due",
        "message": "valid",
        "is_login": False,
        "action": "nothing",
        "holds": [],
        "error": None,
        "username": "acme+ci",
        "uuid": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": None,
        "fingerprint": harness.robot_fingerprint(),
        "superseded": [],
        "description": "builds",
    }


def test_twenty_robots_cost_one_request(either_login: Harness) -> None:
    harness = either_login
    names = create_robots(harness, 20)
    found = query(harness, *(robot(name) for name in reversed(names)))
    assert harness.requests == [*harness.sign_in, ROBOTS]
    assert [item["name"] for item in found] == list(reversed(names))
    assert [item["fingerprint"] for item in found] == [harness.robot_fingerprint(name) for name in reversed(names)]


def test_twenty_young_robots_with_an_age_limit_cost_one_request(harness: Harness) -> None:
    found = query(harness, *(robot(name, max_age="30d") for name in create_robots(harness, 20)))
    assert harness.requests == [ROBOTS]
    assert {item["age_source"] for item in found} == {"creation"}


def test_twenty_old_robots_read_the_log_once(harness: Harness) -> None:
    names = create_robots(harness, 20)
    harness.advance(days=100)
    browser = harness.accounts.alice.browser()
    for name in names[:10]:
        browser.call("POST", f"/api/v1/organization/acme/robots/{name.removeprefix('acme+')}/regenerate")
    harness.advance(days=10)
    found = query(harness, *(robot(name, max_age="30d") for name in names))
    assert harness.requests.count(ROBOTS) == 1
    assert harness.requests.count(COUNTS) == 2
    # Ten changes on one day: one page, and an empty last page.
    assert harness.requests.count(LOGS) <= 2
    assert [item["reason"] for item in found] == ["not_due"] * 10 + ["too_old"] * 10
    assert [item["age_source"] for item in found] == ["log"] * 10 + ["creation"] * 10
    assert found[10]["action"] == "mint"
    assert found[10]["message"] == "age 110 days, limit 30 days"


def test_robots_of_two_namespaces(harness: Harness) -> None:
    harness.accounts.alice.browser().call("PUT", "/api/v1/user/robots/own", {})
    found = query(harness, robot("own"), robot(), robot("rival+ci"), robot("acme+none"))
    assert [item["exists"] for item in found] == [True, True, False, False]
    assert found[0]["username"] == "alice+own"
    assert "403" in found[2]["error"]
    assert (found[2]["reason"], found[2]["due"], found[2]["action"]) == (None, False, "nothing")
    assert (found[3]["reason"], found[3]["due"], found[3]["action"]) == ("missing", True, "mint")


def test_error_of_one_credential_does_not_hide_the_others(harness: Harness) -> None:
    unwritable = {"kind": "file", "path": str(harness.folder / "none" / "token")}
    found = query(
        harness,
        robot("acme+NO"),
        robot("acme+lost", deliver=[unwritable]),
        {"kind": "api", "name": "nightly", "organization": "acme", "application": "none"},
        {"kind": "referrers", "name": "scan", "repositories": []},
        robot(max_age="30d"),
    )
    assert ["not a valid robot name" in str(item["error"]) for item in found] == [True, False, False, False, False]
    assert [bool(item["error"]) for item in found] == [True, True, True, True, False]
    assert [item["name"] for item in found] == ["acme+NO", "acme+lost", "nightly", "scan", "acme+ci"]
    assert "has no application named 'none'" in found[2]["error"]


def test_stores_with_something_else(harness: Harness) -> None:
    path = harness.folder / "token"
    harness.run("quay_robot_token", {"name": "acme+ci", "token_path": str(path)})
    store = {"kind": "file", "path": str(path)}
    (valid,) = query(harness, robot(deliver=[store]))
    assert (valid["reason"], valid["holds"]) == ("not_due", ["current"])
    empty = {"kind": "container_auth", "path": str(harness.folder / "auth.json")}
    (incomplete,) = query(harness, robot(deliver=[store, empty]))
    assert (incomplete["reason"], incomplete["action"], incomplete["holds"]) == (
        "undelivered",
        "deliver",
        ["current", "absent"],
    )
    assert incomplete["message"] == "the present token is not in 1 of 2 stores"
    harness.robot().token = tokens.robot_token()
    (other,) = query(harness, robot(deliver=[store]))
    assert (other["reason"], other["holds"]) == ("undelivered", ["other"])
    path.chmod(0o644)
    harness.run("quay_robot_token", {"name": "acme+ci", "token_path": str(path)})
    path.chmod(0o644)
    (kept,) = query(harness, robot(deliver=[store]))
    assert (kept["reason"], kept["holds"]) == ("not_due", ["current"])
    (readable,) = query(harness, robot(deliver=[{**store, "mode": "0600"}]))
    assert (readable["reason"], readable["holds"]) == ("undelivered", ["wrong_permissions"])
    assert readable["message"] == "owner or mode is wrong in 1 of 1 stores"


@pytest.mark.parametrize(
    ("login", "options", "removes"),
    [
        ("acme+gone:S3CRET", {}, True),
        ("acme+ci:S3CRET", {}, False),
        ("$oauthtoken:S3CRET", {}, False),
        ("acme+gone_b:S3CRET", {"strategy": "paired"}, True),
        ("acme+gone:S3CRET", {"strategy": "paired"}, False),
    ],
)
def test_removal_is_predicted(harness: Harness, login: str, options: dict[str, Any], removes: bool) -> None:
    """The robot is gone. A login of somebody else, and content that is no credential, are kept by the real run."""
    auth, note = harness.folder / "auth.json", harness.folder / "note"
    pair = base64.b64encode(login.encode()).decode()
    auth.write_text(json.dumps({"auths": {f"127.0.0.1:{harness.quay.port}": {"auth": pair}}}))
    note.write_text("a note of somebody\n")
    stores = [{"kind": "container_auth", "path": str(auth)}, {"kind": "file", "path": str(note)}]
    declared = {"state": "absent", "deliver": stores, **options}
    (found,) = query(harness, robot("acme+gone", **declared))
    assert (found["action"], found["reason"]) == (("remove", "absent") if removes else ("nothing", "not_due"))
    assert found["holds"] == ["other", "other"]
    real = harness.run("quay_robot_token", {"name": "acme+gone", **declared})
    assert (real.changed, real["reason"], real["removed"]) == (removes, found["reason"], [str(auth)] if removes else [])
    assert note.read_text() == "a note of somebody\n"
    assert (pair in auth.read_text()) is not removes


# The declarations of credentials, and which secrets of others are kept if these are absent.
OTHERS: dict[str, tuple[dict[str, Any], Callable[[Harness], str]]] = {
    "client_secret": (
        {"organization": "acme", "application": "automation"},
        lambda harness: harness.quay.state.applications[harness.accounts.console].client_secret,
    ),
    "robot_lease": ({"name_prefix": "acme+build", "lifetime": "1h"}, lambda harness: harness.robot().token),
    "federated_token": ({"name": "acme+ci"}, lambda harness: harness.robot().token),
    "referrers_token": ({"repositories": ["acme/app"]}, lambda harness: harness.robot().token),
}


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("name", OTHERS)
def test_store_with_a_secret_of_others_is_predicted(either_login: Harness, name: str, valid: bool) -> None:
    """The file does not tell whose secret it holds."""
    harness = either_login
    options, secret_of = OTHERS[name]
    secret = secret_of(harness)
    # A referrers token can be told from any other secret, but whether that is valid cannot.
    removes = not valid and name != "referrers_token"
    harness.store_secret(secret if valid else secret[::-1])
    given = {**options, "state": "absent", "deliver": [{"kind": "file", "path": str(harness.token_path)}]}
    declared = {"name": options.get("name_prefix", "acme+ci"), **given, "kind": name.replace("_token", "")}
    declared = {key: value for key, value in declared.items() if key != "name_prefix"}
    (found,) = query(harness, declared)
    assert (found["action"], found["reason"]) == (("remove", "absent") if removes else ("nothing", "not_due"))
    real = harness.run(f"quay_{name}", given)
    assert not real.failed, real.message
    assert (real.changed, harness.token_path.exists()) == (removes, not removes)
    assert real.warned("It was not changed") is not removes


def test_record_of_a_store_gives_the_age(harness: Harness) -> None:
    harness.advance(days=100)
    path = harness.folder / "token"
    made = harness.run("quay_robot_token", {"name": "acme+ci", "token_path": str(path), "rotate": "always"})
    harness.advance(days=10)
    (found,) = query(harness, robot(max_age="30d", deliver=[{"kind": "file", "path": str(path)}]))
    assert harness.requests == [ROBOTS]
    assert (found["age_source"], found["created_at"]) == ("record", made["created_at"])


def test_held_secret_is_evaluated(harness: Harness) -> None:
    held = {"token": harness.accounts.robot_token, "created_at": "2020-01-01T00:00:00Z"}
    (found,) = query(harness, robot(max_age="30d", held=[held]))
    assert (found["reason"], found["age_source"], found["holds"]) == ("too_old", "record", ["current"])


# --- OAuth tokens


def api(harness: Harness, **options: Any) -> dict[str, Any]:
    where = {"organization": "acme", "client_id": harness.accounts.automation}
    return {"kind": "api", "name": "nightly", **where, **options}


def as_module_arguments(declared: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Convert a credential to arguments of its own module."""
    return {key: value for key, value in declared.items() if key != "kind"} | options


def test_oauth_token_in_a_store(harness: Harness) -> None:
    if harness.quay.quay.family == "3.17":
        harness.login = harness.accounts.alice.by_password
    path = harness.folder / "token"
    store = {"kind": "file", "path": str(path), "format": "json"}
    declared = api(harness, deliver=[store])
    (missing,) = query(harness, declared)
    assert (missing["reason"], missing["exists"], missing["action"]) == ("missing", False, "mint")
    made = harness.run("quay_api_token", as_module_arguments(declared))
    (valid,) = query(harness, declared)
    assert (valid["reason"], valid["uuid"], valid["holds"]) == ("not_due", made["uuid"], ["current"])
    assert (valid["scopes"], valid["client_id"]) == (["repo:read"], harness.accounts.automation)
    (changed,) = query(harness, {**declared, "scopes": ["repo:write"]})
    assert (changed["reason"], changed["action"]) == ("scopes_changed", "mint")
    harness.advance(days=91)
    (old,) = query(harness, {**declared, "max_age": "90d"})
    assert (old["reason"], old["action"]) == ("too_old", "mint")
    harness.quay.state.oauth_tokens = {
        key: token for key, token in harness.quay.state.oauth_tokens.items() if token.uuid != made["uuid"]
    }
    (revoked,) = query(harness, declared)
    assert (revoked["reason"], revoked["action"], revoked["holds"]) == ("invalid", "mint", ["other"])


def test_ten_tokens_of_an_application_cost_one_list(harness: Harness) -> None:
    if harness.quay.quay.family == "3.17":
        return
    listing = f"GET /api/v1/organization/acme/applications/{harness.accounts.automation}/tokens"
    declared = []
    for number in range(10):
        store = {"kind": "file", "path": str(harness.folder / str(number))}
        declared.append(api(harness, name=f"token-{number}", deliver=[store]))
        harness.run("quay_api_token", as_module_arguments(declared[-1]))
    found = query(harness, *declared)
    assert harness.requests == [listing]
    assert {item["reason"] for item in found} == {"not_due"}


def test_superseded_token_of_an_earlier_run_is_to_be_retired(harness: Harness) -> None:
    if harness.quay.quay.family == "3.17":
        return
    declared = api(harness, deliver=[{"kind": "file", "path": str(harness.folder / "token")}])
    harness.run("quay_api_token", as_module_arguments(declared))
    path = f"/api/v1/organization/acme/applications/{harness.accounts.automation}/tokens"
    orphan = (
        harness.accounts.alice.browser().call("POST", path, {"name": "nightly", "scope": "repo:read"}).json()["uuid"]
    )
    (found,) = query(harness, declared)
    assert (found["reason"], found["action"], found["superseded"]) == ("not_due", "retire", [orphan])


# --- registry tokens


def test_registry_token_is_evaluated_without_requests(either_login: Harness) -> None:
    harness = either_login
    store = {"kind": "file", "path": str(harness.folder / "token")}
    declared = {"kind": "referrers", "name": "scan", "repositories": ["acme/app"], "deliver": [store]}
    (missing,) = query(harness, declared)
    assert (missing["reason"], missing["name"], missing["action"]) == ("missing", "scan", "mint")
    # Its dates are compared with the clock of the target, which tests cannot move.
    harness.advance(minutes=-30)
    harness.run("quay_referrers_token", {"repositories": ["acme/app"], "token_path": store["path"]})
    harness.advance(minutes=30)
    (valid,) = query(harness, declared)
    assert harness.requests == []
    assert (valid["reason"], valid["access"]) == ("not_due", {"acme/app": ["pull"]})
    (expiring,) = query(harness, {**declared, "renew_before": "40m"})
    assert expiring["reason"] == "expiring"
    assert expiring["message"].startswith("expires in ")


# --- all credentials


def test_all_credentials_of_an_organization(either_login: Harness) -> None:
    harness = either_login
    harness.advance(days=100)
    found = harness.run(MODULE, {"organization": "acme", "max_age": "90d", "renew_before": "14d"})["credentials"]
    robots = [item for item in found if item["kind"] == "robot"]
    assert [(item["name"], item["reason"]) for item in robots] == [("acme+ci", "too_old")]
    listed = [item for item in found if item["kind"] == "api"]
    if harness.quay.quay.family == "3.17":
        assert listed == []
    else:
        assert len(listed) == len(harness.valid_tokens(harness.accounts.console)) > 0
        assert {item["client_id"] for item in listed} == {harness.accounts.console}
        assert {item["reason"] for item in listed} == {"too_old"}


def test_only_robots_of_an_organization(either_login: Harness) -> None:
    harness = either_login
    create_robots(harness, 20)
    found = harness.run(MODULE, {"organization": "acme", "kinds": ["robot"]})["credentials"]
    assert harness.requests == [*harness.sign_in, ROBOTS]
    assert len(found) == 21


def test_all_credentials_of_a_user(either_login: Harness) -> None:
    harness = either_login
    harness.accounts.alice.browser().call("PUT", "/api/v1/user/robots/own", {})
    found = harness.run(MODULE, {})["credentials"]
    assert [item["name"] for item in found if item["kind"] == "robot"] == ["alice+own"]
    own = [item for item in found if item["kind"] == "api"]
    assert {item["uuid"] for item in own} == {token.uuid for token in harness.quay.state.tokens_of_user("alice")}
    assert {item["name"] for item in own} == {"console"}


def test_result_contains_no_secret(harness: Harness) -> None:
    """The harness searches every result for secrets. This test asserts that there is a robot in the result."""
    result = harness.run(MODULE, {"organization": "acme"})
    assert fingerprint(harness.accounts.robot_token) in result.output
    assert "token" not in result["credentials"][0]


def test_documented_reasons_are_complete() -> None:
    described = documented_values(MODULE, "credentials", "reason")
    assert described == {
        "missing",
        "invalid",
        "expired",
        "forced",
        "scopes_changed",
        "expiring",
        "too_old",
        "undelivered",
        "absent",
        "not_due",
    }


@pytest.mark.parametrize("rotate", ["always", "never"])
def test_rotation_on_demand_and_never(harness: Harness, rotate: str) -> None:
    harness.advance(days=100)
    (found,) = query(harness, robot(rotate=rotate, max_age="30d"))
    expected = {"always": ("forced", "mint"), "never": ("too_old", "nothing")}
    assert (found["reason"], found["action"]) == expected[rotate]
    assert found["due"]


def test_failed_login_fails_all_credentials(harness: Harness) -> None:
    harness.login = {"quay_token": "X" * 40}
    result = harness.run(MODULE, {"credentials": [robot(), api(harness)]})
    assert result.failed
    assert "Quay does not accept the token" in result.message


def test_failed_server_fails_all_credentials(harness: Harness) -> None:
    harness.quay.faults.add("status", path="/robots$", status=502)
    result = harness.run(MODULE, {"credentials": [robot()]})
    assert result.failed
    assert "502" in result.message


# --- places


@pytest.mark.parametrize("spelling", ["{folder}/two", "{folder}/./two", "{folder}/link/two"])
def test_one_place_for_two_credentials_is_refused(harness: Harness, spelling: str) -> None:
    """Each would replace the secret of the other in every run. Nothing is sent."""
    (harness.folder / "link").symlink_to(".")
    first = {"kind": "file", "path": f"{harness.folder}/two"}
    second = {"kind": "file", "path": spelling.format(folder=harness.folder), "format": "json"}
    credentials = [robot(deliver=[first]), robot("acme+cd", deliver=[second])]
    for check in (False, True):
        result = harness.run(MODULE, {"credentials": credentials}, check=check)
        assert result.message == (
            "credentials is not valid: credential 1 (acme+ci), entry 1 of deliver, and credential 2 (acme+cd), entry 1 "
            f"of deliver, both write {harness.folder.resolve()}/two: each would replace the secret of the other. Use "
            "one place for each credential. If one is absent and the other takes its place, remove deliver from the "
            "absent one"
        )
        assert harness.requests == []


def test_parts_of_one_file_are_different_places(harness: Harness) -> None:
    path = f"{harness.folder}/shared"
    env = {"kind": "file", "path": path, "format": "env", "merge": True}
    auth = {"kind": "container_auth", "path": f"{harness.folder}/auth.json"}
    first = robot(deliver=[env, auth])
    second = robot("acme+cd", deliver=[{**env, "prefix": "CD_"}, {**auth, "registry": "mirror.example.com"}])
    assert [found["error"] for found in query(harness, first, second)] == [None, None]
