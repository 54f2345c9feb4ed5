# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth access tokens: how they are found, minted, proved and revoked.

Two ways in. Quay 3.18 and later has application-token endpoints; every older Quay has only what its "Generate Token"
page does. Which one serves is learned by asking. Either way a proof at /v2/auth tells the uuid of a held token, and so
which of the listed tokens it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Mapping, Sequence

from .._core.credential import Credential, Record
from .._core.errors import BadInput, QuayError, RefusedCredential
from .._core.times import parse_duration
from .._http.auth import OAUTH_USERNAME, Auth, SessionAuth
from .._module.context import ModuleContext, Result
from .._quay.oauth import (
    LONGEST_LIFETIME,
    AccessToken,
    Applications,
    ApplicationTokens,
    Authorization,
    UserTokens,
    expand_scopes,
    organization_of,
)
from .._quay.registry_auth import Liveness, Verification, authenticated_user, verify_secret
from .._stores.contract import StoredSecret
from .._stores.holders import HOLDER_OPTIONS, SecretHolder, holder_from_options
from .policy import AGE_FROM_MINT, AGE_FROM_QUAY, AGE_FROM_RECORD, MISSING, NOT_DUE, ObservedState
from .rotation import (
    Issuer,
    Minted,
    Observation,
    clear_stores,
    observe_each,
    policy_from_options,
    return_values,
    rotate,
    superseded_by_minting,
)

# What a token is called in Quay when the task does not say.
_DEFAULT_NAME = "ansible"


@dataclass(frozen=True)
class DesiredToken:
    """What an API token shall be."""

    organization: str
    client_id: str
    name: str
    scopes: Sequence[str]
    lifetime: timedelta | None
    named: bool = True  # whether the name was chosen, so that namesakes are ours
    # The application that serves this credential alone, so that all of the user's tokens in it are ours.
    own_application: str | None = None

    def details(self, scopes: Sequence[str]) -> dict[str, Any]:
        return {"organization": self.organization, "client_id": self.client_id, "scopes": list(scopes)}


def ensure_api_token(context: ModuleContext) -> Result:
    """The module quay_api_token."""
    policy = policy_from_options(context.params)
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        desired = desired_token(context, context.params)
        if context.params["state"] == "absent":
            return _absent(context, desired, holder)
        for_user = context.params["for_user"]
        if for_user and not _signed_in_as(context.client.auth, for_user):
            return _assign(context, desired, for_user)
        if for_user:
            # Who takes a token that was assigned to him need not see the application.
            issuer: Issuer = BrowserTokenIssuer(context, desired, accepts=True)
        else:
            issuer = issuer_of(context, desired, listed_tokens(context, desired.organization, desired.client_id))
        retires = context.params["revoke_superseded"]
        if retires is None:
            # Only who delivers the new token himself may retire the old one at once.
            retires = holder.stores_secret or policy.retire_after is not None
        return rotate(context, issuer, policy, holder, retires=retires)


def resolve_application(
    context: ModuleContext, organization: str | None, application: str | None, client_id: str | None
) -> tuple[str, str]:
    """The organization and client id of the application that the options name, with as few requests as they allow."""
    if client_id:
        return organization or organization_of(context.client, client_id), client_id
    if not organization or not application:
        raise BadInput("Name the application by client_id, or by organization and application")
    found = Applications(context.client, organization).find(application)
    if found is None:
        raise BadInput(
            f"The organization {organization} has no application named '{application}'; create it with quay_application"
        )
    return organization, found.client_id


