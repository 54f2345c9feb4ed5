# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Requests to a Kubernetes API server, with the login of the Python client library.

The library reads kubeconfig files, runs their login plug-ins and opens the connections. The requests are ours: the
library would repeat some of them, and would put the words of the server, which can hold a secret, into its errors.
"""

from __future__ import annotations

import json
import os
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Mapping
from urllib.parse import urlencode, urlsplit

from .._core.errors import BadInput, StoreError
from .libraries import load_library
from .remote_options import KUBERNETES_LOGIN_OPTIONS

KIND = "kubernetes_secret"

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_DEFAULT_KUBECONFIG = "~/.kube/config"
# The options of a login by a kubeconfig file.
_BY_FILE = ("kubeconfig", "kubernetes_context")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_REASON = re.compile(r"[A-Za-z]{1,40}")
_FIELD = re.compile(r"[\w.\[\]/:-]{1,120}")
# Characters that JSON may hold as they are, and YAML may not. The server parses the body of an apply as YAML.
_ESCAPED_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Unanswered(StoreError):
    """No answer, or one that does not tell whether the request was carried out."""

    outcome_unknown = True


@dataclass(frozen=True)
class Login:
    """Where the API server is, and who asks. Without a host: a kubeconfig file, or the service account of the pod."""

    kubeconfig: str | None = None
    context: str | None = None
    host: str | None = None
    token: str | None = field(default=None, repr=False)
    ca_path: str | None = None
    validate_certs: bool = True

    @property
    def name(self) -> str:
        """What the options say of the cluster, for messages and to tell stores apart; empty without any."""
        return self.host or " ".join(filter(None, (self.kubeconfig, self.context)))


@dataclass(frozen=True)
class Answer:
    """A response of the API server. Its message is never shown: it can repeat the content of a Secret."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """The machine-readable reason of an error, such as ``Forbidden``."""
        reason = str(self.body.get("reason") or "")
        return reason if _REASON.fullmatch(reason) else ""

    @property
    def causes(self) -> list[Mapping[str, Any]]:
        details = self.body.get("details")
        causes = details.get("causes") if isinstance(details, dict) else None
        return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []

    def has_cause(self, reason: str) -> bool:
        return any(cause.get("reason") == reason for cause in self.causes)

    @property
    def fields(self) -> list[str]:
        """The fields that the server refused, without their values."""
        names = [str(cause.get("field") or "") for cause in self.causes]
        return [name for name in dict.fromkeys(names) if _FIELD.fullmatch(name)]

    def says(self, words: str) -> bool:
        """Whether the message contains these words."""
        return words in str(self.body.get("message") or "")


class KubernetesClient:
    """One login to one API server. The library is imported, and the login read, with the first request."""

    def __init__(self, login: Login, timeout: float = _READ_SECONDS) -> None:
        self._login = login
        self._timeout = timeout
        self._connection: _Connection | None = None

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send a request once and follow no redirect. Raises Unanswered without a usable answer."""
        connection = self._connection = self._connection or _Connection(self._login, self._timeout)
        address = f"{path}?{urlencode(query)}" if query else path
        return connection.send(method, address, None if body is None else to_json(body), content_type)

    @property
    def origin(self) -> str:
        """The address of the API server, as far as it is known yet."""
        return self._connection.origin if self._connection else self._login.name


class _Connection:
    """The connections of one login."""

    def __init__(self, login: Login, timeout: float) -> None:
        self._library = load_library("kubernetes", KIND)
        self._urllib3 = load_library("urllib3", KIND)
        self._configuration = _configuration(self._library, login)
        self.origin = str(self._configuration.host).rstrip("/")
        self._timeout = self._urllib3.Timeout(connect=min(_CONNECT_SECONDS, timeout), read=timeout)
        try:
            self._pool = self._library.client.rest.RESTClientObject(self._configuration).pool_manager
        except (OSError, ValueError) as error:
            raise BadInput(f"The certificates for {self.origin} cannot be used: {_words_of(error)}") from None

    def send(self, method: str, address: str, body: bytes | None, content_type: str) -> Answer:
        what = f"{method} {self.origin}{address.partition('?')[0]}"
        headers = {"Accept": "application/json", "User-Agent": "tokensmith.quay", **self._authorization()}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            response = self._pool.request(
                method,
                self.origin + address,
                body=body,
                headers=headers,
                timeout=self._timeout,
                retries=False,
                redirect=False,
            )
        except (self._urllib3.exceptions.HTTPError, OSError) as error:
            raise Unanswered(f"{what}: {_failure(error)}") from None
        return _answer(what, int(response.status), response.data)

    def _authorization(self) -> dict[str, str]:
        """The header of the login, renewed if it has expired."""
        try:
            settings = self._configuration.auth_settings()
        except Exception:
            raise StoreError(f"The login to {self.origin} could not be renewed. {_CHECK_LOGIN}") from None
        return {str(one["key"]): str(one["value"]) for one in settings.values() if one.get("in") == "header"}


_CHECK_LOGIN = "Check the login with kubectl auth whoami"


def login_from_options(options: Mapping[str, Any]) -> Login:
    """The login that the options describe. Raises BadInput for options that exclude each other."""
    host, token = (str(options.get(f"kubernetes_{name}") or "").strip() for name in ("host", "token"))
    named = [name for name in _BY_FILE if options.get(name)]
    if not host:
        others = [name for name in KUBERNETES_LOGIN_OPTIONS if name not in _BY_FILE]
        without = [name for name in others if options.get(name)]
        if without:
            raise BadInput(f"{', '.join(without)} has no effect without kubernetes_host. Add it, or use kubeconfig")
        return Login(options.get("kubeconfig") or None, options.get("kubernetes_context") or None)
    if named:
        raise BadInput(f"kubernetes_host and {named[0]} exclude each other: give the one or the other")
    if not token:
        raise BadInput("kubernetes_token is missing: kubernetes_host needs it")
    validate = options.get("kubernetes_validate_certs")
    return Login(
        host=_checked_host(host, "kubernetes_host"),
        token=token,
        ca_path=options.get("kubernetes_ca_path") or None,
        validate_certs=validate is None or bool(validate),
    )


