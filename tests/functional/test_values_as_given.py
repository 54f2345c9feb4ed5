# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as AWX, the shell, vault and earlier tasks hand them over: taken as they are meant, or refused at once."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from contract import collection
from functional.harness import Harness, assert_refused
from functional.module_arguments import ALL_MODULES, API, APP, REFERRERS, enable_all_features
from standin.tokens import fingerprint

# --- durations

MIRROR = ALL_MODULES["quay_repository_mirror"]
BUILD = ALL_MODULES["quay_repository_build"]
API_CREDENTIAL = {**API, "name": "nightly", "kind": "api"}


def declared(option: str) -> dict[str, Any]:
    return {"credentials": [{**API_CREDENTIAL, option: 90}]}


# Every option that takes a duration, with arguments in which it is the bare number 90.
DURATIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("quay_robot_token", "max_age"): {"name": "acme+ci", "max_age": 90},
    ("quay_robot_token", "retire_after"): {"name": "acme+ci", "retire_after": 90},
    ("quay_api_token", "lifetime"): {**API, "lifetime": 90},
    ("quay_api_token", "max_age"): {**API, "max_age": 90},
    ("quay_api_token", "renew_before"): {**API, "renew_before": 90},
    ("quay_api_token", "retire_after"): {**API, "retire_after": 90},
    ("quay_app_token", "max_age"): {**APP, "max_age": 90},
    ("quay_app_token", "renew_before"): {**APP, "renew_before": 90},
    ("quay_app_token", "retire_after"): {**APP, "retire_after": 90},
    ("quay_assigned_token", "pending_for"): {"client_id": "ONE", "state": "assigned", "pending_for": 90},
    ("quay_assigned_token", "max_age"): {"client_id": "ONE", "state": "accepted", "max_age": 90},
    ("quay_assigned_token", "renew_before"): {"client_id": "ONE", "state": "accepted", "renew_before": 90},
    ("quay_assigned_token", "retire_after"): {"client_id": "ONE", "state": "accepted", "retire_after": 90},
    ("quay_client_secret", "max_age"): {**API, "max_age": 90},
    ("quay_referrers_token", "renew_before"): {**REFERRERS, "renew_before": 90},
    ("quay_federated_token", "renew_before"): {"name": "acme+ci", "renew_before": 90},
    ("quay_robot_lease", "lifetime"): {"name_prefix": "acme+ci", "lifetime": 90},
    ("quay_robot_lease", "renew_before"): {"name_prefix": "acme+ci", "lifetime": "12h", "renew_before": 90},
    ("quay_token_info", "credentials.lifetime"): declared("lifetime"),
    ("quay_token_info", "credentials.max_age"): declared("max_age"),
    ("quay_token_info", "credentials.renew_before"): declared("renew_before"),
    ("quay_token_info", "credentials.retire_after"): declared("retire_after"),
    ("quay_token_info", "max_age"): {"organization": "acme", "max_age": 90},
    ("quay_token_info", "renew_before"): {"organization": "acme", "renew_before": 90},
    ("quay_audit_info", "max_age"): {"organizations": ["acme"], "max_age": 90},
    ("quay_audit_info", "never_used_after"): {"organizations": ["acme"], "never_used_after": 90},
    ("quay_audit_info", "unused_for"): {"organizations": ["acme"], "unused_for": 90},
    ("quay_audit_info", "max_lifetime"): {"organizations": ["acme"], "max_lifetime": 90},
    ("quay_audit_info", "expires_within"): {"organizations": ["acme"], "expires_within": 90},
    ("quay_repository_mirror", "sync_interval"): {**MIRROR, "sync_interval": 90},
    ("quay_repository_mirror", "skopeo_timeout"): {**MIRROR, "skopeo_timeout": 90},
    ("quay_repository_build", "wait_timeout"): {**BUILD, "wait_timeout": 90},
    ("quay_repository_build", "wait_interval"): {**BUILD, "wait_interval": 90},
}


# The modules that take one credential or many.
TOKEN_MODULES = (
    "quay_api_token",
    "quay_app_token",
    "quay_client_secret",
    "quay_robot_lease",
    "quay_federated_token",
    "quay_referrers_token",
    "quay_robot_token",
)