def sole_application(context: ModuleContext, organization: str, client_id: str) -> str | None:
    """The name of an application that one credential has for itself; None where tokens have names to go by.

    The list of a user's tokens tells the application's name alone, so the name must be unique.
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
            "list of tokens does not tell them apart; rename one of them"
        )
    return name


class ApplicationTokenIssuer:
    """Tokens by the application-token endpoints: named, with a chosen lifetime, listed and revoked by uuid."""

    changes_quay = True
    secret_is_readable = False
    recorded = False

    def __init__(self, context: ModuleContext, desired: DesiredToken, listed: Sequence[AccessToken]) -> None:
        self._context = context
        self._desired = desired
        self._listed = listed
        self._tokens = ApplicationTokens(context.client, desired.organization, desired.client_id)

    def observe(self, held: Sequence[StoredSecret], *, skip_lookup: bool) -> Observation:
        findings = observe_each(held, self._look)
        if not findings:
            return self._finding("none", None, None)
        best, *others = findings
        superseded = _left(best, others)
        recorded_uuids = _recorded_uuids(held)
        return replace(
            best,
            credential=replace(best.credential, superseded=superseded),
            # Without a record of what it replaced, what is older than the present token may be in use yet.
            predecessors=tuple(
                uuid
                for uuid in superseded
                if uuid in recorded_uuids or (not recorded_uuids and self._precedes(uuid, best))
            ),
        )

    def prepare(self, finding: Observation) -> Observation:
        path = f"/api/v1/organization/{self._desired.organization}/applications/{self._desired.client_id}/tokens"
        self._context.server.refuse_if_read_only("POST", path)
        return finding

    def mint(self, finding: Observation) -> Minted:
        token = self._create()
        if not token.secret:
            raise RefusedCredential("Quay made a token but told no secret; the next run retires it")
        _verify_new_secret(self._context, token.secret, self._desired.organization)
        old = finding.credential
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=token.secret,
            uuid=token.uuid,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_accessed=token.last_accessed,
            age_source=AGE_FROM_MINT,
            superseded=tuple(uuid for uuid in superseded_by_minting(old) if uuid != token.uuid),
            details=self._desired.details(token.scopes),
        )
        return Minted(credential, existed=finding.facts.exists)

    def retire(self, uuid: str) -> None:
        self._tokens.revoke(uuid)

    def _look(self, held: StoredSecret) -> Observation:
        """What a held secret is worth, and which listed token it is."""
        record = held.record
        if record is not None and record.uuid and record.fits(held.secret):
            # Whoever delivered this secret wrote down its uuid: the list alone tells whether it lives.
            known = self._by_uuid(record.uuid)
            expired = record.expires_at is not None and record.expires_at <= self._context.client.now()
            return self._finding("current" if known else "expired" if expired else "invalid", held.secret, known)
        verification = verify_secret(
            self._context.client, OAUTH_USERNAME, held.secret or "", self._desired.organization
        )
        known = self._by_uuid(verification.oauth_uuid)
        if verification.live and known is None:
            self._context.warn(
                "The held token is alive, but not one of this application: it is replaced and left alone."
            )
        return self._finding(_held_state(verification, listed=known is not None), held.secret, known)

    def _finding(self, word: str, secret: str | None, known: AccessToken | None) -> Observation:
        facts = ObservedState(
            exists=secret is not None,
            held=word,
            scopes_match=known is None or list(known.scopes) == list(self._desired.scopes),
            created_at=known.created_at if known else None,
            expires_at=known.expires_at if known else None,
        )
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=secret if known else None,
            uuid=known.uuid if known else None,
            created_at=facts.created_at,
            expires_at=facts.expires_at,
            last_accessed=known.last_accessed if known else None,
            age_source=AGE_FROM_QUAY if known else None,
            superseded=self._tokens_of_same_name(known),
            details=self._desired.details(known.scopes if known else self._desired.scopes),
        )
        return Observation(facts, credential, {"scopes": list(self._desired.scopes)})

    def _precedes(self, uuid: str, present: Observation) -> bool:
        token, made = self._by_uuid(uuid), present.credential.created_at
        return token is not None and token.created_at is not None and made is not None and token.created_at <= made

    def _by_uuid(self, uuid: str | None) -> AccessToken | None:
        return next((token for token in self._listed if token.uuid == uuid), None)

    def _tokens_of_same_name(self, current: AccessToken | None) -> tuple[str, ...]:
        """Live tokens of our name by our user, beside the current one: what earlier runs left behind.

        Tokens without a name (made in the UI), of other names and of other users are never among them.
        """
        own = current.uuid if current else None
        others = [token for token in self._listed if token.name == self._desired.name and token.uuid != own]
        if not others or not self._desired.named:
            return ()
        owner = current.created_by if current else authenticated_user(self._context.client)
        return tuple(token.uuid for token in others if token.created_by == owner)

    def _create(self) -> AccessToken:
        try:
            return self._tokens.mint(self._desired.name, self._desired.scopes, self._desired.lifetime)
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            raise _outcome_unknown_error(error, "a token left behind is then found by its name and retired") from None


class BrowserTokenIssuer:
    """Tokens by the browser's own flow: nameless, for ten years, known by their uuid alone."""

    changes_quay = True
    secret_is_readable = False
    recorded = False

    def __init__(self, context: ModuleContext, desired: DesiredToken, *, accepts: bool) -> None:
        self._context = context
        self._desired = desired
        self._accepts = accepts
        self._tokens = UserTokens(context.client)
        self._assignment: str | None = None
        self._seen: list[Authorization] | None = None

    def observe(self, held: Sequence[StoredSecret], *, skip_lookup: bool) -> Observation:
        findings = observe_each(held, self._look)
        best, *others = findings or [self._finding("none", None, Verification(Liveness.INVALID), None)]
        recorded_uuids = _recorded_uuids(held)
        alive = {own.uuid for own in self._own} if recorded_uuids else set()
        left = [
            *_left(best, others),
            *(uuid for uuid in recorded_uuids if uuid in alive),
            *self._orphaned_tokens(best.credential.uuid),
        ]
        superseded = tuple(dict.fromkeys(left))
        return replace(
            best,
            credential=replace(best.credential, superseded=superseded),
            predecessors=tuple(uuid for uuid in superseded if uuid in recorded_uuids),
        )

    def prepare(self, finding: Observation) -> Observation:
        self._signed_in()
        self._context.server.refuse_if_read_only("POST", "/oauth/authorizeapp")
        if self._accepts:
            self._assignment = self._assigned()
        return finding

    def _signed_in(self) -> SessionAuth:
        auth = self._context.client.auth
        if not isinstance(auth, SessionAuth):
            raise BadInput(
                "This Quay has no application-token endpoints (they came with 3.18), so it issues OAuth tokens to a "
                "signed-in user only: give quay_username and quay_password of an administrator of the organization"
            )
        return auth

    def mint(self, finding: Observation) -> Minted:
        # Basic with an anonymous CSRF pair is enough for the page, and leaves no session of the user behind.
        auth = self._signed_in()
        way = auth if auth.signed_in or self._accepts else auth.without_session()
        now = self._context.client.now()
        secret = self._authorize(way)
        verification = _verify_new_secret(self._context, secret, self._desired.organization)
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=secret,
            uuid=verification.oauth_uuid,
            created_at=now,
            expires_at=now + LONGEST_LIFETIME,
            age_source=AGE_FROM_MINT,
            superseded=superseded_by_minting(finding.credential),
            details=self._desired.details(self._desired.scopes),
        )
        return Minted(credential, existed=finding.facts.exists)

    def retire(self, uuid: str) -> None:
        self._tokens.revoke(uuid)

    def _look(self, held: StoredSecret) -> Observation:
        verification = verify_secret(
            self._context.client, OAUTH_USERNAME, held.secret or "", self._desired.organization
        )
        record = held.record if held.record and held.record.fits(held.secret) else None
        return self._finding(_held_state(verification, listed=True), held.secret, verification, record)

    def _finding(self, word: str, secret: str | None, verification: Verification, record: Record | None) -> Observation:
        uuid = verification.oauth_uuid if verification.live else None
        scopes = self._scopes_of(uuid)
        facts = ObservedState(
            exists=secret is not None,
            held=word,
            scopes_match=scopes is None or list(scopes) == list(self._desired.scopes),
            created_at=record.created_at if record else None,
            expires_at=record.expires_at if record else None,
        )
        credential = Credential(
            name=self._desired.name,
            username=OAUTH_USERNAME,
            secret=secret if uuid else None,
            uuid=uuid,
            created_at=facts.created_at,
            expires_at=facts.expires_at,
            age_source=AGE_FROM_RECORD if record else None,
            details=self._desired.details(scopes if scopes is not None else self._desired.scopes),
        )
        return Observation(facts, credential, {"scopes": list(self._desired.scopes)})

    def _orphaned_tokens(self, present: str | None) -> list[str]:
        """The user's other tokens in an application that serves this credential alone: there are no names to go by."""
        application = self._desired.own_application
        if application is None:
            return []
        where = (self._desired.organization, application)
        return [own.uuid for own in self._own if (own.organization, own.application) == where and own.uuid != present]

    @property
    def _own(self) -> list[Authorization]:
        """The user's own tokens, asked for once; none where this login cannot see them."""
        if self._seen is None:
            signs_in = isinstance(self._context.client.auth, SessionAuth)
            self._seen = self._tokens.authorizations() if signs_in else []
        return self._seen

    def _scopes_of(self, uuid: str | None) -> tuple[str, ...] | None:
        """The scopes of one of the user's own tokens; None where this login cannot see it."""
        return next((own.scopes for own in self._own if own.uuid == uuid), None) if uuid else None

    def _authorize(self, way: Auth) -> str:
        page = self._context.server.oauth_page()
        try:
            return self._tokens.authorize(self._desired.client_id, page, self._desired.scopes, way, self._assignment)
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            raise _outcome_unknown_error(error, self._what_then()) from None

    def _what_then(self) -> str:
        if self._desired.own_application is not None:
            return "a token left behind is then found in the credential's own application and retired"
        return (
            "a token left behind has no name on this Quay and is not touched, because it may be somebody else's: look "
            "for it among the user's authorized applications, or give the credential an application of its own and "
            "say so by owns_application"
        )

    def _assigned(self) -> str:
        desired = list(self._desired.scopes)
        for assignment in self._tokens.assignments():
            if assignment.client_id == self._desired.client_id and list(assignment.scopes) == desired:
                return assignment.uuid
        raise RefusedCredential(
            f"No token of this application with the scopes {' '.join(desired)} is assigned to the signed-in user. "
            "An administrator of the organization assigns one with for_user"
        )