def to_json(body: Mapping[str, Any]) -> bytes:
    """JSON that is YAML, too: every text in quotes, and no character that YAML does not allow."""
    text = json.dumps(body, ensure_ascii=False)
    return _ESCAPED_IN_YAML.sub(lambda match: f"\\u{ord(match.group()):04x}", text).encode("utf-8")


def _checked_host(host: str, option: str) -> str:
    parts = urlsplit(host if "://" in host else f"https://{host}")
    try:
        valid = parts.hostname and parts.port != 0 and not parts.query and not parts.fragment and not parts.username
    except ValueError:
        valid = None
    if not valid or parts.scheme not in ("http", "https"):
        raise BadInput(f"{option} must be the address of an API server, such as https://api.example.com:6443")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise BadInput(f"{option} must begin with https, because the token and the secrets are sent to it")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _configuration(library: Any, login: Login) -> Any:
    """The settings of the library for a login: of the options, else of the environment, else of the pod."""
    if not login.host and not login.kubeconfig and not login.context:
        login = _login_from_environment()
    if login.host:
        return _with_token(library, login)
    configuration = library.client.Configuration()
    configuration.verify_ssl = True
    kubeconfig = login.kubeconfig or _environment("K8S_AUTH_KUBECONFIG") or _environment("KUBECONFIG")
    context = login.context or _environment("K8S_AUTH_CONTEXT")
    if not kubeconfig and os.path.exists(os.path.expanduser(_DEFAULT_KUBECONFIG)):
        kubeconfig = _DEFAULT_KUBECONFIG
    try:
        if kubeconfig:
            library.config.load_kube_config(kubeconfig, context=context, client_configuration=configuration)
        else:
            library.config.load_incluster_config(client_configuration=configuration)
    except Exception:
        # The words of the library can hold the output of a login plug-in.
        raise BadInput(_unusable(kubeconfig, context)) from None
    return configuration


def _unusable(kubeconfig: str | None, context: str | None) -> str:
    if not kubeconfig:
        return (
            "There is no login to Kubernetes: give kubeconfig (or set K8S_AUTH_KUBECONFIG or KUBECONFIG), or "
            "kubernetes_host and kubernetes_token, or run in a pod with a service account"
        )
    used = f"the context {context}" if context else "its current context"
    return (
        f"kubeconfig: {kubeconfig} with {used} gives no login to Kubernetes: it is missing or not readable, has no "
        "such context, or its login plug-in failed. Check it with kubectl auth whoami"
    )


def _login_from_environment() -> Login:
    """The login of the variables that kubernetes.core and the credentials of AWX use; an empty one without them."""
    host, token = _environment("K8S_AUTH_HOST"), _environment("K8S_AUTH_API_KEY")
    if not host or not token:
        return Login()
    return Login(
        host=_checked_host(host, "K8S_AUTH_HOST"),
        token=token,
        ca_path=_environment("K8S_AUTH_SSL_CA_CERT"),
        validate_certs=(_environment("K8S_AUTH_VERIFY_SSL") or "true").lower() not in ("false", "no", "0", "off"),
    )


def _environment(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _with_token(library: Any, login: Login) -> Any:
    configuration = library.client.Configuration()
    configuration.host = login.host
    # The name that every version of the library knows.
    configuration.api_key = {"authorization": f"Bearer {login.token}"}
    configuration.verify_ssl = login.validate_certs
    configuration.ssl_ca_cert = login.ca_path
    if login.ca_path and not os.access(login.ca_path, os.R_OK):
        raise BadInput(f"kubernetes_ca_path: {login.ca_path} is missing or not readable")
    return configuration


def _answer(what: str, status: int, data: bytes) -> Answer:
    """The parsed response. Raises Unanswered for a failed server, and StoreError for what is no API server."""
    try:
        body = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        body = None
    answer = Answer(status, body if isinstance(body, dict) else {})
    if status >= 500 or status == 429:
        reason = f" ({answer.reason})" if answer.reason else ""
        raise Unanswered(f"{what}: HTTP {status}{reason}. Check that the API server works")
    if body is None or not isinstance(body, dict) or status < 200 or 300 <= status < 400:
        raise Unanswered(f"{what}: HTTP {status} without the JSON of an API server. Check the address of the cluster")
    return answer


def _failure(error: BaseException) -> str:
    """Why no response came, in words of the system."""
    chain = [error]
    while len(chain) < 10:
        inner = next(
            (
                cause
                for cause in (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
                if isinstance(cause, BaseException)
            ),
            None,
        )
        if inner is None:
            break
        chain.append(inner)
        error = inner
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = cause.verify_message
            return f"its certificate is not trusted: {words}. Set kubernetes_ca_path, or the CA in kubeconfig"
    if any("Timeout" in type(cause).__name__ and "Connect" not in type(cause).__name__ for cause in chain):
        return "no response in time (timeout)"
    for cause in reversed(chain):
        if isinstance(cause, OSError) and cause.strerror:
            return f"{cause.strerror.lower()}. Check that the API server can be reached"
    return "the connection failed or was closed before the response was complete"


def _words_of(error: BaseException) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else "they are not valid"
