# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix: every fault at every request and file operation of a rotation, and checks afterwards.

A cell of the matrix is one rotation (a scenario) with one fault at one point. `python -m faults` runs all cells and
prints the matrix. pytest runs a part of it.
"""
