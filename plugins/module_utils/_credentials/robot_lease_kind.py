# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of short-lived robot accounts, each of which replaces the one before it."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from .._core.errors import BadInput
from .._core.names import check_length
from .._core.times import parse_duration
from .._stores.task_file import KIND as TASKS
from .declaration_options import Option, read_duration, read_entries, read_text
from .kind import Kind, TokenModule
from .lease import LeaseNames
from .placement import used_stores
from .robot_kind import PERMISSIONS, check_stores_of_changing_user, login_role_of_robot, organization_of_robot


def _module() -> TokenModule:
    from .robot_lease import LEASE_MODULE

    return LEASE_MODULE


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    try:
        if options.get("name"):
            LeaseNames.parse(options["name"])
        for option in ("description", "owner"):
            check_length(options.get(option), option)
    except BadInput as error:
        # A declaration has its prefix as the name.
        yield str(error).replace("name_prefix", "name")
    if options.get("state") == "absent":
        return
    yield from _check_times(options)
    yield from check_stores_of_changing_user(options, "each lease")
    if all(store.get("kind") == TASKS for _position, store in used_stores(options)):
        yield "a lease needs a store that shows which robot account is in use. Add a store of another kind"


def _check_times(options: Mapping[str, Any]) -> Iterator[str]:
    if not options.get("lifetime"):
        yield "lifetime is missing: the time for which a robot account is used, for example 24h"
        return
    lifetime, renew_before = (parse_duration(options.get(name), name) for name in ("lifetime", "renew_before"))
    if not lifetime:
        yield "lifetime must be longer than 0"
    elif renew_before is not None and renew_before >= lifetime:
        yield "renew_before must be shorter than lifetime, because a new lease would be due in every run"


def _identities(options: Mapping[str, Any]) -> Iterator[str]:
    """The robot accounts of all leases have one prefix."""
    yield str(LeaseNames.parse(options["name"]).prefix)


def _login_scopes(options: Mapping[str, Any]) -> Iterator[str]:
    """Permissions need more than the robot account."""
    yield "org:admin" if organization_of_robot(options) else "user:admin"
    if options.get("permissions"):
        yield from ("user:admin", "repo:admin")


ROBOT_LEASE = Kind(
    name="robot_lease",
    title="the secret of a short-lived robot account",
    module=_module,
    options={
        "lifetime": Option(read_duration),
        "renew_before": Option(read_duration),
        "description": Option(read_text),
        "owner": Option(read_text),
        "permissions": Option(read_entries, entry=PERMISSIONS),
    },
    check=_check,
    instead={
        "max_age": "A lease ends at its time. Use renew_before",
        "retire_after": "A lease is deleted as soon as its successor is delivered",
        "scopes": "Use permissions to declare what the robot account may do",
        "organization": "It is a part of the name, as in acme+ci",
    },
    secret_is_readable=True,
    listed_as="robot",
    identities=_identities,
    organization=organization_of_robot,
    login_scopes=_login_scopes,
    login_role=login_role_of_robot,
)
