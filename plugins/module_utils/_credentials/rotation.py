# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one order in which every credential is rotated: observe, decide, mint, verify, deliver, retire."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Mapping, Protocol, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, QuayError, RefusedCredential
from .._module.context import ModuleContext, Result
from .._stores.contract import CURRENT, OTHER, Store, StoredSecret
from .._stores.delivery import kept_content
from .._stores.holders import HOLDER_OPTIONS, SecretHolder, filled_stores, outdated_stores
from .evaluation import Evaluation, Observation, evaluate, revocable
from .policy import DECLARED_ABSENT, DELIVER, MISSING, NOT_DUE, Policy, Succession, due_for_revocation

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
    record_required: bool  # whether the decision uses the records in the stores, so that none may be missing

    def observe(self, stored: Sequence[StoredSecret]) -> Observation:
        """Read Quay's state and change nothing. Of several stored secrets, the first one that Quay accepts counts."""

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
    before = evaluate(policy, observation, holder.stored, now, record_required=issuer.record_required)
    if before.decision.mints:
        before = replace(before, observation=issuer.prepare(before.observation))
    stores = _stores_to_write(issuer, holder, before)
    began = time.monotonic()
    after, existed = _mint_and_deliver(context, issuer, holder, before, stores)
    window = round(time.monotonic() - began, 3) if before.decision.mints and not context.check_mode else None
    to_revoke = _to_revoke(context, policy, before, after) if retires else ()
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
    return Result(changed, values, *shown)


def clear_stores(
    context: ModuleContext,
    holder: SecretHolder,
    credential: Credential,
    *,
    existed: bool,
    revoked: Sequence[str] = (),
    deleted: Sequence[str] = (),
    usernames: Sequence[str] = (),
) -> Result:
    """The result after a credential was removed from Quay; its stores are cleared, too.

    ``revoked``: the tokens, ``deleted``: the robots that were removed.
    ``usernames``: other users whose secrets may have been delivered for it.
    """
    stores: list[Store] = []
    for store, stored in zip(holder.stores, holder.stored):
        if stored.foreign and not stored.fingerprint:
            context.warn(kept_content(store))
    for store, stored in filled_stores(holder):
        if stored.username in (None, credential.username, *usernames):
            stores.append(store)
        else:
            context.warn(f"{store.place} holds a secret of {stored.username}. It was not changed.")
    if not context.check_mode:
        for store in stores:
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


def _refuse_unreadable_stores(issuer: Issuer, holder: SecretHolder) -> None:
    """Raise BadInput if nobody could tell the present secret: each run would mint another one."""
    if holder.stores and not issuer.secret_is_readable and not any(store.tells_secret for store in holder.stores):
        raise BadInput(
            "Quay does not return this secret again, and none of its stores can be read back where Quay is asked. "
            "Deliver it to one more store that can, such as a file on the rotator"
        )


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


def _to_revoke(context: ModuleContext, policy: Policy, before: Evaluation, after: Credential) -> tuple[str, ...]:
    """The superseded secrets that must be revoked in this run."""
    now = context.client.now()
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
    outdated = not holder.stored or OTHER in before.deliveries
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
