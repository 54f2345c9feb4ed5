# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation of the token with which the run itself logs in: last, and everything afterwards uses the new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import Role
from standin.tokens import fingerprint

SCOPES = ["org:admin", "repo:admin", "user:admin"]
ON_EACH_HOST = {"kind": "file", "format": "json", "path": "{{ folder }}/ci.json"}
# The hosts are delivered to, and then the delivery is confirmed.
PAIRED: dict[str, Any] = {
    "name": "acme+duo",
    "kind": "robot",
    "strategy": "paired",
    "rotate": "always",
    "deliver": [ON_EACH_HOST],
}


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


@pytest.fixture
def fleet(role: Role) -> Fleet:
    return Fleet(role, ["n1", "n2"])


@pytest.fixture
def own(role: Role, family: str) -> Path:
    """The file with the token with which runs log in."""
    harness, path = role.harness, role.folder / "login"
    if family == "3.18":
        where = {"organization": "acme", "application": "automation", "name": "rotator", "token_path": str(path)}
        login = {"quay_token": harness.accounts.alice_token}
        harness.run("quay_api_token", {**where, **login, "scopes": SCOPES, "lifetime": "90d"})
    else:
        path.write_text(harness.accounts.alice.token(harness.accounts.automation, " ".join(SCOPES)) + "\n")
        path.chmod(0o600)
    token = path.read_text().strip()
    harness.known_secrets.add([token])
    role.environ["QUAY_TOKEN"] = token
    return path


def rotator(own: Path, **options: Any) -> dict[str, Any]:
    """The declaration of that token."""
    return {
        "name": "rotator",
        "kind": "api",
        "organization": "acme",
        "application": "automation",
        "scopes": SCOPES,
        "lifetime": "90d",
        "deliver": [{"kind": "file", "path": str(own), "hosts": "localhost"}],
        **options,
    }


def held(own: Path) -> str:
    return fingerprint(own.read_text().strip())


def valid(harness: Harness) -> list[str]:
    """The fingerprints of the valid tokens of the application."""
    return [token.digest[:12] for token in harness.valid_tokens(harness.accounts.automation).values()]


# How the run is given its login: by its value, which stays the same, or by the file.
by_value_or_file = pytest.mark.parametrize("by_file", [False, True])


def login(own: Path, by_file: bool) -> dict[str, Any]:
    return {"rotation_quay_token_path": str(own)} if by_file else {}


@pytest.mark.slow
@by_value_or_file
def test_confirmation_logs_in_with_the_new_token(fleet: Fleet, harness: Harness, own: Path, by_file: bool) -> None:
    """Whatever the place of the token in the list."""
    former, declared = held(own), [rotator(own), PAIRED]
    predicted = fleet.rotate(declared, "--check", rotation_force="rotator", **login(own, by_file))
    assert predicted.lines[0] == "1 would be created, 1 would be rotated"
    assert (held(own), harness.quay.journal.mints) == (former, [])
    first = fleet.rotate(declared, rotation_force="rotator", **login(own, by_file))
    assert first.lines[0] == "1 created, 1 rotated"
    assert [mint.path.rpartition("/")[2] for mint in harness.quay.journal.mints] == ["duo_a", "tokens"]
    assert valid(harness) == [held(own)]
    assert held(own) != former
    fleet.role.environ["QUAY_TOKEN"] = own.read_text().strip()
    harness.advance(hours=2)
    again = fleet.rotate(declared, rotation_force="rotator", **login(own, by_file))
    assert again.lines[0] == "2 rotated"
    # The confirmation looks at the robots with the new token.
    revoked = next(number for number, request in enumerate(harness.requests) if request.startswith("DELETE "))
    assert harness.requests[revoked + 1] == "GET /api/v1/organization/acme/robots"
    assert valid(harness) == [held(own)]


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"batch": 1}, {"rotation_batch": 1}])
@by_value_or_file
def test_later_batches_log_in_with_the_new_token(
    fleet: Fleet, harness: Harness, own: Path, more: dict[str, int], by_file: bool
) -> None:
    """Batches of hosts, and batches of credentials."""
    former = held(own)
    declared = [rotator(own), {"name": "acme+ci", "kind": "robot", "deliver": [ON_EACH_HOST]}]
    run = fleet.rotate(declared, rotation_force="rotator", **more, **login(own, by_file))
    assert run.summary["errors"] == {}
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint()}
    assert valid(harness) == [held(own)] != [former]


