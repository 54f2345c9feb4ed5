# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that tasks of the user's own write: the play includes their file for the credential, in each run.

The content of such a store is unknown, so it gets the present secret in each run. The success of the tasks is the
confirmation, which counts within this run only.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .contract import Delivery, StoredSecret
from .records import record_to_data
from .secret_file import SecretFile

KIND = "tasks"

TASK_FILE_OPTIONS: dict[str, Any] = {
    "tasks_file": {"type": "str", "required": True},
    "variables": {"type": "dict"},
    "hide_output": {"type": "bool"},
}


class TaskFileStore:
    """The store of one task file. The role includes it, with what is handed over here."""

    files: Sequence[SecretFile] = ()
    tells_secret = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        variables = options.get("variables") or {}
        self.options = options
        self.place = f"{KIND} {options['tasks_file']}"
        # One file may be included several times for a credential, each time with other variables.
        self.part = json.dumps(variables, sort_keys=True, default=str)
        self.handed_over: dict[str, Any] | None = None

    def check(self, *, removing: bool = False) -> None:
        """The file is on the controller, which looks for it before anything is sent."""

    def warnings(self) -> list[str]:
        return []

    def read(self) -> StoredSecret:
        return StoredSecret(readable=False)

    def matches(self, delivery: Delivery) -> bool:
        return False

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        """Nothing can be claimed."""
        yield

    def write(self, delivery: Delivery) -> None:
        self.handed_over = {
            "state": "present",
            "secret": delivery.secret,
            "username": delivery.username,
            **record_to_data(delivery.record),
        }

    def remove(self) -> None:
        self.handed_over = {"state": "absent", "secret": None}


def task_file_store(options: Mapping[str, Any], _quay_host: str) -> TaskFileStore:
    """The store of these options. Raises BadInput for a variable without a name."""
    if any(not isinstance(name, str) for name in options.get("variables") or {}):
        raise BadInput("variables: each name must be a text. Write it in quotes")
    return TaskFileStore(options)
