# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision whether a credential is due, for which reason, and what to do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import combinations
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import (
    AGE_FROM_CREATION,
    AGE_FROM_LOG,
    AGE_FROM_MINT,
    AGE_FROM_QUAY,
    AGE_FROM_RECORD,
    DECLARED_ABSENT,
    DELIVER,
    EXPIRED,
    EXPIRING,
    FORCED,
    INVALID,
    MINT,
    MISSING,
    NOT_DUE,
    NOTHING,
    REMOVE,
    RETIRE,
    SCOPES_CHANGED,
    STORED_EXPIRED,
    STORED_INVALID,
    STORED_NONE,
    TOO_OLD,
    UNDELIVERED,
    Decision,
    ObservedState,
    Policy,
    Succession,
    decide,
    decide_removal,
    due_for_revocation,
    policy_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import (
    ABSENT,
    CURRENT,
    OTHER,
    UNRECORDED,
    WRONG_PERMISSIONS,
)

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

VALID = {"exists": True, "created_at": NOW - 10 * DAY, "expires_at": NOW + 30 * DAY}
LIMITS = {"max_age": 90 * DAY, "renew_before": 14 * DAY}


def decision_for(observed: dict[str, Any], **policy: Any) -> tuple[str, str]:
    decision = decide(Policy(**{**LIMITS, **policy}), ObservedState(**{**VALID, **observed}), NOW)
    return decision.reason, decision.action


def test_names_of_reasons_and_actions() -> None:
    """Results show these names, and records of earlier runs hold them."""
    reasons = (MISSING, INVALID, EXPIRED, FORCED, SCOPES_CHANGED, EXPIRING, TOO_OLD, UNDELIVERED, NOT_DUE)
    assert reasons == (
        "missing",
        "invalid",
        "expired",
        "forced",
        "scopes_changed",
        "expiring",
        "too_old",
        "undelivered",
        "not_due",
    )
    actions = (NOTHING, MINT, DELIVER, RETIRE, REMOVE)
    assert actions == ("nothing", "mint", "deliver", "retire", "remove")
    sources = (AGE_FROM_RECORD, AGE_FROM_MINT, AGE_FROM_QUAY, AGE_FROM_LOG, AGE_FROM_CREATION)
    assert sources == ("record", "mint", "quay", "log", "creation")


@pytest.mark.parametrize(
    ("observed", "reason", "action"),
    [
        ({}, NOT_DUE, NOTHING),
        ({"exists": False}, MISSING, MINT),
        ({"secret": STORED_NONE}, MISSING, MINT),
        ({"secret": STORED_INVALID}, INVALID, MINT),
        ({"secret": STORED_EXPIRED}, EXPIRED, MINT),
        ({"deliveries": (CURRENT, OTHER)}, UNDELIVERED, DELIVER),
        ({"scopes_match": False}, SCOPES_CHANGED, MINT),
        ({"expires_at": NOW - SECOND}, EXPIRED, MINT),
        ({"expires_at": NOW + DAY}, EXPIRING, MINT),
        ({"created_at": NOW - 91 * DAY}, TOO_OLD, MINT),
        ({"created_at": None, "expires_at": None}, NOT_DUE, NOTHING),
    ],
)
def test_each_reason(observed: dict[str, Any], reason: str, action: str) -> None:
    assert decision_for(observed) == (reason, action)


# From the strongest reason to the weakest: if several apply, the first is reported.
IN_ORDER: list[tuple[str, dict[str, Any]]] = [
    (MISSING, {"exists": False}),
    (MISSING, {"secret": STORED_NONE}),
    (EXPIRED, {"secret": STORED_EXPIRED}),
    (INVALID, {"secret": STORED_INVALID}),
    (SCOPES_CHANGED, {"scopes_match": False}),
    (EXPIRED, {"expires_at": NOW}),
    (EXPIRING, {"expires_at": NOW + DAY}),
    (TOO_OLD, {"created_at": NOW - 91 * DAY}),
    (UNDELIVERED, {"deliveries": (OTHER,)}),
    (NOT_DUE, {}),
]


@pytest.mark.parametrize(("stronger", "weaker"), list(combinations(range(len(IN_ORDER)), 2)))
def test_order_of_reasons(stronger: int, weaker: int) -> None:
    """If both need the same field (secret, expires_at), it has the value of the stronger reason."""
    assert decision_for({**IN_ORDER[weaker][1], **IN_ORDER[stronger][1]})[0] == IN_ORDER[stronger][0]


@pytest.mark.parametrize(("reason", "observed"), IN_ORDER)
def test_rotate_always(reason: str, observed: dict[str, Any]) -> None:
    """Every existing credential is replaced."""
    assert decision_for(observed, rotate="always") == (FORCED if observed.get("exists", True) else MISSING, MINT)


@pytest.mark.parametrize(("reason", "observed"), IN_ORDER)
def test_rotate_never(reason: str, observed: dict[str, Any]) -> None:
    """The reason is reported. Only a missing credential is minted; a delivery is not a rotation."""
    action = {MISSING: MINT, UNDELIVERED: DELIVER}.get(reason, NOTHING)
    assert decision_for(observed, rotate="never") == (reason, action)


@pytest.mark.parametrize(
    ("left", "renew_before", "reason"),
    [
        (-SECOND, 14 * DAY, EXPIRED),
        (0 * DAY, 14 * DAY, EXPIRED),
        (SECOND, 14 * DAY, EXPIRING),
        (14 * DAY - SECOND, 14 * DAY, EXPIRING),
        (14 * DAY, 14 * DAY, EXPIRING),
        (14 * DAY + SECOND, 14 * DAY, NOT_DUE),
        (0 * DAY, 0 * DAY, EXPIRED),
        (SECOND, 0 * DAY, NOT_DUE),
        (0 * DAY, None, EXPIRED),
        (SECOND, None, NOT_DUE),
        (None, 14 * DAY, NOT_DUE),
    ],
)
def test_time_left(left: timedelta | None, renew_before: timedelta | None, reason: str) -> None:
    expires = None if left is None else NOW + left
    assert decision_for({"expires_at": expires}, renew_before=renew_before)[0] == reason


@pytest.mark.parametrize(
    ("lifetime", "left", "renew_before", "reason"),
    [
        (9 * DAY, 3 * DAY + SECOND, None, NOT_DUE),
        (9 * DAY, 3 * DAY, None, EXPIRING),
        (90 * DAY, 14 * DAY + SECOND, None, NOT_DUE),
        (90 * DAY, 14 * DAY, None, EXPIRING),
        (9 * DAY, 8 * DAY, 8 * DAY, EXPIRING),
        (9 * DAY, 8 * DAY + SECOND, 8 * DAY, NOT_DUE),
        (9 * DAY, 3 * DAY + SECOND, 9 * DAY, NOT_DUE),
        (9 * DAY, 3 * DAY, 9 * DAY, EXPIRING),
        (None, None, 9 * DAY, NOT_DUE),
    ],
)
def test_time_left_of_a_lifetime_that_the_server_sets(
    lifetime: timedelta | None, left: timedelta | None, renew_before: timedelta | None, reason: str
) -> None:
    times: dict[str, Any] = {"created_at": NOW - DAY, "expires_at": None}
    if lifetime is not None and left is not None:
        times = {"created_at": NOW + left - lifetime, "expires_at": NOW + left}
    limits: dict[str, Any] = {"renew_before": renew_before, "max_age": None, "server_sets_lifetime": True}
    assert decision_for(times, **limits)[0] == reason


@pytest.mark.parametrize(
    ("age", "max_age", "reason"),
    [
        (90 * DAY - SECOND, 90 * DAY, NOT_DUE),
        (90 * DAY, 90 * DAY, TOO_OLD),
        (90 * DAY + SECOND, 90 * DAY, TOO_OLD),
        (0 * DAY, 0 * DAY, TOO_OLD),
        (-DAY, 0 * DAY, NOT_DUE),
        (10000 * DAY, None, NOT_DUE),
        (None, 90 * DAY, NOT_DUE),
    ],
)
def test_age(age: timedelta | None, max_age: timedelta | None, reason: str) -> None:
    created = None if age is None else NOW - age
    assert decision_for({"created_at": created}, max_age=max_age)[0] == reason


def test_default_policy() -> None:
    policy = Policy()
    assert (policy.rotate, policy.max_age, policy.renew_before, policy.forced) == ("when_due", None, None, False)
    assert Policy("always").forced
    assert not Policy("never").forced


@pytest.mark.parametrize(
    ("reason", "action", "due", "mints"),
    [
        (NOT_DUE, NOTHING, False, False),
        (DECLARED_ABSENT, REMOVE, False, False),
        (TOO_OLD, NOTHING, True, False),
        (TOO_OLD, MINT, True, True),
        (UNDELIVERED, DELIVER, True, False),
    ],
)
def test_decision(reason: str, action: str, due: bool, mints: bool) -> None:
    decision = Decision(reason, "a sentence", action)
    assert (decision.due, decision.mints) == (due, mints)


# Of the superseded credentials, "old" is the predecessor and "lost" belongs to an earlier, incomplete run.
# What is observed and the policy; then the sentence that people read.
MESSAGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"exists": False}, {}, "does not exist yet"),
    ({}, {"rotate": "always"}, "forced"),
    ({"secret": STORED_NONE}, {}, "no store holds a token"),
    ({"secret": STORED_EXPIRED}, {}, "expired"),
    ({"secret": STORED_INVALID}, {}, "Quay does not accept the stored token"),
    ({"scopes_match": False}, {}, "its scopes differ from the declared ones"),
    ({"expires_at": NOW}, {}, "expired"),
    ({"expires_at": NOW + 9 * DAY - SECOND}, {}, "expires in 8 days 23 hours"),
    ({"created_at": NOW - 93 * DAY}, {}, "age 93 days, limit 90 days"),
    ({"created_at": NOW - timedelta(hours=36)}, {"max_age": DAY}, "age 1 day 12 hours, limit 1 day"),
    ({"deliveries": (CURRENT, ABSENT)}, {}, "the present token is not in 1 of 2 stores"),
    ({"deliveries": (OTHER, CURRENT, ABSENT)}, {}, "the present token is not in 2 of 3 stores"),
    ({"deliveries": (WRONG_PERMISSIONS,)}, {}, "owner or mode is wrong in 1 of 1 stores"),
    ({"deliveries": (UNRECORDED, UNRECORDED)}, {}, "the record of the token is missing in 2 of 2 stores"),
    (
        {"deliveries": (CURRENT, ABSENT, WRONG_PERMISSIONS, OTHER)},
        {},
        "the present token is not in 2 of 4 stores; owner or mode is wrong in 1 of 4 stores",
    ),
    ({}, {}, "valid for 30 days"),
    ({"expires_at": None}, {}, "age 10 days"),
    ({"expires_at": None, "created_at": None}, {}, "valid"),
    ({"deliveries": (CURRENT, CURRENT)}, {}, "valid for 30 days"),
]