def desired_token(context: ModuleContext, params: Mapping[str, Any]) -> DesiredToken:
    """What the options of an API token say; asks Quay for the application's client id where only its name is given."""
    named = params["name"] is not None
    name = params["name"].strip() if named else _DEFAULT_NAME
    if not name:
        raise BadInput("name must not be blank: it is how a later run finds this token again")
    scopes = expand_scopes(params["scopes"])
    lifetime = parse_duration(params["lifetime"], "lifetime")
    if lifetime is not None and not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise BadInput("lifetime must be between 1s and 3652d (ten years, Quay's own limit)")
    organization, client_id = resolve_application(
        context, params["organization"], params["application"], params["client_id"]
    )
    own = sole_application(context, organization, client_id) if params["owns_application"] else None
    return DesiredToken(organization, client_id, name, scopes, lifetime, named, own)


def issuer_of(context: ModuleContext, desired: DesiredToken, listed: Sequence[AccessToken] | None) -> Issuer:
    """The way in that this server offers."""
    if listed is None:
        return BrowserTokenIssuer(context, desired, accepts=False)
    return ApplicationTokenIssuer(context, desired, listed)


def listed_tokens(context: ModuleContext, organization: str, client_id: str) -> list[AccessToken] | None:
    """The application's live tokens, or None where Quay lacks the endpoint.

    A password login asks anonymously first (2 ms): on an older Quay no session is needed for what follows.
    """
    if isinstance(context.client.auth, SessionAuth) and not context.server.has_application_tokens():
        return None
    return ApplicationTokens(context.client, organization, client_id).list()


