# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagrams of the guides: `python -m diagrams` draws them from figures/*.yml and writes them into the guides.

antsibull-docs takes only the .rst files of a collection, so each drawing is a part of its guide.
"""
