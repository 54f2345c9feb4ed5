# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the part of a Kubernetes API server that stores Secrets."""

from __future__ import annotations

from .faults import Fault
from .server import StandinKubernetes

__all__ = ["Fault", "StandinKubernetes"]
