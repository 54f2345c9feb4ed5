# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth tokens that an administrator assigns to another user, who accepts or declines them (quay_assigned_token).

Quay shows assignments only to the user that they are assigned to. What their administrator can see of them is an entry
in the usage logs and, on Quay 3.18 and later, the token that the user accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, QuayError
from .._core.times import format_time, parse_duration
from .._http.auth import OAUTH_USERNAME, Auth, SessionAuth
from .._http.errors import Forbidden
from .._module.context import ModuleContext, Result
from .._quay.logs import Logs, LogsUnavailable
from .._quay.oauth import (
    AccessToken,
    Applications,
    ApplicationTokens,
    Assignment,
    UserTokens,
    assigning_is_off,
    expand_scopes,
    location_of,
)
from .._quay.organizations import administered_organizations, user_exists
from .._quay.scopes import ALL_SCOPES, SCOPES
from .._stores.holders import SecretHolder, holder_from_options
from .assigned_token_issuer import AssignedTokenIssuer, NoAssignment
from .desired_token import DesiredToken, api_token_policy, refuse_other_token_in_stores, refuse_to_clear
from .evaluation import evaluate
from .policy import AGE_FROM_QUAY, DECLARED_ABSENT, FORCED, MISSING, NOT_DUE, Policy
from .rotation_order import TOKEN_OPTIONS, clear_stores, return_values, rotate, superseded_by_minting

ASSIGNED, ACCEPTED, DECLINED, ABSENT = "assigned", "accepted", "declined", "absent"

# The options of quay_assigned_token, with their defaults.
ASSIGNED_TOKEN_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "organization": {"type": "str"},
    "application": {"type": "str"},
    "client_id": {"type": "str"},
    "scopes": {"type": "list", "elements": "str", "choices": [*SCOPES, ALL_SCOPES]},
    "for_user": {"type": "str"},
    "uuid": {"type": "str"},
    "pending_for": {"type": "str", "default": "3w"},
    "assignment_required": {"type": "bool", "default": True},
    "max_age": {"type": "str"},
    "renew_before": {"type": "str"},
    "revoke_superseded": {"type": "bool"},
    "retire_after": {"type": "str"},
    "state": {"type": "str", "choices": [ASSIGNED, ACCEPTED, DECLINED, ABSENT], "required": True},
}

# For each state, the options without a default that have no effect.
_STORES = ("current_token", "token_path", "deliver")
_ROTATION = ("max_age", "renew_before", "revoke_superseded", "retire_after")
_WITHOUT_EFFECT = {
    ASSIGNED: (*_STORES, *_ROTATION, "uuid"),
    ACCEPTED: (),
    DECLINED: (*_STORES, *_ROTATION),
    ABSENT: (*_ROTATION, "scopes"),
}


@dataclass(frozen=True)
class _Declared:
    """What the options declare, whatever Quay says. ``scopes``: None for any."""

    scopes: list[str] | None
    policy: Policy
    pending_for: timedelta


@dataclass(frozen=True)
class _Application:
    """The application whose tokens are assigned. The parts that are not known are None."""

    organization: str | None
    client_id: str | None
    name: str | None

    def credential(self, scopes: Sequence[str] = (), token: AccessToken | None = None) -> Credential:
        """A token of this application. ``token``: as Quay lists it."""
        return Credential(
            name=self.name or "",
            username=OAUTH_USERNAME,
            uuid=token.uuid if token else None,
            created_at=token.created_at if token else None,
            expires_at=token.expires_at if token else None,
            last_accessed=token.last_accessed if token else None,
            age_source=AGE_FROM_QUAY if token else None,
            details={"organization": self.organization, "client_id": self.client_id, "scopes": list(scopes)},
        )


def ensure_assigned_token(context: ModuleContext) -> Result:
    """The module quay_assigned_token: assign a token, or accept, decline or revoke one that was assigned."""
    declared = _declared(context.params, context.client.auth)
    state = context.params["state"]
    if state == ASSIGNED:
        return _ensure_assigned(context, declared)
    if state == DECLINED:
        return _ensure_declined(context, declared)
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        application = _application(context)
        desired = _desired(context, declared, application)
        issuer = AssignedTokenIssuer(
            context,
            desired,
            application=application.name,
            uuid=context.params["uuid"],
            any_scopes=declared.scopes is None,
        )
        if state == ABSENT:
            return _ensure_absent(context, application, issuer, holder)
        return _ensure_accepted(context, declared, issuer, holder)


