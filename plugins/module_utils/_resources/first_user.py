# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_first_user: the first user of an empty server and their first token, or the check of a login to any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._core.credential import Credential, Record
from .._core.errors import BadInput, QuayError, Unconfirmed
from .._core.names import check_account, check_email
from .._core.secret_input import clean_password, clean_username
from .._core.times import format_time
from .._http.auth import OAUTH_USERNAME, Auth, BearerAuth, SessionAuth
from .._http.errors import EndpointMissing, HttpError, NotAuthenticated
from .._module.context import ModuleContext, Result
from .._quay.first_user import (
    FIRST_TOKEN_LIFETIME,
    INITIALIZE,
    Account,
    AlreadyInitialized,
    Readiness,
    initialize,
    own_account,
    readiness,
)
from .._quay.registry_auth import Liveness, Verification, verify_secret
from .._stores.contract import StoredSecret
from .._stores.holders import SecretHolder, holder_from_options
from .user import check_password

BY_TOKEN, BY_PASSWORD = "token", "password"

_CANNOT_BE_ISSUED_AGAIN = (
    "Quay issues the first token only when it creates the user, and accepts it for 2.5 hours. Create an API token with "
    "quay_api_token, with the user name and the password as its login"
)


@dataclass(frozen=True)
class FirstUser:
    """What the task declares."""

    name: str
    password: str = field(repr=False)
    email: str | None
    issue_token: bool


def ensure_first_user(context: ModuleContext) -> Result:
    """Run quay_first_user: create the user on an empty server, else verify the token or the password."""
    declared = _declared(context)
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        state = readiness(context.client)
        if state is not Readiness.EMPTY:
            return _verify(context, declared, holder, state)
        _check_feasible(context, declared)
        if context.check_mode:
            return _created(context, declared, None, holder)
        return _create(context, declared, holder)


def _declared(context: ModuleContext) -> FirstUser:
    """Return what the options declare. The login of the connection is that of the user, unless the task names it."""
    params = context.params
    name = clean_username(params["name"], "name") or clean_username(params["quay_username"], "quay_username")
    password = clean_password(params["password"]) or clean_password(params["quay_password"])
    missing = [
        f"{option} (or {connection})"
        for option, connection, value in (("name", "quay_username", name), ("password", "quay_password", password))
        if not value
    ]
    if name is None or password is None:
        raise BadInput(f"Set {' and '.join(missing)}: the name and the password of the user")
    check_email(params["email"], "email")
    if params["token_path"] and not params["issue_token"]:
        raise BadInput("token_path is the file for the first token, and issue_token: false issues none. Remove one")
    return FirstUser(name, password, params["email"], params["issue_token"])


def _check_feasible(context: ModuleContext, declared: FirstUser) -> None:
    """Raise for a user that Quay would refuse, in check mode too."""
    check_account(declared.name, "name")
    check_password(declared.password)
    context.server.refuse_if_read_only("POST", INITIALIZE)
    if not declared.email and context.server.feature("MAILING"):
        raise BadInput("Set email: this Quay sends emails (FEATURE_MAILING), so it requires the address of each user")


# --- an empty server


def _create(context: ModuleContext, declared: FirstUser, holder: SecretHolder) -> Result:
    with holder.prepare(holder.stores):
        try:
            secret = initialize(
                context.client, declared.name, declared.password, declared.email, issue_token=declared.issue_token
            )
        except AlreadyInitialized:
            return _verify(context, declared, holder, Readiness.HAS_USERS)
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            account = _look_for_user(context, declared, error)
            if declared.issue_token:
                context.warn(
                    f"{error}. The user was created, but the response with the first token was lost. "
                    f"{_CANNOT_BE_ISSUED_AGAIN}."
                )
            return _created(context, declared, account, holder, verified_with=BY_PASSWORD)
        if secret is None:
            return _created(context, declared, None, holder)
        return _deliver(context, declared, secret, holder)


def _deliver(context: ModuleContext, declared: FirstUser, secret: str, holder: SecretHolder) -> Result:
    """Verify the new token, store it, and return the module's result."""
    now = context.client.now()
    credential = Credential(
        declared.name, OAUTH_USERNAME, secret, created_at=now, expires_at=now + FIRST_TOKEN_LIFETIME
    )
    account = _account_of_new_token(context, secret)
    try:
        holder.deliver(credential, holder.stores)
    except QuayError as error:
        raise Unconfirmed(
            f"The user {declared.name} was created, but the first token could not be stored: {error}. "
            f"{_CANNOT_BE_ISSUED_AGAIN}"
        ) from None
    verified_with = BY_TOKEN if account else None
    return _created(context, declared, account, holder, credential=credential, verified_with=verified_with)


def _account_of_new_token(context: ModuleContext, secret: str) -> Account | None:
    """Return the account of the new token. An error is a warning: a failed task would lose the token."""
    try:
        account = own_account(context.client.with_auth(BearerAuth(secret)))
    except QuayError as error:
        context.warn(f"The first token could not be verified: {error}.")
        return None
    if not account.superuser:
        context.warn(
            f"The user {account.name} is not a superuser. Add the name to SUPER_USERS in Quay's configuration, and "
            "restart Quay, to let the user manage other users and their organizations."
        )
    return account