def documented_durations() -> Iterator[tuple[str, str]]:
    for module in collection.MODULES:
        for name, option in collection.walk(collection.documented(module).options, "suboptions"):
            if "The unit is V(s), V(m)" in " ".join(option["description"]):
                yield module, name


def test_every_duration_is_documented_as_such_and_tested() -> None:
    # The role's module documents what this collection's other modules check.
    found = {duration for duration in documented_durations() if duration[0] != "quay_declaration_info"}
    # Options of one kind of store have the tests of that store.
    found = {(module, option) for module, option in found if not option.endswith(".vault_timeout")}
    # An entry of the list of a token module has the options of one credential.
    found -= {(module, f"credentials.{option}") for module, option in found if module in TOKEN_MODULES}
    assert found == DURATIONS.keys()


@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("duration", DURATIONS, ids=".".join)
def test_duration_without_a_unit(harness: Harness, duration: tuple[str, str]) -> None:
    """90 may be meant as days. As seconds, a credential would be replaced in every run. Nothing is sent."""
    module, option = duration
    harness.quay.config.update(FEATURE_BUILD_SUPPORT=True)
    name = option.rpartition(".")[2]
    words = f"{name} needs a unit, for example 90d for days, 90h for hours, 90m for minutes or 90s for seconds"
    if module == "quay_token_info" and "credentials" in option:
        assert_reported(harness, DURATIONS[duration], words)
        return
    assert_refused(harness, module, DURATIONS[duration], words)
    assert harness.writes == []
    if module in TOKEN_MODULES:
        assert harness.requests == []