# --- what the options declare


def _declared(params: Mapping[str, Any], auth: Auth) -> _Declared:
    """Read and check the options. Raises BadInput for those that contradict each other or the login. Sends nothing."""
    declared = _Declared(
        scopes=expand_scopes(params["scopes"]) if params["scopes"] else None,
        policy=api_token_policy({**params, "lifetime": None}),
        pending_for=parse_duration(params["pending_for"], "pending_for") or timedelta(0),
    )
    _check_options(params)
    _check_application(params)
    _check_login(params, auth)
    return declared


def _check_options(params: Mapping[str, Any]) -> None:
    """Raise BadInput for options that the state lacks, or that have no effect with it."""
    state = params["state"]
    given = [option for option in _WITHOUT_EFFECT[state] if params[option] not in (None, [])]
    if given:
        raise BadInput(f"{' and '.join(given)} cannot be used with state={state}. {_reason_against(state, given[0])}")
    if state == ASSIGNED and not (params["for_user"] and params["scopes"]):
        raise BadInput("state=assigned needs for_user, the user to whom the token is assigned, and scopes")
    if state == ABSENT and not any(params[option] for option in ("uuid", *_STORES)):
        raise BadInput("state=absent: name the token to revoke by uuid, current_token, token_path or deliver")
    if params["revoke_superseded"] is False and params["retire_after"]:
        raise BadInput(
            "retire_after says when the replaced token is revoked, and revoke_superseded: false says that it is not. "
            "Leave one of them out"
        )


def _reason_against(state: str, option: str) -> str:
    if state == ASSIGNED and option in _STORES:
        return "Only the user who accepts the token gets its secret"
    return "It has no effect. Leave it out"


def _check_application(params: Mapping[str, Any]) -> None:
    state = params["state"]
    if state == DECLINED and params["uuid"] and not params["application"]:
        return
    if state == ASSIGNED:
        if not params["client_id"] and not (params["organization"] and params["application"]):
            raise BadInput("Name the application by client_id, or by organization and application")
    elif params["application"] or not params["client_id"]:
        also = " or the token by uuid" if state == DECLINED else ""
        raise BadInput(
            f"state={state}: name the application by client_id{also}. Quay lets only administrators of the "
            "organization look an application up by its name. quay_assigned_token_info returns the client_id"
        )


def _check_login(params: Mapping[str, Any], auth: Auth) -> None:
    """Raise BadInput if Quay would not accept what the login is for, BadLogin if nobody can sign in with its name."""
    state, for_user = params["state"], params["for_user"]
    if not isinstance(auth, SessionAuth):
        if state == ASSIGNED:
            raise BadInput(
                "state=assigned needs quay_username and quay_password of an administrator of the organization: Quay "
                "accepts no bearer token here"
            )
        if state == ACCEPTED:
            raise BadInput(
                "state=accepted needs quay_username and quay_password of the user to whom the token is assigned: Quay "
                "accepts no bearer token here"
            )
        return
    auth.refuse_registry_user()
    # Users may sign in with their e-mail address, too.
    if state != ASSIGNED and for_user and for_user != auth.username and "@" not in auth.username:
        raise BadInput(
            f"for_user is {for_user}, but the login is {auth.username}. With state={state}, the login must be that of "
            "the user to whom the token is assigned"
        )


def _application(context: ModuleContext) -> _Application:
    """The declared application. Raises BadInput if it does not exist, or belongs to another organization."""
    organization, client_id = context.params["organization"], context.params["client_id"]
    if not client_id:
        name = context.params["application"]
        found = Applications(context.client, organization).find(name)
        if found is None:
            raise BadInput(
                f"The organization {organization} has no application named '{name}'. Create it with quay_application"
            )
        return _Application(organization, found.client_id, found.name)
    owner, name = location_of(context.client, client_id)
    if organization not in (None, owner):
        raise BadInput(
            f"client_id: the application {client_id} belongs to the organization {owner}, not {organization}"
        )
    return _Application(owner, client_id, name)


def _desired(context: ModuleContext, declared: _Declared, application: _Application) -> DesiredToken:
    return DesiredToken(
        organization=application.organization or "",
        client_id=application.client_id or "",
        name=application.name or "",
        scopes=declared.scopes or (),
        lifetime=None,
        named=False,
        keeps_scopes=declared.scopes is None,
        limits_age=declared.policy.max_age is not None,
    )


