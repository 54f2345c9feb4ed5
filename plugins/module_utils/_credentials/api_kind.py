# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of an OAuth access token of an application."""

from __future__ import annotations

from typing import Any, Hashable, Iterator, Mapping

from .._quay.scopes import ALL_SCOPES, SCOPES
from .declaration_options import Option, choices_of, read_bool, read_duration, read_text
from .kind import ADMINISTRATOR, Kind, TokenModule

# Of a new token whose scopes are not declared.
_DEFAULT_SCOPE = "repo:read"


def _module() -> TokenModule:
    from .api_token import API_MODULE

    return API_MODULE


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    if not options.get("client_id") and not (options.get("organization") and options.get("application")):
        yield "the application is missing: give client_id, or organization and application"


def _identities(values: Mapping[str, Any]) -> Iterator[Hashable]:
    """The names of the token in the organization and in the application, of which a declaration may lack one."""
    return ((values[key], values["name"]) for key in ("organization", "client_id") if values.get(key))


def _login_scopes(options: Mapping[str, Any]) -> Iterator[str]:
    """A login issues tokens with scopes that it has itself."""
    if options.get("state") == "absent":
        return iter(("org:admin",))
    scopes = options.get("scopes") or (_DEFAULT_SCOPE,)
    return iter(("org:admin", *(SCOPES if ALL_SCOPES in scopes else scopes)))


def _login_role(_options: Mapping[str, Any]) -> str:
    return ADMINISTRATOR


API = Kind(
    name="api",
    title="an API token",
    module=_module,
    options={
        "max_age": Option(read_duration),
        "renew_before": Option(read_duration),
        "retire_after": Option(read_duration),
        "organization": Option(read_text),
        "application": Option(read_text),
        "client_id": Option(read_text),
        "scopes": Option(choices_of(*SCOPES, ALL_SCOPES)),
        "lifetime": Option(read_duration),
        "owns_application": Option(read_bool),
    },
    check=_check,
    instead={"permissions": "Use scopes", "repositories": "Use scopes"},
    is_listed=True,
    identities=_identities,
    listed_identities=_identities,
    login_scopes=_login_scopes,
    login_role=_login_role,
    may_be_login=True,
)
