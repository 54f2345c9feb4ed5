# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of a rotation, its result and its diff, in check mode too, and what a failure leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import count
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential, Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import (
    BadInput,
    LocalFileError,
    QuayError,
    RefusedCredential,
    StoreError,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials import rotation_order
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import (
    STORED_INVALID,
    STORED_VALID,
    ObservedState,
    Policy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order import (
    Minted,
    clear_stores,
    return_values,
    rotate,
    superseded_by_minting,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext, Result
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery, StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import CallerHolder, Fleet, StoreHolder
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.task_file import TaskFileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import (
    FakeIssuer,
    FakeStore,
    module_context,
    stored_secret,
)

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
PRESENT = "PRES3NT" * 6
FORMER = "F0RM3R" * 6
NEW = "N3W" * 14
WINDOW = 1.235

# The present credential. It replaced "former", which may still be in use, and "lost", which was never delivered.
OLD = Credential(
    "nightly",
    "$oauthtoken",
    PRESENT,
    "present",
    NOW - 80 * DAY,
    NOW + 10 * DAY,
    NOW - DAY,
    "quay",
    ("lost", "former"),
    details={"scopes": ["repo:read"]},
)
# The credential that replaces it.
SUCCESSOR = Credential(
    "nightly",
    "$oauthtoken",
    NEW,
    "successor",
    NOW,
    NOW + 90 * DAY,
    None,
    "mint",
    ("lost", "former", "present"),
    details={"scopes": ["repo:read", "repo:write"]},
)
WITHOUT_PREDECESSORS = replace(SUCCESSOR, superseded=())
MISSING = Observation(
    ObservedState(exists=False),
    Credential("nightly", "$oauthtoken", details={"scopes": ["repo:read", "repo:write"]}),
    {"scopes": ["repo:read", "repo:write"]},
)
DELIVERY_OF_NEW = Delivery(
    NEW,
    "$oauthtoken",
    "nightly",
    Record(fingerprint(NEW), NOW, NOW + 90 * DAY, "successor", ("lost", "former", "present"), username="$oauthtoken"),
)

BY_RECORD = stored_secret(PRESENT)
WHEN_DUE = Policy(renew_before=14 * DAY)
NOT_DUE = Policy(renew_before=DAY)
FORCED = Policy(rotate="always")


def observation(credential: Credential = OLD, secret_state: str = STORED_VALID, **more: Any) -> Observation:
    """The observation of an existing credential whose declared scopes are those of SUCCESSOR."""
    state = ObservedState(
        exists=True, secret=secret_state, created_at=credential.created_at, expires_at=credential.expires_at
    )
    predecessors = tuple(handle for handle in credential.superseded if handle == "former")
    return Observation(state, credential, {"scopes": ["repo:read", "repo:write"]}, predecessors, **more)


def values(**returned: Any) -> dict[str, Any]:
    """All return keys, as for a credential that was found as OLD and left as it is."""
    return {
        "token": None,
        "registry": "quay.example.com",
        "api_url": "https://quay.example.com/api/v1",
        "reason": "not_due",
        "minted": False,
        "window_seconds": None,
        "delivered": [],
        "retired": [],
        "deleted": [],
        "removed": [],
        "name": "nightly",
        "username": "$oauthtoken",
        "uuid": "present",
        "created_at": "2026-09-03T09:30:00Z",
        "expires_at": "2026-12-02T09:30:00Z",
        "last_accessed": "2026-11-21T09:30:00Z",
        "age_source": "quay",
        "fingerprint": fingerprint(PRESENT),
        "superseded": [],
        "scopes": ["repo:read"],
        **returned,
    }


def values_of_successor(**returned: Any) -> dict[str, Any]:
    """All return keys, as for a credential that was replaced by SUCCESSOR."""
    return values(
        **{
            "reason": "expiring",
            "minted": True,
            "window_seconds": WINDOW,
            "uuid": "successor",
            "created_at": "2026-11-22T09:30:00Z",
            "expires_at": "2027-02-20T09:30:00Z",
            "last_accessed": None,
            "age_source": "mint",
            "fingerprint": fingerprint(NEW),
            "scopes": ["repo:read", "repo:write"],
            **returned,
        }
    )


# What check mode cannot know of a new secret.
UNKNOWN = {
    "token": None,
    "window_seconds": None,
    "uuid": None,
    "created_at": None,
    "expires_at": None,
    "last_accessed": None,
    "age_source": None,
    "fingerprint": None,
}


@pytest.fixture
def events() -> list[str]:
    """What the issuer and the stores did, in order."""
    return []


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let WINDOW seconds pass between two looks at the clock."""
    times = count(100.0, 1.2346)
    monkeypatch.setattr(rotation_order, "time", SimpleNamespace(monotonic=lambda: next(times)))


@pytest.fixture
def context(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    assert clock == NOW
    return module_context(quay, warnings)


@pytest.fixture
def check_mode(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    return module_context(quay, warnings, check_mode=True)


Stores = Callable[..., StoreHolder]


@pytest.fixture
def stores(events: list[str]) -> Stores:
    """Makes a holder of the stores "a", "b", and so on, each of which holds one of these secrets."""

    def make(*stored: StoredSecret | None, **options: Any) -> StoreHolder:
        held = [FakeStore(place, events, item, **options) for place, item in zip("abc", stored)]
        with StoreHolder(held) as holder:
            return holder

    return make


def deliveries(holder: StoreHolder) -> list[list[Delivery]]:
    """What was written to each store."""
    written: list[list[Delivery]] = []
    for store in holder.stores:
        assert isinstance(store, FakeStore)
        written.append(store.deliveries)
    return written


def run(
    context: ModuleContext, issuer: FakeIssuer, holder: Any, policy: Policy = WHEN_DUE, *, retires: bool = True
) -> Result:
    result = rotate(context, issuer, policy, holder, retires=retires)
    for secret in (PRESENT, FORMER, NEW):
        assert secret not in repr((result.before, result.after))
    return result


# --- stores that do not tell the secret


def test_secret_that_nobody_tells_again_is_not_minted(
    context: ModuleContext, events: list[str], stores: Stores
) -> None:
    """The next run could not find out whether it is valid, and would mint another one."""
    issuer = FakeIssuer(events, MISSING, minted=Minted(WITHOUT_PREDECESSORS, existed=False))
    with pytest.raises(BadInput, match="none of its stores can be read back"):
        run(context, issuer, stores(None, tells_secret=False))
    assert events == []


def test_secret_that_quay_tells_again_needs_no_store_that_does(
    context: ModuleContext, events: list[str], stores: Stores
) -> None:
    issuer = FakeIssuer(events, MISSING, minted=Minted(WITHOUT_PREDECESSORS, existed=False), secret_is_readable=True)
    assert run(context, issuer, stores(None, tells_secret=False)).values["minted"]


# --- a new secret


def test_first_secret(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """All stores are prepared before the secret is minted, and written afterwards."""
    issuer = FakeIssuer(events, MISSING, minted=Minted(WITHOUT_PREDECESSORS, existed=False))
    holder = stores(None, None)
    result = run(context, issuer, holder)
    assert events == [
        "observe",
        "prepare",
        "prepare a",
        "prepare b",
        "mint",
        "write a",
        "write b",
        "release b",
        "release a",
    ]
    delivery = replace(DELIVERY_OF_NEW, record=replace(DELIVERY_OF_NEW.record, superseded=()))
    assert deliveries(holder) == [[delivery], [delivery]]
    assert result == Result(
        changed=True,
        values=values_of_successor(reason="missing", delivered=["a", "b"]),
        before={
            "name": "nightly",
            "token": "absent",
            "scopes": None,
            "deliver": {"a": "absent", "b": "absent"},
        },
        after={
            "name": "nightly",
            "token": "new",
            "scopes": ["repo:read", "repo:write"],
            "deliver": {"a": "new", "b": "new"},
        },
    )


@pytest.mark.parametrize("checks", [False, True])
def test_first_secret_for_the_caller(
    context: ModuleContext, check_mode: ModuleContext, events: list[str], checks: bool
) -> None:
    issuer = FakeIssuer(events, MISSING, minted=Minted(WITHOUT_PREDECESSORS, existed=False))
    result = run(check_mode if checks else context, issuer, CallerHolder(None))
    returned = UNKNOWN if checks else {"token": NEW}
    assert result == Result(
        changed=True,
        values=values_of_successor(reason="missing", **returned),
        before={"name": "nightly", "token": "absent", "scopes": None},
        after={"name": "nightly", "token": "new", "scopes": ["repo:read", "repo:write"]},
    )


def test_rotation(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The order: observe, prepare, mint, deliver, retire. The present secret is retired last."""
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR))
    holder = stores(stored_secret(PRESENT), stored_secret(FORMER))
    result = run(context, issuer, holder)
    assert events == [
        "observe",
        "prepare",
        "prepare a",
        "prepare b",
        "mint",
        "write a",
        "write b",
        "release b",
        "release a",
        "retire lost",
        "retire former",
        "retire present",
    ]
    assert issuer.stored == [stored_secret(PRESENT), stored_secret(FORMER)]
    assert deliveries(holder) == [[DELIVERY_OF_NEW], [DELIVERY_OF_NEW]]
    assert result == Result(
        changed=True,
        values=values_of_successor(delivered=["a", "b"], retired=["lost", "former", "present"]),
        before={
            "name": "nightly",
            "token": "present",
            "scopes": ["repo:read"],
            "deliver": {"a": "current", "b": "other"},
            "superseded": ["lost", "former", "present"],
        },
        after={
            "name": "nightly",
            "token": "new",
            "scopes": ["repo:read", "repo:write"],
            "deliver": {"a": "new", "b": "new"},
            "superseded": [],
        },
    )


def test_issuer_prepares_what_it_mints(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """It gets the evaluated observation, and mints from what it has prepared. The diff shows what it adds."""
    rights = {"rights": (["read on acme/a"], ["read on acme/a", "write on acme/b"]), "username": (None, "acme+ci_b")}
    prepared = replace(observation(), username="acme+ci_b", extra_diff=rights)
    issuer = FakeIssuer(events, observation(), prepared=prepared, minted=Minted(SUCCESSOR))
    result = run(context, issuer, stores(stored_secret(PRESENT)))
    evaluated = observation()
    assert issuer.prepared_from == replace(evaluated, state=replace(evaluated.state, deliveries=("current",)))
    assert issuer.minted_from == prepared
    shown = {"name", "token", "scopes", "rights", "username", "deliver", "superseded"}
    assert set(result.before) == set(result.after) == shown
    assert (result.before["rights"], result.after["rights"]) == rights["rights"]
    assert (result.before["username"], result.after["username"]) == rights["username"]


def test_secret_that_was_missing_after_all(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The robot was deleted after it had been observed, so that it was created."""
    issuer = FakeIssuer(events, observation(), minted=Minted(WITHOUT_PREDECESSORS, existed=False))
    result = run(context, issuer, stores(stored_secret(PRESENT)))
    assert result.values["reason"] == "missing"
    assert (result.before["token"], result.before["scopes"]) == ("absent", None)


@pytest.mark.parametrize(
    ("policy", "secret_state", "reason"), [(FORCED, STORED_VALID, "forced"), (WHEN_DUE, STORED_INVALID, "invalid")]
)
def test_reason_is_returned(
    context: ModuleContext, events: list[str], stores: Stores, policy: Policy, secret_state: str, reason: str
) -> None:
    issuer = FakeIssuer(events, observation(secret_state=secret_state), minted=Minted(SUCCESSOR))
    result = run(context, issuer, stores(stored_secret(PRESENT)), policy)
    assert (result.values["reason"], result.values["minted"]) == (reason, True)
    assert result.before["deliver"] == {"a": "current" if secret_state == STORED_VALID else "other"}


# --- nothing to mint


def test_nothing_to_do(context: ModuleContext, events: list[str], stores: Stores) -> None:
    issuer = FakeIssuer(events, observation(replace(OLD, superseded=())))
    result = run(context, issuer, stores(stored_secret(PRESENT)), NOT_DUE)
    assert events == ["observe"]
    assert result == Result(changed=False, values=values())


def test_due_credential_that_is_never_rotated(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The reason is returned all the same."""
    issuer = FakeIssuer(events, observation(replace(OLD, superseded=())))
    result = run(context, issuer, stores(stored_secret(PRESENT)), replace(WHEN_DUE, rotate="never"))
    assert events == ["observe"]
    assert result == Result(changed=False, values=values(reason="expiring"))


def test_delivery_of_the_present_secret(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """Only the stores that need it are written. What the secret replaced is retired when all stores hold it."""
    issuer = FakeIssuer(events, observation())
    holder = stores(stored_secret(PRESENT), stored_secret(FORMER), None)
    result = run(context, issuer, holder, NOT_DUE)
    assert events == [
        "observe",
        "prepare b",
        "prepare c",
        "write b",
        "write c",
        "release c",
        "release b",
        "retire lost",
        "retire former",
    ]
    record = Record(
        fingerprint(PRESENT), OLD.created_at, OLD.expires_at, "present", ("lost", "former"), username="$oauthtoken"
    )
    delivery = Delivery(PRESENT, "$oauthtoken", "nightly", record)
    assert deliveries(holder) == [[], [delivery], [delivery]]
    assert result == Result(
        changed=True,
        values=values(reason="undelivered", delivered=["b", "c"], retired=["lost", "former"]),
        before={
            "name": "nightly",
            "token": "present",
            "deliver": {"a": "current", "b": "other", "c": "absent"},
            "superseded": ["lost", "former"],
        },
        after={
            "name": "nightly",
            "token": "present",
            "deliver": {"a": "current", "b": "current", "c": "current"},
            "superseded": [],
        },
    )


def test_delivery_of_a_lost_record(context: ModuleContext, events: list[str], stores: Stores) -> None:
    credential = replace(OLD, superseded=())
    for record_required, expected in ((False, ["observe"]), (True, ["observe", "prepare a", "write a", "release a"])):
        events.clear()
        issuer = FakeIssuer(events, observation(credential), record_required=record_required)
        run(context, issuer, stores(StoredSecret(PRESENT)), NOT_DUE)
        assert events == expected


def test_what_is_revoked_is_proven(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """Not the credential that a record names, but the one that Quay shows. It is asked only if something is due."""
    by_record = observation(replace(OLD, uuid="victim", superseded=("of others",)), by_record=True)
    proven = observation(replace(OLD, superseded=("lost",)))
    run(
        context,
        FakeIssuer(events, observation(replace(OLD, superseded=()), by_record=True)),
        stores(BY_RECORD),
        NOT_DUE,
    )
    assert events == ["observe"]
    events.clear()
    run(context, FakeIssuer(events, by_record, proven=proven), stores(BY_RECORD), NOT_DUE)
    assert events == ["observe", "prove", "retire lost"]
    events.clear()
    minted = Minted(replace(SUCCESSOR, superseded=("lost", "present")))
    issuer = FakeIssuer(events, by_record, proven=proven, minted=minted)
    result = run(context, issuer, stores(BY_RECORD), FORCED)
    assert issuer.prepared_from is not None
    assert issuer.prepared_from.credential == proven.credential
    assert events[:3] == ["observe", "prove", "prepare"]
    assert result.values["retired"] == ["lost", "present"]


def test_what_is_minted_need_not_be_proven(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """If the records matter only for what is delivered or revoked without minting."""
    by_record = observation(replace(OLD, superseded=()), by_record=True, mints_by_record=True)
    run(context, FakeIssuer(events, by_record, minted=Minted(SUCCESSOR)), stores(BY_RECORD), FORCED)
    assert events[:2] == ["observe", "prepare"]
    events.clear()
    left = observation(replace(OLD, superseded=("victim",)), by_record=True, mints_by_record=True)
    proven = observation(replace(OLD, superseded=("lost",)))
    run(context, FakeIssuer(events, left, proven=proven), stores(BY_RECORD), NOT_DUE)
    assert events == ["observe", "prove", "retire lost"]


def test_revocation_by_a_later_run(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """Nothing is minted or delivered, and the grace period of what the secret replaced is over."""
    issuer = FakeIssuer(events, observation())
    result = run(context, issuer, stores(stored_secret(PRESENT)), replace(NOT_DUE, retire_after=DAY))
    assert events == ["observe", "retire lost", "retire former"]
    assert result == Result(
        changed=True,
        values=values(retired=["lost", "former"]),
        before={
            "name": "nightly",
            "token": "present",
            "deliver": {"a": "current"},
            "superseded": ["lost", "former"],
        },
        after={"name": "nightly", "token": "present", "deliver": {"a": "current"}, "superseded": []},
    )


# --- what is retired


@pytest.mark.parametrize(
    ("policy", "retired", "kept"),
    [
        (Policy(rotate="always"), ["lost", "former", "present"], []),
        (Policy(rotate="always", retire_after=DAY), ["lost", "former"], ["present"]),
        (Policy(rotate="always", retire_after=timedelta(0)), ["lost", "former", "present"], []),
        (Policy(rotate="always", overlaps=True), ["lost", "former"], ["present"]),
        (Policy(rotate="always", overlaps=True, retire_after=timedelta(0)), ["lost", "former", "present"], []),
    ],
)
def test_grace_period_of_the_replaced_secret(
    context: ModuleContext, events: list[str], stores: Stores, policy: Policy, retired: list[str], kept: list[str]
) -> None:
    """After minting, only the replaced secret has its grace period: its consumers had time to leave the former one."""
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR))
    result = run(context, issuer, stores(stored_secret(PRESENT)), policy)
    assert [event for event in events if event.startswith("retire")] == [f"retire {handle}" for handle in retired]
    assert (result.values["retired"], result.values["superseded"]) == (retired, kept)
    assert (result.before["superseded"], result.after["superseded"]) == (["lost", "former", "present"], kept)


def test_grace_period_begins_with_the_delivery(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """An outdated store has the former secret until this run, whenever the present one was issued."""
    issuer = FakeIssuer(events, observation())
    holder = stores(stored_secret(FORMER))
    result = run(context, issuer, holder, replace(NOT_DUE, retire_after=DAY))
    assert (result.values["retired"], result.values["superseded"]) == (["lost"], ["former"])


@pytest.mark.parametrize("present", [PRESENT, FORMER])
@pytest.mark.parametrize("policy", [WHEN_DUE, NOT_DUE])
def test_nothing_is_retired_without_permission(
    context: ModuleContext, events: list[str], stores: Stores, policy: Policy, present: str
) -> None:
    minted = Minted(SUCCESSOR) if policy is WHEN_DUE else None
    issuer = FakeIssuer(events, observation(), minted=minted)
    result = run(context, issuer, stores(stored_secret(present)), policy, retires=False)
    assert [event for event in events if event.startswith("retire")] == []
    superseded = ["lost", "former"] + (["present"] if minted else [])
    assert (result.values["retired"], result.values["superseded"]) == ([], superseded)
    if result.changed:
        assert result.before["superseded"] == result.after["superseded"] == superseded


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("login", "order"),
    [
        (None, ["lost", "former", "present"]),
        ("lost", ["former", "present", "lost"]),
        ("other", ["lost", "former", "present"]),
    ],
)
def test_token_of_the_login_is_revoked_last(
    quay: FakeQuay, events: list[str], stores: Stores, login: str | None, order: list[str], check_mode: bool
) -> None:
    """It revokes the others, and then itself."""
    context = module_context(quay, check_mode=check_mode)
    context.login_uuid = login
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR))
    result = run(context, issuer, stores(stored_secret(PRESENT)))
    assert result.values["retired"] == order
    assert [event for event in events if event.startswith("retire")] == (
        [] if check_mode else [f"retire {handle}" for handle in order]
    )
    # What the next tasks of a run log in with. Check mode knows of none.
    assert result.secret == (None if check_mode else NEW)
    assert NEW not in repr(result)


def test_nothing_is_retired_while_the_present_secret_is_unknown(
    context: ModuleContext, events: list[str], stores: Stores
) -> None:
    """A consumer may use any of the superseded ones."""
    unknown = observation(replace(OLD, secret=None, uuid=None), STORED_INVALID)
    issuer = FakeIssuer(events, unknown)
    result = run(context, issuer, stores(stored_secret(FORMER)), Policy(rotate="never"))
    assert events == ["observe"]
    assert (result.changed, result.values["superseded"]) == (False, ["lost", "former"])


def test_what_a_store_still_holds_is_not_retired(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The credential is due, so its present secret is not delivered, but it is not replaced either."""
    issuer = FakeIssuer(events, observation())
    holder = stores(stored_secret(PRESENT), stored_secret(FORMER))
    result = run(context, issuer, holder, replace(WHEN_DUE, rotate="never"))
    assert events == ["observe"]
    assert result == Result(changed=False, values=values(reason="expiring", superseded=["lost", "former"]))


def test_secret_without_a_handle_is_not_retired(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The former token of a robot is invalid as soon as it is replaced."""
    robot = replace(OLD, uuid=None, superseded=())
    issuer = FakeIssuer(events, observation(robot), minted=Minted(WITHOUT_PREDECESSORS))
    result = run(context, issuer, stores(stored_secret(PRESENT)))
    assert events[-1] == "release a"
    assert (result.values["retired"], result.values["superseded"]) == ([], [])
    assert "superseded" not in {**result.before, **result.after}


# --- failures

REFUSED = QuayError("refused")


def fails_with(error: Exception, context: ModuleContext, issuer: FakeIssuer, holder: Any) -> None:
    with pytest.raises(type(error)) as caught:
        run(context, issuer, holder)
    assert caught.value is error


def test_issuer_that_cannot_prepare(context: ModuleContext, events: list[str], stores: Stores) -> None:
    issuer = FakeIssuer(events, observation(), prepared=REFUSED, minted=Minted(SUCCESSOR))
    fails_with(REFUSED, context, issuer, stores(stored_secret(PRESENT)))
    assert events == ["observe", "prepare"]


def test_store_that_cannot_be_prepared(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """Nothing is minted."""
    full = LocalFileError("no space left")
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR))
    fails_with(full, context, issuer, stores(stored_secret(PRESENT), None, fails={"prepare": full}))
    assert events == ["observe", "prepare", "prepare a"]


def test_mint_that_is_refused(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """Nothing is delivered, and nothing is retired."""
    issuer = FakeIssuer(events, observation(), minted=REFUSED)
    holder = stores(stored_secret(PRESENT))
    fails_with(REFUSED, context, issuer, holder)
    assert events == ["observe", "prepare", "prepare a", "mint"]
    assert deliveries(holder) == [[]]


def test_delivery_that_fails(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The other stores are written, because the former secret may be invalid already, and nothing is retired."""
    lost = LocalFileError("something else writes it")
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR))
    fails_with(lost, context, issuer, stores(stored_secret(PRESENT), None, fails={"write": lost}))
    assert events == ["observe", "prepare", "prepare a", "prepare b", "mint", "write a", "write b"]


def test_each_store_that_fails_is_named(context: ModuleContext, events: list[str]) -> None:
    failing = [
        FakeStore(place, events, stored_secret(PRESENT), fails={"write": LocalFileError(f"{place} is full")})
        for place in "ab"
    ]
    with StoreHolder(failing) as holder, pytest.raises(StoreError, match="^a is full; b is full$"):
        run(context, FakeIssuer(events, observation(), minted=Minted(SUCCESSOR)), holder)


def test_secret_that_could_not_be_verified(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The old one is invalid already, so the new one is delivered before the run fails. Nothing is retired."""
    minted = Minted(SUCCESSOR, verification_error=QuayError("GET /v2/auth: no response within 10 s (timeout)"))
    issuer = FakeIssuer(events, observation(), minted=minted)
    holder = stores(stored_secret(PRESENT))
    with pytest.raises(RefusedCredential) as caught:
        run(context, issuer, holder)
    assert str(caught.value) == (
        "The new secret of nightly could not be verified: GET /v2/auth: no response within 10 s (timeout). It was "
        "delivered anyway, because the old one is invalid already. Run the task again"
    )
    assert events == ["observe", "prepare", "prepare a", "mint", "write a", "release a"]
    assert deliveries(holder) == [[DELIVERY_OF_NEW]]


def test_returned_secret_that_could_not_be_verified(context: ModuleContext, events: list[str]) -> None:
    minted = Minted(SUCCESSOR, verification_error=QuayError("GET /v2/auth: the response was cut off"))
    issuer = FakeIssuer(events, observation(), minted=minted)
    with pytest.raises(RefusedCredential) as caught:
        run(context, issuer, CallerHolder(PRESENT))
    assert str(caught.value) == (
        "The new secret of nightly could not be verified: GET /v2/auth: the response was cut off. Quay returns it "
        "again. Run the task again"
    )
    assert events == ["observe", "prepare", "mint"]


def test_revocation_that_fails(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """The stores hold the new secret, so the run fails at once. A later run finds what is left."""
    issuer = FakeIssuer(
        events, observation(), minted=Minted(SUCCESSOR), fails_to_retire={"former": REFUSED, "present": REFUSED}
    )
    fails_with(REFUSED, context, issuer, stores(stored_secret(PRESENT)))
    assert events[-4:] == ["write a", "release a", "retire lost", "retire former"]


def test_revocation_that_fails_while_the_caller_waits_for_the_secret(
    context: ModuleContext, events: list[str], warnings: list[str]
) -> None:
    """A failure would lose the new secret, so it is a warning. The other secrets are revoked."""
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), fails_to_retire={"former": REFUSED})
    result = run(context, issuer, CallerHolder(PRESENT))
    assert events == ["observe", "prepare", "mint", "retire lost", "retire former", "retire present"]
    assert warnings == ["The superseded token former could not be revoked and is still valid: refused"]
    assert result == Result(
        changed=True,
        values=values_of_successor(token=NEW, retired=["lost", "present"], superseded=["former"]),
        before={
            "name": "nightly",
            "token": "present",
            "scopes": ["repo:read"],
            "superseded": ["lost", "former", "present"],
        },
        after={
            "name": "nightly",
            "token": "new",
            "scopes": ["repo:read", "repo:write"],
            "superseded": ["former"],
        },
    )


def test_unforeseen_error_of_a_revocation_is_raised(context: ModuleContext, events: list[str]) -> None:
    defect = ValueError("a defect")
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), fails_to_retire={"lost": defect})
    fails_with(defect, context, issuer, CallerHolder(PRESENT))


# --- robots that take turns


def test_outdated_stores_get_the_present_secret_before_a_pair_mints(
    context: ModuleContext, events: list[str], stores: Stores
) -> None:
    """Minting invalidates the former secret, which an interrupted run left in a store."""
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), record_required=True)
    holder = stores(stored_secret(PRESENT), stored_secret(FORMER), StoredSecret(PRESENT))
    run(context, issuer, holder)
    assert events == [
        "observe",
        "prepare",
        "prepare b",
        "write b",
        "release b",
        "prepare a",
        "prepare b",
        "prepare c",
        "mint",
        "write a",
        "write b",
        "write c",
        "release c",
        "release b",
        "release a",
        "retire lost",
        "retire former",
        "retire present",
    ]
    assert [[delivery.secret for delivery in written] for written in deliveries(holder)] == [
        [NEW],
        [PRESENT, NEW],
        [NEW],
    ]