# --- the administrator


def _ensure_assigned(context: ModuleContext, declared: _Declared) -> Result:
    """Assign a token, unless the user has accepted an equal one or the usage logs show that one is pending."""
    scopes, forced = declared.scopes or [], declared.policy.forced
    if context.server.feature("ASSIGN_OAUTH_TOKEN") is False:
        raise assigning_is_off(context.client)
    application = _application(context)
    accepted = _accepted_tokens(context, application)
    token = next((token for token in accepted if list(token.scopes) == scopes), None)
    if token and not forced:
        return _assigned_before(context, application.credential(scopes, token), "accepted")
    logged = _last_assignment(context, declared, application)
    if is_pending(logged, accepted) and not forced:
        _warn_of_pending(context, application, logged)
        return _assigned_before(context, application.credential(scopes), "assigned", logged)
    _assign(context, declared, application, logged)
    values = _values(context, application.credential(scopes), FORCED if forced else MISSING)
    before, after = (_side(context, token) for token in ("accepted" if token else "absent", "assigned"))
    return Result(True, values, before, after)


def _assigned_before(
    context: ModuleContext, credential: Credential, token: str, assigned_at: datetime | None = None
) -> Result:
    """The result if nothing is to be assigned. ``token``: accepted or assigned."""
    side = _side(context, token)
    return Result(False, _values(context, credential, NOT_DUE, assigned_at=assigned_at), side, side)


def _side(context: ModuleContext, token: str) -> dict[str, str]:
    """A side of the diff."""
    return {"for_user": context.params["for_user"], "token": token}


def is_pending(assigned_at: datetime | None, accepted: Sequence[AccessToken]) -> bool:
    """Whether a token that was assigned then is still to be accepted, as far as Quay shows it.

    ``accepted``: the user's tokens of the application that were issued by accepting one. Their scopes do not matter,
    because the log does not show with which scopes the token was assigned.
    """
    if assigned_at is None:
        return False
    return not any(token.created_at is not None and token.created_at >= assigned_at for token in accepted)


def _accepted_tokens(context: ModuleContext, application: _Application) -> list[AccessToken]:
    """The user's valid tokens of the application without a name. Quay 3.17 and older do not list them."""
    username = context.params["for_user"]
    organization, client_id = str(application.organization), str(application.client_id)
    tokens = ApplicationTokens(context.client, organization, client_id).list() or []
    return [token for token in tokens if token.name is None and token.created_by == username]


def _last_assignment(context: ModuleContext, declared: _Declared, application: _Application) -> datetime | None:
    """When the login assigned a token of the application to the user. None if the usage logs do not show it."""
    if not declared.pending_for:
        return None
    auth = context.client.auth
    performer = auth.username if isinstance(auth, SessionAuth) else ""
    since = context.client.now() - declared.pending_for
    logs = Logs(context.client, application.organization)
    try:
        return logs.last_assignment(str(application.client_id), context.params["for_user"], since, performer)
    except Forbidden as error:
        raise error.with_hint(_needs_admin(application)) from None
    except LogsUnavailable as error:
        context.warn(
            f"Whether a token was assigned before is unknown, so one is assigned: {error}. Set pending_for to 0 if "
            "this server does not show its usage logs."
        )
        return None


def _warn_of_pending(context: ModuleContext, application: _Application, logged: datetime | None) -> None:
    username = context.params["for_user"]
    context.warn(
        f"A token of the application {application.client_id} was assigned to {username} at {format_time(logged)}. "
        "Quay does not show that it was accepted. It counts as pending, so nothing was assigned. Quay shows its "
        f"scopes, and whether it was declined, to {username} only. rotate=always assigns another one."
    )


def _assign(context: ModuleContext, declared: _Declared, application: _Application, logged: datetime | None) -> None:
    """Assign a token, after checking what Quay would refuse. ``logged``: the last assignment before this one."""
    username = context.params["for_user"]
    context.server.refuse_if_read_only("POST", "/oauth/authorize/assignuser")
    if application.organization not in administered_organizations(context.client):
        raise BadInput(f"quay_username: {_needs_admin(application)}")
    if not user_exists(context.client, username):
        raise BadInput(f"for_user: {context.client.origin} has no user '{username}'")
    if context.check_mode:
        return
    page = context.server.oauth_page()
    try:
        UserTokens(context.client).assign(str(application.client_id), page, declared.scopes or [], username)
    except Forbidden as error:
        # Quay shows a superuser who is a member without that role as an administrator.
        raise error.with_hint(_needs_admin(application)) from None
    except QuayError as error:
        # Quay assigns the token first and writes its log afterwards.
        if not error.outcome_unknown or _last_assignment(context, declared, application) in (None, logged):
            raise


