# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one order in which every credential is rotated: observe, decide, mint, verify, deliver, retire."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, Protocol, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, QuayError, RefusedCredential, Unconfirmed
from .._core.texts import listed
from .._module.context import ModuleContext, Result
from .._stores.contract import CURRENT, OTHER, Store, StoredSecret
from .._stores.delivery import kept_content
from .._stores.holders import (
    HOLDER_OPTIONS,
    Fleet,
    SecretHolder,
    filled_stores,
    is_written_later,
    named_errors,
    outdated_stores,
)
from .._stores.task_file import TaskFileStore
from .evaluation import Evaluation, Observation, evaluate, revocable
from .policy import DECLARED_ABSENT, DELIVER, MISSING, NOT_DUE, NOTHING, RETIRE, Policy, Succession, due_for_revocation

# How the diff names a secret that did not exist before.
_NEW = "new"

# The options that every token module has.
TOKEN_OPTIONS: dict[str, Any] = {
    **HOLDER_OPTIONS,
    "rotate": {"type": "str", "choices": ["when_due", "always", "never"], "default": "when_due"},
}


@dataclass(frozen=True)
class Minted:
    """A new secret. ``existed``: whether there was one before."""

    credential: Credential
    existed: bool = True
    # Why the new secret could not be verified, although the old one is invalid already.
    verification_error: QuayError | None = None


class Issuer(Protocol):
    """What one kind of credential implements. It decides nothing."""

    changes_quay: bool  # whether minting changes anything on the server
    secret_is_readable: bool  # whether Quay returns the present secret again
    invalidates: bool  # whether minting ends a former secret, at once or at the next turn
    record_required: bool  # whether the decision uses the records in the stores, so that none may be missing

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        """Read Quay's state and change nothing. Of several stored secrets, the first one that Quay accepts counts.

        ``proven``: let Quay show which credential each stored secret is, although its record says it.
        """

    def prepare(self, observation: Observation) -> Observation:
        """Read what minting needs in addition, in check mode too.

        Raises for what cannot succeed (such as a registry that takes no writes), before anything is tried.
        """

    def mint(self, observation: Observation) -> Minted:
        """Make Quay issue a new secret and verify it. Its ``superseded`` names what it replaces.

        Raises if Quay refuses the new secret. If Quay cannot be asked and the old secret is invalid already, the result
        carries a verification error: the new secret is delivered anyway, and the run fails afterwards.
        """

    def retire(self, handle: str) -> None:
        """Revoke a superseded secret."""


def rotate(context: ModuleContext, issuer: Issuer, policy: Policy, holder: SecretHolder, *, retires: bool) -> Result:
    """Bring one credential to its desired state.

    ``retires``: revoke what the credential replaces once it is delivered, or once the policy's grace period is over.
    In check mode nothing is written, and the result is predicted with a null secret.
    """
    _refuse_unreadable_stores(issuer, holder)
    for store in holder.stores:
        for warning in store.warnings():
            context.warn(warning)
    observation = issuer.observe(holder.stored)
    now = context.client.now()
    before = evaluate(policy, observation, holder.in_use, now, record_required=issuer.record_required)
    if _needs_proof(before):
        # What is revoked must not depend on what a record says.
        proven = issuer.observe(holder.stored, proven=True)
        before = evaluate(policy, proven, holder.in_use, now, record_required=issuer.record_required)
    before = _with_fleet(before, issuer, policy, holder)
    if before.decision.mints:
        before = replace(before, observation=issuer.prepare(before.observation))
    stores = _stores_to_write(issuer, holder, before)
    began = time.monotonic()
    after, existed = _mint_and_deliver(context, issuer, holder, before, stores)
    window = round(time.monotonic() - began, 3) if before.decision.mints and not context.check_mode else None
    retires = retires and not _waits_for_delivery(context, holder, stores)
    to_revoke = _to_revoke(context, policy, before, after, holder.fleet) if retires else ()
    to_revoke = login_last(context, to_revoke)
    failed = () if context.check_mode else _retire(context, issuer, to_revoke, secret_returned=holder.returns_secret)
    kept = tuple(handle for handle in after.superseded if handle not in to_revoke or handle in failed)
    changed = bool(stores) or bool(to_revoke) or (before.decision.mints and issuer.changes_quay)
    shown = _diff(before, holder, existed=existed, superseded=after.superseded, kept=kept) if changed else ({}, {})
    values = return_values(
        context,
        replace(after, superseded=kept),
        before.decision.reason if existed else MISSING,
        token=after.secret if _returns_secret(context, issuer, holder, before) else None,
        minted=before.decision.mints,
        window=window,
        delivered=[store.place for store in stores],
        retired=[handle for handle in to_revoke if handle not in failed],
    )
    waiting_for = before.waiting_for or (holder.fleet.missing if kept else ())
    secret = None if context.check_mode else after.secret
    return Result(changed, values, *shown, message=before.decision.message, waiting_for=waiting_for, secret=secret)


