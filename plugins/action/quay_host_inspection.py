# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs quay_host_inspection with what only the controller knows: the host's name, and whom its patterns match."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.credential_hosts import (
    refusal_of_machine_stores,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.placement import Placement
from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import compacted
from ansible_collections.tokensmith.quay.plugins.plugin_utils.credential_batch import CredentialBatch, credential_batch
from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectAction
from ansible_collections.tokensmith.quay.plugins.plugin_utils.play import (
    earlier_batches,
    has_own_logins,
    hosts_by_pattern,
    play_id,
)

# Strategies under which Ansible runs for every host what is to be run once.
_NOT_IN_STEP = ("free", "host_pinned")
_RUN_ONCE = (
    "Nothing was sent: with run_once, only one of the hosts would be delivered to. Remove it. The role asks Quay once "
    "for all hosts by itself"
)


class ActionModule(DirectAction):
    """The action of quay_host_inspection."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the host declares, and what its stores hold."""
        arguments = dict(self._task.args)
        is_compact = boolean(arguments.pop("compact", False))
        result = self._inspect(super().run(tmp, task_vars), arguments, task_vars or {})
        return compacted(result, ["credentials"]) if is_compact else result

    def _inspect(self, result: dict[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        # Hosts of an earlier play have results, too, and are no hosts of an earlier batch.
        result["play"] = play_id(self._task)
        try:
            batch = credential_batch(task_vars, arguments, runs_once=bool(self._task.run_once))
        except BadInput as error:
            return {**result, "failed": True, "msg": f"Nothing was sent: {error}"}
        if self._task.run_once and batch is None:
            return {**result, "failed": True, "msg": _RUN_ONCE}
        strategy = str(self._task.get_play().strategy)
        if strategy.rpartition(".")[2] in _NOT_IN_STEP:
            return {
                **result,
                "failed": True,
                "msg": f"Nothing was sent: with strategy: {strategy}, hosts do not wait for each other, so each one "
                "would rotate for itself. Use strategy: linear for this play",
            }
        rotator, is_ephemeral = arguments.pop("rotator"), arguments.pop("ephemeral_rotator", False)
        if batch is not None:
            arguments["credentials"] = list(batch.credentials)
        result["has_own_logins"] = has_own_logins(arguments.get("credentials")) or bool(batch and batch.with_login)
        patterns = hosts_by_pattern(arguments.get("credentials"), self._loader, task_vars["groups"])
        # A credential has no files of its own: its declaration is read for the rotator.
        host = task_vars["inventory_hostname"] if batch is None else rotator
        arguments["inventory"] = {
            "host": host,
            "rotator": rotator,
            "ephemeral_rotator": is_ephemeral,
            "patterns": patterns,
        }
        if batch is not None:
            try:
                result.update(_for_batch(batch, arguments, Placement(host, rotator, patterns)))
            except BadInput as error:
                return {**result, "failed": True, "msg": f"Nothing was sent: {error}"}
            result["earlier_hosts"], result["earlier_report"] = earlier_batches(task_vars, result["play"])
        try:
            result.update(self.execute("quay_host_inspection", arguments, task_vars, packed=("credentials",)))
        except AnsibleConnectionFailure as error:
            # As Ansible itself reports it, and with the play.
            return {**result, "unreachable": True, "msg": str(error)}
        return result


def _for_batch(batch: CredentialBatch, arguments: dict[str, Any], placement: Placement) -> dict[str, Any]:
    """What the role needs to know of a batch of credentials. Raises BadInput for one that it cannot deliver."""
    refusal = refusal_of_machine_stores(batch.credentials, placement)
    if refusal:
        raise BadInput(refusal)
    for name in ("force", "compromised"):
        arguments[name] = batch.names_in(arguments.get(name), f"rotation_{name}")
    return {
        "hosts_are_credentials": True,
        "left_alone": list(batch.undeclared),
        "with_login": list(batch.with_login),
    }
