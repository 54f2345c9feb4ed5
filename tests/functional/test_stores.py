# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_token_file, quay_container_auth and quay_store_info: stores on the target, without Quay."""

from __future__ import annotations

import base64
import grp
import json
import os
import pwd
import stat
import subprocess
from typing import Any

import pytest
import yaml

from functional.world import World
from standin.tokens import fingerprint

FILE = "quay_token_file"
AUTH = "quay_container_auth"
INFO = "quay_store_info"
SECRET = "STORED-SECRET-" + "S" * 50
OTHER = "ANOTHER-SECRET-" + "A" * 49


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture(autouse=True)
def without_a_login(world: World) -> None:
    """These modules need none, and Quay is not asked."""
    world.login = {}
    world.secrets.add([SECRET, OTHER])


def given(world: World, **options: Any) -> dict[str, Any]:
    path = str(world.folder / "place")
    return {"path": path, "quay_host": "https://quay.example.com", "token": SECRET, "username": "acme+ci", **options}


def read(world: World, form: str, prefix: str = "QUAY_") -> dict[str, Any]:
    """What a consumer finds in the file."""
    text = (world.folder / "place").read_text()
    if form == "json":
        return dict(json.loads(text))
    if form == "yaml":
        return dict(yaml.safe_load(text))
    lines = [line.split("=", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix(prefix).lower(): value.strip("'") for name, value in lines}


# --- quay_token_file


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_secret_is_written(world: World, form: str) -> None:
    dates = {"created_at": "2026-01-31T12:00:00Z", "expires_at": "2026-05-01T12:00:00Z", "uuid": "5f0c1a52"}
    runs = world.four_runs(FILE, given(world, format=form, name="nightly", **dates))
    place = str(world.folder / "place")
    assert runs.requests == [[]] * 4
    assert runs.first.changed
    assert runs.first.content == {"place": place, "format": form, "fingerprint": fingerprint(SECRET)}
    assert runs.first.diff == {
        "before": {"place": place, "format": form, "token": "absent"},
        "after": {"place": place, "format": form, "token": "delivered"},
    }
    assert stat.S_IMODE((world.folder / "place").stat().st_mode) == 0o600
    if form == "token":
        assert (world.folder / "place").read_text() == SECRET + "\n"
        record = json.loads((world.folder / "place.record.json").read_text())
        assert record == {
            "token": {"fingerprint": fingerprint(SECRET), **dates, "superseded": None, "username": "acme+ci"}
        }
        return
    found = read(world, form)
    assert {key: found[key] for key in ("token", "username", "registry", "api_url")} == {
        "token": SECRET,
        "username": "acme+ci",
        "registry": "quay.example.com",
        "api_url": "https://quay.example.com/api/v1",
    }
    if form != "env":
        assert found | dates == found
        assert (found["name"], found["fingerprint"]) == ("nightly", fingerprint(SECRET))


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_secret_is_replaced(world: World, form: str) -> None:
    world.run(FILE, given(world, format=form, token=OTHER))
    runs = world.four_runs(FILE, given(world, format=form))
    assert runs.first.changed
    assert runs.first.diff["before"]["token"] == "other"
    assert SECRET in (world.folder / "place").read_text()
    assert OTHER not in (world.folder / "place").read_text()


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_file_is_removed(world: World, form: str) -> None:
    world.run(FILE, given(world, format=form))
    runs = world.four_runs(FILE, given(world, format=form, token=None, state="absent"))
    assert runs.first.changed
    assert list(world.folder.iterdir()) == []


def test_variables_can_be_sourced(world: World) -> None:
    world.run(FILE, given(world, format="env", prefix="CI_", username="$oauthtoken"))
    script = f'. {world.folder / "place"}; printf %s "$CI_USERNAME $CI_REGISTRY"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == "$oauthtoken quay.example.com"


@pytest.mark.parametrize("mode", ["0640", "0400"])
def test_permissions_are_the_wanted_ones(world: World, mode: str) -> None:
    runs = world.four_runs(FILE, given(world, mode=mode))
    assert stat.S_IMODE((world.folder / "place").stat().st_mode) == int(mode, 8)
    assert runs.first.changed
    again = world.four_runs(FILE, given(world, mode="0600"))
    assert again.first.changed
    assert stat.S_IMODE((world.folder / "place").stat().st_mode) == 0o600


def test_owner_is_the_wanted_one(world: World) -> None:
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    world.four_runs(FILE, given(world, owner=user, group=group))
    result = world.run(FILE, given(world, owner="nobody-of-this-name"))
    assert "there is no such owner or group on the target: nobody-of-this-name" in result.message


def test_secret_that_is_still_to_be_made(world: World) -> None:
    """A play in check mode has no secret yet: the delivery is predicted, and refused for real."""
    predicted = world.check(FILE, given(world, token=None))
    assert predicted.changed
    assert predicted["fingerprint"] is None
    result = world.run(FILE, given(world, token=None))
    assert "token is missing: there is nothing to deliver" in result.message
    assert list(world.folder.iterdir()) == []


@pytest.mark.parametrize("module", [FILE, AUTH])
@pytest.mark.parametrize("token", [f" {SECRET}", f"{SECRET}\n", f"{SECRET}\n{OTHER}"], ids=["blank", "break", "lines"])
def test_secret_that_could_not_be_read_again_is_refused(world: World, module: str, token: str) -> None:
    result = world.run(module, given(world, token=token))
    assert "token must not begin or end with blanks, nor hold a line break" in result.message
    assert list(world.folder.iterdir()) == []


@pytest.mark.parametrize("mode", ["rw-------", "0999", "0000", "0200", "4600"])
def test_permissions_that_are_none(world: World, mode: str) -> None:
    assert world.run(FILE, given(world, mode=mode)).message.startswith("mode must ")
    assert list(world.folder.iterdir()) == []


@pytest.mark.parametrize("module", [FILE, AUTH])
@pytest.mark.parametrize("place", ["link", "directory", "missing"])
def test_place_that_cannot_be_written(world: World, module: str, place: str) -> None:
    target = world.folder / "precious"
    target.write_text("{}\n")
    path = world.folder / "place"
    if place == "link":
        path.symlink_to(target)
    if place == "directory":
        path.mkdir()
    options = given(world) if place != "missing" else given(world, path=str(world.folder / "none" / "place"))
    predicted, result = world.check(module, options), world.run(module, options)
    assert predicted.message == result.message
    assert result.failed
    assert target.read_text() == "{}\n"


# --- quay_container_auth


OTHERS = {
    "auths": {"docker.io": {"auth": "c29tZWJvZHk6ZWxzZQ=="}, "quay.example.com:8443": {"auth": "YTpi"}},
    "credHelpers": {"gcr.io": "gcloud"},
    "currentContext": "default",
}


def entry(world: World, registry: str = "quay.example.com") -> str:
    return base64.b64decode(document(world)["auths"][registry]["auth"]).decode()


def document(world: World) -> dict[str, Any]:
    return dict(json.loads((world.folder / "place").read_text()))


def write_others(world: World, **more: Any) -> None:
    (world.folder / "place").write_text(json.dumps({**OTHERS, **more}))
    (world.folder / "place").chmod(0o644)


def test_login_is_merged_and_the_rest_is_kept(world: World) -> None:
    write_others(world)
    runs = world.four_runs(AUTH, given(world))
    place = str(world.folder / "place")
    assert runs.first.changed
    assert runs.first.content == {
        "place": place,
        "registry": "quay.example.com",
        "fingerprint": fingerprint(SECRET),
    }
    assert entry(world) == f"acme+ci:{SECRET}"
    kept = document(world)
    del kept["auths"]["quay.example.com"]
    assert kept == OTHERS
    assert stat.S_IMODE((world.folder / "place").stat().st_mode) == 0o644


def test_new_auth_file_is_private(world: World) -> None:
    world.four_runs(AUTH, given(world, registry="quay.example.com:8443"))
    assert document(world).keys() == {"auths"}
    assert entry(world, "quay.example.com:8443") == f"acme+ci:{SECRET}"
    assert stat.S_IMODE((world.folder / "place").stat().st_mode) == 0o600


@pytest.mark.parametrize("change", [{"token": OTHER}, {"username": "acme+other"}], ids=["secret", "name"])
def test_login_is_replaced(world: World, change: dict[str, Any]) -> None:
    world.run(AUTH, given(world))
    runs = world.four_runs(AUTH, given(world, **change))
    assert runs.first.changed
    assert entry(world) == f"{change.get('username', 'acme+ci')}:{change.get('token', SECRET)}"


def test_login_is_taken_out_and_the_rest_is_kept(world: World) -> None:
    write_others(world)
    world.run(AUTH, given(world))
    runs = world.four_runs(AUTH, given(world, token=None, username=None, state="absent"))
    assert runs.first.changed
    assert document(world) == OTHERS
    assert [path.name for path in world.folder.iterdir()] == ["place"]
    assert stat.S_IMODE((world.folder / "place").stat().st_mode) == 0o644


@pytest.mark.parametrize("helper", [{"credsStore": "secretservice"}, {"credHelpers": {"quay.example.com": "pass"}}])
def test_helper_that_hides_the_login_is_warned_of(world: World, helper: dict[str, Any]) -> None:
    write_others(world, **helper)
    assert world.run(AUTH, given(world)).warned("names the credential helper")
    assert entry(world) == f"acme+ci:{SECRET}"


def test_login_needs_a_name(world: World) -> None:
    result = world.run(AUTH, given(world, username=None))
    assert "username is missing: an auth file holds a name beside each secret" in result.message


@pytest.mark.parametrize("registry", ["https://quay.example.com", "quay.example.com/"])
def test_registry_that_is_no_host(world: World, registry: str) -> None:
    assert "registry must be a host" in world.run(AUTH, given(world, registry=registry)).message


@pytest.mark.parametrize("content", ["not json", "[]", '{"auths": []}'], ids=["text", "list", "no object"])
def test_file_that_is_no_auth_file_is_left_as_it_is(world: World, content: str) -> None:
    (world.folder / "place").write_text(content)
    for state in ("present", "absent"):
        assert "is no container auth file" in world.run(AUTH, given(world, state=state)).message
    assert (world.folder / "place").read_text() == content


# --- quay_store_info


def test_stores_are_read_in_order(world: World) -> None:
    dates = {"created_at": "2026-01-31T12:00:00Z", "expires_at": "2026-05-01T12:00:00Z", "uuid": "5f0c1a52"}
    stores: list[dict[str, Any]] = []
    for number, form in enumerate(("token", "json", "yaml", "env")):
        path = str(world.folder / form)
        world.run(FILE, given(world, path=path, format=form, token=SECRET if number % 2 else OTHER, **dates))
        stores.append({"kind": "file", "path": path, "format": form})
    world.run(AUTH, given(world, path=str(world.folder / "auth"), **dates))
    stores.append({"kind": "container_auth", "path": str(world.folder / "auth"), "registry": "quay.example.com"})
    stores.append({"kind": "file", "path": str(world.folder / "none")})
    files = world.files()
    result = world.run(INFO, {"stores": stores})
    assert world.files() == files
    assert not result.changed
    found = result["stores"]
    assert [fingerprint(item["token"]) if item["token"] else None for item in found] == [
        item["fingerprint"] for item in found
    ]
    expected = [OTHER, SECRET, OTHER, SECRET, SECRET]
    assert [item["fingerprint"] for item in found] == [*map(fingerprint, expected), None]
    assert [item["place"] for item in found] == [store["path"] for store in stores]
    for item in found[:-1]:
        assert {key: item[key] for key in dates} == dates
    assert {key: found[-1][key] for key in ("token", *dates)} == dict.fromkeys(("token", *dates))


def test_record_of_another_secret_is_not_told(world: World) -> None:
    world.run(FILE, given(world, created_at="2026-01-31T12:00:00Z"))
    (world.folder / "place").write_text(OTHER + "\n")
    (found,) = world.run(INFO, {"stores": [{"kind": "file", "path": str(world.folder / "place")}]})["stores"]
    assert (found["fingerprint"], found["created_at"]) == (fingerprint(OTHER), None)
