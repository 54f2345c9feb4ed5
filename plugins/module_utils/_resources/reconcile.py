# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""How everything that a play declares (a user, a repository, a team) is comparison: find, compare, write once, read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Protocol

from .._core.errors import QuayError, Unconfirmed
from .._module.context import ModuleContext, Result

PRESENT = "present"
ABSENT = "absent"


class Resource(Protocol):
    """What one kind of object must be able to do. It decides nothing, and compares nothing."""

    what: str  # what to call the object, for a person: "the team acme/dev"
    path: str  # where Quay has it, for messages

    def read(self) -> Mapping[str, Any] | None:
        """The object's fields that a play can declare, as Quay has them now; None where there is none. No secrets."""

    def create(self, desired: Mapping[str, Any]) -> None:
        """Create it with these fields: all that are declared or have a default."""

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        """Change only these fields. ``present`` is for endpoints that wipe what an update leaves out."""

    def delete(self) -> None:
        """Delete it."""


class CachedRead:
    """Of a keeper that looks at its object before it is asked to: that one look serves the first ``find``, too."""

    def __init__(self) -> None:
        self.present: Mapping[str, Any] | None = None  # as it was before the first write
        self._looked = False

    def prefetch(self) -> Mapping[str, Any] | None:
        """See how the object is now, to refuse what cannot succeed, in check mode too."""
        self.present, self._looked = self._fetch(), True
        return self.present

    def read(self) -> Mapping[str, Any] | None:
        """What was looked at already, and from then on how it is."""
        if self._looked:
            self._looked = False
            return self.present
        return self._fetch()

    def _fetch(self) -> Mapping[str, Any] | None:
        """Ask Quay for the object's fields; None where there is none."""
        raise NotImplementedError


@dataclass(frozen=True)
class Comparison:
    """Both sides of the one comparison; a side is None where the object does not exist."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def created(self) -> bool:
        return self.before is None and self.after is not None

    def result(self, values: Mapping[str, Any]) -> Result:
        """What the module answers: its return keys, C(changed) and the diff out of this comparison."""
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
    """Bring an object to its declared state; in check mode only tell the difference.

    ``declared`` has the fields that the play names (the others keep their values), ``defaults`` those of a new object.
    ``has_undelivered_secret`` says, after the write, whether its answer had a secret that the caller has yet to be told; what goes
    wrong from then on is a warning, because a task that fails would swallow it.
    A status of success proves little in Quay, and one of failure neither, so a write is believed when it is read back.
    Raises Unconfirmed where Quay claims success and the object is not as written.
    """
    before = resource.read()
    after = None if state == ABSENT else {**(defaults if before is None else before), **declared}
    comparison = Comparison(before, after)
    if comparison.changed:
        context.server.refuse_if_read_only("DELETE" if after is None else "PUT", resource.path)
    if comparison.changed and not context.check_mode:
        try:
            _write(resource, comparison, declared)
        except QuayError as error:
            if not has_undelivered_secret():
                raise
            context.warn(
                f"{error}. The task succeeds all the same, because it returns a secret that Quay tells only once: keep "
                f"it, and look at {resource.what}."
            )
    return comparison


def _write(resource: Resource, comparison: Comparison, declared: Mapping[str, Any]) -> None:
    """Write once. After an unclear answer nothing is repeated: what Quay then has tells whether it was done."""
    failure: QuayError | None = None
    try:
        _send(resource, comparison)
    except QuayError as error:
        if not error.outcome_unknown:
            raise
        failure = error
    differs = _differences(resource.read(), comparison, declared)
    if differs and failure is not None:
        raise failure
    if differs:
        raise Unconfirmed(
            f"Quay reported success, but {resource.what} is not as written ({', '.join(differs)}). Run the task again, "
            "and look whether something else changes it"
        )


def _send(resource: Resource, comparison: Comparison) -> None:
    if comparison.after is None:
        resource.delete()
    elif comparison.before is None:
        resource.create(comparison.after)
    else:
        before, after = comparison.before, comparison.after
        resource.update(before, {key: value for key, value in after.items() if before.get(key) != value})


def _differences(found: Mapping[str, Any] | None, comparison: Comparison, declared: Mapping[str, Any]) -> list[str]:
    """What is not as written: the names of fields, or the object's existence itself."""
    if found is None or comparison.after is None:
        return [] if found is comparison.after else ["absent" if found is None else "present"]
    return sorted(key for key, value in declared.items() if found.get(key) != value)
