# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_repository_mirror: mirrors of other registries' repositories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.state import Mirror

MODULE = "quay_repository_mirror"
APP = "/api/v1/repository/acme/app"
PATH = f"{APP}/mirror"
CONFIG = "GET /config"
LOOK = [f"GET {APP}", f"GET {PATH}"]
START = "2031-01-31T02:00:00Z"
PASSWORD = "a-password-elsewhere"

MINIMAL: dict[str, Any] = {
    "repository": "acme/app",
    "external_reference": "registry.example.com/library/base",
    "tags": ["latest", "3*"],
    "robot": "acme+ci",
    "sync_start_date": START,
}
REGISTRY = {
    "external_registry_username": "puller",
    "external_registry_password": PASSWORD,
    "verify_tls": False,
    "unsigned_images": True,
    "http_proxy": "http://proxy.example.com:3128",
    "https_proxy": "http://proxy.example.com:3129",
    "no_proxy": ".example.com",
}
EXTENDED = {**MINIMAL, **REGISTRY, "sync_interval": "12h", "skopeo_timeout": "10m", "enabled": False}
# What a new mirror has that the task does not speak of.
DEFAULTS = {
    "external_registry_username": "",
    "verify_tls": True,
    "unsigned_images": False,
    "http_proxy": "",
    "https_proxy": "",
    "no_proxy": "",
    "architectures": [],
    "sync_interval": 86400,
    "skopeo_timeout": 300,
    "enabled": True,
    "mode": "mirror",
    "sync_status": "never_run",
}


@pytest.fixture(autouse=True)
def mirroring(world: World) -> None:
    world.quay.config["FEATURE_REPO_MIRROR"] = True
    world.secrets.add([PASSWORD])


def mirror_of(world: World) -> Mirror:
    mirror = world.quay.state.repositories["acme", "app"].mirror
    assert mirror is not None
    return mirror


def made(world: World, **more: Any) -> Mirror:
    """A mirror as the module makes it; for what comes after."""
    result = world.run(MODULE, {**MINIMAL, **more})
    assert not result.failed, result.message
    return mirror_of(world)


def test_minimal_mirror(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, MINIMAL)
    assert runs.requests == [
        [*world.sign_in, *LOOK, CONFIG],
        [*world.sign_in, *LOOK, CONFIG, f"POST {PATH}", *LOOK],
        [*world.sign_in, *LOOK],
        [*world.sign_in, *LOOK],
    ]
    expected = {**DEFAULTS, **MINIMAL, "tags": ["3*", "latest"]}
    assert runs.first.content == expected
    assert runs.first.diff["before"] == {}
    assert runs.first.diff["after"] == {
        **{key: value for key, value in expected.items() if key != "repository"},
        "external_registry_password": "absent",
    }
    assert world.quay.state.repositories["acme", "app"].state == "MIRROR"
    assert world.quay.state.repositories["acme", "app"].user_roles["acme+ci"] == "write"
    assert mirror_of(world) == Mirror(
        external_reference="registry.example.com/library/base",
        robot="acme+ci",
        tags=["3*", "latest"],
        sync_interval=86400,
        sync_start_date=datetime(2031, 1, 31, 2, tzinfo=UTC),
        skopeo_timeout=300,
        registry={
            "verify_tls": True,
            "unsigned_images": False,
            "proxy": {"http_proxy": None, "https_proxy": None, "no_proxy": None},
        },
    )


def test_extended_mirror(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, EXTENDED)
    mirror = mirror_of(world)
    assert (mirror.username, mirror.password, mirror.enabled) == ("puller", PASSWORD, False)
    assert (mirror.sync_interval, mirror.skopeo_timeout) == (43200, 600)
    assert mirror.registry == {
        "verify_tls": False,
        "unsigned_images": True,
        "proxy": {key: REGISTRY[key] for key in ("http_proxy", "https_proxy", "no_proxy")},
    }
    assert runs.first.content == {
        **DEFAULTS,
        **{key: value for key, value in EXTENDED.items() if key != "external_registry_password"},
        "tags": ["3*", "latest"],
        "sync_interval": 43200,
        "skopeo_timeout": 600,
    }
    assert runs.first.diff["after"]["external_registry_password"] == "new"