def clear_stores(
    context: ModuleContext,
    holder: SecretHolder,
    credential: Credential,
    *,
    existed: bool,
    revoked: Sequence[str] = (),
    deleted: Sequence[str] = (),
    usernames: Sequence[str] = (),
    other: Callable[[StoredSecret], str] = lambda _stored: "",
) -> Result:
    """The result after a credential was removed from Quay; its stores are cleared, too.

    ``revoked``: the tokens, ``deleted``: the robots that were removed.
    ``usernames``: other users whose secrets may have been delivered for it.
    ``other``: what a stored secret is, if it is valid and not one of this credential; else empty.
    """
    stores: list[Store] = []
    for store, stored in zip(holder.stores, holder.stored):
        if stored.foreign and not (stored.fingerprint and stored.removable):
            context.warn(kept_content(store))
    for store, stored in filled_stores(holder):
        belongs = stored.belongs_to([credential.username, *usernames])
        kept = other(stored) if belongs else f"a secret of {stored.username}"
        if kept:
            context.warn(f"{store.place} holds {kept}. It was not changed.")
        else:
            stores.append(store)
    if not context.check_mode:
        for store in stores:
            with named_errors(store):
                store.remove()
    old: dict[str, Any] = {"name": credential.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old, "token": "absent"}
    if stores:
        old["deliver"] = {store.place: "present" for store in stores}
        new["deliver"] = {store.place: "absent" for store in stores}
    if revoked:
        old["revoked"], new["revoked"] = [], list(revoked)
    changed = existed or bool(stores) or bool(revoked)
    removed = [store.place for store in stores]
    reason = DECLARED_ABSENT if changed else NOT_DUE
    values = return_values(context, credential, reason, retired=revoked, deleted=deleted, removed=removed)
    return Result(changed, values, old, new)


def return_values(
    context: ModuleContext,
    credential: Credential,
    reason: str,
    *,
    token: str | None = None,
    minted: bool = False,
    window: float | None = None,
    delivered: Sequence[str] = (),
    retired: Sequence[str] = (),
    deleted: Sequence[str] = (),
    removed: Sequence[str] = (),
) -> dict[str, Any]:
    """The return keys of every token module, always all of them. ``window``: seconds. ``removed``: cleared places."""
    return {
        "token": token,
        "registry": context.client.netloc,
        "api_url": f"{context.client.origin}/api/v1",
        "reason": reason,
        "minted": minted,
        "window_seconds": window,
        "delivered": list(delivered),
        "retired": list(retired),
        "deleted": list(deleted),
        "removed": list(removed),
        **credential.public(),
    }


def superseded_by_minting(old: Credential) -> tuple[str, ...]:
    """What a new secret replaces. The present secret comes last, because the run may authenticate with it."""
    return old.superseded + ((old.handle,) if old.handle else ())


def login_last(context: ModuleContext, handles: Sequence[str]) -> tuple[str, ...]:
    """The handles in the order in which to revoke them: the token with which the run authenticates comes last."""
    return tuple(sorted(handles, key=lambda handle: handle == context.login_uuid))


def _needs_proof(before: Evaluation) -> bool:
    """Whether something is to be done because of what records alone show."""
    observation, decision = before.observation, before.decision
    return observation.by_record and decision.action != NOTHING and not (decision.mints and observation.mints_by_record)


