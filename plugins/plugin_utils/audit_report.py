# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit as JSON, CSV and Markdown, and as lines for the output of a job."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._core.texts import listed
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audit_rules import RULE_NAMES, RULES
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audited import (
    API,
    APP,
    CLIENT_SECRET,
    FEDERATION,
    ROBOT,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import (
    is_unset,
    read_list,
    suggestion,
)
from ansible_collections.tokensmith.quay.plugins.plugin_utils.report_files import as_csv, as_markdown, encodable
from ansible_collections.tokensmith.quay.plugins.plugin_utils.report_files import markdown_text as md

# The keys of the result of quay_audit_info that make the document.
KEYS = (
    "schema_version",
    "audited_at",
    "server",
    "organizations",
    "rules",
    "policy",
    "unchecked",
    "problems",
    "limits",
    "summary",
    "credentials",
)
TITLES = {rule.name: rule.title for rule in RULES}
KIND_NAMES = {
    ROBOT: "robot account",
    API: "OAuth access token",
    APP: "app token",
    CLIENT_SECRET: "client secret",
    FEDERATION: "federated identity",
}
# Any rule, in audit_fail_on.
ANY = "any"
# So many credentials are named in the output of a job. The files have all of them.
_NAMED = 20
_COLUMNS = (
    "kind",
    "name",
    "organization",
    "owner",
    "owner_enabled",
    "application",
    "client_id",
    "uuid",
    "description",
    "created_at",
    "age_source",
    "age_days",
    "last_accessed",
    "expires_at",
    "scopes",
    "teams",
    "repositories",
    "federation",
    "mirrors",
    "declared",
)


def document_of(audit: Mapping[str, Any]) -> dict[str, Any]:
    """The audit without what Ansible adds to results. Raises BadInput if it is none."""
    missing = [key for key in KEYS if key not in audit]
    if missing:
        raise BadInput(f"This is no result of quay_audit_info: it lacks {listed(missing)}")
    return {key: audit[key] for key in KEYS}


def as_json_text(audit: Mapping[str, Any]) -> str:
    """The audit as JSON, which roles/audit/files/audit.schema.json describes."""
    return json.dumps(document_of(audit), indent=2) + "\n"


def as_csv_text(audit: Mapping[str, Any]) -> str:
    """One line for each credential."""
    rows = [
        [*(_flat(row[name], name) for name in _COLUMNS), rules_of(row), messages_of(row)]
        for row in document_of(audit)["credentials"]
    ]
    return as_csv([*_COLUMNS, "rules", "findings"], rows)


def _flat(value: Any, name: str) -> Any:
    """A value as one cell."""
    if not isinstance(value, list):
        return value
    words = {"teams": _team, "repositories": _repository, "federation": _identity}
    return "; ".join(map(words.get(name, str), value))


def _team(team: Mapping[str, Any]) -> str:
    return f"{team['name']} ({team['role'] or 'of another organization'})"


def _repository(item: Mapping[str, Any]) -> str:
    role = f" ({item['role']})" if item["role"] else ""
    return f"{item['repository']}{role}{' by the team ' + item['team'] if item['team'] else ''}"


def _identity(entry: Mapping[str, Any]) -> str:
    return f"{entry['subject']} of {entry['issuer']}"


def rules_of(row: Mapping[str, Any]) -> str:
    """The names of the rules that a credential breaks."""
    return "; ".join(finding["rule"] for finding in row["findings"])


def messages_of(row: Mapping[str, Any]) -> str:
    """Why it breaks them."""
    return "; ".join(finding["message"] for finding in row["findings"])


def title_of(row: Mapping[str, Any]) -> str:
    """The name of a credential for people."""
    return row["name"] or "(no name)"


def what_it_is(row: Mapping[str, Any]) -> str:
    """The kind of a credential, with what it belongs to."""
    owner = row["owner"] or "an unknown user"
    return {
        ROBOT: "robot account, leased" if row["expires_at"] else "robot account",
        API: f"OAuth access token of {row['application']}",
        CLIENT_SECRET: "client secret of the application",
        APP: f"app token of {owner}",
        FEDERATION: f"federated identity of {owner}",
    }[row["kind"]]


def rights_of(row: Mapping[str, Any]) -> str:
    """What a credential may do, in a few words."""
    if row["kind"] == API:
        return ", ".join(row["scopes"])
    if row["kind"] == APP:
        return "pull and push as its user"
    if row["kind"] == FEDERATION:
        return f"what {row['owner']} may do"
    if row["kind"] == CLIENT_SECRET:
        return "sign in as the application"
    parts = [f"team {_team(team)}" for team in row["teams"] or ()]
    parts += _roles(row["repositories"] or ())
    return listed(parts, 3) or "nothing"


def _roles(repositories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The repositories, by role, the most powerful first."""
    for role in ("admin", "write", "read", None):
        names = sorted({item["repository"] for item in repositories if item["role"] == role})
        if names:
            yield f"{role or 'a role'} on {names[0] if len(names) == 1 else f'{len(names)} repositories'}"


def use_of(row: Mapping[str, Any]) -> str:
    """The last use in words, if there is no date."""
    return "" if row["last_accessed"] else "never" if row["use_known"] else "unknown"


def expiry_of(row: Mapping[str, Any]) -> str:
    """The expiry in words, if there is no date."""
    if row["expires_at"]:
        return ""
    return "unknown" if row["kind"] == API else "never"


# --- Markdown


def as_markdown_text(audit: Mapping[str, Any]) -> str:
    """The numbers, and the credentials with findings."""
    found = document_of(audit)
    return encodable("\n".join([*_heading(found), *_notes(found), *_numbers(found), *_findings(found)]))


def _heading(audit: Mapping[str, Any]) -> Iterator[str]:
    yield "# Quay credential audit\n"
    organizations = listed([md(name) for name in audit["organizations"]], 5) or "none"
    yield f"Server {md(audit['server'])}, {md(audit['audited_at'])}. Organizations: {organizations}.\n"


def _notes(audit: Mapping[str, Any]) -> Iterator[str]:
    if audit["problems"]:
        yield "**This audit is incomplete.**\n"
        yield "".join(f"- {md(item['subject'])}: {md(item['message'])}\n" for item in audit["problems"])
    if audit["unchecked"]:
        yield "Not checked, or only in part:\n"
        yield "".join(f"- {TITLES[item['rule']]}: {md(item['message'])}\n" for item in audit["unchecked"])
    if audit["limits"]:
        yield "".join(f"- {md(limit)}\n" for limit in audit["limits"])


def _numbers(audit: Mapping[str, Any]) -> Iterator[str]:
    summary = audit["summary"]
    yield f"{summary['with_findings']} of {summary['credentials']} credentials have findings.\n"
    counts = [(TITLES[rule], count) for rule, count in summary["by_rule"].items() if count]
    if counts:
        yield as_markdown(["Rule", "Credentials"], counts)


def _findings(audit: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [
            title_of(row),
            what_it_is(row),
            row["organization"],
            "" if row["age_days"] is None else row["age_days"],
            row["last_accessed"] or use_of(row),
            row["expires_at"] or expiry_of(row),
            messages_of(row),
        ]
        for row in audit["credentials"]
        if row["findings"]
    ]
    if rows:
        yield "## Findings\n"
        yield as_markdown(
            ["Credential", "Kind", "Organization", "Age in days", "Last used", "Expires", "Findings"], rows
        )


# --- the output of a job


def outcome_of(
    audit: Mapping[str, Any], fail_on: Any = None, *, allow_incomplete: bool = False, paths: Sequence[str] = ()
) -> dict[str, Any]:
    """The lines of the report, and why the job fails (empty if it does not). ``paths``: of the files.

    ``fail_on``: rules, or ``any``.
    """
    found, rules = document_of(audit), read_rules(fail_on)
    reasons = list(_failures(found, rules))
    if found["problems"] and not allow_incomplete:
        problems = "; ".join(f"{item['subject']}: {item['message'].rstrip('.')}" for item in found["problems"][:3])
        more = len(found["problems"]) - 3
        reasons.insert(0, f"The audit is incomplete. {problems}{f'; and {more} more' if more > 0 else ''}")
    return {"lines": list(_lines(found, paths)), "failure": ". ".join(reasons)}


def read_rules(given: Any) -> list[str]:
    """The names in audit_fail_on. Raises BadInput for one that is no rule."""
    names = [] if is_unset(given) else read_list(given, "audit_fail_on")
    unknown = [name for name in names if name not in (*RULE_NAMES, ANY)]
    if unknown:
        hints = [f"'{name}' is no rule{suggestion(name, [*RULE_NAMES, ANY])}" for name in unknown]
        raise BadInput(f"audit_fail_on: {'; '.join(hints)}")
    return names


def _failures(audit: Mapping[str, Any], fail_on: Sequence[str]) -> Iterator[str]:
    unchecked = [item["rule"] for item in audit["unchecked"] if item["rule"] in fail_on]
    unchecked += [rule for rule in fail_on if rule not in (*audit["rules"], ANY)]
    if unchecked:
        yield f"Not checked completely, although audit_fail_on names it: {', '.join(unchecked)}"
    for rule, count in audit["summary"]["by_rule"].items():
        if count and (rule in fail_on or ANY in fail_on):
            names = [title_of(row) for row in audit["credentials"] if rule in _broken(row)]
            yield f"{TITLES[rule]} ({rule}): {listed(names)}"


def _broken(row: Mapping[str, Any]) -> set[str]:
    return {finding["rule"] for finding in row["findings"]}


def _lines(audit: Mapping[str, Any], paths: Sequence[str]) -> Iterator[str]:
    summary = audit["summary"]
    yield f"{summary['with_findings']} of {summary['credentials']} credentials have findings"
    counts = [f"{count} {TITLES[rule].lower()}" for rule, count in summary["by_rule"].items() if count]
    if counts:
        yield ", ".join(counts)
    yield from (f"NOT READ: {item['subject']}: {item['message']}" for item in audit["problems"])
    if audit["unchecked"]:
        yield f"Not checked, or only in part: {', '.join(item['rule'] for item in audit['unchecked'])}"
    yield from audit["limits"]
    broken = [row for row in audit["credentials"] if row["findings"]]
    yield from _table(broken[:_NAMED])
    if len(broken) > _NAMED:
        yield f"... and {len(broken) - _NAMED} more"
    yield from (f"Report: {path}" for path in paths)


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    cells = [("CREDENTIAL", "KIND", "FINDINGS"), *((title_of(row), row["kind"], messages_of(row)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in (0, 1)]
    return [f"{name.ljust(widths[0])}  {kind.ljust(widths[1])}  {text}" for name, kind, text in cells]
