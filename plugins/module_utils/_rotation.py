# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one order in which every credential is renewed: find, judge, mint, prove, deliver, retire."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Protocol, Sequence, Union

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import Caller, TokenFile
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    DELIVER,
    MISSING,
    Facts,
    Policy,
    Verdict,
    judge,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._times import parse_duration

Custody = Union[Caller, TokenFile]

# How the diff names a secret that did not exist before.
_NEW = "new"

# The options that every token module has.
CUSTODY_OPTIONS: dict[str, Any] = {
    "current_token": {"type": "str", "no_log": True},
    "token_path": {"type": "path", "no_log": False},
    "rotate": {"type": "str", "choices": ["when_due", "always", "never"], "default": "when_due"},
}


@dataclass(frozen=True)
class Finding:
    """The facts to judge, the credential as it is now, and what is wanted otherwise (for the diff)."""

    facts: Facts
    credential: Credential
    wanted: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Minted:
    """A new, proved secret, and whether one existed before it."""

    credential: Credential
    existed: bool = True


class Issuer(Protocol):
    """What one kind of credential must be able to do. It decides nothing."""

    changes_quay: bool  # whether minting changes anything on the server

    def find(self, custody: Custody, *, blind: bool) -> Finding:
        """Look at Quay and change nothing. ``blind``: a new secret is wanted in any case, so looking may be spared."""

    def admit(self) -> None:
        """Refuse, before anything is tried, what cannot succeed (a registry that takes no writes)."""

    def mint(self, finding: Finding) -> Minted:
        """Make Quay issue a new secret and prove it. The result names in ``superseded`` what it replaces."""

    def retire(self, uuid: str) -> None:
        """Make a superseded secret stop working."""

    def tells(self, custody: Custody, finding: Finding) -> bool:
        """Whether the caller is told a secret that was not minted now."""


def policy_of(params: Mapping[str, Any]) -> Policy:
    """The rotation policy out of a module's options."""
    return Policy(
        rotate=params["rotate"],
        max_age=parse_duration(params.get("max_age"), "max_age"),
        renew_before=parse_duration(params.get("renew_before"), "renew_before"),
    )


def custody_of(params: Mapping[str, Any]) -> Custody:
    """The file of C(token_path), or the caller with his C(current_token)."""
    if params.get("token_path"):
        return TokenFile(params["token_path"])
    return Caller(params.get("current_token") or None)


def renew(call: Call, issuer: Issuer, policy: Policy, custody: Custody, *, retires: bool) -> Outcome:
    """Bring one credential to its wanted state. ``retires``: what it replaces is revoked once it is delivered.

    In check mode nothing is written, and the same answer is predicted with its secret left null.
    """
    before = issuer.find(custody, blind=policy.forced and not call.check_mode)
    verdict = judge(policy, before.facts, call.client.now())
    writes = verdict.mints or (verdict.action == DELIVER and custody.keeps)
    if verdict.mints:
        issuer.admit()
    after, existed = before.credential, before.facts.exists
    if call.check_mode:
        after = _predicted(before) if verdict.mints else after
    elif writes:
        with custody.ready():
            if verdict.mints:
                minted = issuer.mint(before)
                after, existed = minted.credential, minted.existed
            custody.deliver(after)
    superseded = after.superseded
    doomed = superseded if retires else ()
    left = doomed if call.check_mode else _retire(call, issuer, doomed, told=not custody.keeps)
    after = replace(
        after, superseded=tuple(u for u in superseded if u not in doomed or (u in left and not call.check_mode))
    )
    told = not call.check_mode and not custody.keeps and (verdict.mints or issuer.tells(custody, before))
    changed = (writes and (issuer.changes_quay or custody.keeps)) or bool(doomed)
    diff = _diff(before, after, verdict, custody, existed=existed, superseded=superseded, writes=writes)
    return Outcome(
        changed=changed,
        values=answer(
            call,
            after,
            verdict.reason if existed else MISSING,
            token=after.secret if told else None,
            minted=verdict.mints,
        ),
        **(diff if changed else {}),
    )


def answer(
    call: Call, credential: Credential, reason: str, *, token: str | None = None, minted: bool = False
) -> dict[str, Any]:
    """The return keys of every token module: always all of them."""
    return {
        "token": token,
        "registry": call.client.netloc,
        "api_url": f"{call.client.origin}/api/v1",
        "reason": reason,
        "minted": minted,
        **credential.public(),
    }


def replaced(old: Credential) -> tuple[str, ...]:
    """What a new secret replaces: leftovers of earlier runs, and the present one last, for it may be our very login."""
    return old.superseded + ((old.uuid,) if old.uuid else ())


def _retire(call: Call, issuer: Issuer, doomed: Sequence[str], *, told: bool) -> list[str]:
    """Revoke superseded tokens; returns those that could not be.

    Where the caller has yet to be told the new secret, a failure must not swallow it.
    """
    left = []
    for uuid in doomed:
        try:
            issuer.retire(uuid)
        except QuayError as error:
            if not told:
                raise
            left.append(uuid)
            call.warn(f"The superseded token {uuid} could not be revoked and is still alive: {error}")
    return left


def _predicted(before: Finding) -> Credential:
    """What check mode can say of a credential that a real run would mint."""
    old = before.credential
    return replace(
        old,
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
    after: Credential,
    verdict: Verdict,
    custody: Custody,
    *,
    existed: bool,
    superseded: tuple[str, ...],
    writes: bool,
) -> dict[str, dict[str, Any]]:
    """Both sides of the diff, made only of what check mode knows as well as a real run. Never a secret."""
    old: dict[str, Any] = {"name": before.credential.name, "token": "present" if existed else "absent"}
    new: dict[str, Any] = {**old}
    if verdict.mints:
        new["token"] = _NEW
        for key, value in before.wanted.items():
            old[key], new[key] = (before.credential.details.get(key) if existed else None), value
    if custody.keeps:
        old["token_path"] = "absent" if custody.secret is None else "present"
        new["token_path"] = (_NEW if verdict.mints else "current") if writes else old["token_path"]
    if superseded:
        old["superseded"], new["superseded"] = list(superseded), list(after.superseded)
    return {"before": old, "after": new}
