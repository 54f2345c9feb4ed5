# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""App tokens: passwords of a user for the registry, with the user name $app (quay_app_token)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Container, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._core.names import check_length
from .._http.auth import APP_USERNAME
from .._module.context import ModuleContext, Result
from .._quay.app_tokens import AppToken, AppTokens, NotOffered
from .._quay.registry_auth import verify_secret
from .._stores.contract import StoredSecret
from .._stores.holders import SecretHolder, filled_stores, holder_from_options, options_of_stores
from .app_token_issuer import AppTokenIssuer, AppTokenList, app_credential
from .declared import DeclaredCredential, Observed, observe_or_report, undeclared
from .evaluation import Observation
from .kind import TokenModule
from .policy import ObservedState, Policy, policy_from_options
from .rotation_order import TOKEN_OPTIONS, clear_stores, rotate
from .token_list import Entry, TokenKind, ensure_one_or_many, same_claims

_KIND = "app"

# The options of quay_app_token, with their defaults.
APP_TOKEN_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "title": {"type": "str", "required": True},
    "max_age": {"type": "str"},
    "renew_before": {"type": "str"},
    "revoke_superseded": {"type": "bool"},
    "retire_after": {"type": "str"},
    "owns_title": {"type": "bool", "default": False},
    "uuid": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_app_tokens(context: ModuleContext) -> Result:
    """The module quay_app_token: one credential, or many."""
    return ensure_one_or_many(_APP_TOKENS, context)


def ensure_app_token(context: ModuleContext) -> Result:
    """Ensure one credential."""
    params = context.params
    # Invalid options are reported before anything is read.
    title, policy = _declared(params)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        listed = _list_for(context)
        if params["state"] == "absent":
            return _ensure_absent(context, title, holder, listed)
        issuer = AppTokenIssuer(context, title, policy, listed, owns_title=params["owns_title"])
        retires = params["revoke_superseded"]
        if retires is None:
            # The old token may be revoked at once only if this task delivers the new one.
            retires = not holder.returns_secret or policy.retire_after is not None
        return rotate(context, issuer, policy, holder, retires=retires)


def app_token_policy(params: Mapping[str, Any]) -> Policy:
    """The rotation policy of an app token. The server alone knows how long one lives."""
    return replace(policy_from_options(params), server_sets_lifetime=True)


def title_of(params: Mapping[str, Any]) -> str:
    """The title in Quay. In a declaration of a play, it is the name of the credential."""
    return str(params.get("title") or params.get("name") or "")


