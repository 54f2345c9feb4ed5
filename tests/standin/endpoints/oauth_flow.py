# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OAuth flow of the browser, the assignment of tokens, and the authorizations of a user."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from flask import Response, request
from werkzeug.datastructures import MultiDict

from .. import auth, rights, scopes, tokens
from ..config import app_url
from ..errors import AbortError, HtmlError, internal_error, json_response, not_found
from ..factories import TEN_YEARS_S, mint_oauth_token
from ..quay import Caller, caller, quay, set_caller
from ..routing import Routes, require_user_admin
from ..serialization import application_summary
from ..sessions import csrf_token, session_caller, verify_csrf
from ..state import Application, Assignment, AuthorizationCode, OAuthToken, User
from ..usage_log import log
from .notifications import ASSIGNED_AUTHORIZATION, delete_notifications, notify

routes = Routes()

Parameters = MultiDict[str, str]


@routes.plain("POST", "/oauth/authorizeapp", mints=True)
def authorize_application() -> Response:
    user = _authenticated()
    verify_csrf()
    return _authorize(user, request.form)


@routes.plain("POST", "/oauth/denyapp")
def deny_application() -> Response:
    """Refuse what the consent page asks for. Only a session is accepted. Neither client nor scope are checked."""
    set_caller(session_caller() or Caller())
    verify_csrf()
    if caller().user is None:
        raise HtmlError(401)
    redirect_uri = request.form.get("redirect_uri", "")
    application = quay().state.applications.get(request.form.get("client_id", ""))
    if not _is_redirect_allowed(application, redirect_uri):
        return _oauth_error("invalid_request")
    return _redirect(redirect_uri, {"error": "authorization_denied"})


@routes.plain("GET", "/oauth/authorize", mints=True, cached=False)
def request_authorization() -> Response:
    _require_parameters(request.args, "client_id", "redirect_uri", "scope")
    if quay().family == "3.17" and auth.basic_credentials():
        internal_error()
    user = _authenticated()
    parameters = request.args
    application = quay().state.applications.get(parameters["client_id"])
    if application is None:
        raise HtmlError(404)
    if not _may_use(user, application, parameters.get("assignment_uuid")):
        raise HtmlError(403)
    if scopes.covers(_authorized_scope(user, application), parameters["scope"]):
        return _authorize(user, parameters)
    return _consent(application, parameters)


@routes.plain("GET", "/oauth/localapp")
def local_application() -> Response:
    if auth.authenticate_web().user is None:
        raise HtmlError(401)
    return Response("<!doctype html>\n<title>Access token</title>\n", content_type="text/html; charset=utf-8")


@routes.plain("POST", "/oauth/access_token", mints=True, cached=False)
def exchange_code() -> Response:
    form = request.values
    _require_parameters(form, "grant_type", "client_id", "redirect_uri", "code", "scope")
    client_id, client_secret = auth.basic_credentials() or (form["client_id"], form.get("client_secret", ""))
    if form["grant_type"] != "authorization_code":
        return _oauth_error("unsupported_grant_type")
    application = quay().state.applications.get(client_id)
    if application is None or application.client_secret != client_secret:
        return _oauth_error("invalid_client")
    code = quay().state.authorization_codes.get(tokens.digest(form["code"]))
    if code is None or (code.client_id, code.scope) != (client_id, form["scope"]):
        return _oauth_error("invalid_grant")
    if not _is_redirect_allowed(application, form["redirect_uri"]):
        return _oauth_error("invalid_grant")
    del quay().state.authorization_codes[code.digest]
    _token, secret = mint_oauth_token(application, code.username, code.scope)
    return _oauth_json(
        {"access_token": secret, "token_type": "Bearer", "expires_in": TEN_YEARS_S, "refresh_token": None}
    )


