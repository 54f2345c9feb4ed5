# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Reconcile one object in Quay with its declared state: read, compare, write once, read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Protocol

from .._core.errors import BadInput, QuayError, Unconfirmed
from .._module.context import ModuleContext, Result

# The opposite of an option that makes a list exclusive, as infra.quay_configuration calls it.
_APPEND = "append"

PRESENT = "present"
ABSENT = "absent"


def is_exclusive(params: Mapping[str, Any], option: str, subject: str) -> bool:
    """Return whether the list in the option ``subject`` is exclusive, by ``option`` or by its opposite ``append``.

    Raises BadInput if it is, and ``subject`` is not given.
    """
    given = option if params[option] else f"{_APPEND}: false" if params[_APPEND] is False else None
    if given is not None and params[subject] is None:
        raise BadInput(f"{given} needs {subject}. An empty list removes all {subject}")
    return given is not None


class Resource(Protocol):
    """One object in Quay, as ``reconcile`` reads and writes it. It compares nothing and decides nothing."""

    what: str  # how messages name the object, such as "the team acme/dev"
    path: str  # its API path, for messages

    def read(self) -> Mapping[str, Any] | None:
        """Return the fields that a play can declare, as Quay has them now; None if the object does not exist.

        The fields appear in diffs, so they hold no secrets.
        """

    def create(self, desired: Mapping[str, Any]) -> None:
        """Create the object. ``desired`` has every field that is declared or has a default."""

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        """Change the fields in ``changes``. ``present`` has all fields: some endpoints clear what a request omits."""

    def delete(self) -> None:
        """Delete the object."""


class CachedRead:
    """Base class of resources that are read before ``reconcile``, whose first read then sends no request."""

    def __init__(self, context: ModuleContext) -> None:
        self._context = context
        self.present: Mapping[str, Any] | None = None  # the fields before the first write
        self._prefetched = False

    def prefetch(self) -> Mapping[str, Any] | None:
        """Read the object, so that a change that cannot succeed is refused before any write, in check mode too."""
        self.present, self._prefetched = self._fetch(), True
        return self.present

    def read(self) -> Mapping[str, Any] | None:
        """Return the prefetched fields once; after that, read the object from Quay."""
        if self._prefetched:
            self._prefetched = False
            return self.present
        return self._fetch()

    @property
    def _deletes(self) -> bool:
        return bool(self._context.params["state"] == ABSENT)

    def _fetch(self) -> Mapping[str, Any] | None:
        """Request the object's fields from Quay; None if it does not exist."""
        raise NotImplementedError


@dataclass(frozen=True)
class Comparison:
    """The fields before and after a run. A side is None if the object does not exist there."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def created(self) -> bool:
        return self.before is None and self.after is not None

    def result(self, values: Mapping[str, Any]) -> Result:
        """Return the module's result. ``values`` are its return keys; changed and diff follow from the comparison."""
        return Result(self.changed, values, self.before or {}, self.after or {})


def reconcile(
    context: ModuleContext,
    resource: Resource,
    state: str,
    declared: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    has_undelivered_secret: Callable[[], bool] = bool,
) -> Comparison:
    """Bring an object to its declared state and return the comparison. In check mode, nothing is written.

    ``declared``: the fields that the play names; all others keep their values. ``defaults``: the fields of a new
    object. ``has_undelivered_secret``: whether Quay's response held a secret that the caller does not have yet. An
    error after that is a warning, because a failed task would lose the secret.

    Quay reports some failures as success and some successes as failure. So the object is read back after each write.
    Raises Unconfirmed if Quay reports success and the object differs; ReadOnlyRegistry if the registry takes no writes.
    """
    before = resource.read()
    after = None if state == ABSENT else {**(defaults if before is None else before), **declared}
    comparison = Comparison(before, after)
    if comparison.changed:
        context.server.refuse_if_read_only("DELETE" if after is None else "PUT", resource.path)
    if comparison.changed and not context.check_mode:
        try:
            _write_and_confirm(resource, comparison, declared)
        except QuayError as error:
            if not has_undelivered_secret():
                raise
            context.warn(
                f"{error}. The task succeeds nevertheless, because it returns a secret that Quay shows only once. "
                f"Store the secret, then check {resource.what}."
            )
    return comparison


def attempt(write: Callable[[], None]) -> QuayError | None:
    """Send a write once. Return None if it succeeded, or the error if the write may have taken effect all the same.

    In the second case the caller reads the object to find out. Any other error is raised.
    """
    try:
        write()
    except QuayError as error:
        if not error.outcome_unknown:
            raise
        return error
    return None


def _write_and_confirm(resource: Resource, comparison: Comparison, declared: Mapping[str, Any]) -> None:
    error = attempt(lambda: _write(resource, comparison))
    differing = _differences(resource.read(), comparison, declared)
    if differing and error is not None:
        raise error
    if differing:
        raise Unconfirmed(
            f"Quay reported success, but {resource.what} is not as written ({', '.join(differing)}). Check whether "
            "another program changes it, then run the task again"
        )


def _write(resource: Resource, comparison: Comparison) -> None:
    if comparison.after is None:
        resource.delete()
    elif comparison.before is None:
        resource.create(comparison.after)
    else:
        before, after = comparison.before, comparison.after
        resource.update(before, {key: value for key, value in after.items() if before.get(key) != value})


def _differences(found: Mapping[str, Any] | None, comparison: Comparison, declared: Mapping[str, Any]) -> list[str]:
    """Return the names of the declared fields that differ; ["absent"] or ["present"] if the existence differs."""
    if found is None or comparison.after is None:
        return [] if found is comparison.after else ["absent" if found is None else "present"]
    return sorted(key for key, value in declared.items() if found.get(key) != value)
