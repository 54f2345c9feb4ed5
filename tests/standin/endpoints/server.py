# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public information about the server."""

from __future__ import annotations

from typing import Any

from flask import Response

from .. import config as configuration
from ..errors import json_response
from ..quay import quay
from ..routing import Routes
from ..sessions import csrf_token

routes = Routes()

_SERVICES = ("auth", "database", "disk_space", "registry_gunicorn", "service_key", "web_gunicorn")

_ERROR_TEXTS = {
    "invalid_request": "The request was invalid. It may have contained invalid values or was improperly formatted.",
    "invalid_token": "The access token provided was invalid.",
    "insufficient_scope": "The access token did not have sufficient scope to access the requested resource.",
    "fresh_login_required": "The action requires a fresh login to succeed.",
    "not_found": "The resource was not found.",
}


@routes.plain("GET", "/config")
def get_config() -> dict[str, Any]:
    config = quay().config
    return {
        "config": configuration.visible(config),
        "features": configuration.features(config),
        "oauth": {},
        "external_login": [],
        "registry_state": config["REGISTRY_STATE"],
        "account_recovery_mode": False,
        "version_number": "Quay v3.11.0" if quay().family == "3.18" else "Quay v3.17.4",
    }


@routes.plain("GET", "/csrf_token")
def get_csrf_token() -> dict[str, str]:
    return {"csrf_token": csrf_token()}


@routes.plain("GET", "/health/instance", cached=False)
def get_health() -> Response:
    return json_response({"data": {"services": dict.fromkeys(_SERVICES, True)}, "status_code": 200})


@routes.plain("GET", "/")
def get_user_interface() -> Response:
    return Response("<!doctype html>\n<title>Stand-in Quay</title>\n", content_type="text/html; charset=utf-8")


@routes.add("GET", "/error/<error_type>", anonymous=True)
def get_error(error_type: str) -> dict[str, Any]:
    return {
        "type": f"{configuration.app_url(quay().config)}/api/v1/error/{error_type}",
        "title": error_type,
        "description": _ERROR_TEXTS.get(error_type, ""),
    }
