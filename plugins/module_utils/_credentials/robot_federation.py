# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The federation of one robot: which OIDC identities may exchange a token of theirs for one of the robot."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Sequence

from .._core.errors import BadInput
from .._core.texts import listed
from .._module.context import ModuleContext, Result
from .._quay.robots import FederationEntry, RobotName, Robots

FEDERATION_OPTIONS: dict[str, Any] = {
    "federation": {
        "type": "list",
        "elements": "dict",
        "options": {"issuer": {"type": "str", "required": True}, "subject": {"type": "str", "required": True}},
    },
    "federation_exclusive": {"type": "bool", "default": True},
}


class DeclaredFederation:
    """The identities that a robot must trust. Others are removed, unless ``exclusive`` is false."""

    def __init__(self, context: ModuleContext, entries: Sequence[Mapping[str, str]], *, exclusive: bool = True) -> None:
        """Raises BadInput for an issuer that Quay refuses. Sends nothing."""
        self._context = context
        self._robots = Robots(context.client)
        self._exclusive = exclusive
        self._desired = list(dict.fromkeys(FederationEntry(entry["issuer"], entry["subject"]) for entry in entries))
        for entry in self._desired:
            if not entry.issuer.startswith(("https://", "http://")):
                raise BadInput(
                    f"federation: the issuer '{entry.issuer}' must be an http or https URL, whose scheme is in lower "
                    "case"
                )

    def ensure(self, name: RobotName, result: Result, *, is_new: bool) -> Result:
        """The result of the rotation, completed by the federation. ``is_new``: the robot did not exist before."""
        self._warn_of_useless_entries()
        present = [] if is_new else self._robots.federation(name)
        after = self._desired if self._exclusive else list(dict.fromkeys([*present, *self._desired]))
        added = [entry for entry in after if entry not in present]
        removed = [entry for entry in present if entry not in after]
        if added or removed:
            self._context.server.refuse_if_read_only("POST", f"{name.path}/federation")
        if removed:
            self._warn_of_issued_tokens(name, removed)
        if (added or removed) and not self._context.check_mode:
            self._robots.set_federation(name, after)
        changes = {"federation_added": _shown(added), "federation_removed": _shown(removed)}
        return Result(
            changed=result.changed or bool(added or removed),
            values={**result.values, "federation": _values(after), **changes},
            before={**result.before, "federation": _values(present)},
            after={**result.after, "federation": _values(after)},
            message=result.message,
            waiting_for=result.waiting_for,
        )

    def _warn_of_useless_entries(self) -> None:
        """Quay stores them as they are, and compares them exactly with those of OIDC tokens."""
        for issuer in dict.fromkeys(entry.issuer for entry in self._desired):
            if issuer.startswith("http://"):
                self._context.warn(
                    f"federation: Quay stores the issuer '{issuer}', but accepts no OIDC token of it, because its URL "
                    "begins with http://. Use an issuer with https."
                )
        for text in _texts(self._desired):
            if text != text.strip():
                self._context.warn(
                    f"federation: '{text}' has a blank around it. Quay compares it exactly, so it fits no OIDC token."
                )

    def _warn_of_issued_tokens(self, name: RobotName, removed: Sequence[FederationEntry]) -> None:
        verb = "will be removed" if self._context.check_mode else "were removed"
        self._context.warn(
            f"The federation entries {listed(_shown(removed))} of {name} {verb}. They get no new tokens, but what was "
            f"issued to them stays valid, and can be renewed without end, until {name} is deleted."
        )


def _texts(entries: Iterable[FederationEntry]) -> list[str]:
    return list(dict.fromkeys(text for entry in entries for text in (entry.issuer, entry.subject)))


def _sorted(entries: Iterable[FederationEntry]) -> list[FederationEntry]:
    return sorted(entries, key=lambda entry: (entry.issuer, entry.subject))


def _values(entries: Iterable[FederationEntry]) -> list[dict[str, str]]:
    return [{"issuer": entry.issuer, "subject": entry.subject} for entry in _sorted(entries)]


def _shown(entries: Iterable[FederationEntry]) -> list[str]:
    return [f"{entry.subject} of {entry.issuer}" for entry in _sorted(entries)]
