# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Where the OIDC token comes from that a robot exchanges: the task, a file, the environment of a CI job, an issuer."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, Callable, Mapping
from urllib.parse import urlsplit

from .._core.errors import BadInput, LocalFileError
from .._core.secret_input import clean_secret
from .._http.identity_providers import REQUEST_TOKEN, REQUEST_URL, IdentityProviders
from .._http.session import checked_verify, new_session
from .._module.context import ModuleContext
from .._quay.federation import Identity, parse_identity

IDENTITY_OPTIONS: dict[str, Any] = {
    "oidc_token": {"type": "str", "no_log": True},
    "oidc_token_path": {"type": "path", "no_log": False},
    "oidc_token_variable": {"type": "str", "no_log": False},
    "oidc_issuer": {"type": "str"},
    "oidc_client_id": {"type": "str"},
    "oidc_client_secret": {"type": "str", "no_log": True},
    "oidc_audience": {"type": "str"},
    "oidc_scopes": {"type": "list", "elements": "str"},
    "oidc_ca_path": {"type": "path"},
}
# At most one of them may be given.
SOURCES = ("oidc_token", "oidc_token_path", "oidc_token_variable", "oidc_issuer")
IDENTITY_REQUIREMENTS = {
    "oidc_issuer": ("oidc_client_id", "oidc_client_secret"),
    "oidc_client_id": ("oidc_issuer",),
    "oidc_client_secret": ("oidc_issuer",),
}

# More is no token.
_MAX_FILE_SIZE = 65536
# A token that was obtained for another credential of the same run is used again if it lives longer than this.
_MIN_LIFETIME = timedelta(minutes=1)
_OF_ISSUERS_ALONE = ("oidc_scopes",)


def check_identity_source(params: Mapping[str, Any]) -> None:
    """Raise BadInput for options that are wrong wherever the module runs. Reads and sends nothing."""
    given = [name for name in SOURCES if params.get(name)]
    if len(given) > 1:
        raise BadInput(f"Give one of {', '.join(given)} only: there is one OIDC token")
    issuer = params.get("oidc_issuer")
    if issuer:
        missing = [name for name in ("oidc_client_id", "oidc_client_secret") if not params.get(name)]
        if missing:
            raise BadInput(f"oidc_issuer needs {' and '.join(missing)}")
        _check_url(issuer, "oidc_issuer", "Quay asks no other issuers for their keys")
    for name in ("oidc_client_id", "oidc_client_secret", *_OF_ISSUERS_ALONE):
        if params.get(name) and not issuer:
            raise BadInput(f"{name} needs oidc_issuer")
    if params.get("oidc_audience") and given and not issuer:
        raise BadInput(f"oidc_audience: the token of {given[0]} has its audience already. Leave oidc_audience out")


def obtain_identity(context: ModuleContext) -> Identity:
    """The OIDC token that the options name, checked as far as it can be without Quay.

    One that has to be requested is requested once for all credentials with the same options. Raises BadInput,
    LocalFileError and IdentityError.
    """
    params, environ = context.params, os.environ
    if params.get("oidc_token"):
        token, source = clean_secret(params["oidc_token"], "oidc_token") or "", "oidc_token"
    elif params.get("oidc_token_path"):
        token, source = _token_of_file(params["oidc_token_path"]), params["oidc_token_path"]
    elif params.get("oidc_token_variable"):
        token, source = _token_of_variable(params["oidc_token_variable"], environ), params["oidc_token_variable"]
    else:
        return _requested(context, environ)
    return _parsed(context, token, source)


def _requested(context: ModuleContext, environ: Mapping[str, str]) -> Identity:
    """The OIDC token of an issuer, or of the job of GitHub Actions that the environment describes."""
    params = context.params
    verify = checked_verify(params.get("oidc_ca_path") or True, "oidc_ca_path")
    audience, issuer = params.get("oidc_audience"), params.get("oidc_issuer")
    request: Callable[[IdentityProviders], str]
    key: tuple[Any, ...]
    if issuer:
        client_id, secret, scopes = (params[name] for name in ("oidc_client_id", "oidc_client_secret", "oidc_scopes"))
        key, source = (issuer, client_id, secret, audience, tuple(scopes or ()), verify), "The answer of oidc_issuer"

        def request(providers: IdentityProviders) -> str:
            return providers.client_token(issuer, client_id, secret, audience, scopes or ())

    else:
        url, request_token = _job(environ)
        context.hidden.add(request_token)
        key, source = (url, request_token, audience, verify), f"The answer of {REQUEST_URL}"

        def request(providers: IdentityProviders) -> str:
            return providers.job_token(url, request_token, audience)

    def obtain() -> Identity:
        return _parsed(context, request(IdentityProviders(new_session(), verify)), source)

    def lives(identity: Identity) -> bool:
        return identity.expires_at - context.client.now() > _MIN_LIFETIME

    return context.shared.get(key, obtain, lives)


def _parsed(context: ModuleContext, token: str, source: str) -> Identity:
    context.hidden.add(token)
    return parse_identity(token, source)


def _token_of_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_MAX_FILE_SIZE)
    except UnicodeDecodeError:
        raise BadInput(f"oidc_token_path: {path} holds no text") from None
    except OSError as error:
        raise LocalFileError(f"oidc_token_path: {path} cannot be read: {error.strerror}") from None
    token = clean_secret(text, "oidc_token_path")
    if token is None:
        raise BadInput(f"oidc_token_path: {path} is empty")
    return token


def _token_of_variable(name: str, environ: Mapping[str, str]) -> str:
    token = clean_secret(environ.get(name), name)
    if token is None:
        raise BadInput(
            f"oidc_token_variable: the environment variable {name} is not set where the module runs. Variables of the "
            "controller do not reach another host. In GitLab CI, name it below id_tokens of the job"
        )
    return token


def _job(environ: Mapping[str, str]) -> tuple[str, str]:
    """The URL and the token with which a job requests its OIDC token."""
    url, token = (environ.get(name, "").strip() for name in (REQUEST_URL, REQUEST_TOKEN))
    if not url or not token:
        raise BadInput(
            "No OIDC token: give oidc_token, oidc_token_path, oidc_token_variable, or oidc_issuer with oidc_client_id "
            "and oidc_client_secret. Without them, the environment of a job of GitHub Actions is used, but "
            f"{REQUEST_URL} and {REQUEST_TOKEN} are not set where the module runs: the job needs the permission "
            "id-token: write"
        )
    _check_url(url, REQUEST_URL, "the token of the job is not sent over plain http")
    return url, token


def _check_url(url: str, name: str, reason: str) -> None:
    """Raise BadInput for anything else than an https URL without a login. The message does not repeat it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "https" or not host or port == 0:
        raise BadInput(f"{name} must be an https URL: {reason}")
    if parts.username is not None or parts.password is not None:
        raise BadInput(f"{name} must not hold a user name or password")
