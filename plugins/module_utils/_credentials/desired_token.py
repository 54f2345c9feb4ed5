# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What the options of an API token declare, and what its two issuers share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Mapping, Sequence

from .._core.errors import BadInput, QuayError, RefusedCredential
from .._core.names import check_length
from .._core.texts import listed
from .._core.times import parse_duration
from .._http.auth import OAUTH_USERNAME, BearerAuth
from .._module.context import ModuleContext
from .._quay.oauth import LONGEST_LIFETIME, Applications, expand_scopes, organization_of
from .._quay.registry_auth import Liveness, Verification, verify_secret
from .._stores.contract import StoredSecret
from .evaluation import Observation
from .policy import (
    MAX_RENEW_BEFORE,
    RENEWED_PART,
    STORED_EXPIRED,
    STORED_INVALID,
    STORED_VALID,
    Policy,
    policy_from_options,
)
from .rotation_order import Issuer

# The name of a token in Quay if the task gives none.
_DEFAULT_NAME = "ansible"
# The scopes of a first token if the task gives none.
_DEFAULT_SCOPES = ("repo:read",)


@dataclass(frozen=True)
class DesiredToken:
    """An API token as it is declared."""

    organization: str
    client_id: str
    name: str
    scopes: Sequence[str]
    lifetime: timedelta | None
    named: bool = True  # whether the task gives the name, so that other tokens of that name are ours
    # The application that serves this credential alone, so that all of the user's tokens in it are ours.
    own_application: str | None = None
    # Whether the task gives no scopes, so that a token keeps those that it has. ``scopes`` are those of a first token.
    keeps_scopes: bool = False
    limits_age: bool = False  # whether max_age is declared

    def matches(self, present: Sequence[str] | None) -> bool:
        """Whether a token with these scopes has the declared ones. ``present``: None if they are unknown."""
        return self.keeps_scopes or present is None or list(present) == list(self.scopes)

    def next_scopes(self, present: Sequence[str] | None) -> list[str]:
        """The scopes of the token that replaces one with these scopes."""
        return list(present if self.keeps_scopes and present is not None else self.scopes)

    def details(self, scopes: Sequence[str]) -> dict[str, Any]:
        """The return keys that only API tokens have."""
        return {"organization": self.organization, "client_id": self.client_id, "scopes": list(scopes)}


def desired_token(context: ModuleContext, params: Mapping[str, Any]) -> DesiredToken:
    """Read the options of an API token. Asks Quay for the client id if only the application's name is given.

    Raises BadInput for invalid options and for an application that does not exist.
    """
    name, scopes, lifetime = token_options(params)
    named, keeps_scopes = params["name"] is not None, params["scopes"] is None
    organization, client_id = _resolve_application(
        context, params["organization"], params["application"], params["client_id"]
    )
    own = _sole_application(context, organization, client_id) if params["owns_application"] else None
    limits_age = bool(params.get("max_age"))
    return DesiredToken(organization, client_id, name, scopes, lifetime, named, own, keeps_scopes, limits_age)


def token_options(params: Mapping[str, Any]) -> tuple[str, list[str], timedelta | None]:
    """The name, the scopes and the lifetime of an API token. Raises BadInput for invalid ones. Sends nothing."""
    name = params["name"].strip() if params["name"] is not None else _DEFAULT_NAME
    if not name:
        raise BadInput("name must not be blank: a later run finds this token by its name")
    check_length(name, "name")
    scopes = expand_scopes(_DEFAULT_SCOPES if params["scopes"] is None else params["scopes"])
    lifetime = parse_duration(params["lifetime"], "lifetime")
    if lifetime is not None and not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise BadInput("lifetime must be between 1s and 3652d (ten years, Quay's own limit)")
    return name, scopes, lifetime


def _resolve_application(
    context: ModuleContext, organization: str | None, application: str | None, client_id: str | None
) -> tuple[str, str]:
    """The organization and client id of the declared application, with as few requests as the options allow."""
    if client_id:
        return organization or organization_of(context.client, client_id), client_id
    if not organization or not application:
        raise BadInput("Name the application by client_id, or by organization and application")
    found = Applications(context.client, organization).find(application)
    if found is None:
        raise BadInput(
            f"The organization {organization} has no application named '{application}'. Create it with quay_application"
        )
    return organization, found.client_id


