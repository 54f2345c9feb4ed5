# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Client libraries that only some kinds of stores need. They are imported where they are used, and may be missing."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from .._core.errors import BadInput


def load_library(name: str, kind: str) -> ModuleType:
    """The Python library of this name. Raises BadInput if it is missing. ``kind``: the kind of store that needs it."""
    try:
        return import_module(name)
    except ImportError:
        raise BadInput(
            f"A store of the kind {kind} needs the Python library {name}, which {sys.executable} cannot import. Install "
            "it for this Python, or set ansible_python_interpreter to one that has it"
        ) from None
