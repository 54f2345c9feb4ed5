# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of a registry token for the OCI referrers API."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from .declaration_options import OWN_LOGIN, Option, check_own_login, choices_of, read_duration, read_list
from .kind import Kind, TokenModule


def _module() -> TokenModule:
    from .referrers_token import REFERRERS_MODULE

    return REFERRERS_MODULE


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    if not options.get("repositories"):
        yield "repositories must name at least one repository, as organization/repository"
    yield from check_own_login(options)


def _organization(values: Mapping[str, Any]) -> str | None:
    """That of all repositories, if it is one."""
    owners = {str(name).partition("/")[0] for name in values.get("repositories") or ()}
    return owners.pop() if len(owners) == 1 else None


def _login_scopes(options: Mapping[str, Any]) -> Iterator[str]:
    if not options.get("quay_username"):
        yield "repo:write" if "push" in (options.get("actions") or ()) else "repo:read"


def _login_role(options: Mapping[str, Any]) -> str | None:
    if options.get("quay_username"):
        return None
    return "write" if "push" in (options.get("actions") or ()) else "read"


REFERRERS = Kind(
    name="referrers",
    title="a registry token",
    module=_module,
    options={
        "renew_before": Option(read_duration),
        "repositories": Option(read_list),
        "actions": Option(choices_of("pull", "push")),
        **OWN_LOGIN,
    },
    check=_check,
    instead={
        "max_age": "A registry token is valid for one hour. Use renew_before",
        "lifetime": "A registry token is valid for one hour",
        "retire_after": "A registry token cannot be revoked. It is valid for one hour",
        "scopes": "Use repositories and actions",
    },
    is_password=False,
    is_revocable=False,
    organization=_organization,
    login_scopes=_login_scopes,
    login_role=_login_role,
)
