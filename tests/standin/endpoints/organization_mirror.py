# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mirror of a complete organization. Only its robot is of interest here: Quay does not protect it from deletion."""

from __future__ import annotations

from typing import Any

from .. import rights
from ..errors import not_found
from ..quay import quay
from ..routing import Routes, require

routes = Routes()


@routes.add("GET", "/organization/<orgname>/mirror", feature="ORG_MIRROR")
def get(orgname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    robot = quay().state.organizations[orgname].mirror_robot
    if robot is None:
        raise not_found()
    return {"is_enabled": True, "external_registry_type": "harbor", "robot_username": robot}