def test_delivery_for_a_pair_writes_each_store_once(context: ModuleContext, events: list[str], stores: Stores) -> None:
    issuer = FakeIssuer(events, observation(replace(OLD, superseded=())), record_required=True)
    run(context, issuer, stores(stored_secret(PRESENT), stored_secret(FORMER)), NOT_DUE)
    assert events == ["observe", "prepare b", "write b", "release b"]


def test_pair_without_a_present_secret(context: ModuleContext, events: list[str], stores: Stores) -> None:
    issuer = FakeIssuer(events, MISSING, minted=Minted(WITHOUT_PREDECESSORS, existed=False), record_required=True)
    run(context, issuer, stores(None))
    assert events == ["observe", "prepare", "prepare a", "mint", "write a", "release a"]


def test_update_of_an_outdated_store_that_fails(context: ModuleContext, events: list[str], stores: Stores) -> None:
    """Nothing is minted: the former secret stays valid."""
    lost = LocalFileError("something else writes it")
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), record_required=True)
    fails_with(lost, context, issuer, stores(stored_secret(FORMER), fails={"write": lost}))
    assert events == ["observe", "prepare", "prepare a", "write a"]


# --- what the user's own tasks deliver


def with_tasks(*, confirming: bool = False, unchanged: bool = False) -> StoreHolder:
    """A store that holds the present secret, and a task file."""
    store = FakeStore("a", [], stored_secret(PRESENT))
    fleet = Fleet(confirming=confirming, unchanged=unchanged)
    with StoreHolder([store, TaskFileStore({"tasks_file": "gitlab.yml"})], fleet=fleet) as holder:
        return holder


