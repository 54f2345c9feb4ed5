# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of an app token of the login's user."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from .._core.errors import BadInput
from .._core.names import check_length
from .declaration_options import Option, read_bool, read_duration
from .kind import Kind, TokenModule


def _module() -> TokenModule:
    from .app_token import APP_MODULE

    return APP_MODULE


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    try:
        check_length(options.get("name"), "name")
    except BadInput as error:
        yield str(error)


def _no_organization(_values: Mapping[str, Any]) -> None:
    """An app token belongs to a user."""


def _identities(values: Mapping[str, Any]) -> Iterator[str]:
    """The name is the title of the token."""
    yield str(values["name"])


def _login_scopes(_options: Mapping[str, Any]) -> tuple[str, ...]:
    return ("user:admin",)


APP = Kind(
    name="app",
    title="an app token",
    module=_module,
    options={
        "max_age": Option(read_duration),
        "renew_before": Option(read_duration),
        "retire_after": Option(read_duration),
        "owns_title": Option(read_bool),
    },
    check=_check,
    instead={
        "lifetime": "Only the server decides how long an app token is valid. Use max_age",
        "scopes": "An app token has all permissions of its user",
        "permissions": "An app token has all permissions of its user",
        "organization": "An app token belongs to the user of the login",
    },
    secret_is_readable=True,
    is_listed=True,
    belongs_to_user=True,
    organization=_no_organization,
    identities=_identities,
    listed_identities=_identities,
    login_scopes=_login_scopes,
)
