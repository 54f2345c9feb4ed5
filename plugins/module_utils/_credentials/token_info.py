# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The status of many credentials: what exists, its age and expiry, whether it is due, and why (quay_token_info)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Credential, Record, fingerprint
from .._core.errors import BadInput, LocalFileError, QuayError, StoreError
from .._core.times import parse_time_option
from .._http.auth import BearerAuth
from .._module.context import ModuleContext, Result
from .._stores.contract import Store, StoredSecret
from .._stores.kinds import KINDS as STORE_KINDS
from .._stores.kinds import STORE_OPTIONS, store_from_options
from .._stores.places import NamedPlaces, places_of, shared_places
from .declared import DeclaredCredential, Observed
from .evaluation import Evaluation, Observation, evaluate, evaluate_removal
from .kinds import KINDS, LISTED, ORDER
from .policy import NOTHING, Policy, policy_from_options
from .validation import shared_place_problem

_HELD: dict[str, Any] = {
    "token": {"type": "str", "no_log": True},
    "created_at": {"type": "str"},
    "expires_at": {"type": "str"},
    "uuid": {"type": "str"},
}


def _declared_options() -> dict[str, Any]:
    """The options of a declared credential, of whatever kind."""
    options: dict[str, Any] = {
        "name": {"type": "str", "required": True},
        "kind": {"type": "str", "choices": list(KINDS), "required": True},
        "rotate": {"type": "str", "choices": ["when_due", "always", "never"], "default": "when_due"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "deliver": {"type": "list", "elements": "dict", "default": [], "options": STORE_OPTIONS},
        "held": {"type": "list", "elements": "dict", "default": [], "options": _HELD},
    }
    for kind in KINDS.values():
        options.update(kind.module().status_options)
    return options


# The options of quay_token_info, with their defaults.
TOKEN_INFO_OPTIONS: dict[str, Any] = {
    "credentials": {"type": "list", "elements": "dict", "options": _declared_options()},
    "force": {"type": "list", "elements": "str", "default": []},
    "organization": {"type": "str"},
    "kinds": {"type": "list", "elements": "str", "choices": sorted(LISTED), "default": sorted(LISTED)},
    "max_age": {"type": "str"},
    "renew_before": {"type": "str"},
}

# A forced run rotates now and revokes the former secret at once.
_FORCE = {"rotate": "always", "retire_after": "0"}

# The state of a store that could not be read.
_UNKNOWN = "unknown"


def get_token_info(context: ModuleContext) -> Result:
    """The module quay_token_info."""
    if context.params["credentials"] is not None:
        observed = declared_credentials(context, context.params["credentials"], context.params["force"])
    else:
        observed = list(_listed_credentials(context))
    return Result(changed=False, values={"credentials": [status.values for status in statuses_of(context, observed)]})


@dataclass(frozen=True)
class Status:
    """The return value for a credential: whether it is due, and why; and what it is now, if it could be read."""

    values: dict[str, Any]
    present: Credential | None = field(default=None, repr=False)
    seen: object = field(default=None, repr=False)  # what need not be read again to rotate the credential


def statuses_of(context: ModuleContext, observed: Sequence[Observed]) -> list[Status]:
    """The status of each credential."""
    now = context.client.now()
    login = context.client.auth.headers("GET") if isinstance(context.client.auth, BearerAuth) else None
    return [_status(item, now, login) for item in observed]


def declared_credentials(
    context: ModuleContext, entries: Sequence[Mapping[str, Any]], force: Sequence[str]
) -> list[Observed]:
    """Observe declared credentials: a constant number of requests for each kind and namespace.

    ``entries``: with all options of ``credentials``. ``force``: the names of those to rotate now.
    Raises BadInput if it names others.
    """
    forced = set(force)
    unknown = forced - {params["name"] for params in entries}
    if unknown:
        raise BadInput(f"force names credentials that are not in credentials: {', '.join(sorted(unknown))}")
    _refuse_shared_places(context, entries)
    numbered = [
        (position, {**params, **(_FORCE if params["name"] in forced else {})})
        for position, params in enumerate(entries)
    ]
    if any(STORE_KINDS[store["kind"]].on_rotator for params in entries for store in params["deliver"]):
        read = context.each_apart(_read_stores, numbered)
    else:
        # Threads gain nothing if no server is waited for.
        read = [_read_stores(context, item) for item in numbered]
    observed = {item.declared.position: item for item in read if isinstance(item, Observed)}
    for kind in ORDER:
        of_kind = [item for item in read if isinstance(item, DeclaredCredential) and item.kind == kind.name]
        if of_kind:
            observed.update({item.declared.position: item for item in kind.module().observe(context, of_kind)})
    return [observed[position] for position in sorted(observed)]


def _listed_credentials(context: ModuleContext) -> Iterator[Observed]:
    """What Quay lists, of the organization, else of the user."""
    policy = policy_from_options({**context.params, "rotate": "when_due"})
    for kind in ORDER:
        list_all = kind.module().list_all if kind.is_listed and kind.name in context.params["kinds"] else None
        if list_all is not None:
            yield from list_all(context, context.params["organization"] or None, policy)


def _refuse_shared_places(context: ModuleContext, entries: Sequence[Mapping[str, Any]]) -> None:
    """Raise BadInput if two stores are one place. Each of their credentials would replace the secret of the other."""
    stores: list[NamedPlaces] = []
    for position, params in enumerate(entries, 1):
        for number, options in enumerate(params["deliver"], 1):
            # The invalid ones are reported with their credential.
            with suppress(BadInput):
                places = places_of(store_from_options(options, context.params["quay_host"]))
                stores.append((f"credential {position} ({params['name']}), entry {number} of deliver", places))
    problems = [shared_place_problem(first, second, place) for first, second, place in shared_places(stores)]
    if problems:
        raise BadInput(f"credentials is not valid: {'; '.join(problems)}")


def _read_stores(context: ModuleContext, numbered: tuple[int, Mapping[str, Any]]) -> DeclaredCredential | Observed:
    """The declared credential with what its stores hold, or the error if a store cannot be read or written."""
    position, params = numbered
    declared = DeclaredCredential(position, params, Policy())
    try:
        stored = [_read_store(context, options, declared) for options in params["deliver"]]
        held_elsewhere = [_held(item) for item in params["held"]]
        on_hosts = [_read(context, store, declared) for store in params.get("consumers") or ()]
        former = [_read(context, store, declared, removing=True) for store in params.get("former") or ()]
        module = KINDS[declared.kind].module()
        params = module.complete(params, [*stored, *on_hosts, *former])
        found = [*stored, *held_elsewhere, *on_hosts, *former]
        return replace(declared, params=params, policy=module.policy(params), stored=found, former=len(former))
    except (LocalFileError, StoreError, BadInput) as error:
        return Observed(declared, error)


def _read_store(context: ModuleContext, options: Mapping[str, Any], declared: DeclaredCredential) -> StoredSecret:
    return _read(context, store_from_options(options, context.params["quay_host"]), declared)


def _read(
    context: ModuleContext, store: Store, declared: DeclaredCredential, *, removing: bool = False
) -> StoredSecret:
    store.check(removing=removing or declared.is_absent)
    for warning in store.warnings():
        context.warn(warning)
    return store.read()


def _held(item: Mapping[str, Any]) -> StoredSecret:
    created, expires = (parse_time_option(item[key], f"held: {key}") for key in ("created_at", "expires_at"))
    return StoredSecret(item["token"], Record(fingerprint(item["token"]), created, expires, item["uuid"]))


def _status(observed: Observed, now: datetime, login: Mapping[str, str] | None) -> Status:
    """The status of one credential. ``login``: the headers of the token with which the run signs in."""
    declared = observed.declared
    if isinstance(observed.outcome, QuayError):
        return Status(_failed_status(declared, observed.outcome))
    evaluation = _evaluate(declared, observed.outcome, now, record_required=observed.record_required)
    decision, present = evaluation.decision, evaluation.observation.credential
    values = {
        "kind": declared.kind,
        "exists": evaluation.observation.state.exists,
        "due": decision.due,
        "reason": decision.reason,
        "message": decision.message,
        "action": decision.action,
        "holds": list(evaluation.deliveries),
        "error": None,
        "is_login": any(login == {"Authorization": f"Bearer {item.secret}"} for item in declared.stored),
        **present.public(),
        "name": declared.name,
    }
    return Status(values, present, observed.seen)


def _evaluate(
    declared: DeclaredCredential, observation: Observation, now: datetime, *, record_required: bool
) -> Evaluation:
    if declared.is_absent:
        return evaluate_removal(observation, declared.stored, record_required=record_required)
    return evaluate(declared.policy, observation, declared.in_use, now, record_required=record_required)


def _failed_status(declared: DeclaredCredential, error: QuayError) -> dict[str, Any]:
    return {
        "kind": declared.kind,
        "exists": False,
        "due": False,
        "reason": None,
        "message": str(error),
        "action": NOTHING,
        # Of the options: after a store could not be read, ``stored`` is empty.
        "holds": [_UNKNOWN] * sum(len(declared.params.get(option) or ()) for option in ("deliver", "held")),
        "error": str(error),
        "is_login": False,
        **Credential(declared.name, "").public(),
    }
