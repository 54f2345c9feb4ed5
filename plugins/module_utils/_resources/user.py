# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_user: users, and the passwords of new users, which Quay shows only once (/api/v1/superuser/users)."""

from __future__ import annotations

import re
import secrets
import string
from typing import Any, Mapping

from .._core.credential import Credential, fingerprint
from .._core.errors import BadInput, QuayError, Unconfirmed
from .._http.address import api_path
from .._http.errors import ApiError, NotFound
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import accepts_password
from .._quay.users import User, Users
from .._stores.holders import SecretHolder, filled_stores, holder_from_options
from .accounts import check_account_options, name_taken, raise_if_name_blocked
from .reconcile import ABSENT, CachedRead, Comparison, reconcile

_ALWAYS = "always"
_DEFAULTS = {"email": "", "enabled": True}
# AUTHENTICATION_TYPE of a Quay that manages its users itself; empty if the server does not report it.
_DATABASE = ("", "Database")
_EMAIL_TAKEN = re.compile(r"(duplicate|unique).*email|e-mail address already used", re.I | re.S)
_ALPHABET = string.ascii_uppercase + string.digits
# A value of update_password.
_ALWAYS = "always"
# How comparisons and diffs represent a password.
_AS_DECLARED, _OTHER = "as declared", "other"


def ensure_user(context: ModuleContext) -> Result:
    """Run quay_user: create, change or delete one user."""
    params = context.params
    check_account_options(params)
    check_password(params["password"])
    if params["update_password"] == _ALWAYS and params["password"] is None:
        raise BadInput("update_password: always needs password")
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        resource = UserResource(context, holder)
        resource.prefetch()
        resource.check_feasible()
        comparison = reconcile(
            context,
            resource,
            params["state"],
            resource.declared(),
            _DEFAULTS,
            has_undelivered_secret=resource.has_undelivered_secret,
        )
        if params["state"] == ABSENT:
            return _absent_result(context, resource, comparison, holder)
        _warn_of_missing_password(context, comparison, holder)
        return comparison.result(_return_values(params["name"], comparison.after or {}, resource))


