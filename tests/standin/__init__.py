# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a Quay registry, for tests and for manual trials. One process, all state in memory."""

from __future__ import annotations

from .server import Standin

__all__ = ["Standin"]