def _signed_in_as(auth: Auth, username: str) -> bool:
    return isinstance(auth, SessionAuth) and auth.username == username


def _held_state(verification: Verification, *, listed: bool) -> str:
    if verification.liveness is Liveness.EXPIRED:
        return "expired"
    return "current" if verification.live and listed else "invalid"


def _recorded_uuids(held: Sequence[StoredSecret]) -> list[str]:
    """What was written down, at the delivery of the held secrets, as replaced by them."""
    fitting = [item.record for item in held if item.record and item.record.fits(item.secret)]
    return list(dict.fromkeys(uuid for record in fitting for uuid in record.superseded))


def _left(best: Observation, others: Sequence[Observation]) -> tuple[str, ...]:
    """What runs that were cut off left alive: namesakes, and what other stores still hold."""
    held = (other.credential.uuid for other in others if other.credential.uuid)
    return tuple(dict.fromkeys([*best.credential.superseded, *held]))


def _outcome_unknown_error(error: QuayError, then: str) -> RefusedCredential:
    return RefusedCredential(
        f"{error}. Whether Quay made the token is unclear, and its secret would be lost. No credential was replaced: "
        f"run the task again; {then}"
    )


def _verify_new_secret(context: ModuleContext, secret: str, namespace: str) -> Verification:
    verification = verify_secret(context.client, OAUTH_USERNAME, secret, namespace)
    if not verification.live:
        raise RefusedCredential(
            "Quay does not accept the new token at /v2/auth, so it was not delivered and the old one was left alone. "
            "Was the application deleted meanwhile?"
        )
    return verification


