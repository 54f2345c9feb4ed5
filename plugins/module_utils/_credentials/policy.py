# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Pure judgement: is a credential due, why, and what has to be done? No I/O; the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Reasons. All but NOT_DUE say why a credential must be replaced or delivered again.
MISSING = "missing"
INVALID = "invalid"
EXPIRED = "expired"
FORCED = "forced"
SCOPES_CHANGED = "scopes_changed"
EXPIRING = "expiring"
TOO_OLD = "too_old"
UNDELIVERED = "undelivered"
NOT_DUE = "not_due"
# What is to be done about a reason.
NOTHING = "nothing"
MINT = "mint"
DELIVER = "deliver"
# Where a credential's age comes from.
AGE_FROM_RECORD = "record"
AGE_FROM_MINT = "mint"
AGE_FROM_QUAY = "quay"
AGE_FROM_LOG = "log"
AGE_FROM_CREATION = "creation"


@dataclass(frozen=True)
class Policy:
    """What the user wants of a credential's life."""

    rotate: str = "when_due"
    max_age: timedelta | None = None
    renew_before: timedelta | None = None
    retire_after: timedelta | None = None  # how long a replaced secret goes on living beside its successor
    overlaps: bool = False  # whether it lives until another run in any case

    @property
    def forced(self) -> bool:
        return self.rotate == "always"


@dataclass(frozen=True)
class ObservedState:
    """What was found out about a credential.

    ``held`` says what Quay makes of the secret that the caller holds: C(none) (he holds nothing), C(current),
    C(other) (something else than Quay's present secret), C(invalid) or C(expired).
    """

    exists: bool
    held: str = "current"
    scopes_match: bool = True
    created_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a credential is due, why, what to do, and a sentence for a person."""

    reason: str
    action: str

    @property
    def due(self) -> bool:
        return self.reason != NOT_DUE

    @property
    def mints(self) -> bool:
        return self.action == MINT


@dataclass(frozen=True)
class Succession:
    """What a secret replaced and what may still live. ``predecessors``: those that consumers may be using yet."""

    superseded: tuple[str, ...]
    predecessors: tuple[str, ...]
    since: datetime | None  # when the successor was made
    delivered: bool = False  # whether it is delivered in this very run


def due_for_revocation(policy: Policy, succession: Succession, now: datetime) -> tuple[str, ...]:
    """What has to stop working now. Orphans never wait; a predecessor is spared while its grace lasts."""
    grace = policy.retire_after or timedelta(0)
    if succession.delivered:
        retained = bool(grace) or (policy.overlaps and policy.retire_after is None)
    else:
        # Clocks tell whole seconds, so that what was made just now may seem to come from the future.
        retained = bool(grace) and succession.since is not None and now - succession.since < grace
    waiting = succession.predecessors if retained else ()
    return tuple(uuid for uuid in succession.superseded if uuid not in waiting)


def decide(policy: Policy, facts: ObservedState, now: datetime) -> Decision:
    """Weigh the facts against the policy.

    ``rotate=never`` keeps what exists: the reason is still told, but only a missing credential is made. A secret that
    Quay can tell again is delivered without minting (C(undelivered)).
    """
    reason = _reason(policy, facts, now)
    if reason == NOT_DUE:
        return Decision(reason, NOTHING)
    if reason == UNDELIVERED:
        return Decision(reason, DELIVER)
    if policy.rotate == "never" and reason != MISSING:
        return Decision(reason, NOTHING)
    return Decision(reason, MINT)


def _reason(policy: Policy, facts: ObservedState, now: datetime) -> str:
    if not facts.exists:
        return MISSING
    if policy.forced:
        return FORCED
    if facts.held == "none":
        return MISSING
    if facts.held == "expired":
        return EXPIRED
    if facts.held == "invalid":
        return INVALID
    if not facts.scopes_match:
        return SCOPES_CHANGED
    if facts.expires_at is not None and facts.expires_at <= now:
        return EXPIRED
    if (
        facts.expires_at is not None
        and policy.renew_before is not None
        and facts.expires_at - now <= policy.renew_before
    ):
        return EXPIRING
    if _older_than(facts.created_at, policy.max_age, now):
        return TOO_OLD
    if facts.held == "other":
        return UNDELIVERED
    return NOT_DUE


def _older_than(created: datetime | None, max_age: timedelta | None, now: datetime) -> bool:
    return created is not None and max_age is not None and now - created >= max_age
