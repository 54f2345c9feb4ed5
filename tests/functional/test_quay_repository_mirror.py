# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_repository_mirror: mirrors of repositories of other registries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Mirror

MODULE = "quay_repository_mirror"
APP = "/api/v1/repository/acme/app"
PATH = f"{APP}/mirror"
CONFIG = "GET /config"
READ = [f"GET {APP}", f"GET {PATH}"]
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
# The values of a new mirror for options that the task does not set.
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
def enable_mirroring(harness: Harness) -> None:
    harness.quay.config["FEATURE_REPO_MIRROR"] = True
    harness.known_secrets.add([PASSWORD])


def mirror_of(harness: Harness) -> Mirror:
    mirror = harness.quay.state.repositories["acme", "app"].mirror
    assert mirror is not None
    return mirror


def create_mirror(harness: Harness, **more: Any) -> Mirror:
    """Create a mirror with the module, for a test of changes."""
    result = harness.run(MODULE, {**MINIMAL, **more})
    assert not result.failed, result.message
    return mirror_of(harness)


def test_minimal_mirror(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, MINIMAL)
    assert runs.requests == [
        [*harness.sign_in, *READ, CONFIG],
        [*harness.sign_in, *READ, CONFIG, f"POST {PATH}", *READ],
        [*harness.sign_in, *READ],
        [*harness.sign_in, *READ],
    ]
    expected = {**DEFAULTS, **MINIMAL, "tags": ["3*", "latest"]}
    assert runs.first.content == expected
    assert runs.first.diff["before"] == {}
    assert runs.first.diff["after"] == {
        **{key: value for key, value in expected.items() if key != "repository"},
        "external_registry_password": "absent",
    }
    assert harness.quay.state.repositories["acme", "app"].state == "MIRROR"
    assert harness.quay.state.repositories["acme", "app"].user_roles["acme+ci"] == "write"
    assert mirror_of(harness) == Mirror(
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


def test_extended_mirror(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, EXTENDED)
    mirror = mirror_of(harness)
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


def test_option_names_of_the_api_guide(harness: Harness) -> None:
    arguments = {**EXTENDED, "skopeo_timeout_interval": "10m", "is_enabled": True, "robot_username": "acme+ci"}
    for name in ("skopeo_timeout", "enabled", "robot"):
        del arguments[name]
    harness.four_runs(MODULE, arguments)
    assert (mirror_of(harness).skopeo_timeout, mirror_of(harness).enabled) == (600, True)


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

# The module takes durations with a unit, and returns seconds.
GIVEN = {**CHANGES, "sync_interval": "1h", "skopeo_timeout": "15m"}


@pytest.mark.parametrize("field", CHANGES)
def test_one_field_is_changed_and_no_other(either_login: Harness, field: str) -> None:
    harness = either_login
    create_mirror(harness)
    before = harness.run(MODULE, {"repository": "acme/app"}).content
    runs = harness.four_runs(MODULE, {"repository": "acme/app", field: GIVEN[field]})
    assert runs.first.content == {**before, field: CHANGES[field]}
    assert runs.first.diff["after"] == {**runs.first.diff["before"], field: CHANGES[field]}
    assert runs.requests[1] == [*harness.sign_in, *READ, CONFIG, f"PUT {PATH}", *READ]


def test_unchanged_mirror_costs_two_requests(harness: Harness) -> None:
    create_mirror(harness)
    assert harness.four_runs(MODULE, {"repository": "acme/app"}).requests == [READ] * 4


def test_proxy_of_a_mirror_that_has_none(harness: Harness) -> None:
    """Quay loses one of the first proxies of a mirror, so a second request is sent."""
    create_mirror(harness)
    del mirror_of(harness).registry["proxy"]
    proxies = {name: REGISTRY[name] for name in ("http_proxy", "https_proxy")}
    runs = harness.four_runs(MODULE, {"repository": "acme/app", **proxies})
    assert mirror_of(harness).registry["proxy"] == proxies
    assert runs.requests[1] == [*READ, CONFIG, f"PUT {PATH}", f"PUT {PATH}", *READ]


def test_proxies_are_removed(harness: Harness) -> None:
    create_mirror(harness, **REGISTRY)
    harness.four_runs(MODULE, {"repository": "acme/app", "http_proxy": "", "no_proxy": ""})
    https = REGISTRY["https_proxy"]
    assert mirror_of(harness).registry["proxy"] == {"http_proxy": None, "https_proxy": https, "no_proxy": None}


def test_password_in_an_existing_proxy_is_hidden(harness: Harness) -> None:
    create_mirror(harness)
    harness.known_secrets.add(["pr0xy-secret"])
    mirror_of(harness).registry["proxy"] = {"http_proxy": "http://user:pr0xy-secret@proxy.example.com"}
    result = harness.run(MODULE, {"repository": "acme/app", "tags": ["x"]})
    assert result["http_proxy"] == "http://***@proxy.example.com"


def test_robot_is_replaced(harness: Harness) -> None:
    create_mirror(harness)
    harness.accounts.alice.browser().call("PUT", "/api/v1/organization/acme/robots/other")
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "robot": "acme+other"})
    assert mirror_of(harness).robot == runs.first["robot"] == "acme+other"


