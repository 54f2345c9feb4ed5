# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one order in which every credential is renewed: find, judge, mint, prove, deliver, retire."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Mapping, Protocol, Sequence

from .._core.credential import Credential
from .._core.errors import QuayError, RefusedCredential
from .._core.times import parse_duration
from .._module.context import ModuleContext, Result
from .._stores.contract import Store, StoredSecret
from .._stores.holders import HOLDER_OPTIONS, SecretHolder, StoreHolder
from .policy import (
    DELIVER,
    MISSING,
    NOT_DUE,
    NOTHING,
    Decision,
    ObservedState,
    Policy,
    Succession,
    decide,
    due_for_revocation,
)

# How the diff names a secret that did not exist before.
_NEW = "new"
# The options that every token module has.
TOKEN_OPTIONS: dict[str, Any] = {
    **HOLDER_OPTIONS,
    "rotate": {"type": "str", "choices": ["when_due", "always", "never"], "default": "when_due"},
}


@dataclass(frozen=True)
class Observation:
    """The facts to judge, the credential as it is now, and what is wanted otherwise (for the diff)."""

    facts: ObservedState
    credential: Credential
    desired: Mapping[str, Any] = field(default_factory=dict)
    # Of what the present secret replaced, that which consumers may use yet; the rest are orphans of runs cut off.
    predecessors: tuple[str, ...] = ()
    username: str | None = None  # whose a new secret would be, where it is not the present one's
    # What minting changes besides, for the diff: as it is now, and as it will be.
    extra_diff: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Minted:
    """A new, proved secret, and whether one existed before it."""

    credential: Credential
    existed: bool = True
    verification_error: QuayError | None = None  # why it could not be proved, where the old secret is dead already


class Issuer(Protocol):
    """What one kind of credential must be able to do. It decides nothing."""

    changes_quay: bool  # whether minting changes anything on the server
    secret_is_readable: bool  # whether Quay can tell the present secret again
    recorded: bool  # whether what the stores wrote down is part of the judgement, so that it must not be missing

    def observe(self, held: Sequence[StoredSecret], *, skip_lookup: bool) -> Observation:
        """Look at Quay and change nothing. ``skip_lookup``: a new secret is wanted in any case, so looking may be spared.

        Of several held secrets, the first one that Quay takes is the present one.
        """

    def prepare(self, finding: Observation) -> Observation:
        """Look at what minting needs besides; in check mode, too.

        Refuses, before anything is tried, what cannot succeed (a registry that takes no writes).
        """

    def mint(self, finding: Observation) -> Minted:
        """Make Quay issue a new secret and prove it. The result names in ``superseded`` what it replaces.

        Raises where Quay refuses the new secret. Where Quay cannot be asked and the old secret is dead already, the
        result carries the doubt instead: the new one is delivered all the same, and the run fails afterwards.
        """

    def retire(self, uuid: str) -> None:
        """Make a superseded secret stop working."""


def policy_from_options(params: Mapping[str, Any], *, overlaps: bool = False) -> Policy:
    """The rotation policy out of a module's options. ``overlaps``: a replaced secret may live until another run."""
    return Policy(
        rotate=params["rotate"],
        max_age=parse_duration(params.get("max_age"), "max_age"),
        renew_before=parse_duration(params.get("renew_before"), "renew_before"),
        retire_after=parse_duration(params.get("retire_after"), "retire_after"),
        overlaps=overlaps,
    )


def observe_each(held: Sequence[StoredSecret], look: Callable[[StoredSecret], Observation]) -> list[Observation]:
    """Put each distinct held secret to the proof. First comes the newest that Quay takes, if it takes any.

    Stores hold different secrets only after a run was cut off or a person edited one; the newest is the one that was
    being delivered.
    """
    distinct = {item.secret: item for item in reversed(held) if item.secret}
    findings = [look(item) for item in distinct.values()]
    beginning = datetime.min.replace(tzinfo=timezone.utc)
    findings.sort(key=lambda f: (f.facts.held == "current", f.facts.created_at or beginning), reverse=True)
    return findings


