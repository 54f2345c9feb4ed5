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

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import CUSTODY_OPTIONS, Custody, custody_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput, QuayError, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    AGE_FROM_MINT,
    AGE_FROM_QUAY,
    AGE_FROM_RECORD,
    MISSING,
    NOT_DUE,
    Facts,
    Record,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import OAUTH_USERNAME, Login, SessionLogin
from ansible_collections.tokensmith.quay.plugins.module_utils._oauth import (
    LONGEST_LIFETIME,
    AccessToken,
    Applications,
    ApplicationTokens,
    Authorization,
    UserTokens,
    expand_scopes,
    organization_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import (
    Liveness,
    Proof,
    prove,
    user_of_login,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._rotation import (
    Finding,
    Issuer,
    Minted,
    answer,
    cleared,
    looked_at,
    policy_of,
    renew,
    replaced,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Held
from ansible_collections.tokensmith.quay.plugins.module_utils._times import parse_duration

# What a token is called in Quay when the task does not say.
_NAMELESS = "ansible"


@dataclass(frozen=True)
class Wanted:
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


def ensure_api_token(call: Call) -> Outcome:
    """The module quay_api_token."""
    policy = policy_of(call.params)
    with custody_of(call.params, check_mode=call.check_mode) as custody:
        wanted = wanted_of(call, call.params)
        if call.params["state"] == "absent":
            return _absent(call, wanted, custody)
        for_user = call.params["for_user"]
        if for_user and not _signed_in_as(call.client.login, for_user):
            return _assign(call, wanted, for_user)
        if for_user:
            # Who takes a token that was assigned to him need not see the application.
            issuer: Issuer = BrowserTokenIssuer(call, wanted, accepts=True)
        else:
            issuer = issuer_of(call, wanted, listed_tokens(call, wanted.organization, wanted.client_id))
        retires = call.params["revoke_superseded"]
        if retires is None:
            # Only who delivers the new token himself may retire the old one at once.
            retires = custody.keeps or policy.retire_after is not None
        return renew(call, issuer, policy, custody, retires=retires)


def resolve_application(
    call: Call, organization: str | None, application: str | None, client_id: str | None
) -> tuple[str, str]:
    """The organization and client id of the application that the options name, with as few requests as they allow."""
    if client_id:
        return organization or organization_of(call.client, client_id), client_id
    if not organization or not application:
        raise BadInput("Name the application by client_id, or by organization and application")
    found = Applications(call.client, organization).find(application)
    if found is None:
        raise BadInput(
            f"The organization {organization} has no application named '{application}'; create it with quay_application"
        )
    return organization, found.client_id


def sole_application(call: Call, organization: str, client_id: str) -> str | None:
    """The name of an application that one credential has for itself; None where tokens have names to go by.

    The list of a user's tokens tells the application's name alone, so the name must be unique.
    """
    if call.server.has_application_tokens():
        return None
    applications = Applications(call.client, organization).list()
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
    retells = False
    recorded = False

    def __init__(self, call: Call, wanted: Wanted, listed: Sequence[AccessToken]) -> None:
        self._call = call
        self._wanted = wanted
        self._listed = listed
        self._tokens = ApplicationTokens(call.client, wanted.organization, wanted.client_id)

    def find(self, held: Sequence[Held], *, blind: bool) -> Finding:
        findings = looked_at(held, self._look)
        if not findings:
            return self._finding("none", None, None)
        best, *others = findings
        superseded = _left(best, others)
        noted = _noted(held)
        return replace(
            best,
            credential=replace(best.credential, superseded=superseded),
            # Without a record of what it replaced, what is older than the present token may be in use yet.
            predecessors=tuple(
                uuid for uuid in superseded if uuid in noted or (not noted and self._precedes(uuid, best))
            ),
        )

    def prepare(self, finding: Finding) -> Finding:
        path = f"/api/v1/organization/{self._wanted.organization}/applications/{self._wanted.client_id}/tokens"
        self._call.server.refuse_if_read_only("POST", path)
        return finding

    def mint(self, finding: Finding) -> Minted:
        token = self._create()
        if not token.secret:
            raise RefusedCredential("Quay made a token but told no secret; the next run retires it")
        _prove_new(self._call, token.secret, self._wanted.organization)
        old = finding.credential
        credential = Credential(
            name=self._wanted.name,
            username=OAUTH_USERNAME,
            secret=token.secret,
            uuid=token.uuid,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_accessed=token.last_accessed,
            age_source=AGE_FROM_MINT,
            superseded=tuple(uuid for uuid in replaced(old) if uuid != token.uuid),
            details=self._wanted.details(token.scopes),
        )
        return Minted(credential, existed=finding.facts.exists)

    def retire(self, uuid: str) -> None:
        self._tokens.revoke(uuid)

    def _look(self, held: Held) -> Finding:
        """What a held secret is worth, and which listed token it is."""
        record = held.record
        if record is not None and record.uuid and record.fits(held.secret):
            # Whoever delivered this secret wrote down its uuid: the list alone tells whether it lives.
            known = self._by_uuid(record.uuid)
            expired = record.expires_at is not None and record.expires_at <= self._call.client.now()
            return self._finding("current" if known else "expired" if expired else "invalid", held.secret, known)
        proof = prove(self._call.client, OAUTH_USERNAME, held.secret or "", self._wanted.organization)
        known = self._by_uuid(proof.oauth_uuid)
        if proof.live and known is None:
            self._call.warn("The held token is alive, but not one of this application: it is replaced and left alone.")
        return self._finding(_held_word(proof, listed=known is not None), held.secret, known)

    def _finding(self, word: str, secret: str | None, known: AccessToken | None) -> Finding:
        facts = Facts(
            exists=secret is not None,
            held=word,
            scopes_match=known is None or list(known.scopes) == list(self._wanted.scopes),
            created_at=known.created_at if known else None,
            expires_at=known.expires_at if known else None,
        )
        credential = Credential(
            name=self._wanted.name,
            username=OAUTH_USERNAME,
            secret=secret if known else None,
            uuid=known.uuid if known else None,
            created_at=facts.created_at,
            expires_at=facts.expires_at,
            last_accessed=known.last_accessed if known else None,
            age_source=AGE_FROM_QUAY if known else None,
            superseded=self._namesakes(known),
            details=self._wanted.details(known.scopes if known else self._wanted.scopes),
        )
        return Finding(facts, credential, {"scopes": list(self._wanted.scopes)})

    def _precedes(self, uuid: str, present: Finding) -> bool:
        token, made = self._by_uuid(uuid), present.credential.created_at
        return token is not None and token.created_at is not None and made is not None and token.created_at <= made

    def _by_uuid(self, uuid: str | None) -> AccessToken | None:
        return next((token for token in self._listed if token.uuid == uuid), None)

    def _namesakes(self, current: AccessToken | None) -> tuple[str, ...]:
        """Live tokens of our name by our user, beside the current one: what earlier runs left behind.

        Tokens without a name (made in the UI), of other names and of other users are never among them.
        """
        own = current.uuid if current else None
        others = [token for token in self._listed if token.name == self._wanted.name and token.uuid != own]
        if not others or not self._wanted.named:
            return ()
        owner = current.created_by if current else user_of_login(self._call.client)
        return tuple(token.uuid for token in others if token.created_by == owner)

    def _create(self) -> AccessToken:
        try:
            return self._tokens.mint(self._wanted.name, self._wanted.scopes, self._wanted.lifetime)
        except QuayError as error:
            if not error.unclear:
                raise
            raise _maybe_made(error, "a token left behind is then found by its name and retired") from None


class BrowserTokenIssuer:
    """Tokens by the browser's own flow: nameless, for ten years, known by their uuid alone."""

    changes_quay = True
    retells = False
    recorded = False

    def __init__(self, call: Call, wanted: Wanted, *, accepts: bool) -> None:
        self._call = call
        self._wanted = wanted
        self._accepts = accepts
        self._tokens = UserTokens(call.client)
        self._assignment: str | None = None
        self._seen: list[Authorization] | None = None

    def find(self, held: Sequence[Held], *, blind: bool) -> Finding:
        findings = looked_at(held, self._look)
        best, *others = findings or [self._finding("none", None, Proof(Liveness.INVALID), None)]
        noted = _noted(held)
        alive = {own.uuid for own in self._own} if noted else set()
        left = [*_left(best, others), *(uuid for uuid in noted if uuid in alive), *self._orphans(best.credential.uuid)]
        superseded = tuple(dict.fromkeys(left))
        return replace(
            best,
            credential=replace(best.credential, superseded=superseded),
            predecessors=tuple(uuid for uuid in superseded if uuid in noted),
        )

    def prepare(self, finding: Finding) -> Finding:
        self._signed_in()
        self._call.server.refuse_if_read_only("POST", "/oauth/authorizeapp")
        if self._accepts:
            self._assignment = self._assigned()
        return finding

    def _signed_in(self) -> SessionLogin:
        login = self._call.client.login
        if not isinstance(login, SessionLogin):
            raise BadInput(
                "This Quay has no application-token endpoints (they came with 3.18), so it issues OAuth tokens to a "
                "signed-in user only: give quay_username and quay_password of an administrator of the organization"
            )
        return login

    def mint(self, finding: Finding) -> Minted:
        # Basic with an anonymous CSRF pair is enough for the page, and leaves no session of the user behind.
        login = self._signed_in()
        way = login if login.signed_in or self._accepts else login.without_session()
        now = self._call.client.now()
        secret = self._authorize(way)
        proof = _prove_new(self._call, secret, self._wanted.organization)
        credential = Credential(
            name=self._wanted.name,
            username=OAUTH_USERNAME,
            secret=secret,
            uuid=proof.oauth_uuid,
            created_at=now,
            expires_at=now + LONGEST_LIFETIME,
            age_source=AGE_FROM_MINT,
            superseded=replaced(finding.credential),
            details=self._wanted.details(self._wanted.scopes),
        )
        return Minted(credential, existed=finding.facts.exists)

    def retire(self, uuid: str) -> None:
        self._tokens.revoke(uuid)

    def _look(self, held: Held) -> Finding:
        proof = prove(self._call.client, OAUTH_USERNAME, held.secret or "", self._wanted.organization)
        record = held.record if held.record and held.record.fits(held.secret) else None
        return self._finding(_held_word(proof, listed=True), held.secret, proof, record)

    def _finding(self, word: str, secret: str | None, proof: Proof, record: Record | None) -> Finding:
        uuid = proof.oauth_uuid if proof.live else None
        scopes = self._scopes_of(uuid)
        facts = Facts(
            exists=secret is not None,
            held=word,
            scopes_match=scopes is None or list(scopes) == list(self._wanted.scopes),
            created_at=record.created_at if record else None,
            expires_at=record.expires_at if record else None,
        )
        credential = Credential(
            name=self._wanted.name,
            username=OAUTH_USERNAME,
            secret=secret if uuid else None,
            uuid=uuid,
            created_at=facts.created_at,
            expires_at=facts.expires_at,
            age_source=AGE_FROM_RECORD if record else None,
            details=self._wanted.details(scopes if scopes is not None else self._wanted.scopes),
        )
        return Finding(facts, credential, {"scopes": list(self._wanted.scopes)})

    def _orphans(self, present: str | None) -> list[str]:
        """The user's other tokens in an application that serves this credential alone: there are no names to go by."""
        application = self._wanted.own_application
        if application is None:
            return []
        where = (self._wanted.organization, application)
        return [own.uuid for own in self._own if (own.organization, own.application) == where and own.uuid != present]

    @property
    def _own(self) -> list[Authorization]:
        """The user's own tokens, asked for once; none where this login cannot see them."""
        if self._seen is None:
            signs_in = isinstance(self._call.client.login, SessionLogin)
            self._seen = self._tokens.authorizations() if signs_in else []
        return self._seen

    def _scopes_of(self, uuid: str | None) -> tuple[str, ...] | None:
        """The scopes of one of the user's own tokens; None where this login cannot see it."""
        return next((own.scopes for own in self._own if own.uuid == uuid), None) if uuid else None

    def _authorize(self, way: Login) -> str:
        page = self._call.server.oauth_page()
        try:
            return self._tokens.authorize(self._wanted.client_id, page, self._wanted.scopes, way, self._assignment)
        except QuayError as error:
            if not error.unclear:
                raise
            raise _maybe_made(error, self._what_then()) from None

    def _what_then(self) -> str:
        if self._wanted.own_application is not None:
            return "a token left behind is then found in the credential's own application and retired"
        return (
            "a token left behind has no name on this Quay and is not touched, because it may be somebody else's: look "
            "for it among the user's authorized applications, or give the credential an application of its own and "
            "say so by owns_application"
        )

    def _assigned(self) -> str:
        wanted = list(self._wanted.scopes)
        for assignment in self._tokens.assignments():
            if assignment.client_id == self._wanted.client_id and list(assignment.scopes) == wanted:
                return assignment.uuid
        raise RefusedCredential(
            f"No token of this application with the scopes {' '.join(wanted)} is assigned to the signed-in user. "
            "An administrator of the organization assigns one with for_user"
        )


def wanted_of(call: Call, params: Mapping[str, Any]) -> Wanted:
    """What the options of an API token say; asks Quay for the application's client id where only its name is given."""
    named = params["name"] is not None
    name = params["name"].strip() if named else _NAMELESS
    if not name:
        raise BadInput("name must not be blank: it is how a later run finds this token again")
    scopes = expand_scopes(params["scopes"])
    lifetime = parse_duration(params["lifetime"], "lifetime")
    if lifetime is not None and not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise BadInput("lifetime must be between 1s and 3652d (ten years, Quay's own limit)")
    organization, client_id = resolve_application(
        call, params["organization"], params["application"], params["client_id"]
    )
    own = sole_application(call, organization, client_id) if params["owns_application"] else None
    return Wanted(organization, client_id, name, scopes, lifetime, named, own)


def issuer_of(call: Call, wanted: Wanted, listed: Sequence[AccessToken] | None) -> Issuer:
    """The way in that this server offers."""
    if listed is None:
        return BrowserTokenIssuer(call, wanted, accepts=False)
    return ApplicationTokenIssuer(call, wanted, listed)


def listed_tokens(call: Call, organization: str, client_id: str) -> list[AccessToken] | None:
    """The application's live tokens, or None where Quay lacks the endpoint.

    A password login asks anonymously first (2 ms): on an older Quay no session is needed for what follows.
    """
    if isinstance(call.client.login, SessionLogin) and not call.server.has_application_tokens():
        return None
    return ApplicationTokens(call.client, organization, client_id).list()


def _signed_in_as(login: Login, username: str) -> bool:
    return isinstance(login, SessionLogin) and login.username == username


def _held_word(proof: Proof, *, listed: bool) -> str:
    if proof.liveness is Liveness.EXPIRED:
        return "expired"
    return "current" if proof.live and listed else "invalid"


def _noted(held: Sequence[Held]) -> list[str]:
    """What was written down, at the delivery of the held secrets, as replaced by them."""
    fitting = [item.record for item in held if item.record and item.record.fits(item.secret)]
    return list(dict.fromkeys(uuid for record in fitting for uuid in record.superseded))


def _left(best: Finding, others: Sequence[Finding]) -> tuple[str, ...]:
    """What runs that were cut off left alive: namesakes, and what other stores still hold."""
    held = (other.credential.uuid for other in others if other.credential.uuid)
    return tuple(dict.fromkeys([*best.credential.superseded, *held]))


def _maybe_made(error: QuayError, then: str) -> RefusedCredential:
    return RefusedCredential(
        f"{error}. Whether Quay made the token is unclear, and its secret would be lost. No credential was replaced: "
        f"run the task again; {then}"
    )


def _prove_new(call: Call, secret: str, namespace: str) -> Proof:
    proof = prove(call.client, OAUTH_USERNAME, secret, namespace)
    if not proof.live:
        raise RefusedCredential(
            "Quay does not accept the new token at /v2/auth, so it was not delivered and the old one was left alone. "
            "Was the application deleted meanwhile?"
        )
    return proof


def _assign(call: Call, wanted: Wanted, username: str) -> Outcome:
    """Assign a token to another user, who takes it when he is signed in himself. The assigner never sees its secret."""
    if not isinstance(call.client.login, SessionLogin):
        raise BadInput(
            "for_user needs quay_username and quay_password of an administrator: Quay takes no bearer token here"
        )
    if call.server.feature("ASSIGN_OAUTH_TOKEN") is False:
        raise BadInput("for_user: this Quay does not offer it (FEATURE_ASSIGN_OAUTH_TOKEN is off)")
    listed = listed_tokens(call, wanted.organization, wanted.client_id) or []
    taken = next(
        (t for t in listed if t.name is None and t.created_by == username and list(t.scopes) == list(wanted.scopes)),
        None,
    )
    if taken is None:
        call.server.refuse_if_read_only("POST", "/oauth/authorize/assignuser")
        if not call.check_mode:
            UserTokens(call.client).assign(wanted.client_id, call.server.oauth_page(), wanted.scopes, username)
    credential = Credential(
        name=wanted.name,
        username=OAUTH_USERNAME,
        uuid=taken.uuid if taken else None,
        created_at=taken.created_at if taken else None,
        expires_at=taken.expires_at if taken else None,
        last_accessed=taken.last_accessed if taken else None,
        age_source=AGE_FROM_QUAY if taken else None,
        details=wanted.details(wanted.scopes),
    )
    return Outcome(
        changed=taken is None,
        values=answer(call, credential, NOT_DUE if taken else MISSING),
        before={"for_user": username, "token": "taken" if taken else "absent"},
        after={"for_user": username, "token": "taken" if taken else "assigned"},
    )


def _absent(call: Call, wanted: Wanted, custody: Custody) -> Outcome:
    """Revoke the token of the given uuid, else the held one and those of our name, and clear its stores."""
    listed = listed_tokens(call, wanted.organization, wanted.client_id)
    pointed_at = any(call.params[option] for option in ("uuid", *CUSTODY_OPTIONS))
    if not pointed_at and (listed is None or not wanted.named):
        raise BadInput(
            "Say by uuid, current_token, token_path or deliver which token to revoke. A name is enough on Quay 3.18 "
            "and later"
        )
    issuer = issuer_of(call, wanted, listed)
    doomed: tuple[str, ...]
    if call.params["uuid"]:
        doomed = _living(call, call.params["uuid"], listed)
    else:
        doomed = replaced(issuer.find(custody.held, blind=False).credential)
    if doomed:
        call.server.refuse_if_read_only("DELETE", "tokens")
    if not call.check_mode:
        for uuid in doomed:
            issuer.retire(uuid)
    gone = Credential(wanted.name, OAUTH_USERNAME, details=wanted.details([]))
    return cleared(call, custody, gone, existed=bool(doomed), revoked=doomed)


def _living(call: Call, uuid: str, listed: Sequence[AccessToken] | None) -> tuple[str, ...]:
    """The uuid as a list of what is to be revoked: empty where no such token lives."""
    living = (
        {token.uuid for token in listed}
        if listed is not None
        else {token.uuid for token in UserTokens(call.client).authorizations()}
    )
    return (uuid,) if uuid in living else ()