def test_names_of_the_guide(world: World) -> None:
    arguments = {**EXTENDED, "skopeo_timeout_interval": "600", "is_enabled": True, "robot_username": "acme+ci"}
    for name in ("skopeo_timeout", "enabled", "robot"):
        del arguments[name]
    world.four_runs(MODULE, arguments)
    assert (mirror_of(world).skopeo_timeout, mirror_of(world).enabled) == (600, True)


CHANGES = {
    "external_reference": "other.example.com/x",
    "tags": ["v*"],
    "verify_tls": False,
    "unsigned_images": True,
    "http_proxy": "http://new.example.com",
    "https_proxy": "http://new.example.com",
    "no_proxy": "localhost",
    "sync_interval": 3600,
    "sync_start_date": "2032-02-01T00:00:00Z",
    "skopeo_timeout": 900,
    "enabled": False,
}


@pytest.mark.parametrize("field", CHANGES)
def test_one_field_is_changed_and_no_other(either_login: World, field: str) -> None:
    world = either_login
    made(world)
    before = world.run(MODULE, {"repository": "acme/app"}).content
    runs = world.four_runs(MODULE, {"repository": "acme/app", field: CHANGES[field]})
    assert runs.first.content == {**before, field: CHANGES[field]}
    assert runs.first.diff["after"] == {**runs.first.diff["before"], field: CHANGES[field]}
    assert runs.requests[1] == [*world.sign_in, *LOOK, CONFIG, f"PUT {PATH}", *LOOK]


def test_unchanged_mirror_costs_two_requests(world: World) -> None:
    made(world)
    assert world.four_runs(MODULE, {"repository": "acme/app"}).requests == [LOOK] * 4


def test_proxy_of_a_mirror_that_has_none(world: World) -> None:
    """Of the first proxies that a mirror gets, Quay loses one; another request gives it."""
    made(world)
    del mirror_of(world).registry["proxy"]
    proxies = {name: REGISTRY[name] for name in ("http_proxy", "https_proxy")}
    runs = world.four_runs(MODULE, {"repository": "acme/app", **proxies})
    assert mirror_of(world).registry["proxy"] == proxies
    assert runs.requests[1] == [*LOOK, CONFIG, f"PUT {PATH}", f"PUT {PATH}", *LOOK]


def test_proxies_are_taken_away(world: World) -> None:
    made(world, **REGISTRY)
    world.four_runs(MODULE, {"repository": "acme/app", "http_proxy": "", "no_proxy": ""})
    https = REGISTRY["https_proxy"]
    assert mirror_of(world).registry["proxy"] == {"http_proxy": None, "https_proxy": https, "no_proxy": None}


def test_password_in_a_proxy_of_somebody_elses(world: World) -> None:
    made(world)
    world.secrets.add(["pr0xy-secret"])
    mirror_of(world).registry["proxy"] = {"http_proxy": "http://user:pr0xy-secret@proxy.example.com"}
    result = world.run(MODULE, {"repository": "acme/app", "tags": ["x"]})
    assert result["http_proxy"] == "http://***@proxy.example.com"


def test_robot_is_replaced(world: World) -> None:
    made(world)
    world.people.alice.browser().call("PUT", "/api/v1/organization/acme/robots/other")
    runs = world.four_runs(MODULE, {"repository": "acme/app", "robot": "acme+other"})
    assert mirror_of(world).robot == runs.first["robot"] == "acme+other"


@pytest.mark.parametrize("feature", [True, False])
def test_architectures(world: World, feature: bool) -> None:
    world.quay.config["FEATURE_SPARSE_INDEX"] = feature
    arguments = {**MINIMAL, "architectures": ["arm64", "amd64"]}
    if feature:
        world.four_runs(MODULE, arguments)
        assert mirror_of(world).architectures == ["amd64", "arm64"]
        world.four_runs(MODULE, {"repository": "acme/app", "architectures": []})
        assert mirror_of(world).architectures == []
    else:
        assert_refused(world, MODULE, arguments, "FEATURE_SPARSE_INDEX is off")


# --- the date of the next sync


