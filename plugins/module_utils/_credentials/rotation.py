# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The rotation of many credentials of any kind by one process, for all machines that hold them (quay_rotation)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._http.auth import BearerAuth
from .._module.connection import auth_from_options
from .._module.context import ModuleContext, Result
from .._module.failures import failure_message
from .._stores.contract import Delivery, Store
from .._stores.delivery import kept_content
from .._stores.holders import Fleet, is_written_later
from .._stores.host_store import HostStore
from .._stores.kinds import KINDS as STORE_KINDS
from .._stores.kinds import store_from_options
from .._stores.locks import locked
from .._stores.task_file import KIND as TASKS
from .._stores.task_file import TaskFileStore
from .declaration_options import suggestion, type_name
from .kind import TokenModule
from .kinds import KINDS
from .login_scopes import login_uuid
from .many import paths_of, share_work, work_on_all
from .own_login import check_rotation_of_login, login_warnings, successor_of_login, use_successor
from .policy import COMPROMISED, NOTHING
from .token_info import Status, declared_credentials, statuses_of

# Return values of the token modules that the report includes. Never a secret.
_RESULT_KEYS = (
    "minted",
    "window_seconds",
    "delivered",
    "retired",
    "superseded",
    "ended",
    "deleted",
    "removed",
    "granted",
    "federation_added",
    "federation_removed",
    "fingerprint",
    "expires_at",
    "username",
)

# Values of a result that may repeat what an error says.
_OF_ERRORS = ("error", "message")

# The stores of hosts: those in use, and those to be cleared.
_CONSUMERS = ("consumers", "former_consumers")
# What the module is run for: to rotate, to confirm what was delivered, and to confirm what that had to deliver again.
_ROTATE, _LAST = "rotate", "last"


@dataclass(eq=False)
class _Work:
    """One credential of a run: its options, what it was when the run looked at all of them, and what became of it."""

    entry: dict[str, Any]
    status: Status
    row: dict[str, Any] = field(default_factory=dict)
    diffs: list[dict[str, Any]] = field(default_factory=list)
    # Whether it is the login of the run, or replaces it.
    is_login: bool = False
    secret: str | None = field(default=None, repr=False)  # after the rotation

    @property
    def module(self) -> TokenModule:
        """What is done for credentials of its kind."""
        return KINDS[self.entry["kind"]].module()

    @property
    def comes_last(self) -> bool:
        """Whether the others are worked on before: the login of the run is not replaced while others use it."""
        return self.is_login or KINDS[self.entry["kind"]].comes_last

    @property
    def paths(self) -> list[str]:
        """What no other credential may write at the same time."""
        former = [store for store in self.entry["former"] if not is_written_later(store)]
        try:
            stores = [store_from_options(options, self.entry["quay_host"]) for options in self.entry["deliver"]]
        except BadInput:
            # It writes nothing: its rotation begins with the same error.
            return []
        return paths_of([*stores, *former])


def run_rotation(context: ModuleContext) -> Result:
    """The module quay_rotation. A credential that fails does not stop the others."""
    _check_store_logins(context.params["store_logins"] or {})
    _show_usernames(context)
    use_successor(context)
    share_work(context, context.params["parallel"])
    _refuse_missing_login(context)
    entries = [_with_defaults(context, entry) for entry in context.params["credentials"]]
    works = list(_observed(context, entries))
    _find_login(context, works)
    open_works = [work for work in works if _is_open(context, work)]
    chosen, remaining = _next_batch(context, open_works)
    work_on_all(context, chosen, _rotate_one, paths=lambda work: work.paths, is_last=lambda work: work.comes_last)
    done = [work for work in works if work not in remaining]
    for work in done:
        work.row.update({key: context.masked(work.row[key]) for key in _OF_ERRORS if work.row.get(key)})
    return Result(
        changed=any(work.row["changed"] for work in done),
        values={
            "results": [work.row for work in done],
            "worked_on": [work.entry["name"] for work in chosen],
            "remaining": [work.entry["name"] for work in remaining],
            "deliveries": list(_handed_over(entries)),
            "tasks": list(_tasks(context, entries)),
            "changes": [diff for work in chosen for diff in work.diffs],
            **_login_values(context, works),
        },
    )


