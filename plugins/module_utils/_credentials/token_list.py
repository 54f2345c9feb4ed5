# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The list of credentials that a token module takes instead of one: each with its own result, by one process."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from .._core.errors import BadInput, BadLogin, QuayError
from .._http.auth import BearerAuth
from .._http.errors import NotAuthenticated
from .._module.context import ModuleContext, Result
from .._module.failures import failure_message
from .._module.many_options import LIST, label_of, name_of
from .._stores.contract import Store, StoredSecret
from .._stores.holders import holder_from_options
from .._stores.places import NamedPlaces, places_of, shared_places, shown
from .many import paths_of, share_work, work_on_all

# The names of the options that a run has once, for all credentials.
_OF_THE_RUN = (LIST, "parallel")


@dataclass(eq=False)
class Entry:
    """One credential of the list. ``stored``: what its stores held before the run; None if it was not read."""

    label: str
    name: str
    params: dict[str, Any] = field(repr=False)
    stores: Sequence[Store] = ()
    stored: list[StoredSecret] | None = field(default=None, repr=False)
    result: Result | None = field(default=None, repr=False)
    failure: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """What the module returns for it."""
        if self.result is None:
            return {"name": self.name, "changed": False, "failed": True, "msg": self.failure}
        return {**self.result.values, "changed": self.result.changed}

    @property
    def diff(self) -> dict[str, Any] | None:
        if self.result is None or self.result.before == self.result.after:
            return None
        headers = {"before_header": self.name, "after_header": self.name}
        return {"before": dict(self.result.before), "after": dict(self.result.after), **headers}


@dataclass(frozen=True)
class TokenKind:
    """What the modules of the different tokens do with one credential.

    ``ensure``: what the module does for one. ``check``: raises BadInput for options that are wrong whatever Quay says;
    sends nothing. ``conflicts``: a sentence for each pair of credentials that would harm each other.
    ``look``: what can be learned for all credentials at the cost of one.
    """

    ensure: Callable[[ModuleContext], Result]
    check: Callable[[ModuleContext], object]
    conflicts: Callable[[ModuleContext, Sequence[Entry]], Iterable[str]]
    look: Callable[[ModuleContext, Sequence[Entry]], None] | None = None
    # Whether the run may be signed in with such a token.
    may_be_login: bool = False


def ensure_one_or_many(kind: TokenKind, context: ModuleContext) -> Result:
    """The result for the credential that the options describe, or for those of the list."""
    if context.params.get(LIST) is None:
        return kind.ensure(context)
    if context.params["parallel"] < 1:
        raise BadInput("parallel must be 1 or more: the number of credentials to work on at the same time")
    entries = [_entry(context, position, given) for position, given in enumerate(context.params[LIST], 1)]
    _check_all(context, kind, entries)
    share_work(context, context.params["parallel"])
    _look_at_all(context, kind, entries)
    work_on_all(
        context,
        entries,
        partial(_ensure_entry, kind, _Login()),
        paths=lambda entry: paths_of(entry.stores),
        is_last=partial(_is_login, context, kind),
    )
    return _combined(entries)


def same_claims(entries: Sequence[Entry], claims: Callable[[Entry], Iterable[Hashable]]) -> Iterator[str]:
    """A sentence for each two entries that claim the same: what ``claims`` returns are the words for it."""
    owners: dict[Hashable, list[Entry]] = defaultdict(list)
    for entry in entries:
        for claim in dict.fromkeys(claims(entry)):
            owners[claim].append(entry)
    reported: set[tuple[int, ...]] = set()
    for claim, owning in owners.items():
        pair = tuple(map(id, owning))
        if len(owning) > 1 and pair not in reported:
            reported.add(pair)
            yield f"{' and '.join(entry.label for entry in owning)} both use {claim}. Name each credential once"


class _Login:
    """Whether Quay has refused the login of the run."""

    def __init__(self) -> None:
        self.refused = False