@pytest.mark.slow
@pytest.mark.parametrize("check", [(), ("--check",)])
def test_former_token_that_an_interrupted_run_left_is_revoked_last(
    role: Role, own: Path, check: tuple[str, ...]
) -> None:
    """Its successor is delivered, but the next run is still given the former one by its value."""
    former = held(own)
    role.rotate([rotator(own, rotate="always", retire_after="1h")])
    assert sorted(valid(role.harness)) == sorted([former, held(own)])
    role.harness.advance(hours=2)
    declared = [rotator(own, retire_after="1h"), role.robot("acme+new"), role.robot("acme+newer")]
    run = role.rotate(declared, *check)
    assert run.summary["retired"] == 1
    if not check:
        assert valid(role.harness) == [held(own)]
        assert role.harness.writes[-1].startswith("DELETE ")
        assert [request for request in role.harness.requests if request == "GET /v2/auth"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scopes": ["org:admin", "repo:admin"]}, "need: user:admin for acme+duo. The next run could not rotate them"),
        (
            {"deliver": [{"kind": "file", "path": "{folder}/other", "hosts": "localhost"}]},
            "deliver does not name that file",
        ),
    ],
)
def test_login_that_the_next_run_could_not_use(role: Role, own: Path, change: dict[str, Any], words: str) -> None:
    """Refused before anything is issued for it. The others are rotated."""
    given = rotator(own, rotate="always", **change)
    for store in given["deliver"]:
        store["path"] = store["path"].format(folder=role.folder)
        if "other" in store["path"]:
            Path(store["path"]).write_text(own.read_text())
            Path(store["path"]).chmod(0o600)
    duo = {**PAIRED, "deliver": [role.file()]}
    former = valid(role.harness)
    for check in (("--check",), ()):
        run = role.run([given, duo], *check, rotation_quay_token_path=str(own))
        assert run.failed
        assert words in run.summary["errors"]["rotator"]
        assert run.summary["created"] == 1
    assert valid(role.harness) == former == [held(own)]


@pytest.mark.slow
def test_warnings_are_in_the_report_at_no_request(role: Role, own: Path) -> None:
    declared = [rotator(own, scopes=None, rotate="never"), role.robot()]
    role.rotate(declared, rotation_login_scopes=["repo:admin", "user:admin"])
    requests = list(role.harness.requests)
    run = role.rotate(declared)
    assert len(role.harness.requests) == len(requests)
    (warning,) = run.summary["login_warnings"]
    assert warning.startswith("The token of the login has more scopes than it needs: repo:admin, user:admin. It needs ")
    assert run.lines[-1] == warning
    assert f"[WARNING]: {warning}"[:60] in run.text
    assert role.rotate(declared, rotation_login_scopes="repo:admin, user:admin").summary["login_warnings"] == []


@pytest.mark.slow
def test_expiry_that_a_record_shows(role: Role, own: Path) -> None:
    """The token is no credential of this run. An earlier one delivered it."""
    role.rotate([rotator(own, rotate="always", lifetime="10d")])
    declared, path = [role.robot()], {"rotation_quay_token_path": str(own)}
    assert role.rotate(declared, **path).summary["login_warnings"] == []
    role.harness.advance(days=8)
    (warning,) = role.rotate(declared, **path).summary["login_warnings"]
    assert warning.startswith("The token of the login expires at ")
    assert warning.endswith("delivered to where the login is read from.")


def test_file_that_cannot_be_read(role: Role, own: Path) -> None:
    run = role.refuse([role.robot()], rotation_quay_token_path=str(own) + "-gone")
    assert "quay_token_path:" in run.text
    assert "No such file or directory" in run.text


@pytest.mark.parametrize("family", ["3.17"])
def test_older_server_issues_no_token_to_a_token(role: Role, own: Path) -> None:
    """The login stays as it is, and the others are rotated."""
    former = held(own)
    declared = [rotator(own, lifetime=None), role.robot()]
    run = role.run(declared, rotation_force="rotator", rotation_quay_token_path=str(own))
    assert list(run.summary["errors"]) == ["rotator"]
    assert "give quay_username and quay_password" in run.summary["errors"]["rotator"]
    assert run.summary["delivered"] == 1
    assert (held(own), valid(role.harness)) == (former, [former])
