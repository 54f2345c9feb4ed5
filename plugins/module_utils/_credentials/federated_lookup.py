# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Tokens of robots for the lookup federated_token."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping

from .._core.errors import BadInput
from .._core.secret_input import refuse_masked_values
from .._http.auth import Auth
from .._module.connection import client_from_options
from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken
from .declaration_options import read_list, read_path
from .federated_token import FederatedIssuer
from .identity_source import IDENTITY_OPTIONS, check_identity_source
from .registry_token import connection_params
from .token_cache import TokenCache


class FederatedTokens:
    """The tokens of one process."""

    def __init__(self) -> None:
        self._cache = TokenCache()

    def get(self, options: Mapping[str, Any], robot: str, warn: Callable[[str], None]) -> str:
        """A token of the robot. ``options``: the options as given, None for those that are not.

        ``warn``: takes each new warning. Raises QuayError.
        """
        params = {**connection_params(options), **_identity_params(options), "name": str(robot).strip()}
        refuse_masked_values(params)
        check_identity_source(params)
        key = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in params.items())
        return self._cache.get(key, partial(_request, params, warn))


def _identity_params(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options for the OIDC token with their types. Raises BadInput."""
    params: dict[str, Any] = {}
    for name, spec in IDENTITY_OPTIONS.items():
        value = options.get(name)
        if value is None or (isinstance(value, (str, list)) and not "".join(map(str, value)).strip()):
            params[name] = None
        elif spec["type"] == "list":
            params[name] = read_list(value, name)
        elif not isinstance(value, str):
            raise BadInput(f"{name} must be a text")
        else:
            params[name] = read_path(value, name) if spec["type"] == "path" else str(value)
    return params


def _request(params: dict[str, Any], warn: Callable[[str], None]) -> tuple[RegistryToken, ModuleContext]:
    warnings: list[str] = []
    context = ModuleContext(params, False, warnings, client_from_options(params, Auth()))
    token = FederatedIssuer(context, params).request()
    for sentence in warnings:
        warn(sentence)
    return token, context