def _assign(context: ModuleContext, desired: DesiredToken, username: str) -> Result:
    """Assign a token to another user, who takes it when he is signed in himself. The assigner never sees its secret."""
    if not isinstance(context.client.auth, SessionAuth):
        raise BadInput(
            "for_user needs quay_username and quay_password of an administrator: Quay takes no bearer token here"
        )
    if context.server.feature("ASSIGN_OAUTH_TOKEN") is False:
        raise BadInput("for_user: this Quay does not offer it (FEATURE_ASSIGN_OAUTH_TOKEN is off)")
    listed = listed_tokens(context, desired.organization, desired.client_id) or []
    taken = next(
        (t for t in listed if t.name is None and t.created_by == username and list(t.scopes) == list(desired.scopes)),
        None,
    )
    if taken is None:
        context.server.refuse_if_read_only("POST", "/oauth/authorize/assignuser")
        if not context.check_mode:
            UserTokens(context.client).assign(desired.client_id, context.server.oauth_page(), desired.scopes, username)
    credential = Credential(
        name=desired.name,
        username=OAUTH_USERNAME,
        uuid=taken.uuid if taken else None,
        created_at=taken.created_at if taken else None,
        expires_at=taken.expires_at if taken else None,
        last_accessed=taken.last_accessed if taken else None,
        age_source=AGE_FROM_QUAY if taken else None,
        details=desired.details(desired.scopes),
    )
    return Result(
        changed=taken is None,
        values=return_values(context, credential, NOT_DUE if taken else MISSING),
        before={"for_user": username, "token": "taken" if taken else "absent"},
        after={"for_user": username, "token": "taken" if taken else "assigned"},
    )


def _absent(context: ModuleContext, desired: DesiredToken, holder: SecretHolder) -> Result:
    """Revoke the token of the given uuid, else the held one and those of our name, and clear its stores."""
    listed = listed_tokens(context, desired.organization, desired.client_id)
    pointed_at = any(context.params[option] for option in ("uuid", *HOLDER_OPTIONS))
    if not pointed_at and (listed is None or not desired.named):
        raise BadInput(
            "Say by uuid, current_token, token_path or deliver which token to revoke. A name is enough on Quay 3.18 "
            "and later"
        )
    issuer = issuer_of(context, desired, listed)
    due_for_revocation: tuple[str, ...]
    if context.params["uuid"]:
        due_for_revocation = _living(context, context.params["uuid"], listed)
    else:
        due_for_revocation = superseded_by_minting(issuer.observe(holder.held, skip_lookup=False).credential)
    if due_for_revocation:
        context.server.refuse_if_read_only("DELETE", "tokens")
    if not context.check_mode:
        for uuid in due_for_revocation:
            issuer.retire(uuid)
    gone = Credential(desired.name, OAUTH_USERNAME, details=desired.details([]))
    return clear_stores(context, holder, gone, existed=bool(due_for_revocation), revoked=due_for_revocation)


def _living(context: ModuleContext, uuid: str, listed: Sequence[AccessToken] | None) -> tuple[str, ...]:
    """The uuid as a list of what is to be revoked: empty where no such token lives."""
    living = (
        {token.uuid for token in listed}
        if listed is not None
        else {token.uuid for token in UserTokens(context.client).authorizations()}
    )
    return (uuid,) if uuid in living else ()
