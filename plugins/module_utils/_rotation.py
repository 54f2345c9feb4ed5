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

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import CUSTODY_OPTIONS, Custody, Stores
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import QuayError, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    DELIVER,
    MISSING,
    NOT_DUE,
    NOTHING,
    Facts,
    Policy,
    Succession,
    Verdict,
    doomed,
    judge,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Held, Store
from ansible_collections.tokensmith.quay.plugins.module_utils._times import parse_duration

# How the diff names a secret that did not exist before.
_NEW = "new"

# The options that every token module has.
TOKEN_OPTIONS: dict[str, Any] = {
    **CUSTODY_OPTIONS,
    "rotate": {"type": "str", "choices": ["when_due", "always", "never"], "default": "when_due"},
}


@dataclass(frozen=True)
class Finding:
    """The facts to judge, the credential as it is now, and what is wanted otherwise (for the diff)."""

    facts: Facts
    credential: Credential
    wanted: Mapping[str, Any] = field(default_factory=dict)
    # Of what the present secret replaced, that which consumers may use yet; the rest are orphans of runs cut off.
    predecessors: tuple[str, ...] = ()
    username: str | None = None  # whose a new secret would be, where it is not the present one's
    # What minting changes besides, for the diff: as it is now, and as it will be.
    besides: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Minted:
    """A new, proved secret, and whether one existed before it."""

    credential: Credential
    existed: bool = True
    doubt: QuayError | None = None  # why it could not be proved, where the old secret is dead already


class Issuer(Protocol):
    """What one kind of credential must be able to do. It decides nothing."""

    changes_quay: bool  # whether minting changes anything on the server
    retells: bool  # whether Quay can tell the present secret again
    recorded: bool  # whether what the stores wrote down is part of the judgement, so that it must not be missing

    def find(self, held: Sequence[Held], *, blind: bool) -> Finding:
        """Look at Quay and change nothing. ``blind``: a new secret is wanted in any case, so looking may be spared.

        Of several held secrets, the first one that Quay takes is the present one.
        """

    def prepare(self, finding: Finding) -> Finding:
        """Look at what minting needs besides; in check mode, too.

        Refuses, before anything is tried, what cannot succeed (a registry that takes no writes).
        """

    def mint(self, finding: Finding) -> Minted:
        """Make Quay issue a new secret and prove it. The result names in ``superseded`` what it replaces.

        Raises where Quay refuses the new secret. Where Quay cannot be asked and the old secret is dead already, the
        result carries the doubt instead: the new one is delivered all the same, and the run fails afterwards.
        """

    def retire(self, uuid: str) -> None:
        """Make a superseded secret stop working."""


def policy_of(params: Mapping[str, Any], *, overlaps: bool = False) -> Policy:
    """The rotation policy out of a module's options. ``overlaps``: a replaced secret may live until another run."""
    return Policy(
        rotate=params["rotate"],
        max_age=parse_duration(params.get("max_age"), "max_age"),
        renew_before=parse_duration(params.get("renew_before"), "renew_before"),
        retire_after=parse_duration(params.get("retire_after"), "retire_after"),
        overlaps=overlaps,
    )


def looked_at(held: Sequence[Held], look: Callable[[Held], Finding]) -> list[Finding]:
    """Put each distinct held secret to the proof. First comes the newest that Quay takes, if it takes any.

    Stores hold different secrets only after a run was cut off or a person edited one; the newest is the one that was
    being delivered.
    """
    distinct = {item.secret: item for item in reversed(held) if item.secret}
    findings = [look(item) for item in distinct.values()]
    beginning = datetime.min.replace(tzinfo=timezone.utc)
    findings.sort(key=lambda f: (f.facts.held == "current", f.facts.created_at or beginning), reverse=True)
    return findings


