# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.11: the bootstrap token. A real Quay has it only with a feature that is off by default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.client import Client, Target, assert_html, assert_problem
from standin.endpoints.bootstrap import provision

PATH = "/api/v1/bootstrap/renew"


@pytest.fixture
def file(fresh: Target, tmp_path: Path) -> Path:
    """The file of the token, of a server with a user."""
    assert fresh.standin
    path = tmp_path / "token.json"
    user = {"username": "first", "password": fresh.password, "email": "first@example.com", "access_token": True}
    with Client(fresh) as client:
        (tmp_path / "other").write_text(client.post("/api/v1/user/initialize", user).json()["access_token"])
    fresh.standin.config.update(
        FEATURE_PROGRAMMATIC_BOOTSTRAP=True, BOOTSTRAP_TOKEN_OWNER="first", BOOTSTRAP_TOKEN_PATH=str(path)
    )
    provision(fresh.standin.quay)
    return path


def secret_in(file: Path) -> str:
    return str(json.loads(file.read_text())["access_token"])


@pytest.mark.family("3.18")
def test_2_11_renewed_token_is_in_the_file_only(fresh: Target, file: Path) -> None:
    former = secret_in(file)
    with Client(fresh, bearer=former) as client:
        assert client.get("/api/v1/user/").status_code == 200
        response = client.post(PATH)
        assert (response.status_code, response.json()) == (200, {"status": "rotated"})
        assert client.get("/api/v1/user/").status_code == 401
        assert_problem(client.post(PATH), 401, "invalid_token")
    with Client(fresh, bearer=secret_in(file)) as client:
        assert client.get("/api/v1/user/").json()["super_user"] is True


@pytest.mark.family("3.18")
def test_2_11_other_logins_are_refused(fresh: Target, file: Path) -> None:
    with Client(fresh, bearer=(file.parent / "other").read_text()) as client:
        assert_problem(client.post(PATH), 403, "insufficient_scope")
    with Client(fresh) as client:
        response = client.post(PATH)
        assert (response.status_code, response.json()) == (403, {"error": "CSRF token was invalid or missing."})


@pytest.mark.family("3.18")
def test_2_11_expired_token_is_renewed_from_the_server_only(fresh: Target, file: Path) -> None:
    assert fresh.standin
    fresh.standin.clock.stop()
    fresh.wait(3600)
    with Client(fresh, bearer=secret_in(file)) as client:
        fresh.standin.config["STANDIN_LOCAL_ADDRESSES"] = []
        assert_problem(client.post(PATH), 401, "invalid_token")
        fresh.standin.config["STANDIN_LOCAL_ADDRESSES"] = ["127.0.0.1"]
        assert client.post(PATH).status_code == 200


@pytest.mark.family("3.17")
def test_2_11_older_quay_has_none(fresh: Target, file: Path) -> None:
    with Client(fresh, bearer=secret_in(file)) as client:
        assert_html(client.post(PATH), 405)
