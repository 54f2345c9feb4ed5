# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App tokens: which of several tokens of one title is the present one, and what is known without its secret."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials import app_token_issuer
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.app_token_issuer import (
    AppTokenIssuer,
    AppTokenList,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import STORED_EXPIRED, Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.app_tokens import AppTokens
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, empty, error, ok, refused
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
PATH = "/api/v1/user/apptoken"
NO_LIMITS = Policy()
MISSING = error(404, "Not Found", "not_found")


def data(
    uuid: str, age_days: float = 10, expires_in_days: float | None = None, title: str = "laptop"
) -> dict[str, Any]:
    """A token as Quay lists it."""

    def date(moment: datetime) -> str:
        return moment.strftime("%a, %d %b %Y %H:%M:%S -0000")

    expires = None if expires_in_days is None else date(NOW + timedelta(days=expires_in_days))
    created = date(NOW - timedelta(days=age_days))
    return {"uuid": uuid, "title": title, "last_accessed": None, "created": created, "expiration": expires}


def listed(*tokens: dict[str, Any]) -> Reply:
    return ok({"tokens": list(tokens), "only_expiring": None})


def with_secret(token: dict[str, Any]) -> Reply:
    return ok({"token": {**token, "token_code": f"secret of {token['uuid']}"}})


def held(uuid: str, *superseded: str) -> StoredSecret:
    return stored_secret(f"secret of {uuid}", "$app", uuid=uuid, superseded=superseded)


def held_elsewhere(uuid: str) -> StoredSecret:
    """What another machine holds: its secret is not known here."""
    item = held(uuid)
    return StoredSecret(record=item.record, username="$app", untold=item.fingerprint)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def context(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    assert clock == NOW
    return module_context(quay, warnings, auth=BearerAuth("login"))


@pytest.fixture
def issuer(context: ModuleContext) -> AppTokenIssuer:
    return new_issuer(context)


def new_issuer(context: ModuleContext, policy: Policy = NO_LIMITS, *, owns_title: bool = False) -> AppTokenIssuer:
    tokens = AppTokenList(AppTokens(context.client))
    return AppTokenIssuer(context, "laptop", policy, tokens, owns_title=owns_title)


def known(observation: Observation) -> tuple[str | None, str | None, str | None]:
    """The uuid, the fingerprint and the secret of the present token."""
    credential = observation.credential
    return credential.uuid, credential.fingerprint, credential.secret


# --- the present token


def test_record_shows_the_present_token(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("one"), data("other", title="phone")))
    observation = issuer.observe([held("one")])
    assert known(observation) == ("one", fingerprint("secret of one"), None)
    assert (observation.by_record, observation.mints_by_record) == (True, True)
    assert observation.state.created_at == NOW - timedelta(days=10)


def test_record_of_another_machine_shows_the_present_token(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("one")))
    assert known(issuer.observe([held_elsewhere("one")])) == ("one", fingerprint("secret of one"), None)


def test_proven_secret_is_read_from_quay(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("one")), with_secret(data("one")))
    observation = issuer.observe([held("one")], proven=True)
    assert known(observation) == ("one", fingerprint("secret of one"), "secret of one")
    assert not observation.by_record


@pytest.mark.parametrize(
    "stored",
    [
        [],
        [StoredSecret("secret of one")],
        [StoredSecret(untold=fingerprint("secret of one"))],
        [held("one"), StoredSecret(readable=False)],
        [stored_secret("secret of one", "$app")],
    ],
    ids=["none", "without record", "untold", "unreadable", "without uuid"],
)
def test_secret_is_read_if_no_record_shows_who_holds_it(
    quay: FakeQuay, issuer: AppTokenIssuer, stored: list[StoredSecret]
) -> None:
    quay.answers(listed(data("one")), with_secret(data("one")))
    assert known(issuer.observe(stored)) == ("one", fingerprint("secret of one"), "secret of one")


def test_empty_store_needs_no_secret_before_it_is_delivered(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("one")))
    assert known(issuer.observe([StoredSecret()])) == ("one", None, None)


def test_newest_token_is_the_present_one(quay: FakeQuay, issuer: AppTokenIssuer, warnings: list[str]) -> None:
    quay.answers(listed(data("old", 10), data("new", 1), data("older", 20)))
    observation = issuer.observe([held("old")])
    assert observation.credential.uuid == "new"
    assert observation.credential.superseded == ("old",)
    assert observation.predecessors == ("old",)
    assert observation.credential.details == {"duplicates": ["older"]}
    assert len(warnings) == 1
    assert "older. The newest one, new, is used" in warnings[0]


def test_of_two_tokens_of_one_second_the_replaced_one_is_the_older(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("z"), data("a")))
    observation = issuer.observe([held("a", "z")])
    assert (observation.credential.uuid, observation.credential.superseded) == ("a", ("z",))


