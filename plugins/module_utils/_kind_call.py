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
from typing import Any, Iterator, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._client import Answer
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    NotAuthenticated,
    NotFound,
    QuayError,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._login import Login
from ansible_collections.tokensmith.quay.plugins.module_utils._operations import (
    Catalogue,
    Operation,
    check_path,
    expand,
    text_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._schema import contains
from ansible_collections.tokensmith.quay.plugins.module_utils._secrets import masked, secrets_in
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Delivery
from ansible_collections.tokensmith.quay.plugins.module_utils._store_file import FileStore
from ansible_collections.tokensmith.quay.plugins.module_utils._upkeep import keep

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
VALIDATIONS = ("strict", "warn", "none")

_READING = ("GET", "HEAD")
# A GET here issues a token, and /v2/auth may even create the repository.
_ISSUING = re.compile(r"/v2/auth$|/oauth2?/")
# What Quay says with status 400 of a robot or of a permission that does not exist.
_NOTHING_THERE = re.compile("could not find|does not have permission for repo|does not exist", re.I)


def run_call(call: Call) -> Outcome:
    """The module quay_api."""
    _refuse_open_secrets(call)
    caller = _Caller(call, _prepare(call))
    store = _store_of(call)
    if call.params["state"] is not None:
        return _towards(call, caller, store)
    return _read(call, caller, store) if caller.request.reads else _write(call, caller, store)


def list_operations(call: Call) -> Outcome:
    """The module quay_operation_info."""
    catalogue = Catalogue.of(call.client, internal=call.params["internal"])
    if call.params["operation"]:
        found = [catalogue.named(call.params["operation"])]
    else:
        found = [operation for operation in catalogue.operations if _fits(operation, call.params)]
    return Outcome(changed=False, values={"operations": [_described(operation) for operation in found]})


# --- what is to be sent


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


def _refuse_open_secrets(call: Call) -> None:
    """Refuse a secret where it would be logged. It has been given already, so at least it is not repeated."""
    open_secrets = [*secrets_in(_body(call), "body"), *secrets_in(call.params["fields"], "fields")]
    call.hidden.update(secret for _place, secret in open_secrets)
    if open_secrets:
        places = ", ".join(place for place, _secret in open_secrets)
        raise BadInput(f"{places} looks like a secret: give it in body_secrets, which is kept out of logs and results")


def _body(call: Call) -> Any:
    """The body, which command lines give as a text of JSON."""
    body = call.params["body"]
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except ValueError:
        call.hidden.add(body)  # whatever stands there
        raise BadInput("body must be a mapping or a list, or JSON text of one") from None


def _prepare(call: Call) -> Request:
    params = call.params
    given = {name: check_path(params[name]) for name in ("path", "state_path") if params[name]}
    described = params["validate"] != "none"
    catalogue = Catalogue.of(call.client, internal=True) if described or params["operation"] else None
    operation = catalogue.named(params["operation"]) if catalogue and params["operation"] else None
    method = operation.method if operation else params["method"] or "GET"
    path, used = expand(operation.path if operation else given["path"], params["parameters"])
    state_path, also_used = expand(given.get("state_path", ""), params["parameters"])
    query = {name: value for name, value in params["parameters"].items() if name not in used | also_used}
    body = _with_secrets(_body(call), params["body_secrets"])
    if catalogue and described:
        operation, query, body = _validate(call, catalogue, operation, method, path, query, body)
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
    call: Call, catalogue: Catalogue, operation: Operation | None, method: str, path: str, query: Any, body: Any
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
    if problems and call.params["validate"] == "strict":
        raise BadInput(
            f"{'; '.join(problems)}. Nothing was sent. Where the server's description is wrong or silent, "
            "validate=warn or validate=none sends the call all the same"
        )
    for problem in problems:
        call.warn(f"Against the server's description of its API: {problem}.")
    return operation, query, body


# --- sending


class _Caller:
    """Sends the request, and keeps what came."""

    what = "the state"

    def __init__(self, call: Call, request: Request) -> None:
        self.request = request
        self.answer: Answer | None = None
        self._call = call
        self.what = f"what {request.state_path} tells"
        self.path = request.state_path or request.path

    def send(self) -> None:
        request = self.request
        self.answer = self._exchange(request.method, request.path, request.query, request.body)

    def pages(self) -> Any:
        """The answer with the lists of all pages in one."""
        pages = self._pages()
        first = next(pages)
        key = _key_of_list(first, self.request)
        items, empty_pages = list(first[key]), 0 if first[key] else 1
        for page in pages:
            items += page.get(key) or []
            empty_pages = 0 if page.get(key) else empty_pages + 1
            # One may lie between (where Quay reads two stores of logs, one after the other); two are the end.
            if empty_pages > 1:
                break
        rest = {name: value for name, value in first.items() if name not in ("next_page", "page", "has_additional")}
        return {**rest, key: items}

    def _pages(self) -> Iterator[dict[str, Any]]:
        asked, seen = dict(self.request.query), set()
        while True:
            self.answer = self._exchange("GET", self.request.path, asked, None)
            yield self.answer.mapping()
            following = _next_of(self.answer.mapping())
            # A bad cursor silently means "page 1": never follow the same one twice.
            if following is None or following in seen:
                return
            seen.add(following)
            asked.update([following])

    def _exchange(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Answer:
        login = self._login(path)
        try:
            return self._call.client.exchange(method, path, params=query, json=body, login=login)
        except NotAuthenticated as error:
            if login.kind != "anonymous":
                raise
            raise BadInput(
                f"{method} {path} needs a login: give quay_token, or quay_username and quay_password"
                + (f" (Quay says: {error.message.rstrip('.')})" if error.status == 401 and error.message else "")
            ) from None

    def _login(self, path: str) -> Login:
        login = self._call.client.login
        # The registry takes passwords by Basic; a bearer elsewhere below /v2/ is one of its own tokens.
        at_registry = path == "/v2/auth" or (path.startswith("/v2/") and login.kind == "session")
        return login.at_registry() if at_registry else login

    @property
    def owes_secret(self) -> bool:
        """Whether the answer has a secret that the play wants."""
        return self.answer is not None and _secret_at(self.answer.data, self._call.params["token_key"]) is not None

    # As _upkeep wants it: any of the three is the one call.

    def find(self) -> Mapping[str, Any] | None:
        fields = self._call.params["fields"] or {}
        state = self._look()
        if state is None:
            return None
        if isinstance(state, list):
            found = any(contains(item, fields) for item in state)
            return {"exists": True, **fields} if found else None
        if self._call.params["state"] == "absent" and not contains(state, fields):
            return None
        # A field that has all that is wanted is as wanted; what else it has is no difference.
        there = {key: state.get(key) for key in fields}
        shown = {key: want if contains(there[key], want) else masked(there[key]) for key, want in fields.items()}
        return {"exists": True, **shown}

    def create(self, wanted: Mapping[str, Any]) -> None:
        self.send()

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.send()

    def delete(self) -> None:
        self.send()

    def _look(self) -> Any:
        """What the state's path tells; None where nothing is there."""
        path = self.request.state_path or ""
        try:
            data = self._exchange("GET", path, {}, None).data
        except NotFound:
            return None
        except ApiError as error:
            if error.status == 400 and _NOTHING_THERE.search(error.message):
                return None
            raise
        if not isinstance(data, (dict, list)):
            raise UnexpectedAnswer("GET", path, "the answer is neither an object nor a list, so it tells no state")
        return data


def _next_of(page: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The parameter that asks for the next page: a cursor, or (of tags and of searches) a number."""
    if isinstance(page.get("next_page"), str) and page["next_page"]:
        return "next_page", page["next_page"]
    if page.get("has_additional") and isinstance(page.get("page"), int):
        return "page", page["page"] + 1
    return None


def _key_of_list(page: Mapping[str, Any], request: Request) -> str:
    lists = [key for key, value in page.items() if isinstance(value, list)]
    if len(lists) != 1:
        found = f"{len(lists)} lists ({', '.join(lists)})" if lists else "no list"
        raise BadInput(f"all_pages: the answer of {request} has {found}; there must be one to join the pages' items")
    return lists[0]


# --- the three kinds of runs


def _read(call: Call, caller: _Caller, store: FileStore | None) -> Outcome:
    if call.params["all_pages"]:
        data = caller.pages()
    else:
        caller.send()
        data = caller.answer.data if caller.answer else None
    secret = _pick(call, caller.request, data)
    held = store.read().secret if store else None
    differs = store is not None and secret is not None and held != secret
    if store and differs and not call.check_mode:
        with store.ready():
            store.write(_delivery(call, caller.request, secret or ""))
    told = None if call.check_mode else secret
    values = _values(caller, data, told, store, sent=True)
    if store is None or not differs:
        return Outcome(differs, values)
    return Outcome(differs, values, {store.place: "other" if held else "absent"}, {store.place: "delivered"})


def _write(call: Call, caller: _Caller, store: FileStore | None) -> Outcome:
    call.server.refuse_if_read_only(caller.request.method, caller.request.path)
    changed = call.params["changes"] is not False
    if call.check_mode:
        call.warn(f"Check mode: {caller.request} was not sent.")
        return Outcome(changed, _values(caller, None, None, store, sent=True))
    secret = _send(call, caller, store)
    data = caller.answer.data if caller.answer else None
    return Outcome(changed, _values(caller, data, secret, store, sent=True))


def _send(call: Call, caller: _Caller, store: FileStore | None) -> str | None:
    """Send a writing call once, and put its secret where it belongs. Room for it is claimed before it is made."""
    with ExitStack() as stack:
        if store:
            stack.enter_context(store.ready())
        try:
            caller.send()
        except QuayError as error:
            if not error.unclear:
                raise
            failure = QuayError(f"{error}. It may have been done all the same: look before you run the task again")
            failure.unclear = True
            raise failure from None
        secret = _pick(call, caller.request, caller.answer.data if caller.answer else None)
        if store and secret:
            store.write(_delivery(call, caller.request, secret))
    return secret


def _towards(call: Call, caller: _Caller, store: FileStore | None) -> Outcome:
    """Send the call only where the state is not as wanted, and believe the state afterwards, not the answer."""
    if caller.request.state_path is None or caller.request.reads:
        raise BadInput("state needs state_path, which tells the state, and a call that writes")
    if store:
        raise BadInput("token_path does not go with state: a call that is not sent answers no token")
    wanted = {"exists": True, **(call.params["fields"] or {})}
    kept = keep(call, caller, call.params["state"], wanted, {}, owes_secret=lambda: caller.owes_secret)
    if kept.changed and call.check_mode:
        call.warn(f"Check mode: {caller.request} was not sent.")
    data = caller.answer.data if caller.answer else None
    secret = _pick(call, caller.request, data) if caller.answer else None
    return kept.outcome(_values(caller, data, secret, None, sent=kept.changed))


# --- what comes out


def _store_of(call: Call) -> FileStore | None:
    if not call.params["token_path"]:
        return None
    store = FileStore(call.params["token_path"], option="token_path")
    store.check()
    return store


def _delivery(call: Call, request: Request, secret: str) -> Delivery:
    record = Record(fingerprint(secret), None if request.reads else call.client.now())
    return Delivery(secret, username="", name=request.operation or request.path, record=record)


def _pick(call: Call, request: Request, data: Any) -> str | None:
    """The one secret of the answer that the play asks for."""
    if not call.params["token_key"]:
        return None
    secret = _secret_at(data, call.params["token_key"])
    if secret is not None:
        return secret
    # Not an error: what has been done cannot be undone, and its result is needed.
    call.warn(f"token_key: the answer of {request} has no text at {call.params['token_key']}.")
    return None


def _secret_at(data: Any, key: str | None) -> str | None:
    """The text at a key like C(token.value); None where there is none."""
    for part in (key or "").split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, str) and data else None


def _values(caller: _Caller, data: Any, secret: str | None, store: FileStore | None, *, sent: bool) -> dict[str, Any]:
    request = caller.request
    return {
        "operation": request.operation,
        "method": request.method,
        "path": request.path,
        "sent": sent,
        "status": caller.answer.status if caller.answer else None,
        "json": masked(data),
        "token": None if store else secret,
        "fingerprint": fingerprint(secret),
    }


def _fits(operation: Operation, params: Mapping[str, Any]) -> bool:
    text = " ".join((operation.name, operation.method, operation.path, operation.summary, *operation.tags)).lower()
    return (
        all(word in text for word in (params["search"] or "").lower().split())
        and (params["tag"] is None or params["tag"] in operation.tags)
        and (params["path"] is None or params["path"] in operation.path)
        and (params["scope"] is None or params["scope"] in operation.scopes)
    )


def _described(operation: Operation) -> dict[str, Any]:
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
