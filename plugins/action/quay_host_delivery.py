# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivers to one host what the rotation issued for it. The secrets are sealed until they go to the host."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.tokensmith.quay.plugins.plugin_utils.credential_batch import is_credential
from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectAction
from ansible_collections.tokensmith.quay.plugins.plugin_utils.play import DELIVERY, play_id, registered
from ansible_collections.tokensmith.quay.plugins.plugin_utils.sealing import unseal


class ActionModule(DirectAction):
    """The action of quay_host_delivery."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was delivered. A host for which there is nothing is not connected to."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        arguments = self._task.args
        # A credential is no machine. Its handlers are those for the files of the rotator.
        host = arguments["rotator"] if is_credential(task_vars) else task_vars["inventory_hostname"]
        run = registered(task_vars, arguments["run"])
        # A run may deliver in several rounds.
        former = _former(task_vars, play_id(self._task))
        result.update(play=play_id(self._task), deliveries=former.get("deliveries") or [])
        if former.get("lost"):
            return {**result, "lost": former["lost"], "changed": False, "credentials": []}
        planned = (run.get("planned") or {}).get(host, 0)
        sealed = (run.get("sealed") or {}).get(host)
        # What the rotator wrote to its own files notifies the handlers of that host, too.
        changed = bool(planned) or (host == arguments["rotator"] and bool(run.get("wrote_files")))
        names = sorted(set((run.get("names") or {}).get(host, ())))
        if self._task.check_mode or sealed is None:
            return {**result, "changed": changed, "credentials": names}
        deliveries = unseal(sealed)
        places = [(delivery["declared"], delivery["entry"]) for delivery in deliveries]
        # What is delivered again counts no longer, also if the host does not get it.
        result["deliveries"] = [item for item in result["deliveries"] if _place(item) not in places]
        module_args = {"quay_host": arguments.get("quay_host"), "deliveries": deliveries}
        try:
            done = self.execute("quay_host_delivery", module_args, task_vars)
        except AnsibleConnectionFailure as error:
            # As Ansible itself reports it, and with what was delivered before.
            return {**result, "unreachable": True, "msg": str(error), "lost": str(error)}
        return {
            **result,
            **done,
            "deliveries": [*result["deliveries"], *(done.get("deliveries") or ())],
            "changed": bool(done.get("changed")) or (changed and not planned),
            "credentials": names,
        }


def _former(task_vars: dict[str, Any], play: str) -> dict[str, Any]:
    """What this task returned in the former round of the same play."""
    former: dict[str, Any] = task_vars.get(DELIVERY) or {}
    return former if former.get("play") == play else {}


def _place(item: dict[str, Any]) -> tuple[str, int]:
    return item["credential"], item["entry"]