@pytest.mark.parametrize(("observed", "policy", "message"), MESSAGES)
def test_message(observed: dict[str, Any], policy: dict[str, Any], message: str) -> None:
    assert decide(Policy(**{**LIMITS, **policy}), ObservedState(**{**VALID, **observed}), NOW).message == message


@pytest.mark.parametrize(
    ("deliveries", "delivered"),
    [
        ((), True),
        ((CURRENT, CURRENT), True),
        ((CURRENT, ABSENT), False),
        ((OTHER,), False),
        ((WRONG_PERMISSIONS,), False),
        ((UNRECORDED,), False),
    ],
)
def test_delivered(deliveries: tuple[str, ...], delivered: bool) -> None:
    assert ObservedState(exists=True, deliveries=deliveries).delivered is delivered


def test_removal() -> None:
    """A credential that is declared absent is never due."""
    assert decide_removal(present=True) == Decision(DECLARED_ABSENT, "declared absent", REMOVE)
    assert decide_removal(present=False) == Decision(NOT_DUE, "absent", NOTHING)


def test_policy_from_options() -> None:
    options = {"rotate": "never", "max_age": "90d", "renew_before": "12h", "retire_after": "0"}
    assert policy_from_options(options, overlaps=True) == Policy(
        "never", 90 * DAY, timedelta(hours=12), timedelta(0), overlaps=True
    )
    assert policy_from_options({"rotate": "when_due"}) == Policy()
    assert policy_from_options({"rotate": "when_due", "max_age": None}) == Policy()


