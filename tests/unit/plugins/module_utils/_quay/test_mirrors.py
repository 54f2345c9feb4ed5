# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors: the record of a mirror, and each call."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.mirrors import (
    Mirror,
    Mirrors,
    repository_mirrored_by,
    robot_of_organization_mirror,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import COMMON, FakeQuay, Request, empty, error, ok

READ = {**COMMON, "Authorization": "Bearer s3cret"}
WRITE = {**READ, "Content-Type": "application/json"}
PATH = "/api/v1/repository/acme/app/mirror"
MIRROR_JSON: dict[str, Any] = {
    "is_enabled": True,
    "mirror_type": "PULL",
    "external_reference": "registry.example.com/library/base",
    "external_registry_username": None,
    "external_registry_config": {},
    "sync_interval": 86400,
    "sync_start_date": "2026-01-31T12:00:00Z",
    "sync_expiration_date": None,
    "sync_retries_remaining": 3,
    "sync_status": "NEVER_RUN",
    "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["latest", "3*"]},
    "robot_username": "acme+ci",
    "skopeo_timeout_interval": 300,
    "architecture_filter": [],
}
MIRROR = Mirror(
    enabled=True,
    external_reference="registry.example.com/library/base",
    external_registry_username="",
    verify_tls=True,
    unsigned_images=False,
    http_proxy="",
    https_proxy="",
    no_proxy="",
    tags=("3*", "latest"),
    robot="acme+ci",
    sync_interval=86400,
    sync_start_date=datetime(2026, 1, 31, 12, tzinfo=timezone.utc),
    skopeo_timeout=300,
    architectures=(),
    status="never_run",
    has_proxies=False,
)
PROXIES = {"http_proxy": "http://proxy.example.com", "no_proxy": ""}
PROXIES_JSON = {"proxy": {"http_proxy": "http://proxy.example.com", "no_proxy": None}}


@pytest.fixture
def mirrors(quay: FakeQuay) -> Mirrors:
    return Mirrors(quay.client(BearerAuth("s3cret")), "/api/v1/repository/acme/app")


def test_get(quay: FakeQuay, mirrors: Mirrors) -> None:
    quay.answers(ok(MIRROR_JSON))
    assert mirrors.get() == MIRROR
    assert quay.requests == [Request("GET", PATH, READ)]


def test_get_with_every_setting(quay: FakeQuay, mirrors: Mirrors) -> None:
    registry = {
        "verify_tls": False,
        "unsigned_images": True,
        "proxy": {"http_proxy": "a", "https_proxy": "b", "no_proxy": None},
    }
    changes = {"external_registry_username": "puller", "external_registry_config": registry, "robot_username": None}
    quay.answers(ok({**MIRROR_JSON, **changes, "architecture_filter": ["arm64", "amd64"], "sync_start_date": None}))
    mirror = mirrors.get()
    assert mirror is not None
    assert (mirror.verify_tls, mirror.unsigned_images) == (False, True)
    assert (mirror.http_proxy, mirror.https_proxy, mirror.no_proxy, mirror.has_proxies) == ("a", "b", "", True)
    assert (mirror.external_registry_username, mirror.robot) == ("puller", "")
    assert (mirror.architectures, mirror.sync_start_date) == (("amd64", "arm64"), None)


def test_get_a_missing_mirror(quay: FakeQuay, mirrors: Mirrors) -> None:
    quay.answers(error(404, "Not Found", "not_found"))
    assert mirrors.get() is None


def test_create(quay: FakeQuay, mirrors: Mirrors) -> None:
    quay.answers(ok("", 201))
    mirrors.create({"tags": ["a"], "robot": "acme+ci", "verify_tls": True, "skopeo_timeout": 300, **PROXIES})
    body = {
        "robot_username": "acme+ci",
        "skopeo_timeout_interval": 300,
        "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["a"]},
        "external_registry_config": {"verify_tls": True, **PROXIES_JSON},
    }
    assert quay.requests == [Request("POST", PATH, WRITE, body)]


def test_update_sends_only_what_changes(quay: FakeQuay, mirrors: Mirrors) -> None:
    quay.answers(ok("", 201))
    mirrors.update({"enabled": False}, has_proxies=False)
    assert quay.requests == [Request("PUT", PATH, WRITE, {"is_enabled": False})]


@pytest.mark.parametrize("has_proxies", [True, False])
def test_first_proxies_are_sent_twice(quay: FakeQuay, mirrors: Mirrors, has_proxies: bool) -> None:
    quay.answers(*[ok("", 201)] * (1 if has_proxies else 2))
    mirrors.update({"sync_interval": 60, **PROXIES}, has_proxies=has_proxies)
    bodies = [request.body for request in quay.requests]
    registry = {"external_registry_config": PROXIES_JSON}
    assert bodies == [{"sync_interval": 60, **registry}, registry][: 1 if has_proxies else 2]


def test_sync(quay: FakeQuay, mirrors: Mirrors) -> None:
    quay.answers(empty(), empty())
    mirrors.sync_now()
    mirrors.cancel_sync()
    assert quay.calls == [("POST", f"{PATH}/sync-now"), ("POST", f"{PATH}/sync-cancel")]


# --- who uses a robot


def listed(*names: str, **more: Any) -> Any:
    """A page of the list of repositories. Those whose name begins with m are mirrors."""
    states = {True: "MIRROR", False: "NORMAL"}
    return ok(
        {
            "repositories": [
                {"namespace": "acme", "name": name, "state": states[name.startswith("m")]} for name in names
            ],
            **more,
        }
    )


def test_repository_that_a_robot_mirrors(quay: FakeQuay) -> None:
    quay.answers(
        listed("app", "m1", next_page="n"),
        ok({**MIRROR_JSON, "robot_username": "acme+other"}),
        listed("m2", "m3/part", "m4"),
        error(403, "Unauthorized", "insufficient_scope"),
        ok(MIRROR_JSON),
    )
    assert repository_mirrored_by(quay.client(retries=0), "acme", "acme+ci") == "acme/m3/part"
    assert [target for _method, target in quay.calls] == [
        "/api/v1/repository?namespace=acme",
        "/api/v1/repository/acme/m1/mirror",
        "/api/v1/repository?namespace=acme&next_page=n",
        "/api/v1/repository/acme/m2/mirror",
        "/api/v1/repository/acme/m3/part/mirror",
    ]


def test_robot_without_a_mirror(quay: FakeQuay) -> None:
    quay.answers(listed("app", "m1"), error(404, "Not Found", "not_found"))
    assert repository_mirrored_by(quay.client(), "acme", "acme+ci") is None


@pytest.mark.parametrize(
    ("reply", "robot"),
    [
        (ok({"robot_username": "acme+ci", "is_enabled": True}), "acme+ci"),
        (ok({"robot_username": None}), None),
        (error(404, "Not Found", "not_found"), None),
    ],
)
def test_mirror_of_an_organization(quay: FakeQuay, reply: Any, robot: str | None) -> None:
    quay.answers(reply)
    assert robot_of_organization_mirror(quay.client(), "acme") == robot
    assert quay.calls == [("GET", "/api/v1/organization/acme/mirror")]
