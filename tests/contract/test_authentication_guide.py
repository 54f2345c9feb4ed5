# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the authentication guide say what the code says, and have a row for everything that needs a login."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import KINDS
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_needs import need_of

from . import collection
from .login_tasks import CALLS, CREDENTIALS, GUIDE, table

# Modules that send nothing to Quay, that take any login, or that do what the first table says.
_OTHERS = {
    "quay_api",
    "quay_assigned_token",
    "quay_assigned_token_info",
    "quay_container_auth",
    "quay_declaration_info",
    "quay_first_user",
    "quay_host_delivery",
    "quay_host_inspection",
    "quay_login_info",
    "quay_operation_info",
    "quay_robot_lease",
    "quay_robot_lease_sweep",
    "quay_rotation",
    "quay_store_info",
    "quay_token_file",
    "quay_token_info",
}
_OF_KINDS = {
    "quay_api_token",
    "quay_app_token",
    "quay_client_secret",
    "quay_federated_token",
    "quay_referrers_token",
    "quay_robot_token",
}
_ROLES = {None: "none", "admin": "``admin``"}


@pytest.mark.parametrize("task", CREDENTIALS)
def test_row_of_a_credential_is_what_the_code_says(task: str) -> None:
    need, row = need_of(CREDENTIALS[task]), table("Rotates")[task]
    assert sorted(need.scopes) == sorted(row.scopes)
    assert row.role == _ROLES.get(need.role, f"``{need.role}`` on the repositories")


def test_tables_and_tasks_have_the_same_rows() -> None:
    assert list(table("Rotates")) == list(CREDENTIALS)
    assert list(table("Module")) == list(CALLS)


def test_every_kind_has_a_row() -> None:
    assert {credential["kind"] for credential in CREDENTIALS.values()} == KINDS.keys()


def test_every_module_has_a_row() -> None:
    text = GUIDE.read_text()
    with_row = {module for module in collection.MODULES if f"``{module}``" in " ".join(table("Module"))}
    # It also needs a superuser, if Quay is not configured otherwise.
    assert with_row | {"quay_team_sync", "quay_repository"} == set(collection.MODULES) - _OTHERS - _OF_KINDS
    assert "``quay_repository``" in text