@pytest.mark.parametrize("feature", [True, False])
def test_architectures(harness: Harness, feature: bool) -> None:
    harness.quay.config["FEATURE_SPARSE_INDEX"] = feature
    arguments = {**MINIMAL, "architectures": ["arm64", "amd64"]}
    if feature:
        harness.four_runs(MODULE, arguments)
        assert mirror_of(harness).architectures == ["amd64", "arm64"]
        harness.four_runs(MODULE, {"repository": "acme/app", "architectures": []})
        assert mirror_of(harness).architectures == []
    else:
        assert_refused(harness, MODULE, arguments, "FEATURE_SPARSE_INDEX is off")


# --- the date of the next sync


def test_start_date_moves_on_with_each_sync(harness: Harness) -> None:
    """After each sync Quay stores the date of the next one, which differs by a fraction of a second."""
    mirror = create_mirror(harness)
    for _night in range(40):
        mirror.sync_start_date = datetime_of(mirror) + timedelta(days=1, seconds=0.7)
        mirror.status = "SUCCESS"
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": START})
    assert not runs.first.changed
    assert runs.first["sync_start_date"] == START


@pytest.mark.parametrize(
    "moved", [timedelta(hours=6), timedelta(days=3, hours=6), timedelta(days=-1), timedelta(days=2, minutes=1)]
)
def test_start_date_off_the_schedule(harness: Harness, moved: timedelta) -> None:
    mirror = create_mirror(harness)
    mirror.sync_start_date = datetime_of(mirror) + moved
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": START})
    assert runs.first.changed
    assert runs.first.diff["before"]["sync_start_date"] == harness.iso(datetime(2031, 1, 31, 2, tzinfo=UTC) + moved)
    assert datetime_of(mirror_of(harness)) == datetime(2031, 1, 31, 2, tzinfo=UTC)


def test_start_date_that_a_cancelled_sync_has_lost(harness: Harness) -> None:
    create_mirror(harness).sync_start_date = None
    assert harness.run(MODULE, {"repository": "acme/app"})["sync_start_date"] is None
    harness.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": START})
    assert datetime_of(mirror_of(harness)) == datetime(2031, 1, 31, 2, tzinfo=UTC)


def test_start_date_of_another_zone(harness: Harness) -> None:
    create_mirror(harness)
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync_start_date": "2031-01-31T03:00:00+01:00"})
    assert not runs.first.changed


def datetime_of(mirror: Mirror) -> datetime:
    assert mirror.sync_start_date is not None
    return mirror.sync_start_date


# --- the password


def test_password_is_not_sent_again(harness: Harness) -> None:
    create_mirror(harness, **REGISTRY)
    mirror_of(harness).password = "changed-in-quay"
    runs = harness.four_runs(MODULE, EXTENDED)
    assert mirror_of(harness).password == "changed-in-quay"
    assert runs.first.diff["before"]["external_registry_password"] == "unknown"


def test_password_goes_with_a_new_user(harness: Harness) -> None:
    create_mirror(harness, **REGISTRY)
    harness.known_secrets.add(["another-password"])
    user = {"external_registry_username": "other", "external_registry_password": "another-password"}
    runs = harness.four_runs(MODULE, {"repository": "acme/app", **user})
    assert (mirror_of(harness).username, mirror_of(harness).password) == ("other", "another-password")
    assert runs.first.diff["after"]["external_registry_password"] == "new"


