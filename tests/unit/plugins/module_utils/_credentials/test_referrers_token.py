# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry tokens: the policy, by which none replaces a new token in the next run, and their issuer."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Mapping, Sequence

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.hourly_token import hourly_token_policy
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState, Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.referrers_token import (
    ReferrersIssuer,
    ensure_referrers_token,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order import Minted
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, ok, registry_token
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

UNSET: Mapping[str, Any] = {"rotate": "when_due", "renew_before": None}


@pytest.mark.parametrize(("text", "renew_before"), [(None, 5), ("5m", 5), ("30m", 30), ("59m", 59), ("0", 0)])
def test_renewal(text: str | None, renew_before: int) -> None:
    expected = Policy(renew_before=timedelta(minutes=renew_before))
    assert hourly_token_policy({**UNSET, "renew_before": text}) == expected


@pytest.mark.parametrize("text", ["1h", "60m", "14d"])
def test_token_that_would_always_be_due(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        hourly_token_policy({**UNSET, "renew_before": text})
    assert str(caught.value) == (
        f"renew_before ({text}) must be shorter than the hour for which Quay issues such a token: a new one would be "
        "due at once, in every run"
    )


# --- the issuer

# FakeQuay's registry tokens are valid from here for an hour.
ISSUED = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
APP, BASE = "acme/app", "acme/base"
CONFIG = ok({"config": {"SERVER_HOSTNAME": "quay.example.com"}, "features": {"REFERRERS_API": True}})

Issuers = Callable[..., ReferrersIssuer]


def token_for(access: Mapping[str, Sequence[str]], **claims: Any) -> str:
    entries = [{"type": "repository", "name": name, "actions": list(actions)} for name, actions in access.items()]
    return registry_token(access=entries, **claims)


def reply_for(access: Mapping[str, Sequence[str]], **claims: Any) -> Reply:
    return ok({"token": token_for(access, **claims)})


def credential(secret: str | None, access: Mapping[str, list[str]], source: str = "quay") -> Credential:
    if secret is None:
        return Credential(APP, None, details={"access": access})
    end = ISSUED + timedelta(hours=1)
    return Credential(APP, None, secret, None, ISSUED, end, age_source=source, details={"access": access})


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def make(quay: FakeQuay, warnings: list[str], clock: datetime) -> Issuers:
    assert clock > ISSUED + timedelta(hours=1)

    def issuer(
        repositories: Sequence[str] = (APP,), actions: Sequence[str] = ("pull",), *, check_mode: bool = False
    ) -> ReferrersIssuer:
        context = module_context(quay, warnings, auth=BearerAuth("login"), check_mode=check_mode)
        return ReferrersIssuer(context, repositories, actions)

    return issuer


def test_kind_of_issuer() -> None:
    """Issuing changes nothing in Quay, and Quay does not return a token again."""
    kind = ReferrersIssuer
    assert (kind.changes_quay, kind.secret_is_readable, kind.record_required) == (False, False, False)


def test_stored_token(quay: FakeQuay, make: Issuers) -> None:
    """A token says itself what it is. No request is sent."""
    secret = token_for({APP: ["pull"]})
    desired = {"access": {APP: ["pull"]}}
    state = ObservedState(exists=True, created_at=ISSUED, expires_at=ISSUED + timedelta(hours=1))
    expected = Observation(state, credential(secret, {APP: ["pull"]}), desired)
    assert make().observe([StoredSecret(), StoredSecret("no registry token"), StoredSecret(secret)]) == expected
    assert make((APP, APP)).observe([StoredSecret(secret)]) == expected
    assert quay.requests == []


def test_no_stored_token(quay: FakeQuay, make: Issuers) -> None:
    issuer = make()
    expected = Observation(
        ObservedState(exists=False, secret="invalid", scopes_match=False),
        credential(None, {APP: ["pull"]}),
        {"access": {APP: ["pull"]}},
    )
    assert issuer.observe([]) == issuer.observe([StoredSecret()]) == expected
    assert quay.requests == []


def test_text_that_is_no_registry_token(make: Issuers) -> None:
    found = make().observe([StoredSecret("X" * 40)])
    assert (found.state.exists, found.state.secret, found.credential.secret) == (True, "invalid", None)


@pytest.mark.parametrize(
    ("access", "matches"),
    [
        ({APP: ["pull"]}, False),
        ({APP: ["pull", "push"]}, False),
        ({APP: ["pull"], BASE: ["pull"]}, False),
        ({APP: ["push", "pull"], BASE: ["pull", "push"]}, True),
        ({APP: ["pull", "push"], BASE: ["pull", "push"], "acme/other": ["pull"]}, True),
        ({APP: [], BASE: []}, False),
    ],
)
def test_access_of_a_stored_token(make: Issuers, access: dict[str, list[str]], matches: bool) -> None:
    """More than the declared access is enough."""
    issuer = make((BASE, APP), ("push", "pull"))
    found = issuer.observe([StoredSecret(token_for(access))])
    assert found.state.scopes_match is matches
    assert found.credential.details == {"access": {name: sorted(actions) for name, actions in access.items()}}
    assert found.credential.name == f"{APP} {BASE}"


@pytest.mark.parametrize(("ahead", "state"), [(59, "valid"), (61, "invalid")])
def test_token_from_the_future(make: Issuers, clock: datetime, warnings: list[str], ahead: int, state: str) -> None:
    times = {"iat": clock.timestamp() + ahead, "exp": clock.timestamp() + ahead + 3600}
    found = make().observe([StoredSecret(token_for({APP: ["pull"]}, **times))])
    assert found.state.secret == state
    assert [warning.partition(",")[0] for warning in warnings] == (
        ["By this target's clock"] if state == "invalid" else []
    )


def test_mint(quay: FakeQuay, make: Issuers, warnings: list[str]) -> None:
    """One token for all repositories, which is not verified: Quay signed it just now."""
    quay.answers(CONFIG, reply_for({APP: ["pull", "push"]}))
    issuer = make((APP,), ("push", "pull"))
    secret = token_for({APP: ["pull", "push"]})
    observation = Observation(ObservedState(exists=True), credential(None, {}))
    assert issuer.mint(observation) == Minted(credential(secret, {APP: ["pull", "push"]}, "mint"), existed=True)
    config, request = quay.calls
    assert config == ("GET", "/config")
    assert request == ("GET", "/v2/auth?service=quay.example.com&scope=repository%3Aacme%2Fapp%3Apull%2Cpush")
    assert warnings == []


def test_mint_with_less_access_than_declared(quay: FakeQuay, make: Issuers) -> None:
    """Quay answers 200 for a repository that does not exist."""
    quay.answers(CONFIG, reply_for({APP: ["pull"], BASE: []}, sub="ann"))
    with pytest.raises(RefusedCredential) as caught:
        make((APP, BASE)).mint(Observation(ObservedState(exists=False), credential(None, {})))
    assert str(caught.value) == (
        "Quay issued a token without acme/base:pull: the repository does not exist, or ann has no such permission on it"
    )


def test_server_without_the_referrers_api(quay: FakeQuay, make: Issuers, warnings: list[str]) -> None:
    features = {"config": {"SERVER_HOSTNAME": "quay.example.com"}, "features": {"REFERRERS_API": False}}
    quay.answers(ok(features), reply_for({APP: ["pull"]}))
    make().mint(Observation(ObservedState(exists=False), credential(None, {})))
    assert warnings == ["This server does not offer the referrers API (FEATURE_REFERRERS_API is off)."]


def test_prepare(quay: FakeQuay, make: Issuers) -> None:
    observation = Observation(ObservedState(exists=False), credential(None, {}))
    assert make().prepare(observation) is observation
    assert quay.requests == []


@pytest.mark.parametrize(("actions", "scopes"), [(["pull"], 1), (["pull", "push"], 1), (["push"], 0)])
def test_prepare_in_check_mode(quay: FakeQuay, make: Issuers, actions: list[str], scopes: int) -> None:
    """Only pull is requested: Quay may create a repository when it is asked for push."""
    quay.answers(*[CONFIG, reply_for({APP: ["pull"]})][: 2 * scopes])
    observation = Observation(ObservedState(exists=False), credential(None, {}))
    assert make((APP,), actions, check_mode=True).prepare(observation) is observation
    requested = [target for _method, target in quay.calls if target.startswith("/v2/auth")]
    assert len(requested) == scopes
    assert all(target.endswith("%3Apull") for target in requested)


def test_retire(quay: FakeQuay, make: Issuers) -> None:
    """Quay cannot revoke a registry token."""
    make().retire("handle")
    assert quay.requests == []


@pytest.mark.parametrize(
    ("repositories", "actions", "message"),
    [
        ([], ["pull"], "repositories must name at least one repository, as organization/repository"),
        (["app"], ["pull"], "repositories: 'app' is not a valid repository name. Write organization/repository in"),
        ([APP, "Acme/App"], ["pull"], "repositories: 'Acme/App' is not a valid repository name."),
        ([APP], [], "actions must name pull, push or both"),
    ],
)
def test_invalid_declaration(make: Issuers, repositories: list[str], actions: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        make(repositories, actions)
    assert str(caught.value).startswith(message)


def test_auth_file_is_refused(quay: FakeQuay) -> None:
    store = {"kind": "container_auth", "path": "/auth.json"}
    params = {**UNSET, "repositories": [APP], "actions": ["pull"], "deliver": [store]}
    with pytest.raises(BadInput, match="^deliver: a registry token is not a password"):
        ensure_referrers_token(module_context(quay, params=params))
    assert quay.requests == []
