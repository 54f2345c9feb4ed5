# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_api: any request of Quay's API, sent once, or only if a state is not as declared."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any, Mapping

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput, QuayError
from .._core.json_schema import contains
from .._core.masking import masked
from .._http.auth import Auth
from .._http.errors import ApiError, NotAuthenticated, NotFound
from .._http.paging import read_pages
from .._http.response import Response
from .._module.context import ModuleContext, Result
from .._stores.contract import Delivery
from .._stores.token_file import FileStore
from .api_request import ApiRequest, build_request
from .reconcile import ABSENT, attempt, reconcile

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
VALIDATIONS = ("strict", "warn", "none")
# Keys of the paging, which the joined pages lack.
_PAGE_KEYS = ("next_page", "page", "has_additional")
# Quay's message with status 400 for a robot or a permission that does not exist.
_DOES_NOT_EXIST = re.compile("could not find|does not have permission for repo|does not exist", re.I)


def call_api(context: ModuleContext) -> Result:
    """Run quay_api: send one request, or reconcile a state with it."""
    sender = RequestSender(context, build_request(context))
    store = _store_from_option(context)
    if context.params["state"] is not None:
        return _ensure_state(context, sender, store)
    return _read(context, sender, store) if sender.request.reads else _write(context, sender, store)


class RequestSender:
    """Sends the request of the play. ``response`` is the last response to it."""

    def __init__(self, context: ModuleContext, request: ApiRequest) -> None:
        self.request = request
        self.response: Response | None = None
        self._context = context

    @property
    def data(self) -> Any:
        """The decoded JSON of the response; None without a response."""
        return self.response.data if self.response else None

    @property
    def secret(self) -> str | None:
        """The secret at token_key in the response; None if there is none."""
        return _secret_at(self.data, self._context.params["token_key"])

    def send(self) -> None:
        request = self.request
        self.response = self.request_json(request.method, request.path, request.query, request.body)

    def send_for_all_pages(self) -> Any:
        """Send the request for each page. Return the first page's object, with the items of all pages in its list."""
        pages = list(read_pages(self._read_page, self._list_key, self.request.query))
        key = self._list_key(pages[0])
        items = [item for page in pages for item in page.json_object().get(key) or []]
        first = {name: value for name, value in pages[0].json_object().items() if name not in _PAGE_KEYS}
        return {**first, key: items}

    def _read_page(self, query: Mapping[str, Any]) -> Response:
        self.response = self.request_json("GET", self.request.path, query, None)
        return self.response

    def _list_key(self, page: Response) -> str:
        """Return the key of the one list in a page."""
        lists = [key for key, value in page.json_object().items() if isinstance(value, list)]
        if len(lists) != 1:
            found = f"{len(lists)} lists ({', '.join(lists)})" if lists else "no list"
            raise BadInput(f"all_pages: the response to {self.request} has {found}; it needs one, to join the pages")
        return lists[0]

    def request_json(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> Response:
        """Send any request with the login that its path takes. Raises BadInput if a login is needed and missing."""
        auth = self._auth_for(path)
        try:
            return self._context.client.request(method, path, params=query, json=body, auth=auth)
        except NotAuthenticated as error:
            if auth.kind != "anonymous":
                raise
            raise BadInput(
                f"{error.where} needs a login: give quay_token, or quay_username and quay_password"
                + (f" (Quay says: {error.message.rstrip('.')})" if error.status == 401 and error.message else "")
            ) from None

    def _auth_for(self, path: str) -> Auth:
        auth = self._context.client.auth
        # The token service takes a login by Basic. Elsewhere below /v2/, quay_token is a token of the registry's own.
        for_registry = path == "/v2/auth" or (path.startswith("/v2/") and auth.kind == "session")
        return auth.for_registry() if for_registry else auth


class StateResource:
    """The state at a path, for ``reconcile``. Any change of it is the play's one request."""

    def __init__(self, context: ModuleContext, sender: RequestSender, path: str) -> None:
        self.what = f"the state at {path}"
        self.path = path
        self._sender = sender
        self._fields: Mapping[str, Any] = context.params["fields"] or {}
        self._deletes = context.params["state"] == ABSENT

    def read(self) -> Mapping[str, Any] | None:
        state = self._get()
        if state is None:
            return None
        if isinstance(state, list):
            found = any(contains(item, self._fields) for item in state)
            return {"exists": True, **self._fields} if found else None
        if self._deletes and not contains(state, self._fields):
            return None
        return {"exists": True, **{key: self._comparable(state.get(key), want) for key, want in self._fields.items()}}

    @staticmethod
    def _comparable(value: Any, want: Any) -> Any:
        """Return the declared value if the present one contains it: whatever else it contains is no difference."""
        return want if contains(value, want) else masked(value)

    def create(self, desired: Mapping[str, Any]) -> None:
        self._sender.send()

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self._sender.send()

    def delete(self) -> None:
        self._sender.send()

    def _get(self) -> Any:
        """Return the JSON at the path; None if there is nothing."""
        try:
            response = self._sender.request_json("GET", self.path, {}, None)
        except NotFound:
            return None
        except ApiError as error:
            if error.status == 400 and _DOES_NOT_EXIST.search(error.message):
                return None
            raise
        if not isinstance(response.data, (dict, list)):
            raise response.unexpected("the response is neither an object nor a list, so it shows no state")
        return response.data


def _read(context: ModuleContext, sender: RequestSender, store: FileStore | None) -> Result:
    """Send a request that changes nothing in Quay, in check mode too. A secret that a store lacks is stored."""
    if context.params["all_pages"]:
        data = sender.send_for_all_pages()
    else:
        sender.send()
        data = sender.data
    secret = _pick_secret(context, sender.request, data)
    stored = store.read().secret if store else None
    values = _return_values(sender, data, None if context.check_mode else secret, store, sent=True)
    if store is None or secret is None or stored == secret:
        return Result(False, values)
    if not context.check_mode:
        with store.prepare():
            store.write(_delivery(context, sender.request, secret))
    return Result(True, values, {store.place: "other" if stored else "absent"}, {store.place: "delivered"})


def _write(context: ModuleContext, sender: RequestSender, store: FileStore | None) -> Result:
    """Send a request that may change something or issue a token; not in check mode."""
    context.server.refuse_if_read_only(sender.request.method, sender.request.path)
    changed = context.params["changes"] is not False
    if context.check_mode:
        _warn_not_sent(context, sender.request)
        return Result(changed, _return_values(sender, None, None, store, sent=True))
    secret = _send_and_store(context, sender, store)
    return Result(changed, _return_values(sender, sender.data, secret, store, sent=True))


def _send_and_store(context: ModuleContext, sender: RequestSender, store: FileStore | None) -> str | None:
    """Send a write once, store its secret if there is a store, and return it. The store is prepared beforehand."""
    with ExitStack() as stack:
        if store:
            stack.enter_context(store.prepare())
        error = attempt(sender.send)
        if error is not None:
            unclear = QuayError(f"{error}. The request may have taken effect. Check that before you run the task again")
            unclear.outcome_unknown = True
            raise unclear
        secret = _pick_secret(context, sender.request, sender.data)
        if store and secret:
            store.write(_delivery(context, sender.request, secret))
    return secret


def _ensure_state(context: ModuleContext, sender: RequestSender, store: FileStore | None) -> Result:
    """Send the request only if the state differs, and confirm the state afterwards, whatever the response says."""
    if sender.request.state_path is None or sender.request.reads:
        raise BadInput("state needs state_path, from which the state is read, and a request that writes")
    if store:
        raise BadInput("token_path cannot be combined with state: a request that is not sent returns no token")
    comparison = reconcile(
        context,
        StateResource(context, sender, sender.request.state_path),
        context.params["state"],
        {"exists": True, **(context.params["fields"] or {})},
        {},
        has_undelivered_secret=lambda: sender.secret is not None,
    )
    if comparison.changed and context.check_mode:
        _warn_not_sent(context, sender.request)
    secret = _pick_secret(context, sender.request, sender.data) if sender.response else None
    return comparison.result(_return_values(sender, sender.data, secret, None, sent=comparison.changed))


def _warn_not_sent(context: ModuleContext, request: ApiRequest) -> None:
    context.warn(f"Check mode: {request} was not sent.")


def _store_from_option(context: ModuleContext) -> FileStore | None:
    if not context.params["token_path"]:
        return None
    store = FileStore(context.params["token_path"], option="token_path")
    store.check()
    return store


def _delivery(context: ModuleContext, request: ApiRequest, secret: str) -> Delivery:
    record = Record(fingerprint(secret), None if request.reads else context.client.now())
    return Delivery(secret, username="", name=request.operation or request.path, record=record)


def _pick_secret(context: ModuleContext, request: ApiRequest, data: Any) -> str | None:
    """Return the secret at token_key; None and a warning if it is missing."""
    key = context.params["token_key"]
    secret = _secret_at(data, key)
    if key and secret is None:
        # Not an error: the request has been made, and the play needs its other results.
        context.warn(f"token_key: the response to {request} has no text at {key}.")
    return secret


def _secret_at(data: Any, key: str | None) -> str | None:
    """Return the text at a key such as token.value; None if there is none."""
    if not key:
        return None
    for part in key.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, str) and data else None


def _return_values(
    sender: RequestSender, data: Any, secret: str | None, store: FileStore | None, *, sent: bool
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
