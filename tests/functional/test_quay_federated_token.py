# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_federated_token: tokens of robots, for OIDC tokens. The exchange changes nothing in Quay, and needs no login."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functional.documentation import documented_reasons
from functional.federated import AUTH, EXCHANGE, FEDERATION, SUBJECT, Federated
from functional.harness import assert_refused
from oidc_issuer import Client
from standin.tokens import fingerprint

MODULE = "quay_federated_token"
CONFIG = "GET /config"


def test_exchange_costs_two_requests_and_gives_a_password_of_the_robot(federated: Federated) -> None:
    harness = federated.harness
    runs = harness.four_runs(MODULE, federated.given(), idempotent=False)
    assert runs.requests == [[], [EXCHANGE, AUTH], [], [EXCHANGE, AUTH]]
    assert not runs.first.changed
    assert runs.first.diff is None
    assert runs.first.content | {"token": None, "created_at": None, "expires_at": None} == {
        "token": None,
        "name": "acme+ci",
        "username": "acme+ci",
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "uuid": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": "mint",
        "fingerprint": runs.first.token,
        "reason": "missing",
        "minted": True,
        "superseded": [],
        "delivered": [],
        "retired": [],
        "deleted": [],
        "removed": [],
    }
    assert harness.is_now(runs.first["created_at"])
    assert runs.first["expires_at"] > runs.first["created_at"]
    assert federated.is_accepted(runs.first["token"])
    assert not federated.is_accepted(runs.first["token"], "acme+other")


def test_token_in_a_file_costs_no_request_while_it_is_valid(federated: Federated) -> None:
    harness = federated.harness
    runs = harness.four_runs(MODULE, federated.stored())
    assert runs.requests == [[], [EXCHANGE, AUTH], [], []]
    assert runs.first.changed
    assert runs.first["fingerprint"] == harness.stored_fingerprint()
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "absent", **harness.deliver_diff("absent")},
        "after": {"name": "acme+ci", "token": "new", **harness.deliver_diff("new")},
    }
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "quay")
    assert runs.second["expires_at"] == runs.first["expires_at"]
    assert federated.is_accepted(harness.token_path.read_text().strip())
    # The issuer is asked by Quay alone, once for each document.
    assert federated.issuer.requests == ["GET /.well-known/openid-configuration", "GET /keys"]


def test_held_token_is_kept_while_it_is_valid(federated: Federated) -> None:
    held = federated.harness.run(MODULE, federated.given())["token"]
    runs = federated.harness.four_runs(MODULE, {**federated.given(), "current_token": held})
    assert runs.requests == [[]] * 4
    assert (runs.first["token"], runs.first["fingerprint"]) == (None, fingerprint(held))


def test_auth_file_of_a_container_engine(federated: Federated) -> None:
    path = federated.harness.folder / "auth.json"
    deliver = [{"kind": "container_auth", "path": str(path)}]
    runs = federated.harness.four_runs(MODULE, {**federated.given(), "deliver": deliver})
    assert runs.first["delivered"] == [str(path)]
    assert list(json.loads(path.read_text())["auths"]) == [f"127.0.0.1:{federated.harness.quay.port}"]


def test_stores_are_cleared_without_an_oidc_token(federated: Federated) -> None:
    harness = federated.harness
    harness.run(MODULE, federated.stored())
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "token_path": str(harness.token_path), "state": "absent"})
    assert runs.first["removed"] == [str(harness.token_path)]
    assert runs.requests == [[]] * 4
    assert not harness.token_path.exists()


def test_valid_token_of_another_robot_stays(federated: Federated) -> None:
    harness = federated.harness
    (name,) = federated.more_robots(1)
    harness.run(MODULE, {**federated.given(), "name": name, "token_path": str(harness.token_path)})
    harness.token_path.with_name(f"{harness.token_path.name}.record.json").unlink()
    held, arguments = harness.stored_fingerprint(), {"name": "acme+ci", "token_path": str(harness.token_path)}
    runs = harness.four_runs(MODULE, {**arguments, "state": "absent"})
    assert runs.requests == [[]] * 4
    assert not runs.first.changed
    assert runs.first.warned(f"holds a valid token of {name}. It was not changed")
    assert harness.stored_fingerprint() == held


