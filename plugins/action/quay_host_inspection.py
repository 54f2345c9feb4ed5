# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs quay_host_inspection with what only the controller knows: the host's name, and whom its patterns match."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectAction
from ansible_collections.tokensmith.quay.plugins.plugin_utils.play import hosts_by_pattern, play_id

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
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        # Hosts of an earlier play have results, too, and are no hosts of an earlier batch.
        result["play"] = play_id(self._task)
        if self._task.run_once:
            return {**result, "failed": True, "msg": _RUN_ONCE}
        arguments = dict(self._task.args)
        strategy = str(self._task.get_play().strategy)
        if strategy.rpartition(".")[2] in _NOT_IN_STEP:
            return {
                **result,
                "failed": True,
                "msg": f"Nothing was sent: with strategy: {strategy}, hosts do not wait for each other, so each one "
                "would rotate for itself. Use strategy: linear for this play",
            }
        arguments["inventory"] = {
            "host": task_vars["inventory_hostname"],
            "rotator": arguments.pop("rotator"),
            "ephemeral_rotator": arguments.pop("ephemeral_rotator", False),
            "patterns": hosts_by_pattern(arguments.get("credentials"), self._loader, task_vars["groups"]),
        }
        try:
            result.update(self.execute("quay_host_inspection", arguments, task_vars))
        except AnsibleConnectionFailure as error:
            # As Ansible itself reports it, and with the play.
            return {**result, "unreachable": True, "msg": str(error)}
        return result