def _refuse_missing_login(context: ModuleContext) -> None:
    """Raise BadInput if a credential needs the login of the run, and there is none."""
    if any(KINDS[entry["kind"]].needs_login for entry in context.params["credentials"]):
        auth_from_options(context.params, os.environ)


def _show_usernames(context: ModuleContext) -> None:
    """Let Ansible show the user names of logins, which may be names of credentials. It would mask them everywhere."""
    logins = (context.params["logins"] or {}).values()
    names = {login.get("quay_username") for login in logins}
    context.hidden.difference_update(names - {login.get("quay_password") for login in logins})


def _observed(context: ModuleContext, entries: list[dict[str, Any]]) -> Iterator[_Work]:
    """Look at all credentials, with a few requests for all of them."""
    observed = declared_credentials(context, entries, [])
    declared = [dict(entry) for entry in entries]
    for entry, status in zip(entries, statuses_of(context, observed)):
        entry.update(seen=status.seen, declared=declared)
        yield _Work(entry, status, _row_of_status(status.values), is_login=bool(status.values["is_login"]))


def _find_login(context: ModuleContext, works: Sequence[_Work]) -> None:
    """Find out whether the login of the run is about to be revoked, if the stores do not show it (GET /v2/auth)."""
    if any(work.is_login for work in works) or not isinstance(context.client.auth, BearerAuth):
        return
    revoking = [
        work
        for work in works
        if KINDS[work.entry["kind"]].may_be_login
        and work.status.values["action"] != NOTHING
        and work.status.values.get("superseded")
    ]
    if revoking:
        context.login_uuid = login_uuid(context.client)
    for work in revoking:
        work.is_login = work.row["is_login"] = context.login_uuid in work.status.values["superseded"]


def _login_values(context: ModuleContext, works: Sequence[_Work]) -> dict[str, Any]:
    """What the result says of the login of the run."""
    work = next((work for work in works if work.is_login), None)
    entry, present, row = (work.entry, work.status.present, work.row) if work else (None, None, {})
    warnings = list(login_warnings(context, entry, present, row))
    for sentence in warnings:
        context.warn(sentence)
    successor = successor_of_login(context, work.secret) if work else None
    return {"login_warnings": warnings, "login_successor": successor}


def _next_batch(context: ModuleContext, works: list[_Work]) -> tuple[list[_Work], list[_Work]]:
    """The credentials to work on now, and those for later runs of this module. The login of the run comes last."""
    ordered = sorted(works, key=lambda work: work.comes_last)
    size = context.params["batch"] if not context.check_mode else 0
    return (ordered[:size], ordered[size:]) if size and size > 0 else (ordered, [])


def _rotate_one(context: ModuleContext, work: _Work) -> None:
    _rotate(context, work)
    _clear_former_stores(context, work)
    _hand_over_to_tasks(work)


def _check_store_logins(logins: Mapping[str, Any]) -> None:
    """Raise BadInput for a kind of store, or an option of it, that does not exist. No message repeats a value."""
    for kind, options in logins.items():
        if kind not in STORE_KINDS:
            raise BadInput(
                f"rotation_store_logins: '{kind}' is no kind of store.{suggestion(str(kind), list(STORE_KINDS))}"
            )
        if not isinstance(options, dict):
            raise BadInput(f"rotation_store_logins: {kind} must be a mapping of options, not {type_name(options)}")
        known = list(STORE_KINDS[kind].options)
        for name in options:
            if name not in known:
                raise BadInput(
                    f"rotation_store_logins: {name} is not an option of a store of the kind {kind}."
                    f"{suggestion(str(name), known)}"
                )


