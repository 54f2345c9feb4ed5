# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Federation, section 2: the exchange of an OIDC token for a token of a robot that is valid for an hour."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from joserfc.jwk import ECKey

from conformance.client import (
    Client,
    Secret,
    assert_error,
    assert_html,
    assert_message,
    assert_registry_error,
    claims,
    jwt_header,
    unique,
)
from conformance.resources import Resources
from oidc_issuer import OidcIssuer

PATH = "/oauth2/federation/robot/token"
SUBJECT = "repo:acme/app:ref:refs/heads/main"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"


@dataclass
class Federated:
    """A robot whose federation has the issuer and SUBJECT."""

    resources: Resources
    issuer: OidcIssuer
    shortname: str
    static: Secret

    @property
    def robot(self) -> str:
        return f"{self.resources.org}+{self.shortname}"

    @property
    def path(self) -> str:
        return f"{self.resources.base}/robots/{self.shortname}"

    def trust(self, *entries: dict[str, str]) -> None:
        assert self.resources.superuser.post(f"{self.path}/federation", list(entries)).status_code == 200

    def exchange(self, token: str, robot: str | None = None, method: str = "GET") -> requests.Response:
        with Client(self.resources.target, basic=(robot or self.robot, token)) as client:
            return client.request(method, PATH)

    def issued(self, **options: Any) -> requests.Response:
        """The answer for a token of the issuer."""
        return self.exchange(self.issuer.token(options.pop("subject", SUBJECT), **options))

    def log_in(self, secret: str, robot: str | None = None) -> requests.Response:
        target = self.resources.target
        with Client(target, basic=(robot or self.robot, secret)) as client:
            return client.get("/v2/auth", params={"service": target.host})

    def token(self) -> Secret:
        response = self.issued()
        assert response.status_code == 200, response.text
        return Secret(response.json()["token"])


@pytest.fixture
def federated(resources: Resources, issuer: OidcIssuer) -> Federated:
    shortname, static = resources.robot()
    found = Federated(resources, issuer, shortname, static)
    found.trust({"issuer": issuer.url, "subject": SUBJECT})
    return found


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# --- the caller


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "No auth header"),
        ("Bearer x", "Invalid basic auth header"),
        ("Basic", "Invalid basic auth header"),
        (f"Basic {encoded('no colon')}", "Unexpected number of credentials found in basic auth header"),
        (f"Basic {encoded('user:x')}", "Invalid robot"),
        (f"Basic {encoded(':x')}", "Invalid robot"),
        (f"Basic {encoded('$oauthtoken:x')}", "Invalid robot"),
    ],
)
def test_f_2_header_401(anonymous: Client, header: str | None, message: str) -> None:
    assert_error(anonymous.get(PATH, headers={"Authorization": header} if header else {}), 401, message)


@pytest.mark.parametrize("name", ["{robot}-none", "none+{short}", "{org}+{upper}", "{robot}+x"])
def test_f_2_unknown_robot(federated: Federated, name: str) -> None:
    robot = name.format(
        robot=federated.robot,
        short=federated.shortname,
        org=federated.resources.org,
        upper=federated.shortname.upper(),
    )
    response = federated.exchange(federated.issuer.token(SUBJECT), robot)
    assert_message(response, 400, "Could not find robot with specified username")


@pytest.mark.issuer
def test_f_2_methods(federated: Federated, anonymous: Client) -> None:
    token = federated.issuer.token(SUBJECT)
    assert federated.exchange(token, method="HEAD").status_code == 200
    for method in ("POST", "PUT"):
        assert_html(federated.exchange(token, method=method), 405)
    assert_html(anonymous.get(f"{PATH}/"), 404)


@pytest.mark.parametrize("password", ["junk", "", "{static}"])
def test_f_2_no_jwt_500(federated: Federated, password: str) -> None:
    assert_html(federated.exchange(password.format(static=federated.static)), 500)


# --- the federation of the robot


def test_f_2_no_federation(federated: Federated) -> None:
    federated.trust()
    assert_message(federated.issued(), 400, "Robot does not have federated login configured")


