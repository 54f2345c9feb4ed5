# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins of the rotation know of the play that they run in."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Sequence

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import (
    is_unset,
    read_int,
    read_list,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.fleet import Play
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import SECRETS
from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import expanded

# Where the role registers the results of its tasks on each host.
PLAN, DELIVERY, RUN = "__rotation_plan", "__rotation_delivery", "__rotation_run"
# What became of the task files: for the number of each the task that failed, or an empty text.
TASK_OUTCOMES = "__rotation_task_outcomes"
# Whether a host has something new that its handlers did not process. It stays true if a handler failed.
PENDING = "__rotation_has_pending_handlers"
REPORT = "rotation_report"

_NO_MACHINES = (
    "rotation_expected_hosts counts machines, and the hosts of this play are credentials. Remove it from this play"
)


def play_id(task: Any) -> str:
    """The identity of a task's play within the run. It is the same for all batches."""
    return str(task.get_play()._uuid)


def registered(task_vars: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """A result that a task got: itself, or by the name of the variable in which it was registered.

    Ansible would go through all values of a large result to look for templates. By its name, it is taken as it is.
    """
    return dict(task_vars[given] if isinstance(given, str) else given)


def play_of(
    task_vars: Mapping[str, Any], arguments: Mapping[str, Any], pattern: Any, loader: Any, identity: str
) -> Play:
    """The hosts of the play, with what the role's tasks returned on each of them.

    ``pattern``: the hosts of the play as it names them. With --limit, only some of them are part of the run.
    ``identity``: the ``play_id``. What an earlier play returned does not count.
    """
    own = task_vars.get(PLAN)
    if isinstance(own, dict) and own.get("hosts_are_credentials") and own.get("play") == identity:
        return _play_of_credentials(task_vars["inventory_hostname"], expanded(own), arguments)
    running = list(task_vars["ansible_play_hosts_all"])
    named = matching_hosts(pattern, loader, task_vars["groups"])
    hosts = [*running, *(host for host in named if host not in running)]
    found = registered_on(task_vars, running, PLAN)
    plans = {host: expanded(plan) for host, plan in found if plan.get("play") == identity}
    ignored, expected = arguments.get("ignore_hosts"), arguments.get("expected_hosts")
    return Play(
        rotator=arguments["rotator"],
        hosts=hosts,
        batch=list(task_vars["ansible_play_batch"]),
        alive=[host for host in running if host not in _gone(task_vars)],
        running=running,
        plans=plans,
        deliveries=dict(registered_on(task_vars, list(plans), DELIVERY)),
        pending=[host for host, is_pending in registered_on(task_vars, list(plans), PENDING) if is_pending],
        ignored=[] if is_unset(ignored) else read_list(ignored, "rotation_ignore_hosts"),
        expected=None if is_unset(expected) else read_int(expected, "rotation_expected_hosts"),
    )


def _play_of_credentials(host: str, plan: Mapping[str, Any], arguments: Mapping[str, Any]) -> Play:
    """A batch of hosts that are credentials: one host stands for all of them. No host has a store, and none is missing.

    Other slices and batches have other credentials, so nothing of them matters.
    """
    if not is_unset(arguments.get("expected_hosts")):
        raise BadInput(_NO_MACHINES)
    return Play(arguments["rotator"], [host], [host], [host], [host], {host: plan})


def earlier_batches(task_vars: Mapping[str, Any], identity: str) -> tuple[list[str], list[Any]]:
    """The hosts of the earlier batches of this play, and what the last of them reported, which includes the others.

    The hosts are credentials. Templates are not evaluated, because that takes long for many hosts.
    """
    batch = set(task_vars["ansible_play_batch"])
    others = [host for host in task_vars["ansible_play_hosts_all"] if host not in batch]
    known = {host: task_vars["hostvars"].raw_get(host) for host in others}
    earlier = [host for host in others if (known[host].get(PLAN) or {}).get("play") == identity]
    return earlier, max((list(known[host].get(REPORT) or ()) for host in earlier), key=len, default=[])


def _gone(task_vars: Mapping[str, Any]) -> set[str]:
    """The hosts on which a task failed, a handler included, and those of the batch that are no longer part of it."""
    batch = task_vars["ansible_play_batch"]
    remaining = task_vars.get("ansible_current_hosts", batch)
    return {*task_vars.get("ansible_failed_hosts", ()), *(host for host in batch if host not in remaining)}


def hosts_by_pattern(given: Any, loader: Any, groups: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The hosts of the inventory for each pattern that declarations name in ``hosts`` of a store.

    They come from the whole inventory: a host outside of --limit is still one that has the secret.
    """
    patterns = set(_patterns(given))
    return {pattern: matching_hosts(pattern, loader, groups) for pattern in patterns}


def matching_hosts(pattern: Any, loader: Any, groups: Mapping[str, list[str]]) -> list[str]:
    """The hosts of the whole inventory that a pattern, or a list of patterns, matches."""
    inventory = InventoryManager(loader, parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    try:
        return [host.name for host in inventory.get_hosts(pattern)]
    except AnsibleError:
        # So Ansible answers for a pattern without hosts, if it is configured to. The module says which one it is.
        return []


def registered_on(task_vars: Mapping[str, Any], hosts: Sequence[str], name: str) -> Iterator[tuple[str, Any]]:
    """What a task registered on each of these hosts, as far as it did."""
    hostvars = task_vars["hostvars"]
    # Ansible would look for templates in all variables of the host. Results have none.
    read = getattr(hostvars, "raw_get", hostvars.__getitem__)
    for host in hosts:
        variables = read(host)
        if name in variables:
            yield host, variables[name]


def has_own_logins(given: Any) -> bool:
    """Whether a declaration has a login or secret of its own. The declarations are not validated yet."""
    return any(
        isinstance(credential, dict) and not credential.keys().isdisjoint(SECRETS) for credential in _parsed(given)
    )


def _patterns(given: Any) -> Iterator[str]:
    """What the stores of declarations name in ``hosts``. The declarations are not validated yet."""
    for credential in _parsed(given):
        for store in _parsed(credential.get("deliver")) if isinstance(credential, dict) else ():
            pattern = store.get("hosts") if isinstance(store, dict) else None
            if isinstance(pattern, str) and pattern.strip():
                yield pattern.strip()


def _parsed(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []
