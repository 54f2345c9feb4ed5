# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages of HTTP errors, and after which of them the outcome of a write is unknown."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    ReadOnlyRegistry,
    TransportError,
    UnexpectedResponse,
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_outcome_of_each_error(method: str) -> None:
    """Only a write can have an unknown outcome."""
    reads = method in ("GET", "HEAD")
    sent = TransportError(method, "/x", "cut", sent=True)
    assert (str(sent), sent.method, sent.path, sent.permanent) == (f"{method} /x: cut", method, "/x", False)
    assert sent.outcome_unknown is not reads
    assert TransportError(method, "/x", "refused", sent=False).outcome_unknown is False
    assert TransportError(method, "/x", "untrusted", sent=False, permanent=True).permanent is True
    assert UnexpectedResponse(method, "/x", "a page").outcome_unknown is not reads
    assert ApiError(500, method, "/x", "").outcome_unknown is not reads
    assert ApiError(499, method, "/x", "").outcome_unknown is False
    assert ReadOnlyRegistry(503, method, "/x", "").outcome_unknown is False
    assert QuayError("any").outcome_unknown is False


def test_messages() -> None:
    assert str(ApiError(400, "PUT", "/x", "")) == "PUT /x: Quay answered 400"
    assert str(ApiError(400, "PUT", "/x", "Bad.", hint="Do it well")) == "PUT /x: Quay answered 400: Bad. Do it well"
    assert str(ReadOnlyRegistry(503, "PUT", "/x", "")) == "PUT /x: the registry is read-only; nothing was changed"