def test_of_two_tokens_of_one_second_the_held_one_is_used(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("z"), data("a")))
    assert issuer.observe([held("a")]).credential.uuid == "a"


def test_token_that_vanishes_does_not_count(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("old"), data("new", 1)), MISSING, with_secret(data("old")))
    assert issuer.observe([]).credential.uuid == "old"


def test_expired_token_is_none(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("old", expires_in_days=-1)))
    observation = issuer.observe([held("old")])
    assert (observation.state.exists, observation.state.secret) == (True, STORED_EXPIRED)
    assert known(observation) == (None, None, None)


def test_no_token(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("other", title="phone")))
    assert not issuer.observe([held("other")]).state.exists


# --- what was replaced


def test_replaced_tokens_of_other_titles_are_not_touched(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    quay.answers(listed(data("one"), data("other", title="phone")))
    assert issuer.observe([held("one", "other")]).credential.superseded == ()


def test_owned_title(quay: FakeQuay, context: ModuleContext, warnings: list[str]) -> None:
    quay.answers(listed(data("one", 1), data("two"), data("three", 30, expires_in_days=-1)))
    observation = new_issuer(context, owns_title=True).observe([held("one")])
    assert observation.credential.superseded == ("two",)
    assert observation.credential.details == {"duplicates": []}
    assert warnings == []


def test_what_a_store_holds_is_a_predecessor(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    """Its consumers may use it, although another store's record does not name it."""
    quay.answers(listed(data("new", 1), data("old"), data("older", 20)))
    observation = issuer.observe([held("new", "older"), held("old")])
    assert set(observation.predecessors) == {"old", "older"}


def test_renewal_that_is_longer_than_the_lifetime(quay: FakeQuay, context: ModuleContext, warnings: list[str]) -> None:
    quay.answers(listed(data("one", 1, expires_in_days=8)))
    policy = Policy(renew_before=timedelta(days=9), server_sets_lifetime=True)
    new_issuer(context, policy).observe([held("one")])
    assert len(warnings) == 1
    assert "renew_before is not shorter than 9 days" in warnings[0]


# --- the list


def test_list_is_read_once_for_many_and_again_later(
    quay: FakeQuay, context: ModuleContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [100.0]
    monkeypatch.setattr(app_token_issuer, "monotonic", lambda: seconds[0])
    tokens = AppTokenList(AppTokens(context.client))
    quay.answers(listed(data("one")), listed(data("two")))
    assert [token.uuid for token in tokens.of_title("laptop")] == ["one"]
    seconds[0] += 29.9
    assert [token.uuid for token in tokens.of_title("laptop")] == ["one"]
    seconds[0] += 0.2
    assert [token.uuid for token in tokens.of_title("laptop")] == ["two"]


# --- minting

CONFIG = ok({"registry_state": "normal"})


def created(uuid: str) -> Reply:
    return with_secret(data(uuid, 0))


def observed(quay: FakeQuay, issuer: AppTokenIssuer, *tokens: dict[str, Any]) -> Observation:
    quay.answers(listed(*tokens), CONFIG)
    return issuer.prepare(issuer.observe([held("one")]))


def test_new_token_supersedes_the_present_one_last(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    observation = observed(quay, issuer, data("one"))
    quay.answers(created("two"), verified())
    minted = issuer.mint(observation)
    assert (minted.credential.uuid, minted.credential.superseded) == ("two", ("one",))
    assert (minted.credential.secret, minted.credential.age_source) == ("secret of two", "mint")
    assert minted.existed


def test_lost_response_is_found_by_its_title(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    observation = observed(quay, issuer, data("one"))
    found = [data("one"), data("other", 0, title="phone"), data("two", 0)]
    quay.answers(error(500, "", ""), listed(*found), created("two"), verified())
    assert issuer.mint(observation).credential.uuid == "two"


@pytest.mark.parametrize(
    "replies",
    [
        [listed(data("one"))],
        [listed(data("one"), data("older", 1))],
        [listed(data("one"), data("two", 0), data("three", 0))],
        [error(500, "", "")],
    ],
    ids=["none", "an older one", "two", "no list"],
)
def test_lost_response_that_shows_nothing(quay: FakeQuay, issuer: AppTokenIssuer, replies: list[Reply]) -> None:
    observation = observed(quay, issuer, data("one"))
    quay.answers(error(500, "", ""), *replies)
    with pytest.raises(RefusedCredential) as caught:
        issuer.mint(observation)
    assert "It is unknown whether Quay issued the token. No credential was replaced" in str(caught.value)


def test_refused_token_is_revoked(quay: FakeQuay, issuer: AppTokenIssuer) -> None:
    observation = observed(quay, issuer, data("one"))
    quay.answers(created("two"), refused("Invalid token"), empty())
    with pytest.raises(RefusedCredential):
        issuer.mint(observation)
    assert quay.calls[-1] == ("DELETE", f"{PATH}/two")
