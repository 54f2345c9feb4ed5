# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of a robot account's token: one robot account, or two that take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping

from .._core.errors import BadInput
from .._core.times import parse_duration
from .._quay.robots import RobotName
from .._stores.task_file import KIND as TASKS
from .declaration_options import (
    Entry,
    Option,
    choice,
    lacks_username_key,
    read_bool,
    read_duration,
    read_entries,
    read_list,
    read_mapping,
    read_text,
    stores_secret_alone,
)
from .kind import ADMINISTRATOR, Kind, TokenModule
from .lease import prefix_in
from .placement import used_stores
from .policy import IN_PLACE, PAIRED

if TYPE_CHECKING:
    from .pair_state import Pair

_FEDERATION: Entry = ({"issuer": Option(read_text), "subject": Option(read_text)}, ("issuer", "subject"))
PERMISSIONS: Entry = (
    {"repository": Option(read_text), "role": Option(choice("read", "write", "admin"))},
    ("repository", "role"),
)


def _module() -> TokenModule:
    from .robot_token import ROBOT_MODULE

    return ROBOT_MODULE


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    if options.get("name"):
        try:
            RobotName.parse(options["name"])
        except BadInput as error:
            yield str(error)
    if options.get("strategy") == PAIRED:
        yield from _check_paired(options)
    elif options.get("retire_after"):
        yield (
            "retire_after has no effect with strategy: in_place, which replaces the token of the robot account at "
            "once. Use strategy: paired, or remove it"
        )


def _check_paired(options: Mapping[str, Any]) -> Iterator[str]:
    if options.get("federation"):
        yield "federation belongs to one robot account, so it cannot be used with strategy: paired"
    if options.get("retire_after") and options.get("max_age"):
        retire_after, max_age = (parse_duration(options[name], name) for name in ("retire_after", "max_age"))
        if retire_after and max_age and retire_after >= max_age:
            yield "retire_after must be shorter than max_age, because only two robot accounts take turns"
    yield from check_stores_of_changing_user(options, "with strategy: paired each rotation")
    if all(store.get("kind") == TASKS for _position, store in used_stores(options)):
        yield (
            "strategy: paired needs a store that shows which of the two robot accounts is in use, and a task file does "
            "not. Add a store of another kind"
        )


def check_stores_of_changing_user(options: Mapping[str, Any], what: str) -> Iterator[str]:
    """A sentence for each store that would not have the user name, which ``what`` changes."""
    for position, store in used_stores(options):
        if lacks_username_key(store):
            yield (
                f"entry {position} of deliver: keys has no name for username, and {what} changes the user name. Add "
                "username to keys"
            )
        elif stores_secret_alone(store):
            names = "inputs" if store["kind"] == "awx_credential" else "variables"
            alone = "format: token" if store["kind"] == "file" else f"{names} without username"
            yield (
                f"entry {position} of deliver: {alone} stores no user name, and {what} changes the user name. Use "
                "format: json, yaml or env, or kind: container_auth"
            )


def _pair(options: Mapping[str, Any]) -> Pair:
    from .pair_state import pair_from_options

    given = {"name": options["name"], "strategy": options.get("strategy") or IN_PLACE, "pair": options.get("pair")}
    return pair_from_options(RobotName.parse(options["name"]), given)


def organization_of_robot(values: Mapping[str, Any]) -> str | None:
    return str(values["name"]).rpartition("+")[0] or None


def _uses(options: Mapping[str, Any]) -> Iterator[str]:
    return (f"the robot account {name}" for name in _pair(options).usual)


def _identities(options: Mapping[str, Any]) -> Iterator[str]:
    return map(str, _pair(options).all)


def _listed_identities(listed: Mapping[str, Any]) -> Iterator[str]:
    """Its name, and for the robot account of a lease what all names of such leases begin with."""
    yield str(listed["name"])
    prefix = prefix_in(str(listed["name"]))
    if prefix:
        yield prefix


def _login_scopes(options: Mapping[str, Any]) -> Iterator[str]:
    """Permissions, and the copy of a robot account, need more than the token of a robot account."""
    yield "org:admin" if organization_of_robot(options) else "user:admin"
    if options.get("permissions") or options.get("strategy") == PAIRED:
        yield from ("user:admin", "repo:admin")


def login_role_of_robot(options: Mapping[str, Any]) -> str | None:
    """The role that the user of the login needs: none for a robot account of the user."""
    return ADMINISTRATOR if organization_of_robot(options) else None


ROBOT = Kind(
    name="robot",
    title="a robot token",
    module=_module,
    options={
        "max_age": Option(read_duration),
        "retire_after": Option(read_duration),
        "description": Option(read_text),
        "metadata": Option(read_mapping),
        "federation": Option(read_entries, entry=_FEDERATION),
        "federation_exclusive": Option(read_bool),
        "permissions": Option(read_entries, entry=PERMISSIONS),
        "strategy": Option(choice(IN_PLACE, PAIRED)),
        "pair": Option(read_list),
        "copy_rights": Option(read_bool),
    },
    check=_check,
    instead={
        "renew_before": "A robot token does not expire. Use max_age",
        "lifetime": "A robot token does not expire. Use max_age",
        "scopes": "Use permissions to declare what the robot account may do",
        "organization": "It is a part of the name, as in acme+ci",
    },
    secret_is_readable=True,
    can_outlive_secret=True,
    is_listed=True,
    organization=organization_of_robot,
    uses=_uses,
    identities=_identities,
    listed_identities=_listed_identities,
    login_scopes=_login_scopes,
    login_role=login_role_of_robot,
)