def test_nothing_is_retired_before_the_tasks_succeeded(context: ModuleContext, events: list[str]) -> None:
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR))
    result = run(context, issuer, with_tasks())
    assert (result.values["delivered"], result.values["retired"]) == (["a", "tasks gitlab.yml"], [])
    assert result.values["superseded"] == ["lost", "former", "present"]
    events.clear()
    waiting = run(context, FakeIssuer(events, observation()), with_tasks(), NOT_DUE)
    assert (waiting.changed, events) == (False, ["observe"])


def test_check_mode_predicts_that_the_tasks_succeed(check_mode: ModuleContext, events: list[str]) -> None:
    result = run(check_mode, FakeIssuer(events, observation(), minted=Minted(SUCCESSOR)), with_tasks())
    assert result.values["retired"] == ["lost", "former", "present"]


@pytest.mark.parametrize(("unchanged", "retired"), [(True, ["retire lost", "retire former"]), (False, ["retire lost"])])
def test_predecessor_is_retired_by_a_run_that_delivered_nothing(
    context: ModuleContext, events: list[str], unchanged: bool, retired: list[str]
) -> None:
    """What was replaced stays until another run, and the tasks of that run succeeded."""
    policy = Policy(overlaps=True, rotate="never")
    run(context, FakeIssuer(events, observation()), with_tasks(confirming=True, unchanged=unchanged), policy)
    assert events[-len(retired) :] == retired


