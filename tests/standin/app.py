# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Flask application of one Quay: routes, sessions and error responses."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from . import endpoints
from .errors import HtmlError, QuayError, html_response, http_exception_response
from .quay import EXTENSION, Quay, caller
from .routing import TRACE, RepositoryConverter, missing_endpoint
from .sessions import COOKIE_NAME, LIFETIME
from .tokens import random_string


def create_app(quay: Quay) -> Flask:
    app = Flask("standin", static_folder=None)
    app.extensions[EXTENSION] = quay
    app.url_map.converters["repository"] = RepositoryConverter
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config.update(
        SECRET_KEY=random_string(64),
        SESSION_COOKIE_NAME=COOKIE_NAME,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )
    for routes in endpoints.ALL:
        routes.register(app)
    _handle_errors(app)
    app.after_request(_record_caller)
    return app


def _record_caller(response: Response) -> Response:
    """Record the caller and the kind of authentication for the journal, and what the request cost."""
    scheme = request.headers.get("Authorization", "").split(" ", 1)[0].lower()
    kind = scheme if scheme in ("bearer", "basic") else caller().kind
    request.environ[TRACE].update(auth=kind, user=caller().name, hashes=g.get("hashes", 0))
    return response


def _handle_errors(app: Flask) -> None:
    @app.errorhandler(QuayError)
    def quay_error(error: QuayError) -> Response:
        return error.response()

    @app.errorhandler(NotFound)
    def not_routed(_error: NotFound) -> Any:
        return missing_endpoint()

    @app.errorhandler(MethodNotAllowed)
    def wrong_method(error: MethodNotAllowed) -> Any:
        # The catch-all route of the user interface accepts GET for every path, with HTML.
        known = error.valid_methods and "GET" in error.valid_methods and request.method != "GET"
        return http_exception_response(error) if known else missing_endpoint()

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        # A redirect for a missing slash is handled here as well. It has a response of its own.
        return error.get_response() if error.code == 308 else http_exception_response(error)

    @app.errorhandler(Exception)
    def internal_error(error: Exception) -> Response:
        app.logger.exception("error in the stand-in itself", exc_info=error)
        return html_response(HtmlError(500).status)