def test_f_2_issuer_that_is_not_configured_is_not_asked(federated: Federated) -> None:
    other = "https://other.example.com"
    assert_message(federated.issued(iss=other), 400, f"issuer {other} not configured for this robot")
    slash = f"{federated.issuer.url}/"
    assert_message(federated.issued(iss=slash), 400, f"issuer {slash} not configured for this robot")
    assert federated.issuer.requests == []


def test_f_2_issuer_with_http_500(federated: Federated) -> None:
    issuer = "http://issuer.example.com"
    federated.trust({"issuer": issuer, "subject": SUBJECT})
    assert_html(federated.issued(iss=issuer), 500)


@pytest.mark.issuer
@pytest.mark.parametrize("subject", ["repo:acme/other", SUBJECT.upper(), f"{SUBJECT} ", None])
def test_f_2_wrong_subject(federated: Federated, subject: str | None) -> None:
    assert_message(federated.issued(subject=subject), 400, "Token does not match robot")


@pytest.mark.issuer
def test_f_2_wildcards_are_literal(federated: Federated) -> None:
    federated.trust({"issuer": federated.issuer.url, "subject": "repo:acme/*"})
    assert_message(federated.issued(), 400, "Token does not match robot")
    assert federated.issued(subject="repo:acme/*").status_code == 200


@pytest.mark.issuer
def test_f_2_any_of_several_entries(federated: Federated) -> None:
    url = federated.issuer.url
    federated.trust(
        {"issuer": "https://other.example.com", "subject": SUBJECT},
        {"issuer": url, "subject": "first"},
        {"issuer": url, "subject": "second"},
    )
    assert [federated.issued(subject=name).status_code for name in ("first", "second", SUBJECT)] == [200, 200, 400]


# --- the OIDC token


@pytest.mark.issuer
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "elsewhere"},
        {"aud": ["a", "b"]},
        {"nbf": 36000},
        {"exp": 315360000},
        {"exp": -20},
        {"iat": 20},
        {"iat": 0.5},
        {"header": {"alg": "RS384"}},
        {"header": {"typ": None}},
    ],
    ids=str,
)
def test_f_2_accepted(federated: Federated, changes: dict[str, Any]) -> None:
    assert federated.issued(**_at(federated, changes)).status_code == 200


@pytest.mark.issuer
def test_f_2_expiry_as_text(federated: Federated) -> None:
    assert federated.issued(exp=str(int(federated.issuer.now()) + 60)).status_code == 200


@pytest.mark.issuer
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exp": -40}, "Signature has expired"),
        ({"iat": 40}, "Issued At claim (iat) cannot be in the future."),
        ({"iat": "yesterday"}, "must be an integer."),
        ({"iat": None}, 'Token is missing the "iat" claim'),
        ({"exp": None}, 'Token is missing the "exp" claim'),
        ({"header": {"kid": None}}, "Missing `kid` header"),
        ({"header": {"alg": "RS512"}}, "The specified alg value is not allowed"),
        ({"header": {"alg": "PS256"}}, "The specified alg value is not allowed"),
    ],
    ids=str,
)
def test_f_2_invalid_token(federated: Federated, changes: dict[str, Any], message: str) -> None:
    response = federated.issued(**_at(federated, changes))
    assert_message(response, 400)
    assert response.json()["message"].startswith("Invalid token: ")
    assert message in response.json()["message"]


