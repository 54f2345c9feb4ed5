# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that every module of the collection documents."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict the changed status without modifying anything.
  diff_mode:
    description: Returns details on what has changed, or would change in check mode. The diff never contains a secret.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second run reports no change.
      - This assumes that nothing else changes the same object in Quay between the two runs.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/tokensmith.quay.quay) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - tokensmith.quay.quay
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify state.
  diff_mode:
    support: N/A
    details:
      - This module does not modify state.
  idempotent:
    support: full
    details:
      - This module does not modify state.
"""
