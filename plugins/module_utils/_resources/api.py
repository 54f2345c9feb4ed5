# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Any call of Quay's API: read it, or make it once; and the list of all that can be called."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Mapping

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput, QuayError
from .._core.json_schema import contains
from .._core.masking import masked, secrets_in
from .._http.auth import Auth
from .._http.errors import ApiError, NotAuthenticated, NotFound
from .._http.paging import read_pages
from .._http.response import Response
from .._module.context import ModuleContext, Result
from .._quay.operations import Catalogue, Operation, check_path, expand, text_of
from .._stores.contract import Delivery
from .._stores.token_file import FileStore
from .reconcile import reconcile

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
VALIDATIONS = ("strict", "warn", "none")
_READING = ("GET", "HEAD")
# A GET here issues a token, and /v2/auth may even create the repository.
_ISSUING = re.compile(r"/v2/auth$|/oauth2?/")
# What Quay says with status 400 of a robot or of a permission that does not exist.
_NOTHING_THERE = re.compile("could not find|does not have permission for repo|does not exist", re.I)


def call_api(context: ModuleContext) -> Result:
    """The module quay_api."""
    _refuse_exposed_secrets(context)
    sender = _RequestSender(context, _prepare(context))
    store = _store_of(context)
    if context.params["state"] is not None:
        return _ensure_state(context, sender, store)
    return _read(context, sender, store) if sender.request.reads else _write(context, sender, store)


@dataclass(frozen=True)
class Request:
    """One call, ready to be sent."""

    operation: str | None
    method: str
    path: str
    query: Mapping[str, Any]
    body: Any
    state_path: str | None

    @property
    def reads(self) -> bool:
        return self.method in _READING and not _ISSUING.match(self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" ({self.operation})" if self.operation else "")


def _refuse_exposed_secrets(context: ModuleContext) -> None:
    """Refuse a secret where it would be logged. It has been given already, so at least it is not repeated."""
    exposed_secrets = [*secrets_in(_body(context), "body"), *secrets_in(context.params["fields"], "fields")]
    context.hidden.update(secret for _place, secret in exposed_secrets)
    if exposed_secrets:
        places = ", ".join(place for place, _secret in exposed_secrets)
        raise BadInput(f"{places} looks like a secret: give it in body_secrets, which is kept out of logs and results")


def _body(context: ModuleContext) -> Any:
    """The body, which command lines give as a text of JSON."""
    body = context.params["body"]
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except ValueError:
        context.hidden.add(body)  # whatever stands there
        raise BadInput("body must be a mapping or a list, or JSON text of one") from None


def _prepare(context: ModuleContext) -> Request:
    params = context.params
    given = {name: check_path(params[name], name) for name in ("path", "state_path") if params[name]}
    described = params["validate"] != "none"
    catalogue = Catalogue.of(context.client, internal=True) if described or params["operation"] else None
    operation = catalogue.named(params["operation"]) if catalogue and params["operation"] else None
    method = operation.method if operation else params["method"] or "GET"
    path, used = expand(operation.path if operation else given["path"], params["parameters"])
    state_path, also_used = expand(given.get("state_path", ""), params["parameters"])
    query = {name: value for name, value in params["parameters"].items() if name not in used | also_used}
    body = _with_secrets(_body(context), params["body_secrets"])
    if catalogue and described:
        operation, query, body = _validate(context, catalogue, operation, method, path, query, body)
    query = {name: text_of(value, f"parameters.{name}") for name, value in query.items()}
    name = operation.name if operation else None
    return _checked(Request(name, method, path, query, body, state_path or None), all_pages=params["all_pages"])


def _checked(request: Request, *, all_pages: bool) -> Request:
    """Refuse what no method can do, and complete the body."""
    if all_pages and request.method != "GET":
        raise BadInput(f"all_pages is for reading by GET, and this is {request}")
    if request.body is not None and request.method in (*_READING, "DELETE"):
        raise BadInput(f"body: {request.method} takes none")
    # A writing call without any body may be answered by 415.
    empty = request.body is None and request.method in ("POST", "PUT", "PATCH")
    return replace(request, body={}) if empty else request


def _with_secrets(body: Any, secrets: Mapping[str, Any] | None) -> Any:
    """The body with its secrets put in where they belong."""
    if not secrets:
        return body
    if body is not None and not isinstance(body, dict):
        raise BadInput("body_secrets completes a mapping; body is none")
    merged = dict(body or {})
    for key, value in secrets.items():
        merged[key] = _with_secrets(merged.get(key), value) if isinstance(value, dict) else value
    return merged


