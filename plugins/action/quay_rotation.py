# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotates the credentials of all hosts of a batch, once: by one run of quay_rotation on the rotator.

Ansible runs this action once for a batch, and refuses it under a strategy that would run it for each host.
"""

from __future__ import annotations

import math
import os
import time
from typing import Any, Iterator, Mapping, Sequence

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import (
    choices_of,
    is_unset,
    read_int,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.fleet import (
    Play,
    combined_credentials,
    declared_task_files,
    delivered_names,
    final_results,
    names_in_plans,
    planned_deliveries,
    task_runs,
    to_confirm,
    with_earlier,
    wrote_own_files,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_needs import need_of, users_of_scopes
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report, progress_line
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.scopes import SCOPES
from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import compacted, expanded
from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectAction
from ansible_collections.tokensmith.quay.plugins.plugin_utils.play import (
    PLAN,
    RUN,
    TASK_OUTCOMES,
    play_id,
    play_of,
    registered,
    registered_on,
)
from ansible_collections.tokensmith.quay.plugins.plugin_utils.sealing import seal, unseal

_BROKEN_OFF = (
    "The process on the rotator ended before its result was complete, so it is not known what it did. Run the play "
    "again: it looks at Quay, and delivers or revokes what was issued"
)

# What only this action takes.
_OF_ACTION = ("rotator", "expected_hosts", "ignore_hosts", "run", "round", "compact", "login_scopes")
# Numbers that the role hands over: the default, and the smallest one.
_NUMBERS = {"parallel": (4, 1), "batch": (100, 0)}

_read_scopes = choices_of(*SCOPES)

# What all rounds of a run know: the names of all credentials, how many there was something to do for, since when.
_PROGRESS = ("declared", "open", "began")


# What grows with the number of credentials.
_LONG = ("results", "credentials", "declared", "remaining", "rows")


class ActionModule(DirectAction):
    """The action of quay_rotation."""

    BYPASS_HOST_LOOP = True
    _forced_before = False
    _round = 0
    _earlier: Mapping[str, Any] = {}
    _task_files: Mapping[str, str] = {}
    _numbers: Mapping[str, int] = {}
    _needs: Mapping[str, Any] | None = None
    _are_credentials = False  # the hosts of the play
    _successors: Sequence[str] = ()  # what replaced the login earlier in the run, encrypted

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Rotate, and return what each host has to deliver; or confirm what was delivered, and retire."""
        result = self._run(super().run(tmp, task_vars), task_vars or {})
        return compacted(result, _LONG) if boolean(self._task.args.get("compact", False)) else result

    def _run(self, result: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        pattern = self._templar.template(self._task.get_play().hosts)
        self._round = int(self._task.args.get("round") or 0)
        try:
            play = play_of(task_vars, self._task.args, pattern, self._loader, play_id(self._task))
            self._forced_before = bool(play.done)
            self._earlier = _results_of_earlier_batches(play, task_vars)
            self._numbers = dict(_numbers(self._task.args))
            self._successors = list(dict.fromkeys(_sealed_logins(play, task_vars)))
            self._are_credentials = bool((task_vars.get(PLAN) or {}).get("hosts_are_credentials"))
            if "run" in self._task.args:
                run = expanded(registered(task_vars, self._task.args["run"]))
                self._successors = list(dict.fromkeys([*self._successors, *(run.get("sealed_login") or ())]))
                return {**result, **self._confirm(play, run, task_vars)}
            credentials = combined_credentials(play)
            self._needs = self._needs_of(play, credentials)
            self._task_files = {path: self._find_task_file(path) for path in _task_paths(credentials)}
        except BadInput as error:
            return {**result, "failed": True, "msg": f"Nothing was sent. {error}"}
        return {**result, **self._rotate(play, credentials, task_vars)}

    def _rotate(self, play: Play, credentials: list[dict[str, Any]], task_vars: dict[str, Any]) -> dict[str, Any]:
        forced, compromised = names_in_plans(play, "force"), names_in_plans(play, "compromised")
        progress: dict[str, Any] = {"declared": [{key: item[key] for key in ("name", "kind")} for item in credentials]}
        if self._round:
            # The credentials that the former rounds left.
            before = expanded(registered(task_vars, RUN))
            progress = {key: before[key] for key in _PROGRESS}
            credentials = [item for item in credentials if item["name"] in before["remaining"]]
        public = {"force": forced, "compromised": compromised}
        if not credentials:
            return {"changed": False, "results": [], "credentials": [], "remaining": [], **public, **progress}
        progress.setdefault("began", time.time())
        done = self._execute("rotate", credentials, forced, compromised, task_vars)
        deliveries, tasks = done.pop("deliveries", []), done.pop("tasks", [])
        if done.get("failed") or "results" not in done:
            return done
        remaining, worked_on = done["remaining"], done.pop("worked_on")
        # Nothing is delivered of the others, and nothing of them is confirmed.
        credentials = [item for item in credentials if item["name"] in worked_on]
        results, _idle = _results_of(credentials, done["results"])
        progress.setdefault("open", len(worked_on) + len(remaining))
        return {
            **done,
            **public,
            **progress,
            "credentials": credentials,
            "rounds": 1 + math.ceil(len(remaining) / max(len(worked_on), 1)),
            "planned": planned_deliveries(results, credentials),
            "names": delivered_names(results, credentials, play.rotator),
            "wrote_files": wrote_own_files(results, credentials),
            "sealed": _sealed(deliveries),
            "tasks": [self._sealed_task(f"{self._round}.{number}", task) for number, task in enumerate(tasks)],
        }

    def _needs_of(self, play: Play, credentials: list[dict[str, Any]]) -> dict[str, Any]:
        """What the login is needed for. Hosts that were not seen, and other slices, may have other credentials."""
        further = self._task.args.get("login_scopes")
        seen_all = set(play.hosts) <= set(play.seen) and not self._are_credentials
        return {
            "scopes": {
                scope: {"names": list(users.names), "count": users.count}
                for scope, users in users_of_scopes(map(need_of, credentials)).items()
            },
            "further": [] if is_unset(further) else _read_scopes(further, "rotation_login_scopes"),
            "complete": seen_all,
        }

    def _sealed_task(self, number: str, task: dict[str, Any]) -> dict[str, Any]:
        """What the role needs to include a task file. The secret is encrypted until a task uses it."""
        options, secret = task.pop("options"), task.pop("secret")
        variables, hides = options.get("variables") or {}, options.get("hide_output", True)
        file = {"number": number, "file": self._task_files[options["tasks_file"]], "hide_output": hides}
        return {**task, **file, "variables": variables, "sealed": seal(secret)}

    def _find_task_file(self, path: str) -> str:
        """The file, searched where a play has its files. Raises BadInput if it cannot be included.

        The role's own directory is left out: a file of the play may be named like one of the role.
        """
        own = self._task._role.get_role_path() if self._task._role else os.devnull
        paths = [folder for folder in self._task.get_search_path() if not folder.startswith(own)]
        paths += [self._loader.get_basedir(), os.getcwd()]
        try:
            found = str(self._loader.path_dwim_relative_stack(paths, "tasks", path))
            content = self._loader.load_from_file(found)
        except AnsibleError as error:
            raise BadInput(f"tasks_file: {path} cannot be included: {str(error).splitlines()[0]}") from None
        if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
            raise BadInput(f"tasks_file: {found} is not a list of tasks")
        return found

    def _confirm(self, play: Play, run: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        repeated, former = run.get("repeated"), run
        credentials = run["credentials"]
        if repeated is not None:
            credentials = [item for item in credentials if item["name"] in repeated]
        results, idle = _results_of(credentials, run.get("results") or [])
        outcomes = task_vars.get(TASK_OUTCOMES) or {}
        runs = [] if self._task.check_mode else task_runs(run.get("tasks") or [], outcomes)
        confirming = [] if self._task.check_mode else to_confirm(play, credentials, results, runs)
        done: dict[str, Any] = {"changed": False, "results": []}
        if confirming:
            phase = "confirm" if repeated is None else "last"
            done = self._execute(phase, confirming, run["force"], run["compromised"], task_vars)
        confirmed = {row["name"]: row for row in done.get("results") or ()}
        if done.get("failed"):
            confirmed = {item["name"]: {"error": f"not confirmed: {done.get('msg')}"} for item in confirming}
        compromised = [] if self._task.check_mode else run["compromised"]
        rows = final_results(play, credentials, results, confirmed, compromised, runs)
        # Somebody else may have rotated meanwhile.
        deliveries = done.pop("deliveries", [])
        others = list(idle if repeated is not None else self._still_needed(run, idle, repeats=bool(deliveries)))
        if repeated is None and self._round:
            former = expanded(registered(task_vars, f"{RUN}_final"))
            others = [*former["results"], *others]
        for key in ("tasks", "remaining", "worked_on"):
            done.pop(key, None)
        again = [confirmed[item["name"]] for item in confirming]
        rows = [*others, *(rows if repeated is not None else map(self._with_earlier, rows))]
        self._show_progress(run, rows)
        worked_on = run["credentials"] if former is run else [*former["credentials"], *credentials]
        return {
            **{key: value for key, value in done.items() if key not in ("failed", "msg")},
            "results": rows,
            "credentials": worked_on,
            **self._report(run, [*map(self._with_earlier, idle), *rows], task_vars),
            **{key: run.get(key) for key in ("force", "compromised", "remaining", *_PROGRESS)},
            "repeated": [row["name"] for row in again if row.get("delivered")],
            "planned": planned_deliveries(again, confirming),
            "names": delivered_names(again, confirming, play.rotator),
            "sealed": _sealed(deliveries),
        }

    def _report(
        self, run: Mapping[str, Any], rows: list[dict[str, Any]], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The report, after the last round. Made here, because Ansible hands a filter its values one by one."""
        if run.get("remaining"):
            return {}
        earlier = (task_vars.get(PLAN) or {}).get("earlier_report") or []
        return make_report(run["declared"], rows, check_mode=bool(self._task.check_mode), earlier=earlier)

    def _still_needed(
        self, run: Mapping[str, Any], idle: list[dict[str, Any]], *, repeats: bool
    ) -> Iterator[dict[str, Any]]:
        """The results of credentials for which there was nothing to do, as far as the first run does not keep them.

        The next round takes the place of that, the confirmation of a repeated delivery begins with this result alone,
        and an earlier batch of hosts may have something to add.
        """
        for row in idle:
            if run.get("remaining") or self._round or repeats or row["name"] in self._earlier:
                yield self._with_earlier({**row, "failed_hosts": {}})

    def _show_progress(self, run: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
        """Say how far a run is that takes several rounds."""
        remaining = len(run.get("remaining") or ())
        if remaining or self._round:
            failed = sum(1 for row in rows if row["error"])
            Display().display(progress_line(run["open"], remaining, failed, time.time() - run["began"]))

    def _with_earlier(self, row: dict[str, Any]) -> dict[str, Any]:
        return with_earlier(row, self._earlier.get(row["name"]))

    def _execute(
        self,
        phase: str,
        credentials: list[dict[str, Any]],
        force: list[str],
        compromised: list[str],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        arguments = {key: value for key, value in self._task.args.items() if key not in _OF_ACTION}
        arguments.update(self._numbers, phase=phase, credentials=credentials, force=force, compromised=compromised)
        # A forced rotation in each batch would take from the hosts of the former ones what they just got.
        arguments["forced_before"] = self._forced_before
        arguments["minted_before"] = [name for name, row in self._earlier.items() if row.get("minted")]
        arguments["login_needs"] = self._needs
        arguments["login_successors"] = [unseal(text) for text in self._successors]
        # The connection to the rotator would show the output of the module with -vvv.
        self._play_context.no_log = True
        done = self.execute("quay_rotation", arguments, task_vars, packed=("credentials",))
        if "module_stdout" in done:
            # The first part of a result, which may hold what was issued. Ansible would show it.
            hidden = ("module_stdout", "exception")
            done = {key: value for key, value in done.items() if key not in hidden}
            done["msg"] = f"{str(done.get('msg')).strip()}. {_BROKEN_OFF}"
        successor = done.pop("login_successor", None)
        if successor:
            self._successors = [*self._successors, seal(successor)]
        done["sealed_login"] = list(self._successors)
        changes = done.pop("changes", None)
        if changes and self._task.diff:
            done["diff"] = changes
        return done


def _numbers(arguments: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The options that are numbers, as the role hands them over. Raises BadInput."""
    for name, (default, smallest) in _NUMBERS.items():
        given = arguments.get(name, default)
        number = default if is_unset(given) else read_int(given, f"rotation_{name}")
        if number < smallest:
            raise BadInput(f"rotation_{name} must be {smallest} or more, not {number}")
        if name in arguments:
            yield name, number


def _results_of(
    credentials: list[dict[str, Any]], results: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The results of these credentials in their order, and the others."""
    by_name = {row["name"]: row for row in results}
    own = [by_name.pop(item["name"]) for item in credentials]
    return own, list(by_name.values())


def _task_paths(credentials: list[dict[str, Any]]) -> list[str]:
    return [store["tasks_file"] for credential in credentials for store in declared_task_files(credential, former=True)]


def _sealed(deliveries: list[dict[str, Any]]) -> dict[str, str]:
    """What each host has to deliver, encrypted."""
    of_hosts: dict[str, list[Any]] = {}
    for delivery in deliveries:
        of_hosts.setdefault(delivery.pop("host"), []).append(delivery)
    return {host: seal(items) for host, items in of_hosts.items()}


def _sealed_logins(play: Play, task_vars: Mapping[str, Any]) -> Iterator[str]:
    """What replaced the login of the run: in this batch of hosts, and in the earlier ones."""
    hosts = [*play.done, *((task_vars.get(PLAN) or {}).get("earlier_hosts") or ())]
    for name in (RUN, f"{RUN}_final"):
        own = task_vars.get(name) or {}
        for run in [*(found for _host, found in registered_on(task_vars, hosts, name)), own]:
            yield from run.get("sealed_login") or ()


def _results_of_earlier_batches(play: Play, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The last results of the hosts of earlier batches, by the name of the credential."""
    found: dict[str, Any] = {}
    for suffix in ("", "_final"):
        for _host, run in registered_on(task_vars, play.done, f"{RUN}{suffix}"):
            found.update({row["name"]: row for row in expanded(run).get("results") or ()})
    return found
