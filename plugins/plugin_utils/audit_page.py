# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit as a page."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._core.texts import listed
from ansible_collections.tokensmith.quay.plugins.module_utils._core.times import parse_time
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audited import API, ROBOT
from ansible_collections.tokensmith.quay.plugins.plugin_utils.audit_report import (
    KIND_NAMES,
    TITLES,
    document_of,
    expiry_of,
    rights_of,
    title_of,
    use_of,
    what_it_is,
)
from ansible_collections.tokensmith.quay.plugins.plugin_utils.html_report import (
    BAD,
    COLUMNS,
    DATE,
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

_TABLE = "credentials"
_TONES = {
    "dangerous_scopes": BAD,
    "admin_robot": BAD,
    "owner_disabled": BAD,
    "undeclared": INFO,
    "hard_to_replace": INFO,
    "no_federation": INFO,
}
# The upper bounds of ages, in days.
_AGES = ((30, "up to 30 days"), (90, "31 to 90 days"), (180, "91 to 180 days"), (365, "181 to 365 days"))
_OLDER = ((730, "1 to 2 years"), (None, "over 2 years"))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHOWN_MONTHS = 12
_SOURCES = {
    "quay": "shown by Quay",
    "log": "from the usage logs",
    "record": "from the record of a delivery; the token may be newer",
    "creation": "when the robot account was created; its token may be newer",
}


def audit_page(audit: Mapping[str, Any]) -> str:
    """The page, as the text of an HTML file."""
    found = document_of(audit)
    return build_page(
        Page(
            title="Quay credential audit",
            lines=list(_lines(found)),
            notices=list(_notices(found)),
            tiles=list(_tiles(found)),
            charts=[_rules_chart(found), _age_chart(found), _expiry_chart(found)],
            tables=[_table(found)],
            footer=f"Made by the Ansible collection tokensmith.quay. Policy: {_policy(found)}. Times are in UTC.",
        )
    )


def _lines(audit: Mapping[str, Any]) -> Iterator[str]:
    yield f"{audit['server']} · {_minute(audit['audited_at'])} UTC"
    count = len(audit["organizations"])
    if count:
        yield f"{count} organization{'s' if count > 1 else ''}: {listed(audit['organizations'], 8)}"


def _minute(time: str | None) -> str:
    return (time or "")[:16].replace("T", " ")


def _policy(audit: Mapping[str, Any]) -> str:
    texts = (", ".join(value) if isinstance(value, list) else str(value) for value in audit["policy"].values())
    return "; ".join(f"{name} {text}" for name, text in zip(audit["policy"], texts))


def _notices(audit: Mapping[str, Any]) -> Iterator[Notice]:
    if audit["problems"]:
        lines = [f"{item['subject']}: {item['message']}" for item in audit["problems"]]
        yield Notice(BAD, "This audit is incomplete. The login may not read all of it.", lines)
    if not audit["summary"]["findings"] and not audit["problems"]:
        yield Notice(GOOD, "No credential breaks a rule.")
    lines = [f"{TITLES[item['rule']]}: {item['message']}" for item in audit["unchecked"]]
    if lines or audit["limits"]:
        yield Notice(INFO, "What this audit does not show", [*lines, *audit["limits"]], is_folded=True)


def _tiles(audit: Mapping[str, Any]) -> Iterator[Tile]:
    summary = audit["summary"]
    by_rule = summary["by_rule"]
    kinds = [f"{count:,} {KIND_NAMES[kind]}{'s' if count != 1 else ''}" for kind, count in _present(summary["by_kind"])]
    yield Tile("Credentials", f"{summary['credentials']:,}", ", ".join(kinds))
    share = round(100 * summary["with_findings"] / summary["credentials"]) if summary["credentials"] else 0
    tone = BAD if summary["with_findings"] else GOOD
    yield Tile("With findings", f"{summary['with_findings']:,}", f"{share} % of all", tone)
    dangerous = sum(by_rule.get(rule, 0) for rule in ("dangerous_scopes", "admin_robot"))
    yield Tile("Far-reaching rights", f"{dangerous:,}", "dangerous scopes, admin robots", BAD if dangerous else GOOD)
    idle = sum(by_rule.get(rule, 0) for rule in ("never_used", "unused"))
    yield Tile("Not in use", f"{idle:,}", "never used, or long ago", WARN if idle else GOOD)
    old = by_rule.get("too_old", 0)
    yield Tile("Too old", f"{old:,}", f"limit {audit['policy']['max_age']}", WARN if old else GOOD)
    expiring = by_rule.get("expiring", 0)
    yield Tile(
        "Expire soon", f"{expiring:,}", f"within {audit['policy']['expires_within']}", WARN if expiring else GOOD
    )


def _present(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in counts.items() if count]


# --- charts


def _rules_chart(audit: Mapping[str, Any]) -> Chart:
    unchecked = {item["rule"] for item in audit["unchecked"]}
    counts = audit["summary"]["by_rule"]
    bars = [
        Bar(TITLES[rule], count, _TONES.get(rule, WARN), (_TABLE, "findings", rule))
        for rule, count in counts.items()
        if count or rule not in unchecked
    ]
    note = f"Not checked: {', '.join(TITLES[rule].lower() for rule in sorted(unchecked))}." if unchecked else ""
    return Chart("Findings by rule", sorted(bars, key=lambda item: -item.value), note=note)


def _age_chart(audit: Mapping[str, Any]) -> Chart:
    ages = [row["age_days"] for row in audit["credentials"]]
    bounds = (*_AGES, *_OLDER)
    counts: Counter[str] = Counter(_bucket(age, bounds) for age in ages if age is not None)
    bars = [Bar(label, counts[label]) for _bound, label in bounds]
    bars.append(Bar("unknown", ages.count(None), PLAIN))
    by_robot = sum(1 for row in audit["credentials"] if row["age_source"] == "creation")
    note = "Of a robot account, this is the age of the account. Its token may be newer." if by_robot else ""
    return Chart("Age", bars, note=note)


def _bucket(age: int, bounds: Sequence[tuple[int | None, str]]) -> str:
    return next(label for bound, label in bounds if bound is None or age <= bound)


def _expiry_chart(audit: Mapping[str, Any]) -> Chart:
    now = parse_time(audit["audited_at"]) or datetime.now(timezone.utc)
    times = [parse_time(row["expires_at"]) for row in audit["credentials"]]
    known = [time for time in times if time is not None]
    months = list(_months(now))
    counts = Counter((time.year, time.month) for time in known if time > now)
    shown = {(year, month): counts[year, month] for year, month in months}
    soon = now + timedelta(days=31)
    bars = [Bar("Past", sum(1 for time in known if time <= now), BAD)]
    bars += [
        Bar(_month(year, month, months[0]), count, WARN if (year, month) <= (soon.year, soon.month) else "")
        for (year, month), count in shown.items()
    ]
    bars.append(Bar("Later", sum(counts.values()) - sum(shown.values()), PLAIN))
    forever = sum(1 for row in audit["credentials"] if expiry_of(row) == "never")
    note = f"{forever:,} credentials have no expiry, robot accounts and client secrets among them." if forever else ""
    return Chart("Expiry", bars, COLUMNS, note)


def _months(now: datetime) -> Iterator[tuple[int, int]]:
    for number in range(now.month - 1, now.month - 1 + _SHOWN_MONTHS):
        yield now.year + number // 12, number % 12 + 1


def _month(year: int, month: int, first: tuple[int, int]) -> str:
    return f"{_MONTHS[month - 1]} {year}" if month == 1 or (year, month) == first else _MONTHS[month - 1]


# --- the table


def _table(audit: Mapping[str, Any]) -> Table:
    has_declarations = any(row["declared"] is not None for row in audit["credentials"])
    columns = [
        Column("name", "Credential"),
        Column("kind", "Kind", is_filter=True, is_hidden=True, labels=KIND_NAMES),
        Column("organization", "Organization", is_filter=True),
        Column("rights", "May do"),
        Column("age", "Age in days", NUMBER, descends_first=True),
        Column("used", "Last used", DATE),
        Column("expires", "Expires", DATE),
        Column("findings", "Findings", TAGS, is_filter=True, descends_first=True, labels=TITLES, tones=_tones()),
    ]
    if has_declarations:
        columns.append(Column("declared", "Declared", is_filter=True, is_hidden=True))
    rows = [_row(row, has_declarations) for row in audit["credentials"]]
    return Table(_TABLE, "Credentials", "credential", columns, rows, (len(columns) - 1 - has_declarations, -1))


def _tones() -> dict[str, str]:
    return {rule: _TONES.get(rule, WARN) for rule in TITLES}


def _row(row: Mapping[str, Any], has_declarations: bool) -> Row:
    by_account = row["age_source"] == "creation"
    age = (
        [row["age_days"], "of the account"] if by_account else [row["age_days"], "" if row["created_at"] else "unknown"]
    )
    cells: list[Any] = [
        [title_of(row), what_it_is(row)],
        row["kind"],
        row["organization"] or "(of a user)",
        rights_of(row),
        age,
        [row["last_accessed"], use_of(row)],
        [row["expires_at"], expiry_of(row)],
        [finding["rule"] for finding in row["findings"]],
    ]
    if has_declarations:
        cells.append({True: "yes", False: "no", None: "not applicable"}[row["declared"]])
    return Row(cells, list(_details(row)))


def _details(row: Mapping[str, Any]) -> Iterator[Detail]:
    if row["findings"]:
        yield "Findings", [f"{TITLES[item['rule']]}: {item['message']}" for item in row["findings"]]
    for label, value in (
        ("Description", row["description"]),
        ("Owner", _owner(row)),
        ("Application", row["application"] if row["kind"] == API else None),
        ("Client ID", row["client_id"]),
        ("UUID", row["uuid"]),
        ("Issued", _issued(row)),
        ("Last used", _minute(row["last_accessed"])),
        ("Expires", _minute(row["expires_at"])),
    ):
        if value:
            yield label, str(value)
    yield from _rights(row)


def _owner(row: Mapping[str, Any]) -> str | None:
    return f"{row['owner']} (disabled)" if row["owner_enabled"] is False else row["owner"]


def _issued(row: Mapping[str, Any]) -> str:
    if not row["created_at"]:
        return ""
    return f"{_minute(row['created_at'])} ({_SOURCES.get(row['age_source'], row['age_source'])})"


def _rights(row: Mapping[str, Any]) -> Iterator[Detail]:
    if row["teams"]:
        yield "Teams", [f"{team['name']}: {team['role'] or 'of another organization'}" for team in row["teams"]]
    if row["repositories"]:
        yield "Repositories", [_repository(item) for item in row["repositories"]]
    if row["kind"] == ROBOT and row["federation"] is not None:
        entries = [f"{entry['subject']} of {entry['issuer']}" for entry in row["federation"]]
        yield "Federation", entries or "none"
    if row["mirrors"]:
        yield "Used by the mirror of", list(row["mirrors"])


def _repository(item: Mapping[str, Any]) -> str:
    role = item["role"] or "role not read"
    return f"{item['repository']}: {role}{' by the team ' + item['team'] if item['team'] else ''}"
