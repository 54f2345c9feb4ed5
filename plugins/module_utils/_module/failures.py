# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What is said of an exception when it becomes a failure."""

from __future__ import annotations

import os

from .._core.errors import QuayError


def failure_message(error: Exception) -> str:
    """The message for people. The text of an unforeseen exception may hold a secret; its class and place cannot."""
    if isinstance(error, QuayError):
        return str(error)
    return f"Internal error: {type(error).__name__} {_location(error)}. Please report this as a defect."


def _location(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "at an unknown location"
    code = trace.tb_frame.f_code
    return f"in {code.co_name}, {os.path.basename(code.co_filename)} line {trace.tb_lineno}"
