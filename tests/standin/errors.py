# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The five shapes of error responses of Quay."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, NoReturn

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from .config import app_url
from .quay import caller, quay

READ_ONLY_MESSAGE = (
    "System is currently read-only. Pulls will succeed but all write operations are currently suspended."
)


class QuayError(Exception):
    """An error response that ends the request."""

    status = 500

    def response(self) -> Response:
        raise NotImplementedError


class ApiError(QuayError):
    """Shape one: the problem report of the API."""

    def __init__(self, error_type: str, status: int, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.error_type, self.status, self.detail, self.extra = error_type, status, detail, extra

    def response(self) -> Response:
        body: dict[str, Any] = dict(self.extra)
        if self.detail is not None:
            body |= {"detail": self.detail, "error_message": self.detail}
        body |= {
            "error_type": self.error_type,
            "title": self.error_type,
            "type": f"{request.url_root}api/v1/error/{self.error_type}",
            "status": self.status,
        }
        return json_response(body, self.status)


class MessageError(QuayError):
    """Shape two: a bare message, from Quay's models, from Flask-RESTful and from single endpoints."""

    def __init__(self, message: str, status: int = 400, **extra: Any) -> None:
        super().__init__(message)
        self.status, self.body = status, {**extra, "message": message}

    def response(self) -> Response:
        return json_response(self.body, self.status)


class AbortError(QuayError):
    """Shape four: JSON with a bare error, labelled as HTML."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers

    def response(self) -> Response:
        # Quay adds the name of an authenticated caller.
        known = f" (authorized: {caller().description})" if caller().account else ""
        body = json.dumps({"error": self.error + known})
        return Response(body, self.status, self.headers, content_type="text/html; charset=utf-8")


class RegistryError(QuayError):
    """Shape five: the errors of the distribution specification."""

    def __init__(
        self, code: str, message: str, status: int = 400, detail: Any = None, scope: str | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.message, self.scope = code, status, message, scope
        self.detail = {} if detail is None else detail

    def response(self) -> Response:
        body = {"errors": [{"code": self.code, "message": self.message, "detail": self.detail}]}
        response = json_response(body, self.status)
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers.extend(challenge(self.scope))
        return response


class HtmlError(QuayError):
    """A response of nginx or Flask."""

    def __init__(self, status: int) -> None:
        super().__init__(HTTPStatus(status).phrase)
        self.status = status

    def response(self) -> Response:
        return html_response(self.status)


class GatewayError(QuayError):
    """The page of nginx if a worker of Quay ended without a response."""

    status = 502

    def response(self) -> Response:
        text = "<!doctype html>\n<html lang=en>\n<title>Quay Loading</title>\n<h1>Quay is starting up</h1>\n"
        return Response(text, self.status, content_type="text/html")


class TooManyLogins(QuayError):
    """During the back-off after failed logins, even the correct password is refused."""

    status = 429

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many login attempts.")
        self.retry_after = retry_after

    def response(self) -> Response:
        text = "Too many login attempts. \nPlease reset your Quay password and try again."
        response = Response(text, self.status, content_type="text/html; charset=utf-8")
        response.headers["Retry-After"] = str(int(self.retry_after))
        return response


def json_response(body: Any, status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def html_response(status: int) -> Response:
    phrase = HTTPStatus(status).phrase
    text = f"<!doctype html>\n<html lang=en>\n<title>{status} {phrase}</title>\n<h1>{phrase}</h1>\n"
    # After an unhandled exception the WSGI server responds, without a character set.
    return Response(text, status, content_type="text/html" if status == 500 else "text/html; charset=utf-8")


def challenge(scope: str | None = None) -> dict[str, str]:
    """The header that names the token service: by configuration, not by the host name of the request."""
    config = quay().config
    bearer = f'Bearer realm="{app_url(config)}/v2/auth",service="{config["SERVER_HOSTNAME"]}"'
    if scope:
        bearer += f',scope="{scope}"'
    return {"WWW-Authenticate": bearer, "Docker-Distribution-API-Version": "registry/2.0"}


def bad_request(message: str, **extra: Any) -> ApiError:
    return ApiError("invalid_request", 400, message, **extra)


def not_found() -> ApiError:
    return ApiError("not_found", 404, "Not Found")


def unauthorized() -> ApiError:
    """401 for anonymous callers, 403 for authenticated ones."""
    if caller().account is None:
        return ApiError("invalid_token", 401, "Requires authentication")
    return ApiError("insufficient_scope", 403, "Unauthorized")


def read_only() -> MessageError:
    return MessageError(READ_ONLY_MESSAGE, 503, is_readonly=True)


def unknown_robot() -> MessageError:
    return MessageError("Could not find robot with specified username")


def internal_error() -> NoReturn:
    """Respond like a real Quay with an unhandled exception."""
    raise HtmlError(500)


def http_exception_response(error: HTTPException) -> Response:
    """Flask-RESTful turns HTTP exceptions below /api/v1 into messages; everywhere else they are HTML."""
    status = error.code or 500
    if request.path.startswith("/api/v1/") and not request.path.startswith("/api/v1/user/initialize"):
        return json_response({"message": error.description}, status)
    return html_response(status)