def test_password_is_always_sent_on_demand(harness: Harness) -> None:
    create_mirror(harness, **REGISTRY)
    mirror_of(harness).password = "changed-in-quay"
    user = {name: REGISTRY[name] for name in ("external_registry_username", "external_registry_password")}
    arguments = {"repository": "acme/app", **user, "update_password": "always"}
    runs = harness.four_runs(MODULE, arguments, idempotent=False)
    assert mirror_of(harness).password == PASSWORD
    assert runs.second.changed
    assert runs.first.diff["after"] == {**runs.first.diff["before"], "external_registry_password": "new"}


def test_user_and_password_are_removed(harness: Harness) -> None:
    create_mirror(harness, **REGISTRY)
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "external_registry_username": ""})
    assert (mirror_of(harness).username, mirror_of(harness).password) == (None, None)
    assert runs.first.diff["after"]["external_registry_password"] == "absent"


def test_empty_user_of_the_minimal_example_of_the_guide(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, {**MINIMAL, "external_registry_username": ""})
    assert runs.first["external_registry_username"] == ""
    mirror_of(harness).username = ""
    assert not harness.run(MODULE, {**MINIMAL, "external_registry_username": ""}).changed


def test_new_user_needs_a_password(harness: Harness) -> None:
    create_mirror(harness, **REGISTRY)
    arguments = {"repository": "acme/app", "external_registry_username": "other"}
    assert_refused(harness, MODULE, arguments, "external_registry_username changes to other")


def test_password_needs_a_user(harness: Harness) -> None:
    arguments = {**MINIMAL, "external_registry_password": PASSWORD}
    assert_refused(harness, MODULE, arguments, "external_registry_username")
    assert_refused(harness, MODULE, {**arguments, "external_registry_username": ""}, "needs a user name")


# --- syncing


def test_sync_now(either_login: Harness) -> None:
    harness = either_login
    create_mirror(harness)
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync": "now"})
    assert runs.requests[1] == [*harness.sign_in, *READ, CONFIG, f"POST {PATH}/sync-now", *READ]
    assert mirror_of(harness).status == "SYNC_NOW"
    before = runs.first.diff["before"]
    assert before["sync_status"] == "never_run"
    assert runs.first.diff["after"] == {**before, "sync_status": "sync_now"}


def test_disabled_mirror_is_synced_once_and_stays_disabled(either_login: Harness) -> None:
    harness = either_login
    create_mirror(harness, enabled=False)
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync": "now"})
    assert runs.requests[1] == [*harness.sign_in, *READ, CONFIG, f"POST {PATH}/sync-now", *READ]
    assert (mirror_of(harness).enabled, mirror_of(harness).status) == (False, "SYNC_NOW")
    assert (runs.first["enabled"], runs.first["sync_status"]) == (False, "sync_now")


@pytest.mark.parametrize(("state", "enabled"), [("NORMAL", True), ("NORMAL", None), ("READ_ONLY", False)])
def test_sync_outside_of_the_mode_mirror(harness: Harness, state: str, enabled: bool | None) -> None:
    """Quay accepts the request there and never starts the synchronization."""
    create_mirror(harness, enabled=False)
    repository = harness.quay.state.repositories["acme", "app"]
    repository.state = state
    arguments = {"repository": "acme/app", "sync": "now", "enabled": enabled}
    if enabled:
        harness.four_runs(MODULE, arguments)
        assert (repository.state, mirror_of(harness).enabled, mirror_of(harness).status) == ("MIRROR", True, "SYNC_NOW")
    else:
        words = (
            f"sync: the repository acme/app is in the mode {state.lower()}, and Quay syncs only into the mode mirror"
        )
        assert_refused(harness, MODULE, arguments, words, "Add enabled: true")
        assert harness.requests == READ


