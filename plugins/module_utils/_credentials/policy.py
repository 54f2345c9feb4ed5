# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Policy and decision: whether a credential is due, for which reason, and what must be done. Pure functions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Mapping, Sequence

from .._core.errors import BadInput
from .._core.times import format_duration, parse_duration
from .._stores.contract import ABSENT, OTHER, UNREADABLE, UNRECORDED, UP_TO_DATE, WRONG_PERMISSIONS

# How a robot is rotated: it gets a new token, or a second robot takes its place.
IN_PLACE = "in_place"
PAIRED = "paired"

# Reasons. All but NOT_DUE say why a credential must be replaced or delivered again.
MISSING = "missing"
INVALID = "invalid"
EXPIRED = "expired"
FORCED = "forced"
SCOPES_CHANGED = "scopes_changed"
EXPIRING = "expiring"
TOO_OLD = "too_old"
UNDELIVERED = "undelivered"
DECLARED_ABSENT = "absent"
NOT_DUE = "not_due"

# Actions.
NOTHING = "nothing"
MINT = "mint"
DELIVER = "deliver"
RETIRE = "retire"
REMOVE = "remove"

# Where a credential's age is known from.
AGE_FROM_RECORD = "record"
AGE_FROM_MINT = "mint"
AGE_FROM_QUAY = "quay"
AGE_FROM_LOG = "log"
AGE_FROM_CREATION = "creation"

# A secret is renewed when a third of its lifetime remains, or two weeks if that is shorter.
RENEWED_PART = 3
MAX_RENEW_BEFORE = timedelta(days=14)

# When to rotate, in addition to when_due, always and never: the secret leaked, so all logins by it must end.
COMPROMISED = "compromised"

# What Quay makes of a stored secret.
STORED_NONE = "none"
STORED_VALID = "valid"
STORED_INVALID = "invalid"
STORED_EXPIRED = "expired"

_UNDELIVERED_MESSAGES = {
    ABSENT: "the present token is not in",
    OTHER: "the present token is not in",
    WRONG_PERMISSIONS: "owner or mode is wrong in",
    UNRECORDED: "the record of the token is missing in",
}


@dataclass(frozen=True)
class Policy:
    """What the user wants of a credential's life."""

    rotate: str = "when_due"
    max_age: timedelta | None = None
    renew_before: timedelta | None = None
    retire_after: timedelta | None = None  # how long a replaced secret stays valid in addition to its successor
    overlaps: bool = False  # whether a replaced secret lives until another run in any case
    # Whether the server alone sets the lifetime, so that renew_before is known to be too long only by a token.
    server_sets_lifetime: bool = False

    @property
    def forced(self) -> bool:
        return self.rotate in ("always", COMPROMISED)

    def renews(self, state: ObservedState) -> timedelta | None:
        """The remaining lifetime at which a secret is due: ``renew_before``, or less if that is its whole lifetime.

        For a lifetime that the server sets, a third of it, and at most two weeks, if ``renew_before`` is not given.
        """
        if not self.server_sets_lifetime or state.lifetime is None:
            return self.renew_before
        if self.renew_before is None:
            return min(MAX_RENEW_BEFORE, state.lifetime / RENEWED_PART)
        return self.renew_before if self.renew_before < state.lifetime else state.lifetime / RENEWED_PART

    @property
    def ends_access(self) -> bool:
        """Whether all access by the present secret must end, with what was issued for it."""
        return self.rotate == COMPROMISED


@dataclass(frozen=True)
class ObservedState:
    """What was found in Quay and in the stores.

    ``secret`` is what Quay makes of the stored secret: STORED_NONE, STORED_VALID, STORED_INVALID or STORED_EXPIRED.
    ``deliveries`` is what each store holds compared with the present secret: ABSENT, OTHER, CURRENT …
    """

    exists: bool
    secret: str = STORED_VALID
    scopes_match: bool = True
    created_at: datetime | None = None
    expires_at: datetime | None = None
    deliveries: tuple[str, ...] = ()

    @property
    def lifetime(self) -> timedelta | None:
        """From the issue of the secret until it expires; None if one of them is unknown."""
        return self.expires_at - self.created_at if self.expires_at and self.created_at else None

    @property
    def delivered(self) -> bool:
        """Whether every store holds the present secret as declared, as far as it can be read."""
        return all(delivery in UP_TO_DATE for delivery in self.deliveries)


@dataclass(frozen=True)
class Decision:
    """Whether a credential is due: the reason, the sentence for people, and what must be done."""

    reason: str
    message: str
    action: str

    @property
    def due(self) -> bool:
        return self.reason not in (NOT_DUE, DECLARED_ABSENT)

    @property
    def mints(self) -> bool:
        return self.action == MINT