def _at(federated: Federated, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes of claims, with times that are relative to now."""
    now = int(federated.issuer.now())
    return {
        name: value + now if name in ("exp", "iat", "nbf") and isinstance(value, (int, float)) else value
        for name, value in changes.items()
    }


def test_f_2_no_issuer(federated: Federated) -> None:
    assert_message(federated.issued(iss=None), 400, "Token does not contain issuer")


@pytest.mark.issuer
def test_f_2_symmetric_key(federated: Federated) -> None:
    issuer = federated.issuer
    response = federated.issued(header={"alg": "HS256"}, key=issuer.symmetric_key(str(issuer.key.kid)))
    assert_message(response, 400, "Invalid token: The specified alg value is not allowed")


@pytest.mark.issuer
def test_f_2_forged(federated: Federated) -> None:
    """The keys are requested twice, in case they have changed."""
    response = federated.exchange(federated.issuer.forge(SUBJECT))
    assert_message(response, 400, "Invalid token: Signature verification failed")
    assert federated.issuer.requests.count(f"GET {KEYS}") == 2


@pytest.mark.issuer
def test_f_2_key_of_an_elliptic_curve(federated: Federated) -> None:
    """It does no harm next to another key, but signs no token that Quay accepts."""
    key = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})
    federated.issuer.publish(key)
    assert federated.issued().status_code == 200
    assert_html(federated.issued(header={"alg": "ES256"}, key=key), 500)


@pytest.mark.issuer
@pytest.mark.parametrize("kid", ["unknown", ""])
def test_f_2_unknown_key_500(federated: Federated, kid: str) -> None:
    assert_html(federated.issued(header={"kid": kid}), 500)


@pytest.mark.issuer
def test_f_2_token_of_an_hour_is_no_oidc_token(federated: Federated) -> None:
    assert_message(federated.exchange(federated.token()), 400, "issuer quay not configured for this robot")


# --- the issuer


@pytest.mark.issuer
def test_f_2_nothing_is_cached(federated: Federated) -> None:
    assert federated.issued().status_code == 200
    assert federated.issued().status_code == 200
    assert federated.issuer.requests == [f"GET {DISCOVERY}", f"GET {KEYS}"] * 2
    former = federated.issuer.token(SUBJECT)
    federated.issuer.rotate_key()
    assert federated.issued().status_code == 200
    assert_html(federated.exchange(former), 500)


@pytest.mark.issuer
@pytest.mark.parametrize("answer", [(404, "{}"), (500, ""), (200, "<html>"), (200, "[]"), (200, "{}")], ids=str)
def test_f_2_broken_discovery_500(federated: Federated, answer: tuple[int, str]) -> None:
    federated.issuer.overrides[DISCOVERY] = answer
    assert_html(federated.issued(), 500)


@pytest.mark.issuer
@pytest.mark.parametrize("answer", [(500, ""), (200, "<html>"), (200, '{"keys": []}')], ids=str)
def test_f_2_broken_keys_500(federated: Federated, answer: tuple[int, str]) -> None:
    federated.issuer.overrides[KEYS] = answer
    assert_html(federated.issued(), 500)


@pytest.mark.issuer
def test_f_2_discovery_redirect_is_followed(federated: Federated) -> None:
    federated.issuer.overrides[DISCOVERY] = (302, f"{federated.issuer.url}/realm{DISCOVERY}")
    assert federated.issued().status_code == 200


@pytest.mark.standin
def test_f_2_unreachable_or_untrusted_issuer_502(federated: Federated) -> None:
    """The page is that of nginx: the worker of Quay has ended."""
    nowhere = "https://127.0.0.1:9"
    federated.trust({"issuer": nowhere, "subject": SUBJECT})
    responses = [federated.issued(iss=nowhere)]
    federated.trust({"issuer": federated.issuer.url, "subject": SUBJECT})
    standin = federated.resources.target.standin
    assert standin
    standin.config["STANDIN_ISSUER_CA"] = None
    responses.append(federated.issued())
    for response in responses:
        assert_html(response, 502)
        assert "<title>Quay Loading</title>" in response.text


@pytest.mark.issuer
def test_f_2_discovery_without_an_issuer(federated: Federated) -> None:
    federated.issuer.discovery["issuer"] = None
    assert federated.issued().status_code == 200


@pytest.mark.issuer
def test_f_2_discovery_of_another_issuer(federated: Federated, family: str) -> None:
    other = "https://other.example.com"
    federated.issuer.discovery["issuer"] = other
    new = f"Invalid token: Issuer '{federated.issuer.url}' not in configured issuers: ['{other}']"
    assert_message(federated.issued(), 400, "Invalid token: Invalid issuer" if family == "3.17" else new)


@pytest.mark.issuer
@pytest.mark.parametrize(
    ("token", "discovery", "old"), [("/", "", 400), ("", "/", 400), ("/", "/", 200)], ids=["token", "discovery", "both"]
)
def test_f_2_slash_at_the_end(federated: Federated, family: str, token: str, discovery: str, old: int) -> None:
    """The robot and the token must agree. Quay 3.17 compares the discovery document exactly, too."""
    url = federated.issuer.url
    federated.trust({"issuer": f"{url}{token}", "subject": SUBJECT})
    federated.issuer.discovery["issuer"] = f"{url}{discovery}"
    assert federated.issued(iss=f"{url}{token}").status_code == (old if family == "3.17" else 200)


# --- section 3: the token of an hour


@pytest.mark.issuer
def test_f_3_exchanged_token(federated: Federated) -> None:
    response = federated.issued()
    assert response.json().keys() == {"token"}
    found = claims(response.json()["token"])
    assert (jwt_header(response.json()["token"])["alg"], jwt_header(response.json()["token"])["typ"]) == (
        "RS256",
        "JWT",
    )
    assert (found["iss"], found["sub"], found["access"]) == ("quay", federated.robot, {})
    assert (found["exp"] - found["iat"], found["nbf"]) == (3600, found["iat"])
    context = found["context"]
    assert (context["entity_kind"], context["entity_reference"], context["kind"]) == ("robot", federated.robot, "user")


@pytest.mark.issuer
def test_f_3_exchanged_token_is_a_password(federated: Federated) -> None:
    token = federated.token()
    assert federated.log_in(token).status_code == 200
    assert federated.log_in(federated.static).status_code == 200
    other = f"{federated.resources.org}+{federated.resources.robot()[0]}"
    assert_registry_error(federated.log_in(token, other), 401, "UNAUTHORIZED", "Token does not match robot")
    header, payload, signature = token.split(".")
    changed = json.dumps({**claims(token), "exp": claims(token)["exp"] + 1}).encode()
    payload = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    assert_html(federated.log_in(f"{header}.{payload}.{signature}"), 500)
    assert_html(federated.log_in(federated.issuer.token(SUBJECT)), 500)


@pytest.mark.issuer
@pytest.mark.parametrize("event", ["federation", "regenerate"])
def test_f_3_what_does_not_end_access(federated: Federated, event: str) -> None:
    token, superuser = federated.token(), federated.resources.superuser
    if event == "federation":
        federated.trust()
        assert_message(federated.issued(), 400, "Robot does not have federated login configured")
    else:
        assert superuser.post(f"{federated.path}/regenerate").status_code == 200
        assert federated.issued().status_code == 200
    assert federated.log_in(token).status_code == 200


@pytest.mark.issuer
def test_f_3_deletion_ends_access_until_the_robot_is_created_again(federated: Federated) -> None:
    token, superuser = federated.token(), federated.resources.superuser
    assert superuser.delete(federated.path).status_code == 204
    assert_registry_error(federated.log_in(token), 401, "UNAUTHORIZED")
    assert superuser.put(federated.path).status_code == 201
    assert superuser.get(f"{federated.path}/federation").json() == []
    assert federated.log_in(token).status_code == 200


@pytest.mark.issuer
def test_f_3_exchange_is_logged_without_a_performer(federated: Federated) -> None:
    assert federated.issued().status_code == 200
    assert federated.resources.superuser.get(federated.path).json()["last_accessed"] is None
    logs = federated.resources.superuser.get(f"{federated.resources.base}/logs").json()["logs"]
    entry = next(entry for entry in logs if entry["kind"] == "federated_robot_token_exchange")
    expected = {"subject": SUBJECT, "issuer": federated.issuer.url, "robot": federated.shortname}
    assert entry["metadata"] == expected | {
        key: entry["metadata"][key] for key in entry["metadata"] if key not in expected
    }
    assert "performer" not in entry


@pytest.mark.issuer
def test_f_2_robots_of_users(resources: Resources, issuer: OidcIssuer, new_client: Callable[..., Client]) -> None:
    shortname = unique("r")
    path = f"/api/v1/user/robots/{shortname}"
    resources.user.put(path)
    entry = {"issuer": issuer.url, "subject": SUBJECT}
    assert resources.user.post(f"{path}/federation", [entry]).json() == [entry]
    client = new_client(basic=(f"{resources.username}+{shortname}", issuer.token(SUBJECT)))
    assert client.get(PATH).status_code == 200
    resources.user.delete(path)
