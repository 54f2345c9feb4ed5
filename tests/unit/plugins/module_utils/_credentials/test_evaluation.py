# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evaluation of one credential: what was observed and stored, compared with the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import (
    Evaluation,
    Observation,
    evaluate,
    evaluate_removal,
    observe_each,
    revocable,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import (
    DECLARED_ABSENT,
    DELIVER,
    INVALID,
    MINT,
    MISSING,
    NOT_DUE,
    NOTHING,
    REMOVE,
    RETIRE,
    STORED_EXPIRED,
    STORED_INVALID,
    STORED_NONE,
    STORED_VALID,
    TOO_OLD,
    UNDELIVERED,
    Decision,
    ObservedState,
    Policy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
SECRET = "PRES3NT" * 6
FORMER = "F0RM3R" * 6

CURRENT = stored_secret(SECRET)
OUTDATED = stored_secret(FORMER)
EMPTY = StoredSecret()
UNRECORDED = StoredSecret(SECRET)
READABLE_BY_OTHERS = replace(CURRENT, permissions_match=False)


def observation(
    secret_state: str = STORED_VALID,
    *,
    exists: bool = True,
    superseded: tuple[str, ...] = (),
    predecessors: tuple[str, ...] = (),
    age: timedelta | None = 10 * DAY,
) -> Observation:
    created = None if age is None else NOW - age
    return Observation(
        ObservedState(exists=exists, secret=secret_state, created_at=created),
        Credential("nightly", "$oauthtoken", SECRET, created_at=created, superseded=superseded),
        {"scopes": ["repo:read"]},
        predecessors,
    )


def delivered(observed: Observation, *deliveries: str) -> Observation:
    """The same observation with what each store holds."""
    return replace(observed, state=replace(observed.state, deliveries=deliveries))


# --- observe_each


def observe_secrets(stored: list[StoredSecret], accepted: dict[str, datetime | None]) -> list[Observation]:
    """Observe secrets of which Quay accepts some, each with the time at which it was issued."""

    def observe(item: StoredSecret) -> Observation:
        secret = str(item.secret)
        state = STORED_VALID if secret in accepted else STORED_INVALID
        return Observation(
            ObservedState(exists=True, secret=state, created_at=accepted.get(secret, NOW)),
            Credential(secret, None, uuid=secret),
        )

    return observe_each(stored, observe)


@pytest.mark.parametrize(
    ("accepted", "order"),
    [
        ({"a": NOW - DAY, "b": NOW, "c": NOW - 2 * DAY}, ["b", "a", "c"]),
        ({"a": NOW - DAY, "b": None, "c": NOW - 2 * DAY}, ["a", "c", "b"]),
        ({"c": None}, ["c", "b", "a"]),
        ({"c": NOW - 9 * DAY}, ["c", "b", "a"]),
        ({"a": NOW - 9 * DAY}, ["a", "c", "b"]),
    ],
)
def test_newest_secret_that_quay_accepts_comes_first(accepted: dict[str, datetime | None], order: list[str]) -> None:
    """A secret that Quay does not accept comes after all others, however new it is."""
    stored = [StoredSecret(secret) for secret in "abc"]
    assert [observed.credential.name for observed in observe_secrets(stored, accepted)] == order


def test_superseded_secret_is_the_older_one() -> None:
    """Whatever the times say: two secrets can be issued within one second. Only the record of a secret counts."""
    credentials = {"a": "1", "b": "2", "c": "3"}

    def observe(item: StoredSecret) -> Observation:
        secret = str(item.secret)
        return Observation(
            ObservedState(exists=True, created_at=NOW + DAY if secret == "a" else NOW),
            Credential(secret, None, uuid=credentials[secret]),
        )

    stored = [
        stored_secret("a"),
        stored_secret("b", superseded=("1", "3")),
        replace(stored_secret("x", superseded=("2",)), secret="c"),
    ]
    for order in (stored, stored[::-1]):
        assert [observed.credential.name for observed in observe_each(order, observe)] == ["b", "a", "c"]


def test_each_distinct_secret_is_observed_once() -> None:
    """Of equal secrets, that of the first store counts. Stores without a secret are left out."""
    seen: list[StoredSecret] = []

    def observe(item: StoredSecret) -> Observation:
        seen.append(item)
        return observation()

    stored = [EMPTY, StoredSecret(""), CURRENT, OUTDATED, UNRECORDED, READABLE_BY_OTHERS]
    assert len(observe_each(stored, observe)) == 2
    assert sorted(seen, key=lambda item: str(item.secret)) == [OUTDATED, CURRENT]
    assert observe_each([], observe) == observe_each([EMPTY], observe) == []


# --- evaluate

LIMITS = Policy(max_age=90 * DAY)
NOT_YET = Decision(NOT_DUE, "age 10 days", NOTHING)
RETIRES = Decision(NOT_DUE, "a superseded token is still valid", RETIRE)
LEFT: dict[str, Any] = {"superseded": ("old", "lost"), "predecessors": ("old",)}

# The policy, what is observed, what is stored; then what each store holds, and the decision.
EVALUATIONS: dict[str, tuple[Policy, Observation, list[StoredSecret], tuple[str, ...], Decision]] = {
    "nothing to do": (LIMITS, observation(), [CURRENT, CURRENT], ("current", "current"), NOT_YET),
    "no stores": (LIMITS, observation(), [], (), NOT_YET),
    "one outdated store": (
        LIMITS,
        observation(),
        [CURRENT, OUTDATED],
        ("current", "other"),
        Decision(UNDELIVERED, "the present token is not in 1 of 2 stores", DELIVER),
    ),
    "empty store": (
        LIMITS,
        observation(),
        [EMPTY],
        ("absent",),
        Decision(UNDELIVERED, "the present token is not in 1 of 1 stores", DELIVER),
    ),
    "wrong permissions": (
        LIMITS,
        observation(),
        [READABLE_BY_OTHERS],
        ("wrong_permissions",),
        Decision(UNDELIVERED, "owner or mode is wrong in 1 of 1 stores", DELIVER),
    ),
    "too old": (
        LIMITS,
        observation(age=91 * DAY),
        [CURRENT],
        ("current",),
        Decision(TOO_OLD, "age 91 days, limit 90 days", MINT),
    ),
    "missing": (
        LIMITS,
        observation(exists=False),
        [CURRENT],
        ("current",),
        Decision(MISSING, "does not exist yet", MINT),
    ),
    "no secret": (
        LIMITS,
        observation(STORED_NONE),
        [EMPTY],
        ("absent",),
        Decision(MISSING, "no store holds a token", MINT),
    ),
    "invalid secret": (
        LIMITS,
        observation(STORED_INVALID),
        [CURRENT, OUTDATED, EMPTY],
        ("other", "other", "absent"),
        Decision(INVALID, "Quay does not accept the stored token", MINT),
    ),
    "superseded secret": (LIMITS, observation(**LEFT), [CURRENT], ("current",), RETIRES),
    "superseded secret, no stores": (LIMITS, observation(**LEFT), [], (), NOT_YET),
    "superseded secret that a store may hold": (
        Policy(rotate="never", max_age=DAY),
        observation(**LEFT),
        [CURRENT, OUTDATED],
        ("current", "other"),
        Decision(TOO_OLD, "age 10 days, limit 1 day", NOTHING),
    ),
    "superseded secret, never rotated": (
        Policy(rotate="never", max_age=DAY),
        observation(**LEFT),
        [CURRENT],
        ("current",),
        Decision(TOO_OLD, "a superseded token is still valid", RETIRE),
    ),
    "superseded secret in its grace period": (
        Policy(retire_after=11 * DAY),
        observation(superseded=("old",), predecessors=("old",)),
        [CURRENT],
        ("current",),
        NOT_YET,
    ),
    "superseded secret after its grace period": (
        Policy(retire_after=10 * DAY),
        observation(superseded=("old",), predecessors=("old",)),
        [CURRENT],
        ("current",),
        RETIRES,
    ),
    "superseded secret of a credential that is minted": (
        LIMITS,
        observation(age=91 * DAY, **LEFT),
        [CURRENT],
        ("current",),
        Decision(TOO_OLD, "age 91 days, limit 90 days", MINT),
    ),
}


@pytest.mark.parametrize("case", EVALUATIONS)
def test_evaluate(case: str) -> None:
    policy, observed, stored, deliveries, decision = EVALUATIONS[case]
    evaluation = evaluate(policy, observed, stored, NOW, record_required=False)
    assert evaluation == Evaluation(delivered(observed, *deliveries), decision)
    assert evaluation.deliveries == deliveries


@pytest.mark.parametrize(
    ("record_required", "delivery", "decision"),
    [
        (False, "current", NOT_YET),
        (
            True,
            "unrecorded",
            Decision(UNDELIVERED, "the record of the token is missing in 1 of 1 stores", DELIVER),
        ),
    ],
)
def test_evaluate_a_lost_record(record_required: bool, delivery: str, decision: Decision) -> None:
    evaluation = evaluate(LIMITS, observation(), [UNRECORDED], NOW, record_required=record_required)
    assert evaluation == Evaluation(delivered(observation(), delivery), decision)


# --- evaluate_removal

BESIDE_OTHERS = StoredSecret(OUTDATED.secret, foreign=True, removable=False)
ABSENT: dict[str, Any] = {"exists": False, "secret_state": STORED_NONE}
OF_STRANGER = StoredSecret("s3cret of a stranger", None, "stranger")
OF_TOKEN = replace(observation(), credential=Credential("nightly", "$oauthtoken", SECRET, "uuid"))
REMOVALS: dict[str, tuple[Observation, list[StoredSecret], tuple[str, ...], bool]] = {
    "nothing left": (observation(**ABSENT), [EMPTY], ("absent",), False),
    "no stores": (observation(**ABSENT), [], (), False),
    "exists in Quay": (replace(observation(**ABSENT), exists_in_quay=True), [EMPTY], ("absent",), True),
    "gone from Quay": (replace(observation(), exists_in_quay=False), [EMPTY], ("absent",), False),
    "listed token": (OF_TOKEN, [EMPTY], ("absent",), True),
    "invalid secret": (observation(STORED_INVALID), [OUTDATED], ("other",), True),
    "content that is no credential": (observation(**ABSENT), [StoredSecret(foreign=True)], ("other",), False),
    "secret of somebody else": (observation(**ABSENT), [OF_STRANGER], ("other",), False),
    "secret of another robot of the credential": (
        replace(observation(**ABSENT), usernames=("acme+ci_b", "stranger")),
        [OF_STRANGER],
        ("other",),
        True,
    ),
    "superseded secret": (observation(superseded=("old",), **ABSENT), [EMPTY], ("absent",), True),
    "stored secret": (observation(**ABSENT), [EMPTY, OUTDATED], ("absent", "other"), True),
    "listed token beside content of others": (OF_TOKEN, [BESIDE_OTHERS], ("other",), True),
    "secret beside content of others": (observation(), [BESIDE_OTHERS], ("other",), False),
    "robot whose secret is beside content of others": (
        replace(observation(), exists_in_quay=True),
        [BESIDE_OTHERS],
        ("other",),
        True,
    ),
    "secret on another machine": (observation(**ABSENT), [StoredSecret(untold="0123456789ab")], ("other",), True),
    "secret of a robot that stays": (
        replace(observation(STORED_INVALID), usernames=("acme+ci_a", "acme+ci_b")),
        [replace(OUTDATED, username=observation().credential.username)],
        ("other",),
        False,
    ),
    "invalid secret beside content of others": (observation(STORED_INVALID), [BESIDE_OTHERS], ("other",), False),
    "another store": (observation(STORED_INVALID), [BESIDE_OTHERS, OUTDATED], ("other", "other"), True),
}


@pytest.mark.parametrize("case", REMOVALS)
def test_evaluate_removal(case: str) -> None:
    """A credential that is declared absent is never due."""
    observed, stored, deliveries, present = REMOVALS[case]
    decision = Decision(DECLARED_ABSENT, "declared absent", REMOVE) if present else Decision(NOT_DUE, "absent", NOTHING)
    evaluation = evaluate_removal(observed, stored, record_required=False)
    assert evaluation == Evaluation(delivered(observed, *deliveries), decision)


def test_evaluate_removal_of_an_unrecorded_secret() -> None:
    evaluation = evaluate_removal(observation(), [UNRECORDED], record_required=True)
    assert evaluation == Evaluation(
        delivered(observation(), "unrecorded"), Decision(DECLARED_ABSENT, "declared absent", REMOVE)
    )


# --- revocable


@pytest.mark.parametrize(
    ("policy", "observed", "handles"),
    [
        (Policy(), observation(), ()),
        (Policy(), observation(**LEFT), ("old", "lost")),
        (Policy(retire_after=11 * DAY), observation(**LEFT), ("lost",)),
        (Policy(retire_after=10 * DAY), observation(**LEFT), ("old", "lost")),
        (Policy(retire_after=11 * DAY), observation(age=None, **LEFT), ("old", "lost")),
        (Policy(overlaps=True), observation(**LEFT), ("old", "lost")),
        (Policy(), observation(STORED_INVALID, **LEFT), ()),
        (Policy(), observation(STORED_EXPIRED, **LEFT), ()),
        (Policy(), observation(STORED_NONE, **LEFT), ()),
    ],
)
def test_revocable(policy: Policy, observed: Observation, handles: tuple[str, ...]) -> None:
    """If the present secret is unknown, a consumer may use any of the superseded ones."""
    assert revocable(policy, observed, NOW) == handles


def test_representation_hides_secrets() -> None:
    evaluation = evaluate(LIMITS, observation(), [CURRENT], NOW, record_required=False)
    assert SECRET not in repr(evaluation)
