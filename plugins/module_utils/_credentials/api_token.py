# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth access tokens of an application (quay_api_token).

There are two ways to issue one. Quay 3.18 and later has application-token endpoints. Every Quay has what its page
"Generate Token" does. Either way, using a token at /v2/auth shows its uuid, and so which of the listed tokens it is.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput
from .._http.auth import OAUTH_USERNAME, Auth, SessionAuth
from .._module.context import ModuleContext, Result
from .._quay.oauth import AccessToken, Applications, UserTokens
from .._quay.scopes import ALL_SCOPES, SCOPES
from .._stores.holders import HOLDER_OPTIONS, SecretHolder, holder_from_options
from .application_token import ApplicationTokenIssuer, listed_tokens
from .assigned_token_issuer import AssignedTokenIssuer
from .browser_token import BrowserTokenIssuer
from .declared import DeclaredCredential, Observed, observe_or_report, undeclared
from .desired_token import (
    DesiredToken,
    api_token_policy,
    desired_token,
    refuse_other_token_in_stores,
    refuse_to_clear,
    token_options,
)
from .evaluation import Observation
from .kind import TokenModule
from .policy import (
    AGE_FROM_QUAY,
    MISSING,
    NOT_DUE,
    ObservedState,
    Policy,
)
from .rotation_order import (
    TOKEN_OPTIONS,
    Issuer,
    clear_stores,
    login_last,
    return_values,
    rotate,
    superseded_by_minting,
)
from .token_list import Entry, TokenKind, ensure_one_or_many

_KIND = "api"

# The options of quay_api_token, with their defaults.
API_TOKEN_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "organization": {"type": "str"},
    "application": {"type": "str"},
    "client_id": {"type": "str"},
    "name": {"type": "str"},
    "scopes": {
        "type": "list",
        "elements": "str",
        "aliases": ["rights"],
        "choices": [*SCOPES, ALL_SCOPES],
    },
    "lifetime": {"type": "str"},
    "max_age": {"type": "str"},
    "renew_before": {"type": "str"},
    "revoke_superseded": {"type": "bool"},
    "retire_after": {"type": "str"},
    "owns_application": {"type": "bool", "default": False},
    "for_user": {"type": "str"},
    "uuid": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_api_tokens(context: ModuleContext) -> Result:
    """The module quay_api_token: one credential, or many."""
    return ensure_one_or_many(_API_TOKENS, context)


def ensure_api_token(context: ModuleContext) -> Result:
    """Ensure one credential."""
    policy = _declared_policy(context)
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        desired = desired_token(context, context.params)
        if context.params["state"] == "absent":
            return _ensure_absent(context, desired, holder)
        for_user = context.params["for_user"]
        if for_user and not _is_signed_in_as(context.client.auth, for_user):
            return _assign(context, desired, for_user)
        if for_user:
            # Users who accept a token that was assigned to them need no access to the application.
            issuer: Issuer = AssignedTokenIssuer(context, desired)
        else:
            listed = listed_tokens(context, desired.organization, desired.client_id)
            issuer = api_token_issuer(context, desired, listed)
        retires = context.params["revoke_superseded"]
        if retires is None:
            # The old token may be revoked at once only if this task delivers the new one.
            retires = not holder.returns_secret or policy.retire_after is not None
        return rotate(context, issuer, policy, holder, retires=retires)


def _declared_policy(context: ModuleContext) -> Policy:
    """The policy that the options declare. Raises BadInput if they are wrong, whatever Quay says."""
    policy = api_token_policy(context.params)
    _refuse_options_without_effect(context.params)
    return policy


def _refuse_options_without_effect(params: Mapping[str, Any]) -> None:
    if params["for_user"] and params["lifetime"]:
        raise BadInput(
            "lifetime has no effect with for_user: Quay issues the token that a user accepts for ten years. Leave it "
            "out. max_age replaces the token at that age"
        )
    if params["revoke_superseded"] is False and params["retire_after"]:
        raise BadInput(
            "retire_after says when the replaced token is revoked, and revoke_superseded: false says that it is not. "
            "Leave one of them out"
        )


def api_token_issuer(context: ModuleContext, desired: DesiredToken, listed: Sequence[AccessToken] | None) -> Issuer:
    """The issuer that this server offers. ``listed``: the application's tokens, None if it does not list them."""
    if listed is None:
        return BrowserTokenIssuer(context, desired)
    return ApplicationTokenIssuer(context, desired, listed)


