# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The module quay_audit_info: every credential that Quay lists, and the rules of a policy that each breaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any, Iterable, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._core.times import format_time
from .._module.context import ModuleContext, Result
from .audit_reading import Scope, read_credentials
from .audit_records import recorded_times, with_records
from .audit_rules import (
    DETAILS,
    POLICY_OPTIONS,
    RULE_NAMES,
    RULES,
    findings_of,
    needed_details,
    policy_from_options,
)
from .audited import API, CLIENT_SECRET, FEDERATION, KINDS, ROBOT, Audited
from .declaration_info import hide_secrets_alone
from .declaration_options import is_unset
from .kinds import KINDS as DECLARED_KINDS
from .many import share_work
from .validation import Declared, read_declarations

# Of the documents that are made of the result.
SCHEMA_VERSION = 1
_LOGGED_FOR = timedelta(days=90)

AUDIT_OPTIONS: dict[str, Any] = {
    "organizations": {"type": "list", "elements": "str", "default": []},
    "all_organizations": {"type": "bool", "default": False},
    "user_robots": {"type": "bool", "default": False},
    "own_account": {"type": "bool", "default": False},
    "rules": {"type": "list", "elements": "str", "choices": sorted(RULE_NAMES)},
    "required_rules": {"type": "list", "elements": "str", "choices": sorted(RULE_NAMES), "default": []},
    "details": {"type": "list", "elements": "str", "choices": sorted(DETAILS), "default": []},
    "credentials": {"type": "raw", "no_log": True},
    "records": {"type": "list", "elements": "path", "default": []},
    "parallel": {"type": "int", "default": 4},
    **POLICY_OPTIONS,
}


def get_audit_info(context: ModuleContext) -> Result:
    """The module quay_audit_info. It sends GET requests only."""
    params = context.params
    policy = policy_from_options(params)
    scope = _scope(params, policy.max_age or _LOGGED_FOR)
    declared = _declarations(context)
    if declared is None and "undeclared" in params["required_rules"]:
        raise BadInput("required_rules: undeclared needs credentials, the declarations to compare with")
    times = recorded_times(params["records"])
    share_work(context, params["parallel"])
    reading = read_credentials(context, scope)
    now = context.client.now()
    known = with_records(reading.items, times, now)
    items = [replace(item, declared=_is_declared(item, declared)) for item in known]
    rules = [rule.name for rule in RULES if params["rules"] is None or rule.name in params["rules"]]
    rows = [{**item.public(now), "findings": findings_of(item, rules, policy, now)} for item in _sorted(items)]
    unchecked = list(_unchecked(rules, scope, declared is not None))
    values = {
        "schema_version": SCHEMA_VERSION,
        "audited_at": format_time(now),
        "server": context.client.origin,
        "organizations": reading.organizations,
        "rules": rules,
        "policy": {name: params[name] for name in POLICY_OPTIONS},
        "unchecked": unchecked,
        "problems": reading.problems,
        "limits": reading.limits,
        "summary": summary_of(rows, rules),
        "credentials": rows,
    }
    return Result(changed=False, values=values)


def _scope(params: Mapping[str, Any], logged_for: timedelta) -> Scope:
    """What to read. Raises BadInput if it is nothing, or contradictory."""
    organizations = [name.strip() for name in params["organizations"] if name.strip()]
    every = params["all_organizations"]
    if not organizations and not every and not params["own_account"]:
        raise BadInput(
            "Nothing is to be audited. Set organizations, or all_organizations: true with the login of a superuser, or "
            "own_account: true"
        )
    if params["user_robots"] and not every:
        raise BadInput("user_robots needs all_organizations: true, and the login of a superuser")
    required = params["required_rules"]
    left_out = [rule for rule in required if params["rules"] is not None and rule not in params["rules"]]
    if left_out:
        raise BadInput(f"required_rules names rules that are not in rules: {', '.join(left_out)}")
    return Scope(
        organizations=organizations,
        all_organizations=every,
        user_robots=params["user_robots"],
        own_account=params["own_account"],
        users=every or "owner_disabled" in required,
        details=frozenset({*params["details"], *needed_details(required)}),
        logged_for=logged_for,
    )


def _sorted(items: Iterable[Audited]) -> list[Audited]:
    return sorted(
        items,
        key=lambda item: (
            item.organization or "",
            KINDS.index(item.kind),
            item.name,
            item.owner or "",
            item.uuid or item.client_id or item.description,
        ),
    )


def _unchecked(rules: Sequence[str], scope: Scope, has_declarations: bool) -> Iterator[dict[str, str]]:
    """The rules that could not be checked, or only in part, and what that needs."""
    for rule in RULES:
        if rule.name not in rules:
            continue
        if rule.needs is not None and rule.needs not in scope.details:
            yield {"rule": rule.name, "message": f"Set details to include {rule.needs}"}
        elif rule.name == "owner_disabled" and not scope.users:
            yield {
                "rule": rule.name,
                "message": "Set required_rules to include owner_disabled, with the login of a superuser",
            }
        elif rule.name == "undeclared" and not has_declarations:
            yield {"rule": rule.name, "message": "Set credentials to the declarations"}


def summary_of(rows: Sequence[Mapping[str, Any]], rules: Sequence[str]) -> dict[str, Any]:
    """The numbers of credentials and findings."""
    by_rule = Counter(finding["rule"] for row in rows for finding in row["findings"])
    by_kind = Counter(row["kind"] for row in rows)
    return {
        "credentials": len(rows),
        "with_findings": sum(1 for row in rows if row["findings"]),
        "findings": sum(by_rule.values()),
        "by_rule": {rule: by_rule[rule] for rule in rules},
        "by_kind": {kind: by_kind[kind] for kind in KINDS},
    }


# --- declarations


def _declarations(context: ModuleContext) -> list[Declared] | None:
    """The declared credentials; None if none are given, which is not the same as an empty list. Raises BadInput."""
    given = context.params["credentials"]
    if is_unset(given) and given != []:
        return None
    hide_secrets_alone(context)
    declared = read_declarations(given, context.params["quay_host"])
    return [item for item in declared if item.options.get("state") != "absent"]


def _is_declared(item: Audited, declared: Sequence[Declared] | None) -> bool | None:
    """Whether a declaration covers it. An identity of a federation belongs to its robot."""
    if declared is None or item.kind == FEDERATION:
        return None
    return any(_covers(one, item) for one in declared)


def _covers(declared: Declared, item: Audited) -> bool:
    options = declared.options
    if item.kind == CLIENT_SECRET:
        # An application that issues declared tokens has a purpose.
        if options["kind"] not in (API, CLIENT_SECRET):
            return False
        by_name = (options.get("organization"), options.get("application")) == (item.organization, item.application)
        return by_name or options.get("client_id") == item.client_id
    if options["kind"] != item.kind:
        return False
    kind = DECLARED_KINDS[item.kind]
    return not set(_identities_of(item)).isdisjoint(kind.identities(options))


def _identities_of(item: Audited) -> Iterator[Any]:
    """What identifies it in declarations of its kind. A robot of a user may be declared without the user's name."""
    listed = {"name": item.name, "organization": item.organization, "client_id": item.client_id}
    yield from DECLARED_KINDS[item.kind].listed_identities(listed)
    if item.kind == ROBOT and item.organization is None:
        yield item.name.rpartition("+")[2]