def _validate(
    context: ModuleContext,
    catalogue: Catalogue,
    operation: Operation | None,
    method: str,
    path: str,
    query: Any,
    body: Any,
) -> tuple[Operation | None, Any, Any]:
    """Compare a call with the server's own description; what is wrong is an error or, where wanted, a warning."""
    problems: list[str] = []
    if operation is None:
        try:
            operation = catalogue.at(method, path)
        except BadInput as error:
            problems.append(str(error))
    if operation is not None:
        query, of_query = operation.check_query(query)
        body, of_body = catalogue.check_body(operation, body)
        problems += of_query + of_body
    if problems and context.params["validate"] == "strict":
        raise BadInput(
            f"{'; '.join(problems)}. Nothing was sent. Where the server's description is wrong or silent, "
            "validate=warn or validate=none sends the call all the same"
        )
    for problem in problems:
        context.warn(f"Against the server's description of its API: {problem}.")
    return operation, query, body


class _RequestSender:
    """Sends the request, and keeps what came."""

    what = "the state"

    def __init__(self, context: ModuleContext, request: Request) -> None:
        self.request = request
        self.response: Response | None = None
        self._context = context
        self.what = f"what {request.state_path} tells"
        self.path = request.state_path or request.path

    def send(self) -> None:
        request = self.request
        self.response = self._request(request.method, request.path, request.query, request.body)

    def send_for_all_pages(self) -> Any:
        """The response with the lists of all pages in one."""
        pages = list(read_pages(self._read_page, self._key_of_list, self.request.query))
        first = pages[0].json_object()
        key = self._key_of_list(pages[0])
        items = [item for page in pages for item in page.json_object().get(key) or []]
        rest = {name: value for name, value in first.items() if name not in ("next_page", "page", "has_additional")}
        return {**rest, key: items}

    def _read_page(self, query: Mapping[str, Any]) -> Response:
        self.response = self._request("GET", self.request.path, query, None)
        return self.response

    def _key_of_list(self, page: Response) -> str:
        lists = [key for key, value in page.json_object().items() if isinstance(value, list)]
        if len(lists) != 1:
            found = f"{len(lists)} lists ({', '.join(lists)})" if lists else "no list"
            raise BadInput(f"all_pages: the response to {self.request} has {found}; it needs one, to join the pages")
        return lists[0]

    def _request(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Response:
        auth = self._auth_for(path)
        try:
            return self._context.client.request(method, path, params=query, json=body, auth=auth)
        except NotAuthenticated as error:
            if auth.kind != "anonymous":
                raise
            raise BadInput(
                f"{method} {path} needs a login: give quay_token, or quay_username and quay_password"
                + (f" (Quay says: {error.message.rstrip('.')})" if error.status == 401 and error.message else "")
            ) from None

    def _auth_for(self, path: str) -> Auth:
        auth = self._context.client.auth
        # The registry takes passwords by Basic; a bearer elsewhere below /v2/ is one of its own tokens.
        for_registry = path == "/v2/auth" or (path.startswith("/v2/") and auth.kind == "session")
        return auth.for_registry() if for_registry else auth

    @property
    def has_undelivered_secret(self) -> bool:
        """Whether the answer has a secret that the play wants."""
        return (
            self.response is not None and _secret_at(self.response.data, self._context.params["token_key"]) is not None
        )

    # The Resource methods: any write is the one request.

    def read(self) -> Mapping[str, Any] | None:
        fields = self._context.params["fields"] or {}
        state = self._look()
        if state is None:
            return None
        if isinstance(state, list):
            found = any(contains(item, fields) for item in state)
            return {"exists": True, **fields} if found else None
        if self._context.params["state"] == "absent" and not contains(state, fields):
            return None
        # A field that has all that is wanted is as wanted; what else it has is no difference.
        there = {key: state.get(key) for key in fields}
        shown = {key: want if contains(there[key], want) else masked(there[key]) for key, want in fields.items()}
        return {"exists": True, **shown}

    def create(self, desired: Mapping[str, Any]) -> None:
        self.send()

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.send()

    def delete(self) -> None:
        self.send()

    def _look(self) -> Any:
        """What the state's path tells; None where nothing is there."""
        path = self.request.state_path or ""
        try:
            response = self._request("GET", path, {}, None)
        except NotFound:
            return None
        except ApiError as error:
            if error.status == 400 and _NOTHING_THERE.search(error.message):
                return None
            raise
        if not isinstance(response.data, (dict, list)):
            raise response.unexpected("the response is neither an object nor a list, so it shows no state")
        return response.data


def _read(context: ModuleContext, sender: _RequestSender, store: FileStore | None) -> Result:
    if context.params["all_pages"]:
        data = sender.send_for_all_pages()
    else:
        sender.send()
        data = sender.response.data if sender.response else None
    secret = _pick(context, sender.request, data)
    held = store.read().secret if store else None
    differs = store is not None and secret is not None and held != secret
    if store and differs and not context.check_mode:
        with store.prepare():
            store.write(_delivery(context, sender.request, secret or ""))
    told = None if context.check_mode else secret
    values = _values(sender, data, told, store, sent=True)
    if store is None or not differs:
        return Result(differs, values)
    return Result(differs, values, {store.place: "other" if held else "absent"}, {store.place: "delivered"})


def _write(context: ModuleContext, sender: _RequestSender, store: FileStore | None) -> Result:
    context.server.refuse_if_read_only(sender.request.method, sender.request.path)
    changed = context.params["changes"] is not False
    if context.check_mode:
        context.warn(f"Check mode: {sender.request} was not sent.")
        return Result(changed, _values(sender, None, None, store, sent=True))
    secret = _send(context, sender, store)
    data = sender.response.data if sender.response else None
    return Result(changed, _values(sender, data, secret, store, sent=True))


def _send(context: ModuleContext, sender: _RequestSender, store: FileStore | None) -> str | None:
    """Send a writing call once, and put its secret where it belongs. Room for it is claimed before it is made."""
    with ExitStack() as stack:
        if store:
            stack.enter_context(store.prepare())
        try:
            sender.send()
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            failure = QuayError(f"{error}. It may have been done all the same: look before you run the task again")
            failure.outcome_unknown = True
            raise failure from None
        secret = _pick(context, sender.request, sender.response.data if sender.response else None)
        if store and secret:
            store.write(_delivery(context, sender.request, secret))
    return secret


def _ensure_state(context: ModuleContext, sender: _RequestSender, store: FileStore | None) -> Result:
    """Send the call only where the state is not as wanted, and believe the state afterwards, not the answer."""
    if sender.request.state_path is None or sender.request.reads:
        raise BadInput("state needs state_path, which tells the state, and a call that writes")
    if store:
        raise BadInput("token_path does not go with state: a call that is not sent answers no token")
    desired = {"exists": True, **(context.params["fields"] or {})}
    comparison = reconcile(
        context,
        sender,
        context.params["state"],
        desired,
        {},
        has_undelivered_secret=lambda: sender.has_undelivered_secret,
    )
    if comparison.changed and context.check_mode:
        context.warn(f"Check mode: {sender.request} was not sent.")
    data = sender.response.data if sender.response else None
    secret = _pick(context, sender.request, data) if sender.response else None
    return comparison.result(_values(sender, data, secret, None, sent=comparison.changed))


def _store_of(context: ModuleContext) -> FileStore | None:
    if not context.params["token_path"]:
        return None
    store = FileStore(context.params["token_path"], option="token_path")
    store.check()
    return store


def _delivery(context: ModuleContext, request: Request, secret: str) -> Delivery:
    record = Record(fingerprint(secret), None if request.reads else context.client.now())
    return Delivery(secret, username="", name=request.operation or request.path, record=record)


def _pick(context: ModuleContext, request: Request, data: Any) -> str | None:
    """The one secret of the answer that the play asks for."""
    if not context.params["token_key"]:
        return None
    secret = _secret_at(data, context.params["token_key"])
    if secret is not None:
        return secret
    # Not an error: what has been done cannot be undone, and its result is needed.
    context.warn(f"token_key: the answer of {request} has no text at {context.params['token_key']}.")
    return None


def _secret_at(data: Any, key: str | None) -> str | None:
    """The text at a key like C(token.value); None where there is none."""
    for part in (key or "").split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, str) and data else None


def _values(
    sender: _RequestSender, data: Any, secret: str | None, store: FileStore | None, *, sent: bool
) -> dict[str, Any]:
    request = sender.request
    return {
        "operation": request.operation,
        "method": request.method,
        "path": request.path,
        "sent": sent,
        "status": sender.response.status if sender.response else None,
        "json": masked(data),
        "token": None if store else secret,
        "fingerprint": fingerprint(secret),
    }