class UserResource(CachedRead):
    """One user. Its fields are ``email``, ``enabled`` and, if the play manages it, ``password``."""

    def __init__(self, context: ModuleContext, holder: SecretHolder) -> None:
        super().__init__(context)
        self.name: str = context.params["name"]
        self.what = f"the user {self.name}"
        self.path = Users.path + self.name
        self.holder = holder
        self.new_password: str | None = None  # of a user that this run created, unless the play sets one
        self.before: User | None = None
        self._users = Users(context.client)
        self._declared_password: str | None = context.params["password"]
        self._is_new: bool | None = None  # unknown before the first read

    def has_undelivered_secret(self) -> bool:
        """Return whether this run created a password that no store holds, so that only the result can return it."""
        return self.new_password is not None and self.holder.returns_secret

    @property
    def _manages_password(self) -> bool:
        """Whether the user must have the declared password: always, or only as a new user (update_password)."""
        applies = {_ALWAYS: True, "on_create": self._is_new}
        return self._declared_password is not None and bool(applies[self._context.params["update_password"]])

    def declared(self) -> dict[str, Any]:
        """Return the fields that the play declares."""
        params = self._context.params
        fields = {key: params[key] for key in ("email", "enabled") if params[key] is not None}
        return {**fields, "password": _AS_DECLARED} if self._manages_password else fields

    def _fetch(self) -> Mapping[str, Any] | None:
        user = self._users.get(self.name)
        if self._is_new is None:
            self._is_new, self.before = user is None, user
        if user is None:
            return None
        fields: dict[str, Any] = {"email": user.email, "enabled": user.enabled}
        if self._declared_password is not None and self._manages_password and not self._deletes:
            accepted = accepts_password(self._context.client, self.name, self._declared_password)
            fields["password"] = _AS_DECLARED if accepted else _OTHER
        return fields

    def create(self, desired: Mapping[str, Any]) -> None:
        with self.holder.prepare(self.holder.stores):
            password = self._create_account(desired["email"])
            if self._declared_password is None:
                self.new_password = password
                created_at = self._context.client.now()
                credential = Credential(self.name, self.name, password, created_at=created_at)
                self.holder.deliver(credential, self.holder.stores)
        changes: dict[str, Any] = {} if desired["enabled"] else {"enabled": False}
        if self._declared_password is not None:
            changes["password"] = self._declared_password
        if changes:
            self._update_new_account(changes)

    def _create_account(self, email: str) -> str:
        """Create the account once and return its password. If the response is lost, set and return another password."""
        try:
            return self._users.create(self.name, email)
        except QuayError as error:
            raise_if_name_blocked(error)
            self._raise_if_email_taken(error, email)
            if not error.outcome_unknown or self._users.get(self.name) is None:
                raise
        password = "".join(secrets.choice(_ALPHABET) for _position in range(32))
        if self._declared_password is None:
            self._update_new_account({"password": password})
        return password

    def _raise_if_email_taken(self, error: QuayError, email: str) -> None:
        """Raise QuayError if the address is that of another user. For a new user, Quay repeats the database's error."""
        if isinstance(error, ApiError) and error.status == 400 and _EMAIL_TAKEN.search(error.message):
            raise QuayError(f"email: another user of this Quay has the address '{email}'. Use another one") from None

    def _update_new_account(self, changes: Mapping[str, Any]) -> None:
        try:
            self._users.update(self.name, changes)
        except QuayError as error:
            if "password" not in changes or not error.outcome_unknown:
                raise
            if accepts_password(self._context.client, self.name, str(changes["password"])):
                return
            raise Unconfirmed(
                f"{self.what} was created, but the password could not be set: {error}. Set one with "
                "update_password=always, or delete the user and run the task again"
            ) from None

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        body = dict(changes)
        if "password" in body:
            body["password"] = self._declared_password
        try:
            self._users.update(self.name, body)
        except QuayError as error:
            self._raise_if_email_taken(error, str(body.get("email")))
            raise

    def delete(self) -> None:
        if self.before is not None and not self.before.enabled:
            # Quay treats a disabled user as one that is being deleted: it answers 204 and deletes nothing.
            self._users.update(self.name, {"enabled": True})
        self._users.delete(self.name)

    def check_feasible(self) -> None:
        """Raise BadInput for a change that Quay would refuse, so that check mode fails as well."""
        fields = self.present
        if fields is None or self.before is None:
            if not self._deletes:
                self._check_new_user()
            return
        changes = {key for key, value in self.declared().items() if fields[key] != value}
        if self.before.superuser and (self._deletes or changes):
            raise BadInput(
                f"{self.what} is a superuser, and Quay does not allow anyone to change or delete a superuser. Remove "
                f"{self.name} from SUPER_USERS in Quay's configuration first"
            )
        if changes - {"enabled"} and not self._deletes:
            self._refuse_external_users("email and password must be changed there; only enabled can be changed here")

    def _check_new_user(self) -> None:
        self._refuse_external_users("the user must be created there")
        try:
            self._context.client.get(api_path("organization", self.name))
        except NotFound:
            return
        raise name_taken(self.name, "an organization")

    def _refuse_external_users(self, consequence: str) -> None:
        source = self._context.server.authentication()
        if source not in _DATABASE:
            raise BadInput(
                f"{self.what}: this Quay takes its users from {source} (AUTHENTICATION_TYPE), so {consequence}"
            )


def check_password(password: str | None) -> None:
    """Raise BadInput for a password that Quay does not accept. None is accepted."""
    if password is not None and (len(password) < 8 or re.search(r"\s", password)):
        raise BadInput("password must have at least 8 characters and no white space; Quay accepts no other")


def _warn_of_missing_password(context: ModuleContext, comparison: Comparison, holder: SecretHolder) -> None:
    if holder.stores and not comparison.created and not filled_stores(holder):
        context.warn(
            f"{context.params['token_path']} holds no password: Quay shows a password only when it creates the user, "
            f"and the user {context.params['name']} already existed. To set a known password, use password with "
            "update_password=always instead of token_path."
        )


def _absent_result(
    context: ModuleContext, resource: UserResource, comparison: Comparison, holder: SecretHolder
) -> Result:
    """Remove the stored password of a deleted user, and return the module's result."""
    stored = filled_stores(holder)
    before, after = dict(comparison.before or {}), dict(comparison.after or {})
    for store, _secret in stored:
        before["deliver"], after["deliver"] = {store.place: "present"}, {store.place: "absent"}
        if not context.check_mode:
            store.remove()
    values = _return_values(resource.name, comparison.before or {}, resource)
    return Result(comparison.changed or bool(stored), values, before, after)


def _return_values(name: str, fields: Mapping[str, Any], resource: UserResource) -> dict[str, Any]:
    return {
        "name": name,
        "email": fields.get("email", ""),
        "enabled": fields.get("enabled", False),
        "superuser": resource.before.superuser if resource.before is not None else False,
        "token": resource.new_password if resource.holder.returns_secret else None,
        "fingerprint": fingerprint(resource.new_password),
    }
