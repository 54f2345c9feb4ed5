# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of an API token declare, and what both ways to issue one share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential, Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import (
    BadInput,
    QuayError,
    RefusedCredential,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.desired_token import (
    DesiredToken,
    desired_token,
    left_by_interrupted_runs,
    lost_response_error,
    recorded_as_superseded,
    stored_state,
    verify_new_token,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import TransportError
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.registry_auth import Liveness, Verification
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    ORIGIN,
    FakeQuay,
    error,
    ok,
    page,
    refused,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import FORBIDDEN, verification, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

CLIENT_ID = "ABCDEFGHIJKLMNOPQRST"
APPLICATIONS = "/api/v1/organization/acme/applications"
UUID = "6e3a1d0c-2f5b-4a4e-9d53-0c1f2b3a4d5e"

# The options of quay_api_token that declare the token.
OPTIONS: dict[str, Any] = {
    "organization": "acme",
    "application": None,
    "client_id": CLIENT_ID,
    "name": "nightly",
    "scopes": ["repo:write", "repo:read"],
    "lifetime": None,
    "owns_application": False,
}
TOKEN = DesiredToken("acme", CLIENT_ID, "nightly", ["repo:read", "repo:write"], None)
OLDER_QUAY = page(404)  # its reply to what Quay 3.18 and later have
NEWER_QUAY = error(401, "Requires authentication", "invalid_token")


@pytest.fixture
def context(quay: FakeQuay) -> ModuleContext:
    return module_context(quay)


def applications(*names_and_ids: tuple[str, str]) -> Any:
    return ok({"applications": [{"name": name, "client_id": client_id} for name, client_id in names_and_ids]})


def desired(context: ModuleContext, **options: Any) -> DesiredToken:
    return desired_token(context, {**OPTIONS, **options})


# --- the options


def test_declared_token(quay: FakeQuay, context: ModuleContext) -> None:
    """With organization and client id, no request is needed."""
    assert desired(context) == TOKEN
    assert quay.requests == []
    assert TOKEN.details(("repo:read",)) == {
        "organization": "acme",
        "client_id": CLIENT_ID,
        "scopes": ["repo:read"],
    }


@pytest.mark.parametrize(
    ("options", "name", "named"),
    [({}, "nightly", True), ({"name": " nightly "}, "nightly", True), ({"name": None}, "ansible", False)],
)
def test_name(context: ModuleContext, options: dict[str, Any], name: str, named: bool) -> None:
    """Tokens of the default name are not taken for ours: other tasks may use it, too."""
    token = desired(context, **options)
    assert (token.name, token.named) == (name, named)


def test_all_scopes(context: ModuleContext) -> None:
    assert list(desired(context, scopes=["all"]).scopes) == [
        "org:admin",
        "repo:admin",
        "repo:create",
        "repo:read",
        "repo:write",
        "super:user",
        "user:admin",
        "user:read",
    ]


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        ("1s", timedelta(seconds=1)),
        ("90d", timedelta(days=90)),
        ("315576000s", timedelta(seconds=315576000)),
    ],
)
def test_lifetime(context: ModuleContext, text: str, lifetime: timedelta) -> None:
    assert desired(context, lifetime=text).lifetime == lifetime


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, "name must not be blank: a later run finds this token by its name"),
        ({"name": "  "}, "name must not be blank: a later run finds this token by its name"),
        ({"scopes": []}, "scopes must name at least one scope: a token without scopes has no permissions"),
        ({"lifetime": "0"}, "lifetime must be between 1s and 3652d (ten years, Quay's own limit)"),
        ({"lifetime": "315576001s"}, "lifetime must be between 1s and 3652d (ten years, Quay's own limit)"),
        ({"lifetime": "soon"}, "lifetime must be a duration such as 90d, 12h or 30m, not 'soon'"),
        ({"client_id": None}, "Name the application by client_id, or by organization and application"),
        (
            {"client_id": "", "organization": None, "application": "ci"},
            "Name the application by client_id, or by organization and application",
        ),
    ],
)
def test_invalid_options(quay: FakeQuay, context: ModuleContext, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        desired(context, **options)
    assert str(caught.value) == message
    assert quay.requests == []


# --- the application


def test_organization_of_the_client_id(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(ok({"name": "ci", "organization": {"name": "acme"}}))
    assert desired(context, organization=None) == TOKEN
    assert quay.calls == [("GET", f"/api/v1/app/{CLIENT_ID}")]


def test_application_by_its_name(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(applications(("other", "X" * 20), ("ci", CLIENT_ID)))
    assert desired(context, client_id=None, application="ci") == TOKEN
    assert quay.calls == [("GET", APPLICATIONS)]


def test_application_that_does_not_exist(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(applications(("other", CLIENT_ID)), error(404, "Not Found", "not_found"))
    with pytest.raises(BadInput) as caught:
        desired(context, client_id=None, application="ci")
    assert str(caught.value) == ("The organization acme has no application named 'ci'. Create it with quay_application")
    with pytest.raises(BadInput) as caught:
        desired(context, organization=None)
    assert str(caught.value) == (
        f"client_id: {ORIGIN} has no application with the client id '{CLIENT_ID}'. Check client_id and quay_host"
    )


def test_own_application(quay: FakeQuay, context: ModuleContext) -> None:
    """An older Quay does not give tokens names, so the application shows which ones are ours."""
    quay.answers(OLDER_QUAY, applications(("ci", CLIENT_ID), ("other", "X" * 20), ("other", "Y" * 20)))
    token = desired(context, owns_application=True)
    assert token == DesiredToken("acme", CLIENT_ID, "nightly", TOKEN.scopes, None, own_application="ci")
    assert quay.calls == [("GET", "/api/v1/organization/zz/applications/zz/tokens"), ("GET", APPLICATIONS)]


def test_own_application_on_a_newer_server(quay: FakeQuay, context: ModuleContext) -> None:
    """Names are enough there."""
    quay.answers(NEWER_QUAY)
    assert desired(context, owns_application=True) == TOKEN


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([("ci", "X" * 20)], f"client_id: the organization acme has no application {CLIENT_ID}"),
        (
            [("ci", CLIENT_ID), ("ci", "X" * 20)],
            "owns_application: the organization acme has several applications named 'ci', and Quay's list of tokens "
            "does not distinguish them. Rename one of them",
        ),
    ],
)
def test_application_that_cannot_be_ours_alone(
    quay: FakeQuay, context: ModuleContext, listed: list[tuple[str, str]], message: str
) -> None:
    quay.answers(OLDER_QUAY, applications(*listed))
    with pytest.raises(BadInput) as caught:
        desired(context, owns_application=True)
    assert str(caught.value) == message


# --- what both ways share


@pytest.mark.parametrize(
    ("liveness", "listed", "state"),
    [
        (Liveness.LIVE, True, "valid"),
        (Liveness.LIVE, False, "invalid"),
        (Liveness.EXPIRED, True, "expired"),
        (Liveness.EXPIRED, False, "expired"),
        (Liveness.INVALID, True, "invalid"),
        (Liveness.INVALID, False, "invalid"),
    ],
)
def test_state_of_a_stored_token(liveness: Liveness, listed: bool, state: str) -> None:
    """A valid token of another application is none of ours."""
    assert stored_state(Verification(liveness, UUID), listed=listed) == state


def test_recorded_as_superseded() -> None:
    """Each uuid once, in the order of the records. Records of other secrets do not count."""
    stored = [
        StoredSecret(),
        stored_secret("a", superseded=("1", "2")),
        StoredSecret("b", Record(fingerprint("c"), superseded=("3",))),
        stored_secret("d", superseded=("4", "1")),
        StoredSecret("e"),
    ]
    assert recorded_as_superseded(stored) == ["1", "2", "4"]
    assert recorded_as_superseded([]) == []


def observed(uuid: str | None, *superseded: str) -> Observation:
    return Observation(ObservedState(exists=True), Credential("nightly", None, uuid=uuid, superseded=superseded))


def test_left_by_interrupted_runs() -> None:
    """Tokens of the same name, and tokens that other stores hold; each once."""
    assert left_by_interrupted_runs(observed("0"), []) == ()
    assert left_by_interrupted_runs(observed("0", "1", "2"), [observed(None), observed("3", "4"), observed("1")]) == (
        "1",
        "2",
        "3",
    )


def test_lost_response() -> None:
    failure = TransportError("POST", "/api/v1/x", "no response within 10 s (timeout)", sent=True)
    failure.origin = ORIGIN
    lost = lost_response_error(failure, "it is then revoked")
    assert str(lost) == (
        f"POST {ORIGIN}/api/v1/x: no response within 10 s (timeout). It is unknown whether Quay issued the token; its "
        "secret would be lost. No credential was replaced. Run the task again; it is then revoked"
    )
    assert isinstance(lost, RefusedCredential)


def test_new_token_is_used_once(quay: FakeQuay, context: ModuleContext) -> None:
    """Its response shows the uuid of the token."""
    oauth = {"entity_kind": "oauthtoken", "entity_reference": UUID}
    quay.answers(verified(context=oauth, sub="ann"))
    assert verify_new_token(context, "s3cret", "acme") == Verification(Liveness.LIVE, UUID, "ann")
    assert quay.requests == [verification("$oauthtoken", "s3cret")]


@pytest.mark.parametrize("reply", [refused(), refused("Token has expired")])
def test_new_token_that_quay_does_not_accept(quay: FakeQuay, context: ModuleContext, reply: Any) -> None:
    quay.answers(reply)
    with pytest.raises(RefusedCredential) as caught:
        verify_new_token(context, "s3cret", "acme")
    assert str(caught.value) == (
        "Quay does not accept the new token at /v2/auth, so it was not delivered and the old one was not revoked. "
        "Check whether the application was deleted meanwhile"
    )


@pytest.mark.parametrize("step", [ReadTimeout(), page(500), FORBIDDEN, error(401, "no", "invalid_token")])
def test_new_token_that_cannot_be_verified(quay: FakeQuay, context: ModuleContext, step: Any) -> None:
    quay.answers(step)
    with pytest.raises(QuayError, match=f"^GET {ORIGIN}/v2/auth: ") as caught:
        verify_new_token(context, "s3cret", "acme")
    assert not isinstance(caught.value, RefusedCredential)
