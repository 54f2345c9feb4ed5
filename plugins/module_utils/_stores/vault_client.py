# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Requests to Vault or OpenBao through hvac: login, responses, errors. Nothing that a server says is repeated.

What a server says in an error may hold anything, so that known errors are recognised and described here.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Iterator, Mapping
from urllib.parse import quote, urlsplit

from .._core.errors import BadInput, StoreError
from .._http.session import silence_insecure_warnings
from .libraries import load_library
from .remote_options import KUBERNETES, TOKEN, TOKEN_FILE, USERPASS
from .vault_options import VaultLogin, VaultServer

_KIND = "hashi_vault"
_CLIENTS_LOCK = threading.Lock()
_RETRIES = 2
_PAUSE = 0.5  # seconds before the first repetition
# Refused without effect: a limit of requests, or a replica that does not know the latest write yet.
_REFUSED_FOR_NOW = (412, 429)
_SEALED = "is sealed"
_MAX_TOKEN_FILE = 65536


class VaultError(StoreError):
    """A request failed. ``status``: that of the response; None without one."""

    def __init__(self, message: str, status: int | None = None, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.outcome_unknown = outcome_unknown


class Denied(VaultError):
    """The server does not accept the token, or its policies do not allow the request (403)."""


class Refused(VaultError):
    """The server does not accept the content of the request (400)."""

    def __init__(self, message: str, words: str) -> None:
        """``words``: what the server said. They are compared, and never shown."""
        super().__init__(message, 400)
        self.words = words


@dataclass(frozen=True)
class Reply:
    """A response: successful, or 404."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def found(self) -> bool:
        return self.status != 404

    @property
    def data(self) -> Mapping[str, Any]:
        data = self.body.get("data")
        return data if isinstance(data, dict) else {}

    def says(self, words: str) -> bool:
        """Whether an error or a warning of the server contains these words."""
        return words in _words_of(self.body)


class VaultClient:
    """Sends requests to one server with one login, which is done before the first request."""

    def __init__(self, server: VaultServer, login: VaultLogin) -> None:
        self._server = server
        self._login = login
        self._connected: Any = None
        self._lock = threading.Lock()
        self.kv_versions: dict[str, str] = {}  # of the mounts that were asked for

    def read(self, *path: str, **params: str) -> Reply:
        """GET; repeated with growing pauses where that can help. Raises VaultError, but not for 404."""
        attempt = 0
        while True:
            try:
                return self._send("get", path, params=params)
            except VaultError as error:
                temporary = error.status in (None, *_REFUSED_FOR_NOW) or error.status >= 500
                if attempt >= _RETRIES or not temporary or _SEALED in str(error):
                    raise
            time.sleep(_PAUSE * 2**attempt)
            attempt += 1

    def write(self, *path: str, body: Mapping[str, Any], method: str = "post") -> Reply:
        """POST, PUT, PATCH or DELETE, sent once unless it is refused for now. Raises VaultError, but not for 404."""
        headers = {"Content-Type": "application/merge-patch+json"} if method == "patch" else {}
        attempt = 0
        while True:
            try:
                return self._send(method, path, json=body, headers=headers)
            except VaultError as error:
                if attempt >= _RETRIES or error.status not in _REFUSED_FOR_NOW:
                    raise
            time.sleep(_PAUSE * 2**attempt)
            attempt += 1

    def capabilities(self, *paths: str) -> dict[str, list[str]] | None:
        """What the policies of the token allow on each of these paths; None if they do not let it be asked."""
        try:
            found = self.write("sys", "capabilities-self", body={"paths": list(paths)}).data
        except Denied:
            return None
        return {path: [str(item) for item in found.get(path) or ()] for path in paths}

    def _send(self, method: str, path: tuple[str, ...], **more: Any) -> Reply:
        with self._lock:
            # Stores that are used at the same time share one login, which may be valid for one use.
            if self._connected is None:
                self._connected = self._log_in()
        return self._request(self._connected, method, path, **more)

    def _log_in(self) -> Any:
        """An adapter of hvac with a token."""
        if not self._server.url:
            raise BadInput(
                "vault_url is missing: set it, or VAULT_ADDR in the environment, to the address of Vault or OpenBao, "
                "such as https://vault.example.com:8200"
            )
        _check_ca(self._server.verify)
        login = self._login
        if login.method in (TOKEN, TOKEN_FILE):
            return self._adapter(login.token if login.method == TOKEN else _read_token_file(login.token_file))
        credentials = dict(login.credentials)
        if login.method == KUBERNETES:
            credentials["jwt"] = _read_token_file(login.token_file)
        user = (login.username,) if login.method == USERPASS else ()
        path = ("auth", *login.mount.split("/"), "login", *user)
        try:
            reply = self._request(self._adapter(None), "post", path, json=credentials)
        except (Denied, Refused):
            raise StoreError(self._login_refused()) from None
        auth = reply.body.get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not token:
            raise StoreError(self._login_refused())
        return self._adapter(str(token))

    def _login_refused(self) -> str:
        return (
            f"{self._server.url} does not accept the login by {self._login.method} at auth/{self._login.mount}. Check "
            "its credentials, that the role or user exists, and that the method is enabled there (vault_auth_mount)"
            + (f" in the namespace {self._server.namespace}" if self._server.namespace else "")
        )

    def _adapter(self, token: str | None) -> Any:
        if token is None and self._login.method == TOKEN:
            raise BadInput(
                "No login for a store of the kind hashi_vault: give vault_token (or VAULT_TOKEN), or another "
                "vault_auth_method. The environment is read on the host that runs the module"
            )
        hvac = load_library("hvac", _KIND)
        session = load_library("requests", _KIND).Session()
        # With an auth of its own, requests does not read .netrc.
        session.auth = _without_netrc
        # hvac prefers the setting of the session.
        session.verify = self._server.verify
        return hvac.adapters.RawAdapter(
            base_uri=self._server.url,
            token=token,
            verify=self._server.verify,
            timeout=self._server.timeout,
            # Credentials do not follow a redirect.
            allow_redirects=False,
            session=session,
            namespace=self._server.namespace or None,
            ignore_exceptions=True,
        )

    def _request(self, adapter: Any, method: str, path: tuple[str, ...], **more: Any) -> Reply:
        url = "/v1/" + "/".join(quote(part, safe="") for part in path)
        try:
            silence_insecure_warnings(self._server.verify)
            response = adapter.request(method, url, **more)
            body = _body_of(response)
        except (OSError, ValueError) as error:  # every exception of requests is an OSError
            failure = self._transport_error(error)
        else:
            reply = Reply(response.status_code, body or {})
            if body is not None and (reply.status < 300 or reply.status == 404):
                return reply
            failure = self._error(reply, "/".join(path), response.headers)
        # Not chained: the texts of such exceptions may hold credentials.
        raise failure

    def _transport_error(self, error: Exception) -> VaultError:
        names = {type(cause).__name__ for cause in _chain_of(error)}
        if not isinstance(error, OSError):
            # requests parses the address of a redirect although it does not follow it.
            cause = "an address is malformed: vault_url (VAULT_ADDR), that of a proxy, or that of a redirect"
        elif names & {"SSLCertVerificationError", "CertificateError"}:
            cause = "its TLS certificate is not trusted. Set vault_ca_path (VAULT_CACERT) to the issuing CA"
        elif "SSLError" in names:
            cause = "TLS failed. Check that vault_url (VAULT_ADDR) begins with the right scheme"
        elif names & {"ConnectTimeout", "ReadTimeout", "Timeout", "ConnectTimeoutError", "ReadTimeoutError"}:
            cause = f"no response within {self._server.timeout:g} s"
        elif "gaierror" in names:
            cause = "the host name cannot be resolved. Check vault_url (VAULT_ADDR)"
        elif "ConnectionRefusedError" in names:
            cause = "connection refused. Check vault_url (VAULT_ADDR) and that the server is up"
        elif "ProxyError" in names:
            cause = "the proxy did not let the request through"
        else:
            cause = "the connection was closed"
        return VaultError(f"Cannot reach {self._server.url}: {cause}", outcome_unknown=True)

    def _error(self, reply: Reply, path: str, headers: Mapping[str, str]) -> VaultError:
        where = f"{self._server.url} at {path}"
        if reply.status < 300 or reply.status == 404:
            return VaultError(
                f"{where}: the response is not JSON. Check that vault_url (VAULT_ADDR) is Vault or OpenBao itself",
                reply.status,
                outcome_unknown=True,
            )
        if reply.status < 400:
            return VaultError(self._redirected(headers), reply.status)
        if reply.status == 400:
            return Refused(f"{where}: the server does not accept the request (400)", _words_of(reply.body))
        if reply.status in (401, 403):
            return Denied(
                f"{where}: permission denied ({reply.status}). The token is wrong or expired, or its policies do not "
                "allow the request",
                reply.status,
            )
        if reply.says(_SEALED):
            return VaultError(f"{self._server.url} is sealed. Unseal it, and run the task again", reply.status)
        hint = _HINTS.get(reply.status, _TRY_AGAIN if reply.status >= 500 else "")
        return VaultError(
            f"{where}: the server answered {reply.status}{hint}", reply.status, outcome_unknown=reply.status >= 500
        )

    def _redirected(self, headers: Mapping[str, str]) -> str:
        try:
            target = urlsplit(headers.get("Location", ""))
            port = f":{target.port}" if target.port else ""
            destination = f"{target.scheme}://{target.hostname}{port}" if target.hostname else "another page"
        except ValueError:
            destination = "another page"
        return (
            f"{self._server.url} redirects to {destination}, as a standby server does. Credentials do not follow a "
            "redirect. Set vault_url (VAULT_ADDR) to the active server, or to a load balancer in front of it"
        )


_TRY_AGAIN = ". Check that the server works, and run the task again"
_HINTS = {
    412: ": a replica does not know the latest write yet. Run the task again",
    429: ": its limit of requests is reached. Run the task again later",
    472: ": it is a standby of a disaster recovery cluster. Set vault_url (VAULT_ADDR) to the active cluster",
    473: ": it is a performance standby. Set vault_url (VAULT_ADDR) to the active server",
    501: ": it is not initialized",
}


def client_for(server: VaultServer, login: VaultLogin) -> VaultClient:
    """The client of a server and a login: stores share it, so that a run logs in once."""
    with _CLIENTS_LOCK:
        return cached_client(server, login)


@lru_cache(maxsize=None)
def cached_client(server: VaultServer, login: VaultLogin) -> VaultClient:
    """The same, for one thread at a time."""
    return VaultClient(server, login)


def _without_netrc(request: Any) -> Any:
    return request


def _check_ca(verify: bool | str) -> None:
    if isinstance(verify, str) and not os.access(verify, os.R_OK):
        raise BadInput(f"vault_ca_path (VAULT_CACERT): {verify} does not exist or cannot be read")


def _read_token_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            token = file.read(_MAX_TOKEN_FILE).strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise BadInput(
            f"No login for a store of the kind hashi_vault: the token file {path} cannot be read: {reason}. Give "
            "vault_token (VAULT_TOKEN), vault_token_path, or another vault_auth_method"
        ) from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(f"The token file {path} does not hold a token alone")
    return token


def _body_of(response: Any) -> Mapping[str, Any] | None:
    """The JSON object of a response, which is empty without content; None for anything else."""
    if not response.content:
        return {}
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _words_of(body: Mapping[str, Any]) -> str:
    lists = (body.get("errors"), body.get("warnings"))
    return "\n".join(str(item) for listed in lists if isinstance(listed, list) for item in listed)


def _chain_of(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that requests and urllib3 wrapped in it."""
    found: BaseException | None = error
    for _number in range(10):
        if found is None:
            return
        yield found
        inner = (getattr(found, "reason", None), *found.args, found.__cause__, found.__context__)
        found = next((cause for cause in inner if isinstance(cause, BaseException)), None)
