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
from dataclasses import asdict
from typing import Any, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._client import path_of
from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import Custody, Stores, custody_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    NotFound,
    QuayError,
    Unconfirmed,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._names import check_account, check_email
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import accepts_password
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._upkeep import ABSENT, Kept, Looking, keep
from ansible_collections.tokensmith.quay.plugins.module_utils._users import User, Users

_DEFAULTS = {"email": "", "enabled": True}
_DATABASE = ("", "Database")
_ALPHABET = string.ascii_uppercase + string.digits

# How a comparison tells a password without telling it.
_AS_DECLARED, _OTHER = "as declared", "other"


def ensure_user(call: Call) -> Outcome:
    """The module quay_user."""
    params = call.params
    check_account(params["name"], "name")
    check_email(params["email"], "email")
    _check_password(params["password"])
    with custody_of(params, check_mode=call.check_mode) as custody:
        keeper = _Keeper(call, custody)
        keeper.look()
        keeper.refuse_impossible()
        kept = keep(call, keeper, params["state"], keeper.declared(), _DEFAULTS, owes_secret=lambda: keeper.owes_secret)
        if params["state"] == ABSENT:
            return _gone(call, keeper, kept, custody)
        _warn_of_missing_password(call, kept, custody)
        return kept.outcome(_answer(params["name"], kept.after or {}, keeper))


def list_users(call: Call) -> Outcome:
    """The module quay_user_info."""
    users, name, wanted = Users(call.client), call.params["name"], call.params["enabled"]
    if name is not None:
        one = users.get(name)
        found = [] if one is None else [one]
    else:
        found = list(users.list(disabled=wanted is not True))
    listed = [asdict(user) for user in found if wanted is None or user.enabled is wanted]
    return Outcome(changed=False, values={"users": listed})


class _Keeper(Looking):
    """One user, for C(_upkeep.keep)."""

    def __init__(self, call: Call, custody: Custody) -> None:
        super().__init__()
        self.name: str = call.params["name"]
        self.what = f"the user {self.name}"
        self.path = Users.path + self.name
        self.secret: str | None = None  # the password of a new user, unless the play gave one
        self._call = call
        self._users = Users(call.client)
        self.custody = custody
        self._given: str | None = call.params["password"]
        self.before: User | None = None
        self._is_new: bool | None = None  # not known before the first look

    @property
    def owes_secret(self) -> bool:
        """Whether the caller has yet to be told the password of a new user."""
        return self.secret is not None and not self.custody.keeps

    @property
    def _checks_password(self) -> bool:
        """Whether the user shall have the declared password from now on, and not only when he is new."""
        is_due = {"always": True, "on_create": self._is_new}
        return self._given is not None and bool(is_due[self._call.params["update_password"]])

    def declared(self) -> dict[str, Any]:
        """What the play says of the user."""
        params = self._call.params
        fields = {key: params[key] for key in ("email", "enabled") if params[key] is not None}
        return {**fields, "password": _AS_DECLARED} if self._checks_password else fields

    def _read(self) -> Mapping[str, Any] | None:
        user = self._users.get(self.name)
        if self._is_new is None:
            self._is_new, self.before = user is None, user
        if user is None:
            return None
        fields: dict[str, Any] = {"email": user.email, "enabled": user.enabled}
        if self._given is not None and self._checks_password and not self._deletes:
            right = accepts_password(self._call.client, self.name, self._given)
            fields["password"] = _AS_DECLARED if right else _OTHER
        return fields

    def create(self, wanted: Mapping[str, Any]) -> None:
        stores = self.custody.stores if isinstance(self.custody, Stores) else []
        with self.custody.ready(stores):
            password = self._issue(wanted["email"])
            if self._given is None:
                self.secret = password
                made = Credential(self.name, self.name, password, created_at=self._call.client.now())
                self.custody.deliver(made, stores)
        changes: dict[str, Any] = {} if wanted["enabled"] else {"enabled": False}
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
                raise _name_blocked(error) from None
            if not error.unclear or self._users.get(self.name) is None:
                raise
        password = "".join(secrets.choice(_ALPHABET) for _position in range(32))
        if self._given is None:
            self._finish({"password": password})
        return password

    def _finish(self, changes: Mapping[str, Any]) -> None:
        try:
            self._users.update(self.name, changes)
        except QuayError as error:
            if "password" not in changes or not error.unclear:
                raise
            if accepts_password(self._call.client, self.name, str(changes["password"])):
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
        return bool(self._call.params["state"] == ABSENT)

    def refuse_impossible(self) -> None:
        """Say what Quay would say no to, so that check mode says it, too."""
        fields = self.present
        if fields is None or self.before is None:
            if not self._deletes:
                self._refuse_impossible_user()
            return
        changes = {key for key, value in self.declared().items() if fields[key] != value}
        if self.before.superuser and (self._deletes or changes):
            raise BadInput(
                f"{self.what} is a superuser, whom Quay lets nobody change or delete. Take him out of SUPER_USERS in "
                "Quay's configuration first"
            )
        if changes - {"enabled"} and not self._deletes:
            self._refuse_foreign_users("his e-mail address and password cannot be changed here, only enabled can")

    def _refuse_impossible_user(self) -> None:
        self._refuse_foreign_users("he cannot be created here; create him there")
        try:
            self._call.client.get(path_of("organization", self.name))
        except NotFound:
            return
        raise BadInput(f"name: '{self.name}' is the name of an organization; users and organizations share one list")

    def _refuse_foreign_users(self, consequence: str) -> None:
        kind = self._call.server.authentication()
        if kind not in _DATABASE:
            raise BadInput(f"{self.what}: this Quay takes its users from {kind}, so {consequence}")


def _check_password(password: str | None) -> None:
    if password is not None and (len(password) < 8 or re.search(r"\s", password)):
        raise BadInput("password must have at least 8 characters and no blank in it, as Quay wants it")


def _name_blocked(error: ApiError) -> ApiError:
    hint = (
        "A user or organization of this name was deleted a moment ago; Quay keeps the name until it has cleaned up, "
        "mostly for a minute. Run the task again then (until, retries and delay do it)"
    )
    return ApiError(error.status, error.method, error.path, error.message, hint=hint)


def _warn_of_missing_password(call: Call, kept: Kept, custody: Custody) -> None:
    if isinstance(custody, Stores) and not kept.created and not custody.filled():
        call.warn(
            f"{call.params['token_path']} holds no password: Quay tells a user's password only when it creates him, "
            f"and {call.params['name']} was there already."
        )


def _gone(call: Call, keeper: _Keeper, kept: Kept, custody: Custody) -> Outcome:
    """The answer about a user who is not there any more; his file is cleared, too."""
    filled = custody.filled() if isinstance(custody, Stores) else []
    before, after = dict(kept.before or {}), dict(kept.after or {})
    for store, _held in filled:
        before["deliver"], after["deliver"] = {store.place: "present"}, {store.place: "absent"}
        if not call.check_mode:
            store.remove()
    values = _answer(keeper.name, kept.before or {}, keeper)
    return Outcome(kept.changed or bool(filled), values, before, after)


def _answer(name: str, fields: Mapping[str, Any], keeper: _Keeper) -> dict[str, Any]:
    kept = isinstance(keeper.custody, Stores)
    return {
        "name": name,
        "email": fields.get("email", ""),
        "enabled": fields.get("enabled", False),
        "superuser": keeper.before.superuser if keeper.before is not None else False,
        "token": None if kept else keeper.secret,
        "fingerprint": fingerprint(keeper.secret),
    }
