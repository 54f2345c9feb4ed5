# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_operation_info: the operations that the server's API offers (/api/v1/discovery)."""

from __future__ import annotations

from typing import Any, Mapping

from .._module.context import ModuleContext, Result
from .._quay.operations import Catalogue, Operation


def list_operations(context: ModuleContext) -> Result:
    """Run quay_operation_info: list the operations that match the options, or the one of the given id."""
    catalogue = Catalogue.of(context.client, internal=context.params["internal"])
    if context.params["operation"]:
        found = [catalogue.named(context.params["operation"])]
    else:
        found = [operation for operation in catalogue.operations if _matches(operation, context.params)]
    return Result(changed=False, values={"operations": [_as_dict(operation) for operation in found]})


def _matches(operation: Operation, params: Mapping[str, Any]) -> bool:
    text = " ".join((operation.name, operation.method, operation.path, operation.summary, *operation.tags)).lower()
    return (
        all(word in text for word in (params["search"] or "").lower().split())
        and (params["tag"] is None or params["tag"] in operation.tags)
        and (params["path"] is None or params["path"] in operation.path)
        and (params["scope"] is None or params["scope"] in operation.scopes)
    )


def _as_dict(operation: Operation) -> dict[str, Any]:
    """Return the operation as the module returns it."""
    return {
        "operation": operation.name,
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary,
        "tags": list(operation.tags),
        "scopes": list(operation.scopes),
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.place,
                "type": parameter.kind,
                "required": parameter.required,
                "description": parameter.description,
            }
            for parameter in operation.parameters
        ],
        "body": operation.body,
    }