@pytest.mark.parametrize("option", ["max_age", "renew_before", "retire_after"])
def test_invalid_duration_of_a_policy(option: str) -> None:
    with pytest.raises(BadInput) as caught:
        policy_from_options({"rotate": "when_due", option: "soon"})
    assert str(caught.value) == f"{option} must be a duration such as 90d, 12h or 30m, not 'soon'"


@pytest.mark.parametrize("text", ["0", "0d"])
def test_maximum_age_that_every_secret_has_reached(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        policy_from_options({"rotate": "when_due", "max_age": text})
    assert str(caught.value) == (
        "max_age must be longer than 0: a new secret would be due at once, in every run. Leave it out for no limit; "
        "rotate: always replaces the secret in every run"
    )


@pytest.mark.parametrize("option", ["max_age", "renew_before", "retire_after"])
def test_duration_of_a_policy_without_a_unit(option: str) -> None:
    with pytest.raises(BadInput, match=f"^{option} needs a unit, for example 90d for days"):
        policy_from_options({"rotate": "when_due", option: "90"})


REVOCATIONS: dict[str, tuple[Policy, timedelta | None, bool, tuple[str, ...]]] = {
    "at once": (Policy(), timedelta(0), True, ("old", "lost")),
    "at once, by a later run": (Policy(), DAY, False, ("old", "lost")),
    "at once, by a clock with whole seconds": (Policy(), -timedelta(seconds=1), False, ("old", "lost")),
    "grace period begins": (Policy(retire_after=DAY), timedelta(0), True, ("lost",)),
    "grace period continues": (Policy(retire_after=DAY), DAY - timedelta(seconds=1), False, ("lost",)),
    "grace period is over": (Policy(retire_after=DAY), DAY, False, ("old", "lost")),
    "unknown time of delivery": (Policy(retire_after=DAY), None, False, ("old", "lost")),
    "not in the run that delivered": (Policy(overlaps=True), timedelta(0), True, ("lost",)),
    "in the next run": (Policy(overlaps=True), timedelta(0), False, ("old", "lost")),
    "forced at once": (Policy(overlaps=True, retire_after=timedelta(0)), timedelta(0), True, ("old", "lost")),
}


@pytest.mark.parametrize("case", REVOCATIONS)
def test_due_for_revocation(case: str) -> None:
    policy, age, delivered, revoked = REVOCATIONS[case]
    since = None if age is None else NOW - age
    assert due_for_revocation(policy, Succession(("old", "lost"), ("old",), since, delivered), NOW) == revoked
