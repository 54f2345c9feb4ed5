# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robots in the namespace of the user who is logged in. Quay has other paths for them than for an organization's."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, TypeVar

from .._core.errors import QuayError
from .._http.auth import SessionAuth
from .._http.errors import ApiError, Forbidden, NotFound
from .._module.context import ModuleContext
from .._quay.registry_auth import authenticated_user
from .._quay.robots import RobotName

_T = TypeVar("_T")

_UNKNOWN_ORGANIZATION = "organization does not exist"


def own_or_organization(context: ModuleContext, name: RobotName, option: str = "name") -> RobotName:
    """The robot, in the user's own namespace if the name begins with the name of the signed-in user.

    Warns of a name without a namespace. Sends nothing. ``option``: the option that has the name.
    """
    if name.organization is None:
        context.warn(
            f"{option}: {name} has no organization, so it is a robot in the personal namespace of the login. Write "
            f"organization+{name} for a robot of an organization, or user+{name} to say that this is meant."
        )
    auth = context.client.auth
    return as_own(name) if isinstance(auth, SessionAuth) and name.organization == auth.username else name


def as_own(name: RobotName) -> RobotName:
    """The same robot in the user's own namespace."""
    return replace(name, organization=None, user=name.organization)


def in_its_namespace(
    context: ModuleContext, name: RobotName, action: Callable[[RobotName], _T], option: str = "name"
) -> _T:
    """The result of the action for this robot, in the user's own namespace if the name begins with the user's name."""
    found = own_or_organization(context, name, option)
    return retried_as_own(context, found.organization, lambda own: action(as_own(found) if own else found))


def retried_as_own(context: ModuleContext, organization: str | None, action: Callable[[bool], _T]) -> _T:
    """The result of ``action(False)``; of ``action(True)`` if Quay refuses the organization and it is the login's user.

    Which user a token or an e-mail address belongs to is asked only then (GET /v2/auth).
    """
    try:
        return action(False)
    except ApiError as error:
        if organization is None or not is_refused_namespace(error) or not _is_own(context, organization):
            raise
    return action(True)


def is_refused_namespace(error: QuayError) -> bool:
    """Whether the organization may be none. Quay answers 403 if the token lacks a scope, before it looks."""
    if not isinstance(error, ApiError):
        return False
    unknown = error.status == 400 and _UNKNOWN_ORGANIZATION in error.message.lower()
    return unknown or isinstance(error, (Forbidden, NotFound))


def _is_own(context: ModuleContext, organization: str) -> bool:
    """Whether this is the name of the login's user, as far as Quay says it."""
    try:
        return authenticated_user(context.client) == organization
    except QuayError:
        return False