def found(issuer: Issuer, custody: Custody, *, blind: bool = False) -> Finding:
    """What the issuer finds, and whether everybody who shall hold the present secret does."""
    finding = issuer.find(custody.held, blind=blind)
    facts = finding.facts
    lacks = custody.lacks(finding.credential.secret, recorded=issuer.recorded)
    if facts.exists and facts.held == "current" and lacks:
        return replace(finding, facts=replace(facts, held="other"))
    return finding


def renew(call: Call, issuer: Issuer, policy: Policy, custody: Custody, *, retires: bool) -> Outcome:
    """Bring one credential to its wanted state.

    ``retires``: what it replaces ends once it is delivered, or once the policy's grace is over.
    In check mode nothing is written, and the same answer is predicted with its secret left null.
    """
    before = found(issuer, custody, blind=policy.forced and not call.check_mode)
    verdict = judge(policy, before.facts, call.client.now())
    if verdict.mints:
        before = issuer.prepare(before)
    targets = _targets(issuer, custody, before, verdict)
    began = time.monotonic()
    after, existed = _act(call, issuer, custody, before, verdict, targets)
    window = round(time.monotonic() - began, 3) if verdict.mints and not call.check_mode else None
    ends = _ends(call, policy, before, after, verdict) if retires else ()
    left = () if call.check_mode else _retire(call, issuer, ends, told=not custody.keeps)
    kept = tuple(uuid for uuid in after.superseded if uuid not in ends or uuid in left)
    changed = bool(targets) or bool(ends) or (verdict.mints and issuer.changes_quay)
    tells = verdict.mints or (issuer.retells and (not custody.held or before.facts.held == "other"))
    told = tells and not custody.keeps and not call.check_mode
    diff = _diff(
        before,
        verdict,
        custody,
        existed=existed,
        recorded=issuer.recorded,
        superseded=after.superseded,
        kept=kept,
    )
    return Outcome(
        changed=changed,
        values=answer(
            call,
            replace(after, superseded=kept),
            verdict.reason if existed else MISSING,
            token=after.secret if told else None,
            minted=verdict.mints,
            window=window,
            delivered=[store.place for store in targets],
            retired=[uuid for uuid in ends if uuid not in left],
        ),
        **(diff if changed else {}),
    )


def cleared(
    call: Call,
    custody: Custody,
    gone: Credential,
    *,
    existed: bool,
    revoked: Sequence[str] = (),
    usernames: Sequence[str] = (),
) -> Outcome:
    """The answer after a credential has been taken out of Quay; its stores are cleared, too.

    ``usernames``: who else may have carried it.
    """
    stores: list[Store] = []
    for store, held in custody.filled() if isinstance(custody, Stores) else ():
        if held.username in (None, gone.username, *usernames):
            stores.append(store)
        else:
            call.warn(f"{store.place} holds the login of {held.username} and was left as it is.")
    if not call.check_mode:
        for store in stores:
            store.remove()
    old: dict[str, Any] = {"name": gone.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old, "token": "absent"}
    if stores:
        old["deliver"] = {store.place: "present" for store in stores}
        new["deliver"] = {store.place: "absent" for store in stores}
    if revoked:
        old["revoked"], new["revoked"] = [], list(revoked)
    values = answer(call, gone, NOT_DUE, retired=revoked)
    return Outcome(existed or bool(stores) or bool(revoked), values, old, new)


def answer(
    call: Call,
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
        "registry": call.client.netloc,
        "api_url": f"{call.client.origin}/api/v1",
        "reason": reason,
        "minted": minted,
        "window_seconds": window,
        "delivered": list(delivered),
        "retired": list(retired),
        **credential.public(),
    }


def replaced(old: Credential) -> tuple[str, ...]:
    """What a new secret replaces: leftovers of earlier runs, and the present one last, for it may be our very login."""
    return old.superseded + ((old.handle,) if old.handle else ())


