# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retries: which requests the client repeats, how often and after which pause."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Callable

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BasicCsrfAuth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    HttpError,
    NotAuthenticated,
    RateLimited,
    ReadOnlyRegistry,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.pace import Pace
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, Reply, Step, ok, page

CUT = requests.exceptions.ConnectionError("cut")
SLOW = requests.exceptions.ReadTimeout("slow")
CSRF_TOKEN = ok({"csrf_token": "csrf-1"}, Set_Cookie="_csrf_token=cookie-1; Path=/")
SIGNED_IN = ok({"success": True}, X_Next_CSRF_Token="csrf-2")
LIMITED = Reply(429, b"Too many login attempts. \nPlease reset.", [("Content-Type", "text/html"), ("Retry-After", "1")])
READ_ONLY = ok({"is_readonly": True, "message": "System is currently read-only."}, 503)

# Failures after which a safe request is sent again.
TEMPORARY: list[Step] = [
    page(429),
    page(502),
    page(503),
    page(504),
    CUT,
    SLOW,
    requests.exceptions.ConnectTimeout("slow"),
]
# Failures after which it is not.
PERMANENT: list[Step] = [
    page(400),
    page(401),
    page(403),
    page(404),
    page(405),
    page(409),
    page(413),
    page(500),
    page(501),
    READ_ONLY,
    page(302, Location="/elsewhere"),
    page(200),
    requests.exceptions.InvalidURL("no address"),
    OSError("no CA file"),
]

WRITES: list[Callable[[QuayClient], object]] = [
    lambda client: client.post("/api/v1/x", {"name": "ci"}),
    lambda client: client.put("/api/v1/x"),
    lambda client: client.delete("/api/v1/x"),
    lambda client: client.request("POST", "/oauth/authorizeapp", form={"a": "b"}, redirect=True),
]


def id_of(step: object) -> str:
    return str(step.status) if isinstance(step, Reply) else type(step).__name__


@pytest.mark.parametrize("step", TEMPORARY, ids=id_of)
def test_safe_request_is_repeated(quay: FakeQuay, step: Step) -> None:
    quay.answers(step, step, step, ok({"a": 1}))
    assert quay.client().get("/api/v1/x", {"b": "c"}).data == {"a": 1}
    assert quay.calls == [("GET", "/api/v1/x?b=c")] * 4
    assert quay.pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("step", TEMPORARY, ids=id_of)
def test_safe_request_fails_after_all_retries(quay: FakeQuay, step: Step) -> None:
    quay.answers(step, step, step, step)
    with pytest.raises(QuayError) as caught:
        quay.client().get("/api/v1/x")
    assert quay.pauses == [0.5, 1.0, 2.0]
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(("retries", "pauses"), [(0, []), (1, [0.5]), (7, [0.5, 1, 2, 4, 8, 16, 30])])
def test_number_of_retries(quay: FakeQuay, retries: int, pauses: list[float]) -> None:
    quay.answers(*[page(502)] * (retries + 1))
    with pytest.raises(ApiError):
        quay.client(retries=retries).get("/api/v1/x")
    assert quay.pauses == pauses


@pytest.mark.parametrize("step", PERMANENT, ids=id_of)
def test_safe_request_is_not_repeated(quay: FakeQuay, step: Step) -> None:
    quay.answers(step)
    with pytest.raises(QuayError):
        quay.client().get("/api/v1/x").json_object()
    assert quay.pauses == []


@pytest.mark.parametrize("write", WRITES, ids=["POST", "PUT", "DELETE", "form"])
@pytest.mark.parametrize("step", [*TEMPORARY, *PERMANENT[:11]], ids=id_of)
def test_write_is_never_repeated(quay: FakeQuay, step: Step, write: Callable[[QuayClient], object]) -> None:
    quay.answers(step)
    redirected = isinstance(step, Reply) and step.status == 302
    if redirected and write is WRITES[3]:
        write(quay.client())
    else:
        with pytest.raises(QuayError):
            write(quay.client())
    assert len(quay.requests) == 1
    assert quay.pauses == []


