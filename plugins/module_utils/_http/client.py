# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One HTTP client for everything that is sent to Quay: authentication, retries, paging, errors.

It knows HTTP and how Quay uses it, and none of the objects in Quay. It never sees AnsibleModule: it takes plain values
and an injected ``requests.Session``, and constructing a client sends nothing.
"""

from __future__ import annotations

import copy
import time
from datetime import datetime, timedelta, timezone
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Callable, Mapping
from urllib.parse import urlsplit

from .._core.times import parse_time
from .address import normalise_host
from .auth import Auth
from .errors import ApiError, HttpError, NotAuthenticated, RateLimited, ReadOnlyRegistry, TransportError
from .failures import api_error, parse_json, redirect_error, retry_after_seconds, transport_error
from .pace import Pace
from .response import Response
from .session import checked_verify, pool_connections, send_once

if TYPE_CHECKING:
    import requests

_SAFE_METHODS = ("GET", "HEAD")
_RETRIED_STATUSES = (429, 502, 503, 504)
_FRESH_LOGIN_REQUIRED = "fresh_login_required"
# Seconds.
MAX_PAUSE = 30.0


class QuayClient:
    """Sends requests to one Quay server, with one default Auth."""

    def __init__(
        self,
        host: str,
        auth: Auth,
        session: requests.Session,
        *,
        timeout: float = 10.0,
        retries: int = 3,
        verify: bool | str = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``host``: an origin as typed. ``timeout``: seconds per request. ``verify``: true, false or a CA file's path.

        Raises BadInput for a malformed host, and for a CA file that cannot be used.
        """
        self.origin = normalise_host(host)
        self.auth = auth
        self._session = session
        # Cookies belong to an Auth, not to a connection.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._timeout = timeout
        self._retries = retries
        self._verify = checked_verify(verify)
        self._sleep = sleep
        self._clock_skew = timedelta(0)
        # Only where requests run at the same time.
        self._pace: Pace | None = None

    def share(self, workers: int) -> None:
        """Prepare for so many threads that send at the same time: connections for each, and one pace for all."""
        if workers > 1:
            self._pace = Pace(self._sleep)
            pool_connections(self._session, workers)

    def with_auth(self, auth: Auth) -> QuayClient:
        """A client with another identity that shares the connections, the pace and the options of this one."""
        other = copy.copy(self)
        other.auth = auth
        return other

    @property
    def netloc(self) -> str:
        """Host and port, as users type them after ``podman login``."""
        return urlsplit(self.origin).netloc

    @property
    def clock_skew(self) -> timedelta:
        """How far the server's clock is ahead of the local one, by the Date header of the last response."""
        return self._clock_skew

    def now(self) -> datetime:
        """The server's time. Quay's dates are compared with Quay's clock: a target's clock may be wrong."""
        return datetime.now(timezone.utc) + self._clock_skew

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, auth: Auth | None = None) -> Response:
        """GET; repeated with growing pauses where that can help."""
        return self.request("GET", path, params=params, auth=auth)

    def post(self, path: str, json: Any = None, *, auth: Auth | None = None) -> Response:
        """POST, sent exactly once."""
        return self.request("POST", path, json={} if json is None else json, auth=auth)

    def put(self, path: str, json: Any = None) -> Response:
        """PUT, sent exactly once."""
        return self.request("PUT", path, json={} if json is None else json)

    def delete(self, path: str) -> Response:
        """DELETE, sent exactly once."""
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        redirect: bool = False,
        replay_when_limited: bool = False,
        once: bool = False,
        min_timeout: float = 0.0,
    ) -> Response:
        """Send one request and return its successful response; raises one HttpError otherwise.

        Safe methods are repeated on connection errors, 429, 502, 503 and 504. Any other method, and a safe one with
        ``once``, is sent once, except after a 429 (refused, so without effect) where ``replay_when_limited`` allows it.
        With ``redirect``, a redirect is the response that the caller wants; it is never followed. ``min_timeout``:
        seconds that the server needs in any case.

        Some requests need a password that was entered a few minutes ago (FRESH_LOGIN_TIMEOUT). If Quay refuses one for
        that reason, a session enters the password again and sends the request once more: it had no effect.
        """
        used = self._prepared(auth, path)
        attempt, renewed = 0, False
        while True:
            if self._pace is not None:
                self._pace.wait()
            try:
                received = self._send(method, path, params, json, form, used, max(self._timeout, min_timeout))
                return self._interpret(received, method, path, used, redirect)
            except HttpError as failure:
                failure.origin = self.origin
                if not renewed and _needs_fresh_login(failure) and used.renew(self.request):
                    renewed = True
                    continue
                pause = self._pause_before_retry(failure, attempt, replay_when_limited, once)
                if self._pace is not None and _is_overload(failure):
                    self._pace.slow_down(_pause_after(failure, attempt))
                if pause is None:
                    raise
            self._sleep(pause)
            attempt += 1

    def _prepared(self, auth: Auth | None, path: str) -> Auth:
        """The Auth of a request, after it has sent what must come before."""
        used = auth or self.auth
        # An Auth that signs in sends requests with itself: the first of them must not start the sign-in again.
        if not (path == "/csrf_token" and auth is used):
            used.prepare(self.request)
        return used

    def _send(
        self,
        method: str,
        path: str,
        params: Any,
        json: Any,
        form: Mapping[str, str] | None,
        auth: Auth,
        timeout: float,
    ) -> requests.Response:
        headers = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest", **auth.headers(method)}

        try:
            received = send_once(
                self._session,
                method,
                self.origin + path,
                params=params,
                json=json,
                data=form,
                headers=headers,
                timeout=timeout,
                verify=self._verify,
            )
        except (OSError, ValueError) as error:  # every exception of requests is an OSError
            failure = transport_error(method, path, error, timeout)
        else:
            auth.process_response(received.headers, {cookie.name: cookie.value or "" for cookie in received.cookies})
            self._update_clock_skew(received.headers.get("Date"))
            return received
        # Not chained: the text of a requests exception holds the complete URL, a proxy's password included.
        raise failure

    def _update_clock_skew(self, date: str | None) -> None:
        server_time = parse_time(date)
        if server_time is not None:
            self._clock_skew = server_time - datetime.now(timezone.utc)

    def _pause_before_retry(
        self, failure: HttpError, attempt: int, replay_when_limited: bool, once: bool
    ) -> float | None:
        """Seconds to wait before the next attempt, or None when this failure is final."""
        if attempt >= self._retries:
            return None
        limited = isinstance(failure, RateLimited)
        if (once or failure.method not in _SAFE_METHODS) and not (limited and replay_when_limited):
            return None
        if isinstance(failure, ApiError):
            final = failure.status not in _RETRIED_STATUSES or isinstance(failure, ReadOnlyRegistry)
        else:
            final = not isinstance(failure, TransportError) or failure.permanent
        return None if final else _pause_after(failure, attempt)

    def _interpret(self, received: requests.Response, method: str, path: str, auth: Auth, redirect: bool) -> Response:
        status = received.status_code
        if status >= 400:
            failure = api_error(received, method, path, auth)
            failure.retry_after = retry_after_seconds(received.headers.get("Retry-After"), self.now())
            failure.challenge = received.headers.get("WWW-Authenticate", "")
            raise failure
        if 300 <= status < 400 and not redirect:
            raise redirect_error(received, method, path, self.origin)
        empty = status == 204 or redirect or not received.content
        data = None if empty else parse_json(received, method, path)
        return Response(status, received.headers, data, method, path, self.origin)


def _is_overload(failure: HttpError) -> bool:
    """Whether other requests would fail for the same reason, unless they wait."""
    if isinstance(failure, ApiError):
        return failure.status in _RETRIED_STATUSES and not isinstance(failure, ReadOnlyRegistry)
    return False


def _pause_after(failure: HttpError, attempt: int) -> float:
    """Seconds: longer after each attempt, and at least what the server asks for."""
    pause: float = 0.5 * 2**attempt
    retry_after = failure.retry_after if isinstance(failure, ApiError) else None
    return min(MAX_PAUSE, max(pause, retry_after or 0.0))


def _needs_fresh_login(failure: HttpError) -> bool:
    return isinstance(failure, NotAuthenticated) and failure.error_type == _FRESH_LOGIN_REQUIRED