def listed_credential(token: AccessToken, location: Mapping[str, Any]) -> Credential:
    """The credential of a token in Quay's list. ``location``: its organization and client id, as return keys."""
    return Credential(
        name=token.name or "",
        username=OAUTH_USERNAME,
        uuid=token.uuid,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_accessed=token.last_accessed,
        age_source=AGE_FROM_QUAY,
        details={**location, "scopes": list(token.scopes)},
    )


def observe_api_tokens(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many tokens: one list for each application."""
    lists: dict[tuple[str, str], list[AccessToken] | None] = {}
    for declared in credentials:
        yield from observe_or_report([declared], partial(_observe_declared, context, declared, lists))


def _observe_declared(
    context: ModuleContext, declared: DeclaredCredential, lists: dict[tuple[str, str], list[AccessToken] | None]
) -> list[Observed]:
    desired = desired_token(context, declared.params)
    application = (desired.organization, desired.client_id)
    if application not in lists:
        lists[application] = listed_tokens(context, *application)
    issuer = api_token_issuer(context, desired, lists[application])
    return [Observed(declared, issuer.observe(declared.stored))]


def list_api_tokens(context: ModuleContext, organization: str | None, policy: Policy) -> Iterator[Observed]:
    """All tokens of an organization's applications, or what the user has authorized."""
    if organization is None:
        yield from _authorized(context, policy)
        return
    for application in Applications(context.client, organization).list():
        listed = listed_tokens(context, organization, application.client_id)
        if listed is None:
            context.warn("This server (Quay 3.17 or older) does not list the tokens of an application.")
            return
        location = {"organization": organization, "client_id": application.client_id}
        for token in listed:
            state = ObservedState(exists=True, created_at=token.created_at, expires_at=token.expires_at)
            credential = listed_credential(token, location)
            yield Observed(undeclared(_KIND, credential.name, policy), Observation(state, credential))


def _authorized(context: ModuleContext, policy: Policy) -> Iterator[Observed]:
    for own in UserTokens(context.client).authorizations():
        details = {"organization": own.organization, "client_id": None, "scopes": list(own.scopes)}
        credential = Credential(own.application, OAUTH_USERNAME, uuid=own.uuid, details=details)
        observation = Observation(ObservedState(exists=True), credential)
        yield Observed(undeclared(_KIND, own.application, policy), observation)


def _located(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status includes the client id, so the application need not be looked up again."""
    return {"organization": status.get("organization"), "client_id": status.get("client_id"), "application": None}


def _without_aliases(option: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in option.items() if key != "aliases"}


def _is_signed_in_as(auth: Auth, username: str) -> bool:
    return isinstance(auth, SessionAuth) and auth.username == username


def _assign(context: ModuleContext, desired: DesiredToken, username: str) -> Result:
    """Assign a token to another user, who accepts it when they are signed in. The assigner never sees its secret."""
    if not isinstance(context.client.auth, SessionAuth):
        raise BadInput(
            "for_user needs quay_username and quay_password of an administrator: Quay accepts no bearer token here"
        )
    context.client.auth.refuse_registry_user()
    if context.server.feature("ASSIGN_OAUTH_TOKEN") is False:
        raise BadInput("for_user: this server does not offer it (FEATURE_ASSIGN_OAUTH_TOKEN is off)")
    accepted = _accepted_token(context, desired, username)
    if accepted is None:
        context.server.refuse_if_read_only("POST", "/oauth/authorize/assignuser")
        if not context.check_mode:
            page = context.server.oauth_page()
            UserTokens(context.client).assign(desired.client_id, page, desired.scopes, username)
    credential = Credential(
        name=desired.name,
        username=OAUTH_USERNAME,
        uuid=accepted.uuid if accepted else None,
        created_at=accepted.created_at if accepted else None,
        expires_at=accepted.expires_at if accepted else None,
        last_accessed=accepted.last_accessed if accepted else None,
        age_source=AGE_FROM_QUAY if accepted else None,
        details=desired.details(desired.scopes),
    )
    return Result(
        changed=accepted is None,
        values=return_values(context, credential, NOT_DUE if accepted else MISSING),
        before={"for_user": username, "token": "accepted" if accepted else "absent"},
        after={"for_user": username, "token": "accepted" if accepted else "assigned"},
    )


def _accepted_token(context: ModuleContext, desired: DesiredToken, username: str) -> AccessToken | None:
    """A token with the declared scopes that the user has accepted already."""
    listed = listed_tokens(context, desired.organization, desired.client_id) or []
    own = (token for token in listed if token.name is None and token.created_by == username)
    return next((token for token in own if desired.matches(token.scopes)), None)


def _ensure_absent(context: ModuleContext, desired: DesiredToken, holder: SecretHolder) -> Result:
    """Revoke the token with the given uuid, else the stored one and those of the same name, and clear its stores."""
    listed = listed_tokens(context, desired.organization, desired.client_id)
    identified = any(context.params[option] for option in ("uuid", *HOLDER_OPTIONS))
    if not identified and (listed is None or not desired.named):
        raise BadInput(
            "Name the token to revoke by uuid, current_token, token_path or deliver. A name is enough on Quay 3.18 and "
            "later"
        )
    issuer = api_token_issuer(context, desired, listed)
    uuid = context.params["uuid"]
    if uuid:
        refuse_other_token_in_stores(issuer, holder.stored, uuid)
        to_revoke = _valid(context, uuid, listed)
    else:
        to_revoke = login_last(context, superseded_by_minting(issuer.observe(holder.stored, proven=True).credential))
        if isinstance(issuer, BrowserTokenIssuer):
            issuer.refuse_tokens_of_others(to_revoke)
    if isinstance(issuer, ApplicationTokenIssuer):
        refuse_to_clear(issuer.foreign)
    if to_revoke:
        context.server.refuse_if_read_only("DELETE", "tokens")
    if not context.check_mode:
        for uuid in to_revoke:
            issuer.retire(uuid)
    credential = Credential(desired.name, OAUTH_USERNAME, details=desired.details([]))
    return clear_stores(context, holder, credential, existed=bool(to_revoke), revoked=to_revoke)


def _valid(context: ModuleContext, uuid: str, listed: Sequence[AccessToken] | None) -> tuple[str, ...]:
    """The uuid in a tuple; an empty one if there is no such token."""
    if listed is not None:
        return (uuid,) if uuid in {token.uuid for token in listed} else ()
    if uuid in {token.uuid for token in UserTokens(context.client).authorizations()}:
        return (uuid,)
    context.warn(
        f"The user of the login has no token {uuid}. Quay 3.17 and older show only the tokens of that user: if it is a "
        "token of another user, it is still valid, and only that user can revoke it."
    )
    return ()


def _check_listed(context: ModuleContext) -> None:
    _declared_policy(context)
    token_options(context.params)


def _conflicts(context: ModuleContext, entries: Sequence[Entry]) -> Iterator[str]:
    """Two credentials must not revoke each other's tokens as left behind."""
    for first, second in combinations(entries, 2):
        if not _may_be_in_one_application(first.params, second.params):
            continue
        both = f"{first.label} and {second.label}"
        if first.params["owns_application"] or second.params["owns_application"]:
            yield f"{both}: owns_application means that no other credential is in the application. {_SAME_WAY}"
        elif _identity(first.params) == _identity(second.params) and first.params["name"] is not None:
            yield f"{both} have the same name, so each would revoke the token of the other. {_SAME_WAY}"


_SAME_WAY = "If these are two applications, name both by client_id, or both by organization and application"


def _identity(params: Mapping[str, Any]) -> tuple[Any, ...]:
    """What distinguishes tokens of one application."""
    uuid = params["uuid"] if params["state"] == "absent" else None
    return ((params["name"] or "").strip(), params["for_user"], uuid)


def _may_be_in_one_application(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two applications may be the same: Quay would have to be asked if they are named in different ways."""
    if first["client_id"] and second["client_id"]:
        return bool(first["client_id"] == second["client_id"])
    if first["organization"] and second["organization"] and first["organization"] != second["organization"]:
        return False
    if first["application"] and second["application"]:
        return bool(first["application"] == second["application"])
    return True


_API_TOKENS = TokenKind(ensure_api_token, _check_listed, _conflicts, may_be_login=True)

_STATUS_OPTIONS = (
    "organization",
    "application",
    "client_id",
    "scopes",
    "lifetime",
    "max_age",
    "renew_before",
    "retire_after",
    "owns_application",
)

API_MODULE = TokenModule(
    options=API_TOKEN_OPTIONS,
    status_options={name: _without_aliases(API_TOKEN_OPTIONS[name]) for name in _STATUS_OPTIONS},
    policy=api_token_policy,
    observe=observe_api_tokens,
    ensure=ensure_api_token,
    list_all=list_api_tokens,
    located=_located,
)