def observe(issuer: Issuer, holder: SecretHolder, *, skip_lookup: bool = False) -> Observation:
    """What the issuer finds, and whether everybody who shall hold the present secret does."""
    finding = issuer.observe(holder.held, skip_lookup=skip_lookup)
    facts = finding.facts
    needs_delivery = holder.needs_delivery(finding.credential.secret, recorded=issuer.recorded)
    if facts.exists and facts.held == "current" and needs_delivery:
        return replace(finding, facts=replace(facts, held="other"))
    return finding


def rotate(context: ModuleContext, issuer: Issuer, policy: Policy, holder: SecretHolder, *, retires: bool) -> Result:
    """Bring one credential to its wanted state.

    ``retires``: what it replaces ends once it is delivered, or once the policy's grace is over.
    In check mode nothing is written, and the same answer is predicted with its secret left null.
    """
    before = observe(issuer, holder, skip_lookup=policy.forced and not context.check_mode)
    decision = decide(policy, before.facts, context.client.now())
    if decision.mints:
        before = issuer.prepare(before)
    targets = _stores_to_write(issuer, holder, before, decision)
    began = time.monotonic()
    after, existed = _mint_and_deliver(context, issuer, holder, before, decision, targets)
    window = round(time.monotonic() - began, 3) if decision.mints and not context.check_mode else None
    to_revoke = _to_revoke(context, policy, before, after, decision) if retires else ()
    left = () if context.check_mode else _retire(context, issuer, to_revoke, returned=not holder.stores_secret)
    kept = tuple(uuid for uuid in after.superseded if uuid not in to_revoke or uuid in left)
    changed = bool(targets) or bool(to_revoke) or (decision.mints and issuer.changes_quay)
    returns_secret = decision.mints or (issuer.secret_is_readable and (not holder.held or before.facts.held == "other"))
    returned = returns_secret and not holder.stores_secret and not context.check_mode
    diff = _diff(
        before,
        decision,
        holder,
        existed=existed,
        recorded=issuer.recorded,
        superseded=after.superseded,
        kept=kept,
    )
    return Result(
        changed=changed,
        values=return_values(
            context,
            replace(after, superseded=kept),
            decision.reason if existed else MISSING,
            token=after.secret if returned else None,
            minted=decision.mints,
            window=window,
            delivered=[store.place for store in targets],
            retired=[uuid for uuid in to_revoke if uuid not in left],
        ),
        **(diff if changed else {}),
    )


def clear_stores(
    context: ModuleContext,
    holder: SecretHolder,
    gone: Credential,
    *,
    existed: bool,
    revoked: Sequence[str] = (),
    usernames: Sequence[str] = (),
) -> Result:
    """The answer after a credential has been taken out of Quay; its stores are cleared, too.

    ``usernames``: who else may have carried it.
    """
    stores: list[Store] = []
    for store, held in holder.non_empty() if isinstance(holder, StoreHolder) else ():
        if held.username in (None, gone.username, *usernames):
            stores.append(store)
        else:
            context.warn(f"{store.place} holds the login of {held.username} and was left as it is.")
    if not context.check_mode:
        for store in stores:
            store.remove()
    old: dict[str, Any] = {"name": gone.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old, "token": "absent"}
    if stores:
        old["deliver"] = {store.place: "present" for store in stores}
        new["deliver"] = {store.place: "absent" for store in stores}
    if revoked:
        old["revoked"], new["revoked"] = [], list(revoked)
    values = return_values(context, gone, NOT_DUE, retired=revoked)
    return Result(existed or bool(stores) or bool(revoked), values, old, new)


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
) -> dict[str, Any]:
    """The return keys of every token module: always all of them."""
    return {
        "token": token,
        "registry": context.client.netloc,
        "api_url": f"{context.client.origin}/api/v1",
        "reason": reason,
        "minted": minted,
        "window_seconds": window,
        "delivered": list(delivered),
        "retired": list(retired),
        **credential.public(),
    }


def superseded_by_minting(old: Credential) -> tuple[str, ...]:
    """What a new secret replaces: leftovers of earlier runs, and the present one last, for it may be our very login."""
    return old.superseded + ((old.handle,) if old.handle else ())


