# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Credentials as hosts of an inventory: their names, variables and groups, and what a play over them refuses. Pure.

Such a host is no machine. The hosts divide the work of a play among runs, batches and slices.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._stores.kinds import ROLE_KINDS as STORE_KINDS
from .declaration_options import is_unset, parse_json_list, read_list
from .kinds import KINDS, SECRETS
from .placement import Placement
from .validation import Declared, read_declarations

# The group of all these hosts, and the variables that the role reads.
ALL = "quay_credentials"
MARKER = "rotation_hosts_are_credentials"
NAMES = "quay_credential_names"
DECLARATION = "quay_credential"
LOGIN = "quay_credential_login"
# Secrets that go together with an option that is none.
_OUT = {"quay_password": "quay_username and quay_password"}
# Other groups.
DECLARED, UNDECLARED, DUE, ON_MACHINES = "declared", "undeclared", "due", "machine_stores"

# What is known of a credential in Quay that its host shows.
_STATUS = ("exists", "due", "reason", "message", "error", "created_at", "expires_at", "last_accessed")
_LISTED = ("kind", "name", "organization", "client_id", "uuid", "scopes", "created_at", "expires_at", "last_accessed")
# The reason of a credential whose status could not be read.
_UNKNOWN = "unknown"

_MAX_NAME = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]")
# Names that mean something else to Ansible.
_RESERVED = frozenset(("localhost", "all", "ungrouped", ALL, DECLARED, UNDECLARED, DUE, ON_MACHINES))
# What begins a template of Ansible.
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class CredentialHost:
    """One host of the inventory."""

    name: str
    variables: Mapping[str, Any]
    groups: Sequence[str]


# --- the declarations


def entries_of_file(content: Any, path: str) -> Any:
    """The list of credentials in a file, which is the list or has the key rotation_credentials."""
    entries = content.get("rotation_credentials") if isinstance(content, dict) else content
    if isinstance(entries, list):
        return entries
    raise BadInput(
        f"credentials_file: {path} must be a list of credentials, or a mapping with such a list as rotation_credentials"
    )


def read_for_inventory(given: Any, quay_host: str, rotator: str) -> list[Declared]:
    """The validated declarations: all of them, although each run rotates only some. Raises BadInput.

    An inventory shows its variables, and does not evaluate templates in them, so secrets and templates are refused.
    """
    entries = parse_json_list(given)
    problems = [
        f"credential {position}{_named(entry)}: {problem}"
        for position, entry in enumerate(entries if isinstance(entries, list) else (), 1)
        for problem in _problems_of_entry(entry)
    ]
    if problems:
        raise BadInput(f"The credentials are not valid: {'; '.join(problems)}")
    return read_declarations(_plain(entries), quay_host, placement=_placement(rotator))


def machine_stores(entry: Mapping[str, Any], placement: Placement) -> Iterator[str]:
    """The stores of a declaration that are files of other machines than the rotator. It need not be valid."""
    stores = parse_json_list(entry.get("deliver"))
    for number, store in enumerate(stores if isinstance(stores, list) else (), 1):
        kind = store.get("kind") if isinstance(store, dict) else None
        if kind not in STORE_KINDS or STORE_KINDS[kind].on_rotator:
            continue
        pattern = store.get("hosts")
        hosts = None if is_unset(pattern) else placement.hosts_of(str(pattern).strip())
        # The validation reports a pattern without hosts.
        if is_unset(pattern) or hosts is None or any(host != placement.rotator for host in hosts):
            yield f"entry {number} of deliver ({kind} {store.get('path')})"


def refusal_of_machine_stores(entries: Sequence[Mapping[str, Any]], placement: Placement) -> str | None:
    """Why a play over credentials refuses these declarations, if it does."""
    found = [f"{entry.get('name')}: {store}" for entry in entries for store in machine_stores(entry, placement)]
    if not found:
        return None
    return (
        f"{'; '.join(found)}: this is a file of other machines, and the hosts of this play are credentials, not "
        f"machines. Rotate it in a play over these machines, or, if the file is on the rotator, add hosts: "
        f"{placement.rotator}"
    )


def names_for_batch(given: Any, option: str, batch: Sequence[str], inventory: Sequence[str]) -> list[str]:
    """The names in an option such as rotation_force that concern this batch.

    Those of the other slices and batches are left out. A name that the whole inventory lacks is kept: it is refused.
    """
    if is_unset(given):
        return []
    # The name of an API token may contain a comma.
    is_one = isinstance(given, str) and given.strip() in {*batch, *inventory}
    names = [given.strip()] if is_one else read_list(given, option)
    return [name for name in names if name in batch or name not in inventory]


def _placement(rotator: str) -> Placement:
    """That of the rotator. The other hosts of its plays are unknown to this inventory."""
    return Placement(rotator, rotator, {rotator: [rotator]})


