# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of the client secret of an OAuth application."""

from __future__ import annotations

from typing import Any, Hashable, Iterator, Mapping

from .declaration_options import Option, read_duration, read_text
from .kind import ADMINISTRATOR, Kind, TokenModule


def _module() -> TokenModule:
    from .client_secret import CLIENT_SECRET_MODULE

    return CLIENT_SECRET_MODULE


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    if not options.get("client_id") and not (options.get("organization") and options.get("application")):
        yield "the application is missing: give client_id, or organization and application"


def _uses(options: Mapping[str, Any]) -> Iterator[Hashable]:
    if options.get("client_id"):
        yield f"the client secret of the application {options['client_id']}"
    else:
        yield f"the client secret of the application {options['organization']}/{options['application']}"


def _login_scopes(_options: Mapping[str, Any]) -> tuple[str, ...]:
    return ("org:admin",)


def _login_role(_options: Mapping[str, Any]) -> str:
    return ADMINISTRATOR


CLIENT_SECRET = Kind(
    name="client_secret",
    title="a client secret",
    module=_module,
    options={
        "max_age": Option(read_duration),
        "organization": Option(read_text),
        "application": Option(read_text),
        "client_id": Option(read_text),
    },
    check=_check,
    instead={
        "renew_before": "A client secret does not expire. Use max_age",
        "lifetime": "A client secret does not expire. Use max_age",
        "retire_after": "The former client secret is invalid as soon as it is reset",
        "scopes": "A client secret has no scopes",
    },
    secret_is_readable=True,
    is_password=False,
    uses=_uses,
    login_scopes=_login_scopes,
    login_role=_login_role,
)
