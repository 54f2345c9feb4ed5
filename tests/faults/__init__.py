# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every request and every file operation of a rotation, and every fault at each of them: what holds afterwards.

`python -m faults` goes through all of them and prints the matrix; pytest runs a part of it.
"""
