# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes, and the checks of Quay before an endpoint is called."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import jsonschema
from flask import Flask, Response, current_app, redirect, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import BaseConverter

from . import auth, rights
from .errors import (
    AbortError,
    ApiError,
    bad_request,
    html_response,
    http_exception_response,
    json_response,
    read_only,
    unauthorized,
)
from .quay import caller, quay, set_caller
from .sessions import is_fresh, verify_csrf
from .state import User

API = "/api/v1"

# Key in the WSGI environment for the data that an endpoint passes to the journal.
TRACE = "standin.trace"

NO_CACHE = "no-cache, no-store, must-revalidate"

View = Callable[..., Any]

_REPOSITORY_NAME = re.compile(rf"{API}/repository/[^/]+(?:/[^/]+)+")
_BROWSER = re.compile(r"(Chrome|Firefox|Safari|MSIE|Opera|Lynx|Konqueror|SeaMonkey|Netscape)/?[ \d]", re.IGNORECASE)


class RepositoryConverter(BaseConverter):
    """The full name of a repository, which may contain several slashes."""

    regex = r"[^/]+(?:/[^/]+)+"
    part_isolating = False
    weight = 200


@dataclass(frozen=True)
class Route:
    path: str
    method: str
    view: View
    feature: str | None = None
    family: str | None = None

    def is_available(self) -> bool:
        """Whether this Quay offers the route, by its family and its features."""
        fits = self.family is None or quay().family == self.family
        return fits and (self.feature is None or quay().feature(self.feature))


@dataclass
class Routes:
    """The endpoints of one topic."""

    routes: list[Route] = field(default_factory=list)

    def add(self, method: str, path: str, **rules: Any) -> Callable[[View], View]:
        """Declare an API endpoint. The rules are those of `with_api_checks`."""

        def declare(view: View) -> View:
            where = {name: rules[name] for name in ("feature", "family") if name in rules}
            self.routes.append(Route(API + path, method, with_api_checks(view, **rules), **where))
            return view

        return declare

    def plain(self, method: str, path: str, **rules: Any) -> Callable[[View], View]:
        """Declare an endpoint outside the API (no bearer tokens, no CSRF check). Rules: see `with_feature_check`."""

        def declare(view: View) -> View:
            self.routes.append(Route(path, method, with_feature_check(view, **rules)))
            return view

        return declare

    def register(self, app: Flask) -> None:
        for route in self.routes:
            app.add_url_rule(route.path, f"{route.method} {route.path}", route.view, methods=[route.method])


def with_feature_check(
    view: View,
    *,
    feature: str | None = None,
    family: str | None = None,
    aborts: bool = False,
    writes: bool = True,
    mints: bool = False,
    cached: bool = True,
) -> View:
    """Hide an endpoint that this family does not have or whose feature is off. Record its kind for the journal."""

    @functools.wraps(view)
    def checked(**arguments: Any) -> Any:
        if family is not None and quay().family != family:
            return missing_endpoint()
        if feature is not None and not quay().feature(feature):
            if aborts:
                raise AbortError(404, "Not Found")
            return missing_endpoint()
        request.environ[TRACE].update(writes=writes, mints=mints)
        response = make_response(view(**arguments))
        if not cached:
            response.headers["Cache-Control"] = NO_CACHE
        return response

    return checked


def with_api_checks(view: View, *, anonymous: bool = False, works_read_only: bool = False, **rules: Any) -> View:
    """Add the API checks to an endpoint, in the order of Quay. The order decides which error is returned."""

    @functools.wraps(view)
    def checked(**arguments: Any) -> Any:
        _refuse_browsers()
        set_caller(auth.authenticate_api())
        if caller().oauth_token is None and request.method not in ("GET", "HEAD"):
            verify_csrf()
        if request.method != "GET" and quay().config["REGISTRY_STATE"] == "readonly" and not works_read_only:
            raise read_only()
        if caller().account is None and not anonymous and not quay().feature("ANONYMOUS_ACCESS"):
            raise AbortError(401, "Anonymous access is not allowed")
        return make_response(view(**arguments))

    return with_feature_check(checked, **rules)


def make_response(result: Any) -> Response:
    """Convert the result of a view: a response, a body, or a body with status and headers."""
    if isinstance(result, Response):
        return result
    body, status, headers = (*result, {})[:3] if isinstance(result, tuple) else (result, 200, {})
    response = Response(status=status, mimetype="application/json") if status == 204 else json_response(body, status)
    response.headers.extend(headers)
    return response


def missing_endpoint() -> Response:
    """Respond to an unknown path. The catch-all route of the user interface handles it, and accepts GET only."""
    if request.path.startswith("/v2/"):
        return html_response(404)
    if _REPOSITORY_NAME.fullmatch(request.path):
        return _as_repository_name()
    if request.method not in ("GET", "HEAD"):
        return html_response(405)
    if request.path.endswith("/"):
        response = html_response(404)
        response.headers["Cache-Control"] = NO_CACHE
        return response
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    return redirect(f"{request.root_url.rstrip('/')}{request.path}/{query}", 308)  # type: ignore[return-value]


def _as_repository_name() -> Response:
    """Treat an unknown path below a repository as a longer repository name, which may contain slashes."""
    method = "GET" if request.method == "HEAD" else request.method
    view = current_app.view_functions.get(f"{method} {API}/repository/<repository:repository>")
    if view is None:
        return http_exception_response(MethodNotAllowed())
    return cast(Response, view(repository=request.path.removeprefix(f"{API}/repository/")))


def _refuse_browsers() -> None:
    if not quay().config["BROWSER_API_CALLS_XHR_ONLY"] or request.method != "GET":
        return
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return
    if _BROWSER.search(request.headers.get("User-Agent", "")):
        text = "API calls must be invoked with an X-Requested-With header if called from a browser"
        raise AbortError(400, text)


def json_body(schema: dict[str, Any], *, optional: bool = False) -> Any:
    """Return the JSON body, validated against the schema of the endpoint."""
    body = request.get_json(silent=optional)
    if body is None:
        if optional:
            return None
        raise bad_request("Missing JSON body")
    try:
        jsonschema.validate(body, schema)
    except jsonschema.ValidationError as error:
        raise bad_request(str(error)) from error
    return body


def require(allowed: bool) -> None:
    if not allowed:
        raise unauthorized()


def require_user_admin() -> User:
    """Return the caller, if they are a user and may administer their account."""
    user = caller().user
    if user is None or not rights.can_administer_user():
        raise unauthorized()
    return user


def require_fresh_login() -> None:
    """Require a fresh login. A bearer token is always fresh, a session for a while after the password was entered."""
    if caller().oauth_token is None and not is_fresh():
        raise ApiError("fresh_login_required", 401, "Requires fresh login")


def flag(name: str, default: bool) -> bool:
    value = request.args.get(name)
    return default if value is None else value.lower() not in ("false", "0", "")