@pytest.mark.parametrize("enabled", [True, False])
def test_enabled_mirror_without_effect(harness: Harness, enabled: bool) -> None:
    """The mode of the repository was changed after the mirror was created."""
    create_mirror(harness, enabled=enabled)
    harness.quay.state.repositories["acme", "app"].state = "NORMAL"
    runs = harness.four_runs(MODULE, {"repository": "acme/app"})
    warning = (
        "The mirror is enabled, but the repository acme/app is in the mode normal, and Quay syncs only into the mode "
        "mirror. To set this mode, add enabled: true."
    )
    assert not runs.first.changed
    assert runs.first.warnings == ([warning] if enabled else [])


def test_new_mirror_starts_in_the_current_hour(harness: Harness) -> None:
    """The first synchronization then starts soon. An existing mirror keeps its date."""
    harness.quay.clock.set(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))
    arguments = {name: value for name, value in MINIMAL.items() if name != "sync_start_date"}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first["sync_start_date"] == "2031-05-06T07:00:00Z"
    assert datetime_of(mirror_of(harness)) == datetime(2031, 5, 6, 7, tzinfo=UTC)
    harness.quay.clock.set(datetime(2031, 5, 7, 9, 10, 11, tzinfo=UTC))
    assert not harness.run(MODULE, arguments).changed


def test_new_mirror_is_synced_now(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, {**MINIMAL, "sync": "now"})
    assert runs.first["sync_status"] == "sync_now"
    assert mirror_of(harness).status == "SYNC_NOW"


@pytest.mark.parametrize("status", ["SYNCING", "SUCCESS", "FAIL"])
def test_sync_that_starts_before_it_is_read_back(harness: Harness, status: str) -> None:
    create_mirror(harness)

    def set_status() -> None:
        mirror_of(harness).status = status

    harness.before_request("^POST .*sync-now", lambda: harness.before_request(f"^GET {PATH}", set_status))
    result = harness.run(MODULE, {"repository": "acme/app", "sync": "now"})
    assert not result.failed, result.message
    assert result["sync_status"] == "sync_now"


def test_running_sync_is_not_requested_again(harness: Harness) -> None:
    create_mirror(harness).status = "SYNCING"
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync": "now"})
    assert not runs.first.changed
    assert runs.first["sync_status"] == "syncing"


def test_finished_sync_is_requested_again(harness: Harness) -> None:
    create_mirror(harness).status = "SUCCESS"
    assert harness.run(MODULE, {"repository": "acme/app", "sync": "now"}).changed


@pytest.mark.parametrize("status", ["SYNC_NOW", "SYNCING"])
def test_sync_is_cancelled(harness: Harness, status: str) -> None:
    create_mirror(harness).status = status
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "sync": "cancel"})
    assert mirror_of(harness).status == "CANCEL"
    assert (runs.first.changed, runs.first["sync_status"]) == (True, "cancel")


def test_nothing_to_cancel(harness: Harness) -> None:
    create_mirror(harness)
    assert harness.four_runs(MODULE, {"repository": "acme/app", "sync": "cancel"}).requests == [READ] * 4


# --- switching off


def test_mirror_is_switched_off_and_on(either_login: Harness) -> None:
    harness = either_login
    create_mirror(harness, **REGISTRY)
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "state": "absent"})
    repository = harness.quay.state.repositories["acme", "app"]
    assert (repository.state, mirror_of(harness).enabled, mirror_of(harness).password) == ("NORMAL", False, PASSWORD)
    assert (runs.first["enabled"], runs.first["mode"]) == (False, "normal")
    assert runs.requests[1] == [
        *harness.sign_in,
        *READ,
        CONFIG,
        f"PUT {PATH}",
        f"PUT {APP}/changestate",
        *READ,
    ]
    assert not harness.four_runs(MODULE, {"repository": "acme/app"}).first.changed
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "enabled": True})
    assert (repository.state, mirror_of(harness).enabled) == ("MIRROR", True)
    assert runs.first.diff["after"] == {**runs.first.diff["before"], "enabled": True, "mode": "mirror"}


@pytest.mark.parametrize("name", ["app", "nope"])
def test_no_mirror_to_switch_off(harness: Harness, name: str) -> None:
    runs = harness.four_runs(MODULE, {"repository": f"acme/{name}", "state": "absent"})
    assert not runs.first.changed
    assert set(runs.first.content.values()) == {f"acme/{name}", None}


def test_switching_off_keeps_a_read_only_repository(harness: Harness) -> None:
    create_mirror(harness)
    harness.quay.state.repositories["acme", "app"].state = "READ_ONLY"
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "state": "absent"})
    assert runs.first["mode"] == "read_only"


