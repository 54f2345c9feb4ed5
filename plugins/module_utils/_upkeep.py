# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""How everything that a play declares (a user, a repository, a team) is kept: find, compare, write once, read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Protocol

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import QuayError, Unconfirmed
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome

PRESENT = "present"
ABSENT = "absent"


class Keeper(Protocol):
    """What one kind of object must be able to do. It decides nothing, and compares nothing."""

    what: str  # what to call the object, for a person: "the team acme/dev"
    path: str  # where Quay has it, for messages

    def find(self) -> Mapping[str, Any] | None:
        """The object's fields that a play can declare, as Quay has them now; None where there is none. No secrets."""

    def create(self, wanted: Mapping[str, Any]) -> None:
        """Create it with these fields: all that are declared or have a default."""

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        """Change only these fields. ``present`` is for endpoints that wipe what an update leaves out."""

    def delete(self) -> None:
        """Delete it."""


class Looking:
    """Of a keeper that looks at its object before it is asked to: that one look serves the first ``find``, too."""

    def __init__(self) -> None:
        self.present: Mapping[str, Any] | None = None  # as it was before the first write
        self._looked = False

    def look(self) -> Mapping[str, Any] | None:
        """See how the object is now, to refuse what cannot succeed, in check mode too."""
        self.present, self._looked = self._read(), True
        return self.present

    def find(self) -> Mapping[str, Any] | None:
        """What was looked at already, and from then on how it is."""
        if self._looked:
            self._looked = False
            return self.present
        return self._read()

    def _read(self) -> Mapping[str, Any] | None:
        """Ask Quay for the object's fields; None where there is none."""
        raise NotImplementedError


@dataclass(frozen=True)
class Kept:
    """Both sides of the one comparison; a side is None where the object does not exist."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def created(self) -> bool:
        return self.before is None and self.after is not None

    def outcome(self, values: Mapping[str, Any]) -> Outcome:
        """What the module answers: its return keys, C(changed) and the diff out of this comparison."""
        return Outcome(self.changed, values, self.before or {}, self.after or {})


def keep(
    call: Call,
    keeper: Keeper,
    state: str,
    declared: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    owes_secret: Callable[[], bool] = bool,
) -> Kept:
    """Bring an object to its declared state; in check mode only tell the difference.

    ``declared`` has the fields that the play names (the others keep their values), ``defaults`` those of a new object.
    ``owes_secret`` says, after the write, whether its answer had a secret that the caller has yet to be told; what goes
    wrong from then on is a warning, because a task that fails would swallow it.
    A status of success proves little in Quay, and one of failure neither, so a write is believed when it is read back.
    Raises Unconfirmed where Quay claims success and the object is not as written.
    """
    before = keeper.find()
    after = None if state == ABSENT else {**(defaults if before is None else before), **declared}
    kept = Kept(before, after)
    if kept.changed:
        call.server.refuse_if_read_only("DELETE" if after is None else "PUT", keeper.path)
    if kept.changed and not call.check_mode:
        try:
            _write(keeper, kept, declared)
        except QuayError as error:
            if not owes_secret():
                raise
            call.warn(
                f"{error}. The task succeeds all the same, because it returns a secret that Quay tells only once: keep "
                f"it, and look at {keeper.what}."
            )
    return kept


def _write(keeper: Keeper, kept: Kept, declared: Mapping[str, Any]) -> None:
    """Write once. After an unclear answer nothing is repeated: what Quay then has tells whether it was done."""
    failure: QuayError | None = None
    try:
        _send(keeper, kept)
    except QuayError as error:
        if not error.unclear:
            raise
        failure = error
    differs = _differences(keeper.find(), kept, declared)
    if differs and failure is not None:
        raise failure
    if differs:
        raise Unconfirmed(
            f"Quay reported success, but {keeper.what} is not as written ({', '.join(differs)}). Run the task again, "
            "and look whether something else changes it"
        )


def _send(keeper: Keeper, kept: Kept) -> None:
    if kept.after is None:
        keeper.delete()
    elif kept.before is None:
        keeper.create(kept.after)
    else:
        before, after = kept.before, kept.after
        keeper.update(before, {key: value for key, value in after.items() if before.get(key) != value})


def _differences(found: Mapping[str, Any] | None, kept: Kept, declared: Mapping[str, Any]) -> list[str]:
    """What is not as written: the names of fields, or the object's existence itself."""
    if found is None or kept.after is None:
        return [] if found is kept.after else ["absent" if found is None else "present"]
    return sorted(key for key, value in declared.items() if found.get(key) != value)