def test_start_date_moves_on_with_each_sync(world: World) -> None:
    """After each sync Quay stores the date of the next one, and loses a part of a second."""
    mirror = made(world)
    for _night in range(40):
        mirror.sync_start_date = datetime_of(mirror) + timedelta(days=1, seconds=0.7)
        mirror.status = "SUCCESS"
    runs = world.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": START})
    assert not runs.first.changed
    assert runs.first["sync_start_date"] == START


@pytest.mark.parametrize(
    "moved", [timedelta(hours=6), timedelta(days=3, hours=6), timedelta(days=-1), timedelta(days=2, minutes=1)]
)
def test_start_date_off_the_schedule(world: World, moved: timedelta) -> None:
    mirror = made(world)
    mirror.sync_start_date = datetime_of(mirror) + moved
    runs = world.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": START})
    assert runs.first.changed
    assert runs.first.diff["before"]["sync_start_date"] == world.iso(datetime(2031, 1, 31, 2, tzinfo=UTC) + moved)
    assert datetime_of(mirror_of(world)) == datetime(2031, 1, 31, 2, tzinfo=UTC)


def test_start_date_that_a_cancelled_sync_has_lost(world: World) -> None:
    made(world).sync_start_date = None
    assert world.run(MODULE, {"repository": "acme/app"})["sync_start_date"] is None
    world.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": START})
    assert datetime_of(mirror_of(world)) == datetime(2031, 1, 31, 2, tzinfo=UTC)


def test_start_date_of_another_zone(world: World) -> None:
    made(world)
    runs = world.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": "2031-01-31T03:00:00+01:00"})
    assert not runs.first.changed


def datetime_of(mirror: Mirror) -> datetime:
    assert mirror.sync_start_date is not None
    return mirror.sync_start_date


# --- the password


def test_password_is_not_sent_again(world: World) -> None:
    made(world, **REGISTRY)
    mirror_of(world).password = "changed-in-quay"
    runs = world.four_runs(MODULE, EXTENDED)
    assert mirror_of(world).password == "changed-in-quay"
    assert runs.first.diff["before"]["external_registry_password"] == "unknown"


def test_password_goes_with_a_new_user(world: World) -> None:
    made(world, **REGISTRY)
    world.secrets.add(["another-password"])
    user = {"external_registry_username": "other", "external_registry_password": "another-password"}
    runs = world.four_runs(MODULE, {"repository": "acme/app", **user})
    assert (mirror_of(world).username, mirror_of(world).password) == ("other", "another-password")
    assert runs.first.diff["after"]["external_registry_password"] == "new"


def test_password_is_always_sent_on_demand(world: World) -> None:
    made(world, **REGISTRY)
    mirror_of(world).password = "changed-in-quay"
    user = {name: REGISTRY[name] for name in ("external_registry_username", "external_registry_password")}
    arguments = {"repository": "acme/app", **user, "update_password": "always"}
    runs = world.four_runs(MODULE, arguments, idempotent=False)
    assert mirror_of(world).password == PASSWORD
    assert runs.second.changed
    assert runs.first.diff["after"] == {**runs.first.diff["before"], "external_registry_password": "new"}


def test_user_and_password_are_taken_away(world: World) -> None:
    made(world, **REGISTRY)
    runs = world.four_runs(MODULE, {"repository": "acme/app", "external_registry_username": ""})
    assert (mirror_of(world).username, mirror_of(world).password) == (None, None)
    assert runs.first.diff["after"]["external_registry_password"] == "absent"


def test_empty_user_of_the_guides_minimal_example(world: World) -> None:
    runs = world.four_runs(MODULE, {**MINIMAL, "external_registry_username": ""})
    assert runs.first["external_registry_username"] == ""
    mirror_of(world).username = ""
    assert not world.run(MODULE, {**MINIMAL, "external_registry_username": ""}).changed


def test_new_user_needs_a_password(world: World) -> None:
    made(world, **REGISTRY)
    arguments = {"repository": "acme/app", "external_registry_username": "other"}
    assert_refused(world, MODULE, arguments, "external_registry_username changes to other")


def test_password_needs_a_user(world: World) -> None:
    arguments = {**MINIMAL, "external_registry_password": PASSWORD}
    assert_refused(world, MODULE, arguments, "external_registry_username")
    assert_refused(world, MODULE, {**arguments, "external_registry_username": ""}, "needs a user name")


