# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The report of a rotation: one row per credential, a table for people, and the counts. Pure, and without secrets."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterator, Mapping, Sequence

from .._core.texts import listed
from .kinds import KINDS
from .policy import EXPIRED, MISSING, NOT_DUE, NOTHING, REMOVE

# What a module returned that the report shows. Never its secret.
_RESULTS: Mapping[str, Any] = {
    "changed": False,
    "minted": False,
    "window_seconds": None,
    "delivered": [],
    "retired": [],
    "ended": None,
    "deleted": [],
    "removed": [],
    "granted": [],
    "federation_added": [],
    "federation_removed": [],
    "waiting_for": [],
    "failed_hosts": {},
}

# What is left after a robot was deleted: Quay does not look for it where a registry token grants access.
_ENDED = "former logins are refused, and access that they were granted ends within an hour"
# What is left after the token of a robot was replaced, or a robot was kept.
_NOT_ENDED = "registry tokens of the former secret stay valid"

# So many stores of one credential are named. rotation_report has all of them.
_NAMED_PLACES = 4

# A report of so many credentials lists all of them, a longer one leaves out those that are not due.
_SHORT = 20

_HEADER = ("CREDENTIAL", "KIND", "REASON", "MESSAGE", "ACTION")
# What happened to a credential, in the order of the summary: the name of the count, and the words for it.
OUTCOMES = (
    ("failed", "failed", "would fail"),
    ("created", "created", "would be created"),
    ("rotated", "rotated", "would be rotated"),
    ("delivered", "delivered again", "would be delivered again"),
    ("removed", "removed", "would be removed"),
    ("retired", "with an old secret revoked", "with an old secret to revoke"),
    ("changed", "changed", "would be changed"),
    ("waiting", "waiting for hosts", "waiting for hosts"),
    ("kept", "due but kept (rotate: never)", "due but kept (rotate: never)"),
    ("not_due", "not due", "not due"),
)
_FAILED, _CREATED, _ROTATED, _DELIVERED, _REMOVED, _RETIRED, _CHANGED, _WAITING, _KEPT, _NOT_DUE = (
    name for name, *_words in OUTCOMES
)


