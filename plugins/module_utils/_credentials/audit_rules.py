# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The rules of an audit: which of them a credential breaks, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Callable, Iterable, Mapping, Sequence

from .._core.texts import listed
from .._core.times import format_duration, parse_duration
from .._quay.oauth import LONGEST_LIFETIME
from .audited import API, APP, ROBOT, Audited
from .policy import AGE_FROM_CREATION, AGE_FROM_RECORD

# What is read only on request, because it costs a request for each robot, repository or mirror.
FEDERATION, LOGS, MIRRORS, ROLES = "federation", "logs", "mirrors", "roles"
DETAILS = (FEDERATION, LOGS, MIRRORS, ROLES)

# A token that lives so much shorter than Quay's maximum was given a lifetime.
_TOLERANCE = timedelta(days=2)
_NAMED = 2


@dataclass(frozen=True)
class AuditPolicy:
    """The limits of the rules. None: no limit."""

    max_age: timedelta | None
    unused_for: timedelta | None
    never_used_after: timedelta | None
    max_lifetime: timedelta | None
    expires_within: timedelta | None
    dangerous_scopes: frozenset[str]


POLICY_OPTIONS: dict[str, Any] = {
    "max_age": {"type": "str", "default": "90d"},
    "unused_for": {"type": "str", "default": "90d"},
    "never_used_after": {"type": "str", "default": "30d"},
    "max_lifetime": {"type": "str", "default": "365d"},
    "expires_within": {"type": "str", "default": "14d"},
    "dangerous_scopes": {
        "type": "list",
        "elements": "str",
        "default": ["org:admin", "repo:admin", "super:user", "user:admin"],
    },
}


def policy_from_options(params: Mapping[str, Any]) -> AuditPolicy:
    """The policy. Raises BadInput for what is no duration. 0 means no limit."""
    durations = {
        name: parse_duration(params[name], name) or None
        for name in ("max_age", "unused_for", "never_used_after", "max_lifetime", "expires_within")
    }
    return AuditPolicy(**durations, dangerous_scopes=frozenset(params["dangerous_scopes"] or ()))


@dataclass(frozen=True)
class Rule:
    """One rule. ``broken``: why a credential breaks it, as a sentence; empty if it does not.

    ``needs``: what must have been read.
    """

    name: str
    title: str
    broken: Callable[[Audited, AuditPolicy, datetime], str]
    needs: str | None = None


def _too_old(item: Audited, policy: AuditPolicy, now: datetime) -> str:
    if policy.max_age is None or item.created_at is None or now - item.created_at <= policy.max_age:
        return ""
    age, limit = format_duration(now - item.created_at), format_duration(policy.max_age)
    if item.age_source == AGE_FROM_CREATION:
        return f"up to {age} old, limit {limit} (Quay shows the age of the robot, not of its token)"
    if item.age_source == AGE_FROM_RECORD:
        return f"up to {age} old, limit {limit} (by the record of its delivery)"
    return f"{age} old, limit {limit}"


def _never_used(item: Audited, policy: AuditPolicy, now: datetime) -> str:
    # A robot whose token is replaced regularly can be one that nobody uses.
    since = item.exists_since or item.created_at
    if not item.use_known or item.last_accessed is not None or since is None:
        return ""
    if policy.never_used_after is None or now - since <= policy.never_used_after:
        return ""
    return f"never used since it was created {format_duration(now - since)} ago"


def _unused(item: Audited, policy: AuditPolicy, now: datetime) -> str:
    if not item.use_known or item.last_accessed is None or policy.unused_for is None:
        return ""
    unused = now - item.last_accessed
    return "" if unused <= policy.unused_for else f"last used {format_duration(unused)} ago"


def _no_expiry(item: Audited, _policy: AuditPolicy, _now: datetime) -> str:
    if item.kind == APP and item.expires_at is None:
        return "does not expire (the server sets no expiry for app tokens)"
    lifetime = _lifetime(item)
    if item.kind == API and lifetime is not None and lifetime >= LONGEST_LIFETIME - _TOLERANCE:
        return "issued without a lifetime, so that it is valid for ten years"
    return ""


