# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a rotation as a page: what was due and why, what was done, what failed, and what is still valid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._core.texts import listed
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import KINDS
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import (
    OUTCOMES,
    action_of,
    outcome_of,
)
from ansible_collections.tokensmith.quay.plugins.plugin_utils.html_report import (
    BAD,
    GOOD,
    INFO,
    NUMBER,
    PLAIN,
    TAGS,
    WARN,
    Bar,
    Chart,
    Column,
    Detail,
    Notice,
    Page,
    Row,
    Table,
    Tile,
    build_page,
)

_CREDENTIALS, _DELIVERIES, _VALID = "credentials", "deliveries", "valid"
_TONES = {"failed": BAD, "waiting": WARN, "kept": WARN, "created": GOOD, "rotated": GOOD, "not_due": PLAIN}
# A file of another host than the rotator.
_ON_HOST = re.compile(r"([^\s:/]+):(/.*)", re.DOTALL)
# So many windows are shown, and so many lines of a notice. The tables have all.
_LONGEST = 8
_NAMED = 12
_WRITTEN = ("delivered", "removed")


@dataclass(frozen=True)
class Facts:
    """What is known of the run in addition to its rows. ``time``: of the report, such as 2026-01-31T12:00Z."""

    server: str
    rotator: str
    time: str
    check_mode: bool = False
    interruption: str = ""
    undeclared: Sequence[Mapping[str, Any]] = ()
    login_warnings: Sequence[str] = ()


def rotation_page(rows: Sequence[Mapping[str, Any]], facts: Facts) -> str:
    """The page, as the text of an HTML file. ``rows``: of rotation_report."""
    kept = list(_still_valid(rows))
    tables = [_credentials(rows, facts), _deliveries(rows, facts)]
    if kept:
        tables.append(_valid(kept))
    return build_page(
        Page(
            title="Quay credential rotation" + (" (prediction)" if facts.check_mode else ""),
            lines=[f"{facts.server} · {facts.time.replace('T', ' ').replace('Z', ' UTC')}"],
            notices=list(_notices(rows, facts)),
            tiles=list(_tiles(rows, facts, kept)),
            charts=list(_charts(rows, facts)),
            tables=tables,
            footer="Made by the Ansible collection tokensmith.quay. A fingerprint is the first digits of the SHA-256 "
            "of a secret, which is not in the report.",
        )
    )


def _words(facts: Facts) -> dict[str, str]:
    return {name: would if facts.check_mode else done for name, done, would in OUTCOMES}


def _notices(rows: Sequence[Mapping[str, Any]], facts: Facts) -> Iterator[Notice]:
    if facts.interruption:
        yield Notice(BAD, "The run was interrupted.", [facts.interruption])
    failed = [f"{row['name']}: {row['error']}" for row in rows if row["error"]]
    if failed:
        count = f"{len(failed)} credential{'s' if len(failed) > 1 else ''}"
        yield Notice(BAD, f"{count} {'would fail' if facts.check_mode else 'failed'}", _first(failed))
    waiting = [f"{row['name']}: {listed(row['waiting_for'], 5)}" for row in rows if row["waiting_for"]]
    if waiting:
        yield Notice(WARN, "Less was done than is due, because these hosts were not seen", _first(waiting))
    if facts.login_warnings:
        yield Notice(WARN, "The login of the rotation", list(facts.login_warnings))
    if facts.undeclared:
        places = [
            f"{item['path']} ({item.get('name') or item.get('username') or 'unknown'})" for item in facts.undeclared
        ]
        yield Notice(INFO, "No longer declared, but delivered by earlier runs", places, is_folded=True)
    if facts.check_mode:
        yield Notice(INFO, "This is a prediction in check mode. Nothing was changed.")
    elif not failed and not waiting and not facts.interruption:
        yield Notice(GOOD, "No credential failed, and no host is missing.")


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _NAMED
    return [*lines[:_NAMED], *([f"and {more} more, see the table"] if more > 0 else [])]


def _tiles(rows: Sequence[Mapping[str, Any]], facts: Facts, kept: Sequence[Row]) -> Iterator[Tile]:
    outcomes = list(map(outcome_of, rows))
    yield Tile("Credentials", f"{len(rows):,}", f"{outcomes.count('not_due'):,} not due")
    failed = outcomes.count("failed")
    yield Tile("Failed", f"{failed:,}", "see above" if failed else "", BAD if failed else GOOD)
    yield Tile("New secrets", f"{sum(1 for row in rows if row['minted']):,}", "created or rotated")
    hosts = {host for row in rows for host, _store, *_rest in _places(row, facts)}
    yield Tile("Hosts", f"{len(hosts):,}", "written, cleared or failed")
    windows = [row["window_seconds"] for row in rows if row["window_seconds"]]
    yield Tile("Longest window", f"{max(windows):.2f} s" if windows else "none", "from the mint to the last delivery")
    yield Tile("Still valid", f"{len(kept):,}", "former secrets", WARN if kept else GOOD)


