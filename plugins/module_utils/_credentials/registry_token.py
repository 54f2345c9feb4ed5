# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Registry tokens for the lookup registry_token: requested once, and used again while they are valid."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable, Mapping, Sequence

from .._core.errors import BadInput
from .._core.secret_input import refuse_masked_values
from .._http.auth import SessionAuth
from .._module.connection import auth_from_options, client_from_options
from .._module.context import ModuleContext
from .._module.options import CONNECTION_OPTIONS
from .._quay.registry_auth import RegistryToken, request_registry_token
from .declaration_options import read_bool, read_path
from .referrers_token import check_access, request_granted_token
from .robot_reach import warn_of_further_rights
from .token_cache import TokenCache

_ACTIONS = ("pull", "push")


class RegistryTokens:
    """The tokens of one process."""

    def __init__(self) -> None:
        self._cache = TokenCache()

    def get(
        self,
        options: Mapping[str, Any],
        repositories: Sequence[str],
        actions: Sequence[str],
        warn: Callable[[str], None],
        *,
        check_mode: bool = False,
    ) -> str:
        """A token that allows these actions on all of these repositories.

        ``options``: the connection options as given, None for those that are not. ``warn``: takes each new warning. In
        check mode, the token does not allow to push: a request for it may create a repository. Raises QuayError.
        """
        params = connection_params(options)
        repositories = sorted({str(name).strip() for name in repositories})
        actions = _known(actions)
        check_access(repositories, actions)
        key = (tuple(params.items()), tuple(repositories), tuple(actions), check_mode)
        return self._cache.get(key, partial(_request, params, repositories, actions, warn, check_mode))


def connection_params(options: Mapping[str, Any]) -> dict[str, Any]:
    """The connection options with their types and defaults. An empty text counts as not given. Raises BadInput."""
    params: dict[str, Any] = {}
    for name, spec in CONNECTION_OPTIONS.items():
        value = options.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            params[name] = spec.get("default")
        else:
            read: Callable[[Any, str], Any] = _READERS.get(spec["type"], _read_text)
            params[name] = read(value, name)
    refuse_masked_values(params)
    return params


def _request(
    params: dict[str, Any],
    repositories: Sequence[str],
    actions: Sequence[str],
    warn: Callable[[str], None],
    check_mode: bool,
) -> tuple[RegistryToken, ModuleContext]:
    auth = auth_from_options(params, os.environ)
    warnings: list[str] = []
    context = ModuleContext(params, check_mode, warnings, client_from_options(params, auth))
    if context.client.origin.startswith("http://") and isinstance(auth, SessionAuth):
        context.warn("The password is sent over plain http and can be read by others. Use an https:// quay_host.")
    if check_mode and "push" in actions:
        # A repository that the real run creates gives no right yet.
        service = context.server.hostname()
        token = request_registry_token(context.client, auth.for_registry(), service, repositories, ["pull"])
    else:
        token = request_granted_token(context, repositories, actions)
    warn_of_further_rights(context, token, repositories, actions)
    for sentence in warnings:
        warn(sentence)
    return token, context


def _known(actions: Sequence[str]) -> list[str]:
    unknown = sorted(set(actions) - set(_ACTIONS))
    if unknown:
        raise BadInput(f"actions must be pull, push or both, not '{', '.join(unknown)}'")
    return [action for action in _ACTIONS if action in actions]


def _read_text(value: Any, _name: str) -> str:
    return str(value)


def _read_float(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} must be a number of seconds") from None


def _read_int(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} must be a whole number") from None


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "bool": read_bool,
    "path": read_path,
    "float": _read_float,
    "int": _read_int,
}