@dataclass(frozen=True)
class Succession:
    """What a secret replaced and what may still be valid.

    ``predecessors`` are those of ``superseded`` that consumers may still use; the others were never delivered.
    """

    superseded: tuple[str, ...]
    predecessors: tuple[str, ...]
    since: datetime | None  # when the successor was issued
    delivered: bool = False  # whether the successor is delivered in this run


def policy_from_options(params: Mapping[str, Any], *, overlaps: bool = False) -> Policy:
    """The rotation policy from a module's options. ``overlaps``: a replaced secret may live until another run.

    Raises BadInput for a malformed duration, and for a maximum age that a new secret has reached already.
    """
    max_age = parse_duration(params.get("max_age"), "max_age")
    if max_age == timedelta(0):
        raise BadInput(
            "max_age must be longer than 0: a new secret would be due at once, in every run. Leave it out for no "
            "limit; rotate: always replaces the secret in every run"
        )
    return Policy(
        rotate=params["rotate"],
        max_age=max_age,
        renew_before=parse_duration(params.get("renew_before"), "renew_before"),
        retire_after=parse_duration(params.get("retire_after"), "retire_after"),
        overlaps=overlaps,
    )


def decide(policy: Policy, state: ObservedState, now: datetime) -> Decision:
    """Compare the observed state with the policy.

    With ``rotate=never`` the reason is still reported, but only a missing credential is minted. A secret that Quay can
    return again is delivered without minting (UNDELIVERED).
    """
    reason, message = _reason(policy, state, now)
    if reason == NOT_DUE:
        return Decision(reason, message, NOTHING)
    if reason == UNDELIVERED:
        return Decision(reason, message, DELIVER)
    keeps_existing = policy.rotate == "never" and reason != MISSING
    return Decision(reason, message, NOTHING if keeps_existing else MINT)


def decide_removal(*, present: bool) -> Decision:
    """The decision for a credential that is declared absent. ``present``: it exists, or a store holds something."""
    if present:
        return Decision(DECLARED_ABSENT, "declared absent", REMOVE)
    return Decision(NOT_DUE, "absent", NOTHING)


def due_for_revocation(policy: Policy, succession: Succession, now: datetime) -> tuple[str, ...]:
    """Which superseded secrets must be revoked now. A predecessor is kept while its grace period lasts."""
    grace = policy.retire_after or timedelta(0)
    if succession.delivered:
        keeps = bool(grace) or (policy.overlaps and policy.retire_after is None)
    else:
        # Times have a resolution of one second, so what was issued just now may seem to come from the future.
        keeps = bool(grace) and succession.since is not None and now - succession.since < grace
    kept = succession.predecessors if keeps else ()
    return tuple(handle for handle in succession.superseded if handle not in kept)


def _reason(policy: Policy, state: ObservedState, now: datetime) -> tuple[str, str]:
    """The reason with its message: the first one that applies, the most urgent first."""
    if not state.exists:
        return MISSING, "does not exist yet"
    if policy.forced:
        return FORCED, "forced"
    if state.secret == STORED_NONE:
        return MISSING, "no store holds a token"
    if state.secret == STORED_EXPIRED:
        return EXPIRED, "expired"
    if state.secret == STORED_INVALID:
        return INVALID, "Quay does not accept the stored token"
    if not state.scopes_match:
        return SCOPES_CHANGED, "its scopes differ from the declared ones"
    if state.expires_at is not None and state.expires_at <= now:
        return EXPIRED, "expired"
    return _reason_of_valid_secret(policy, state, now)


def _reason_of_valid_secret(policy: Policy, state: ObservedState, now: datetime) -> tuple[str, str]:
    remaining = None if state.expires_at is None else state.expires_at - now
    age = None if state.created_at is None else now - state.created_at
    renew_before = policy.renews(state)
    if remaining is not None and renew_before is not None and remaining <= renew_before:
        return EXPIRING, f"expires in {format_duration(remaining)}"
    if age is not None and policy.max_age is not None and age >= policy.max_age:
        return TOO_OLD, f"age {format_duration(age)}, limit {format_duration(policy.max_age)}"
    if not state.delivered:
        return UNDELIVERED, _undelivered_message(state.deliveries)
    if remaining is not None:
        return NOT_DUE, f"valid for {format_duration(remaining)}"
    return NOT_DUE, "valid" if age is None else f"age {format_duration(age)}"


def _undelivered_message(deliveries: Sequence[str]) -> str:
    """Why stores need a delivery, and how many: ``owner or mode is wrong in 1 of 2 stores``."""
    counts = Counter(_UNDELIVERED_MESSAGES[delivery] for delivery in deliveries if delivery not in UP_TO_DATE)
    readable = len(deliveries) - deliveries.count(UNREADABLE)
    return "; ".join(f"{message} {count} of {readable} stores" for message, count in counts.items())
