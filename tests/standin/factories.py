# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create accounts, repositories and OAuth tokens."""

from __future__ import annotations

from datetime import timedelta

from . import tokens
from .names import refuse_taken_name
from .quay import caller, count_hash, hash_password, quay
from .state import Application, OAuthToken, Organization, Repository, Team, User

TEN_YEARS_S = 315576000


def create_user(username: str, password: str, email: str | None) -> User:
    state = quay().state
    refuse_taken_name(username)
    user = User(
        username=username,
        email=email or tokens.new_uuid(),
        created=quay().clock.now(),
        id=state.next_id(),
        password_digest=hash_password(password, username),
    )
    state.users[username] = user
    return user


def create_organization(name: str, email: str | None, owner: str) -> Organization:
    state = quay().state
    # An older Quay stores a unique value instead, and returns it as if it were an address.
    missing = tokens.new_uuid() if quay().family == "3.17" else ""
    organization = Organization(name=name, email=email or missing, created=quay().clock.now(), id=state.next_id())
    organization.teams["owners"] = Team("owners", "admin", state.next_id(), members=[owner])
    state.organizations[name] = organization
    return organization


def create_repository(namespace: str, name: str, visibility: str, description: str = "") -> Repository:
    """Create a repository. Its creator becomes an administrator, and the default permissions of the namespace apply."""
    state, creator = quay().state, caller().name
    repository = Repository(
        namespace=namespace,
        name=name,
        created=quay().clock.now(),
        id=state.next_id(),
        visibility=visibility,
        description=description,
    )
    if creator != namespace:
        _apply_default_permissions(repository, creator)
    if creator:
        repository.user_roles[creator] = "admin"
    state.repositories[namespace, name] = repository
    return repository


def _apply_default_permissions(repository: Repository, creator: str | None) -> None:
    """Apply default permissions. Those for this creator take precedence over those for everybody."""
    for prototype in quay().state.prototypes.values():
        if prototype.organization != repository.namespace or prototype.activating_user not in (None, creator):
            continue
        roles = repository.team_roles if prototype.delegate_kind == "team" else repository.user_roles
        if prototype.activating_user or prototype.delegate_name not in roles:
            roles[prototype.delegate_name] = prototype.role


def mint_oauth_token(
    application: Application,
    username: str,
    scope: str,
    *,
    lifetime_s: int = TEN_YEARS_S,
    name: str | None = None,
) -> tuple[OAuthToken, str]:
    """Store a new token. Returns its record and the secret, which is not stored."""
    secret = tokens.oauth_token()
    count_hash()
    now = quay().clock.now()
    record = OAuthToken(
        digest=tokens.digest(secret),
        client_id=application.client_id,
        username=username,
        scope=scope,
        created=now,
        expires_at=now + timedelta(seconds=lifetime_s),
        id=quay().state.next_id(),
        name=name,
    )
    quay().state.oauth_tokens[record.digest] = record
    return record, secret