def _with_defaults(context: ModuleContext, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a credential's module: those that are declared, and the defaults of the others."""
    module = KINDS[given["kind"]].module()
    params: dict[str, Any] = {"held": [], **module.defaults, **given, "quay_host": context.params["quay_host"]}
    logins = context.params["store_logins"] or {}
    used, former = (
        [{**(logins.get(store["kind"]) or {}), **store} for store in given.get(key) or ()]
        for key in ("deliver", "former")
    )
    consumers, former_consumers = (list(map(HostStore, given.get(key) or ())) for key in _CONSUMERS)
    if given.get("state") == "absent":
        # The credential goes, and all its stores are cleared at once.
        used, former = [*used, *former], []
        consumers, former_consumers = [*consumers, *former_consumers], []
    params["deliver"] = [store for store in used if store["kind"] != TASKS]
    params["consumers"] = [*consumers, *(TaskFileStore(store) for store in used if store["kind"] == TASKS)]
    params["former"] = [*(store_from_options(store, params["quay_host"]) for store in former), *former_consumers]
    confirming = _is_confirming(context)
    params["fleet"] = Fleet(
        missing=tuple(given.get("missing") or ()),
        out_of_reach=tuple(given.get("out_of_reach") or ()),
        proceeds=context.params["missing_hosts"] == "proceed",
        confirming=confirming,
        last=context.params["phase"] == _LAST,
        unchanged=bool(given.get("unchanged")),
    )
    name, names = given["name"], context.params
    if name in names["force"] and "retire_after" in module.options:
        params["retire_after"] = "0"
    if name in names["minted_before"]:
        # An earlier batch of this run issued it. It is delivered to the hosts of this one, however short its policy.
        params.update(max_age=None, renew_before=None)
        params["rotate"] = "when_due" if params["rotate"] == "always" else params["rotate"]
    if confirming:
        params["rotate"] = "never"
    elif name in names["force"] and not context.params["forced_before"]:
        params["rotate"] = COMPROMISED if name in names["compromised"] and COMPROMISED in module.rotations else "always"
    return params


def _row_of_status(status: Mapping[str, Any]) -> dict[str, Any]:
    former_expires_at = status.get("expires_at") if status["fingerprint"] else None
    return {**status, "changed": False, "former_expires_at": former_expires_at}


def _is_idle(context: ModuleContext, work: _Work) -> bool:
    is_due = work.status.values["action"] != NOTHING
    return not is_due and not _is_confirming(context) and not work.module.has_more(work.entry)


def _is_open(context: ModuleContext, work: _Work) -> bool:
    """Whether there may be something to do for the credential in this run."""
    if work.row["error"]:
        return False
    return not _is_idle(context, work) or bool(work.entry["former"]) or any(_task_files(work.entry))


def _rotate(context: ModuleContext, work: _Work) -> None:
    """Rotate one credential, and add what happened to its row."""
    entry, row = work.entry, work.row
    if _is_idle(context, work):
        return
    entry.update(work.module.located(work.status.values))
    try:
        if work.is_login:
            check_rotation_of_login(context, entry, work.status.values["action"], work.status.present)
        result = work.module.ensure(_context_of(context, entry))
    except Exception as error:
        # One credential must not keep the others, which may be issued already, from their consumers.
        row["error"] = failure_message(error)
        return
    if result.before != result.after:
        work.diffs.append({"before": dict(result.before), "after": dict(result.after)})
    row.update({key: result.values[key] for key in _RESULT_KEYS if key in result.values})
    row.update(_outcome(result), changed=result.changed)
    work.secret = result.secret


def _clear_former_stores(context: ModuleContext, work: _Work) -> None:
    """Clear the stores that are no longer used, by a run before which all others held the present secret."""
    row = work.row
    if row["error"] or row.get("minted") or row.get("delivered") or _is_confirming(context):
        return
    places: list[str] = []
    try:
        for store in work.entry["former"]:
            if _clear_former_store(context, work, store):
                places.append(store.place)
    except Exception as error:
        row["error"] = failure_message(error)
    if places:
        row.update(changed=True, removed=[*(row.get("removed") or ()), *places])
        work.diffs.append({"before": dict.fromkeys(places, "present"), "after": dict.fromkeys(places, "absent")})


def _clear_former_store(context: ModuleContext, work: _Work, store: Store) -> bool:
    """Whether the store was cleared. Anything that was put there since is kept."""
    if isinstance(store, TaskFileStore):
        # Its content is unknown, so the tasks remove it in each run, as they deliver in each run.
        store.remove()
        return False
    with locked([] if context.check_mode else store.files):
        stored = store.read()
        if stored.fingerprint is None and not stored.foreign:
            return False
        username = stored.username or (stored.record.username if stored.record else None)
        is_ours = work.module.owns(work.entry, username)
        if not (stored.recorded and stored.removable and is_ours):
            context.warn(kept_content(store))
            return False
        if not context.check_mode:
            store.remove()
        return True


def _hand_over_to_tasks(work: _Work) -> None:
    """Let the user's own tasks deliver in each run, also when nothing was issued: what they deliver to is not known."""
    entry, row, present = work.entry, work.row, work.status.present
    for store in _task_files(entry):
        if row["error"] or store.handed_over is not None or store in entry["former"]:
            continue
        if entry["state"] == "absent":
            store.remove()
        elif present is not None and present.secret and not row.get("minted"):
            store.write(Delivery(present.secret, present.username or "", present.name, present.record()))


def _outcome(result: Result) -> dict[str, Any]:
    """The reason, the message and the hosts that it waits for, after the hosts were considered that were not seen."""
    waiting_for = {"waiting_for": list(result.waiting_for)}
    return {"message": result.message, "reason": result.values["reason"], **waiting_for} if result.message else {}


def _is_confirming(context: ModuleContext) -> bool:
    return bool(context.params["phase"] != _ROTATE)


def _context_of(context: ModuleContext, entry: dict[str, Any]) -> ModuleContext:
    """The context of one credential; one with its own login has its own client."""
    login = (context.params["logins"] or {}).get(entry["name"])
    params = {**{name: context.params[name] for name in _CONNECTION}, **entry}
    for name, secret in _SECRET_OF.items():
        if not login and entry.get(name):
            raise BadInput(
                f"Its {secret} is not known: only the declarations of the first host of a batch are searched for "
                "secrets. Declare the credential for all hosts, for example in group_vars/all"
            )
    if not login or "quay_password" not in login:
        return context.with_params({**params, **(login or {})})
    own = context.with_params({**params, "quay_token": None, "quay_token_path": None, **login})
    own.client = context.client.with_auth(auth_from_options(own.params, os.environ))
    return own


# The secret that goes with an option of a declaration.
_SECRET_OF = {"quay_username": "quay_password", "oidc_client_id": "oidc_client_secret"}

_CONNECTION = (
    "quay_host",
    "quay_token",
    "quay_token_path",
    "quay_username",
    "quay_password",
    "validate_certs",
    "ca_path",
    "timeout",
    "retries",
)


def _task_files(entry: Mapping[str, Any]) -> Iterator[TaskFileStore]:
    return (store for store in [*entry["consumers"], *entry["former"]] if isinstance(store, TaskFileStore))


def _tasks(context: ModuleContext, entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the user's own tasks have to deliver."""
    for entry in entries:
        for store in _task_files(entry):
            if store.handed_over is not None:
                credential = {"name": entry["name"], "kind": entry["kind"], "registry": context.client.netloc}
                yield {**credential, "place": store.place, "options": store.options, **store.handed_over}


def _handed_over(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What other machines have to deliver."""
    for entry in entries:
        for store in [*entry["consumers"], *entry["former"]]:
            if isinstance(store, HostStore) and store.handed_over is not None:
                place = {"host": store.host, "declared": entry["name"], "entry": store.entry}
                yield {**place, **store.handed_over.to_data()}
