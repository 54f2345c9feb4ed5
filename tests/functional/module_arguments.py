# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments of a run for every module."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness

ROBOT = {"name": "acme+ci", "rotate": "always"}
APPLICATION = {"organization": "acme", "name": "automation", "description": "x"}
REFERRERS = {"repositories": ["acme/app"]}
API = {"organization": "acme", "application": "automation"}
APP = {"title": "laptop"}

# Modules that return a secret: a run that changes something or mints a token.
SECRET_MODULES: dict[str, dict[str, Any]] = {
    "quay_robot_token": ROBOT,
    "quay_application": APPLICATION,
    "quay_referrers_token": REFERRERS,
    "quay_api_token": API,
    "quay_app_token": APP,
    "quay_client_secret": {**API, "rotate": "always"},
}

# The other modules: a run that changes something, or a read.
DIGEST = f"sha256:{'0' * 64}"
ASSIGNED = {"uuid": "5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11", "state": "declined"}
OTHER_MODULES: dict[str, dict[str, Any]] = {
    "quay_token_info": {"credentials": [{"name": "acme+ci", "kind": "robot"}], "force": ["acme+ci"]},
    "quay_login_info": {
        "credentials": [{"name": "acme+ci", "kind": "robot", "deliver": [{"kind": "file", "path": "/tmp/ci"}]}]
    },
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
    "quay_assigned_token": ASSIGNED,
    "quay_assigned_token_info": {},
    "quay_api": {"path": "/api/v1/organization/acme/robots", "validate": "none"},
}

ALL_MODULES = SECRET_MODULES | OTHER_MODULES

each_secret_module = pytest.mark.parametrize("module", SECRET_MODULES)
each_module = pytest.mark.parametrize("module", ALL_MODULES)


def enable_all_features(harness: Harness) -> None:
    """Enable the features of the server that some modules check first."""
    harness.quay.config.update(FEATURE_BUILD_SUPPORT=True, FEATURE_TEAM_SYNCING=True, AUTHENTICATION_TYPE="LDAP")