def _entry(context: ModuleContext, position: int, given: Mapping[str, Any]) -> Entry:
    of_the_run = {name: value for name, value in context.params.items() if name not in (*_OF_THE_RUN, *given)}
    return Entry(label_of(position, given), name_of(given), {**of_the_run, **given})


def _check_all(context: ModuleContext, kind: TokenKind, entries: Sequence[Entry]) -> None:
    """Raise BadInput, which names each credential with a problem. Sends nothing, and reads no store."""
    problems: list[str] = []
    for entry in entries:
        own = context.with_params(entry.params)
        try:
            kind.check(own)
            entry.stores = holder_from_options(entry.params, check_mode=context.check_mode).stores
        except BadInput as error:
            problems.append(f"{entry.label}: {error}")
    returned = [entry.label for entry in entries if not entry.stores and entry.params.get("state") != "absent"]
    if returned and not context.hides_result:
        problems.append(
            f"{', '.join(returned)}: the token would be returned, and Ansible prints the complete result of a task "
            "that fails. Set no_log: true on the task, or give each of them deliver or token_path"
        )
    if not problems:
        problems = [*kind.conflicts(context, entries), *_shared_places(entries)]
    if problems:
        raise BadInput(f"{LIST} is not valid, and nothing was done: {'; '.join(problems)}")


def _shared_places(entries: Sequence[Entry]) -> Iterator[str]:
    stores: list[NamedPlaces] = []
    for entry in entries:
        stores += [(entry.label, places_of(store)) for store in entry.stores]
    for first, second, place in shared_places(stores):
        yield (
            f"{first} and {second} both write {shown(place)}: each would replace the secret of the other. Use one "
            "place for each credential"
        )


def _look_at_all(context: ModuleContext, kind: TokenKind, entries: Sequence[Entry]) -> None:
    if len(entries) < 2:
        return
    if kind.look is not None or _may_be_login(context, kind):
        context.each_apart(_read_stores, entries)
    if kind.look is not None:
        kind.look(context, entries)


def _read_stores(context: ModuleContext, entry: Entry) -> None:
    """Read what the stores hold. What prevents it is reported when it is the credential's turn."""
    try:
        stored = [store.read() for store in entry.stores]
    except QuayError:
        return
    held = holder_from_options(entry.params).stored if not entry.stores else []
    entry.stored = [*stored, *held]


def _may_be_login(context: ModuleContext, kind: TokenKind) -> bool:
    return kind.may_be_login and isinstance(context.client.auth, BearerAuth)


def _is_login(context: ModuleContext, kind: TokenKind, entry: Entry) -> bool:
    """Whether the run is signed in with this token, as far as its stores or its options show it."""
    auth = context.client.auth
    if not _may_be_login(context, kind) or not isinstance(auth, BearerAuth):
        return False
    return any(auth.holds(stored.secret) for stored in entry.stored or ())


def _ensure_entry(kind: TokenKind, login: _Login, context: ModuleContext, entry: Entry) -> None:
    """Do what the module does for one credential, and keep what it returns."""
    if login.refused:
        # Each further attempt may lock the account.
        entry.failure = "not tried, because Quay refused the login for another credential of the task"
        return
    try:
        entry.result = kind.ensure(context.with_params(entry.params))
    except Exception as error:
        # One credential must not keep the others, which may be issued already, from their consumers.
        login.refused = login.refused or isinstance(error, (BadLogin, NotAuthenticated))
        entry.failure = failure_message(error)


def _combined(entries: Sequence[Entry]) -> Result:
    rows = [entry.row for entry in entries]
    failed = [entry for entry in entries if entry.failure]
    failure = ""
    if failed:
        messages = "; ".join(f"{entry.label}: {entry.failure}" for entry in failed)
        failure = f"{len(failed)} of {len(entries)} credentials failed, and results has all of them. {messages}"
    return Result(
        changed=any(row["changed"] for row in rows),
        values={"results": rows},
        diffs=[entry.diff for entry in entries if entry.diff],
        failure=failure,
    )