def _needs_admin(application: _Application) -> str:
    return (
        f"The login does not administer the organization {application.organization} as a member of a team with the "
        "role admin. Quay lets nobody else assign a token, not even a superuser"
    )


# --- the user to whom it is assigned


def _ensure_accepted(
    context: ModuleContext, declared: _Declared, issuer: AssignedTokenIssuer, holder: SecretHolder
) -> Result:
    """Accept an assigned token if the one that is held is due. Deliver it, and revoke what it replaces."""
    policy, retires = declared.policy, context.params["revoke_superseded"]
    if retires is None:
        # The old token may be revoked at once only if this task delivers the new one.
        retires = not holder.returns_secret or policy.retire_after is not None
    try:
        result = rotate(context, issuer, policy, holder, retires=retires)
    except NoAssignment as error:
        if context.params["assignment_required"] or error.observation is None:
            raise
        context.warn(f"{error}. Nothing was changed.")
        observation = error.observation
        evaluation = evaluate(policy, observation, holder.in_use, context.client.now(), record_required=False)
        return Result(False, _values(context, observation.credential, evaluation.decision.reason, due=True))
    values = {**result.values, **_own_keys(due=result.values["minted"], assignment=issuer.assignment)}
    return replace(result, values=values)


def _ensure_declined(context: ModuleContext, declared: _Declared) -> Result:
    """Decline all assigned tokens that the options select."""
    tokens, uuid = UserTokens(context.client), context.params["uuid"]
    application = _application(context) if context.params["client_id"] else _Application(None, None, None)
    found = [item for item in tokens.assignments() if _is_selected(item, declared, application.client_id, uuid)]
    if found:
        context.server.refuse_if_read_only("DELETE", "/api/v1/user/assignedauthorization")
    if found and application.client_id is None:
        application = _Application(found[0].organization, found[0].client_id, found[0].application)
    if not context.check_mode:
        for item in found:
            tokens.decline(item.uuid)
    declined = [item.uuid for item in found]
    credential = application.credential(found[0].scopes if found else ())
    values = _values(context, credential, DECLARED_ABSENT if found else NOT_DUE, declined=declined)
    return Result(bool(found), values, {"assignments": declined}, {"assignments": []})


def _is_selected(item: Assignment, declared: _Declared, client_id: str | None, uuid: str | None) -> bool:
    scopes = declared.scopes
    return (
        client_id in (None, item.client_id)
        and uuid in (None, item.uuid)
        and (scopes is None or set(scopes) == set(item.scopes))
    )


def _ensure_absent(
    context: ModuleContext, application: _Application, issuer: AssignedTokenIssuer, holder: SecretHolder
) -> Result:
    """Revoke the user's token with the given uuid, else the one that is held, and clear its stores."""
    uuid = context.params["uuid"]
    if uuid:
        refuse_other_token_in_stores(issuer, holder.stored, uuid)
        to_revoke: tuple[str, ...] = (uuid,) if issuer.owns(uuid) else ()
    else:
        to_revoke = superseded_by_minting(issuer.observe(holder.stored, proven=True).credential)
    refuse_to_clear(issuer.foreign)
    if to_revoke:
        context.server.refuse_if_read_only("DELETE", "/api/v1/user/authorizations")
    if not context.check_mode:
        for handle in to_revoke:
            issuer.retire(handle)
    result = clear_stores(context, holder, application.credential(), existed=bool(to_revoke), revoked=to_revoke)
    return replace(result, values={**result.values, **_own_keys()})


# --- results


def _values(context: ModuleContext, credential: Credential, reason: str, **own: Any) -> dict[str, Any]:
    """The return keys of every token module, and those of this one."""
    return {**return_values(context, credential, reason), **_own_keys(**own)}


def _own_keys(
    *,
    due: bool = False,
    assignment: str | None = None,
    assigned_at: datetime | None = None,
    declined: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "due": due,
        "assignment": assignment,
        "assigned_at": format_time(assigned_at),
        "declined": list(declined),
    }
