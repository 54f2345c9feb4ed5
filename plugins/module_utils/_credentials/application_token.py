# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""API tokens by the application-token endpoints of Quay 3.18 and later."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, QuayError, RefusedCredential
from .._http.auth import OAUTH_USERNAME, SessionAuth
from .._module.context import ModuleContext
from .._quay.oauth import AccessToken, ApplicationTokens
from .._quay.registry_auth import authenticated_user, verify_secret
from .._quay.scopes import covered_scopes
from .._stores.contract import StoredSecret
from .desired_token import (
    DesiredToken,
    left_by_interrupted_runs,
    lost_response_error,
    note_login,
    recorded_as_superseded,
    stored_state,
    verify_new_token,
    warn_of_unknown_scopes,
)
from .evaluation import Observation, observe_each
from .login_scopes import own_scopes
from .policy import (
    AGE_FROM_MINT,
    AGE_FROM_QUAY,
    STORED_EXPIRED,
    STORED_INVALID,
    STORED_NONE,
    STORED_VALID,
    ObservedState,
)
from .rotation_order import Minted, superseded_by_minting


def listed_tokens(context: ModuleContext, organization: str, client_id: str) -> list[AccessToken] | None:
    """The application's valid tokens, or None if the server lacks the endpoint (Quay 3.17 and older).

    With a password, an anonymous request comes first (2 ms): an older Quay needs no session for what follows.
    """
    if isinstance(context.client.auth, SessionAuth) and not context.server.has_application_tokens():
        return None
    return ApplicationTokens(context.client, organization, client_id).list()


