# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the test files that can run here."""

from __future__ import annotations

from importlib.util import find_spec

# trustme, which issues the certificates, is not installed for the Python of an old target.
collect_ignore = [] if find_spec("trustme") else ["test_vault_tls.py"]