def make_report(
    declared: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]] | None,
    *,
    check_mode: bool = False,
    interruption: str | None = None,
    earlier: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The rows in the order of the declarations, the lines of the table, and the summary.

    ``results``: what quay_rotation returned for each credential, None if it did not run.
    ``interruption``: why the run stopped before all credentials were done. ``earlier``: the rows of other credentials,
    which earlier batches reported. The table does not repeat them.
    """
    stopped = interruption or "the run was interrupted"
    by_name = {str(result["name"]): result for result in results or ()}
    rows = [_row(item, by_name.get(str(item["name"])), stopped) for item in declared]
    lines = _lines(rows, check_mode, interruption)
    every = [*(dict(row) for row in earlier), *rows]
    if earlier:
        lines.append(f"All batches: {_summary_line(list(map(outcome_of, every)), check_mode)}")
    return {"rows": every, "lines": lines, "summary": _summary(every, check_mode)}


def _lines(rows: Sequence[Mapping[str, Any]], check_mode: bool, interruption: str | None) -> list[str]:
    if not rows and interruption:
        return [f"Nothing was done: {interruption}"]
    failed = [row for row in rows if row["error"]]
    shown = [*failed, *(row for row in rows if not row["error"])]
    if len(rows) > _SHORT:
        # A long report is about what happened. The first line sums up the rest.
        shown = [row for row in shown if outcome_of(row) != _NOT_DUE]
    table = _table(shown, check_mode) if shown else []
    return [_summary_line(list(map(outcome_of, rows)), check_mode), *table]


def _summary(rows: Sequence[Mapping[str, Any]], check_mode: bool) -> dict[str, Any]:
    outcomes = list(map(outcome_of, rows))
    return {
        "check_mode": check_mode,
        "credentials": len(rows),
        **{name: outcomes.count(name) for name, *_words in OUTCOMES},
        "errors": {row["name"]: row["error"] for row in rows if row["error"]},
        "rotated_names": [row["name"] for row, outcome in zip(rows, outcomes) if outcome == _ROTATED],
    }


def progress_line(total: int, remaining: int, failed: int, seconds: float) -> str:
    """How far a long run is. ``seconds``: since it began."""
    done = total - remaining
    parts = [f"{done} of {total} credentials done"]
    if failed:
        parts.append(f"{failed} failed")
    if remaining and done:
        parts.append(f"about {max(1, round(seconds / done * remaining))} s left")
    return ", ".join(parts)


def _row(declared: Mapping[str, Any], result: Mapping[str, Any] | None, stopped: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": declared["name"], "kind": declared["kind"], **_RESULTS, "former_valid_until": None}
    if result is None:
        return {
            **row,
            "due": False,
            "reason": None,
            "message": "not done",
            "action": NOTHING,
            "error": f"not done: {stopped}",
        }
    row.update({key: value for key, value in result.items() if key != "token"})
    # What cannot be revoked lives on, unless it had expired. Until when?
    replaced = row["minted"] and row["reason"] != EXPIRED and not KINDS[declared["kind"]].is_revocable
    row["former_valid_until"] = row.pop("former_expires_at", None) if replaced else None
    row.pop("former_expires_at", None)
    return row


def outcome_of(row: Mapping[str, Any]) -> str:
    """What happened to a credential: the name of its count in the summary."""
    if row["error"]:
        return _FAILED
    if row["minted"]:
        return _CREATED if row["reason"] == MISSING else _ROTATED
    if row["delivered"]:
        return _DELIVERED
    if row["deleted"] or (row["action"] == REMOVE and (row["removed"] or row["retired"])):
        return _REMOVED
    if row["retired"]:
        return _RETIRED
    if row["changed"]:
        return _CHANGED
    if row["waiting_for"] and row["reason"] != NOT_DUE:
        return _WAITING
    return _NOT_DUE if row["reason"] == NOT_DUE else _KEPT


def _summary_line(outcomes: Sequence[str], check_mode: bool) -> str:
    counts = Counter(outcomes)
    if not outcomes:
        return "No credentials are declared. There is nothing to do."
    return ", ".join(
        f"{counts[name]} {would if check_mode else done}" for name, done, would in OUTCOMES if counts[name]
    )


def _table(rows: Sequence[Mapping[str, Any]], check_mode: bool) -> list[str]:
    """The lines of the table. Every column but the last is as wide as its widest cell."""
    cells = [_HEADER, *(_cells(row, check_mode) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADER) - 1)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]).rstrip() for line in cells]


def _cells(row: Mapping[str, Any], check_mode: bool) -> tuple[str, ...]:
    if row["error"]:
        return (row["name"], row["kind"], row["reason"] or "-", *_failure(row, check_mode))
    return (row["name"], row["kind"], row["reason"] or "-", row["message"], action_of(row, check_mode))


def action_of(row: Mapping[str, Any], check_mode: bool) -> str:
    """What was done for a credential, or would be done, as a sentence without a full stop."""
    actions = "; ".join(_would_do(row) if check_mode else _done(row)) or "none"
    actions = f"would {actions}" if check_mode and actions != "none" else actions
    until = row.get("former_valid_until")
    if until:
        actions += f"; the former token stays valid until {until}"
    if row["waiting_for"] and row.get("superseded"):
        actions += f"; the former secret is kept for {listed(row['waiting_for'])}"
    if row["waiting_for"] and row["action"] == REMOVE:
        actions += f"; not removed from {listed(row['waiting_for'])}"
    if row["ended"] is not None:
        actions += f"; {_ENDED if row['ended'] else _NOT_ENDED}"
    return actions


def _failure(row: Mapping[str, Any], check_mode: bool) -> tuple[str, str]:
    """Why the credential was due, if that is not the error, and the error with what was done nevertheless."""
    error, message = str(row["error"]), str(row["message"])
    done = "" if check_mode else "; ".join(_done(row))
    nevertheless = f" (done: {done})" if done else ""
    return "-" if error.startswith(message) else message, f"FAILED: {error}{nevertheless}"


def _done(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _actions(
        row, ("minted", "delivered to", "revoked", "deleted", "removed from", "granted", "trusted", "distrusted")
    )


def _would_do(row: Mapping[str, Any]) -> Iterator[str]:
    yield from _actions(row, ("mint", "deliver to", "revoke", "delete", "remove from", "grant", "trust", "distrust"))


def _actions(row: Mapping[str, Any], verbs: Sequence[str]) -> Iterator[str]:
    mint, deliver, revoke, delete, remove, grant, trust, distrust = verbs
    if row["minted"]:
        yield f"{mint} {row['fingerprint'] or 'a new secret'}"
    if row["delivered"]:
        yield f"{deliver} {listed(row['delivered'], _NAMED_PLACES)}"
    if row["retired"]:
        yield f"{revoke} {len(row['retired'])}"
    if row["deleted"]:
        yield f"{delete} {', '.join(row['deleted'])}"
    if row["removed"]:
        yield f"{remove} {listed(row['removed'], _NAMED_PLACES)}"
    if row["granted"]:
        yield f"{grant} {', '.join(row['granted'])}"
    if row["federation_added"]:
        yield f"{trust} {listed(row['federation_added'])}"
    if row["federation_removed"]:
        yield f"{distrust} {listed(row['federation_removed'])}"