def test_token_of_the_robot_that_does_not_expire_stays(federated: Federated) -> None:
    harness = federated.harness
    path = harness.folder / "auth.json"
    deliver = [{"kind": "container_auth", "path": str(path)}]
    harness.run("quay_robot_token", {**federated.login, "name": "acme+ci", "deliver": deliver})
    content = path.read_text()
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "deliver": deliver, "state": "absent"})
    assert runs.requests == [[AUTH]] * 4
    assert not runs.first.changed
    assert runs.first.warned("holds the token of the robot acme+ci that does not expire. It was not changed")
    assert path.read_text() == content
    harness.robot().token = harness.robot().token[::-1]
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "deliver": deliver, "state": "absent"})
    assert runs.first["removed"] == [str(path)]


# --- where the OIDC token comes from


def test_token_in_a_file_of_a_pod(federated: Federated, tmp_path: Path) -> None:
    path = tmp_path / "projected"
    path.write_text(federated.token() + "\n")
    result = federated.harness.run(MODULE, {"name": "acme+ci", "oidc_token_path": str(path)})
    assert federated.is_accepted(result["token"])


def test_token_in_a_variable_of_gitlab_ci(federated: Federated) -> None:
    variables = {"QUAY_ID_TOKEN": federated.token(), "OTHER": ""}
    arguments = {"name": "acme+ci", "oidc_token_variable": "QUAY_ID_TOKEN"}
    assert federated.is_accepted(federated.harness.run(MODULE, arguments, environ=variables)["token"])


def test_token_of_a_job_of_github_actions(federated: Federated) -> None:
    arguments = {"name": "acme+ci", "oidc_audience": "quay & co", "oidc_ca_path": federated.issuer.ca_path}
    variables = federated.job()
    result = federated.harness.run(MODULE, arguments, environ=variables)
    assert federated.is_accepted(result["token"])
    assert federated.issuer.requests[0] == "GET /actions/token"
    assert federated.issuer.forms[0] == {"api-version": "2.0", "audience": "quay & co"}
    # An OIDC token that the task gives is used instead.
    federated.issuer.requests.clear()
    federated.harness.run(MODULE, federated.given(), environ=variables)
    assert "GET /actions/token" not in federated.issuer.requests


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_basic", "client_secret_post"]])
def test_token_of_a_client(federated: Federated, methods: list[str] | None) -> None:
    federated.issuer.discovery["token_endpoint_auth_methods_supported"] = methods
    arguments = federated.by_client(oidc_audience="quay", oidc_scopes=["openid", "pull"])
    used = "client_secret_post" if "client_secret_post" in (methods or ()) else "client_secret_basic"
    federated.issuer.clients["build-farm"].auth_methods = (used,)
    result = federated.harness.run(MODULE, arguments)
    assert federated.is_accepted(result["token"])
    assert federated.issuer.requests[:2] == ["GET /.well-known/openid-configuration", "POST /token"]
    form = federated.issuer.forms[1]
    assert (form["grant_type"], form["audience"], form["scope"]) == ("client_credentials", "quay", "openid pull")
    assert ("client_secret" in form) == (used == "client_secret_post")


def test_one_source_is_asked_once_for_many_robots(federated: Federated) -> None:
    harness = federated.harness
    names = federated.more_robots(6)
    listed = [
        {**federated.by_client(), "name": name, "token_path": str(harness.folder / f"token-{number}")}
        for number, name in enumerate(names)
    ]
    runs = harness.four_runs(MODULE, {"credentials": listed})
    assert [row["name"] for row in runs.first["results"]] == names
    assert sorted(runs.requests[1]) == sorted([EXCHANGE, AUTH] * len(names))
    assert runs.requests[2] == runs.requests[3] == []
    # In check mode and in the real run.
    assert federated.issuer.requests.count("POST /token") == 2
    secrets = [(harness.folder / f"token-{number}").read_text().strip() for number in range(len(names))]
    assert all(map(federated.is_accepted, secrets, names))


