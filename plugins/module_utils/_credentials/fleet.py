# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One credential on many hosts: what the hosts of a play declare, what they hold, and what became of it. Pure.

The hosts of a play are inspected, each by itself. What they declare is one list of credentials for Quay. The hosts that
were not seen may hold any former secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._core.texts import listed
from .._stores.task_file import KIND as TASKS
from .kinds import KINDS, shared_uses

# Keys of a declared credential that each host has for itself.
_OWN_KEYS = ("deliver", "stores", "position", "identity")

_UNREACHABLE = "unreachable"
_FAILED = "failed"
_GONE = "unreachable or failed before"
_LATER = "in a later batch"
_EXCLUDED = "not part of this run"


@dataclass(frozen=True)
class Play:
    """The hosts of a play as this batch sees them.

    ``plans``: what quay_host_inspection returned on each host, ``deliveries``: what quay_host_delivery returned. Hosts
    of earlier batches are among them.
    """

    rotator: str
    hosts: Sequence[str]
    batch: Sequence[str]
    alive: Sequence[str]  # hosts on which no task failed
    running: Sequence[str]  # those of the hosts that --limit leaves
    plans: Mapping[str, Mapping[str, Any]]
    deliveries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pending: Sequence[str] = ()  # hosts on which a handler failed, so that a daemon may use what was there before
    ignored: Sequence[str] = ()
    expected: int | None = None

    @cached_property
    def seen(self) -> list[str]:
        """The hosts that were inspected in this run and did not fail since."""
        return [host for host in self.hosts if self._is_seen(host)]

    @cached_property
    def earlier(self) -> list[str]:
        """The hosts of earlier batches that are still there."""
        return [host for host in self.seen if host not in self.batch]

    @property
    def done(self) -> list[str]:
        """All hosts of earlier batches, those that were lost included."""
        return [host for host in self.plans if host not in self.batch]

    def why_missing(self, host: str) -> str:
        """The host, and why it was not seen."""
        if host not in self.running:
            reason = _EXCLUDED
        elif host not in self.plans:
            reason = _LATER if host in self.alive and host not in self.batch else _GONE
        else:
            lost = self.plans[host].get("unreachable") or self.deliveries.get(host, {}).get("lost")
            reason = _UNREACHABLE if lost else _FAILED
        return f"{host} ({reason})"

    def _is_seen(self, host: str) -> bool:
        plan = self.plans.get(host)
        if plan is None or plan.get("unreachable") or plan.get("failed") or host in self.pending:
            return False
        if self.deliveries.get(host, {}).get("lost"):
            return False
        return host in self.alive


def combined_credentials(play: Play) -> list[dict[str, Any]]:
    """The credentials of all hosts, each once: with the stores of the rotator, those of hosts, and the missing hosts.

    Raises BadInput if a host's declarations are invalid, or contradict another host's.
    """
    problems = [f"{host}: {plan.get('msg')}" for host, plan in play.plans.items() if _is_invalid(plan)]
    merged: dict[str, dict[str, Any]] = {}
    for host in play.seen:
        for declared in play.plans[host].get("credentials") or ():
            problems += _add(merged, host, declared, play)
    if not problems:
        problems = list(shared_uses(_used(name, credential) for name, credential in merged.items()))
    if problems:
        raise BadInput("; ".join(dict.fromkeys(problems)))
    return [_completed(credential, play) for credential in merged.values()]