def _sole_application(context: ModuleContext, organization: str, client_id: str) -> str | None:
    """The name of the application that serves one credential alone; None if the server gives tokens names.

    The list of a user's tokens names only the application, so that name must be unique in the organization.
    """
    if context.server.has_application_tokens():
        return None
    applications = Applications(context.client, organization).list()
    name = next((application.name for application in applications if application.client_id == client_id), None)
    if name is None:
        raise BadInput(f"client_id: the organization {organization} has no application {client_id}")
    if [application.name for application in applications].count(name) > 1:
        raise BadInput(
            f"owns_application: the organization {organization} has several applications named '{name}', and Quay's "
            "list of tokens does not distinguish them. Rename one of them"
        )
    return name


def api_token_policy(params: Mapping[str, Any]) -> Policy:
    """The rotation policy of an API token. Raises BadInput for durations that would replace a token in every run."""
    policy = policy_from_options(params)
    lifetime = parse_duration(params["lifetime"], "lifetime") or LONGEST_LIFETIME
    if policy.renew_before is None:
        return replace(policy, renew_before=min(MAX_RENEW_BEFORE, lifetime / RENEWED_PART))
    if policy.renew_before >= lifetime:
        given = params["lifetime"] or "ten years if it is not set"
        raise BadInput(
            f"renew_before ({params['renew_before']}) must be shorter than lifetime ({given}): a new token would be "
            "due at once, in every run"
        )
    return policy


def warn_of_unknown_scopes(context: ModuleContext, desired: DesiredToken, observation: Observation) -> None:
    """Warn if the task gives no scopes, and Quay does not show those of the token that is replaced."""
    if observation.state.exists and not observation.scopes_known:
        context.warn(
            "scopes is not set, and Quay does not show the scopes of the token that is replaced. The new token has "
            f"{' '.join(desired.scopes)}. Set scopes if it needs others."
        )


def stored_state(verification: Verification, *, listed: bool) -> str:
    """What Quay makes of a stored token. ``listed``: whether it is a token of the declared application."""
    if verification.liveness is Liveness.EXPIRED:
        return STORED_EXPIRED
    return STORED_VALID if verification.live and listed else STORED_INVALID


def recorded_as_superseded(stored: Sequence[StoredSecret]) -> list[str]:
    """The uuids that the records of the stored tokens name as replaced by them."""
    records = [item.record for item in stored if item.record and item.recorded]
    return list(dict.fromkeys(uuid for record in records for uuid in record.superseded))


def note_login(context: ModuleContext, observations: Sequence[Observation]) -> None:
    """Keep the uuid of the login's token, if it is one of those that were observed: it is revoked after the others."""
    auth = context.client.auth
    if isinstance(auth, BearerAuth):
        own = (item.credential.uuid for item in observations if auth.holds(item.credential.secret))
        context.login_uuid = next(own, None) or context.login_uuid


def left_by_interrupted_runs(best: Observation, others: Sequence[Observation]) -> tuple[str, ...]:
    """The uuids that interrupted runs left valid: tokens of the same name, and tokens that other stores hold."""
    stored = (other.credential.uuid for other in others if other.credential.uuid)
    return tuple(dict.fromkeys([*best.credential.superseded, *stored]))


def lost_response_error(error: QuayError, remedy: str) -> RefusedCredential:
    """The error after a request that may have issued a token. ``remedy``: what happens to such a token."""
    return RefusedCredential(
        f"{error}. It is unknown whether Quay issued the token; its secret would be lost. No credential was replaced. "
        f"Run the task again; {remedy}"
    )


def verify_new_token(context: ModuleContext, secret: str, namespace: str) -> Verification:
    """Use a new token once. Raises RefusedCredential if Quay does not accept it."""
    verification = verify_secret(context.client, OAUTH_USERNAME, secret, namespace)
    if not verification.live:
        raise RefusedCredential(
            "Quay does not accept the new token at /v2/auth, so it was not delivered and the old one was not revoked. "
            "Check whether the application was deleted meanwhile"
        )
    return verification


def refuse_other_token_in_stores(issuer: Issuer, stored: Sequence[StoredSecret], uuid: str) -> None:
    """Raise BadInput if what is to be removed from the stores is another valid token than the one to revoke."""
    if not any(item.secret for item in stored):
        return
    held = issuer.observe(stored, proven=True).credential.uuid
    if held not in (None, uuid):
        raise BadInput(
            f"uuid names the token {uuid}, but the task's stores hold the token {held}, which is valid. Nothing was "
            "revoked or removed. Leave uuid out to revoke the token that they hold, or name no store"
        )


def refuse_to_clear(foreign: Sequence[str]) -> None:
    """Raise BadInput if the stores hold valid tokens that are not of this credential: their secrets might be lost.

    ``foreign``: their uuids.
    """
    if foreign:
        raise BadInput(
            f"The stored token {listed(foreign)} is valid, but it belongs to another user or another application. "
            "Nothing was revoked or removed. Revoke it first, with its own application and the login of its user"
        )