def _long_lifetime(item: Audited, policy: AuditPolicy, now: datetime) -> str:
    lifetime = _lifetime(item)
    if policy.max_lifetime is None or lifetime is None or lifetime <= policy.max_lifetime or item.is_lease:
        return ""
    if _no_expiry(item, policy, now):
        return ""
    return f"valid for {format_duration(lifetime)}, limit {format_duration(policy.max_lifetime)}"


def _lifetime(item: Audited) -> timedelta | None:
    return None if item.expires_at is None or item.created_at is None else item.expires_at - item.created_at


def _expiring(item: Audited, policy: AuditPolicy, now: datetime) -> str:
    if item.expires_at is None or policy.expires_within is None:
        return ""
    if item.expires_at <= now:
        return f"expired {format_duration(now - item.expires_at)} ago"
    remaining = item.expires_at - now
    # A lease is meant to expire.
    return f"expires in {format_duration(remaining)}" if remaining < policy.expires_within and not item.is_lease else ""


def _dangerous_scopes(item: Audited, policy: AuditPolicy, _now: datetime) -> str:
    found = [scope for scope in item.scopes if scope in policy.dangerous_scopes]
    return f"has the scope{'s' if len(found) > 1 else ''} {', '.join(found)}" if found else ""


def _admin_robot(item: Audited, _policy: AuditPolicy, _now: datetime) -> str:
    return f"administers the {listed(item.admin_of, _NAMED)}" if item.kind == ROBOT and item.admin_of else ""


def _owner_disabled(item: Audited, _policy: AuditPolicy, _now: datetime) -> str:
    if item.owner_enabled is not False:
        return ""
    return f"belongs to the user {item.owner}, who is disabled. It works again when the user is enabled"


def _undeclared(item: Audited, _policy: AuditPolicy, _now: datetime) -> str:
    return "no declaration covers it" if item.declared is False and not item.is_lease else ""


def _no_federation(item: Audited, _policy: AuditPolicy, _now: datetime) -> str:
    # A mirror signs in with the token of its robot.
    if item.kind != ROBOT or item.federation is None or item.federation or item.mirrors:
        return ""
    return "has no federation, so that its users need a stored secret"


def _hard_to_replace(item: Audited, _policy: AuditPolicy, _now: datetime) -> str:
    reasons = []
    if item.mirrors:
        reasons.append(f"the mirror of {listed(item.mirrors, _NAMED)} uses it")
    foreign = [team.name for team in item.teams or () if team.role is None]
    if foreign:
        reasons.append(f"it is a member of a team of another organization ({listed(foreign, _NAMED)})")
    return "; ".join(reasons)


# In the order of reports.
RULES: Sequence[Rule] = (
    Rule("dangerous_scopes", "Dangerous scopes", _dangerous_scopes),
    Rule("admin_robot", "Admin robot", _admin_robot),
    Rule("owner_disabled", "Owner disabled", _owner_disabled),
    Rule("no_expiry", "No expiry", _no_expiry),
    Rule("long_lifetime", "Long lifetime", _long_lifetime),
    Rule("too_old", "Too old", _too_old),
    Rule("never_used", "Never used", _never_used),
    Rule("unused", "Unused", _unused),
    Rule("expiring", "Expiring soon", _expiring),
    Rule("undeclared", "Not declared", _undeclared),
    Rule("hard_to_replace", "Hard to replace", _hard_to_replace, MIRRORS),
    Rule("no_federation", "No federation", _no_federation, FEDERATION),
)
RULE_NAMES = [rule.name for rule in RULES]


def needed_details(rules: Iterable[str]) -> set[str]:
    """What must be read in addition to check these rules completely."""
    named = set(rules)
    return {rule.needs for rule in RULES if rule.needs is not None and rule.name in named}


def findings_of(item: Audited, rules: Iterable[str], policy: AuditPolicy, now: datetime) -> list[dict[str, str]]:
    """The rules that a credential breaks, each with the reason."""
    named = set(rules)
    found = [(rule.name, rule.broken(item, policy, now)) for rule in RULES if rule.name in named]
    return [{"rule": name, "message": message} for name, message in found if message]
