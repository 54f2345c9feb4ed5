# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What a login has, what declared credentials need of it, and how the two differ (quay_login_info)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence, TypeVar

from .._core.errors import BadInput
from .._core.times import format_time
from .._http.auth import BearerAuth, SessionAuth
from .._http.errors import ApiError, NotAuthenticated, RateLimited
from .._module.context import ModuleContext, Result
from .._quay.oauth import AccessToken, Applications, ApplicationTokens, Authorization, UserTokens, organization_of
from .._quay.organizations import Organizations
from .._quay.registry_auth import RegistryToken, login_token
from .._quay.scopes import least_scopes
from .declaration_info import hide_secrets_alone
from .declaration_options import is_unset
from .kind import ADMINISTRATOR
from .kinds import KINDS
from .login_needs import Need, need_of, users_of_scopes
from .login_review import PASSWORD, TOKEN, Login, expiry_warning, scope_warnings
from .own_login import record_of_file
from .validation import read_declarations

_Found = TypeVar("_Found")

_REFUSED = "Quay does not accept the token. Check quay_token, or the file in quay_token_path"
_RENEWAL = "Issue another one before, or declare it with kind: api, so that a rotation renews it"


def get_login_info(context: ModuleContext) -> Result:
    """The module quay_login_info."""
    hide_secrets_alone(context)
    needs = _declared_needs(context)
    login = _login_of(context)
    users, further = users_of_scopes(needs), context.params["scopes"]
    needed = least_scopes([*users, *further])
    organizations = list(_organizations(context, login, needs))
    problems = [
        *(scope_warnings(login, users, further) if needed else ()),
        *expiry_warning(login, context.client.now(), _RENEWAL),
        *(_password_warning(context, needs, needed) if login.kind == PASSWORD else ()),
        *_role_warnings(login, organizations),
    ]
    for sentence in problems:
        context.warn(sentence)
    return Result(
        changed=False,
        values={
            "login": _shown(login),
            "needs": [_shown_need(need) for need in needs],
            "needed_scopes": needed,
            "missing_scopes": login.missing(needed),
            "surplus_scopes": login.surplus(needed) if needed else None,
            "organizations": organizations,
            "problems": problems,
        },
    )


def _declared_needs(context: ModuleContext) -> list[Need]:
    given = context.params["credentials"]
    if is_unset(given):
        return []
    return [need_of(declared.options) for declared in read_declarations(given, context.params["quay_host"])]


def _login_of(context: ModuleContext) -> Login:
    """What Quay and the record of the token's file show of the login. Raises NotAuthenticated if it is refused."""
    auth = context.client.auth
    if isinstance(auth, SessionAuth):
        auth.prepare(context.client.request)
        return Login(PASSWORD, auth.username)
    try:
        used = login_token(context.client)
    except NotAuthenticated as refused:
        raise refused.with_hint(_REFUSED) from None
    login = Login(TOKEN, used.subject, used.oauth_uuid)
    token = _listed_token(context, used)
    if token is not None:
        return replace(login, scopes=token.scopes, created_at=token.created_at, expires_at=token.expires_at)
    return _with_record(context, _with_authorization(context, login))


def _listed_token(context: ModuleContext, used: RegistryToken) -> AccessToken | None:
    """The token in the list of the application that the options name."""
    params = context.params
    if not (params["client_id"] or (params["organization"] and params["application"])):
        return None
    organization = params["organization"] or organization_of(context.client, params["client_id"])
    return _in_application(context, organization, params["application"], params["client_id"], used.oauth_uuid)


def _in_application(
    context: ModuleContext, organization: str, application: str | None, client_id: str | None, uuid: str | None
) -> AccessToken | None:
    """The token in an application; None if Quay does not show it to this login (it lists none on 3.17 and older)."""

    def find() -> AccessToken | None:
        ids = [client_id] if client_id else _ids(context, organization, application)
        for known in ids:
            for token in ApplicationTokens(context.client, organization, known).list() or ():
                if token.uuid == uuid:
                    return token
        return None

    return _if_shown(find)


def _ids(context: ModuleContext, organization: str, name: str | None) -> Iterable[str]:
    """The client ids of the applications of that name. Names are not unique."""
    return [item.client_id for item in Applications(context.client, organization).list() if item.name == name]


def _with_authorization(context: ModuleContext, login: Login) -> Login:
    """The login with its scopes, which Quay shows to a token with the scope user:admin; its expiry if it is listed."""
    listed: Sequence[Authorization] = _if_shown(UserTokens(context.client).authorizations) or ()
    own = next((item for item in listed if item.uuid == login.uuid), None)
    if own is None:
        return login
    token = None
    if "org:admin" in own.scopes and own.organization and context.server.has_application_tokens():
        token = _in_application(context, own.organization, own.application, None, login.uuid)
    known = replace(login, scopes=own.scopes)
    return replace(known, created_at=token.created_at, expires_at=token.expires_at) if token else known


def _with_record(context: ModuleContext, login: Login) -> Login:
    auth, path = context.client.auth, context.params["quay_token_path"]
    if login.expires_at is not None or not path or not isinstance(auth, BearerAuth):
        return login
    record = record_of_file(path, auth)
    return replace(login, created_at=record.created_at, expires_at=record.expires_at) if record else login


def _if_shown(read: Callable[[], _Found]) -> _Found | None:
    """What a request returns; None if Quay does not show it to this login."""
    try:
        return read()
    except (NotAuthenticated, RateLimited):
        raise
    except ApiError as error:
        if error.status >= 500:
            raise
        return None
    except BadInput:
        return None


def _organizations(context: ModuleContext, login: Login, needs: Sequence[Need]) -> Iterator[dict[str, Any]]:
    """Whether the login administers each organization of which it needs that (GET /organization/{name})."""
    names = [need.organization for need in needs if need.role == ADMINISTRATOR and need.organization]
    for name in dict.fromkeys(names):
        yield {"name": name, "role": ADMINISTRATOR, "has_role": _administers(context, login, name)}


def _administers(context: ModuleContext, login: Login, name: str) -> bool | None:
    """None if it is not known: without the scope, Quay's answer is about the token and not about the user."""
    organization = Organizations(context.client).get(name)
    if organization is None:
        return False
    if organization.administered or login.kind == PASSWORD:
        return organization.administered
    return False if login.scopes is not None and "org:admin" in login.scopes else None


def _password_warning(context: ModuleContext, needs: Sequence[Need], needed: Sequence[str]) -> Iterator[str]:
    """A sentence if a token could do what the password is used for. Quay 3.17 and older issue tokens to passwords."""
    if not needed:
        return
    if any(KINDS[need.kind].may_be_login for need in needs) and not context.server.has_application_tokens():
        return
    yield (
        "The login is a password, which can do all that its user can. A token is sufficient, with these scopes: "
        f"{', '.join(needed)}."
    )


def _role_warnings(login: Login, organizations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for organization in organizations:
        if organization["has_role"] is False:
            yield (
                f"{login.user} does not administer the organization {organization['name']}, or it does not exist. Add "
                "the user to its team owners, or to another team with the role admin."
            )


def _shown(login: Login) -> dict[str, Any]:
    return {
        "kind": login.kind,
        "user": login.user,
        "uuid": login.uuid,
        "scopes": None if login.scopes is None else list(login.scopes),
        "created_at": format_time(login.created_at),
        "expires_at": format_time(login.expires_at),
    }


def _shown_need(need: Need) -> dict[str, Any]:
    return {
        "name": need.name,
        "kind": need.kind,
        "scopes": least_scopes(need.scopes),
        "organization": need.organization,
        "role": need.role,
    }
