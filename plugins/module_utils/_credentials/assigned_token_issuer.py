# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth tokens that an administrator assigned to the signed-in user, who accepts each of them once.

Accepting a token issues it, by the flow of Quay's page "Generate Token". The user needs no access to the application.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from .._core.errors import BadInput, QuayError, RefusedCredential
from .._core.texts import listed
from .._module.context import ModuleContext
from .._quay.oauth import Assignment, Authorization
from .._quay.registry_auth import Liveness, Verification
from .._stores.contract import StoredSecret
from .browser_token import BrowserTokenIssuer
from .desired_token import DesiredToken, lost_response_error
from .evaluation import Observation
from .policy import STORED_INVALID, STORED_VALID


class NoAssignment(RefusedCredential):
    """No token is assigned to the user that the task could accept. ``observation``: of the token that is held."""

    def __init__(self, message: str, observation: Observation | None = None) -> None:
        super().__init__(message)
        self.observation = observation


def choose_assignment(
    pending: Sequence[Assignment], client_id: str, scopes: Sequence[str] | None, uuid: str | None = None
) -> Assignment | None:
    """The assignment to accept; None if nothing is assigned for this application, or nothing with this ``uuid``.

    ``scopes``: those that the token must have, None for any. Quay issues a token with whatever scopes are requested for
    an assignment, so they are compared here. Quay lets an administrator assign scopes that do not exist, but issues no
    token with them. Raises NoAssignment if all have other scopes, and BadInput if it is not clear which one is meant.
    """
    found = [item for item in pending if item.client_id == client_id and uuid in (None, item.uuid)]
    fitting = [item for item in found if item.scopes and (scopes is None or set(item.scopes) == set(scopes))]
    if found and not fitting:
        wanted = f"has other scopes than {' '.join(scopes)}" if scopes else "has no scopes that Quay knows"
        raise NoAssignment(
            f"What is assigned {wanted}: {_shown(found)}. Set scopes to what is assigned or leave it out, or let an "
            "administrator of the organization assign a token with the scopes that are needed"
        )
    if len({item.scopes for item in fitting}) > 1:
        raise BadInput(f"Tokens with different scopes are assigned: {_shown(fitting)}. Select one by scopes or uuid")
    return fitting[0] if fitting else None


def _shown(assignments: Sequence[Assignment]) -> str:
    return "; ".join(f"{item.uuid} has {' '.join(item.scopes) or 'none'}" for item in assignments)


class AssignedTokenIssuer(BrowserTokenIssuer):
    """Accepts tokens of one application that are assigned to the signed-in user."""

    def __init__(
        self,
        context: ModuleContext,
        desired: DesiredToken,
        *,
        application: str | None = None,
        uuid: str | None = None,
        any_scopes: bool = False,
    ) -> None:
        """``application``: its name if it is known. ``uuid``: of the assignment to accept.

        ``any_scopes``: accept a token with the scopes that were assigned, whichever these are.
        """
        super().__init__(context, desired)
        self._application = application
        self._uuid = uuid
        self._any_scopes = any_scopes
        self._former: frozenset[str] = frozenset()
        self.foreign: list[str] = []  # the uuids of stored tokens that Quay accepts, but that are not the user's own

    @property
    def assignment(self) -> str | None:
        """The uuid of the assignment that is accepted; None if none is."""
        return self._assignment

    def prepare(self, observation: Observation) -> Observation:
        self._context.server.refuse_if_read_only("POST", "/oauth/authorizeapp")
        assignment = self._choose(observation)
        self._assignment = assignment.uuid
        # What is new after a lost response is the token that was issued.
        self._former = frozenset(own.uuid for own in self._own)
        unheld = self._unheld_text(observation, assignment.scopes)
        if unheld:
            self._context.warn(f"{unheld}.")
        return replace(
            observation,
            desired={"scopes": list(assignment.scopes)},
            extra_diff={**observation.extra_diff, "assignment": ("pending", "accepted")},
        )

    @property
    def _own(self) -> list[Authorization]:
        """The user's own tokens, read once. A bearer token with the scope user:admin may read them, too."""
        if self._authorizations is None:
            self._authorizations = self._tokens.authorizations()
        return self._authorizations

    def _choose(self, observation: Observation) -> Assignment:
        wanted = None if self._any_scopes else observation.desired["scopes"]
        try:
            chosen = choose_assignment(self._tokens.assignments(), self._desired.client_id, wanted, self._uuid)
        except NoAssignment as error:
            raise NoAssignment(str(error), observation) from None
        if chosen is None:
            raise NoAssignment(self._nothing_assigned(observation), observation)
        return chosen

    def _nothing_assigned(self, observation: Observation) -> str:
        named = f" with the uuid {self._uuid}" if self._uuid else ""
        unheld = self._unheld_text(observation)
        return (
            f"No token of the application {self._desired.client_id}{named} is assigned to the signed-in user. An "
            f"administrator of the organization {self._desired.organization} assigns one with quay_assigned_token"
            f"{f'. {unheld}' if unheld else ''}"
        )

    def _unheld_text(self, observation: Observation, scopes: Sequence[str] | None = None) -> str:
        """What the user has to know of tokens that an interrupted run may have left; empty if there are none.

        Quay does not show which task accepted a token, so they are not revoked. ``scopes``: those of the tokens, if not
        any.
        """
        held = {observation.credential.uuid, *observation.credential.superseded}
        unheld = [
            own.uuid
            for own in self._own
            if self._is_of_application(own)
            and own.uuid not in held
            and (scopes is None or set(own.scopes) == set(scopes))
        ]
        if not unheld:
            return ""
        return (
            f"The user has tokens of this application that the task does not hold ({listed(unheld)}). If an "
            "interrupted run accepted one of them, its secret is lost. Then revoke it with quay_assigned_token, "
            "state=absent and uuid"
        )

    def _observe_stored(self, stored: StoredSecret) -> Observation:
        """What Quay makes of a stored token. That of another user or application is to be replaced."""
        observation = super()._observe_stored(stored)
        uuid = observation.credential.uuid
        if observation.state.secret != STORED_VALID or self.owns(uuid):
            return observation
        self.foreign.append(str(uuid))
        self._context.warn(
            f"The stored token {uuid} is valid, but it belongs to another user or another application. It is not "
            "revoked."
        )
        return self._observation(STORED_INVALID, stored.secret, Verification(Liveness.INVALID), None)

    def owns(self, uuid: str | None) -> bool:
        """Whether this is a token of the user and of the application."""
        return any(own.uuid == uuid and self._is_of_application(own) for own in self._own)

    def _is_of_application(self, own: Authorization) -> bool:
        """Whether a token is one of the declared application, as far as Quay's list shows it."""
        return own.organization == self._desired.organization and self._application in (None, own.application)

    def _lost(self, error: QuayError) -> QuayError:
        """The error after a lost response: what Quay shows of the assignment and of the user's tokens now."""
        try:
            pending = {item.uuid for item in self._tokens.assignments()}
            issued = [own.uuid for own in self._tokens.authorizations() if own.uuid not in self._former]
        except QuayError:
            remedy = "if the token is no longer assigned then, revoke the one that was issued and have another assigned"
            return lost_response_error(error, remedy)
        if self._assignment in pending:
            return RefusedCredential(
                f"{error}. The token is still assigned, and no credential was replaced. Run the task again"
            )
        token = f"the token {listed(issued)}" if issued else "a token"
        return RefusedCredential(
            f"{error}. Quay issued {token}, whose secret is lost, and no credential was replaced. Revoke it with "
            "quay_assigned_token, state=absent and uuid, and let an administrator of the organization assign another"
        )
