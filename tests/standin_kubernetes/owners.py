# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owners of fields, as server-side apply keeps them in ``managedFields``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# The path of a field: ("f:data", "f:token"), ("f:metadata", "f:labels", "f:team"), ("f:type",).
Path = tuple[str, ...]

APPLY, UPDATE = "Apply", "Update"
MAPS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("data",): ("f:data",),
    ("stringData",): ("f:stringData",),
    ("metadata", "labels"): ("f:metadata", "f:labels"),
    ("metadata", "annotations"): ("f:metadata", "f:annotations"),
}
SINGLE = ("type", "immutable")


@dataclass
class Owners:
    """The fields of each manager and operation."""

    fields: dict[tuple[str, str], set[Path]] = field(default_factory=dict)

    def others(self, manager: tuple[str, str], path: Path) -> list[tuple[str, str]]:
        return [other for other, paths in self.fields.items() if other != manager and path in paths]

    def take(self, manager: tuple[str, str], paths: set[Path]) -> None:
        """Let this manager alone own the fields, in addition to what it owns."""
        for other, owned in self.fields.items():
            if other != manager:
                owned -= paths
        self.fields.setdefault(manager, set()).update(paths)
        self.tidy()

    def tidy(self) -> None:
        self.fields = {manager: paths for manager, paths in self.fields.items() if paths}

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "manager": manager,
                "operation": operation,
                "apiVersion": "v1",
                "time": "2026-11-25T10:00:00Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": _tree(paths),
            }
            for (manager, operation), paths in self.fields.items()
        ]


def _tree(paths: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    return tree


def fields_of(body: dict[str, Any]) -> dict[Path, Any]:
    """The owned fields of an object, with their values."""
    found: dict[Path, Any] = {(f"f:{name}",): body[name] for name in SINGLE if name in body}
    for where, prefix in MAPS.items():
        for key, value in (_get(body, where) or {}).items():
            found[(*prefix, f"f:{key}")] = value
    return found


def set_field(body: dict[str, Any], path: Path, value: Any) -> None:
    """Set a field, or remove it if the value is none."""
    node = body
    *parents, last = [step.removeprefix("f:") for step in path]
    for step in parents:
        node = node.setdefault(step, {})
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value


def _get(body: dict[str, Any], where: tuple[str, ...]) -> Any:
    node: Any = body
    for step in where:
        node = (node or {}).get(step)
    return node


def shown(manager: tuple[str, str]) -> str:
    name, operation = manager
    return f'"{name}" using v1 at 2026-11-25T10:00:00Z' if operation == UPDATE else f'"{name}"'