# --- what is refused before anything is sent


UNUSABLE: dict[str, tuple[Callable[[Federated], str], str]] = {
    "no JWT": (lambda federated: "no-jwt", "it is no JWT, which has three parts"),
    "two parts": (lambda federated: federated.token().rpartition(".")[0], "it is no JWT"),
    "no signature": (lambda federated: federated.token().rpartition(".")[0] + ".", "it is no JWT"),
    "algorithm": (
        lambda federated: federated.token(header={"alg": "HS256"}, key=federated.issuer.symmetric_key("x")),
        "it is signed by HS256, and Quay takes RS256 and RS384 only",
    ),
    "RS512": (lambda federated: federated.token(header={"alg": "RS512"}), "it is signed by RS512"),
    "no kid": (lambda federated: federated.token(header={"kid": None}), "its header has no kid"),
    "no issuer": (lambda federated: federated.token(iss=None), "it lacks the claim iss"),
    "no subject": (lambda federated: federated.token(None), "it lacks the claim sub"),
    "no times": (lambda federated: federated.token(exp=None, iat="yesterday"), "it lacks the claim exp and iat"),
    "plain http": (
        lambda federated: federated.token(iss="http://issuer.example.com"),
        "its issuer 'http://issuer.example.com' has no https URL",
    ),
}


@pytest.mark.parametrize("problem", UNUSABLE)
def test_unusable_oidc_token_is_not_sent(federated: Federated, problem: str) -> None:
    make, words = UNUSABLE[problem]
    arguments = {"name": "acme+ci", "oidc_token": make(federated)}
    assert_refused(federated.harness, MODULE, arguments, f"oidc_token holds no OIDC token that Quay accepts: {words}")
    assert federated.harness.requests == []


def test_expired_oidc_token(federated: Federated) -> None:
    now = int(federated.issuer.now())
    arguments = federated.given(iat=now - 1000, exp=now - 100)
    assert_refused(federated.harness, MODULE, arguments, "The OIDC token expired 1 minute", "Get a new one")
    assert federated.harness.requests == [CONFIG]


def test_clock_of_the_target_is_behind(federated: Federated) -> None:
    """Quay sees that the OIDC token has expired."""
    arguments = federated.given()
    federated.harness.advance(seconds=400)
    result = federated.harness.run(MODULE, arguments)
    assert "Signature has expired. The OIDC token has expired. Get a new one" in result.message


def test_clock_of_the_target_is_ahead(federated: Federated) -> None:
    """The time of Quay decides, which one more request shows."""
    federated.harness.advance(hours=-2)
    result = federated.harness.run(MODULE, federated.given())
    assert federated.harness.requests == [CONFIG, EXCHANGE, AUTH]
    assert federated.is_accepted(result["token"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "ci"}, "name: 'ci' has no namespace. Write the full name of the robot, as organization+ci"),
        ({"name": "acme+CI"}, "is not a valid robot name"),
        ({"renew_before": "60m"}, "renew_before (60m) must be shorter than the hour"),
        ({"oidc_token": ""}, "No OIDC token: give oidc_token"),
        ({"oidc_token_variable": "X"}, "mutually exclusive"),
        ({"oidc_client_secret": "client-secret"}, "missing parameter(s) required by 'oidc_client_secret': oidc_issuer"),
        ({"oidc_audience": "quay"}, "the token of oidc_token has its audience already"),
        ({"oidc_scopes": ["openid"]}, "oidc_scopes needs oidc_issuer"),
        ({"oidc_token": None, "oidc_token_variable": "UNSET"}, "the environment variable UNSET is not set"),
        ({"oidc_token": None, "oidc_token_path": "/nowhere/token"}, "/nowhere/token cannot be read"),
        ({"oidc_token": "a b"}, "oidc_token holds white space"),
    ],
)
def test_bad_options(federated: Federated, arguments: dict[str, Any], words: str) -> None:
    assert_refused(federated.harness, MODULE, {**federated.given(), **arguments}, words)
    assert federated.harness.requests == []


