# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Registry tokens for the OCI referrers API (quay_referrers_token).

Each is valid for an hour, for named repositories and actions. Issuing one changes nothing in Quay. It can be neither
listed nor revoked.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any, Iterator, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, RefusedCredential
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import RegistryToken, parse_registry_token, request_registry_token
from .._stores.contract import StoredSecret
from .._stores.holders import holder_from_options
from .declaration_options import is_login_of_engine
from .declared import DeclaredCredential, Observed, observe_or_report
from .evaluation import Observation, kept_secrets, observe_each
from .hourly_token import hourly_token_policy, is_from_future
from .kind import TokenModule
from .policy import (
    AGE_FROM_MINT,
    AGE_FROM_QUAY,
    STORED_INVALID,
    STORED_VALID,
    ObservedState,
    Policy,
)
from .robot_reach import warn_of_further_rights
from .rotation_order import TOKEN_OPTIONS, Minted, clear_stores, rotate
from .token_list import Entry, TokenKind, ensure_one_or_many, same_claims

_REPOSITORY = re.compile(r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)+$")

# The options of quay_referrers_token, with their defaults.
REFERRERS_TOKEN_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "repositories": {"type": "list", "elements": "str", "required": True},
    "actions": {"type": "list", "elements": "str", "choices": ["pull", "push"], "default": ["pull"]},
    "renew_before": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_referrers_tokens(context: ModuleContext) -> Result:
    """The module quay_referrers_token: one credential, or many."""
    return ensure_one_or_many(_REFERRERS_TOKENS, context)


def ensure_referrers_token(context: ModuleContext) -> Result:
    """Ensure one credential."""
    issuer, policy = _declared(context)
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        if context.params["state"] == "absent":
            return clear_stores(context, holder, issuer.without_token(), existed=False, other=issuer.other)
        return rotate(context, issuer, policy, holder, retires=False)


def _declared(context: ModuleContext) -> tuple[ReferrersIssuer, Policy]:
    """What the options declare. Raises BadInput if they are wrong, whatever Quay says."""
    issuer = ReferrersIssuer(context, context.params["repositories"], context.params["actions"])
    policy = hourly_token_policy(context.params)
    if any(map(is_login_of_engine, context.params["deliver"] or ())):
        raise BadInput(
            "deliver: a registry token is not a password, so container engines cannot use it from an auth file. "
            "Deliver it to a store of the kind file"
        )
    return issuer, policy


