# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Users: present, absent, enabled, and the password that Quay tells once."""

from __future__ import annotations

import re
import secrets
import string
from typing import Any, Mapping

from .._core.credential import Credential, fingerprint
from .._core.errors import BadInput, QuayError, Unconfirmed
from .._core.names import NAME_BLOCKED, check_account, check_email
from .._http.address import api_path
from .._http.errors import ApiError, NotFound
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import accepts_password
from .._quay.users import User, Users
from .._stores.holders import SecretHolder, filled_stores, holder_from_options
from .reconcile import ABSENT, CachedRead, Comparison, reconcile

_DEFAULTS = {"email": "", "enabled": True}
_DATABASE = ("", "Database")
_ALPHABET = string.ascii_uppercase + string.digits
# How a comparison tells a password without telling it.
_AS_DECLARED, _OTHER = "as declared", "other"


def ensure_user(context: ModuleContext) -> Result:
    """The module quay_user."""
    params = context.params
    check_account(params["name"], "name")
    check_email(params["email"], "email")
    _check_password(params["password"])
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        resource = _Resource(context, holder)
        resource.prefetch()
        resource.check_feasible()
        comparison = reconcile(
            context,
            resource,
            params["state"],
            resource.declared(),
            _DEFAULTS,
            has_undelivered_secret=lambda: resource.has_undelivered_secret,
        )
        if params["state"] == ABSENT:
            return _gone(context, resource, comparison, holder)
        _warn_of_missing_password(context, comparison, holder)
        return comparison.result(_return_values(params["name"], comparison.after or {}, resource))


class _Resource(CachedRead):
    """One user, for C(_upkeep.keep)."""

    def __init__(self, context: ModuleContext, holder: SecretHolder) -> None:
        super().__init__()
        self.name: str = context.params["name"]
        self.what = f"the user {self.name}"
        self.path = Users.path + self.name
        self.secret: str | None = None  # the password of a new user, unless the play gave one
        self._context = context
        self._users = Users(context.client)
        self.holder = holder
        self._given: str | None = context.params["password"]
        self.before: User | None = None
        self._is_new: bool | None = None  # not known before the first look

    @property
    def has_undelivered_secret(self) -> bool:
        """Whether the caller has yet to be told the password of a new user."""
        return self.secret is not None and self.holder.returns_secret

    @property
    def _checks_password(self) -> bool:
        """Whether the user shall have the declared password from now on, and not only when he is new."""
        is_due = {"always": True, "on_create": self._is_new}
        return self._given is not None and bool(is_due[self._context.params["update_password"]])

    def declared(self) -> dict[str, Any]:
        """What the play says of the user."""
        params = self._context.params
        fields = {key: params[key] for key in ("email", "enabled") if params[key] is not None}
        return {**fields, "password": _AS_DECLARED} if self._checks_password else fields

    def _fetch(self) -> Mapping[str, Any] | None:
        user = self._users.get(self.name)
        if self._is_new is None:
            self._is_new, self.before = user is None, user
        if user is None:
            return None
        fields: dict[str, Any] = {"email": user.email, "enabled": user.enabled}
        if self._given is not None and self._checks_password and not self._deletes:
            right = accepts_password(self._context.client, self.name, self._given)
            fields["password"] = _AS_DECLARED if right else _OTHER
        return fields

    def create(self, desired: Mapping[str, Any]) -> None:
        stores = self.holder.stores if self.holder.stores else []
        with self.holder.prepare(stores):
            password = self._issue(desired["email"])
            if self._given is None:
                self.secret = password
                made = Credential(self.name, self.name, password, created_at=self._context.client.now())
                self.holder.deliver(made, stores)
        changes: dict[str, Any] = {} if desired["enabled"] else {"enabled": False}
        if self._given is not None:
            changes["password"] = self._given
        if changes:
            self._finish(changes)

    def _issue(self, email: str) -> str:
        """Create the user once. Where the answer got lost, the password in it is lost too: he gets another one."""
        try:
            return self._users.create(self.name, email)
        except QuayError as error:
            if isinstance(error, ApiError) and "not available" in error.message:
                raise error.with_hint(NAME_BLOCKED) from None
            if not error.outcome_unknown or self._users.get(self.name) is None:
                raise
        password = "".join(secrets.choice(_ALPHABET) for _position in range(32))
        if self._given is None:
            self._finish({"password": password})
        return password

    def _finish(self, changes: Mapping[str, Any]) -> None:
        try:
            self._users.update(self.name, changes)
        except QuayError as error:
            if "password" not in changes or not error.outcome_unknown:
                raise
            if accepts_password(self._context.client, self.name, str(changes["password"])):
                return
            raise Unconfirmed(
                f"{self.what} was created, but his password could not be set: {error}. Set one with "
                "update_password=always, or delete the user and run the task again"
            ) from None

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        body = dict(changes)
        if "password" in body:
            body["password"] = self._given
        self._users.update(self.name, body)

    def delete(self) -> None:
        if self.before is not None and not self.before.enabled:
            # Quay takes a disabled user for one whose deletion is under way, and leaves him there.
            self._users.update(self.name, {"enabled": True})
        self._users.delete(self.name)

    @property
    def _deletes(self) -> bool:
        return bool(self._context.params["state"] == ABSENT)

    def check_feasible(self) -> None:
        """Say what Quay would say no to, so that check mode says it, too."""
        fields = self.present
        if fields is None or self.before is None:
            if not self._deletes:
                self._check_new_user()
            return
        changes = {key for key, value in self.declared().items() if fields[key] != value}
        if self.before.superuser and (self._deletes or changes):
            raise BadInput(
                f"{self.what} is a superuser, whom Quay lets nobody change or delete. Take him out of SUPER_USERS in "
                "Quay's configuration first"
            )
        if changes - {"enabled"} and not self._deletes:
            self._refuse_foreign_users("his e-mail address and password cannot be changed here, only enabled can")

    def _check_new_user(self) -> None:
        self._refuse_foreign_users("he cannot be created here; create him there")
        try:
            self._context.client.get(api_path("organization", self.name))
        except NotFound:
            return
        raise BadInput(f"name: '{self.name}' is the name of an organization; users and organizations share one list")

    def _refuse_foreign_users(self, consequence: str) -> None:
        kind = self._context.server.authentication()
        if kind not in _DATABASE:
            raise BadInput(f"{self.what}: this Quay takes its users from {kind}, so {consequence}")


