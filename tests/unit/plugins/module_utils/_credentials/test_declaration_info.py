# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_declaration_info: what it returns, what it hides, and what earlier runs delivered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_info import get_declaration_info
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import LocalContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import STORE_OPTIONS, store_from_options
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import DELIVERY, FINGERPRINT

HOST = "https://quay.example.com:8443"
ROBOT = {"name": "acme+ci", "kind": "robot", "deliver": [{"kind": "file", "path": "/etc/ci/quay", "mode": "0640"}]}


def run(credentials: Any, hidden: set[str] | None = None, **options: Any) -> dict[str, Any]:
    params = {
        "quay_host": HOST,
        "quay_token": None,
        "quay_password": None,
        "force": None,
        "compromised": None,
        "undeclared": None,
    }
    context = LocalContext({**params, "ephemeral": False, "credentials": credentials, **options}, False, [])
    context.hidden = set() if hidden is None else hidden
    return dict(get_declaration_info(context).values)


def test_declarations_are_returned_with_what_identifies_them() -> None:
    scan = {
        "name": "scan",
        "kind": "referrers",
        "repositories": "acme/app",
        "quay_username": "acme+scan",
        "quay_password": "hunter2",
        "deliver": [{"kind": "file", "path": "/etc/ci/scan"}],
    }
    found = run([ROBOT, scan], force="acme+ci", compromised="scan")
    assert found == {
        "credentials": [
            {**ROBOT, "position": 0, "identity": "robot acme+ci of quay.example.com:8443"},
            {
                **{key: value for key, value in scan.items() if key != "quay_password"},
                "repositories": ["acme/app"],
                "position": 1,
                "identity": "referrers scan of quay.example.com:8443",
            },
        ],
        "force": ["acme+ci", "scan"],
        "compromised": ["scan"],
        "undeclared": [],
        "login_scopes": ["org:admin"],
    }


def test_only_secrets_are_hidden() -> None:
    """Ansible hides every text of a secret option. Names and paths must be readable in errors."""
    hidden = {"acme+ci", "robot", "file", "/etc/ci/quay", "0640", "hunter2", "login", "7"}
    with pytest.raises(BadInput, match="pasword is not an option"):
        run([{**ROBOT, "pasword": "hunter2"}], hidden, quay_token="login")
    assert hidden == {"hunter2", "login", "7"}


@pytest.mark.parametrize(
    ("options", "registry", "name", "username"),
    [
        ({"kind": "file", "format": "token"}, None, None, "$oauthtoken"),
        ({"kind": "file", "format": "json"}, None, "nightly", "$oauthtoken"),
        ({"kind": "file", "format": "yaml"}, None, "nightly", "$oauthtoken"),
        ({"kind": "file", "format": "env", "prefix": "CI_"}, None, "nightly", "$oauthtoken"),
        ({"kind": "file", "format": "env", "prefix": ""}, None, "nightly", "$oauthtoken"),
        ({"kind": "file", "format": "env", "prefix": "token_"}, None, "nightly", "$oauthtoken"),
        ({"kind": "container_auth"}, "quay.example.com:8443", None, None),
    ],
)
def test_undeclared_delivery_is_found(
    tmp_path: Path, options: dict[str, Any], registry: str | None, name: str | None, username: str | None
) -> None:
    path = os.path.join(str(tmp_path), "store")
    store = {**options, "path": path}
    written = store_from_options({**dict.fromkeys(STORE_OPTIONS), **store}, HOST)
    with written.prepare():
        written.write(DELIVERY)
    (tmp_path / "notes.txt").write_text("# fingerprint of the token: none\nTOKEN=x\n")
    (tmp_path / "config.json").write_text('{"token": "x", "other": 1}')
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("store")
    expected = {
        "path": path,
        "registry": registry,
        "name": name,
        "username": username,
        "fingerprint": FINGERPRINT,
        "created_at": "2026-01-31T12:00:00Z",
    }
    assert run([ROBOT], undeclared=[str(tmp_path)])["undeclared"] == [expected]
    assert run([{**ROBOT, "deliver": [store]}], undeclared=str(tmp_path))["undeclared"] == []


def test_undeclared_variables_among_others(tmp_path: Path) -> None:
    file = tmp_path / "ci.env"
    file.write_text("GH_TOKEN=x\nexport PATH=/bin\n# a comment\nexport CI_TOKEN=former\nOTHER_TOKEN='y'\n")
    options = {"kind": "file", "format": "env", "prefix": "CI_", "merge": True, "path": str(file)}
    store = store_from_options({**dict.fromkeys(STORE_OPTIONS), **options}, HOST)
    with store.prepare():
        store.write(DELIVERY)
    (found,) = run([ROBOT], undeclared=[str(file)])["undeclared"]
    assert (found["name"], found["username"], found["fingerprint"]) == ("nightly", "$oauthtoken", FINGERPRINT)


def test_other_registry_of_a_declared_auth_file_is_found(tmp_path: Path) -> None:
    path = os.path.join(str(tmp_path), "auth.json")
    for registry in ("a.example.com", "b.example.com"):
        options = {"kind": "container_auth", "path": path, "registry": registry}
        store = store_from_options({**dict.fromkeys(STORE_OPTIONS), **options}, HOST)
        with store.prepare():
            store.write(DELIVERY)
    declared = {**ROBOT, "deliver": [{"kind": "container_auth", "path": path, "registry": "a.example.com"}]}
    (found,) = run([declared], undeclared=[path + ".record.json"])["undeclared"]
    assert (found["path"], found["registry"]) == (path, "b.example.com")


def test_missing_and_relative_paths(tmp_path: Path) -> None:
    assert run([], undeclared=[str(tmp_path / "none")])["undeclared"] == []
    with pytest.raises(BadInput, match="rotation_report_undeclared: 'etc' is not an absolute path"):
        run([], undeclared="etc")