def _used(name: str, credential: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    """A credential as it is compared with those of other hosts. Its identity ends with its server."""
    server = credential["identity"].rpartition(" of ")[2]
    return f"{name} on {credential['declared_by']}", server, {**credential["declared"], "name": name}


def names_in_plans(play: Play, key: str) -> list[str]:
    """The names in an option such as force, of all hosts."""
    return list(dict.fromkeys(name for host in play.seen for name in play.plans[host].get(key) or ()))


def planned_deliveries(
    results: Sequence[Mapping[str, Any]], credentials: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """How many of its stores each host has to write, by what the rotation returned or predicts."""
    counts: dict[str, int] = {}
    for credential, result in zip(credentials, results):
        places = {*(result.get("delivered") or ()), *(result.get("removed") or ())}
        for consumer in _all_consumers(credential):
            if f"{consumer['host']}:{consumer['place']}" in places:
                counts[consumer["host"]] = counts.get(consumer["host"], 0) + 1
    return counts


def delivered_names(
    results: Sequence[Mapping[str, Any]], credentials: Sequence[Mapping[str, Any]], rotator: str
) -> dict[str, list[str]]:
    """The names of the credentials of which a store of each host is written, for its handlers."""
    names: dict[str, list[str]] = {}
    for credential, result in zip(credentials, results):
        places = {*(result.get("delivered") or ()), *(result.get("removed") or ())}
        hosts = {item["host"] for item in _all_consumers(credential) if f"{item['host']}:{item['place']}" in places}
        for host in [*sorted(hosts), *([rotator] if places & _own_places(credential) else [])]:
            names.setdefault(host, []).append(credential["name"])
    return names


def wrote_own_files(results: Sequence[Mapping[str, Any]], credentials: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a file of the rotator itself is written."""
    return any(
        _own_places(credential) & {*(result.get("delivered") or ()), *(result.get("removed") or ())}
        for credential, result in zip(credentials, results)
    )


def _own_places(credential: Mapping[str, Any]) -> set[str]:
    own = [*credential["deliver"], *credential.get("former", ())]
    return {store["path"] for store in own if store.get("path")}


def _all_consumers(credential: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The stores of hosts, those to be cleared among them."""
    return [*credential["consumers"], *credential.get("former_consumers", ())]


def declared_task_files(credential: Mapping[str, Any], *, former: bool = False) -> list[Mapping[str, Any]]:
    """The stores of a credential that the user's own tasks write. ``former``: also those that they clear."""
    stores = [*credential["deliver"], *(credential.get("former", ()) if former else ())]
    return [store for store in stores if store["kind"] == TASKS]


@dataclass(frozen=True)
class TaskRun:
    """One inclusion of a task file. ``failed_task``: which one failed; empty if none did, None if they did not run."""

    name: str
    place: str
    failed_task: str | None

    @property
    def error(self) -> str | None:
        if self.failed_task == "":
            return None
        what = f"failed in the task '{self.failed_task}'" if self.failed_task else "did not run to its end"
        return f"{self.place} {what}, so its consumers may hold the former secret. Run the play again: it repeats it"


def task_runs(tasks: Sequence[Mapping[str, Any]], outcomes: Mapping[str, str]) -> list[TaskRun]:
    """``tasks``: those that were handed over. ``outcomes``: the failed task, or nothing, by the number of each."""
    return [TaskRun(task["name"], task["place"], outcomes.get(str(task["number"]))) for task in tasks]


def to_confirm(
    play: Play,
    credentials: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    runs: Sequence[TaskRun] = (),
) -> list[dict[str, Any]]:
    """The credentials to look at again: consumers were delivered to, and all of them hold what they were given."""
    failed = {run.name for run in runs if run.error}
    found = []
    for credential, result in zip(credentials, results):
        by_tasks = bool(declared_task_files(credential))
        delivered = bool(result.get("delivered")) and (by_tasks or bool(credential["consumers"]))
        # What task files deliver is confirmed by nothing but their success in this run.
        is_open = delivered or (by_tasks and bool(result.get("superseded")))
        if result.get("error") or not is_open or credential.get("state") == "absent" or credential["name"] in failed:
            continue
        after = [_after(play, credential, consumer) for consumer in credential["consumers"]]
        lost = [play.why_missing(item["host"]) for item in after if item["error"] or item["host"] not in play.seen]
        if not lost and not credential["missing"]:
            found.append({**credential, "consumers": after, "unchanged": not result.get("delivered")})
    return found


def final_results(
    play: Play,
    credentials: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    confirmed: Mapping[str, Mapping[str, Any]],
    compromised: Sequence[str],
    runs: Sequence[TaskRun] = (),
) -> list[dict[str, Any]]:
    """What became of each credential on all hosts."""
    rows = []
    for credential, result in zip(credentials, results):
        name = credential["name"]
        failed = {run.place: run.error for run in runs if run.name == name and run.error}
        rows.append(_final(play, credential, result, confirmed.get(name), name in compromised, failed))
    return rows


def with_earlier(row: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """The result of a credential after several batches of one run."""
    if earlier is None:
        return dict(row)
    both = dict(row)
    for key in ("delivered", "retired", "deleted", "removed", "granted"):
        both[key] = list(dict.fromkeys([*(earlier.get(key) or ()), *(row.get(key) or ())]))
    both["changed"] = bool(row.get("changed") or earlier.get("changed"))
    if earlier.get("minted"):
        both.update({key: earlier.get(key) for key in ("minted", "reason", "message", "window_seconds", "action")})
    both["ended"] = earlier.get("ended") if row.get("ended") is None else row["ended"]
    both["error"] = "; ".join(dict.fromkeys(filter(None, [earlier.get("error"), row.get("error")]))) or None
    return both


def _is_invalid(plan: Mapping[str, Any]) -> bool:
    return bool(plan.get("failed")) and not plan.get("unreachable")


def _add(merged: dict[str, dict[str, Any]], host: str, declared: Mapping[str, Any], play: Play) -> Iterator[str]:
    """Add what one host declares of a credential. Yields what contradicts another host."""
    name, options = declared["name"], {key: value for key, value in declared.items() if key not in _OWN_KEYS}
    credential = merged.setdefault(
        name,
        {
            "declared_by": host,
            "identity": declared["identity"],
            "declared": options,
            "deliver": [],
            "consumers": [],
            "former": [],
            "former_consumers": [],
            "expected": set(),
        },
    )
    different = sorted(
        key for key in {*options, *credential["declared"]} if options.get(key) != credential["declared"].get(key)
    )
    if declared["identity"] != credential["identity"]:
        different.append("quay_host")
    if different:
        yield (
            f"{name} is declared differently on {credential['declared_by']} and {host} ({', '.join(different)}). "
            "Declare it once, for example in group_vars/all, or give the two different names"
        )
    for store in declared["stores"]:
        own, consumers = ("former", "former_consumers") if store["former"] else ("deliver", "consumers")
        if store["on_rotator"] and store["options"] not in credential[own]:
            credential[own].append(store["options"])
        if store["inspected"] is not None:
            place = {"host": host, "entry": store["entry"], "options": store["options"]}
            credential[consumers].append({**store["inspected"], **place})
        if store["former"]:
            # Nobody uses it, so nothing waits for a host that was not seen.
            continue
        hosts = store["hosts"]
        # A host that was not seen is taken for one that declares the same.
        unseen = [other for other in play.hosts if other not in play.seen and other != play.rotator]
        credential["expected"].update(unseen if hosts is None else hosts)


def _completed(credential: Mapping[str, Any], play: Play) -> dict[str, Any]:
    """A credential as quay_rotation takes it."""
    consumers, missing = [], []
    for consumer in credential["consumers"]:
        known = _after(play, {**credential["declared"]}, consumer) if consumer["host"] in play.earlier else consumer
        if known["error"] and consumer["host"] in play.earlier:
            missing.append(f"{consumer['host']} (delivery failed)")
        else:
            consumers.append(known)
    expected = sorted(credential["expected"] - set(play.seen) - set(play.ignored) - {play.rotator})
    missing += [play.why_missing(host) for host in expected]
    if play.expected is not None and len(play.seen) < play.expected:
        missing.append(f"{play.expected - len(play.seen)} more of {play.expected} expected hosts")
    held_by = {consumer["host"] for consumer in consumers}
    return {
        **credential["declared"],
        "identity": credential["identity"],
        "deliver": credential["deliver"],
        "consumers": consumers,
        "former": credential["former"],
        "former_consumers": credential["former_consumers"],
        "missing": list(dict.fromkeys(missing)),
        "out_of_reach": [f"{host} (in an earlier batch)" for host in play.earlier if host in held_by],
    }


def _after(play: Play, credential: Mapping[str, Any], consumer: Mapping[str, Any]) -> dict[str, Any]:
    """A store of a host after the delivery to it."""
    host, delivered = consumer["host"], play.deliveries.get(consumer["host"])
    if delivered is None:
        return dict(consumer)
    for item in delivered.get("deliveries") or ():
        if (item["credential"], item["entry"]) == (credential["name"], consumer["entry"]):
            return {**consumer, **item, "host": host}
    if delivered.get("unreachable") or delivered.get("failed") or delivered.get("lost"):
        return {
            **consumer,
            "error": str(delivered.get("msg") or delivered.get("lost") or "the delivery failed").strip(),
        }
    return dict(consumer)


def _add_repeated_delivery(row: dict[str, Any], confirmed: Mapping[str, Any]) -> None:
    """Add what was delivered again, because the credential was rotated elsewhere during the delivery."""
    if confirmed.get("delivered"):
        row["delivered"] = list(dict.fromkeys([*(row.get("delivered") or ()), *confirmed["delivered"]]))
        row["message"] = f"{row.get('message')}; rotated elsewhere during the delivery, and delivered again"
        row.update({key: confirmed[key] for key in ("fingerprint", "username", "expires_at") if key in confirmed})


def _lives_on(row: Mapping[str, Any]) -> bool:
    """Whether what was replaced is still accepted, although it could be ended."""
    return row.get("ended") is not True if KINDS[row["kind"]].can_outlive_secret else bool(row.get("superseded"))


def _final(
    play: Play,
    credential: Mapping[str, Any],
    result: Mapping[str, Any],
    confirmed: Mapping[str, Any] | None,
    compromised: bool,
    failed_tasks: Mapping[str, str],
) -> dict[str, Any]:
    row = {**result, "failed_hosts": dict(result.get("failed_hosts") or {})}
    if credential.get("state") == "absent" and row.get("changed"):
        row["waiting_for"] = list(credential["missing"])
    touched = {*(row.get("delivered") or ()), *(row.get("removed") or ())}
    for consumer in _all_consumers(credential):
        place = f"{consumer['host']}:{consumer['place']}"
        after = _after(play, credential, consumer)
        if place in touched and after["error"]:
            row["failed_hosts"][consumer["host"]] = after["error"]
            for key in ("delivered", "removed"):
                row[key] = [other for other in row.get(key) or () if other != place]
    row["delivered"] = [place for place in row.get("delivered") or () if place not in failed_tasks]
    errors = [row.get("error"), *failed_tasks.values()]
    errors += [*(f"{host}: {error}" for host, error in sorted(row["failed_hosts"].items()))]
    if confirmed is not None:
        errors.append(confirmed.get("error"))
        row["changed"] = bool(row.get("changed") or confirmed.get("changed"))
        row.update({key: confirmed[key] for key in ("retired", "superseded", "deleted") if key in confirmed})
        if confirmed.get("ended") is not None:
            row["ended"] = confirmed["ended"]
        _add_repeated_delivery(row, confirmed)
    if compromised and row.get("minted") and credential["consumers"] and _lives_on(row):
        hosts = f": it waits for {listed(credential['missing'])}" if credential["missing"] else ""
        errors.append(f"its former secret is still accepted{hosts}. Run the play again when all hosts are reachable")
    row["error"] = "; ".join(dict.fromkeys(filter(None, errors))) or None
    return row