def _check_password(password: str | None) -> None:
    if password is not None and (len(password) < 8 or re.search(r"\s", password)):
        raise BadInput("password must have at least 8 characters and no blank in it, as Quay wants it")


def _warn_of_missing_password(context: ModuleContext, comparison: Comparison, holder: SecretHolder) -> None:
    if holder.stores and not comparison.created and not filled_stores(holder):
        context.warn(
            f"{context.params['token_path']} holds no password: Quay tells a user's password only when it creates him, "
            f"and {context.params['name']} was there already."
        )


def _gone(context: ModuleContext, resource: _Resource, comparison: Comparison, holder: SecretHolder) -> Result:
    """The answer about a user who is not there any more; his file is cleared, too."""
    non_empty = filled_stores(holder) if holder.stores else []
    before, after = dict(comparison.before or {}), dict(comparison.after or {})
    for store, _held in non_empty:
        before["deliver"], after["deliver"] = {store.place: "present"}, {store.place: "absent"}
        if not context.check_mode:
            store.remove()
    values = _return_values(resource.name, comparison.before or {}, resource)
    return Result(comparison.changed or bool(non_empty), values, before, after)


def _return_values(name: str, fields: Mapping[str, Any], resource: _Resource) -> dict[str, Any]:
    stored = bool(resource.holder.stores)
    return {
        "name": name,
        "email": fields.get("email", ""),
        "enabled": fields.get("enabled", False),
        "superuser": resource.before.superuser if resource.before is not None else False,
        "token": None if stored else resource.secret,
        "fingerprint": fingerprint(resource.secret),
    }