@routes.plain("POST", "/oauth/authorize/assignuser", cached=False)
def assign_user() -> Response:
    parameters = request.args
    _require_parameters(parameters, "client_id", "redirect_uri", "scope", "username")
    set_caller(auth.authenticate_web())
    verify_csrf()
    if not quay().feature("ASSIGN_OAUTH_TOKEN"):
        raise HtmlError(404)
    # Basic credentials are read, but only a session is accepted. The CSRF pair of an anonymous session is not enough.
    assigner = caller().user
    if assigner is None or caller().kind != "session":
        raise HtmlError(401)
    user = quay().state.users.get(parameters["username"])
    application = quay().state.applications.get(parameters["client_id"])
    if user is None or not user.enabled or application is None:
        raise HtmlError(404)
    if not rights.is_admin_of_organization(assigner.username, application.namespace):
        raise HtmlError(403)
    _assign(application, user, parameters)
    metadata = {
        "assigning_user": assigner.username,
        "assigned_user": user.username,
        "application": application.name,
        "client_id": application.client_id,
    }
    log("oauth_token_assigned", application.namespace, metadata)
    if parameters.get("format", "html").lower() == "json":
        return json_response({"message": "Token assigned successfully"})
    return Response("<!doctype html>\n<p>Token assigned successfully</p>\n", content_type="text/html; charset=utf-8")


def _assign(application: Application, user: User, parameters: Parameters) -> None:
    assignment = Assignment(
        client_id=application.client_id,
        username=user.username,
        redirect_uri=parameters["redirect_uri"],
        scope=parameters["scope"],
        response_type=parameters.get("response_type", "code"),
    )
    quay().state.assignments[assignment.uuid] = assignment
    notify(ASSIGNED_AUTHORIZATION, user.username, {"username": user.username})


@routes.add("GET", "/user/assignedauthorization", feature="ASSIGN_OAUTH_TOKEN")
def list_assigned() -> dict[str, Any]:
    user = require_user_admin()
    assigned = [item for item in quay().state.assignments.values() if item.username == user.username]
    # They count as seen.
    delete_notifications(ASSIGNED_AUTHORIZATION, user.username)
    return {"authorizations": [_assignment_view(assignment) for assignment in assigned]}


@routes.add("DELETE", "/user/assignedauthorization/<uuid>", feature="ASSIGN_OAUTH_TOKEN")
def delete_assigned(uuid: str) -> tuple[str, int]:
    user = require_user_admin()
    assignment = quay().state.assignments.get(uuid)
    if assignment is None or assignment.username != user.username:
        raise not_found()
    del quay().state.assignments[uuid]
    return "", 204


@routes.add("GET", "/user/authorizations")
def list_authorizations() -> dict[str, Any]:
    user = require_user_admin()
    return {"authorizations": [_authorization_view(token) for token in quay().state.tokens_of_user(user.username)]}


@routes.add("GET", "/user/authorizations/<uuid>")
def get_authorization(uuid: str) -> dict[str, Any]:
    return _authorization_view(_own_token(uuid))


@routes.add("DELETE", "/user/authorizations/<uuid>")
def delete_authorization(uuid: str) -> tuple[str, int]:
    del quay().state.oauth_tokens[_own_token(uuid).digest]
    return "", 204


def _own_token(uuid: str) -> OAuthToken:
    user = require_user_admin()
    for token in quay().state.tokens_of_user(user.username):
        if token.uuid == uuid:
            return token
    raise not_found()


def _authenticated() -> User:
    set_caller(auth.authenticate_web())
    user = caller().user
    if user is None:
        raise HtmlError(401)
    return user


def _require_parameters(found: Parameters, *names: str) -> None:
    for name in names:
        if name not in found:
            raise AbortError(400, f"Required param: {name}")


def _authorize(user: User, parameters: Parameters) -> Response:
    """Redirect with a token or a code, or with an error."""
    response_type = parameters.get("response_type", "code")
    assignment_uuid = parameters.get("assignment_uuid")
    if assignment_uuid is not None and (response_type != "token" or not quay().feature("ASSIGN_OAUTH_TOKEN")):
        raise HtmlError(400)
    redirect_uri = parameters.get("redirect_uri", "")
    application = quay().state.applications.get(parameters.get("client_id", ""))
    if response_type not in ("token", "code"):
        return _redirect(redirect_uri, {"error": "unsupported_response_type"})
    if application is None or (response_type == "token" and not _may_use(user, application, assignment_uuid)):
        return _redirect(redirect_uri, {"error": "unauthorized_client"})
    if not _is_redirect_allowed(application, redirect_uri):
        return _oauth_error("invalid_request")
    scope = parameters.get("scope", "")
    if not scopes.is_valid(scope):
        return _redirect(redirect_uri, {"error": "invalid_scope"})
    echoed = {name: parameters[name] for name in ("scope", "state") if name in parameters}
    if response_type == "code":
        return _redirect(redirect_uri, {**echoed, "code": _new_code(user, application, scope)})
    _token, secret = mint_oauth_token(application, user.username, scope)
    assignment = quay().state.assignments.get(assignment_uuid or "")
    if assignment and (assignment.username, assignment.client_id) == (user.username, application.client_id):
        # An assignment for another application of the organization lets the user in as well, and is not used up.
        del quay().state.assignments[assignment.uuid]
    fragment = f"access_token={secret}&token_type=Bearer&expires_in={TEN_YEARS_S}"
    return _redirect(redirect_uri, echoed, fragment)