def observe_app_tokens(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many app tokens: one list for all."""
    listed = AppTokenList(AppTokens(context.client))
    for declared in credentials:
        yield from observe_or_report([declared], partial(_observe_declared, context, declared, listed))


def _observe_declared(context: ModuleContext, declared: DeclaredCredential, listed: AppTokenList) -> list[Observed]:
    params = declared.params
    title = title_of(params)
    issuer = AppTokenIssuer(context, title, declared.policy, listed, owns_title=bool(params.get("owns_title")))
    observation = issuer.observe(declared.stored)
    if declared.is_absent:
        observation = replace(observation, exists_in_quay=bool(listed.of_title(title)))
    return [Observed(declared, observation, seen=listed)]


def list_app_tokens(context: ModuleContext, organization: str | None, policy: Policy) -> Iterator[Observed]:
    """All valid app tokens of the login's user. None of an organization, to which none belongs."""
    if organization is not None:
        return
    try:
        listed = AppTokens(context.client).list()
    except NotOffered:
        return
    for token in listed:
        if token.valid_at(context.client.now()):
            state = ObservedState(exists=True, created_at=token.created_at, expires_at=token.expires_at)
            yield Observed(
                undeclared(_KIND, token.title, policy), Observation(state, app_credential(token.title, token))
            )


def _declared(params: Mapping[str, Any]) -> tuple[str, Policy]:
    """The title and the policy that the options declare. Raises BadInput if they are wrong, whatever Quay says."""
    title, policy = title_of(params), app_token_policy(params)
    check_length(title, "title")
    if params["revoke_superseded"] is False and params["retire_after"]:
        raise BadInput(
            "retire_after says when the replaced token is revoked, and revoke_superseded: false says that it is not. "
            "Leave one of them out"
        )
    if params["retire_after"] and not params["owns_title"] and not _has_stores(params):
        raise BadInput(
            "retire_after needs deliver or token_path, whose record shows a later run which token was replaced. Set "
            "owns_title instead if the title is used for this credential only"
        )
    return title, policy


def _has_stores(params: Mapping[str, Any]) -> bool:
    return bool(params.get("token_path") or options_of_stores(params))


def _list_for(context: ModuleContext) -> AppTokenList:
    """The tokens of the login's user: just read for many credentials, or to be read for this one."""
    seen = context.params.get("seen")
    return seen if isinstance(seen, AppTokenList) else AppTokenList(AppTokens(context.client))


def _ensure_absent(context: ModuleContext, title: str, holder: SecretHolder, listed: AppTokenList) -> Result:
    """Revoke the token with the given uuid, else all of this title, and clear the stores."""
    uuid = context.params["uuid"]
    found = _with_uuid(listed.all(), uuid, title) if uuid else listed.of_title(title)
    _refuse_other_token_in_stores(context, title, holder, found, listed)
    tokens = AppTokens(context.client)
    if found:
        context.server.refuse_if_read_only("DELETE", AppTokens.path)
    if not context.check_mode:
        for token in found:
            tokens.revoke(token.uuid)
    credential = app_credential(title, None)
    revoked = [token.uuid for token in found]
    return clear_stores(context, holder, credential, existed=bool(found), revoked=revoked)


def _with_uuid(listed: Sequence[AppToken], uuid: str, title: str) -> list[AppToken]:
    """The token with this uuid; none if there is none. Raises BadInput if it has another title."""
    found = [token for token in listed if token.uuid == uuid]
    for token in found:
        if token.title != title:
            raise BadInput(f"uuid: the app token {uuid} has the title '{token.title}', and title is '{title}'")
    return found


def _refuse_other_token_in_stores(
    context: ModuleContext, title: str, holder: SecretHolder, found: Sequence[AppToken], listed: AppTokenList
) -> None:
    """Raise BadInput if a store that would be cleared holds a valid token that is not to be revoked."""
    revoked = {token.uuid for token in found}
    for store, stored in filled_stores(holder):
        if not stored.belongs_to([APP_USERNAME]):
            continue
        held = valid_token_in_store(context, stored, revoked, listed)
        if held is None:
            continue
        if held in {token.uuid for token in listed.of_title(title)}:
            raise BadInput(
                f"uuid names the token {context.params['uuid']}, but {store.place} holds the token {held}, which is "
                "valid. Nothing was revoked or removed. Leave uuid out to revoke all tokens with this title, or name "
                "no store"
            )
        raise BadInput(
            f"{store.place} holds the app token {held}, which is valid, but it belongs to another user or has another "
            f"title than '{title}'. Nothing was revoked or removed. Revoke it first, with its own title and the login "
            "of its user"
        )


def valid_token_in_store(
    context: ModuleContext, stored: StoredSecret, revoked: Container[str], listed: AppTokenList
) -> str | None:
    """The uuid of the valid token that a store holds, if it is not one of those to revoke."""
    recorded = stored.record.uuid if stored.record and stored.recorded else None
    if recorded in revoked:
        return None
    if stored.secret:
        verification = verify_secret(context.client, APP_USERNAME, stored.secret)
        held = verification.app_token_uuid if verification.live else None
    else:
        now = context.client.now()
        held = next((token.uuid for token in listed.all() if token.uuid == recorded and token.valid_at(now)), None)
    return None if held in revoked else held


def _check_listed(context: ModuleContext) -> None:
    _declared(context.params)


def _conflicts(context: ModuleContext, entries: Sequence[Entry]) -> Iterator[str]:
    """Two credentials with one title would take each other's token."""

    def titles(entry: Entry) -> Iterator[str]:
        if not entry.params["uuid"]:
            yield f"the title {title_of(entry.params)}"

    return same_claims(entries, titles)


def _look(context: ModuleContext, entries: Sequence[Entry]) -> None:
    """One list for all."""
    listed = AppTokenList(AppTokens(context.client))
    for entry in entries:
        entry.params["seen"] = listed


_APP_TOKENS = TokenKind(ensure_app_token, _check_listed, _conflicts, _look)

_STATUS_OPTIONS = ("max_age", "renew_before", "retire_after", "owns_title")

APP_MODULE = TokenModule(
    options=APP_TOKEN_OPTIONS,
    status_options={name: APP_TOKEN_OPTIONS[name] for name in _STATUS_OPTIONS},
    policy=app_token_policy,
    observe=observe_app_tokens,
    ensure=ensure_app_token,
    list_all=list_app_tokens,
)
