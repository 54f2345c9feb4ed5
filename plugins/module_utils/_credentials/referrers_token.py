# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Registry tokens for the referrers API: an hour long, for named repositories and actions, changing nothing in Quay."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, RefusedCredential
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import RegistryToken, parse_registry_token, request_registry_token
from .._stores.contract import StoredSecret
from .._stores.holders import holder_from_options
from .policy import AGE_FROM_MINT, AGE_FROM_QUAY, ObservedState
from .rotation import Minted, Observation, clear_stores, observe_each, policy_from_options, rotate

_REPOSITORY = re.compile(r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)+$")
# A token issued further in the future than this, by our clock, means that our clock is wrong.
_LEEWAY = timedelta(seconds=60)


def ensure_referrers_token(context: ModuleContext) -> Result:
    """The module quay_referrers_token."""
    issuer = ReferrersIssuer(context, context.params["repositories"], context.params["actions"])
    policy = policy_from_options(context.params)
    if any(store["kind"] == "container_auth" for store in context.params["deliver"] or ()):
        raise BadInput(
            "deliver: a registry token is no password, so a container engine cannot use it out of its auth file; "
            "deliver it to a store of the kind file"
        )
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        if context.params["state"] == "absent":
            return clear_stores(context, holder, issuer.gone(), existed=False)
        return rotate(context, issuer, policy, holder, retires=False)


class ReferrersIssuer:
    """One registry token. It cannot be listed or revoked; it runs out by itself."""

    changes_quay = False
    secret_is_readable = False
    recorded = False

    def __init__(self, context: ModuleContext, repositories: Sequence[str], actions: Sequence[str]) -> None:
        self._context = context
        self._repositories = sorted(set(repositories))
        self._actions = [action for action in ("pull", "push") if action in actions]
        _check(self._repositories, self._actions)

    def gone(self) -> Credential:
        """The token once nobody has it any more; what is alive of it ends by itself within the hour."""
        return Credential(self._name(), None, details={"access": self._desired()})

    def observe(self, held: Sequence[StoredSecret], *, skip_lookup: bool) -> Observation:
        """Read the held tokens; Quay is not asked."""
        findings = observe_each(held, self._look)
        return findings[0] if findings else self._finding(False, None)

    def prepare(self, finding: Observation) -> Observation:
        """In check mode, see whether Quay would grant at least the pull: asking for push might create a repository."""
        if self._context.check_mode and "pull" in self._actions:
            self._request(["pull"])
        return finding

    def mint(self, finding: Observation) -> Minted:
        return Minted(self._credential(self._request(self._actions), AGE_FROM_MINT), existed=finding.facts.exists)

    def retire(self, uuid: str) -> None:
        """A registry token cannot be revoked; it ends within the hour."""

    def _look(self, held: StoredSecret) -> Observation:
        return self._finding(True, parse_registry_token(held.secret or ""))

    def _finding(self, exists: bool, grant: RegistryToken | None) -> Observation:
        facts = ObservedState(
            exists=exists,
            held="invalid" if grant is None or self._from_the_future(grant) else "current",
            scopes_match=grant is not None and not grant.missing(self._repositories, self._actions),
            created_at=grant.issued_at if grant else None,
            expires_at=grant.expires_at if grant else None,
        )
        credential = self._credential(grant, AGE_FROM_QUAY) if grant else self.gone()
        return Observation(facts, credential, {"access": self._desired()})

    def _request(self, actions: Sequence[str]) -> RegistryToken:
        client, server = self._context.client, self._context.server
        grant = request_registry_token(
            client, client.auth.for_registry(), server.hostname(), self._repositories, actions
        )
        if server.feature("REFERRERS_API") is False:
            self._context.warn("This Quay does not offer the referrers API (FEATURE_REFERRERS_API is off).")
        missing = grant.missing(self._repositories, actions)
        if missing:
            raise RefusedCredential(
                f"Quay granted a token without {', '.join(missing)}: the repository does not exist, or {grant.subject} "
                "has no such right on it"
            )
        return grant

    def _from_the_future(self, grant: RegistryToken) -> bool:
        early = grant.issued_at - self._context.client.now() > _LEEWAY
        if early:
            self._context.warn("The held token was issued in the future by this target's clock: the clock is wrong.")
        return early

    def _credential(self, grant: RegistryToken, source: str) -> Credential:
        access = {repository: sorted(actions) for repository, actions in grant.access.items()}
        return Credential(
            name=self._name(),
            username=None,  # it goes into a bearer header, with no name beside it
            secret=grant.token,
            created_at=grant.issued_at,
            expires_at=grant.expires_at,
            age_source=source,
            details={"access": access},
        )

    def _name(self) -> str:
        return " ".join(self._repositories)

    def _desired(self) -> dict[str, list[str]]:
        return {repository: list(self._actions) for repository in self._repositories}


def _check(repositories: Sequence[str], actions: Sequence[str]) -> None:
    if not repositories:
        raise BadInput("repositories must name at least one repository, as organization/repository")
    for repository in repositories:
        if not _REPOSITORY.fullmatch(repository):
            raise BadInput(
                f"repositories: '{repository}' is no repository name; write organization/repository in lower case"
            )
    if not actions:
        raise BadInput("actions must name pull, push or both")
