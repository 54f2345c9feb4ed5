# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The issuer: Authlib is its OAuth server, joserfc signs its tokens."""

from __future__ import annotations

import functools
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import trustme
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

_LIFETIME_S = 300
_DISCOVERY = "/.well-known/openid-configuration"

Key = RSAKey | ECKey


@dataclass
class Client(ClientMixin):
    """A client that gets tokens for itself (grant client_credentials)."""

    client_id: str
    secret: str = field(repr=False)
    subject: str
    auth_methods: tuple[str, ...] = ("client_secret_basic", "client_secret_post")

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return scope or ""

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in self.auth_methods

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


@dataclass(frozen=True)
class Job:
    """A job of a CI system: with this request token it gets an OIDC token that has this subject."""

    request_token: str = field(repr=False)
    subject: str


class _ClientCredentialsGrant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 (as in its class)


class _Handler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the issuer has a list of its requests."""


class _Server(ThreadedWSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, app: Flask, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, app, _Handler)
        # Set afterwards, so that a failed handshake concerns its own thread and not the listener.
        self.ssl_context = tls

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        assert self.ssl_context is not None
        return self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that do not trust the certificate."""


@functools.cache
def _rsa_key(number: int) -> RSAKey:
    """The keys of all issuers of a process, because creating one takes most of the start time."""
    return RSAKey.generate_key(2048, {"kid": f"key-{number}", "use": "sig"})


class OidcIssuer:
    """An issuer in this process, by https, on its own port. It runs until the block ends.

    ``overrides`` are responses that replace its own, by path: a status and a body, or a function that makes them.
    ``discovery`` has what its discovery document says otherwise; a value of none removes the key.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        url: str | None = None,
        certificate: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``url``: how others reach it. ``certificate``: a file with its certificate and key; if none, of a new CA."""
        self._files = tempfile.TemporaryDirectory(prefix="issuer-")
        self._server = _Server(host, port, self._app(), self._tls(host, certificate))
        self.url = url or f"https://{host}:{self._server.port}"
        self.now = now
        self.clients: dict[str, Client] = {}
        self.jobs: dict[str, Job] = {}
        self.overrides: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.requests: list[str] = []
        self.forms: list[dict[str, str]] = []
        self._keys: list[Key] = [_rsa_key(1)]
        self._rotations = 1

    def reset(self) -> None:
        """Forget all that a test has changed."""
        self.now = time.time
        for changed in (self.clients, self.jobs, self.overrides, self.discovery, self.requests, self.forms):
            changed.clear()
        self._keys, self._rotations = [_rsa_key(1)], 1

    def _tls(self, host: str, certificate: Path | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca_path = ""
        if certificate is None:
            authority = trustme.CA()
            authority.issue_cert(host, "localhost").configure_cert(context)
            self.ca_path = str(Path(self._files.name, "ca.pem"))
            authority.cert_pem.write_to_path(self.ca_path)
        else:
            context.load_cert_chain(certificate)
        return context

    # --- tokens

    @property
    def key(self) -> Key:
        """The key that signs new tokens."""
        return self._keys[0]

    def token(
        self, subject: str | None, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any
    ) -> str:
        """A token of this issuer. A claim or an entry of the header that is none is left out."""
        now = int(self.now())
        standard = {"iss": self.url, "sub": subject, "aud": "quay", "iat": now, "exp": now + _LIFETIME_S}
        chosen = {name: value for name, value in {**standard, **claims}.items() if value is not None}
        signing = key or self.key
        head = {"alg": "RS256", "typ": "JWT", "kid": signing.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, chosen, signing, algorithms=[str(head["alg"])])

    def rotate_key(self, *, keep: bool = False) -> None:
        """Sign by a new key. The former one is published no longer, unless it is to be kept."""
        self._rotations += 1
        self._keys = [_rsa_key(self._rotations), *(self._keys if keep else ())]

    def publish(self, key: Key) -> None:
        """Publish one more key, by which no token is signed unless a test does it."""
        self._keys.append(key)

    def forge(self, subject: str) -> str:
        """A token signed by a key of somebody else, under the name of the published one."""
        stranger = RSAKey.generate_key(2048, {"kid": str(self.key.kid)})
        return self.token(subject, key=stranger)

    @staticmethod
    def symmetric_key(kid: str) -> OctKey:
        return OctKey.generate_key(256, {"kid": kid})

    # --- the server

    def _app(self) -> Flask:
        app = Flask("oidc-issuer", static_folder=None)
        oauth = AuthorizationServer(app, self._find_client, lambda token, sent: None)
        oauth.register_grant(_ClientCredentialsGrant)
        oauth.register_token_generator("default", self._granted)

        @app.before_request
        def overridden() -> Any:
            self.requests.append(f"{request.method} {request.path}")
            self.forms.append({**request.args, **request.form})
            answer = self.overrides.get(request.path)
            if answer is None:
                return None
            status, body = answer() if callable(answer) else answer
            headers = {"Location": body} if 300 <= status < 400 else {}
            return Response(body, status, headers, content_type="application/json")

        @app.get(_DISCOVERY)
        @app.get(f"/<realm>{_DISCOVERY}")
        def discovery(realm: str = "") -> Response:
            document = {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint": f"{self.url}/token",
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                **self.discovery,
            }
            return jsonify({name: value for name, value in document.items() if value is not None})

        @app.get("/keys")
        def keys() -> Response:
            return jsonify(KeySet(list(self._keys)).as_dict(private=False))

        @app.post("/token")
        def token() -> Any:
            return oauth.create_token_response()

        @app.get("/actions/token")
        def job_token() -> Any:
            """The endpoint of the runner of GitHub Actions and of those that are like it."""
            scheme, _space, presented = request.headers.get("Authorization", "").partition(" ")
            job = self.jobs.get(presented) if scheme == "Bearer" else None
            if job is None or request.args.get("api-version") != "2.0":
                return "", 401
            return jsonify({"value": self.token(job.subject, aud=request.args.get("audience", "default"))})

        return app

    def _find_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def _granted(self, grant_type: str, client: Client, **_options: Any) -> dict[str, Any]:
        scope = request.form.get("scope", "")
        token = self.token(client.subject, aud=request.form.get("audience", "account"), scope=scope)
        return {"access_token": token, "token_type": "Bearer", "expires_in": _LIFETIME_S}

    def job_environment(self, job: Job) -> dict[str, str]:
        """The environment variables of a job."""
        self.jobs[job.request_token] = job
        url = f"{self.url}/actions/token?api-version=2.0"
        return {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": job.request_token}

    def serve_forever(self) -> None:
        self._server.serve_forever()

    def __enter__(self) -> OidcIssuer:
        threading.Thread(target=self.serve_forever, name="oidc-issuer", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._files.cleanup()