def _targets(issuer: Issuer, custody: Custody, before: Finding, verdict: Verdict) -> list[Store]:
    """The stores to write: all for a new secret, those that are behind for the present one."""
    if not isinstance(custody, Stores):
        return []
    if verdict.mints:
        return list(custody.stores)
    if verdict.action != DELIVER:
        return []
    return custody.behind(before.credential.secret, recorded=issuer.recorded)


def _act(
    call: Call, issuer: Issuer, custody: Custody, before: Finding, verdict: Verdict, targets: Sequence[Store]
) -> tuple[Credential, bool]:
    """Mint, prove and deliver, or predict it; returns the credential, and whether there was one before."""
    if call.check_mode:
        return (_predicted(before) if verdict.mints else before.credential), before.facts.exists
    if verdict.mints and issuer.recorded:
        _catch_up(custody, before.credential)
    with custody.ready(targets):
        minted = issuer.mint(before) if verdict.mints else Minted(before.credential, before.facts.exists)
        custody.deliver(minted.credential, targets)
    if minted.doubt is not None:
        kept = (
            "It was delivered all the same, because the old one is dead" if custody.keeps else "Quay can tell it again"
        )
        raise RefusedCredential(
            f"The new secret of {minted.credential.name} could not be proved: {minted.doubt}. "
            f"{kept}; run the task again"
        )
    return minted.credential, minted.existed


def _catch_up(custody: Custody, present: Credential) -> None:
    """Give the present secret to the stores that a run which was cut off left with the one before it.

    Robots take turns, so minting kills that one before the new one is delivered.
    """
    if isinstance(custody, Stores) and present.secret is not None:
        behind = custody.behind(present.secret)
        with custody.ready(behind):
            custody.deliver(present, behind)


def _ends(call: Call, policy: Policy, before: Finding, after: Credential, verdict: Verdict) -> tuple[str, ...]:
    """Which of the superseded secrets end in this run."""
    if not verdict.mints and before.facts.held not in ("current", "other"):
        # The present secret is unknown, so any of the superseded ones may be what a consumer uses.
        return ()
    handle = before.credential.handle
    predecessors = before.predecessors if not verdict.mints else (handle,) if handle else ()
    succession = Succession(after.superseded, predecessors, after.created_at, delivered=verdict.action != NOTHING)
    return doomed(policy, succession, call.client.now())


def _retire(call: Call, issuer: Issuer, ends: Sequence[str], *, told: bool) -> tuple[str, ...]:
    """Revoke superseded tokens; returns those that could not be.

    Where the caller has yet to be told the new secret, a failure must not swallow it.
    """
    left: list[str] = []
    for uuid in ends:
        try:
            issuer.retire(uuid)
        except QuayError as error:
            if not told:
                raise
            left.append(uuid)
            call.warn(f"The superseded token {uuid} could not be revoked and is still alive: {error}")
    return tuple(left)


def _predicted(before: Finding) -> Credential:
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
        superseded=replaced(old),
        details={**old.details, **before.wanted},
    )


def _diff(
    before: Finding,
    verdict: Verdict,
    custody: Custody,
    *,
    existed: bool,
    recorded: bool,
    superseded: Sequence[str],
    kept: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Both sides of the diff, made only of what check mode knows as well as a real run. Never a secret."""
    old: dict[str, Any] = {"name": before.credential.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old}
    if verdict.mints:
        new["token"] = _NEW
        for key, value in before.wanted.items():
            old[key], new[key] = (before.credential.details.get(key) if existed else None), value
        for key, (was, will_be) in before.besides.items():
            old[key], new[key] = was, will_be
    if isinstance(custody, Stores):
        present = None if verdict.mints else before.credential.secret
        old["deliver"] = custody.described(present, recorded=recorded)
        new["deliver"] = dict.fromkeys(old["deliver"], _NEW if verdict.mints else "current")
    if superseded:
        old["superseded"], new["superseded"] = list(superseded), list(kept)
    return {"before": old, "after": new}