def test_pair_takes_no_turn_while_the_tasks_may_have_left_the_former_robot(
    context: ModuleContext, events: list[str]
) -> None:
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), record_required=True)
    result = run(context, issuer, with_tasks())
    assert (result.values["minted"], events) == (False, ["observe"])
    assert result.message == "expires in 10 days; first, all consumers get the present secret"
    # A secret that leaked does not wait.
    assert run(context, issuer, with_tasks(), FORCED).values["minted"]


# --- the caller holds the secret


@pytest.mark.parametrize("readable", [False, True])
@pytest.mark.parametrize("held", [None, PRESENT, FORMER])
@pytest.mark.parametrize("checks", [False, True])
def test_new_secret_is_returned(
    context: ModuleContext, check_mode: ModuleContext, events: list[str], checks: bool, held: str, readable: bool
) -> None:
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), secret_is_readable=readable)
    result = run(check_mode if checks else context, issuer, CallerHolder(held))
    assert result.values["token"] == (None if checks else NEW)
    assert (result.changed, "deliver" in result.before, "deliver" in result.after) == (True, False, False)


@pytest.mark.parametrize(
    ("readable", "held", "reason", "returned"),
    [
        (True, None, "not_due", PRESENT),
        (True, FORMER, "undelivered", PRESENT),
        (True, PRESENT, "not_due", None),
        (False, None, "not_due", None),
        (False, FORMER, "undelivered", None),
        (False, PRESENT, "not_due", None),
    ],
)
def test_present_secret_is_returned_to_a_caller_that_does_not_hold_it(
    context: ModuleContext,
    check_mode: ModuleContext,
    events: list[str],
    readable: bool,
    held: str | None,
    reason: str,
    returned: str | None,
) -> None:
    """Only a secret that Quay returns again can be. Returning it changes nothing."""
    issuer = FakeIssuer(events, observation(replace(OLD, superseded=())), secret_is_readable=readable)
    assert run(context, issuer, CallerHolder(held), NOT_DUE) == Result(False, values(reason=reason, token=returned))
    assert run(check_mode, issuer, CallerHolder(held), NOT_DUE) == Result(False, values(reason=reason))
    assert events == ["observe", "observe"]


