# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who stole a secret: they keep a registry token, and use it as a password again and again."""

from __future__ import annotations

import requests

from functional.harness import Harness


class Thief:
    """Holds a registry token that was issued for a robot's secret."""

    def __init__(self, harness: Harness, robot: str, secret: str) -> None:
        self._harness = harness
        self._robot = robot
        self._token = secret
        assert self.has_access()

    def has_access(self) -> bool:
        """Log in with the registry token, and keep the new one."""
        quay = self._harness.quay
        response = requests.get(
            f"{quay.url}/v2/auth",
            params={"service": quay.config["SERVER_HOSTNAME"], "scope": "repository:acme/app:pull"},
            auth=(self._robot, self._token),
            timeout=10,
            verify=quay.ca_path or True,
        )
        if response.status_code == 200:
            self._token = str(response.json()["token"])
            return True
        assert response.status_code == 401, response.status_code
        return False
