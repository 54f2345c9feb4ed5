# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exchange of an OIDC token: what is refused before, what is sent, and what the answers mean."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout
from urllib3.exceptions import ProtocolError

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    HttpError,
    RateLimited,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.federation import (
    PATH,
    Identity,
    exchange_identity,
    mismatch,
    parse_identity,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import FederationEntry
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    FakeQuay,
    Reply,
    Request,
    ok,
    page,
    registry_token,
)

ROBOT, ISSUER, SUBJECT = "acme+ci", "https://issuer.example.com", "project/acme"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": SUBJECT, "iat": 1769860000, "exp": 1769860800}
HEADER: dict[str, Any] = {"alg": "RS256", "kid": "key"}


def oidc_token(header: dict[str, Any] | None = None, **claims: Any) -> str:
    own = HEADER if header is None else header
    parts = [{name: value for name, value in part.items() if value is not None} for part in (own, {**CLAIMS, **claims})]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "sig"]
    )


IDENTITY = parse_identity(oidc_token(), "oidc_token")


def test_identity() -> None:
    assert (IDENTITY.issuer, IDENTITY.subject, IDENTITY.expires_at) == (ISSUER, SUBJECT, NOON)
    assert IDENTITY.entry == FederationEntry(ISSUER, SUBJECT)
    assert IDENTITY.token not in repr(IDENTITY)


@pytest.mark.parametrize(
    "token", [oidc_token({**HEADER, "alg": "RS384"}), oidc_token(exp="1769860800"), oidc_token(iat=1769860000.5)]
)
def test_tokens_that_quay_accepts(token: str) -> None:
    assert parse_identity(token, "x").expires_at == NOON


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("no-jwt", "it is no JWT, which has three parts with dots between them"),
        (oidc_token().rpartition(".")[0] + ".", "it is no JWT, which has three parts with dots between them"),
        (oidc_token({**HEADER, "alg": "ES256"}), "it is signed by ES256, and Quay takes RS256 and RS384 only"),
        (oidc_token({"kid": "key"}), "it is signed by None, and Quay takes RS256 and RS384 only"),
        (oidc_token({"alg": "RS256"}), "its header has no kid, which names the key of the signature"),
        (oidc_token({**HEADER, "kid": " "}), "its header has no kid, which names the key of the signature"),
        (oidc_token(iss=None, sub=""), "it lacks the claim iss and sub"),
        (oidc_token(exp=None, iat="noon"), "it lacks the claim exp and iat"),
        (oidc_token(exp=True), "it lacks the claim exp"),
        (
            oidc_token(iss="http://x.example.com"),
            "its issuer 'http://x.example.com' has no https URL, and Quay asks no other issuers for their keys",
        ),
    ],
)
def test_tokens_that_quay_refuses(token: str, problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_identity(token, "/run/token")
    assert str(caught.value) == f"/run/token holds no OIDC token that Quay accepts: {problem}"


def test_expiry_with_leeway() -> None:
    IDENTITY.refuse_if_expired(NOON + timedelta(seconds=30))
    with pytest.raises(BadInput, match="expired 31 seconds ago, at 2026-01-31T12:00:00Z. Get a new one"):
        IDENTITY.refuse_if_expired(NOON + timedelta(seconds=31))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "acme+ci has no federation. Add the issuer 'https://issuer.example.com' with the subject 'project/acme'"),
        ([("https://other.example.com", SUBJECT)], "does not have the issuer of the OIDC token. Add the issuer"),
        ([(f"{ISSUER}/", SUBJECT)], "has the issuer 'https://issuer.example.com/', and the OIDC token has 'https://"),
        ([(f"{ISSUER} ", SUBJECT)], "blanks and the case of letters included"),
        ([(ISSUER, "project/*")], "but not its subject 'project/acme'. It has: 'project/*'. Subjects are compared"),
    ],
)
def test_mismatch(entries: list[tuple[str, str]], words: str) -> None:
    assert words in mismatch(ROBOT, IDENTITY, [FederationEntry(*entry) for entry in entries])


def test_match_of_any_entry() -> None:
    entries = [FederationEntry(ISSUER, "other"), FederationEntry("https://x", SUBJECT), IDENTITY.entry]
    assert mismatch(ROBOT, IDENTITY, entries) == ""


def exchange(quay: FakeQuay, identity: Identity = IDENTITY, **options: Any) -> Any:
    return exchange_identity(quay.client(**options), ROBOT, identity)