def test_secret_of_stores_is_never_returned(context: ModuleContext, events: list[str], stores: Stores) -> None:
    issuer = FakeIssuer(events, observation(), minted=Minted(SUCCESSOR), secret_is_readable=True)
    result = run(context, issuer, stores(stored_secret(FORMER)))
    assert result.values["token"] is None
    assert NEW not in repr(result)


@pytest.mark.parametrize("checks", [False, True])
def test_secret_that_changes_nothing_on_the_server(
    context: ModuleContext, check_mode: ModuleContext, events: list[str], stores: Stores, checks: bool
) -> None:
    """Issuing a registry token changes nothing in Quay. Delivering it changes the stores."""
    minted = Minted(WITHOUT_PREDECESSORS)
    observed = observation(replace(OLD, superseded=(), uuid=None))
    used = check_mode if checks else context
    result = run(used, FakeIssuer(events, observed, minted=minted, changes_quay=False), CallerHolder(PRESENT))
    expected = values_of_successor(**UNKNOWN) if checks else values_of_successor(token=NEW)
    assert result == Result(changed=False, values=expected)
    issuer = FakeIssuer(events, observed, minted=minted, changes_quay=False)
    assert run(used, issuer, stores(stored_secret(PRESENT))).changed


# --- check mode

CHECKED: dict[str, tuple[Observation, Policy, tuple[StoredSecret | None, ...], Credential, bool]] = {
    "first secret": (MISSING, WHEN_DUE, (None, None), WITHOUT_PREDECESSORS, False),
    "rotation": (observation(), WHEN_DUE, (stored_secret(PRESENT), stored_secret(FORMER)), SUCCESSOR, True),
    "forced": (observation(), FORCED, (stored_secret(PRESENT),), SUCCESSOR, True),
    "grace period": (observation(), replace(WHEN_DUE, retire_after=DAY), (stored_secret(PRESENT),), SUCCESSOR, True),
    "delivery": (observation(), NOT_DUE, (stored_secret(PRESENT), stored_secret(FORMER)), SUCCESSOR, True),
    "revocation": (observation(), NOT_DUE, (stored_secret(PRESENT),), SUCCESSOR, True),
    "nothing to do": (observation(replace(OLD, superseded=())), NOT_DUE, (stored_secret(PRESENT),), SUCCESSOR, True),
    "caller": (observation(), WHEN_DUE, (), SUCCESSOR, True),
}