def _stores_to_write(issuer: Issuer, holder: SecretHolder, before: Observation, decision: Decision) -> list[Store]:
    """The stores to write: all for a new secret, those that are behind for the present one."""
    if not isinstance(holder, StoreHolder):
        return []
    if decision.mints:
        return list(holder.stores)
    if decision.action != DELIVER:
        return []
    return holder.outdated(before.credential.secret, recorded=issuer.recorded)


def _mint_and_deliver(
    context: ModuleContext,
    issuer: Issuer,
    holder: SecretHolder,
    before: Observation,
    decision: Decision,
    targets: Sequence[Store],
) -> tuple[Credential, bool]:
    """Mint, prove and deliver, or predict it; returns the credential, and whether there was one before."""
    if context.check_mode:
        return (_predict(before) if decision.mints else before.credential), before.facts.exists
    if decision.mints and issuer.recorded:
        _update_outdated_stores(holder, before.credential)
    with holder.prepare(targets):
        minted = issuer.mint(before) if decision.mints else Minted(before.credential, before.facts.exists)
        holder.deliver(minted.credential, targets)
    if minted.verification_error is not None:
        kept = (
            "It was delivered all the same, because the old one is dead"
            if holder.stores_secret
            else "Quay can tell it again"
        )
        raise RefusedCredential(
            f"The new secret of {minted.credential.name} could not be proved: {minted.verification_error}. "
            f"{kept}; run the task again"
        )
    return minted.credential, minted.existed


def _update_outdated_stores(holder: SecretHolder, present: Credential) -> None:
    """Give the present secret to the stores that a run which was cut off left with the one before it.

    Robots take turns, so minting kills that one before the new one is delivered.
    """
    if isinstance(holder, StoreHolder) and present.secret is not None:
        outdated = holder.outdated(present.secret)
        with holder.prepare(outdated):
            holder.deliver(present, outdated)


def _to_revoke(
    context: ModuleContext, policy: Policy, before: Observation, after: Credential, decision: Decision
) -> tuple[str, ...]:
    """Which of the superseded secrets end in this run."""
    if not decision.mints and before.facts.held not in ("current", "other"):
        # The present secret is unknown, so any of the superseded ones may be what a consumer uses.
        return ()
    handle = before.credential.handle
    predecessors = before.predecessors if not decision.mints else (handle,) if handle else ()
    succession = Succession(after.superseded, predecessors, after.created_at, delivered=decision.action != NOTHING)
    return due_for_revocation(policy, succession, context.client.now())


def _retire(context: ModuleContext, issuer: Issuer, to_revoke: Sequence[str], *, returned: bool) -> tuple[str, ...]:
    """Revoke superseded tokens; returns those that could not be.

    Where the caller has yet to be told the new secret, a failure must not swallow it.
    """
    left: list[str] = []
    for uuid in to_revoke:
        try:
            issuer.retire(uuid)
        except QuayError as error:
            if not returned:
                raise
            left.append(uuid)
            context.warn(f"The superseded token {uuid} could not be revoked and is still alive: {error}")
    return tuple(left)


def _predict(before: Observation) -> Credential:
    """What check mode can say of a credential that a real run would mint."""
    old = before.credential
    return replace(
        old,
        username=before.username or old.username,
        secret=None,
        uuid=None,
        created_at=None,
        expires_at=None,
        last_accessed=None,
        age_source=None,
        superseded=superseded_by_minting(old),
        details={**old.details, **before.desired},
    )


def _diff(
    before: Observation,
    decision: Decision,
    holder: SecretHolder,
    *,
    existed: bool,
    recorded: bool,
    superseded: Sequence[str],
    kept: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Both sides of the diff, made only of what check mode knows as well as a real run. Never a secret."""
    old: dict[str, Any] = {"name": before.credential.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old}
    if decision.mints:
        new["token"] = _NEW
        for key, value in before.desired.items():
            old[key], new[key] = (before.credential.details.get(key) if existed else None), value
        for key, (was, will_be) in before.extra_diff.items():
            old[key], new[key] = was, will_be
    if isinstance(holder, StoreHolder):
        present = None if decision.mints else before.credential.secret
        old["deliver"] = holder.describe(present, recorded=recorded)
        new["deliver"] = dict.fromkeys(old["deliver"], _NEW if decision.mints else "current")
    if superseded:
        old["superseded"], new["superseded"] = list(superseded), list(kept)
    return {"before": old, "after": new}