def test_exchange(quay: FakeQuay) -> None:
    secret = registry_token(sub=ROBOT, access={})
    quay.answers(ok({"token": secret}))
    token = exchange(quay)
    assert (token.token, token.expires_at) == (secret, NOON + timedelta(hours=1))
    pair = base64.b64encode(f"{ROBOT}:{IDENTITY.token}".encode()).decode()
    assert quay.requests == [Request("GET", PATH, {**COMMON, "Authorization": f"Basic {pair}"})]
    assert quay.options[0]["timeout"] == 65


def test_longer_timeout_of_the_user(quay: FakeQuay) -> None:
    quay.answers(ok({"token": registry_token(sub=ROBOT)}))
    exchange(quay, timeout=300)
    assert quay.options[0]["timeout"] == 300


@pytest.mark.parametrize("body", [{}, {"token": "no-jwt"}, {"token": registry_token(sub="acme+other")}])
def test_answer_of_another_kind(quay: FakeQuay, body: dict[str, str]) -> None:
    quay.answers(ok(body))
    with pytest.raises(UnexpectedResponse, match="holds no token of the robot"):
        exchange(quay)


def message(text: str) -> Reply:
    return ok({"message": text}, 400)


CLOSED = RequestsConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset by peer")))
EXPLAINED: list[tuple[Any, str]] = [
    (message("Could not find robot with specified username"), "There is no robot acme+ci. Names are compared exactly"),
    (message("Robot does not have federated login configured"), "acme+ci has no federation. Add the issuer 'https://"),
    (
        message(f"issuer {ISSUER} not configured for this robot"),
        "a slash at the end included. Add the issuer 'https://",
    ),
    (message("Token does not match robot"), "has the issuer, but not the subject 'project/acme' of the OIDC token"),
    (message("Invalid token: Signature has expired"), "The OIDC token has expired. Get a new one"),
    (message("Invalid token: Issued At claim (iat) cannot be in the future."), "is ahead of Quay's by more than 30"),
    (message("Invalid token: Signature verification failed"), "not signed by the key that the issuer https://issuer"),
    (message("Invalid token: The specified alg value is not allowed"), "accepts the algorithms RS256 and RS384 only"),
    (
        message("Invalid token: Invalid issuer"),
        "names another issuer than the OIDC token, 'https://issuer.example.com'",
    ),
    (
        message(f"Invalid token: Issuer '{ISSUER}' not in configured issuers: ['x']"),
        "names another issuer than the OIDC",
    ),
    (message("Invalid token: Missing `kid` header"), "The OIDC token lacks something that Quay needs: kid, iss, sub"),
    (message("Token does not contain issuer"), "The OIDC token lacks the claim iss"),
    (ok({"error": "No auth header"}, 401), "A proxy in front of Quay removed or changed the Authorization header"),
    (ok({"error": "Invalid robot"}, 401), "There is no robot acme+ci"),
    (page(404), "Federation of robots needs Quay 3.13 or newer"),
    (page(500), "does not publish the key that signed the OIDC token, or if its discovery document or its keys are"),
    (page(502), "cannot reach the issuer https://issuer.example.com within 5 seconds, or does not trust its TLS"),
    (page(504), "takes longer than a minute to return its keys to Quay"),
    (CLOSED, "It does not mean that Quay is down"),
    (ReadTimeout(), "takes longer than a minute to return its keys to Quay"),
]


@pytest.mark.parametrize(("answer", "words"), EXPLAINED)
def test_failure_is_explained_and_nothing_is_repeated(quay: FakeQuay, answer: Any, words: str) -> None:
    quay.answers(answer)
    with pytest.raises(RefusedCredential) as caught:
        exchange(quay, retries=3)
    assert words in str(caught.value)
    assert IDENTITY.token not in str(caught.value)
    assert str(caught.value).startswith("GET https://quay.example.com/oauth2/federation/robot/token: ")
    assert len(quay.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(503), ApiError),
        (message("something new"), ApiError),
        (OSError("CA"), TransportError),
        (page(200), HttpError),
    ],
)
def test_other_failures_are_not_explained(quay: FakeQuay, answer: Any, error: type[HttpError]) -> None:
    quay.answers(answer)
    with pytest.raises(error):
        exchange(quay, retries=3)
    assert len(quay.requests) == 1


def test_limited_request_is_repeated(quay: FakeQuay) -> None:
    quay.answers(page(429), ok({"token": registry_token(sub=ROBOT)}), page(429))
    exchange(quay, retries=1)
    assert len(quay.pauses) == 1
    with pytest.raises(RateLimited):
        exchange(quay, retries=0)