@pytest.mark.parametrize("retires", [False, True])
@pytest.mark.parametrize("case", CHECKED)
def test_check_mode_predicts(
    context: ModuleContext, check_mode: ModuleContext, events: list[str], stores: Stores, case: str, retires: bool
) -> None:
    """The same result and diff as of a real run, without what only a new secret has. Nothing is written."""
    observed, policy, stored, successor, existed = CHECKED[case]

    def holder() -> Any:
        return stores(*stored) if stored else CallerHolder(PRESENT)

    def issuer() -> FakeIssuer:
        return FakeIssuer(events, observed, minted=Minted(successor, existed))

    result = run(context, issuer(), holder(), policy, retires=retires)
    events.clear()
    predicted = run(check_mode, issuer(), holder(), policy, retires=retires)
    assert events == (["observe", "prepare"] if result.values["minted"] else ["observe"])
    unknown = UNKNOWN if result.values["minted"] else {}
    assert predicted == replace(result, values={**result.values, **unknown})


def test_check_mode_predicts_the_user_of_the_new_secret(
    check_mode: ModuleContext, events: list[str], stores: Stores
) -> None:
    prepared = replace(observation(), username="acme+ci_b")
    result = run(check_mode, FakeIssuer(events, observation(), prepared=prepared), stores(stored_secret(PRESENT)))
    assert result.values["username"] == "acme+ci_b"