@pytest.mark.parametrize(
    ("retry_after", "pauses"),
    [
        (None, [0.5, 1.0]),
        ("0", [0.5, 1.0]),
        ("1", [1.0, 1.0]),
        (" 7 ", [7.0, 7.0]),
        ("3600", [30.0, 30.0]),
        ("-5", [0.5, 1.0]),
        ("soon", [0.5, 1.0]),
        ("", [0.5, 1.0]),
        ("\xb2", [0.5, 1.0]),
        ("1.5", [0.5, 1.0]),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_pause_of_a_retry_after_header(
    quay: FakeQuay, status: int, retry_after: str | None, pauses: list[float]
) -> None:
    busy = page(status) if retry_after is None else page(status, Retry_After=retry_after)
    quay.answers(busy, busy, ok({}))
    quay.client().get("/api/v1/x")
    assert quay.pauses == pauses


@pytest.mark.parametrize(("seconds", "pause"), [(12, 12.0), (-60, 0.5), (0, 0.5), (600, 30.0)])
@pytest.mark.parametrize("skew", [0, 86400, -86400])
def test_pause_until_a_date(quay: FakeQuay, clock: datetime, seconds: int, pause: float, skew: int) -> None:
    """The date is compared with the server's clock, not with the local one."""
    now = clock + timedelta(seconds=skew)
    until = format_datetime(now + timedelta(seconds=seconds))
    quay.answers(page(429, Date=format_datetime(now), Retry_After=until), ok({}))
    quay.client().get("/api/v1/x")
    assert quay.pauses == [pause]


def test_sign_in_is_repeated_when_limited(quay: FakeQuay) -> None:
    """After failed sign-ins of anyone, Quay refuses the right password for a while."""
    quay.answers(CSRF_TOKEN, LIMITED, LIMITED, SIGNED_IN, ok({}))
    quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert quay.calls == [
        ("GET", "/csrf_token"),
        ("POST", "/api/v1/signin"),
        ("POST", "/api/v1/signin"),
        ("POST", "/api/v1/signin"),
        ("GET", "/api/v1/x"),
    ]
    assert quay.requests[1] == quay.requests[2] == quay.requests[3]
    assert quay.pauses == [1.0, 1.0]


def test_sign_in_that_remains_limited(quay: FakeQuay) -> None:
    quay.answers(CSRF_TOKEN, LIMITED, LIMITED, LIMITED, LIMITED)
    with pytest.raises(RateLimited, match=f"^POST {ORIGIN}/api/v1/signin: Quay answered 429: Too many login attempts"):
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert quay.pauses == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "step",
    [*TEMPORARY[1:], page(401), page(403), page(500), READ_ONLY, page(302, Location="/x")],
    ids=id_of,
)
def test_sign_in_is_not_repeated_otherwise(quay: FakeQuay, step: Step) -> None:
    quay.answers(CSRF_TOKEN, step)
    with pytest.raises(QuayError):
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert quay.calls == [("GET", "/csrf_token"), ("POST", "/api/v1/signin")]
    assert quay.pauses == []


def test_request_for_the_csrf_token_is_repeated(quay: FakeQuay) -> None:
    quay.answers(page(502), CUT, CSRF_TOKEN, page(302))
    auth = BasicCsrfAuth("ann", "pässword")
    quay.client().request("POST", "/oauth/authorizeapp", form={"a": "b"}, auth=auth, redirect=True)
    assert quay.calls == [("GET", "/csrf_token")] * 3 + [("POST", "/oauth/authorizeapp")]
    assert quay.pauses == [0.5, 1.0]


def test_write_after_a_repeated_sign_in_is_not_repeated(quay: FakeQuay) -> None:
    quay.answers(CSRF_TOKEN, LIMITED, SIGNED_IN, LIMITED)
    with pytest.raises(RateLimited) as caught:
        quay.client(SessionAuth("ann", "pässword")).post("/api/v1/x")
    assert quay.calls[-1] == ("POST", "/api/v1/x")
    assert len(quay.calls) == 4
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("step", "kind", "outcome_unknown"),
    [
        (page(400), ApiError, False),
        (page(401), NotAuthenticated, False),
        (page(429), RateLimited, False),
        (page(500), ApiError, True),
        (page(502), ApiError, True),
        (page(503), ApiError, True),
        (page(504), ApiError, True),
        (READ_ONLY, ReadOnlyRegistry, False),
        (page(200), UnexpectedResponse, True),
        (page(302, Location="/login"), UnexpectedResponse, True),
        (CUT, TransportError, True),
        (SLOW, TransportError, True),
        (requests.exceptions.ChunkedEncodingError("broke off"), TransportError, True),
        (requests.exceptions.ConnectTimeout("slow"), TransportError, False),
        (requests.exceptions.InvalidURL("no address"), TransportError, False),
        (OSError("no CA file"), TransportError, False),
    ],
    ids=lambda value: id_of(value) if isinstance(value, (Reply, Exception)) else "",
)
def test_outcome_after_a_failure(quay: FakeQuay, step: Step, kind: type[QuayError], outcome_unknown: bool) -> None:
    """The outcome is unknown if a write may have taken effect. A read has no outcome."""
    quay.answers(step, step)
    with pytest.raises(kind) as written:
        quay.client().post("/api/v1/x")
    with pytest.raises(kind) as read:
        quay.client(retries=0).get("/api/v1/x")
    assert (written.value.outcome_unknown, read.value.outcome_unknown) == (outcome_unknown, False)