def _may_use(user: User, application: Application, assignment_uuid: str | None) -> bool:
    """Whether a user may get a token: administrators of the organization, and users with an assigned token."""
    if rights.is_admin_of_organization(user.username, application.namespace):
        return True
    assignment = quay().state.assignments.get(assignment_uuid or "")
    if assignment is None or assignment.username != user.username:
        return False
    return quay().state.applications[assignment.client_id].namespace == application.namespace


def _authorized_scope(user: User, application: Application) -> str:
    now = quay().clock.now()
    valid = [token for token in quay().state.tokens_of_user(user.username) if token.expires_at > now]
    return ",".join(token.scope for token in valid if token.client_id == application.client_id)


def _consent(application: Application, parameters: Parameters) -> Response:
    if not _is_redirect_allowed(application, parameters["redirect_uri"]):
        return _redirect(application.redirect_uri, {"error": "redirect_uri_mismatch"})
    requested = scopes.views(parameters["scope"])
    if not requested:
        raise HtmlError(404)
    if parameters.get("format", "html").lower() != "json":
        return Response("<!doctype html>\n<title>Authorize</title>\n", content_type="text/html; charset=utf-8")
    summary = application_summary(application.client_id)
    summary["avatar"] = json.dumps(summary["avatar"])
    summary["organization"]["avatar"] = json.dumps(summary["organization"]["avatar"])
    return json_response(
        {
            "scopes": requested,
            "has_dangerous_scopes": any(scope["dangerous"] for scope in requested),
            "application": summary,
            "response_type": parameters.get("response_type", "code"),
            "client_id": application.client_id,
            "redirect_uri": parameters["redirect_uri"],
            "scope": parameters["scope"],
            "csrf_token_val": csrf_token(),
            "state": parameters.get("state"),
            "assignment_uuid": parameters.get("assignment_uuid"),
        }
    )


def _is_redirect_allowed(application: Application | None, redirect_uri: str) -> bool:
    """Whether the URI is the page of Quay itself, or below the redirect URI of the application."""
    config = quay().config
    if redirect_uri == app_url(config) + config["LOCAL_OAUTH_HANDLER"]:
        return True
    if application is None or not application.redirect_uri or not redirect_uri:
        return False
    configured, provided = urlsplit(application.redirect_uri), urlsplit(redirect_uri)
    if (configured.scheme, configured.netloc) != (provided.scheme, provided.netloc) or provided.username:
        return False
    if ".." in unquote(provided.path) or "@" in provided.path or not provided.path.startswith(configured.path):
        return False
    return "%" not in provided.path[len(configured.path) :]


def _new_code(user: User, application: Application, scope: str) -> str:
    code = tokens.oauth_token()
    record = AuthorizationCode(tokens.digest(code), application.client_id, user.username, scope)
    quay().state.authorization_codes[record.digest] = record
    return code


def _redirect(address: str, parameters: dict[str, str], fragment: str = "") -> Response:
    parts = urlsplit(address)
    query = urlencode({**dict(parse_qsl(parts.query, keep_blank_values=True)), **parameters})
    location = urlunsplit((parts.scheme, parts.netloc, parts.path, query, fragment))
    return Response(status=302, headers={"Location": location}, content_type="text/html; charset=utf-8")


def _oauth_error(error: str) -> Response:
    return _oauth_json({"error": error}, 400)


def _oauth_json(body: dict[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(json.dumps(body), status, headers, content_type="application/json;charset=UTF-8")


def _authorization_view(token: OAuthToken) -> dict[str, Any]:
    return {
        "application": application_summary(token.client_id),
        "scopes": scopes.views(token.scope),
        "uuid": token.uuid,
    }


def _assignment_view(assignment: Assignment) -> dict[str, Any]:
    return {
        "application": application_summary(assignment.client_id, with_client_id=True),
        "uuid": assignment.uuid,
        "redirectUri": assignment.redirect_uri,
        "scopes": scopes.views(assignment.scope),
        "responseType": assignment.response_type,
    }