def test_check_mode_refuses_what_cannot_be_minted(check_mode: ModuleContext, events: list[str], stores: Stores) -> None:
    fails_with(REFUSED, check_mode, FakeIssuer(events, observation(), prepared=REFUSED), stores(None))


def test_check_mode_does_not_update_outdated_stores(
    check_mode: ModuleContext, events: list[str], stores: Stores
) -> None:
    issuer = FakeIssuer(events, observation(), record_required=True)
    run(check_mode, issuer, stores(stored_secret(FORMER)))
    assert events == ["observe", "prepare"]


# --- warnings


@pytest.mark.parametrize("checks", [False, True])
def test_warnings_of_stores(
    context: ModuleContext,
    check_mode: ModuleContext,
    events: list[str],
    stores: Stores,
    warnings: list[str],
    checks: bool,
) -> None:
    issuer = FakeIssuer(events, observation(replace(OLD, superseded=())))
    holder = stores(stored_secret(PRESENT), warnings=["Every user can read it.", "It has 2 hard links."])
    run(check_mode if checks else context, issuer, holder, NOT_DUE)
    assert warnings == ["Every user can read it.", "It has 2 hard links."]


# --- clear_stores

GONE = Credential("nightly", "$oauthtoken", details={"scopes": []})
VALUES_OF_GONE: dict[str, Any] = {
    **UNKNOWN,
    "registry": "quay.example.com",
    "api_url": "https://quay.example.com/api/v1",
    "reason": "not_due",
    "minted": False,
    "delivered": [],
    "retired": [],
    "deleted": [],
    "removed": [],
    "name": "nightly",
    "username": "$oauthtoken",
    "superseded": [],
    "scopes": [],
}


