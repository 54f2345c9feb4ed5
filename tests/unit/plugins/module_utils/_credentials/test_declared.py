# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared credentials, and which errors concern one of them alone."""

from __future__ import annotations

from typing import Any, Sequence

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declared import (
    DeclaredCredential,
    Observed,
    observe_or_report,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState, Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    EndpointMissing,
    Forbidden,
    NotAuthenticated,
    NotFound,
    RateLimited,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret


def declared(position: int = 0, **params: Any) -> DeclaredCredential:
    return DeclaredCredential(position, {"name": "acme+ci", "kind": "robot", **params}, Policy())


OBSERVATION = Observation(ObservedState(exists=True), Credential("acme+ci", "acme+ci"))


@pytest.mark.parametrize(
    ("params", "absent"), [({}, False), ({"state": "present"}, False), ({"state": "absent"}, True)]
)
def test_declared_credential(params: dict[str, Any], absent: bool) -> None:
    credential = declared(**params)
    assert (credential.name, credential.kind, credential.is_absent) == ("acme+ci", "robot", absent)


def test_representation_hides_stored_secrets() -> None:
    assert "s3cret" not in repr(DeclaredCredential(0, {}, Policy(), [StoredSecret("s3cret")]))


def test_observed_credentials_are_returned() -> None:
    observed = [Observed(declared(), OBSERVATION), Observed(declared(1), BadInput("invalid"))]
    assert list(observe_or_report([declared(), declared(1)], lambda: observed)) == observed


@pytest.mark.parametrize(
    "error",
    [
        BadInput("invalid"),
        Forbidden(403, "GET", "/api/v1/x", "Unauthorized"),
        NotFound(404, "GET", "/api/v1/x", "Not Found"),
        EndpointMissing(404, "GET", "/api/v1/x", ""),
        ApiError(400, "GET", "/api/v1/x", "bad request"),
        ApiError(499, "GET", "/api/v1/x", ""),
    ],
)
def test_error_of_these_credentials_is_reported(error: Exception) -> None:
    """One credential that cannot be read must not hide the others."""

    def fail() -> Sequence[Observed]:
        raise error

    first, second = observe_or_report([declared(), declared(1)], fail)
    assert (first.declared, second.declared) == (declared(), declared(1))
    assert first.outcome is second.outcome is error
    assert not first.record_required


@pytest.mark.parametrize(
    "error",
    [
        NotAuthenticated(401, "GET", "/api/v1/x", ""),
        RateLimited(429, "GET", "/api/v1/x", ""),
        ApiError(500, "GET", "/api/v1/x", ""),
        ApiError(503, "GET", "/api/v1/x", ""),
        TransportError("GET", "/api/v1/x", "no response", sent=True),
        UnexpectedResponse("GET", "/api/v1/x", "a page"),
        LocalFileError("cannot be read"),
        ValueError("a defect"),
    ],
)
def test_error_of_all_credentials_is_raised(error: Exception) -> None:
    """The login or the server fails for every credential."""

    def fail() -> Sequence[Observed]:
        raise error

    with pytest.raises(type(error)) as caught:
        list(observe_or_report([declared()], fail))
    assert caught.value is error