def _charts(rows: Sequence[Mapping[str, Any]], facts: Facts) -> Iterator[Chart]:
    outcomes, words = list(map(outcome_of, rows)), _words(facts)
    yield Chart(
        "Outcome",
        [
            Bar(words[name].capitalize(), outcomes.count(name), _TONES.get(name, INFO), (_CREDENTIALS, "outcome", name))
            for name, *_rest in OUTCOMES
            if name in outcomes
        ],
    )
    reasons = sorted({row["reason"] for row in rows if row["reason"] not in (None, "not_due")})
    if reasons:
        counts = {reason: sum(1 for row in rows if row["reason"] == reason) for reason in reasons}
        bars = [
            Bar(reason.replace("_", " "), counts[reason], "", (_CREDENTIALS, "reason", reason)) for reason in reasons
        ]
        yield Chart("Why due", sorted(bars, key=lambda item: -item.value))
    windows = sorted((row for row in rows if row["window_seconds"]), key=lambda row: -float(row["window_seconds"]))
    if windows:
        yield Chart(
            "Windows",
            [
                Bar(row["name"], row["window_seconds"], PLAIN, shown=f"{row['window_seconds']:.2f} s")
                for row in windows[:_LONGEST]
            ],
            note="From before the mint to the last delivery by the rotator. In it, consumers of a robot account that "
            "is rotated in place may hold a token that is no longer valid.",
        )


# --- tables


def _credentials(rows: Sequence[Mapping[str, Any]], facts: Facts) -> Table:
    columns = [
        Column("name", "Credential"),
        Column("kind", "Kind", is_filter=True, is_hidden=True),
        Column("outcome", "Outcome", TAGS, is_filter=True, labels=_words(facts), tones=_TONES),
        Column("reason", "Reason", is_filter=True),
        Column("message", "Status"),
        Column("action", "Would be done" if facts.check_mode else "Done"),
        Column("window", "Window in s", NUMBER, descends_first=True),
    ]
    # Failures first, and what was done before what was not due.
    order = [name for name, *_rest in OUTCOMES]
    ordered = sorted(rows, key=lambda row: order.index(outcome_of(row)))
    cells = [Row(_cells(row, facts), list(_details(row))) for row in ordered]
    return Table(_CREDENTIALS, "Credentials", "credential", columns, cells, None)


def _cells(row: Mapping[str, Any], facts: Facts) -> list[Any]:
    window = row["window_seconds"]
    return [
        [row["name"], KINDS[row["kind"]].title.partition(" ")[2]],
        row["kind"],
        [outcome_of(row)],
        row["reason"] or "unknown",
        "" if row["error"] and str(row["error"]).startswith(str(row["message"])) else row["message"],
        f"{row['error']}" if row["error"] else action_of(row, facts.check_mode),
        [None if window is None else round(float(window), 3), ""],
    ]


def _details(row: Mapping[str, Any]) -> Iterator[Detail]:
    for label, value in (
        ("User name", row.get("username")),
        ("Fingerprint", row.get("fingerprint")),
        ("Issued", row.get("created_at")),
        ("Expires", row.get("expires_at")),
        ("Last used", row.get("last_accessed")),
    ):
        if value:
            yield label, str(value)
    for label, key in (
        ("Delivered to", "delivered"),
        ("Removed from", "removed"),
        ("Revoked", "retired"),
        ("Deleted robot accounts", "deleted"),
        ("Granted", "granted"),
        ("Federation added", "federation_added"),
        ("Federation removed", "federation_removed"),
        ("Waiting for", "waiting_for"),
    ):
        if row.get(key):
            yield label, [str(item) for item in row[key]]
    if row["failed_hosts"]:
        yield "Failed hosts", [_named(host, str(error)) for host, error in row["failed_hosts"].items()]


def _named(host: str, error: str) -> str:
    """The error with the name of its host."""
    return error if error.startswith(f"{host}:") else f"{host}: {error}"


def _deliveries(rows: Sequence[Mapping[str, Any]], facts: Facts) -> Table:
    columns = [
        Column("credential", "Credential"),
        Column("host", "Host", is_filter=True),
        Column("store", "Store"),
        Column("result", "Result", TAGS, is_filter=True, tones={"failed": BAD, "missing": WARN, "delivered": GOOD}),
        Column("error", "Error"),
    ]
    cells = [Row([row["name"], *place]) for row in rows for place in _places(row, facts)]
    return Table(_DELIVERIES, "Hosts and stores", "delivery", columns, cells, (3, 1), plural="deliveries")


def _places(row: Mapping[str, Any], facts: Facts) -> Iterator[tuple[str, str, list[str], str]]:
    """For each store that was written or cleared, and each host that was not: host, store, result and error."""
    for result in _WRITTEN:
        for place in row[result]:
            found = _ON_HOST.fullmatch(str(place))
            yield found[1] if found else facts.rotator, found[2] if found else str(place), [result], ""
    for host, error in row["failed_hosts"].items():
        yield str(host), "", ["failed"], str(error)
    for host in row["waiting_for"]:
        if host not in row["failed_hosts"]:
            yield str(host), "", ["missing"], ""


def _still_valid(rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """The former secrets that are valid after the run, as rows."""
    for row in rows:
        until = row.get("former_valid_until")
        if until:
            yield Row([row["name"], "the former token", str(until), "it cannot be revoked"])
        for handle in row.get("superseded") or ():
            if handle not in row["retired"]:
                reason = f"{listed(row['waiting_for'], 5)} may use it" if row["waiting_for"] else "retire_after"
                yield Row([row["name"], f"the former secret {handle}", "a later run revokes it", reason])
        if row["ended"] is False:
            text = "registry tokens that were issued for the former secret"
            yield Row([row["name"], text, "unknown: they can be renewed", "delete the robot account to end them"])


def _valid(rows: Sequence[Row]) -> Table:
    columns = [
        Column("credential", "Credential"),
        Column("what", "What is valid"),
        Column("until", "Until"),
        Column("why", "Why"),
    ]
    return Table(_VALID, "What is still valid", "former secret", columns, rows)
