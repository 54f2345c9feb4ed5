# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs quay_declaration_info, and adds what only the controller knows: the declaring host and the strategy."""

from __future__ import annotations

from typing import Any

from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectAction


class ActionModule(DirectAction):
    """The role compares the declarations of all hosts of a play by these two keys."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module with the keys declared_by and strategy."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.update(self.execute("quay_declaration_info", self._task.args, task_vars or {}))
        if not result.get("failed"):
            result["declared_by"] = (task_vars or {}).get("inventory_hostname")
            result["strategy"] = str(self._task.get_play().strategy)
        return result