# --- errors, and wrong responses of Quay


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
        ({"sync_interval": "3600"}, "sync_interval needs a unit"),
        ({"sync_start_date": "tomorrow"}, "sync_start_date must be a time"),
        ({"skopeo_timeout": "4m"}, "skopeo_timeout must be at least 5m"),
        ({"http_proxy": "http://me@proxy.example.com"}, "http_proxy must not hold a user name"),
        ({"repository": "app"}, "is not a valid repository name"),
        ({"sync": "cancel", "state": "absent"}, "sync needs state=present"),
        ({"update_password": "always"}, "update_password: always needs external_registry_password"),
    ],
)
def test_bad_input(harness: Harness, changes: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, {**MINIMAL, **changes}, words)
    assert harness.requests == []


@pytest.mark.parametrize(
    ("option", "address"),
    [
        ("external_reference", "reader:{}@registry.example.com/x"),
        ("external_reference", "https://reader:{}@registry.example.com/x"),
        ("http_proxy", "http://me:{}@proxy.example.com"),
        ("https_proxy", "me:{}@proxy.example.com:3128"),
    ],
)
@pytest.mark.parametrize("secret", ["hidden-in-the-address", "hunter2"])
def test_login_in_an_address_is_refused_and_not_repeated(
    harness: Harness, option: str, address: str, secret: str
) -> None:
    """Ansible masks the password wherever it repeats the arguments, even if it is shorter than a token."""
    harness.known_secrets.add([secret])
    assert_refused(harness, MODULE, {**MINIMAL, option: address.format(secret)}, option, "user")


def test_new_mirror_needs_three_options(harness: Harness) -> None:
    words = "a new one needs external_reference, robot, tags"
    assert_refused(harness, MODULE, {"repository": "acme/app"}, words)


def test_unknown_repository(harness: Harness) -> None:
    arguments = {**MINIMAL, "repository": "acme/nope"}
    assert_refused(harness, MODULE, arguments, "there is no acme/nope; create it with quay_repository")


def test_feature_is_off(harness: Harness) -> None:
    harness.quay.config["FEATURE_REPO_MIRROR"] = False
    assert_refused(harness, MODULE, MINIMAL, "does not mirror repositories (FEATURE_REPO_MIRROR is off)")
    assert not harness.run(MODULE, {"repository": "acme/app", "state": "absent"}).changed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"robot": "acme+nope"}, "Could not find robot with specified username"),
        (
            {"external_reference": "nosuch.invalid/x"},
            "Cannot resolve hostname 'nosuch.invalid'. Check external_reference. The Quay server itself must be able",
        ),
        (
            {"external_reference": "10.0.0.1/x"},
            "The provided registry location is not allowed. external_reference names a host in a private network",
        ),
    ],
)
def test_errors_reported_by_quay(harness: Harness, changes: dict[str, Any], words: str) -> None:
    result = harness.run(MODULE, {**MINIMAL, **changes})
    assert result.failed
    assert words in result.message
    if "external_reference" in changes:
        create_mirror(harness)
        result = harness.run(MODULE, {"repository": "acme/app", **changes})
        assert words in result.message


def test_read_only_registry(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(harness, MODULE, MINIMAL, "the registry is read-only")


def test_error_response_after_the_change_is_a_success(harness: Harness) -> None:
    harness.quay.faults.add("status", method="POST", path="mirror$", status=500, after=True)
    assert harness.run(MODULE, MINIMAL).changed
    assert len(harness.writes) == 1


def test_false_success_is_detected(harness: Harness) -> None:
    create_mirror(harness)
    harness.quay.faults.add("status", method="PUT", status=204)
    result = harness.run(MODULE, {"repository": "acme/app", "tags": ["x"]})
    assert result.failed
    assert "the mirror of acme/app is not as written (tags)" in result.message


@pytest.mark.parametrize("scope", ["repo:read", "repo:write"])
def test_token_without_the_scope(harness: Harness, scope: str) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, scope)
    words = "this login may not change it" if scope == "repo:read" else "lacks the permission or the scope"
    assert_refused(harness, MODULE, MINIMAL, words)
