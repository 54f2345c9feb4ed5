# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from functional.world import World

ROBOT = {"name": "acme+ci", "rotate": "always"}
APPLICATION = {"organization": "acme", "name": "automation", "description": "x"}
REFERRERS = {"repositories": ["acme/app"]}
API = {"organization": "acme", "application": "automation"}

# A run of each module that would change something, or issue a secret.
ALL: dict[str, dict[str, Any]] = {
    "quay_robot_token": ROBOT,
    "quay_application": APPLICATION,
    "quay_referrers_token": REFERRERS,
    "quay_api_token": API,
}

# The same of the modules that issue no token.
DIGEST = f"sha256:{'0' * 64}"
OTHERS: dict[str, dict[str, Any]] = {
    "quay_token_info": {"credentials": [{"name": "acme+ci", "kind": "robot"}], "force": ["acme+ci"]},
    "quay_user": {"name": "dora"},
    "quay_user_info": {},
    "quay_organization": {"name": "acme", "email": "billing@example.com"},
    "quay_team": {"organization": "acme", "name": "newcomers"},
    "quay_team_sync": {"organization": "acme", "team": "readers", "group_dn": "cn=readers,dc=example"},
    "quay_log_info": {"organization": "acme"},
    "quay_repository": {"repository": "acme/app", "description": "x"},
    "quay_repository_mirror": {"repository": "acme/app", "external_reference": "registry.example.com/app"},
    "quay_repository_build": {"repository": "acme/app", "archive_url": "https://git.example.com/app.tar.gz"},
    "quay_referrers_info": {"repository": "acme/app", "digest": DIGEST},
    "quay_api": {"path": "/api/v1/organization/acme/robots", "validate": "none"},
}

EVERY = ALL | OTHERS

every_module = pytest.mark.parametrize("module", ALL)
every_module_of_all = pytest.mark.parametrize("module", EVERY)


def every_feature(world: World) -> None:
    """Let the server have what some modules would miss before they come to the point."""
    world.quay.config.update(FEATURE_BUILD_SUPPORT=True, FEATURE_TEAM_SYNCING=True, AUTHENTICATION_TYPE="LDAP")


def assert_refused(world: World, module: str, arguments: dict[str, Any], *words: str) -> str:
    """Refused alike in check mode and for real, by these words; nothing is written anywhere."""
    messages = []
    state, files = world.state(), world.files()
    for check in (True, False):
        result = world.run(module, arguments, check=check)
        assert result.failed
        for part in words:
            assert part in result.message, result.message
        assert world.quay.journal.mints == []
        assert (world.state(), world.files()) == (state, files)
        messages.append(result.message)
    return messages[-1]