class ReferrersIssuer:
    """One registry token. It cannot be listed or revoked; it expires within the hour."""

    changes_quay = False
    secret_is_readable = False
    invalidates = False
    record_required = False

    def __init__(self, context: ModuleContext, repositories: Sequence[str], actions: Sequence[str]) -> None:
        """Raises BadInput for invalid repositories or actions."""
        self._context = context
        self._repositories = sorted(set(repositories))
        self._actions = [action for action in ("pull", "push") if action in actions]
        check_access(self._repositories, self._actions)

    def without_token(self) -> Credential:
        """The credential without a secret."""
        return Credential(self._name, None, details={"access": self._desired_access})

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        """Read the stored tokens. No request is sent: a token says itself what it is."""
        observations = observe_each(stored, self._observe_stored)
        return observations[0] if observations else self._observation(False, None)

    def prepare(self, observation: Observation) -> Observation:
        """In check mode, request the pull access only: a request for push may create a repository."""
        if self._context.check_mode and "pull" in self._actions:
            warn_of_further_rights(self._context, self._request(["pull"]), self._repositories, self._actions)
        return observation

    def mint(self, observation: Observation) -> Minted:
        token = self._request(self._actions)
        warn_of_further_rights(self._context, token, self._repositories, self._actions)
        return Minted(self._credential(token, AGE_FROM_MINT), existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        """Nothing to do: a registry token cannot be revoked, and expires within the hour."""

    def other(self, stored: StoredSecret) -> str:
        """What a stored secret is, if it is none of these tokens and may be valid; else empty."""
        if stored.secret is None:
            return ""
        token = parse_registry_token(stored.secret)
        if token is None:
            return "something else than a registry token"
        missing = token.missing(self._repositories, self._actions)
        is_valid = token.expires_at > self._context.client.now()
        return f"a valid registry token without {', '.join(missing)}" if missing and is_valid else ""

    def _observe_stored(self, stored: StoredSecret) -> Observation:
        return self._observation(True, parse_registry_token(stored.secret or ""))

    def _observation(self, exists: bool, token: RegistryToken | None) -> Observation:
        state = ObservedState(
            exists=exists,
            secret=STORED_INVALID if token is None or is_from_future(self._context, token) else STORED_VALID,
            scopes_match=token is not None and not token.missing(self._repositories, self._actions),
            created_at=token.issued_at if token else None,
            expires_at=token.expires_at if token else None,
        )
        credential = self._credential(token, AGE_FROM_QUAY) if token else self.without_token()
        return Observation(state, credential, {"access": self._desired_access})

    def _request(self, actions: Sequence[str]) -> RegistryToken:
        token = request_granted_token(self._context, self._repositories, actions)
        if self._context.server.feature("REFERRERS_API") is False:
            self._context.warn("This server does not offer the referrers API (FEATURE_REFERRERS_API is off).")
        return token

    def _credential(self, token: RegistryToken, source: str) -> Credential:
        access = {repository: sorted(actions) for repository, actions in token.access.items()}
        return Credential(
            name=self._name,
            username=None,  # the token is sent as a bearer token, without a user name
            secret=token.token,
            created_at=token.issued_at,
            expires_at=token.expires_at,
            age_source=source,
            details={"access": access},
        )

    @property
    def _name(self) -> str:
        return " ".join(self._repositories)

    @property
    def _desired_access(self) -> dict[str, list[str]]:
        return {repository: list(self._actions) for repository in self._repositories}


def request_granted_token(context: ModuleContext, repositories: Sequence[str], actions: Sequence[str]) -> RegistryToken:
    """Request a registry token that allows all of this. Raises RefusedCredential if Quay grants less."""
    client = context.client
    service = context.server.hostname()
    token = request_registry_token(client, client.auth.for_registry(), service, repositories, actions)
    missing = token.missing(repositories, actions)
    if missing:
        raise RefusedCredential(
            f"Quay issued a token without {', '.join(missing)}: the repository does not exist, or {token.subject} has "
            "no such permission on it"
        )
    return token


def observe_referrers_tokens(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many registry tokens, without a request."""
    for declared in credentials:
        yield from observe_or_report([declared], partial(_observe_declared, context, declared))


def _observe_declared(context: ModuleContext, declared: DeclaredCredential) -> list[Observed]:
    issuer = ReferrersIssuer(context, declared.params["repositories"], declared.params["actions"])
    observation = issuer.observe(declared.stored)
    if declared.is_absent:
        observation = replace(observation, kept=kept_secrets(declared.stored, issuer.other))
    return [Observed(declared, observation)]


def check_access(repositories: Sequence[str], actions: Sequence[str]) -> None:
    """Raise BadInput for repositories or actions for which no token can be issued."""
    if not repositories:
        raise BadInput("repositories must name at least one repository, as organization/repository")
    for repository in repositories:
        if not _REPOSITORY.fullmatch(repository):
            raise BadInput(
                f"repositories: '{repository}' is not a valid repository name. Write organization/repository in lower "
                "case"
            )
    if not actions:
        raise BadInput("actions must name pull, push or both")


def _conflicts(context: ModuleContext, entries: Sequence[Entry]) -> Iterator[str]:
    """Two entries with the same access are one credential: nothing in the results would distinguish them."""

    def allowed(entry: Entry) -> Iterator[str]:
        repositories = sorted(set(entry.params["repositories"]))
        yield f"the actions {', '.join(sorted(set(entry.params['actions'])))} on {', '.join(repositories)}"

    return same_claims(entries, allowed)


_REFERRERS_TOKENS = TokenKind(ensure_referrers_token, _declared, _conflicts)

REFERRERS_MODULE = TokenModule(
    options=REFERRERS_TOKEN_OPTIONS,
    status_options={
        "repositories": {"type": "list", "elements": "str", "default": []},
        "actions": REFERRERS_TOKEN_OPTIONS["actions"],
        "renew_before": REFERRERS_TOKEN_OPTIONS["renew_before"],
    },
    policy=hourly_token_policy,
    observe=observe_referrers_tokens,
    ensure=ensure_referrers_token,
)
