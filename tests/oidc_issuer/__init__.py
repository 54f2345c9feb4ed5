# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OIDC issuer on the loopback interface, for tests: discovery, keys, and tokens for clients and for jobs of CI."""

from __future__ import annotations

from .issuer import Client, Job, OidcIssuer

__all__ = ["Client", "Job", "OidcIssuer"]
