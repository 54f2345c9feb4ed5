# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs quay_assigned_token on this machine without packing it."""

from __future__ import annotations

from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectModule


class ActionModule(DirectModule):
    """The action of quay_assigned_token."""
