# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one evaluation of a credential: what was observed, compared with the policy, gives the decision.

The token modules, quay_token_info and so the role all use it, with the state of one credential or of many.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Mapping, Sequence

from .._core.credential import Credential
from .._stores.contract import StoredSecret
from .policy import (
    NOTHING,
    RETIRE,
    STORED_VALID,
    Decision,
    ObservedState,
    Policy,
    Succession,
    decide,
    decide_removal,
    due_for_revocation,
)


@dataclass(frozen=True)
class Observation:
    """The observed state, the credential as it is now, and what minting would change (for the diff)."""

    state: ObservedState
    credential: Credential
    desired: Mapping[str, Any] = field(default_factory=dict)
    # Those of the superseded secrets that consumers may still use. The others were left by interrupted runs.
    predecessors: tuple[str, ...] = ()
    # Whether records alone show which credentials the stored secrets are. Whoever can write to a store can edit them.
    by_record: bool = False
    # Whether that matters only for what is delivered or revoked without minting.
    mints_by_record: bool = False
    scopes_known: bool = True  # false if the scopes of the present token are to be kept, but Quay does not show them
    username: str | None = None  # the user of a new secret, if it differs from the present one's
    # For a credential that is declared absent: whether Quay has something to remove (None if the credential's handles
    # show it), and the users whose secrets its stores may hold, if that is not only the credential's.
    exists_in_quay: bool | None = None
    usernames: tuple[str, ...] = ()
    # The fingerprints of stored secrets that are kept then: they are valid, and those of other credentials.
    kept: tuple[str | None, ...] = ()
    # What else minting changes: for each key of the diff, the value before and after.
    extra_diff: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """An observation with the state of the stores, and the decision."""

    observation: Observation
    decision: Decision
    waiting_for: tuple[str, ...] = ()  # the hosts because of which less is done than is due

    @property
    def deliveries(self) -> tuple[str, ...]:
        """What each store holds compared with the present secret."""
        return self.observation.state.deliveries


def observe_each(stored: Sequence[StoredSecret], observe: Callable[[StoredSecret], Observation]) -> list[Observation]:
    """Observe each distinct stored secret. The newest one that Quay accepts comes first, if it accepts any.

    Stores hold different secrets only after an interrupted run or an edit by hand. The newest secret is the one that
    was being delivered. A secret that the record of another one names as superseded is the older one, also if both were
    issued within one second.
    """
    distinct = {item.secret: item for item in reversed(stored) if item.secret}
    observations = [observe(item) for item in distinct.values()]
    replaced = {handle for item in stored if item.record and item.recorded for handle in item.record.superseded}
    beginning = datetime.min.replace(tzinfo=timezone.utc)

    def rank(observation: Observation) -> tuple[bool, bool, datetime]:
        is_latest = observation.credential.handle not in replaced
        return observation.state.secret == STORED_VALID, is_latest, observation.state.created_at or beginning

    return sorted(observations, key=rank, reverse=True)


def evaluate(
    policy: Policy, observation: Observation, stored: Sequence[StoredSecret], now: datetime, *, record_required: bool
) -> Evaluation:
    """Compare an observation and what is stored with the policy.

    ``record_required``: a store must hold the record in addition to the secret.
    """
    observed = _with_deliveries(observation, stored, record_required=record_required)
    decision = decide(policy, observed.state, now)
    retires = decision.action == NOTHING and bool(stored) and observed.state.delivered
    if retires and revocable(policy, observed, now):
        decision = replace(decision, action=RETIRE, message="a superseded token is still valid")
    return Evaluation(observed, decision)


def kept_secrets(stored: Sequence[StoredSecret], other: Callable[[StoredSecret], str]) -> tuple[str | None, ...]:
    """The fingerprints of the stored secrets of other credentials. ``other``: what such a secret is, else empty."""
    return tuple(item.fingerprint for item in stored if item.fingerprint and other(item))


def evaluate_removal(observation: Observation, stored: Sequence[StoredSecret], *, record_required: bool) -> Evaluation:
    """The evaluation of a credential that is declared absent.

    A store that holds a secret of somebody else is kept, and so is content that is no credential.
    """
    observed = _with_deliveries(observation, stored, record_required=record_required)
    credential, exists = observed.credential, observed.exists_in_quay
    if exists is None:
        exists = bool(credential.handle or credential.superseded)
    usernames = observed.usernames or (credential.username,)
    candidates = (item for item in stored if item.fingerprint not in observed.kept)
    ours = any(item.belongs_to(usernames) and item.removable for item in candidates)
    return Evaluation(observed, decide_removal(present=exists or ours))


def _with_deliveries(observation: Observation, stored: Sequence[StoredSecret], *, record_required: bool) -> Observation:
    present = observation.credential.fingerprint if observation.state.secret == STORED_VALID else None
    deliveries = tuple(item.compared_with_fingerprint(present, record_required=record_required) for item in stored)
    return replace(observation, state=replace(observation.state, deliveries=deliveries))


def revocable(policy: Policy, observation: Observation, now: datetime) -> tuple[str, ...]:
    """The superseded secrets that must be revoked now, if nothing is minted or delivered.

    None of them if the present secret is unknown: a consumer may use any of them.
    """
    if observation.state.secret != STORED_VALID:
        return ()
    credential = observation.credential
    succession = Succession(credential.superseded, observation.predecessors, credential.created_at)
    return due_for_revocation(policy, succession, now)