# --- syncing


def test_sync_now(either_login: World) -> None:
    world = either_login
    made(world)
    runs = world.four_runs(MODULE, {"repository": "acme/app", "sync": "now"})
    assert runs.requests[1] == [*world.sign_in, *LOOK, CONFIG, f"POST {PATH}/sync-now", *LOOK]
    assert mirror_of(world).status == "SYNC_NOW"
    before = runs.first.diff["before"]
    assert before["sync_status"] == "never_run"
    assert runs.first.diff["after"] == {**before, "sync_status": "sync_now"}


def test_new_mirror_is_synced_now(world: World) -> None:
    runs = world.four_runs(MODULE, {**MINIMAL, "sync": "now"})
    assert runs.first["sync_status"] == "sync_now"
    assert mirror_of(world).status == "SYNC_NOW"


@pytest.mark.parametrize("status", ["SYNCING", "SUCCESS", "FAIL"])
def test_sync_that_has_begun_before_it_is_looked_at(world: World, status: str) -> None:
    made(world)

    def go_on() -> None:
        mirror_of(world).status = status

    world.before("^POST .*sync-now", lambda: world.before(f"^GET {PATH}", go_on))
    result = world.run(MODULE, {"repository": "acme/app", "sync": "now"})
    assert not result.failed, result.message
    assert result["sync_status"] == "sync_now"


def test_sync_that_is_under_way_is_not_asked_for(world: World) -> None:
    made(world).status = "SYNCING"
    runs = world.four_runs(MODULE, {"repository": "acme/app", "sync": "now"})
    assert not runs.first.changed
    assert runs.first["sync_status"] == "syncing"


def test_sync_that_is_over_is_asked_for_again(world: World) -> None:
    made(world).status = "SUCCESS"
    assert world.run(MODULE, {"repository": "acme/app", "sync": "now"}).changed


@pytest.mark.parametrize("status", ["SYNC_NOW", "SYNCING"])
def test_sync_is_cancelled(world: World, status: str) -> None:
    made(world).status = status
    runs = world.four_runs(MODULE, {"repository": "acme/app", "sync": "cancel"})
    assert mirror_of(world).status == "CANCEL"
    assert (runs.first.changed, runs.first["sync_status"]) == (True, "cancel")


def test_nothing_to_cancel(world: World) -> None:
    made(world)
    assert world.four_runs(MODULE, {"repository": "acme/app", "sync": "cancel"}).requests == [LOOK] * 4


# --- switching off


def test_mirror_is_switched_off_and_on(either_login: World) -> None:
    world = either_login
    made(world, **REGISTRY)
    runs = world.four_runs(MODULE, {"repository": "acme/app", "state": "absent"})
    repository = world.quay.state.repositories["acme", "app"]
    assert (repository.state, mirror_of(world).enabled, mirror_of(world).password) == ("NORMAL", False, PASSWORD)
    assert (runs.first["enabled"], runs.first["mode"]) == (False, "normal")
    assert runs.requests[1] == [
        *world.sign_in,
        *LOOK,
        CONFIG,
        f"PUT {PATH}",
        f"PUT {APP}/changestate",
        *LOOK,
    ]
    world.four_runs(MODULE, {"repository": "acme/app"})
    assert (repository.state, mirror_of(world).enabled) == ("MIRROR", True)


@pytest.mark.parametrize("name", ["app", "nope"])
def test_no_mirror_to_switch_off(world: World, name: str) -> None:
    runs = world.four_runs(MODULE, {"repository": f"acme/{name}", "state": "absent"})
    assert not runs.first.changed
    assert set(runs.first.content.values()) == {f"acme/{name}", None}


def test_switching_off_leaves_a_read_only_repository_so(world: World) -> None:
    made(world)
    world.quay.state.repositories["acme", "app"].state = "READ_ONLY"
    runs = world.four_runs(MODULE, {"repository": "acme/app", "state": "absent"})
    assert runs.first["mode"] == "read_only"