def _refuse_unreadable_stores(issuer: Issuer, holder: SecretHolder) -> None:
    """Raise BadInput if nobody could tell the present secret: each run would mint another one."""
    if holder.stores and not issuer.secret_is_readable and not any(store.tells_secret for store in holder.stores):
        raise BadInput(
            "Quay does not return this secret again, and none of its stores can be read back where Quay is asked. "
            "Deliver it to one more store that can, such as a file on the rotator"
        )


def _with_fleet(before: Evaluation, issuer: Issuer, policy: Policy, holder: SecretHolder) -> Evaluation:
    """The decision for a secret that other machines hold: nothing that one of them needs becomes invalid."""
    decision, fleet = before.decision, holder.fleet
    if fleet.confirming:
        if decision.mints or (decision.action == DELIVER and (fleet.last or any(map(_is_task_file, holder.stores)))):
            raise Unconfirmed(
                "It changed again while it was delivered, so consumers may hold an outdated secret: somebody else "
                "rotated it, or changed a store. Run the play again; it delivers the present secret"
            )
        return before
    if decision.mints and decision.reason != MISSING and not policy.forced:
        if _is_behind(before, issuer, holder):
            message = f"{decision.message}; first, all consumers get the present secret"
            return replace(before, decision=replace(decision, action=_without_minting(before), message=message))
        hosts = (*fleet.missing, *fleet.out_of_reach)
        if hosts and issuer.invalidates and not fleet.proceeds:
            return _waiting(before, hosts)
    if decision.action == RETIRE and fleet.missing:
        return _waiting(before, fleet.missing)
    return before


def _waiting(before: Evaluation, hosts: Sequence[str]) -> Evaluation:
    """The secret stays because of these hosts. Stores that do not hold it get it."""
    message = f"{before.decision.message}; waits for {listed(hosts)}"
    decision = replace(before.decision, action=_without_minting(before), message=message)
    return replace(before, decision=decision, waiting_for=tuple(hosts))


def _without_minting(before: Evaluation) -> str:
    return NOTHING if before.observation.state.delivered else DELIVER


def _is_behind(before: Evaluation, issuer: Issuer, holder: SecretHolder) -> bool:
    """Whether consumers may still use the former robot of a pair, whose turn would be next.

    A store on another machine shows it. What the user's own tasks deliver to does not: there, the former robot may be
    in use until it is retired, which takes a run in which these tasks succeed.
    """
    if OTHER in before.deliveries and issuer.record_required and any(map(is_written_later, holder.stores)):
        return True
    is_replaced = issuer.invalidates and bool(before.observation.credential.superseded)
    return is_replaced and any(map(_is_task_file, holder.stores))


def _is_task_file(store: Store) -> bool:
    return isinstance(store, TaskFileStore)


def _waits_for_delivery(context: ModuleContext, holder: SecretHolder, stores: Sequence[Store]) -> bool:
    """Whether consumers may still need what the credential replaces.

    They are hosts that were not seen, hosts that are yet to be delivered to, and all to which the user's own tasks
    deliver, because their content is unknown. Check mode predicts that the delivery succeeds.
    """
    if holder.fleet.missing:
        return True
    is_pending = any(map(_is_task_file, holder.stores)) and not holder.fleet.confirming
    return not context.check_mode and (is_pending or any(map(is_written_later, stores)))


def _stores_to_write(issuer: Issuer, holder: SecretHolder, before: Evaluation) -> list[Store]:
    """All stores for a new secret, the outdated ones for the present secret."""
    if before.decision.mints:
        return list(holder.stores)
    if before.decision.action != DELIVER:
        return []
    return outdated_stores(holder, before.observation.credential.secret, record_required=issuer.record_required)


def _mint_and_deliver(
    context: ModuleContext, issuer: Issuer, holder: SecretHolder, before: Evaluation, stores: Sequence[Store]
) -> tuple[Credential, bool]:
    """Mint, verify and deliver, or predict it. Returns the credential, and whether it existed before."""
    observation, mints = before.observation, before.decision.mints
    if context.check_mode:
        return (_predict(observation) if mints else observation.credential), observation.state.exists
    if mints and issuer.record_required:
        _update_outdated_stores(holder, observation.credential)
    with holder.prepare(stores):
        minted = issuer.mint(observation) if mints else Minted(observation.credential, observation.state.exists)
        holder.deliver(minted.credential, stores)
    if minted.verification_error is not None:
        delivered = (
            "Quay returns it again"
            if holder.returns_secret
            else "It was delivered anyway, because the old one is invalid already"
        )
        raise RefusedCredential(
            f"The new secret of {minted.credential.name} could not be verified: {minted.verification_error}. "
            f"{delivered}. Run the task again"
        )
    return minted.credential, minted.existed