def _named(entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f" ({name[:_MAX_NAME]})" if isinstance(name, str) and name else ""


def _problems_of_entry(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        return
    for name in SECRETS:
        if not is_unset(entry.get(name)):
            yield (
                f"{name} is a secret, and an inventory shows its variables. Leave {_OUT.get(name, name)} out, and "
                f"set {'them' if name in _OUT else 'it'} as {LOGIN} in encrypted variables of the host, such as "
                "host_vars"
            )
    for key, value in entry.items():
        for kind in sorted(set(_unusable(value))) if key not in SECRETS else ():
            yield f"{key} contains {kind}, which is not evaluated in an inventory. Write the value itself"


def _unusable(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _unusable(item)
    elif isinstance(value, str):
        if _TEMPLATE.search(value):
            yield "a template"
    elif not isinstance(value, (*_PLAIN, date)):
        yield "an encrypted value"


def _plain(value: Any) -> Any:
    """The value without what Ansible adds to texts, such as their origin."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    return value.isoformat() if isinstance(value, date) else value


def _identified(declared: Declared, identify: Callable[[Mapping[str, Any]], Iterable[Hashable]]) -> Iterable[Hashable]:
    try:
        return list(identify(declared.options))
    except BadInput as error:
        raise BadInput(f"{declared.label}: {error}") from None


# --- the hosts


def is_selected(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether a credential of this name passes the patterns. Without any to include, all names do."""
    included = not include or any(fnmatchcase(name, pattern) for pattern in include)
    return included and not any(fnmatchcase(name, pattern) for pattern in exclude)


def digest_of(question: Any) -> str:
    """What identifies a question to Quay, so that a cached answer is not used for another one."""
    return hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode("utf-8")).hexdigest()


def public_status(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a host shows of the status that quay_token_info returns for a declared credential."""
    return {key: _without_templates(values.get(key)) for key in _STATUS}


def public_listing(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a host shows of a credential that Quay lists."""
    return {key: _without_templates(values.get(key)) for key in _LISTED}


def undeclared(listed: Sequence[Mapping[str, Any]], declared: Sequence[Declared]) -> list[Mapping[str, Any]]:
    """Those of the listed credentials that no declaration may have issued."""
    known = {
        (kind.listed_as or kind.name, identity)
        for kind, item in ((KINDS[item.options["kind"]], item) for item in declared)
        for identity in _identified(item, kind.identities)
    }
    return [
        item
        for item in listed
        if not any((item["kind"], identity) in known for identity in KINDS[item["kind"]].listed_identities(item))
    ]


def hosts_of_inventory(
    declared: Sequence[Declared],
    entries: Mapping[str, Mapping[str, Any]],
    statuses: Mapping[str, Mapping[str, Any]] | None,
    listed: Sequence[Mapping[str, Any]],
    rotator: str,
) -> list[CredentialHost]:
    """The hosts: the declared credentials, then those that are only listed.

    ``entries``: the declarations as they were given, by name. ``statuses``: the public status by name; None if Quay was
    not asked. ``listed``: public listings of undeclared credentials.
    """
    names = host_names([*(str(item.name) for item in declared), *map(_listed_name, listed)])
    hosts = []
    for name, item in zip(names, declared):
        status = None if statuses is None else statuses[str(item.name)]
        hosts.append(_declared_host(name, item, _plain(entries[str(item.name)]), status, rotator))
    hosts += [_undeclared_host(name, dict(item)) for name, item in zip(names[len(declared) :], listed)]
    return hosts


def host_names(names: Sequence[str]) -> list[str]:
    """A name of a host for each credential, which Ansible's patterns can name. Those that collide get a suffix."""
    safe = [_UNSAFE.sub("_", name).lstrip("-")[:_MAX_NAME] for name in names]
    lower = [name.lower() for name in safe]
    return [
        short if short == name and lower.count(short.lower()) == 1 and short not in _RESERVED else _unique(short, name)
        for short, name in zip(safe, names)
    ]


def _unique(short: str, name: str) -> str:
    return f"{short}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:8]}".lstrip("-")


def _listed_name(listed: Mapping[str, Any]) -> str:
    """Tokens of one application may have one name, so that of a token includes its identifier."""
    name, uuid = str(listed["name"] or "token"), str(listed.get("uuid") or "")
    return f"{name}-{uuid[:8]}" if uuid else name


def _declared_host(
    name: str, declared: Declared, entry: Mapping[str, Any], status: Mapping[str, Any] | None, rotator: str
) -> CredentialHost:
    kind = KINDS[declared.options["kind"]]
    organization = kind.organization(declared.options)
    groups = [DECLARED, f"kind_{kind.name}"]
    variables = {
        DECLARATION: entry,
        "quay_name": declared.name,
        "quay_kind": kind.name,
        "quay_organization": organization,
        "quay_status": status,
    }
    if organization:
        groups.append(_group("organization", organization))
    if any(machine_stores(declared.options, _placement(rotator))):
        groups.append(ON_MACHINES)
    if status is not None:
        groups.append(_group("reason", status["reason"] or _UNKNOWN))
        # The run reports why the status could not be read.
        if status["due"] or status["error"]:
            groups.append(DUE)
    return CredentialHost(name, variables, groups)


def _undeclared_host(name: str, listed: dict[str, Any]) -> CredentialHost:
    kind = KINDS[listed["kind"]]
    organization = kind.organization(listed)
    groups = [UNDECLARED, f"kind_{kind.name}", *([_group("organization", organization)] if organization else [])]
    variables = {
        "quay_name": listed["name"],
        "quay_kind": kind.name,
        "quay_organization": organization or None,
        "quay_listed": listed,
    }
    return CredentialHost(name, variables, groups)


def _group(prefix: str, name: str) -> str:
    return f"{prefix}_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"


def _without_templates(value: Any) -> Any:
    """The value from Quay. Ansible would evaluate a template in it, whoever wrote it."""
    if isinstance(value, str):
        return _TEMPLATE.sub("{ ", value)
    return [_without_templates(item) for item in value] if isinstance(value, (list, tuple)) else value
