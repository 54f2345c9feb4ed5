# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_token_file, quay_container_auth and quay_store_info: stores on the target, without requests to Quay."""

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

from functional.harness import Harness, assert_refused
from standin.tokens import fingerprint

FILE = "quay_token_file"
AUTH = "quay_container_auth"
INFO = "quay_store_info"
SECRET = "STOREDSECRET" + "S" * 52
OTHER = "ANOTHERSECRET" + "A" * 51


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture(autouse=True)
def without_a_login(harness: Harness) -> None:
    """These modules need no login and send no requests."""
    harness.login = {}
    harness.known_secrets.add([SECRET, OTHER])


def arguments(harness: Harness, **options: Any) -> dict[str, Any]:
    path = str(harness.folder / "place")
    return {"path": path, "quay_host": "https://quay.example.com", "token": SECRET, "username": "acme+ci", **options}


def read_file(harness: Harness, form: str, prefix: str = "QUAY_") -> dict[str, Any]:
    """Read the file as a consumer does."""
    text = (harness.folder / "place").read_text()
    if form == "json":
        return dict(json.loads(text))
    if form == "yaml":
        return dict(yaml.safe_load(text))
    lines = [line.split("=", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix(prefix).lower(): value.strip("'") for name, value in lines}


# --- quay_token_file


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_secret_is_written(harness: Harness, form: str) -> None:
    dates = {"created_at": "2026-01-31T12:00:00Z", "expires_at": "2026-05-01T12:00:00Z", "uuid": "5f0c1a52"}
    runs = harness.four_runs(FILE, arguments(harness, format=form, name="nightly", **dates))
    place = str(harness.folder / "place")
    assert runs.requests == [[]] * 4
    assert runs.first.changed
    assert runs.first.content == {"place": place, "format": form, "fingerprint": fingerprint(SECRET)}
    assert runs.first.diff == {
        "before": {"place": place, "format": form, "token": "absent"},
        "after": {"place": place, "format": form, "token": "delivered"},
    }
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == 0o600
    if form == "token":
        assert (harness.folder / "place").read_text() == SECRET + "\n"
        record = json.loads((harness.folder / "place.record.json").read_text())
        assert record == {
            "token": {"fingerprint": fingerprint(SECRET), **dates, "superseded": None, "username": "acme+ci"}
        }
        return
    found = read_file(harness, form)
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
def test_secret_is_replaced(harness: Harness, form: str) -> None:
    harness.run(FILE, arguments(harness, format=form, token=OTHER))
    runs = harness.four_runs(FILE, arguments(harness, format=form))
    assert runs.first.changed
    assert runs.first.diff["before"]["token"] == "other"
    assert SECRET in (harness.folder / "place").read_text()
    assert OTHER not in (harness.folder / "place").read_text()


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_file_is_removed(harness: Harness, form: str) -> None:
    harness.run(FILE, arguments(harness, format=form))
    runs = harness.four_runs(FILE, arguments(harness, format=form, token=None, state="absent"))
    assert runs.first.changed
    assert list(harness.folder.iterdir()) == []


def test_variables_can_be_sourced(harness: Harness) -> None:
    harness.run(FILE, arguments(harness, format="env", prefix="CI_", username="$oauthtoken"))
    script = f'. {harness.folder / "place"}; printf %s "$CI_USERNAME $CI_REGISTRY"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == "$oauthtoken quay.example.com"


@pytest.mark.parametrize("mode", ["0640", "0400"])
def test_mode_is_set(harness: Harness, mode: str) -> None:
    runs = harness.four_runs(FILE, arguments(harness, mode=mode))
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == int(mode, 8)
    assert runs.first.changed
    again = harness.four_runs(FILE, arguments(harness, mode="0600"))
    assert again.first.changed
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == 0o600


def test_owner_is_set(harness: Harness) -> None:
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    harness.four_runs(FILE, arguments(harness, owner=user, group=group))
    result = harness.run(FILE, arguments(harness, owner="nobody-of-this-name"))
    assert "owner: the target has no user 'nobody-of-this-name'" in result.message


def test_missing_secret_is_accepted_in_check_mode_only(harness: Harness) -> None:
    """In check mode there is no secret yet, so the delivery is predicted. A real run is refused."""
    predicted = harness.check(FILE, arguments(harness, token=None))
    assert predicted.changed
    assert predicted["fingerprint"] is None
    result = harness.run(FILE, arguments(harness, token=None))
    assert "token is missing: there is nothing to deliver" in result.message
    assert list(harness.folder.iterdir()) == []


@pytest.mark.parametrize("module", [FILE, AUTH])
@pytest.mark.parametrize("token", [f"{SECRET} {OTHER}", f"{SECRET}\n{OTHER}"], ids=["blank", "lines"])
def test_secret_that_could_not_be_read_back_is_refused(harness: Harness, module: str, token: str) -> None:
    result = harness.run(module, arguments(harness, token=token))
    assert "token holds white space, so it is not a single secret" in result.message
    assert list(harness.folder.iterdir()) == []


@pytest.mark.parametrize("mode", ["rw-------", "0999", "0000", "0200", "4600"])
def test_invalid_mode(harness: Harness, mode: str) -> None:
    assert harness.run(FILE, arguments(harness, mode=mode)).message.startswith("mode")
    assert list(harness.folder.iterdir()) == []


@pytest.mark.parametrize("module", [FILE, AUTH])
@pytest.mark.parametrize("place", ["link", "directory", "missing"])
def test_unwritable_place(harness: Harness, module: str, place: str) -> None:
    target = harness.folder / "precious"
    target.write_text("{}\n")
    path = harness.folder / "place"
    if place == "link":
        path.symlink_to(target)
    if place == "directory":
        path.mkdir()
    options = (
        arguments(harness) if place != "missing" else arguments(harness, path=str(harness.folder / "none" / "place"))
    )
    predicted, result = harness.check(module, options), harness.run(module, options)
    assert predicted.message == result.message
    assert result.failed
    assert target.read_text() == "{}\n"


# --- content of others

# What other programs keep in files that a play may name by mistake.
OTHERS = {
    "variables": "FOO=bar\nDB_PASSWORD=1\n",
    "JSON": '{"invoice": 1}\n',
    "YAML": "server:\n  port: 8080\n",
    "text": "Dear reader,\n",
    "another secret": "ghp_0123456789ABCDEFGHIJ0123456789ABCDEF\n",
}


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_content_of_others_is_refused(harness: Harness, form: str, others: str) -> None:
    place = harness.folder / "place"
    place.write_text(OTHERS[others])
    remedy = "Set merge: true" if form == "env" else "Use another path"
    expected = f"path: {place} holds something else than this credential, which would be lost. {remedy}"
    assert_refused(harness, FILE, arguments(harness, format=form), expected)
    assert place.read_text() == OTHERS[others]


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_content_of_others_is_replaced_by_force(harness: Harness, form: str) -> None:
    """The diff shows it. The copy is private, and it is made once: never of a secret of ours."""
    place = harness.folder / "place"
    place.write_text(OTHERS["variables"])
    options = arguments(harness, format=form, force=True, backup=True)
    runs = harness.four_runs(FILE, options)
    assert runs.first.diff["before"]["token"] == "other"
    assert SECRET in place.read_text()
    assert "DB_PASSWORD" not in place.read_text()
    assert harness.run(FILE, {**options, "token": OTHER}).changed
    (copy,) = harness.folder.glob("place.*~")
    assert (copy.read_text(), stat.S_IMODE(copy.stat().st_mode)) == (OTHERS["variables"], 0o600)


def test_empty_file_is_ours(harness: Harness) -> None:
    (harness.folder / "place").write_text("\n")
    assert harness.four_runs(FILE, arguments(harness)).first.diff["before"]["token"] == "absent"


def test_variables_are_merged(harness: Harness) -> None:
    place = harness.folder / "place"
    place.write_text(OTHERS["variables"])
    options = arguments(harness, format="env", merge=True)
    runs = harness.four_runs(FILE, options)
    assert runs.first.changed
    assert place.read_text().startswith(OTHERS["variables"])
    assert read_file(harness, "env")["token"] == SECRET
    assert harness.run(FILE, {**options, "token": OTHER}).changed
    assert place.read_text().startswith(OTHERS["variables"])
    assert (OTHER in place.read_text(), SECRET in place.read_text()) == (True, False)
    # Without the option, the file would have to be replaced.
    assert_refused(harness, FILE, arguments(harness, format="env"), "holds something else than this credential")
    removed = harness.four_runs(FILE, arguments(harness, format="env", token=None, state="absent"))
    assert removed.first.changed
    assert place.read_text() == OTHERS["variables"]


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_content_of_others_is_not_removed(harness: Harness, form: str) -> None:
    place = harness.folder / "place"
    place.write_text(OTHERS["variables"])
    options = arguments(harness, format=form, token=None, state="absent")
    runs = harness.four_runs(FILE, options)
    for result in (runs.predicted, runs.first):
        assert result.warned(f"{place} holds something else than this credential. It was not changed.")
    assert (runs.first.changed, place.read_text()) == (False, OTHERS["variables"])


@pytest.mark.parametrize("option", [{"prefix": "CI_"}, {"merge": True}])
@pytest.mark.parametrize("form", ["token", "json", "yaml"])
def test_option_of_another_format(harness: Harness, form: str, option: dict[str, Any]) -> None:
    (name,) = option
    assert_refused(
        harness, FILE, arguments(harness, format=form, **option), f"{name} has no effect without format: env"
    )


# --- quay_container_auth


FOREIGN_CONTENT = {
    "auths": {"docker.io": {"auth": "c29tZWJvZHk6ZWxzZQ=="}, "quay.example.com:8443": {"auth": "YTpi"}},
    "credHelpers": {"gcr.io": "gcloud"},
    "currentContext": "default",
}


def entry(harness: Harness, registry: str = "quay.example.com") -> str:
    return base64.b64decode(document(harness)["auths"][registry]["auth"]).decode()


def document(harness: Harness) -> dict[str, Any]:
    return dict(json.loads((harness.folder / "place").read_text()))


def write_foreign_content(harness: Harness, **more: Any) -> None:
    (harness.folder / "place").write_text(json.dumps({**FOREIGN_CONTENT, **more}))
    (harness.folder / "place").chmod(0o644)


def test_login_is_merged_and_the_rest_is_unchanged(harness: Harness) -> None:
    write_foreign_content(harness)
    runs = harness.four_runs(AUTH, arguments(harness))
    place = str(harness.folder / "place")
    assert runs.first.changed
    assert runs.first.content == {
        "place": place,
        "registry": "quay.example.com",
        "fingerprint": fingerprint(SECRET),
    }
    assert entry(harness) == f"acme+ci:{SECRET}"
    remaining = document(harness)
    del remaining["auths"]["quay.example.com"]
    assert remaining == FOREIGN_CONTENT
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == 0o644


def test_new_auth_file_is_private(harness: Harness) -> None:
    harness.four_runs(AUTH, arguments(harness, registry="quay.example.com:8443"))
    assert document(harness).keys() == {"auths"}
    assert entry(harness, "quay.example.com:8443") == f"acme+ci:{SECRET}"
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == 0o600


@pytest.mark.parametrize("change", [{"token": OTHER}, {"username": "acme+other"}], ids=["secret", "name"])
def test_login_is_replaced(harness: Harness, change: dict[str, Any]) -> None:
    harness.run(AUTH, arguments(harness))
    runs = harness.four_runs(AUTH, arguments(harness, **change))
    assert runs.first.changed
    assert entry(harness) == f"{change.get('username', 'acme+ci')}:{change.get('token', SECRET)}"


def test_login_is_removed_and_the_rest_is_unchanged(harness: Harness) -> None:
    write_foreign_content(harness)
    harness.run(AUTH, arguments(harness))
    runs = harness.four_runs(AUTH, arguments(harness, token=None, username=None, state="absent"))
    assert runs.first.changed
    assert document(harness) == FOREIGN_CONTENT
    assert [path.name for path in harness.folder.iterdir()] == ["place"]
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == 0o644


@pytest.mark.parametrize("helper", [{"credsStore": "secretservice"}, {"credHelpers": {"quay.example.com": "pass"}}])
def test_credential_helper_that_hides_the_login_gives_a_warning(harness: Harness, helper: dict[str, Any]) -> None:
    write_foreign_content(harness, **helper)
    assert harness.check(AUTH, arguments(harness)).warned("names the credential helper")
    assert harness.run(AUTH, arguments(harness)).warned("names the credential helper")
    assert entry(harness) == f"acme+ci:{SECRET}"


def test_login_needs_a_username(harness: Harness) -> None:
    result = harness.run(AUTH, arguments(harness, username=None))
    assert "username is missing: an entry of an auth file has a user name and a secret" in result.message


@pytest.mark.parametrize("module", [FILE, AUTH])
@pytest.mark.parametrize("registry", ["https://quay.example.com", "quay.example.com/", "quay example.com"])
def test_invalid_registry(harness: Harness, module: str, registry: str) -> None:
    assert_refused(harness, module, arguments(harness, registry=registry), "registry must be a host")


@pytest.mark.parametrize(
    ("options", "registry"),
    [
        ({"quay_host": "https://quay.example.com:443"}, "quay.example.com"),
        ({"quay_host": "http://quay.example.com:80"}, "quay.example.com"),
        ({"quay_host": "https://QUAY.Example.com:8443"}, "quay.example.com:8443"),
        ({"registry": "QUAY.Example.com"}, "quay.example.com"),
        ({"registry": "quay.example.com:443"}, "quay.example.com:443"),
    ],
)
def test_registry_is_written_as_engines_look_it_up(harness: Harness, options: dict[str, Any], registry: str) -> None:
    runs = harness.four_runs(AUTH, arguments(harness, **options))
    assert runs.first["registry"] == registry
    assert entry(harness, registry) == f"acme+ci:{SECRET}"
    assert harness.run(FILE, arguments(harness, path=str(harness.folder / "file"), format="json", **options)).changed
    assert json.loads((harness.folder / "file").read_text())["registry"] == registry


def test_username_with_a_colon(harness: Harness) -> None:
    """Engines would read it as the beginning of the secret."""
    assert_refused(harness, AUTH, arguments(harness, username="acme:ci"), "username must not hold a colon")


@pytest.mark.parametrize("content", ["not json", "[]", '{"auths": []}'], ids=["text", "list", "no object"])
def test_file_that_is_no_auth_file_is_left_unchanged(harness: Harness, content: str) -> None:
    (harness.folder / "place").write_text(content)
    for state in ("present", "absent"):
        assert "is not a container auth file" in harness.run(AUTH, arguments(harness, state=state)).message
    assert (harness.folder / "place").read_text() == content


# --- quay_store_info


def test_stores_are_read_in_order(harness: Harness) -> None:
    dates = {"created_at": "2026-01-31T12:00:00Z", "expires_at": "2026-05-01T12:00:00Z", "uuid": "5f0c1a52"}
    stores: list[dict[str, Any]] = []
    for number, form in enumerate(("token", "json", "yaml", "env")):
        path = str(harness.folder / form)
        harness.run(FILE, arguments(harness, path=path, format=form, token=SECRET if number % 2 else OTHER, **dates))
        stores.append({"kind": "file", "path": path, "format": form})
    harness.run(AUTH, arguments(harness, path=str(harness.folder / "auth"), **dates))
    stores.append({"kind": "container_auth", "path": str(harness.folder / "auth"), "registry": "quay.example.com"})
    stores.append({"kind": "file", "path": str(harness.folder / "none")})
    files = harness.files()
    result = harness.run(INFO, {"stores": stores})
    assert harness.files() == files
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


def test_content_of_others_is_not_returned(harness: Harness) -> None:
    """It may be any secret."""
    place = harness.folder / "place"
    place.write_text(OTHERS["another secret"])
    for form in ("token", "json", "yaml", "env"):
        (found,) = harness.run(INFO, {"stores": [{"kind": "file", "path": str(place), "format": form}]})["stores"]
        assert (found["token"], found["fingerprint"]) == (None, None)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", f'{{"token": "{SECRET}", "note": "mine"}}'),
        ("yaml", f"# mine\ntoken: '{SECRET}'\n"),
        ("env", f'export QUAY_TOKEN="{SECRET}"\nMINE=1\n'),
    ],
)
def test_secret_beside_content_of_others_is_returned(harness: Harness, form: str, text: str, declared: bool) -> None:
    """Reading loses nothing. A delivery would, so it is refused."""
    place = harness.folder / "place"
    place.write_text(text)
    store = {"kind": "file", "path": str(place), **({"format": form} if declared else {})}
    (found,) = harness.run(INFO, {"stores": [store]})["stores"]
    assert (found["token"], found["fingerprint"]) == (SECRET, fingerprint(SECRET))
    assert_refused(harness, FILE, arguments(harness, format=form), "holds something else than this credential")
    assert place.read_text() == text


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_what_is_not_declared_is_kept(harness: Harness, form: str) -> None:
    """The format and the mode that a file has. Nothing changes if its secret is the present one."""
    options = arguments(harness, format=form, mode="0640")
    harness.run(FILE, options)
    kept = {**options, "format": None, "mode": None}
    runs = harness.four_runs(FILE, kept)
    assert (runs.first.changed, runs.first["format"]) == (False, form)
    assert harness.four_runs(FILE, {**kept, "token": OTHER}).first.changed
    assert read_file(harness, form)["token"] == OTHER if form != "token" else True
    assert stat.S_IMODE((harness.folder / "place").stat().st_mode) == 0o640


def test_record_of_another_secret_is_not_returned(harness: Harness) -> None:
    harness.run(FILE, arguments(harness, created_at="2026-01-31T12:00:00Z"))
    (harness.folder / "place").write_text(OTHER + "\n")
    (found,) = harness.run(INFO, {"stores": [{"kind": "file", "path": str(harness.folder / "place")}]})["stores"]
    assert (found["fingerprint"], found["created_at"]) == (fingerprint(OTHER), None)
