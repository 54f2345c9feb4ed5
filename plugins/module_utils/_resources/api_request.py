# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The request of quay_api: built from the options, and checked against the server's description of its API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.masking import secrets_in
from .._core.names import MAX_LENGTH
from .._module.context import ModuleContext
from .._quay.operations import Catalogue, Operation, check_path, expand, text_of

_READING = ("GET", "HEAD")
# A GET of these issues a token; /v2/auth can even create a repository.
_ISSUING = re.compile(r"/v2/auth$|/oauth2?/")
# Texts in a body that Quay stores in columns of MAX_LENGTH, which its description does not say. For longer ones it
# answers 500.
_APPLICATION = ("name", "redirect_uri", "application_uri", "avatar_email")
_LIMITED = {
    "createAppToken": ("title",),
    "createOrganizationApplication": _APPLICATION,
    "updateOrganizationApplication": _APPLICATION,
}


@dataclass(frozen=True)
class ApiRequest:
    """One request, ready to be sent. ``operation``: its id, if known. ``state_path``: where the state can be read."""

    operation: str | None
    method: str
    path: str
    query: Mapping[str, Any]
    body: Any
    state_path: str | None

    @property
    def reads(self) -> bool:
        """Whether the request changes nothing and issues no token."""
        return self.method in _READING and not _ISSUING.match(self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" ({self.operation})" if self.operation else "")


def build_request(context: ModuleContext) -> ApiRequest:
    """Return the request that the options describe.

    Requests the server's description (GET /api/v1/discovery) if the options need it. Raises BadInput if the options
    contradict each other, expose a secret, or, with validate=strict, contradict the description.
    """
    params = context.params
    _refuse_exposed_secrets(context)
    paths = {name: check_path(params[name], name) for name in ("path", "state_path") if params[name]}
    validates = params["validate"] != "none"
    catalogue = Catalogue.of(context.client, internal=True) if validates or params["operation"] else None
    operation = catalogue.named(params["operation"]) if catalogue and params["operation"] else None
    path, in_path = expand(operation.path if operation else paths["path"], params["parameters"])
    state_path, in_state_path = expand(paths.get("state_path", ""), params["parameters"])
    request = ApiRequest(
        operation=operation.name if operation else None,
        method=operation.method if operation else params["method"] or "GET",
        path=path,
        query={name: value for name, value in params["parameters"].items() if name not in in_path | in_state_path},
        body=_merge_secrets(_body_from_option(context), params["body_secrets"]),
        state_path=state_path or None,
    )
    if catalogue and validates:
        request = _validate(context, catalogue, operation, request)
    query = {name: text_of(value, f"parameters.{name}") for name, value in request.query.items()}
    return _complete(replace(request, query=query), all_pages=params["all_pages"])


def _refuse_exposed_secrets(context: ModuleContext) -> None:
    """Raise BadInput for a secret in an option that Ansible logs. Ansible then masks it in this task's output."""
    exposed = [*secrets_in(_body_from_option(context), "body"), *secrets_in(context.params["fields"], "fields")]
    context.hidden.update(secret for _place, secret in exposed)
    if exposed:
        places = ", ".join(place for place, _secret in exposed)
        raise BadInput(f"{places} looks like a secret: give it in body_secrets, which is kept out of logs and results")


def _body_from_option(context: ModuleContext) -> Any:
    """Return the body. On a command line it is JSON text."""
    body = context.params["body"]
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except ValueError:
        context.hidden.add(body)  # it may hold a secret
        raise BadInput("body must be a mapping or a list, or JSON text of one") from None


def _merge_secrets(body: Any, secrets: Mapping[str, Any] | None, where: str = "body") -> Any:
    """Return the body with body_secrets merged into it, at any depth."""
    if not secrets:
        return body
    if body is not None and not isinstance(body, dict):
        raise BadInput(f"body_secrets has keys for {where}, but {where} is not a mapping")
    merged = dict(body or {})
    for key, value in secrets.items():
        nested = isinstance(value, dict)
        merged[key] = _merge_secrets(merged.get(key), value, f"{where}.{key}") if nested else value
    return merged


def _validate(
    context: ModuleContext, catalogue: Catalogue, operation: Operation | None, request: ApiRequest
) -> ApiRequest:
    """Return the request with its values converted to the described types.

    A difference from the server's description raises BadInput with validate=strict, and is a warning otherwise.
    """
    problems: list[str] = []
    if operation is None:
        try:
            operation = catalogue.at(request.method, request.path)
        except BadInput as error:
            problems.append(str(error))
    if operation is not None:
        query, query_problems = operation.check_query(request.query)
        body, body_problems = catalogue.check_body(operation, request.body)
        problems += query_problems + body_problems + _too_long_texts(operation, body)
        request = replace(request, operation=operation.name, query=query, body=body)
    if problems and context.params["validate"] == "strict":
        raise BadInput(
            f"{'; '.join(problems)}. Nothing was sent. If the server's description of its API is wrong or incomplete, "
            "use validate=warn or validate=none"
        )
    for problem in problems:
        context.warn(f"The request differs from the server's description of its API: {problem}.")
    return request


def _too_long_texts(operation: Operation, body: Any) -> list[str]:
    """Return a problem for each text that Quay cannot store."""
    texts = {key: body.get(key) for key in _LIMITED.get(operation.name, ())} if isinstance(body, dict) else {}
    return [
        f"body.{key} has {len(text)} characters, and Quay stores {MAX_LENGTH} at most"
        for key, text in texts.items()
        if isinstance(text, str) and len(text) > MAX_LENGTH
    ]


def _complete(request: ApiRequest, *, all_pages: bool) -> ApiRequest:
    """Return the request with a body if its method needs one. Raises BadInput for what the method cannot do."""
    if all_pages and request.method != "GET":
        raise BadInput(f"all_pages needs a GET request, and this is {request}")
    if request.body is not None and request.method in (*_READING, "DELETE"):
        raise BadInput(f"body: a {request.method} request takes no body")
    # Quay may answer 415 to a write without a body.
    needs_body = request.body is None and request.method in ("POST", "PUT", "PATCH")
    return replace(request, body={}) if needs_body else request
