# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""API tokens by the flow of Quay's page "Generate Token": on every Quay, without names, valid for ten years."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from .._core.credential import Credential, Record
from .._core.errors import BadInput, QuayError
from .._http.auth import OAUTH_USERNAME, Auth, SessionAuth
from .._module.context import ModuleContext
from .._quay.oauth import LONGEST_LIFETIME, Authorization, UserTokens, location_of
from .._quay.registry_auth import Liveness, Verification, verify_secret
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
from .policy import AGE_FROM_MINT, AGE_FROM_RECORD, STORED_NONE, ObservedState
from .rotation_order import Minted, superseded_by_minting


class BrowserTokenIssuer:
    """Tokens of the signed-in user, identified by their uuid alone."""

    changes_quay = True
    secret_is_readable = False
    invalidates = False
    record_required = False

    def __init__(self, context: ModuleContext, desired: DesiredToken) -> None:
        self._context = context
        self._desired = desired
        self._tokens = UserTokens(context.client)
        # The uuid of the assignment to accept, of a token that an administrator assigned to the user.
        self._assignment: str | None = None
        self._authorizations: list[Authorization] | None = None

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        if self._desired.lifetime is not None:
            verb = "max_age replaces and revokes" if self._desired.limits_age else "Set max_age to replace and revoke"
            self._context.warn(
                "lifetime has no effect: this server (Quay 3.17 and older) issues every token for ten years. "
                f"{verb} the token at that age."
            )
        nothing = self._observation(STORED_NONE, None, Verification(Liveness.INVALID), None)
        best, *others = observe_each(stored, self._observe_stored) or [nothing]
        note_login(self._context, [best, *others])
        recorded = recorded_as_superseded(stored)
        valid = self._others_in_application(best.credential.uuid) if recorded else ()
        superseded = dict.fromkeys(
            uuid
            for uuid in [
                *left_by_interrupted_runs(best, others),
                *(uuid for uuid in recorded if uuid in valid),
                *self._others_in_own_application(best.credential.uuid),
            ]
            if uuid != best.credential.uuid
        )
        return replace(
            best,
            credential=replace(best.credential, superseded=tuple(superseded)),
            predecessors=tuple(uuid for uuid in superseded if uuid in recorded),
        )

    def prepare(self, observation: Observation) -> Observation:
        self._require_session()
        self._context.server.refuse_if_read_only("POST", "/oauth/authorizeapp")
        warn_of_unknown_scopes(self._context, self._desired, observation)
        return observation

    def mint(self, observation: Observation) -> Minted:
        # HTTP Basic with an anonymous CSRF token is enough for the page, and leaves no session of the user.
        session = self._require_session()
        auth = session if session.signed_in else session.without_session()
        now = self._context.client.now()
        scopes = observation.desired["scopes"]
        secret = self._authorize(auth, scopes)
        verification = verify_new_token(self._context, secret, self._desired.organization)
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=secret,
            uuid=verification.oauth_uuid,
            created_at=now,
            expires_at=now + LONGEST_LIFETIME,
            age_source=AGE_FROM_MINT,
            superseded=superseded_by_minting(observation.credential),
            details=self._desired.details(scopes),
        )
        return Minted(credential, existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        self._tokens.revoke(handle)

    def refuse_tokens_of_others(self, uuids: Sequence[str]) -> None:
        """Raise BadInput if one of these valid tokens is not the user's own: only its user can revoke it here.

        Quay answers everybody else as if there was no such token.
        """
        own = {token.uuid for token in self._own or self._tokens.authorizations()} if uuids else set()
        foreign = [uuid for uuid in uuids if uuid not in own]
        if foreign:
            raise BadInput(
                f"The token {', '.join(foreign)} is valid, but it belongs to another user, and on Quay 3.17 and older "
                "only that user can revoke it. Nothing was revoked or removed. Use the login of that user"
            )

    def _require_session(self) -> SessionAuth:
        auth = self._context.client.auth
        if not isinstance(auth, SessionAuth):
            raise BadInput(
                "This server has no application-token endpoints (Quay 3.18 and later), so it issues OAuth tokens only "
                "to a signed-in user: give quay_username and quay_password of an administrator of the organization"
            )
        auth.refuse_registry_user()
        return auth

    def _observe_stored(self, stored: StoredSecret) -> Observation:
        verification = verify_secret(
            self._context.client, OAUTH_USERNAME, stored.secret or "", self._desired.organization
        )
        record = stored.record if stored.record and stored.record.fits(stored.secret) else None
        return self._observation(stored_state(verification, listed=True), stored.secret, verification, record)

    def _observation(
        self, secret_state: str, secret: str | None, verification: Verification, record: Record | None
    ) -> Observation:
        uuid = verification.oauth_uuid if verification.live else None
        scopes = self._scopes_of(uuid)
        state = ObservedState(
            exists=secret is not None,
            secret=secret_state,
            scopes_match=self._desired.matches(scopes),
            created_at=record.created_at if record else None,
            expires_at=record.expires_at if record else None,
        )
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=secret if uuid else None,
            uuid=uuid,
            created_at=state.created_at,
            expires_at=state.expires_at,
            age_source=AGE_FROM_RECORD if record else None,
            details=self._desired.details(scopes if scopes is not None else self._desired.scopes),
        )
        desired = {"scopes": self._desired.next_scopes(scopes)}
        return Observation(
            state, credential, desired, scopes_known=scopes is not None or not self._desired.keeps_scopes
        )

    def _others_in_own_application(self, present: str | None) -> list[str]:
        """The uuids of the user's other tokens in an application that serves this credential alone."""
        application = self._desired.own_application
        if application is None:
            return []
        location = (self._desired.organization, application)
        return [
            own.uuid for own in self._own if (own.organization, own.application) == location and own.uuid != present
        ]

    def _others_in_application(self, present: str | None) -> list[str]:
        """The uuids of the user's other tokens in the same application. An edited record can name any other token."""
        others = [own for own in self._own if own.uuid != present]
        location = next(((own.organization, own.application) for own in self._own if own.uuid == present), None)
        if others and location is None:
            location = location_of(self._context.client, self._desired.client_id)
        return [own.uuid for own in others if (own.organization, own.application) == location]

    @property
    def _own(self) -> list[Authorization]:
        """The user's own tokens, read once; none if this login cannot list them."""
        if self._authorizations is None:
            signs_in = isinstance(self._context.client.auth, SessionAuth)
            self._authorizations = self._tokens.authorizations() if signs_in else []
        return self._authorizations

    def _scopes_of(self, uuid: str | None) -> tuple[str, ...] | None:
        """The scopes of one of the user's own tokens; None if this login cannot list it."""
        return next((own.scopes for own in self._own if own.uuid == uuid), None) if uuid else None

    def _authorize(self, auth: Auth, scopes: Sequence[str]) -> str:
        page = self._context.server.oauth_page()
        try:
            return self._tokens.authorize(self._desired.client_id, page, scopes, auth, self._assignment)
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            raise self._lost(error) from None

    def _lost(self, error: QuayError) -> QuayError:
        """The error after a response that may have had a token."""
        return lost_response_error(error, self._remedy())

    def _remedy(self) -> str:
        """What happens to a token that was issued although the response was lost."""
        if self._desired.own_application is not None:
            return "a token that was issued is then found in the credential's own application and revoked"
        return (
            "a token that was issued has no name on this server and is not touched, because it may belong to somebody "
            "else: look for it among the user's authorized applications, or give the credential an application of its "
            "own and set owns_application"
        )