class ApplicationTokenIssuer:
    """Tokens with a name and a chosen lifetime, listed and revoked by uuid."""

    changes_quay = True
    secret_is_readable = False
    invalidates = False
    record_required = False

    def __init__(self, context: ModuleContext, desired: DesiredToken, listed: Sequence[AccessToken]) -> None:
        """``listed``: the application's valid tokens."""
        self._context = context
        self._desired = desired
        self._listed = listed
        self._tokens = ApplicationTokens(context.client, desired.organization, desired.client_id)
        self.foreign: list[str] = []  # the uuids of stored tokens that Quay accepts, but that are of other applications

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        observations = observe_each(stored, self._observe_proven if proven else self._observe_stored)
        note_login(self._context, observations)
        if not observations:
            return self._with_others_of_same_name(self._observation(STORED_NONE, None, None))
        best, *others = observations
        by_record = any(observation.by_record for observation in observations)
        best = self._with_others_of_same_name(best)
        superseded = left_by_interrupted_runs(best, others)
        recorded = recorded_as_superseded(stored)
        self._warn_of_nameless(uuid for uuid in recorded if uuid not in superseded)
        # Without a record, an older token than the present one may be its predecessor.
        predecessors = (
            uuid for uuid in superseded if uuid in recorded or (not recorded and self._is_older(uuid, best))
        )
        credential = replace(best.credential, superseded=superseded)
        return replace(best, credential=credential, predecessors=tuple(predecessors), by_record=by_record)

    def prepare(self, observation: Observation) -> Observation:
        path = f"/api/v1/organization/{self._desired.organization}/applications/{self._desired.client_id}/tokens"
        self._context.server.refuse_if_read_only("POST", path)
        self._refuse_missing_scopes(observation.credential, observation.desired["scopes"])
        self._refuse_scopes_of_others(observation)
        warn_of_unknown_scopes(self._context, self._desired, observation)
        return observation

    def _refuse_scopes_of_others(self, observation: Observation) -> None:
        """Raise if the scopes to keep are those of a token that another user created.

        Somebody may have put it into the store to get a token of the login with the same scopes.
        """
        present, scopes = self._by_uuid(observation.credential.uuid), observation.desired["scopes"]
        if present is None or not self._desired.keeps_scopes or not set(scopes) - set(self._desired.scopes):
            return
        if present.created_by != authenticated_user(self._context.client):
            raise BadInput(
                f"scopes is missing: the stored token was created by {present.created_by} and has the scopes "
                f"{' '.join(scopes)}. A token of this login gets them only if scopes is set"
            )

    def _refuse_missing_scopes(self, present: Credential, scopes: Sequence[str]) -> None:
        """Raise if the login's token lacks a scope of the new token: Quay issues none with more scopes than it has.

        A password has all scopes. The scopes of a token can be read only if it belongs to this application or has the
        scope user:admin. Otherwise Quay's own refusal comes when the token is issued, and nothing is lost then.
        """
        own = own_scopes(self._context.client, self._listed, present)
        lacking = [] if own is None else sorted(set(scopes) - covered_scopes(own))
        if lacking:
            raise BadInput(
                f"The login's token has the scopes {' '.join(sorted(own or ()))}, and Quay issues no token with scopes "
                f"that the login lacks: {' '.join(lacking)}. Use a token with these scopes, or a password"
            )

    def mint(self, observation: Observation) -> Minted:
        token = self._create(observation.desired["scopes"])
        if not token.secret:
            raise RefusedCredential("Quay issued a token but returned no secret. The next run revokes it")
        verify_new_token(self._context, token.secret, self._desired.organization)
        superseded = superseded_by_minting(observation.credential)
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=token.secret,
            uuid=token.uuid,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_accessed=token.last_accessed,
            age_source=AGE_FROM_MINT,
            superseded=tuple(uuid for uuid in superseded if uuid != token.uuid),
            details=self._desired.details(token.scopes),
        )
        return Minted(credential, existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        self._tokens.revoke(handle)

    def _observe_stored(self, stored: StoredSecret) -> Observation:
        """What Quay makes of a stored token, and which listed token it is."""
        record = stored.record
        if record is not None and record.uuid and record.fits(stored.secret):
            # The record of the delivery has the uuid, so the list shows whether the token is valid.
            token = self._by_uuid(record.uuid)
            expired = record.expires_at is not None and record.expires_at <= self._context.client.now()
            invalid = STORED_EXPIRED if expired else STORED_INVALID
            observation = self._observation(STORED_VALID if token else invalid, stored.secret, token)
            return replace(observation, by_record=token is not None)
        return self._observe_proven(stored)

    def _observe_proven(self, stored: StoredSecret) -> Observation:
        """What Quay makes of a stored token, which names the token's uuid when it is used."""
        verification = verify_secret(
            self._context.client, OAUTH_USERNAME, stored.secret or "", self._desired.organization
        )
        token = self._by_uuid(verification.oauth_uuid)
        named = stored.record.uuid if stored.record and stored.record.fits(stored.secret) else None
        if named and self._by_uuid(named) not in (None, token):
            self._context.warn(
                f"The record of a store names the token {named}, but the stored secret is not that token. The record "
                "was edited, so it is ignored."
            )
        if verification.live and token is None:
            self.foreign.append(str(verification.oauth_uuid))
            self._context.warn("The stored token is valid, but it is not one of this application: it is not revoked.")
        return self._observation(stored_state(verification, listed=token is not None), stored.secret, token)

    def _observation(self, secret_state: str, secret: str | None, token: AccessToken | None) -> Observation:
        present = token.scopes if token else None
        state = ObservedState(
            exists=secret is not None,
            secret=secret_state,
            scopes_match=self._desired.matches(present),
            created_at=token.created_at if token else None,
            expires_at=token.expires_at if token else None,
        )
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=secret if token else None,
            uuid=token.uuid if token else None,
            created_at=state.created_at,
            expires_at=state.expires_at,
            last_accessed=token.last_accessed if token else None,
            age_source=AGE_FROM_QUAY if token else None,
            details=self._desired.details(token.scopes if token else self._desired.scopes),
        )
        desired = {"scopes": self._desired.next_scopes(present)}
        return Observation(state, credential, desired, scopes_known=token is not None or not self._desired.keeps_scopes)

    def _warn_of_nameless(self, uuids: Iterable[str]) -> None:
        """Warn of what is not revoked, because anybody who can write to a store can name any token in its record."""
        for uuid in uuids:
            token = self._by_uuid(uuid)
            if token is not None and token.name is None:
                self._context.warn(
                    f"The token {uuid} is still valid, although the record of a store names it as replaced. It has no "
                    "name, which would show that it is one of this credential, so it is not revoked. Revoke it with "
                    "quay_api_token, uuid and state: absent."
                )

    def _is_older(self, uuid: str, present: Observation) -> bool:
        token, issued = self._by_uuid(uuid), present.credential.created_at
        return token is not None and token.created_at is not None and issued is not None and token.created_at <= issued

    def _by_uuid(self, uuid: str | None) -> AccessToken | None:
        return next((token for token in self._listed if token.uuid == uuid), None)

    def _with_others_of_same_name(self, observation: Observation) -> Observation:
        others = self._others_of_same_name(self._by_uuid(observation.credential.uuid))
        return replace(observation, credential=replace(observation.credential, superseded=others))

    def _others_of_same_name(self, current: AccessToken | None) -> tuple[str, ...]:
        """The uuids of our user's other valid tokens of the same name, which earlier runs left.

        Tokens without a name (made by the web page), of other names and of other users are never among them. Without a
        current token, which names our user, Quay is asked for the user (GET /v2/auth).
        """
        own = current.uuid if current else None
        others = [token for token in self._listed if token.name == self._desired.name and token.uuid != own]
        if not others or not self._desired.named:
            return ()
        owner = current.created_by if current else authenticated_user(self._context.client)
        return tuple(token.uuid for token in others if token.created_by == owner)

    def _create(self, scopes: Sequence[str]) -> AccessToken:
        try:
            return self._tokens.mint(self._desired.name, scopes, self._desired.lifetime)
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            remedy = "a token that was issued is then found by its name and revoked"
            raise lost_response_error(error, remedy) from None
