# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of each fact of the wire contract, against a stand-in or a real Quay.

The number at the start of a test name is the section of the contract: 1 to 2_12 of its first part, p2_0 to p2_10 of its
second.
"""
