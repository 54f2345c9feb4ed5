# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of new robots of leases: which robot a run takes for its own, and which stored secret for one of a lease."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.lease import LeaseNames, new_lease
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lease import (
    LeaseIssuer,
    LeaseLookup,
    lease_policy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_permissions import DeclaredPermissions
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, Request, error, ok, page
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    UNKNOWN_ROBOT,
    quay_time,
    robot_reply,
    verified,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

LIFETIME = timedelta(hours=12)
NAMES = LeaseNames.parse("acme+ci")
EXISTS = error(400, "Existing robot with name: acme+ci-x", "invalid_request")


def issuer(quay: FakeQuay) -> LeaseIssuer:
    params = {"name_prefix": "acme+ci", "description": None, "owner": "build farm"}
    context = module_context(quay, auth=BearerAuth("s3cret"), params=params)
    permissions = DeclaredPermissions(context, "acme", None)
    return LeaseIssuer(context, LeaseLookup(context, NAMES), LIFETIME, permissions)


def created(request: Request, **changes: Any) -> dict[str, Any]:
    """The robot that a request creates, as Quay returns it."""
    short = request.target.rpartition("/")[2]
    lease = request.body["unstructured_metadata"]["tokensmith.quay"]
    robot = {"name": f"acme+{short}", "token": "new", "created": lease["issued_at"], "last_accessed": None}
    return {**robot, "description": "", "unstructured_metadata": {"tokensmith.quay": {**lease, **changes}}}


def minted(quay: FakeQuay, *steps: Any) -> str:
    """Mint, and return the name of the robot. ``steps``: the replies before the verification."""
    quay.answers(*steps, verified())
    made = issuer(quay)
    return str(made.mint(made.observe([])).credential.username)


def writes(quay: FakeQuay) -> list[str]:
    return [request.target for request in quay.requests if request.method == "PUT"]


def test_name_of_somebody_else_is_left(quay: FakeQuay, clock: datetime) -> None:
    other = ok({"name": "acme+ci-x", "token": "other", "created": quay_time(clock), "unstructured_metadata": {}})
    name = minted(quay, EXISTS, other, lambda request: ok(created(request), 201))
    first, second = writes(quay)
    assert first != second
    assert second.endswith(name.partition("+")[2])


def test_own_robot_is_taken_if_a_proxy_sent_the_request_twice(quay: FakeQuay, clock: datetime) -> None:
    def found(_request: Request) -> Reply:
        return ok(created(quay.requests[0]))

    name = minted(quay, EXISTS, found)
    (only,) = writes(quay)
    assert only.endswith(name.partition("+")[2])


def test_robot_of_another_run_is_not_taken(quay: FakeQuay, clock: datetime) -> None:
    """It has the name, and a lease with another id."""

    def found(_request: Request) -> Reply:
        return ok(created(quay.requests[0], id="another"))

    minted(quay, page(500), found, lambda request: ok(created(request), 201))
    assert len(set(writes(quay))) == 2


def test_request_that_quay_refuses_is_final(quay: FakeQuay, clock: datetime) -> None:
    quay.answers(error(400, "Robot accounts have been disabled", "invalid_request"))
    made = issuer(quay)
    with pytest.raises(ApiError, match="have been disabled"):
        made.mint(made.observe([]))
    assert len(quay.requests) == 1


def stored_lease(now: datetime, *, issued: timedelta = timedelta(0)) -> tuple[Robot, StoredSecret]:
    """A robot with a lease, and its secret as a store holds it."""
    name = NAMES.new(now - issued + LIFETIME)
    lease = new_lease(name, now - issued, now - issued + LIFETIME, "")
    robot = Robot(str(name), now - issued, None, "", f"secret of {name}", lease.metadata())
    return robot, StoredSecret(robot.token, username=robot.name)


def test_latest_lease_counts(quay: FakeQuay, clock: datetime) -> None:
    older, stored_older = stored_lease(clock, issued=timedelta(hours=1))
    newer, stored_newer = stored_lease(clock)
    quay.answers(robot_reply(newer), robot_reply(older))
    observation = issuer(quay).observe([stored_older, stored_newer])
    assert observation.credential.username == newer.name
    assert observation.credential.superseded == observation.predecessors == (older.name,)


@pytest.mark.parametrize("position", [0, 1])
def test_lease_that_was_replaced_within_a_second_is_the_older_one(
    quay: FakeQuay, clock: datetime, position: int
) -> None:
    older, stored_older = stored_lease(clock)
    newer, _stored = stored_lease(clock)
    record = Record(fingerprint(newer.token), superseded=(older.name,))
    replies = {older.name.partition("+")[2]: robot_reply(older), newer.name.partition("+")[2]: robot_reply(newer)}
    quay.answers(*[lambda request: replies[request.target.rpartition("/")[2]]] * 2)
    stored = [stored_older]
    stored.insert(position, StoredSecret(newer.token, record, newer.name))
    assert issuer(quay).observe(stored).credential.username == newer.name


def test_store_that_does_not_tell_its_secret_is_recognised_by_the_fingerprint(quay: FakeQuay, clock: datetime) -> None:
    robot, _stored = stored_lease(clock)
    shown = fingerprint(robot.token)
    quay.answers(robot_reply(robot))
    stored = StoredSecret(None, Record(shown, username=robot.name), untold=shown)
    assert issuer(quay).observe([stored]).credential.username == robot.name


def test_fingerprint_is_not_enough_if_the_secret_is_known(quay: FakeQuay, clock: datetime) -> None:
    robot, _stored = stored_lease(clock)
    quay.answers(robot_reply(robot))
    stored = StoredSecret("other", Record(fingerprint(robot.token)), robot.name, untold=fingerprint(robot.token))
    assert issuer(quay).observe([stored]).credential.username is None


def test_robot_without_a_visible_token_is_no_lease(quay: FakeQuay, clock: datetime) -> None:
    robot, stored = stored_lease(clock)
    quay.answers(ok({"name": robot.name, "created": quay_time(clock), "unstructured_metadata": robot.metadata}))
    assert issuer(quay).observe([stored]).credential.username is None


def test_robot_that_is_gone_is_no_lease(quay: FakeQuay, clock: datetime) -> None:
    quay.answers(UNKNOWN_ROBOT)
    observation = issuer(quay).observe([stored_lease(clock)[1]])
    assert (observation.state.exists, observation.state.secret) == (True, "invalid")


def test_default_of_renew_before_is_a_third() -> None:
    policy = lease_policy({"rotate": "when_due", "lifetime": "12h"})
    assert policy.renew_before == timedelta(hours=4)


def test_renew_before_must_be_shorter() -> None:
    with pytest.raises(BadInput, match="must be shorter than lifetime"):
        lease_policy({"rotate": "when_due", "renew_before": "2h", "lifetime": "1h"})