# --- requests that are sent at the same time


def test_refused_write_slows_down_all(quay: FakeQuay) -> None:
    """It is not repeated. What another thread sends next waits as long as Quay asks for."""
    client = quay.client(retries=2)
    clock = [100.0]

    def sleep(seconds: float) -> None:
        quay.pauses.append(seconds)
        clock[0] += seconds

    client._pace = Pace(sleep, lambda: clock[0])
    quay.answers(LIMITED, ok({}))
    with pytest.raises(RateLimited):
        client.post("/api/v1/x")
    assert quay.pauses == []
    client.with_auth(BearerAuth("other")).get("/api/v1/y")
    assert quay.pauses == [1.0]
    assert quay.requests[-1].headers["Authorization"] == "Bearer other"


@pytest.mark.parametrize("failure", [page(404), page(500), READ_ONLY, CUT], ids=["404", "500", "read-only", "cut"])
def test_other_failures_slow_down_nobody(quay: FakeQuay, failure: Step) -> None:
    client = quay.client(retries=0)
    client._pace = Pace(quay.pauses.append)
    quay.answers(failure, ok({}))
    with pytest.raises(HttpError):
        client.post("/api/v1/x")
    client.get("/api/v1/y")
    assert quay.pauses == []


def test_one_thread_signs_in_for_all(quay: FakeQuay) -> None:
    """The others wait for it, and none sends a request before."""
    sign_in_runs, other_sends = threading.Event(), threading.Event()
    sent_before: list[int] = []

    def slow_sign_in(_request: Any) -> Reply:
        sign_in_runs.set()
        other_sends.wait(0.2)
        sent_before.append(len(quay.requests))
        return SIGNED_IN

    quay.answers(CSRF_TOKEN, slow_sign_in, ok({}), ok({}))
    client = quay.client(SessionAuth("ann", "secret-password"))
    threads = [threading.Thread(target=client.get, args=(f"/api/v1/{name}",)) for name in "xy"]
    threads[0].start()
    assert sign_in_runs.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert sent_before == [2]
    assert [target for _method, target in quay.calls[:2]] == ["/csrf_token", "/api/v1/signin"]
    assert sorted(target for _method, target in quay.calls[2:]) == ["/api/v1/x", "/api/v1/y"]