@pytest.mark.parametrize("checks", [False, True])
def test_clear_stores(
    context: ModuleContext,
    check_mode: ModuleContext,
    events: list[str],
    stores: Stores,
    warnings: list[str],
    checks: bool,
) -> None:
    """Check mode predicts the same result and removes nothing."""
    holder = stores(stored_secret(PRESENT, "$oauthtoken"), None, stored_secret(FORMER))
    used = check_mode if checks else context
    result = clear_stores(used, holder, GONE, existed=True, revoked=["former", "present"], deleted=["acme+ci"])
    assert events == ([] if checks else ["remove a", "remove c"])
    assert result == Result(
        changed=True,
        values={
            **VALUES_OF_GONE,
            "reason": "absent",
            "retired": ["former", "present"],
            "deleted": ["acme+ci"],
            "removed": ["a", "c"],
        },
        before={
            "name": "nightly",
            "token": "present",
            "deliver": {"a": "present", "c": "present"},
            "revoked": [],
        },
        after={
            "name": "nightly",
            "token": "absent",
            "deliver": {"a": "absent", "c": "absent"},
            "revoked": ["former", "present"],
        },
    )
    assert warnings == []


def test_clear_stores_that_are_empty(context: ModuleContext, events: list[str], stores: Stores) -> None:
    result = clear_stores(context, stores(None, None), GONE, existed=False)
    assert events == []
    same = {"name": "nightly", "token": "absent"}
    assert result == Result(False, VALUES_OF_GONE, same, same)


@pytest.mark.parametrize(("existed", "revoked"), [(True, []), (False, ["former"]), (True, ["present"])])
def test_removal_without_stores(context: ModuleContext, events: list[str], existed: bool, revoked: list[str]) -> None:
    result = clear_stores(context, CallerHolder(PRESENT), GONE, existed=existed, revoked=revoked)
    token = {"name": "nightly", "token": "present" if existed else "absent"}
    before = {**token, "revoked": []} if revoked else token
    after = {**token, "token": "absent", "revoked": revoked} if revoked else {**token, "token": "absent"}
    assert result == Result(True, {**VALUES_OF_GONE, "reason": "absent", "retired": revoked}, before, after)


@pytest.mark.parametrize(("usernames", "removed"), [((), []), (["acme+ci_a", "acme+ci_b"], ["remove b"])])
def test_secret_of_another_user_is_not_removed(
    context: ModuleContext,
    events: list[str],
    stores: Stores,
    warnings: list[str],
    usernames: list[str],
    removed: list[str],
) -> None:
    holder = stores(stored_secret(FORMER, "acme+other"), stored_secret(PRESENT, "acme+ci_b"))
    result = clear_stores(context, holder, GONE, existed=False, usernames=usernames)
    assert events == removed
    assert result.changed is bool(removed)
    assert result.before.get("deliver") == ({"b": "present"} if removed else None)
    skipped = ["a holds a secret of acme+other. It was not changed."]
    assert warnings == skipped + ([] if removed else ["b holds a secret of acme+ci_b. It was not changed."])


# --- parts


def test_superseded_by_minting() -> None:
    """The present secret comes last, because the run may authenticate with it."""
    assert superseded_by_minting(OLD) == ("lost", "former", "present")
    assert superseded_by_minting(replace(OLD, uuid=None)) == ("lost", "former")
    robot = Credential("ci", "acme+ci_a", PRESENT, robot_handle="acme+ci_a@0123456789ab")
    assert superseded_by_minting(robot) == ("acme+ci_a@0123456789ab",)


def test_return_values(context: ModuleContext) -> None:
    assert return_values(context, replace(OLD, superseded=()), "not_due") == values()
    assert return_values(
        context,
        SUCCESSOR,
        "expiring",
        token=NEW,
        minted=True,
        window=WINDOW,
        delivered=("a",),
        retired=("lost",),
    ) == values_of_successor(token=NEW, delivered=["a"], retired=["lost"], superseded=["lost", "former", "present"])