@pytest.mark.parametrize(
    "issuer",
    ["http://issuer.example.com", "issuer.example.com", "https://user:pass-word@issuer.example.com", "https://"],
)
def test_bad_issuer_is_not_asked(federated: Federated, issuer: str) -> None:
    message = assert_refused(federated.harness, MODULE, federated.by_client(oidc_issuer=issuer), "oidc_issuer must")
    assert "pass-word" not in message


# --- what the issuer refuses


@pytest.mark.parametrize(
    ("discovery", "words"),
    [
        ({"issuer": "https://other.example.com"}, "the document is that of another issuer"),
        ({"token_endpoint": None}, "the answer has no 'token_endpoint'"),
        ({"token_endpoint": "http://issuer.example.com/token"}, "no https URL, so the secret is not sent there"),
    ],
)
def test_discovery_of_another_kind(federated: Federated, discovery: dict[str, Any], words: str) -> None:
    arguments = federated.by_client()
    federated.issuer.discovery.update(discovery)
    assert_refused(federated.harness, MODULE, arguments, words)
    assert "POST /token" not in federated.issuer.requests
    assert federated.harness.requests == []


ANSWERS: dict[str, tuple[str, tuple[int, str], str]] = {
    "refused client": ("/token", (401, '{"error":"invalid_client"}'), "it does not accept oidc_client_id with"),
    "refused grant": ("/token", (400, '{"error":"unauthorized_client"}'), "may not use the grant client_credentials"),
    "echo": ("/token", (400, '{"error":"s3cret-of-the-client"}'), "the issuer answers 400: check oidc_client_id"),
    "no token": ("/token", (200, "{}"), "the answer has no 'access_token'"),
    "page": ("/token", (200, "<html>"), "the answer is no JSON object"),
    "redirected secret": ("/token", (307, "https://elsewhere.example.com/token"), "the server redirects"),
    "redirected discovery": (
        "/.well-known/openid-configuration",
        (302, "https://elsewhere.example.com/"),
        "the server redirects. Redirects are not followed",
    ),
    "no discovery": ("/.well-known/openid-configuration", (404, "{}"), "the server answers 404. Check oidc_issuer"),
    "opaque token": ("/token", (200, '{"access_token":"opaque"}'), "The answer of oidc_issuer holds no OIDC token"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_of_the_issuer(federated: Federated, case: str) -> None:
    path, answer, words = ANSWERS[case]
    arguments = federated.by_client()
    federated.issuer.overrides[path] = answer
    assert_refused(federated.harness, MODULE, arguments, words)
    assert federated.harness.requests == []


def test_issuer_with_an_untrusted_certificate(federated: Federated) -> None:
    arguments = federated.by_client(oidc_ca_path=None)
    message = assert_refused(
        federated.harness, MODULE, arguments, "the server's TLS certificate is not trusted", "Set oidc_ca_path"
    )
    assert "=false" not in message


def test_job_without_the_permission(federated: Federated) -> None:
    arguments = {"name": "acme+ci", "oidc_ca_path": federated.issuer.ca_path}
    variables = federated.job()
    federated.issuer.jobs.clear()
    result = federated.harness.run(MODULE, arguments, environ=variables)
    assert "/actions/token: the server answers 401. The job may lack the permission id-token: write" in result.message
    assert "api-version" not in result.message
    variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = "http://runner.example.com/token"
    result = federated.harness.run(MODULE, arguments, environ=variables)
    assert "ACTIONS_ID_TOKEN_REQUEST_URL must be an https URL" in result.message


def test_wrong_client_secret_of_the_real_kind(federated: Federated) -> None:
    arguments = federated.by_client()
    federated.issuer.clients["build-farm"] = Client("build-farm", "another", SUBJECT)
    assert_refused(federated.harness, MODULE, arguments, "it does not accept oidc_client_id with oidc_client_secret")


# --- what Quay refuses


def _no_robot(federated: Federated) -> dict[str, Any]:
    return {**federated.given(), "name": "acme+none"}


def _no_federation(federated: Federated) -> dict[str, Any]:
    federated.trust()
    return federated.given()


def _other_issuer(federated: Federated) -> dict[str, Any]:
    federated.trust({"issuer": "https://other.example.com", "subject": SUBJECT})
    return federated.given()


def _slash(federated: Federated) -> dict[str, Any]:
    federated.trust({"issuer": f"{federated.issuer.url}/", "subject": SUBJECT})
    return federated.given()


def _wildcard(federated: Federated) -> dict[str, Any]:
    federated.trust({"issuer": federated.issuer.url, "subject": "repo:acme/*"})
    return federated.given()


# For each case: what the message says without a login, and with one that may read the federation.
REFUSALS: dict[str, tuple[Callable[[Federated], dict[str, Any]], str, str]] = {
    "robot": (_no_robot, "There is no robot acme+none. Names are compared exactly", "There is no robot acme+none"),
    "federation": (
        _no_federation,
        "acme+ci has no federation. Add the issuer 'https://",
        "acme+ci has no federation. Add the issuer 'https://",
    ),
    "issuer": (
        _other_issuer,
        "The federation of acme+ci does not have the issuer of the OIDC token. Issuers are compared exactly",
        "The federation of acme+ci does not have the issuer of the OIDC token. Add the issuer 'https://",
    ),
    "slash": (
        _slash,
        "The federation of acme+ci does not have the issuer of the OIDC token",
        "Quay compares them exactly, a slash at the end, blanks and the case of letters included",
    ),
    "subject": (
        _wildcard,
        f"has the issuer, but not the subject '{SUBJECT}' of the OIDC token. Subjects are compared exactly",
        f"not its subject '{SUBJECT}'. It has: 'repo:acme/*'. Subjects are compared exactly, without wildcards",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_without_a_login_is_explained(federated: Federated, case: str) -> None:
    make, words, _by_login = REFUSALS[case]
    harness = federated.harness
    result = harness.run(MODULE, make(federated))
    assert result.failed
    assert words in result.message
    assert "Quay answered 400" in result.message
    assert harness.requests == [EXCHANGE]
    # Without a login, check mode cannot see it.
    assert not harness.check(MODULE, make(federated)).failed


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_with_a_login_is_the_same_in_check_mode(federated: Federated, case: str) -> None:
    make, _words, by_login = REFUSALS[case]
    harness = federated.harness
    harness.login = federated.login
    assert_refused(harness, MODULE, make(federated), by_login)
    federation = FEDERATION.replace("/ci/", "/none/") if case == "robot" else FEDERATION
    assert harness.requests == [EXCHANGE, federation]
    harness.check(MODULE, make(federated))
    assert harness.requests == [federation]


def test_login_costs_nothing_if_quay_accepts_the_token(federated: Federated) -> None:
    federated.harness.login = federated.login
    runs = federated.harness.four_runs(MODULE, federated.stored())
    assert runs.requests == [[FEDERATION], [EXCHANGE, AUTH], [], []]


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({"quay_token": "x" * 40}, "the login cannot read"),
        ({"quay_username": "acme+ci", "quay_password": "y" * 40}, "the login cannot read"),
    ],
)
def test_login_that_cannot_read_the_federation(federated: Federated, login: dict[str, str], words: str) -> None:
    federated.harness.login = login
    predicted = federated.harness.check(MODULE, federated.given())
    assert predicted.warned("The login cannot read the federation of acme+ci, so it was not compared")
    assert federated.is_accepted(federated.harness.run(MODULE, federated.given())["token"])
    federated.trust()
    assert "acme+ci has no federation" in federated.harness.run(MODULE, federated.given()).message


def test_refused_login_is_tried_once_for_many(federated: Federated) -> None:
    federated.harness.login = {"quay_username": "alice", "quay_password": "wrong-password"}
    names = federated.more_robots(3)
    listed = [{**federated.given(), "name": name, "token_path": str(federated.harness.folder / name)} for name in names]
    result = federated.harness.check(MODULE, {"credentials": listed, "parallel": 1})
    assert not result.failed
    assert federated.harness.requests.count("POST /api/v1/signin") == 1


def _unknown_key(federated: Federated) -> dict[str, Any]:
    arguments = federated.given()
    federated.issuer.rotate_key()
    return arguments


def _untrusted(federated: Federated) -> dict[str, Any]:
    federated.harness.quay.config["STANDIN_ISSUER_CA"] = None
    return federated.given()


def _broken_keys(federated: Federated) -> dict[str, Any]:
    federated.issuer.overrides["/keys"] = (500, "")
    return federated.given()


def _forged(federated: Federated) -> dict[str, Any]:
    token = federated.issuer.forge(SUBJECT)
    federated.harness.known_secrets.add([token])
    return {"name": "acme+ci", "oidc_token": token}


def _other_discovery(federated: Federated) -> dict[str, Any]:
    federated.issuer.discovery["issuer"] = "https://other.example.com"
    return federated.given()


def _from_the_future(federated: Federated) -> dict[str, Any]:
    now = int(federated.issuer.now())
    return federated.given(iat=now + 60, exp=now + 600)


EXPLAINED: dict[str, tuple[Callable[[Federated], dict[str, Any]], str]] = {
    "unknown key": (
        _unknown_key,
        "Quay answered 500: 500 Internal Server Error. Quay answers so if the issuer https://",
    ),
    "broken keys": (_broken_keys, "does not publish the key that signed the OIDC token, or if its discovery"),
    "untrusted": (
        _untrusted,
        "Quay answered 502: Quay Loading. Quay answers so if it cannot reach the issuer https://",
    ),
    "forged": (_forged, "Signature verification failed. The OIDC token was not signed by the key that the issuer"),
    "discovery": (_other_discovery, "The discovery document of the issuer names another issuer than the OIDC token"),
    "future": (_from_the_future, "The clock of the issuer is ahead of Quay's by more than 30 seconds"),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_failure_at_the_issuer_is_explained(federated: Federated, case: str) -> None:
    make, words = EXPLAINED[case]
    result = federated.harness.run(MODULE, {**make(federated), "retries": 3})
    assert result.failed
    assert words in result.message
    # Nothing is repeated: each attempt would cost the issuer two requests.
    assert federated.harness.requests == [EXCHANGE]


@pytest.mark.parametrize("status", [504, 503])
def test_page_of_a_proxy(federated: Federated, status: int) -> None:
    federated.harness.quay.faults.add("status", path="federation", status=status)
    result = federated.harness.run(MODULE, {**federated.given(), "retries": 3})
    assert ("takes longer than a minute to return its keys" in result.message) == (status == 504)
    assert federated.harness.requests == [EXCHANGE]


def test_cut_connection(federated: Federated) -> None:
    federated.harness.quay.faults.add("cut_after", path="federation")
    result = federated.harness.run(MODULE, {**federated.given(), "retries": 3})
    assert "or does not trust its TLS certificate" in result.message
    assert federated.harness.requests == [EXCHANGE]


def test_limited_request_is_sent_again(federated: Federated) -> None:
    federated.harness.quay.faults.add("status", path="federation", status=429, headers={"Retry-After": "0"})
    assert not federated.harness.run(MODULE, {**federated.given(), "retries": 1}).failed


def test_slash_in_discovery_alone(federated: Federated) -> None:
    """Quay 3.18 ignores it."""
    federated.issuer.discovery["issuer"] = f"{federated.issuer.url}/"
    result = federated.harness.run(MODULE, federated.given())
    if federated.harness.quay.quay.family == "3.18":
        assert federated.is_accepted(result["token"])
    else:
        assert "With Quay 3.17 and older, a slash at the end is a difference" in result.message


def test_quay_that_does_not_offer_federation(federated: Federated) -> None:
    url = f"{federated.harness.quay.url}/oauth2/federation/robot/token/"
    federated.harness.quay.faults.add("status", path="federation", status=308, headers={"Location": url})
    result = federated.harness.run(MODULE, federated.given())
    assert "Federation of robots needs Quay 3.13 or newer" in result.message


def test_token_that_quay_does_not_accept_is_not_delivered(federated: Federated) -> None:
    federated.harness.quay.config["ROBOTS_DISALLOW"] = True
    result = federated.harness.run(MODULE, federated.stored())
    assert "that it does not accept at /v2/auth. It does not allow robot accounts" in result.message
    assert not federated.harness.token_path.exists()


def test_robot_of_a_user(federated: Federated) -> None:
    """A login reads its federation by another path."""
    harness = federated.harness
    alice = harness.accounts.alice
    alice.browser().call("PUT", "/api/v1/user/robots/own")
    harness.login = alice.by_password
    message = assert_refused(harness, MODULE, {**federated.given(), "name": "alice+own"}, "alice+own has no federation")
    assert "Add the issuer" in message
    harness.robot("alice+own").federation = [{"issuer": federated.issuer.url, "subject": SUBJECT}]
    assert federated.is_accepted(harness.run(MODULE, {**federated.given(), "name": "alice+own"})["token"], "alice+own")


# --- every reason


def _aged(federated: Federated, minutes: float, **options: Any) -> dict[str, Any]:
    """Store a token of this age. Its dates are compared with the clock of the target, which tests cannot move."""
    federated.harness.advance(minutes=-minutes)
    federated.harness.run(MODULE, federated.stored())
    federated.harness.advance(minutes=minutes)
    return federated.stored(**options)


def _static(federated: Federated) -> dict[str, Any]:
    """The robot's own token, which does not expire."""
    federated.harness.store_secret(federated.harness.accounts.robot_token)
    return federated.stored()


def _forced(federated: Federated) -> dict[str, Any]:
    federated.harness.run(MODULE, federated.stored())
    return federated.stored(rotate="always")


REASONS: dict[str, Callable[[Federated], dict[str, Any]]] = {
    "missing": lambda federated: federated.stored(),
    "forced": _forced,
    "invalid": _static,
    "expired": lambda federated: _aged(federated, 61),
    "expiring": lambda federated: _aged(federated, 40, renew_before="30m"),
    "not_due": lambda federated: _aged(federated, 20, renew_before="30m"),
}


def test_every_documented_reason_has_a_case() -> None:
    # Other tests are about a credential in several stores, and about its removal.
    assert documented_reasons(MODULE) - {"undelivered", "absent"} == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_the_same_in_check_mode_and_in_a_real_run(federated: Federated, reason: str) -> None:
    harness = federated.harness
    runs = harness.four_runs(MODULE, REASONS[reason](federated), idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert harness.stored_fingerprint() == runs.second["fingerprint"]
    assert federated.is_accepted(harness.token_path.read_text().strip())


def test_present_token_is_delivered_to_a_further_store(federated: Federated) -> None:
    harness = federated.harness
    paths = [str(harness.folder / name) for name in ("one", "two")]
    deliver = [{"kind": "file", "path": path} for path in paths]
    harness.run(MODULE, {**federated.given(), "deliver": deliver[:1]})
    runs = harness.four_runs(MODULE, {**federated.given(), "deliver": deliver})
    assert (runs.first["reason"], runs.first["delivered"]) == ("undelivered", paths[1:])
    assert runs.requests == [[]] * 4


def test_two_entries_for_one_robot(federated: Federated) -> None:
    listed = [{**federated.given(), "token_path": str(federated.harness.folder / name)} for name in ("one", "two")]
    assert_refused(federated.harness, MODULE, {"credentials": listed}, "both use the robot acme+ci")