# --- what is refused, and what Quay gets wrong


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"external_reference": "https://registry.example.com/x"}, "without scheme"),
        ({"external_reference": "registry.example.com"}, "without scheme"),
        ({"external_reference": "e"}, "such as registry.example.com/library/base"),
        ({"external_reference": "user@registry.example.com/x"}, "without scheme"),
        ({"robot": "ci"}, "write acme+robot"),
        ({"robot": "rival+ci"}, "is not a robot of the namespace acme"),
        ({"tags": []}, "tags must name at least one tag"),
        ({"tags": [""]}, "tags must name at least one tag"),
        ({"sync_interval": "0"}, "sync_interval must be more than 0"),
        ({"sync_interval": "daily"}, "sync_interval must be a duration"),
        ({"sync_start_date": "tomorrow"}, "sync_start_date must be a time"),
        ({"skopeo_timeout": "4m"}, "skopeo_timeout must be at least 5m"),
        ({"http_proxy": "http://me@proxy.example.com"}, "http_proxy must not hold a user name"),
        ({"repository": "app"}, "is not a valid repository name"),
        ({"sync": "cancel", "state": "absent"}, "sync needs state=present"),
    ],
)
def test_bad_input(world: World, changes: dict[str, Any], words: str) -> None:
    assert_refused(world, MODULE, {**MINIMAL, **changes}, words)
    assert world.requests == []


@pytest.mark.parametrize(
    ("option", "address"),
    [
        ("external_reference", "reader:{}@registry.example.com/x"),
        ("external_reference", "https://reader:{}@registry.example.com/x"),
        ("http_proxy", "http://me:{}@proxy.example.com"),
        ("https_proxy", "me:{}@proxy.example.com:3128"),
    ],
)
def test_login_in_an_address_is_refused_and_not_repeated(world: World, option: str, address: str) -> None:
    secret = "hidden-in-the-address"
    world.secrets.add([secret])
    assert_refused(world, MODULE, {**MINIMAL, option: address.format(secret)}, option, "user")


def test_new_mirror_needs_four_things(world: World) -> None:
    words = "a new one needs external_reference, robot, tags, sync_start_date"
    assert_refused(world, MODULE, {"repository": "acme/app"}, words)


def test_unknown_repository(world: World) -> None:
    arguments = {**MINIMAL, "repository": "acme/nope"}
    assert_refused(world, MODULE, arguments, "there is no acme/nope; create it with quay_repository")


def test_feature_is_off(world: World) -> None:
    world.quay.config["FEATURE_REPO_MIRROR"] = False
    assert_refused(world, MODULE, MINIMAL, "does not mirror repositories (FEATURE_REPO_MIRROR is off)")
    assert not world.run(MODULE, {"repository": "acme/app", "state": "absent"}).changed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"robot": "acme+nope"}, "Could not find robot with specified username"),
        ({"external_reference": "nosuch.invalid/x"}, "Cannot resolve hostname 'nosuch.invalid'"),
        ({"external_reference": "10.0.0.1/x"}, "The provided registry location is not allowed"),
    ],
)
def test_what_only_quay_knows(world: World, changes: dict[str, Any], words: str) -> None:
    result = world.run(MODULE, {**MINIMAL, **changes})
    assert result.failed
    assert words in result.message


def test_read_only_registry(world: World) -> None:
    world.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(world, MODULE, MINIMAL, "the registry is read-only")


def test_failure_that_was_none(world: World) -> None:
    world.quay.faults.add("status", method="POST", path="mirror$", status=500, after=True)
    assert world.run(MODULE, MINIMAL).changed
    assert len(world.writes) == 1


def test_change_that_is_only_reported(world: World) -> None:
    made(world)
    world.quay.faults.add("status", method="PUT", status=204)
    result = world.run(MODULE, {"repository": "acme/app", "tags": ["x"]})
    assert result.failed
    assert "the mirror of acme/app is not as written (tags)" in result.message


@pytest.mark.parametrize("scope", ["repo:read", "repo:write"])
def test_token_without_the_scope(world: World, scope: str) -> None:
    world.login = world.people.alice.by_token(world.people.console, scope)
    words = "this login may not change it" if scope == "repo:read" else "lacks the permission or the scope"
    assert_refused(world, MODULE, MINIMAL, words)