def _update_outdated_stores(holder: SecretHolder, present: Credential) -> None:
    """Deliver the present secret to stores in which an interrupted run left the former one.

    The robots of a pair take turns, so minting invalidates that former secret before the new one is delivered.
    """
    if present.secret is not None:
        outdated = outdated_stores(holder, present.secret, record_required=False)
        with holder.prepare(outdated):
            holder.deliver(present, outdated)


def _to_revoke(
    context: ModuleContext, policy: Policy, before: Evaluation, after: Credential, fleet: Fleet
) -> tuple[str, ...]:
    """The superseded secrets that must be revoked in this run."""
    now = context.client.now()
    if fleet.confirming and before.observation.state.delivered and not fleet.unchanged:
        predecessors = before.observation.predecessors
        return due_for_revocation(policy, Succession(after.superseded, predecessors, None, delivered=True), now)
    mints, delivers = before.decision.mints, before.decision.action == DELIVER
    if not mints and not delivers:
        # With "rotate: never", a store may still hold one of the superseded secrets.
        return revocable(policy, before.observation, now) if before.observation.state.delivered else ()
    handle = before.observation.credential.handle
    predecessors = before.observation.predecessors if delivers else (handle,) if handle else ()
    succession = Succession(after.superseded, predecessors, after.created_at, delivered=True)
    return due_for_revocation(policy, succession, now)


def _retire(
    context: ModuleContext, issuer: Issuer, handles: Sequence[str], *, secret_returned: bool
) -> tuple[str, ...]:
    """Revoke superseded secrets. Returns those that could not be revoked.

    ``secret_returned``: the caller has yet to receive the new secret, so that a failure is only a warning.
    """
    failed: list[str] = []
    for handle in handles:
        try:
            issuer.retire(handle)
        except QuayError as error:
            if not secret_returned:
                raise
            failed.append(handle)
            context.warn(f"The superseded token {handle} could not be revoked and is still valid: {error}")
    return tuple(failed)


def _returns_secret(context: ModuleContext, issuer: Issuer, holder: SecretHolder, before: Evaluation) -> bool:
    """Whether the key ``token`` holds the secret: it is new, or the caller does not hold the present one."""
    if not holder.returns_secret or context.check_mode:
        return False
    outdated = not holder.in_use or OTHER in before.deliveries
    return before.decision.mints or (issuer.secret_is_readable and outdated)


def _predict(observation: Observation) -> Credential:
    """What check mode knows of the credential that a real run would mint."""
    old = observation.credential
    return replace(
        old,
        username=observation.username or old.username,
        secret=None,
        uuid=None,
        created_at=None,
        expires_at=None,
        last_accessed=None,
        age_source=None,
        recorded_fingerprint=None,
        superseded=superseded_by_minting(old),
        details={**old.details, **observation.desired},
    )


def _diff(
    before: Evaluation, holder: SecretHolder, *, existed: bool, superseded: Sequence[str], kept: Sequence[str]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both sides of the diff, made of what check mode knows as well as a real run. Never a secret."""
    observation, mints = before.observation, before.decision.mints
    old: dict[str, Any] = {"name": observation.credential.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old}
    if mints:
        new["token"] = _NEW
        for key, value in observation.desired.items():
            old[key], new[key] = (observation.credential.details.get(key) if existed else None), value
        for key, (present, future) in observation.extra_diff.items():
            old[key], new[key] = present, future
    if holder.stores:
        places = [store.place for store in holder.stores]
        old["deliver"] = dict(zip(places, before.deliveries))
        delivered = dict.fromkeys(places, _NEW if mints else CURRENT)
        new["deliver"] = delivered if mints or before.decision.action == DELIVER else old["deliver"]
    if superseded:
        old["superseded"], new["superseded"] = list(superseded), list(kept)
    return old, new