def assert_reported(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    """Assert that quay_token_info reports this error of one credential, or fails with it, without a request."""
    result = harness.run("quay_token_info", arguments)
    message = result.message if result.failed else result["credentials"][0]["error"]
    assert words in message
    assert harness.requests == []


@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("option", ["from", "to"])
def test_age_without_a_unit(harness: Harness, option: str) -> None:
    words = f"{option} must be a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or an age such as 7d"
    assert_refused(harness, "quay_log_info", {"organization": "acme", option: "7"}, words)
    assert harness.requests == []


# --- policies that can never be met


@pytest.mark.parametrize("family", ["3.18"])
def test_short_lifetime_is_not_due_at_once(each_login: Harness) -> None:
    """By default, a token is renewed when a third of its lifetime remains, and two weeks before it expires at most."""
    harness = each_login
    arguments = {**API, "name": "nightly", "lifetime": "7d", "token_path": str(harness.token_path)}
    runs = harness.four_runs("quay_api_token", arguments)
    assert (runs.first["reason"], runs.second["reason"]) == ("missing", "not_due")
    harness.advance(days=4, hours=15)
    assert harness.run("quay_api_token", arguments)["reason"] == "not_due"
    harness.advance(hours=2)
    renewed = harness.four_runs("quay_api_token", arguments)
    assert (renewed.first["reason"], renewed.second["reason"]) == ("expiring", "not_due")
    assert len(harness.valid_tokens(harness.accounts.automation)) == 1


IMPOSSIBLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "renewed before it is issued": (
        "quay_api_token",
        {**API, "lifetime": "7d", "renew_before": "14d"},
        "renew_before (14d) must be shorter than lifetime (7d)",
    ),
    "renewed all its life": (
        "quay_api_token",
        {**API, "lifetime": "7d", "renew_before": "168h"},
        "renew_before (168h) must be shorter than lifetime (7d)",
    ),
    "longer than ten years": (
        "quay_api_token",
        {**API, "renew_before": "4000d"},
        "renew_before (4000d) must be shorter than lifetime (ten years if it is not set)",
    ),
    "API token of no age": ("quay_api_token", {**API, "max_age": "0"}, "max_age must be longer than 0"),
    "robot token of no age": (
        "quay_robot_token",
        {"name": "acme+ci", "max_age": "0d"},
        "max_age must be longer than 0",
    ),
    "registry token": (
        "quay_referrers_token",
        {**REFERRERS, "renew_before": "1h"},
        "renew_before (1h) must be shorter than the hour for which Quay issues such a token",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_policy_that_can_never_be_met(harness: Harness, case: str) -> None:
    """It would replace the secret in every run."""
    module, arguments, words = IMPOSSIBLE[case]
    assert_refused(harness, module, {**arguments, "token_path": str(harness.token_path)}, words)
    assert harness.requests == []
    if module != "quay_referrers_token" or "renew_before" in arguments:
        kind = {"quay_api_token": "api", "quay_robot_token": "robot", "quay_referrers_token": "referrers"}[module]
        assert_reported(harness, {"credentials": [{"name": "acme+ci", **arguments, "kind": kind}]}, words)


@pytest.mark.parametrize(
    "options", [{"for_user": "bob", "lifetime": "90d"}, {"revoke_superseded": False, "retire_after": "2d"}]
)
def test_option_without_effect(harness: Harness, options: dict[str, Any]) -> None:
    harness.login = harness.accounts.alice.by_password
    words = "lifetime has no effect with for_user" if "for_user" in options else "Leave one of them out"
    assert_refused(harness, "quay_api_token", {**API, **options}, words)
    assert harness.requests == []


@pytest.mark.parametrize("family", ["3.17"])
@pytest.mark.parametrize("lifetime", [None, "90d"])
def test_lifetime_on_an_older_quay(harness: Harness, lifetime: str | None) -> None:
    """Quay 3.17 issues every token for ten years. Whoever declared 90 days learns that in every run."""
    harness.login = harness.accounts.alice.by_password
    arguments = {**API, "lifetime": lifetime, "token_path": str(harness.token_path)}
    runs = harness.four_runs("quay_api_token", arguments)
    words = (
        "lifetime has no effect: this server (Quay 3.17 and older) issues every token for ten years. Set max_age to "
        "replace and revoke the token at that age."
    )
    for result in (runs.predicted, runs.first, runs.predicted_again, runs.second):
        assert result.warned(words) is (lifetime is not None)
    assert runs.first["expires_at"] > harness.iso(harness.quay.clock.now().replace(year=2035))
    # What the warning recommends works.
    harness.advance(days=91)
    old = runs.first["uuid"]
    replaced = harness.run("quay_api_token", {**arguments, "max_age": "90d"})
    assert not replaced.warned(words)
    assert replaced.warned("max_age replaces and revokes the token at that age.") is (lifetime is not None)
    assert (replaced["reason"], replaced["retired"]) == ("too_old", [old])


# --- empty values


EMPTY_VARIABLES = {
    "QUAY_HOST": "",
    "QUAY_TOKEN": "",
    "QUAY_USERNAME": " ",
    "QUAY_PASSWORD": "",
    "QUAY_VERIFY_SSL": "",
    "QUAY_CA_PATH": "",
    "QUAY_TIMEOUT": "",
}
EMPTY_OPTIONS = dict.fromkeys(("quay_username", "quay_password", "validate_certs", "ca_path", "timeout", "retries"), "")


@pytest.mark.parametrize("module", ALL_MODULES)
def test_empty_values_count_as_unset(harness: Harness, module: str) -> None:
    enable_all_features(harness)
    spec = collection.spec_of(module).options
    own = {name: "" for name, option in spec.items() if not option.get("required") and name not in ALL_MODULES[module]}
    # With these, an empty text is a value of its own, or the module needs one of them.
    kept = {"description", "http_proxy", "https_proxy", "no_proxy", "external_registry_username", "operation", "path"}
    options = {name: value for name, value in own.items() if name not in kept and not name.startswith("quay_")}
    alone = harness.run(module, ALL_MODULES[module], check=True)
    result = harness.run(
        module, {**ALL_MODULES[module], **options, **EMPTY_OPTIONS}, check=True, environ=EMPTY_VARIABLES
    )
    assert (result.failed, result.message) == (alone.failed, alone.message)
    assert result.diff == alone.diff


def test_empty_token_does_not_hide_the_environment(harness: Harness) -> None:
    """AWX passes an empty text for a survey question that nobody answered."""
    token, harness.login = harness.login["quay_token"], {}
    options = {"name": "acme+ci", "quay_token": "", "quay_host": ""}
    result = harness.run("quay_robot_token", options, environ={"QUAY_TOKEN": token, "QUAY_HOST": harness.quay.url})
    assert not result.failed, result.message


@pytest.mark.parametrize("way", ["token", "password"])
def test_white_space_around_a_login(harness: Harness, way: str) -> None:
    """Files and command substitutions end with a line break."""
    alice = harness.accounts.alice
    environ = {"QUAY_TOKEN": f"{harness.login['quay_token']}\n"}
    if way == "password":
        environ = {"QUAY_USERNAME": f" {alice.username}\n", "QUAY_PASSWORD": f"{alice.password}\n"}
    harness.login = {}
    assert not harness.run("quay_robot_token", {"name": "acme+ci"}, environ=environ).failed
    options = {name.lower(): value for name, value in environ.items()}
    assert not harness.run("quay_robot_token", {"name": "acme+ci", **options}).failed


@pytest.mark.parametrize("family", ["3.18"])
def test_empty_values_inside_of_lists(harness: Harness) -> None:
    """Loops and templates build stores of variables that may be empty."""
    store = {"kind": "file", "path": str(harness.token_path), "owner": "", "group": "", "mode": "", "format": ""}
    result = harness.run("quay_robot_token", {"name": "acme+ci", "deliver": [{**store, "registry": "", "force": ""}]})
    assert not result.failed, result.message
    assert harness.stored_fingerprint() == harness.robot_fingerprint()


def test_no_login_names_host_and_user(harness: Harness) -> None:
    """Variables of the controller do not reach another host."""
    harness.login = {}
    words = f"The environment was read on {os.uname().nodename} as the user {getpass.getuser()}; variables that are set"
    assert_refused(harness, "quay_robot_token", {"name": "acme+ci"}, "No login: give quay_token", words)
    assert harness.requests == []


@pytest.mark.parametrize("host", [None, "", " "])
@pytest.mark.parametrize("module", ALL_MODULES)
def test_quay_host_is_required(harness: Harness, module: str, host: str | None) -> None:
    words = "quay_host is missing: set it, or QUAY_HOST in the environment of the target, to the address of Quay"
    assert_refused(harness, module, {**ALL_MODULES[module], "quay_host": host}, words)
    assert harness.requests == []


# --- altered values

MASKS = ("********+ci", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
SECRET_OPTIONS = ("current_token", "password", "token")

LOCAL: dict[str, dict[str, Any]] = {
    "quay_token_file": {"path": "/nonexistent/token", "token": "T" * 40},
    "quay_container_auth": {"path": "/nonexistent/auth.json", "token": "T" * 40, "username": "acme+ci"},
    "quay_store_info": {"stores": [{"kind": "file", "path": "/nonexistent/token"}]},
}
DELIVER = {"kind": "file", "path": "/nonexistent/token"}
HELD = {"name": "acme+ci", "kind": "robot"}

# Options that take secrets or names, in lists and mappings too, with a function that puts a value there.
PLACES: dict[tuple[str, str], Any] = {
    ("quay_robot_token", "name"): lambda text: {"name": text},
    ("quay_robot_token", "current_token"): lambda text: {"current_token": text},
    ("quay_robot_token", "token_path"): lambda text: {"token_path": f"/nonexistent/{text}"},
    ("quay_robot_token", "deliver[0].path"): lambda text: {"deliver": [{**DELIVER, "path": f"/nonexistent/{text}"}]},
    ("quay_robot_token", "deliver[0].registry"): lambda text: {"deliver": [{**DELIVER, "registry": text}]},
    ("quay_robot_token", "pair[1]"): lambda text: {"pair": ["acme+a", text], "strategy": "paired"},
    ("quay_api_token", "name"): lambda text: {"name": text},
    ("quay_api_token", "current_token"): lambda text: {"current_token": text},
    ("quay_api_token", "for_user"): lambda text: {"for_user": text},
    ("quay_assigned_token", "for_user"): lambda text: {"for_user": text},
    ("quay_referrers_token", "repositories[0]"): lambda text: {"repositories": [text]},
    ("quay_referrers_token", "quay_username"): lambda text: {"quay_username": text, "quay_token": None},
    ("quay_token_info", "credentials[0].name"): lambda text: {"credentials": [{**HELD, "name": text}]},
    ("quay_token_info", "credentials[0].held[0].token"): lambda text: {
        "credentials": [{**HELD, "held": [{"token": text}]}]
    },
    ("quay_application", "organization"): lambda text: {"organization": text},
    ("quay_user", "name"): lambda text: {"name": text},
    ("quay_user", "password"): lambda text: {"password": text},
    ("quay_team", "members[0]"): lambda text: {"members": [text]},
    ("quay_repository", "permissions[0].name"): lambda text: {
        "permissions": [{"kind": "user", "name": text, "role": "read"}]
    },
    ("quay_repository_mirror", "external_registry_username"): lambda text: {"external_registry_username": text},
    ("quay_api", "path"): lambda text: {"path": f"/api/v1/organization/{text}/robots"},
    ("quay_token_file", "token"): lambda text: {"token": text},
    ("quay_token_file", "username"): lambda text: {"username": text},
    ("quay_container_auth", "token"): lambda text: {"token": text},
    ("quay_container_auth", "username"): lambda text: {"username": text},
    ("quay_container_auth", "registry"): lambda text: {"registry": text},
    ("quay_store_info", "stores[0].path"): lambda text: {"stores": [{**DELIVER, "path": f"/nonexistent/{text}"}]},
}


@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize(
    ("module", "option", "mask"),
    # Ansible shows every secret option of a task as the second mask, so the search for leaks would find it.
    [(*place, mask) for place in PLACES for mask in MASKS if mask == MASKS[0] or place[1] not in SECRET_OPTIONS],
)
def test_masked_value(harness: Harness, module: str, option: str, mask: str) -> None:
    """A password that equals the user name turns alice+ci into ********+ci in the results of a task."""
    arguments = {**{**ALL_MODULES, **LOCAL}[module], **PLACES[module, option](mask)}
    assert_refused(harness, module, arguments, f"{option} holds a value that Ansible masked in the result of another")
    assert harness.requests == []


def test_description_with_asterisks(harness: Harness) -> None:
    """Only exactly eight of them are what Ansible writes."""
    result = harness.run("quay_robot_token", {"name": "acme+new", "description": "**** bold **** and *************"})
    assert not result.failed, result.message


def test_masked_answer_is_not_written_back(harness: Harness) -> None:
    """quay_api hides the secrets in answers, and a play may send an answer back with one change."""
    path = f"/api/v1/organization/acme/applications/{harness.accounts.automation}"
    harness.login = harness.accounts.alice.by_password
    found = harness.run("quay_api", {"path": path})["json"]
    assert found["client_secret"] == "********"
    assert_refused(
        harness,
        "quay_api",
        {"path": path, "method": "PUT", "body": {**found, "description": "x"}, "validate": "none"},
        "body.client_secret holds a value that Ansible masked",
    )
    assert harness.writes == []


# --- secrets with white space


@pytest.mark.parametrize("ending", ["\n", " ", "\r\n", "\n\n"])
def test_current_token_with_a_line_break(harness: Harness, ending: str) -> None:
    """As slurp and b64decode return the content of a file. The token is not replaced."""
    if harness.quay.quay.family == "3.17":
        harness.login = harness.accounts.alice.by_password
    made = harness.run("quay_api_token", {**API, "name": "nightly"})
    for current in (f"{made['token']}{ending}", f" {made['token']}"):
        kept = harness.run("quay_api_token", {**API, "name": "nightly", "current_token": current})
        assert (kept["reason"], kept["minted"], kept["uuid"]) == ("not_due", False, made["uuid"])
    assert len(harness.valid_tokens(harness.accounts.automation)) == 1


@pytest.mark.parametrize("family", ["3.18"])
def test_current_token_of_a_robot_with_a_line_break(harness: Harness) -> None:
    kept = harness.run("quay_robot_token", {"name": "acme+ci", "current_token": f"{harness.robot().token}\n"})
    assert (kept.changed, kept["token"]) == (False, None)


@pytest.mark.parametrize("module", ["quay_token_file", "quay_container_auth"])
def test_delivered_token_with_a_line_break(harness: Harness, module: str) -> None:
    secret = "T" * 40
    arguments = {"path": str(harness.folder / "store"), "token": f"{secret}\n"}
    if module == "quay_container_auth":
        arguments |= {"username": "acme+ci", "registry": "quay.example.com"}
    assert harness.run(module, arguments)["fingerprint"] == fingerprint(secret)
    assert not harness.run(module, {**arguments, "token": secret}).changed


WHITE_SPACE: dict[tuple[str, str], dict[str, Any]] = {
    ("quay_api_token", "quay_token"): API,
    ("quay_robot_token", "quay_token"): {"name": "acme+ci"},
    ("quay_api_token", "current_token"): API,
    ("quay_robot_token", "current_token"): {"name": "acme+ci"},
    ("quay_referrers_token", "current_token"): REFERRERS,
    ("quay_token_file", "token"): LOCAL["quay_token_file"],
    ("quay_container_auth", "token"): {**LOCAL["quay_container_auth"], "registry": "quay.example.com"},
}


@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("place", WHITE_SPACE, ids=".".join)
@pytest.mark.parametrize("secret", ["AAAA BBBB", "AAAA\nBBBB", "AAAA\tBBBB"])
def test_secret_with_white_space_inside(harness: Harness, place: tuple[str, str], secret: str) -> None:
    """It is two values, or a part of something else."""
    module, option = place
    path = {"path": str(harness.folder / "store")} if module in LOCAL else {}
    arguments = {**WHITE_SPACE[place], **path, option: secret}
    message = assert_refused(harness, module, arguments, f"{option} holds white space, so it is not a single secret")
    assert "AAAA" not in message
    assert harness.requests == []


# --- names


def auth_entries(harness: Harness) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((harness.folder / "auth.json").read_text())["auths"]
    return entries


@pytest.mark.parametrize(
    ("host", "registry"),
    [
        ("https://quay.example.com:443", "quay.example.com"),
        ("http://quay.example.com:80/", "quay.example.com"),
        ("https://Quay.Example.COM", "quay.example.com"),
        ("https://quay.example.com:8443", "quay.example.com:8443"),
        ("https://quay.example.com:80", "quay.example.com:80"),
    ],
)
def test_registry_is_the_name_that_engines_look_up(harness: Harness, host: str, registry: str) -> None:
    arguments = {"path": str(harness.folder / "auth.json"), "token": "T" * 40, "username": "acme+ci", "quay_host": host}
    assert harness.run("quay_container_auth", arguments)["registry"] == registry
    assert list(auth_entries(harness)) == [registry]


NAMES: dict[str, tuple[dict[str, Any], str]] = {
    "colon": ({"username": "acme+ci:x"}, "username must not hold a colon"),
    "no user": ({"username": ""}, "username is missing"),
    "white space": ({"registry": "quay example.com"}, "registry must be a host"),
    "scheme": ({"registry": "https://quay.example.com"}, "registry must be a host, as in podman login"),
}


@pytest.mark.parametrize("case", NAMES)
def test_name_that_an_auth_file_cannot_hold(harness: Harness, case: str) -> None:
    options, words = NAMES[case]
    arguments = {**LOCAL["quay_container_auth"], "path": str(harness.folder / "auth.json")}
    assert_refused(harness, "quay_container_auth", {**arguments, **options}, words)


def test_login_with_a_colon(harness: Harness) -> None:
    """HTTP Basic would send another user name and another password."""
    harness.login = {"quay_username": "alice:x", "quay_password": "a-password-of-alice"}
    for module in ("quay_robot_token", "quay_referrers_token"):
        assert_refused(harness, module, ALL_MODULES[module], "quay_username must not hold a colon")
        assert harness.requests == []


OWN_LOGINS = ("password", "token", "token without org:admin")


@pytest.fixture(params=OWN_LOGINS)
def own_login(request: pytest.FixtureRequest, harness: Harness) -> Harness:
    """A harness that logs in as alice in several ways."""
    alice = harness.accounts.alice
    if request.param == "password":
        harness.login = alice.by_password
    if request.param == "token without org:admin":
        harness.login = alice.by_token(harness.accounts.console, "user:admin")
    return harness


OWN = "/api/v1/user/robots"


def test_robot_in_the_own_namespace(own_login: Harness) -> None:
    """alice+ci is a robot of alice, and not of an organization of this name."""
    harness = own_login
    arguments = {"name": "alice+ci", "token_path": str(harness.token_path)}
    runs = harness.four_runs("quay_robot_token", arguments)
    assert (runs.first["name"], runs.first["username"], runs.first["reason"]) == ("alice+ci", "alice+ci", "missing")
    assert harness.stored_fingerprint() == harness.robot_fingerprint("alice+ci")
    assert not any("has no organization" in warning for warning in runs.first.warnings)
    rotated = harness.run("quay_robot_token", {**arguments, "rotate": "always"})
    assert rotated["username"] == "alice+ci"
    assert f"POST {OWN}/ci/regenerate" in harness.requests
    deliver = [{"kind": "file", "path": str(harness.token_path)}]
    credential = {"name": "alice+ci", "kind": "robot", "deliver": deliver}
    (found,) = harness.run("quay_token_info", {"credentials": [credential]})["credentials"]
    assert (found["name"], found["username"], found["reason"]) == ("alice+ci", "alice+ci", "not_due")
    removed = harness.four_runs("quay_robot_token", {**arguments, "state": "absent"})
    assert removed.first.changed
    assert "alice+ci" not in harness.quay.state.robots


@pytest.mark.parametrize("pair", [None, ["alice+blue", "alice+green"], ["blue", "green"]])
def test_pair_in_the_own_namespace(own_login: Harness, pair: list[str] | None) -> None:
    harness = own_login
    store = {"kind": "file", "format": "json", "path": str(harness.token_path)}
    arguments = {"name": "alice+ci", "strategy": "paired", "pair": pair, "deliver": [store], "copy_rights": False}
    first = harness.run("quay_robot_token", arguments)
    assert not first.failed, first.message
    second = harness.run("quay_robot_token", {**arguments, "rotate": "always"})
    expected = ["alice+blue", "alice+green"] if pair else ["alice+ci_a", "alice+ci_b"]
    assert [first["username"], second["username"]] == expected
    assert not harness.run("quay_robot_token", {**arguments, "retire_after": "1d"}).failed


def test_name_without_an_organization(own_login: Harness) -> None:
    """It is easily written by mistake, and a robot in the own namespace has no access to the organization."""
    harness = own_login
    words = (
        "name: ci has no organization, so it is a robot in the personal namespace of the login. Write organization+ci "
        "for a robot of an organization, or user+ci to say that this is meant."
    )
    for check in (True, False):
        assert harness.run("quay_robot_token", {"name": "ci"}, check=check).warned(words)
    found = harness.run("quay_token_info", {"credentials": [{"name": "ci", "kind": "robot"}]})
    assert found.warned(words)
    assert not harness.run("quay_robot_token", {"name": "acme+ci"}).warned("has no organization")


def test_organization_of_another_user(own_login: Harness) -> None:
    """Quay does not say whether bob is a user or an organization."""
    harness = own_login
    assert_refused(harness, "quay_robot_token", {"name": "bob+ci"}, "Quay answered 403")
    assert harness.writes == []


# --- logins that cannot work

REGISTRY_MODULES = ("quay_referrers_token", "quay_referrers_info")
# These can run without a login.
PUBLIC_MODULES = ("quay_api",)


@pytest.mark.parametrize(("username", "kind"), [("acme+ci", "robot"), ("$app", "token"), ("$oauthtoken", "token")])
@pytest.mark.parametrize("module", [module for module in ALL_MODULES if module not in REGISTRY_MODULES])
def test_login_of_the_registry(harness: Harness, module: str, username: str, kind: str) -> None:
    """Quay says that the password is wrong, which it is not. Nothing is sent with it."""
    secret = str(harness.login["quay_token"] if username == "$oauthtoken" else harness.robot().token)
    harness.login = {"quay_username": username, "quay_password": secret}
    enable_all_features(harness)
    words = (
        f"quay_username: '{username}' is the name of a {kind}, which can log in to the registry only, not to the API"
    )
    assert_refused(harness, module, ALL_MODULES[module], words)
    assert [entry for entry in harness.quay.journal if entry.auth != "anonymous"] == []
    assert "POST /api/v1/signin" not in harness.requests


@pytest.mark.parametrize("family", ["3.17"])
@pytest.mark.parametrize("options", [{}, {"for_user": "bob"}])
def test_login_of_the_registry_for_the_page_of_the_browser(harness: Harness, options: dict[str, Any]) -> None:
    """With a client id, nothing signs in before the page that issues tokens."""
    harness.login = {"quay_username": "acme+ci", "quay_password": harness.robot().token}
    arguments = {"organization": "acme", "client_id": harness.accounts.automation, **options}
    assert_refused(harness, "quay_api_token", arguments, "which can log in to the registry only")
    assert [entry for entry in harness.quay.journal if entry.auth != "anonymous"] == []


def test_login_of_a_robot_for_the_registry(harness: Harness) -> None:
    harness.login = {"quay_username": "acme+ci", "quay_password": harness.robot().token}
    assert not harness.run("quay_referrers_token", REFERRERS).failed


@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("scope", ["org:admin", "org:admin user:admin", "org:admin repo:read user:admin"])
@pytest.mark.parametrize("where", ["same application", "another application"])
def test_login_that_lacks_scopes(harness: Harness, scope: str, where: str) -> None:
    """Quay issues no token with more scopes than the login has. It is refused before, in check mode too."""
    accounts = harness.accounts
    client_id = accounts.automation if where == "same application" else accounts.console
    harness.login = accounts.alice.by_token(client_id, scope)
    arguments = {"organization": "acme", "client_id": accounts.automation, "name": "nightly", "scopes": ["repo:write"]}
    if where == "another application" and "user:admin" not in scope:
        # Quay does not show its scopes. Its own refusal comes when the token is issued, and nothing is lost then.
        assert not harness.run("quay_api_token", arguments, check=True).failed
        result = harness.run("quay_api_token", arguments)
        assert "Quay answered 403" in result.message
        assert "must have all these scopes" in result.message
        return
    words = (
        f"The login's token has the scopes {scope}, and Quay issues no token with scopes that the login lacks: "
        "repo:write. Use a token with these scopes, or a password"
    )
    assert_refused(harness, "quay_api_token", arguments, words)
    assert harness.writes == []
    requests = [
        f"GET /api/v1/organization/acme/applications/{accounts.automation}/tokens",
        "GET /config",
        "GET /v2/auth",
    ]
    assert harness.requests == requests + (["GET /api/v1/user/authorizations"] if where != "same application" else [])


MISSING_SCOPES: dict[str, tuple[dict[str, Any], str]] = {
    "quay_robot_token": ({"name": "acme+ci"}, "org:admin"),
    "quay_user": (ALL_MODULES["quay_user"], "super:user"),
    "quay_repository_mirror": (ALL_MODULES["quay_repository_mirror"], "repo:admin"),
    "quay_log_info": (ALL_MODULES["quay_log_info"], "org:admin"),
    "quay_api_token": (API, "org:admin"),
    "quay_application": (ALL_MODULES["quay_application"], "org:admin"),
    "quay_api": ({"path": "/api/v1/user/robots", "validate": "none"}, "user:admin"),
}


@pytest.mark.parametrize("module", MISSING_SCOPES)
def test_missing_scope_is_named(harness: Harness, module: str) -> None:
    arguments, scope = MISSING_SCOPES[module]
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "repo:read user:read")
    assert_refused(harness, module, arguments, scope)
