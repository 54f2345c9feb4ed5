# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints, one file for each topic. A new file must be added to `ALL`."""

from __future__ import annotations

from ..routing import Routes
from . import (
    app_tokens,
    application_tokens,
    applications,
    bootstrap,
    builds,
    discovery,
    logs,
    mirrors,
    notifications,
    oauth_flow,
    organization_mirror,
    organizations,
    permissions,
    prototypes,
    registry,
    registry_auth,
    repositories,
    robots,
    server,
    superuser,
    teams,
    users,
)

ALL: tuple[Routes, ...] = (
    server.routes,
    users.routes,
    bootstrap.routes,
    notifications.routes,
    organizations.routes,
    organization_mirror.routes,
    applications.routes,
    application_tokens.routes,
    oauth_flow.routes,
    app_tokens.routes,
    robots.routes,
    teams.routes,
    prototypes.routes,
    repositories.routes,
    permissions.routes,
    mirrors.routes,
    builds.routes,
    logs.routes,
    superuser.routes,
    registry_auth.routes,
    registry.routes,
    discovery.routes,
)

discovery.set_described_routes(ALL)