def _look_for_user(context: ModuleContext, declared: FirstUser, error: QuayError) -> Account:
    """Return the account that a request without a proper response created. Raises if there is none, or who knows."""
    try:
        return _sign_in(context, declared)
    except NotAuthenticated:
        pass
    except HttpError as unknown:
        raise Unconfirmed(
            f"{error}. Whether the user {declared.name} was created could not be found out: {unknown}. Run the task "
            "again: it signs in if there is a user"
        ) from None
    if readiness(context.client) is Readiness.EMPTY:
        raise error
    raise Unconfirmed(
        f"{error}. Quay has a user now, but {declared.name} cannot sign in with the password: another program created "
        "a user at the same time, or Quay stopped halfway. Sign in as that user, or begin with an empty database"
    ) from None


def _created(
    context: ModuleContext,
    declared: FirstUser,
    account: Account | None,
    holder: SecretHolder,
    *,
    credential: Credential | None = None,
    verified_with: str | None = None,
) -> Result:
    """Return the result of a new user. In check mode it has neither an account nor a token."""
    user = {"name": declared.name, "email": declared.email or ""}
    after: dict[str, Any] = {"exists": True, **user}
    before: dict[str, Any] = {"exists": False}
    if holder.stores and (context.check_mode or credential):
        before["deliver"] = {
            store.place: "other" if stored.fingerprint else "absent"
            for store, stored in zip(holder.stores, holder.in_use)
        }
        after["deliver"] = {store.place: "current" for store in holder.stores}
    superuser = account.superuser if account else None
    values = {**user, "superuser": superuser, "verified_with": verified_with, **_token_values(credential, holder)}
    return Result(True, values, before, after)


# --- any other server


def _verify(context: ModuleContext, declared: FirstUser, holder: SecretHolder, state: Readiness) -> Result:
    """Verify the token that is held, or else the password. Nothing is written."""
    held = next((stored for stored in holder.in_use if stored.secret), None)
    source = "token_path" if holder.stores else "current_token"
    refused = ""
    if held is not None:
        verification = verify_secret(context.client, OAUTH_USERNAME, held.secret or "", declared.name)
        if verification.live:
            return _verified_token(declared, verification, held, source)
        reason = "has expired" if verification.liveness is Liveness.EXPIRED else "is wrong or was revoked"
        refused = f"The token of {source} {reason}."
    try:
        account = _sign_in(context, declared)
    except NotAuthenticated as error:
        raise error.with_hint(_why_not(context, declared, state, refused)) from None
    if refused or holder.stores:
        context.warn(f"{refused or f'{source} holds no token.'} {_CANNOT_BE_ISSUED_AGAIN}.")
    user = {"name": account.name, "email": account.email, "superuser": account.superuser}
    return Result(False, {**user, "verified_with": BY_PASSWORD, **_token_values(None, holder)})


def _verified_token(declared: FirstUser, verification: Verification, held: StoredSecret, source: str) -> Result:
    """Return the result for a token that Quay accepts. Raises BadInput for a token of another user."""
    if verification.user != declared.name:
        raise BadInput(
            f"{source} holds a token of the user '{verification.user}', and not of '{declared.name}'. Correct name, or "
            "remove the token"
        )
    record = held.record if held.record and held.recorded else Record()
    values = {
        "name": declared.name,
        "email": None,
        "superuser": None,
        "verified_with": BY_TOKEN,
        "token": None,
        "fingerprint": held.fingerprint,
        "created_at": format_time(record.created_at),
        "expires_at": format_time(record.expires_at),
    }
    return Result(False, values)


def _sign_in(context: ModuleContext, declared: FirstUser) -> Account:
    auth: Auth = SessionAuth(declared.name, declared.password)
    try:
        return own_account(context.client.with_auth(auth))
    except EndpointMissing as error:
        raise error.with_hint(
            "This Quay has no sign-in with a password (FEATURE_DIRECT_LOGIN is off), so only a token can be verified: "
            "set current_token or token_path"
        ) from None


def _why_not(context: ModuleContext, declared: FirstUser, state: Readiness, refused: str) -> str:
    """Return why no user was created, and what to do. The password was refused, and ``refused`` says what else."""
    login = f"Quay does not accept the password of the user '{declared.name}'. {refused}".rstrip()
    if state is Readiness.OFF:
        return (
            f"This Quay creates no first user, because FEATURE_USER_INITIALIZE is off. {login} Set "
            "FEATURE_USER_INITIALIZE: true and restart Quay if it has no users yet, else use the login of a user"
        )
    if state is Readiness.EXTERNAL:
        source = context.server.authentication() or "another system"
        return (
            f"This Quay takes its users from {source} (AUTHENTICATION_TYPE), so none can be created here. {login} "
            f"Use the name and the password of a user of {source}"
        )
    return f"Quay has users already, so no first user can be created. {login} Use the login of one of its users"


def _token_values(credential: Credential | None, holder: SecretHolder) -> dict[str, Any]:
    public = (credential or Credential("", None)).public()
    kept = {key: public[key] for key in ("created_at", "expires_at", "fingerprint")}
    return {"token": credential.secret if credential and holder.returns_secret else None, **kept}
